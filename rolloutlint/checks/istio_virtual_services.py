"""RL524 to RL529, RL539: claimed hosts, routes nobody reaches, and what istiod's webhook refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.istio_mesh import certain, managed_routes, mesh_of, view_of
from rolloutlint.controllers.istio import Config, export_rank, hosts_of
from rolloutlint.controllers.istio_destination_rules import validate_destination_rule
from rolloutlint.controllers.istio_gateways import validate_gateway, validate_service_entry
from rolloutlint.controllers.istio_hosts import MESH
from rolloutlint.controllers.istio_validation import Fault
from rolloutlint.controllers.istio_virtual_services import validate_virtual_service
from rolloutlint.finding import Finding, Path
from rolloutlint.model import View, VirtualService
from rolloutlint.model.values import dig, entries, text

if TYPE_CHECKING:
    from rolloutlint.controllers.istio_shadowing import Shadow

OWN_RULE = frozenset({"total-weight", "deprecated"})
"""Codes of faults that other rules report."""

VALIDATORS: Mapping[str, Callable[[Mapping[Any, Any], str], tuple[Fault, ...]]] = {
    "VirtualService": validate_virtual_service,
    "DestinationRule": validate_destination_rule,
    "Gateway": validate_gateway,
    "ServiceEntry": validate_service_entry,
}


@check("RL524")
def mesh_host_claimed_twice(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A host that an earlier loaded VirtualService claims for the same sidecars."""
    mesh, mine = mesh_of(ctx), ctx.resource.resource
    me = mesh.keyed(mine.number)
    if me is None or MESH not in me.gateways:
        return
    for index, host in enumerate(hosts_of(me, mesh.domain)):
        rivals = [other for other in mesh.mesh_hosts.get(host.lower(), ()) if _clashes(ctx, me, other)]
        if not rivals:
            continue
        first = view_of(ctx, rivals[0])
        yield ctx.finding(
            ("spec", "hosts", index),
            related=[view_of(ctx, other).related(("spec", "hosts"), "claims it too", "key") for other in rivals[:3]],
            discriminator=host,
            host=text(dig(ctx.resource.value, "spec", "hosts", index)) or host,
            other=first.name,
            where=f"`{rivals[0].namespace}`" if rivals[0].namespace else "the same namespace",
        )


def _clashes(ctx: Context[VirtualService], me: Config, other: Config) -> bool:
    """True where some sidecar sees both and only their age decides between them."""
    if (other.namespace, other.name) == (me.namespace, me.name) or not isinstance(other.key, int):
        return False
    if other.key > ctx.resource.resource.number or not certain(ctx, other):
        return False
    if "*" in me.exported or "*" in other.exported:
        return me.exported == other.exported
    shared = me.exported & other.exported
    return any(export_rank(me, client) == export_rank(other, client) for client in shared)


@check("RL525")
def route_unreachable(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A route, or one match of it, whose requests earlier ones take without exception."""
    spec = ctx.resource.spec
    if not spec.get("hosts"):  # a delegate: which of its routes are left is the root's affair
        return
    if not any(_several(spec.get(section)) for section in ("http", "tls", "tcp")):
        return
    from rolloutlint.controllers.istio_shadowing import shadows

    found = shadows(spec, ctx.world.namespace(ctx.resource.resource) or "")
    managed = managed_routes(ctx) if found else frozenset()
    for shadow in found:
        whole = shadow.at.match is None
        base: Path = ("spec", shadow.section, shadow.at.route)
        by: Path = ("spec", shadow.section, shadow.by.route)
        taker = by if shadow.by.match is None else (*by, "match", shadow.by.match)
        same = shadow.by.route == shadow.at.route
        variant = "match" if not whole else "managed" if base in managed else ""
        if not whole and same:
            variant = "same-route"
        yield ctx.finding(
            base if whole else (*base, "match", shadow.at.match or 0),
            variant=variant,
            related=(ctx.resource.related(taker, "takes its requests"),),
            route=_name(ctx.resource, shadow, shadow.at.route),
            other=_name(ctx.resource, shadow, shadow.by.route),
            match=(shadow.at.match or 0) + 1,
            how="has no match" if shadow.by.match is None else "comes first and matches all of it",
        )


def _several(routes: object) -> bool:
    """False for a list of routes in which one thing cannot stand in the way of another."""
    if not isinstance(routes, list) or not routes:
        return False
    matches = routes[0].get("match") if len(routes) == 1 and isinstance(routes[0], dict) else None
    return len(routes) > 1 or (isinstance(matches, list) and len(matches) > 1)


def _name(view: View, shadow: Shadow, index: int) -> str:
    written = text(dig(view.value, "spec", shadow.section, index, "name"))
    return written or f"spec.{shadow.section}[{index}]"


@check("RL526")
def total_weight_zero(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """Several destinations none of which has a weight above zero."""
    faults = [fault for fault in _faults(ctx) if fault.code == "total-weight"]
    managed = managed_routes(ctx) if faults else frozenset()
    for fault in faults:
        if fault.path[:-1] in managed:
            continue  # RL505 speaks about the weights of managed routes
        route = dig(ctx.resource.value, *fault.path[:-1])
        count = len(dig(ctx.resource.value, *fault.path))
        stated = any("weight" in entry for _, entry in entries(route, (), "route"))
        yield ctx.finding(
            fault.path,
            "key",
            variant="" if stated else "unstated",
            route=text(route.get("name")) or f"spec.{fault.path[1]}[{fault.path[2]}]",
            count=count,
        )


@check("RL527")
def virtual_service_refused(ctx: Context[View]) -> Iterator[Finding]:
    """A VirtualService that istiod's webhook refuses."""
    yield from _refused(ctx)


@check("RL528")
def destination_rule_refused(ctx: Context[View]) -> Iterator[Finding]:
    """A DestinationRule that istiod's webhook refuses."""
    yield from _refused(ctx)


@check("RL529")
def gateway_refused(ctx: Context[View]) -> Iterator[Finding]:
    """A Gateway or ServiceEntry that istiod's webhook refuses."""
    yield from _refused(ctx)


@check("RL539")
def deprecated_setting(ctx: Context[View]) -> Iterator[Finding]:
    """A field or form for which Istio has a successor."""
    for fault in _faults(ctx):
        if fault.code == "gateway-legacy":
            yield ctx.finding(fault.path, variant="gateway", said=fault.message)
        elif fault.code == "deprecated":
            yield ctx.finding(fault.path, "key", field=fault.path[-1], said=fault.message)


def _faults(ctx: Context[Any]) -> tuple[Fault, ...]:
    """What the webhook says of an object that the schema lets through; several rules ask."""
    if ctx.resource.violations:
        return ()
    world, resource = ctx.world, ctx.resource.resource
    validate = VALIDATORS[ctx.resource.id.kind]
    return world.shared(resource, "webhook", lambda: validate(ctx.resource.value, world.namespace(resource) or ""))


def _refused(ctx: Context[View]) -> Iterator[Finding]:
    seen: set[tuple[Path, str]] = set()
    for fault in _faults(ctx):
        if fault.severity == "error" and fault.code not in OWN_RULE and (fault.path, fault.message) not in seen:
            seen.add((fault.path, fault.message))
            yield ctx.finding(fault.path, discriminator=fault.code, kind=ctx.resource.id.kind, said=fault.message)
