"""RL138 and RL139: what a step does not wait for, and quantities that are dropped."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Path
from rolloutlint.lang.quantity import parse_quantity
from rolloutlint.model import Rollout
from rolloutlint.model.values import dig, entries, filled_later, mapping, text

EXCLUSIVE = ("setWeight", "pause", "experiment", "analysis")
"""Of these a step may have one, which validation checks (validation.go hasMultipleStepsType)."""
GATES = ("experiment", "analysis", "plugin")


@check("RL138")
def gate_not_awaited(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A step that holds a gate and something else, which alone decides when the step ends."""
    for step in ctx.resource.steps if ctx.resource.strategy_kind == "canary" else ():
        kinds = step.kinds
        if sum(kind in EXCLUSIVE for kind in kinds) > 1:
            continue  # refused, which is another rule's
        gate = next((kind for kind in kinds[1:] if kind in GATES), None)
        if gate is not None:
            first = ctx.resource.related((*step.path, kinds[0]), "decides when the step ends", "key")
            yield ctx.finding(
                (*step.path, gate), "key", related=(first,), step=step.index + 1, gate=gate, first=kinds[0]
            )


@check("RL139")
def quantity_dropped(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A resource limit or request that is no quantity."""
    base: Path = ("spec", "template")
    if ctx.resource.workload_ref is not None:
        return
    for field in ("containers", "initContainers"):
        for path, container in entries(ctx.resource.template, base, "spec", field):
            for group in ("limits", "requests"):
                for key, value in mapping(dig(container, "resources", group)).items():
                    if not isinstance(value, str) or filled_later(value) or parse_quantity(value) is not None:
                        continue
                    yield ctx.finding(
                        (*path, "resources", group, key),
                        container=text(container.get("name")) or "?",
                        group=group,
                        key=key,
                        value=value if value.strip() else '""',
                    )
