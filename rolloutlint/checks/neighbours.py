"""What lies around an object, as several families of rules ask: peers, near names, the pod template it runs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context
from rolloutlint.finding import Path
from rolloutlint.lang.names import near
from rolloutlint.model import Resource, Rollout, View, Workload


def where(ctx: Context[Any]) -> str:
    """The namespace in which a missing object was looked for, as text."""
    namespace = ctx.world.namespace(ctx.resource.resource)
    return f"namespace `{namespace}`" if namespace else "its namespace"


def peers(ctx: Context[Any], group: str, kind: str) -> Iterator[Resource]:
    """The objects of a kind that this one could have meant: near it, in its namespace and scope."""
    return (c for c in ctx.world.near(ctx.resource.resource, group, kind) if is_peer(ctx, c))


def is_peer(ctx: Context[Any], candidate: Resource) -> bool:
    world, mine = ctx.world, ctx.resource.resource
    same = world.namespace(candidate) in ("", world.namespace(mine))
    return same and bool(world.scopes(candidate) & world.scopes(mine))


def near_name(ctx: Context[Any], group: str, kind: str, name: str, used: Container[str] = ()) -> str | None:
    """The name of the object that was meant by `name`, of those this one could have meant and has not used."""
    letters = set(name)
    alike = (  # two edits change four different letters at most, which is quickly seen
        c
        for c in ctx.world.near(ctx.resource.resource, group, kind)
        if len(letters.symmetric_difference(c.id.name)) <= 4
    )
    return near(name, (c.id.name for c in alike if c.id.name not in used and is_peer(ctx, c)))


def pod_template(ctx: Context[Rollout]) -> tuple[View | None, Path, Mapping[str, Any]]:
    """The object that holds the Rollout's pod template, the path there, and the template; `None` if unknown."""
    rollout = ctx.resource
    if rollout.workload_ref is None:
        return rollout, ("spec", "template"), rollout.template
    workload = ctx.target("workloadRef")
    if not isinstance(workload, Workload):
        return None, (), {}
    base: Path = ("template",) if workload.id.kind == "PodTemplate" else ("spec", "template")
    return workload, base, workload.template
