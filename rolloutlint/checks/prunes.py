"""RL8: what a sync deletes while something still needs it."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.change.configs import configs_of
from rolloutlint.change.objects import ChangedObject
from rolloutlint.change.releases import STARTING
from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.graph.references import Naming, namings
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout, View
from rolloutlint.model.values import dig, mapping, string_map

_NAME: Path = ("metadata", "name")
_ROUTES = ("virtualService", "destinationRule", "stableService", "canaryService", "activeService", "previewService")
_WORKLOADS = (("argoproj.io", "Rollout"), ("apps", "Deployment"), ("apps", "StatefulSet"))


@check("RL804")
def stable_config_pruned(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A ConfigMap or Secret that goes while pods that name it are there."""
    one = ctx.resource
    if not one.pruned or (one.key.group, one.key.kind) not in (("", "ConfigMap"), ("", "Secret")):
        return
    for rollout in one.sync.rollouts():
        before, after = rollout.rollout_before, rollout.rollout_after
        if before is None or after is None or rollout.key.namespace != one.key.namespace:
            continue
        wanted = (one.key.kind, one.key.name)
        templates = [dig(rollout.live, "spec", "template")]
        templates += [dig(each, "spec", "template") for each in _with_pods(rollout)]
        if not any(wanted in configs_of(template) for template in templates):
            continue
        still = wanted in configs_of(after.template)
        if not still and (rollout.key in one.behind or rollout.classification not in STARTING):
            continue
        yield ctx.finding(
            _NAME,
            variant="still-named" if still else "",
            related=(after.related(_NAME, "its stable pods use it"),),
            discriminator=rollout.name,
            kind=one.id.kind,
            name=one.name,
            rollout=rollout.name,
        )


def _with_pods(rollout: ChangedObject) -> Iterator[object]:
    for each in rollout.replica_sets:
        if int32(dig(each, "status", "replicas")) or int32(dig(each, "spec", "replicas")):
            yield each


@check("RL808")
def workload_pruned(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A Rollout that goes, or the Deployment that one replaces, and all its pods with it."""
    one = ctx.resource
    before = one.before
    if not one.pruned or before is None or (one.key.group, one.key.kind) not in _WORKLOADS:
        return
    follower = _follower(one, before)
    if not isinstance(before, Rollout) and (follower is None or follower.key.kind != "Rollout"):
        return
    replicas = int32(before.spec.get("replicas", 1))
    if not replicas:
        return
    labels = string_map(dig(before.spec, "template", "metadata", "labels"))
    services = [
        each
        for each in one.sync.of_kind("", "Service")
        if each.after is not None
        and each.key.namespace == one.key.namespace
        and mapping(each.after.spec.get("selector"))
        and mapping(each.after.spec.get("selector")).items() <= labels.items()
    ]
    related = [
        *([Related(follower.place(_NAME), "comes in its place", follower.id)] if follower else []),
        *(each.related(("spec", "selector"), "selects its pods", "key") for each in services[:3]),
    ]
    yield ctx.finding(
        _NAME,
        variant="replaced" if follower else "still-selected" if services else "",
        related=related,
        kind=one.id.kind,
        name=one.name,
        pods=f"{replicas} pods" if replicas > 1 else "pod",
        follower=f"{follower.id.kind} `{_called(follower, one)}`" if follower else "",
        service=services[0].name if services else "",
    )


def _follower(one: ChangedObject, before: View) -> ChangedObject | None:
    """A workload that the same sync creates for the same pods, here or by the same name in another namespace."""
    selector = mapping(before.spec.get("selector"))
    for kind in _WORKLOADS:
        for each in one.sync.of_kind(*kind):
            made = each.task is not None and each.task.action == "create"
            near = each.key.namespace == one.key.namespace or each.key.name == one.key.name
            if made and near and each.value_at("spec", "selector") == selector:
                return each
    return None


def _called(follower: ChangedObject, one: ChangedObject) -> str:
    same = follower.key.namespace == one.key.namespace
    return follower.name if same else f"{follower.key.namespace}/{follower.name}"


@check("RL809")
def route_pruned_first(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A route or Service that goes before its Rollout has let go of it."""
    one = ctx.resource
    if not one.pruned or one.key.kind not in ("VirtualService", "DestinationRule", "Service"):
        return
    for rollout in one.sync.rollouts():
        before, after = rollout.rollout_before, rollout.rollout_after
        if before is None or after is None or rollout.key in one.behind:
            continue
        if not any(_means(naming, rollout, one) for naming in namings(before)):
            continue
        still = any(_means(naming, rollout, one) for naming in namings(after))
        yield ctx.finding(
            _NAME,
            variant="still-named" if still else "",
            related=(after.related(_NAME, "names it" if still else "names it until this sync has applied it"),),
            discriminator=rollout.name,
            kind=one.id.kind,
            name=one.name,
            rollout=rollout.name,
        )


def _means(naming: Naming, rollout: ChangedObject, one: ChangedObject) -> bool:
    if naming.role not in _ROUTES or (naming.group, naming.kind, naming.name) != (*one.key[:2], one.key.name):
        return False
    return (naming.namespace or rollout.key.namespace) == one.key.namespace
