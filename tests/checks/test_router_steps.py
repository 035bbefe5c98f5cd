"""RL570 to RL573, and what RL502 and RL515 say of header and mirror steps: steps that routers ignore or choke on."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.checks.manifests import (
    HEADER,
    MANAGED,
    MIRROR,
    PAIR,
    PRIMARY,
    canary,
    findings,
    messages,
    related,
    route,
    to,
    use,
    virtual_service,
)
from tests.harness import lint

PLUGIN = "argoproj-labs/gatewayAPI"
FIRST = {"setCanaryScale": {"replicas": 1}}


def routed(*steps: Any, managed: Any = MANAGED, **routers: Any) -> Any:
    return canary(**PAIR, trafficRouting={"managedRoutes": managed, **routers}, steps=[FIRST, *steps])


def gateway(**config: Any) -> Any:
    return {PLUGIN: config}


@pytest.mark.parametrize(
    ("routers", "step", "version", "variant"),
    [
        ({"istio": use()}, HEADER, "1.9", None),
        ({"istio": use()}, MIRROR, "1.9", None),
        ({"istio": use(), "nginx": {"stableIngress": "x"}}, HEADER, "1.9", "`nginx`"),
        ({"istio": use(), "smi": {}, "nginx": {"stableIngress": "x"}}, HEADER, "1.9", "`nginx` and `smi`"),
        ({"istio": use(), "alb": {"ingress": "x"}}, HEADER, "1.9", None),
        ({"istio": use(), "alb": {"ingress": "x"}}, MIRROR, "1.9", None),
        ({"nginx": {"stableIngress": "x"}}, HEADER, "1.9", None),
        ({"plugins": gateway(httpRoute="x")}, HEADER, "1.9", None),
        ({"plugins": gateway(grpcRoute="x")}, HEADER, "1.9", None),
        ({"plugins": gateway(tcpRoute="x")}, HEADER, "1.9", "useHeaderRoutes"),
        ({"plugins": gateway(httpRoutes=[{"name": "x"}])}, HEADER, "1.9", "useHeaderRoutes"),
        ({"plugins": gateway(httpRoutes=[{"name": "x", "useHeaderRoutes": True}])}, HEADER, "1.9", None),
        ({"plugins": gateway(httpRouteSelector={"matchLabels": {"a": "b"}})}, HEADER, "1.9", "useHeaderRoutes"),
        ({"plugins": gateway(httpRoute="x")}, MIRROR, "1.10", "does not mirror"),
        ({"plugins": gateway(httpRoute="x")}, MIRROR, "1.9", None),
        ({"plugins": {"acme/router": {}}}, MIRROR, "1.10", None),
        ({"plugins": {"acme/router": {}, **gateway(tcpRoute="x")}}, HEADER, "1.9", None),
        ({"istio": use(), "plugins": gateway(tcpRoute="x")}, HEADER, "1.9", f"`{PLUGIN}`"),
        ({"istio": use(), "plugins": {"acme/router": {}}}, HEADER, "1.9", None),
    ],
)
def test_each_router_knows_its_own_kinds_of_step(routers: Any, step: Any, version: str, variant: str | None) -> None:
    found = messages("RL570", routed(step, **routers), rollouts=version)
    assert len(found) == (variant is not None)
    assert variant is None or variant in found[0]


def test_a_step_that_takes_a_route_away_may_be_ignored() -> None:
    away = {"setHeaderRoute": {"name": "testers"}}
    assert findings("RL570", routed(away, plugins=gateway(tcpRoute="x"))) == []


def test_every_route_in_managed_routes_has_a_step() -> None:
    rollout = routed(HEADER, managed=[{"name": "x"}, *MANAGED, {"name": ""}, {}, None], istio=use())
    assert findings("RL571", rollout) == ["spec.strategy.canary.trafficRouting.managedRoutes[0].name"]
    assert findings("RL571", routed(MIRROR, istio=use())) == []


@pytest.mark.parametrize(
    ("maximum", "routers", "expected"),
    [
        (1000, {"nginx": {"stableIngress": "x"}}, None),
        (1000, {"plugins": {"acme/router": {}}}, None),
        (1000, {"plugins": gateway(httpRoute="x")}, "counts to 100"),
        (50, {"plugins": gateway(httpRoute="x")}, "counts to 100"),
        (100, {"plugins": gateway(httpRoute="x")}, None),
        (1000, {"nginx": {"stableIngress": "x"}, "istio": use()}, "`istio` counts to 100"),
        (0, {"nginx": {"stableIngress": "x"}}, "no maximum"),
        (-1, {"nginx": {"stableIngress": "x"}}, "no maximum"),
        (0, {"istio": use()}, None),
        ("1000", {"plugins": gateway(httpRoute="x")}, None),
        (None, {"plugins": gateway(httpRoute="x")}, None),
    ],
)
def test_a_maximum_is_positive_and_known_to_each_router(maximum: Any, routers: Any, expected: str | None) -> None:
    found = messages("RL572", canary(**PAIR, trafficRouting={"maxTrafficWeight": maximum, **routers}))
    assert len(found) == (expected is not None)
    assert expected is None or expected in found[0]


TWO = {"pingService": "ping", "pongService": "pong"}


@pytest.mark.parametrize(
    ("strategy", "version", "expected"),
    [
        ({"pingPong": TWO}, "1.9", ["pingPong"]),
        ({"pingPong": TWO, "trafficRouting": {"istio": use()}}, "1.9", []),
        ({"pingPong": TWO, "trafficRouting": {"plugins": gateway(httpRoute="x")}}, "1.10", ["pingPong"]),
        ({"pingPong": TWO, "trafficRouting": {"plugins": gateway(httpRoute="x")}}, "1.9", []),
        ({"pingPong": TWO, "trafficRouting": {"plugins": {"acme/router": {}}}}, "1.10", []),
        (
            {"pingPong": TWO, "stableService": "pong", "trafficRouting": {"alb": {"ingress": "x"}}},
            "1.9",
            ["pingPong.pongService"],
        ),
        ({"pingPong": TWO, **PAIR, "trafficRouting": {"alb": {"ingress": "x"}}}, "1.9", []),
        ({"pingPong": None}, "1.9", []),
    ],
)
def test_ping_pong_needs_a_router_and_services_of_its_own(strategy: Any, version: str, expected: list[str]) -> None:
    paths = findings("RL573", canary(**strategy), rollouts=version)
    assert paths == [f"spec.strategy.canary.{path}" for path in expected]


UNLISTED = {"virtualService": {"name": "cart"}}
UNNAMED = route(to("cart", 100), to("cart-canary", 0), name="")


@pytest.mark.parametrize(
    ("steps", "http", "istio", "expected"),
    [
        ([HEADER], PRIMARY, UNLISTED, "header route"),
        ([HEADER], PRIMARY, use(), ""),
        ([HEADER], UNNAMED, UNLISTED, ""),
        ([MIRROR], PRIMARY, UNLISTED, "mirror route"),
        ([MIRROR], UNNAMED, UNLISTED, "mirror route"),
        ([MIRROR], PRIMARY, use(), ""),
        ([{"setHeaderRoute": {"name": "testers"}}], PRIMARY, UNLISTED, ""),
        ([{"setWeight": 5}], PRIMARY, UNLISTED, ""),
    ],
)
def test_a_route_that_is_not_listed_freezes_beside_a_second(steps: Any, http: Any, istio: Any, expected: str) -> None:
    found = messages("RL502", routed(*steps, istio=istio), virtual_service(http))
    assert [message for message in found if expected and expected in message] == found
    assert bool(found) == bool(expected)


def test_the_frozen_route_and_its_step_are_named() -> None:
    assert related("RL502", routed(HEADER, istio=UNLISTED), virtual_service(PRIMARY)) == [["Rollout", "VirtualService"]]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ({"tcp": [{"route": PRIMARY["route"]}]}, 1),
        ({"tls": [{"route": PRIMARY["route"]}]}, 1),
        ({"tcp": [{"route": PRIMARY["route"]}], "http": [PRIMARY]}, 0),
        ({"http": [PRIMARY]}, 0),
        ({"http": []}, 0),
        ({}, 0),
    ],
)
def test_header_and_mirror_steps_need_http_routes(sections: Any, expected: int) -> None:
    objects = routed(HEADER, MIRROR, istio=UNLISTED), virtual_service(**sections)
    paths = findings("RL515", *objects)
    assert paths == ["spec.strategy.canary.steps[1].setHeaderRoute"] * expected


WORDS = (
    "istio nginx alb plugins managedRoutes maxTrafficWeight httpRoute httpRoutes name useHeaderRoutes "
    "setHeaderRoute setMirrorRoute match pingService pongService argoproj-labs/gatewayAPI"
)
TREE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 300), st.text(max_size=4), st.just("cart")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=5)
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(routing=TREE, steps=TREE, ping_pong=TREE)
def test_no_shape_of_routing_and_steps_crashes(routing: Any, steps: Any, ping_pong: Any) -> None:
    rollout = canary(trafficRouting=routing, steps=steps, pingPong=ping_pong)
    rules = tuple(f"RL57{n}" for n in range(9))
    assert not lint(yaml.safe_dump(rollout), Settings(select=rules)).lost
