"""RL1: the strategy of a Rollout - steps, weights, pauses, blue-green."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.waits import what_waits
from rolloutlint.controllers.pause import meant_duration
from rolloutlint.controllers.replicas import desired_weight, real_share
from rolloutlint.controllers.traffic import max_traffic_weight, routers, services_required_by
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.duration import format_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY, Step
from rolloutlint.model.values import dig, filled_later, has, mapping, sequence, text

HALF = Fraction(1, 2)


@check("RL101")
def pause_without_deadline(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`pause: {}`: only a person ends it."""
    endless = [s for s in _steps(ctx.resource) if s.pause is not None and s.pause.kind == "indefinite"]
    waiting = what_waits(ctx) if endless else None
    for step in endless:
        path: Path = (*step.path, "pause")
        at = (*path, "duration") if has(step.value, "pause", "duration") else path
        share = _share(ctx, step)
        if waiting is None:
            yield ctx.finding(at, step=step.index + 1, share=share)
            continue
        variant, application, related = waiting
        yield ctx.finding(
            at,
            variant=variant,
            related=related,
            step=step.index + 1,
            share=share,
            application=application.name,
            waits=f"{related[0].resource.kind} `{related[0].resource.name}`" if related[0].resource else "",
        )


@check("RL102")
def pause_duration_invalid(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A duration that the controller cannot read, or that is negative."""
    for step in _steps(ctx.resource):
        duration = dig(step.value, "pause", "duration")
        if step.pause is None or step.pause.kind != "invalid" or not _is_int_or_string(duration):
            continue
        path = (*step.path, "pause", "duration")
        meant = meant_duration(duration) if isinstance(duration, str) else None
        negative = isinstance(duration, int) or duration.lstrip().startswith("-")
        yield ctx.finding(
            path,
            variant="negative" if negative else "meant" if meant else "",
            fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", path, meant)) if meant else None,
            step=step.index + 1,
            duration=duration if duration != "" else '""',
            meant=meant,
        )


@check("RL103")
def pause_duration_zero(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A duration below one second: no pause at all."""
    for step in _steps(ctx.resource):
        if step.pause is not None and step.pause.kind == "timed" and step.pause.seconds == 0:
            duration = dig(step.value, "pause", "duration")
            yield ctx.finding((*step.path, "pause", "duration"), step=step.index + 1, duration=duration)


@check("RL104")
def no_gate(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A release that nothing but the readiness of its pods can hold."""
    rollout = ctx.resource
    if rollout.strategy_kind == "blueGreen":
        variant = _ungated_switch(rollout)
        if variant:
            yield ctx.finding(BLUE_GREEN, "key", variant=variant)
        return
    if rollout.strategy_kind != "canary":
        return
    written, configured = rollout.canary.get("steps"), routers(rollout.traffic_routing)
    if written in (None, []):
        if configured:
            at = (*CANARY, "trafficRouting", configured[0])
            yield ctx.finding(at, "key", variant="router-without-steps", router=configured[0])
        return
    readable = len(rollout.steps) == len(sequence(written))
    if readable and not any(step.holds for step in rollout.steps) and not _has_background(rollout):
        yield ctx.finding((*CANARY, "steps"), "key")


@check("RL105")
def first_share_too_big(ctx: Context[Rollout]) -> Iterator[Finding]:
    """More than half, or than `max-first-share`, goes to the new version before anything is looked at."""
    policy = ctx.settings.max_first_share
    steps, limit = _steps(ctx.resource), HALF if policy is None else policy
    gated = any(step.holds for step in steps)
    canary_pods = False
    for step in steps:
        if step.holds and canary_pods:
            return
        scaled = ctx.resource.traffic_routing is not None and step.value.get("setCanaryScale") is not None
        canary_pods = canary_pods or scaled
        if not step.weight:
            continue
        canary_pods = True
        share, variant = _real(ctx, step.weight)
        if share is not None and share > limit:
            yield ctx.finding(
                (*step.path, "setWeight"),
                variant=variant if policy is None else f"{variant}-policy".lstrip("-"),
                step=step.index + 1,
                share=_percent(share),
                weight=step.weight,
                limit=_percent(limit),
            )
            return
        if not gated:  # then RL104 speaks of what follows, or a background analysis watches it
            return


@check("RL106")
def weights_decrease(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `setWeight` below the one in force."""
    earlier: Step | None = None
    for step in _steps(ctx.resource):
        if step.weight is None:
            continue
        if earlier is not None and earlier.weight is not None and step.weight < earlier.weight:
            yield ctx.finding(
                (*step.path, "setWeight"),
                related=(ctx.resource.related((*earlier.path, "setWeight"), "the weight in force until then"),),
                step=step.index + 1,
                weight=step.weight,
                earlier=earlier.weight,
                earlier_step=earlier.index + 1,
            )
        earlier = step


@check("RL107")
def router_needs_services(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A router that splits between two Services, of which one is not named."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary":
        return
    names = ("canaryService", "stableService")
    missing = [n for n in names if rollout.canary.get(n) in (None, "")]
    needing = services_required_by(rollout.canary, ctx.settings.targets)
    if not missing or not needing:
        return
    base: Path = (*CANARY, "trafficRouting")
    yield ctx.finding(
        base if needing[0] == "trafficRouting" else (*base, needing[0]),
        "key",
        variant="istio" if needing == ("istio",) else "",
        router=", ".join(needing),
        missing=" and ".join(f"`{n}`" for n in missing),
    )


@check("RL108")
def pause_too_long(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A pause longer than the configured `max-pause`."""
    limit = ctx.settings.max_pause
    if limit is None:
        return
    for step in _steps(ctx.resource):
        if step.pause is not None and step.pause.kind == "timed" and step.pause.seconds > limit:
            yield ctx.finding(
                (*step.path, "pause", "duration"),
                step=step.index + 1,
                duration=format_duration(step.pause.seconds),
                limit=format_duration(limit),
            )


def _steps(rollout: Rollout) -> tuple[Step, ...]:
    """The steps that will run: none under blueGreen, nor where two strategies are written."""
    return rollout.steps if rollout.strategy_kind == "canary" else ()


def _is_int_or_string(value: object) -> bool:
    """What the schema lets through as a duration and nobody fills in later."""
    return isinstance(value, (int, str)) and not isinstance(value, bool) and not filled_later(value)


def _ungated_switch(rollout: Rollout) -> str:
    """The RL104 variant for a blue-green Rollout whose new pods get all traffic once ready; `""` if gated."""
    spec = rollout.blue_green
    enabled, seconds = spec.get("autoPromotionEnabled"), spec.get("autoPromotionSeconds")
    if enabled not in (None, True) or (seconds is not None and int32(seconds) != 0):
        return ""
    if spec.get("prePromotionAnalysis") is not None:
        return ""
    return "blue-green-only-afterwards" if spec.get("postPromotionAnalysis") is not None else "blue-green"


def _has_background(rollout: Rollout) -> bool:
    """True where an analysis runs beside the steps; one without templates never does."""
    return mapping(rollout.canary.get("analysis")).get("templates") not in (None, [])


def _real(ctx: Context[Rollout], weight: int) -> tuple[Fraction | None, str]:
    """The share that `weight` gives, and the RL105 variant that names it; `None` where it is not certain."""
    rollout = ctx.resource
    if rollout.traffic_routing is None:
        return _share_of_pods(ctx, weight), "pods"
    maximum = max_traffic_weight(rollout.canary)
    if not routers(rollout.traffic_routing) or maximum is None or maximum <= 0:
        return None, ""
    return min(Fraction(weight, maximum), Fraction(1)), ""


def _share_of_pods(ctx: Context[Rollout], weight: int) -> Fraction | None:
    """The share of pods of a basic canary, where the manifest alone decides how many pods there are."""
    rollout = ctx.resource
    replicas = rollout.spec.get("replicas")
    if replicas is None or ctx.world.patched(rollout.resource, ("spec", "replicas")):
        return None
    if ctx.world.autoscalers(rollout.resource):
        return None
    return real_share(replicas, weight, rollout.canary.get("maxSurge"), rollout.canary.get("maxUnavailable"))


def _share(ctx: Context[Rollout], step: Step) -> str:
    """The share at which the Rollout stays during `step`, as text."""
    rollout = ctx.resource
    weight = desired_weight(sequence(rollout.canary.get("steps")), step.index)
    if weight is None:
        return "its weight"
    share, _ = _real(ctx, weight)
    shown = _percent(share) if share is not None else f"about {weight} %"
    return f"{shown} plus what its header routes match" if _header_routed(rollout, step.index, weight) else shown


def _header_routed(rollout: Rollout, index: int, weight: int) -> bool:
    """True where a header route is in force at a step; without canary pods none is (rollout/trafficrouting.go)."""
    earlier = [step.value for step in rollout.steps if step.index < index]
    if rollout.traffic_routing is None or not (weight or any(step.get("setCanaryScale") for step in earlier)):
        return False
    routes = [mapping(step.get("setHeaderRoute")) for step in earlier]
    matched = {text(route.get("name")): bool(route.get("match")) for route in routes if route}
    return any(matched.values())  # an entry without `match` takes the route of its name away


def _percent(share: Fraction) -> str:
    return f"{float(share * 100):.1f}".removesuffix(".0") + " %"
