"""RL4: what a metric decides in each world, at the edges of the rules about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.fix import apply_edits
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import found, lint

OURS = ("RL404", "RL405", "RL406", "RL407", "RL408", "RL411", "RL412", "RL425", "RL430")

ALL = 'sum(rate(http_requests_total{job="cart"}[5m]))'
ERR = 'sum(rate(http_requests_total{job="cart",code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{job="cart",code!~"5.."}[5m]))'
QUANTILE = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{job="cart"}[5m])))'
FEW_ERRORS, FAST, GOOD = "result[0] <= 0.05", "result[0] <= 0.5", "result[0] >= 0.95"


def metric(query: str, success: str = "", failure: str = "", **more: object) -> dict[str, Any]:
    """A Prometheus metric with the conditions that are not empty."""
    conditions = {"successCondition": success, "failureCondition": failure}
    provider = {"prometheus": {"address": "http://prometheus:9090", "query": query}}
    base = {"name": "m", "interval": "1m", "count": 5, "failureLimit": 1, "provider": provider}
    return {**base, **{k: v for k, v in conditions.items() if v}, **more}


def other(provider: str, success: str = "", **settings: object) -> dict[str, Any]:
    """A metric of another provider."""
    return {"name": "m", "provider": {provider: settings}, **({"successCondition": success} if success else {})}


def template(*metrics: object, kind: str = "AnalysisTemplate", **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "rate"},
        "spec": {"metrics": list(metrics), **spec},
    }


def rollout(strategy: object, **spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "cart"},
        "spec": {"selector": {"matchLabels": {"app": "cart"}}, "strategy": strategy, **spec},
    }


def analysis(**more: object) -> dict[str, Any]:
    return {"templates": [{"templateName": "rate"}], **more}


def steps(*listed: object) -> dict[str, Any]:
    return {"canary": {"steps": list(listed)}}


def report_of(*documents: object, **changes: object) -> Report:
    text = "---\n".join(json.dumps(document) + "\n" for document in documents)
    report = lint(text, Settings(**{"select": OURS, **changes}))  # type: ignore[arg-type]
    assert not report.lost
    return report


def rules(*documents: object, **changes: object) -> list[str]:
    return sorted(rule for rule, _, _ in found(report_of(*documents, **changes)))


def the(rule: str, *documents: object, **changes: object) -> Any:
    """The one finding of a rule."""
    (settled,) = (f for f in report_of(*documents, **changes).active if f.finding.rule == rule)
    return settled


IDIOMS = [
    (f"{ERR} / {ALL}", FEW_ERRORS, "404 408"),
    (f"{ERR} / {ALL} or vector(0)", FEW_ERRORS, "405 408"),
    (f"({ERR} or vector(0)) / {ALL}", FEW_ERRORS, "408"),
    (f"({ERR} or vector(0)) / {ALL} or vector(0)", FEW_ERRORS, "405 408"),
    (f"({ERR} or vector(0)) / ({ALL} or vector(1))", FEW_ERRORS, "405 408"),
    (f"({ERR} / {ALL}) > 0 or vector(0)", FEW_ERRORS, "405"),
    (f"({ERR} or vector(0)) / ({ALL} > 0)", FEW_ERRORS, "408"),
    (f"({ERR} or vector(0)) / ({ALL} > 0) or vector(0)", FEW_ERRORS, "405"),
    (f"{ERR} / clamp_min({ALL}, 0.001) or vector(0)", FEW_ERRORS, "405"),
    (f"({ERR} or vector(0)) / clamp_min({ALL}, 0.001)", FEW_ERRORS, "408"),
    (f"({ERR} or vector(0)) / ({ALL} > 0) or vector(1)", FEW_ERRORS, ""),
    (f"{ERR} / {ALL} > 0.05 or vector(0)", FEW_ERRORS, "405"),
    (f"{OK} / {ALL}", GOOD, "408"),
    (f"{OK} / {ALL} or vector(1)", GOOD, "405 407 408"),
    (f"({OK} / {ALL}) >= 0 or vector(1)", GOOD, "405 407"),
    (f"{OK} / ({ALL} > 0) or vector(1)", GOOD, "405 407"),
    (f"{OK} / {ALL} and {ALL} > 0 or vector(1)", GOOD, "405 407"),
    (f"{OK} / {ALL} unless {ALL} == 0 or vector(1)", GOOD, "405 407"),
    (f"{OK} / clamp_min({ALL}, 1)", GOOD, "408"),
    (f"1 - {ERR} / {ALL}", GOOD, "404 408"),
    (f"1 - {ERR} / {ALL} or vector(1)", GOOD, "405 408"),
    (f"1 - ({ERR} or vector(0)) / {ALL}", GOOD, "408"),
    (f"1 - ({ERR} or vector(0)) / {ALL} or vector(1)", GOOD, "405 408"),
    (f"1 - (({ERR} or vector(0)) / ({ALL} > 0)) or vector(1)", GOOD, "405"),
    (f"1 - ({ERR} / ({ALL} > 0) or vector(0))", GOOD, "405"),
    (f"1 - (({ERR} or vector(0)) / ({ALL} > 0)) or vector(0)", GOOD, ""),
    (f"({OK} or vector(0)) / ({ALL} > 0) or vector(1)", GOOD, "405"),
    (f"({OK} or vector(1)) / ({ALL} or vector(1))", GOOD, "405 408"),
    (QUANTILE, FAST, "408"),
    (f"{QUANTILE} or vector(0)", FAST, "405 408"),
    (f"{QUANTILE} >= 0 or vector(0)", FAST, "405"),
    (f"{QUANTILE} >= 0", f"len(result) > 0 && {FAST}", ""),
]


@pytest.mark.parametrize("query, success, expected", IDIOMS, ids=[f"{q} {s}" for q, s, _ in IDIOMS])
def test_every_idiom_has_the_findings_of_the_worlds_it_is_wrong_in(query: str, success: str, expected: str) -> None:
    # The verdicts behind this table were measured on real Prometheus servers with Argo's own evaluation.
    assert rules(template(metric(query, success))) == [f"RL{number}" for number in expected.split()]


RATIO = f"({ERR} or vector(0)) / {ALL}"
PASSES = "len(result) == 0 || isNaN(result[0]) || result[0] <= 0.05"

CONDITIONS = [
    ("open to everything", f"{ERR} / {ALL}", PASSES, "", "405 406"),
    ("open, and a success rate", f"{OK} / {ALL}", "len(result) == 0 || result[0] >= 0.95", "", "405 407 408"),
    ("a failure condition alone", RATIO, "", "result[0] > 0.05", "406 408"),
    ("a guarded failure condition", RATIO, "", "len(result) == 0 || result[0] > 0.05", "406"),
    ("a failure condition that knows NaN", RATIO, "", "len(result) == 0 || !(result[0] <= 0.05)", "408"),
    ("a negation", RATIO, "len(result) > 0 && !(result[0] > 0.05)", "", "406"),
    ("NaN decided as failure", RATIO, "len(result) > 0 && !isNaN(result[0]) && result[0] <= 0.05", "", ""),
    (
        "both conditions guarded",
        f"{ERR} / {ALL}",
        "len(result) > 0 && result[0] <= 0.05",
        "len(result) > 0 && result[0] > 0.05",
        "",
    ),
    ("guarded too late", RATIO, "result[0] <= 0.05 || len(result) == 0", "", "408"),
    ("a sum of nothing", ALL, "sum(result) < 10", "", "405"),
    ("a threshold on traffic", f"{ALL} or vector(0)", "result[0] > 10", "", ""),
    ("an inverted condition", f"({ERR} or vector(0)) / ({ALL} > 0) or vector(1)", GOOD, "", ""),
    ("a condition that is no expression", f"{ERR} / {ALL}", "result[0] <=", "", ""),
    ("a condition that never compiles", f"{ERR} / {ALL}", "result <= 0.05", "", ""),
    ("a query that is no query", "sum(", FEW_ERRORS, "", ""),
    ("a query that is always empty", "histogram_quantile(0.9, sum(rate(b_bucket[5m])))", FAST, "", ""),
    ("a query without series", "vector(1)", GOOD, "", ""),
    ("a placeholder in the threshold", RATIO, "result[0] <= {{args.limit}}", "", "408"),
    ("a placeholder for the query", "{{args.query}}", FEW_ERRORS, "", ""),
    ("only failures, guarded", f"{ERR} or vector(0)", "result[0] < 10", "", ""),
    ("only failures", ERR, "result[0] < 10", "", "404"),
]


@pytest.mark.parametrize(
    "query, success, failure, expected", [c[1:] for c in CONDITIONS], ids=[c[0] for c in CONDITIONS]
)
def test_what_conditions_make_of_no_data(query: str, success: str, failure: str, expected: str) -> None:
    document = template(metric(query, success, failure), args=[{"name": "limit"}, {"name": "query"}])
    assert rules(document) == [f"RL{number}" for number in expected.split()]


OTHERS = [
    ("Datadog, unguarded", other("datadog", "result < 5", query="q"), ["RL408"]),
    ("Datadog, a guard that does nothing", other("datadog", "isNil(result) || result < 5", query="q"), ["RL408"]),
    ("Datadog, open", other("datadog", "default(result, 0) < 5", query="q"), ["RL405"]),
    ("Datadog, closed", other("datadog", "default(result, 9) < 5", query="q"), []),
    ("Datadog, open by its type", other("datadog", "isNil(result) || asFloat(result) < 5", query="q"), ["RL405"]),
    ("CloudWatch, unguarded", other("cloudWatch", "result[0].Values[0] < 5", metricDataQueries=[]), ["RL408"]),
    (
        "CloudWatch, closed",
        other("cloudWatch", "len(result[0].Values) > 0 && result[0].Values[0] < 5", metricDataQueries=[]),
        [],
    ),
    (
        "CloudWatch, open",
        other("cloudWatch", "len(result[0].Values) == 0 || result[0].Values[0] < 5", metricDataQueries=[]),
        ["RL405"],
    ),
    ("Graphite, unguarded", other("graphite", "result[0] < 5", query="q"), ["RL408"]),
    ("New Relic gives an error of its own", other("newRelic", "result.errors < 5", query="q"), []),
    ("a web hook", other("web", "result.ok", url="http://x"), []),
    ("a Job", other("job", spec={}), []),
    ("a Job with a condition", other("job", "result == 0", spec={}), ["RL412"]),
    ("Kayenta with a condition", other("kayenta", "result > 90", address="http://x"), ["RL412"]),
    ("a plugin with a condition", other("plugin", "result > 90", **{"acme/x": {}}), []),
    ("a plugin without", other("plugin", **{"acme/x": {}}), []),
    ("a web hook without", other("web", url="http://x"), ["RL411"]),
    ("an empty condition", {**other("web", url="http://x"), "successCondition": ""}, ["RL411"]),
    ("a null condition", {**other("web", url="http://x"), "failureCondition": None}, ["RL411"]),
    ("a condition of the wrong type", {**other("web", url="http://x"), "failureCondition": 5}, []),
    ("a provider of the wrong type", {"name": "m", "provider": {"web": 5}}, ["RL411"]),
    ("no provider", {"name": "m"}, []),
    ("two providers", {"name": "m", "provider": {"web": {}, "datadog": {}}}, []),
    ("a provider that is not known", {"name": "m", "provider": {"wbe": {}}}, []),
    ("a metric without a name", {"provider": {"web": {"url": "http://x"}}}, ["RL411"]),
]


@pytest.mark.parametrize("one, expected", [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_other_providers(one: dict[str, Any], expected: list[str]) -> None:
    assert rules(template(one)) == expected


def test_the_second_metric_of_a_template_in_a_list_is_told_at_its_own_place() -> None:
    harmless = metric(f"({ERR} or vector(0)) / ({ALL} > 0)", f"len(result) > 0 && {FEW_ERRORS}", name="ok")
    document = template(harmless, metric(f"({OK} or vector(0)) / ({ALL} > 0)", GOOD), kind="ClusterAnalysisTemplate")
    report = report_of({"apiVersion": "v1", "kind": "List", "items": [document]})
    assert [(rule, path) for rule, _, path in found(report)] == [("RL408", "items[0].spec.metrics[1].successCondition")]


def test_the_index_into_nothing_is_pointed_at_and_the_trail_leads_from_the_query() -> None:
    finding = the("RL404", template(metric(f"{ERR} / {ALL}", f"1 > 0 && {FEW_ERRORS}")))
    condition = f"1 > 0 && {FEW_ERRORS}"
    assert finding.finding.at.piece == (condition.index("result[0]"), condition.index("result[0]") + len("result[0]"))
    first, second = finding.finding.trail[:2]
    piece = first.at.piece
    assert f"{ERR} / {ALL}"[slice(*piece)] == 'http_requests_total{job="cart",code=~"5.."}'
    assert second.message == "the measurement is Error"


def test_a_fallback_is_pointed_at_in_the_query() -> None:
    query = f"({OK} or vector(0)) / ({ALL} > 0) or vector(1)"
    finding = the("RL405", template(metric(query, GOOD)))
    assert query[slice(*finding.finding.at.piece)] == "or vector(1)"


TIMES = [
    ({}, f"{ERR} / {ALL}", FEW_ERRORS, "aborted after 5 errors, about 40s"),
    ({"initialDelay": "1m"}, f"{ERR} / {ALL}", FEW_ERRORS, "aborted after 5 errors, about 1m40s"),
    ({"consecutiveErrorLimit": 0}, f"{ERR} / {ALL}", FEW_ERRORS, "aborted after 1 error, at once"),
    ({"consecutiveErrorLimit": "{{args.e}}"}, f"{ERR} / {ALL}", FEW_ERRORS, "is aborted."),
    ({}, ERR, "len(result) > 0 && result[0] < 5", "aborted after 2 failed measurements, about 1m"),
    ({"failureLimit": 0}, ERR, "len(result) > 0 && result[0] < 5", "aborted after 1 failed measurement, at once"),
]


@pytest.mark.parametrize("more, query, success, words", TIMES)
def test_the_consequence_says_after_how_many_measurements_and_when(
    more: dict[str, Any], query: str, success: str, words: str
) -> None:
    assert words in the("RL404", template(metric(query, success, **more), args=[{"name": "e"}])).finding.consequence


def test_limits_that_let_the_analysis_go_on_abort_nothing() -> None:
    assert rules(template(metric(ERR, "len(result) > 0 && result[0] < 5", failureLimit=5))) == []


DRY = [{"metricName": "^m$"}]


def test_a_metric_in_dry_run_aborts_and_promotes_nothing() -> None:
    bad = metric(f"{OK} / {ALL} or vector(1)", GOOD)
    assert rules(template(bad, dryRun=DRY)) == []
    assert rules(template(bad, dryRun=[{"metricName": "else"}])) == ["RL405", "RL407", "RL408"]
    assert rules(template(bad), rollout(steps({"setWeight": 5}, {"analysis": analysis(dryRun=DRY)}))) == []
    one, two = {"analysis": analysis(dryRun=DRY)}, {"analysis": analysis()}
    assert rules(template(bad), rollout(steps(one, {"setWeight": 5}, two))) == ["RL405", "RL407", "RL408"]


def test_a_dry_run_of_an_experiment_counts_for_its_analyses() -> None:
    bad = metric(f"{ERR} / {ALL}", FEW_ERRORS)
    runs = [{"name": "a", "templateName": "rate"}]
    assert rules(template(bad), rollout(steps({"experiment": {"analyses": runs, "dryRun": DRY}}))) == []
    assert rules(template(bad), rollout(steps({"experiment": {"analyses": runs}}))) == ["RL404", "RL408"]


def test_a_metric_that_is_refused_decides_nothing() -> None:
    assert rules(template(metric(f"{ERR} / {ALL}", FEW_ERRORS, interval="soon"))) == []


def test_who_runs_the_template_is_named_three_times_at_most() -> None:
    users = [rollout(steps({"analysis": analysis()})) for _ in range(4)]
    for number, user in enumerate(users):
        user["metadata"]["name"] = f"cart-{number}"
    finding = the("RL404", template(metric(f"{ERR} / {ALL}", FEW_ERRORS)), *users)
    assert [related.message for related in finding.related] == ["used by the analysis of step 1"] * 3


def test_the_value_that_every_use_passes_is_filled_in() -> None:
    bad = metric(f"{RATIO} or vector({{{{args.default}}}})", FEW_ERRORS)
    spec = {"args": [{"name": "default"}]}
    passed = [{"name": "default", "value": "0"}]
    assert "RL405" not in rules(template(bad, **spec))
    assert "RL405" in rules(template(bad, **spec), rollout(steps({"analysis": analysis(args=passed)})))


def test_a_condition_inside_the_provider_is_said_to_be_dropped() -> None:
    finding = the("RL411", template(other("web", url="http://x") | {"provider": {"web": {"successCondition": "true"}}}))
    assert finding.path == "spec.metrics[0].provider.web.successCondition"
    assert "drops" in finding.finding.message


def test_both_conditions_of_a_job_go_with_one_safe_fix() -> None:
    finding = the("RL412", template({**other("job", "result == 0", spec={}), "failureCondition": "result == 1"}))
    assert finding.finding.fix.safety == "safe"
    assert [edit.at.path[-1] for edit in finding.finding.fix.edits] == ["successCondition", "failureCondition"]


POLICIES = [
    ("fail", RATIO, "len(result) > 0 && result[0] <= 0.05", []),
    ("fail", RATIO, FEW_ERRORS, []),
    ("fail", f"{RATIO} or vector(0)", FEW_ERRORS, ["RL430"]),
    ("pause", RATIO, FEW_ERRORS, ["RL430"]),
    ("pass", RATIO, FEW_ERRORS, ["RL430"]),
    ("pass", f"{RATIO} or vector(0)", FEW_ERRORS, ["RL430"]),
    ("pass", f"({ERR} or vector(0)) / ({ALL} > 0) or vector(0)", FEW_ERRORS, []),
    ("pass", ERR, f"len(result) == 0 || {FEW_ERRORS}", []),
    ("fail", f"{ERR} or vector(0)", FEW_ERRORS, []),
]


@pytest.mark.parametrize("policy, query, success, expected", POLICIES)
def test_the_policy_takes_the_place_of_the_rules_about_no_data(
    policy: str, query: str, success: str, expected: list[str]
) -> None:
    assert rules(template(metric(query, success)), no_data=policy) == expected


def test_a_policy_asks_nothing_of_a_provider_that_errors_by_itself() -> None:
    assert rules(template(other("newRelic", "result.errors < 5", query="q")), no_data="pass") == []


SCOPED = [q.replace('job="cart"', 'hash="{{args.hash}}"') for q in (OK, ALL)]
NEW_PODS = f"({SCOPED[0]} or vector(0)) / ({SCOPED[1]} > 0)"
HASH = [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]
RUN = {"analysis": analysis(args=HASH)}
WEIGHT = {"setWeight": 20}


def pause(duration: object = None) -> dict[str, Any]:
    return {"pause": {} if duration is None else {"duration": duration}}


EARLY = [
    ("at once", {}, steps(WEIGHT, RUN), {}, True),
    ("a short pause", {}, steps(WEIGHT, pause("10s"), RUN), {}, True),
    ("a pause", {}, steps(WEIGHT, pause("20s"), RUN), {}, False),
    ("a pause before there are pods", {}, steps(pause("20m"), WEIGHT, RUN), {}, True),
    ("a pause without end", {}, steps(WEIGHT, pause(), RUN), {}, False),
    ("another analysis before", {}, steps(WEIGHT, {"analysis": {"templates": []}}, RUN), {}, False),
    ("a second step", {}, steps(WEIGHT, pause(5), WEIGHT, pause(15), RUN), {}, False),
    ("pods without weight", {}, steps({"setCanaryScale": {"replicas": 1}}, pause("20s"), RUN), {}, False),
    ("minReadySeconds", {}, steps(WEIGHT, RUN), {"minReadySeconds": 20}, False),
    ("initialDelay", {"initialDelay": "20s"}, steps(WEIGHT, RUN), {}, False),
    ("a delay that nobody knows", {"initialDelay": "{{args.delay}}"}, steps(WEIGHT, RUN), {}, False),
    ("many errors allowed", {"consecutiveErrorLimit": 6}, steps(WEIGHT, RUN), {}, False),
    ("in the background", {}, {"canary": {"analysis": analysis(args=HASH), "steps": [WEIGHT, pause("1h")]}}, {}, True),
    (
        "in the background from a later step on",
        {},
        {"canary": {"analysis": analysis(args=HASH, startingStep=2), "steps": [WEIGHT, pause("1h")]}},
        {},
        False,
    ),
    ("before promotion", {}, {"blueGreen": {"prePromotionAnalysis": analysis(args=HASH)}}, {}, True),
    ("after promotion", {}, {"blueGreen": {"postPromotionAnalysis": analysis(args=HASH)}}, {}, False),
    ("for the stable pods", {}, steps(WEIGHT, {"analysis": analysis(args=[{**HASH[0], "name": "x"}])}), {}, False),
]


@pytest.mark.parametrize("more, strategy, spec, early", [c[1:] for c in EARLY], ids=[c[0] for c in EARLY])
def test_the_first_measurement_of_new_pods(
    more: dict[str, Any], strategy: object, spec: dict[str, Any], early: bool
) -> None:
    document = template(metric(NEW_PODS, GOOD, **more), args=[{"name": "hash"}, {"name": "delay"}])
    assert rules(document, rollout(strategy, **spec), select=("RL425",)) == ["RL425"] * early


def test_the_scrape_interval_of_the_settings_decides_what_is_early() -> None:
    documents = template(metric(NEW_PODS, GOOD), args=[{"name": "hash"}]), rollout(steps(WEIGHT, pause("2m"), RUN))
    assert rules(*documents, select=("RL425",)) == []
    assert rules(*documents, select=("RL425",), scrape_interval=120.0) == ["RL425"]
    at_once = documents[0], rollout(steps(WEIGHT, RUN))
    assert rules(*at_once, select=("RL425",), scrape_interval=15.0) == []


def test_a_query_that_also_counts_other_pods_has_data_from_the_start() -> None:
    half = f"({SCOPED[0]} or vector(0)) / ({ALL} > 0)"
    document = template(metric(half, GOOD), args=[{"name": "hash"}])
    assert rules(document, rollout(steps(WEIGHT, RUN)), select=("RL425",)) == []


def test_a_condition_that_accepts_an_empty_result_waits_for_data() -> None:
    document = template(metric(NEW_PODS, f"len(result) == 0 || {GOOD}"), args=[{"name": "hash"}])
    assert rules(document, rollout(steps(WEIGHT, RUN)), select=("RL425",)) == []


def fixed(document: object, **changes: object) -> Any:
    """The document after the fixes of one finding at a time, until none is left."""
    text = json.dumps(document)
    for _ in range(5):
        report = lint(text, Settings(**{"select": OURS, **changes}))  # type: ignore[arg-type]
        edits = next((f.edits for f in report.active if f.finding.fix is not None), ())
        if not edits:
            break
        text = apply_edits(text, list(edits))
    return json.loads(text)


FILTERED = ("> 0 or vector(0)", "> 0.05 or vector(0)")
"""Ends of queries whose last comparison drops a healthy version too: without the fallback they are empty for it, and
nothing but another query tells it from no data."""

MENDED = [i for i in IDIOMS if i[2] and not i[0].endswith(FILTERED)]


@pytest.mark.parametrize("query, success, expected", MENDED, ids=[f"{q} {s}" for q, s, _ in MENDED])
def test_the_fixes_of_an_idiom_leave_no_finding(query: str, success: str, expected: str) -> None:
    assert rules(fixed(template(metric(query, success)))) == []


@pytest.mark.parametrize("policy", ["fail", "pass"])
@pytest.mark.parametrize("query, success, expected", IDIOMS, ids=[f"{q} {s}" for q, s, _ in IDIOMS])
def test_fixes_for_a_policy_keep_it(policy: str, query: str, success: str, expected: str) -> None:
    document = fixed(template(metric(query, success)), no_data=policy)
    left = report_of(document, no_data=policy).active
    assert [f.finding.rule for f in left if f.finding.fix is not None] == []


def test_only_the_fix_that_stops_broken_versions_and_those_for_a_policy_are_safe() -> None:
    bad = template(metric(f"{OK} / {ALL} or vector(1)", GOOD))
    safety = {f.finding.rule: f.finding.fix.safety for f in report_of(bad).active if f.finding.fix is not None}
    assert safety == {"RL405": "unsafe", "RL407": "safe", "RL408": "unsafe"}
    assert the("RL430", bad, no_data="fail").finding.fix.safety == "safe"


def test_a_fix_leaves_placeholders_and_comments_as_they_are() -> None:
    query = f"{ERR.replace('cart', '{{args.job}}')}  # failures\n/ {ALL}"
    after = fixed(template(metric(query, FEW_ERRORS), args=[{"name": "job"}]))["spec"]["metrics"][0]
    written = after["provider"]["prometheus"]["query"]
    assert "{{args.job}}" in written
    assert "# failures\n" in written


LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", FEW_ERRORS, RATIO, "1m", "{{args.a}}"])
NAMES = st.sampled_from(
    ["name", "provider", "prometheus", "query", "successCondition", "failureCondition", "job", "count"]
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
METRICS = st.fixed_dictionaries(
    {},
    optional={
        "name": TREES,
        "provider": st.fixed_dictionaries(
            {},
            optional={
                "prometheus": st.fixed_dictionaries({}, optional={"query": LEAVES | TREES, "address": TREES}) | TREES,
                "datadog": TREES,
                "job": TREES,
            },
        ),
        "successCondition": LEAVES | TREES,
        "failureCondition": LEAVES | TREES,
        "interval": TREES,
        "count": TREES,
        "initialDelay": TREES,
        "consecutiveErrorLimit": TREES,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(METRICS | TREES, max_size=3), TREES, TREES, st.sampled_from(["any", "fail", "pause", "pass"]))
def test_no_tree_crashes_the_family(metrics: list[object], args: object, run: object, no_data: str) -> None:
    documents = template(*metrics, args=args, dryRun=run), rollout(steps({"setWeight": args}, {"analysis": run}, RUN))
    report_of(*documents, no_data=no_data)
