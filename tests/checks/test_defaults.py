"""RL140 to RL149: values that are misread, and defaults that surprise, at their edges."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

RULES = tuple(f"RL{n}" for n in range(140, 150))
ROUTED = "trafficRouting: {alb: {ingress: cart, servicePort: 80}}"
BASE = "spec.strategy."


def rollout(strategy: str, spec: str = "replicas: 4") -> str:
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart, namespace: shop}}
spec: {{{spec}, strategy: {{{strategy}}}}}
"""


HPA = """---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart, namespace: shop}
spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}}
"""


def paths(text: str, rule: str) -> list[str]:
    report = lint(text, Settings(select=(rule,)))
    assert not report.lost
    return [path.removeprefix(BASE) for _, _, path in found(report)]


def message(text: str, rule: str) -> str:
    (only,) = lint(text, Settings(select=(rule,))).active
    return only.finding.message


def experiment(*templates: str) -> str:
    return f"{{experiment: {{templates: [{', '.join(templates)}]}}}}"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (experiment("{name: a, specRef: stable}", "{name: b, specRef: canary}"), []),
        (experiment("{name: a, specRef: Canary}"), ["canary.steps[1].experiment.templates[0].specRef"]),
        (experiment("{name: a, specRef: ''}"), ["canary.steps[1].experiment.templates[0].specRef"]),
        (experiment("{name: a, specRef: '{{ x }}'}"), []),
        (experiment("{name: a, specRef: 3}", "3", "{}"), []),
        (experiment("{name: a, specRef: stable, weight: 50}"), []),
        (
            experiment("{specRef: stable, weight: 30}", "{weight: 30}"),
            ["canary.steps[1].experiment.templates[1].weight"],
        ),
    ],
)
def test_an_experiment_runs_the_canary_or_the_stable_version(step: str, expected: list[str]) -> None:
    assert paths(rollout(f"canary: {{{ROUTED}, steps: [{{setWeight: 50}}, {step}]}}"), "RL140") == expected


def test_weights_of_experiments_count_with_a_router_alone() -> None:
    step = experiment("{specRef: stable, weight: 60}")
    assert paths(rollout(f"canary: {{steps: [{{setWeight: 50}}, {step}]}}"), "RL140") == []


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("blueGreen: {scaleDownDelaySeconds: 0}", 1),
        ("blueGreen: {scaleDownDelaySeconds: 1}", 0),
        ("blueGreen: {scaleDownDelaySeconds: null}", 0),
        ("blueGreen: {scaleDownDelaySeconds: '0'}", 0),
        ("blueGreen: {scaleDownDelaySeconds: 0, scaleDownDelayRevisionLimit: 0}", 0),
        ("blueGreen: {scaleDownDelaySeconds: 0, scaleDownDelayRevisionLimit: 2}", 1),
        ("canary: {scaleDownDelaySeconds: 0}", 0),
        (f"canary: {{scaleDownDelaySeconds: 0, {ROUTED}}}", 1),
        (f"canary: {{scaleDownDelaySeconds: 0, dynamicStableScale: true, {ROUTED}}}", 0),
        ("canary: {}, blueGreen: {scaleDownDelaySeconds: 0}", 0),
    ],
)
def test_a_delay_of_zero_keeps_the_old_pods(strategy: str, expected: int) -> None:
    assert len(paths(rollout(strategy), "RL141")) == expected


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        ("maxSurge: '1'", 0),
        ("maxSurge: '2'", 1),
        ("maxSurge: '2%'", 0),
        ("maxSurge: 2", 0),
        ("maxUnavailable: '1'", 1),
        ("maxUnavailable: '0'", 0),
        ("maxUnavailable: '25'", 1),
        ("maxSurge: '${N}'", 0),
        (f"maxSurge: '2', {ROUTED}", 0),
    ],
)
def test_a_quoted_number_is_a_percentage(canary: str, expected: int) -> None:
    assert len(paths(rollout(f"canary: {{{canary}}}"), "RL142")) == expected


def test_how_many_pods_a_percentage_makes_is_said_only_where_git_tells() -> None:
    text = rollout("canary: {maxSurge: '3'}")
    assert message(text, "RL142") == '`maxSurge: "3"` is a percentage, 1 pod of 4'
    assert paths(text + HPA, "RL142") == []
    assert paths(rollout("canary: {maxSurge: '3'}", "paused: false"), "RL142") == []


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        ("maxSurge: abc", ["canary.maxSurge"]),
        ("maxSurge: 12.5%", ["canary.maxSurge"]),
        ("maxSurge: ''", ["canary.maxSurge"]),
        ("maxUnavailable: 1.5%", ["canary.maxUnavailable"]),
        ("maxSurge: abc, maxUnavailable: 0", []),
        ("maxSurge: abc, maxUnavailable: x", []),
        ("maxSurge: 25%, maxUnavailable: 0", []),
        ("maxSurge: '{{ x }}'", []),
        ("maxSurge: abc, maxUnavailable: '{{ x }}'", []),
        ("maxSurge: 1.5", []),
        (f"maxSurge: abc, {ROUTED}", []),
    ],
)
def test_what_cannot_be_read_stops_a_basic_canary(canary: str, expected: list[str]) -> None:
    assert paths(rollout(f"canary: {{{canary}}}"), "RL143") == expected


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        ("{type: Percent, value: 80}", []),
        ("{type: Percent, value: 101}", ["value"]),
        ("{type: percent, value: 80}", ["type"]),
        ("{type: Percentage, value: 80}", ["type"]),
        ("{type: Pods, value: 4}", []),
        ("{type: Pods, value: 5}", ["value"]),
        ("{type: Pod, value: 2}", []),
        ("{type: Percent, value: x}", []),
        ("{type: 3, value: 300}", []),
        ("[]", []),
    ],
)
def test_a_threshold_can_be_reached(threshold: str, expected: list[str]) -> None:
    text = rollout(f"canary: {{replicaProgressThreshold: {threshold}}}")
    assert paths(text, "RL144") == [f"canary.replicaProgressThreshold.{field}" for field in expected]


def test_a_threshold_in_pods_may_be_more_than_git_says_with_an_autoscaler() -> None:
    text = rollout("canary: {replicaProgressThreshold: {type: Pods, value: 5}}")
    assert paths(text + HPA, "RL144") == []


def test_there_is_no_threshold_before_1_9() -> None:
    text = rollout("canary: {replicaProgressThreshold: {type: percent, value: 5}}")
    assert found(lint(text, Settings(select=("RL144",), targets=Targets(rollouts=Version(1, 8))))) == []


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("blueGreen: {autoPromotionEnabled: false, autoPromotionSeconds: 60}", 1),
        ("blueGreen: {autoPromotionEnabled: false, autoPromotionSeconds: 0}", 0),
        ("blueGreen: {autoPromotionEnabled: true, autoPromotionSeconds: 60}", 0),
        ("blueGreen: {autoPromotionSeconds: 60}", 0),
        ("blueGreen: {autoPromotionEnabled: 'false', autoPromotionSeconds: 60}", 0),
    ],
)
def test_seconds_promote_only_where_promotion_is_automatic(strategy: str, expected: int) -> None:
    assert len(paths(rollout(strategy), "RL145")) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("rollbackWindow: {revisions: 3}", 0),
        ("rollbackWindow: {revisions: 10}", 0),
        ("rollbackWindow: {revisions: 11}", 1),
        ("rollbackWindow: {revisions: 3}, revisionHistoryLimit: 2", 1),
        ("rollbackWindow: {revisions: 3}, revisionHistoryLimit: 3", 0),
        ("rollbackWindow: {revisions: 3}, revisionHistoryLimit: x", 0),
        ("rollbackWindow: {revisions: 0}", 1),
        ("rollbackWindow: {}", 0),
        ("revisionHistoryLimit: 0", 0),
    ],
)
def test_a_window_is_no_longer_than_the_history(spec: str, expected: int) -> None:
    assert len(paths(rollout("canary: {}", spec), "RL146")) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("previewReplicaCount: 0, prePromotionAnalysis: {templates: [{templateName: a}]}", 1),
        ("previewReplicaCount: 1, prePromotionAnalysis: {templates: [{templateName: a}]}", 0),
        ("previewReplicaCount: null, prePromotionAnalysis: {templates: [{templateName: a}]}", 0),
        ("previewReplicaCount: 0, prePromotionAnalysis: {templates: []}", 0),
        ("previewReplicaCount: 0, postPromotionAnalysis: {templates: [{templateName: a}]}", 0),
    ],
)
def test_an_analysis_before_the_promotion_needs_pods(fields: str, expected: int) -> None:
    assert len(paths(rollout(f"blueGreen: {{{fields}}}"), "RL147")) == expected


@pytest.mark.parametrize(
    ("canary", "spec", "expected"),
    [
        (ROUTED, "replicas: 4", ["spec"]),
        (ROUTED, "progressDeadlineAbort: false", ["spec.progressDeadlineAbort"]),
        (ROUTED, "progressDeadlineAbort: true", []),
        (ROUTED, "progressDeadlineSeconds: x", []),
        ("trafficRouting: {}", "replicas: 4", []),
        ("maxSurge: 1", "replicas: 4", []),
    ],
)
def test_a_stuck_canary_is_aborted_only_when_asked(canary: str, spec: str, expected: list[str]) -> None:
    assert paths(rollout(f"canary: {{{canary}}}", spec), "RL148") == expected


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        (f"maxSurge: 1, {ROUTED}", ["canary.maxSurge"]),
        (f"maxUnavailable: 1, {ROUTED}", []),
        (f"maxSurge: null, {ROUTED}", []),
        ("maxSurge: 1", []),
        ("minPodsPerReplicaSet: 2", ["canary.minPodsPerReplicaSet"]),
        (f"minPodsPerReplicaSet: 2, {ROUTED}", []),
        (f"minPodsPerReplicaSet: 5, {ROUTED}", ["canary.minPodsPerReplicaSet"]),
        (f"minPodsPerReplicaSet: x, {ROUTED}", []),
    ],
)
def test_a_field_counts_with_or_without_a_router(canary: str, expected: list[str]) -> None:
    assert paths(rollout(f"canary: {{{canary}}}"), "RL149") == expected


def test_a_minimum_is_not_judged_where_an_autoscaler_decides() -> None:
    assert paths(rollout(f"canary: {{minPodsPerReplicaSet: 5, {ROUTED}}}") + HPA, "RL149") == []


KEYS = ["canary", "blueGreen", "steps", "experiment", "templates", "specRef", "weight", "setWeight", "trafficRouting"]
KEYS += ["scaleDownDelaySeconds", "maxSurge", "maxUnavailable", "replicaProgressThreshold", "type", "value", "replicas"]
KEYS += ["rollbackWindow", "revisions", "previewReplicaCount", "prePromotionAnalysis", "minPodsPerReplicaSet"]
TREE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 300)
    | st.floats()
    | st.sampled_from(["", "1", "5%", "Percent", "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategy=TREE, spec=st.dictionaries(st.sampled_from(KEYS), TREE, max_size=3))
def test_no_shape_of_a_strategy_crashes(strategy: object, spec: dict[str, object]) -> None:
    whole = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "cart"}}
    text = (
        json.dumps({**whole, "spec": {**spec, "strategy": strategy}}).replace("NaN", ".nan").replace("Infinity", ".inf")
    )
    assert not lint(text, Settings(select=RULES, closed=True)).lost
