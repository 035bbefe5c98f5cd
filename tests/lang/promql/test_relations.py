"""What the parts of a query have to do with each other."""

from __future__ import annotations

import pytest

from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.relations import (
    aligned,
    clamped_denominators,
    key,
    numerators,
    part_of,
    quantiles_out_of_range,
    same,
    scale,
    self_ratio,
    shortest_window,
    sum_over_count,
    useless_fallbacks,
    windows,
)
from rolloutlint.lang.promql.tree import Binary


def division(query: str) -> Binary:
    node = parse(query)
    assert isinstance(node, Binary)
    return node


def cut(query: str, span: tuple[int, int]) -> str:
    return query[span[0] : span[1]]


@pytest.mark.parametrize("one, other", [
    ('x{a="1",b="2"}', 'x{b="2", a="1"}'),
    ("sum by (a, b) (x)", "sum by (b, a) ((x))"),
    ("sum(x)", "sum by () (x)"),
    ("x / on (a) y", "x / on (a) y"),
    ("rate(x[5m])", "rate(x[300s])"),
    ("rate(x[{{args.w}}])", "rate(x[{{args.w}}])"),
    ("topk(3, x)", "topk(3, x)"),
    ("NaN", "NaN"),
])  # fmt: skip
def test_the_same_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert same(parse(one), parse(other))
    assert key(parse(one)) == key(parse(other))


@pytest.mark.parametrize("one, other", [
    ('x{a="1"}', 'x{a="2"}'),
    ('x{a="1"}', 'x{a=~"1"}'),
    ("x", "x offset 5m"),
    ("sum by (a) (x)", "sum without (a) (x)"),
    ("sum(x)", "avg(x)"),
    ("x / y", "x / on (a) y"),
    ("x > y", "x > bool y"),
    ("rate(x[5m])", "irate(x[5m])"),
    ("rate(x[5m])", "rate(x[1m])"),
    ("rate(x[{{args.w}}])", "rate(x[{{args.v}}])"),
    ("topk(3, x)", "topk(4, x)"),
    ("x", "-x"),
    ("x[5m:1m]", "x[5m:2m]"),
])  # fmt: skip
def test_what_may_differ_in_value_is_not_the_same(one: str, other: str) -> None:
    assert not same(parse(one), parse(other))
    assert key(parse(one)) != key(parse(other))


@pytest.mark.parametrize("query", [
    'sum(rate(x{code="500"}[5m])) / sum(rate(x[5m]))',
    'sum(rate(x{code="500"}[5m])) / (sum(rate(x[5m])) > 0)',
    'sum(rate(x{code="500"}[5m])) / clamp_min(sum(rate(x[5m])), 0.001)',
    'sum(rate(x{code="500"}[5m])) / (sum(rate(x[5m])) or vector(1))',
    'sum(rate(x{code="500"}[5m])) / scalar(sum(rate(x[5m])))',
    '(sum(rate(x{code="500"}[5m])) or vector(0)) / sum(rate(x[5m]))',
    'sum by (pod) (rate(x{code="500"}[5m])) / sum by (pod) (rate(x[5m]))',
    'sum(rate(x_bucket{le="0.5"}[5m])) / sum(rate(x_count[5m]))',
    "rate(x[5m]) / on (pod) group_left () sum by (pod) (rate(x[5m]))",
])  # fmt: skip
def test_a_narrower_sum_is_part_of_the_whole_behind_every_guard(query: str) -> None:
    node = division(query)
    assert part_of(node.left, node.right)
    assert aligned(node, node.left)


@pytest.mark.parametrize("query", [
    'sum(rate(x[5m])) / sum(rate(x{code="500"}[5m]))',
    'sum(rate(x{code="500"}[5m])) / sum(rate(x[1m]))',
    'sum(rate(x{code="500"}[5m])) / sum(rate(y[5m]))',
    'sum(rate(x{code="500"}[5m])) / sum(rate(x{job="web"}[5m]))',
    'sum(rate(x{code="500"}[5m])) / count(rate(x[5m]))',
    "sum(rate(x{ {{args.m}} }[5m])) / sum(rate(x[5m]))",
    'sum(rate(x{code="500"}[5m] offset 1h)) / sum(rate(x[5m]))',
])  # fmt: skip
def test_other_quotients_are_no_shares(query: str) -> None:
    node = division(query)
    assert not part_of(node.left, node.right)


def test_shares_that_are_matched_with_another_whole_are_not_aligned() -> None:
    node = division('rate(x{code="500"}[5m]) / on (code) group_left () sum by (pod) (rate(x[5m]))')
    assert part_of(node.left, node.right)
    assert not aligned(node, node.left)


def test_the_sum_of_a_histogram_vanishes_with_its_count() -> None:
    node = division("sum(rate(x_sum[5m])) / sum(rate(x_count[5m]))")
    assert sum_over_count(node.left, node.right)
    assert not sum_over_count(node.right, node.left)


def test_constant_factors_are_taken_off_both_sides() -> None:
    factor, rest = scale(parse("100 * (x * 2)"))
    assert factor == 200
    assert same(rest, parse("x"))


@pytest.mark.parametrize("query, found", [
    ('rate(x{code="500"}[5m]) / rate(x[5m])', True),
    ('100 * rate(x{code="500"}[5m]) / rate(x[5m])', True),
    ('max(rate(x{code="500"}[5m]) / (rate(x[5m]) > 0))', True),
    ('x{code="500"} / x', True),
    ('sum(rate(x{code="500"}[5m])) / sum(rate(x[5m]))', False),
    ('rate(x{code="500"}[5m]) / ignoring (code) rate(x[5m])', False),
    ("rate(x[5m]) / rate(x[5m])", False),
    ('rate(x{code="500"}[5m]) / rate(x[1m])', False),
    ('x{code="500"} / x offset 1d', False),
    ('rate(x{code="500"}[5m]) / rate(y[5m])', False),
])  # fmt: skip
def test_series_that_are_divided_by_themselves_are_found(query: str, found: bool) -> None:
    assert (self_ratio(parse(query)) is not None) is found


ERR, ALL = 'sum(rate(x_total{code="500"}[5m]))', "sum(rate(x_total[5m]))"


@pytest.mark.parametrize("query, why", [
    ('sum by (pod) (rate(x_total{code="500"}[5m])) or vector(0)', ["appended"]),
    ('sum by (pod) (rate(x_total{code="500"}[5m])) or on () vector(0)', []),
    (f"{ERR} or vector(0)", []),
    (f"({ERR} or vector(0)) or vector(1)", ["dead"]),
    (f"vector(scalar({ERR})) or vector(1)", ["dead"]),
    (f"{ERR} / {ALL} or vector(0)", ["only-nan"]),
    (f"{ERR} / ({ALL} > 0) or vector(0)", []),
    (f"({ERR} or vector(0)) / {ALL} or vector(0)", ["only-nan"]),
    ("x or y", []),
    ("{{args.q}} or vector(1)", []),
])  # fmt: skip
def test_fallbacks_that_do_not_help_are_told_apart(query: str, why: list[str]) -> None:
    assert [found.why for found in useless_fallbacks(parse(query))] == why


@pytest.mark.parametrize("query, found", [
    (f"{ERR} / clamp_min({ALL}, 1)", [f"clamp_min({ALL}, 1)"]),
    (f"{ERR} / (clamp_min({ALL}, 0.01))", [f"clamp_min({ALL}, 0.01)"]),
    (f"{ERR} / clamp_min({ALL}, 0.001)", []),
    (f"clamp_min({ERR} / {ALL}, 1)", []),
    ("x / clamp_min(sum(increase(x_total[5m])), 1)", []),
])  # fmt: skip
def test_denominators_with_a_floor_that_distorts_are_found(query: str, found: list[str]) -> None:
    assert [cut(query, clamp.span) for clamp in clamped_denominators(parse(query))] == found


@pytest.mark.parametrize("query, found", [
    ("histogram_quantile(95, x)", ["95"]),
    ("histogram_quantile(-1, x)", ["-1"]),
    ("quantile(1.5, x) + quantile_over_time(2, x[5m])", ["1.5", "2"]),
    ("histogram_quantile(0.95, x)", []),
    ("histogram_quantile(1, x)", []),
    ("histogram_quantile({{args.q}}, x)", []),
    ("histogram_quantile(NaN, x)", []),
])  # fmt: skip
def test_quantiles_that_are_no_quantiles_are_found(query: str, found: list[str]) -> None:
    assert [cut(query, quantile.span) for quantile in quantiles_out_of_range(parse(query))] == found


@pytest.mark.parametrize("query, found", [
    ('sum(x{code="500"}) / sum(x)', ['x{code="500"}']),
    ('sum(x{job="a",code="500"}) / sum(x{job="a"}) / sum(x{job="b"})', ['x{job="a",code="500"}']),
    ('sum(x{code="500"}) / sum(y)', []),
    ('sum(x{code="500"}) / sum(x{code!="500"})', []),
])  # fmt: skip
def test_numerators_are_the_strictly_narrower_selectors(query: str, found: list[str]) -> None:
    assert [cut(query, selector.span) for selector in numerators(parse(query))] == found


def test_windows_are_those_of_ranges_and_subqueries_that_are_known() -> None:
    node = parse("max_over_time(rate(x[1m])[1h:30s]) + rate(y[{{args.w}}])")
    assert [seconds for _, seconds in windows(node)] == [3600, 60]
    assert shortest_window(node) == (node.left.args[0].expr.args[0], 60)  # type: ignore[union-attr]
    assert shortest_window(parse("up")) is None
