"""RL580 to RL582: the routes that the Gateway API plugin is given, as it reads and rewrites them."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.neighbours import where
from rolloutlint.controllers.gateway_api import (
    HEADER_KINDS,
    NO_ROUTES,
    PLUGIN,
    is_managed_rule,
    lacking_backend,
    plugin_routes,
    selects_routes,
)
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.routing import GatewayRoute
from rolloutlint.model.values import dig, filled_later, sequence, text

BASE: Path = (*CANARY, "trafficRouting", "plugins", PLUGIN)
ROLES = ("httpRoute", "grpcRoute", "tcpRoute", "tlsRoute")


@check("RL580")
def gateway_route_unusable(ctx: Context[Rollout]) -> Iterator[Finding]:
    """No route for the plugin, a missing one, or one that does not send to both Services."""
    config = dig(ctx.resource.value, *BASE)
    if not isinstance(config, dict) or ctx.resource.strategy_kind != "canary":
        return
    if not plugin_routes(config) and not selects_routes(config) and not filled_later(str(config)):
        yield ctx.finding(BASE, "key", variant="none", said=NO_ROUTES)
        return
    canary, stable = (text(ctx.resource.canary.get(role)) for role in ("canaryService", "stableService"))
    if not canary or not stable:
        role = "stableService" if canary else "canaryService"
        yield ctx.finding(BASE, "key", variant="service", role=role)
        return
    for view, _ in gateway_routes(ctx):
        rules = [rule for rule in view.rules if not is_managed_rule(rule.name, ctx.resource.managed_routes)]
        names = [name for rule in rules for name in rule.names]
        written = sequence(view.spec.get("rules"))
        whole = len(written) == len(view.rules) and all(names) and not any(map(filled_later, (*names, canary, stable)))
        plain = view.id.kind in HEADER_KINDS
        # There a rule to the canary alone counts as one that the plugin made, and is passed over.
        asked = [rule.names for rule in rules if not plain or rule.names != [canary]]
        lacking = lacking_backend(asked, canary, stable)
        if not whole or not lacking:
            continue
        yield ctx.finding(
            view.place(("spec", "rules") if written else ("spec",), "key"),
            related=(_named(ctx, view), ctx.resource.related((*CANARY, "canaryService"), "both are asked for here")),
            discriminator=ctx.resource.name,
            kind=view.id.kind,
            name=view.name,
            lacking=" and ".join(f"`{service}`" for service in lacking),
            said=f"backendRef {'' if plain else 'list '}was not found in {view.id.kind[:-5].lower()}Route",
        )
    for reference in ctx.refs(*ROLES):
        if reference.missing:
            naming = reference.naming
            yield ctx.finding(
                naming.path,
                variant="missing",
                kind=naming.kind,
                name=naming.name,
                where=f"namespace `{naming.namespace}`" if naming.namespace else where(ctx),
                said=f'{naming.kind.lower()}s.gateway.networking.k8s.io "{naming.name}" not found',
            )


@check("RL581")
def gateway_rule_removed(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A rule to the canary alone, which the plugin takes for one that it made itself."""
    canary = text(ctx.resource.canary.get("canaryService"))
    if ctx.resource.strategy_kind != "canary" or not canary:
        return
    for view, header_routes in gateway_routes(ctx):
        for rule in view.rules if header_routes else ():
            if rule.names == [canary] and not is_managed_rule(rule.name, ctx.resource.managed_routes):
                yield ctx.finding(
                    view.place(rule.path),
                    related=(_named(ctx, view),),
                    discriminator=ctx.resource.name,
                    kind=view.id.kind,
                    name=view.name,
                    canary=canary,
                )


@check("RL582")
def gateway_rule_starved(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A rule of a managed route to one of the two Services alone, which at times has the weight 0."""
    canary, stable = (text(ctx.resource.canary.get(role)) for role in ("canaryService", "stableService"))
    if ctx.resource.strategy_kind != "canary" or not canary or not stable:
        return
    for view, _ in gateway_routes(ctx):
        plain = view.id.kind in HEADER_KINDS
        if lacking_backend((rule.names for rule in view.rules), canary, stable):
            continue  # the plugin fails before it writes
        for rule in view.rules:
            only = rule.names[0] if len(set(rule.names)) == 1 else ""
            mine = plain and is_managed_rule(rule.name, ctx.resource.managed_routes)
            if not only or mine or only not in ((stable,) if plain else (stable, canary)):
                continue
            yield ctx.finding(
                view.place(rule.path),
                variant="canary" if only == canary else "",
                related=(_named(ctx, view),),
                discriminator=ctx.resource.name,
                kind=view.id.kind,
                name=view.name,
                service=only,
                answer={"HTTPRoute": "get 500", "GRPCRoute": "get UNAVAILABLE"}.get(view.id.kind, "are refused"),
            )


def gateway_routes(ctx: Context[Rollout]) -> Iterator[tuple[GatewayRoute, bool]]:
    """The routes that the plugin certainly manages as they stand, and whether header routes are added to them."""
    used = {(*BASE, *route.path): route.header_routes for route in plugin_routes(dig(ctx.resource.value, *BASE))}
    for reference in ctx.refs(*ROLES):
        view = ctx.world.view(reference.target) if reference.target is not None else None
        if isinstance(view, GatewayRoute) and not ctx.world.patched(view.resource, ("spec",)):
            yield view, used.get(reference.naming.path, False)


def _named(ctx: Context[Rollout], view: GatewayRoute) -> Related:
    path = next((r.naming.path for r in ctx.refs(*ROLES) if r.target == view.resource), BASE)
    return ctx.resource.related(path, "split by this Rollout")
