from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.controllers.traffic import (
    EXPERIMENT_WEIGHTS,
    HEADER_ROUTES,
    MIRROR_ROUTES,
    PING_PONG,
    max_traffic_weight,
    requires_canary_stable_services,
    routers,
    services_required_by,
    supporting,
    traffic_routing,
)
from rolloutlint.settings import Targets, Version

NOW = Targets()
OLD = Targets(rollouts=Version(1, 6))
NEXT = Targets(rollouts=Version(1, 10))
PLUGINS: dict[str, Any] = {"plugins": {"argoproj-labs/gatewayAPI": {}}}


@pytest.mark.parametrize(
    "canary, by",
    [
        ({}, ()),
        ({"trafficRouting": None}, ()),
        ({"trafficRouting": {}}, ()),
        ({"trafficRouting": {"nginx": {}}}, ("nginx",)),
        ({"trafficRouting": {"nginx": {}}, "pingPong": {}}, ("nginx",)),
        ({"trafficRouting": {"alb": {}}}, ("alb",)),
        ({"trafficRouting": {"alb": {}}, "pingPong": {}}, ()),
        ({"trafficRouting": {"istio": {"virtualService": {}}}}, ("istio",)),
        ({"trafficRouting": {"istio": {"destinationRule": {}}}}, ()),
        ({"trafficRouting": {"istio": {}}, "pingPong": {}}, ()),
        ({"trafficRouting": PLUGINS}, ()),
        ({"trafficRouting": {**PLUGINS, "smi": {}}}, ("smi",)),
    ],
)
def test_some_routers_need_both_services(canary: dict[str, Any], by: tuple[str, ...]) -> None:
    assert services_required_by(canary, NOW) == by
    assert requires_canary_stable_services(canary, NOW) is bool(by)


def test_before_1_7_any_traffic_routing_needed_both_services() -> None:
    assert services_required_by({"trafficRouting": PLUGINS}, OLD) == ("plugins",)
    assert services_required_by({"trafficRouting": {}}, OLD) == ("trafficRouting",)
    assert not requires_canary_stable_services({"trafficRouting": {"nginx": {}}, "pingPong": {}}, OLD)


def test_routers_come_in_the_order_of_reconciliation() -> None:
    assert routers({"plugins": {"a/b": None}, "alb": {}, "istio": {}}) == ("istio", "alb", "plugins")


def test_an_empty_plugin_map_is_no_router() -> None:
    assert routers({"plugins": {}}) == ()


def test_an_empty_traffic_routing_exists() -> None:
    assert traffic_routing({"trafficRouting": {}}) == {}
    assert traffic_routing({"trafficRouting": None}) is None


def test_features_arrive_with_versions() -> None:
    routing = {"istio": {}, "nginx": {}, "apisix": {}, **PLUGINS}
    assert supporting(routing, HEADER_ROUTES, NOW) == ("istio", "apisix", "plugins")
    assert supporting(routing, HEADER_ROUTES, OLD) == ("istio", "apisix")
    assert supporting(routing, MIRROR_ROUTES, NOW) == ("istio",)
    assert supporting(routing, MIRROR_ROUTES, NEXT) == ("istio", "plugins")
    assert supporting(routing, PING_PONG, OLD) == ()
    assert supporting(routing, PING_PONG, NEXT) == ("istio", "plugins")
    assert supporting(routing, EXPERIMENT_WEIGHTS, NOW) == ("istio", "plugins")


@pytest.mark.parametrize(
    "canary, weight",
    [
        ({}, 100),
        ({"trafficRouting": {"maxTrafficWeight": 1000}}, 1000),
        ({"trafficRouting": {"maxTrafficWeight": 0}}, 0),
        ({"trafficRouting": {"maxTrafficWeight": "1000"}}, None),
        ("canary", 100),
    ],
)
def test_the_weight_of_all_traffic(canary: object, weight: int | None) -> None:
    assert max_traffic_weight(canary) == weight
