"""RL654: Applications that bring each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource

_SHOWN = 3


@check("RL654")
def applications_bring_each_other(ctx: Context[Application]) -> Iterator[Finding]:
    """An Application that syncs one that syncs it. One in its own source is an ordinary app of apps."""
    cycles: Mapping[int, Sequence[Resource]] = ctx.world.derived("cycles of Applications", lambda: _cycles(ctx.world))
    cycle = cycles.get(ctx.resource.resource.number)
    if cycle is None:
        return
    others = [ctx.world.view(each) for each in cycle[1 : _SHOWN + 1]]
    if any(ctx.world.patched(each, ("spec",)) for each in cycle):
        return
    yield ctx.finding(
        ("metadata", "name"),
        related=[view.related(("metadata", "name"), "brings it, and is brought by it") for view in others],
        name=ctx.resource.name,
        others=" and ".join(f"`{view.name}`" for view in others),
    )


def _cycles(world: World) -> Mapping[int, Sequence[Resource]]:
    """The first Application of each cycle, by number -> all of it, in order."""
    applications = {one.number: one for one in world.of_kind("argoproj.io", "Application")}
    brought_by = {
        number: {a.resource.number for a in world.applications(one)} - {number} for number, one in applications.items()
    }
    found: dict[int, Sequence[Resource]] = {}
    told: set[int] = set()
    for number in sorted(n for n, others in brought_by.items() if others):
        if number in told:
            continue
        above = _reached(number, brought_by)
        cycle = sorted(n for n in above if n == number or number in _reached(n, brought_by)) if number in above else []
        if len(cycle) > 1:
            told.update(cycle)
            found[number] = [applications[n] for n in cycle]
    return found


def _reached(start: int, edges: Mapping[int, set[int]]) -> set[int]:
    """All that can be reached from `start`; itself only where a way leads back."""
    seen: set[int] = set()
    todo = list(edges.get(start, ()))
    while todo:
        number = todo.pop()
        if number not in seen:
            seen.add(number)
            todo += edges.get(number, ())
    return seen
