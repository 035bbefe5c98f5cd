"""Whether a background analysis can see nothing but bad measurements until the promotion, for RL339.

What measures time is imported where there are metrics to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from rolloutlint.checks.background import ALL_OUTCOMES, Guard, Watch, guards_of, time_to_promotion, watch_of
from rolloutlint.checks.context import Context
from rolloutlint.finding import Related
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.model import Rollout
from rolloutlint.settings import Targets

BEARS: Final[Mapping[str, str]] = {
    "Error": "errors",
    "Inconclusive": "inconclusive measurements",
    "Failed": "failures",
}
"""What a metric bears for a time, by the phase that it has afterwards."""


class Borne(NamedTuple):
    """What a metric bears until the promotion."""

    guard: Guard
    phase: str
    """How it would have ended; empty where it is not measured before the promotion."""
    time: int
    """When it would have ended so, or been measured first."""


class Unmeasured(NamedTuple):
    """A background analysis without one success until the promotion."""

    watch: Watch
    left: int
    """The time from its start to promotion."""
    borne: tuple[Borne, ...]


def unmeasured_until(ctx: Context[Rollout]) -> Unmeasured | None:
    """How a canary can be promoted without a success by one kind of bad measurement for each metric.

    `None` where it cannot, or that is not known, and where RL335 or RL336 say why: nothing is measured, or nothing
    could fail.
    """
    watch = watch_of(ctx)
    left = time_to_promotion(ctx, watch) if watch is not None else None
    if watch is None or left is None:
        return None
    from rolloutlint.controllers.coverage import can_fail_by

    if not any(can_fail_by(guard.spec, guard.metric.outcomes, left) for guard in watch.guards):
        return None
    borne = tuple(found for guard in watch.guards if (found := _borne(guard, left, ctx.settings.targets)) is not None)
    if len(borne) < len(watch.guards) or not any(each.phase in ("Error", "Inconclusive") for each in borne):
        return None
    return Unmeasured(watch, left, borne) if _gates_pass_unmeasured(ctx) else None


def _gates_pass_unmeasured(ctx: Context[Rollout]) -> bool:
    """Whether every analysis that a step waits for can certainly be Successful without one success."""
    for analysis in ctx.resource.analyses:
        if analysis.role == "background":
            continue
        from rolloutlint.controllers.coverage import FOREVER, evidence_by
        from rolloutlint.simulate.runs import entries_of, merged, run_of

        members = merged(ctx.world, ctx.resource, analysis)
        run = run_of(ctx.world, ctx.resource, analysis, ctx.settings)
        guards = guards_of(run, entries_of(members, analysis)) if members and not run.fault else None
        if analysis.role != "step" or guards is None:
            return False
        if any(evidence_by(guard.spec, guard.metric.outcomes, FOREVER) != 0 for guard in guards):
            return False
    return True


def _borne(guard: Guard, left: int, targets: Targets) -> Borne | None:
    """Which kind of measurement, over and over, a metric bears until the promotion; `None` where it bears none."""
    from rolloutlint.controllers.coverage import time_to_error, time_to_fail, time_to_inconclusive
    from rolloutlint.controllers.limits import can_be_inconclusive

    spec = guard.spec
    if spec.delay > left:
        return Borne(guard, "", spec.delay)
    undecided = can_be_inconclusive(guard.entry.value, targets)
    times = {
        "Inconclusive": time_to_inconclusive(spec, ALL_OUTCOMES) if undecided else None,
        "Error": time_to_error(spec, guard.metric.outcomes),
        "Failed": time_to_fail(spec, guard.metric.outcomes),
    }
    found = ((phase, time) for phase, time in times.items() if time is not None and time > left)
    return next((Borne(guard, *each) for each in found), None)


def path_of(ctx: Context[Rollout], found: Unmeasured) -> Iterator[Related]:
    """The way to the promotion."""
    rollout, watch = ctx.resource, found.watch
    first, last = watch.outline.landings[watch.start], watch.outline.landings[-1]
    yield rollout.related(first.step.path, f"the background analysis starts with step {watch.start + 1}")
    for guard, phase, time in found.borne:
        what = f"nothing but {BEARS[phase]}: {phase} only after" if phase else "first measured after"
        yield guard.related(f"{what} {format_duration(time / SECOND)}")
    yield rollout.related(last.step.path, "the last step: then it is promoted")
