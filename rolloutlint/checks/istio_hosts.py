"""RL530, RL531, RL533: Gateways that are not there or do not serve the host, DestinationRules that get lost."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.istio_mesh import ISTIO, certain, mesh_of, resource_of, view_of
from rolloutlint.checks.neighbours import near_name
from rolloutlint.controllers.istio import Config
from rolloutlint.controllers.istio_hosts import MESH, full_host, gateway_names, meeting, server_hosts
from rolloutlint.controllers.istio_values import as_list, as_map
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import Naming, Reference
from rolloutlint.model import DestinationRule, VirtualService
from rolloutlint.model.values import dig, filled_later, sequence, text

K8S_GATEWAYS = "gateway.networking.k8s.io"


@check("RL530")
def gateway_missing(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A Gateway that a VirtualService binds to and that is not there."""
    for index, reference in _gateways(ctx):
        naming = reference.naming
        if not reference.missing or ctx.world.namesakes(reference.origin, naming._replace(group=K8S_GATEWAYS)):
            continue
        elsewhere = [p for p in ctx.world.namesakes(reference.origin, naming) if ctx.world.namespace(p)]
        hint = near_name(ctx, ISTIO, "Gateway", naming.name) if not naming.namespace and not elsewhere else None
        place = naming.namespace or ctx.world.namespace(reference.origin)
        other = f"{ctx.world.namespace(elsewhere[0])}/{naming.name}" if elsewhere else ""
        path: Path = ("spec", "gateways", index)
        yield ctx.finding(
            path,
            variant="elsewhere" if elsewhere else "near" if hint else "",
            related=[ctx.world.view(p).related(("metadata", "name"), "this one is elsewhere") for p in elsewhere[:3]],
            fix=ctx.fix(f"Write `{other}`", ctx.edit("replace", path, other), safety="unsafe") if other else None,
            name=naming.name,
            where=f"namespace `{place}`" if place else "its namespace",
            hint=hint,
            other=other,
        )


def _gateways(ctx: Context[VirtualService]) -> Iterator[tuple[int, Reference]]:
    """The Gateways of a VirtualService with the world's answer, by their index in `gateways`."""
    own = ctx.world.namespace(ctx.resource.resource)
    for index, written in enumerate(sequence(ctx.resource.spec.get("gateways"))):
        if not isinstance(written, str) or written == MESH or not written or filled_later(written) or own is None:
            continue
        namespace, _, name = gateway_names([written], own)[0].partition("/")
        if name:
            place = "" if namespace == own else namespace
            naming = Naming("gateway", ISTIO, "Gateway", place, name, ("spec", "gateways", index))
            yield index, ctx.world.resolve(ctx.resource.resource, naming)


@check("RL531")
def host_not_served(ctx: Context[VirtualService]) -> Iterator[Finding]:
    """A Gateway none of whose servers serves a host of the VirtualService."""
    own = ctx.world.namespace(ctx.resource.resource)
    hosts = [full_host(h, own or "") for h in sequence(ctx.resource.spec.get("hosts")) if isinstance(h, str)]
    if not hosts or any(map(filled_later, hosts)):
        return
    for index, reference in _gateways(ctx):
        target = reference.target
        if target is None or ctx.world.patched(target, ("spec",)):
            continue
        gateway = ctx.world.view(target)
        servers = [as_map(server) for server in sequence(gateway.spec.get("servers"))]
        written = [host for server in servers for host in as_list(server.get("hosts"))]
        if not written or any(not isinstance(host, str) or filled_later(host) for host in written):
            continue
        place = ctx.world.namespace(target)
        offered = server_hosts(written, place or "", own or "")
        barred = [h for h in written if h not in offered and "/" in h and (own is None or place is None)]
        if barred or meeting([h.lower() for h in offered], [h.lower() for h in hosts]):
            continue
        other = meeting([h.rpartition("/")[2] for h in written], hosts)
        yield ctx.finding(
            ("spec", "gateways", index),
            variant="namespace" if other else "",
            related=(gateway.related(("spec", "servers"), "what it serves", "key"),),
            gateway=gateway.name,
            hosts=", ".join(f"`{h}`" for h in written[:4]),
            mine=", ".join(f"`{h}`" for h in sequence(ctx.resource.spec.get("hosts"))[:4]),
            where=f"`{own}`" if own else "of the VirtualService",
        )


@check("RL533")
def rule_loses_a_subset(ctx: Context[DestinationRule]) -> Iterator[Finding]:
    """A subset, or a traffic policy, that another DestinationRule of the same host and namespace has too."""
    mine = ctx.resource.resource
    namespace = ctx.world.namespace(mine)
    if namespace is None or "workloadSelector" in ctx.resource.spec or not ctx.resource.host:
        return
    mesh = mesh_of(ctx)
    host = full_host(ctx.resource.host, namespace)
    for other in mesh.rules_for(host):
        if not _older(ctx, other, host, namespace, mesh.domain):
            continue
        rival = view_of(ctx, other)
        assert isinstance(rival, DestinationRule)
        for subset in ctx.resource.subsets:
            twin = rival.subset(subset.name)
            if subset.name and twin is not None and not filled_later(subset.name):
                yield ctx.finding(
                    (*subset.path, "name"),
                    related=(rival.related((*twin.path, "name"), "the same subset"),),
                    discriminator=other.name,
                    subset=subset.name,
                    host=ctx.resource.host,
                    other=other.name,
                )
        both = [dig(view.value, "spec", "trafficPolicy") for view in (ctx.resource, rival)]
        if all(isinstance(policy, dict) for policy in both) and both[0] != both[1]:
            yield ctx.finding(
                ("spec", "trafficPolicy"),
                "key",
                variant="policy",
                related=(rival.related(("spec", "trafficPolicy"), "the other policy", "key"),),
                discriminator=other.name,
                host=ctx.resource.host,
                other=other.name,
            )


def _older(ctx: Context[DestinationRule], other: Config, host: str, namespace: str, domain: str) -> bool:
    """True for another rule of the same host, namespace and visibility that is certain and was loaded before."""
    if other.namespace != namespace or other.name == ctx.resource.name or "workloadSelector" in other.spec:
        return False
    mine = mesh_of(ctx).keyed(ctx.resource.resource.number)
    same = full_host(text(other.spec.get("host")), other.namespace, domain) == host
    earlier = resource_of(ctx, other).number < ctx.resource.resource.number
    return earlier and same and mine is not None and mine.exported == other.exported and certain(ctx, other)
