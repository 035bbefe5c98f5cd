"""RL150 to RL156: pods and weights of a canary at their edges."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.replicas import basic_counts, basic_target, real_share
from rolloutlint.graph import Layout
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

RULES = tuple(f"RL{n}" for n in range(150, 157))
ROUTED = "trafficRouting: {alb: {ingress: cart, servicePort: 80}}"
ISTIO = "trafficRouting: {managedRoutes: [{name: testers}], istio: {virtualService: {name: cart}}}"
PAUSE = "{pause: {duration: 60}}"
BASE = "spec.strategy.canary."

HPA = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart, namespace: shop}
spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}}
"""


def rollout(strategy: str, spec: str = "replicas: 4") -> str:
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart, namespace: shop}}
spec: {{{spec}, strategy: {{{strategy}}}}}
"""


def canary(steps: str, replicas: object = 4, extra: str = "") -> str:
    return rollout(f"canary: {{{extra + ', ' if extra else ''}steps: [{steps}]}}", f"replicas: {replicas}")


def paths(text: str, rule: str, target: str = "1.9") -> list[str]:
    major, minor = map(int, target.split("."))
    report = lint(text, Settings(select=(rule,), targets=Targets(rollouts=Version(major, minor))))
    assert not report.lost
    return [path.removeprefix(BASE) for _, _, path in found(report)]


def message(text: str, rule: str) -> str:
    (only,) = lint(text, Settings(select=(rule,))).active
    return f"{only.finding.message}: {only.finding.consequence}"


def held(*weights: object) -> str:
    return ", ".join(f"{{setWeight: {weight}}}, {PAUSE}" for weight in weights)


@pytest.mark.parametrize(
    ("replicas", "weight", "far"),
    [
        (1, 20, True),
        (1, 25, True),
        (1, 26, False),
        (2, 16, True),
        (2, 17, False),
        (3, 5, True),
        (3, 10, True),
        (3, 11, False),
        (4, 5, True),
        (4, 6, False),
        (5, 1, True),
        (5, 2, False),
        (6, 1, False),
        (10, 1, False),
        (3, 100, False),
        (1, 90, False),
    ],
)
def test_a_share_is_far_when_it_is_twice_the_weight_and_15_points_more(replicas: int, weight: int, far: bool) -> None:
    assert paths(canary(held(weight), replicas), "RL150") == (["steps[0].setWeight"] if far else [])


def test_every_far_share_is_found_and_no_other() -> None:
    for replicas in range(1, 9):
        for surge in (0, 1):
            shares = {w: real_share(replicas, w, surge, 1) for w in range(1, 100)}
            far = [
                f"steps[{2 * (w - 1)}].setWeight"
                for w, share in shares.items()
                if share is not None and share < 1 and share >= 2 * Fraction(w, 100) and share * 100 - w >= 15
            ]
            text = canary(held(*shares), replicas, f"maxSurge: {surge}, maxUnavailable: 1")
            assert paths(text, "RL150") == far[:1], (replicas, surge)


def test_the_share_is_quoted_with_the_pods_it_comes_from() -> None:
    said = message(canary(held(5), 3), "RL150")
    assert "`setWeight: 5` of 3 replicas makes 1 of 4 pods new, which is 25 %" in said


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{{setWeight: 50}}, {PAUSE}, {held(5)}, {held(6)}", ["steps[2].setWeight"]),
        ("{setWeight: 5}, {setWeight: 50}, {pause: {}}", []),
        ("{setWeight: 5}", []),
        ("{setWeight: 5}, {pause: {duration: 0}}, {setWeight: 50}, {pause: {}}", []),
        ("{setWeight: 5}, {plugin: {name: a/b}}", ["steps[0].setWeight"]),
        ("{setWeight: 5}, {analysis: {templates: []}}", ["steps[0].setWeight"]),
        ("{setWeight: 0}, {pause: {}}", []),
        ("{setWeight: 5.0}, {pause: {}}", ["steps[0].setWeight"]),
        ("{setWeight: '5'}, {pause: {}}", []),
        ("{setWeight: '{{ x }}'}, {pause: {}}", []),
        ("{setWeight: null}, {pause: {}}", []),
        ("{setWeight: true}, {pause: {}}", []),
        ("{setWeight: 5}, pause", []),
        ("{setWeight: 5}, {pause: {}}, {setWeight: 101}", []),
        ("{setWeight: 5}, {pause: {}}, {setWeight: -1}", []),
    ],
)
def test_only_weights_that_a_readable_staircase_rests_at_are_compared(steps: str, expected: list[str]) -> None:
    assert paths(canary(steps, 3), "RL150") == expected


@pytest.mark.parametrize(
    "extra",
    [
        ROUTED,
        "trafficRouting: {}",
        "trafficRouting: '{{ x }}'",
        "maxSurge: 0, maxUnavailable: 0",
        "maxSurge: abc",
        "maxSurge: '{{ x }}'",
        "maxSurge: 1.5",
        "maxSurge: -1",
        "maxSurge: [1]",
        "maxUnavailable: {}",
    ],
)
def test_pods_that_the_manifest_does_not_decide_are_not_compared(extra: str) -> None:
    assert paths(canary(held(5), 3), "RL150") == ["steps[0].setWeight"]
    assert paths(canary(held(5), 3, extra), "RL150") == []


@pytest.mark.parametrize("replicas", ["null", "'3'", "'{{ x }}'", "0", "-3", "1.5", "true", "[]"])
def test_unknown_replicas_say_nothing(replicas: str) -> None:
    both = [paths(canary(held(5), replicas), "RL150"), paths(canary(held(25), replicas, "maxSurge: 0"), "RL151")]
    assert both == [[], []]


def test_replicas_that_are_not_written_say_nothing() -> None:
    text = rollout(f"canary: {{maxSurge: 0, steps: [{held(5)}]}}", "revisionHistoryLimit: 3")
    assert [paths(text, rule) for rule in ("RL150", "RL151")] == [[], []]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("RL150", canary(held(5), 3)),
        ("RL151", canary(held(90), 5, "maxSurge: 0")),
        ("RL152", canary(held(20, 25), 3)),
        ("RL153", canary(f"{{setCanaryScale: {{replicas: 1}}}}, {held(50)}", 10, ROUTED)),
    ],
)
def test_an_autoscaler_makes_the_pods_unknown(rule: str, text: str) -> None:
    assert len(paths(text, rule)) == 1
    assert paths(text + HPA, rule) == []
    assert len(paths(text + HPA.replace("name: cart}}", "name: other}}"), rule)) == 1


def test_the_other_strategy_has_no_steps() -> None:
    steps = f"steps: [{held(5)}]"
    text = rollout(f"blueGreen: {{activeService: cart, maxSurge: 0, {steps}}}", "replicas: 1")
    both = rollout(f"blueGreen: {{activeService: cart}}, canary: {{maxSurge: 0, {steps}}}", "replicas: 1")
    assert [paths(t, rule) for t in (text, both) for rule in RULES] == [[]] * 2 * len(RULES)


def test_a_rollout_in_a_list_is_found_in_it() -> None:
    item = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart"},
        "spec": {"replicas": 3, "strategy": {"canary": {"steps": [{"setWeight": 5}, {"pause": {}}]}}},
    }
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "X"}, item]})
    assert paths(text, "RL150") == ["items[1].spec.strategy.canary.steps[0].setWeight"]


def test_the_zero_canary_hole_is_found_wherever_it_is() -> None:
    for replicas, weight in [(2, 75), (5, 90), (10, 95), (25, 98), (50, 99)]:
        text = canary(held(weight - 1, weight), replicas, "maxSurge: 0")
        assert paths(text, "RL151") == ["steps[2].setWeight"], (replicas, weight)
        assert basic_counts(replicas, weight - 1, 0, None) != basic_counts(replicas, weight, 0, None)


def test_every_weight_that_leaves_no_canary_pod_is_found_and_no_other() -> None:
    for replicas in (1, 2, 3, 5, 8, 10):
        steps = range(1, 100)
        empty = [f"steps[{2 * (w - 1)}].setWeight" for w in steps if not basic_target(replicas, w, 0).canary]
        found_there = paths(canary(held(*steps), replicas, "maxSurge: '0%', maxUnavailable: 1"), "RL151")
        assert found_there == empty[:1] if replicas == 1 else found_there == empty


@pytest.mark.parametrize(
    ("steps", "replicas", "extra", "expected"),
    [
        ("{setWeight: 90}", 5, "maxSurge: 0", 1),
        ("{setWeight: 90}", 5, "maxSurge: 1", 0),
        ("{setWeight: 90}", 5, "maxSurge: '1%'", 0),
        ("{setWeight: 90}", 5, "maxSurge: 0, maxUnavailable: 0", 0),
        ("{setWeight: 90}", 5, "maxSurge: 0, maxUnavailable: '0%'", 0),
        ("{setWeight: 90}", 5, f"maxSurge: 0, {ROUTED}", 0),
        (held(49), 1, "maxSurge: 0", 1),
        (held(50), 1, "maxSurge: 0", 0),
        ("{setWeight: 20}, {setWeight: 60}, {pause: {}}", 1, "maxSurge: 0", 0),
    ],
)
def test_no_canary_pod_needs_no_surge(steps: str, replicas: int, extra: str, expected: int) -> None:
    assert len(paths(canary(steps, replicas, extra), "RL151")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (canary(held(20, 25, 50), 3), ["steps[2].setWeight"]),
        (canary(held(10, 20, 40, 60, 80), 1), ["steps[2].setWeight"]),
        (canary(held(25, 50, 66, 75), 3), []),
        (canary(held(20, 20, 50, 50), 10), ["steps[2].setWeight", "steps[6].setWeight"]),
        (canary(held(0, 0), 10), ["steps[2].setWeight"]),
        (canary(held(0, 20), 10), []),
        (canary(held(20, 50, 20), 10), []),
        (canary(held(20, 25), 3, ROUTED), []),
        (canary(held(20, 20), 3, ROUTED), ["steps[2].setWeight"]),
        (canary(held(20, 20), "null"), ["steps[2].setWeight"]),
        (canary(held(20, 25), "null"), []),
        (canary(held(20, "'x'", 20), 3), []),
        (canary(held(25, 49), 1, "maxSurge: 0"), []),
    ],
)
def test_a_step_changes_nothing_when_pods_or_weight_are_the_same(text: str, expected: list[str]) -> None:
    assert paths(text, "RL152") == expected


SCALE = "{setCanaryScale: {replicas: 1}}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{SCALE}, {held(10, 20)}", ["steps[3].setWeight"]),
        (f"{SCALE}, {held(10, 19)}", []),
        (f"{SCALE}, {{setWeight: 50}}", []),
        (f"{SCALE}, {{setWeight: 50}}, {{setCanaryScale: {{matchTrafficWeight: true}}}}, {PAUSE}", []),
        (f"{SCALE}, {{setWeight: 50}}, {{setCanaryScale: {{}}}}, {PAUSE}", []),
        (f"{SCALE}, {{setCanaryScale: {{matchTrafficWeight: true, replicas: 1}}}}, {held(50)}", []),
        (f"{SCALE}, {{setCanaryScale: {{matchTrafficWeight: false, replicas: 5}}}}, {held(50)}", []),
        (f"{held(50)}, {SCALE}, {PAUSE}", ["steps[2].setCanaryScale"]),
        (f"{{setWeight: 50, setCanaryScale: {{replicas: 1}}}}, {PAUSE}", ["steps[0].setWeight"]),
        (f"{{setCanaryScale: {{weight: 25}}}}, {held(50, 90)}", ["steps[3].setWeight"]),
        (f"{{setCanaryScale: {{weight: 25, replicas: 9}}}}, {held(50, 90)}", []),
        (f"{{setCanaryScale: {{replicas: 0}}}}, {held(50)}", []),
        (f"{{setCanaryScale: {{replicas: '{{{{ x }}}}', weight: 10}}}}, {held(90)}", []),
        (f"{{setCanaryScale: {{replicas: '1'}}}}, {held(90)}", []),
        (f"{{setCanaryScale: 1}}, {held(90)}", []),
        (f"{{setCanaryScale: null}}, {held(90)}", []),
    ],
)
def test_canary_pods_are_few_at_twice_the_load_where_a_step_waits(steps: str, expected: list[str]) -> None:
    assert paths(canary(steps, 10, ROUTED), "RL153") == expected


def test_the_load_and_the_pods_are_said() -> None:
    said = message(canary(f"{SCALE}, {held(50)}", 10, ROUTED), "RL153")
    assert "50 % of the traffic meets 1 canary pod, which `setCanaryScale` set, beside 10 stable ones" in said
    assert "gets 5 times the requests" in said


@pytest.mark.parametrize(
    ("extra", "weight", "expected"),
    [
        ("trafficRouting: {}", 50, 0),
        ("trafficRouting: {nginx: {stableIngress: cart}, maxTrafficWeight: 1000}", 50, 0),
        ("trafficRouting: {nginx: {stableIngress: cart}, maxTrafficWeight: 1000}", 500, 1),
        ("trafficRouting: {nginx: {stableIngress: cart}, maxTrafficWeight: 0}", 50, 0),
        ("trafficRouting: {nginx: {stableIngress: cart}, maxTrafficWeight: x}", 50, 0),
        (f"minPodsPerReplicaSet: 5, {ROUTED}", 50, 1),
        (f"dynamicStableScale: true, {ROUTED}", 50, 1),
    ],
)
def test_the_load_counts_out_of_the_weight_that_is_everything(extra: str, weight: int, expected: int) -> None:
    assert len(paths(canary(f"{SCALE}, {held(weight)}", 10, extra), "RL153")) == expected


def test_min_pods_raise_what_a_scale_in_percent_gives() -> None:
    steps = f"{{setCanaryScale: {{weight: 10}}}}, {held(50)}"
    assert len(paths(canary(steps, 10, ROUTED), "RL153")) == 1
    assert paths(canary(steps, 10, f"minPodsPerReplicaSet: 3, {ROUTED}"), "RL153") == []


HEADER = "setHeaderRoute: {name: testers, match: [{headerName: a, headerValue: {exact: b}}]}"
MIRROR = "setMirrorRoute: {name: testers, percentage: 50, match: [{method: {exact: GET}}]}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{{{HEADER}}}, {held(20)}", ["steps[0].setHeaderRoute"]),
        (f"{{{MIRROR}}}, {held(20)}", ["steps[0].setMirrorRoute"]),
        (f"{held(20)}, {{{HEADER}}}", []),
        (f"{held(0)}, {{{HEADER}}}", ["steps[2].setHeaderRoute"]),
        (f"{held(20, 0)}, {{{HEADER}}}", ["steps[4].setHeaderRoute"]),
        (f"{SCALE}, {{{HEADER}}}", []),
        (f"{{{HEADER}, setCanaryScale: {{replicas: 1}}}}", []),
        (f"{{setCanaryScale: {{replicas: 0}}}}, {{{HEADER}}}", ["steps[1].setHeaderRoute"]),
        (f"{{setCanaryScale: {{weight: 0}}}}, {{{HEADER}}}", ["steps[1].setHeaderRoute"]),
        (f"{{setCanaryScale: {{weight: 1}}}}, {{{HEADER}}}", []),
        (f"{SCALE}, {{setCanaryScale: {{matchTrafficWeight: true}}}}, {{{HEADER}}}", ["steps[2].setHeaderRoute"]),
        ("{setHeaderRoute: {name: testers}}", []),
        ("{setHeaderRoute: {name: testers, match: []}}", []),
        ("{setHeaderRoute: {name: testers, match: null}}", []),
        ("{setHeaderRoute: [1]}, {setMirrorRoute: 3}", []),
    ],
)
def test_a_route_needs_canary_pods_before_it(steps: str, expected: list[str]) -> None:
    assert paths(canary(steps, "null", ISTIO), "RL154") == expected
    assert paths(canary(steps, "null", ISTIO) + HPA, "RL154") == expected


def test_a_router_without_such_routes_loses_none() -> None:
    plugin = "trafficRouting: {plugins: {a/b: {}}}"
    assert paths(canary(f"{{{MIRROR}}}", 4, ROUTED), "RL154") == []
    assert paths(canary(f"{{{MIRROR}}}", 4, plugin), "RL154", "1.9") == []
    assert paths(canary(f"{{{MIRROR}}}", 4, plugin), "RL154", "1.10") == ["steps[0].setMirrorRoute"]


ANALYSIS = "analysis: {templates: [{templateName: ok}]}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{{{ANALYSIS}}}, {held(20)}", ["steps[0].analysis"]),
        (f"{PAUSE}, {held(0)}, {{{ANALYSIS}}}", ["steps[3].analysis"]),
        (f"{held(20)}, {{{ANALYSIS}}}", []),
        (f"{SCALE}, {{{ANALYSIS}}}", []),
        (f"{{setWeight: '{{{{ x }}}}'}}, {{{ANALYSIS}}}", []),
        ("{analysis: {templates: []}}, {analysis: null}, {analysis: 3}", []),
    ],
)
def test_an_analysis_step_needs_canary_pods_before_it(steps: str, expected: list[str]) -> None:
    assert paths(canary(steps, "null", ROUTED), "RL155") == expected


def ready_after(delay: object, spec: str) -> str:
    containers = f"[{{name: log}}, {{name: cart, readinessProbe: {{initialDelaySeconds: {delay}}}}}]"
    return rollout("canary: {}", f"template: {{spec: {{containers: {containers}}}}}, {spec}")


@pytest.mark.parametrize(
    ("delay", "spec", "expected"),
    [
        (60, "progressDeadlineSeconds: 60", 1),
        (59, "progressDeadlineSeconds: 60", 0),
        (600, "replicas: 2", 1),
        (599, "replicas: 2", 0),
        (600, "progressDeadlineSeconds: null", 1),
        (600, "progressDeadlineSeconds: '{{ x }}'", 0),
        ("'{{ x }}'", "progressDeadlineSeconds: 60", 0),
        ("null", "progressDeadlineSeconds: 60", 0),
        (60, "progressDeadlineSeconds: 30, minReadySeconds: 30", 0),
        (60, "progressDeadlineSeconds: 0", 0),
    ],
)
def test_the_deadline_must_leave_time_for_the_first_look(delay: object, spec: str, expected: int) -> None:
    at = ["spec.template.spec.containers[1].readinessProbe.initialDelaySeconds"]
    assert paths(ready_after(delay, spec), "RL156") == at * expected


def test_a_deadline_that_aborts_is_said() -> None:
    assert "becomes Degraded" in message(ready_after(60, "progressDeadlineSeconds: 60"), "RL156")
    assert "is aborted" in message(ready_after(60, "progressDeadlineSeconds: 60, progressDeadlineAbort: true"), "RL156")


def test_the_probe_of_a_referenced_workload_counts() -> None:
    deployment = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {spec: {containers: [{name: cart, readinessProbe: {initialDelaySeconds: 90}}]}}}
"""
    reference = "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: cart}"
    text = rollout("canary: {}", f"{reference}, progressDeadlineSeconds: 60")
    assert paths(text + deployment, "RL156") == ["spec.progressDeadlineSeconds"]
    assert paths(text, "RL156") == []
    assert paths(rollout("canary: {}", reference) + deployment.replace("90", "900"), "RL156") == ["spec.workloadRef"]


class Overlay(NamedTuple):
    """A kustomization that changes one field of Rollouts."""

    field: str
    root: str = "."
    namespace: str | None = None
    renames: bool = False

    def touches(self, kind: str, name: str, path: tuple[str | int, ...] = ()) -> bool:
        return kind == "Rollout" and self.field in path


@pytest.mark.parametrize(
    ("rule", "text", "field"),
    [
        ("RL150", canary(held(5), 3), "replicas"),
        ("RL150", canary(held(5), 3, "maxSurge: 1"), "maxSurge"),
        ("RL151", canary(held(90), 5, "maxSurge: 0"), "maxSurge"),
        ("RL153", canary(f"{SCALE}, {held(50)}", 10, ROUTED), "replicas"),
        ("RL156", ready_after(60, "progressDeadlineSeconds: 60"), "progressDeadlineSeconds"),
        ("RL156", ready_after(60, "progressDeadlineSeconds: 60"), "readinessProbe"),
    ],
)
def test_what_a_kustomization_changes_is_unknown(rule: str, text: str, field: str) -> None:
    def overlaid(changed: str) -> int:
        layout = Layout(roots={"input.yaml": "."}, overlays={"input.yaml": (Overlay(changed),)})
        return len(found(lint(text, Settings(select=(rule,)), layout)))

    assert [overlaid("minReadySeconds"), overlaid(field)] == [1, 0]


KEYS = (
    "replicas",
    "strategy",
    "canary",
    "steps",
    "setWeight",
    "setCanaryScale",
    "weight",
    "matchTrafficWeight",
    "pause",
    "analysis",
    "templates",
    "plugin",
    "setHeaderRoute",
    "setMirrorRoute",
    "match",
    "maxSurge",
    "maxUnavailable",
    "trafficRouting",
    "istio",
    "maxTrafficWeight",
    "minPodsPerReplicaSet",
    "progressDeadlineSeconds",
    "template",
    "containers",
    "readinessProbe",
    "initialDelaySeconds",
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 120) | st.floats() | st.sampled_from(["", "5", "25%", "{{ x }}"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)
STEPS = st.lists(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=3) | TREES, max_size=5)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(KEYS), TREES, max_size=4), STEPS, TREES, TREES)
def test_no_tree_makes_a_check_fall(fields: dict[str, object], steps: object, spec: object, replicas: object) -> None:
    strategy = {"canary": {**fields, "steps": steps}}
    for body in ({"replicas": replicas, "strategy": strategy, "template": spec}, spec):
        text = json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": body})
        report = lint(text, Settings(select=RULES))
        assert not report.lost
        assert not [i for i in report.incomplete if i.reason == "rule-crashed"]
