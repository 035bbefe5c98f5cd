"""Where what an answer speaks of is written, also where a Rollout has moved or inserted it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from rolloutlint.controllers.istio import Config, Mesh, hosts_of
from rolloutlint.controllers.istio_hosts import service_of, within
from rolloutlint.controllers.istio_values import as_list, as_map, text_of
from rolloutlint.controllers.istio_writes import Origin, Written
from rolloutlint.finding import Path, show_path
from rolloutlint.graph import World
from rolloutlint.model.values import dig
from rolloutlint.routes.answer import Location
from rolloutlint.settle import Texts
from rolloutlint.simulate.in_force import InForce, Manager


class Places:
    """The places of one decision."""

    def __init__(
        self,
        world: World,
        texts: Texts,
        written: Mapping[int, Written],
        managers: Mapping[int, Sequence[Manager]],
        moments: Mapping[int, InForce],
    ) -> None:
        self.world = world
        self.texts = texts
        self.written = written
        self.managers = managers
        self.moments = moments
        """Number of a Rollout -> where it stands; empty where nothing is simulated."""

    def at(self, number: int, path: Path, part: Literal["key", "value"] = "value") -> Location:
        """A place in the object of a number."""
        resource = self.world.resources[number]
        place = resource.place(path, part)
        span, _ = self.texts.span(place)
        return Location(place.document.source, span.line, show_path(path), resource.id)

    def place(self, config: Config, path: Path) -> tuple[Location, Origin]:
        """Where `path` of an object stands in a file, and whether it is the object's own or the Rollout's doing."""
        assert isinstance(config.key, int)
        written = self.written.get(config.key)
        origin = written.origin(path) if written else Origin("object", path)
        if origin.of == "object":
            return self.at(config.key, origin.path), origin
        writing = [m.rollout.resource.number for m in self.managing(config)]
        # Only a Rollout that updates puts routes in, and one at a time is told to.
        rollout = next(number for number in writing if number in self.moments and self.moments[number].updating)
        return self.at(rollout, origin.path, "key"), origin

    def managing(self, config: Config) -> Sequence[Manager]:
        """The Rollouts that write to an object."""
        assert isinstance(config.key, int)
        return self.managers.get(config.key, ())

    def rule(self, config: Config, path: Path) -> str:
        """`http[0] primary`."""
        section, index = path[1], path[2]
        name = text_of(as_map(dig(config.value, *path[:3])), "name")
        return f"{section}[{index}]{' ' * bool(name)}{name}"


def name_of(config: Config) -> str:
    """`namespace/name`, the name alone where nothing tells the namespace."""
    return f"{config.namespace}/{config.name}" if config.namespace else config.name


def claiming(mesh: Mesh, full: str) -> Iterator[Config]:
    """The VirtualServices with a host that covers a full host."""
    for config in mesh.of_kind("VirtualService"):
        if any(within(full, host.lower()) for host in hosts_of(config, mesh.domain)):
            yield config


def serves(server: Mapping[Any, Any], host: str) -> bool:
    """Whether a server of a Gateway takes a host."""
    hosts = [h for h in as_list(server.get("hosts")) if isinstance(h, str)]
    return any(within(host, h.lower().rpartition("/")[2]) for h in hosts)


def short_host(host: str) -> str:
    """A full host as people call it."""
    named = service_of(host)
    if host.endswith("..svc.cluster.local"):
        return host.removesuffix("..svc.cluster.local")
    return f"{named.name}.{named.namespace}" if named else host
