"""RL213 and RL214: autoscalers that scale something else than the Rollout, and budgets that block every eviction."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import near_name, where
from rolloutlint.finding import Finding, Fix, Part, Path
from rolloutlint.graph import Naming, Reference
from rolloutlint.lang.intstr import int32, scaled_value
from rolloutlint.lang.selector import matches_selector
from rolloutlint.model import Autoscaler, DisruptionBudget, Resource, Rollout, View, Workload
from rolloutlint.model.kubernetes import ScaleTarget
from rolloutlint.model.values import dig, filled_later, mapping

ROLLOUTS = "argoproj.io"


@check("RL213")
def autoscaler_wrong_target(ctx: Context[Autoscaler]) -> Iterator[Finding]:
    """An autoscaler whose target is not the Rollout that is meant."""
    target = ctx.resource.target
    if target is None or filled_later(target.name) or ctx.world.patched(ctx.resource.resource, target.path):
        return
    if target.kind == "Rollout":
        yield from _wrong_group(ctx, target) if target.group != ROLLOUTS else _missing_rollout(ctx)
        return
    workload = ctx.world.resolve(ctx.resource.resource, _naming(target, target.group, target.kind))
    if workload.target is not None:
        yield from _replaced(ctx, target, workload.target)
        return
    rollout = ctx.world.resolve(ctx.resource.resource, _naming(target, ROLLOUTS, "Rollout")).target
    if rollout is None or target.kind not in ("Deployment", "ReplicaSet", "StatefulSet"):
        return
    view = ctx.world.view(rollout)
    assert isinstance(view, Rollout)
    if view.workload_ref or ctx.world.autoscalers(rollout):
        return
    if ctx.world.namesakes(ctx.resource.resource, _naming(target, target.group, target.kind)):
        return
    yield ctx.finding(
        *_at(ctx, target, "kind"),
        variant="keda-default" if "kind" not in mapping(dig(ctx.resource.value, *target.path)) else "",
        related=(view.related(("metadata", "name"), "the Rollout of that name"),),
        fix=_retarget(ctx, target),
        scaler=ctx.resource.id.kind,
        kind=target.kind,
        name=target.name,
    )


@check("RL214")
def disruption_budget_blocks(ctx: Context[DisruptionBudget]) -> Iterator[Finding]:
    """A budget for the pods of a Rollout that never allows an eviction."""
    budget = ctx.resource
    if not isinstance(budget.selector, dict) or ctx.world.patched(budget.resource, ("spec",)):
        return
    most, least = budget.spec.get("maxUnavailable"), budget.spec.get("minAvailable")
    if (most is None) is (least is None):
        return
    for resource in ctx.world.beside(budget.resource, ROLLOUTS, "Rollout"):
        rollout = ctx.world.view(resource)
        assert isinstance(rollout, Rollout)
        labels = rollout.pod_labels
        if not labels or not matches_selector(budget.selector, dict(labels)):
            continue
        field, value = ("minAvailable", least) if most is None else ("maxUnavailable", most)
        pods = _pods(ctx, rollout)
        if not _blocks(field, value, pods):
            continue
        yield ctx.finding(
            ("spec", field),
            variant="" if pods is None or str(value) in ("0", "0%", "100%") else "pods",
            related=(rollout.related(("spec", "replicas") if pods else ("metadata", "name"), "the pods it covers"),),
            field=field,
            value=value,
            rollout=rollout.name,
            pods=pods,
        )
        return


def _naming(target: ScaleTarget, group: str, kind: str) -> Naming:
    return Naming("scaleTarget", group, kind, "", target.name, (*target.path, "name"))


def _wrong_group(ctx: Context[Autoscaler], target: ScaleTarget) -> Iterator[Finding]:
    """A Rollout of a group that serves none."""
    if target.group in ("", "apps", "extensions", "autoscaling") or "argo" in target.group:
        yield ctx.finding(
            *_at(ctx, target, "apiVersion"),
            variant="group",
            fix=_retarget(ctx, target),
            scaler=ctx.resource.id.kind,
            name=target.name,
            group=f"the group `{target.group}`" if target.group else "the core group",
        )


def _missing_rollout(ctx: Context[Autoscaler]) -> Iterator[Finding]:
    for reference in ctx.refs("scaleTarget"):
        if reference.missing:
            name = reference.naming.name
            hint = near_name(ctx, ROLLOUTS, "Rollout", name)
            yield ctx.finding(
                reference.naming.path,
                variant="missing-near" if hint else "missing",
                scaler=ctx.resource.id.kind,
                name=name,
                where=where(ctx),
                hint=hint,
            )


def _replaced(ctx: Context[Autoscaler], target: ScaleTarget, workload: Resource) -> Iterator[Finding]:
    """The target is a Deployment that a Rollout scales to 0 or that stands at 0, and nothing scales the Rollout."""
    users: tuple[Reference, ...] = ctx.world.referrers(workload, "workloadRef")
    view = ctx.world.view(workload)
    if len(users) != 1 or not isinstance(view, Workload):
        return
    rollout = ctx.world.view(users[0].origin)
    down = dig(rollout.value, "spec", "workloadRef", "scaleDown") in ("onsuccess", "progressively")
    if not down and int32(view.spec.get("replicas")) != 0:
        return
    if ctx.world.patched(workload, ("spec", "replicas")) or ctx.world.autoscalers(rollout.resource):
        return
    yield ctx.finding(
        *_at(ctx, target, "kind"),
        variant="replaced",
        related=(rollout.related(users[0].naming.path, "takes its pods from that workload"),),
        scaler=ctx.resource.id.kind,
        kind=target.kind,
        name=target.name,
        rollout=rollout.name,
    )


def _at(ctx: Context[Autoscaler], target: ScaleTarget, field: str) -> tuple[Path, Part]:
    """The value of a field of the reference, or the key of the reference that lacks it."""
    written = mapping(dig(ctx.resource.value, *target.path)).get(field)
    return ((*target.path, field), "value") if written else (target.path, "key")


def _retarget(ctx: Context[Autoscaler], target: ScaleTarget) -> Fix:
    """The edits that make the reference name the Rollout."""
    written = mapping(dig(ctx.resource.value, *target.path))
    edits, absent = [], {}
    for field, value in (("apiVersion", f"{ROLLOUTS}/v1alpha1"), ("kind", "Rollout")):
        if field not in written:
            absent[field] = value
        elif written[field] != value:
            edits.append(ctx.edit("replace", (*target.path, field), value))
    if absent:
        edits.append(ctx.edit("insert", target.path, absent))
    return ctx.fix("Scale the Rollout", *edits, safety="unsafe")


def _pods(ctx: Context[DisruptionBudget], rollout: View) -> int | None:
    """How many pods the Rollout has at rest, where Git alone decides."""
    replicas = rollout.spec.get("replicas")
    if ctx.world.autoscalers(rollout.resource) or ctx.world.patched(rollout.resource, ("spec", "replicas")):
        return None
    return int32(replicas)


def _blocks(field: str, value: object, pods: int | None) -> bool:
    """True where no pod may ever be evicted at rest (k8s pkg/controller/disruption: both percentages round up)."""
    if not isinstance(value, (int, str)) or isinstance(value, bool) or filled_later(value):
        return False
    if isinstance(value, str) and not value.endswith("%"):
        return False
    if field == "maxUnavailable":
        return value in (0, "0%")
    if value == "100%":
        return True
    wanted = scaled_value(value, pods or 0, True)
    return pods is not None and pods > 0 and wanted is not None and wanted >= pods
