"""RL626: syncs that wait for a person; and what of an Application waits for a Rollout."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.sync_waves import HELM_HOOK, HOOK, WAVE, is_hook, wave
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.model import Application, Rollout

_PAUSED: Path = ("spec", "paused")
_PROMOTION: Path = ("spec", "strategy", "blueGreen", "autoPromotionEnabled")


@check("RL626")
def sync_waits_for_person(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Rollout that only a person lets go on, and something that Argo CD applies after it."""
    paused = ctx.resource.spec.get("paused") is True
    if not (paused or _promoted_by_hand(ctx.resource)):
        return
    waiting = what_waits(ctx)
    if waiting is None:
        return
    blocks, application, related = waiting
    yield ctx.finding(
        _PAUSED if paused else _PROMOTION,
        variant="-".join(filter(None, ("paused" if paused else "", "prune" if blocks == "blocks-prune" else ""))),
        related=related,
        application=application.name,
        waits=f"{related[0].resource.kind} `{related[0].resource.name}`" if related[0].resource else "",
    )


def _promoted_by_hand(rollout: Rollout) -> bool:
    """True where a blue-green release waits for a person, whatever else is set (argo-rollouts `rollout/pause.go`)."""
    return rollout.strategy_kind == "blueGreen" and rollout.blue_green.get("autoPromotionEnabled") is False


def what_waits(ctx: Context[Rollout]) -> tuple[str, Application, tuple[Related, ...]] | None:
    """`blocks-sync` or `blocks-prune`, the Application, and what of it Argo CD applies once the Rollout is healthy.

    Mirrors gitops-engine `pkg/sync/sync_context.go`: a later wave, and PostSync hooks. With ApplyOutOfSyncOnly
    objects that did not change take no part, so that nobody can tell whether a later wave is there at all.
    """
    rollout = ctx.resource
    if is_hook(rollout.annotations):
        return None
    mine = wave(rollout.annotations)
    for application in ctx.world.applications(rollout.resource):
        end = ctx.world.sync_end(application.resource)
        later = None if application.has_option("ApplyOutOfSyncOnly=true") or end.wave <= mine else end.last
        waits = end.post_sync or later
        if waits is not None:
            other = ctx.world.view(waits)
            key = next(k for k in (HOOK, HELM_HOOK, WAVE) if k in other.annotations)
            return "blocks-sync", application, (other.related(("metadata", "annotations", key), "waits for it"),)
        prune_last = next((path for path, option in application.sync_options if option == "PruneLast=true"), None)
        if prune_last:
            return "blocks-prune", application, (application.related(prune_last, "prunes after everything else"),)
    return None
