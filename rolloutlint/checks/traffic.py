"""RL5: traffic - what the VirtualService and DestinationRule of a Rollout must hold."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.managed_services import lacking_of, managed_services, subset_names
from rolloutlint.controllers.istio_routes import Pair, Selection, pair_of
from rolloutlint.controllers.traffic import routers
from rolloutlint.finding import Edit, Finding, Fix, Part, Path
from rolloutlint.graph import Reference
from rolloutlint.lang.names import near
from rolloutlint.model import DestinationRule, Rollout, VirtualService
from rolloutlint.model.istio import Destination, Route
from rolloutlint.model.rollout import CANARY, Step, VirtualServiceUse
from rolloutlint.model.values import dig, filled_later, has, sequence
from rolloutlint.settings import Version

ISTIO: Path = (*CANARY, "trafficRouting", "istio")
_NAMED_ROUTE_IS_FOUND = Version(1, 8)
"""From 1.8.3 on a lone named route is weighed without being listed; of 1.8 the minor release tells nothing."""


@check("RL501")
def route_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A listed route that the VirtualService does not have."""
    for use, service, selection in managed_services(ctx):
        for field, index in selection.unmatched:
            path: Path = (*use.path[:-1], field, index)
            wanted = dig(use.value, field, index)
            if field != "routes":
                routes = service.tls if field == "tlsRoutes" else service.tcp
                related = tuple(service.related(r.path, "does not answer to it") for r in routes)
                yield ctx.finding(path, variant=field.removesuffix("Routes"), related=related, service=service.name)
                continue
            if filled_later(wanted):
                continue
            names = [route.name for route in service.http if route.name]
            hint = near(wanted, names)
            yield ctx.finding(
                path,
                variant="near" if hint else "only-unnamed" if not names else "",
                related=[service.related(("spec", "http"), "its routes", "key")],
                fix=ctx.fix(f"Write `{hint}`", ctx.edit("replace", path, hint), safety="unsafe") if hint else None,
                route=wanted,
                service=service.name,
                hint=hint,
                names=", ".join(f"`{name}`" for name in names),
            )


@check("RL502")
def route_ambiguous(ctx: Context[Rollout]) -> Iterator[Finding]:
    """No route listed where the VirtualService has several."""
    pair = pair_of(ctx.resource.canary)
    for use, service, selection in managed_services(ctx):
        for section in selection.ambiguous:
            field = "routes" if section == "http" else f"{section}Routes"
            routes: tuple[Route, ...] = getattr(service, section)
            own = [r for r in routes if not r.name or r.name not in ctx.resource.managed_routes]
            fitting = [r.name for r in own if pair and lacking_of(pair, r) == ()]
            only = fitting[0] if section == "http" and len(fitting) == 1 else ""
            yield ctx.finding(
                *_at(use, field),
                variant="only" if only else "",
                related=tuple(service.related(r.path, "one of them") for r in own),
                fix=_list_route(ctx, use, only) if only else None,
                discriminator=section,
                field=field,
                section=section,
                count=len(own),
                service=service.name,
                only=only,
            )
        if _frozen_by_version(ctx, use, service, selection):
            yield ctx.finding(
                *_at(use, "routes"),
                variant="named-before-1-8",
                related=(service.related((*service.http[0].path, "name"), "the route"),),
                fix=_list_route(ctx, use, service.http[0].name),
                field="routes",
                section="http",
                service=service.name,
                only=service.http[0].name,
                version=str(ctx.settings.targets.rollouts),
            )
            continue
        step = None if "http" in selection.ambiguous else _freezing_step(ctx.resource, use, service)
        if step is not None:
            lone = _own_routes(ctx.resource, service)[0]
            yield ctx.finding(
                *_at(use, "routes"),
                variant="header-step" if "setHeaderRoute" in step.kinds else "mirror-step",
                related=(
                    ctx.resource.related(step.path, "its route comes beside"),
                    service.related(lone.path, "the route to weigh"),
                ),
                fix=_list_route(ctx, use, lone.name) if lone.name else None,
                step=step.index + 1,
                service=service.name,
                only=lone.name or f"spec.http[{lone.index}]",
            )


@check("RL503")
def route_lacks_stable_or_canary(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A managed route without a destination for the stable or the canary pods."""
    rollout = ctx.resource
    pair = pair_of(rollout.canary)
    for managed in managed_services(ctx):
        service = managed.service
        if not managed.selection.sections:
            yield ctx.finding(
                service.place(("spec",), "key"),
                variant="no-routes",
                related=(rollout.related(managed.use.path, "managed by this Rollout"),),
                service=service.name,
            )
        for route in managed.routes() if pair else ():
            lacking = lacking_of(pair, route) if pair and route.protocol not in managed.selection.ambiguous else None
            if pair and lacking and pair.by_subset:  # what the DestinationRule lacks, too, is RL504's
                defined = subset_names(ctx)
                lacking = tuple((role, name) for role, name in lacking if defined is None or name in defined)
            if not pair or not lacking:
                continue
            role, name = lacking[0]
            hint = near(name, [d.subset if pair.by_subset else d.service for d in route.destinations])
            listed = has(managed.use.value, f"{route.protocol}Routes") or route.protocol == "http"
            asked = _written(rollout, name, managed.use.path)
            yield ctx.finding(
                service.place((*route.path, "route"), "key") if "route" in route.value else service.place(route.path),
                variant="near" if hint else "" if listed else "unasked",
                related=(rollout.related(asked, "asked for here"),),
                discriminator=service.name,
                route=route.name or f"spec.{route.protocol}[{route.index}]",
                service=service.name,
                lacking=" nor ".join(f"{r} {'subset' if pair.by_subset else 'Service'} `{n}`" for r, n in lacking),
                said=f"{role.capitalize()} {'DestinationRule subset' if pair.by_subset else 'Service'} '{name}'",
                hint=hint,
                section=route.protocol,
            )


@check("RL504")
def subset_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A subset that the DestinationRule does not define, or one subset for both."""
    rule = ctx.resource.destination_rule
    if rule is None or ctx.resource.strategy_kind != "canary":
        return
    canary, stable = (*rule.path, "canarySubsetName"), (*rule.path, "stableSubsetName")
    if rule.canary_subset and rule.canary_subset == rule.stable_subset:
        other = ctx.resource.related(canary, "`canarySubsetName`")
        yield ctx.finding(stable, variant="same", related=(other,), name=rule.stable_subset)
        return
    target, names = ctx.target("destinationRule"), subset_names(ctx)
    if not isinstance(target, DestinationRule) or names is None:
        return
    for path, name in ((canary, rule.canary_subset), (stable, rule.stable_subset)):
        if not name or name in names or filled_later(name):
            continue
        hint = near(name, names)
        yield ctx.finding(
            path,
            variant="-".join(filter(None, ("stable" if path is stable else "", "near" if hint else ""))),
            related=(target.related(("spec", "subsets") if names else ("spec",), "its subsets", "key"),),
            name=name,
            rule=target.name,
            hint=hint,
        )


@check("RL505")
def initial_weights_not_100_0(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Weights in Git that the controller changes as soon as it looks."""
    pair = pair_of(ctx.resource.canary)
    if pair is None or (not pair.by_subset and ctx.resource.service("canaryService") is None):
        return  # with pingPong, which Service is the canary's changes with every release
    for managed in managed_services(ctx):
        service = managed.service
        for route in managed.routes():
            found = _weights(pair, route)
            if found is None:
                continue
            canary, stable, kept = found
            wanted = max(0, 100 - kept)
            if (canary.weight or 0, stable.weight or 0) == (0, wanted):
                continue
            nothing = not any(d.weight for d in route.destinations)
            wrong = canary if canary.weight else stable
            at = service.place((*route.path, "route"), "key")
            if not nothing and wrong.weight is not None:
                at = service.place((*wrong.path, "weight"))
            edits = (*_set_weight(service, stable, wanted), *_set_weight(service, canary, 0))
            yield ctx.finding(
                at,
                variant="total-zero" if nothing else "",
                related=(ctx.resource.related(managed.use.path, "managed by this Rollout"),),
                fix=Fix(f"Set the weights to {wanted} and 0", "safe", edits),
                discriminator=service.name,
                route=route.name or f"spec.{route.protocol}[{route.index}]",
                service=service.name,
                stable=stable.weight or 0,
                canary=canary.weight or 0,
                wanted=wanted,
            )


@check("RL506")
def virtual_service_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A VirtualService that the Rollout manages and that is not there."""
    if ctx.resource.strategy_kind != "canary":
        return
    for reference in ctx.refs("virtualService"):
        if reference.missing:
            yield _absent(ctx, reference)


@check("RL507")
def destination_rule_missing(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A DestinationRule whose subsets the Rollout manages and that is not there."""
    if ctx.resource.strategy_kind != "canary":
        return
    for reference in ctx.refs("destinationRule"):
        if reference.missing:
            yield _absent(ctx, reference)


def _at(use: VirtualServiceUse, field: str) -> tuple[Path, Part]:
    """Where `field` of an entry is missed: its own key if it is empty, else the entry's key, or its name in a list."""
    parent = use.path[:-1]
    if field in use.value:
        return (*parent, field), "key"
    return (parent, "key") if isinstance(parent[-1], str) else (use.path, "value")


def _list_route(ctx: Context[Rollout], use: VirtualServiceUse, name: str) -> Fix | None:
    """The fix that lists the one route; none where `routes` is already written, as an empty list."""
    parent = use.path[:-1]
    if "routes" in use.value:
        return ctx.fix(f"List `{name}`", ctx.edit("replace", (*parent, "routes"), [name]), safety="unsafe")
    return ctx.fix(f"List `{name}`", ctx.edit("insert", parent, {"routes": [name]}), safety="unsafe")


def _own_routes(rollout: Rollout, service: VirtualService) -> list[Route]:
    """The http routes that are not the controller's own."""
    return [route for route in service.http if not route.name or route.name not in rollout.managed_routes]


def _freezing_step(rollout: Rollout, use: VirtualServiceUse, service: VirtualService) -> Step | None:
    """The first step from which on the controller does not weigh the route that it chose itself.

    Beside a second route only an unnamed one is found, and beside a mirror route nothing but that is asked for
    (rollout/trafficrouting/istio/istio.go getHttpRouteIndexesToPatch, generateVirtualServicePatches).
    """
    own = _own_routes(rollout, service)
    if use.route_names or len(own) != 1 or "istio" not in routers(rollout.traffic_routing):
        return None
    for step in rollout.steps:
        if _sets_route(step, "setMirrorRoute") or (own[0].name and _sets_route(step, "setHeaderRoute")):
            return step
    return None


def _sets_route(step: Step, kind: str) -> bool:
    return bool(sequence(dig(step.value, kind, "match")))


def _frozen_by_version(
    ctx: Context[Rollout], use: VirtualServiceUse, service: VirtualService, selection: Selection
) -> bool:
    """True where a controller before 1.8.3 finds no route to weigh, because the only one has a name."""
    return (
        ctx.settings.targets.rollouts < _NAMED_ROUTE_IS_FOUND
        and not use.route_names
        and "http" not in selection.ambiguous
        and len(service.http) == 1
        and bool(service.http[0].name)
    )


def _written(rollout: Rollout, name: str, otherwise: Path) -> Path:
    """Where the Rollout writes the name of a Service or subset."""
    places: tuple[Path, ...] = (
        (*ISTIO, "destinationRule", "canarySubsetName"),
        (*ISTIO, "destinationRule", "stableSubsetName"),
        (*CANARY, "canaryService"),
        (*CANARY, "stableService"),
        (*CANARY, "pingPong", "pingService"),
        (*CANARY, "pingPong", "pongService"),
    )
    return next((path for path in places if dig(rollout.value, *path) == name), otherwise)


def _weights(pair: Pair, route: Route) -> tuple[Destination, Destination, int] | None:
    """The canary's and the stable destination and what others keep; `None` where the weights are not the question."""
    destinations = route.destinations
    roles = [pair.role(d.service, d.subset) for d in destinations]
    if lacking_of(pair, route) != () or roles.count("canary") != 1 or roles.count("stable") != 1:
        return None
    if any(d.weight is None and dig(route.value, "route", int(d.path[-1]), "weight") is not None for d in destinations):
        return None  # not a number: the schema says it
    if any(role == "other" and d.weight for role, d in zip(roles, destinations, strict=True)):
        return None  # the controller deletes that destination, which is another fault
    kept = sum(d.weight or 0 for role, d in zip(roles, destinations, strict=True) if role == "kept")
    return destinations[roles.index("canary")], destinations[roles.index("stable")], kept


def _set_weight(service: VirtualService, destination: Destination, weight: int) -> tuple[Edit, ...]:
    """The edit that gives a destination its weight, none where it has it (a canary without a weight has 0)."""
    if (destination.weight or 0) == weight:
        return ()
    written = has(service.value, *destination.path, "weight")
    if written:
        return (Edit("replace", service.place((*destination.path, "weight")), weight),)
    return (Edit("insert", service.place(destination.path), {"weight": weight}),)


def _absent(ctx: Context[Rollout], reference: Reference) -> Finding:
    """The finding about a name that leads nowhere, with what may have been meant."""
    naming, world, mine = reference.naming, ctx.world, ctx.resource.resource
    namespace = naming.namespace or world.namespace(mine)
    elsewhere = [p for p in world.namesakes(mine, naming) if world.namespace(p)]
    peers = (p for p in world.near(mine, naming.group, naming.kind) if world.scopes(p) & world.scopes(mine))
    hint = near(naming.name, (p.id.name for p in peers if world.namespace(p) in ("", namespace)))
    return ctx.finding(
        naming.path,
        variant="elsewhere" if elsewhere else "near" if hint else "",
        related=[world.view(p).related(("metadata", "name"), "this one is elsewhere") for p in elsewhere[:3]],
        name=naming.name,
        where=f"namespace `{namespace}`" if namespace else "its namespace",
        other=world.namespace(elsewhere[0]) if elsewhere else "",
        hint=hint,
    )
