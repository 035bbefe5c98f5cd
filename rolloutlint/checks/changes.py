"""RL8: what a sync changes - replicas, fields of controllers, steps, strategies, revisions."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.change.differences import differences
from rolloutlint.change.effects import generic
from rolloutlint.change.objects import ChangedObject
from rolloutlint.change.releases import STARTING
from rolloutlint.change.result import RolloutChange
from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.health import rollout_health
from rolloutlint.controllers.traffic import routers
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.intstr import int32
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, has, mapping, text
from rolloutlint.settings import Version

_STEPS: Path = (*CANARY, "steps")
_SELECTOR_FIXED_SINCE = Version(1, 9)
"""The release whose CustomResourceDefinition refuses another selector (`manifests/crds/rollout-crd.yaml`)."""


@check("RL801")
def replicas_removed(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A Rollout with several replicas whose manifest states none any more."""
    one = ctx.resource
    replicas = int32(dig(one.live, "spec", "replicas"))
    if one.rollout_after is None or one.applied is None or replicas is None or replicas < 2:
        return
    if has(one.after and one.after.value, "spec", "replicas") or dig(one.applied, "spec", "replicas") is not None:
        return
    scalers = ctx.world.autoscalers(one.resource)
    scaler = ctx.world.view(scalers[0]) if scalers else None
    yield ctx.finding(
        ("spec",),
        "key",
        variant="autoscaled" if scaler is not None else "",
        related=(scaler.related(("spec", "scaleTargetRef"), "scales it", "key"),) if scaler is not None else (),
        name=one.name,
        replicas=replicas,
        scaler=scaler.id.kind if scaler is not None else "",
    )


@check("RL802")
def release_disturbed(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A sync that takes back what the controller wrote for a release that is under way."""
    one = ctx.resource
    if not one.sync.live or one.after is None:
        return
    here = [e for e in one.sync.effects if e.resource == one.shown and e.fate in ("reset", "lost")]
    under_way = [rollout for rollout in one.sync.rollouts() if rollout.releasing]
    if not here or not under_way or one.key.kind == "Rollout":
        return
    worst = next((effect for effect in here if effect.fate == "lost"), here[0])
    yield ctx.finding(
        worst.place or one.place(),
        variant=worst.fate if worst.fate == "lost" else "",
        discriminator=worst.path,
        kind=one.id.kind,
        name=one.name,
        path=worst.path,
        rollout=under_way[0].name,
        what=worst.words,
    )


@check("RL803")
def change_not_applied(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A change in Git that stays there, because what is ignored beside it keeps the live value."""
    one = ctx.resource
    application = one.sync.application
    if one.after is None or application is None or one.before is None:
        return
    for path in one.frozen:
        yield ctx.finding(
            path,
            "key" if path and isinstance(path[-1], str) else "value",
            related=(application.related(("spec", "ignoreDifferences"), "ignored here", "key"),),
            discriminator=generic(path),
            path=generic(path),
            list=generic(_outermost(path)),
            kind=one.id.kind,
            name=one.name,
            application=application.name,
        )


@check("RL805")
def steps_changed_mid_release(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """Other steps for a release that is under way: it begins again."""
    one = ctx.resource
    if one.classification != "steps-reset":
        return
    yield ctx.finding(
        _STEPS,
        "key",
        variant="aborted" if one.aborted else "",
        name=one.name,
        step=(int32(one.status.get("currentStepIndex")) or 0) + 1,
    )


@check("RL806")
def release_stays_aborted(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A Rollout whose release was aborted, and a sync that brings no other version."""
    one = ctx.resource
    if one.rollout_after is None or not one.aborted or one.classification in STARTING:
        return
    yield ctx.finding(
        ("metadata", "name"),
        variant="waited" if one.waited and one.followed else "",
        name=one.name,
        application=one.sync.name,
    )


@check("RL807")
def strategy_switched(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """Another strategy, selector or router for a Rollout that is there."""
    one = ctx.resource
    before, after = one.rollout_before, one.rollout_after
    if before is None or after is None:
        return
    kinds = before.strategy_kind, after.strategy_kind
    if all(kinds) and kinds[0] != kinds[1]:
        yield ctx.finding(("spec", "strategy"), "key", name=one.name, old=kinds[0], new=kinds[1])
    selectors = mapping(dig(one.live, "spec", "selector")), mapping(after.spec.get("selector"))
    if all(selectors) and selectors[0] != selectors[1]:
        fixed = ctx.settings.targets.rollouts >= _SELECTOR_FIXED_SINCE
        yield ctx.finding(
            ("spec", "selector"),
            "key",
            variant="selector" if fixed else "selector-orphans",
            name=one.name,
            discriminator="selector",
        )
    routed = tuple(", ".join(routers(view.traffic_routing)) or "none" for view in (before, after))
    if kinds == ("canary", "canary") and routed[0] != routed[1]:
        at: Path = (*CANARY, "trafficRouting") if after.traffic_routing is not None else CANARY
        yield ctx.finding(
            at, "key", variant="router", name=one.name, old=routed[0], new=routed[1], discriminator="router"
        )


@check("RL810")
def sync_blocked(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """An operation that is running, or a paused Rollout for which the sync waits."""
    one = ctx.resource
    if not one.sync.live or one.after is None:
        return
    if one.key.kind == "Application" and one.task is None:
        state = mapping(dig(one.live, "status", "operationState"))
        if state.get("phase") == "Running":
            revision = text(dig(state, "operation", "sync", "revision"))[:7] or "unknown"
            yield ctx.finding(("metadata", "name"), application=one.name, revision=revision)
        return
    if one.rollout_after is None or not (one.waited and one.followed) or one.classification in STARTING:
        return
    if one.live is not None and rollout_health(one.live) == "Suspended":
        named = f"Application `{one.sync.name}`" if one.sync.name else "what comes after it"
        yield ctx.finding(("metadata", "name"), variant="paused", name=one.name, application=named)


@check("RL811")
def steps_changed_with_image(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """New steps in the same change as a new version: they count for it already."""
    one = ctx.resource
    before, after = one.rollout_before, one.rollout_after
    if before is None or after is None or one.classification not in ("new-revision", "superseded", "rollback"):
        return
    old, new = before.canary.get("steps"), after.canary.get("steps")
    if old and new and old != new:
        yield ctx.finding(_STEPS, "key", name=one.name, reason=_reason(one.change))


@check("RL812")
def change_without_revision(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A pod template that is written differently and means the same."""
    one = ctx.resource
    if one.before is None or one.rollout_after is None or not one.change or not one.change.certain:
        return
    if one.classification in (*STARTING, "unknown", "restart"):
        return
    was = one.before.value if not one.sync.live else one.live
    now = one.after.value if one.after is not None and not one.sync.live else one.applied
    found = [each for each in differences(was, now) if each.path.startswith("spec.template.")]
    if found:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        yield ctx.finding(("spec", "template"), "key", name=one.name, path=found[0].path, more=more)


@check("RL813")
def rolls_back(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A pod template that the cluster has had before."""
    one = ctx.resource
    if one.classification in ("rollback", "rollback-to-stable"):
        variant = "stable" if one.classification == "rollback-to-stable" else ""
        yield ctx.finding(("spec", "template"), "key", variant=variant, name=one.name, reason=_reason(one.change))


def _outermost(path: Path) -> Path:
    """The outermost list on the way to `path`, or `path` where there is none."""
    return next((path[:depth] for depth, item in enumerate(path) if isinstance(item, int)), path)


def _reason(change: RolloutChange | None) -> str:
    return change.reasons[0].path if change and change.reasons else "spec.template"
