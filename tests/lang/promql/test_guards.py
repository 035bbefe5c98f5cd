"""Queries are mended where they are wrong and nowhere else: comments, layout and placeholders stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.lang.promql.guards import (
    aggregate_by_le,
    cut_fallback,
    fall_back,
    fallbacks,
    guard_denominators,
    guard_histograms,
    guard_numerators,
    unclamp,
    unwrap_scalars,
    without_labels,
)
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.rewrite import Change, merged, rewritten

ALL = "sum(rate(http_requests_total[5m]))"
ERR = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{code!~"5.."}[5m]))'
BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"
HQ = f"histogram_quantile(0.95, sum by (le) ({BUCKETS}))"


def changed(text: str, changes: tuple[Change, ...]) -> str:
    """The text after changes, which must parse."""
    found = merged(changes)
    assert found is not None
    after = rewritten(text, found)
    parse(after)
    return after


@pytest.mark.parametrize(
    "query, after",
    [
        (f"{ERR} / {ALL}", f"{ERR} / ({ALL} > 0)"),
        (f"{ERR} / ({ALL})", f"{ERR} / ({ALL} > 0)"),
        (f"{ERR} / (({ALL}))", f"{ERR} / (({ALL} > 0))"),
        (f"1 - {ERR}/{ALL} or vector(1)", f"1 - {ERR}/({ALL} > 0) or vector(1)"),
        (f"{ERR} / {ALL} * 100", f"{ERR} / ({ALL} > 0) * 100"),
        (f"{ERR} / ({ALL} or vector(1))", f"{ERR} / (({ALL} or vector(1)) > 0)"),
        (f"{ERR} / clamp_min({ALL}, 1)", f"{ERR} / ({ALL} > 0)"),
        (f"{ERR} / (clamp_min({ALL}, 1))", f"{ERR} / ({ALL} > 0)"),
        (f"{ERR} / clamp_min({ALL} or vector(0), 1)", f"{ERR} / (({ALL} or vector(0)) > 0)"),
        ("sum by (pod) (a) / sum(b_total) by (pod)", "sum by (pod) (a) / (sum(b_total) by (pod) > 0)"),
        (f"{ERR} / on () group_left {ALL}", f"{ERR} / on () group_left () ({ALL} > 0)"),
        (f"{ERR} / on () group_left () {ALL}", f"{ERR} / on () group_left () ({ALL} > 0)"),
        ("a / b_total / c_total", "a / (b_total > 0) / (c_total > 0)"),
        ("a / b_total ^ 2", "a / (b_total ^ 2 > 0)"),
        ("a / queue_depth", "a / (queue_depth != 0)"),
        (f"a / -{ALL}", f"a / (-{ALL} != 0)"),
        ("avg(rate(a[5m]) / rate(b_total[5m]))", "avg(rate(a[5m]) / (rate(b_total[5m]) > 0))"),
        (f"{ERR} / (\n  {ALL} # all\n)", f"{ERR} / (\n  {ALL} > 0 # all\n)"),
        (f"{ERR} / # of\n{ALL} # all\n", f"{ERR} / # of\n({ALL} > 0) # all\n"),
        (
            'sum(rate(a_total{v="{{args.v}}"}[{{args.w}}])) / sum(rate(b_total[{{args.w}}]))',
            'sum(rate(a_total{v="{{args.v}}"}[{{args.w}}])) / (sum(rate(b_total[{{args.w}}])) > 0)',
        ),
    ],
)
def test_a_denominator_that_can_be_zero_is_guarded(query: str, after: str) -> None:
    assert changed(query, guard_denominators(parse(query), query)) == after


@pytest.mark.parametrize(
    "query",
    [
        f"{ERR} / ({ALL} > 0)",
        f"{ERR} / ({ALL} != 0)",
        f"{ERR} / ({ALL} >= 1)",
        f"{ERR} / ({ALL} > 0 or vector(1))",
        f"{ERR} / clamp_min({ALL}, 0.001)",
        f"{ERR} / 2",
        f"{ERR} / scalar({ALL})",
        f"{ERR} / {{{{args.total}}}}",
        f"{ERR} * {ALL}",
    ],
)
def test_a_denominator_that_needs_no_guard_or_cannot_have_one_stays(query: str) -> None:
    assert guard_denominators(parse(query), query) == ()


def test_a_guard_that_does_not_hold_zero_off_is_no_guard():
    query = f"{ERR} / ({ALL} > bool 0)"
    assert guard_denominators(parse(query), query)
    assert guard_denominators(parse(f"{ERR} / ({ALL} > -1)"), f"{ERR} / ({ALL} > -1)")


@pytest.mark.parametrize("bound, goes", [("1", True), ("0", True), ("0.5", True), ("0.001", False), ("0.01", False)])
def test_a_clamp_goes_where_it_distorts(bound: str, goes: bool) -> None:
    query = f"{ERR} / clamp_min({ALL}, {bound})"
    assert changed(query, unclamp(parse(query), query)) == (f"{ERR} / ({ALL} > 0)" if goes else query)


@pytest.mark.parametrize(
    "query, after",
    [
        (f"{ERR} / {ALL}", f"({ERR} or vector(0)) / {ALL}"),
        (f"({ERR}) / {ALL}", f"({ERR} or vector(0)) / {ALL}"),
        (f"1 - {ERR} / ({ALL} > 0)", f"1 - ({ERR} or vector(0)) / ({ALL} > 0)"),
        (f"100 * {ERR} / {ALL}", f"100 * ({ERR} or vector(0)) / {ALL}"),
        (f"({ALL} - {ERR}) / {ALL}", f"({ALL} - ({ERR} or vector(0))) / {ALL}"),
        (f"(\n  {ERR} # bad\n) / {ALL}", f"(\n  {ERR} or vector(0) # bad\n) / {ALL}"),
        (f"{ERR} # bad\n/ {ALL}", f"({ERR} or vector(0)) # bad\n/ {ALL}"),
    ],
)
def test_a_numerator_that_may_be_missing_is_zero(query: str, after: str) -> None:
    assert changed(query, guard_numerators(parse(query))) == after


@pytest.mark.parametrize(
    "query",
    [
        f"({ERR} or vector(0)) / {ALL}",
        f"{ALL} / {ALL}",
        'sum by (pod) (rate(a_total{code="500"}[5m])) / sum by (pod) (rate(a_total[5m]))',
        'rate(a_total{code="500"}[5m]) / rate(a_total[5m])',
        'topk(1, rate(a_total{code="500"}[5m])) / sum(rate(a_total[5m]))',
    ],
)
def test_a_numerator_with_labels_or_without_need_stays(query: str) -> None:
    assert guard_numerators(parse(query)) == ()


def test_a_numerator_of_another_metric_is_guarded_only_on_demand():
    query = "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"
    assert guard_numerators(parse(query)) == ()
    found = guard_numerators(parse(query), all_of_them=True)
    assert changed(query, found).startswith("(sum(rate(errors_total[5m])) or vector(0)) /")


@pytest.mark.parametrize(
    "query, after",
    [
        (HQ, f"{HQ} >= 0"),
        (f"{HQ} * 1000", f"({HQ} >= 0) * 1000"),
        (f"({HQ}) * 1000", f"({HQ} >= 0) * 1000"),
        (f"{HQ} or vector(0)", f"{HQ} >= 0 or vector(0)"),
        (f"vector(0) unless {HQ}", f"vector(0) unless {HQ} >= 0"),
        (f"max({HQ})", f"max({HQ} >= 0)"),
        (f"{HQ} < 5", f"{HQ} < 5"),
        (f"{HQ} < bool 5", f"({HQ} >= 0) < bool 5"),
    ],
)
def test_a_quantile_without_observations_is_dropped(query: str, after: str) -> None:
    assert changed(query, guard_histograms(parse(query))) == after


@pytest.mark.parametrize(
    "query, after",
    [
        (f"histogram_quantile(0.9, sum({BUCKETS}))", f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))"),
        (f"histogram_quantile(0.9, sum ({BUCKETS}))", f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))"),
        (
            f"histogram_quantile(0.9, sum({BUCKETS}) by (pod))",
            f"histogram_quantile(0.9, sum({BUCKETS}) by (pod, le))",
        ),
        (f"histogram_quantile(0.9, sum by () ({BUCKETS}))", f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))"),
        (
            f"histogram_quantile(0.9, sum by (pod,) ({BUCKETS}))",
            f"histogram_quantile(0.9, sum by (pod, le) ({BUCKETS}))",
        ),
        (
            f"histogram_quantile(0.9, sum(sum by (pod) ({BUCKETS})))",
            f"histogram_quantile(0.9, sum by (le) (sum by (pod, le) ({BUCKETS})))",
        ),
        (HQ, HQ),
        (f"histogram_quantile(0.9, {BUCKETS})", f"histogram_quantile(0.9, {BUCKETS})"),
        (
            f"histogram_quantile(0.9, sum without (pod) ({BUCKETS}))",
            f"histogram_quantile(0.9, sum without (pod) ({BUCKETS}))",
        ),
    ],
)
def test_buckets_are_aggregated_by_le(query: str, after: str) -> None:
    assert changed(query, aggregate_by_le(parse(query), query)) == after


@pytest.mark.parametrize(
    "query, after",
    [
        (f"scalar({ALL})", ALL),
        (f"{ERR} / scalar({ALL})", f"{ERR} / {ALL}"),
        (f"scalar({ERR} / {ALL}) * 100", f"({ERR} / {ALL}) * 100"),
        (f"vector(scalar({ERR} / {ALL})) or vector(1)", f"({ERR} / {ALL}) or vector(1)"),
    ],
)
def test_scalars_are_unwrapped(query: str, after: str) -> None:
    assert changed(query, unwrap_scalars(parse(query))) == after


@pytest.mark.parametrize(
    "query, after",
    [
        (f"{OK} / {ALL} or vector(1)", f"{OK} / {ALL}"),
        (f"{OK} / {ALL} or on () vector(1)", f"{OK} / {ALL}"),
        (f"{OK} / {ALL}\n  or vector(1)\n", f"{OK} / {ALL}\n"),
        (f"{OK} / {ALL} # ratio\n  or vector(1)\n", f"{OK} / {ALL} # ratio\n"),
        (f"({OK} / {ALL} # ratio\n or vector(1)) * 100", f"({OK} / {ALL} # ratio\n ) * 100"),
        (f"({OK} / {ALL} or vector(-1)) * 100", f"({OK} / {ALL}) * 100"),
        (f"{OK} / {ALL} or # none\n vector(1)", f"{OK} / {ALL} or # none\n vector(1)"),
    ],
)
def test_a_fallback_is_cut_out_and_comments_are_not(query: str, after: str) -> None:
    outermost, _ = fallbacks(parse(query))[0]
    assert changed(query, cut_fallback(outermost, query)) == after


@pytest.mark.parametrize(
    "query, after",
    [(ERR, f"{ERR} or vector(0)"), (f"{ERR} # bad\n", f"{ERR} or vector(0) # bad\n"), ("errors_total", "errors_total")],
)
def test_a_query_without_labels_may_fall_back(query: str, after: str) -> None:
    assert changed(query, fall_back(parse(query), "0")) == after


def test_every_fallback_is_found_with_its_number():
    query = f"({ERR} or vector(0)) / ({ALL} or absent(x)) or on () vector(-1)"
    numbers = [query[slice(*number.span)] for _, number in fallbacks(parse(query))]
    assert numbers == ["-1", "0"]


@pytest.mark.parametrize(
    "query, expected",
    [
        (ALL, True),
        (f"1 - {ERR} / {ALL}", True),
        (f"clamp_max({ALL}, 1)", True),
        ("vector(1)", True),
        ("sum by () (a)", True),
        ("sum by (pod) (a)", False),
        ("sum without (pod) (a)", False),
        ("topk(1, a)", False),
        ("a", False),
        (f"{ALL} * a", False),
        (f'label_replace({ALL}, "a", "b", "", "")', False),
        ('absent(a{b="c"})', False),
    ],
)
def test_what_has_no_labels_is_known(query: str, expected: bool) -> None:
    assert without_labels(parse(query)) is expected


# ---- whatever the layout -------------------------------------------------------------------------------------

SPACES = st.sampled_from([" ", "\n", "  \n\t", " # why? (a) / b\n", "\r\n"])
EDITS: list[Callable[[Any, str], tuple[Change, ...]]] = [
    guard_denominators,
    lambda node, text: guard_numerators(node),
    lambda node, text: guard_histograms(node),
    unclamp,
    aggregate_by_le,
]


@given(
    st.sampled_from(
        [
            f"{ERR} / {ALL}",
            f"1 - ( {ERR} ) / ( {ALL} )",
            f"100 * {ERR} / clamp_min( {ALL} , 1 ) or vector(0)",
            f"histogram_quantile( 0.9 , sum ( {BUCKETS} ) ) / {ALL}",
            f"max( {HQ} ) * 1000 or on () vector(0)",
            'sum(rate(a_total{v="{{args.v}} # no"}[5m])) / sum(rate(a_total[5m]))',
        ]
    ),
    st.lists(SPACES, min_size=30, max_size=30),
    st.sampled_from(EDITS),
)
@settings(max_examples=150, deadline=None)
def test_all_that_was_written_stays_in_any_layout(query: str, spaces: list[str], edit: Any) -> None:
    words = query.replace("{{args.v}} # no", "{{args.v}}_#_no").split(" ")
    text = "".join(word + space for word, space in zip(words, spaces, strict=False))
    changes = edit(parse(text), text)
    after = changed(text, changes)
    plain = edit(parse(query), query)
    if changes or "clamp_min" not in text:
        assert "".join(c.text for c in changes).replace(" ", "") == "".join(c.text for c in plain).replace(" ", "")
    if not any(c.end > c.start for c in changes):
        left = iter(after)
        assert all(char in left for char in text), "what was there is still there, in its order"
    assert after.count("# why?") == text.count("# why?")
