"""What the Gateway API plugin makes of its configuration and of the routes it is given.

Mirrors rollouts-plugin-trafficrouter-gatewayapi 0.15 `pkg/plugin/{plugin,httproute,grpcroute,tcproute}.go`. The
configuration is the plain value below `trafficRouting.plugins`; what is malformed is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from rolloutlint.finding import Path

PLUGIN = "argoproj-labs/gatewayAPI"
"""The name under which the plugin's configuration stands."""

KINDS = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")
HEADER_KINDS = ("HTTPRoute", "GRPCRoute")
"""The kinds of route to which header routes are added."""

NO_ROUTES = (
    "No routes configured. At least one of 'httpRoutes', 'grpcRoutes', 'tcpRoutes', 'tlsRoutes', "
    "'httpRoute', 'grpcRoute', 'tcpRoute' or 'tlsRoute' must be set"
)


class PluginRoute(NamedTuple):
    """A route that the configuration names."""

    kind: str
    name: str
    path: Path
    """Of the name, below the configuration."""
    header_routes: bool
    """Whether header routes are added to it: always to the one of `httpRoute`, else as `useHeaderRoutes` says."""


def plugin_routes(config: object) -> tuple[PluginRoute, ...]:
    """The routes named in a configuration, in the order of `KINDS`."""
    routes = []
    for kind in KINDS:
        field = f"{kind[:-5].lower()}Route"
        for index, entry in enumerate(_list(_map(config).get(f"{field}s"))):
            name = _map(entry).get("name")
            if isinstance(name, str) and name:
                used = kind in HEADER_KINDS and _map(entry).get("useHeaderRoutes") is True
                routes.append(PluginRoute(kind, name, (f"{field}s", index, "name"), used))
        name = _map(config).get(field)
        if isinstance(name, str) and name:
            routes.append(PluginRoute(kind, name, (field,), kind in HEADER_KINDS))
    return tuple(routes)


def selects_routes(config: object) -> bool:
    """True where the plugin looks for routes by label."""
    return any(_map(config).get(f"{kind[:-5].lower()}RouteSelector") is not None for kind in KINDS)


def is_managed_rule(name: str, managed: Collection[str]) -> bool:
    """Whether a rule's name says that the plugin made it: a managed route's, or that with a number behind it."""
    base, dash, number = name.rpartition("-")
    return name in managed or bool(dash and number.isascii() and number.isdigit() and base in managed)


def lacking_backend(rules: Iterable[Iterable[str]], canary: str, stable: str) -> tuple[str, ...]:
    """Which of the two Services is a backend of no rule; a rule is the names of its backends.

    One rule may send to the one and another to the other: `setHTTPRouteWeight` asks for each of them anywhere.
    """
    named = {name for rule in rules for name in rule}
    return tuple(service for service in (canary, stable) if service not in named)


def _map(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
