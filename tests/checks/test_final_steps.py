"""RL157 to RL159: the last gate, pods that are there already, and releases without an analysis."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import found, lint

RULES = ("RL157", "RL158", "RL159")
ROUTED = "trafficRouting: {nginx: {}}, "
PAUSE = "{pause: {duration: 5m}}"
ANALYSIS = "{analysis: {templates: [{templateName: errors}]}}"
HPA = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart}
spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}}
"""


def rollout(strategy: str, spec: str = "replicas: 10") -> str:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart}}
spec:
  strategy: {{{strategy}}}
  {spec}
"""


def canary(steps: str, extra: str = ROUTED, spec: str = "replicas: 10") -> str:
    return rollout(f"canary: {{{extra}steps: [{steps}]}}", spec)


def paths(text: str, rule: str) -> list[str]:
    report = lint(text, Settings(select=(rule,)))
    assert not report.lost
    return [path.removeprefix("spec.strategy.").removeprefix("canary.") for _, _, path in found(report)]


def message(text: str, rule: str) -> str:
    (finding,) = lint(text, Settings(select=(rule,))).active
    return finding.finding.message


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{{setWeight: 10}}, {PAUSE}", ["steps[1].pause"]),
        (f"{{setWeight: 49}}, {ANALYSIS}", ["steps[1].analysis"]),
        (f"{{setWeight: 50}}, {PAUSE}", []),
        (f"{{setWeight: 10}}, {PAUSE}, {{setWeight: 60}}, {PAUSE}", []),
        (f"{{setWeight: 10}}, {PAUSE}, {{setWeight: 100}}", ["steps[1].pause"]),
        (f"{{setWeight: 10}}, {PAUSE}, {{setWeight: 60}}, {{pause: {{duration: 0}}}}", ["steps[1].pause"]),
        (f"{{setWeight: 60}}, {PAUSE}, {{setWeight: 10}}, {PAUSE}", ["steps[3].pause"]),
        ("{setWeight: 10}, {experiment: {templates: []}}", ["steps[1].experiment"]),
        ("{setWeight: 10}, {plugin: {name: a/b}}", ["steps[1].plugin"]),
        ("{setWeight: 10}, {setWeight: 20}", []),
        ("", []),
    ],
)
def test_the_share_of_the_last_gate_counts(steps: str, expected: list[str]) -> None:
    assert paths(canary(steps), "RL157") == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("{pause: {}}", ["steps[0].pause"]),
        (f"{{setCanaryScale: {{replicas: 1}}}}, {ANALYSIS}", ["steps[1].analysis"]),
        ("{pause: {}}, {setWeight: 40}", ["steps[0].pause"]),
        ("{pause: {}}, {setWeight: 80}", []),
        ("{setCanaryScale: {replicas: 1}}, {pause: {}}, {setWeight: 80}", ["steps[1].pause"]),
    ],
)
def test_a_gate_before_the_first_weight_holds_nothing_unless_the_first_share_is_reported(
    steps: str, expected: list[str]
) -> None:
    assert paths(canary(steps), "RL157") == expected
    assert bool(paths(canary(steps), "RL105")) != bool(expected)


def test_a_gate_before_any_weight_is_called_so() -> None:
    assert message(canary("{pause: {}}"), "RL157").startswith(
        "The only gates come before any `setWeight`: after step 1"
    )
    assert message(canary("{setWeight: 0}, {pause: {}}"), "RL157").startswith(
        "No gate follows step 2, at `setWeight: 0`"
    )


@pytest.mark.parametrize(
    ("replicas", "weight", "reported"),
    [(1, 20, False), (2, 20, True), (2, 45, False), (3, 34, True), (10, 44, True), (10, 49, False)],
)
def test_known_pods_give_the_share_of_a_basic_canary(replicas: int, weight: int, reported: bool) -> None:
    text = canary(f"{{setWeight: {weight}}}, {PAUSE}", "", f"replicas: {replicas}")
    assert bool(paths(text, "RL157")) == reported
    assert len(paths(text + HPA, "RL157")) == 1


@pytest.mark.parametrize(("weight", "reported"), [(400, True), (500, False)])
def test_weights_count_out_of_their_maximum(weight: int, reported: bool) -> None:
    extra = "trafficRouting: {nginx: {}, maxTrafficWeight: 1000}, "
    assert bool(paths(canary(f"{{setWeight: {weight}}}, {PAUSE}", extra), "RL157")) == reported


@pytest.mark.parametrize(
    "steps",
    [
        f"null, {{setWeight: 10}}, {PAUSE}",
        f"{{setWeight: '{{{{ x }}}}'}}, {PAUSE}",
        f"{{setWeight: 101}}, {PAUSE}",
    ],
)
def test_steps_that_cannot_be_read_say_nothing(steps: str) -> None:
    assert paths(canary(steps), "RL157") == []


@pytest.mark.parametrize("maximum", ["0", "-1", "many"])
def test_a_maximum_that_is_none_says_nothing(maximum: str) -> None:
    extra = f"trafficRouting: {{nginx: {{}}, maxTrafficWeight: {maximum}}}, "
    assert paths(canary(f"{{setWeight: 0}}, {PAUSE}", extra), "RL157") == []


def scale(text: str) -> str:
    return f"{{setCanaryScale: {{{text}}}}}"


ALL = f"{{setWeight: 100}}, {PAUSE}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{scale('replicas: 3')}, {{setWeight: 10}}, {scale('replicas: 3')}", [2]),
        (f"{scale('replicas: 3')}, {scale('replicas: 3')}, {scale('replicas: 3')}", [1, 2]),
        (f"{scale('replicas: 3')}, {scale('replicas: 3, weight: 50')}", [1]),
        (f"{scale('weight: 30')}, {scale('replicas: 3')}", []),
        (f"{scale('weight: 30')}, {{setWeight: 30}}, {scale('matchTrafficWeight: true')}, {scale('weight: 30')}", []),
        (scale("matchTrafficWeight: true"), [0]),
        (f"{{setWeight: 10}}, {scale('')}", [1]),
        (f"{scale('weight: 30')}, {scale('matchTrafficWeight: true')}, {scale('')}", [2]),
        (f"{ALL}, {scale('weight: 100')}", [2]),
        (f"{ALL}, {scale('replicas: 10')}", [2]),
        (f"{ALL}, {scale('replicas: 9')}", []),
        (f"{ALL}, {scale('weight: 100')}, {{setWeight: 50}}", []),
        (f"{scale('weight: 100')}, {ALL}, {scale('matchTrafficWeight: true')}", [3]),
        (f"{scale('weight: 50')}, {ALL}, {scale('matchTrafficWeight: true')}", []),
        ("{setCanaryScale: {weight: 100}, setWeight: 100}", []),
        ("{setCanaryScale: null, setWeight: 100}", []),
        (f"{scale('replicas: many')}, {scale('replicas: many')}", []),
    ],
)
def test_a_scale_is_reported_where_it_leaves_the_pods_as_they_are(steps: str, expected: list[int]) -> None:
    assert paths(canary(steps), "RL158") == [f"steps[{index}].setCanaryScale" for index in expected]


@pytest.mark.parametrize(
    ("extra", "spec"),
    [
        ("trafficRouting: {nginx: {}}, dynamicStableScale: true, ", "replicas: 10"),
        ("trafficRouting: {nginx: {}, maxTrafficWeight: 1000}, ", "replicas: 10"),
        (ROUTED, "minReadySeconds: 3"),
    ],
)
def test_all_the_pods_are_only_known_where_nothing_else_decides_them(extra: str, spec: str) -> None:
    assert paths(canary(f"{ALL}, {scale('replicas: 10')}", extra, spec), "RL158") == []


def test_an_autoscaler_makes_all_the_pods_unknown() -> None:
    text = canary(f"{ALL}, {scale('replicas: 10')}")
    assert [len(paths(text, "RL158")), paths(text + HPA, "RL158")] == [1, []]


def test_a_scale_without_a_router_is_refused_elsewhere() -> None:
    assert paths(canary(f"{scale('replicas: 3')}, {scale('replicas: 3')}", ""), "RL158") == []


@pytest.mark.parametrize(
    ("steps", "extra", "expected"),
    [
        (f"{{setWeight: 50}}, {PAUSE}", "", "Timed pauses"),
        (f"{{setWeight: 50}}, {PAUSE}, {{setWeight: 80}}, {{pause: {{}}}}", ROUTED, "Pauses"),
        (f"{{setWeight: 50}}, {PAUSE}, {ANALYSIS}", "", ""),
        (f"{{setWeight: 50}}, {PAUSE}, {{experiment: {{}}}}", "", ""),
        (f"{{setWeight: 50}}, {PAUSE}, {{plugin: {{name: a/b}}}}", "", ""),
        (f"{{setWeight: 50}}, {PAUSE}", "analysis: {templates: [{templateName: errors}]}, ", ""),
        (f"{{setWeight: 50}}, {PAUSE}", "analysis: {}, ", ""),
        (f"{{setWeight: 50}}, {PAUSE}", "analysis: null, ", "Timed pauses"),
        (f"{{setWeight: 50}}, {PAUSE}, {{analysis: null}}", "", "Timed pauses"),
        (f"{{setWeight: 50}}, {PAUSE}, null", "", ""),
        ("{setWeight: 50}, {pause: {duration: '{{ x }}'}}", "", ""),
        ("{setWeight: 50}, {pause: '{{ x }}'}", "", ""),
        ("{setWeight: 50}, {pause: {duration: 0}}", "", ""),
        ("{setWeight: 50}", "", ""),
    ],
)
def test_pauses_alone_are_no_analysis(steps: str, extra: str, expected: str) -> None:
    text = canary(steps, extra)
    assert paths(text, "RL159") == (["steps"] if expected else [])
    if expected:
        assert message(text, "RL159").startswith(expected + " are all that holds this release")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("autoPromotionEnabled: false", "autoPromotionEnabled"),
        ("autoPromotionEnabled: false, autoPromotionSeconds: 60", "autoPromotionEnabled"),
        ("autoPromotionSeconds: 60", "autoPromotionSeconds"),
        ("autoPromotionEnabled: null, autoPromotionSeconds: 60, prePromotionAnalysis: null", "autoPromotionSeconds"),
        ("autoPromotionEnabled: '{{ x }}', autoPromotionSeconds: 60", ""),
        ("autoPromotionSeconds: '60'", ""),
        ("autoPromotionSeconds: 0", ""),
        ("autoPromotionEnabled: true", ""),
        ("autoPromotionSeconds: 60, prePromotionAnalysis: {templates: [{templateName: a}]}", ""),
        ("autoPromotionEnabled: false, postPromotionAnalysis: {templates: [{templateName: a}]}", ""),
    ],
)
def test_a_switch_that_waits_without_an_analysis_is_reported_where_it_says_so(strategy: str, expected: str) -> None:
    text = rollout(f"blueGreen: {{activeService: cart, {strategy}}}")
    assert paths(text, "RL159") == ([f"blueGreen.{expected}"] if expected else [])
    assert paths(text.replace("blueGreen:", "canary: {}, blueGreen:"), "RL159") == []


def test_what_has_no_gate_at_all_is_left_to_the_rule_about_gates() -> None:
    for text in (canary("{setWeight: 10}, {setWeight: 20}"), rollout("blueGreen: {activeService: cart}")):
        assert [len(paths(text, rule)) for rule in ("RL104", "RL157", "RL159")] == [1, 0, 0]


def test_rollouts_in_a_list_are_found_in_it() -> None:
    steps = [{"setWeight": 10}, {"setCanaryScale": {}}, {"pause": {"duration": "5m"}}]
    spec = {"strategy": {"canary": {"trafficRouting": {"nginx": {}}, "steps": steps}}}
    item = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "cart"}, "spec": spec}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"kind": "X"}, item]})
    base = "items[1].spec.strategy.canary.steps"
    expected = [f"{base}[2].pause", f"{base}[1].setCanaryScale", base]
    assert [path for rule in RULES for path in paths(text, rule)] == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["canary", "blueGreen", "steps", "pause", "duration", "setWeight", "setCanaryScale", "replicas", "weight",
         "matchTrafficWeight", "analysis", "trafficRouting", "maxTrafficWeight", "autoPromotionSeconds", "maxSurge"]
    ), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, st.lists(VALUES, max_size=5), VALUES)
def test_no_strategy_however_malformed_crashes_a_check(strategy: object, steps: list[object], replicas: object) -> None:
    canary = {"steps": steps, "trafficRouting": strategy}
    spec = {"strategy": {"canary": canary} if steps else strategy, "replicas": replicas}
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}, "spec": spec}
    assert not lint(json.dumps(value), Settings(select=RULES)).lost
