"""RL402 and its neighbours: conditions that cannot be read, cannot be evaluated, or decide what nobody means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.fix import apply_edits
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import lint

OURS = (
    *("RL317", "RL402", "RL403", "RL409", "RL410", "RL413", "RL414"),
    *("RL415", "RL416", "RL417", "RL418", "RL419", "RL427"),
)

ALL = 'sum(rate(http_requests_total{job="cart"}[5m]))'
ERR = '(sum(rate(http_requests_total{job="cart",code=~"5.."}[5m])) or vector(0))'
OK = '(sum(rate(http_requests_total{job="cart",code!~"5.."}[5m])) or vector(0))'
ERRORS, SUCCESSES = f"{ERR} / ({ALL} > 0)", f"{OK} / ({ALL} > 0)"
GAUGE = "avg(cart_level)"
SECONDS = 'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{job="cart"}[5m])))'
MILLISECONDS = 'histogram_quantile(0.95, sum by (le) (rate(response_latency_ms_bucket{job="cart"}[5m])))'
HARMLESS = {"name": "first", "successCondition": "len(result) > 0 && result[0] >= 0.95"}


def prometheus(query: str, **more: object) -> dict[str, Any]:
    return {"prometheus": {"address": "http://prometheus:9090", "query": query, **more}}


def metric(provider: object, success: object = None, failure: object = None, **more: object) -> dict[str, Any]:
    """A metric with the conditions that are given; a text as provider is a PromQL query."""
    conditions = {"successCondition": success, "failureCondition": failure}
    return {
        "name": "m",
        "interval": "1m",
        "count": 5,
        "inconclusiveLimit": 0,
        "provider": prometheus(provider) if isinstance(provider, str) else provider,
        **{field: text for field, text in conditions.items() if text is not None},
        **more,
    }


def template(*metrics: object, **spec: object) -> dict[str, Any]:
    """A template whose first metric has no fault."""
    first = {**HARMLESS, "provider": prometheus(GAUGE)}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": "cart"},
        "spec": {"metrics": [first, *metrics], **spec},
    }


def report_of(*documents: object, rollouts: tuple[int, int] = (1, 9), **changes: object) -> Report:
    text = "---\n".join(json.dumps(document) + "\n" for document in documents)
    targets = Targets(rollouts=Version(*rollouts))
    report = lint(text, Settings(**{"select": OURS, "targets": targets, **changes}))  # type: ignore[arg-type]
    assert not report.lost
    return report


def rules(*documents: object, **changes: Any) -> list[str]:
    return sorted(f.finding.rule[2:] for f in report_of(*documents, **changes).active)


def the(*documents: object, **changes: Any) -> Any:
    """The one finding."""
    (settled,) = report_of(*documents, **changes).active
    return settled


def pointed(document: dict[str, Any], **changes: Any) -> str:
    """The characters that the one finding points at."""
    found = the(document, **changes)
    line = (json.dumps(document) + "\n").splitlines()[found.span.line - 1]
    return line[found.span.column - 1 : found.span.end_column - 1]


def mended(document: dict[str, Any], field: str = "successCondition", **changes: Any) -> tuple[str, str]:
    """The condition of the second metric after the fix of the one finding, and the safety of the fix."""
    settled = the(document, **changes)
    text = json.dumps(document) + "\n"
    assert settled.finding.fix is not None
    after = json.loads(apply_edits(text, settled.edits))
    return after["spec"]["metrics"][1][field], settled.finding.fix.safety


UNREADABLE = [
    ("result[0] => 0.95", "=>", "result[0] >= 0.95", "safe"),
    ("result[0] =< 0.95", "=<", "result[0] <= 0.95", "safe"),
    ("result[0] <> 0.95", "<>", "result[0] != 0.95", "safe"),
    ("result[0] >= 0,95", "0,95", "result[0] >= 0.95", "safe"),
    ("result[0] > 1 AND result[0] < 2", "AND", "result[0] > 1 and result[0] < 2", "safe"),
    ("result[0] > 1 & result[0] < 2", "&", "result[0] > 1 && result[0] < 2", "safe"),
    ("result.0 > 1", ".0", "result[0] > 1", "safe"),
    ("result[0] = 1", "=", "result[0] == 1", "unsafe"),
    ("result[0] => 1 OR result.0 =< 0,5", "=>", "result[0] >= 1 or result[0] <= 0.5", "safe"),
]


@pytest.mark.parametrize("written, at, correct, safety", UNREADABLE, ids=[case[0] for case in UNREADABLE])
def test_a_slip_is_pointed_at_and_corrected(written: str, at: str, correct: str, safety: str) -> None:
    document = template(metric(GAUGE, written))
    assert rules(document) == ["402"]
    assert pointed(document) == at
    assert mended(document) == (correct, safety)


@pytest.mark.parametrize("written", ["result[0] >= 95%", "(result[0] > 1", "result[0] > 1 and", "   ", "[0] >= 1 2"])
def test_what_can_mean_several_things_is_reported_without_a_fix(written: str) -> None:
    found = the(template(metric(GAUGE, written)))
    assert (found.finding.rule, found.finding.fix) == ("RL402", None)


@pytest.mark.parametrize(
    "written",
    [
        "{{args.metric}} => {{args.limit}}",  # the first value may mend it
        "result[0] {{args.op}} 0.95",
        "result[0] >= ${LIMIT}",
        "$(CONDITION)",
    ],
)
def test_what_is_filled_in_later_may_make_an_expression(written: str) -> None:
    assert rules(template(metric(GAUGE, written), args=[{"name": n} for n in ("metric", "limit", "op")])) == []


def test_a_slip_before_an_unknown_value_is_certain() -> None:
    document = template(metric(GAUGE, "result[0] => {{args.limit}}"), args=[{"name": "limit"}])
    assert mended(document) == ("result[0] >= {{args.limit}}", "safe")


def test_a_slip_in_the_value_of_an_argument_is_pointed_at_where_it_is_used() -> None:
    document = template(metric(GAUGE, "result[0] {{args.op}} 1"), args=[{"name": "op", "value": "=>"}])
    assert pointed(document) == "{{args.op}}"
    assert the(document).finding.fix is None


def test_a_condition_that_yaml_cuts_at_a_comment_says_so() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: cart}\nspec:\n  metrics:\n"
        "  - name: m\n    successCondition: len(result) > 0 && all(result, # < 1)\n    provider:\n"
        "      prometheus: {address: 'http://p:9090', query: avg(cart_level)}\n"
    )
    (found,) = lint(text, Settings(select=OURS)).active
    assert found.finding.rule == "RL402"
    assert "begins a comment in YAML" in found.finding.remedy


VERSIONED = [
    ("a closure without braces", "len(result) > 0 && all(result, # > 1)", (1, 4), "402"),
    ("a closure without braces", "len(result) > 0 && all(result, # > 1)", (1, 5), ""),
    ("coalescing", "(get(result, 0) ?? 0) > 1", (1, 4), "402"),
    ("coalescing", "(get(result, 0) ?? 0) > 1", (1, 7), ""),
    ("a sum", "len(result) > 0 && sum(result) > 1", (1, 5), "403"),
    ("a sum", "len(result) > 0 && sum(result) > 1", (1, 7), ""),
    ("the greatest of a list", "len(result) > 0 && max(result) > 1", (1, 9), "403"),
    ("the greatest of a list", "len(result) > 0 && max(result) > 1", (1, 10), ""),
    ("no repetition", "uniq(result) != []", (1, 9), "403"),
    ("no repetition", "uniq(result) != []", (1, 10), ""),
    ("a comment", "len(result) > 0 // it is there", (1, 4), "402"),
    ("a comment", "len(result) > 0 // it is there", (1, 5), ""),
]


@pytest.mark.parametrize("what, written, rollouts, expected", VERSIONED)
def test_what_a_release_can_evaluate_depends_on_its_library(
    what: str, written: str, rollouts: tuple[int, int], expected: str
) -> None:
    assert rules(template(metric(GAUGE, written)), rollouts=rollouts) == expected.split()


def test_a_function_that_comes_later_names_the_release() -> None:
    found = the(template(metric(GAUGE, "max(result) > 1")))
    assert "needs Argo Rollouts 1.10 or later" in found.finding.remedy


DATADOG = {"datadog": {"apiVersion": "v2", "query": "avg:cart.errors{*}"}}
WEB = {"web": {"url": "https://example.com", "jsonPath": "{$.a}"}}
ROW = {"newRelic": {"query": "SELECT count(*) FROM Transaction"}}
GRAPHITE = {"graphite": {"address": "http://graphite", "query": "target=cart&from=-5min"}}
CLOUDWATCH = {"cloudWatch": {"metricDataQueries": []}}

NEVER = [
    ("a list as a number", GAUGE, "result >= 0.95"),
    ("a list whose limit is not known", GAUGE, "result >= {{args.limit}}"),
    ("NaN of a list", GAUGE, "isNaN(result) || result[0] >= 0.95"),
    ("another name", GAUGE, "results[0] >= 0.95"),
    ("a number in quotes", GAUGE, "result[0] >= '0.95'"),
    ("a default of a list", GAUGE, "default(result, 0) < 5"),
    ("no comparison", GAUGE, "result[0]"),
    ("a second element of one", GAUGE, "result[1] > 5"),
    ("a chain", GAUGE, "1 <= result[0] <= 3"),
    ("a negation that binds too tight", GAUGE, "!result[0] > 1"),
    ("an element of a scalar", "scalar(avg(cart_level))", "result[0] > 1"),
    ("an element of a number", DATADOG, "result[0] > 1"),
    ("an element of a row", ROW, "result[0].count > 1"),
    ("an unknown name in a JSON value", WEB, "Result == 'ok'"),
    ("a list of Graphite as a number", GRAPHITE, "result < 5"),
    ("another name for results of CloudWatch", CLOUDWATCH, "results[0].Values[0] > 1"),
]


@pytest.mark.parametrize("what, provider, written", NEVER, ids=[case[0] for case in NEVER])
def test_a_condition_that_does_not_fit_the_answer_always_errors(what: str, provider: object, written: str) -> None:
    document = template(metric(provider, written), args=[{"name": "limit"}])
    assert rules(document) == ["403"]
    assert "is aborted after 5 errors, about 40s" in the(document).finding.consequence


FITTING = [
    ("an element", GAUGE, "len(result) > 0 && result[0] > 1"),
    ("a scalar", "scalar(avg(cart_level))", "result > 1"),
    ("a placeholder for the whole query, with index", "{{args.query}}", "len(result) > 0 && result[0] > 1"),
    ("a placeholder for the whole query, without", "{{args.query}}", "result > 1"),
    ("a query that is none", "scalar(avg(cart_level)", "result > 1"),
    ("a number of Datadog", DATADOG, "default(result, 5) < 1"),
    ("a JSON string", WEB, "result == 'ok'"),
    ("a JSON number", WEB, "result > 1"),
    ("a JSON list", WEB, "len(result) > 0 && result[0] > 1"),
    ("a field of a row", ROW, "result.count > 1"),
    ("a row of several", {"newRelic": {"query": "SELECT count(*) FROM T FACET host"}}, "result[0].count > 1"),
    ("a list of events", {"newRelic": {"query": "SELECT * FROM T"}}, "result[0].duration < 1"),
    ("a second element of many", "sum by (pod) (cart_level)", "len(result) > 1 && result[0] < result[1]"),
    ("a value of CloudWatch", CLOUDWATCH, "len(result[0].Values) > 0 && result[0].Values[0] > 1"),
    ("a job, which evaluates nothing", {"job": {"spec": {}}}, "results > "),
    ("a query of another language", {"prometheus": {"address": "http://vmselect:8481", "query": "a keep_metric_names"}},
     "len(result) > 0 && result[0] > 1"),
]  # fmt: skip


@pytest.mark.parametrize("what, provider, written", FITTING, ids=[case[0] for case in FITTING])
def test_a_condition_that_fits_has_no_finding(what: str, provider: object, written: str) -> None:
    assert rules(template(metric(provider, written), args=[{"name": "query"}])) == []


def test_taking_the_element_out_comes_with_a_guard() -> None:
    assert mended(template(metric(GAUGE, "result >= 0.95"))) == ("len(result) > 0 && result[0] >= 0.95", "unsafe")


def test_a_misspelt_name_is_corrected() -> None:
    written = "len(result) > 0 && results[0] >= 0.95"
    assert mended(template(metric(GAUGE, written))) == (written.replace("results", "result"), "unsafe")


def test_the_limit_of_errors_decides_when_it_is_over() -> None:
    found = the(template(metric(GAUGE, "result > 1", consecutiveErrorLimit=0)))
    assert "is aborted after 1 error, at once" in found.finding.consequence


def test_in_dry_run_nothing_is_aborted() -> None:
    found = the(template(metric(GAUGE, "result > 1"), dryRun=[{"metricName": "m"}]))
    assert "aborted" not in found.finding.consequence
    assert "dry run" in found.finding.consequence


def test_one_condition_that_never_compiles_silences_the_rules_about_the_other() -> None:
    assert rules(template(metric(ERRORS, "result[0] <= 1", "result > 0.5"))) == ["403"]


GUARDS = [
    ("isNil of a list", GAUGE, "isNil(result) || len(result) > 0 && result[0] < 5", "409"),
    ("a comparison with nil", GAUGE, "result != nil && len(result) > 0 && result[0] < 5", "409"),
    ("nil on the left", GAUGE, "nil == result || len(result) > 0 && result[0] < 5", "409"),
    ("an element or else", GAUGE, "(result[0] ?? 1) < 5", "409"),
    ("isNil of a scalar", "scalar(cart_level)", "!isNil(result) && result < 5", "409"),
    ("isNil of Graphite's list", GRAPHITE, "isNil(result) || len(result) > 0 && all(result, {# < 5})", "409"),
    ("isNil before a number", DATADOG, "isNil(result) || result < 5", "409"),
    ("not nil before a number", DATADOG, "result != nil && result < 5", "409"),
    ("not nil before a field", WEB, "result != nil && result.errors < 5", "409"),
    ("a first element or else", GAUGE, "(first(result) ?? 9) < 5", ""),
    ("isNil before a conversion", DATADOG, "isNil(result) || asFloat(result) < 5", ""),
    ("a default for a number", DATADOG, "default(result, 9) < 5", ""),
    ("or else for a number", DATADOG, "(result ?? 9) < 5", ""),
    ("isNil alone", WEB, "isNil(result)", ""),
    ("or else for a field", WEB, "(result.errors ?? 9) < 5", ""),
]


@pytest.mark.parametrize("what, provider, written, expected", GUARDS, ids=[case[0] for case in GUARDS])
def test_a_guard_that_guards_nothing_is_found(what: str, provider: object, written: str, expected: str) -> None:
    assert rules(template(metric(provider, written)), rollouts=(1, 9)) == expected.split()


ORDER = [
    ("and", GAUGE, "result[0] < 5 && len(result) > 0", "410"),
    ("or", GAUGE, "result[0] < 5 || len(result) == 0", "410"),
    ("words", GAUGE, "result[0] < 5 and len(result) > 0", "410"),
    ("the guard is first", GAUGE, "len(result) > 0 && result[0] < 5", ""),
    ("the query always answers", "sum(cart_level) or vector(1)", "result[0] < 5 || len(result) == 0", ""),
    ("the length is part of an index", GAUGE, "result[len(result)-1] < 5", ""),
]


@pytest.mark.parametrize("what, query, written, expected", ORDER, ids=[case[0] for case in ORDER])
def test_a_guard_behind_the_index_comes_too_late(what: str, query: str, written: str, expected: str) -> None:
    assert rules(template(metric(query, written))) == expected.split()


@pytest.mark.parametrize(
    "written, correct, safety",
    [
        ("result[0] < 5 && len(result) > 0", "len(result) > 0 && result[0] < 5", "safe"),
        ("result[0] < 5 || len(result) == 0", "len(result) == 0 || result[0] < 5", "unsafe"),
    ],
)
def test_putting_the_guard_first_is_safe_where_nothing_passes_by_it(written: str, correct: str, safety: str) -> None:
    assert mended(template(metric(GAUGE, written))) == (correct, safety)


@pytest.mark.parametrize(
    "provider, written, expected",
    [
        (GAUGE, "default(result[0], 0) >= 0.95", "427"),
        (WEB, "isNil(result.error)", "427"),
        (WEB, "default(result.errors, 0) < 1", "427"),
        (DATADOG, "default(result, 9) < 1", ""),
        (WEB, "isNil(result)", ""),
        (WEB, "default({{args.what}}, 0) < 1", ""),
    ],
)
def test_isnil_and_default_look_at_the_whole_result(provider: object, written: str, expected: str) -> None:
    assert rules(template(metric(provider, written), args=[{"name": "what"}])) == expected.split()


CONSTANT = [
    ("a ratio against percents", SUCCESSES, "result[0] >= 95", None, "413"),
    ("a ratio against more than it can be", SUCCESSES, "result[0] > 1", None, "413"),
    ("a ratio that is always small enough", ERRORS, "result[0] <= 1", None, "413"),
    ("a rate that is always great enough", ALL, "len(result) > 0 && result[0] >= 0", None, "413"),
    ("a quantile that is always great enough", SECONDS, "len(result) > 0 && result[0] >= 0", None, "413"),
    ("a failure that never comes", ERRORS, "result[0] <= 0.05", "len(result) > 0 && result[0] > 1", "413"),
    ("a failure that always comes", ERRORS, None, "result[0] >= 0", "413"),
    ("nothing is both", GAUGE, "result[0] > 5 && result[0] < 1", None, "413"),
    ("everything is one or the other", GAUGE, "result[0] > 1 || result[0] < 5", None, "413"),
    ("true", GAUGE, "true", None, "413"),
    ("a number of Datadog is both", DATADOG, "default(result, 3) > 5 && default(result, 3) < 1", None, "413"),
    ("percents against percents", f"100 * {SUCCESSES}", "result[0] >= 95", None, ""),
    ("a ratio above a percentage", SUCCESSES, "result[0] >= 0.95", None, ""),
    ("data or not", GAUGE, "len(result) > 0", None, ""),
    ("data or not, and no data is good", f"{ERRORS} > 0.05", "len(result) == 0", None, ""),
    ("the query filters what is good", f"{ERRORS} > 0.05", "len(result) == 0 || result[0] <= 0.05", None, ""),
    ("the query filters what is bad", f"{ERRORS} <= 0.05", "len(result) > 0 && result[0] <= 0.05", None, ""),
    ("a failure without data alone", ERRORS, "len(result) > 0 && result[0] <= 0.05", "len(result) == 0", "415"),
    ("a threshold that is filled in", SUCCESSES, "result[0] >= {{args.limit}}", None, ""),
    ("one of many", "sum by (pod) (rate(x_total[5m]))", "len(result) > 0 && all(result, {# > 1})", None, ""),
    ("a sum of ratios by pod", "sum by (pod) (a_ratio)", "len(result) > 0 && any(result, {# > 95})", None, ""),
]  # fmt: skip


@pytest.mark.parametrize("what, provider, success, failure, expected", CONSTANT, ids=[case[0] for case in CONSTANT])
def test_a_condition_that_decides_nothing_is_found(
    what: str, provider: object, success: str | None, failure: str | None, expected: str
) -> None:
    document = template(metric(provider, success, failure), args=[{"name": "limit"}])
    assert rules(document) == expected.split()


def test_percents_against_a_ratio_say_both_ways_out() -> None:
    found = the(template(metric(SUCCESSES, "len(result) > 0 && result[0] >= 99.5")))
    assert found.finding.remedy == "Compare with 0.995, or multiply the query by 100."


def test_the_value_of_an_argument_is_a_threshold_too() -> None:
    document = template(metric(SUCCESSES, "result[0] >= {{args.limit}}"), args=[{"name": "limit", "value": "95"}])
    assert rules(document) == ["413"]
    assert pointed(document) == "result[0] >= {{args.limit}}"


UNITS = [
    ("errors as often as successes", ERRORS, "result[0] <= 0.95", None, "414"),
    ("half of the requests", ERRORS, "result[0] < 0.5", None, "414"),
    ("a failure condition", ERRORS, None, "result[0] > 0.9", "414"),
    ("few errors", ERRORS, "result[0] <= 0.05", None, ""),
    ("few errors, by a failure condition", ERRORS, None, "result[0] > 0.05", ""),
    ("few successes", SUCCESSES, "result[0] >= 0.05", None, "414"),
    ("percents against a ratio", f"100 * {SUCCESSES}", "result[0] >= 0.95", None, "414"),
    ("a small percentage of errors", f"100 * {ERRORS}", "result[0] <= 1", None, ""),
    ("seconds", SECONDS, "result[0] < 500", None, "414"),
    ("seconds, by a failure condition", SECONDS, None, "result[0] >= 500", "414"),
    ("seconds that are seconds", SECONDS, "result[0] < 2.5", None, ""),
    ("seconds times 1000", f"{SECONDS} * 1000", "result[0] < 500", None, ""),
    ("seconds times 1000, as seconds", f"{SECONDS} * 1000", "result[0] < 0.5", None, "414"),
    ("milliseconds", MILLISECONDS, "result[0] < 500", None, ""),
    ("milliseconds as seconds", MILLISECONDS, "result[0] <= 0.5", None, "414"),
    ("milliseconds by 1000", f"{MILLISECONDS} / 1000", "result[0] <= 0.5", None, ""),
    ("a mean in seconds", "sum(rate(http_request_seconds_sum[5m])) / sum(rate(http_request_seconds_count[5m]))",
     "result[0] < 250", None, "414"),
    ("a job that may take long", "histogram_quantile(0.9, sum by (le) (rate(backup_seconds_bucket[5m])))",
     "result[0] < 500", None, ""),
    ("an age", "max(process_age_seconds)", "result[0] > 500", None, ""),
    ("any request", ERRORS, "result[0] < 0.05 && result[0] >= 0", None, ""),
]  # fmt: skip


@pytest.mark.parametrize("what, query, success, failure, expected", UNITS, ids=[case[0] for case in UNITS])
def test_a_threshold_on_another_scale_is_found(
    what: str, query: str, success: str | None, failure: str | None, expected: str
) -> None:
    assert rules(template(metric(query, success, failure))) == expected.split()


BOTH = [
    ("a gap", GAUGE, "result[0] >= 0.95", "result[0] < 0.9", "415", "from 0.9 up to 0.95"),
    ("a gap of one number", GAUGE, "result[0] > 0.95", "result[0] < 0.95", "415", "at 0.95"),
    ("a gap without ends", GAUGE, "result[0] > 5", "result[0] < 1", "415", "from 1 to 5"),
    ("an overlap", GAUGE, "result[0] >= 0.9", "result[0] < 0.95", "416", "from 0.9 up to 0.95"),
    ("an overlap of one number", GAUGE, "result[0] >= 0.95", "result[0] <= 0.95", "416", "at 0.95"),
    ("two gaps", GAUGE, "result[0] == 3", "result[0] < 1 || result[0] > 5", "415", "from 1 up to 3 and above 3 to 5"),
]


@pytest.mark.parametrize("what, query, success, failure, rule, words", BOTH, ids=[case[0] for case in BOTH])
def test_what_lies_between_two_conditions_is_named(
    what: str, query: str, success: str, failure: str, rule: str, words: str
) -> None:
    found = the(template(metric(query, success, failure)))
    assert found.finding.rule == f"RL{rule}"
    assert words in found.finding.message


@pytest.mark.parametrize(
    "query, success, failure",
    [
        (GAUGE, "result[0] >= 0.95", "result[0] < 0.95"),
        (ALL, "len(result) > 0 && result[0] > 0", "len(result) > 0 && result[0] <= 0"),
        (GAUGE, "result[0] >= 0.95", "!(result[0] >= 0.95)"),
        (GAUGE, "result[0] >= {{args.a}}", "result[0] < {{args.b}}"),
    ],
)
def test_conditions_that_meet_leave_nothing_between(query: str, success: str, failure: str) -> None:
    assert rules(template(metric(query, success, failure), args=[{"name": "a"}, {"name": "b"}])) == []


DIRECTION = [
    ("errors that are great enough", ERRORS, "result[0] >= 0.95", None, "417"),
    ("successes that are small enough", SUCCESSES, "result[0] <= 0.05", None, "417"),
    ("errors, by a failure condition", ERRORS, None, "result[0] < 0.05", "417"),
    ("long latencies", SECONDS, "result[0] > 0.5", None, "417"),
    ("short latencies fail", MILLISECONDS, None, "result[0] < 500", "417"),
    ("a size, which may well be great", "histogram_quantile(0.5, sum by (le) (rate(batch_size_bucket[5m])))",
     "result[0] > 5", None, ""),
    ("requests, which are wanted", ALL, "len(result) > 0 && result[0] > 5", None, ""),
]  # fmt: skip


@pytest.mark.parametrize("what, query, success, failure, expected", DIRECTION, ids=[case[0] for case in DIRECTION])
def test_a_condition_that_is_the_wrong_way_round_is_found(
    what: str, query: str, success: str | None, failure: str | None, expected: str
) -> None:
    assert rules(template(metric(query, success, failure))) == expected.split()


RANGE = prometheus(GAUGE, rangeQuery={"start": "now() - duration('5m')", "end": "now()", "step": "30s"})
FLUX = 'from(bucket: "shop") |> range(start: -5m) |> filter(fn: (r) => r._measurement == "cart")'

OLDEST = [
    ("a range query", RANGE, "len(result) > 0 && result[0] < 5", "418"),
    ("a range query, by first", RANGE, "(first(result) ?? 9) < 5", "418"),
    ("a range selector", "cart_level[5m]", "len(result) > 0 && result[0] < 5", "418"),
    ("Graphite", GRAPHITE, "len(result) > 0 && result[0] < 5", "418"),
    ("InfluxDB", {"influxdb": {"profile": "p", "query": FLUX}}, "result[0] < 5", "418"),
    ("InfluxDB by the minute", {"influxdb": {"query": f"{FLUX} |> aggregateWindow(every: 1m, fn: mean)"}},
     "result[0] < 5", "418"),
    ("InfluxDB, the last", {"influxdb": {"query": f"{FLUX} |> last()"}}, "result[0] < 5", ""),
    ("InfluxDB, a mean", {"influxdb": {"query": f"{FLUX} |> mean()"}}, "result[0] < 5", ""),
    ("InfluxDB, newest first", {"influxdb": {"query": f'{FLUX} |> sort(columns: ["_time"], desc: true)'}},
     "result[0] < 5", ""),
    ("Graphite, summarised", {"graphite": {"query": "target=summarize(cart,'5min','avg')&from=-5min"}},
     "len(result) > 0 && result[0] < 5", ""),
    ("the newest", RANGE, "len(result) > 0 && result[len(result)-1] < 5", ""),
    ("all", RANGE, "len(result) > 0 && all(result, {# < 5})", ""),
    ("the first beside all", RANGE, "len(result) > 0 && result[0] < 9 && all(result, {# < 5})", ""),
    ("an instant", GAUGE, "len(result) > 0 && result[0] < 5", ""),
]  # fmt: skip


@pytest.mark.parametrize("what, provider, written, expected", OLDEST, ids=[case[0] for case in OLDEST])
def test_the_first_of_samples_in_time_is_the_oldest(what: str, provider: object, written: str, expected: str) -> None:
    assert rules(template(metric(provider, written)), rollouts=(1, 8)) == expected.split()


def test_before_1_8_a_range_is_no_answer_at_all() -> None:
    assert rules(template(metric(RANGE, "len(result) > 0 && result[0] < 5")), rollouts=(1, 7)) == []


def test_the_newest_sample_is_taken_in_both_conditions() -> None:
    document = template(metric(RANGE, "len(result) > 0 && result[0] < 5", "len(result) == 0 || result[0] >= 5"))
    newest = "result[len(result)-1]"
    assert mended(document) == (f"len(result) > 0 && {newest} < 5", "unsafe")
    assert mended(document, "failureCondition") == (f"len(result) == 0 || {newest} >= 5", "unsafe")


ONE = "len(result) > 0 && result[0] < 5"
SERIES = [
    ("by pod", "max by (pod) (cart_level)", ONE, "419"),
    ("by two labels", "sum by (pod, code) (rate(http_requests_total[5m])) ", ONE, "419"),
    ("without one label", "sum without (code) (rate(http_requests_total[5m]))", ONE, ""),
    ("not aggregated", 'rate(http_requests_total{service="cart"}[5m])', ONE, "419"),
    ("a gauge of several pods", 'cart_level{service="cart"}', ONE, "419"),
    ("a fallback that is one more", "sum by (pod) (cart_level) or vector(0)", ONE, "419"),
    ("by a label that is fixed", 'sum by (service) (cart_level{service="cart"})', ONE, ""),
    ("by a label that an argument fixes", 'sum by (service) (cart_level{service="{{args.service}}"})', ONE, ""),
    ("of one pod", 'cart_level{pod="{{args.pod}}"}', ONE, ""),
    ("a recording rule", 'cart:level:max{service="cart"}', ONE, ""),
    ("aggregated", "max(cart_level)", ONE, ""),
    ("all of them", "max by (pod) (cart_level)", "len(result) > 0 && all(result, {# < 5})", ""),
    ("the greatest", "topk(1, cart_level)", ONE, ""),
    ("the three greatest", "topk(3, cart_level)", ONE, "419"),
    ("a query that is filled in", "{{args.query}}", ONE, ""),
]


@pytest.mark.parametrize("what, query, written, expected", SERIES, ids=[case[0] for case in SERIES])
def test_one_of_several_series_is_arbitrary(what: str, query: str, written: str, expected: str) -> None:
    document = template(metric(query, written), args=[{"name": n} for n in ("service", "pod", "query")])
    assert rules(document) == expected.split()


KAYENTA = {"kayenta": {"threshold": {"pass": 90, "marginal": 75}}}
GUARDED = ("len(result) > 0 && result[0] >= 0.95", "len(result) > 0 && result[0] < 0.95")

IMPLICIT = [
    ("a gap", GAUGE, ("result[0] >= 0.95", "result[0] < 0.9"), "317"),
    ("no data", GAUGE, GUARDED, "317"),
    ("NaN", f"{ERR} / {ALL}", ("result[0] <= 0.05", "result[0] > 0.05"), "317"),
    ("a score between", KAYENTA, (None, None), "317"),
    ("strings", WEB, ("result == 'good'", "result == 'bad'"), "317"),
    ("neither gap nor NaN", f"{ERRORS} or vector(1)", ("result[0] <= 0.05", "result[0] > 0.05"), ""),
    ("one condition", GAUGE, ("len(result) > 0 && result[0] > 1", None), ""),
    ("opposite strings", WEB, ("result == 'good'", "result != 'good'"), ""),
    ("a score without a margin", {"kayenta": {"threshold": {"pass": 90, "marginal": 90}}}, (None, None), ""),
    ("a plugin, which decides itself", {"plugin": {"x/y": {}}}, (None, None), ""),
    ("thresholds that are filled in", GAUGE, ("result[0] > {{args.a}}", "result[0] < {{args.b}}"), ""),
]


def undecided(provider: object, conditions: tuple[str | None, str | None], **more: object) -> dict[str, Any]:
    made = metric(provider, *conditions, **more)
    if made.get("inconclusiveLimit") == 0:
        del made["inconclusiveLimit"]
    return template(made, args=[{"name": "a"}, {"name": "b"}])


@pytest.mark.parametrize("what, provider, conditions, expected", IMPLICIT, ids=[case[0] for case in IMPLICIT])
def test_the_implicit_limit_is_spelt_out_where_it_matters(
    what: str, provider: object, conditions: tuple[str | None, str | None], expected: str
) -> None:
    assert rules(undecided(provider, conditions), select=("RL317",)) == expected.split()


@pytest.mark.parametrize("rollouts, expected", [((1, 9), []), ((1, 10), ["317"])])
def test_a_job_can_be_inconclusive_since_1_10(rollouts: tuple[int, int], expected: list[str]) -> None:
    assert rules(undecided({"job": {"spec": {}}}, (None, None)), rollouts=rollouts) == expected


@pytest.mark.parametrize("limit", [0, 2, "{{args.a}}"])
def test_a_written_limit_is_enough(limit: object) -> None:
    document = template(metric(GAUGE, *GUARDED, inconclusiveLimit=limit), args=[{"name": "a"}])
    assert rules(document, select=("RL317",)) == []


def test_a_limit_without_a_value_is_filled_in_place() -> None:
    document = undecided(GAUGE, GUARDED, inconclusiveLimit=None)
    settled = the(document, select=("RL317",))
    after = json.loads(apply_edits(json.dumps(document) + "\n", settled.edits))
    assert after["spec"]["metrics"][1]["inconclusiveLimit"] == 0


def test_what_is_in_dry_run_pauses_nothing() -> None:
    document = undecided(GAUGE, GUARDED)
    document["spec"]["dryRun"] = [{"metricName": ".*"}]
    assert rules(document, select=("RL317",)) == []


def test_in_a_list_of_objects_the_fault_is_found_too() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [template(metric(GAUGE, "result > 1"))]}
    assert rules(listed) == ["403"]


def test_a_cluster_template_is_judged_likewise() -> None:
    document = {**template(metric(GAUGE, "result > 1")), "kind": "ClusterAnalysisTemplate"}
    assert rules(document) == ["403"]


@pytest.mark.parametrize("spec", [None, {"metrics": None}, {"metrics": [None, 1, {"provider": None}]}, {"metrics": {}}])
def test_nothing_is_no_fault(spec: object) -> None:
    assert rules({**template(), "spec": spec}) == []


KEYS = [
    *("metrics", "name", "interval", "count", "provider", "prometheus", "web", "query", "job", "dryRun", "rangeQuery"),
    *("successCondition", "failureCondition", "inconclusiveLimit"),
]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["result[0] > 1", "result => 1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_no_tree_below_spec_crashes_a_check(tree: object) -> None:
    document = {**template(), "spec": tree}
    report_of(document)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="result[0] <>=!&|?()len{#},.'95%isNil", max_size=30), st.sampled_from([GAUGE, ERRORS, SECONDS]))
def test_no_condition_crashes_a_check(text: str, query: str) -> None:
    report_of(template(metric(query, text, "result[0] > 1")))
