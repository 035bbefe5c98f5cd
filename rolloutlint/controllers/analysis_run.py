"""One AnalysisRun as the controller reconciles it: counters, limits, retries, termination, dry run, several metrics.

Mirrors argo-rollouts `analysis/analysis.go` (reconcileAnalysisRun, generateMetricTasks, assessRunStatus,
assessMetricStatus, calculateNextReconcileTime) for every release: what changed between them (`consecutiveSuccessLimit`
and `failureLimit: -1` since 1.8) is in the `Bounds` that `controllers.limits.bounds_of` reads for a release, and what
becomes of a measurement in flight is `interrupted`. Pure functions over frozen states; times are whole nanoseconds from
the creation of the run, and a measurement takes none unless its outcome is `R`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from rolloutlint.controllers.limits import ERROR_RETRY, Bounds
from rolloutlint.lang.duration import SECOND
from rolloutlint.settings import Targets, Version

Outcome: TypeAlias = Literal["S", "F", "I", "E", "R"]
"""Successful, Failed, Inconclusive, Error; `R` is a measurement in flight (a job that runs)."""

RunPhase: TypeAlias = Literal["Pending", "Running", "Successful", "Failed", "Error", "Inconclusive"]

SEVERITY: Final[tuple[RunPhase, ...]] = ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")
"""From best to worst (`utils/analysis/helpers.go` analysisStatusOrder)."""

COMPLETED: Final = frozenset[RunPhase](("Successful", "Failed", "Error", "Inconclusive"))
BAD: Final = frozenset[RunPhase](("Failed", "Error", "Inconclusive"))

RETRY: Final = ERROR_RETRY * SECOND
"""Nanoseconds until a measurement after an Error, and between those of a metric without an interval."""

_INTERRUPTED_SINCE = Version(1, 10)


class MetricSpec(NamedTuple):
    """What of an entry of `spec.metrics` decides when it is measured and how it ends."""

    name: str
    bounds: Bounds
    interval: int | None
    """Nanoseconds; `None` where there is none."""
    delay: int
    """Nanoseconds of `initialDelay`, 0 where there is none."""
    dry_run: bool = False


class MetricState(NamedTuple):
    """`status.metricResults[]` of one metric, with the counters that never shrink with its history."""

    phase: RunPhase = "Pending"
    measured: bool = False
    """Whether a result object exists: it has been measured, or is being measured."""
    taken: int = 0
    """Measurements that use up the count: all but errors."""
    failed: int = 0
    inconclusive: int = 0
    successful: int = 0
    errors: int = 0
    """Consecutive errors."""
    successes: int = 0
    """Consecutive successes."""
    last: Outcome | None = None
    finished: int = 0
    """When the last measurement was finished, in nanoseconds."""


class RunState(NamedTuple):
    """An AnalysisRun between two reconciliations."""

    metrics: tuple[MetricState, ...]
    started: int | None = None
    """When it was first reconciled; `initialDelay` counts from there."""
    phase: RunPhase = "Pending"


def new_run(specs: Sequence[MetricSpec]) -> RunState:
    """A run that has not been reconciled yet."""
    return RunState((MetricState(),) * len(specs))


def interrupted(targets: Targets) -> Outcome:
    """What the measurement of a job in flight becomes when its run is terminated (`metricproviders/job` Terminate).

    The controller does it in the first terminating pass. One of kayenta stays in flight, and its run ends without it.
    """
    return "I" if targets.rollouts >= _INTERRUPTED_SINCE else "S"


def recorded(state: MetricState, outcome: Outcome, now: int) -> MetricState:
    """The metric after a measurement, or after one has begun (`R`). An Error does not use up the count."""
    if outcome == "R":
        return state._replace(phase="Running", measured=True, last="R")
    base = state._replace(measured=True, last=outcome, finished=now)
    if outcome == "E":
        return base._replace(errors=state.errors + 1, successes=0)
    base = base._replace(taken=state.taken + 1, errors=0)
    if outcome == "S":
        return base._replace(successful=state.successful + 1, successes=state.successes + 1)
    if outcome == "F":
        return base._replace(failed=state.failed + 1, successes=0)
    return base._replace(inconclusive=state.inconclusive + 1, successes=0)


def assessed(bounds: Bounds, state: MetricState, terminating: bool) -> RunPhase:
    """The metric's phase (`assessMetricStatus`): a limit first, then what completes it, then termination."""
    if state.phase in COMPLETED:
        return state.phase
    if not state.measured:
        return "Successful" if terminating else "Pending"
    if state.last == "R":
        return "Running"
    exceeded = _exceeded(bounds, state)
    if exceeded is not None:
        return exceeded
    if bounds.success > 0 and state.successes >= bounds.success:
        return "Successful"
    if state.taken >= bounds.measurements:
        if bounds.success > 0:
            return "Inconclusive" if bounds.failure >= 0 else "Failed"
        return "Successful"
    return "Successful" if terminating else "Running"


def _exceeded(bounds: Bounds, state: MetricState) -> RunPhase | None:
    """The limit that the metric has passed; of several the one that is asked last."""
    if state.errors > bounds.error:
        return "Error"
    if state.inconclusive > bounds.inconclusive:
        return "Inconclusive"
    if bounds.failure >= 0 and state.failed > bounds.failure:
        return "Failed"
    return None


def is_terminating(specs: Sequence[MetricSpec], run: RunState, terminate: bool = False) -> bool:
    """Whether nothing more is measured: somebody asked for it, or a metric that counts is bad."""
    return terminate or any(
        state.phase in BAD and not spec.dry_run for spec, state in zip(specs, run.metrics, strict=True)
    )


def next_measurement(spec: MetricSpec, state: MetricState, started: int | None) -> int | None:
    """When the metric is measured next, in nanoseconds; `None` where it never is, or is in flight.

    A metric with an `initialDelay` waits for the run to have `started`.
    """
    if state.phase in COMPLETED or state.last == "R":
        return None
    if not state.measured:
        if not spec.delay:
            return 0 if started is None else started
        return None if started is None else started + spec.delay
    if state.taken >= spec.bounds.measurements:
        return None
    if state.last == "E" or spec.interval is None:
        return state.finished + RETRY
    return state.finished + spec.interval


def due(specs: Sequence[MetricSpec], run: RunState, now: int, terminate: bool = False) -> tuple[int, ...]:
    """The metrics, by index, that a reconciliation at `now` measures."""
    if run.phase in COMPLETED or is_terminating(specs, run, terminate):
        return ()
    return tuple(
        index
        for index, (spec, state) in enumerate(zip(specs, run.metrics, strict=True))
        if (at := next_measurement(spec, state, run.started)) is not None and at <= now
    )


def reconciled(
    specs: Sequence[MetricSpec],
    run: RunState,
    now: int,
    outcomes: Mapping[int, Outcome],
    terminate: bool = False,
) -> RunState:
    """The run after one reconciliation at `now`, in which the metrics of `outcomes` gave those outcomes.

    `outcomes` holds what `due` asked for, and how measurements in flight have ended. A metric that turns bad in this
    pass ends the others only in the next one, as upstream.
    """
    if run.phase in COMPLETED:
        return run
    states = [
        recorded(state, outcomes[index], now) if index in outcomes else state for index, state in enumerate(run.metrics)
    ]
    terminating = is_terminating(specs, run, terminate)
    worst: RunPhase | None = None
    complete = True
    for index, spec in enumerate(specs):
        if not states[index].measured:
            complete = False
            continue
        phase = assessed(spec.bounds, states[index], terminating)
        states[index] = states[index]._replace(phase=phase)
        if phase not in COMPLETED:
            complete = False
        elif not spec.dry_run:
            worst = phase if worst is None else worse(worst, phase)
        else:
            worst = worst or "Successful"
    started = now if run.started is None else run.started
    if terminating:
        return RunState(tuple(states), started, worst or "Successful")
    return RunState(tuple(states), started, worst if complete and worst is not None else "Running")


def worse(one: RunPhase, other: RunPhase) -> RunPhase:
    """The worse of two phases."""
    return max(one, other, key=SEVERITY.index)


def wake_up(specs: Sequence[MetricSpec], run: RunState) -> int | None:
    """When the run is reconciled next of its own accord; `None` where only an event from outside can do it.

    Mirrors `calculateNextReconcileTime`, which overlooks a metric that has no interval and no Error to retry; such a
    metric is complete, unless `count` is above 1, which `ValidateMetrics` refuses.
    """
    if run.phase in COMPLETED:
        return None
    if run.started is None or is_terminating(specs, run):
        return run.started or 0
    times = [
        next_measurement(spec, state, run.started)
        for spec, state in zip(specs, run.metrics, strict=True)
        if not state.measured or state.last == "E" or spec.interval is not None
    ]
    return min((at for at in times if at is not None), default=None)
