"""A mistyped apiVersion or kind is recognised; a foreign one is left alone."""

from __future__ import annotations

import pytest

from rolloutlint.schema import KINDS, kind_problem
from rolloutlint.schema.load import BUILT_IN, CUSTOM


@pytest.mark.parametrize(
    "api_version, kind, code, meant",
    [
        ("argoproj.io/v1", "Rollout", "unknown-version", "argoproj.io/v1alpha1"),
        ("argoproj.io/v1beta1", "AnalysisTemplate", "unknown-version", "argoproj.io/v1alpha1"),
        ("networking.istio.io/v1alpha1", "VirtualService", "unknown-version", "networking.istio.io/v1"),
        ("apps/v2", "Deployment", "unknown-version", "apps/v1"),
        ("argoprj.io/v1alpha1", "Rollout", "group-typo", "argoproj.io/v1alpha1"),
        ("argorollouts.io/v1alpha1", "Rollout", "group-typo", "argoproj.io/v1alpha1"),
        ("argo-rollouts.io/v1", "ClusterAnalysisTemplate", "group-typo", "argoproj.io/v1alpha1"),
        ("apps/v1", "Rollout", "group-typo", "argoproj.io/v1alpha1"),
        ("v1alpha1", "Rollout", "group-typo", "argoproj.io/v1alpha1"),
        ("core/v1", "Service", "group-typo", "v1"),
        ("v1", "Deployment", "group-typo", "apps/v1"),
        ("app/v1", "Deployment", "group-typo", "apps/v1"),
        ("autoscaling/v1", "VerticalPodAutoscaler", "group-typo", "autoscaling.k8s.io/v1"),
        ("keda.sh/v1", "ScaledObject", "unknown-version", "keda.sh/v1alpha1"),
        ("networking.istoi.io/v1beta1", "DestinationRule", "group-typo", "networking.istio.io/v1beta1"),
    ],
)
def test_an_api_version_that_nobody_serves_is_told(api_version: str, kind: str, code: str, meant: str) -> None:
    problem = kind_problem(api_version, kind)
    assert problem is not None
    assert (problem.code, problem.api_version, problem.kind) == (code, meant, kind)


def test_a_kind_in_other_case_is_told() -> None:
    problem = kind_problem("argoproj.io/v1alpha1", "Analysistemplate")
    assert problem is not None
    assert (problem.code, problem.kind) == ("kind-case", "AnalysisTemplate")


@pytest.mark.parametrize(
    "api_version, kind",
    [
        ("app.k8s.io/v1beta1", "Application"),
        ("serving.knative.dev/v1", "Service"),
        ("rollouts.kruise.io/v1beta1", "Rollout"),
        ("gateway.networking.x-k8s.io/v1alpha1", "Gateway"),
        ("gateway.solo.io/v1", "VirtualService"),
        ("appmesh.k8s.aws/v1beta2", "VirtualService"),
        ("x.getambassador.io/v3alpha1", "Mapping"),
        ("getambassador.io/v2", "Mapping"),
        ("traefik.containo.us/v1alpha1", "TraefikService"),
        ("kubeflow.org/v1beta1", "Experiment"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("extensions/v1beta1", "Ingress"),
        ("argoproj.io/v1alpha1", "Workflow"),
        ("example.com/v1", "rollout"),
        ("a/b/c", "Rollout"),
        ("/v1", "Service"),
        ("argoproj.io/", "Rollout"),
        (None, "Rollout"),
        ("v1", 3),
    ],
)
def test_what_is_not_certain_is_not_claimed(api_version: object, kind: object) -> None:
    assert kind_problem(api_version, kind) is None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_group_and_version_of_a_known_kind_is_fine(kind: str) -> None:
    served = [f"{group}/{version}" if group else version for group, versions in KINDS[kind] for version in versions]
    assert [kind_problem(api_version, kind) for api_version in served] == [None] * len(served)


def test_every_shipped_schema_is_of_a_known_kind() -> None:
    served = [(group, version, kind) for kind in KINDS for group, versions in KINDS[kind] for version in versions]
    assert {(group, kind) for group, _, kind in served} >= CUSTOM
    assert {(f"{group}/{version}".lstrip("/"), kind) for group, version, kind in served} >= BUILT_IN
