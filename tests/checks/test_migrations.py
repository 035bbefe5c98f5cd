"""RL820 to RL823: plans in which a Rollout takes over from a Deployment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rolloutlint.change.result import Mode
from rolloutlint.settings import Settings
from tests.plan.planning import plan_and_report

RULES = ("RL820", "RL821", "RL822", "RL823")
LABELS = {"app": "web"}
STEPS = [{"setWeight": 20}, {"pause": {}}]
NAMED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def obj(api: str, kind: str, name: str, annotations: Any = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations or {}},
        "spec": spec,
    }


def template(image: str) -> dict[str, Any]:
    proxy = {"name": "proxy", "image": "registry.example/proxy:1"}
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [proxy, {"name": "web", "image": image}]}}


def deployment(replicas: Any = 4, image: str = "web:1", annotations: Any = None) -> dict[str, Any]:
    count = {} if replicas is None else {"replicas": replicas}
    return obj(
        "apps/v1",
        "Deployment",
        "web",
        annotations,
        selector={"matchLabels": LABELS},
        template=template(image),
        **count,
    )


def rollout(image: str = "web:1", annotations: Any = None, **spec: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"replicas": 4, "selector": {"matchLabels": LABELS}, "template": template(image)}
    return obj(
        "argoproj.io/v1alpha1",
        "Rollout",
        "web",
        annotations,
        **{**base, "strategy": {"canary": {"steps": STEPS}}, **spec},
    )


def referring(replicas: Any = 4, down: str = "onsuccess") -> dict[str, Any]:
    made = rollout(replicas=replicas, workloadRef={**NAMED, "scaleDown": down})
    del made["spec"]["template"]
    if replicas is None:
        del made["spec"]["replicas"]
    return made


def service(**selector: str) -> dict[str, Any]:
    return obj("v1", "Service", "web", selector=selector or LABELS, ports=[{"port": 80}])


def autoscaler() -> dict[str, Any]:
    target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}
    return obj("autoscaling/v2", "HorizontalPodAutoscaler", "web", scaleTargetRef=target, minReplicas=2, maxReplicas=9)


def found(before: list[dict[str, Any]], after: list[dict[str, Any]], mode: Mode = "git") -> list[str]:
    texts = [yaml.safe_dump_all(objects, sort_keys=False) for objects in (before, after)]
    _, report = plan_and_report(texts[0], texts[1], Settings(select=RULES), mode)
    assert not report.lost
    return [f"{f.finding.rule} {f.path}" for f in report.active]


def wave(number: int) -> dict[str, str]:
    return {"argocd.argoproj.io/sync-wave": str(number)}


@pytest.mark.parametrize("mode", ["git", "live"])
@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("to 0 beside", [deployment()], [deployment(0), rollout()], ["RL820 spec.replicas"]),
        ("to 0 and named", [deployment()], [deployment(0), referring()], ["RL820 spec.replicas"]),
        ("to 0 later", [deployment(), rollout()], [deployment(0), rollout()], []),
        ("at 0 before", [deployment(0)], [deployment(0), rollout("web:2")], []),
        ("new at 0", [service()], [deployment(0), rollout()], []),
        ("fewer", [deployment()], [deployment(), rollout()], []),
        ("smaller", [deployment()], [deployment(), referring(2)], ["RL821 spec.replicas"]),
        ("bit by bit", [deployment()], [deployment(), referring(2, "progressively")], ["RL821 spec.replicas"]),
        ("none stated", [deployment()], [deployment(), referring(None)], ["RL821 spec.workloadRef.scaleDown"]),
        ("never down", [deployment()], [deployment(), referring(2, "never")], []),
        ("larger", [deployment()], [deployment(), referring(5)], []),
        ("scaled", [deployment()], [deployment(), referring(None), autoscaler()], []),
        ("both states", [deployment(), referring(2)], [deployment(), referring(2)], []),
        (
            "another image",
            [deployment()],
            [deployment(), rollout("web:2")],
            ["RL822 spec.template.spec.containers[1].image"],
        ),
        (
            "another image of the named one",
            [deployment()],
            [deployment(image="web:2"), referring()],
            ["RL822 spec.template.spec.containers[1].image"],
        ),
        ("the same image", [deployment()], [deployment(), rollout()], []),
        ("a later image", [deployment(), rollout()], [deployment(), rollout("web:2")], []),
        ("no steps", [deployment()], [deployment(), rollout("web:2", strategy={"canary": {}})], []),
        ("an image filled in later", [deployment()], [deployment(), rollout("web:${TAG}")], []),
        (
            "other pods",
            [deployment()],
            [deployment(), rollout("web:2", selector={"matchLabels": {"app": "other"}})],
            [],
        ),
        (
            "pinned",
            [deployment(), service()],
            [deployment(), service(), rollout(strategy={"canary": {"stableService": "web", "steps": STEPS}})],
            ["RL823 spec.strategy.canary.stableService"],
        ),
        (
            "active",
            [deployment(), service()],
            [deployment(), service(), rollout(strategy={"blueGreen": {"activeService": "web"}})],
            ["RL823 spec.strategy.blueGreen.activeService"],
        ),
        (
            "a Service of its own",
            [deployment()],
            [deployment(), service(), rollout(strategy={"blueGreen": {"activeService": "web"}})],
            [],
        ),
        (
            "a Service of others",
            [deployment(), service(app="other")],
            [deployment(), service(app="other"), rollout(strategy={"blueGreen": {"activeService": "web"}})],
            [],
        ),
        ("shapes that are none", [deployment()], [deployment("four"), rollout(strategy=[], selector="x")], []),
    ],
)
def test_what_happens_when_the_rollout_comes(
    name: str, before: list[Any], after: list[Any], expected: list[str], mode: Mode
) -> None:
    assert found(before, after, mode) == expected, name


def test_a_rollout_that_is_healthy_before_the_deployment_is_touched_leaves_no_gap() -> None:
    before = [deployment(annotations=wave(1))]
    assert found(before, [deployment(0, annotations=wave(1)), rollout(annotations=wave(0))]) == []


def test_a_deployment_without_replicas_has_some_pods() -> None:
    assert found([deployment(None)], [deployment(0), rollout()]) == ["RL820 spec.replicas"]
    assert found([deployment(None)], [deployment(None), referring(1)]) == []
