"""Where a request goes: which VirtualService counts, which of its routes is taken, and what its destinations mean.

Mirrors istio `pilot/pkg/networking/core/route/route.go` (sidecars), `gateway.go` (buildGatewayHTTPRouteConfig) and
`tls.go`. What the objects do not tell - ages, labels of callers, other clusters - makes the answer uncertain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.istio import Backend, Config, Mesh, RuleSet, SubsetUse, export_rank, hosts_of
from rolloutlint.controllers.istio_delegates import HttpRoute, Undelegated, http_routes
from rolloutlint.controllers.istio_hosts import (
    HTTP,
    MESH,
    TLS,
    full_host,
    meeting,
    most_specific,
    server_hosts,
    visible,
    within,
)
from rolloutlint.controllers.istio_matching import Match, Request, matches, read_match
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.finding import Path

Action = Literal["route", "default", "redirect", "respond", "not-found", "passthrough", "unbound"]
"""`default`: to the host that was called, without a VirtualService. `passthrough`: to an unknown host as it is.
`unbound`: the Gateway takes no such request."""

Section = Literal["http", "tls", "tcp"]

Fault = Literal["", "host", "subset", "port"]


class Skipped(NamedTuple):
    """A match before the one that was taken."""

    config: Config
    path: Path
    perhaps: bool
    """True where it may match after all: that depends on what is not known."""


class Target(NamedTuple):
    """One destination of the route, with what it means."""

    config: Config | None
    """The VirtualService it stands in; `None` for the host that was called."""
    path: Path
    host: str
    """The full host."""
    share: Fraction
    """Percent of the route's requests; for a mirror, of which it gets copies."""
    weight: int | None
    """As written; `None` without one."""
    backend: Backend | None
    port: int
    subset: str
    rule_set: RuleSet | None
    use: SubsetUse | None
    labels: Mapping[str, str] | None
    """What the pods carry that get it; `None` where no pods of the cluster do, or it is not known."""
    pods: tuple[Config, ...]
    """The workloads among the objects whose pods carry these labels."""
    fault: Fault = ""
    """What is not there, so that the request fails with 503: the host, its port, or the subset."""


class Decision(NamedTuple):
    """What happens to a request."""

    action: Action
    host: str
    """The host that counts, in full."""
    backend: Backend | None = None
    """What the called host is in the registry."""
    virtual_service: Config | None = None
    rivals: tuple[Config, ...] = ()
    """Other VirtualServices for this host at this place; which comes first is a matter of their age."""
    config: Config | None = None
    """The VirtualService in which the route stands: `virtual_service`, or a delegate of it."""
    path: Path = ()
    """The route there."""
    match_path: Path = ()
    """The entry of `match` there; `()` for a route without one."""
    targets: tuple[Target, ...] = ()
    mirrors: tuple[Target, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    certain: bool = True


def route_decision(mesh: Mesh, request: Request) -> Decision:
    """The decision on one request, by a sidecar (`request.gateway` is `mesh`) or by an ingress gateway."""
    if request.gateway == MESH:
        return _sidecar(mesh, request)
    return _gateway(mesh, request)


# ---- sidecars ----------------------------------------------------------------------------------------------


def _sidecar(mesh: Mesh, request: Request) -> Decision:
    host = mesh.called(
        request.host.partition(":")[0] if request.host.count(":") == 1 else request.host, request.namespace
    )
    backend = mesh.backend(host, request.namespace)
    found = mesh.mesh_services(host, request.namespace)
    protocol = next((p.protocol for p in backend.ports if p.number == request.port), "") if backend else ""
    for index, service in enumerate(found):
        if backend is None and request.port not in _foreign_ports(mesh, service, request.namespace):
            continue
        if protocol in HTTP:
            decision = _http(mesh, request, (service,), host, backend, sidecar=True)
        else:
            decision = _layer4(mesh, request, service, "tls" if protocol in TLS else "tcp", host, backend)
        if decision is not None:
            rivals = (*found[:index], *found[index + 1 :])
            rank = export_rank(service, request.namespace)
            alike = any(export_rank(rival, request.namespace) == rank for rival in rivals)
            seen = visible(service.exported, request.namespace) is True
            return decision._replace(rivals=rivals, certain=decision.certain and seen and not alike)
    if backend is None:
        return Decision("passthrough", host)
    target = _target(mesh, request, None, (), {"host": host}, None, Fraction(100), host)
    return Decision("default", host, backend, rivals=found, targets=(target,))


def _foreign_ports(mesh: Mesh, service: Config, client: str | None) -> set[int]:
    """The ports on which sidecars apply a VirtualService to a host that is not in the registry."""
    backends = [mesh.backend(host, client) for host in hosts_of(service, mesh.domain)]
    return {p.number for b in backends if b is not None for p in b.ports if p.protocol in HTTP} or {80}


# ---- gateways ----------------------------------------------------------------------------------------------


def _gateway(mesh: Mesh, request: Request) -> Decision:
    namespace, _, name = request.gateway.partition("/")
    gateway = mesh.config("Gateway", namespace, name)
    host = request.host.partition(":")[0].lower()
    servers = [
        server
        for server in as_list(gateway.spec.get("servers") if gateway else None)
        if number_of(as_map(as_map(server).get("port")), "number") == request.port
    ]
    if gateway is not None and not servers:
        return Decision("unbound", host)
    domains: dict[tuple[Section, str], list[Config]] = {}
    section: Section
    for server in servers or [{"hosts": ["*"]}]:
        section = _section(server)
        for config in mesh.bound(request.gateway):
            if visible(config.exported, request.namespace) is False or not _offers(mesh, request, config, section):
                continue
            offered = server_hosts(as_map(server).get("hosts"), namespace, config.namespace)
            for domain in meeting(offered, hosts_of(config, mesh.domain)):
                domains.setdefault((section, domain.lower()), []).append(config)
        if as_map(as_map(server).get("tls")).get("httpsRedirect") is True:
            hosts = (h for h in as_list(server.get("hosts")) if isinstance(h, str))
            if any(within(host, h.lower().rpartition("/")[2]) for h in hosts):
                return Decision("redirect", host)
    for section in ("http", "tls", "tcp"):
        mine = {domain: configs for (of, domain), configs in domains.items() if of == section}
        best = most_specific(host, mine) if section != "tcp" else next(iter(mine.items()), None)
        if best is not None:
            return _at_gateway(mesh, request, section, best[1], host, gateway is not None)
    return Decision("not-found" if gateway is not None else "unbound", host, certain=gateway is not None)


def _section(server: object) -> Section:
    """Which routes a Gateway's server takes: TLS that it ends itself leaves the inner protocol."""
    protocol = text_of(as_map(as_map(server).get("port")), "protocol").lower()
    passed = text_of(as_map(as_map(server).get("tls")), "mode") in ("PASSTHROUGH", "AUTO_PASSTHROUGH")
    if protocol in TLS and passed:
        return "tls"
    return "http" if protocol in HTTP or protocol == "https" else "tcp"


def _offers(mesh: Mesh, request: Request, config: Config, section: Section) -> bool:
    return bool(_given(mesh, request, (config,)) if section == "http" else as_list(config.spec.get(section)))


def _at_gateway(
    mesh: Mesh, request: Request, section: Section, configs: Sequence[Config], host: str, known: bool
) -> Decision:
    """The decision among the VirtualServices of one virtual host."""
    unique = {(c.name, c.namespace): c for c in configs}
    ranked = sorted(unique.values(), key=lambda c: (export_rank(c, request.namespace), c.name, c.namespace))
    if section == "http":
        decision = _http(mesh, request, ranked, host, None, sidecar=False)
    else:
        found = (_layer4(mesh, request, config, section, host, None) for config in ranked)
        decision = next(filter(None, found), None)
    if decision is None:
        return Decision("not-found", host, virtual_service=ranked[0], certain=known)
    chosen = decision.virtual_service or ranked[0]
    certain = decision.certain and known and len(ranked) == 1 and visible(chosen.exported, request.namespace) is True
    rivals = tuple(config for config in ranked if config != chosen)
    return decision._replace(virtual_service=chosen, rivals=rivals, certain=certain)


# ---- routes ------------------------------------------------------------------------------------------------


class _Candidate(NamedTuple):
    root: Config
    route: HttpRoute
    match: Match
    at: Path
    """Path of the match in the VirtualService of the route, or of the route itself."""
    bound: tuple[str, ...]


def _candidates(mesh: Mesh, configs: Sequence[Config]) -> Iterator[_Candidate]:
    for config in configs:
        for route in http_routes(config, mesh):
            if isinstance(route, Undelegated):
                continue
            for condition in route.conditions:
                at: Path = ("spec", "http", route.position)
                if condition.position is not None:
                    at = (*at, "match", condition.position)
                yield _Candidate(config, route, condition.match, at, config.gateways)


def _http(
    mesh: Mesh, request: Request, configs: Sequence[Config], host: str, backend: Backend | None, sidecar: bool
) -> Decision | None:
    """The first http route that matches; `None` where no route of these is for this proxy and port at all.

    At a gateway the routes of several VirtualServices follow each other, and catch-alls come last (SortVHostRoutes).
    """
    given = _given(mesh, request, configs)
    if not given:
        return None
    if not sidecar:
        given = _until_catch_all(given)
        given.sort(key=lambda c: _dynamic(c.match).everything)
    skipped = []
    certain = True
    for candidate in given:
        answer = matches(candidate.match, request, candidate.bound)
        if answer is not True:
            skipped.append(Skipped(candidate.route.config, candidate.at, answer is None))
            certain = certain and answer is not None
            continue
        route = candidate.route
        base: Path = ("spec", "http", route.position)
        decision = Decision(
            "route",
            host,
            backend,
            candidate.root,
            config=route.config,
            path=base,
            match_path=candidate.at if candidate.at != base else (),
            skipped=tuple(skipped),
            certain=certain,
        )
        if route.value.get("redirect") is not None:
            return decision._replace(action="redirect")
        if route.value.get("directResponse") is not None:
            return decision._replace(action="respond")
        targets = tuple(_targets(mesh, request, route.config, base, route.value, host))
        mirrors = tuple(_mirrors(mesh, request, route, base, host))
        known = all(t.rule_set is None or t.rule_set.certain for t in targets)
        known = known and (request.namespace is not None or not any(t.subset for t in targets))
        return decision._replace(targets=targets, mirrors=mirrors, certain=certain and known)
    return Decision("not-found", host, backend, configs[0], skipped=tuple(skipped), certain=certain)


def _given(mesh: Mesh, request: Request, configs: Sequence[Config]) -> list[_Candidate]:
    """The matches that istiod turns into routes for the request's proxy and port."""
    return [c for c in _candidates(mesh, configs) if matches(_standing(c.match), request, c.bound) is not False]


def _standing(match: Match) -> Match:
    """The conditions that istiod itself decides when it makes routes for a proxy and port."""
    return Match(port=match.port, gateways=match.gateways, labels=match.labels, namespace=match.namespace)


def _dynamic(match: Match) -> Match:
    """The conditions that the proxy decides for each request."""
    return match._replace(port=0, gateways=frozenset(), labels=frozenset(), namespace="")


def _until_catch_all(given: list[_Candidate]) -> list[_Candidate]:
    """The candidates of each VirtualService up to its first catch-all."""
    kept = []
    closed: set[tuple[str, str]] = set()
    for candidate in given:
        root = (candidate.root.namespace, candidate.root.name)
        if root not in closed:
            kept.append(candidate)
            if _dynamic(candidate.match).everything:
                closed.add(root)
    return kept


def _layer4(
    mesh: Mesh, request: Request, config: Config, section: Section, host: str, backend: Backend | None
) -> Decision | None:
    """The tls route with the most specific SNI host, or the first tcp route; `None` where none is for this proxy."""
    found: list[tuple[str, Path, Mapping[Any, Any], bool]] = []
    skipped = []
    for index, route in enumerate(as_list(config.spec.get(section))):
        base: Path = ("spec", section, index)
        written = as_list(as_map(route).get("match"))
        if section == "tcp" and not written and isinstance(route, dict):
            found.append(("*", base, route, True))
        for position, value in enumerate(written):
            entry = as_map(value)
            match = read_match(
                {k: entry.get(k) for k in ("port", "gateways", "sourceLabels", "sourceNamespace")}, config.namespace
            )
            answer = matches(match, request, config.gateways)
            names = [h for h in as_list(entry.get("sniHosts")) if isinstance(h, str) and within(host, h.lower())]
            if entry.get("destinationSubnets") and answer:
                answer = None
            if answer is not False and (section == "tcp" or names):
                found += [(n, (*base, "match", position), as_map(route), answer is True) for n in names or ["*"]]
            else:
                skipped.append(Skipped(config, (*base, "match", position), False))
    if not found:
        return None
    best = max(found, key=lambda f: (not f[0].startswith("*"), len(f[0]))) if section == "tls" else found[0]
    _, at, route, certain = best
    targets = tuple(_targets(mesh, request, config, at[:3], route, host))
    return Decision(
        "route",
        host,
        backend,
        config,
        (),
        config,
        at[:3],
        at if len(at) > 3 else (),
        targets,
        (),
        tuple(skipped),
        certain,
    )


# ---- destinations ------------------------------------------------------------------------------------------


def shares(route: Mapping[Any, Any]) -> tuple[Fraction, ...]:
    """What percent of a route's requests each entry of `route` gets: all for a sole one, else by relative weight.

    A weight that is absent counts 0, and so does one that is no whole number or below 0; where all are 0 nobody
    gets anything (istiod's webhook refuses such a route).
    """
    entries = as_list(route.get("route"))
    if len(entries) == 1:
        return (Fraction(100),)
    weights = [max(0, number_of(as_map(entry), "weight") or 0) for entry in entries]
    total = sum(weights)
    return tuple(Fraction(100 * weight, total) if total else Fraction(0) for weight in weights)


def _targets(
    mesh: Mesh, request: Request, config: Config, base: Path, route: Mapping[Any, Any], host: str
) -> Iterator[Target]:
    for index, (entry, share) in enumerate(zip(as_list(route.get("route")), shares(route), strict=True)):
        destination = as_map(as_map(entry).get("destination"))
        weight = number_of(as_map(entry), "weight")
        path = (*base, "route", index, "destination")
        yield _target(mesh, request, config, path, destination, weight, share, host)


def _mirrors(mesh: Mesh, request: Request, route: HttpRoute, base: Path, host: str) -> Iterator[Target]:
    value = route.value
    if isinstance(value.get("mirror"), dict):
        percent = as_map(value.get("mirrorPercentage")).get("value")
        percent = value.get("mirrorPercent") if value.get("mirrorPercentage") is None else percent or 0
        share = _percent(percent)
        yield _target(mesh, request, route.config, (*base, "mirror"), value["mirror"], None, share, host)
    for index, entry in enumerate(as_list(value.get("mirrors"))):
        written = as_map(entry).get("percentage")
        share = _percent(None if written is None else as_map(written).get("value") or 0)
        path = (*base, "mirrors", index, "destination")
        yield _target(mesh, request, route.config, path, as_map(as_map(entry).get("destination")), None, share, host)


def _percent(value: object) -> Fraction:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value != value or abs(value) > 1e9:
        return Fraction(100)
    return min(Fraction(100), max(Fraction(0), Fraction(str(value))))


def _target(
    mesh: Mesh,
    request: Request,
    config: Config | None,
    path: Path,
    destination: Mapping[Any, Any],
    weight: int | None,
    share: Fraction,
    called: str,
) -> Target:
    """What a destination means to the proxy: its Service, port, subset and pods (GetDestinationCluster)."""
    written = text_of(destination, "host")
    host = full_host(written, config.namespace, mesh.domain).lower() if config else called
    client = request.namespace
    backend = mesh.backend(host, client)
    subset = text_of(destination, "subset")
    explicit = number_of(as_map(destination.get("port")), "number")
    sole = backend.ports[0].number if backend and len(backend.ports) == 1 and backend.readable else None
    port = explicit if explicit is not None else sole if sole is not None else request.port
    home = backend.config.namespace if backend else ""
    rule_set = mesh.destination_rules(host, home, client if client is not None else home, request.labels)
    use = rule_set.subsets.get(subset) if rule_set else None
    fault: Fault = ""
    if backend is None:
        fault = "host"
    elif backend.readable and backend.ports and port not in {p.number for p in backend.ports}:
        fault = "port"
    elif subset and use is None:
        fault = "subset"
    labels = None
    if backend is not None and backend.selector is not None and (use is not None or not subset):
        labels = {**backend.selector, **(use.labels if use else {})}
    pods = mesh.workloads(home, labels) if labels and backend and backend.kind == "Service" else ()
    return Target(config, path, host, share, weight, backend, port, subset, rule_set, use, labels, pods, fault)
