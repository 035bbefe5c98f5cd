"""RL550 to RL559: what a Rollout does to its VirtualService and DestinationRule that Git did not mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.managed_services import Managed, lacking_of, managed_services
from rolloutlint.controllers.istio_hosts import MESH, full_host, gateway_names, half_host, within
from rolloutlint.controllers.istio_routes import pair_of
from rolloutlint.controllers.traffic import HASH_LABEL, routers
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.graph import Naming, Reference
from rolloutlint.model import DestinationRule, Ingress, Rollout, View
from rolloutlint.model.istio import Route
from rolloutlint.model.rollout import CANARY, SERVICE_ROLES
from rolloutlint.model.values import dig, entries, filled_later, has, mapping, sequence, text

ROUTING: Path = (*CANARY, "trafficRouting")
ISTIO: Path = (*ROUTING, "istio")


@check("RL550")
def destination_overwritten(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A weighted destination of a managed route that the controller deletes, or to which it gives another's weight."""
    pair = pair_of(ctx.resource.canary)
    for managed in managed_services(ctx) if pair else ():
        for route in _weighed(managed):
            if pair is None or lacking_of(pair, route) != ():
                continue
            roles = [pair.role(d.service, d.subset) if d.service else "kept" for d in route.destinations]
            for role, destination in zip(roles, route.destinations, strict=True):
                again = role in ("canary", "stable") and roles.index(role) < route.destinations.index(destination)
                if not again and (role != "other" or (destination.weight or 0) <= 0):
                    continue
                first = managed.service.related(route.destinations[roles.index(role)].path, f"the {role} destination")
                yield ctx.finding(
                    managed.service.place(destination.path),
                    variant="twice" if again else "subset" if pair.by_subset else "",
                    related=(_managing(ctx, managed), *((first,) if again else ())),
                    discriminator=managed.service.name,
                    route=_called(route),
                    service=managed.service.name,
                    destination=destination.subset if pair.by_subset and destination.subset else destination.host,
                    weight=destination.weight,
                    role=role,
                )


@check("RL551")
def subset_removed(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A subset beside the canary's and the stable one in the DestinationRule that the Rollout manages."""
    use, rule = ctx.resource.destination_rule, ctx.target("destinationRule")
    if use is None or not isinstance(rule, DestinationRule) or ctx.resource.strategy_kind != "canary":
        return
    own = (use.canary_subset, use.stable_subset)
    if not all(own) or any(map(filled_later, own)) or ctx.world.patched(rule.resource, ("spec", "subsets")):
        return
    kept = sequence(dig(ctx.resource.value, *use.path, "additionalSubsetNames"))
    for subset in rule.subsets:
        if subset.name and subset.name not in own and not filled_later(subset.name):
            yield ctx.finding(
                rule.place((*subset.path, "name")),
                variant="additional" if subset.name in kept else "",
                related=(ctx.resource.related((*use.path, "name"), "managed by this Rollout"),),
                subset=subset.name,
                rule=rule.name,
            )


@check("RL552")
def traffic_object_shared(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A DestinationRule, or a route of a VirtualService, that two Rollouts write to."""
    if ctx.resource.strategy_kind != "canary":
        return
    for reference in ctx.refs("destinationRule"):
        rival = next(_earlier_rollouts(ctx, reference), None)
        if rival is not None:
            yield ctx.finding(
                reference.naming.path,
                related=(rival.related((*ISTIO, "destinationRule", "name"), "named here too"),),
                name=reference.naming.name,
                other=rival.name,
            )
    for reference in ctx.refs("virtualService"):
        mine = next((m for m in managed_services(ctx) if m.use.path == reference.naming.path), None)
        if mine is None:
            continue
        for rival in _earlier_rollouts(ctx, reference):
            taken = {
                r.path: m
                for m in managed_services(ctx, rival)
                if m.service.resource.number == mine.service.resource.number
                for r in _weighed(m)
            }
            shared = next((route for route in _weighed(mine) if route.path in taken), None)
            if shared is not None:
                yield ctx.finding(
                    reference.naming.path,
                    variant="route",
                    related=(
                        mine.service.related(shared.path, "the route"),
                        rival.related(taken[shared.path].use.path, "weighed by this one too"),
                    ),
                    name=mine.service.name,
                    route=_called(shared),
                    other=rival.name,
                )
                break


@check("RL553")
def hash_in_git(ctx: Context[View]) -> Iterator[Finding]:
    """A selector that asks for the pods of one revision, written down in Git."""
    view = ctx.resource
    places: list[tuple[Path, str]] = [(("spec", "selector"), "Service")]
    if isinstance(view, DestinationRule):
        places = [((*subset.path, "labels"), "subset") for subset in view.subsets]
    for path, what in places:
        labels = mapping(dig(view.value, *path))
        if HASH_LABEL not in labels or filled_later(labels[HASH_LABEL]):
            continue
        roles = ("destinationRule",) if what == "subset" else (*SERVICE_ROLES, "rootService")
        used = tuple(
            Related(r.origin.place(r.naming.path), "the Rollout that writes it", r.origin.id)
            for r in ctx.world.referrers(view.resource, *roles)
        )
        remove = ctx.fix("Remove the label", ctx.edit("remove", (*path, HASH_LABEL))) if len(labels) > 1 else None
        yield ctx.finding(
            (*path, HASH_LABEL),
            variant="" if used else "unmanaged",
            related=used,
            fix=remove,
            kind=view.id.kind if what == "Service" else "subset of DestinationRule",
            name=view.name,
            hash=labels[HASH_LABEL],
        )


@check("RL554")
def managed_route_in_git(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A route written in Git under a name that the controller takes for its own."""
    rollout = ctx.resource
    named = {
        text(route.get("name")): path
        for path, route in entries(rollout.traffic_routing, ROUTING, "managedRoutes")
        if text(route.get("name")) and not filled_later(route.get("name"))
    }
    if not named or rollout.strategy_kind != "canary":
        return
    for managed in managed_services(ctx):
        for route in managed.service.http:
            if route.name in named:
                at = managed.service.place((*route.path, "name"))
                variant = "only" if len(managed.service.http) == 1 else ""
                owner = f"VirtualService `{managed.service.name}`"
                yield _taken(ctx, at, variant, named[route.name], owner, route.name)
    from rolloutlint.checks.gateway_api import gateway_routes
    from rolloutlint.controllers.gateway_api import is_managed_rule

    for view, header_routes in gateway_routes(ctx):
        for rule in view.rules if header_routes else ():
            if rule.name and is_managed_rule(rule.name, named):
                entry = named.get(rule.name) or named[rule.name.rpartition("-")[0]]
                at = view.place((*rule.path, "name"))
                yield _taken(ctx, at, "", entry, f"{view.id.kind} `{view.name}`", rule.name)
    for reference in ctx.refs("albIngress"):
        ingress = ctx.world.view(reference.target) if reference.target else None
        if isinstance(ingress, Ingress) and not ctx.world.patched(ingress.resource, ("spec",)):
            for backend in ingress.backends:
                if backend.service in named:
                    at, owner = ingress.place(backend.path), f"Ingress `{ingress.name}`"
                    yield _taken(ctx, at, "path", named[backend.service], owner, backend.service)
    for name, path in named.items() if "apisix" in routers(rollout.traffic_routing) else ():
        naming = Naming("apisixRoute", "apisix.apache.org", "ApisixRoute", "", name, path)
        target = ctx.world.resolve(rollout.resource, naming).target
        if target is not None and not ctx.world.view(target).metadata.get("ownerReferences"):
            at = target.place(("metadata", "name"))
            yield _taken(ctx, at, "apisix", path, f"ApisixRoute `{name}`", name)


@check("RL555")
def routes_multiply(ctx: Context[Rollout]) -> Iterator[Finding]:
    """http routes that share a name, or have none, where the controller orders routes by name."""
    rollout = ctx.resource
    if not rollout.managed_routes:
        return
    for managed in managed_services(ctx):
        names = Counter(r.name for r in managed.service.http if not r.name or r.name not in rollout.managed_routes)
        for name, count in names.items():
            if count < 2:
                continue
            same = [route for route in managed.service.http if route.name == name]
            at = (*same[1].path, "name") if name else same[1].path
            yield ctx.finding(
                managed.service.place(at),
                variant="" if name else "unnamed",
                related=(
                    managed.service.related(same[0].path, "the first of them"),
                    rollout.related((*ROUTING, "managedRoutes"), "makes the controller order the routes", "key"),
                ),
                discriminator=name,
                service=managed.service.name,
                name=name,
                count=count,
                then=count**2,
                later=count**4,
            )


@check("RL556")
def mesh_not_split(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A managed VirtualService that applies to gateways alone."""
    for managed in managed_services(ctx):
        written = managed.service.spec.get("gateways")
        if not sequence(written) or filled_later(str(written)) or MESH in gateway_names(written, ""):
            continue
        yield ctx.finding(
            managed.service.place(("spec", "gateways"), "key"),
            related=(_managing(ctx, managed),),
            discriminator=managed.service.name,
            service=managed.service.name,
        )


@check("RL557")
def subset_of_another_host(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A managed route asks for the subset on a host that the DestinationRule is not about."""
    pair, rule = pair_of(ctx.resource.canary), ctx.target("destinationRule")
    if pair is None or not pair.by_subset or not isinstance(rule, DestinationRule):
        return
    if not rule.host or filled_later(rule.host) or ctx.world.patched(rule.resource, ("spec", "host")):
        return
    for managed in managed_services(ctx):
        spaces = ctx.world.namespace(managed.service.resource), ctx.world.namespace(rule.resource)
        for route in managed.routes():
            for destination in route.destinations:
                if destination.subset not in (pair.canary_subset, pair.stable_subset):
                    continue
                if _same_host(destination.host, spaces[0], rule.host, spaces[1]):
                    continue
                yield ctx.finding(
                    managed.service.place((*destination.path, "destination", "host")),
                    related=(
                        rule.related(("spec", "host"), "the host of the subsets"),
                        _managing(ctx, managed),
                    ),
                    discriminator=managed.service.name,
                    host=destination.host,
                    subset=destination.subset,
                    rule=rule.name,
                    wanted=rule.host,
                )


@check("RL558")
def virtual_service_name_ambiguous(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A name of a VirtualService with several dots, which releases of the controller cut differently."""
    if ctx.resource.strategy_kind != "canary":
        return
    for use in ctx.resource.virtual_services:
        labels = use.name.split(".")
        if use.split() is not None or filled_later(use.name):
            continue
        newer, _, space = use.name.removesuffix(".cluster.local").rpartition(".")
        if (newer, space) == (labels[0], labels[1]):
            continue
        short = f"{labels[0]}.{labels[1]}"
        yield ctx.finding(
            use.path,
            fix=ctx.fix(f"Write `{short}`", ctx.edit("replace", use.path, short), safety="unsafe"),
            name=use.name,
            old=labels[0],
            old_namespace=labels[1],
            new=newer,
            new_namespace=space,
            short=short,
        )


@check("RL559")
def deadline_never_counts(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A progress deadline that is written down, with a router whose errors keep it from being looked at."""
    rollout = ctx.resource
    canary = rollout.canary
    if rollout.strategy_kind != "canary" or "istio" not in routers(rollout.traffic_routing):
        return
    if any(canary.get(field) not in (None, "") for field in ("canaryService", "stableService")):
        return
    fields = ("progressDeadlineAbort", "progressDeadlineSeconds")
    written = next((field for field in fields if rollout.spec.get(field) not in (None, False)), "")
    if not written:
        return
    at = (*ISTIO, "destinationRule")
    known = has(rollout.value, *at)
    yield ctx.finding(
        ("spec", written),
        "key",
        variant="" if written == "progressDeadlineAbort" else "seconds",
        related=(rollout.related(at if known else (*CANARY, "pingPong"), "splits without the two Services", "key"),),
    )


def _weighed(managed: Managed) -> Iterator[Route]:
    """The routes whose weights the controller sets, without those over which it refuses the Rollout."""
    return (route for route in managed.routes() if route.protocol not in managed.selection.ambiguous)


def _called(route: Route) -> str:
    return route.name or f"spec.{route.protocol}[{route.index}]"


def _managing(ctx: Context[Rollout], managed: Managed) -> Related:
    return ctx.resource.related(managed.use.path, "managed by this Rollout")


def _earlier_rollouts(ctx: Context[Rollout], reference: Reference) -> Iterator[Rollout]:
    """The other Rollouts, loaded before this one and of the same place, that name the same object."""
    if reference.target is None:
        return
    mine = reference.origin
    for other in ctx.world.referrers(reference.target, reference.naming.role):
        rival = other.origin
        known = ctx.world.namespace(rival) is not None and ctx.world.namespace(mine) is not None
        apart = (rival.id.name, ctx.world.namespace(rival)) != (mine.id.name, ctx.world.namespace(mine))
        if rival.number < mine.number and known and apart and ctx.world.scopes(rival) & ctx.world.scopes(mine):
            view = ctx.world.view(rival)
            if isinstance(view, Rollout) and view.strategy_kind == "canary" and other.target == reference.target:
                yield view


def _taken(ctx: Context[Rollout], at: Any, variant: str, entry: Path, owner: str, name: str) -> Finding:
    related = (ctx.resource.related((*entry, "name"), "one of the controller's own"),)
    return ctx.finding(at, variant=variant, related=related, discriminator=owner, owner=owner, name=name)


def _same_host(host: str, namespace: str | None, rule_host: str, rule_namespace: str | None) -> bool:
    """False where the subset's host certainly is not that of the DestinationRule, as Istio resolves both."""
    if not host or half_host(host) or half_host(rule_host):
        return True  # a host of no Service at all is another rule's
    short = "." not in host, "." not in rule_host
    if any(short) and (not namespace or not rule_namespace) and (namespace != rule_namespace or not all(short)):
        return rule_host.startswith("*") or host.partition(".")[0] == rule_host.partition(".")[0]
    return within(_without_domain(host, namespace), _without_domain(rule_host, rule_namespace))


def _without_domain(host: str, namespace: str | None) -> str:
    """The full host up to `.svc`: which domain the cluster has is not known."""
    stem, svc, _ = full_host(host, namespace or "").partition(".svc.")
    return stem + svc
