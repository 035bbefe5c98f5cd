"""The closed forms of what a metric sees in a given time, held against every history it can have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest

from rolloutlint.controllers.analysis_run import RETRY, MetricSpec
from rolloutlint.controllers.coverage import (
    FOREVER,
    can_fail_by,
    evidence_by,
    guards_until,
    measurements_by,
    time_to_error,
    time_to_fail,
    time_to_inconclusive,
)
from rolloutlint.controllers.limits import Bounds
from rolloutlint.simulate.metric_paths import Ways, evidence, ways

SECOND = 1_000_000_000
TICK = 5 * SECOND
HORIZON = 30
OUTCOMES = ("S", "F", "I", "E", "SF", "SE", "FE", "SFE", "SI", "SFI", "SIE", "FI", "SFIE")


def spec(
    count: float,
    failure: int = 0,
    inconclusive: int = 0,
    error: int = 0,
    success: int = 0,
    *,
    every: int = 15,
    delay: int = 0,
) -> MetricSpec:
    interval = None if count == 1 else every * SECOND
    return MetricSpec("m", Bounds(count, failure, success, inconclusive, error), interval, delay * SECOND)


def specs() -> Iterator[MetricSpec]:
    """Legal metrics with small limits, on two clocks."""
    clocks = ((15, 0), (5, 25))
    for count, failure, inconclusive, error, success in itertools.product(
        (1, 2, 3, math.inf), (-1, 0, 1, 2), (0, 2), (0, 2), (0, 1, 2, 3)
    ):
        if failure < 0 and not success:
            continue
        for every, delay in clocks:
            yield spec(count, failure, inconclusive, error, success, every=every, delay=delay)


def negative() -> Iterator[MetricSpec]:
    """Metrics that any measurement completes."""
    for failure, inconclusive, error, success in itertools.product((-1, 0, 1), (0, 1), (0, 1), (0, 1, 2)):
        if failure >= 0 or success:
            yield spec(-1, failure, inconclusive, error, success, delay=10)


def first(found: Ways, phase: str) -> int | None:
    times = found.bad.get(phase)  # type: ignore[call-overload]
    return None if times is None else times.first * TICK


@pytest.mark.parametrize("outcomes", OUTCOMES)
def test_evidence_and_times_are_those_of_every_history(outcomes: str) -> None:
    moments = range(HORIZON)
    for one in itertools.chain(specs(), negative()):
        found = ways(one, outcomes, TICK, HORIZON)
        alive = [moment for moment in moments if found.alive(moment)]
        expected = dict(zip(alive, evidence(found, alive), strict=True))
        assert {m: evidence_by(one, outcomes, m * TICK) for m in moments} == {m: expected.get(m) for m in moments}, one
        failing = found if one.bounds.failure >= 0 else ways(one, "F", TICK, HORIZON)
        assert time_to_fail(one, outcomes) == (first(failing, "Failed") if "F" in outcomes else None), one
        assert time_to_error(one, outcomes) == first(found, "Error"), one
        failed = failing.bad.get("Failed") if "F" in outcomes else None
        expected_by = [failed is not None and failed.first <= moment for moment in moments]
        assert [can_fail_by(one, outcomes, moment * TICK) for moment in moments] == expected_by, one


@pytest.mark.parametrize("outcomes", OUTCOMES)
def test_evidence_without_end_is_that_of_the_cheapest_success(outcomes: str) -> None:
    for one in itertools.chain(specs(), negative()):
        found = ways(one, outcomes, TICK, 200)
        assert evidence_by(one, outcomes, FOREVER) == min(found.done.values(), default=None), one


def test_a_version_that_succeeds_is_measured_until_the_metric_is_complete() -> None:
    for one in itertools.chain(specs(), negative()):
        found = ways(one, "S", TICK, HORIZON)
        ends = [time * TICK for time in found.done]
        if one.bounds.success <= one.bounds.measurements or one.bounds.measurements < 0:
            until = guards_until(one)
            assert [until] == ends if ends else until is None or one.bounds.measurements < 0
        taken = {gap.start for gap in found.waiting if gap.came is not None} | set(found.done)
        taken |= {time for times in found.bad.values() for time in range(HORIZON) if time in times}
        for moment in range(HORIZON):
            assert measurements_by(one, moment * TICK) == sum(time <= moment for time in taken), one


@pytest.mark.parametrize("outcomes", ["I", "SI", "SFIE"])
def test_inconclusive_measurements_alone_end_a_metric_when_no_other_history_does_before(outcomes: str) -> None:
    for one in specs():
        if one.bounds.success:
            continue
        assert time_to_inconclusive(one, outcomes) == first(ways(one, outcomes, TICK, HORIZON), "Inconclusive"), one


def test_a_metric_without_end_is_measured_for_ever() -> None:
    endless = spec(math.inf)
    assert guards_until(endless) is None
    assert measurements_by(endless, FOREVER) == math.inf
    assert evidence_by(endless, "SF", FOREVER) is None


def test_long_rollouts_are_counted_at_once() -> None:
    endless = spec(math.inf, failure=2, error=4, every=60)
    week = 7 * 24 * 3600 * SECOND
    least = evidence_by(endless, "SFE", week)
    assert least is not None
    m = least + 2
    assert week < m * 60 * SECOND + (m + 1) * 4 * RETRY
    assert week >= (m - 1) * 60 * SECOND + m * 4 * RETRY
