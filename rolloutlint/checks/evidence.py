"""RL339: how few successful measurements a promotion can do with.

What it needs is imported where there is an analysis, or a policy that asks for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY

if TYPE_CHECKING:
    from rolloutlint.simulate.explore import Exploration
    from rolloutlint.simulate.plan import Plan

EVENTS_SHOWN: Final = 12


@check("RL339")
def promoted_without_evidence(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A release that can be promoted with fewer successful measurements than one, or than the configured number."""
    if ctx.settings.min_evidence is not None:
        yield from _below_policy(ctx, ctx.settings.min_evidence)
    elif isinstance(ctx.resource.canary.get("analysis"), dict):
        yield from _unmeasured(ctx)


def _unmeasured(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A background analysis that bears errors, or inconclusive measurements, until the promotion."""
    from rolloutlint.checks.unmeasured import BEARS, path_of, unmeasured_until

    found = unmeasured_until(ctx)
    if found is None:
        return
    worst = next(each for each in found.borne if each.phase in ("Error", "Inconclusive"))
    yield ctx.finding(
        _strategy(ctx.resource),
        "key",
        variant="inconclusive" if worst.phase == "Inconclusive" else "",
        related=tuple(
            each.guard.related(f"bears {BEARS[each.phase]} for {_time(each.time)}")
            for each in found.borne
            if each.phase
        ),
        trail=tuple(path_of(ctx, found)),
        metric=worst.guard.metric.name,
        left=_time(found.left),
        time=_time(worst.time),
        missing=_time(worst.time - found.left),
    )


def _below_policy(ctx: Context[Rollout], wanted: int) -> Iterator[Finding]:
    """Whether some history is promoted with fewer successes than `min-evidence` asks for."""
    from rolloutlint.simulate.explore import explore
    from rolloutlint.simulate.linked import plan_of

    plan = ctx.world.shared(ctx.resource.resource, "plan", lambda: plan_of(ctx.world, ctx.resource, ctx.settings))
    if plan is None or plan.refused or not wanted:
        return
    from rolloutlint.simulate.simulation import playable

    plan = playable(plan)
    if plan.has_unknown:
        return
    found = explore(plan)
    if found.cut or found.evidence is None or found.evidence >= wanted:
        return
    yield ctx.finding(
        _strategy(ctx.resource),
        "key",
        variant="policy" if found.evidence else "policy-nothing",
        trail=tuple(_history(plan, found)),
        evidence=f"{found.evidence} successful measurement{'s' if found.evidence != 1 else ''}",
        wanted=wanted,
    )


def _history(plan: Plan, found: Exploration) -> Iterator[Related]:
    """The promotion with the fewest successful measurements, step by step."""
    from rolloutlint.simulate.traces import walk_to

    walk = walk_to(plan, found, found.promotion) if found.promotion is not None else None
    events = walk.events if walk is not None else ()
    shown = [Related(event.place, f"{_time(event.at)}: {event.words}") for event in events if event.place is not None]
    yield from shown[-EVENTS_SHOWN:]


def _strategy(rollout: Rollout) -> Path:
    """Where a finding about the whole release points."""
    if rollout.strategy_kind == "blueGreen":
        return BLUE_GREEN
    return (*CANARY, "steps") if rollout.canary.get("steps") is not None else CANARY


def _time(nanoseconds: float) -> str:
    return format_duration(nanoseconds / SECOND)
