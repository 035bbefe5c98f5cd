"""How an analysis ends when every measurement of a metric gives the same phase.

Mirrors the limits of argo-rollouts `analysis/analysis.go` assessMetricStatus and calculateNextReconcileTime: a limit is
exceeded by one more than it says, errors are retried after a fixed ten seconds and never count as measurements,
everything else waits for the interval. Times leave out how long a query takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.metrics import effective_count, limits_of
from rolloutlint.lang.duration import parse_duration
from rolloutlint.lang.expr import Phase
from rolloutlint.settings import Targets

ERROR_RETRY = 10.0
"""Seconds between an error and the next attempt (`DefaultErrorRetryInterval`)."""


Ending = Literal["succeeds", "aborts", "pauses", "goes-on", "unknown"]
"""`aborts`: the run is Failed or Error. `pauses`: it is Inconclusive, a person must act. `goes-on`: it measures until
the rollout ends, and is then Successful."""


class Outcome(NamedTuple):
    """How the metric ends if one phase repeats."""

    kind: Ending
    measurements: int | None
    """How many measurements it takes; `None` where unknown or without end."""
    seconds: float | None
    """From the start of the AnalysisRun until then."""


_UNKNOWN = Outcome("unknown", None, None)


def outcome(phase: Phase, metric: Mapping[str, Any], targets: Targets) -> Outcome:
    """How an entry of `spec.metrics` ends when every measurement gives `phase`."""
    limits, count = limits_of(metric, targets), effective_count(metric)
    if phase == "Successful":
        return _success(metric, count, limits.success)
    tolerated, kind = _tolerated(phase, limits.failure, limits.inconclusive, limits.error)
    if tolerated is None or count is None or limits.success is None:
        return _UNKNOWN
    if phase == "Error":
        return Outcome(kind, tolerated + 1, _after(metric, tolerated, ERROR_RETRY))
    interval = _seconds(metric, "interval")
    if 0 <= tolerated < count:
        return Outcome(kind, tolerated + 1, _after(metric, tolerated, interval))
    if math.isinf(count):
        return Outcome("goes-on", None, None)
    last = max(1, int(count))
    end: Ending = "succeeds"
    if limits.success:  # the count is reached without the successes that were asked for
        end = "aborts" if limits.failure == -1 else "pauses"
    return Outcome(end, last, _after(metric, last - 1, interval))


def _tolerated(
    phase: Phase, failure: int | None, inconclusive: int | None, error: int | None
) -> tuple[int | None, Ending]:
    """How many measurements of a phase are tolerated, and what one more does."""
    if phase == "Error":
        return error, "aborts"
    return (failure, "aborts") if phase == "Failed" else (inconclusive, "pauses")


def _success(metric: Mapping[str, Any], count: float | None, wanted: int | None) -> Outcome:
    if count is None or wanted is None:
        return _UNKNOWN
    needed = min(count, wanted or math.inf)
    if math.isinf(needed):
        return Outcome("goes-on", None, None)
    last = max(1, int(needed))
    ending: Ending = "pauses" if wanted and count < wanted else "succeeds"
    return Outcome(ending, last, _after(metric, last - 1, _seconds(metric, "interval")))


def _after(metric: Mapping[str, Any], steps: int, step: float | None) -> float | None:
    """Seconds until the measurement after `steps` others; `None` where a duration is unknown."""
    delay = _seconds(metric, "initialDelay")
    if delay is None or (steps and step is None):
        return None
    return delay + steps * (step or 0.0)


def _seconds(metric: Mapping[str, Any], field: str) -> float | None:
    """A duration in seconds: 0 where absent, `None` where it does not parse or holds a placeholder."""
    value = metric.get(field)
    if value is None or value == "":
        return 0.0
    nanoseconds = parse_duration(value)
    return None if nanoseconds is None else nanoseconds / 1e9
