"""Each imagined world against what real servers returned in such worlds."""

from __future__ import annotations

import re

import pytest

from rolloutlint.lang.promql.outcomes import outcomes
from rolloutlint.lang.promql.parser import PromQLError, parse
from rolloutlint.lang.promql.relations import numerators, shortest_window
from rolloutlint.lang.promql.tree import Node, Selector, selectors
from rolloutlint.lang.promql.values import Abstract
from rolloutlint.lang.promql.worlds import WhatIf, what_if
from tests.promql_truth import Observation, observations, violations

SERIES = {"counter": "http_requests_total", "hist": "http_request_duration_seconds_"}
ALIKE = {
    "absent": ("absent",),
    "started": ("single_sample",),
    "idle": ("zero_traffic", "all_zero"),
    "normal": ("normal", "two_pods", "extra_label", "counter_reset"),
    "healthy": ("only_success",),
    "healthy_zero_errors": ("no_errors_yet",),
    "all_failing": ("only_errors",),
    "all_failing_zero": ("all_failing",),
}
"""World -> the worlds of the servers that are like it."""
SCRAPED_EVERY = 30
NO_SUCH_BUCKET = 'le="0.3"'
"""A world has the series that a query asks for; the worlds of the servers have no such bucket."""


def interpreted() -> dict[str, Node]:
    """Every query about the counters and histograms of the worlds, whose windows hold enough samples."""
    found = {}
    for seen in observations():
        if seen.family in SERIES and seen.query not in found:
            try:
                node = parse(seen.query)
            except PromQLError:
                continue
            least = shortest_window(node)
            if (least is not None and least[1] <= SCRAPED_EVERY) or NO_SUCH_BUCKET in seen.query:
                continue
            if all(s.name and s.name.startswith(SERIES[seen.family]) for s in selectors(node)):
                found[seen.query] = node
    return found


QUERIES = interpreted()
IMAGINED = {
    (query, release): what_if(node, prometheus=release) for query, node in QUERIES.items() for release in (2, 3)
}


def seen_in(worlds: tuple[str, ...], family: str = "") -> list[tuple[Observation, WhatIf]]:
    return [
        (seen, IMAGINED[seen.query, seen.release])
        for seen in observations()
        if seen.world in worlds and seen.query in QUERIES and family in ("", seen.family)
    ]


def disproved(world: str, cases: list[tuple[Observation, Abstract]]) -> list[tuple[str, ...]]:
    return [(world, seen.shape, seen.world, what) for seen, value in cases for what in violations(value, seen)]


@pytest.mark.parametrize("family", ["counter", "hist"])
@pytest.mark.parametrize("world", ["absent", "started", "idle", "normal"])
def test_what_servers_returned_lies_in_the_value_of_the_world(world: str, family: str) -> None:
    cases = [
        (seen, getattr(imagined, world))
        for seen, imagined in seen_in(ALIKE[world], family)
        if not (seen.is_range and world == "started")  # its first steps lie before the start
    ]
    assert len(cases) > 100
    assert disproved(world, cases) == []


@pytest.mark.parametrize("world", ["healthy", "healthy_zero_errors", "all_failing", "all_failing_zero"])
def test_healthy_and_failing_worlds_hold_what_servers_returned(world: str) -> None:
    cases = [(seen, getattr(imagined, world)) for seen, imagined in seen_in(ALIKE[world], "counter")]
    known = [(seen, value) for seen, value in cases if value is not None]
    assert len(known) > 280
    assert disproved(world, known) == []


@pytest.mark.parametrize("world, without_errors, without_successes", [
    ("narrow_absent", "only_success", "only_errors"),
    ("narrow_zero", "no_errors_yet", "all_failing"),
])  # fmt: skip
def test_worlds_of_narrower_selectors_hold_what_servers_returned(
    world: str, without_errors: str, without_successes: str
) -> None:
    cases = []
    for seen, imagined in seen_in((without_errors, without_successes), "counter"):
        value = getattr(imagined, world)
        narrow = {m.op + m.value for s in numerators(QUERIES[seen.query]) for m in s.matchers}
        if len(narrow) != 1:
            continue
        like = without_errors if narrow <= {"=~5.."} else without_successes
        if seen.world == like:
            cases.append((seen, value))
    assert len(cases) > 150
    assert disproved(world, cases) == []


ERR = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{code!~"5.."}[5m]))'
ALL = "sum(rate(http_requests_total[5m]))"


def numbers(value: Abstract | None) -> str:
    """A value in short: `∅` where it may be empty, `NaN` where it may be that, and its interval."""
    assert value is not None
    parts = ["∅"] if value.empty else []
    if value.always_empty:
        return "∅"
    if value.nan:
        parts.append("NaN")
    if value.numeric:
        parts.append(f"{value.low:g}" if value.low == value.high else f"{value.low:g}..{value.high:g}")
    return " ".join(parts)


@pytest.mark.parametrize("query, healthy, healthy_zero_errors, all_failing, all_failing_zero", [
    (f"{ERR} / {ALL}", "∅", "0", "1", "1"),
    (f"{ERR} / {ALL} or vector(0)", "0", "0", "1", "1"),
    (f"({ERR} or vector(0)) / {ALL}", "0", "0", "1", "1"),
    (f"({ERR} or vector(0)) / ({ALL} > 0) or vector(0)", "0", "0", "1", "1"),
    (f"({ERR} or vector(0)) / ({ALL} > 0 or vector(1))", "0", "0", "1", "1"),
    (f"{ERR} / ({ERR} + {OK})", "∅", "0", "∅", "1"),
    (f"100 * {ERR} / {ALL}", "∅", "0", "100", "100"),
    (f"{OK} / {ALL}", "1", "1", "∅", "0"),
    (f"{OK} / {ALL} or vector(1)", "1", "1", "1", "0"),
    (f"({OK} or vector(0)) / ({ALL} > 0) or vector(1)", "1", "1", "0", "0"),
    (f"1 - {ERR} / {ALL}", "∅", "1", "0", "0"),
    (f"1 - (({ERR} or vector(0)) / ({ALL} > 0)) or vector(1)", "1", "1", "0", "0"),
    (f"({OK} or vector(1)) / ({ALL} or vector(1))", "1", "1", "0..inf", "0"),
    (f"{OK} / clamp_min({ALL}, 1)", "0..1", "0..1", "∅", "0"),
    (f"{ERR} / {ALL} > 0.05", "∅", "∅", "1", "1"),
])  # fmt: skip
def test_ratios_have_one_value_where_every_request_has_the_same_outcome(
    query: str, healthy: str, healthy_zero_errors: str, all_failing: str, all_failing_zero: str
) -> None:
    imagined = what_if(parse(query))
    assert numbers(imagined.healthy) == healthy
    assert numbers(imagined.healthy_zero_errors) == healthy_zero_errors
    assert numbers(imagined.all_failing) == all_failing
    assert numbers(imagined.all_failing_zero) == all_failing_zero


@pytest.mark.parametrize("query, absent, started, idle", [
    (f"{OK} / {ALL}", "∅", "∅", "NaN"),
    (f"{OK} / {ALL} or vector(1)", "1", "1", "NaN"),
    (f"{OK} / ({ALL} > 0) or vector(1)", "1", "1", "1"),
    (f"({ERR} or vector(0)) / ({ALL} > 0)", "∅", "∅", "∅"),
    (f"{ERR} / clamp_min({ALL}, 0.001)", "∅", "∅", "0"),
    (f"scalar({OK} / {ALL})", "NaN", "NaN", "NaN"),
    (f"{OK} / {ALL} >= bool 0.95", "∅", "∅", "0"),
    ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))", "∅", "∅", "NaN"),
    ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m]))) >= 0 or vector(0)", "0", "0", "0"),
    ("sum(rate(x_sum[5m])) / sum(rate(x_count[5m]))", "∅", "∅", "NaN"),
    ("sum(up)", "∅", "-inf..inf", "-inf..inf"),
    ("absent(up)", "1", "∅", "∅"),
])  # fmt: skip
def test_without_data_it_is_known_whether_a_query_is_empty_or_nan(
    query: str, absent: str, started: str, idle: str
) -> None:
    imagined = what_if(parse(query))
    assert numbers(imagined.absent) == absent
    assert numbers(imagined.started) == started
    assert numbers(imagined.idle) == idle


@pytest.mark.parametrize("query, normal", [
    (f"{ERR} / {ALL}", "0..1"),
    (f"avg({ERR.replace('sum(', 'sum by (pod) (')} / {ALL.replace('sum(', 'sum by (pod) (')})", "0..1"),
    ("histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))", "-inf..inf"),
    ("sum(rate(x_sum[5m])) / sum(rate(x_count[5m]))", "0..inf"),
    ("errors:rate5m / requests:rate5m", "∅ -inf..inf"),
    ("x offset 1w", "∅ NaN -inf..inf"),
])  # fmt: skip
def test_with_traffic_nothing_is_missing_that_the_query_asks_for_now(query: str, normal: str) -> None:
    assert numbers(what_if(parse(query)).normal).replace("∅ 0..1", "0..1") == normal


def test_a_group_may_stand_still_where_its_label_tells_what_moves() -> None:
    by_code = what_if(parse('sum by (code) (rate(x_total{code=~"5.."}[5m])) / sum by (code) (rate(x_total[5m]))'))
    by_pod = what_if(parse('sum by (pod) (rate(x_total{code=~"5.."}[5m])) / sum by (pod) (rate(x_total[5m]))'))
    assert {reason.code for reason in by_code.narrow_zero.nan} == {"zero-by-zero"}  # type: ignore[union-attr]
    assert by_pod.narrow_zero.nan == frozenset()  # type: ignore[union-attr]


ERROR_LIKE = [
    'code=~"5.*"',
    'status=~"5.."',
    'response_code=~"[45].."',
    'response_code!~"2.*"',
    'status_code="503"',
    'responseCode=~"5.."',
    'grpc_code!="OK"',
    'grpc_status!="0"',
    'grpc_code=~"Unavailable|DeadlineExceeded"',
    'classification="failure"',
    'classification!="success"',
    'outcome="SERVER_ERROR"',
    'outcome!="SUCCESS"',
    'status="failed"',
    'envoy_response_code_class="5"',
    'code="5xx"',
    'error="true"',
    'success="false"',
]
SUCCESS_LIKE = [
    'code!~"5.*"',
    'code=~"2.."',
    'status="200"',
    'response_code!~"5.*|4.*"',
    'http_status_code=~"2.*|3.*"',
    'grpc_code="OK"',
    'grpc_response_status=~"0"',
    'classification="success"',
    'outcome="SUCCESS"',
    'result!="error"',
    'code=~"2xx|3xx"',
    'success="true"',
]
UNKNOWN = [
    "",
    'code=~"4.."',
    'code=~".+"',
    'code=~"{{args.codes}}"',
    'code="500", {{args.matchers}}',
    'status="pending"',
    'path="/500"',
    'job=~"5.."',
    'le="0.5"',
]


def outcome_of(matchers: str) -> tuple[bool, bool] | None:
    node = parse(f"x_total{{{matchers}}}")
    assert isinstance(node, Selector)
    found = outcomes([node])
    return None if found is None else found[id(node)][:2]


@pytest.mark.parametrize("matchers", ERROR_LIKE)
def test_selectors_of_failures_are_known_by_their_matchers(matchers: str) -> None:
    assert outcome_of(matchers) == (False, True)


@pytest.mark.parametrize("matchers", SUCCESS_LIKE)
def test_selectors_of_successes_are_known_by_their_matchers(matchers: str) -> None:
    assert outcome_of(matchers) == (True, False)


@pytest.mark.parametrize("matchers", UNKNOWN)
def test_the_outcome_is_never_guessed(matchers: str) -> None:
    assert outcome_of(matchers) is None
    imagined = what_if(parse(f"sum(rate(x_total{{{matchers}}}[5m]))"))
    assert imagined.healthy is imagined.all_failing is None


def test_other_metrics_are_not_assumed_to_share_the_outcome() -> None:
    imagined = what_if(parse('sum(rate(x_total{code=~"5.."}[5m])) / sum(rate(y_total[5m]))'))
    assert numbers(imagined.all_failing).startswith("∅ NaN 0..")


def test_every_world_is_none_or_a_value_for_hostile_queries() -> None:
    worlds = [name for name, found in vars(WhatIf).items() if re.match("[a-z]", name) and found is not None]
    for query in ("{{args.q}}", "{{args.f}}(x)", '"text"', "1", "x[5m]", "-x", "({{args.q}} / x) or vector(1)"):
        imagined = what_if(parse(query))
        assert all(isinstance(getattr(imagined, world), Abstract | None) for world in worlds)
    assert len(worlds) == 10
