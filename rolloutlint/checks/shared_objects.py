"""RL650: objects that two Applications of one Argo CD sync to the same cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.sync_waves import HELM_HOOK, HOOK, is_hook
from rolloutlint.finding import Finding
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource

_APPLICATION = ("argoproj.io", "Application")
_SHOWN = 3


class Shared(NamedTuple):
    """An object that an Application has in common with an earlier one."""

    other: Resource
    """The earlier Application."""
    own: Resource
    theirs: Resource
    """The object as the other has it; the same where both read one file."""


@check("RL650")
def object_in_two_applications(ctx: Context[Application]) -> Iterator[Finding]:
    """An object that an earlier Application syncs too."""
    shared = _shared_objects(ctx.world).get(ctx.resource.resource.number, ())
    for other in dict.fromkeys(one.other for one in shared):
        common = [one for one in shared if one.other is other]
        first = common[0].own.id
        yield ctx.finding(
            ("metadata", "name"),
            variant="several" if len(common) > 1 else "",
            related=[
                ctx.world.view(other).related(("metadata", "name"), "syncs the same"),
                *(ctx.world.view(one.own).related(("metadata", "name"), "in both") for one in common[:_SHOWN]),
            ],
            discriminator=other.id.name,
            application=ctx.resource.name,
            other=other.id.name,
            kind=first.kind,
            name=first.name,
            more=len(common) - 1,
        )


def _shared_objects(world: World) -> Mapping[int, Sequence[Shared]]:
    """Number of an Application -> what it has in common with those before it."""
    return world.derived("shared objects", lambda: _find(world))


def _find(world: World) -> Mapping[int, Sequence[Shared]]:
    companies: dict[object, dict[int, Resource]] = {}
    for resource in world.of_kind(*_APPLICATION):
        for company in _companies(world, resource):
            companies.setdefault(company, {})[resource.number] = resource
    found: dict[int, dict[tuple[int, int], Shared]] = {}
    for together in companies.values():
        if len(together) < 2:
            continue
        first: dict[object, tuple[Resource, Resource]] = {}
        for number, application in sorted(together.items()):
            for own in world.delivered(application):
                key = _identity(world, application, own)
                other, theirs = first.setdefault(key, (application, own)) if key else (application, own)
                if other.number != number and other.id != application.id:
                    found.setdefault(number, {})[other.number, own.number] = Shared(other, own, theirs)
    return {number: tuple(shared.values()) for number, shared in found.items()}


def _companies(world: World, application: Resource) -> Iterator[object]:
    """What certainly keeps Applications in one Argo CD: their file, their parent, the set that generates them.

    Two of them elsewhere may be those of two clusters that each have an Argo CD of their own.
    """
    maker = world.generator(application)
    if maker is not None:
        yield "set", maker.number
        return
    yield "file", application.document.source
    for parent in world.applications(application):
        yield "parent", parent.resource.number


def _identity(world: World, application: Resource, resource: Resource) -> object:
    """What the object is in the cluster, or `None` where that is not certain, or for hooks, which nobody tracks."""
    if world.layout.overlays_of(resource.document.source) or any(map(resource.mentions, ("{{", "${"))):
        return None
    if (resource.mentions(HOOK) or resource.mentions(HELM_HOOK)) and is_hook(world.view(resource).annotations):
        return None
    view: Any = world.view(application)
    if not isinstance(view, Application) or not view.destination or world.unsettled(application):
        return None
    namespace = world.namespace(resource)
    if namespace is None:
        namespace = resource.id.namespace or view.destination_namespace
    return view.destination, *resource.group_kind, namespace, resource.id.name
