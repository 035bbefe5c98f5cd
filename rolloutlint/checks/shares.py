"""RL150 to RL156: what the mathematics of pods and weights makes of the steps of a canary."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import pod_template
from rolloutlint.checks.stairs import Pods, Stair, number, percent, pods_of, replicas_of, stairs_of, without_pods
from rolloutlint.controllers.replicas import (
    Counts,
    basic_target,
    traffic_routed_counts,
)
from rolloutlint.controllers.traffic import (
    HEADER_ROUTES,
    MIRROR_ROUTES,
    max_traffic_weight,
    routers,
    supporting,
)
from rolloutlint.controllers.validation import DEFAULT_DEADLINE
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, entries, mapping, sequence

FAR = 15
"""Percentage points above the weight from which a share, if also twice as big, is not what was written."""

HEAVY = 2
"""Times the normal load of a pod from which a canary pod is expected to break down."""


@check("RL150")
def share_far_from_weight(ctx: Context[Rollout]) -> Iterator[Finding]:
    """The smallest share that so few replicas can give is far above the weight."""
    pods = pods_of(ctx)
    if pods is None or pods.replicas * FAR > 100:
        return  # rounding adds less than one pod, and that is not far then
    for stair in stairs_of(ctx):
        weight = stair.weight
        if not 0 < weight < 50 or stair.weight_from is None:
            continue
        counts = basic_target(pods.replicas, weight, pods.surge)
        total = sum(counts)
        if 100 * counts.canary < max(2 * weight, weight + FAR) * total or not counts.stable:
            continue
        if stair.step.holds:
            yield ctx.finding(
                (*stair.weight_from.path, "setWeight"),
                related=(ctx.resource.related(("spec", "replicas"), "out of so many"),),
                step=stair.weight_from.index + 1,
                weight=weight,
                share=percent(Fraction(counts.canary, total)),
                canary=counts.canary,
                total=total,
                replicas=_count(pods.replicas, "replica"),
            )
            return


@check("RL151")
def canary_without_pods(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A weight above 0 for which the controller makes no canary pod."""
    pods = pods_of(ctx) if ctx.resource.canary.get("maxSurge") is not None else None
    if pods is None or pods.surge != 0:
        return
    single = pods.replicas == 1
    for stair in stairs_of(ctx):
        if not stair.weight or stair.weight_from is None or (not single and stair.step is not stair.weight_from):
            continue
        if basic_target(pods.replicas, stair.weight, 0).canary or (single and not stair.step.holds):
            continue
        path, surge, lower = (*stair.weight_from.path, "setWeight"), (*CANARY, "maxSurge"), stair.weight - 1
        title, edit = f"Write {lower}", ctx.edit("replace", path, lower)
        if single:
            title, edit = "Allow a surge of one pod", ctx.edit("replace", surge, 1)
        yield ctx.finding(
            path,
            variant="single" if single else "",
            related=(ctx.resource.related(surge, "allows no pod more"),),
            fix=ctx.fix(title, edit, safety="unsafe"),
            step=stair.weight_from.index + 1,
            weight=stair.weight,
            replicas=pods.replicas,
            lower=lower,
        )
        if single:
            return


@check("RL152")
def step_changes_nothing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `setWeight` that gives what the one before it gave."""
    pods = pods_of(ctx)
    earlier: Stair | None = None
    told = False
    for stair in stairs_of(ctx):
        if stair.step is not stair.weight_from:
            continue
        counts = _same(pods, earlier, stair)
        if counts is None or earlier is None:
            earlier, told = stair, False
            continue
        if told:
            continue
        told = True
        path = (*earlier.step.path, "setWeight")
        yield ctx.finding(
            (*stair.step.path, "setWeight"),
            variant="equal" if stair.weight == earlier.weight else "",
            related=(ctx.resource.related(path, "the weight in force until then"),),
            step=stair.step.index + 1,
            weight=stair.weight,
            canary=counts.canary,
            total=sum(counts),
            earlier=earlier.weight,
            earlier_step=earlier.step.index + 1,
        )


@check("RL153")
def few_pods_under_weight(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `setCanaryScale` that leaves too few pods for the traffic of a later `setWeight`."""
    rollout = ctx.resource
    maximum = max_traffic_weight(rollout.canary)
    if not routers(rollout.traffic_routing) or not maximum or maximum <= 0:
        return
    replicas = replicas_of(ctx)
    if replicas is None:
        return
    least = int32(rollout.canary.get("minPodsPerReplicaSet"))
    for stair in stairs_of(ctx):
        if not stair.weight or stair.weight_from is None or stair.scale_from is None:
            continue
        canary = traffic_routed_counts(
            replicas, stair.weight, scale=stair.scale, min_pods=least, max_weight=maximum
        ).canary
        if canary <= 0 or stair.weight * replicas < HEAVY * maximum * canary or not stair.step.holds:
            continue
        weight: Path = (*stair.weight_from.path, "setWeight")
        scale: Path = (*stair.scale_from.path, "setCanaryScale")
        last = stair.weight_from.index >= stair.scale_from.index
        yield ctx.finding(
            weight if last else scale,
            "value" if last else "key",
            related=(
                rollout.related(scale, "sets the pods", "key") if last else rollout.related(weight, "sets the traffic"),
            ),
            step=(stair.weight_from if last else stair.scale_from).index + 1,
            share=percent(Fraction(stair.weight, maximum)),
            pods=_count(canary, "canary pod"),
            replicas=replicas,
            load=number(Fraction(stair.weight * replicas, maximum * canary)),
        )
        return


@check("RL154")
def route_before_pods(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A header or mirror route that is set before the canary has a pod."""
    routing, targets = ctx.resource.traffic_routing, ctx.settings.targets
    for stair in stairs_of(ctx):
        for kind, support in (("setHeaderRoute", HEADER_ROUTES), ("setMirrorRoute", MIRROR_ROUTES)):
            route = mapping(stair.step.value.get(kind))
            if sequence(route.get("match")) and without_pods(stair) and supporting(routing, support, targets):
                yield ctx.finding((*stair.step.path, kind), "key", step=stair.step.index + 1, kind=kind)


@check("RL155")
def analysis_before_pods(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An analysis step that runs before the canary has a pod."""
    for stair in stairs_of(ctx):
        templates = sequence(dig(stair.step.value, "analysis", "templates"))
        if templates and stair.step.kinds == ("analysis",) and without_pods(stair):
            yield ctx.finding((*stair.step.path, "analysis"), "key", step=stair.step.index + 1)


@check("RL156")
def deadline_before_readiness(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A readiness probe that first asks when the progress deadline is over."""
    rollout = ctx.resource
    written = rollout.spec.get("progressDeadlineSeconds")
    deadline = DEFAULT_DEADLINE if written is None else int32(written)
    if deadline is None or deadline <= (int32(rollout.spec.get("minReadySeconds") or 0) or 0):
        return
    if ctx.world.patched(rollout.resource, ("spec", "progressDeadlineSeconds")):
        return
    owner, base, template = pod_template(ctx)
    if owner is None:
        return
    for path, container in entries(template, base, "spec", "containers"):
        delay = int32(dig(container, "readinessProbe", "initialDelaySeconds"))
        if delay is None or delay < deadline:
            continue
        at: Path = (*path, "readinessProbe", "initialDelaySeconds")
        if ctx.world.patched(owner.resource, at):
            continue
        mine = owner is rollout
        other = None if mine else owner.related(at, "the first look at the pod")
        if mine and written is not None:
            other = rollout.related(("spec", "progressDeadlineSeconds"), "the deadline")
        yield ctx.finding(
            at if mine else ("spec", "progressDeadlineSeconds") if written is not None else ("spec", "workloadRef"),
            "value" if mine or written is not None else "key",
            variant="abort" if rollout.spec.get("progressDeadlineAbort") is True else "",
            related=(other,) if other else (),
            delay=delay,
            deadline=deadline,
        )
        return


def _same(pods: Pods | None, earlier: Stair | None, stair: Stair) -> Counts | None:
    """The pods that two weights have in common; empty counts for equal weights, `None` where they differ."""
    if earlier is None:
        return None
    if earlier.weight == stair.weight:
        return Counts(0, 0)
    if pods is None:
        return None
    before = basic_target(pods.replicas, earlier.weight, pods.surge)
    after = basic_target(pods.replicas, stair.weight, pods.surge)
    return after if before == after and after.canary else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
