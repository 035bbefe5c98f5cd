"""RL550 to RL559: a Rollout's VirtualService and DestinationRule, of every shape."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.checks.manifests import (
    BY_SUBSET,
    HEADER,
    MANAGED,
    PAIR,
    PRIMARY,
    SUBSETS,
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

HOST = canary(**PAIR, trafficRouting={"istio": use()})
SUBSET = canary(trafficRouting={"istio": use(destinationRule=SUBSETS)})
PING_PONG = canary(pingPong={"pingService": "ping", "pongService": "pong"}, trafficRouting={"istio": use()})
HASH = "rollouts-pod-template-hash"


def named(*names: str, **router: Any) -> Any:
    return canary(**PAIR, trafficRouting={"managedRoutes": [{"name": n} for n in names], **router}, steps=[HEADER])


@pytest.mark.parametrize(
    ("rollout", "destinations", "expected"),
    [
        (HOST, [to("cart", 100), to("cart-canary", 0)], []),
        (HOST, [to("cart", 90), to("cart-canary"), to("legacy", 10)], [2]),
        (HOST, [to("legacy", 10), to("cart", 90), to("cart-canary")], [0]),
        (HOST, [to("cart.shop.svc.cluster.local", 90), to("cart-canary"), to("legacy.shop", 10)], [2]),
        (HOST, [to("cart", 100), to("cart-canary"), to("legacy", 0)], []),
        (HOST, [to("cart", 100), to("cart-canary"), to("legacy")], []),
        (HOST, [to("cart", 100), to("cart-canary"), to("legacy", -5)], []),
        (HOST, [to("cart", 100), to("legacy", 10)], []),
        (HOST, [to("cart", 50), to("cart-canary"), to("cart", 50, port=81)], [2]),
        (SUBSET, [to("cart", 90, "stable"), to("cart", 0, "canary"), to("cart", 10, "beta")], [2]),
        (SUBSET, [to("cart", 90, "stable"), to("cart", 0, "canary"), to("other", 10)], [2]),
        (PING_PONG, [to("ping", 100), to("pong", 0)], []),
        (PING_PONG, [to("ping", 90), to("pong", 0), to("legacy", 10)], [2]),
    ],
)
def test_a_weighted_stranger_in_a_managed_route_is_deleted(
    rollout: Any, destinations: list[Any], expected: list[int]
) -> None:
    paths = findings("RL550", rollout, virtual_service(route(*destinations)))
    assert paths == [f"spec.http[0].route[{index}]" for index in expected]


def test_subsets_that_the_rollout_lists_keep_their_weight() -> None:
    kept = canary(trafficRouting={"istio": use(destinationRule={**SUBSETS, "additionalSubsetNames": ["beta"]})})
    beta = route(to("cart", 90, "stable"), to("cart", 0, "canary"), to("cart", 10, "beta"))
    assert findings("RL550", kept, virtual_service(beta)) == []


def test_routes_that_no_rollout_weighs_may_send_anywhere() -> None:
    other = route(to("legacy", 50), to("cart", 50), name="other")
    assert findings("RL550", HOST, virtual_service(other, PRIMARY)) == []


def test_tls_and_tcp_routes_lose_their_strangers_too() -> None:
    rollout = canary(**PAIR, trafficRouting={"istio": {"virtualService": {"name": "cart"}}})
    pairs = {"route": [to("cart", 90), to("cart-canary", 0), to("legacy", 10)]}
    objects = virtual_service(tls=[{**pairs, "match": [{"port": 443, "sniHosts": ["a.com"]}]}], tcp=[pairs])
    assert findings("RL550", rollout, objects) == ["spec.tls[0].route[2]", "spec.tcp[0].route[2]"]


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        (["stable", "canary"], []),
        (["beta", "stable", "canary"], ["spec.subsets[0].name"]),
        (["stable", "{{ .Values.beta }}", "canary"], []),
        ([], []),
    ],
)
def test_only_the_two_subsets_stay(subsets: list[str], expected: list[str]) -> None:
    assert findings("RL551", SUBSET, destination_rule(*subsets)) == expected


def test_additional_subsets_belong_into_another_destination_rule() -> None:
    kept = canary(trafficRouting={"istio": use(destinationRule={**SUBSETS, "additionalSubsetNames": ["beta"]})})
    assert "`additionalSubsetNames`" in messages("RL551", kept, destination_rule("stable", "canary", "beta"))[0]
    other = destination_rule("beta", name="cart-beta")
    assert findings("RL551", kept, destination_rule("stable", "canary"), other) == []


def test_two_rollouts_on_one_destination_rule_are_reported_at_the_later_one() -> None:
    second = canary("basket", trafficRouting={"istio": use(destinationRule=SUBSETS)})
    rule = destination_rule("stable", "canary")
    assert findings("RL552", SUBSET, second, rule) == ["spec.strategy.canary.trafficRouting.istio.destinationRule.name"]
    assert related("RL552", SUBSET, second, rule) == [["Rollout"]]


def test_two_rollouts_may_share_a_virtual_service_but_no_route() -> None:
    mine = route(to("basket", 100), to("basket-canary", 0), name="basket")
    pair = {"canaryService": "basket-canary", "stableService": "basket"}

    def second(*routes: str, namespace: str = "shop") -> Any:
        entry = {"name": "cart" if namespace == "shop" else "cart.shop", "routes": list(routes)}
        return canary("basket", namespace, **pair, trafficRouting={"istio": {"virtualService": entry}})

    both = virtual_service(mine, PRIMARY)
    path = "spec.strategy.canary.trafficRouting.istio.virtualService.name"
    assert findings("RL552", HOST, second("basket"), both) == []
    assert findings("RL552", HOST, second("basket", "primary"), both) == [path]
    assert findings("RL552", HOST, second("primary", namespace="other"), both) == [path]
    assert related("RL552", HOST, second("primary"), both) == [["VirtualService", "Rollout"]]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (service("cart", selector={"app": "cart", HASH: "abc"}), [f"spec.selector.{HASH}"]),
        (service("other", selector={HASH: "abc"}), [f"spec.selector.{HASH}"]),
        (service("cart", selector={"app": "cart", HASH: "{{ hash }}"}), []),
        (service("cart"), []),
        (
            obj(
                "networking.istio.io/v1",
                "DestinationRule",
                "cart",
                {"host": "cart", "subsets": [{"name": "x"}, {"name": "y", "labels": {HASH: "abc"}}]},
            ),
            [f"spec.subsets[1].labels.{HASH}"],
        ),
        (
            obj("appmesh.k8s.aws/v1beta2", "VirtualNode", "cart", {"podSelector": {"matchLabels": {HASH: "tbd"}}}),
            [],
        ),
    ],
)
def test_a_hash_in_git_pins_a_revision(manifest: Any, expected: list[str]) -> None:
    assert [p.replace('["', ".").replace('"]', "") for p in findings("RL553", HOST, manifest)] == expected


def test_the_rollout_that_writes_the_hash_is_named() -> None:
    pinned = service("cart", selector={"app": "cart", HASH: "abc"})
    assert related("RL553", HOST, pinned) == [["Rollout"]]
    assert related("RL553", pinned) == [[]]


@pytest.mark.parametrize(
    ("rollout", "manifest", "expected"),
    [
        (
            named("testers", istio=use()),
            virtual_service(route(to("cart"), name="testers"), PRIMARY),
            ["spec.http[0].name"],
        ),
        (named("testers", istio=use()), virtual_service(PRIMARY), []),
        (
            named("testers", plugins={"argoproj-labs/gatewayAPI": {"httpRoute": "cart"}}),
            obj("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", {"rules": [{"name": "testers-1"}, {"name": "x"}]}),
            ["spec.rules[0].name"],
        ),
        (
            named("testers", plugins={"argoproj-labs/gatewayAPI": {"httpRoutes": [{"name": "cart"}]}}),
            obj("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", {"rules": [{"name": "testers"}]}),
            [],
        ),
        (
            named("cart-beta", alb={"ingress": "cart", "servicePort": 80}),
            ingress("cart", "cart-beta"),
            ["spec.rules[0].http.paths[1].backend"],
        ),
        (
            named("testers", apisix={"route": {"name": "cart"}}),
            obj("apisix.apache.org/v2", "ApisixRoute", "testers", {}),
            ["metadata.name"],
        ),
        (
            named("testers", apisix={"route": {"name": "cart"}}),
            obj("apisix.apache.org/v2", "ApisixRoute", "testers", {}, ownerReferences=[{"kind": "Rollout"}]),
            [],
        ),
        (named("testers", nginx={"stableIngress": "cart"}), ingress("testers"), []),
    ],
)
def test_what_git_calls_like_a_managed_route_is_deleted(rollout: Any, manifest: Any, expected: list[str]) -> None:
    assert findings("RL554", rollout, manifest) == expected


@pytest.mark.parametrize(
    ("names", "managed", "expected"),
    [
        (["", "", "primary"], MANAGED, ["spec.http[1]"]),
        (["", "primary"], MANAGED, []),
        (["x", "x", "primary"], MANAGED, ["spec.http[1].name"]),
        (["x", "x", "primary"], None, []),
        (["x", "x", "primary"], [], []),
        (["", "x", "", "x", "", "primary"], MANAGED, ["spec.http[2]", "spec.http[3].name"]),
    ],
)
def test_routes_of_one_name_multiply_where_they_are_ordered(names: list[str], managed: Any, expected: Any) -> None:
    rollout = canary(**PAIR, trafficRouting={"managedRoutes": managed, "istio": use()})
    routes = [PRIMARY if name == "primary" else route(to("cart"), name=name) for name in names]
    assert findings("RL555", rollout, virtual_service(*routes)) == expected


@pytest.mark.parametrize(
    ("gateways", "expected"),
    [(["public"], 1), (["ingress/public"], 1), (["mesh"], 0), (["public", "mesh"], 0), ([], 0), (None, 0), ("x", 0)],
)
def test_without_mesh_the_sidecars_do_not_split(gateways: Any, expected: int) -> None:
    assert len(findings("RL556", HOST, virtual_service(PRIMARY, gateways=gateways))) == expected


LONG = "cart.shop.svc.cluster.local"


@pytest.mark.parametrize(
    ("host", "rule_host", "expected"),
    [
        ("cart", "cart", 0),
        ("cart", LONG, 0),
        (LONG, "cart", 0),
        (LONG, LONG, 0),
        ("cart", "*.shop.svc.cluster.local", 0),
        ("cart", "cart.shop.svc.mesh.local", 0),
        ("cart", "cart-internal", 2),
        ("cart", "cart.other.svc.cluster.local", 2),
        (LONG, "*.other.svc.cluster.local", 2),
        ("cart.shop", "cart", 0),
        ("{{ host }}", "cart", 0),
    ],
)
def test_the_subsets_belong_to_the_host_of_their_rule(host: str, rule_host: str, expected: int) -> None:
    pair = route(to(host, 100, "stable"), to(host, 0, "canary"))
    rule = destination_rule("stable", "canary", host=rule_host)
    assert len(findings("RL557", SUBSET, virtual_service(pair), rule)) == expected


def test_a_short_host_is_one_of_the_virtual_services_own_namespace() -> None:
    entry = {"name": "cart.mesh", "routes": ["primary"]}
    rollout = canary(trafficRouting={"istio": {"virtualService": entry, "destinationRule": SUBSETS}})
    there = virtual_service(BY_SUBSET, namespace="mesh")
    assert len(findings("RL557", rollout, there, destination_rule("stable", "canary"))) == 2
    assert findings("RL557", rollout, there, destination_rule("stable", "canary", host="cart.mesh.svc.x")) == []


def test_where_nobody_says_the_namespace_only_the_names_count() -> None:
    rollout = canary(namespace="", trafficRouting={"istio": use(destinationRule=SUBSETS)})
    rule = destination_rule("stable", "canary", host=LONG, namespace="")
    assert findings("RL557", rollout, virtual_service(BY_SUBSET, namespace=""), rule) == []
    other = destination_rule("stable", "canary", host="web.shop.svc.cluster.local", namespace="")
    assert len(findings("RL557", rollout, virtual_service(BY_SUBSET, namespace=""), other)) == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cart", 0),
        ("cart.shop", 0),
        ("cart.shop.svc", 1),
        ("cart.shop.svc.cluster.local", 1),
        ("cart.shop.cluster.local", 0),
        ("my.cart.shop", 1),
        ("{{ a.b.c }}", 0),
    ],
)
def test_releases_cut_a_name_with_several_dots_differently(name: str, expected: int) -> None:
    rollout = canary(**PAIR, trafficRouting={"istio": {"virtualServices": [{"name": "x"}, {"name": name}]}})
    assert len(findings("RL558", rollout)) == expected


@pytest.mark.parametrize(
    ("strategy", "more", "version", "expected"),
    [
        ({}, {"progressDeadlineAbort": True}, "1.9", ["spec.progressDeadlineAbort"]),
        ({}, {"progressDeadlineSeconds": 600}, "1.9", ["spec.progressDeadlineSeconds"]),
        ({}, {"progressDeadlineAbort": True}, "1.7", []),
        ({}, {"progressDeadlineAbort": False}, "1.9", []),
        ({}, {}, "1.9", []),
        ({"stableService": "cart"}, {"progressDeadlineAbort": True}, "1.9", []),
        (PAIR, {"progressDeadlineAbort": True}, "1.9", []),
    ],
)
def test_without_the_two_services_no_deadline_counts(strategy: Any, more: Any, version: str, expected: Any) -> None:
    rollout = canary(more=more, trafficRouting={"istio": use(destinationRule=SUBSETS)}, **strategy)
    assert findings("RL559", rollout, rollouts=version) == expected


JUNK = st.one_of(st.none(), st.integers(-3, 300), st.text(max_size=4), st.just([]), st.just({}), st.just("cart"))
WORDS = (
    "name route http tls tcp destination host subset weight port number subsets labels gateways hosts "
    "virtualService virtualServices routes destinationRule canarySubsetName managedRoutes istio"
)
TREE = st.recursive(
    JUNK,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(WORDS.split()),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=14,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(routing=TREE, http=TREE, service_spec=TREE, rule_spec=TREE, steps=TREE)
def test_no_shape_of_istio_objects_crashes(
    routing: Any, http: Any, service_spec: Any, rule_spec: Any, steps: Any
) -> None:
    spec = {**service_spec, "http": http} if isinstance(service_spec, dict) else service_spec
    objects = [
        canary(**PAIR, trafficRouting={"managedRoutes": MANAGED, "istio": use(destinationRule=SUBSETS)}, steps=steps),
        canary("basket", trafficRouting={"istio": routing}),
        obj("networking.istio.io/v1", "VirtualService", "cart", spec),
        obj("networking.istio.io/v1", "DestinationRule", "cart", rule_spec),
    ]
    rules = ("RL502", "RL515", *(f"RL55{n}" for n in range(10)))
    assert not lint(yaml.safe_dump_all(objects), Settings(select=rules, closed=True)).lost
