"""RL140 to RL149: values that mean something else than they say, or nothing, and defaults that surprise."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.replicas import desired_weight
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.intstr import atoi, int32, scaled_value
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import BLUE_GREEN, CANARY
from rolloutlint.model.values import dig, entries, filled_later, mapping, sequence, text

HISTORY_LIMIT = 10
"""`revisionHistoryLimit` where none is written (utils/defaults/defaults.go)."""


@check("RL140")
def experiment_impossible(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An experiment step whose templates run neither version, or take more traffic than there is."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary":
        return
    for step in rollout.steps:
        extra, last = 0, None
        for path, template in entries(step.value, step.path, "experiment", "templates"):
            ref = template.get("specRef")
            if isinstance(ref, str) and ref not in ("canary", "stable") and not filled_later(ref):
                yield ctx.finding((*path, "specRef"), step=step.index + 1, ref=ref or '""')
            weight = int32(template.get("weight"))
            if weight:
                extra, last = extra + weight, path
        weight = desired_weight(sequence(rollout.canary.get("steps")), step.index)
        if last and rollout.traffic_routing and weight is not None and extra + weight > 100:
            yield ctx.finding(
                (*last, "weight"),
                variant="weights",
                step=step.index + 1,
                extra=extra,
                weight=weight,
                sum=extra + weight,
            )


@check("RL141")
def scale_down_delay_zero(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A delay of 0, which keeps the old ReplicaSet for ever."""
    rollout = ctx.resource
    kind = rollout.strategy_kind
    spec = rollout.blue_green if kind == "blueGreen" else rollout.canary
    if not kind or int32(spec.get("scaleDownDelaySeconds")) != 0:
        return
    if kind == "canary" and (rollout.traffic_routing is None or spec.get("dynamicStableScale") is True):
        return
    limit = int32(spec.get("scaleDownDelayRevisionLimit"))
    if limit is not None and limit <= 0:
        return
    path: Path = ("spec", "strategy", kind, "scaleDownDelaySeconds")
    yield ctx.finding(
        path,
        variant="limited" if limit else "",
        limit=f"{limit} old ReplicaSet{'s' if limit != 1 else ''}",
        fix=ctx.fix("Write 30, the default", ctx.edit("replace", path, 30), safety="unsafe"),
    )


@check("RL142")
def quoted_number_is_percent(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`maxSurge: "3"`: three percent, not three pods."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary" or rollout.traffic_routing is not None:
        return
    replicas = int32(rollout.spec.get("replicas"))
    if ctx.world.autoscalers(rollout.resource) or ctx.world.patched(rollout.resource, ("spec", "replicas")):
        return
    for field, up in (("maxSurge", True), ("maxUnavailable", False)):
        value = rollout.canary.get(field)
        pods = atoi(value)
        if not isinstance(value, str) or pods is None or replicas is None or replicas <= 0:
            continue
        share = scaled_value(value, replicas, up)
        if share is None or share == pods:
            continue
        path = (*CANARY, field)
        yield ctx.finding(path, field=field, value=value, share=_count(share), replicas=replicas)


@check("RL143")
def surge_unreadable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`maxSurge` or `maxUnavailable` that cannot be read: no pod can be added or removed."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary" or rollout.traffic_routing is not None:
        return
    for field, other in (("maxSurge", "maxUnavailable"), ("maxUnavailable", "maxSurge")):
        value = rollout.canary.get(field)
        if not _unreadable(value) or _is_nothing(rollout.canary.get(other)):
            continue  # where both come to nothing the controller refuses the Rollout, which is another rule's
        yield ctx.finding((*CANARY, field), field=field, value=value if value != "" else '""')
        return


@check("RL144")
def progress_threshold_unreachable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `replicaProgressThreshold` that is read as a number of pods, or that no canary reaches."""
    rollout = ctx.resource
    threshold = mapping(rollout.canary.get("replicaProgressThreshold"))
    kind, value = threshold.get("type"), int32(threshold.get("value"))
    if rollout.strategy_kind != "canary" or not isinstance(kind, str) or value is None or filled_later(kind):
        return
    path = (*CANARY, "replicaProgressThreshold")
    if kind == "Percent":
        if value > 100:
            yield ctx.finding((*path, "value"), variant="percent", value=value)
        return
    if kind.lower().startswith("percent"):
        edit = ctx.edit("replace", (*path, "type"), "Percent")
        yield ctx.finding((*path, "type"), kind=kind, value=value, fix=ctx.fix("Write `Percent`", edit))
        return
    replicas = int32(rollout.spec.get("replicas"))
    if ctx.world.autoscalers(rollout.resource) or ctx.world.patched(rollout.resource, ("spec", "replicas")):
        return
    if replicas is not None and value > replicas:
        yield ctx.finding((*path, "value"), variant="pods", value=value, replicas=replicas)


@check("RL145")
def auto_promotion_seconds_ignored(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`autoPromotionSeconds` beside `autoPromotionEnabled: false`."""
    spec = ctx.resource.blue_green
    seconds = int32(spec.get("autoPromotionSeconds"))
    if ctx.resource.strategy_kind == "blueGreen" and spec.get("autoPromotionEnabled") is False and (seconds or 0) > 0:
        other = ctx.resource.related((*BLUE_GREEN, "autoPromotionEnabled"), "switches it off")
        yield ctx.finding((*BLUE_GREEN, "autoPromotionSeconds"), related=(other,), seconds=seconds)


@check("RL146")
def rollback_window_unreachable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A rollback window longer than the history that is kept, or one that never opens."""
    spec = ctx.resource.spec
    revisions = int32(dig(spec, "rollbackWindow", "revisions"))
    written = spec.get("revisionHistoryLimit")
    limit = HISTORY_LIMIT if written is None else int32(written)
    if revisions is None or limit is None or ctx.world.patched(ctx.resource.resource, ("spec", "revisionHistoryLimit")):
        return
    path = ("spec", "rollbackWindow", "revisions")
    if revisions <= 0:
        yield ctx.finding(path, variant="never", revisions=revisions)
    elif revisions > limit:
        related = (ctx.resource.related(("spec", "revisionHistoryLimit"), "how many are kept"),)
        yield ctx.finding(
            path,
            related=related if written is not None else (),
            revisions=revisions,
            limit=limit,
        )


@check("RL147")
def preview_without_pods(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`previewReplicaCount: 0` with an analysis before the promotion."""
    spec = ctx.resource.blue_green
    if ctx.resource.strategy_kind != "blueGreen" or int32(spec.get("previewReplicaCount")) != 0:
        return
    if sequence(dig(spec, "prePromotionAnalysis", "templates")):
        other = ctx.resource.related((*BLUE_GREEN, "prePromotionAnalysis"), "measures them", "key")
        yield ctx.finding((*BLUE_GREEN, "previewReplicaCount"), related=(other,))


@check("RL148")
def deadline_without_abort(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A canary with traffic that stays where it is when its pods do not come up."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary" or not rollout.traffic_routing:
        return
    if rollout.spec.get("progressDeadlineAbort") not in (None, False):
        return
    seconds = rollout.spec.get("progressDeadlineSeconds")
    deadline = 600 if seconds is None else int32(seconds)
    if deadline is not None:
        key = "progressDeadlineAbort" if "progressDeadlineAbort" in rollout.spec else ""
        at = ("spec", key) if key else ("spec",)
        yield ctx.finding(at, "key", deadline=deadline)


@check("RL149")
def field_without_effect(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Fields of a canary that only count with, or only without, a traffic router."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary":
        return
    routed = rollout.canary.get("trafficRouting") is not None
    if routed and rollout.canary.get("maxSurge") is not None:
        yield ctx.finding((*CANARY, "maxSurge"), "key", value=text(rollout.canary["maxSurge"]))
    least = int32(rollout.canary.get("minPodsPerReplicaSet"))
    if not least:
        return
    path = (*CANARY, "minPodsPerReplicaSet")
    replicas = int32(rollout.spec.get("replicas"))
    if not routed:
        yield ctx.finding(path, "key", variant="min-pods")
    elif replicas is not None and 0 < replicas < least and not ctx.world.autoscalers(rollout.resource):
        yield ctx.finding(path, variant="min-pods-capped", least=least, replicas=replicas)


def _unreadable(value: object) -> bool:
    """True for a string that is no percentage for the controller, which drops the error and goes on with 0."""
    return isinstance(value, str) and not filled_later(value) and scaled_value(value, 100, True) is None


def _is_nothing(value: object) -> bool:
    """True where validation takes the value for 0, or where nobody knows."""
    return value in (0, "0%", "0") or _unreadable(value) or filled_later(value)


def _count(pods: int) -> str:
    return f"{pods} pod{'s' if pods != 1 else ''}"
