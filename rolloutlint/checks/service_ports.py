"""RL577 and RL578: the ports through which a router splits, and that the Services do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.managed_services import managed_services
from rolloutlint.controllers.istio_routes import pair_of
from rolloutlint.finding import Finding, Path, Place, Related
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Ingress, Rollout, Service, View
from rolloutlint.model.rollout import CANARY, ServiceRole
from rolloutlint.model.values import dig, entries, filled_later, sequence, text

ROUTING: Path = (*CANARY, "trafficRouting")
ANNOTATION_PORT = "use-annotation"
"""The port name by which the AWS Load Balancer Controller knows that an annotation holds the action."""

_PAIRS: tuple[tuple[ServiceRole, ServiceRole], ...] = (
    ("canaryService", "stableService"),
    ("pingService", "pongService"),
)
_MAPPING_PORT = re.compile(r"(?:://)?[\w.-]+:(\d{1,5})$")


class Asked(NamedTuple):
    """A port that a router will ask of a Service."""

    port: int | str
    role: ServiceRole
    at: Place
    router: str
    related: tuple[Related, ...] = ()


@check("RL577")
def alb_action_unused(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An Ingress of the ALB router whose backend is a port and not the annotation that the controller writes."""
    if "alb" not in _configured(ctx.resource):
        return
    root = text(dig(ctx.resource.traffic_routing, "alb", "rootService"))
    service = root or text(ctx.resource.canary.get("stableService"))
    for reference in ctx.refs("albIngress"):
        view = ctx.world.view(reference.target) if reference.target is not None else None
        if not isinstance(view, Ingress) or ctx.world.patched(view.resource, ("spec",)) or not service:
            continue
        ports = [(backend, *_port_of(backend.value, backend.path)) for backend in view.backends]
        own = [(b, port, path) for b, port, path in ports if b.service == service]
        if any(port == ANNOTATION_PORT or port is None or filled_later(port) for _, port, _ in own):
            continue  # one such path is enough for the split; the others may be meant to go to the stable pods
        for _, port, path in own[:1]:
            yield ctx.finding(
                view.place(path),
                related=(ctx.resource.related(reference.naming.path, "split by this Rollout"),),
                discriminator=ctx.resource.name,
                ingress=view.name,
                service=service,
                port=port,
            )


@check("RL578")
def service_port_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A port that the router will ask of a Service and that the Service does not have."""
    for asked in (*_of_alb(ctx), *_of_nginx(ctx), *_of_ambassador(ctx), *_of_istio(ctx)):
        service = ctx.target(asked.role)
        ports = _ports(ctx, service)
        if service is None or ports is None or asked.port in ports:
            continue
        yield ctx.finding(
            asked.at,
            variant="" if asked.router == "alb" else "istio" if asked.router == "istio" else "copied",
            related=(service.related(("spec", "ports"), "its ports", "key"), *asked.related),
            discriminator=f"{ctx.resource.name} {asked.role}",
            service=service.name,
            role=asked.role,
            port=asked.port,
            router=asked.router,
        )


def _configured(rollout: Rollout) -> tuple[str, ...]:
    routing = rollout.traffic_routing if rollout.strategy_kind == "canary" else None
    return tuple(router for router, config in (routing or {}).items() if isinstance(config, dict))


def _of_alb(ctx: Context[Rollout]) -> Iterator[Asked]:
    """`servicePort` of both Services (rollout/trafficrouting/alb/alb.go getForwardActionString)."""
    port = int32(dig(ctx.resource.traffic_routing, "alb", "servicePort"))
    if port is None or "alb" not in _configured(ctx.resource):
        return
    roles = _PAIRS[1] if ctx.resource.service("pingService") else _PAIRS[0]
    for role in roles:
        yield Asked(port, role, ctx.resource.place((*ROUTING, "alb", "servicePort")), "alb")


def _of_nginx(ctx: Context[Rollout]) -> Iterator[Asked]:
    """The ports of the stable Ingress, copied for the canary (rollout/trafficrouting/nginx/nginx.go)."""
    stable = text(ctx.resource.canary.get("stableService"))
    for reference in ctx.refs("nginxIngress") if "nginx" in _configured(ctx.resource) else ():
        view = ctx.world.view(reference.target) if reference.target is not None else None
        if not isinstance(view, Ingress) or ctx.world.patched(view.resource, ("spec",)):
            continue
        seen = set()
        for backend in view.backends:
            port, path = _port_of(backend.value, backend.path)
            if backend.service == stable and port is not None and port not in seen:
                seen.add(port)
                related = (ctx.resource.related(reference.naming.path, "split by this Rollout"),)
                yield Asked(port, "canaryService", view.place(path), "nginx", related)


def _of_ambassador(ctx: Context[Rollout]) -> Iterator[Asked]:
    """The port in the Mapping's service, copied for the canary (rollout/trafficrouting/ambassador/ambassador.go)."""
    for reference in ctx.refs("ambassadorMapping") if "ambassador" in _configured(ctx.resource) else ():
        view = ctx.world.view(reference.target) if reference.target is not None else None
        if view is None or ctx.world.patched(view.resource, ("spec",)):
            continue
        written = _MAPPING_PORT.search(text(view.spec.get("service")))
        if written:
            related = (ctx.resource.related(reference.naming.path, "split by this Rollout"),)
            at = view.place(("spec", "service"))
            yield Asked(int(written[1]), "canaryService", at, "ambassador", related)


def _of_istio(ctx: Context[Rollout]) -> Iterator[Asked]:
    """The port of a header or mirror route: that of the first destination (istio.go getVirtualServiceCanaryPort)."""
    pair = pair_of(ctx.resource.canary)
    if pair is None or pair.by_subset or ctx.resource.service("canaryService") is None:
        return
    for step in ctx.resource.steps:
        kind = next((k for k in ("setHeaderRoute", "setMirrorRoute") if sequence(dig(step.value, k, "match"))), "")
        for managed in managed_services(ctx) if kind else ():
            chosen = [route for route in managed.routes() if route.protocol == "http" and route.destinations]
            if not chosen:
                continue
            first = chosen[0].destinations[0]
            port = int32(dig(chosen[0].value, "route", int(first.path[-1]), "destination", "port", "number"))
            if port is None or first.service == pair.canary_service:
                continue
            at = managed.service.place((*first.path, "destination", "port", "number"))
            related = (ctx.resource.related((*step.path, kind), "takes over this port", "key"),)
            yield Asked(port, "canaryService", at, "istio", related)
            return


def _port_of(backend: object, path: Path) -> tuple[int | str | None, Path]:
    """The port of an Ingress backend, in both spellings, with its place; `None` where it cannot be read."""
    for below in (("service", "port", "number"), ("service", "port", "name"), ("servicePort",)):
        port = dig(backend, *below)
        if isinstance(port, (int, str)) and not isinstance(port, bool) and port != "":
            return port, (*path, *below)
    return None, path


def _ports(ctx: Context[Rollout], service: View | None) -> set[int | str] | None:
    """The numbers and names of a Service's ports; `None` where they are not certain."""
    if not isinstance(service, Service) or ctx.world.patched(service.resource, ("spec", "ports")):
        return None
    written = service.spec.get("ports")
    found: set[int | str] = set()
    for _, port in entries(service.value, (), "spec", "ports"):
        number, name = port.get("port"), port.get("name")
        if not isinstance(number, int) or filled_later(name):
            return None
        found |= {number, *([name] if isinstance(name, str) else [])}
    return found if isinstance(written, list) and all(isinstance(port, dict) for port in written) else None
