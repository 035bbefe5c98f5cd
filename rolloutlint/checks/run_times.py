"""When the metrics of an AnalysisRun are measured, for rules that hold an analysis against a clock.

Times are whole nanoseconds from the start of the run and leave out how long a query takes, as those of
`controllers.analysis_run` do; errors, which are retried and use up no count, only make them longer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rolloutlint.controllers.analysis_run import MetricSpec
    from rolloutlint.simulate.plan import Metric, Run


class Time(NamedTuple):
    """Nanoseconds of which at least a lower bound is known."""

    least: int
    most: int | None


def endless(spec: MetricSpec) -> bool:
    """Whether successes alone never complete a metric: it has an interval, no count, and asks for no row of them."""
    return math.isinf(_needed(spec))


def passes_after(metric: Metric) -> Time | None:
    """When a metric is complete of which every measurement is a success; `None` where it never is, or is not known."""
    spec = metric.spec
    if spec is None or endless(spec):
        return None
    needed = int(_needed(spec))
    start = spec.delay + (needed - 1) * (spec.interval or 0)
    longest = metric.takes.most
    most = None if longest is None else start + needed * longest
    return Time(start + needed * metric.takes.least, most)


def run_passes_after(run: Run) -> Time | None:
    """When a run is Successful of which every measurement is a success; `None` where it never is, or is not known.

    It waits for all its metrics, those in dry run as well (`analysis/analysis.go` assessRunStatus).
    """
    if run.fault or run.unknown or not run.metrics:
        return None
    spans = [passes_after(metric) for metric in run.metrics]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return None
    mosts = [span.most for span in known if span.most is not None]
    return Time(max(span.least for span in known), max(mosts) if len(mosts) == len(known) else None)


def taken_by(spec: MetricSpec, end: int) -> int:
    """How many measurements of a metric are taken until `end`, one at that very moment included."""
    if end < spec.delay:
        return 0
    possible = spec.bounds.measurements
    fitting = (end - spec.delay) // spec.interval + 1 if spec.interval else 1
    return int(min(fitting, max(1, possible)))


def last_measurement(spec: MetricSpec) -> int | None:
    """When the last measurement of a metric is taken that completes by its count; `None` where it has no count."""
    count = spec.bounds.measurements
    return None if math.isinf(count) else spec.delay + (max(1, int(count)) - 1) * (spec.interval or 0)


def _needed(spec: MetricSpec) -> float:
    """How many successes complete a metric."""
    bounds = spec.bounds
    return max(1, min(bounds.measurements, bounds.success or math.inf))
