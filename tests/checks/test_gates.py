"""RL342 to RL344, RL348 to RL352: what gates can see, and the limits that a team sets."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rolloutlint.result import Report
from rolloutlint.settings import Settings, Version
from tests.harness import found, lint

RULES = ("RL342", "RL343", "RL344", "RL348", "RL349", "RL350", "RL351", "RL352")
ROUTED = "canaryService: cart-canary, stableService: cart, trafficRouting: {nginx: {stableIngress: cart}}, "
ANALYSIS = "{analysis: {templates: [{templateName: errors}]}}"
POST = "postPromotionAnalysis: {templates: [{templateName: errors}]}"
WHOLE = 'sum(rate(errors_total{service="cart"}[5m]))'


def rollout(strategy: str, spec: str = "replicas: 10") -> str:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart}}
spec:
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {{app: cart}}}}
    spec: {{containers: [{{name: cart, image: cart:1}}]}}
  strategy: {{{strategy}}}
  {spec}
"""


def canary(steps: str, extra: str = ROUTED, spec: str = "replicas: 10") -> str:
    return rollout(f"canary: {{{extra}steps: [{steps}]}}", spec)


def blue_green(more: str) -> str:
    return rollout(f"blueGreen: {{activeService: cart, previewService: cart-preview, {more}}}")


def template(metric: str = "", query: str = WHOLE, conditions: str = "successCondition: 'result[0] < 1'") -> str:
    provider = f"provider: {{prometheus: {{address: http://prometheus:9090, query: {json.dumps(query)}}}}}"
    fields = ", ".join(filter(None, ("name: errors", conditions, provider, metric)))
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: errors}}
spec:
  args: [{{name: hash, value: ''}}]
  metrics: [{{{fields}}}]
"""


def run(text: str, *rules: str, **settings: Any) -> Report:
    report = lint(text, Settings(select=rules or RULES, **settings))
    assert not report.lost
    return report


def paths(text: str, *rules: str, **settings: Any) -> list[str]:
    """The places of the findings, below the strategy."""
    places = [path for _, _, path in found(run(text, *rules, **settings))]
    return [p.removeprefix("spec.strategy.").removeprefix("canary.").removeprefix("blueGreen.") for p in places]


def message(text: str, rule: str, **settings: Any) -> str:
    (finding,) = run(text, rule, **settings).active
    return finding.finding.message


# ---- what a gate looks back at -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "mostly", "partly"),
    [
        ("", True, False),
        ("initialDelay: 149s", True, False),
        ("initialDelay: 150s", False, True),
        ("initialDelay: 299s", False, True),
        ("initialDelay: 5m", False, False),
        ("interval: 30s, count: 5", True, False),
        ("interval: 30s, count: 6", False, True),
        ("interval: 1m, count: 30", False, True),
        ("interval: 1m, count: 9, initialDelay: 5m", False, False),
        ("interval: 30s, count: '${COUNT}'", False, False),
    ],
)
def test_a_gate_that_looks_mostly_at_the_time_before_is_told_from_one_that_does_at_first(
    metric: str, mostly: bool, partly: bool
) -> None:
    text = canary(f"{{setWeight: 20}}, {ANALYSIS}") + template(metric)
    assert paths(text, "RL342") == ["steps[1].analysis"] * mostly
    assert paths(text, "RL349") == ["steps[1].analysis"] * partly


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{{setWeight: 20}}, {ANALYSIS}", 1),
        (f"{{setWeight: 20}}, {{pause: {{duration: 2m}}}}, {ANALYSIS}", 1),
        (f"{{setWeight: 20}}, {{pause: {{duration: 5m}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{pause: {{}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{pause: {{duration: '${{PAUSE}}'}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{pause: {{duration: 5m}}}}, {{setWeight: 20}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{pause: {{duration: 5m}}}}, {{setWeight: 40}}, {ANALYSIS}", 1),
        (f"{{setWeight: 40}}, {{pause: {{duration: 5m}}}}, {{setWeight: 20}}, {ANALYSIS}", 1),
        (f"{{setWeight: 20}}, {{setCanaryScale: {{replicas: 3}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{experiment: {{duration: 1m}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{plugin: {{name: a/b}}}}, {ANALYSIS}", 0),
        (f"{{setWeight: 20}}, {{setHeaderRoute: {{name: qa}}}}, {ANALYSIS}", 1),
        (ANALYSIS, 0),
        (f"{{setWeight: 0}}, {ANALYSIS}", 0),
        (f"{{setWeight: '${{W}}'}}, {ANALYSIS}", 0),
    ],
)
def test_the_time_since_the_last_change_of_the_weight_counts(steps: str, expected: int) -> None:
    assert len(paths(canary(steps) + template(), "RL342", "RL349")) == expected


def test_pods_without_a_router_get_traffic_before_they_count_as_available() -> None:
    steps = f"{{setWeight: 20}}, {ANALYSIS}"
    text = canary(steps, "", "minReadySeconds: 300") + template()
    assert paths(text, "RL342", "RL349") == []
    assert paths(canary(steps, ROUTED, "minReadySeconds: 300") + template(), "RL342") == ["steps[1].analysis"]


@pytest.mark.parametrize(
    "query",
    [
        'sum(rate(errors_total{service="cart-canary"}[5m]))',
        'sum(rate(errors_total{pod_template_hash="{{args.hash}}"}[5m]))',
        'sum(errors_per_second{service="cart"})',
        'sum(irate(errors_total{service="cart"}[5m]))',
        'sum(rate(errors_total{service="cart"}[5m])) / sum(rate(errors_total{service="cart"}[5m] offset 1d))',
        'max_over_time(sum(rate(errors_total{service="cart"}[1m]))[5m:])',
        'sum(rate(errors_total{service="cart"}[${WINDOW}]))',
        "sum(rate(errors_total{",
    ],
)
def test_queries_of_one_version_of_other_times_or_of_now_are_left_alone(query: str) -> None:
    assert paths(canary(f"{{setWeight: 20}}, {ANALYSIS}") + template("", query), "RL342", "RL349") == []


def test_the_message_has_the_time_after_the_change() -> None:
    text = canary(f"{{setWeight: 20}}, {{pause: {{duration: 1m}}}}, {ANALYSIS}") + template("interval: 30s, count: 2")
    assert message(text, "RL342") == "`errors` looks back 5m, of which at most 1m30s is after the weight was set to 20"


def test_after_the_switch_of_a_blue_green_rollout_the_window_is_full_of_the_old_version() -> None:
    assert message(blue_green(POST) + template(), "RL342").endswith("only 0s is after the switch to the new version")
    assert paths(blue_green(POST) + template("initialDelay: 5m"), "RL342", "RL349") == []
    before = POST.replace("post", "pre")
    assert paths(blue_green(before) + template(), "RL342", "RL349") == []


def test_a_metric_in_dry_run_may_look_at_anything() -> None:
    dry = ANALYSIS.replace("{templates", "{dryRun: [{metricName: errors}], templates")
    assert paths(canary(f"{{setWeight: 20}}, {dry}") + template(), "RL342", "RL349") == []


# ---- blue-green ----------------------------------------------------------------------------------------------------

GAP = "successCondition: 'result[0] < 1', failureCondition: 'result[0] > 2'"


@pytest.mark.parametrize(
    ("metric", "conditions", "expected"),
    [
        ("", GAP, 1),
        ("", "successCondition: 'result[0] < 1'", 0),
        ("", "failureCondition: 'result[0] > 1'", 0),
        ("inconclusiveLimit: 1", GAP, 0),
        ("interval: 1m, count: 2, inconclusiveLimit: 1", GAP, 1),
        ("interval: 1m, count: 2, inconclusiveLimit: 2", GAP, 0),
        ("inconclusiveLimit: '${LIMIT}'", GAP, 0),
    ],
)
def test_a_pause_with_everybody_on_the_new_version_is_told(metric: str, conditions: str, expected: int) -> None:
    text = blue_green(POST) + template(metric, conditions=conditions)
    assert paths(text, "RL343") == ["postPromotionAnalysis"] * expected


def test_before_the_promotion_and_in_steps_inconclusive_is_what_it_is_for() -> None:
    undecided = template(conditions=GAP)
    assert paths(blue_green(POST.replace("post", "pre")) + undecided, "RL343") == []
    assert paths(canary(f"{{setWeight: 20}}, {ANALYSIS}") + undecided, "RL343") == []


@pytest.mark.parametrize(("minor", "expected"), [(5, 1), (7, 1), (8, 0), (9, 0)])
def test_pod_churn_loses_analyses_of_releases_before_the_fix(minor: int, expected: int) -> None:
    targets = Settings().targets._replace(rollouts=Version(1, minor))
    assert paths(blue_green(POST), "RL344", targets=targets) == ["postPromotionAnalysis"] * expected


# ---- policies ------------------------------------------------------------------------------------------------------

STAIRS = f"{{setWeight: 20}}, {{pause: {{duration: 5m}}}}, {ANALYSIS}, {{setWeight: 60}}, {{pause: {{duration: 10m}}}}"
FAILS_LATE = template("interval: 1m, count: 5, failureLimit: 2")
"""Fails 2 minutes after its start, and takes 4 to succeed."""


@pytest.mark.parametrize(("limit", "expected"), [(19 * 60.0, 0), (18 * 60.0, 1), (None, 0)])
def test_a_release_is_compared_with_the_longest_that_it_may_take(limit: float | None, expected: int) -> None:
    assert paths(canary(STAIRS) + FAILS_LATE, "RL348", max_duration=limit) == ["steps"] * expected


def test_the_parts_of_a_long_release_are_listed() -> None:
    (finding,) = run(canary(STAIRS) + FAILS_LATE, "RL348", max_duration=60.0).active
    assert finding.finding.message == "A release takes at least 19m, over the 1m of `max-duration`"
    assert [step.message for step in finding.finding.trail] == [
        "step 2, pause 5m: 5m",
        "step 3, analysis: 4m",
        "step 5, pause 10m: 10m",
    ]


@pytest.mark.parametrize(("limit", "expected"), [(Fraction(139), 1), (Fraction(140), 0)])
def test_exposure_is_share_times_time_until_the_abort(limit: Fraction, expected: int) -> None:
    text = canary(STAIRS) + FAILS_LATE  # 20 % for 5 + 2 minutes
    assert paths(text, "RL350", max_exposure=limit) == ["steps"] * expected


@pytest.mark.parametrize(("limit", "expected"), [(419.0, 1), (420.0, 0)])
def test_the_time_to_detect_ends_with_the_abort(limit: float, expected: int) -> None:
    assert paths(canary(STAIRS) + FAILS_LATE, "RL351", max_time_to_detect=limit) == ["steps"] * expected


def test_a_version_that_nothing_aborts_breaks_every_limit() -> None:
    text = canary("{setWeight: 20}, {pause: {duration: 5m}}")
    assert message(text, "RL350", max_exposure=Fraction(10**6)).startswith("No analysis aborts a broken version")
    assert message(text, "RL351", max_time_to_detect=10.0**6).startswith("No analysis aborts a broken version")


def test_where_a_person_is_asked_that_person_is_named() -> None:
    text = canary("{setWeight: 20}, {pause: {}}")
    (finding,) = run(text, "RL350", max_exposure=Fraction(1)).active
    assert finding.finding.consequence.startswith("Unless the person who is asked (step 2, pause) aborts it")


def test_a_step_plugin_may_abort_what_no_analysis_does() -> None:
    text = canary("{setWeight: 20}, {plugin: {name: a/b}}")
    assert paths(text, "RL350", "RL351", max_exposure=Fraction(1), max_time_to_detect=1.0) == []


def test_a_figure_that_open_times_leave_open_is_called_the_least() -> None:
    steps = f"{{setWeight: 20}}, {{pause: {{}}}}, {ANALYSIS}"
    text = canary(steps) + template("interval: 1m, count: 5, failureLimit: 2")
    assert message(text, "RL351", max_time_to_detect=1.0).startswith("A broken version is aborted after at least 2m,")
    assert message(text, "RL350", max_exposure=Fraction(1)).startswith("A broken version gets at least 40 percent-min")


def test_nothing_is_said_against_a_policy_while_a_template_is_unknown() -> None:
    assert paths(canary(STAIRS), max_exposure=Fraction(1), max_time_to_detect=1.0) == []
    unread = template("interval: 1m, count: '${COUNT}'")
    assert paths(canary(STAIRS) + unread, "RL350", "RL351", max_exposure=Fraction(1), max_time_to_detect=1.0) == []


def test_a_refused_rollout_is_not_measured_against_policies() -> None:
    text = canary("{setWeight: 200}, {pause: {duration: 5m}}")
    assert paths(text, max_duration=1.0, max_exposure=Fraction(1), max_time_to_detect=1.0) == []


def test_the_trail_against_a_policy_ends_with_the_abort() -> None:
    (finding,) = run(canary(STAIRS) + FAILS_LATE, "RL351", max_time_to_detect=1.0).active
    assert finding.finding.trail[0].message.endswith("setWeight 20")
    assert finding.finding.trail[-1].message == "7m: aborted: Failed"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("{pause: {duration: 1h}}, {pause: {duration: 1h}}", 0),
        ("{pause: {duration: 1h}}, {pause: {duration: 3601}}", 1),
        ("{pause: {duration: 1h}}, {experiment: {duration: 61m}}", 1),
        ("{pause: {duration: 1h}}, {experiment: {duration: 61m, analyses: [{requiredForCompletion: true}]}}", 0),
        ("{pause: {}}, {pause: {duration: '${PAUSE}'}}", 0),
    ],
)
def test_more_than_two_hours_of_timed_steps_are_told(steps: str, expected: int) -> None:
    assert paths(canary(steps), "RL352") == ["steps"] * expected
    assert paths(canary(steps), "RL352", max_duration=1.0) == []


STRATEGIES = ("canary", "blueGreen", "steps", "setWeight", "pause", "duration", "analysis", "templates", "templateName")
KEYS = (*STRATEGIES, "postPromotionAnalysis", "activeService", "trafficRouting", "experiment", "nginx")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.sampled_from(["", "5m", "errors", "{{x}}", "canary"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=16,
)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JUNK)
def test_nothing_in_a_strategy_makes_the_checks_fail(value: object) -> None:
    text = rollout("{}").replace("strategy: {{}}", f"strategy: {json.dumps(value)}") + template()
    limits: dict[str, Any] = {"max_duration": 1.0, "max_exposure": Fraction(1), "max_time_to_detect": 1.0}
    assert not lint(text, Settings(select=RULES, **limits)).lost
