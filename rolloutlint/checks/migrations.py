"""RL820 to RL823: what happens to the pods and the traffic of a Deployment when the Rollout that takes over comes."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.change.objects import ChangedObject
from rolloutlint.change.pairing import Key
from rolloutlint.change.releases import workload_of
from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.lang.intstr import int32
from rolloutlint.model.values import dig, filled_later, mapping, sequence, string_map, text

_DEPLOYMENT = ("apps", "Deployment")
_REPLICAS: Path = ("spec", "replicas")
_NAME: Path = ("metadata", "name")
_CONTAINERS: Path = ("spec", "template", "spec", "containers")
_PINNED = ("stableService", "activeService")
_TAKING_OVER = ("onsuccess", "progressively")


@check("RL820")
def deployment_emptied_first(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A Deployment that goes to 0 replicas in the sync that creates its Rollout."""
    one = ctx.resource
    if (one.key.group, one.key.kind) != _DEPLOYMENT or one.before is None or one.after is None:
        return
    pods = int32(dig(one.live, *_REPLICAS))
    if pods == 0 or dig(one.applied, *_REPLICAS) != 0:
        return
    for rollout in one.sync.rollouts():
        if _created(rollout) and rollout.key not in one.behind and _deployment(rollout) is one:
            yield ctx.finding(
                _REPLICAS,
                related=(_related(rollout, "is created by the same sync"),),
                discriminator=rollout.name,
                name=one.name,
                pods="pods" if pods is None else "pod" if pods == 1 else f"{pods} pods",
                rollout=rollout.name,
            )
            return


@check("RL821")
def rollout_smaller_than_workload(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A new Rollout with fewer replicas than the Deployment that it scales down."""
    one, rollout = ctx.resource, ctx.resource.rollout_after
    if rollout is None or not _created(one):
        return
    down: Path = ("spec", "workloadRef", "scaleDown")
    deployment = workload_of(one.sync, one.key, rollout)
    if deployment is None or deployment.before is None or dig(rollout.value, *down) not in _TAKING_OVER:
        return
    pods, own = int32(dig(deployment.live, *_REPLICAS)), int32(rollout.spec.get("replicas", 1))
    if pods is None or own is None or own >= pods or dig(deployment.applied, *_REPLICAS) == 0:
        return
    if ctx.world.autoscalers(one.resource) or (not one.sync.live and ctx.world.autoscalers(deployment.resource)):
        return
    written = "replicas" in rollout.spec
    yield ctx.finding(
        _REPLICAS if written else down,
        variant="" if written else "omitted",
        related=(_related(deployment, f"has {pods} pods"),),
        name=one.name,
        own=f"{own} pods" if own != 1 else "1 pod",
        pods=pods,
        deployment=deployment.name,
    )


@check("RL822")
def version_changed_with_move(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """Another image in the sync that creates the Rollout, whose first revision skips all steps."""
    one, rollout = ctx.resource, ctx.resource.rollout_after
    deployment = _deployment(one) if rollout is not None and _created(one) else None
    if rollout is None or deployment is None or int32(dig(deployment.live, *_REPLICAS)) == 0:
        return
    preview = rollout.blue_green
    if not (rollout.steps or preview.get("prePromotionAnalysis") or preview.get("autoPromotionEnabled") is False):
        return
    referring = workload_of(one.sync, one.key, rollout) is not None
    source = deployment if referring else one
    old = {
        text(mapping(each).get("name")): text(mapping(each).get("image"))
        for each in sequence(dig(deployment.live, *_CONTAINERS))
    }
    now = dig(deployment.applied if referring else rollout.value, *_CONTAINERS)
    for index, each in enumerate(sequence(now)):
        name, image = text(mapping(each).get("name")), text(mapping(each).get("image"))
        if old.get(name) and image and image != old[name] and not any(map(filled_later, (image, old[name]))):
            yield ctx.finding(
                source.place((*_CONTAINERS, index, "image")),
                related=(_related(deployment, f"runs {old[name]}"), _related(one, "is created by the same sync")),
                name=one.name,
                deployment=deployment.name,
                image=image,
            )
            return


@check("RL823")
def service_pinned_by_move(ctx: Context[ChangedObject]) -> Iterator[Finding]:
    """A Service of a Deployment that a new Rollout pins to its own pods."""
    one, rollout = ctx.resource, ctx.resource.rollout_after
    deployment = _deployment(one) if rollout is not None and _created(one) else None
    if rollout is None or deployment is None or deployment.after is None:
        return
    if int32(dig(deployment.live, *_REPLICAS)) == 0 or dig(deployment.applied, *_REPLICAS) == 0:
        return
    labels = string_map(dig(deployment.live, "spec", "template", "metadata", "labels"))
    for use in rollout.services:
        if use.role not in _PINNED or not use.name:
            continue
        service = one.sync.objects.get(Key("", "Service", one.key.namespace, use.name, one.key.copy))
        selector = mapping(service.before.spec.get("selector")) if service and service.before else {}
        if service and service.after is not None and selector and selector.items() <= labels.items():
            yield ctx.finding(
                use.path,
                related=(_related(deployment, "has its pods now"), _related(service, "is pinned")),
                name=one.name,
                service=use.name,
                deployment=deployment.name,
            )


def _created(one: ChangedObject) -> bool:
    return one.rollout_after is not None and one.task is not None and one.task.action == "create"


def _deployment(one: ChangedObject) -> ChangedObject | None:
    """The Deployment that was there before, and that a Rollout names or has the selector of."""
    rollout = one.rollout_after
    if rollout is None:
        return None
    if rollout.workload_ref is not None:
        named = workload_of(one.sync, one.key, rollout)
        return named if named and named.before and (named.key.group, named.key.kind) == _DEPLOYMENT else None
    selector = mapping(rollout.spec.get("selector"))
    for each in one.sync.of_kind(*_DEPLOYMENT):
        near = (each.key.namespace, each.key.copy) == (one.key.namespace, one.key.copy)
        if near and each.before is not None and selector and dig(each.live, "spec", "selector") == selector:
            return each
    return None


def _related(one: ChangedObject, words: str) -> Related:
    return Related(one.place(_NAME), words, one.shown)
