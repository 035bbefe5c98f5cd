from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.controllers.health import (
    ORDER,
    aggregate,
    gate,
    has_health,
    health_overrides,
    live_health,
    rollout_health,
)


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("argoproj.io", "Rollout", True),
        ("argoproj.io", "AnalysisRun", True),
        ("argoproj.io", "AnalysisTemplate", False),
        ("argoproj.io", "Application", False),
        ("apps", "Deployment", True),
        ("", "Service", True),
        ("", "ConfigMap", False),
        ("", "Secret", False),
        ("", "Namespace", False),
        ("networking.istio.io", "VirtualService", False),
        ("networking.istio.io", "DestinationRule", False),
        ("gateway.networking.k8s.io", "HTTPRoute", True),
        ("networking.k8s.io", "Ingress", True),
        ("batch", "Job", True),
        ("keda.sh", "ScaledObject", True),
        ("rds.aws.crossplane.io", "DBInstance", True),
        ("ec2.aws.upbound.io", "VPC", True),
        ("example.org", "Rollout", False),
        ("apps", "Rollout", False),
    ],
)
def test_which_kinds_have_a_health_check(group: str, kind: str, expected: bool) -> None:
    assert has_health(group, kind) is expected


def test_argocd_cm_adds_health_checks() -> None:
    overrides = health_overrides(
        {
            "resource.customizations.health.networking.istio.io_VirtualService": "return {}",
            "resource.customizations.health.ConfigMap": "return {}",
            "resource.customizations.health.example.org_Empty": "",
            "resource.customizations.ignoreDifferences.apps_Deployment": "jsonPointers: []",
        }
    )
    assert overrides == {"networking.istio.io/VirtualService", "ConfigMap"}
    assert has_health("networking.istio.io", "VirtualService", overrides)
    assert gate("", "ConfigMap", overrides=overrides) is not None
    assert gate("networking.istio.io", "DestinationRule", overrides=overrides) is None


@pytest.mark.parametrize(
    ("group", "kind", "spec", "words"),
    [
        ("", "ConfigMap", {}, None),
        ("", "Service", {"type": "ClusterIP"}, None),
        ("", "Service", {}, None),
        ("", "Service", {"type": "LoadBalancer"}, "until it has an address"),
        ("batch", "CronJob", {}, None),
        ("batch", "Job", {}, "until the Job has finished"),
        ("batch", "Job", {"suspend": True}, "until a person resumes it: `spec.suspend` is set"),
        ("argoproj.io", "Rollout", {}, "until it is promoted"),
        ("argoproj.io", "Rollout", {"paused": True}, "until a person resumes it: `spec.paused` is set"),
        ("", "Pod", {"restartPolicy": "Never"}, "until the Pod has finished"),
        ("", "Pod", {}, "until the Pod is ready"),
        ("external-secrets.io", "ExternalSecret", {}, "until its health check calls it healthy"),
        ("apps", "Deployment", None, "until its pods are updated and available"),
    ],
)
def test_what_a_wave_waits_for(group: str, kind: str, spec: Any, words: str | None) -> None:
    found = gate(group, kind, {"spec": spec})
    assert (found.words if found else None) == words
    assert bool(found and found.person) is bool(words and "person" in words)


def rollout(status: Any, spec: Any = None, generation: Any = 3, annotations: Any = None) -> dict[str, Any]:
    return {"metadata": {"generation": generation, "annotations": annotations}, "spec": spec or {}, "status": status}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (rollout(None), "Progressing"),
        (rollout({"observedGeneration": "3", "phase": "Healthy"}), "Healthy"),
        (rollout({"observedGeneration": "2", "phase": "Healthy"}), "Progressing"),
        (rollout({"observedGeneration": 2, "phase": "Degraded"}), "Progressing"),
        (rollout({"observedGeneration": "7bc", "phase": "Healthy"}), "Healthy"),
        (rollout({"observedGeneration": "3", "phase": "Paused"}), "Suspended"),
        (rollout({"observedGeneration": "3", "phase": "Degraded"}), "Degraded"),
        (rollout({"observedGeneration": "3", "phase": "Progressing"}), "Progressing"),
        (
            rollout(
                {"observedGeneration": "3", "phase": "Healthy", "workloadObservedGeneration": "1"},
                {"workloadRef": {"name": "cart"}},
                annotations={"rollout.argoproj.io/workload-generation": "2"},
            ),
            "Progressing",
        ),
        (
            rollout(
                {"observedGeneration": "3", "phase": "Healthy", "workloadObservedGeneration": "2"},
                {"workloadRef": {"name": "cart"}},
                annotations={"rollout.argoproj.io/workload-generation": "2"},
            ),
            "Healthy",
        ),
        (rollout({"conditions": [{"type": "InvalidSpec"}]}), "Degraded"),
        (rollout({"conditions": [{"type": "Progressing", "reason": "RolloutAborted"}]}), "Degraded"),
        (rollout({"conditions": [], "pauseConditions": [{"reason": "CanaryPauseStep"}]}), "Suspended"),
        (rollout({"conditions": [], "updatedReplicas": 1}, {"replicas": 2}), "Progressing"),
        (
            rollout(
                {"updatedReplicas": 1, "availableReplicas": 1, "currentPodHash": "a", "stableRS": "a", "replicas": 1},
                {"strategy": {"canary": {}}},
            ),
            "Healthy",
        ),
        (
            rollout(
                {"updatedReplicas": 1, "availableReplicas": 1, "currentPodHash": "b", "stableRS": "a", "replicas": 1},
                {"strategy": {"canary": {}}},
            ),
            "Progressing",
        ),
        ({}, "Progressing"),
        ({"status": [], "metadata": 3, "spec": ""}, "Progressing"),
    ],
)
def test_the_health_of_a_rollout_by_its_status(manifest: dict[str, Any], expected: str) -> None:
    assert rollout_health(manifest) == expected


def live(kind: str, status: Any, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    version, _, name = kind.rpartition("/")
    return {"apiVersion": version, "kind": name, "metadata": metadata, "spec": spec or {}, "status": status}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (live("argoproj.io/v1alpha1/Rollout", {"phase": "Paused"}), "Suspended"),
        (live("argoproj.io/v1alpha1/Rollout", {"phase": "Healthy"}, deletionTimestamp="now"), "Progressing"),
        (live("argoproj.io/v1alpha1/AnalysisRun", {"phase": "Inconclusive"}), "Unknown"),
        (live("argoproj.io/v1alpha1/AnalysisRun", {"phase": "Error"}), "Degraded"),
        (live("argoproj.io/v1alpha1/Experiment", {"phase": "Running"}), "Progressing"),
        (live("batch/v1/Job", {}), "Progressing"),
        (live("batch/v1/Job", {"conditions": [{"type": "Complete", "status": "True"}]}), "Healthy"),
        (live("batch/v1/Job", {"conditions": [{"type": "Failed"}]}), "Degraded"),
        (live("batch/v1/Job", {"conditions": [{"type": "Suspended", "status": "True"}]}), "Suspended"),
        (live("apps/v1/Deployment", {}, {"paused": True}), "Suspended"),
        (live("apps/v1/Deployment", {"observedGeneration": 1}, generation=2), "Progressing"),
        (live("apps/v1/Deployment", {"updatedReplicas": 2, "replicas": 2, "availableReplicas": 2}), "Healthy"),
        (live("apps/v1/Deployment", {"updatedReplicas": 2, "replicas": 3, "availableReplicas": 3}), "Progressing"),
        (live("apps/v1/DaemonSet", {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}), "Progressing"),
        (live("v1/PersistentVolumeClaim", {"phase": "Pending"}), "Progressing"),
        (live("v1/Service", {}, {"type": "LoadBalancer"}), "Progressing"),
        (live("v1/Service", {}), "Healthy"),
        (live("networking.k8s.io/v1/Ingress", {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}), "Healthy"),
        (live("example.org/v1/Thing", {}), None),
        (live("v1/ConfigMap", {}), None),
    ],
)
def test_the_health_of_a_live_object(manifest: dict[str, Any], expected: str | None) -> None:
    assert live_health(manifest) == expected


def test_the_worst_object_gives_the_health_of_the_application() -> None:
    assert aggregate(["Healthy", "Suspended", "Progressing"]) == "Progressing"
    assert aggregate(["Degraded", "Progressing", "Suspended"]) == "Degraded"
    assert aggregate(["Missing", "Healthy"]) == "Healthy"
    assert aggregate([]) == "Healthy"
    assert ORDER[0] == "Healthy"
    assert ORDER[-1] == "Unknown"
