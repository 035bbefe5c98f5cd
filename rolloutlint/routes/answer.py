"""What is asked and what is answered: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal, NamedTuple

from rolloutlint.controllers.istio_matching import Request
from rolloutlint.controllers.istio_routing import Action
from rolloutlint.finding import ResourceId
from rolloutlint.simulate.in_force import Step

State = Literal["found", "missing", "unknown"]
Version = Literal["canary", "stable", "both", ""]


class Question(NamedTuple):
    """A request, and when it is sent."""

    host: str
    """`web`, `web.shop`, `shop.example.com`, each with or without a port."""
    path: str = "/"
    """With the query string, if there is one."""
    method: str = "GET"
    headers: Mapping[str, str] = {}
    door: str = ""
    """`mesh`, `gateway`, `gateway/NAMESPACE/NAME`; empty: the mesh, or else the gateways that take the host."""
    namespace: str | None = None
    """Of the proxy that routes."""
    port: int | None = None
    labels: Mapping[str, str] | None = None
    """Of the pod of that proxy."""
    step: Step | None = None
    """`None`: the objects as they are written."""
    rollout: str = ""
    """The Rollout that is at that step, where several write what the request meets."""


class Location(NamedTuple):
    """A place in a file."""

    file: str
    line: int
    path: str
    resource: ResourceId


class Link(NamedTuple):
    """One link of the chain: what it says, and where that is written."""

    kind: Literal[
        "gateway", "virtual-service", "delegate", "rule", "match", "destination", "service", "subset", "experiment"
    ]
    words: str
    at: Location | None


class Other(NamedTuple):
    """A VirtualService that was not taken, and why."""

    name: str
    why: str
    at: Location


class Skipped(NamedTuple):
    """A match that was not taken, and why."""

    rule: str
    why: tuple[str, ...]
    perhaps: bool
    """True where it may be taken after all."""
    at: Location


class Shadowed(NamedTuple):
    """A rule or match that no request ever reaches."""

    rule: str
    at: Location
    by: Location


class Receiver(NamedTuple):
    """A workload whose pods get the requests of a destination."""

    workload: str
    """`Rollout shop/cart`."""
    version: Version
    """Of a Rollout: which of its versions; empty where that is not known or there is one only."""
    share: Fraction | None
    """Percent of the destination's requests; `None` where it is not known."""
    at: Location


class Destination(NamedTuple):
    """One destination of the rule that was taken."""

    host: str
    port: int
    subset: str
    share: Fraction
    """Percent of the requests, or for a mirror of the copies."""
    weight: int | None
    role: Literal["canary", "stable", "experiment", ""]
    """What it is to `rollout`."""
    rollout: str
    state: State
    problem: str
    """Why it is missing or unknown."""
    chain: tuple[Link, ...]
    labels: tuple[tuple[str, str], ...]
    receivers: tuple[Receiver, ...]
    pods: State


class Moment(NamedTuple):
    """A Rollout that writes what the request meets."""

    rollout: str
    step: Step | None
    words: str
    weight: int | None
    at: Location


class Answer(NamedTuple):
    """Where the request goes in one environment, through one door."""

    environments: tuple[str, ...]
    request: Request
    host: str
    """In full."""
    action: Action
    certain: bool
    chain: tuple[Link, ...]
    others: tuple[Other, ...]
    skipped: tuple[Skipped, ...]
    shadowed: tuple[Shadowed, ...]
    destinations: tuple[Destination, ...]
    mirrors: tuple[Destination, ...]
    moments: tuple[Moment, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether the proxy certainly answers some of the requests itself with 404 or 503."""
        if not self.certain:
            return False
        lost = any(d.share and "missing" in (d.state, d.pods) for d in self.destinations)
        return lost or self.action in ("not-found", "unbound")
