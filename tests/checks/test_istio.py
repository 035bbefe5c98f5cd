"""RL520 to RL539 against VirtualServices, DestinationRules and Gateways of every shape."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from rolloutlint.settings import Settings
from tests.controllers.test_istio_routing import JSON
from tests.harness import lint

FAMILY = Settings(select=("RL52", "RL53"))
CLOSED = FAMILY._replace(closed=True)
ISTIO = "networking.istio.io/v1"
HTTP = {"number": 80, "name": "http", "protocol": "HTTP"}


def obj(kind: str, name: str, namespace: str = "shop", api: str = ISTIO, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def service(name: str = "web", namespace: str = "shop", *ports: int) -> dict[str, Any]:
    listed = [{"name": f"http-{port}", "port": port} for port in ports or (80,)]
    return obj("Service", name, namespace, "v1", selector={"app": name}, ports=listed)


def routes(*http: Any, name: str = "vs", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    return obj("VirtualService", name, namespace, **{"hosts": ["web"], **spec, "http": list(http)})


def to(host: str, port: Any = None, **more: Any) -> dict[str, Any]:
    return {"destination": {"host": host, **more, **({} if port is None else {"port": {"number": port}})}}


def rule(name: str, host: str, *subsets: str, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    entries = [{"name": subset, "labels": {"version": subset}} for subset in subsets]
    return obj("DestinationRule", name, namespace, host=host, subsets=entries, **spec)


def gateway(name: str, *hosts: str, namespace: str = "shop") -> dict[str, Any]:
    return obj("Gateway", name, namespace, servers=[{"port": HTTP, "hosts": list(hosts)}])


def found(*objects: dict[str, Any], run: Settings = FAMILY) -> list[tuple[str, str]]:
    report = lint(yaml.safe_dump_all(objects, sort_keys=False), run)
    assert not report.lost
    return [(f.finding.rule, f.path) for f in report.active]


HOST = "spec.http[0].route[0].destination.host"
SUBSET = "spec.http[0].route[0].destination.subset"


@pytest.mark.parametrize(
    ("name", "objects", "expected"),
    [
        ("a short name", [routes({"route": [to("web")]})], []),
        ("a complete name", [routes({"route": [to("web.shop.svc.cluster.local")]})], []),
        ("a half name of another namespace", [routes({"route": [to("api.prod")]})], [("RL520", HOST)]),
        ("a half name of the own namespace", [routes({"route": [to("web.shop")]})], [("RL520", HOST)]),
        ("a host outside", [routes({"route": [to("example.com")]})], []),
        ("a half name of an unknown namespace", [routes({"route": [to("web.other")]})], []),
        ("a missing short name", [routes({"route": [to("wbe")]})], [("RL521", HOST)]),
        ("a complete name in a namespace nobody knows", [routes({"route": [to("a.far.svc.cluster.local")]})], []),
        ("a complete name in a known one", [routes({"route": [to("a.prod.svc.cluster.local")]})], [("RL521", HOST)]),
        (
            "a mirror",
            [routes({"mirror": {"host": "wbe"}, "route": [to("web")]})],
            [("RL521", "spec.http[0].mirror.host")],
        ),
        (
            "the second mirror",
            [routes({"mirrors": [to("web"), to("wbe")], "route": [to("web")]})],
            [("RL521", "spec.http[0].mirrors[1].destination.host")],
        ),
        (
            "a ServiceEntry of that host",
            [routes({"route": [to("api.prod")]}), obj("ServiceEntry", "e", hosts=["api.prod"])],
            [],
        ),
        ("a host that is filled in later", [routes({"route": [to("{{ host }}")]})], []),
        ("a port of two", [service("two", "shop", 80, 81), routes({"route": [to("two", 81)]})], []),
        (
            "a port of neither",
            [service("two", "shop", 80, 81), routes({"route": [to("two", 82)]})],
            [("RL523", "spec.http[0].route[0].destination.port.number")],
        ),
        ("a quoted port", [routes({"route": [to("web", "82")]})], []),
        ("a subset that is there", [rule("r", "web", "v1"), routes({"route": [to("web", subset="v1")]})], []),
        (
            "a subset that is not",
            [rule("r", "web", "v1"), routes({"route": [to("web", subset="v2")]})],
            [("RL522", SUBSET)],
        ),
        (
            "a subset of another host's rule",
            [rule("r", "other", "v1"), routes({"route": [to("web", subset="v1")]})],
            [("RL522", SUBSET)],
        ),
        (
            "a subset of a wildcard",
            [rule("r", "*.shop.svc.cluster.local", "v1"), routes({"route": [to("web", subset="v1")]})],
            [],
        ),
        ("a subset without any rule", [routes({"route": [to("web", subset="v1")]})], []),
        (
            "a subset in a rule elsewhere",
            [
                rule("r", "web.shop.svc.cluster.local", "v1", namespace="edge"),
                routes({"route": [to("web", subset="v1")]}),
            ],
            [],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_destinations_are_there_or_not(name: str, objects: list[Any], expected: list[tuple[str, str]]) -> None:
    known = [service(), service("api", "prod"), service("other")]
    assert found(*known, *objects) == expected


def test_a_rule_for_a_half_name_applies_to_nothing() -> None:
    assert found(service(), rule("r", "web.shop", "v1")) == [("RL520", "spec.host")]


def test_in_a_closed_world_a_host_outside_needs_a_service_entry() -> None:
    outside = routes({"route": [to("api.example.com")]})
    assert found(service(), outside, run=CLOSED) == [("RL521", HOST)]
    assert found(service(), outside, obj("ServiceEntry", "e", hosts=["*.example.com"]), run=CLOSED) == []


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({}, {}, True),
        ({}, {"hosts": ["web.shop.svc.cluster.local"]}, True),
        ({}, {"gateways": ["edge"]}, False),
        ({}, {"gateways": ["edge", "mesh"]}, True),
        ({}, {"exportTo": ["."]}, False),
        ({"exportTo": ["."]}, {"exportTo": ["shop"]}, True),
        ({"exportTo": ["a"]}, {"exportTo": ["b"]}, False),
        ({"exportTo": ["a"]}, {"exportTo": ["a", "b"]}, True),
        ({}, {"hosts": ["*.shop.svc.cluster.local"]}, False),
        ({"hosts": ["*.test"]}, {"hosts": ["*.test"]}, True),
        ({}, {"hosts": ["web.shop"]}, False),
    ],
)
def test_two_claims_clash_where_only_age_decides(one: dict[str, Any], other: dict[str, Any], clash: bool) -> None:
    first = routes({"route": [to("web")]}, name="a", **one)
    second = routes({"route": [to("web")]}, name="b", **other)
    reported = [path for code, path in found(service(), first, second, gateway("edge", "*.test")) if code == "RL524"]
    assert reported == (["spec.hosts[0]"] if clash else [])


def match(**conditions: Any) -> dict[str, Any]:
    return {"match": [conditions], "route": [to("web")]}


@pytest.mark.parametrize(
    ("name", "http", "expected"),
    [
        ("the last may match all", [match(uri={"prefix": "/a"}), {"route": [to("web")]}], []),
        ("a prefix before a longer one", [match(uri={"prefix": "/a"}), match(uri={"prefix": "/ab"})], ["spec.http[1]"]),
        ("a longer one first", [match(uri={"prefix": "/ab"}), match(uri={"prefix": "/a"})], []),
        (
            "GET before any method",
            [match(uri={"prefix": "/a"}, method={"exact": "GET"}), match(uri={"prefix": "/ab"})],
            [],
        ),
        (
            "any method before GET",
            [match(uri={"prefix": "/a"}), match(uri={"prefix": "/ab"}, method={"exact": "GET"})],
            ["spec.http[1]"],
        ),
        (
            "a narrower authority first",
            [match(uri={"prefix": "/a"}, authority={"prefix": "x"}), match(uri={"prefix": "/ab"})],
            [],
        ),
        ("the root path", [match(uri={"prefix": "/"}), match(uri={"exact": "/x"})], ["spec.http[1]"]),
        (
            "an expression over a text",
            [match(uri={"regex": "/v[0-9]+"}), match(uri={"exact": "/v1"})],
            ["spec.http[1]"],
        ),
        ("two expressions", [match(uri={"regex": "/v[0-9]+"}), match(uri={"regex": "/v[12]"})], []),
        ("one port", [match(port=80), match(port=81)], []),
        ("one gateway", [match(gateways=["edge"]), match(uri={"prefix": "/a"})], []),
        (
            "a delegating route takes nothing for certain",
            [{"delegate": {"name": "d"}}, match(uri={"prefix": "/a"})],
            [],
        ),
        ("a null between", [match(uri={"prefix": "/a"}), None, match(uri={"prefix": "/a"})], ["spec.http[2]"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_what_is_certainly_covered_is_unreachable(name: str, http: list[Any], expected: list[str]) -> None:
    objects = (service(), gateway("edge", "*"), routes(*http))
    assert [path for code, path in found(*objects) if code == "RL525"] == expected


def test_one_match_of_two_is_reported_by_itself() -> None:
    both = {"match": [{"uri": {"exact": "/a"}}, {"uri": {"exact": "/b"}}], "route": [to("web")]}
    assert found(service(), routes(match(uri={"prefix": "/a"}), both)) == [("RL525", "spec.http[1].match[0]")]


def test_a_delegate_is_left_alone() -> None:
    twice = routes(match(uri={"prefix": "/a"}), match(uri={"prefix": "/a"}))
    del twice["spec"]["hosts"]
    assert found(service(), twice) == []


def test_the_weights_of_a_managed_route_are_not_reported_twice() -> None:
    pair = {"name": "primary", "route": [to("web"), to("web-canary")]}
    istio = {"virtualService": {"name": "vs", "routes": ["primary"]}}
    canary = {"stableService": "web", "canaryService": "web-canary", "trafficRouting": {"istio": istio}}
    rollout = obj("Rollout", "web", api="argoproj.io/v1alpha1", strategy={"canary": canary})
    objects = [service(), service("web-canary"), routes(pair)]
    assert [code for code, _ in found(*objects)] == ["RL526"]
    assert found(*objects, rollout) == []


@pytest.mark.parametrize(
    ("name", "gateways", "expected"),
    [
        ("mesh alone", ["mesh"], []),
        ("one that is there", ["edge"], []),
        ("one that is not", ["egde"], [("RL530", "spec.gateways[0]")]),
        ("after a harmless one", ["mesh", "egde"], [("RL530", "spec.gateways[1]")]),
        ("by namespace", ["ingress/public"], []),
        ("without its namespace", ["public"], [("RL530", "spec.gateways[0]")]),
        ("in a namespace without Gateways", ["far/edge"], []),
        ("by the old name", ["edge.shop.svc.cluster.local"], []),
        ("one that serves other hosts", ["other"], [("RL531", "spec.gateways[0]")]),
        ("one that serves another namespace", ["ingress/private"], [("RL531", "spec.gateways[0]")]),
        ("one that serves this namespace", ["ingress/named"], []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_gateways_are_there_and_serve(name: str, gateways: list[str], expected: list[tuple[str, str]]) -> None:
    known = [
        service(),
        gateway("edge", "*.test"),
        gateway("other", "other.example"),
        gateway("public", "*", namespace="ingress"),
        gateway("private", "./a.test", namespace="ingress"),
        gateway("named", "shop/*.test", namespace="ingress"),
    ]
    mine = routes({"route": [to("web")]}, hosts=["a.test"], gateways=gateways)
    assert [f for f in found(*known, mine) if f[0] in ("RL530", "RL531")] == expected


@pytest.mark.parametrize(
    ("name", "other", "expected"),
    [
        ("the same subset", rule("b", "web", "v1"), ["spec.subsets[0].name"]),
        ("the complete name", rule("b", "web.shop.svc.cluster.local", "v2", "v1"), ["spec.subsets[1].name"]),
        ("another subset", rule("b", "web", "v2"), []),
        ("another namespace", rule("b", "web.shop.svc.cluster.local", "v1", namespace="edge"), []),
        ("another host", rule("b", "api", "v1"), []),
        ("a selector", rule("b", "web", "v1", workloadSelector={"matchLabels": {"a": "b"}}), []),
        ("another visibility", rule("b", "web", "v1", exportTo=["."]), []),
        ("two policies", rule("b", "web", trafficPolicy={"tls": {"mode": "DISABLE"}}), ["spec.trafficPolicy"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_of_one_host_collide(name: str, other: dict[str, Any], expected: list[str]) -> None:
    first = rule("a", "web", "v1", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    assert [path for code, path in found(service(), service("api"), first, other) if code == "RL533"] == expected


def workload(kind: str = "Deployment", labels: Any = None, **spec: Any) -> dict[str, Any]:
    api = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"
    template = {"metadata": {"labels": {"app": "web", **(labels or {})}}}
    return obj(kind, "web", "shop", api, template=template, **spec)


ROLES = {"canary": {"canaryMetadata": {"labels": {"role": "new"}}, "stableMetadata": {"labels": {"role": "old"}}}}


@pytest.mark.parametrize(
    ("name", "workloads", "labels", "reported"),
    [
        ("no workload of the Service", [], {"version": "v1"}, False),
        ("pods with the label", [workload(labels={"version": "v1"})], {"version": "v1"}, False),
        ("pods with another value", [workload(labels={"version": "v2"})], {"version": "v1"}, True),
        ("pods without the label", [workload()], {"version": "v1"}, True),
        ("a subset without labels", [workload()], {}, False),
        ("the label of the Service", [workload()], {"app": "web"}, False),
        ("the hash of a Rollout", [workload("Rollout")], {"rollouts-pod-template-hash": "abc"}, False),
        ("a label of the canary's role", [workload("Rollout", strategy=ROLES)], {"role": "new"}, False),
        ("a label of the stable role", [workload("Rollout", strategy=ROLES)], {"role": "old"}, False),
        ("a label of no role", [workload("Rollout", strategy=ROLES)], {"role": "test"}, True),
        ("topology", [workload()], {"topology.istio.io/cluster": "a"}, False),
        ("a value that is filled in later", [workload(labels={"version": "{{ v }}"})], {"version": "v1"}, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_subsets_are_compared_with_pod_templates(name: str, workloads: list[Any], labels: Any, reported: bool) -> None:
    subsets = obj("DestinationRule", "r", host="web", subsets=[{"name": "v1", "labels": labels}])
    assert [code for code, _ in found(service(), subsets, *workloads)] == ["RL532"] * reported


@pytest.mark.parametrize(
    ("name", "hiding", "reported"),
    [
        ("the same host", rule("x", "web.shop.svc.cluster.local", namespace="edge"), True),
        ("a wildcard", rule("x", "*.svc.cluster.local", namespace="edge"), True),
        ("with the subset", rule("x", "web.shop.svc.cluster.local", "v1", namespace="edge"), False),
        ("another host", rule("x", "web.prod.svc.cluster.local", namespace="edge"), False),
        ("the root namespace", rule("x", "*.svc.cluster.local", namespace="istio-system"), False),
        ("a selector", rule("x", "*.svc.cluster.local", namespace="edge", workloadSelector={}), False),
        ("its own namespace", rule("x", "*.shop.svc.cluster.local"), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_of_the_callers_namespace_hides_the_others(name: str, hiding: dict[str, Any], reported: bool) -> None:
    objects = [service(), rule("r", "web", "v1"), routes({"route": [to("web", subset="v1")]}), hiding]
    assert [code for code, _ in found(*objects) if code == "RL534"] == ["RL534"] * reported


@pytest.mark.parametrize(
    ("rule_exports", "service_exports", "reported"),
    [
        (None, None, False),
        (["."], None, True),
        (["."], ["."], False),
        (["shop"], ["."], False),
        ([".", "edge"], ["edge"], False),
        (["."], ["edge"], True),
        (["*"], ["edge"], False),
    ],
)
def test_subsets_are_exported_as_widely_as_their_routes(
    rule_exports: Any, service_exports: Any, reported: bool
) -> None:
    more = {} if rule_exports is None else {"exportTo": rule_exports}
    shown = {} if service_exports is None else {"exportTo": service_exports}
    objects = [service(), rule("r", "web", "v1", **more), routes({"route": [to("web", subset="v1")]}, **shown)]
    assert [code for code, _ in found(*objects) if code == "RL535"] == ["RL535"] * reported


@pytest.mark.parametrize(
    ("port", "reported"),
    [
        ({"name": "http-web", "port": 80}, False),
        ({"name": "web", "port": 80}, False),
        ({"port": 80}, False),
        ({"name": "tcp-web", "port": 80}, True),
        ({"name": "TCP", "port": 80}, True),
        ({"name": "https", "port": 443}, True),
        ({"name": "tcp", "port": 80, "appProtocol": "http"}, False),
        ({"name": "http", "port": 80, "appProtocol": "tls"}, True),
        ({"name": "tcp", "port": 80, "appProtocol": "kubernetes.io/h2c"}, False),
        ({"name": "x", "port": 3306}, True),
        ({"name": "grpc-web-x", "port": 80}, False),
        ({"name": "dns", "port": 80, "protocol": "UDP"}, True),
        ({"name": "{{ protocol }}-web", "port": 80}, False),
    ],
)
def test_http_routes_need_a_port_that_speaks_http(port: dict[str, Any], reported: bool) -> None:
    only = obj("Service", "web", "shop", "v1", selector={"app": "web"}, ports=[port])
    assert [code for code, _ in found(only, routes({"route": [to("web")]}))] == ["RL536"] * reported
    both = obj("Service", "web", "shop", "v1", ports=[port, {"name": "http-x", "port": 81}])
    assert found(both, routes({"route": [to("web")]})) == []
    assert found(only, routes({"route": [to("web")]}, gateways=["edge"]), gateway("edge", "*")) == []


def test_the_objects_of_a_list_are_seen() -> None:
    inner = [service(), routes({"route": [to("wbe")]})]
    assert found({"apiVersion": "v1", "kind": "List", "items": inner}) == [("RL521", f"items[1].{HOST}")]


def test_a_refused_value_is_told_once_and_left_to_the_schema_where_that_refuses_it() -> None:
    assert found(service(), routes({"route": [to("*")]})) == [("RL527", HOST)]
    assert found(service(), routes({"timeout": 5, "name": "no route"})) == []


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(JSON, JSON, JSON)
def test_malformed_objects_never_crash_a_check(one: Any, other: Any, third: Any) -> None:
    objects = [
        {**obj("VirtualService", "vs"), "spec": one},
        {**obj("DestinationRule", "dr"), "spec": other},
        {**obj("Gateway", "vs"), "spec": third},
        {**obj("ServiceEntry", "se"), "spec": third},
        {**service(), "spec": other},
        routes(one, other, hosts=third, gateways=other),
    ]
    report = lint(yaml.safe_dump_all(objects), CLOSED)
    assert not report.lost
