"""RL570 to RL573: settings and steps of a canary that its traffic routers ignore or compute wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.gateway_api import PLUGIN, plugin_routes
from rolloutlint.controllers.traffic import (
    HEADER_ROUTES,
    MAX_TRAFFIC_WEIGHT,
    MIRROR_ROUTES,
    PING_PONG,
    Support,
    max_traffic_weight,
    routers,
    supporting,
)
from rolloutlint.finding import Finding, Path
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import CANARY
from rolloutlint.model.values import dig, entries, filled_later, mapping, sequence, text

ROUTING: Path = (*CANARY, "trafficRouting")
PING_PONG_PATH: Path = (*CANARY, "pingPong")
FEATURES: tuple[tuple[str, Support], ...] = (("setHeaderRoute", HEADER_ROUTES), ("setMirrorRoute", MIRROR_ROUTES))


@check("RL570")
def route_step_ignored(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A header or mirror step that validation accepts, and that a router ignores."""
    routing = _routing(ctx.resource)
    for kind, support in FEATURES if routing is not None else ():
        able = list(supporting(routing, support, ctx.settings.targets))
        if not able:
            continue  # the controller refuses the Rollout
        if "plugins" in able and _plugin_ignores(routing, kind):
            able.remove("plugins")
        deaf = [r for r in routers(routing) if r not in able and (r, kind) != ("alb", "setMirrorRoute")]
        deaf = [r for r in deaf if r != "plugins" or _only_gateway(routing)]
        if not deaf:
            continue
        for step in ctx.resource.steps:
            if sequence(dig(step.value, kind, "match")):
                alone = kind if not able else ""
                routes = (*ROUTING, "plugins", PLUGIN) if "plugins" in deaf else (*ROUTING, deaf[0])
                yield ctx.finding(
                    (*step.path, kind),
                    "key",
                    variant={"setHeaderRoute": "gateway-header", "setMirrorRoute": "gateway-mirror"}.get(alone, ""),
                    related=(ctx.resource.related(routes, "ignores it", "key"),),
                    step=step.index + 1,
                    kind=kind,
                    deaf=" and ".join(f"`{r if r != 'plugins' else PLUGIN}`" for r in deaf),
                    able=" and ".join(f"`{router}`" for router in able),
                )


@check("RL571")
def managed_route_unused(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A name in `managedRoutes` that no step sets."""
    routing = _routing(ctx.resource)
    used = {text(dig(step.value, kind, "name")) for step in ctx.resource.steps for kind, _ in FEATURES}
    if any(map(filled_later, used)) or len(ctx.resource.steps) != len(sequence(ctx.resource.canary.get("steps"))):
        return
    for path, route in entries(routing, ROUTING, "managedRoutes"):
        name = text(route.get("name"))
        if name and name not in used and not filled_later(name):
            yield ctx.finding((*path, "name"), name=name)


@check("RL572")
def max_weight_misread(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `maxTrafficWeight` that is no maximum, or that a router takes for 100."""
    routing, maximum = _routing(ctx.resource), max_traffic_weight(ctx.resource.canary)
    if routing is None or maximum is None or routing.get("maxTrafficWeight") is None:
        return
    at = (*ROUTING, "maxTrafficWeight")
    if not supporting(routing, MAX_TRAFFIC_WEIGHT, ctx.settings.targets):
        return  # the controller refuses the Rollout
    if maximum <= 0:
        yield ctx.finding(at, variant="zero" if maximum == 0 else "negative", maximum=maximum)
        return
    blind = [router for router in routers(routing) if router not in MAX_TRAFFIC_WEIGHT]
    if PLUGIN in mapping(routing.get("plugins")):
        blind.append(PLUGIN)
    if maximum != 100 and blind:
        where: Path = (*ROUTING, "plugins", PLUGIN) if blind[0] == PLUGIN else (*ROUTING, blind[0])
        yield ctx.finding(
            at,
            variant="" if maximum > 100 else "below",
            related=(ctx.resource.related(where, "counts to 100", "key"),),
            maximum=maximum,
            blind=" and ".join(f"`{router}`" for router in blind),
            rest=100 - maximum,
        )


@check("RL573")
def ping_pong_idle(ctx: Context[Rollout]) -> Iterator[Finding]:
    """`pingPong` that moves no traffic, or with a Service that has another role already."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary" or not isinstance(rollout.canary.get("pingPong"), dict):
        return
    for service in rollout.services:
        other = rollout.service("canaryService"), rollout.service("stableService")
        twin = next((o for o in other if o is not None and o.name == service.name), None)
        if service.role in ("pingService", "pongService") and twin is not None:
            yield ctx.finding(
                service.path,
                variant="same",
                related=(rollout.related(twin.path, f"`{twin.role}`"),),
                name=service.name,
                role=service.role,
                other=twin.role,
            )
    routing = rollout.canary.get("trafficRouting")
    if routing is None:
        yield ctx.finding(PING_PONG_PATH, "key")
    elif supporting(routing, PING_PONG, ctx.settings.targets) == ("plugins",) and _only_gateway(routing):
        related = (rollout.related((*ROUTING, "plugins", PLUGIN), "knows nothing of it", "key"),)
        yield ctx.finding(PING_PONG_PATH, "key", variant="gateway", related=related)


def _routing(rollout: Rollout) -> Mapping[str, Any] | None:
    return rollout.traffic_routing if rollout.strategy_kind == "canary" else None


def _only_gateway(routing: object) -> bool:
    """True where the Gateway API plugin is the only one: what others do is not known."""
    return list(mapping(dig(routing, "plugins"))) == [PLUGIN]


def _plugin_ignores(routing: object, kind: str) -> bool:
    """Whether the Gateway API plugin, the only one, does nothing at such a step (`pkg/plugin/plugin.go`)."""
    if not _only_gateway(routing):
        return False
    config = dig(routing, "plugins", PLUGIN)
    return kind == "setMirrorRoute" or not any(route.header_routes for route in plugin_routes(config))
