"""RL508 to RL513: what the controller asks of a traffic router's configuration, and of the objects it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import near_name, where
from rolloutlint.controllers.traffic import ROUTERS, routers
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import Reference
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.names import near
from rolloutlint.model import Ingress, MeshRouter, MeshService, Rollout
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, filled_later, mapping, sequence, text

ROUTING: Path = (*CANARY, "trafficRouting")
EITHER = (
    ("nginx", "stableIngress", "stableIngresses"),
    ("alb", "ingress", "ingresses"),
    ("istio", "virtualService", "virtualServices"),
)


@check("RL508")
def router_names_one_or_many(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A router that has both the singular and the plural field for what it changes, or neither."""
    for router, single, many in EITHER:
        config = dig(_routing(ctx.resource), router)
        if not isinstance(config, dict):
            continue
        one, several = config.get(single), config.get(many)
        if not isinstance(several, (list, type(None))) or not isinstance(one, (str, dict, type(None))):
            continue
        # An empty list is dropped before validation, as an empty name is (rollout/controller.go remarshalRollout).
        named = one is not None and one != ""
        if named is not bool(several):
            continue
        said = (
            f"Either {_go(single)} or {_go(many)} must be configured. {'Both' if named else 'Neither'} are configured."
        )
        yield ctx.finding(
            (*ROUTING, router, many) if named else (*ROUTING, router),
            "key",
            variant="both" if named else "",
            related=(ctx.resource.related((*ROUTING, router, single), f"`{single}`", "key"),) if named else (),
            router=router,
            single=single,
            many=many,
            said="either VirtualService or VirtualServices must be configured" if router == "istio" else said,
        )


@check("RL509")
def ingress_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An Ingress that the nginx or ALB router changes and that is not there."""
    for reference in _ingresses(ctx):
        naming = reference.naming
        legacy = naming._replace(group="extensions")
        if not reference.missing or ctx.world.namesakes(reference.origin, legacy):
            continue
        hint = near_name(ctx, naming.group, "Ingress", naming.name)
        unchecked = naming.role == "nginxIngress" and "alb" in routers(ctx.resource.traffic_routing)
        yield ctx.finding(
            naming.path,
            variant="-".join(filter(None, ("unchecked" if unchecked else "", "near" if hint else ""))),
            name=naming.name,
            where=where(ctx),
            hint=hint,
        )


@check("RL510")
def ingress_without_rule(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An Ingress without a path to the Service whose traffic the router splits."""
    both = "alb" in routers(ctx.resource.traffic_routing)
    for reference in _ingresses(ctx):
        router = reference.naming.role.removesuffix("Ingress")
        found = _certain_ingress(ctx, reference)
        if found is None or (router == "nginx" and both):
            continue  # with both routers the controller fetches the ALB Ingresses alone
        root = text(dig(ctx.resource.traffic_routing, "alb", "rootService")) if router == "alb" else ""
        service = root or text(ctx.resource.canary.get("stableService"))
        names = [backend.service for backend in found.backends]
        if not service or filled_later(service) or any(map(filled_later, names)):
            continue
        before = found.backends[: names.index(service)] if service in names else found.backends
        resource = next((b for b in before if b.value.get("resource") is not None), None)
        if service in names and resource is None:
            continue
        hint = near(service, names)
        variant = "resource" if resource else "default-backend" if found.default_service == service else ""
        key = ("spec", "rules") if "rules" in found.spec else ("spec",)
        asked = (*ROUTING, "alb", "rootService") if root else (*CANARY, "stableService")
        yield ctx.finding(
            found.place((*resource.path, "resource"), "key") if resource else found.place(key, "key"),
            variant=variant or ("near" if hint else ""),
            related=(
                ctx.resource.related(reference.naming.path, "split by this Rollout"),
                ctx.resource.related(asked, "asked for here"),
            ),
            ingress=found.name,
            service=service,
            field=asked[-1],
            hint=hint,
        )


@check("RL511")
def router_absent(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`trafficRouting` without a router: weights are computed and never applied."""
    routing = _routing(ctx.resource)
    if routing is None or routers(routing) or set(routing) - {*ROUTERS, "managedRoutes", "maxTrafficWeight"}:
        return
    empty = next((name for name in ROUTERS if name in routing), "")
    yield ctx.finding((*ROUTING, empty) if empty else ROUTING, "key", variant="null" if empty else "", router=empty)


@check("RL512")
def mapping_unusable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Ambassador: no Mapping named, a missing one, one with a weight, one that does not send to the stable Service."""
    config = dig(_routing(ctx.resource), "ambassador")
    if not isinstance(config, dict):
        return
    if config.get("mappings") == []:
        yield ctx.finding((*ROUTING, "ambassador", "mappings"), "key", variant="none")
    stable = text(ctx.resource.canary.get("stableService"))
    for reference in ctx.refs("ambassadorMapping"):
        naming, target = reference.naming, reference.target
        other = naming._replace(group="x.getambassador.io", kind="AmbassadorMapping")
        if reference.missing and not ctx.world.namesakes(reference.origin, other):
            hint = near_name(ctx, naming.group, naming.kind, naming.name)
            variant = "missing-near" if hint else "missing"
            yield ctx.finding(naming.path, variant=variant, name=naming.name, where=where(ctx), hint=hint)
        if target is None or ctx.world.patched(target, ("spec",)):
            continue
        view = ctx.world.view(target)
        used = (ctx.resource.related(naming.path, "named by this Rollout"),)
        if int32(view.spec.get("weight")):
            at = view.place(("spec", "weight"))
            yield ctx.finding(at, related=used, name=view.name, weight=view.spec.get("weight"))
        service = text(view.spec.get("service"))
        if service and stable and stable not in service and not filled_later(service) and not filled_later(stable):
            at = view.place(("spec", "service"))
            yield ctx.finding(at, variant="service", related=used, name=view.name, service=service, stable=stable)


@check("RL513")
def app_mesh_unusable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """App Mesh: a VirtualService or its router that the controller refuses, or no virtual nodes."""
    config = dig(_routing(ctx.resource), "appMesh")
    if not isinstance(config, dict):
        return
    base: Path = (*ROUTING, "appMesh")
    if config.get("virtualService") is None:
        yield ctx.finding(base, "key", variant="no-virtual-service")
    elif config.get("virtualNodeGroup") is None:
        yield ctx.finding(base, "key", variant="no-virtual-nodes")
    for reference in ctx.refs("appMeshVirtualService"):
        if reference.missing:
            name = reference.naming.name
            yield ctx.finding(reference.naming.path, variant="missing", name=name, where=where(ctx))
        if reference.target is None or ctx.world.patched(reference.target, ("spec",)):
            continue
        service = ctx.world.view(reference.target)
        used = (ctx.resource.related(reference.naming.path, "named by this Rollout"),)
        if not isinstance(service, MeshService):
            continue
        provider = service.spec.get("provider")
        if isinstance(provider, dict) and dig(provider, "virtualRouter", "virtualRouterRef") is None:
            at = service.place(("spec", "provider"), "key")
            yield ctx.finding(at, variant="no-router", related=used, name=service.name)
        for found in ctx.world.references(service.resource, "virtualRouterRef"):
            if found.target is None or ctx.world.patched(found.target, ("spec",)):
                continue
            router = ctx.world.view(found.target)
            assert isinstance(router, MeshRouter)
            if router.spec.get("routes") in (None, []) and "spec" in router.value:
                yield ctx.finding(router.place(("spec",), "key"), variant="no-routes", related=used, name=router.name)
            for path, targets in router.targets:
                if isinstance(targets, list) and len(targets) != 2:
                    place = router.place(path, "key")
                    yield ctx.finding(place, variant="targets", related=used, name=router.name, count=len(targets))


def _routing(rollout: Rollout) -> Mapping[str, Any] | None:
    """`trafficRouting` of a canary that the controller accepts as one."""
    return rollout.traffic_routing if rollout.strategy_kind == "canary" else None


def _go(field: str) -> str:
    """The name of a field as the controller's messages write it."""
    return field[0].upper() + field[1:]


def _ingresses(ctx: Context[Rollout]) -> tuple[Reference, ...]:
    return ctx.refs("nginxIngress", "albIngress") if _routing(ctx.resource) is not None else ()


def _certain_ingress(ctx: Context[Rollout], reference: Reference) -> Ingress | None:
    """The Ingress that is certainly meant and whose rules can all be read as they stand."""
    target = reference.target
    if target is None or ctx.world.patched(target, ("spec",)):
        return None
    view = ctx.world.view(target)
    rules = view.spec.get("rules") if isinstance(view, Ingress) and isinstance(view.value.get("spec"), dict) else 0
    if not isinstance(view, Ingress) or not isinstance(rules, (list, type(None))):
        return None
    paths = [dig(rule, "http", "paths") for rule in sequence(rules)]
    written = sum(len(sequence(p)) for p in paths)
    readable = all(isinstance(rule, dict) for rule in sequence(rules)) and written == len(view.backends)
    nameless = [b for b in view.backends if not b.service and mapping(b.value).get("resource") is None]
    return view if readable and not nameless else None
