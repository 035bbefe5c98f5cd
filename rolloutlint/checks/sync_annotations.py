"""RL6: what the annotations of Argo CD on single objects do to a rollout: replaced, run as a hook, put in a wave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.sync_options import SYNC_OPTIONS_ANNOTATION, resource_options
from rolloutlint.controllers.sync_waves import (
    HELM_HOOK,
    HELM_POLICY,
    HELM_WEIGHT,
    HOOK,
    HOOK_POLICY,
    WAVE,
    delete_policies,
    hook_meant,
    hooks,
    unread_hooks,
    wave,
)
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.intstr import atoi
from rolloutlint.model import Application, Resource, View
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import filled_later

_OPTIONS: Path = ("metadata", "annotations", SYNC_OPTIONS_ANNOTATION)
_HOOK: Path = ("metadata", "annotations", HOOK)
_WAVE: Path = ("metadata", "annotations", WAVE)
_REPLACE, _FORCE = "Replace=true", "Force=true"
_ROLLOUT = ("argoproj.io", "Rollout")
_ROLES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Service"): SERVICE_ROLES,
    ("networking.istio.io", "VirtualService"): ("virtualService",),
    ("networking.istio.io", "DestinationRule"): ("destinationRule",),
}
"""Kinds that the Rollouts controller writes into, with the roles in which a Rollout names them."""
_SHOWN = 3


@check("RL610")
def sync_recreates(ctx: Context[View]) -> Iterator[Finding]:
    """A Rollout, or an object it writes into, that each sync deletes and creates anew, or writes over."""
    view = ctx.resource
    if isinstance(view, Application):
        yield from _replaced_by(ctx, view)
        return
    options = resource_options(view.value)
    variant = _harm(ctx, view.resource, options) if _REPLACE in options else ""
    if variant:
        begin = view.annotations[SYNC_OPTIONS_ANNOTATION].find(_REPLACE)
        yield ctx.finding(
            _OPTIONS,
            piece=(begin, begin + len(_REPLACE)),
            variant="" if variant == "recreated" else variant,
            option=f"{_REPLACE},{_FORCE}" if _FORCE in options else _REPLACE,
            kind=view.id.kind,
            name=view.name,
        )


@check("RL611")
def hook_unknown(ctx: Context[View]) -> Iterator[Finding]:
    """A hook annotation with a value that Argo CD does not know."""
    written = ctx.resource.annotations.get(HOOK)
    if written is None or filled_later(written) or HELM_HOOK in ctx.resource.annotations:
        return
    known = hooks(ctx.resource.annotations)
    if not any(map(str.strip, written.split(","))):
        yield ctx.finding(_HOOK, "key", variant="empty", kind=ctx.resource.id.kind, name=ctx.resource.name)
    for text, begin in unread_hooks(written):
        meant, piece = hook_meant(text), (begin, begin + len(text))
        variant = ("partly-" if known else "") + ("meant" if meant else "unknown")
        yield ctx.finding(
            _HOOK,
            piece=piece,
            variant="" if variant == "unknown" else variant,
            fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", _HOOK, meant, piece=piece)) if meant else None,
            discriminator=text,
            text=text,
            meant=meant,
            kind=ctx.resource.id.kind,
            name=ctx.resource.name,
        )


@check("RL612")
def rollout_as_hook(ctx: Context[View]) -> Iterator[Finding]:
    """A Rollout, or an object it writes into, that Argo CD runs as a hook."""
    view = ctx.resource
    annotations = view.annotations
    phases = [h for h in hooks(annotations) if h in ("PreSync", "Sync", "PostSync", "SyncFail")]
    if HOOK not in annotations or not phases or filled_later(annotations[HOOK]):
        return
    user = _user(ctx, view.resource)
    if view.resource.group_kind != _ROLLOUT and user is None:
        return
    policies = delete_policies(annotations)
    unsure = HELM_POLICY in annotations or filled_later(annotations.get(HOOK_POLICY, ""))
    variant = "unmanaged" if unsure or not policies else ""
    if not variant and "HookSucceeded" in policies:
        variant = "deleted"
    elif not variant and "BeforeHookCreation" not in policies:
        variant = "unmanaged"
    yield ctx.finding(
        _HOOK,
        variant=variant,
        related=[ctx.world.view(user).related(("metadata", "name"), "the Rollout that uses it")] if user else (),
        kind=view.id.kind,
        name=view.name,
        hook=phases[0],
    )


@check("RL613")
def sync_wave_not_integer(ctx: Context[View]) -> Iterator[Finding]:
    """A sync wave that is a string but no integer."""
    annotations = ctx.resource.annotations
    written = annotations.get(WAVE)
    if written is None or atoi(written) is not None or filled_later(written):
        return
    if filled_later(annotations.get(HELM_WEIGHT, "")):
        return
    stripped = written.strip()
    trimmed = stripped if atoi(stripped) is not None else ""
    yield ctx.finding(
        _WAVE,
        fix=ctx.fix(f'Write `"{trimmed}"`', ctx.edit("replace", _WAVE, trimmed)) if trimmed else None,
        text=written,
        wave=wave(annotations),
        kind=ctx.resource.id.kind,
        name=ctx.resource.name,
    )


def _replaced_by(ctx: Context[Any], application: Application) -> Iterator[Finding]:
    """The finding about `Replace=true` in the Application itself, by the worst that it does."""
    at = next((path for path, option in application.sync_options if option == _REPLACE), None)
    if at is None:
        return
    hit: dict[str, list[View]] = {}
    for resource in ctx.world.delivered(application.resource):
        if (resource.group_kind != _ROLLOUT and resource.group_kind not in _ROLES) or ctx.world.patched(resource, ()):
            continue
        options = resource_options(ctx.world.view(resource).value)
        variant = _harm(ctx, resource, options) if _REPLACE not in options else ""
        if variant:
            hit.setdefault(variant, []).append(ctx.world.view(resource))
    for variant, views in hit.items():
        yield ctx.finding(
            at,
            variant="" if variant == "recreated" else variant,
            related=[v.related(("metadata", "name"), "synced by this Application") for v in views[:_SHOWN]],
            discriminator=variant,
            option=_REPLACE,
            kind=views[0].id.kind,
            name=views[0].name,
        )


def _harm(ctx: Context[Any], resource: Resource, options: frozenset[str]) -> str:
    """What replacing the object certainly breaks: `recreated`, `scaled`, `overwritten`; `""` for nothing known.

    `Force=true` makes a replacement a deletion and a creation (gitops-engine `pkg/sync/sync_context.go`).
    Where an Application among the inputs delivers it, RL607 and RL608 already say what is overwritten.
    """
    if resource.group_kind == _ROLLOUT:
        if _FORCE in options:
            return "recreated"
        replicas = ctx.world.view(resource).spec.get("replicas")
        return "scaled" if replicas is None and ctx.world.autoscalers(resource) else ""
    if _user(ctx, resource) is None:
        return ""
    if _FORCE in options:
        return "recreated-part"
    return "" if ctx.world.applications(resource) else "overwritten"


def _user(ctx: Context[Any], resource: Resource) -> Resource | None:
    """A Rollout that certainly names the object as one that the controller may write into."""
    roles = _ROLES.get(resource.group_kind)
    if not roles:
        return None
    users = (r.origin for r in ctx.world.referrers(resource, *roles))
    return next((user for user in users if user.group_kind == _ROLLOUT), None)
