"""RL348, RL350 and RL351: what a release may cost in time and in traffic, where a policy sets a limit.

Only with such a setting the plan of a Rollout is made and played, and the player imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.stairs import number
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY

if TYPE_CHECKING:
    from rolloutlint.simulate.plan import Plan
    from rolloutlint.simulate.player import Walk
    from rolloutlint.simulate.result import Broken, Event, Figure

STEPS_SHOWN: Final = 12
"""How many steps of a history a trail has at most, the last ones first."""


@check("RL348")
def release_too_long(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A release that takes longer than the configured `max-duration` if all goes well and nobody is waited for."""
    limit = ctx.settings.max_duration
    found = _played_well(ctx) if limit is not None else None
    if found is None or limit is None:
        return
    plan, well = found
    if well.kind != "promoted" or well.at <= limit * SECOND:
        return
    longest = max(well.stays, key=lambda stay: stay.end - stay.start)
    yield ctx.finding(
        _strategy(ctx),
        "key",
        trail=tuple(
            Related(
                plan.stages[stay.stage].place,
                f"{_called(plan, stay.stage)}: {_time(stay.end - stay.start)}",
                ctx.resource.id,
            )
            for stay in well.stays
            if stay.end > stay.start
        ),
        duration=_time(well.at),
        limit=format_duration(limit),
        stage=_called(plan, longest.stage),
        most=_time(longest.end - longest.start),
    )


@check("RL350")
def exposure_above_policy(ctx: Context[Rollout]) -> Iterator[Finding]:
    """More traffic for a version that fails every measurement than the configured `max-exposure`."""
    limit = ctx.settings.max_exposure
    found = _broken(ctx) if limit is not None else None
    if found is None or limit is None:
        return
    plan, end = found
    exposure, bound = _worst(end.exposure)
    if end.ending == "aborted" and exposure <= limit:
        return
    yield _against_policy(ctx, plan, end, exposure=bound + number(Fraction(exposure)), limit=number(limit))


@check("RL351")
def detection_above_policy(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A longer time until a version that fails every measurement is aborted than the configured limit."""
    limit = ctx.settings.max_time_to_detect
    found = _broken(ctx) if limit is not None else None
    if found is None or limit is None:
        return
    plan, end = found
    after, bound = _worst(end.after) if end.after is not None else (Fraction(0), "")
    if end.ending == "aborted" and after <= limit * SECOND:
        return
    yield _against_policy(ctx, plan, end, after=bound + _time(after), limit=format_duration(limit))


def _plan(ctx: Context[Rollout]) -> Plan | None:
    """The plan of the Rollout; `None` where nothing is to be said of it: it cannot be read, or is refused."""
    from rolloutlint.simulate.linked import plan_of

    plan = ctx.world.shared(ctx.resource.resource, "plan", lambda: plan_of(ctx.world, ctx.resource, ctx.settings))
    return None if plan is None or plan.refused else plan


def _played_well(ctx: Context[Rollout]) -> tuple[Plan, Walk] | None:
    """The plan and the way through it on which every measurement is a success and nobody is waited for."""
    plan = _plan(ctx)
    if plan is None:
        return None
    from rolloutlint.simulate.player import play
    from rolloutlint.simulate.simulation import failing_from

    return plan, play(plan, failing_from(None))


def _broken(ctx: Context[Rollout]) -> tuple[Plan, Broken] | None:
    """The plan and what becomes of a version that fails every measurement; `None` unless all metrics are known."""
    return ctx.world.shared(ctx.resource.resource, "broken", lambda: _find_broken(ctx))


def _find_broken(ctx: Context[Rollout]) -> tuple[Plan, Broken] | None:
    plan = _plan(ctx)
    if plan is None:
        return None
    from rolloutlint.simulate.plan import External
    from rolloutlint.simulate.simulation import broken

    if plan.has_unknown:
        return None
    end = broken(plan)
    if end is None or end.ending not in ("aborted", "promoted"):
        return None
    if end.ending == "promoted" and any(isinstance(stage.wait, External) for stage in plan.stages):
        return None  # what a step plugin looks at nobody knows
    return plan, end


def _worst(figure: Figure) -> tuple[Fraction | int, str]:
    """The largest amount that is known, and the words before it that say whether it is the least or the most."""
    if figure.most is None:
        return figure.least, "at least "
    return figure.most, "" if figure.exact else "up to "


def _against_policy(ctx: Context[Rollout], plan: Plan, end: Broken, **params: Any) -> Finding:
    from rolloutlint.simulate.plan import Person

    people = [index for index, stage in enumerate(plan.stages) if isinstance(stage.wait, Person)]
    return ctx.finding(
        _strategy(ctx),
        "key",
        variant="" if end.ending == "aborted" else "person" if people else "never",
        trail=tuple(_history(plan, end.trace)),
        by=end.by,
        asked=_called(plan, people[0]) if people else "",
        share=number(end.share.most * 100),
        **params,
    )


def _history(plan: Plan, events: Sequence[Event]) -> Iterator[Related]:
    """The way to the end of a history: the stages that are reached, and what happens in the last moment."""
    last = events[-1].at if events else 0
    steps = [
        event
        for event in events
        if event.place is not None and (event.at == last or event.words == _label(plan, event.stage))
    ]
    for event in steps[-STEPS_SHOWN:]:
        if event.place is not None:
            yield Related(event.place, f"{_time(event.at)}: {event.words}")


def _label(plan: Plan, stage: int | None) -> str:
    return "" if stage is None else plan.stages[stage].label


def _called(plan: Plan, index: int) -> str:
    stage = plan.stages[index]
    return stage.label if stage.step is None else f"step {stage.step + 1}, {stage.label}"


def _strategy(ctx: Context[Rollout]) -> Path:
    """Where a finding about the whole release points."""
    if ctx.resource.strategy_kind == "blueGreen":
        return BLUE_GREEN
    return (*CANARY, "steps") if ctx.resource.canary.get("steps") is not None else CANARY


def _time(nanoseconds: Fraction | int) -> str:
    return format_duration(float(nanoseconds) / SECOND)
