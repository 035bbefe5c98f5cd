"""RL651, RL652: resource customizations in `argocd-cm` that Argo CD cannot read, or that are about nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.customizations import BREAKING, Fault, customization_faults
from rolloutlint.finding import Finding, Fix
from rolloutlint.model import View
from rolloutlint.model.values import mapping

_NAME = "argocd-cm"


@check("RL651")
def customization_breaks_settings(ctx: Context[View]) -> Iterator[Finding]:
    """A customization that fails all of them, and with them every comparison."""
    for fault in _faults(ctx):
        if fault.kind in BREAKING:
            yield _about(ctx, fault, "" if fault.kind == "type-unknown" else fault.kind)


@check("RL652")
def customization_without_effect(ctx: Context[View]) -> Iterator[Finding]:
    """A customization that is passed over, or about a kind that no object has."""
    for fault in _faults(ctx):
        if fault.kind not in BREAKING:
            meant = fault.meant or fault.kind == "type-missing"
            yield _about(ctx, fault, "" if fault.kind == "kind-case" else fault.kind if meant else f"{fault.kind}-open")


def _faults(ctx: Context[View]) -> Iterator[Fault]:
    if ctx.resource.name == _NAME:
        yield from customization_faults(mapping(ctx.resource.value.get("data")), _kinds(ctx))


def _kinds(ctx: Context[View]) -> frozenset[tuple[str, str]]:
    """The kinds of the inputs."""
    return ctx.world.derived("kinds", lambda: frozenset(r.group_kind for r in ctx.world.resources))


def _about(ctx: Context[View], fault: Fault, variant: str) -> Finding:
    data = mapping(ctx.resource.value.get("data"))
    renamed = fault.rename if fault.rename and fault.rename not in data else ""
    return ctx.finding(
        ("data", fault.key),
        "key" if fault.piece is None else "value",
        piece=fault.piece,
        variant=variant,
        fix=_renaming(ctx, fault.key, renamed) if renamed else None,
        discriminator=f"{fault.kind} {fault.text}",
        key=fault.key,
        text=fault.text,
        meant=fault.meant,
        problem=fault.problem,
    )


def _renaming(ctx: Context[View], key: str, meant: str) -> Fix:
    return ctx.fix(f"Write `{meant}`", ctx.edit("rename", ("data", key), meant))
