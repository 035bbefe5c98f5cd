"""RL646 to RL649: what a RollingSync waits for, never syncs, selects twice or switches off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.application_sets import Generated, is_rolling_sync, most_at_once, steps_of
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import World
from rolloutlint.model import Resource, Rollout, View
from rolloutlint.model.values import dig, filled_later, mapping, string_map
from rolloutlint.simulate.outline import outline_of

STEPS: Path = ("spec", "strategy", "rollingSync", "steps")


class _Rolling(NamedTuple):
    """A RollingSync and what its steps select."""

    steps: Sequence[Mapping[str, Any]]
    selected: Sequence[Sequence[Generated]]
    """For each step the Applications it selects."""
    unmatched: Sequence[Generated]
    twice: Mapping[str, Sequence[int]]
    """Names of Applications that several steps select, with those steps."""
    complete: bool
    """Whether these are all Applications of the set."""


@check("RL646")
def rolling_sync_waits_for_person(ctx: Context[View]) -> Iterator[Finding]:
    """A step whose Applications are not healthy before somebody promotes a Rollout, with steps behind it."""
    rolling = _rolling(ctx)
    if rolling is None:
        return
    objects = {resource.id.name: resource for resource in ctx.world.generated(ctx.resource.resource)}
    for index, applications in enumerate(rolling.selected):
        later = sum(len(each) for each in rolling.selected[index + 1 :])
        if not later:
            return
        for application in applications:
            held = _held(ctx.world, objects.get(application.name))
            if held is None:
                continue
            rollout, path, words = held
            yield ctx.finding(
                (*STEPS, index),
                "key",
                related=[rollout.related(path, words)],
                discriminator=str(rollout.id),
                step=index + 1,
                name=application.name,
                rollout=rollout.name,
                count=later,
                applications="Application" if later == 1 else "Applications",
            )
            break


@check("RL647")
def rolling_sync_never_syncs(ctx: Context[View]) -> Iterator[Finding]:
    """Applications that no step selects, and steps that sync none at a time."""
    rolling = _rolling(ctx)
    if rolling is None:
        return
    if rolling.unmatched:
        names = [one.name for one in rolling.unmatched]
        yield ctx.finding(
            STEPS,
            "key",
            name=names[0],
            more=f", and {len(names) - 1} more" if len(names) > 1 else "",
        )
    for index, step in enumerate(rolling.steps):
        if most_at_once(step, len(rolling.selected[index])) == 0 and not (
            rolling.complete and not rolling.selected[index]
        ):
            yield ctx.finding((*STEPS, index, "maxUpdate"), variant="zero", step=index + 1)


@check("RL648")
def rolling_sync_step_selects_otherwise(ctx: Context[View]) -> Iterator[Finding]:
    """Steps that select nothing, and Applications that several steps select."""
    rolling = _rolling(ctx)
    if rolling is None:
        return
    for name, steps in list(rolling.twice.items())[:1]:
        yield ctx.finding(
            (*STEPS, steps[1]),
            "key",
            related=[ctx.resource.related((*STEPS, steps[0]), "selects it first", "key")],
            discriminator="twice",
            name=name,
            first=steps[0] + 1,
            second=steps[1] + 1,
        )
    if rolling.complete and any(rolling.selected):
        for index, selected in enumerate(rolling.selected):
            if not selected and not _odd_operator(rolling.steps[index]):
                yield ctx.finding((*STEPS, index), "key", variant="empty", step=index + 1)


@check("RL649")
def rolling_sync_switches_off_automated(ctx: Context[View]) -> Iterator[Finding]:
    """Automated sync in the template of a set that syncs step by step."""
    spec = ctx.resource.spec
    path: Path = ("spec", "template", "spec", "syncPolicy", "automated")
    automated = dig(ctx.resource.value, *path)
    if not is_rolling_sync(spec) or ctx.world.patched(ctx.resource.resource, ("spec",)):
        return
    if isinstance(automated, dict) and automated.get("enabled") is not False:
        heals = automated.get("selfHeal") is True
        yield ctx.finding((*path, "selfHeal") if heals else path, "key", variant="heal" if heals else "")


def _rolling(ctx: Context[View]) -> _Rolling | None:
    """The RollingSync of a set with what its steps select; `None` where that is not known."""
    return ctx.world.shared(ctx.resource.resource, "rolling sync", lambda: _read(ctx))


def _read(ctx: Context[View]) -> _Rolling | None:
    spec = ctx.resource.spec
    expansion = ctx.world.expansion(ctx.resource.resource)
    if not is_rolling_sync(spec) or expansion is None or not expansion.applications:
        return None
    if ctx.world.patched(ctx.resource.resource, ("spec",)):
        return None
    steps = [mapping(step) for step in dig(spec, "strategy", "rollingSync", "steps")]
    selected: list[list[Generated]] = [[] for _ in steps]
    unmatched: list[Generated] = []
    twice: dict[str, Sequence[int]] = {}
    for application in expansion.accepted:
        labels = string_map(dig(application.value, "metadata", "labels"))
        if any(filled_later(value) for value in labels.values()):
            return None
        chosen = steps_of(labels, spec).chosen
        for index in chosen:
            selected[index].append(application)
        if not chosen:
            unmatched.append(application)
        if len(chosen) > 1:
            twice[application.name] = chosen
    return _Rolling(steps, selected, unmatched, twice, expansion.complete)


def _odd_operator(step: Mapping[str, Any]) -> bool:
    """Whether RL640 says why a step selects nothing."""
    expressions = step.get("matchExpressions")
    return any(mapping(one).get("operator") not in ("In", "NotIn") for one in expressions or ())


def _held(world: World, application: Resource | None) -> tuple[Rollout, Path, str] | None:
    """A Rollout of an Application that waits for a person, with the place that says so."""
    for resource in world.delivered(application) if application is not None else ():
        if resource.group_kind != ("argoproj.io", "Rollout"):
            continue
        rollout = world.view(resource)
        if not isinstance(rollout, Rollout):
            continue
        outline = outline_of(world, rollout)
        for landing in outline.landings if outline else ():
            if landing.hold == "person":
                return rollout, landing.step.path, "pauses here until a person promotes it"
        path: Path = ("spec", "strategy", "blueGreen", "autoPromotionEnabled")
        timed = dig(rollout.value, *path[:-1], "autoPromotionSeconds")
        waits = rollout.strategy_kind == "blueGreen" and dig(rollout.value, *path) is False and not timed
        if waits and not world.patched(resource, path):
            return rollout, path, "keeps the old version until a person promotes the new one"
    return None
