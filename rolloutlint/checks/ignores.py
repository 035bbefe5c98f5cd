"""RL630, RL631, RL634 to RL636: replicas that a sync takes back, ignore rules that freeze lists or match nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.ignore_differences import (
    ROLLOUTS_MANAGER,
    Rule,
    Target,
    covers,
    entries_of,
    faults,
    freezes,
    matches,
)
from rolloutlint.controllers.sync_options import diff_strategy
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.controllers.writes import AUTOSCALER_MANAGER, Write, reset_on_sync
from rolloutlint.finding import Edit, Finding, Fix, Path, Related
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.names import near
from rolloutlint.model import Application, Autoscaler, Resource, View
from rolloutlint.model.values import dig, filled_later

_REPLICAS: Path = ("spec", "replicas")
_SCALED = frozenset((("argoproj.io", "Rollout"), ("apps", "Deployment"), ("apps", "StatefulSet")))
_BUILT_IN = frozenset(("", "apps", "batch", "autoscaling", "policy", "extensions"))
_PAUSES = ("autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas")
_SHOWN = 3

Fate = Literal["healed", "synced", "ignored", "kept", "unknown"]
"""What becomes of replicas that something else than Git sets: taken back by self-heal or by each sync, taken back by
each sync although they are ignored, or left alone."""


@check("RL630")
def autoscaled_replicas_in_git(ctx: Context[Application]) -> Iterator[Finding]:
    """An autoscaler sets the replicas that a sync sets back to Git's."""
    if ctx.world.unsettled(ctx.resource.resource):
        return
    for resource in ctx.world.delivered(ctx.resource.resource):
        scaler = _scaler(ctx, resource) if resource.group_kind in _SCALED else None
        if scaler is None:
            continue
        view = ctx.world.view(resource)
        fate = _fate(ctx, view, AUTOSCALER_MANAGER, spared=ctx.resource.policy.apply_out_of_sync_only)
        if fate in ("kept", "unknown") or ctx.world.referrers(resource, "workloadRef"):
            continue
        yield ctx.finding(
            view.place(_REPLICAS),
            variant="" if fate == "healed" else fate,
            related=(scaler.related(("spec", "scaleTargetRef"), "sets the replicas", "key"),),
            fix=Fix("Leave `replicas` to the autoscaler", "unsafe", (Edit("remove", view.place(_REPLICAS)),)),
            discriminator=ctx.resource.name,
            kind=view.id.kind,
            name=view.name,
            replicas=int32(view.spec.get("replicas")),
            scaler=scaler.id.kind,
            application=ctx.resource.name,
        )


@check("RL631")
def replaced_workload_scaled_up(ctx: Context[Application]) -> Iterator[Finding]:
    """A Deployment that a Rollout has scaled down, and a sync scales up again."""
    if ctx.world.unsettled(ctx.resource.resource):
        return
    for resource in ctx.world.delivered(ctx.resource.resource):
        if resource.group_kind != ("apps", "Deployment"):
            continue
        down = [r for r in ctx.world.referrers(resource, "workloadRef") if r.origin.mentions("scaleDown")]
        rollouts = [ctx.world.view(reference.origin) for reference in down]
        rollouts = [r for r in rollouts if _scales_down(ctx, r)]
        # Each release changes the Deployment, so that ApplyOutOfSyncOnly spares nothing here.
        fate = _fate(ctx, ctx.world.view(resource), ROLLOUTS_MANAGER, spared=False) if rollouts else "kept"
        if fate in ("kept", "unknown"):
            continue
        view, rollout = ctx.world.view(resource), rollouts[0]
        yield ctx.finding(
            view.place(_REPLICAS),
            variant="" if fate == "healed" else fate,
            related=(rollout.related(("spec", "workloadRef", "scaleDown"), "scales it down"),),
            fix=Fix("Leave the pods to the Rollout", "unsafe", (Edit("replace", view.place(_REPLICAS), 0),)),
            discriminator=ctx.resource.name,
            name=view.name,
            replicas=int32(view.spec.get("replicas")),
            rollout=rollout.name,
            application=ctx.resource.name,
        )


@check("RL634")
def ignored_list_frozen(ctx: Context[Application]) -> Iterator[Finding]:
    """An ignored field inside a list of a custom resource, all of which then stays as it is in the cluster."""
    application = ctx.resource
    if not application.policy.respect_ignore_differences or ctx.world.unsettled(ctx.resource.resource):
        return
    for rule in application.ignore_rules:
        if _at_fault(ctx, rule):
            continue
        views = [ctx.world.view(r) for r in _matched(ctx, rule) if _custom(r) and not ctx.world.patched(r, ("spec",))]
        views = [view for view in views if not is_hook(view.annotations)]
        for entry, at in entries_of(rule):
            frozen = [(v, path) for v in views for path in freezes(entry, v.value, built_in=False) if _worth(v, path)]
            if not frozen:
                continue
            view, path = frozen[0]
            yield ctx.finding(
                at,
                related=[v.related(p, "stays as it is in the cluster", "key") for v, p in frozen[:_SHOWN]],
                list=".".join("[]" if isinstance(item, int) else str(item) for item in path).replace(".[]", "[]"),
                kind=view.id.kind,
                name=view.name,
                application=application.name,
            )


@check("RL635")
def ignore_rule_matches_nothing(ctx: Context[Application]) -> Iterator[Finding]:
    """A rule about objects that the Application does not sync."""
    application, world = ctx.resource, ctx.world
    if not application.ignore_rules or not world.whole(application.resource) or world.unsettled(application.resource):
        return
    delivered = list(world.delivered(application.resource))
    if any(world.layout.overlays_of(resource.document.source) for resource in delivered):
        return  # a build renames and adds objects
    if all(resource.group_kind == ("argoproj.io", "Application") for resource in delivered):
        return  # what the rules are about is not here
    for rule in application.ignore_rules:
        if not rule.kind or (rule.group, rule.kind) == ("", "Namespace"):
            continue
        wide = replace(rule, name="", namespace="")
        kinds = {each for each in {r.group_kind for r in delivered} if matches(wide, *each, "", "")}
        same_kind = [r for r in delivered if r.group_kind in kinds]
        if any(matches(_doubtful(rule, r, ctx), *_identity(ctx, r)) for r in same_kind) or _at_fault(ctx, rule):
            continue
        names = [r.id.name for r in same_kind]
        unnamed = rule.name and rule.name not in names
        field = "name" if same_kind and unnamed else "namespace" if same_kind else "kind"
        hint = near(rule.name, names) if field == "name" else None
        yield ctx.finding(
            (*rule.path, field),
            variant="near" if hint else field if field != "kind" else "",
            related=[Related(r.place(("metadata", "name")), "is there", r.id) for r in same_kind[:_SHOWN]],
            kind=rule.kind,
            name=rule.name,
            namespace=rule.namespace,
            hint=hint,
            application=application.name,
        )


@check("RL636")
def ignore_manager_unknown(ctx: Context[Application]) -> Iterator[Finding]:
    """A name in `managedFieldsManagers` under which the Rollouts controller does not write."""
    for rule in ctx.resource.ignore_rules:
        for fault in faults(rule):
            if fault.kind == "manager-unknown":
                yield ctx.finding(
                    fault.path,
                    fix=ctx.fix(f"Write `{ROLLOUTS_MANAGER}`", ctx.edit("replace", fault.path, ROLLOUTS_MANAGER)),
                    name=fault.text,
                    right=ROLLOUTS_MANAGER,
                )


def _identity(ctx: Context[Application], resource: Resource) -> Target:
    namespace = ctx.world.namespace(resource) or resource.id.namespace
    return Target(resource.id.group, resource.id.kind, namespace, resource.id.name)


def _doubtful(rule: Rule, resource: Resource, ctx: Context[Application]) -> Rule:
    """The rule, about every namespace where nobody knows in which one the object ends."""
    return rule if _identity(ctx, resource).namespace else replace(rule, namespace="")


def _matched(ctx: Context[Application], rule: Rule) -> Iterator[Resource]:
    """The objects that the Application syncs and the rule is certainly about."""
    for resource in ctx.world.delivered(ctx.resource.resource):
        if matches(rule, *_identity(ctx, resource)):
            yield resource


def _at_fault(ctx: Context[Application], rule: Rule) -> bool:
    """True where another rule says why this one cannot work, or its texts are filled in later."""
    if any(map(filled_later, (rule.group, rule.kind, rule.name, rule.namespace))):
        return True
    kinds = {resource.group_kind for resource in ctx.world.delivered(ctx.resource.resource)}
    return any(fault.kind != "manager-unknown" for fault in faults(rule, kinds))


def _custom(resource: Resource) -> bool:
    """True for a kind whose Go type Argo CD does not know, so that its lists have no merge keys."""
    group = resource.id.group
    return group == "gateway.networking.k8s.io" or (group not in _BUILT_IN and not group.endswith(".k8s.io"))


def _worth(view: View, path: Path) -> bool:
    """False for the lists of a Rollout's pod template, which RL602 is about."""
    return view.id.kind != "Rollout" or path[:2] != ("spec", "template")


def _scaler(ctx: Context[Application], resource: Resource) -> Autoscaler | None:
    """The autoscaler that certainly changes how many replicas the object has, if there is one."""
    namespace = ctx.world.namespace(resource)
    for other in ctx.world.autoscalers(resource):
        view = ctx.world.view(other)
        if not isinstance(view, Autoscaler) or view.target is None or view.target.group != resource.id.group:
            continue
        if ctx.world.namespace(other) != namespace or namespace is None or ctx.world.patched(other, ("spec",)):
            continue
        keda = other.id.kind == "ScaledObject"
        least = view.spec.get("minReplicaCount" if keda else "minReplicas", 0 if keda else 1)
        most = view.spec.get("maxReplicaCount" if keda else "maxReplicas", 100 if keda else None)
        paused = any(key in view.annotations for key in _PAUSES)
        if not paused and isinstance(most, int) and isinstance(least, int) and most > least:
            return view
    return None


def _scales_down(ctx: Context[Application], rollout: View) -> bool:
    down = dig(rollout.value, "spec", "workloadRef", "scaleDown")
    return down in ("onsuccess", "progressively") and not ctx.world.patched(rollout.resource, ("spec", "workloadRef"))


def _fate(ctx: Context[Application], view: View, manager: str, *, spared: bool) -> Fate:
    """What the Application does to replicas other than Git's. `spared`: ApplyOutOfSyncOnly counts here."""
    application, world = ctx.resource, ctx.world
    replicas = int32(view.spec.get("replicas"))
    if not replicas or is_hook(view.annotations) or world.patched(view.resource, _REPLICAS):
        return "kept"
    target = _identity(ctx, view.resource)
    rules = [_doubtful(rule, view.resource, ctx) for rule in application.ignore_rules]
    answer = covers(rules, view.value, target, [_REPLICAS], manager=manager).answers[_REPLICAS]
    if answer == "unknown" or (answer == "no" and _has_system_rules(ctx)):
        return "unknown"
    ignored = answer == "yes"
    if not ignored and application.policy.self_heal:
        return "healed"
    undone = reset_on_sync(
        Write(target, _REPLICAS, "set", "replicas-reset", manager, atomic=False),
        diff_strategy(application.value, view.value),
        ignored=ignored,
        out_of_sync_only=spared,
        respect_ignore=application.policy.respect_ignore_differences,
        argocd=ctx.settings.targets.argocd,
    )
    return "kept" if not undone else "ignored" if ignored else "synced"


def _has_system_rules(ctx: Context[Application]) -> bool:
    """True where an `argocd-cm` of the inputs has ignore rules."""
    found: bool = ctx.world.derived(
        "argocd-cm ignores",
        lambda: any(
            r.id.name == "argocd-cm" and r.mentions("ignoreDifferences") for r in ctx.world.of_kind("", "ConfigMap")
        ),
    )
    return found
