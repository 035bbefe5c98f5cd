"""RL206 to RL210: whose Services and whose pods they are - managed-by, `workloadRef`, selectors that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import near_name, where
from rolloutlint.controllers.traffic import MANAGED_BY
from rolloutlint.finding import Finding, Part, Path, Related
from rolloutlint.lang.names import near
from rolloutlint.lang.selector import matches_selector
from rolloutlint.model import Resource, Rollout, View, Workload
from rolloutlint.model.resource import split_api_version
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.model.values import dig, filled_later, mapping, text

WORKLOADS = (("", "PodTemplate"), ("apps", "Deployment"), ("apps", "ReplicaSet"))
"""Group and kind of what a `workloadRef` may name (rollout/templateref.go infoByGroupKind)."""
SCALE_DOWN = ("never", "onsuccess", "progressively")
"""The values that the controller compares `scaleDown` with (v1alpha1/types.go)."""
RUNNING = (("argoproj.io", "Rollout"), ("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"))


@check("RL206")
def service_managed_by_another(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Service whose annotation in Git says that another Rollout manages it."""
    rollout, seen = ctx.resource, set()
    path: Path = ("metadata", "annotations", MANAGED_BY)
    for reference in ctx.refs(*SERVICE_ROLES):
        target = reference.target
        if target is None or target.number in seen or not target.mentions(MANAGED_BY):
            continue
        seen.add(target.number)
        service = ctx.world.view(target)
        manager = service.annotations.get(MANAGED_BY)
        if manager in (None, rollout.name) or filled_later(manager) or ctx.world.patched(target, path):
            continue
        if any(other.origin.id.name == manager for other in ctx.world.referrers(target, *SERVICE_ROLES)):
            continue  # two Rollouts share it, which is RL202's
        yield ctx.finding(
            service.place(path),
            related=(rollout.related(reference.naming.path, "named by this Rollout"),),
            discriminator=rollout.name,
            service=service.name,
            manager=manager,
            rollout=rollout.name,
        )


@check("RL207")
def workload_ref_unresolved(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `workloadRef` whose kind is not supported, or whose workload does not exist."""
    reference = ctx.resource.workload_ref
    if not reference:
        return
    group, _ = split_api_version(text(reference.get("apiVersion")))
    kind, path = text(reference.get("kind")), ("spec", "workloadRef")
    if any(
        filled_later(reference.get(key)) or _malformed(reference.get(key)) for key in ("apiVersion", "kind", "name")
    ):
        return
    if (group, kind) not in WORKLOADS:
        right = [g for g, k in WORKLOADS if k == kind]
        field = "apiVersion" if right else "kind"
        yield ctx.finding(
            *_at(reference, path, field),
            variant="group" if right else "unsupported",
            said=f"workload of type {group}/{kind} is not supported",
            kind=kind,
            api_version="v1" if right == [""] else "apps/v1",
        )
        return
    if not text(reference.get("name")):
        yield ctx.finding(*_at(reference, path, "name"), variant="nameless", kind=kind)
        return
    if kind == "PodTemplate" and ctx.resource.spec.get("selector") is None:
        yield ctx.finding(path, "key", variant="no-selector")
    for found in ctx.refs("workloadRef"):
        if found.missing:
            hint = near_name(ctx, group, kind, found.naming.name)
            yield ctx.finding(
                found.naming.path,
                variant="near" if hint else "",
                kind=kind,
                name=found.naming.name,
                where=where(ctx),
                hint=hint,
            )


@check("RL208")
def template_beside_workload_ref(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A pod spec that a `workloadRef` replaces without a word."""
    metadata = mapping(ctx.resource.template.get("metadata"))
    if not ctx.resource.workload_ref or metadata.get("labels") or metadata.get("annotations"):
        return  # labels and annotations beside it are refused, which is another rule's
    if mapping(ctx.resource.template.get("spec")):
        name = text(ctx.resource.workload_ref.get("name"))
        yield ctx.finding(
            ("spec", "template"),
            "key",
            related=(ctx.resource.related(("spec", "workloadRef"), "the pods come from here", "key"),),
            fix=ctx.fix("Delete `template`", ctx.edit("remove", ("spec", "template"))),
            kind=text(ctx.resource.workload_ref.get("kind")) or "workload",
            name=name,
        )


@check("RL209")
def scale_down_without_effect(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `scaleDown` that the controller does not know, or for a workload that it does not scale."""
    reference = ctx.resource.workload_ref or {}
    value, path = reference.get("scaleDown"), ("spec", "workloadRef", "scaleDown")
    if not isinstance(value, str) or not value or filled_later(value):
        return
    if value not in SCALE_DOWN:
        same = value.lower() if value.lower() in SCALE_DOWN else None
        hint = same or near(value, SCALE_DOWN)
        fix = ctx.fix(f"Write `{same}`", ctx.edit("replace", path, same)) if same else None
        yield ctx.finding(path, variant="near" if hint else "", fix=fix, value=value, hint=hint)
    elif value != "never" and reference.get("kind") in ("ReplicaSet", "PodTemplate"):
        yield ctx.finding(path, variant="not-deployment", value=value, kind=reference["kind"])


@check("RL210")
def selector_overlaps(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A selector that also matches the pods of another workload of the namespace."""
    rollout = ctx.resource
    selector = rollout.spec.get("selector")
    wanted = mapping(dig(selector, "matchLabels"))
    if not wanted or ctx.world.patched(rollout.resource, ("spec", "selector")):
        return
    if not all(isinstance(v, str) and v.isascii() and not filled_later(v) for v in wanted.values()):
        return
    own = {r.target.number for r in ctx.refs("workloadRef") if r.target is not None}
    for other in _around(ctx, tuple(wanted.values())):
        if other.number in own or ctx.world.patched(other, ("spec", "template", "metadata", "labels")):
            continue
        view = ctx.world.view(other)
        labels = view.pod_labels if isinstance(view, (Rollout, Workload)) else {}
        if not matches_selector(selector, dict(labels)):
            continue
        scalers = [s for s in ctx.world.autoscalers(rollout.resource) if s.id.kind == "HorizontalPodAutoscaler"]
        yield ctx.finding(
            ("spec", "selector"),
            "key",
            variant="autoscaled" if scalers else "",
            related=(
                view.related(("spec", "template", "metadata", "labels"), "these pods match too", "key"),
                *(Related(s.place(("spec", "scaleTargetRef")), "counts both", s.id) for s in scalers[:1]),
            ),
            kind=view.id.kind,
            name=view.name,
        )
        return


def _malformed(value: object) -> bool:
    return value is not None and not isinstance(value, str)


def _at(value: Mapping[str, Any], path: Path, field: str) -> tuple[Path, Part]:
    """The value of `field`, or the key of the mapping that lacks it."""
    return ((*path, field), "value") if text(value.get(field)) else (path, "key")


def _around(ctx: Context[Rollout], words: tuple[str, ...]) -> Iterator[Resource]:
    """Other workloads of the namespace in whose text every one of `words` occurs."""
    mine: View = ctx.resource
    for group, kind in RUNNING:
        for other in ctx.world.beside(mine.resource, group, kind):
            same = (other.id.kind, other.id.name) == (mine.id.kind, mine.name)
            if not same and all(map(other.mentions, words)):
                yield other
