"""A canary in outline: when its steps are reached at the earliest, with which weight, and what holds them.

For rules that look at every Rollout: everything stands in `spec.strategy.canary` itself, no template is looked at and
no pod is counted. `simulate.linked` is the whole truth and costs twenty times as much. Times are whole nanoseconds and
"at least": pods, people, analyses, experiments and plugins take longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.controllers.traffic import max_traffic_weight
from rolloutlint.graph import World
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import Step
from rolloutlint.model.values import dig, sequence

Hold: TypeAlias = Literal["", "time", "person", "analysis", "experiment", "plugin", "unknown"]
"""What a step waits for besides pods; `unknown`: a pause whose length cannot be read, a step without a kind."""


class Landing(NamedTuple):
    """One step."""

    step: Step
    reached: int
    """Nanoseconds of timed pauses before it."""
    hold: Hold
    pause: int
    """Nanoseconds of its own timed pause; 0 for others."""
    weight: int | None
    """In force when it ends; `None` where it is not known."""
    pods: bool
    """Whether the canary may have pods then: a `setCanaryScale` of 0 takes them away behind a router."""

    @property
    def traffic(self) -> bool:
        """Whether the new version certainly gets traffic while the step lasts."""
        return self.pods and self.weight is not None and self.weight > 0

    @property
    def holds(self) -> bool:
        """Whether time passes in it: a pause of some length, or a person."""
        return self.hold == "person" or self.pause > 0


class Outline(NamedTuple):
    """All steps of a canary."""

    landings: tuple[Landing, ...]
    maximum: int
    """The weight that is all the traffic."""

    def least(self, start: int) -> float:
        """The time from the beginning of step `start` to promotion, at least; `math.inf` where a person is asked."""
        after = self.landings[start:]
        return math.inf if any(one.hold == "person" for one in after) else sum(one.pause for one in after)

    def waits(self, start: int) -> frozenset[Hold]:
        """What besides time and pods the steps from `start` on wait for."""
        return frozenset(one.hold for one in self.landings[start:]) - {"", "time"}


def outline_of(world: World, rollout: Rollout) -> Outline | None:
    """The outline of a canary with steps; `None` for others, where a step is no mapping, and where a kustomization may
    change them.
    """
    return world.shared(rollout.resource, "outline", lambda: _outline(world, rollout))


def _outline(world: World, rollout: Rollout) -> Outline | None:
    maximum = max_traffic_weight(rollout.canary)
    steps = rollout.steps
    if rollout.strategy_kind != "canary" or not steps or maximum is None or maximum <= 0:
        return None
    if len(steps) != len(sequence(rollout.canary.get("steps"))) or world.patched(
        rollout.resource, ("spec", "strategy")
    ):
        return None
    return Outline(tuple(_climb(steps, rollout.traffic_routing is not None)), maximum)


def _climb(steps: Sequence[Step], routed: bool) -> Sequence[Landing]:
    landings: list[Landing] = []
    reached = 0
    weight: int | None = 0
    pods = True
    for step in steps:
        value = step.value
        kind = next(iter(step.kinds), "")
        if value.get("setWeight") is not None:
            weight = int32(value["setWeight"])
        scale = value.get("setCanaryScale")
        if scale is not None and routed:
            sizes = (dig(scale, "replicas"), dig(scale, "weight"))
            pods = dig(scale, "matchTrafficWeight") is True or 0 not in sizes
        hold, length = _hold(step, kind)
        landings.append(Landing(step, reached, hold, length, weight, pods))
        reached += length
    return landings


def _hold(step: Step, kind: str) -> tuple[Hold, int]:
    if kind == "pause":
        pause = step.pause
        if pause is None or pause.kind == "invalid":
            return "unknown", 0
        return ("person", 0) if pause.kind == "indefinite" else ("time", pause.seconds * SECOND)
    if kind in ("analysis", "experiment", "plugin"):
        return kind, 0  # type: ignore[return-value]
    return ("" if kind else "unknown"), 0
