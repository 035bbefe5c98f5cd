"""The plan of a Rollout: what an update of a healthy one goes through, read off it and all that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rolloutlint.controllers.traffic import routers
from rolloutlint.controllers.validation import DEFAULT_DEADLINE, refusals
from rolloutlint.graph import World
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.names import is_dns1123_subdomain
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY, Analysis
from rolloutlint.model.values import dig, entries, mapping, sequence, text
from rolloutlint.schema import as_kept
from rolloutlint.settings import Settings, Version
from rolloutlint.simulate.blue_green import blue_green_stages
from rolloutlint.simulate.canary import canary_stages
from rolloutlint.simulate.plan import Plan, Run, Stage
from rolloutlint.simulate.pods import replicas_of
from rolloutlint.simulate.runs import may_end_inconclusive, refusal_of, run_of, shown

EMPTY_BACKGROUND_SINCE = Version(1, 7)
"""The release since which a background analysis without templates is none (`rollout/analysis.go`); before, its run
ended with an Error."""

RESPAWN_UNTIL = Version(1, 8)
"""The release that no longer replaces an Inconclusive background run during a pause (`rollout/analysis.go`)."""


def plan_of(world: World, rollout: Rollout, settings: Settings) -> Plan | None:
    """What an update of `rollout` does, from a state in which the version before it is stable and has all pods.

    `None` where there is nothing to play: no strategy or both, steps that are no list of mappings, or a strategy that
    a kustomization may change.
    """
    if world.patched(rollout.resource, ("spec", "strategy")):
        return None
    kept = as_kept("argoproj.io", "Rollout", rollout.value, settings.targets.rollouts)
    rollout = rollout if kept is rollout.value else Rollout(rollout.resource, dict(kept))
    strategy = rollout.strategy_kind
    if not strategy:
        return None
    replicas = replicas_of(world, rollout)
    stages: tuple[Stage, ...] | None
    background, start, note = None, 0, ""
    if strategy == "canary":
        stages = canary_stages(world, rollout, replicas, settings)
        background, start, note = _background(world, rollout, settings)
    else:
        stages = blue_green_stages(world, rollout, replicas, settings)
    if stages is None:
        return None
    return Plan(
        rollout=rollout.id,
        place=rollout.place(("metadata", "name")),
        strategy=strategy,
        replicas=replicas,
        router=" and ".join(_routers(rollout)),
        stages=stages,
        background=background,
        background_from=start,
        deadline=_deadline(world, rollout),
        deadline_aborts=rollout.spec.get("progressDeadlineAbort") is True,
        leak=_leak(background, settings),
        refused=tuple(_refused(world, rollout, settings))[:1],
        notes=(*_notes(rollout, stages), *filter(None, (note,))),
        rollback_window=max(0, int32(dig(rollout.spec, "rollbackWindow", "revisions")) or 0),
    )


def _routers(rollout: Rollout) -> Iterator[str]:
    """The names of the routers; plugins have their own."""
    for router in routers(rollout.traffic_routing):
        if router == "plugins":
            yield from map(str, mapping(dig(rollout.traffic_routing, "plugins")))
        else:
            yield router


def _deadline(world: World, rollout: Rollout) -> int | None:
    """Nanoseconds of `progressDeadlineSeconds`; `None` where it is not known."""
    written = rollout.spec.get("progressDeadlineSeconds")
    seconds = DEFAULT_DEADLINE if written is None else int32(written)
    if seconds is None or world.patched(rollout.resource, ("spec", "progressDeadlineSeconds")):
        return None
    return seconds * SECOND


def _background(world: World, rollout: Rollout, settings: Settings) -> tuple[Run | None, int, str]:
    """(run, index of the stage at whose start it begins, a note) of the background analysis (BeforeStartingStep)."""
    analysis = next((each for each in rollout.analyses if each.role == "background"), None)
    if analysis is None:
        return None, 0, ""
    if not sequence(analysis.value.get("templates")):
        if settings.targets.rollouts >= EMPTY_BACKGROUND_SINCE:
            return None, 0, "the background analysis has no templates and is never run"
        run = run_of(world, rollout, analysis, settings)
        return run._replace(fault="no metrics specified", unknown=(), metrics=()), 0, ""
    run = run_of(world, rollout, analysis, settings)
    path = (*CANARY, "analysis", "startingStep")
    written, last = analysis.value.get("startingStep"), len(rollout.steps)
    start = 0 if written is None else int32(written)
    if not last or start == 0:
        return run, 0, ""
    if start is None:
        return run._replace(metrics=(), fault="", unknown=(f"{shown(path)} is filled in later",)), 0, ""
    if start > last:
        return None, 0, f"the background analysis never starts: `startingStep: {start}` is beyond the last step"
    return run, max(0, start), ""


def _leak(background: Run | None, settings: Settings) -> Literal["", "respawn", "unblocked"]:
    """What an Inconclusive background analysis fails to stop, see `Plan.leak`."""
    if background is None or background.fault:
        return ""
    if not background.unknown and not any(map(may_end_inconclusive, background.metrics)):
        return ""
    return "respawn" if settings.targets.rollouts < RESPAWN_UNTIL else "unblocked"


def _refused(world: World, rollout: Rollout, settings: Settings) -> Iterator[str]:
    """Why the controller refuses the Rollout, in its order: the spec first, then the templates that it names.

    Nothing is said of an object that the API server refuses for its name: a script fills in such a template.
    """
    if rollout.name and not is_dns1123_subdomain(rollout.name):
        return
    for refusal in refusals(rollout.spec, settings.targets):
        at = (refusal.path, *([refusal.other] if refusal.other else []))
        if not any(world.patched(rollout.resource, ("spec", *path)) for path in at):
            yield refusal.answer
    for analysis in _in_upstream_order(rollout.analyses):
        words = refusal_of(world, rollout, analysis, settings.targets)
        if words:
            yield words


def _in_upstream_order(analyses: Sequence[Analysis]) -> Sequence[Analysis]:
    """The steps before the background (`rollout/controller.go` getReferencedRolloutAnalyses)."""
    return sorted(analyses, key=lambda analysis: analysis.role == "background")


def _notes(rollout: Rollout, stages: Sequence[Stage]) -> Iterator[str]:
    """What gets the new version requests besides its share. Routes are only kept while it has pods."""
    for step in rollout.steps:
        number = step.index + 1
        for kind, words in (("setHeaderRoute", "reach"), ("setMirrorRoute", "are copied to")):
            route = step.value.get(kind)
            has_pods = any(stage.step == step.index and stage.pods.canary != 0 for stage in stages)
            if has_pods and isinstance(route, dict) and sequence(route.get("match")):
                yield f"step {number}: requests that match the {_route(kind)} {words} the new version besides its share"
        for _, template in entries(step.value, (), "experiment", "templates"):
            weight = template.get("weight")
            if weight is not None and rollout.traffic_routing is not None:
                name = text(template.get("name"))
                yield f"step {number}: the pods `{name}` of the experiment get {weight} of the weight besides"


def _route(kind: str) -> str:
    return "header route" if kind == "setHeaderRoute" else "mirror route"
