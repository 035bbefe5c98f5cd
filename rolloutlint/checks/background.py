"""RL334 to RL338 and RL340: how long a background analysis watches, and what it can still stop.

Cheap tests come first: the AnalysisRun is only made where closed forms over the metrics as written say that there may
be something to report, and those are only imported where there are metrics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.run_times import run_passes_after
from rolloutlint.checks.stairs import percent
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.graph.analyses import Member, team_of
from rolloutlint.lang.duration import SECOND, format_duration, parse_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY, Analysis
from rolloutlint.model.values import dig, has, sequence
from rolloutlint.settings import Targets
from rolloutlint.simulate.outline import Landing, Outline, outline_of

if TYPE_CHECKING:
    from rolloutlint.controllers.analysis_run import MetricSpec
    from rolloutlint.simulate.plan import Metric, Plan, Run
    from rolloutlint.simulate.runs import Entry

STEPS_SHOWN = 4

ALL_OUTCOMES = "SFIE"


class Guard(NamedTuple):
    """A metric that decides, with its entry in the template."""

    metric: Metric
    spec: MetricSpec
    entry: Entry

    def related(self, words: str) -> Related:
        """The metric in its template."""
        path: Path = (*self.entry.path, "name") if self.metric.name else self.entry.path
        return self.entry.member.view.related(path, words)


class Watch(NamedTuple):
    """A background analysis of which every metric is known, and the steps that it runs beside."""

    analysis: Analysis
    start: int
    """Index of the step at whose beginning it starts."""
    outline: Outline
    guards: tuple[Guard, ...]
    """The metrics that are not in dry run; at least one."""

    @property
    def least(self) -> float:
        """The time from its start to promotion, at least."""
        return self.outline.least(self.start)

    @property
    def origin(self) -> int:
        """When it starts, at least."""
        return self.outline.landings[self.start].reached


@check("RL334")
def background_ends_early(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A background analysis that is complete while pauses still hold the new version."""
    watch = watch_of(ctx)
    if watch is None:
        return
    from rolloutlint.controllers.coverage import guards_until, measurements_by

    ends = [(until, guard) for guard in watch.guards if (until := guards_until(guard.spec)) is not None]
    if len(ends) < len(watch.guards):
        return
    end, last = max(ends, key=lambda each: each[0])
    unguarded = [one for one in watch.outline.landings[watch.start :] if one.traffic and _outlasts(watch, one, end)]
    if not unguarded or watch.least <= end + (last.spec.interval or 0):
        return
    count = int(measurements_by(last.spec, math.inf))
    single = last.spec.interval is None or count == 1
    yield ctx.finding(
        last.entry.member.use.path,
        variant="-".join(filter(None, ("single" if single else "", "person" if math.isinf(watch.least) else ""))),
        related=(*_sides(last, "count", "complete after so many"), _step(ctx, unguarded[0], "not guarded to its end")),
        trail=(
            *_beginning(ctx, watch, last),
            _step(ctx, unguarded[0], f"not guarded to its end, at {_share(watch, unguarded[0])}"),
            _promotion(ctx, watch),
        ),
        metric=last.metric.name,
        end=_time(end),
        count=count,
        total=_time(watch.least),
        steps=_listed(watch, unguarded),
    )


@check("RL335")
def background_never_measures(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A background analysis that starts, or first measures, when the steps are over."""
    rollout = ctx.resource
    late = _starting_step(rollout)
    outline = outline_of(ctx.world, rollout)
    if outline is None:
        return
    last = len(outline.landings)
    if late is not None and late >= last:
        yield ctx.finding(
            (*CANARY, "analysis", "startingStep"),
            variant="never-starts" if late > last else "after-steps",
            related=(rollout.related(outline.landings[-1].step.path, f"the last step, number {last - 1} from 0"),),
            start=late,
            last=last - 1,
        )
        return
    watch = watch_of(ctx)
    left = time_to_promotion(ctx, watch) if watch is not None else None
    if watch is None or left is None or any(guard.spec.delay <= left for guard in watch.guards):
        return
    first = min(watch.guards, key=lambda guard: guard.spec.delay)
    yield ctx.finding(
        first.entry.member.use.path,
        related=_sides(first, "initialDelay", "longer than the steps last"),
        trail=(*_beginning(ctx, watch, first), _promotion(ctx, watch)),
        metric=first.metric.name,
        delay=_time(first.spec.delay),
        left=_time(left),
        missing=_time(first.spec.delay - left),
    )


@check("RL336")
def background_cannot_fail_in_time(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A background analysis in which no metric has enough measurements before the promotion to be Failed."""
    watch = watch_of(ctx)
    left = time_to_promotion(ctx, watch) if watch is not None else None
    if watch is None or left is None:
        return
    from rolloutlint.controllers.coverage import measurements_by, time_to_fail

    needs = [time_to_fail(guard.spec, guard.metric.outcomes) for guard in watch.guards]
    if any(needed is not None and needed <= left for needed in needs):
        return
    seeing = [
        (needed, guard)
        for needed, guard in zip(needs, watch.guards, strict=True)
        if needed is not None and guard.spec.delay <= left
    ]
    if not seeing:
        return
    needed, guard = min(seeing, key=lambda each: each[0])
    measured = int(measurements_by(guard.spec, left))
    yield ctx.finding(
        guard.entry.member.use.path,
        related=_sides(guard, "failureLimit", "tolerated"),
        trail=(*_beginning(ctx, watch, guard), _promotion(ctx, watch)),
        metric=guard.metric.name,
        needed=_time(needed),
        left=_time(left),
        missing=_time(needed - left),
        failures=guard.spec.bounds.failure + 1,
        measured=f"{measured} measurement{'s' if measured != 1 else ''}",
        most=measured - 1,
    )


@check("RL337")
def background_starts_late(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Steps with traffic before the background analysis starts, with nothing that measures it."""
    rollout = ctx.resource
    start = _starting_step(rollout)
    outline = outline_of(ctx.world, rollout) if start else None
    if outline is None or start is None or start >= len(outline.landings):
        return
    before = outline.landings[:start]
    exposed = next((n for n, one in enumerate(before) if one.traffic), start)
    if any(one.hold in ("analysis", "experiment", "plugin", "unknown") for one in before[exposed:]):
        return
    unguarded = [one for one in before if one.traffic and one.holds]
    if not unguarded:
        return
    person = any(one.hold == "person" for one in unguarded)
    time = sum(one.pause for one in unguarded)
    yield ctx.finding(
        (*CANARY, "analysis", "startingStep"),
        variant="person" if person else "",
        related=tuple(
            rollout.related((*one.step.path, "pause"), f"at {percent(_part(outline, one))}", "key")
            for one in unguarded[:STEPS_SHOWN]
        ),
        start=start,
        step=start + 1,
        share=percent(max(_part(outline, one) for one in unguarded)),
        time=_time(time),
    )


@check("RL338")
def inconclusive_run_replaced(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Before 1.8: a background analysis that is Inconclusive during a pause, and is begun again."""
    for watch, guard, after in _leaks(ctx):
        pauses = [one for one in watch.outline.landings[watch.start :] if one.holds and _outlasts(watch, one, after)]
        if not pauses:
            continue
        yield ctx.finding(
            guard.entry.member.use.path,
            related=_sides(guard, "failureCondition", "with the other condition it leaves a gap"),
            trail=(
                *_beginning(ctx, watch, guard),
                _step(ctx, pauses[0], f"Inconclusive after {_time(after)} or later: another run takes its place"),
                _promotion(ctx, watch),
            ),
            metric=guard.metric.name,
            after=_time(after),
            step=pauses[0].step.index + 1,
        )
        return


@check("RL340")
def inconclusive_walks_on(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A background analysis whose Inconclusive end does not stop steps that need no other pods."""
    outline = outline_of(ctx.world, ctx.resource)
    if outline is None or not _may_walk_on(ctx.resource, outline):
        return
    for watch, guard, after in _leaks(ctx):
        plan = _plan(ctx)
        if plan is None or plan.background is None or plan.leak != "unblocked":
            return
        found = _walked(plan, watch, after)
        if found is None:
            continue
        stage, end = found
        paused = watch.outline.landings[plan.stages[stage].step or 0]
        share = 1 if end is None else plan.stages[end].share.least
        yield ctx.finding(
            guard.entry.member.use.path,
            variant="" if end is None else "further",
            related=_sides(guard, "failureCondition", "with the other condition it leaves a gap"),
            trail=(
                *_beginning(ctx, watch, guard),
                _step(ctx, paused, "Inconclusive here at the earliest: the pause runs out all the same"),
                Related(plan.stages[-1 if end is None else end].place, "promoted" if end is None else "it stops here"),
            ),
            metric=guard.metric.name,
            step=paused.step.index + 1,
            share=percent(Fraction(share)),
            own=percent(plan.stages[stage].share.most),
        )
        return


# ---- what is asked for --------------------------------------------------------------------------------------------


def watch_of(ctx: Context[Rollout]) -> Watch | None:
    """The background analysis of a canary; `None` where there is none or it is not all known, and where its metrics as
    written are so plain that no rule of this module has anything to say about its time.
    """
    return ctx.world.shared(ctx.resource.resource, "watch", lambda: _watch(ctx, quick=True))


def _watch(ctx: Context[Rollout], *, quick: bool) -> Watch | None:
    rollout = ctx.resource
    if not isinstance(rollout.canary.get("analysis"), dict):
        return None
    outline = outline_of(ctx.world, rollout)
    start = _starting_step(rollout)
    if outline is None or start is None or start >= len(outline.landings):
        return None
    analysis = next(each for each in rollout.analyses if each.role == "background")
    if quick:
        team = team_of(ctx.world, rollout, analysis)
        if not team or not _worth_a_look(analysis, team, outline.least(start), ctx.settings.targets):
            return None
    from rolloutlint.simulate.runs import entries_of, merged, run_of

    members = merged(ctx.world, rollout, analysis)
    run = run_of(ctx.world, rollout, analysis, ctx.settings)
    if not members or run.unknown or run.fault:
        return None
    guards = guards_of(run, entries_of(members, analysis))
    return Watch(analysis, start, outline, guards) if guards else None


def guards_of(run: Run, entries: Sequence[Entry]) -> tuple[Guard, ...] | None:
    """The metrics of a run that decide; `None` where one is not known, or takes its time to be measured."""
    found = []
    for metric, entry in zip(run.metrics, entries, strict=True):
        if metric.spec is None or metric.takes.most != 0:
            return None
        if not metric.spec.dry_run:
            found.append(Guard(metric, metric.spec, entry))
    return tuple(found)


def _worth_a_look(analysis: Analysis, team: Sequence[Member], least: float, targets: Targets) -> bool:
    """Whether all metrics that decide may be complete early, or all may see too little of the steps."""
    from rolloutlint.controllers.analysis_run import MetricSpec
    from rolloutlint.controllers.coverage import evidence_by, guards_until
    from rolloutlint.controllers.limits import bounds_of

    if analysis.value.get("dryRun") or any(member.view.spec.get("dryRun") for member in team):
        return True
    complete = seen = True
    for member in team:
        for _, value in member.view.metrics:
            bounds = bounds_of(value, targets)
            interval, delay = (_duration(value.get(field)) for field in ("interval", "initialDelay"))
            if bounds is None or interval is None or delay is None:
                continue
            spec = MetricSpec("", bounds, interval or None, max(0, delay))
            complete = complete and guards_until(spec) is not None
            seen = seen and (interval == 0 or evidence_by(spec, ALL_OUTCOMES, least) == 0)
    return complete or (seen and not math.isinf(least))


def _duration(written: object) -> int | None:
    """Nanoseconds; 0 where nothing is written, `None` where it is filled in later or cannot be read."""
    if written is None or written == "":
        return 0
    return None if filled_later(written) else parse_duration(written)


def _starting_step(rollout: Rollout) -> int | None:
    """`startingStep` of the background analysis, 0 where it is not written; `None` without templates or if unknown."""
    analysis = rollout.canary.get("analysis")
    if not isinstance(analysis, dict) or not sequence(analysis.get("templates")):
        return None
    written = analysis.get("startingStep")
    start = 0 if written is None else int32(written)
    return None if start is None else max(0, start)


def time_to_promotion(ctx: Context[Rollout], watch: Watch) -> int | None:
    """The time from the start of the analysis to promotion as far as the manifests say, if all goes well.

    `None` where it waits for a person, or for something of which that is not known.
    """
    waits = watch.outline.waits(watch.start)
    rollout = ctx.resource
    ready = rollout.spec.get("minReadySeconds")
    seconds = 0 if ready is None else int32(ready)
    if not waits <= {"analysis"} or seconds is None:
        return None
    after = watch.outline.landings[watch.start :]
    scaled = 1 + sum("setWeight" in one.step.kinds or "setCanaryScale" in one.step.kinds for one in after)
    total = int(watch.least) + scaled * max(0, seconds) * SECOND
    for analysis in rollout.analyses:
        if analysis.role == "step" and (analysis.step or 0) >= watch.start:
            from rolloutlint.simulate.runs import run_of

            run = run_of(ctx.world, rollout, analysis, ctx.settings)
            span = run_passes_after(run)
            if span is None or span.most is None:
                return None
            total += span.most
    return total


def _outlasts(watch: Watch, landing: Landing, time: float) -> bool:
    """Whether a step certainly still holds the new version so long after the start of the analysis."""
    return landing.hold == "person" or (landing.pause > 0 and landing.reached + landing.pause - watch.origin > time)


def _leaks(ctx: Context[Rollout]) -> Iterator[tuple[Watch, Guard, int]]:
    """The metrics that can certainly be Inconclusive before promotion, with the time after which they can."""
    targets = ctx.settings.targets
    analysis = next((each for each in ctx.resource.analyses if each.role == "background"), None)
    team = team_of(ctx.world, ctx.resource, analysis) if analysis is not None else None
    if not team:
        return
    from rolloutlint.controllers.coverage import time_to_inconclusive
    from rolloutlint.controllers.limits import can_be_inconclusive

    metrics = (value for member in team for _, value in member.view.metrics)
    if not any(can_be_inconclusive(value, targets) for value in metrics):
        return
    watch = _watch(ctx, quick=False)
    for guard in watch.guards if watch is not None else ():
        after = time_to_inconclusive(guard.spec, ALL_OUTCOMES)
        certain = can_be_inconclusive(guard.entry.value, targets)
        if watch is not None and certain and after is not None and after < watch.least:
            yield watch, guard, after


def _may_walk_on(rollout: Rollout, outline: Outline) -> bool:
    """Whether steps may need no other pods than there are: one replica, or a fixed number of pods."""
    if not rollout.traffic_routing:
        return False
    if not has(rollout.spec, "replicas") or int32(rollout.spec["replicas"]) == 1:
        return True
    return any("setCanaryScale" in landing.step.kinds for landing in outline.landings)


def _walked(plan: Plan, watch: Watch, after: int) -> tuple[int, int | None] | None:
    """The pause in which the analysis can be Inconclusive and the stage at which the rollout stops then (`None`: it is
    promoted), if that is further than where it was; the worst of all.
    """
    from rolloutlint.simulate.leaks import drift
    from rolloutlint.simulate.plan import Person, Timed

    worst: tuple[int, int | None] | None = None
    for index, stage in enumerate(plan.stages):
        if stage.step is None or stage.step < watch.start or not isinstance(stage.wait, Timed | Person):
            continue
        if not _outlasts(watch, watch.outline.landings[stage.step], after):
            continue
        end = drift(plan, index)
        if end is None:
            return index, None
        if plan.stages[end].share.least > stage.share.most and worst is None:
            worst = index, end
    return worst


def _plan(ctx: Context[Rollout]) -> Plan | None:
    """The plan of the Rollout; `None` where it cannot be read, or is refused."""
    from rolloutlint.simulate.linked import plan_of

    plan = ctx.world.shared(ctx.resource.resource, "plan", lambda: plan_of(ctx.world, ctx.resource, ctx.settings))
    return None if plan is None or plan.refused else plan


# ---- what is shown ------------------------------------------------------------------------------------------------


def _beginning(ctx: Context[Rollout], watch: Watch, guard: Guard) -> Iterator[Related]:
    """The start of the analysis and the clock of one of its metrics."""
    rollout, view = ctx.resource, guard.entry.member.view
    first = watch.outline.landings[watch.start]
    yield rollout.related(first.step.path, f"the background analysis starts with step {watch.start + 1}")
    for field, words in (
        ("initialDelay", "the first measurement follows after {}"),
        ("interval", "the next ones {} apart"),
        ("failureLimit", "tolerated failures: {}"),
        ("count", "complete after {} measurements"),
    ):
        if has(guard.entry.value, field) and guard.entry.value[field] is not None:
            yield view.related((*guard.entry.path, field), words.format(guard.entry.value[field]))


def _promotion(ctx: Context[Rollout], watch: Watch) -> Related:
    last = watch.outline.landings[-1].step
    return ctx.resource.related(last.path, "the last step: then the new version gets all the traffic")


def _step(ctx: Context[Rollout], landing: Landing, words: str) -> Related:
    return ctx.resource.related(landing.step.path, words)


def _sides(guard: Guard, field: str, words: str) -> Sequence[Related]:
    """The field of the template that decides, or the metric where it is not written."""
    if dig(guard.entry.value, field) is None:
        return (guard.related(f"the metric `{guard.metric.name}`"),)
    return (guard.entry.member.view.related((*guard.entry.path, field), words),)


def _part(outline: Outline, landing: Landing) -> Fraction:
    return Fraction(landing.weight or 0, outline.maximum)


def _share(watch: Watch, landing: Landing) -> str:
    return percent(_part(watch.outline, landing))


def _listed(watch: Watch, landings: Sequence[Landing]) -> str:
    """Steps with their weights, in words."""
    words = [f"step {one.step.index + 1} ({_share(watch, one)})" for one in landings[:STEPS_SHOWN]]
    return ", ".join(words) + (f" and {len(landings) - STEPS_SHOWN} more" if len(landings) > STEPS_SHOWN else "")


def _time(nanoseconds: float) -> str:
    return format_duration(nanoseconds / SECOND)
