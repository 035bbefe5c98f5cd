"""RL514 and RL515: objects of a traffic router at which the controller fails although the Rollout is valid."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.managed_services import managed_services
from rolloutlint.checks.neighbours import where
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import Naming
from rolloutlint.lang.intstr import int32
from rolloutlint.model import Resource, Rollout, View
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.routing import TRAEFIK
from rolloutlint.model.values import dig, entries, filled_later, mapping, sequence, text

ROUTING: Path = (*CANARY, "trafficRouting")
LONGEST_STICKINESS = 604800
"""Seconds for which AWS keeps a client at its target group, at most (rollout/trafficrouting/alb/alb.go)."""


@check("RL514")
def controller_object_in_git(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An object that the controller wants to make itself, and refuses to touch where somebody else made it."""
    for naming, said in _own_objects(ctx.resource):
        target = ctx.world.resolve(ctx.resource.resource, naming).target
        if target is None:
            continue
        view = ctx.world.view(target)
        if view.metadata.get("ownerReferences") or ctx.world.patched(target, ("metadata", "name")):
            continue
        yield ctx.finding(
            view.place(("metadata", "name")),
            related=(ctx.resource.related(naming.path, "made for this", "key"),),
            discriminator=ctx.resource.name,
            kind=naming.kind,
            name=naming.name,
            rollout=ctx.resource.name,
            said=said,
        )


@check("RL515")
def weight_cannot_be_set(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A router whose object is missing, or lacks what the controller sets weights on."""
    routing = ctx.resource.traffic_routing
    if routing is None or ctx.resource.strategy_kind != "canary":
        return
    services = [(name, text(ctx.resource.canary.get(name))) for name in ("canaryService", "stableService")]
    if not all(name and not filled_later(name) for _, name in services):
        services = []
    yield from _traefik(ctx, services)
    yield from _apisix(ctx, services)
    yield from _nginx(ctx)
    yield from _istio(ctx)
    sticky = mapping(dig(routing, "alb", "stickinessConfig"))
    seconds = int32(sticky.get("durationSeconds"))
    if sticky.get("enabled") is True and seconds is not None and not 1 <= seconds <= LONGEST_STICKINESS:
        said = "TargetGroupStickinessConfig's duration must be between 1 and 604800 seconds (7 days)!"
        path = (*ROUTING, "alb", "stickinessConfig", "durationSeconds")
        yield ctx.finding(path, variant="stickiness", seconds=seconds, said=said)


def _own_objects(rollout: Rollout) -> Iterator[tuple[Naming, str]]:
    """The objects that the controller makes for a router, and what it says where another one has made them."""
    routing = rollout.traffic_routing
    if routing is None or rollout.strategy_kind != "canary" or not rollout.name:
        return
    smi = routing.get("smi")
    if isinstance(smi, dict):
        written = text(smi.get("trafficSplitName"))
        path: Path = (*ROUTING, "smi", "trafficSplitName") if written else (*ROUTING, "smi")
        name = written or rollout.name
        said = f"Rollout does not own TrafficSplit `{name}`"
        yield Naming("trafficSplit", "split.smi-spec.io", "TrafficSplit", "", name, path), said
    nginx = mapping(routing.get("nginx"))
    names = [((*ROUTING, "nginx", "stableIngress"), nginx.get("stableIngress"))]
    names += [((*ROUTING, "nginx", "stableIngresses"), name) for name in sequence(nginx.get("stableIngresses"))]
    for at, stable in names:
        if text(stable):
            prefix = f"{rollout.name}-{stable}"[: 253 - len("-canary")]  # utils/ingress GetCanaryIngressName
            said = f"canary ingress `{prefix}-canary` controlled by different object"
            yield Naming("canaryIngress", "networking.k8s.io", "Ingress", "", f"{prefix}-canary", at), said


def _traefik(ctx: Context[Rollout], services: list[tuple[str, str]]) -> Iterator[Finding]:
    """Mirrors rollout/trafficrouting/traefik/traefik.go SetWeight."""
    for reference in ctx.refs("traefikService"):
        naming, target = reference.naming, reference.target
        old = naming._replace(group=TRAEFIK[1])
        if reference.missing and not ctx.world.namesakes(reference.origin, old):
            said = f'traefikservices.traefik.io "{naming.name}" not found'
            yield ctx.finding(
                naming.path, variant="missing", kind=naming.kind, name=naming.name, where=where(ctx), said=said
            )
        target = target or ctx.world.resolve(reference.origin, old).target
        if target is None or ctx.world.patched(target, ("spec",)):
            continue
        view = ctx.world.view(target)
        weighted = dig(view.value, "spec", "weighted", "services")
        if weighted is None and isinstance(view.value.get("spec"), dict):
            said = "spec.weighted.services was not found in traefik service manifest"
            yield _lacking(ctx, view, ("spec",), naming.path, "`weighted.services`", said)
        elif isinstance(weighted, list):
            names = [text(dig(service, "name")) for service in weighted]
            yield from _services(
                ctx,
                view,
                ("spec", "weighted", "services"),
                naming.path,
                names,
                services,
                "traefik {} service was not found",
            )


def _apisix(ctx: Context[Rollout], services: list[tuple[str, str]]) -> Iterator[Finding]:
    """Mirrors rollout/trafficrouting/apisix/apisix.go processSetWeightRoutes."""
    config = dig(ctx.resource.traffic_routing, "apisix")
    if isinstance(config, dict) and config.get("route") is None:
        yield ctx.finding((*ROUTING, "apisix"), "key", variant="no-route", said="Recovered from Panic")
    for reference in ctx.refs("apisixRoute"):
        naming, target = reference.naming, reference.target
        if reference.missing:
            said = f'apisixroutes.apisix.apache.org "{naming.name}" not found'
            yield ctx.finding(
                naming.path, variant="missing", kind=naming.kind, name=naming.name, where=where(ctx), said=said
            )
        if target is None or ctx.world.patched(target, ("spec",)):
            continue
        view = ctx.world.view(target)
        rules = {text(rule.get("name")): (path, rule) for path, rule in entries(view.value, (), "spec", "http")}
        if len(rules) != len(sequence(dig(view.value, "spec", "http"))) or "" in rules or any(map(filled_later, rules)):
            continue
        wanted = dig(config, "route", "rules") or [naming.name]
        for name in (n for n in sequence(wanted) if isinstance(n, str) and not filled_later(n)):
            if name not in rules:
                said = f"Apisix http route rule {name} not found"
                yield _lacking(ctx, view, ("spec", "http"), naming.path, f"rule `{name}`", said)
                continue
            path, rule = rules[name]
            if isinstance(rule.get("backends"), list):
                names = [text(dig(backend, "serviceName")) for backend in rule["backends"]]
                yield from _services(
                    ctx,
                    view,
                    (*path, "backends"),
                    naming.path,
                    names,
                    services,
                    "apisix route {} backend was not found",
                )


def _nginx(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Mirrors rollout/trafficrouting/nginx/nginx.go buildCanaryIngress, which asks every rule for its paths."""
    for reference in ctx.refs("nginxIngress"):
        target: Resource | None = reference.target
        if target is None or target.group_kind[0] == "extensions" or ctx.world.patched(target, ("spec",)):
            continue
        view = ctx.world.view(target)
        for path, rule in entries(view.value, (), "spec", "rules"):
            if rule.get("http") is None:
                yield ctx.finding(
                    view.place(path),
                    variant="no-http",
                    related=(ctx.resource.related(reference.naming.path, "split by this Rollout"),),
                    name=view.name,
                    said="Recovered from Panic",
                )
                break


def _istio(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Mirrors rollout/trafficrouting/istio/istio.go removeRoute, with which each header and mirror step begins."""
    kinds = ("setHeaderRoute", "setMirrorRoute")
    found = ((step, kind) for step in ctx.resource.steps for kind in kinds if isinstance(step.value.get(kind), dict))
    step, kind = next(found, (None, ""))
    for managed in managed_services(ctx) if step is not None else ():
        if step is not None and managed.selection.sections and "http" not in managed.selection.sections:
            yield ctx.finding(
                (*step.path, kind),
                "key",
                variant="no-http-routes",
                related=(managed.service.related(("spec", managed.selection.sections[0]), "its routes", "key"),),
                discriminator=managed.service.name,
                step=step.index + 1,
                step_kind=kind,
                name=managed.service.name,
                said="spec.http not found",
            )


def _services(
    ctx: Context[Rollout],
    view: View,
    path: Path,
    named_at: Path,
    names: list[str],
    services: list[tuple[str, str]],
    said: str,
) -> Iterator[Finding]:
    """The first of the Rollout's two Services that is not among `names`."""
    if "" in names or any(map(filled_later, names)):
        return
    for role, service in services:
        if service not in names:
            word = role.removesuffix("Service") if "traefik" in said else service
            yield _lacking(ctx, view, path, named_at, f"Service `{service}`, the {role}", said.format(word))
            return


def _lacking(ctx: Context[Rollout], view: View, path: Path, named_at: Path, what: str, said: str) -> Finding:
    return ctx.finding(
        view.place(path, "key"),
        related=(ctx.resource.related(named_at, "split by this Rollout"),),
        kind=view.id.kind,
        name=view.name,
        what=what,
        said=said,
    )
