"""RL342, RL343, RL344, RL349, RL352: what a gate can see when it looks, what becomes of it, and how long all take.

Cheap tests come first: an AnalysisRun is only made, and what makes it only imported, where there may be something to
report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.stairs import stairs_of
from rolloutlint.finding import Finding, Path, Place, Related
from rolloutlint.graph.analyses import called, team_of
from rolloutlint.lang.duration import SECOND, format_duration, parse_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY, Analysis, Step
from rolloutlint.model.values import dig, sequence

if TYPE_CHECKING:
    from rolloutlint.checks.gate_windows import Look
    from rolloutlint.simulate.plan import Metric, Run

LONG: Final = 2 * 60 * 60
"""Seconds: the best practices of Argo Rollouts speak of releases that take 15 minutes to 2 hours at most."""


class Change(NamedTuple):
    """A change of the traffic."""

    since: float
    """Seconds from it to the start of an analysis."""
    weight: int | None
    """The weight it sets; `None` for the switch of a blue-green Rollout."""
    before: int
    source: Path
    """What makes it."""


@check("RL342")
def gate_looks_back(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A gate all of whose measurements are mostly about the time before the change that they are to judge."""
    for look in _looks(ctx):
        if look.mostly_before:
            after = look.since + look.last
            yield _looking_back(ctx, look, "one" if look.measurements == 1 else "", after=format_duration(after))


@check("RL349")
def first_look_back(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A gate whose first measurement is partly about the time before the change, and later ones less so."""
    for look in _looks(ctx):
        if not look.mostly_before:
            yield _looking_back(ctx, look, after=format_duration(look.since + look.delay))


def _looking_back(ctx: Context[Rollout], look: Look, variant: str = "", **params: Any) -> Finding:
    template, query = look.member.view, look.one.query_path
    source = ctx.resource.related(look.source, "the change", "key")
    gate = ctx.resource.related(look.analysis.path, f"{format_duration(look.since)} later the analysis starts", "key")
    words = (
        f"the first measurement, after another {format_duration(look.delay)}, looks back {format_duration(look.window)}"
    )
    return ctx.finding(
        look.analysis.path,
        "key",
        variant="-".join(filter(None, (variant, "switch" if look.weight is None else ""))),
        related=(template.related(query, f"looks back {format_duration(look.window)}"),),
        trail=(source, gate, template.related(query, words)),
        discriminator=look.one.called,
        metric=look.one.called,
        window=format_duration(look.window),
        first=format_duration(look.since + look.delay),
        missing=format_duration(look.window - look.since),
        analysis=called(look.analysis),
        measurements=look.measurements,
        weight=look.weight,
        before=look.before,
        **params,
    )


def _looks(ctx: Context[Rollout]) -> Sequence[Look]:
    return ctx.world.shared(ctx.resource.resource, "looks", lambda: tuple(_find_looks(ctx)))


def _find_looks(ctx: Context[Rollout]) -> Iterator[Look]:
    for analysis in ctx.resource.analyses:
        if analysis.role in ("step", "postPromotion"):
            change = _change_before(ctx, analysis)
            team = None if change is None else team_of(ctx.world, ctx.resource, analysis)
            if change is not None and team:
                from rolloutlint.checks.gate_windows import looks

                yield from looks(ctx, analysis, team, change)


def _change_before(ctx: Context[Rollout], analysis: Analysis) -> Change | None:
    """The last change of the traffic before an analysis starts.

    `None` where there is none, or where something in between takes a time that nobody knows.
    """
    rollout = ctx.resource
    if analysis.step is None:
        return Change(0.0, None, 0, (*BLUE_GREEN, "activeService")) if rollout.strategy_kind == "blueGreen" else None
    stairs = stairs_of(ctx)
    if not stairs or not stairs[analysis.step].weight:
        return None
    ready = rollout.spec.get("minReadySeconds")
    settled = 0 if ready is None else int32(ready)
    if settled is None or ctx.world.patched(rollout.resource, CANARY):
        return None
    since = 0.0 if rollout.traffic_routing is not None else float(max(0, settled))
    for index in range(analysis.step - 1, -1, -1):
        step, weight = stairs[index].step, stairs[index].weight
        if len(step.kinds) != 1:
            return None
        if step.kinds[0] == "setWeight":
            before = stairs[index - 1].weight if index else 0
            if weight != before:
                return Change(since, weight, before, (*step.path, "setWeight"))
            continue
        passing = _passing(step)
        if passing is None:
            return None
        since += passing
    return None


def _passing(step: Step) -> float | None:
    """Seconds that a step between a weight and an analysis takes; `None` where nobody knows."""
    if step.kinds[0] in ("setHeaderRoute", "setMirrorRoute"):
        return 0.0
    pause = step.pause
    return float(pause.seconds) if pause is not None and pause.kind == "timed" else None


@check("RL343")
def inconclusive_after_promotion(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An analysis after the switch that can stop without a verdict."""
    for analysis in ctx.resource.analyses:
        if analysis.role != "postPromotion":
            continue
        undecided = _undecided(ctx, analysis)
        for metric in run_of_gate(ctx, analysis).metrics if undecided else ():
            spec = metric.spec
            if spec is None or spec.dry_run or metric.place not in undecided:
                continue
            if "Inconclusive" in spec.bounds.endings(metric.outcomes):
                yield ctx.finding(
                    analysis.path,
                    "key",
                    variant="first" if spec.bounds.inconclusive <= 0 else "",
                    related=(Related(metric.place, "can be Inconclusive", metric.template),),
                    trail=tuple(_after_promotion(ctx, analysis, metric)),
                    discriminator=metric.name,
                    metric=metric.name,
                    count=spec.bounds.inconclusive + 1,
                )


def _undecided(ctx: Context[Rollout], analysis: Analysis) -> frozenset[Place]:
    """The metrics of an analysis whose measurements certainly can be Inconclusive."""
    from rolloutlint.controllers.limits import can_be_inconclusive

    targets = ctx.settings.targets
    return frozenset(
        member.view.place(path)
        for member in team_of(ctx.world, ctx.resource, analysis) or ()
        for path, metric in member.view.metrics
        if can_be_inconclusive(metric, targets)
    )


def _after_promotion(ctx: Context[Rollout], analysis: Analysis, metric: Metric) -> Iterator[Related]:
    rollout = ctx.resource
    yield rollout.related((*BLUE_GREEN, "activeService"), "the switch: the new version has all traffic", "key")
    yield rollout.related(analysis.path, "the analysis starts", "key")
    yield Related(metric.place, f"`{metric.name}` is Inconclusive: the rollout is paused", metric.template)


@check("RL344")
def analysis_lost_by_pod_churn(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A promotion analysis under a release that gives it up when a pod is replaced. The page says which."""
    for analysis in ctx.resource.analyses:
        if analysis.role in ("prePromotion", "postPromotion") and analysis.templates:
            yield ctx.finding(
                analysis.path,
                "key",
                variant="after" if analysis.role == "postPromotion" else "",
                release=str(ctx.settings.targets.rollouts),
                analysis=called(analysis),
            )


@check("RL352")
def release_over_hours(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Pauses and experiments that take more than two hours together."""
    rollout = ctx.resource
    if ctx.settings.max_duration is not None or rollout.strategy_kind != "canary":
        return
    timed = [(step, seconds) for step in rollout.steps if (seconds := _written_time(step))]
    total = sum(seconds for _, seconds in timed)
    if total > LONG and not ctx.world.patched(rollout.resource, CANARY):
        yield ctx.finding(
            (*CANARY, "steps"),
            "key",
            trail=tuple(
                rollout.related(step.path, f"step {step.index + 1}: {format_duration(seconds)}")
                for step, seconds in timed
            ),
            duration=format_duration(total),
            steps=len(timed),
        )


def _written_time(step: Step) -> float:
    """The seconds of a pause or of an experiment that nothing but time ends, as the step says them."""
    kind = step.kinds[:1]
    if kind == ("pause",):
        pause = step.pause
        return float(pause.seconds) if pause is not None and pause.kind == "timed" else 0.0
    if kind == ("experiment",):
        analyses = sequence(dig(step.value, "experiment", "analyses"))
        required = any(isinstance(one, dict) and one.get("requiredForCompletion") for one in analyses)
        duration = parse_duration(dig(step.value, "experiment", "duration"))
        return 0.0 if required or duration is None else max(0, duration) / SECOND
    return 0.0


def run_of_gate(ctx: Context[Rollout], analysis: Analysis) -> Run:
    """The AnalysisRun of a gate."""
    from rolloutlint.simulate.runs import run_of

    key = ("run", analysis.path)
    return ctx.world.shared(ctx.resource.resource, key, lambda: run_of(ctx.world, ctx.resource, analysis, ctx.settings))
