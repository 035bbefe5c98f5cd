"""RL508 to RL513: the configuration of traffic routers and the objects it names, at their edges."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import found, lint

RULES = ("RL508", "RL509", "RL510", "RL511", "RL512", "RL513")
BASE = "spec.strategy.canary.trafficRouting"


def rollout(routing: str, canary: str = "canaryService: cart-canary, stableService: cart", strategy: str = "") -> str:
    strategy = strategy or f"canary: {{{canary}, trafficRouting: {routing}, steps: [{{setWeight: 5}}]}}"
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: cart}}}}
  template: {{metadata: {{labels: {{app: cart}}}}}}
  strategy: {{{strategy}}}
"""


def ingress(name: str = "cart", spec: str = "", group: str = "networking.k8s.io/v1", service: str = "cart") -> str:
    spec = spec or f"{{rules: [{{host: other}}, {{http: {{paths: [{{backend: {{service: {{name: {service}}}}}}}]}}}}]}}"
    return f"---\n{{apiVersion: {group}, kind: Ingress, metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}\n"


def other(kind: str, name: str, spec: str, group: str) -> str:
    return f"---\n{{apiVersion: {group}, kind: {kind}, metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}\n"


def paths(text: str, closed: bool = False) -> list[str]:
    report = lint(text, Settings(select=RULES, closed=closed))
    assert not report.lost
    return [f"{rule} {path.removeprefix(BASE + '.')}" for rule, _, path in found(report)]


def messages(text: str, closed: bool = False) -> list[str]:
    return [f.finding.message for f in lint(text, Settings(select=RULES, closed=closed)).active]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ("{nginx: {stableIngress: cart}}", []),
        ("{nginx: {stableIngresses: [cart]}}", []),
        ("{nginx: {stableIngress: cart, stableIngresses: []}}", []),
        ("{nginx: {stableIngress: cart, stableIngresses: null}}", []),
        ("{nginx: {stableIngress: '', stableIngresses: [cart]}}", []),
        ("{nginx: {}}", ["RL508 nginx"]),
        ("{nginx: {stableIngresses: []}}", ["RL508 nginx"]),
        ("{nginx: {stableIngress: ''}}", ["RL508 nginx"]),
        ("{nginx: {stableIngress: cart, stableIngresses: [b]}}", ["RL508 nginx.stableIngresses"]),
        ("{alb: {servicePort: 80}}", ["RL508 alb"]),
        ("{alb: {servicePort: 80, ingress: cart}}", []),
        ("{alb: {servicePort: 80, ingress: cart, ingresses: [cart]}}", ["RL508 alb.ingresses"]),
        ("{istio: {}}", ["RL508 istio"]),
        ("{istio: {virtualServices: []}}", ["RL508 istio"]),
        ("{istio: {virtualService: {name: cart}}}", []),
        ("{istio: {virtualService: {}, virtualServices: []}}", []),
        ("{istio: {virtualService: {name: a}, virtualServices: [{name: b}]}}", ["RL508 istio.virtualServices"]),
        ("{istio: {virtualServices: 3}}", []),
        ("{nginx: {stableIngress: 3}}", []),
        ("{alb: {servicePort: 80}, istio: {}}", ["RL508 alb", "RL508 istio"]),
    ],
)
def test_a_router_wants_one_or_many(routing: str, expected: list[str]) -> None:
    assert paths(rollout(routing)) == expected


def test_a_blue_green_rollout_has_no_router() -> None:
    assert paths(rollout("", strategy="blueGreen: {activeService: a}, canary: {trafficRouting: {nginx: {}}}")) == []


def test_an_ingress_is_missing_only_where_the_inputs_can_tell() -> None:
    text = rollout("{nginx: {stableIngress: cart}}")
    assert paths(text) == []
    assert paths(text, closed=True) == ["RL509 nginx.stableIngress"]
    assert paths(text + ingress("first")) == ["RL509 nginx.stableIngress"]


def test_every_named_ingress_is_looked_for() -> None:
    text = rollout("{alb: {servicePort: 80, ingresses: [cart, gone]}}") + ingress()
    assert paths(text) == ["RL509 alb.ingresses[1]"]


def test_an_ingress_of_the_legacy_group_is_found() -> None:
    assert paths(rollout("{nginx: {stableIngress: cart}}") + ingress(group="extensions/v1beta1"), closed=True) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", []),
        ("{rules: [{http: {paths: [{backend: {serviceName: cart, servicePort: 80}}]}}]}", []),
        ("{rules: [{http: {paths: [{backend: {service: {name: a}}}, {backend: {service: {name: cart}}}]}}]}", []),
        ("{rules: [{http: {paths: [{backend: {service: {name: other}}}]}}]}", ["RL510 spec.rules"]),
        ("{rules: [{host: cart}]}", ["RL510 spec.rules"]),
        ("{rules: []}", ["RL510 spec.rules"]),
        ("{defaultBackend: {service: {name: cart}}}", ["RL510 spec"]),
        (
            "{rules: [{http: {paths: [{backend: {resource: {kind: B}}}, {backend: {service: {name: cart}}}]}}]}",
            ["RL510 spec.rules[0].http.paths[0].backend.resource"],
        ),
        ("{rules: [{http: {paths: [{backend: {service: {name: cart}}}, {backend: {resource: {kind: B}}}]}}]}", []),
        ("{rules: [{http: {paths: [{backend: {service: {name: '{{ name }}'}}}]}}]}", []),
        ("{rules: [3]}", []),
        ("{rules: {}}", []),
        ("null", []),
    ],
)
def test_an_ingress_needs_a_path_to_the_stable_service(spec: str, expected: list[str]) -> None:
    assert paths(rollout("{nginx: {stableIngress: cart}}") + ingress(spec=spec)) == expected


def test_alb_asks_for_the_root_service_where_there_is_one() -> None:
    text = rollout("{alb: {servicePort: 80, ingress: cart, rootService: root}}")
    assert paths(text + ingress()) == ["RL510 spec.rules"]
    assert paths(text + ingress(service="root")) == []


def test_with_alb_beside_it_the_ingress_of_nginx_is_not_validated() -> None:
    text = rollout("{alb: {servicePort: 80, ingress: b}, nginx: {stableIngress: a}}") + ingress("b")
    assert paths(text + ingress("a", service="wrong")) == []
    assert paths(text) == ["RL509 nginx.stableIngress"]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ("{}", ["RL511 " + BASE]),
        ("{managedRoutes: [{name: a}]}", ["RL511 " + BASE]),
        ("{maxTrafficWeight: 100}", ["RL511 " + BASE]),
        ("{nginx: null}", ["RL511 nginx"]),
        ("{plugins: {}}", ["RL511 plugins"]),
        ("{plugins: {argoproj-labs/gatewayAPI: {}}}", []),
        ("{smi: {}}", []),
        ("{ngnix: {stableIngress: cart}}", []),
        ("null", []),
        ("[]", []),
    ],
)
def test_traffic_routing_needs_a_router(routing: str, expected: list[str]) -> None:
    assert paths(rollout(routing)) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{service: cart}", []),
        ("{service: 'http://cart.shop:80', weight: 0}", []),
        ("{service: cart, weight: 10}", ["RL512 spec.weight"]),
        ("{service: shop}", ["RL512 spec.service"]),
        ("{service: '{{ svc }}'}", []),
        ("{weight: x}", []),
        ("null", []),
    ],
)
def test_a_mapping_has_no_weight_and_sends_to_the_stable_service(spec: str, expected: list[str]) -> None:
    mapping = other("Mapping", "cart", spec, "getambassador.io/v2")
    assert paths(rollout("{ambassador: {mappings: [cart]}}") + mapping) == expected


def test_a_mapping_is_named_and_there() -> None:
    mapping = other("Mapping", "cart", "{service: cart}", "getambassador.io/v2")
    assert paths(rollout("{ambassador: {mappings: []}}")) == ["RL512 ambassador.mappings"]
    assert paths(rollout("{ambassador: {mappings: [carts, cart]}}") + mapping) == ["RL512 ambassador.mappings[0]"]


MESH = (
    "{appMesh: {virtualService: {name: cart}, virtualNodeGroup: "
    "{canaryVirtualNodeRef: {name: c}, stableVirtualNodeRef: {name: s}}}}"
)


def mesh(routes: str, provider: str = "{virtualRouter: {virtualRouterRef: {name: cart}}}") -> str:
    service = other("VirtualService", "cart", f"{{provider: {provider}}}", "appmesh.k8s.aws/v1beta2")
    return service + other("VirtualRouter", "cart", f"{{routes: {routes}}}", "appmesh.k8s.aws/v1beta2")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        (mesh("[{httpRoute: {action: {weightedTargets: [{}, {}]}}}]"), []),
        (mesh("[{grpcRoute: {action: {weightedTargets: []}}}]"), ["targets"]),
        (mesh("[{name: a}, {tcpRoute: {action: {weightedTargets: [1, 2, 3]}}}]"), ["targets"]),
        (mesh("[]"), ["no routes"]),
        (mesh("[]", "{virtualNode: {virtualNodeRef: {name: x}}}"), ["no virtual router"]),
        (mesh("3", "3"), []),
    ],
)
def test_app_mesh_wants_a_router_with_two_targets(objects: str, expected: list[str]) -> None:
    said = messages(rollout(MESH) + objects)
    assert len(said) == len(expected)
    assert all(word in message for word, message in zip(expected, said, strict=True))


def test_app_mesh_wants_a_virtual_service_and_nodes() -> None:
    assert messages(rollout("{appMesh: {}}")) == ["`appMesh` has no `virtualService`"]
    assert messages(rollout("{appMesh: {virtualService: {name: cart}}}")) == ["`appMesh` has no `virtualNodeGroup`"]
    assert messages(rollout(MESH), closed=True) == ["VirtualService `cart` does not exist in namespace `shop`"]


def test_an_istio_virtual_service_is_none_of_app_mesh() -> None:
    istio = other("VirtualService", "cart", "{http: []}", "networking.istio.io/v1")
    assert messages(rollout(MESH) + istio, closed=True) == ["VirtualService `cart` does not exist in namespace `shop`"]


TREE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "cart", "{{ x }}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "nginx",
                    "alb",
                    "istio",
                    "ambassador",
                    "appMesh",
                    "stableIngress",
                    "stableIngresses",
                    "ingress",
                    "mappings",
                    "virtualService",
                    "name",
                    "virtualServices",
                    "virtualNodeGroup",
                    "plugins",
                    "rules",
                    "http",
                    "paths",
                    "backend",
                    "service",
                    "resource",
                    "provider",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(routing=TREE, spec=TREE)
def test_no_shape_of_a_router_or_an_ingress_crashes(routing: object, spec: object) -> None:
    text = rollout(json.dumps(routing)) + ingress(spec=json.dumps(spec))
    text += other("Mapping", "cart", json.dumps(spec), "getambassador.io/v2")
    text += other("VirtualService", "cart", json.dumps(spec), "appmesh.k8s.aws/v1beta2")
    assert not lint(text, Settings(select=RULES, closed=True)).lost
