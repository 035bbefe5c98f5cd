"""What is in force at each step of a canary, and what decides its pods: for the rules about steps."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from rolloutlint.checks.context import Context
from rolloutlint.controllers.replicas import CanaryScale, fenceposts
from rolloutlint.controllers.traffic import max_traffic_weight
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY, Step
from rolloutlint.model.values import sequence

_NOTHING = (0, "0", "0%")


class Stair(NamedTuple):
    """What is in force while a step runs."""

    step: Step
    weight: int
    """0 before the first `setWeight`."""
    weight_from: Step | None
    scale: CanaryScale | None
    scale_from: Step | None
    """The step of the `setCanaryScale` in force; `None` where weights decide."""


class Pods(NamedTuple):
    """What decides the pods of a canary without traffic routing."""

    replicas: int
    surge: int


def stairs_of(ctx: Context[Rollout]) -> tuple[Stair, ...]:
    """What is in force at each step of a canary; nothing where a step, weight or scale cannot be read."""
    return ctx.world.shared(ctx.resource.resource, "stairs", lambda: tuple(_climb(ctx.resource)))


def _climb(rollout: Rollout) -> list[Stair]:
    steps = rollout.steps
    maximum = max_traffic_weight(rollout.canary)
    if rollout.strategy_kind != "canary" or maximum is None:
        return []
    if len(steps) != len(sequence(rollout.canary.get("steps"))):
        return []
    weight, weight_from = 0, None
    scale, scale_from = None, None
    stairs = []
    for step in steps:
        written, scaled = step.value.get("setWeight"), step.value.get("setCanaryScale")
        if written is not None:
            read = int32(written)
            if read is None or not 0 <= read <= maximum:
                return []
            weight, weight_from = read, step
        if scaled is not None:
            if not isinstance(scaled, dict):
                return []
            pods, part, match = scaled.get("replicas"), scaled.get("weight"), scaled.get("matchTrafficWeight")
            scale, scale_from = CanaryScale(int32(pods), int32(part)), step
            if scale != (pods, part) or match not in (None, True, False):
                return []
            if match or scale == (None, None):
                scale, scale_from = None, None
        stairs.append(Stair(step, weight, weight_from, scale, scale_from))
    return stairs


def replicas_of(ctx: Context[Rollout]) -> int | None:
    """`replicas`, where the manifest alone decides it and it is more than 0."""
    rollout = ctx.resource
    replicas = int32(rollout.spec.get("replicas"))
    if replicas is None or replicas <= 0 or ctx.world.autoscalers(rollout.resource):
        return None
    return None if ctx.world.patched(rollout.resource, ("spec", "replicas")) else replicas


def pods_of(ctx: Context[Rollout]) -> Pods | None:
    """What decides the pods of a canary without traffic routing; `None` for others, and where it is not certain."""
    return ctx.world.shared(ctx.resource.resource, "canary pods", lambda: _find_pods(ctx))


def _find_pods(ctx: Context[Rollout]) -> Pods | None:
    rollout = ctx.resource
    canary = rollout.canary
    if rollout.strategy_kind != "canary" or canary.get("trafficRouting") is not None:
        return None
    replicas = replicas_of(ctx)
    surge, unavailable = canary.get("maxSurge"), canary.get("maxUnavailable")
    if replicas is None or (surge in _NOTHING and unavailable in _NOTHING):
        return None  # the controller refuses both at 0
    posts = fenceposts(surge, unavailable, replicas)
    if not posts.valid or posts.surge < 0 or ctx.world.patched(rollout.resource, (*CANARY, "maxSurge")):
        return None
    return Pods(replicas, posts.surge)


def without_pods(stair: Stair) -> bool:
    """True where the canary has no pods, however many the Rollout has."""
    if stair.scale is None:
        return not stair.weight
    if stair.scale.replicas is not None:
        return stair.scale.replicas == 0
    return stair.scale.weight == 0


def percent(share: Fraction) -> str:
    """A share of 1 as a sentence has it: `33.3 %`."""
    return f"{number(share * 100)} %"


def number(value: Fraction) -> str:
    """`value` with one digit after the point, or none where that is 0."""
    return f"{float(value):.1f}".removesuffix(".0")
