"""RL580 to RL582: the routes of the Gateway API plugin."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.checks.manifests import PAIR, canary, findings, messages, obj, related
from tests.harness import lint

PLUGIN = "argoproj-labs/gatewayAPI"
BASE = f'spec.strategy.canary.trafficRouting.plugins["{PLUGIN}"]'


def rollout(strategy: Any = PAIR, managed: Any = None, **config: Any) -> Any:
    return canary(**strategy, trafficRouting={"managedRoutes": managed, "plugins": {PLUGIN: config}})


def gateway_route(*rules: Any, kind: str = "HTTPRoute", name: str = "cart", namespace: str = "shop") -> Any:
    """Each rule is a list of names of its backends, or a whole rule."""
    full = [r if isinstance(r, dict) else {"backendRefs": [{"name": n, "port": 80} for n in r]} for r in rules]
    return obj("gateway.networking.k8s.io/v1", kind, name, {"rules": full}, namespace)


BOTH = ["cart", "cart-canary"]


@pytest.mark.parametrize(
    ("config", "rules", "expected"),
    [
        ({"httpRoute": "cart"}, [BOTH], []),
        ({"httpRoute": "cart"}, [["cart"]], ["`cart-canary`"]),
        ({"httpRoute": "cart"}, [["other"]], ["`cart-canary` and `cart`"]),
        ({"httpRoute": "cart"}, [["other"], BOTH], []),
        ({"httpRoute": "cart"}, [["cart", "x"], ["x", "cart-canary"]], []),
        ({"httpRoute": "cart"}, [["cart"], ["cart-canary"]], ["`cart-canary`"]),
        ({"httpRoute": "cart"}, [], ["`cart-canary` and `cart`"]),
        ({"httpRoutes": [{"name": "x"}, {"name": "cart"}]}, [["cart"]], ["`cart-canary`"]),
        ({"httpRoute": "cart"}, [["cart", "{{ name }}"]], []),
        ({"httpRoute": "cart"}, [["cart", None]], []),
        ({"httpRoute": "cart"}, [["cart"], None], []),
        ({"httpRoute": "cart", "namespace": "mesh"}, [["cart"]], []),
    ],
)
def test_both_services_are_backends_of_the_route(config: Any, rules: list[Any], expected: list[str]) -> None:
    route = gateway_route(*(r for r in rules if r is not None))
    if None in rules:
        route["spec"]["rules"].append(None)
    found = [m for m in messages("RL580", rollout(**config), route) if "does not exist" not in m]
    assert found == [f"HTTPRoute `cart` has no backend {backend}" for backend in expected]


def test_a_tcp_route_may_send_to_the_canary_in_a_rule_of_its_own() -> None:
    route = gateway_route(["cart"], ["cart-canary"], kind="TCPRoute")
    assert findings("RL580", rollout(tcpRoute="cart"), route) == []


def test_backends_of_any_kind_are_compared_by_name() -> None:
    imports = [{"kind": "ServiceImport", "group": "net.gke.io", "name": name} for name in BOTH]
    assert findings("RL580", rollout(httpRoute="cart"), gateway_route({"backendRefs": imports})) == []


def test_a_rule_that_the_plugin_made_counts_for_nothing() -> None:
    made = {"name": "testers-1", "backendRefs": [{"name": name} for name in BOTH]}
    found = findings("RL580", rollout(managed=[{"name": "testers"}], httpRoute="cart"), gateway_route(["cart"], made))
    assert found == ["spec.rules"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, [BASE]),
        ({"namespace": "shop"}, [BASE]),
        ({"httpRoutes": []}, [BASE]),
        ({"httpRoutes": [{"useHeaderRoutes": True}]}, [BASE]),
        ({"httproute": "cart"}, [BASE]),
        ({"httpRouteSelector": {"matchLabels": {"app": "cart"}}}, []),
        ({"httpRoute": "cart"}, []),
        ({"httpRoute": "{{ route }}"}, []),
        ({"{{ field }}": "x"}, []),
    ],
)
def test_the_plugin_is_given_a_route(config: Any, expected: list[str]) -> None:
    assert findings("RL580", rollout(**config)) == expected


def test_the_plugin_needs_both_services() -> None:
    assert findings("RL580", rollout({"stableService": "cart"}, httpRoute="cart")) == [BASE]
    assert "`canaryService`" in messages("RL580", rollout({}, httpRoute="cart"))[0]


def test_a_route_that_is_not_there_is_missing_in_its_namespace() -> None:
    there = gateway_route(BOTH, name="other", namespace="mesh")
    path = [f"{BASE}.httpRoute"]
    assert findings("RL580", rollout(httpRoute="cart", namespace="mesh"), there) == path
    assert findings("RL580", rollout(httpRoute="cart"), closed=True) == path
    assert findings("RL580", rollout(httpRoute="cart")) == []


PREVIEW = {"matches": [{"headers": []}], "backendRefs": [{"name": "cart-canary"}]}


@pytest.mark.parametrize(
    ("config", "kind", "expected"),
    [
        ({"httpRoute": "cart"}, "HTTPRoute", 1),
        ({"grpcRoute": "cart"}, "GRPCRoute", 1),
        ({"tcpRoute": "cart"}, "TCPRoute", 0),
        ({"httpRoutes": [{"name": "cart"}]}, "HTTPRoute", 0),
        ({"httpRoutes": [{"name": "cart", "useHeaderRoutes": True}]}, "HTTPRoute", 1),
    ],
)
def test_a_rule_to_the_canary_alone_is_taken_for_the_plugins(config: Any, kind: str, expected: int) -> None:
    route = gateway_route(BOTH, PREVIEW, kind=kind)
    assert findings("RL581", rollout(**config), route) == ["spec.rules[1]"] * expected
    assert findings("RL581", rollout(**config), gateway_route(BOTH, kind=kind)) == []


@pytest.mark.parametrize(
    ("kind", "rules", "expected"),
    [
        ("HTTPRoute", [BOTH], []),
        ("HTTPRoute", [["cart"], BOTH], [0]),
        ("HTTPRoute", [BOTH, ["cart", "cart"]], [1]),
        ("HTTPRoute", [["cart", "other"], BOTH], []),
        ("HTTPRoute", [["other"], BOTH], []),
        ("HTTPRoute", [["cart-canary"], BOTH], []),
        ("TCPRoute", [["cart-canary"], ["cart"]], [0, 1]),
        ("HTTPRoute", [["cart"]], []),
        ("HTTPRoute", [{"name": "testers", "backendRefs": [{"name": "cart"}]}, BOTH], []),
        ("HTTPRoute", [{}, BOTH], []),
    ],
)
def test_a_rule_to_one_service_alone_has_no_weight_at_times(kind: str, rules: Any, expected: list[int]) -> None:
    config = {f"{kind[:-5].lower()}Route": "cart"}
    found = findings("RL582", rollout(managed=[{"name": "testers"}], **config), gateway_route(*rules, kind=kind))
    assert found == [f"spec.rules[{index}]" for index in expected]


def test_the_rollout_and_the_route_are_named() -> None:
    assert related("RL581", rollout(httpRoute="cart"), gateway_route(BOTH, PREVIEW)) == [["Rollout"]]


WORDS = "rules backendRefs name kind group httpRoute httpRoutes tcpRoutes useHeaderRoutes namespace"
TREE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 300), st.sampled_from(["cart", "cart-canary", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=5)
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(config=TREE, spec=TREE, managed=TREE)
def test_no_shape_of_a_route_crashes(config: Any, spec: Any, managed: Any) -> None:
    objects = [
        canary(**PAIR, trafficRouting={"plugins": {PLUGIN: config}, "managedRoutes": managed}),
        rollout(managed=[{"name": "cart"}], httpRoute="cart", tcpRoute="cart"),
        obj("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", spec),
        obj("gateway.networking.k8s.io/v1alpha2", "TCPRoute", "cart", spec),
    ]
    rules = ("RL554", "RL570", "RL575", "RL580", "RL581", "RL582")
    assert not lint(yaml.safe_dump_all(objects), Settings(select=rules, closed=True)).lost
