"""RL574 to RL578: who reaches the pods past the strategy, and the ports that routers take for granted."""

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
    PAIR,
    SUBSETS,
    blue_green,
    canary,
    destination_rule,
    findings,
    ingress,
    messages,
    obj,
    related,
    route,
    service,
    to,
    use,
    virtual_service,
)
from tests.harness import lint

STABLE = canary(stableService="cart")
BALANCED = {"type": "LoadBalancer"}


def gateway_route(*backends: str, parents: Any = None) -> Any:
    rule = {"backendRefs": [{"name": name, "port": 80} for name in backends]}
    return obj("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", {"parentRefs": parents or [], "rules": [rule]})


@pytest.mark.parametrize(
    ("rollout", "objects", "expected"),
    [
        (STABLE, [service("cart"), ingress("cart")], 1),
        (STABLE, [service("cart"), gateway_route("cart")], 1),
        (STABLE, [service("cart", **BALANCED)], 1),
        (STABLE, [service("cart", type="NodePort")], 0),
        (STABLE, [service("cart")], 0),
        (STABLE, [service("cart"), service("all"), ingress("cart", "all")], 0),
        (canary(**PAIR), [service("cart"), service("cart-canary"), ingress("cart")], 1),
        (
            canary(**PAIR),
            [service("cart"), service("cart-canary"), ingress("cart"), ingress("cart-canary", name="beta")],
            0,
        ),
        (canary(**PAIR), [service("cart"), service("cart-canary"), gateway_route("cart", "cart-canary")], 0),
        (canary(**PAIR, trafficRouting={"nginx": {"stableIngress": "cart"}}), [service("cart"), ingress("cart")], 0),
        (canary(), [service("cart"), ingress("cart")], 0),
        (blue_green(activeService="cart"), [service("cart"), ingress("cart")], 0),
    ],
)
def test_the_stable_service_of_a_basic_canary_serves_old_pods(rollout: Any, objects: list[Any], expected: int) -> None:
    assert len(findings("RL574", rollout, *objects)) == expected


BLUE = blue_green(activeService="cart", previewService="cart-preview")
NGINX = canary(**PAIR, trafficRouting={"nginx": {"stableIngress": "cart"}})


@pytest.mark.parametrize(
    ("rollout", "objects", "expected"),
    [
        (BLUE, [service("all"), ingress("all")], 1),
        (BLUE, [service("all", **BALANCED)], 1),
        (BLUE, [service("all")], 0),
        (BLUE, [service("all", clusterIP="None"), ingress("all")], 0),
        (BLUE, [service("all", selector={"app": "other"}), ingress("all")], 0),
        (BLUE, [service("all", selector={"app": "cart", "tier": "x"}), ingress("all")], 0),
        (BLUE, [service("cart"), ingress("cart")], 0),
        (NGINX, [service("all"), ingress("all")], 1),
        (NGINX, [service("all", type="NodePort")], 0),
        (canary(**PAIR), [service("all"), ingress("all")], 0),
        (canary(**PAIR, trafficRouting={}), [service("all"), ingress("all")], 0),
        (
            canary(**PAIR, trafficRouting={"alb": {"ingress": "cart", "rootService": "all"}}),
            [service("all"), ingress("all")],
            0,
        ),
        (
            canary(trafficRouting={"istio": use(destinationRule=SUBSETS)}),
            [service("all"), ingress("all"), destination_rule("stable", "canary", host="all")],
            0,
        ),
        (
            canary(**PAIR, trafficRouting={"istio": use()}),
            [service("cart-root"), ingress("cart-root"), virtual_service(route(to("cart")), hosts=["cart-root"])],
            0,
        ),
        (
            canary(**PAIR, trafficRouting={"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "cart"}}}),
            [
                service("cart-root"),
                ingress("cart-root"),
                gateway_route("cart", "cart-canary", parents=[{"kind": "Service", "group": "", "name": "cart-root"}]),
            ],
            0,
        ),
    ],
)
def test_a_service_of_both_versions_leaks(rollout: Any, objects: list[Any], expected: int) -> None:
    assert len(findings("RL575", rollout, *objects)) == expected


def test_a_service_that_another_rollout_manages_is_its_own() -> None:
    other = blue_green("basket", activeService="all")
    assert findings("RL575", BLUE, other, service("all"), ingress("all")) == []


def test_the_leak_names_the_ingress_and_the_rollout() -> None:
    assert related("RL575", BLUE, service("all"), ingress("all")) == [["Ingress", "Rollout"]]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (ingress("cart", ingressClassName="alb"), 1),
        (ingress("cart", ingressClassName="nginx"), 0),
        (ingress("cart"), 0),
        (ingress("other", ingressClassName="alb"), 0),
    ],
)
def test_an_alb_does_not_switch_at_once(manifest: Any, expected: int) -> None:
    assert len(findings("RL576", BLUE, service("cart"), service("cart-preview"), manifest)) == expected
    assert findings("RL576", STABLE, service("cart"), manifest) == []


def test_the_class_of_an_ingress_may_be_an_annotation() -> None:
    old = ingress("cart")
    old["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "alb"}
    assert len(findings("RL576", BLUE, service("cart"), old)) == 1


def alb(**more: Any) -> Any:
    return canary(**PAIR, trafficRouting={"alb": {"ingress": "cart", "servicePort": 80, **more}})


def backend(service_name: str, **port: Any) -> Any:
    return {"service": {"name": service_name, "port": port}}


ACTION = {"name": "use-annotation"}


@pytest.mark.parametrize(
    ("rollout", "backends", "expected"),
    [
        (alb(), [backend("cart", number=80)], 1),
        (alb(), [backend("cart", name="http")], 1),
        (alb(), [backend("cart", **ACTION)], 0),
        (alb(), [backend("cart")], 0),
        (alb(), [{"serviceName": "cart", "servicePort": 80}], 1),
        (alb(), [{"serviceName": "cart", "servicePort": "use-annotation"}], 0),
        (alb(), [backend("cart", number=80), backend("cart", **ACTION)], 0),
        (alb(), [backend("other", number=80)], 0),
        (alb(rootService="root"), [backend("root", number=80), backend("cart", **ACTION)], 1),
        (alb(rootService="root"), [backend("root", **ACTION), backend("cart", number=80)], 0),
        (NGINX, [backend("cart", number=80)], 0),
    ],
)
def test_the_action_is_read_through_the_named_port_only(rollout: Any, backends: list[Any], expected: int) -> None:
    assert len(findings("RL577", rollout, ingress(*backends))) == expected


WEB, ADMIN = {"name": "http", "port": 80}, {"name": "admin", "port": 9000}


@pytest.mark.parametrize(
    ("rollout", "stable", "new", "expected"),
    [
        (alb(), [WEB], [WEB], 0),
        (alb(), [WEB, ADMIN], [WEB], 0),
        (alb(), [WEB], [ADMIN], 1),
        (alb(servicePort=81), [WEB], [WEB], 2),
        (alb(servicePort="80"), [ADMIN], [ADMIN], 0),
        (alb(servicePort=None), [ADMIN], [ADMIN], 0),
        (alb(), [WEB], [{"port": "80"}], 0),
        (alb(), [WEB], [None], 0),
        (NGINX, [WEB], [WEB], 0),
        (NGINX, [WEB, ADMIN], [WEB], 0),
        (NGINX, [WEB], [ADMIN], 1),
    ],
)
def test_a_router_asks_both_services_for_its_port(rollout: Any, stable: Any, new: Any, expected: int) -> None:
    objects = service("cart", *stable), service("cart-canary", *new), ingress("cart")
    assert len(findings("RL578", rollout, *objects)) == expected


def test_nginx_copies_a_named_port_too() -> None:
    named = ingress(backend("cart", name="admin"))
    assert findings("RL578", NGINX, service("cart", ADMIN), service("cart-canary", ADMIN), named) == []
    assert "`admin`" in messages("RL578", NGINX, service("cart", ADMIN), service("cart-canary", WEB), named)[0]


@pytest.mark.parametrize(("written", "expected"), [("cart:80", 0), ("http://cart.shop:9000", 1), ("cart", 0)])
def test_a_mapping_has_its_port_in_the_service(written: str, expected: int) -> None:
    rollout = canary(**PAIR, trafficRouting={"ambassador": {"mappings": ["cart"]}})
    mapping = obj("getambassador.io/v2", "Mapping", "cart", {"service": written})
    objects = service("cart", WEB, ADMIN), service("cart-canary", WEB), mapping
    assert len(findings("RL578", rollout, *objects)) == expected


@pytest.mark.parametrize(
    ("steps", "port", "expected"),
    [([HEADER], 9000, 1), ([HEADER], 80, 0), ([HEADER], None, 0), ([{"setWeight": 5}], 9000, 0)],
)
def test_a_header_route_takes_over_the_port_of_the_first_destination(steps: Any, port: Any, expected: int) -> None:
    rollout = canary(**PAIR, trafficRouting={"managedRoutes": MANAGED, "istio": use()}, steps=steps)
    split = virtual_service(route(to("cart", 100, port=port), to("cart-canary", 0, port=80)))
    paths = findings("RL578", rollout, service("cart", WEB, ADMIN), service("cart-canary", WEB), split)
    assert paths == ["spec.http[0].route[0].destination.port.number"] * expected


WORDS = (
    "rules http paths backend service name port number serviceName servicePort defaultBackend ports "
    "selector type clusterIP ingressClassName spec alb nginx ingress stableIngress rootService"
)
TREE = st.recursive(
    st.one_of(st.none(), st.integers(-3, 300), st.sampled_from(["cart", "80", "LoadBalancer", "app", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=5)
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(routing=TREE, specs=st.lists(TREE, min_size=4, max_size=4))
def test_no_shape_of_services_and_ingresses_crashes(routing: Any, specs: list[Any]) -> None:
    objects = [
        canary(**PAIR, trafficRouting=routing),
        alb(),
        NGINX,
        BLUE,
        obj("v1", "Service", "cart", specs[0]),
        obj("v1", "Service", "cart-canary", specs[1]),
        obj("networking.k8s.io/v1", "Ingress", "cart", specs[2]),
        obj("getambassador.io/v2", "Mapping", "cart", specs[3]),
    ]
    rules = tuple(f"RL57{n}" for n in range(4, 9))
    assert not lint(yaml.safe_dump_all(objects), Settings(select=rules, closed=True)).lost
