"""RL655: the hash in the subsets of a DestinationRule, where Argo CD compares what it owns as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.comparing import compare
from rolloutlint.controllers.ignore_differences import covers
from rolloutlint.controllers.sync_options import diff_strategy
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.controllers.writes import Write, writes
from rolloutlint.finding import Finding
from rolloutlint.model import Application, View
from rolloutlint.model.values import dig, mapping

_SUBSETS = ("spec", "subsets")
_SERVER_SIDE = ("ServerSideApply=true", "ServerSideDiff=true")


@check("RL655")
def subset_hash_compared(ctx: Context[Application]) -> Iterator[Finding]:
    """The hash that a Rollout writes into subsets makes the DestinationRule OutOfSync."""
    application, world = ctx.resource, ctx.world
    if world.unsettled(application.resource):
        return
    wide = any(map(application.resource.mentions, _SERVER_SIDE))
    for resource in world.delivered(application.resource):
        if resource.group_kind != ("networking.istio.io", "DestinationRule") or world.patched(resource, ()):
            continue
        view = world.view(resource)
        if not (wide or resource.mentions(_SERVER_SIDE[0])) or is_hook(view.annotations):
            continue
        strategy = diff_strategy(application.value, view.value)
        hashes, rollout = _hashes(ctx, view)
        if strategy == "three-way" or not hashes or rollout is None:
            continue
        target = hashes[0].target
        rules = [r if target.namespace else replace(r, namespace="") for r in application.ignore_rules]
        manifest = _placed(ctx, view)
        answers = covers(
            rules, manifest, target, [write.path for write in hashes], system_rules=_system_rules(ctx)
        ).answers
        if "unknown" in answers.values() or not compare(manifest, _live(manifest, hashes), None, rules, strategy).shown:
            continue
        bare = all(answer == "yes" for answer in answers.values())
        yield ctx.finding(
            ("metadata", "name") if not application.ignore_rules else ("spec", "ignoreDifferences"),
            "value" if not application.ignore_rules else "key",
            variant=("bare" if bare else "")
            + ("" if application.policy.self_heal else "-manual" if bare else "manual"),
            related=[
                view.related(hashes[0].path[:3], "a subset without labels" if bare else "gets the hash"),
                rollout.related(("metadata", "name"), "writes the hash"),
            ],
            discriminator=view.name,
            name=view.name,
            rollout=rollout.name,
            application=application.name,
        )


def _hashes(ctx: Context[Application], view: View) -> tuple[Sequence[Write], View | None]:
    """The labels that a Rollout adds to the subsets, and that Rollout; none where Git has them, which is RL553's."""
    manifest = _placed(ctx, view)
    for reference in ctx.world.referrers(view.resource, "destinationRule"):
        rollout = ctx.world.view(reference.origin)
        if ctx.world.patched(rollout.resource, ("spec", "strategy")):
            continue
        every = [w for w in writes(_placed(ctx, rollout), [manifest]) if w.path[:2] == _SUBSETS]
        found = [w for w in every if w.path[-1] == HASH_LABEL and w.how == "add"]
        if found and len(found) == len(every):
            return found, rollout
    return (), None


def _placed(ctx: Context[Application], view: View) -> Mapping[str, Any]:
    """The manifest with the namespace in which it ends."""
    namespace = ctx.world.namespace(view.resource) or view.id.namespace
    return {**view.value, "metadata": {**view.metadata, "namespace": namespace}}


def _live(manifest: Mapping[str, Any], hashes: Sequence[Write]) -> Mapping[str, Any]:
    """The object as it is in the cluster once the Rollout has written its hashes."""
    subsets = [*dig(manifest, *_SUBSETS)]
    for write in hashes:
        index = write.path[2]
        assert isinstance(index, int)
        labels = {**mapping(subsets[index].get("labels")), HASH_LABEL: "5c9d7b8f6d"}
        subsets[index] = {**subsets[index], "labels": labels}
    return {**manifest, "spec": {**manifest["spec"], "subsets": subsets}}


def _system_rules(ctx: Context[Application]) -> bool:
    """True where an `argocd-cm` of the inputs has ignore rules."""
    found: bool = ctx.world.derived(
        "argocd-cm ignores",
        lambda: any(
            r.id.name == "argocd-cm" and r.mentions("ignoreDifferences") for r in ctx.world.of_kind("", "ConfigMap")
        ),
    )
    return found
