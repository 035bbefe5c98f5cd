"""What one metric sees of a rollout that lasts a known time after its AnalysisRun began.

Closed forms of argo-rollouts `analysis/analysis.go` (generateMetricTasks, assessMetricStatus): measurements are an
interval apart, the one after an Error follows after ten seconds. Times are whole nanoseconds from the start of the run
and leave out how long a measurement takes; a measurement at the very end of the time still counts. `outcomes` are the
letters of `SFIE` that a measurement can give. They speak of metrics that `validate_metrics` accepts and whose interval
has a length; the tests hold them against every history (`simulate.metric_paths`).
"""

from __future__ import annotations

import math
from typing import Final

from rolloutlint.controllers.analysis_run import RETRY, MetricSpec

FOREVER: Final = math.inf
"""The time of a rollout that waits for a person."""


def measurements_by(spec: MetricSpec, time: float) -> float:
    """How many measurements a version that succeeds at each has had after `time`; `math.inf` where they never end."""
    if time < spec.delay:
        return 0
    most = _enough(spec)
    if spec.interval is None or math.isinf(time):
        return most if spec.interval is not None else min(most, 1)
    return min(most, (time - spec.delay) // spec.interval + 1)


def guards_until(spec: MetricSpec) -> int | None:
    """When the last measurement of a version that succeeds at each is taken: then the metric is complete.

    `None` where it measures for ever.
    """
    most = _enough(spec)
    return None if math.isinf(most) else spec.delay + (int(most) - 1) * (spec.interval or 0)


def time_to_fail(spec: MetricSpec, outcomes: str) -> int | None:
    """When failed measurements make the metric Failed at the earliest; `None` where they never do."""
    _, failure, success, _, _ = bounds = spec.bounds
    if "F" not in outcomes:
        return None
    if bounds.measurements < 0:
        return spec.delay if "Failed" in bounds.endings("F") else None
    if failure < 0:
        ends = success > 0 and not math.isinf(bounds.measurements)
        return _after(spec, int(bounds.measurements) - 1) if ends else None
    return None if failure >= bounds.measurements else _after(spec, failure)


def time_to_error(spec: MetricSpec, outcomes: str) -> int | None:
    """When the metric is Error at the earliest; `None` where it never is."""
    if "E" not in outcomes or (spec.bounds.measurements < 0 and spec.bounds.error > 0):
        return None
    return spec.delay + max(0, spec.bounds.error) * RETRY


def time_to_inconclusive(spec: MetricSpec, outcomes: str) -> int | None:
    """When inconclusive measurements alone make the metric Inconclusive; `None` where they never do."""
    bounds = spec.bounds
    if "I" not in outcomes:
        return None
    if bounds.measurements < 0:
        return spec.delay if "Inconclusive" in bounds.endings("I") else None
    return None if bounds.inconclusive >= bounds.measurements else _after(spec, bounds.inconclusive)


def can_fail_by(spec: MetricSpec, outcomes: str, time: float) -> bool:
    """Whether the metric can be Failed by `time`: `F + 1` failed measurements fit."""
    earliest = time_to_fail(spec, outcomes)
    return earliest is not None and earliest <= time


def evidence_by(spec: MetricSpec, outcomes: str, time: float) -> int | None:
    """The smallest number of successful measurements with which the metric is not bad through `time`.

    `None` where it is bad by then whatever is measured. With `FOREVER`: the number with which it ends Successful;
    also `None` where it never ends.

    Until the next measurement must be a success, every tolerated failure, every tolerated inconclusive measurement and
    every success takes an interval, and before each of them, and before the one that must be a success, all errors in a
    row that are tolerated take ten seconds each.
    """
    bounds = spec.bounds
    if bounds.measurements < 0:
        return _after_one(spec, outcomes, time)
    completed = _completing(spec, outcomes)
    ceiling = bounds.measurements if completed is None else completed
    tolerated = _tolerated(spec, outcomes)
    successes = 0
    while successes < ceiling:
        if time < _postponed(spec, outcomes, tolerated + successes):
            return successes
        if math.isinf(time) or "S" not in outcomes:
            return completed
        successes = max(successes + 1, _skip(spec, outcomes, time, tolerated))
    return completed


def _completing(spec: MetricSpec, outcomes: str) -> int | None:
    """The smallest number of successes with which it ends Successful; `None` where it does not."""
    bounds = spec.bounds
    if bounds.success > 0:
        return bounds.success if "S" in outcomes and bounds.success <= bounds.measurements else None
    if math.isinf(bounds.measurements):
        return None
    needed = max(0, int(bounds.measurements - _tolerated(spec, outcomes)))
    return needed if not needed or "S" in outcomes else None


def _tolerated(spec: MetricSpec, outcomes: str) -> float:
    """How many failed and inconclusive measurements do not end it."""
    bounds = spec.bounds
    failures = 0 if "F" not in outcomes else bounds.failure if bounds.failure >= 0 else math.inf
    return failures + (bounds.inconclusive if "I" in outcomes else 0)


def _postponed(spec: MetricSpec, outcomes: str, counted: float) -> float:
    """When the measurement after so many that count must decide, if all errors before it are used up."""
    counted = min(counted, spec.bounds.measurements - 1)
    retries = max(0, spec.bounds.error) * RETRY if "E" in outcomes else 0
    return spec.delay + counted * ((spec.interval or 0) + retries) + retries


def _skip(spec: MetricSpec, outcomes: str, time: float, tolerated: float) -> int:
    """A number of successes, near the smallest and not above it, with which the time may be outlasted."""
    retries = max(0, spec.bounds.error) * RETRY if "E" in outcomes else 0
    each = (spec.interval or 0) + retries
    if not each or math.isinf(tolerated):
        return 0
    return int((time - spec.delay - retries) // each - tolerated)


def _after_one(spec: MetricSpec, outcomes: str, time: float) -> int | None:
    """A negative count is reached with the first measurement, even with an Error."""
    if time < spec.delay:
        return 0
    good = [letter for letter in outcomes if "Successful" in spec.bounds.endings(letter)]
    return min((int(letter == "S") for letter in good), default=None)


def _enough(spec: MetricSpec) -> float:
    """How many successful measurements complete the metric."""
    bounds = spec.bounds
    if bounds.measurements < 0:
        return 1
    return min(bounds.measurements, bounds.success) if bounds.success > 0 else bounds.measurements


def _after(spec: MetricSpec, earlier: int) -> int:
    return spec.delay + earlier * (spec.interval or 0)
