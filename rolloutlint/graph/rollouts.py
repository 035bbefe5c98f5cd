"""The Rollouts that a name on the command line means."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.errors import UsageError
from rolloutlint.graph.world import World
from rolloutlint.lang.names import near
from rolloutlint.model import Resource

ROLLOUT = ("argoproj.io", "Rollout")


def rollouts_named(world: World, wanted: str) -> tuple[int, ...]:
    """The numbers of the Rollouts that `namespace/name` or `name` means.

    Raises `UsageError` where there is none, with the name that was meant if one is near.
    """
    rollouts = world.of_kind(*ROLLOUT)
    by_name: dict[str, list[int]] = {}
    for rollout in rollouts:
        spelt = {rollout.id.name}
        for namespace in _namespaces(world, rollout):
            spelt.add(f"{namespace}/{rollout.id.name}")
        for each in spelt:
            by_name.setdefault(each, []).append(rollout.number)
    found = by_name.get(wanted)
    if found is not None:
        return tuple(found)
    if not rollouts:
        raise UsageError(f"--rollout: no Rollout `{wanted}`: there is none among the inputs")
    same_form = sorted(each for each in by_name if ("/" in each) == ("/" in wanted))
    hint = near(wanted, same_form)
    if hint is None and "/" in wanted:
        name = wanted.rpartition("/")[2]
        hint = next((each for each in same_form if each.rpartition("/")[2] == name), None)
    known = sorted({full_name(world, r) for r in rollouts})
    there_is = ", ".join(f"`{name}`" for name in known[:5]) + (f" and {len(known) - 5} more" * (len(known) > 5))
    told = f"did you mean `{hint}`?" if hint else f"there is {there_is}"
    raise UsageError(f"--rollout: no Rollout `{wanted}` among the inputs: {told}")


def _namespaces(world: World, resource: Resource) -> Iterator[str]:
    """The namespaces an object is known to end up in, or is written in."""
    yield from filter(None, (world.namespace(resource), resource.id.namespace))
    for overlay in world.layout.overlays_of(resource.document.source):
        if overlay.namespace:
            yield overlay.namespace


def full_name(world: World, resource: Resource) -> str:
    """`namespace/name`, with the namespace in which the object ends up if that is known."""
    namespace = world.namespace(resource) or resource.id.namespace
    return f"{namespace}/{resource.id.name}" if namespace else resource.id.name
