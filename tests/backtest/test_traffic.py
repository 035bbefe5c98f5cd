"""How many requests a measurement must count, and whether a window had them."""

from __future__ import annotations

from fractions import Fraction
from math import comb, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.backtest.result import MetricHistory
from rolloutlint.backtest.traffic import MISSED, Counted, needed, requests_of, short_of
from rolloutlint.lang.promql.parser import parse
from tests.backtest.samples import Days, replay

RATIO = 'sum(rate(errors_total{code=~"5.."}[5m])) / sum(rate(errors_total[5m]))'


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        (RATIO, Counted("sum(rate(errors_total[5m]))", 300)),
        ("1 - sum(rate(a[1m])) / sum(rate(b[1m]))", Counted("sum(rate(b[1m]))", 60)),
        ("100 * (sum(rate(a[1m])) or vector(0)) / (sum(increase(b[2m])) > 0)", Counted("sum(increase(b[2m]))", 1)),
        ("rate(a[1m]) / rate(b[1m])", Counted("rate(b[1m])", 60)),
        ("sum(rate(a[1m])) / (sum(rate(b[1m])) + sum(rate(c[1m])))", None),
        ("sum(rate(a[1m])) / avg(rate(b[1m]))", None),
        ("sum(a) / sum(b)", None),
        ("max(a)", None),
    ],
)
def test_the_denominator_of_a_share_counts_requests(query: str, counted: Counted | None) -> None:
    assert requests_of(parse(query), query) == counted


def misses(requests: int, failing: Fraction, accepted: Fraction) -> Fraction:
    """How likely a measurement of so many requests accepts the version."""
    return sum(
        (
            comb(requests, k) * failing**k * (1 - failing) ** (requests - k)
            for k in range(floor(requests * accepted) + 1)
        ),
        Fraction(0),
    )


@settings(max_examples=60, deadline=None)
@given(
    accepted=st.sampled_from([Fraction(0), Fraction(1, 100), Fraction(1, 20), Fraction(1, 10), Fraction(1, 3)]),
    times=st.sampled_from([2, 3, 5]),
)
def test_fewer_requests_than_needed_miss_too_often_and_more_never_do(accepted: Fraction, times: int) -> None:
    failing = min(Fraction(1), accepted * times) or Fraction(times, 50)
    wanted = needed(failing, accepted)
    assert wanted is not None
    limit = Fraction(repr(MISSED))
    assert wanted == 1 or misses(wanted - 1, failing, accepted) > limit
    assert all(misses(count, failing, accepted) <= limit for count in range(wanted, wanted + 60))


def test_what_is_accepted_anyway_is_never_seen() -> None:
    assert needed(Fraction(1, 20), Fraction(1, 20)) is None


def test_times_without_series_are_times_without_requests() -> None:
    series = (({}, ((0.0, 1.0), (60.0, 0.1))),)
    assert short_of(series, 4, 300, 100) == Fraction(3, 4)


def test_requests_of_several_series_add_up() -> None:
    series = (({"pod": "a"}, ((0.0, 0.2),)), ({"pod": "b"}, ((0.0, 0.2),)))
    assert short_of(series, 1, 300, 100) == 0


TEMPLATE = f"""\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {{name: cart}}
spec:
  metrics:
  - name: errors
    interval: 1m
    count: 3
    successCondition: result[0] <= 0.05
    provider: {{prometheus: {{address: "http://prometheus:9090", query: '{RATIO}'}}}}
"""
ROLLOUT = """\
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart}
spec:
  strategy:
    canary:
      steps: [{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}]
      analysis: {templates: [{templateName: cart}]}
"""


def history(manifests: str, requests: str, degradation: str | None) -> MetricHistory:
    days = Days({"/": "0.001x60", "": requests}, names=["errors_total"], labels={"code": ["500"]})
    part = None if degradation is None else Fraction(degradation)
    ((one,),) = [analysis.metrics for analysis in replay(manifests, days, degradation=part).analyses]
    return one


def test_nothing_is_asked_where_no_degradation_is_stated() -> None:
    assert history(TEMPLATE, "1x60", None).traffic is None


def test_the_share_of_the_time_with_too_few_requests_is_told() -> None:
    found = history(TEMPLATE, "10x45 0.01x15", "1/10").traffic
    assert found is not None
    assert (found.weight, found.needed, found.short) == (100, needed(Fraction(1, 10), Fraction(1, 20)), Fraction(1, 4))


def test_a_query_for_all_that_serves_sees_the_new_version_by_its_weight() -> None:
    found = history(TEMPLATE + ROLLOUT, "10x60", "1/10").traffic
    assert found is not None
    assert (found.weight, found.needed, found.short) == (20, None, 1)


def test_a_version_that_fails_often_enough_is_seen_beside_the_old_one() -> None:
    found = history(TEMPLATE + ROLLOUT, "10x60", "1").traffic
    assert found is not None
    assert (found.needed, found.short) == (needed(Fraction(1, 5), Fraction(1, 20)), 0)


def test_a_query_for_one_version_counts_its_part_of_the_requests() -> None:
    text = TEMPLATE.replace('code=~"5.."}', 'code=~"5..",track="canary"}').replace(
        "(rate(errors_total[5m]))", '(rate(errors_total{track="canary"}[5m]))'
    )
    days = Days({"/": "0.001x60", "": "10x60"})
    found = replay(text + ROLLOUT, days, degradation=Fraction(1, 10), as_stable=True)
    ((one,),) = [analysis.metrics for analysis in found.analyses]
    least = needed(Fraction(1, 10), Fraction(1, 20))
    assert one.traffic is not None
    assert least is not None
    assert one.traffic.query == 'sum(rate(errors_total{track="stable"}[5m]))'
    assert one.traffic.needed == 5 * least
