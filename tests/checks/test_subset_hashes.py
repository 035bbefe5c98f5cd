"""RL655: the hash in the subsets of a DestinationRule that is compared on the server's side."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rolloutlint.settings import Settings
from tests.harness import lint

ISTIO = "networking.istio.io"
SSA = "ServerSideApply=true"
HASH = '.spec.subsets[]?.labels["rollouts-pod-template-hash"]'


def application(
    *options: str, ignore: tuple[str, ...] = (), heal: bool = True, annotations: Any = None
) -> dict[str, Any]:
    rules = [{"group": ISTIO, "kind": "DestinationRule", "jqPathExpressions": list(ignore)}] if ignore else []
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd", "annotations": annotations or {}},
        "spec": {
            "project": "shop",
            "source": {"repoURL": "https://git.example/shop/deploy.git", "path": "workloads", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"syncOptions": list(options), "automated": {"selfHeal": heal}},
            "ignoreDifferences": rules,
        },
    }


def rollout() -> dict[str, Any]:
    rule = {"name": "web", "stableSubsetName": "stable", "canarySubsetName": "canary"}
    routing = {"istio": {"virtualService": {"name": "web"}, "destinationRule": rule}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"strategy": {"canary": {"trafficRouting": routing, "steps": [{"setWeight": 5}]}}},
    }


def destination_rule(
    labels: Any = None, annotations: Any = None, names: tuple[str, ...] = ("stable", "canary")
) -> dict[str, Any]:
    subsets = [{"name": name, **({"labels": labels} if labels is not None else {})} for name in names]
    return {
        "apiVersion": f"{ISTIO}/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "web", "namespace": "shop", "annotations": annotations or {}},
        "spec": {"host": "web", "subsets": subsets},
    }


def found(app: dict[str, Any], *delivered: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, first words of the consequence) of every finding."""
    files = {"apps/shop.yaml": yaml.safe_dump(app), "workloads/web.yaml": yaml.safe_dump_all(delivered)}
    report = lint(files, Settings(select=("RL655",)))
    assert not report.lost
    return [(f.path, " ".join(f.finding.consequence.split()[:1])) for f in report.active]


LABELS = {"app": "web"}


@pytest.mark.parametrize(
    ("name", "app", "rule", "expected"),
    [
        ("nothing ignores it", application(SSA), destination_rule(LABELS), [("metadata.name", "Self-heal")]),
        ("not healed", application(SSA, heal=False), destination_rule(LABELS), [("metadata.name", "The")]),
        (
            "compared on the server",
            application(annotations={"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}),
            destination_rule(LABELS),
            [("metadata.name", "Self-heal")],
        ),
        (
            "applied so alone",
            application(),
            destination_rule(LABELS, {"argocd.argoproj.io/sync-options": SSA}),
            [("metadata.name", "Self-heal")],
        ),
        ("ignored", application(SSA, ignore=(HASH,)), destination_rule(LABELS), []),
        ("all labels ignored", application(SSA, ignore=(".spec.subsets[]?.labels",)), destination_rule(), []),
        (
            "ignored, but empty labels are left",
            application(SSA, ignore=(HASH,)),
            destination_rule(),
            [("spec.ignoreDifferences", "Self-heal")],
        ),
        ("empty in Git too", application(SSA, ignore=(HASH,)), destination_rule({}), []),
        ("another field ignored", application(SSA, ignore=(".spec.host",)), destination_rule(LABELS), [
            ("spec.ignoreDifferences", "Self-heal")
        ]),
        ("three-way", application(), destination_rule(LABELS), []),
        ("in Git", application(SSA), destination_rule({"rollouts-pod-template-hash": "abc"}), []),
        ("more subsets", application(SSA), destination_rule(LABELS, names=("stable", "canary", "old")), []),
        (
            "a hook",
            application(SSA),
            destination_rule(LABELS, {"argocd.argoproj.io/hook": "PreSync"}),
            [],
        ),
        ("malformed", application(SSA), {**destination_rule(), "spec": {"subsets": "none"}}, []),
    ],
)  # fmt: skip
def test_the_hash_is_compared_with_the_list_around_it(name: str, app: Any, rule: Any, expected: Any) -> None:
    assert found(app, rollout(), rule) == expected, name


def test_without_a_rollout_nothing_writes_a_hash() -> None:
    assert found(application(SSA), destination_rule(LABELS)) == []


def test_rules_of_argocd_cm_may_ignore_it() -> None:
    key = f"resource.customizations.ignoreDifferences.{ISTIO}_DestinationRule"
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": {key: "{}"}}
    assert found(application(SSA), rollout(), destination_rule(LABELS), config) == []
