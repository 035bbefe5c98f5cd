"""Runs over known points end as the controller would end them, from every start."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.backtest.history import (
    ENDINGS,
    Track,
    aborts,
    endings,
    gaps,
    grid_of,
    longest,
    points_of,
    quantiles,
    starts_of,
    step_of,
)
from rolloutlint.backtest.result import Gap, Point, Starts
from rolloutlint.controllers.analysis_run import COMPLETED, MetricSpec, due, new_run, reconciled, wake_up
from rolloutlint.controllers.limits import Bounds
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.expr import program_of

ENDLESS = math.inf
TEN = 10 * SECOND


def points(outcomes: str, step: int = TEN) -> list[Point]:
    """Points of these outcomes; a small letter is one without data."""
    return [Point(i * step / SECOND, None, o.upper(), o.islower(), False) for i, o in enumerate(outcomes)]


def spec(
    count: float = 1,
    failure: int = 0,
    success: int = 0,
    inconclusive: int = 0,
    error: int = 4,
    interval: int | None = TEN,
    delay: int = 0,
    dry_run: bool = False,
) -> MetricSpec:
    return MetricSpec("m", Bounds(count, failure, success, inconclusive, error), interval, delay, dry_run)


def starts(outcomes: str, one: MetricSpec, window: int = 0, horizon: int = 0) -> Starts:
    ended = endings(points(outcomes), one, TEN)
    return starts_of([Track(one, TEN, ended)], window or (len(outcomes) - 1) * TEN, horizon)[0]


def shares(found: Starts) -> dict[str, Fraction]:
    return {ending: share for ending, share in found.endings if share}


# ---- what the controller does, pass by pass ------------------------------------------------------------------------


def played(tracks: Sequence[tuple[MetricSpec, str]], start: int, step: int, horizon: int) -> str:
    """The phase in which a run ends that starts then, with one reconciliation at every wake-up; times as in a window
    whose points are `step` apart. What is not complete is Running."""
    specs = [one for one, _ in tracks]
    run = new_run(specs)
    now = 0
    limit = longest(specs, horizon)
    for _ in range(10_000):
        wanted = due(specs, run, now)
        outcomes = {}
        for index in wanted:
            at = (start + now) // step
            if at >= len(tracks[index][1]):
                return "Running"
            outcomes[index] = tracks[index][1][at]
        run = reconciled(specs, run, now, outcomes)
        if run.phase in COMPLETED:
            return run.phase
        following = wake_up(specs, run)
        if following is None:
            return "Running"
        now = max(now, following)
        endless = [one for one in specs if math.isinf(one.bounds.measurements)]
        if endless and now > limit and all(math.isinf(one.bounds.measurements) for one in specs):
            return "Running"
    raise AssertionError("the run does not end")


LIMITS = st.tuples(
    st.sampled_from([1, 2, 3, 5, 8]), st.integers(-1, 4), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)
)


@st.composite
def metrics(draw: st.DrawFn, endless: bool = False) -> MetricSpec:
    count, failure, success, inconclusive, error = draw(LIMITS)
    if failure < 0:
        success = max(1, success)
    count = ENDLESS if endless else max(count, success + max(0, failure), inconclusive)
    interval = TEN * draw(st.integers(1, 3))
    return spec(count, failure, success, inconclusive, error, interval, TEN * draw(st.integers(0, 3)))


OUTCOMES = st.text("SFIE", min_size=30, max_size=60) | st.text("SSSSSSFE", min_size=30, max_size=60)


@settings(max_examples=300, deadline=None)
@given(one=metrics(), outcomes=OUTCOMES)
def test_a_metric_ends_from_every_start_as_the_controller_ends_it(one: MetricSpec, outcomes: str) -> None:
    window = (len(outcomes) - 1) * TEN
    found, _ = starts_of([Track(one, TEN, endings(points(outcomes), one, TEN))], window, 0)
    expected = Counter(played([(one, outcomes)], start * TEN, TEN, 0) for start in range(found.counted))
    assert shares(found) == {e: Fraction(n, found.counted) for e, n in expected.items()}


@settings(max_examples=150, deadline=None)
@given(one=metrics(endless=True), outcomes=OUTCOMES, horizon=st.integers(1, 20))
def test_an_endless_metric_is_watched_for_the_time_of_the_rollout(one: MetricSpec, outcomes: str, horizon: int) -> None:
    window = (len(outcomes) - 1) * TEN
    found, _ = starts_of([Track(one, TEN, endings(points(outcomes), one, TEN))], window, horizon * TEN)
    expected = Counter(played([(one, outcomes)], start * TEN, TEN, horizon * TEN) for start in range(found.counted))
    assert shares(found) == {e: Fraction(n, found.counted) for e, n in expected.items()}


@settings(max_examples=300, deadline=None)
@given(data=st.data(), dry=st.integers(0, 3))
def test_a_run_of_several_metrics_ends_as_the_controller_ends_it(data: st.DataObject, dry: int) -> None:
    tracks = [(data.draw(metrics()), data.draw(OUTCOMES)) for _ in range(data.draw(st.integers(2, 3)))]
    tracks = [(one._replace(dry_run=index == dry), outcomes) for index, (one, outcomes) in enumerate(tracks)]
    size = min(len(outcomes) for _, outcomes in tracks)
    tracks = [(one, outcomes[:size]) for one, outcomes in tracks]
    found, _ = starts_of(
        [Track(one, TEN, endings(points(outcomes), one, TEN)) for one, outcomes in tracks], (size - 1) * TEN, 0
    )
    expected = Counter(played(tracks, start * TEN, TEN, 0) for start in range(found.counted))
    assert shares(found) == {e: Fraction(n, found.counted) for e, n in expected.items()}


# ---- what the shares mean ------------------------------------------------------------------------------------------


def test_each_failure_ends_as_many_runs_as_it_is_measured_in() -> None:
    found = starts("SSSSFSSSSS", spec(count=3))
    assert found.counted == 8
    assert shares(found) == {"Successful": Fraction(5, 8), "Failed": Fraction(3, 8)}


def test_tolerated_failures_end_no_run() -> None:
    assert shares(starts("SSSSFSSSSS", spec(count=3, failure=1))) == {"Successful": Fraction(1)}


def test_shares_sum_to_one() -> None:
    assert sum(share for _, share in starts("SFIESFIESFIE", spec(count=2)).endings) == 1


def test_starts_from_which_no_run_fits_are_not_counted() -> None:
    assert starts("SSS", spec(count=4)) == Starts(0, ())


def test_a_delay_shifts_what_is_measured() -> None:
    assert shares(starts("FFSSSS", spec(count=1, delay=2 * TEN))) == {"Successful": Fraction(1)}


def test_failures_and_errors_are_false_aborts() -> None:
    assert aborts(starts("SFSE", spec(count=1, error=0))) == Fraction(1, 2)


def test_errors_are_retried_after_ten_seconds_whatever_the_interval() -> None:
    one = spec(count=2, error=1, interval=3 * TEN)
    assert shares(starts("ESSSSSSS", one)) == {"Successful": Fraction(1)}


def test_a_run_whose_retries_leave_the_window_is_running() -> None:
    assert shares(starts("SSSE", spec(count=1))) == {"Successful": Fraction(3, 4), "Running": Fraction(1, 4)}


def test_a_negative_count_is_over_after_one_measurement() -> None:
    assert shares(starts("SFSF", spec(count=-1))) == {"Successful": Fraction(1, 2), "Failed": Fraction(1, 2)}


def test_metrics_of_different_intervals_start_together() -> None:
    slow, fast = spec(interval=3 * TEN), spec(interval=2 * TEN)
    tracks = [
        Track(slow, 3 * TEN, endings(points("SSS", 3 * TEN), slow, 3 * TEN)),
        Track(fast, 2 * TEN, endings(points("SSSF", 2 * TEN), fast, 2 * TEN)),
    ]
    found, _ = starts_of(tracks, 6 * TEN, 0)
    assert (found.counted, shares(found)) == (2, {"Successful": Fraction(1, 2), "Failed": Fraction(1, 2)})


def test_what_fails_in_dry_run_ends_nothing() -> None:
    good, bad = spec(count=2), spec(count=2, dry_run=True)
    tracks = [
        Track(good, TEN, endings(points("SSSS"), good, TEN)),
        Track(bad, TEN, endings(points("FFFF"), bad, TEN)),
    ]
    assert shares(starts_of(tracks, 3 * TEN, 0)[0]) == {"Successful": Fraction(1)}


def test_runs_that_succeed_without_data_are_counted() -> None:
    one = spec(count=2)
    _, blind = starts_of([Track(one, TEN, endings(points("SSssss"), one, TEN))], 5 * TEN, 0)
    assert blind == Fraction(3, 5)


def test_endings_come_in_the_order_of_the_result() -> None:
    assert tuple(ending for ending, _ in starts("S", spec()).endings) == ENDINGS


# ---- points --------------------------------------------------------------------------------------------------------

VECTOR = program_of("result[0] >= 0.95", "float[]")


def measured(*series: dict[int, float], scalar: bool = False, size: int = 4) -> list[tuple[object, ...]]:
    samples = tuple(({"pod": str(n)}, tuple((i * 10.0, v) for i, v in one.items())) for n, one in enumerate(series))
    program = program_of("result >= 0.95", "float") if scalar else VECTOR
    found = points_of(samples, grid_of(0, (size - 1) * TEN, TEN), program, None, scalar)
    return [(p.at, p.value, p.outcome, p.empty, p.nan) for p in found.points]


def test_points_are_judged_one_by_one() -> None:
    assert measured({0: 1.0, 1: 0.5}, size=2) == [(0.0, 1.0, "S", False, False), (10.0, 0.5, "F", False, False)]


def test_a_time_without_samples_is_an_empty_result() -> None:
    assert measured({0: 1.0}, size=2)[1] == (10.0, None, "E", True, False)


def test_nan_is_data_that_satisfies_no_comparison() -> None:
    assert [row[2:] for row in measured({0: math.nan}, size=1)] == [("F", False, True)]


def test_a_scalar_is_judged_as_a_number() -> None:
    assert measured({0: 1.0}, scalar=True, size=1) == [(0.0, 1.0, "S", False, False)]


def test_several_series_have_no_single_value() -> None:
    assert measured({0: 1.0}, {0: 0.5}, size=1)[0][1] is None


def test_an_outcome_that_depends_on_the_order_of_series_is_told() -> None:
    samples = (({"pod": "a"}, ((0.0, 1.0), (10.0, 1.0))), ({"pod": "b"}, ((0.0, 0.5), (10.0, 0.99))))
    assert points_of(samples, grid_of(0, TEN, TEN), VECTOR, None, False).arbitrary == 1


def test_samples_for_other_times_than_asked_for_are_no_answer() -> None:
    found = points_of((({}, ((3.0, 1.0),)),), grid_of(0, TEN, TEN), VECTOR, None, False)
    assert (found.points, found.displaced) == ((), True)


def test_milliseconds_are_near_enough() -> None:
    assert not points_of((({}, ((10.001, 1.0),)),), grid_of(0.0004, TEN, TEN), VECTOR, None, False).displaced


def test_a_grid_has_a_point_for_the_first_measurement_of_each_start() -> None:
    grid = grid_of(100.0, 60 * SECOND, 20 * SECOND, delay=25 * SECOND)
    assert (grid.start, grid.size, grid.end) == (105.0, 3, 145.0)


@pytest.mark.parametrize(
    ("interval", "errors", "step"),
    [(60, False, 60), (60, True, 10), (15, True, 5), (None, False, 30), (None, True, 10)],
)
def test_the_step_is_the_interval_and_finer_where_errors_are_retried(
    interval: int | None, errors: bool, step: int
) -> None:
    one = spec(interval=interval * SECOND if interval else None)
    assert step_of(one, 30 * SECOND, errors) == step * SECOND


def test_gaps_are_told_the_longest_first() -> None:
    assert gaps(points("SssSsss"), TEN) == (Gap(40.0, 70.0), Gap(10.0, 30.0))


def test_quantiles_are_values_that_were_measured() -> None:
    hundred = [Point(0.0, float(v), "S", False, False) for v in range(1, 101)]
    assert [value for _, value in quantiles(hundred)] == [1, 1, 5, 50, 95, 99, 100]
