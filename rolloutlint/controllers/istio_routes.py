"""Which routes of a VirtualService a Rollout weighs, and what each destination there is to it.

Mirrors argo-rollouts `rollout/trafficrouting/istio/istio.go` (getHttpRouteIndexesToPatch, searchTlsRoute,
searchTcpRoute, ValidateHTTPRoutes and kin, processRoutes) and `trafficrouting/service_helper.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Section = Literal["http", "tls", "tcp"]
Role = Literal["canary", "stable", "kept", "other"]
"""What a destination is: the canary's, the stable one's, one of `additionalSubsetNames`, or one to be deleted."""

_FIELDS: tuple[tuple[Section, str], ...] = (("http", "routes"), ("tls", "tlsRoutes"), ("tcp", "tcpRoutes"))


class Selection(NamedTuple):
    """The controller's choice of routes."""

    sections: tuple[Section, ...]
    """The sections that the VirtualService has, even empty."""
    routes: tuple[tuple[Section, int], ...] = ()
    """Section and index of each route whose weights are set."""
    unmatched: tuple[tuple[str, int], ...] = ()
    """Field (`routes`, `tlsRoutes`, `tcpRoutes`) and index of each entry that no route answers to."""
    ambiguous: tuple[Section, ...] = ()
    """Sections in which the controller would have to choose and refuses to."""


def select_routes(spec: object, reference: object, managed: tuple[str, ...] = ()) -> Selection | None:
    """The routes of a VirtualService's `spec` that a Rollout with this `virtualService` entry weighs.

    `managed` are the names in `managedRoutes`. `None` where either is malformed: then Istio or the API server
    refuses it, and nobody weighs anything.
    """
    if not isinstance(spec, dict) or not isinstance(reference, dict):
        return None
    sections: list[Section] = []
    routes: list[tuple[Section, int]] = []
    unmatched: list[tuple[str, int]] = []
    ambiguous: list[Section] = []
    for section, field in _FIELDS:
        wanted = _entries(reference.get(field), str if section == "http" else Mapping)
        present = _entries(spec.get(section), Mapping)
        if wanted is None or present is None:
            return None
        if spec.get(section) is None:
            continue
        sections.append(section)
        if wanted:
            for index, entry in enumerate(wanted):
                hits = [(section, i) for i in _answering(section, entry, present)]
                routes.extend(hit for hit in hits if hit not in routes)
                if not hits:
                    unmatched.append((field, index))
        else:
            routes.extend((section, i) for i in _chosen(section, present))
            if sum(section != "http" or _name(route) not in managed for route in present) > 1:
                ambiguous.append(section)
    return Selection(tuple(sections), tuple(routes), tuple(unmatched), tuple(ambiguous))


def _entries(value: object, kind: type) -> list[Any] | None:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, kind) for entry in value):
        return None
    return value


def _name(route: Mapping[Any, Any]) -> str:
    name = route.get("name")
    return name if isinstance(name, str) else ""


def _chosen(section: Section, present: list[Mapping[Any, Any]]) -> tuple[int, ...]:
    """Without names: the only http route, else the first unnamed one; always the first of tls and tcp."""
    if section != "http" or len(present) == 1:
        return (0,) if present else ()
    return next(((i,) for i, route in enumerate(present) if not _name(route)), ())


def _answering(section: Section, entry: Any, present: list[Mapping[Any, Any]]) -> Iterator[int]:
    if section == "http":  # of several routes of one name the first counts
        yield from [i for i, route in enumerate(present) if _name(route) == entry][:1]
        return
    for index, route in enumerate(present):
        ports, hosts = _matches(route)
        if len(ports) > 1 or (ports or {0}) != {_port(entry)}:
            continue
        asked = entry.get("sniHosts") or []
        if section == "tcp" or (isinstance(asked, list) and len(asked) == len(hosts) and set(asked) == hosts):
            yield index


def _matches(route: Mapping[Any, Any]) -> tuple[set[int], set[str]]:
    """The ports (0 where a match has none) and SNI hosts of all matches of a tls or tcp route together."""
    matches = [m for m in _entries(route.get("match"), Mapping) or [] if isinstance(m, dict)]
    hosts = {host for match in matches for host in _entries(match.get("sniHosts"), str) or []}
    return {_port(match) for match in matches}, hosts


def _port(entry: Mapping[Any, Any]) -> int:
    port = entry.get("port")
    return port if isinstance(port, int) else 0


class Pair(NamedTuple):
    """By what a Rollout knows its two destinations: Services, and with a `destinationRule` subsets too."""

    canary_service: str
    stable_service: str
    canary_subset: str = ""
    stable_subset: str = ""
    kept_subsets: tuple[str, ...] = ()
    by_subset: bool = False

    def role(self, service: str, subset: str) -> Role:
        """What a destination is, by the first DNS label of its host and its subset (`processRoutes`)."""
        if service == self.canary_service or (subset and subset == self.canary_subset):
            return "canary"
        if service == self.stable_service or (subset and subset == self.stable_subset):
            return "stable"
        return "kept" if subset and subset in self.kept_subsets else "other"


def pair_of(canary: object) -> Pair | None:
    """The pair of a plain `spec.strategy.canary`, or `None` where a name is not given, which others refuse.

    Which of `pingService` and `pongService` is the canary is known to the live object only (the status says it);
    at first it is ping.
    """
    spec = _map(canary)
    canary_service, stable_service = _text(spec, "canaryService"), _text(spec, "stableService")
    ping_pong = _map(spec.get("pingPong"))
    if not canary_service and not stable_service:
        canary_service, stable_service = _text(ping_pong, "pingService"), _text(ping_pong, "pongService")
    written = _map(_map(spec.get("trafficRouting")).get("istio")).get("destinationRule")
    if written is None:
        both = canary_service and stable_service
        return Pair(canary_service, stable_service) if both else None
    rule = _map(written)
    canary_subset, stable_subset = _text(rule, "canarySubsetName"), _text(rule, "stableSubsetName")
    if not canary_subset or not stable_subset:
        return None
    kept = rule.get("additionalSubsetNames")
    names = tuple(name for name in kept if isinstance(name, str)) if isinstance(kept, list) else ()
    return Pair(canary_service, stable_service, canary_subset, stable_subset, names, by_subset=True)


def _map(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[Any, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
