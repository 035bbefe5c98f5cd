"""RL514 and RL515: objects of a router at which the controller fails although the Rollout is valid."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import found, lint

RULES = ("RL514", "RL515")
BOTH = "canaryService: cart-canary, stableService: cart"


def rollout(routing: str, canary: str = BOTH) -> str:
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart, namespace: shop}}
spec: {{strategy: {{canary: {{{canary}, trafficRouting: {routing}}}}}}}
"""


def other(kind: str, name: str, spec: str, api: str, metadata: str = "") -> str:
    metadata = f"{{name: {name}, namespace: shop{metadata}}}"
    return f"---\n{{apiVersion: {api}, kind: {kind}, metadata: {metadata}, spec: {spec}}}\n"


def traefik(services: str, api: str = "traefik.io/v1alpha1") -> str:
    return other("TraefikService", "cart", f"{{weighted: {{services: {services}}}}}", api)


def apisix(http: str) -> str:
    return other("ApisixRoute", "cart", f"{{http: {http}}}", "apisix.apache.org/v2")


def messages(text: str, closed: bool = False) -> list[str]:
    report = lint(text, Settings(select=RULES, closed=closed))
    assert not report.lost
    return [f.finding.message for f in report.active]


def paths(text: str, closed: bool = False) -> list[str]:
    return [path for _, _, path in found(lint(text, Settings(select=RULES, closed=closed)))]


SPLIT = "split.smi-spec.io/v1alpha2"


@pytest.mark.parametrize(
    ("routing", "name", "metadata", "expected"),
    [
        ("{smi: {}}", "cart", "", 1),
        ("{smi: {}}", "other", "", 0),
        ("{smi: {trafficSplitName: split}}", "split", "", 1),
        ("{smi: {trafficSplitName: split}}", "cart", "", 0),
        ("{smi: {}}", "cart", ", ownerReferences: [{kind: Rollout, name: cart}]", 0),
        ("{smi: null}", "cart", "", 0),
        ("{nginx: {stableIngress: cart}}", "cart", "", 0),
    ],
)
def test_the_controller_makes_its_own_traffic_split(routing: str, name: str, metadata: str, expected: int) -> None:
    assert len(messages(rollout(routing) + other("TrafficSplit", name, "{}", SPLIT, metadata))) == expected


@pytest.mark.parametrize("routing", ["{nginx: {stableIngress: main}}", "{nginx: {stableIngresses: [x, main]}}"])
def test_the_controller_makes_its_own_canary_ingress(routing: str) -> None:
    ingress = other("Ingress", "cart-main-canary", "{}", "networking.k8s.io/v1")
    assert paths(rollout(routing) + ingress) == ["metadata.name"]
    assert paths(rollout(routing) + ingress.replace("cart-main", "main")) == []


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("[{name: cart}, {name: cart-canary}]", []),
        ("[{name: cart}]", ["Service `cart-canary`, the canaryService"]),
        ("[{name: cart-canary}]", ["Service `cart`, the stableService"]),
        ("[]", ["Service `cart-canary`, the canaryService"]),
        ("null", ["`weighted.services`"]),
        ("[{name: '{{ x }}'}]", []),
        ("[{kind: x}, 3]", []),
        ("3", []),
    ],
)
@pytest.mark.parametrize("api", ["traefik.io/v1alpha1", "traefik.containo.us/v1alpha1"])
def test_a_traefik_service_has_both_services(api: str, services: str, expected: list[str]) -> None:
    text = rollout("{traefik: {weightedTraefikServiceName: cart}}") + traefik(services, api)
    assert messages(text, closed=True) == [f"TraefikService `cart` has no {what}" for what in expected]


def test_what_a_router_names_is_missing_only_where_the_inputs_can_tell() -> None:
    for routing in ("{traefik: {weightedTraefikServiceName: cart}}", "{apisix: {route: {name: cart}}}"):
        assert messages(rollout(routing)) == []
        assert len(messages(rollout(routing), closed=True)) == 1


BACKENDS = "backends: [{serviceName: cart}, {serviceName: cart-canary}]"


@pytest.mark.parametrize(
    ("rules", "http", "expected"),
    [
        ("", f"[{{name: cart, {BACKENDS}}}]", []),
        ("", f"[{{name: main, {BACKENDS}}}]", ["rule `cart`"]),
        (", rules: []", f"[{{name: cart, {BACKENDS}}}]", []),
        (", rules: [main]", f"[{{name: other, {BACKENDS}}}, {{name: main, {BACKENDS}}}]", []),
        (", rules: [main, more]", f"[{{name: main, {BACKENDS}}}]", ["rule `more`"]),
        ("", "[{name: cart, backends: [{serviceName: cart}]}]", ["Service `cart-canary`, the canaryService"]),
        ("", "[{name: '{{ x }}'}]", []),
        ("", "[3]", []),
        (", rules: 3", "[{name: cart}]", []),
    ],
)
def test_an_apisix_route_has_the_rules_and_both_backends(rules: str, http: str, expected: list[str]) -> None:
    text = rollout(f"{{apisix: {{route: {{name: cart{rules}}}}}}}") + apisix(http)
    assert messages(text) == [f"ApisixRoute `cart` has no {what}" for what in expected]


def test_apisix_without_a_route_is_a_nil_pointer() -> None:
    assert messages(rollout("{apisix: {}}")) == ["`apisix` has no `route`"]
    assert messages(rollout("{apisix: null}")) == []


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{http: {paths: []}}]", []),
        ("[{http: {paths: []}}, {host: a}]", ["spec.rules[1]"]),
        ("[{host: a}, {host: b}]", ["spec.rules[0]"]),
        ("[3]", []),
        ("null", []),
    ],
)
def test_every_rule_of_the_stable_ingress_has_paths(rules: str, expected: list[str]) -> None:
    ingress = other("Ingress", "cart", f"{{rules: {rules}}}", "networking.k8s.io/v1")
    assert paths(rollout("{nginx: {stableIngress: cart}}") + ingress) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("{enabled: true, durationSeconds: 60}", 0),
        ("{enabled: true, durationSeconds: 604800}", 0),
        ("{enabled: true, durationSeconds: 604801}", 1),
        ("{enabled: true, durationSeconds: 0}", 1),
        ("{enabled: false, durationSeconds: 0}", 0),
        ("{enabled: true}", 0),
        ("[]", 0),
    ],
)
def test_aws_takes_a_stickiness_of_a_week_at_most(config: str, expected: int) -> None:
    assert len(messages(rollout(f"{{alb: {{ingress: a, servicePort: 80, stickinessConfig: {config}}}}}"))) == expected


KEYS = ["smi", "nginx", "traefik", "apisix", "route", "name", "rules", "stableIngress", "stableIngresses", "backends"]
KEYS += ["weighted", "services", "http", "serviceName", "weightedTraefikServiceName", "trafficSplitName", "alb"]
TREE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "cart", "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(routing=TREE, specs=st.lists(TREE, min_size=3, max_size=3))
def test_no_shape_of_a_router_or_its_objects_crashes(routing: object, specs: list[object]) -> None:
    text = rollout(json.dumps(routing)) + other("TraefikService", "cart", json.dumps(specs[0]), "traefik.io/v1alpha1")
    text += other("ApisixRoute", "cart", json.dumps(specs[1]), "apisix.apache.org/v2")
    text += other("Ingress", "cart", json.dumps(specs[2]), "networking.k8s.io/v1")
    assert not lint(text, Settings(select=RULES, closed=True)).lost
