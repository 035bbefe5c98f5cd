"""RL157 to RL159: what nothing holds back once the last gate is passed, and steps that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.stairs import Stair, percent, pods_of, replicas_of, stairs_of, without_pods
from rolloutlint.controllers.replicas import basic_target
from rolloutlint.controllers.traffic import max_traffic_weight
from rolloutlint.finding import Finding
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY, Step
from rolloutlint.model.values import sequence

HALF = Fraction(1, 2)

_GATES = ("pause", "analysis", "experiment", "plugin")


@check("RL157")
def big_final_jump(ctx: Context[Rollout]) -> Iterator[Finding]:
    """More than half of the traffic comes after the last gate."""
    stairs, maximum = stairs_of(ctx), max_traffic_weight(ctx.resource.canary) or 0
    gate = next((stair for stair in reversed(stairs) if stair.step.holds), None)
    if gate is None or maximum <= 0 or _share(ctx, gate.weight, maximum) >= HALF:
        return
    rest = stairs[gate.step.index + 1 :]
    if without_pods(gate) and any(_share(ctx, stair.weight, maximum) > HALF for stair in rest):
        return  # RL105 speaks of the first share
    source = gate.weight_from
    yield ctx.finding(
        (*gate.step.path, next(kind for kind in _GATES if kind in gate.step.kinds)),
        "key",
        variant="" if source else "before",
        related=(ctx.resource.related((*source.path, "setWeight"), "the weight in force"),) if source else (),
        step=gate.step.index + 1,
        weight=gate.weight,
        share=percent(_share(ctx, gate.weight, maximum)),
    )


@check("RL158")
def scale_changes_nothing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `setCanaryScale` that asks for the pods that are there already."""
    stairs = stairs_of(ctx) if ctx.resource.traffic_routing is not None else ()
    for index, stair in enumerate(stairs):
        scaled = "setCanaryScale" in stair.step.kinds
        repeated = _repeats(ctx, stairs[index - 1] if index else None, stair, stairs[-1]) if scaled else None
        if repeated is None:
            continue
        variant, source = repeated
        field = "setWeight" if variant == "full" else "setCanaryScale"
        yield ctx.finding(
            (*stair.step.path, "setCanaryScale"),
            "key",
            variant=variant,
            related=(ctx.resource.related((*source.path, field), "brings these pods", "key"),) if source else (),
            step=stair.step.index + 1,
            earlier_step=source.index + 1 if source else 0,
            weight=stair.weight,
        )


@check("RL159")
def no_analysis(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A release that only time or a person holds."""
    rollout = ctx.resource
    if rollout.strategy_kind == "blueGreen":
        spec = rollout.blue_green
        enabled, seconds = spec.get("autoPromotionEnabled"), spec.get("autoPromotionSeconds")
        if any(spec.get(field) is not None for field in ("prePromotionAnalysis", "postPromotionAnalysis")):
            return
        if enabled is False:
            yield ctx.finding((*BLUE_GREEN, "autoPromotionEnabled"), variant="blue-green-person")
        elif enabled in (None, True) and (int32(seconds) or 0) > 0:
            yield ctx.finding((*BLUE_GREEN, "autoPromotionSeconds"), variant="blue-green", seconds=seconds)
        return
    written = sequence(rollout.canary.get("steps"))
    if rollout.strategy_kind != "canary" or len(rollout.steps) != len(written):
        return
    gates = [step for step in rollout.steps if step.holds]
    kinds = {step.pause.kind if step.pause else "" for step in gates}
    measured = any(kind in step.kinds for step in gates for kind in _GATES if kind != "pause")
    if gates and not measured and kinds <= {"timed", "indefinite"} and rollout.canary.get("analysis") is None:
        yield ctx.finding((*CANARY, "steps"), "key", variant="person" if "indefinite" in kinds else "")


def _share(ctx: Context[Rollout], weight: int, maximum: int) -> Fraction:
    """The share that `weight` gives: of pods, where they decide it and are known, else the weight itself."""
    pods = pods_of(ctx)
    if pods is None:
        return Fraction(weight, maximum)
    counts = basic_target(pods.replicas, weight, pods.surge)
    return Fraction(counts.canary, sum(counts))


def _repeats(ctx: Context[Rollout], earlier: Stair | None, stair: Stair, last: Stair) -> tuple[str, Step | None] | None:
    """The RL158 variant of a `setCanaryScale` without effect, and the step that brought its pods; else `None`.

    Mirrors `utils/replicaset/canary.go` GetCanaryReplicasOrWeight: `replicas` counts before `weight`, and without
    either the weight of the traffic decides.
    """
    before, now = _asked(earlier), _asked(stair)
    if before == now:
        return ("match", None) if earlier is None or before is None else ("", earlier.scale_from)
    canary = ctx.resource.canary
    if earlier is None or earlier.weight_from is not last.weight_from or canary.get("dynamicStableScale"):
        return None
    whole = (None, ("weight", 100), ("replicas", replicas_of(ctx)))
    full = max_traffic_weight(canary) == 100 == stair.weight and before in whole and now in whole
    return ("full", stair.weight_from) if full else None


def _asked(stair: Stair | None) -> tuple[str, int | None] | None:
    """What decides the pods of the canary; `None` for the weight of the traffic."""
    if stair is None or stair.scale is None:
        return None
    if stair.scale.replicas is not None:
        return "replicas", stair.scale.replicas
    return "weight", stair.scale.weight
