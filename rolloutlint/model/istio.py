"""VirtualService and DestinationRule as Istio and the Rollouts controller read them.

Hosts: istio `pilot/pkg/model/config.go` ResolveShortnameToFQDN; the Rollouts controller compares only the
first DNS label of a host (argo-rollouts `rollout/trafficrouting/istio/istio.go` getHost).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio_hosts import full_host as full_host
from rolloutlint.finding import Path
from rolloutlint.model.resource import View
from rolloutlint.model.values import entries, mapping, string_map, text


class Destination(NamedTuple):
    """One weighted destination of a route."""

    path: Path
    host: str
    subset: str
    weight: int | None
    """`None` where no weight is written or it is not an integer."""

    @property
    def service(self) -> str:
        """The first DNS label of the host, which is all that the Rollouts controller compares."""
        return self.host.split(".", 1)[0]


class Route:
    """One http, tls or tcp route of a VirtualService."""

    __slots__ = ("index", "path", "protocol", "value")

    def __init__(
        self, protocol: Literal["http", "tls", "tcp"], index: int, path: Path, value: Mapping[str, Any]
    ) -> None:
        self.protocol = protocol
        self.index = index
        self.path = path
        self.value = value

    @property
    def name(self) -> str:
        """The route's name, `""` if it has none."""
        return text(self.value.get("name"))

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The entries of `route` with their hosts, subsets and weights."""
        found = []
        for path, item in entries(self.value, self.path, "route"):
            target = mapping(item.get("destination"))
            weight = item.get("weight")
            found.append(
                Destination(
                    path,
                    text(target.get("host")),
                    text(target.get("subset")),
                    weight if isinstance(weight, int) and not isinstance(weight, bool) else None,
                )
            )
        return tuple(found)


class VirtualService(View):
    """networking.istio.io VirtualService."""

    def _routes(self, protocol: Literal["http", "tls", "tcp"]) -> tuple[Route, ...]:
        return tuple(Route(protocol, int(p[-1]), p, v) for p, v in entries(self.value, (), "spec", protocol))

    @cached_property
    def http(self) -> tuple[Route, ...]:
        """`spec.http`."""
        return self._routes("http")

    @cached_property
    def tls(self) -> tuple[Route, ...]:
        """`spec.tls`."""
        return self._routes("tls")

    @cached_property
    def tcp(self) -> tuple[Route, ...]:
        """`spec.tcp`."""
        return self._routes("tcp")


class Subset(NamedTuple):
    """One subset of a DestinationRule."""

    name: str
    labels: Mapping[str, str]
    path: Path


class DestinationRule(View):
    """networking.istio.io DestinationRule."""

    @property
    def host(self) -> str:
        """`spec.host` as written."""
        return text(self.spec.get("host"))

    @cached_property
    def subsets(self) -> tuple[Subset, ...]:
        """`spec.subsets`."""
        return tuple(
            Subset(text(v.get("name")), string_map(v.get("labels")), p)
            for p, v in entries(self.value, (), "spec", "subsets")
        )

    def subset(self, name: str) -> Subset | None:
        """The subset called `name`."""
        return next((s for s in self.subsets if s.name == name), None)
