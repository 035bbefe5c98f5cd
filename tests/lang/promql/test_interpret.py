"""What the interpreter says of the idioms of the field, and where it points."""

from __future__ import annotations

import math
import random
from typing import get_args

import pytest

from rolloutlint.lang.promql.calls import Assumption
from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.parser import MAX_DEPTH, PromQLError, parse
from rolloutlint.lang.promql.values import WORDS, Abstract, Code, Reasons
from rolloutlint.lang.promql.worlds import what_if

ERR = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{code!~"5.."}[5m]))'
ALL = "sum(rate(http_requests_total[5m]))"
HQ = "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))"


def value(query: str) -> Abstract:
    return interpret(parse(query))


def codes(why: Reasons) -> set[str]:
    return {reason.code for reason in why} - {"raw-sample"}


def places(query: str, why: Reasons, code: str) -> list[str]:
    return [query[slice(*reason.span)] for reason in sorted(why) if reason.code == code]


def test_every_reason_has_words() -> None:
    assert set(WORDS) == set(get_args(Code))


# -- empty and NaN


@pytest.mark.parametrize("query", [
    f"({ERR} or vector(0)) / ({ALL} > 0) or vector(0)",
    f"({OK} / {ALL}) >= 0 or vector(1)",
    f"{OK} / {ALL} and {ALL} > 0 or vector(1)",
    f"{OK} / {ALL} unless {ALL} == 0 or vector(1)",
    f"1 - ({ERR} / ({ALL} > 0) or vector(0))",
    f"({ERR} or vector(0)) / clamp_min({ALL} or vector(0), 0.001)",
    f"({ERR} or vector(0)) / ({ALL} > 0 or vector(1))",
    f"{ERR} / ({ALL} + 0.0001) or vector(0)",
    f"({OK} / {ALL}) == ({OK} / {ALL}) or vector(1)",
    f"{HQ} >= 0 or vector(0)",
    "max(sum by (pod) (rate(x_total[5m])) / sum by (pod) (rate(y_total[5m])) >= 0) or vector(0)",
    "count(x) or vector(0)",
    "absent(x) or vector(0)",
])  # fmt: skip
def test_what_is_guarded_on_both_counts_is_neither_empty_nor_nan(query: str) -> None:
    found = value(query)
    assert codes(found.empty) == codes(found.nan) == set()
    assert found.cardinality == 1


@pytest.mark.parametrize("query", [
    f"{OK} / {ALL} or vector(1)",
    f"{OK} / {ALL} or on () vector(1)",
    f"({ERR} or vector(0)) / ({ALL} or vector(1))",
    f"({OK} / {ALL}) * ({ALL} > bool 0)",
    f"clamp({OK} / {ALL}, 0, 1)",
    f"({OK} / {ALL}) != 0",
    f"vector(scalar({OK} / {ALL})) or vector(1)",
    f"{HQ} or vector(0)",
    f"{HQ} and on () (sum(rate(x_count[5m])) > 0)",
    "avg(sum by (pod) (rate(x_total[5m])) / sum by (pod) (rate(y_total[5m])))",
])  # fmt: skip
def test_what_only_looks_like_a_guard_leaves_nan(query: str) -> None:
    assert codes(value(query).nan)


@pytest.mark.parametrize("query, code, at", [
    (f"{OK} / {ALL}", "zero-by-zero", [ALL]),
    (f"{HQ}", "no-observations", ["sum by (le) (rate(x_bucket[5m]))"]),
    (f"scalar({ALL})", "scalar-of-empty", [f"scalar({ALL})"]),
    ("sqrt(-x_total)", "outside-domain", ["sqrt(-x_total)"]),
])  # fmt: skip
def test_a_reason_for_nan_points_at_the_operand(query: str, code: str, at: list[str]) -> None:
    assert places(query, value(query).nan, code) == at


@pytest.mark.parametrize("query, code, at", [
    ("sum(x) / sum(y)", "series-absent", ["x", "y"]),
    (ERR, "fewer-than-two-samples", [ERR[4:-1]]),
    ("x > 5", "filtered-out", ["x > 5"]),
    ("x / y", "no-match", ["x / y"]),
    ("sum by (pod) (x) / sum(y)", "never-match", ["sum by (pod) (x) / sum(y)"]),
    ("absent(x)", "operand-present", ["x"]),
])  # fmt: skip
def test_a_reason_for_emptiness_points_at_what_can_be_missing(query: str, code: str, at: list[str]) -> None:
    assert places(query, value(query).empty, code) == at


@pytest.mark.parametrize("query, code", [
    ("histogram_quantile(0.95, sum(rate(x_bucket[5m])))", "no-le-label"),
    ("histogram_quantile(0.95, sum by (pod) (rate(x_bucket[5m])))", "no-le-label"),
    (f"{ERR} / {ALL} > 2", "condition-never-holds"),
    ("vector(1) > 2", "condition-never-holds"),
    ("x_total < 0", "condition-never-holds"),
    ("topk(0, x)", "k-below-one"),
    ("clamp(x, 2, 1)", "clamp-reversed"),
    ("absent(vector(1))", "operand-never-absent"),
])  # fmt: skip
def test_what_can_never_return_anything_is_always_empty(query: str, code: str) -> None:
    found = value(query)
    assert found.always_empty
    assert found.cardinality == 0
    assert code in codes(found.empty)


# -- numbers


@pytest.mark.parametrize("query, low, high", [
    (f"{ERR} / {ALL}", 0, 1),
    (f"100 * {ERR} / {ALL}", 0, 100),
    (f"1 - {ERR} / {ALL}", 0, 1),
    (f"{ERR} / {OK}", 0, math.inf),
    ("rate(x_total[5m])", 0, math.inf),
    ("x", -math.inf, math.inf),
    ("count(x)", 1, math.inf),
    ("x > bool 1", 0, 1),
    ("x / x", 1, 1),
    ("absent(x)", 1, 1),
    ("clamp(x, 0, 4)", 0, 4),
    (f"{ERR} / {ALL} > 0.05", 0.05, 1),
])  # fmt: skip
def test_the_bounds_of_a_query_are_known(query: str, low: float, high: float) -> None:
    found = value(query)
    assert (found.low, found.high) == (low, high)


def test_minus_zero_as_a_divisor_makes_negative_infinities() -> None:
    assert value("1 / -vector(0)").low == value("1 / (vector(0) * -1)").low == -math.inf


def test_a_quantile_out_of_range_is_infinite_and_no_nan() -> None:
    query = "histogram_quantile(95, sum by (le) (rate(x_bucket[5m])))"
    found = value(query)
    assert places(query, found.inf, "quantile-out-of-range") == ["95"]
    assert codes(found.nan) == set()


def test_a_literal_nan_is_no_number() -> None:
    assert not value("NaN").numeric
    assert not value("vector(NaN) or vector(NaN)").numeric
    assert value("vector(NaN) > 0").always_empty


def test_the_deviation_of_one_nan_is_nan_since_prometheus_3() -> None:
    node = parse("stddev(vector(NaN))")
    assert codes(interpret(node, prometheus=3).nan)
    assert not codes(interpret(node, prometheus=2).nan)


# -- elements


def test_a_fallback_is_one_more_element_next_to_labels() -> None:
    assert value("sum by (pod) (x) or vector(0)").cardinality == 2
    assert value("sum(x) or vector(0)").cardinality == 1


def test_labels_are_known_below_aggregations() -> None:
    assert value("sum by (pod, code) (x)").labels == {"pod", "code"}
    assert value("sum without (pod) (sum by (pod, code) (x))").labels == {"code"}
    assert value("sum by ({{args.label}}) (x)").labels is None


# -- what is not known


@pytest.mark.parametrize("query", ["{{args.query}}", "{{args.f}}(x)", "{{args.query}} > 5", "x / {{args.query}}"])
def test_placeholders_for_expressions_may_be_anything(query: str) -> None:
    found = value(query)
    assert "unknown" in codes(found.empty)
    assert found.cardinality == 2


def test_equal_placeholders_are_equal_values() -> None:
    ratio = 'sum(rate(x_total{code="500"}[{{args.w}}])) / sum(rate(x_total[{{args.w}}]))'
    assert value(ratio).high == 1
    assert value(ratio.replace("{{args.w}}", "{{args.v}}", 1)).high == math.inf


def test_assumptions_are_asked_for_every_selector() -> None:
    states = {"x_total": Assumption("still"), "y_total": Assumption("moving")}
    found = interpret(parse("rate(x_total[5m]) / on () rate(y_total[5m])"), assume=lambda s: states.get(s.name or ""))
    assert (found.low, found.high) == (0, 0)
    assert not found.nan


# -- robustness


@pytest.mark.parametrize("link", [
    "x > 0 and ({})", "({}) and x > 0", "({}) unless x == 0", "-({})", "x / ({})", "({}) / x or vector(1)",
    "max_over_time(({})[5m:1m])", "sum(({}) > 0)", "({}) + ({})",
])  # fmt: skip
def test_the_deepest_queries_are_interpreted(link: str) -> None:
    query = "x"
    while len(query) < 20_000:
        deeper = link.replace("{}", query)
        try:
            parse(deeper)
        except PromQLError:
            break
        query = deeper
    node = parse(query)
    assert isinstance(interpret(node), Abstract)
    assert isinstance(what_if(node).normal, Abstract)
    assert MAX_DEPTH < 200


def test_random_queries_have_consistent_values() -> None:
    chance = random.Random(7)
    leaves = ["x", "x_total", "sum(x)", "vector(0)", "vector(NaN)", "1", "0", "rate(x_total[5m])", "{{args.q}}", "Inf"]
    unary = ["sum({})", "max by (pod) ({})", "abs({})", "-({})", "clamp_max({}, 0)", "ln({})", "count({})", "({})"]
    binary = ["+", "-", "*", "/", "%", "^", "> 0 and", "or", "unless", "> bool", "==", "!=", "<", "and on ()", "atan2"]
    checked = 0
    for _ in range(3000):
        query = chance.choice(leaves)
        for _ in range(chance.randint(1, 4)):
            if chance.random() < 0.4:
                query = chance.choice(unary).format(query) if "{{" not in query else f"sum({query})"
            else:
                query = f"({query}) {chance.choice(binary)} ({chance.choice(leaves)})"
        try:
            node = parse(query)
        except PromQLError:
            continue
        checked += 1
        found = interpret(node)
        assert not math.isnan(found.low), query
        assert not math.isnan(found.high), query
        assert not found.always_empty or found.empty, query
        assert found.numeric or found.nan or found.always_empty or found.type == "string", query
        assert found.type == "vector" or not found.always_empty, query
    assert checked > 800
