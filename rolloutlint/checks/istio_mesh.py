"""The mesh around an object, as the rules about Istio ask for it: one `Mesh` for each set of scopes.

Its `Config.key` is the number of the resource. Objects whose namespace differs by overlay are left out, and whatever
rendering may change is for the caller to ask (`World.patched`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context
from rolloutlint.controllers.istio import SERVICE_EXPORTS, Config, Mesh, config_of
from rolloutlint.controllers.istio_hosts import EVERYWHERE, full_host, service_of
from rolloutlint.finding import Path
from rolloutlint.graph import Naming, Reference, World
from rolloutlint.graph.mesh import MESH_KINDS
from rolloutlint.model import Resource, View
from rolloutlint.model.values import dig, filled_later, mapping, sequence, text

ISTIO = "networking.istio.io"


class Destination(NamedTuple):
    """A destination written in a VirtualService, of a route or a mirror."""

    path: Path
    """Path of the mapping that holds `host`."""
    value: Mapping[str, Any]
    host: str
    """As written."""
    subset: str
    full: str
    """The full host."""


def mesh_of(ctx: Context[Any]) -> Mesh:
    """The mesh of everything that shares a scope with the object that is looked at."""
    world, mine = ctx.world, ctx.resource.resource
    scopes = world.scopes(mine)

    def make() -> Mesh:
        found = []
        for resource in (r for kind in MESH_KINDS for r in world.of_kind(*kind) if world.scopes(r) & scopes):
            namespace = world.namespace(resource)
            if namespace is None:
                continue
            if resource.id.kind == "Service" and resource.id.version == "v1" and resource.id.name:
                found.append(_unread(world, resource, namespace))
                continue
            config = config_of(resource.thaw(), key=resource.number)
            if config is not None:
                found.append(config._replace(namespace=namespace))
        return Mesh(found)

    return world.derived(("mesh", scopes), make)


class _Unread(Config):
    """A Service that is read when somebody asks: a mesh has thousands of them, and few are looked at closely.

    In the place of its value it keeps what makes the view of it.
    """

    __slots__ = ()

    @property
    def value(self) -> Mapping[Any, Any]:
        view: Callable[[], View] = self[3]  # type: ignore[assignment]
        return view().value


class _Public(_Unread):
    """One that certainly says nothing about where it is exported."""

    __slots__ = ()

    @property
    def exported(self) -> frozenset[str]:
        return EVERYWHERE


def _unread(world: World, resource: Resource, namespace: str) -> Config:
    kind = _Unread if resource.mentions(SERVICE_EXPORTS) else _Public
    view: Any = partial(world.view, resource)
    return kind("Service", namespace, resource.id.name, view, resource.number)


def resource_of(ctx: Context[Any], config: Config) -> Resource:
    """The resource that a `Config` of `mesh_of` was made from."""
    assert isinstance(config.key, int)
    return ctx.world.resources[config.key]


def view_of(ctx: Context[Any], config: Config) -> View:
    """The view of the object that a `Config` of `mesh_of` was made from."""
    return ctx.world.view(resource_of(ctx, config))


def certain(ctx: Context[Any], config: Config, path: Path = ("spec",)) -> bool:
    """True where the object is applied as it stands."""
    return not ctx.world.patched(resource_of(ctx, config), path)


def destinations(ctx: Context[Any]) -> Sequence[Destination]:
    """The destinations of a VirtualService whose host can be read, mirrors among them, in document order."""
    return ctx.world.shared(ctx.resource.resource, "destinations", lambda: tuple(_destinations(ctx)))


def _destinations(ctx: Context[Any]) -> Iterator[Destination]:
    namespace = ctx.world.namespace(ctx.resource.resource)
    if namespace is None:
        return
    for path, value in _written(ctx.resource):
        host, subset = text(value.get("host")), text(value.get("subset"))
        if host and not filled_later(host) and not filled_later(subset):
            yield Destination(path, value, host, subset, full_host(host, namespace))


def _written(view: View) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    spec = view.spec
    for section in ("http", "tls", "tcp"):
        for number, route in enumerate(sequence(spec.get(section))):
            if not isinstance(route, dict):
                continue
            base: Path = ("spec", section, number)
            mirror = route.get("mirror") if section == "http" else None
            if isinstance(mirror, dict):
                yield (*base, "mirror"), mirror
            for field in ("route", "mirrors"):
                for index, entry in enumerate(sequence(route.get(field))):
                    value = entry.get("destination") if isinstance(entry, dict) else None
                    if isinstance(value, dict):
                        yield (*base, field, index, "destination"), value


def service_reference(ctx: Context[Any], destination: Destination) -> Reference | None:
    """The world's answer to the Service that a destination means; `None` for hosts of other kinds."""
    namespace = ctx.world.namespace(ctx.resource.resource)
    if "." not in destination.host and not destination.host.startswith("*"):
        naming = Naming("destination", "", "Service", "", destination.host, (*destination.path, "host"))
    else:
        named = service_of(destination.full)
        if named is None:
            return None
        place = "" if named.namespace == namespace else named.namespace
        naming = Naming("destination", "", "Service", place, named.name, (*destination.path, "host"))
    return ctx.world.resolve(ctx.resource.resource, naming)


def complete(ctx: Context[Any], kind: str, namespace: str) -> bool:
    """True where all objects of an Istio kind in a namespace are known: one that is not there is missing.

    Objects that state no namespace beside others that do leave that open.
    """
    world, mine = ctx.world, ctx.resource.resource
    naming = Naming("any", ISTIO, kind, namespace, "", ())  # no object has an empty name

    def mixed() -> bool:
        namespaces = {world.namespace(r) for r in world.of_kind(ISTIO, kind) if world.scopes(r) & world.scopes(mine)}
        return None in namespaces or len({bool(n) for n in namespaces}) > 1

    return world.resolve(mine, naming).missing and not world.derived(("mixed", kind, world.scopes(mine)), mixed)


def managed_routes(ctx: Context[Any]) -> frozenset[Path]:
    """The routes of a VirtualService whose weights Rollouts set, which other rules speak about."""
    from rolloutlint.controllers.istio_routes import select_routes
    from rolloutlint.model import Rollout

    found = set()
    for reference in ctx.world.referrers(ctx.resource.resource, "virtualService"):
        rollout = ctx.world.view(reference.origin)
        use = dig(rollout.value, *reference.naming.path[:-1])
        names = rollout.managed_routes if isinstance(rollout, Rollout) else ()
        selection = select_routes(ctx.resource.spec, mapping(use), names)
        found |= {("spec", *route) for route in selection.routes} if selection else set()
    return frozenset(found)
