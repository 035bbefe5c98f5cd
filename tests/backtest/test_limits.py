"""The limit that is named is enough, the next one before it is not, and nothing is named where nothing is enough."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.backtest.history import Paths, endings, grid_of, points_of
from rolloutlint.backtest.limits import Case, Judge, limits_of
from rolloutlint.backtest.result import Limit
from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.controllers.limits import Bounds
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.expr import NEWEST
from tests.backtest.samples import START, Days

TEN = 10 * SECOND
ONE_PERCENT = Fraction(1, 100)


def case(
    values: str,
    judge: Judge,
    count: float = 3,
    failure: int = 0,
    success: int = 0,
    error: int = 4,
    horizon: int = 60,
) -> Case:
    days = Days(values, step=10)
    grid = grid_of(START, days.window, TEN)
    series = days.ranges("", grid.start, grid.end, 10)
    assert isinstance(series, tuple)
    found = points_of(series, grid, *judge.programs(), judge.shape == "float")
    spec = MetricSpec("m", Bounds(count, failure, success, 0, error), TEN, 0)
    return Case(found.points, spec, TEN, days.window, horizon * SECOND, Paths(found.points, spec.interval, TEN))


def judge(success: str = "", failure: str = "") -> Judge:
    return Judge(success, failure, "float[]", NEWEST)


AT_LEAST = judge("result[0] >= 0.95")


def limits(
    values: str, conditions: Judge = AT_LEAST, tolerated: Fraction = ONE_PERCENT, **spec: int
) -> dict[str, Limit]:
    found = limits_of(case(values, conditions, **spec), conditions, tolerated)
    return {limit.field: limit for limit in found}


def test_nothing_is_named_where_little_enough_is_aborted() -> None:
    assert limits("1x100") == {}


def test_one_more_tolerated_failure_is_enough_for_lone_failures() -> None:
    found = limits("1x50 0.9 1x50")["failureLimit"]
    assert (found.now, found.wanted, found.aborts) == ("0", "1", 0)


def test_as_many_failures_as_come_together_must_be_tolerated() -> None:
    assert limits("1x50 0.9x3 1x50", count=6)["failureLimit"].wanted == "3"


def test_no_limit_is_named_with_which_the_metric_could_not_fail() -> None:
    assert "failureLimit" not in limits("1x50 0.9x3 1x50", tolerated=Fraction(0), count=3)


def test_few_failures_are_tolerated_in_a_shorter_run() -> None:
    found = limits("1x50 0.9 1x3 0.9 1x50", tolerated=Fraction(0), count=8, failure=1)["count"]
    assert (found.now, found.wanted, found.aborts) == ("8", "4", 0)


def test_errors_in_a_row_are_tolerated_by_their_own_limit() -> None:
    found = limits("1x50 _x6 1x50")["consecutiveErrorLimit"]
    assert (found.now, found.wanted, found.aborts) == ("4", "6", 0)


def test_an_endless_metric_is_given_more_failures() -> None:
    assert limits("1x50 0.9x2 1x50", count=math.inf, horizon=100)["failureLimit"].wanted == "2"


@pytest.mark.parametrize(
    ("conditions", "values", "wanted"),
    [
        (judge("result[0] >= 0.95"), "1x50 0.932 1x50", "result[0] >= 0.932"),
        (judge("result[0] > 0.95"), "1x50 0.93 1x50", "result[0] > 0.9299"),
        (judge("result[0] <= 0.05"), "0.01x50 0.068 0.01x50", "result[0] <= 0.068"),
        (judge("result[0] < 0.05"), "0.01x50 0.07 0.01x50", "result[0] < 0.071"),
        (judge("", "result[0] < 0.95"), "1x50 0.93 1x50", "result[0] < 0.93"),
        (judge("", "result[0] > 0.05"), "0.01x50 0.07 0.01x50", "result[0] > 0.07"),
        (judge("0.95 <= result[0]"), "1x50 0.93 1x50", "0.93 <= result[0]"),
        (judge("len(result) > 0 && result[0] >= 0.95"), "1x50 0.93 1x50", "len(result) > 0 && result[0] >= 0.93"),
        (judge("result[0] < 500"), "1x50 512 1x50", "result[0] < 512.1"),
    ],
)
def test_the_number_of_a_condition_is_moved_as_far_as_it_must(conditions: Judge, values: str, wanted: str) -> None:
    (found,) = [limit for field, limit in limits(values, conditions).items() if field.endswith("Condition")]
    assert (found.wanted, found.aborts) == (wanted, 0)


def test_the_threshold_stays_short_of_values_that_need_not_pass() -> None:
    values = "1x300 0.93 1x300 0.5 1x300"
    found = limits(values, tolerated=Fraction(1, 200))["successCondition"]
    assert 0.5 < float(found.wanted.rpartition(" ")[2]) <= 0.93


def test_with_two_conditions_the_one_that_fails_is_moved() -> None:
    conditions = judge("result[0] >= 0.95", "result[0] < 0.9")
    assert limits("1x50 0.85 1x50", conditions)["failureCondition"].wanted == "result[0] < 0.85"


def test_a_condition_with_several_numbers_is_left_alone() -> None:
    conditions = judge("result[0] >= 0.95 && result[0] <= 2")
    assert "successCondition" not in limits("1x50 0.9 1x50", conditions)


def test_no_threshold_is_named_for_what_is_no_number() -> None:
    assert "successCondition" not in limits("1x50 NaNx5 1x50")


VALUES = st.lists(st.sampled_from(["1", "1", "1", "0.94", "0.9", "0.5", "_"]), min_size=40, max_size=80)


@settings(max_examples=100, deadline=None)
@given(values=VALUES, count=st.integers(1, 6), failure=st.integers(0, 3), percent=st.sampled_from([0, 1, 10, 30]))
def test_what_is_named_is_enough_and_the_nearest_that_is(
    values: list[str], count: int, failure: int, percent: int
) -> None:
    tolerated = Fraction(percent, 100)
    one = case(" ".join(values), AT_LEAST, count=count + failure, failure=failure)
    bounds = one.spec.bounds
    for limit in limits_of(one, AT_LEAST, tolerated):
        assert limit.aborts <= tolerated
        if limit.field == "failureLimit":
            for before in range(failure, int(limit.wanted)):
                rate = one.aborts(one.spec._replace(bounds=bounds._replace(failure=before)))
                assert rate is not None
                assert rate > tolerated


def test_the_rate_of_a_limit_is_that_of_the_changed_metric() -> None:
    one = case("1x20 0.9 1x5 0.9x2 1x20", AT_LEAST, count=4)
    (found,) = [limit for limit in limits_of(one, AT_LEAST, Fraction(1, 10)) if limit.field == "failureLimit"]
    changed = one.spec._replace(bounds=one.spec.bounds._replace(failure=int(found.wanted)))
    failed = [p == "Failed" for p in endings(one.points, changed, TEN).phase[: len(one.points) - 3]]
    assert found.aborts == Fraction(sum(failed), len(failed))
