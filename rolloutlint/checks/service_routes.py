"""RL574 to RL576: traffic from outside that reaches the pods of a Rollout past its strategy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import pod_template
from rolloutlint.controllers.traffic import routers
from rolloutlint.finding import Finding, Path
from rolloutlint.model import Ingress, Resource, Rollout, Service, View
from rolloutlint.model.rollout import BLUE_GREEN, CANARY, SERVICE_ROLES
from rolloutlint.model.values import dig, entries, filled_later, sequence, string_map, text

ALB_CLASS = "alb"
OUTSIDE = "LoadBalancer"
"""The type of a Service that takes traffic from outside by itself; NodePort may only be what an ALB needs."""


class Way(NamedTuple):
    """How traffic from outside comes to a Service."""

    view: View
    path: Path
    words: str


@check("RL574")
def stable_service_alone(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A canary without a router, whose traffic all comes through the Service of the stable pods."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary" or rollout.canary.get("trafficRouting") is not None:
        return
    stable, canary = ctx.target("stableService"), ctx.target("canaryService")
    named = rollout.service("stableService")
    if not isinstance(stable, Service) or named is None:
        return
    for way in _ways(ctx, stable):
        if _also_sends(ctx, way.view, stable, canary):
            continue
        yield ctx.finding(
            named.path,
            related=(way.view.related(way.path, "sends to it"),),
            service=stable.name,
            way=way.words,
        )
        return


@check("RL575")
def both_versions_served(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A Service beside those of the strategy that sends traffic from outside to the old and the new pods alike."""
    rollout = ctx.resource
    routing = rollout.traffic_routing
    blue_green = rollout.strategy_kind == "blueGreen" and bool(rollout.service("activeService"))
    if not blue_green and (rollout.strategy_kind != "canary" or not routers(routing) or "appMesh" in routers(routing)):
        return
    owner, base, template = pod_template(ctx)
    labels = string_map(dig(template, "metadata", "labels"))
    if (
        owner is None
        or any(map(filled_later, labels.values()))
        or ctx.world.patched(owner.resource, (*base, "metadata", "labels"))
    ):
        return
    roles = (*SERVICE_ROLES, "rootService")
    passed = {reference.naming.name for reference in ctx.refs(*roles)}
    for resource in ctx.world.services_selecting(rollout.resource, labels):
        if resource.id.name in passed:
            continue
        view = ctx.world.view(resource)
        way = next(_ways(ctx, view), None) if isinstance(view, Service) else None
        if way is None or resource.id.name in _split_hosts(ctx) or ctx.world.referrers(resource, *roles):
            continue
        if view.spec.get("clusterIP") == "None" or ctx.world.patched(resource, ("spec", "selector")):
            continue
        parent = BLUE_GREEN if blue_green else CANARY
        yield ctx.finding(
            view.place(("spec", "selector"), "key"),
            variant="blue-green" if blue_green else "",
            related=(
                way.view.related(way.path, "sends to it"),
                rollout.related(parent, "shifts the traffic of other Services", "key"),
            ),
            discriminator=rollout.name,
            service=view.name,
            rollout=rollout.name,
            way=way.words,
        )


@check("RL576")
def blue_green_behind_alb(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A blue-green Rollout whose active Service stands behind an ALB."""
    active = ctx.target("activeService")
    if not isinstance(active, Service) or ctx.resource.strategy_kind != "blueGreen":
        return
    for way in _ways(ctx, active):
        if isinstance(way.view, Ingress) and _is_alb(way.view):
            yield ctx.finding(
                (*BLUE_GREEN, "activeService"),
                related=(way.view.related(way.path, "sends to it"),),
                service=active.name,
                ingress=way.view.name,
            )
            return


def _ways(ctx: Context[Rollout], service: Service) -> Iterator[Way]:
    """How traffic comes to a Service from outside: its own type, or an object that routes to it."""
    if service.spec.get("type") == OUTSIDE:
        yield Way(service, ("spec", "type"), f"its type `{OUTSIDE}`")
    for reference in ctx.world.referrers(service.resource, "backend"):
        origin = ctx.world.view(reference.origin)
        if not ctx.world.patched(reference.origin, ("spec",)):
            yield Way(origin, reference.naming.path, f"{origin.id.kind} `{origin.name}`")


def _also_sends(ctx: Context[Rollout], view: View, stable: Service, canary: View | None) -> bool:
    """True where the traffic is shared out by hand: something sends to the canary Service, or to other Services."""
    if canary is not None and isinstance(canary, Service) and next(_ways(ctx, canary), None) is not None:
        return True
    backends = ctx.world.references(view.resource, "backend")
    return any(r.target is None or r.target.number != stable.resource.number for r in backends)


def _split_hosts(ctx: Context[Rollout]) -> set[str]:
    """Names of Services whose traffic a mesh takes out of their hands and splits."""
    names = set()
    for reference in ctx.refs("virtualService", "destinationRule", "httpRoute", "grpcRoute", "tcpRoute", "tlsRoute"):
        target: Resource | None = reference.target
        if target is None:
            continue
        view = ctx.world.view(target)
        hosts = [*sequence(view.spec.get("hosts")), view.spec.get("host")]
        hosts += [parent.get("name") for _, parent in entries(view.value, (), "spec", "parentRefs")]
        for protocol in ("http", "tls", "tcp"):
            for _, route in entries(view.value, (), "spec", protocol):
                hosts += [dig(d, "destination", "host") for d in sequence(route.get("route"))]
        names |= {text(host).partition(".")[0] for host in hosts}
    return names


def _is_alb(ingress: Ingress) -> bool:
    """Whether the AWS Load Balancer Controller serves an Ingress."""
    written = text(ingress.spec.get("ingressClassName")) or ingress.annotations.get("kubernetes.io/ingress.class", "")
    return written == ALB_CLASS
