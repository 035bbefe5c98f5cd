"""What one measurement decides in each world, held against what servers returned and the controller made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.measurement import (
    WORLDS,
    Judgement,
    Measurement,
    Verdict,
    WorldKey,
    judge,
    measure,
    phases_by_region,
)
from rolloutlint.lang import expr
from rolloutlint.settings import Targets, Version

TERMS = {
    "ERR": 'sum(rate(http_requests_total{code=~"5.."}[5m]))',
    "OK": 'sum(rate(http_requests_total{code!~"5.."}[5m]))',
    "ALL": "sum(rate(http_requests_total[5m]))",
    "HQ": "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "HQP": "histogram_quantile(0.95, sum by (le, pod) (rate(http_request_duration_seconds_bucket[5m])))",
    "SUM": "sum(rate(http_request_duration_seconds_sum[5m]))",
    "COUNT": "sum(rate(http_request_duration_seconds_count[5m]))",
    "PODS": "sum by (pod) (rate(http_requests_total[5m]))",
}
LETTERS = {"S": "Successful", "F": "Failed", "E": "Error", "I": "Inconclusive"}


def of(query: str, success: str = "", failure: str = "", form: str = "prometheus", rollouts: str = "1.9") -> Judgement:
    """The judgement of a query in which the terms above are abbreviated."""
    text = re.sub(r"\b[A-Z]+\b", lambda word: TERMS.get(word[0], word[0]), query)
    return judge(form, text, success, failure, expr.library_of(Version(*map(int, rollouts.split(".")))), 3)


def the(judgement: Judgement, world: WorldKey) -> Verdict:
    verdict = judgement.verdict(world)
    assert verdict is not None, world
    return verdict


def phases(judgement: Judgement, world: WorldKey) -> set[str]:
    return {phase or "unknown" for phase in the(judgement, world).phases}


# ---- the idioms of the field, as real servers answered them ------------------------------------------------------

COUNTERS: tuple[WorldKey | None, ...] = (
    "absent",
    "started",
    "idle",
    None,  # no series of failures, no traffic
    "healthy-no-failures",
    "healthy",
    "failing-no-successes",
    "failing",
    "normal",
    None,  # half of very few requests fail
)
HISTOGRAMS: tuple[WorldKey | None, ...] = (
    "absent",
    "started",
    "idle",
    "idle",
    None,  # no `+Inf` bucket
    "normal",
    None,  # all in the first bucket
    None,  # all beyond the last bound
    None,  # one pod of several is idle
)
FEW_ERRORS = ("result[0] <= 0.05", "")
GUARDED = ("len(result) == 0 || isNaN(result[0]) || result[0] <= 0.05", "")
BOTH = ("len(result) > 0 && result[0] <= 0.05", "len(result) > 0 && result[0] > 0.05")
MOSTLY_GOOD = ("result[0] >= 0.95", "")
FAST = ("result[0] <= 0.5", "")

IDIOMS = [
    *((COUNTERS, FEW_ERRORS, query, row) for query, row in (
        ("ERR / ALL", "EEFEESFFff"),
        ("ERR / ALL or vector(0)", "SSFSSSFFff"),
        ("(ERR or vector(0)) / ALL", "EEFFSSFFff"),
        ("(ERR or vector(0)) / ALL or vector(0)", "SSFFSSFFff"),
        ("(ERR or vector(0)) / (ALL or vector(1))", "SSFFSSFFff"),
        ("(ERR / ALL) > 0 or vector(0)", "SSSSSSFFff"),
        ("(ERR or vector(0)) / (ALL > 0)", "EEEESSFFff"),
        ("(ERR or vector(0)) / (ALL > 0) or vector(0)", "SSSSSSFFff"),
        ("ERR / clamp_min(ALL, 0.001) or vector(0)", "SSSSSSffff"),
        ("(ERR or vector(0)) / clamp_min(ALL, 0.001)", "EESSSSffff"),
        ("(ERR or vector(0)) / (ALL > 0 or vector(1))", "SSSSSSFFff"),
        ("ERR / ALL or absent(http_requests_total) * 0", "SEFEESFFff"),
        ("(ERR or vector(0)) / clamp_min(ALL or vector(0), 0.001)", "SSSSSSffff"),
        ("(ERR or vector(0)) / (ALL > 0) or vector(1)", "FFFFSSFFff"),
        ("ERR / ALL > 0.05", "EEEEEEFFff"),
        ("ERR / ALL > 0.05 or vector(0)", "SSSSSSFFff"),
    )),
    *((COUNTERS, MOSTLY_GOOD, query, row) for query, row in (
        ("OK / ALL", "EEFFSSEFff"),
        ("OK / ALL or vector(1)", "SSFFSSSFff"),
        ("(OK / ALL) >= 0 or vector(1)", "SSSSSSSFff"),
        ("OK / (ALL > 0) or vector(1)", "SSSSSSSFff"),
        ("OK / ALL and ALL > 0 or vector(1)", "SSSSSSSFff"),
        ("OK / ALL unless ALL == 0 or vector(1)", "SSSSSSSFff"),
        ("OK / clamp_min(ALL, 1)", "EEFFssEFff"),
        ("OK / clamp_min(ALL, 1) or vector(1)", "SSFFssSFff"),
        ("1 - ERR / ALL", "EEFEESFFff"),
        ("1 - ERR / ALL or vector(1)", "SSFSSSFFff"),
        ("1 - (ERR or vector(0)) / ALL", "EEFFSSFFff"),
        ("1 - (ERR or vector(0)) / ALL or vector(1)", "SSFFSSFFff"),
        ("1 - ((ERR or vector(0)) / (ALL > 0)) or vector(1)", "SSSSSSFFff"),
        ("1 - (ERR / (ALL > 0) or vector(0))", "SSSSSSFFff"),
        ("1 - ((ERR or vector(0)) / (ALL > 0)) or vector(0)", "FFFFSSFFff"),
        ("(OK or vector(0)) / (ALL > 0) or vector(1)", "SSSSSSFFff"),
        ("(OK or vector(1)) / (ALL or vector(1))", "SSFFSSsFff"),
        ("1 - ERR / clamp_min(ALL, 1)", "EESEESfffs"),
        ("1 - (ERR or vector(0)) / clamp_min(ALL, 1)", "EESSSSfffs"),
        ("vector(scalar(OK / ALL)) >= 0 or vector(1)", "SSSSSSSFff"),
        ("(OK / ALL) * (ALL > bool 0)", "EEFFssEFff"),
        ("scalar(OK / ALL)", "EEEEEEEEEE"),
    )),
    *((COUNTERS, GUARDED, query, row) for query, row in (
        ("ERR / ALL", "SSSSSSFFff"),
        ("(ERR or vector(0)) / ALL", "SSSSSSFFff"),
        ("(ERR or vector(0)) / (ALL > 0)", "SSSSSSFFff"),
    )),
    *((COUNTERS, BOTH, query, row) for query, row in (
        ("ERR / ALL", "IIIIISFFff"),
        ("(ERR or vector(0)) / ALL", "IIIISSFFff"),
        ("(ERR or vector(0)) / (ALL > 0)", "IIIISSFFff"),
    )),
    *((HISTOGRAMS, FAST, query, row) for query, row in (
        ("HQ", "EEFFffsff"),
        ("HQ or vector(0)", "SSFFffsff"),
        ("HQ >= 0 or vector(0)", "SSSSsfsff"),
        ("HQ and on() (COUNT > 0)", "EEEEffsff"),
        ("HQ and on() (COUNT > 0) or vector(0)", "SSSSffsff"),
        ("histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])))", "EEEEEEEEE"),
        ("histogram_quantile(95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))", "EEffffFff"),
        ("HQP", "EEFFffsff"),
        ("HQP or vector(0)", "SSffffsff"),
        ("max(HQP >= 0) or vector(0)", "SSSSsfsff"),
        ("avg(HQP)", "EEFFffsff"),
        ("SUM / COUNT", "EEFFsssfs"),
        ("SUM / COUNT or vector(0)", "SSFFsssfs"),
        ("SUM / (COUNT > 0) or vector(0)", "SSSSsssfs"),
    )),
]  # fmt: skip
"""The worlds of a row, the conditions, the query, and the phase that a real run had in each world: a capital where
there is no other, a small letter where it depends on the numbers."""


@pytest.mark.parametrize("worlds, conditions, query, row", IDIOMS)
def test_the_verdicts_of_an_idiom_are_those_of_a_real_run(
    worlds: tuple[WorldKey | None, ...], conditions: tuple[str, str], query: str, row: str
) -> None:
    judgement = of(query, *conditions)
    anywhere = {phase for verdict in judgement.verdicts for phase in verdict.phases}
    wrong = []
    for world, letter in zip(worlds, row, strict=True):
        phase = LETTERS[letter.upper()]
        if world is None:
            wrong += [] if phase in anywhere else [(world, phase)]
        elif letter.isupper() and worlds is COUNTERS:
            wrong += [] if phases(judgement, world) == {phase} else [(world, phases(judgement, world))]
        elif phase not in phases(judgement, world):
            wrong.append((world, phases(judgement, world)))
    assert wrong == []


def test_the_worlds_are_told_in_the_order_of_the_table() -> None:
    assert [verdict.world for verdict in of("ERR / ALL", *FEW_ERRORS).verdicts] == list(WORLDS)


# ---- queries ---------------------------------------------------------------------------------------------------


def test_without_matchers_for_failures_healthy_follows_from_the_condition() -> None:
    query = 'sum(rate(jobs_total{outcome="bad"}[5m])) / sum(rate(jobs_total[5m]))'
    judgement = of(query, "result[0] < 0.1")
    assert not judgement.classified
    assert phases(judgement, "healthy") == {"Successful"}
    assert phases(judgement, "healthy-no-failures") == {"Error"}
    assert judgement.verdict("failing") is None
    inverted = of(query, "result[0] > 0.9")
    assert phases(inverted, "failing") == {"Failed"}
    assert inverted.verdict("healthy") is None


def test_a_scalar_never_fits_a_condition_with_an_index() -> None:
    judgement = of("scalar(ERR)", "result[0] < 1")
    assert judgement.shape == "float"
    (condition,) = judgement.conditions
    assert condition.fault is not None
    assert phases(judgement, "normal") == {"Error"}


def test_a_scalar_of_nothing_is_nan_and_never_empty() -> None:
    judgement = of("scalar(ERR)", "result < 1")
    assert [part.kind for part in the(judgement, "absent").parts] == ["NaN"]
    assert phases(judgement, "absent") == {"Failed"}


def test_a_vector_never_fits_a_condition_without_an_index() -> None:
    judgement = of("ERR", "result < 1")
    assert judgement.conditions[0].fault is not None
    assert all(verdict.certainly("Error") for verdict in judgement.verdicts)


def test_a_string_is_an_error_in_every_world() -> None:
    judgement = of('"up"', "result[0] > 0")
    assert judgement.verdicts
    assert all(verdict.certainly("Error") for verdict in judgement.verdicts)
    assert judgement.shape is None


def test_a_matrix_has_several_elements_since_1_8_and_is_an_error_before() -> None:
    query, condition = "http_requests_total[5m]", "result[7] > 5"
    assert phases(of(query, condition), "normal") == {"Error", "Failed", "Successful"}
    assert phases(of(query, condition, form="prometheus-vector"), "normal") == {"Error"}


def test_a_range_query_gives_many_elements_of_what_is_a_scalar_elsewhere() -> None:
    judgement = of("scalar(ALL)", "result[0] > 5", form="prometheus-range")
    assert judgement.shape == "float[]"
    assert phases(of("vector(1)", "len(result) == 1", form="prometheus-range"), "normal") == {"Successful", "Failed"}
    assert phases(of("http_requests_total[5m]", "result[0] > 5", form="prometheus-range"), "normal") == {"Error"}


def test_an_unknown_expression_is_open_in_every_world_with_a_query() -> None:
    judgement = of("{{args.query}}", "result[0] > 0.95")
    assert {verdict.world for verdict in judgement.verdicts if None in verdict.phases} >= {"normal", "absent", "idle"}
    assert not any(v.certainly("Successful", "Failed", "Error", "Inconclusive") for v in judgement.verdicts[:-1])


def test_of_an_unparsable_query_nothing_is_said_about_worlds() -> None:
    judgement = of("sum(rate(x[5m])", "result[0] > 0")
    assert judgement.query is not None
    assert judgement.query.syntax is not None
    assert [verdict.world for verdict in judgement.verdicts] == ["unreachable"]


def test_a_query_too_deep_to_follow_is_no_unparsable_one() -> None:
    judgement = of("(" * 3000 + "x" + ")" * 3000, "result[0] > 0")
    assert judgement.query is None
    assert phases(judgement, "absent") == {"Error"}


def test_metricsql_is_not_taken_for_broken_promql() -> None:
    judgement = of("sum(rate(x)) default 0", "result[0] > 0")
    assert judgement.query is None
    assert [verdict.world for verdict in judgement.verdicts] == ["absent", "unreachable"]


# ---- conditions ------------------------------------------------------------------------------------------------


def test_an_unparsable_condition_is_an_error_whatever_is_measured() -> None:
    judgement = of("ERR or vector(0)", "result[0] =< 1")
    assert judgement.conditions[0].syntax is not None
    assert all(verdict.certainly("Error") for verdict in judgement.verdicts)


def test_without_conditions_every_answer_passes() -> None:
    judgement = of("ERR / ALL")
    assert {p for v in judgement.verdicts[:-1] for p in v.phases} == {"Successful"}
    assert judgement.conditions == ()


def test_white_space_is_a_condition_that_does_not_compile() -> None:
    assert phases(of("ERR", " "), "normal") == {"Error"}


@pytest.mark.parametrize("condition, expected", [
    ("result[0] >= {{args.least}}", {"unknown"}),
    ("result[0] >= 0.{{args.least}}", {"unknown"}),
    ("result[0] {{args.op}} 0.95", {"unknown"}),
    ("result[{{args.at}}] > 0.95", {"unknown"}),
    ("{{args.condition}}", {"unknown"}),
    ("result[0] >= 0.5 && result[0] >= {{args.least}}", {"Failed", "unknown"}),
])  # fmt: skip
def test_an_unknown_threshold_stays_open(condition: str, expected: set[str]) -> None:
    assert phases(of("OK / ALL", condition), "normal") == expected


def test_an_unknown_threshold_does_not_keep_an_empty_result_from_failing() -> None:
    assert phases(of("OK / ALL", "result[0] >= {{args.least}}"), "absent") == {"Error"}
    assert phases(of("OK / ALL", "len(result) == 0 || {{args.more}}"), "absent") == {"Successful"}


@pytest.mark.parametrize("query, condition, expected", [
    ("ALL", "result[1] >= 0", {"Error"}),
    ("ALL", "result[5] >= 0", {"Error"}),
    ("PODS", "result[1] >= 0", {"Error", "Successful"}),
    ("PODS", "result[5] >= 0", {"Error", "Successful"}),
    ("PODS", "result[-3] >= 0", {"Error", "Successful"}),
    ("PODS", "result[1 + 1] >= 0", {"Error", "Successful"}),
    ("PODS", "let r = result; r[5] >= 0", {"Error", "Successful"}),
    ("PODS", "get(result, 4) != nil", {"Failed", "Successful"}),
    ("PODS", "result[len(result) - 1] >= 0", {"Successful"}),
])  # fmt: skip
def test_an_element_may_be_missing_where_there_may_be_several(query: str, condition: str, expected: set[str]) -> None:
    assert phases(of(query, condition), "normal") == expected


@pytest.mark.parametrize("condition", [
    "len(result) >= 3 && all(result, # >= 0)",
    "len(result) == 7",
    "len(result) > 12",
    "count(result, # >= 0) == 5",
    "!(len(result) < 4)",
])  # fmt: skip
def test_a_length_that_is_asked_for_may_be_reached(condition: str) -> None:
    assert phases(of("PODS", condition), "normal") == {"Failed", "Successful"}


def test_elements_may_differ() -> None:
    judgement = of("PODS", "all(result, # < 1)", "all(result, # >= 1)")
    assert phases(judgement, "normal") == {"Successful", "Failed", "Inconclusive"}


def test_one_element_may_be_nan_beside_others() -> None:
    ratio = "sum by (pod) (rate(a_total[5m])) / sum by (pod) (rate(b_total[5m]))"
    value = of(ratio, "any(result, # >= 0)", "all(result, # != #)").query
    assert value is not None
    part = next(
        part
        for verdict in of(ratio + " or vector(0)", "any(result, # >= 0)", "all(result, # != #)").verdicts
        for part in verdict.parts
        if part.kind == "NaN"
    )
    assert part.phases == {"Failed", "Successful"}


@pytest.mark.parametrize("condition, expected", [
    ("result[0] >= 1e300", {"Failed", "Successful"}),
    ("result[0] > 1e20", {"Failed", "Successful"}),
    ("result[0] >= 0 && result[0] < 1e-300", {"Failed", "Successful"}),
    ("result[0] < 1.7976931348623157e308 || result[0] > 1e308", {"Successful"}),
    ("result[0] >= 0", {"Successful"}),
    ("result[0] < 0", {"Failed"}),
])  # fmt: skip
def test_numbers_beyond_the_largest_constant_are_tried(condition: str, expected: set[str]) -> None:
    assert phases(of("x_total", condition), "normal") == expected


def test_an_interval_without_zero_does_not_meet_it() -> None:
    assert phases(of("ALL > 0", "result[0] == 0"), "normal") == {"Failed"}
    assert phases(of("ALL >= 0", "result[0] != 0"), "normal") == {"Successful"}
    assert phases(of("x", "result[0] >= 5"), "normal") == {"Failed", "Successful"}
    assert phases(of("x", "result[0] >= 1"), "normal") == {"Failed", "Successful"}
    assert phases(of("x", "result[0] > -1 && result[0] < 1"), "normal") == {"Failed", "Successful"}


@pytest.mark.parametrize("condition", [
    " || ".join(f"result[0] == {number}.5" for number in range(1000)),
    "result[0] in [" + ", ".join(f"{number}.5" for number in range(600)) + "]",
])  # fmt: skip
def test_more_constants_than_are_looked_at_leave_the_answer_open(condition: str) -> None:
    assert None in the(of("x_total", condition), "normal").phases


@pytest.mark.parametrize("condition", [
    "reduce(1..100, #acc * 1e10 + result[0]) > 1",
    "all(0..99, all(0..99, # >= 0)) && result[0] > 1",
    "all(result, " + " || ".join(f"# == {number}.5" for number in range(40)) + ")",
    "(" * 5000 + "result[0] > 1" + ")" * 5000,
    "result[0]" + " + 1" * 5000 + " > 1",
    "any(result, " * 30 + "# > 1" + ")" * 30,
    "result[0] > 1 " * 3000,
])  # fmt: skip
def test_a_pathological_condition_comes_to_an_end(condition: str) -> None:
    judgement = of("PODS", condition)
    assert the(judgement, "normal").phases


NUMBERS = st.sampled_from((-2.0, -1.0, -0.5, 0.0, 0.05, 0.5, 0.95, 1.0, 5.0, 100.0))
COMPARISONS = st.builds(
    "result[{}]{} {} {:g}".format,
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from(("", " * 100", " + 1", " * 0")),
    st.sampled_from(("<", "<=", ">", ">=", "==", "!=")),
    NUMBERS,
)
CONDITIONS = st.one_of(
    st.just(""),
    COMPARISONS,
    st.builds("{} {} {}".format, COMPARISONS, st.sampled_from(("&&", "||")), COMPARISONS),
    st.builds("{}(result, # {} {:g})".format, st.sampled_from(("all", "any", "none")), st.sampled_from("<>"), NUMBERS),
    st.builds("len(result) {} {} && result[0] > {:g}".format, st.sampled_from("<>"), st.integers(0, 4), NUMBERS),
)
FILTERS = st.builds("{} {:g}".format, st.sampled_from(("<", "<=", ">", ">=", "!=")), NUMBERS)


@given(CONDITIONS, CONDITIONS, FILTERS, FILTERS, st.lists(st.floats(-3, 101, width=16), min_size=1, max_size=5))
def test_whatever_numbers_a_query_gives_their_phase_is_among_those_told(
    success: str, failure: str, one: str, other: str, numbers: list[float]
) -> None:
    judgement = of(f"x {one} {other}", success, failure)
    part = the(judgement, "normal").part("value")
    if part is None:
        return
    low, high = part.bounds
    result = [number for number in numbers if low <= number <= high and (number or "!= 0" not in (one, other))]
    programs = [expr.compile(text, "float[]") if text else None for text in (success, failure)]
    if result and 0.0 not in result:
        assert {expr.decide(*programs, result), None} & part.phases


# ---- where it comes from -----------------------------------------------------------------------------------------


def test_equal_texts_are_judged_once() -> None:
    assert of("ERR / ALL", "result[0] < 0.07") is of("ERR / ALL", "result[0] < 0.07")


def metric(provider: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "m", "successCondition": "result[0] >= 0.95", "provider": dict(provider), **fields}


def prometheus(query: object, **settings: Any) -> dict[str, Any]:
    return {"prometheus": {"address": "http://prometheus:9090", "query": query, **settings}}


def measured(
    value: Mapping[str, Any], arguments: Mapping[str, str] | None = None, rollouts: str = "1.9"
) -> Measurement:
    found = measure(value, arguments or {}, Targets(rollouts=Version(*map(int, rollouts.split(".")))))
    assert found is not None
    return found


def test_known_arguments_are_filled_in_and_found_again() -> None:
    value = metric(prometheus("sum(rate(x[{{args.window}}]))"), successCondition="result[0] >= {{ args.least }} + 0")
    found = measured(value, {"window": "5m", "least": "0.9"})
    query = found.judgement.query
    assert query is not None
    assert query.text == "sum(rate(x[5m]))"
    assert found.piece("query", (11, 13)) == (11, 26)
    assert found.piece("successCondition", (13, 16)) == (13, 29)
    assert found.judgement.conditions[0].text == "result[0] >= 0.9 + 0"


def test_arguments_in_label_values_stay_so_that_equal_queries_stay_equal() -> None:
    one, other = (
        measured(metric(prometheus('sum(rate(x{app="{{args.app}}"}[5m]))')), {"app": app}) for app in ("a", "b")
    )
    assert one.judgement is other.judgement


@pytest.mark.parametrize("value", [
    {},
    {"provider": None},
    {"provider": "prometheus"},
    {"provider": {}},
    {"provider": {"prometheus": None}},
    {"provider": {"prometheus": "x"}},
    {"provider": {"prometheus": {}}},
    {"provider": {"prometheus": {"query": 1}}},
    {"provider": {"prometheus": {"query": "up"}, "web": {"url": "http://a"}}},
    {"provider": {"web": {}}, "successCondition": 1},
    {"provider": {"web": {}}, "failureCondition": ["result > 1"]},
])  # fmt: skip
def test_what_other_rules_report_is_not_measured(value: dict[str, Any]) -> None:
    assert measure(value, {}, Targets()) is None


@pytest.mark.parametrize("address", [
    "http://vmselect.monitoring:8481/select/0/prometheus",
    "http://victoria-metrics:8428",
    "http://vmsingle:8429",
])  # fmt: skip
def test_of_victoria_metrics_only_the_empty_answer_is_known(address: str) -> None:
    judgement = measured(metric(prometheus("sum(rate(x))", address=address))).judgement
    assert judgement.query is None
    assert phases(judgement, "absent") == {"Error"}
    assert judgement.verdict("normal") is None


def test_a_range_query_is_one_since_1_8() -> None:
    value = metric(prometheus("scalar(up)", rangeQuery={"start": "now()", "end": "now()", "step": "1m"}))
    assert measured(value, rollouts="1.8").judgement.shape == "float[]"
    assert measured(value, rollouts="1.7").judgement.shape == "float"


# ---- providers without PromQL ------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider, condition, expected", [
    ("datadog", "result < 0.05", [("nil", {"Error"})]),
    ("datadog", "isNil(result) || result < 0.05", [("nil", {"Error"})]),
    ("datadog", "default(result, 0) < 0.05", [("nil", {"Successful"})]),
    ("datadog", "(result ?? 1) < 0.05", [("nil", {"Failed"})]),
    ("newRelic", "result.errors < 1", [("fault", {"Error"})]),
    ("wavefront", "result < 1", [("fault", {"Error"})]),
    ("influxdb", "result[0] < 1", [("fault", {"Error"})]),
    ("cloudWatch", "result[0].Values[0] < 1", [("empty", {"Error"})]),
    ("cloudWatch", "result[1].Values[0] < 1", [("empty", {"Error"})]),
    ("cloudWatch", "len(result[0].Values) == 0 || result[0].Values[0] < 1", [("empty", {"Successful"})]),
    ("cloudWatch", "all(result[0].Values, # < 1)", [("empty", {"Successful"})]),
    ("graphite", "result[0] < 1", [("empty", {"Error"}), ("fault", {"Error"})]),
    ("graphite", "len(result) == 0 || result[0] < 1", [("empty", {"Successful"}), ("fault", {"Error"})]),
    ("skywalking", "result.value < 1", [("fault", {"Error"}), ("open", {None})]),
    ("web", "result < 1", [("nil", {"Error"}), ("fault", {"Error"}), ("open", {None})]),
    ("web", "default(result, 0) < 1", [("nil", {"Successful"}), ("fault", {"Error"}), ("open", {None})]),
    ("kayenta", "", [("fault", {"Error"})]),
])  # fmt: skip
def test_no_data_is_what_the_provider_makes_of_it(
    provider: str, condition: str, expected: list[tuple[str, set[str | None]]]
) -> None:
    judgement = measured(metric({provider: {}}, successCondition=condition)).judgement
    assert [(part.kind, set(part.phases)) for part in the(judgement, "absent").parts] == expected


@pytest.mark.parametrize("provider", ["job", "plugin"])
def test_providers_that_judge_themselves_have_no_worlds(provider: str) -> None:
    assert measured(metric({provider: {}})).judgement.verdicts == ()


@pytest.mark.parametrize("provider", ["web", "skywalking"])
def test_an_answer_of_any_shape_leaves_no_data_open(provider: str) -> None:
    verdict = the(measured(metric({provider: {}}, successCondition="default(result, 0) < 1")).judgement, "absent")
    assert not verdict.certainly("Successful", "Error", "Failed", "Inconclusive")


def test_a_null_of_datadogs_second_api_was_zero_in_1_7() -> None:
    value = metric({"datadog": {"apiVersion": "v2", "query": "x"}}, successCondition="result < 1")
    absent = {r: phases(measured(value, rollouts=r).judgement, "absent") for r in ("1.6", "1.7", "1.8")}
    assert absent == {"1.6": {"Error"}, "1.7": {"Error", "Successful"}, "1.8": {"Error"}}


@pytest.mark.parametrize("provider, condition", [
    ("datadog", "result < 0.05"),
    ("graphite", "result[0] < 0.05"),
    ("cloudWatch", "result[0].Values[0] < 0.05"),
    ("cloudWatch", "result[2].Values[3] < 0.05"),
])  # fmt: skip
def test_with_data_the_condition_decides(provider: str, condition: str) -> None:
    judgement = measured(metric({provider: {}}, successCondition=condition)).judgement
    assert phases(judgement, "normal") == {"Failed", "Successful"}


def test_graphite_may_answer_with_fewer_points_than_are_asked_for() -> None:
    judgement = measured(metric({"graphite": {}}, successCondition="result[4] < 1")).judgement
    assert phases(judgement, "normal") == {"Error", "Failed", "Successful"}


# ---- regions -----------------------------------------------------------------------------------------------------


def regions(judgement: Judgement, world: WorldKey = "normal") -> list[tuple[str, str | None]]:
    part = the(judgement, world).part("value")
    assert part is not None
    return list(phases_by_region(judgement, part))


def test_a_part_splits_where_the_condition_changes_its_mind() -> None:
    judgement = of("ERR / ALL", "result[0] <= 0.05", "result[0] > 0.1")
    assert regions(judgement) == [
        ("0 to 0.05", "Successful"),
        ("above 0.05 to 0.1", "Inconclusive"),
        ("above 0.1 to 1", "Failed"),
    ]
    assert regions(of("x", "result[0] >= 5")) == [("below 5", "Failed"), ("5 or more", "Successful")]
    assert regions(of("x", "result[0] == 5")) == [("below 5", "Failed"), ("5", "Successful"), ("above 5", "Failed")]


@pytest.mark.parametrize("query, condition", [
    ("PODS", "result[1] < 0.5"),
    ("PODS", "len(result) > 3 && result[0] < 0.5"),
    ("PODS", "result[0] < result[1]"),
    ("x", "result < 0.5"),
    ("x", "result[0] <"),
])  # fmt: skip
def test_a_part_does_not_split_where_one_number_alone_does_not_decide(query: str, condition: str) -> None:
    assert regions(of(query, condition)) == []
