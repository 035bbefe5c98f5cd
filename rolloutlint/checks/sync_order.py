"""RL632: waves that apply a Rollout before what it names."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.sync_waves import HELM_WEIGHT, WAVE, is_hook, wave
from rolloutlint.finding import Finding, Path
from rolloutlint.model import Application, Resource, Rollout, View
from rolloutlint.model.values import filled_later

_ANNOTATIONS: Path = ("metadata", "annotations")
_STRICT = frozenset(
    (
        ("", "Service"),
        ("argoproj.io", "AnalysisTemplate"),
        ("argoproj.io", "ClusterAnalysisTemplate"),
        ("networking.istio.io", "VirtualService"),
        ("apps", "Deployment"),
    )
)
"""Kinds without which the controller refuses a Rollout that names them (argo-rollouts `rollout/controller.go`)."""
_SHOWN = 3


@check("RL632")
def applied_before_what_it_names(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Rollout in a lower wave than a Service, template or route that it names."""
    rollout = ctx.resource
    mine = wave(rollout.annotations)
    named = (r for r in ctx.refs() if r.naming.role != "experiment")  # those are looked up when their step is reached
    needed = {
        r.target.number: r.target
        for r in named
        if r.target is not None and r.target.group_kind in _STRICT and (mine < 0 or _may_have_wave(r.target))
    }
    if not needed or not _certain(ctx, rollout):
        return
    applications = [a for a in ctx.world.applications(rollout.resource) if ctx.world.sync_end(a.resource).last]
    if not applications:
        return
    views = [ctx.world.view(target) for target in needed.values()]
    late = sorted(
        (v for v in views if _certain(ctx, v) and wave(v.annotations) > mine), key=lambda v: v.resource.number
    )
    for application in applications:
        after = [view for view in late if _syncs(ctx, application, view)]
        if not after:
            continue
        first = min(after, key=lambda view: wave(view.annotations))
        key = _key(rollout)
        yield ctx.finding(
            rollout.place((*_ANNOTATIONS, key)) if key else first.place((*_ANNOTATIONS, _key(first) or WAVE)),
            related=[v.related((*_ANNOTATIONS, _key(v) or WAVE), "applied later") for v in after[:_SHOWN] if _key(v)],
            discriminator=rollout.name,
            rollout=rollout.name,
            mine=mine,
            names=_names(after),
            wave=wave(first.annotations),
            application=application.name,
        )
        return


def _may_have_wave(resource: Resource) -> bool:
    """False where the wave is 0, since nothing says another; cheap, without thawing."""
    return any(map(resource.mentions, (WAVE, HELM_WEIGHT)))


def _certain(ctx: Context[Rollout], view: View) -> bool:
    """True where the wave of an ordinary object is the one that its text says."""
    if is_hook(view.annotations) or ctx.world.patched(view.resource, _ANNOTATIONS):
        return False
    return not any(filled_later(view.annotations.get(key)) for key in (WAVE, HELM_WEIGHT))


def _syncs(ctx: Context[Rollout], application: Application, view: View) -> bool:
    return any(a.resource.number == application.resource.number for a in ctx.world.applications(view.resource))


def _key(view: View) -> str:
    """The annotation that gives the wave; `""` without one."""
    return next((key for key in (WAVE, HELM_WEIGHT) if key in view.annotations), "")


def _names(views: list[View]) -> str:
    shown = ", ".join(f"{view.id.kind} `{view.name}`" for view in views[:_SHOWN])
    return shown if len(views) <= _SHOWN else f"{shown} and {len(views) - _SHOWN} more"
