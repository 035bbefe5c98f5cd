"""RL5 against VirtualServices and DestinationRules of every shape."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import lint

FAMILY = Settings(select=tuple(f"RL50{n}" for n in range(1, 8)))


def rollout(istio: dict[str, Any], **canary: Any) -> dict[str, Any]:
    spec = {"canaryService": "web-canary", "stableService": "web", "trafficRouting": {"istio": istio}, **canary}
    return obj("argoproj.io/v1alpha1", "Rollout", "web", strategy={"canary": spec})


def obj(api: str, kind: str, name: str, namespace: str = "", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def service(*http: Any, name: str = "web", namespace: str = "", **sections: Any) -> dict[str, Any]:
    spec = {"hosts": ["web"], **({"http": list(http)} if http else {}), **sections}
    return obj("networking.istio.io/v1", "VirtualService", name, namespace, **spec)


def rule(*subsets: str, name: str = "web", namespace: str = "") -> dict[str, Any]:
    entries = [{"name": subset, "labels": {"app": "web"}} for subset in subsets]
    return obj("networking.istio.io/v1", "DestinationRule", name, namespace, host="web", subsets=entries)


def to(host: str, weight: int | None = None, subset: str = "") -> dict[str, Any]:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, **({} if weight is None else {"weight": weight})}


def route(*destinations: Any, name: str = "primary", **more: Any) -> dict[str, Any]:
    return {**({"name": name} if name else {}), **more, "route": list(destinations)}


PAIR = (to("web", 100), to("web-canary", 0))
PRIMARY = route(*PAIR)
REDIRECT = {"name": "old", "redirect": {"uri": "/"}}
SUBSETS = {"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"}


def use(**more: Any) -> dict[str, Any]:
    return {"virtualService": {"name": "web", **more}}


def found(*objects: dict[str, Any], run: Settings = FAMILY) -> list[tuple[str, str]]:
    report = lint(yaml.safe_dump_all(objects, sort_keys=False), run)
    assert not report.lost
    return [(f.finding.rule, f.path) for f in report.active]


def messages(*objects: dict[str, Any]) -> list[str]:
    return [f.finding.message for f in lint(yaml.safe_dump_all(objects, sort_keys=False), FAMILY).active]


@pytest.mark.parametrize(
    ("name", "istio", "virtual_service"),
    [
        ("one unnamed route", use(), service(route(*PAIR, name=""))),
        ("one named route, none listed", use(), service(PRIMARY)),
        ("a listed route after a harmless one", use(routes=["primary"]), service(REDIRECT, PRIMARY)),
        (
            "a second route that is managed",
            use(),
            service(route(to("web-canary"), name="by-header"), route(*PAIR, name="")),
        ),
        (
            "hosts in full",
            use(routes=["primary"]),
            service(route(to("web.a.svc.cluster.local", 100), to("web-canary.a", 0))),
        ),
        ("a canary without a weight", use(), service(route(to("web", 100), to("web-canary")))),
        ("names nobody looks for without http", use(routes=["x"]), service(tcp=[{"route": list(PAIR)}])),
        (
            "a tls route by port and hosts",
            use(tlsRoutes=[{"port": 443, "sniHosts": ["b", "a"]}]),
            service(
                tls=[
                    {"match": [{"port": 443, "sniHosts": ["a"]}, {"port": 443, "sniHosts": ["b"]}], "route": list(PAIR)}
                ]
            ),
        ),
        ("names that are filled in later", use(routes=["{{ route }}"]), service(PRIMARY)),
        ("hosts that are filled in later", use(), service(route(to("${HOST}", 100), to("web-canary", 0)))),
    ],
)
def test_a_correct_virtual_service_is_left_alone(name: str, istio: dict[str, Any], virtual_service: dict[str, Any]):
    managed = {"trafficRouting": {"istio": istio, "managedRoutes": [{"name": "by-header"}]}}
    assert found(rollout(istio, **managed), virtual_service) == [], name


ISTIO = "spec.strategy.canary.trafficRouting.istio"


@pytest.mark.parametrize(
    ("name", "istio", "virtual_service", "expected"),
    [
        (
            "unknown route",
            use(routes=["primary", "primry"]),
            service(REDIRECT, PRIMARY),
            [("RL501", f"{ISTIO}.virtualService.routes[1]")],
        ),
        (
            "a route without a name",
            use(routes=["primary"]),
            service(route(*PAIR, name="")),
            [("RL501", f"{ISTIO}.virtualService.routes[0]")],
        ),
        (
            "in a list of services",
            {"virtualServices": [{"name": "none"}, {"name": "web", "routes": ["x"]}]},
            service(PRIMARY),
            [("RL506", f"{ISTIO}.virtualServices[0].name"), ("RL501", f"{ISTIO}.virtualServices[1].routes[0]")],
        ),
        (
            "a tls route on two ports",
            use(tlsRoutes=[{"port": 443}]),
            service(tls=[{"match": [{"port": 443}, {"port": 8443}], "route": list(PAIR)}]),
            [("RL501", f"{ISTIO}.virtualService.tlsRoutes[0]")],
        ),
        (
            "a tls route with one host more",
            use(tlsRoutes=[{"port": 443, "sniHosts": ["a"]}]),
            service(tls=[{"match": [{"port": 443, "sniHosts": ["a", "b"]}], "route": list(PAIR)}]),
            [("RL501", f"{ISTIO}.virtualService.tlsRoutes[0]")],
        ),
        (
            "a tcp route of another port",
            use(tcpRoutes=[{"port": 1}]),
            service(tcp=[{"match": [{"port": 2}], "route": list(PAIR)}]),
            [("RL501", f"{ISTIO}.virtualService.tcpRoutes[0]")],
        ),
        ("two routes, none listed", use(), service(REDIRECT, PRIMARY), [("RL502", f"{ISTIO}.virtualService")]),
        (
            "an empty list of routes",
            use(routes=[]),
            service(REDIRECT, PRIMARY),
            [("RL502", f"{ISTIO}.virtualService.routes")],
        ),
        (
            "two tcp routes",
            use(),
            service(tcp=[{"route": list(PAIR)}, {"route": list(PAIR)}]),
            [("RL502", f"{ISTIO}.virtualService")],
        ),
        ("the canary is missing", use(), service(route(to("web", 100))), [("RL503", "spec.http[0].route")]),
        ("the stable one is missing", use(), service(route(to("web-canary", 100))), [("RL503", "spec.http[0].route")]),
        ("a redirect is managed", use(routes=["old"]), service(PRIMARY, REDIRECT), [("RL503", "spec.http[1]")]),
        (
            "an unrelated tcp section",
            use(),
            service(PRIMARY, tcp=[{"route": [to("db")]}]),
            [("RL503", "spec.tcp[0].route")],
        ),
        ("no section at all", use(), service(), [("RL503", "spec")]),
        (
            "only the first of two routes of a name counts",
            use(routes=["primary"]),
            service(route(to("web", 1)), PRIMARY),
            [("RL503", "spec.http[0].route")],
        ),
        (
            "half and half",
            use(),
            service(route(to("web", 50), to("web-canary", 50))),
            [("RL505", "spec.http[0].route[1].weight")],
        ),
        (
            "a stable weight below 100",
            use(),
            service(route(to("web", 90), to("web-canary", 0))),
            [("RL505", "spec.http[0].route[0].weight")],
        ),
        ("no weights", use(), service(route(to("web"), to("web-canary"))), [("RL505", "spec.http[0].route")]),
        (
            "no weight on the stable one",
            use(),
            service(route(to("web"), to("web-canary", 0))),
            [("RL505", "spec.http[0].route")],
        ),
    ],
)
def test_what_the_controller_refuses_or_rewrites_is_found(
    name: str, istio: dict[str, Any], virtual_service: dict[str, Any], expected: list[tuple[str, str]]
):
    assert sorted(found(rollout(istio), virtual_service)) == sorted(expected), name


def test_a_near_miss_names_the_route_that_was_meant():
    said = messages(rollout(use(routes=["primry"])), service(PRIMARY))
    assert said == ["VirtualService `web` has no http route `primry`; it has `primary`"]


def test_missing_services_are_the_matter_of_another_rule():
    assert found(rollout(use(), canaryService=None), service(route(to("web")))) == []


def test_ping_and_pong_stand_for_the_two_services():
    ping = {"canaryService": None, "stableService": None, "pingPong": {"pingService": "ping", "pongService": "pong"}}
    assert found(rollout(use(), **ping), service(route(to("ping", 100), to("pong", 0)))) == []
    assert found(rollout(use(), **ping), service(route(to("ping", 100), to("web", 0)))) == [
        ("RL503", "spec.http[0].route")
    ]


def test_with_a_destination_rule_the_subsets_decide():
    istio = {**use(), "destinationRule": SUBSETS}
    both = service(route(to("web", 100, "stable"), to("web", 0, "canary")))
    assert found(rollout(istio), both, rule("canary", "stable")) == []
    by_host = found(rollout(istio), service(PRIMARY), rule("canary", "stable"))
    assert by_host == [("RL503", "spec.http[0].route")]


def test_additional_subsets_are_taken_off_the_stable_weight():
    istio = {**use(), "destinationRule": {**SUBSETS, "additionalSubsetNames": ["beta"]}}
    three = [to("web", 80, "stable"), to("web", 0, "canary"), to("web", 20, "beta")]
    canary = rollout(istio, canaryService=None, stableService=None)
    assert found(canary, service(route(*three)), rule("canary", "stable")) == []
    three[0] = to("web", 100, "stable")
    assert found(canary, service(route(*three)), rule("canary", "stable")) == [
        ("RL505", "spec.http[0].route[0].weight")
    ]


def test_weights_beside_a_destination_that_will_be_deleted_are_left_to_another_rule():
    assert found(rollout(use()), service(route(to("web", 90), to("web-canary", 0), to("other", 10)))) == []


@pytest.mark.parametrize(
    ("names", "subsets", "expected"),
    [
        ({}, ("canary", "stable"), []),
        ({}, ("other", "canary", "stable"), []),
        ({}, ("stable",), [("RL504", f"{ISTIO}.destinationRule.canarySubsetName")]),
        ({}, (), [("RL504", f"{ISTIO}.destinationRule.{n}SubsetName") for n in ("canary", "stable")]),
        ({"canarySubsetName": "stable"}, ("stable",), [("RL504", f"{ISTIO}.destinationRule.stableSubsetName")]),
        ({"canarySubsetName": "{{ x }}"}, ("stable",), []),
    ],
)
def test_both_subsets_must_be_defined(names: dict[str, str], subsets: tuple[str, ...], expected: list[tuple[str, str]]):
    istio = {"destinationRule": {**SUBSETS, **names}}
    assert found(rollout(istio), rule(*subsets)) == expected


def test_a_name_in_another_namespace_is_named():
    placed = rollout(use())
    placed["metadata"]["namespace"] = "shop"
    said = messages(placed, service(PRIMARY, namespace="mesh"), service(PRIMARY, name="other", namespace="shop"))
    assert said == ["No VirtualService `web` in namespace `shop`; there is one in namespace `mesh`"]


def test_a_virtual_service_of_a_named_namespace_is_followed_there():
    placed = rollout({"virtualService": {"name": "web.mesh", "routes": ["x"]}})
    placed["metadata"]["namespace"] = "shop"
    assert found(placed, service(PRIMARY, namespace="mesh")) == [("RL501", f"{ISTIO}.virtualService.routes[0]")]


def test_a_destination_rule_elsewhere_does_not_count():
    placed = rollout({"destinationRule": SUBSETS})
    placed["metadata"]["namespace"] = "shop"
    others = (rule("canary", "stable", namespace="mesh"), rule("a", name="other", namespace="shop"))
    assert found(placed, *others) == [("RL507", f"{ISTIO}.destinationRule.name")]


def test_nothing_is_missing_where_no_object_of_the_kind_is_known():
    assert found(rollout({**use(), "destinationRule": SUBSETS})) == []


@pytest.mark.parametrize(("minor", "expected"), [(7, ["RL502"]), (8, []), (9, [])])
def test_before_1_8_a_lone_named_route_must_be_listed(minor: int, expected: list[str]):
    run = Settings(select=("RL5",), targets=Targets(rollouts=Version(1, minor)))
    assert [rule for rule, _ in found(rollout(use()), service(PRIMARY), run=run)] == expected
    assert found(rollout(use()), service(route(*PAIR, name="")), run=run) == []


def test_two_strategies_are_the_schema_s_matter():
    both = rollout(use(routes=["x"]))
    both["spec"]["strategy"]["blueGreen"] = {"activeService": "web"}
    assert found(both, service(PRIMARY)) == []


def test_a_fault_inside_a_list_has_its_place_there():
    text = """\
    apiVersion: v1
    kind: List
    items:
    - apiVersion: networking.istio.io/v1
      kind: VirtualService
      metadata: {name: web}
      spec:
        http:
        - route:
          - destination: {host: web}
            weight: 60
          - destination: {host: web-canary}
            weight: 40
    - apiVersion: argoproj.io/v1alpha1
      kind: Rollout
      metadata: {name: web}
      spec:
        strategy:
          canary:
            canaryService: web-canary
            stableService: web
            trafficRouting: {istio: {virtualService: {name: web}}}
    """
    report = lint(textwrap.dedent(text), FAMILY)
    assert [(f.finding.rule, f.span.line) for f in report.active] == [("RL505", 13)]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 101) | st.sampled_from(["", "web", "web-canary", "primary", "{{x}}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "http",
                    "tls",
                    "tcp",
                    "route",
                    "destination",
                    "host",
                    "subset",
                    "weight",
                    "match",
                    "port",
                    "sniHosts",
                    "routes",
                    "tlsRoutes",
                    "tcpRoutes",
                    "virtualService",
                    "destinationRule",
                    "subsets",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY, ANY)
def test_no_shape_makes_a_check_fail(istio: Any, spec: Any, destination_rule: Any):
    objects = [rollout({**use(), **(istio if isinstance(istio, dict) else {})}), service(PRIMARY), rule("canary")]
    objects[1]["spec"] = spec
    objects[2]["spec"] = destination_rule
    assert not lint(yaml.safe_dump_all(objects), FAMILY).lost
