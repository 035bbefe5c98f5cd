"""RL538 to RL542: ports that callers bring along, splits that a Gateway skips, and claims that nobody verifies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.istio_mesh import certain, destinations, mesh_of, view_of
from rolloutlint.controllers.istio import Config, hosts_of
from rolloutlint.controllers.istio_hosts import HTTP, MESH, full_host, meeting, server_hosts
from rolloutlint.controllers.istio_matching import is_claim
from rolloutlint.controllers.istio_values import as_list, as_map, number_of, text_of
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.model import VirtualService
from rolloutlint.model.values import dig, filled_later, sequence

REQUEST_AUTHENTICATION = ("security.istio.io", "RequestAuthentication")


class Listener(NamedTuple):
    """A port on which requests come to the http routes of a VirtualService."""

    port: int
    words: str
    """`port 80 of Gateway edge`."""
    at: Related


@check("RL538")
def port_not_written(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A destination without a port, on a Service of several, none of which is the port that is called."""
    mesh = mesh_of(ctx)
    listeners: tuple[Listener, ...] | None = None
    for destination in destinations(ctx):
        if destination.path[1] != "http" or "port" in destination.value or _narrow(ctx, destination.path):
            continue
        backends = mesh.backends(destination.full)
        if len(backends) != 1:
            continue
        (backend,) = backends
        numbers = sorted(port.number for port in backend.ports)
        if len(numbers) < 2 or not backend.readable or not certain(ctx, backend.config):
            continue
        listeners = tuple(_listeners(ctx)) if listeners is None else listeners
        wrong = next((listener for listener in listeners if listener.port not in numbers), None)
        if wrong is not None:
            service = view_of(ctx, backend.config)
            yield ctx.finding(
                (*destination.path, "host"),
                related=(wrong.at, service.related(("spec", "ports"), "the ports it has", "key")),
                kind=backend.kind,
                service=backend.config.name,
                ports=", ".join(map(str, numbers)),
                listener=wrong.words,
                port=wrong.port,
            )


def _narrow(ctx: Context[VirtualService], path: Path) -> bool:
    """True for a route that does not apply on every port and gateway."""
    matches = sequence(dig(ctx.resource.value, *path[:3], "match"))
    return any(not isinstance(match, dict) or {"port", "gateways"} & match.keys() for match in matches)


def _listeners(ctx: Context[VirtualService]) -> Iterator[Listener]:
    """The ports that are known to be called: those of its Gateways, and of the other hosts that it stands for."""
    mesh = mesh_of(ctx)
    me = mesh.keyed(ctx.resource.resource.number)
    hosts = hosts_of(me, mesh.domain) if me is not None else ()
    if me is None or any(map(filled_later, hosts)):
        return
    for name in me.gateways:
        namespace, _, short = name.partition("/")
        gateway = mesh.config("Gateway", namespace, short) if name != MESH else None
        if gateway is not None and certain(ctx, gateway):
            yield from _served(ctx, gateway, me, hosts)
    for host in hosts if MESH in me.gateways else ():
        called = mesh.backends(host)
        if len(called) != 1 or called[0].host != host or not certain(ctx, called[0].config):
            continue
        for port in called[0].ports:
            if port.protocol and port.protocol in HTTP:
                at = view_of(ctx, called[0].config).related(("spec", "ports"), "the ports that are called", "key")
                yield Listener(port.number, f"port {port.number} of {called[0].kind} `{called[0].config.name}`", at)


def _served(ctx: Context[Any], gateway: Config, me: Config, hosts: tuple[str, ...]) -> Iterator[Listener]:
    for index, server in enumerate(as_list(gateway.spec.get("servers"))):
        port = as_map(as_map(server).get("port"))
        number, tls = number_of(port, "number"), as_map(as_map(server).get("tls"))
        plain = text_of(port, "protocol").lower() in ("http", "http2", "grpc")
        ended = text_of(port, "protocol").lower() == "https" and text_of(tls, "mode") in ("SIMPLE", "MUTUAL")
        offered = server_hosts(as_map(server).get("hosts"), gateway.namespace, me.namespace)
        if number is None or not (plain or ended) or tls.get("httpsRedirect") is True or not meeting(offered, hosts):
            continue
        at = view_of(ctx, gateway).related(("spec", "servers", index, "port"), "the port that is called", "key")
        yield Listener(number, f"port {number} of Gateway `{gateway.name}`", at)


@check("RL540")
def split_skipped_at_gateway(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A destination without a subset behind a Gateway, of a host for which sidecars have routes to subsets."""
    mesh = mesh_of(ctx)
    me = mesh.keyed(ctx.resource.resource.number)
    doors = [name for name in me.gateways if name != MESH] if me is not None else []
    if not doors:
        return
    for destination in destinations(ctx):
        if destination.subset or destination.path[1] != "http" or "route" not in destination.path:
            continue
        other = next((c for c in mesh.mesh_hosts.get(destination.full, ()) if _splits(ctx, c, destination.full)), None)
        if other is not None and other is not me:
            yield ctx.finding(
                (*destination.path, "host"),
                related=(view_of(ctx, other).related(("spec", "http"), "the routes to subsets", "key"),),
                host=destination.host,
                gateway=doors[0].removeprefix(f"{me.namespace}/" if me is not None else ""),
                other=other.name,
            )


def _splits(ctx: Context[Any], config: Config, host: str) -> bool:
    """Whether a VirtualService certainly has routes to subsets of a host."""
    if not certain(ctx, config):
        return False
    for route in as_list(config.spec.get("http")):
        for entry in as_list(as_map(route).get("route")):
            target = as_map(as_map(entry).get("destination"))
            if text_of(target, "subset") and full_host(text_of(target, "host"), config.namespace) == host:
                return True
    return False


@check("RL542")
def claim_without_authentication(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A match on a claim of a token where nothing among all the objects verifies tokens."""
    world, mine = ctx.world, ctx.resource.resource
    if not world.closed:
        return
    scopes = world.scopes(mine)
    if any(world.scopes(other) & scopes for other in world.of_kind(*REQUEST_AUTHENTICATION)):
        return
    for number, route in enumerate(sequence(ctx.resource.spec.get("http"))):
        for index, match in enumerate(sequence(dig(route, "match"))):
            for name in as_map(as_map(match).get("headers")):
                if isinstance(name, str) and is_claim(name):
                    yield ctx.finding(("spec", "http", number, "match", index, "headers", name), "key", claim=name)
