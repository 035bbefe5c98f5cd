"""How an analysis ends when every measurement of a metric gives the same phase.

Mirrors the limits of argo-rollouts `analysis/analysis.go` assessMetricStatus and calculateNextReconcileTime: a limit is
exceeded by one more than it says, errors are retried after a fixed ten seconds and never count as measurements,
everything else waits for the interval. Times leave out how long a query takes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.metrics import Limits, effective_count, limits_of
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
    """How an entry of `spec.metrics` ends when every measurement gives `phase`.

    It is one that `validate_metrics` accepts: others end before the first measurement.
    """
    limits, count = limits_of(metric, targets), effective_count(metric)
    enough, kind = _threshold(phase, limits)
    if enough is None or count is None:
        return _UNKNOWN
    last: float = max(1, count)
    if phase == "Error" and count > 0:
        last = math.inf  # errors never use up the count
    if last < enough:
        if limits.success is None or limits.failure is None:
            return _UNKNOWN
        kind = "succeeds"
        if limits.success:  # the count is reached without the successes that were asked for
            kind = "pauses" if limits.failure >= 0 else "aborts"
        enough = last
    if math.isinf(enough):
        return Outcome("goes-on", None, None)
    step = ERROR_RETRY if phase == "Error" else _seconds(metric, "interval")
    return Outcome(kind, int(enough), _after(metric, int(enough) - 1, step))


def _threshold(phase: Phase, limits: Limits) -> tuple[float | None, Ending]:
    """How many measurements of a phase end the metric whatever its count (`None`: unknown), and how it then ends."""
    if phase == "Successful":
        wanted = limits.success
        return (None if wanted is None else wanted if wanted > 0 else math.inf), "succeeds"
    if phase == "Failed":
        limit = limits.failure
        return (None if limit is None else limit + 1 if limit >= 0 else math.inf), "aborts"
    limit, kind = (limits.error, "aborts") if phase == "Error" else (limits.inconclusive, "pauses")
    return (None if limit is None else max(1, limit + 1)), kind  # type: ignore[return-value]


def _after(metric: Mapping[str, Any], steps: int, step: float | None) -> float | None:
    """Seconds until the measurement after `steps` others; `None` where a duration is unknown."""
    delay = _seconds(metric, "initialDelay")
    if delay is None or (steps and step is None):
        return None
    return max(0.0, delay) + steps * max(0.0, step or 0.0)


def _seconds(metric: Mapping[str, Any], field: str) -> float | None:
    """A duration in seconds: 0 where absent, `None` where it does not parse or holds a placeholder."""
    value = metric.get(field)
    if value is None or value == "":
        return 0.0
    nanoseconds = parse_duration(value)
    return None if nanoseconds is None else nanoseconds / 1e9
