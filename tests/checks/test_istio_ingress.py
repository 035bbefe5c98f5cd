"""RL538 to RL542: when a port that is not written fails, which splits a Gateway skips, and claims nobody verifies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from rolloutlint.settings import Settings
from tests.checks.test_istio import CLOSED, FAMILY, found, obj, routes, rule, service, to
from tests.controllers.test_istio_routing import JSON

ALL = Settings(select=("RL538", "RL540", "RL542"))
HOST = "spec.http[0].route[0].destination.host"


def server(port: int, *hosts: str, **more: Any) -> dict[str, Any]:
    protocol = more.pop("protocol", "HTTP")
    return {
        "port": {"number": port, "name": "p", "protocol": protocol},
        "hosts": list(hosts or ["web.example.com"]),
        **more,
    }


def edge(*servers: dict[str, Any]) -> dict[str, Any]:
    return obj("Gateway", "edge", servers=list(servers))


def behind(*http: Any, **more: Any) -> dict[str, Any]:
    return routes(*http, **{"hosts": ["web.example.com"], "gateways": ["edge"], **more})


ADMIN = service("two", "shop", 8080, 9090)


@pytest.mark.parametrize(
    ("name", "objects", "fails"),
    [
        ("a gateway's port that the Service lacks", [edge(server(80)), behind({"route": [to("two")]})], True),
        ("one that it has", [edge(server(8080)), behind({"route": [to("two")]})], False),
        ("a port that is written", [edge(server(80)), behind({"route": [to("two", 8080)]})], False),
        ("a Service with one port", [edge(server(80)), behind({"route": [to("one")]})], False),
        ("a Gateway that is not among the inputs", [behind({"route": [to("two")]})], False),
        (
            "a server that only redirects",
            [edge(server(80, tls={"httpsRedirect": True})), behind({"route": [to("two")]})],
            False,
        ),
        ("a server for other hosts", [edge(server(80, "else.example.com")), behind({"route": [to("two")]})], False),
        (
            "a server that ends TLS",
            [edge(server(443, protocol="HTTPS", tls={"mode": "SIMPLE"})), behind({"route": [to("two")]})],
            True,
        ),
        (
            "a server that passes TLS on",
            [edge(server(443, protocol="TLS", tls={"mode": "PASSTHROUGH"})), behind({"route": [to("two")]})],
            False,
        ),
        (
            "a route for another port",
            [edge(server(80)), behind({"match": [{"port": 8080}], "route": [to("two")]})],
            False,
        ),
        ("the called Service has another port", [routes({"route": [to("two")]}, hosts=["one"])], True),
        ("the called Service is the destination", [routes({"route": [to("two")]}, hosts=["two"])], False),
        ("a mirror", [routes({"mirror": {"host": "two"}, "route": [to("one")]}, hosts=["one"])], True),
        ("a host that is filled in later", [routes({"route": [to("{{ x }}")]}, hosts=["one"])], False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_port_that_is_not_written(name: str, objects: list[Any], fails: bool) -> None:
    rules = [r for r, _ in found(service("one"), ADMIN, *objects, run=ALL)]
    assert rules == ["RL538"] * fails


SPLIT = [service(), rule("r", "web", "v1"), routes({"route": [to("web", subset="v1")]}, name="inside")]


@pytest.mark.parametrize(
    ("name", "objects", "expected"),
    [
        ("a plain destination", [behind({"route": [to("web")]})], [("RL540", HOST)]),
        ("in full", [behind({"route": [to("web.shop.svc.cluster.local")]})], [("RL540", HOST)]),
        ("with the subset", [behind({"route": [to("web", subset="v1")]})], []),
        ("for sidecars alone", [behind({"route": [to("web")]}, gateways=["mesh"])], []),
        ("another host", [behind({"route": [to("other")]})], []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_split_that_a_gateway_does_not_see(name: str, objects: list[Any], expected: list[tuple[str, str]]) -> None:
    assert found(*SPLIT, service("other"), *objects, run=ALL) == expected


def test_one_virtual_service_for_both_says_nothing() -> None:
    both = routes({"route": [to("web")]}, {"route": [to("web", subset="v1")]}, hosts=["web"], gateways=["edge", "mesh"])
    assert found(service(), rule("r", "web", "v1"), both, run=ALL) == []


CLAIM = {"@request.auth.claims.group": {"exact": "x"}}


@pytest.mark.parametrize(
    ("headers", "more", "closed", "expected"),
    [
        (CLAIM, [], True, 1),
        (CLAIM, [], False, 0),
        (CLAIM, [obj("RequestAuthentication", "a", "far", "security.istio.io/v1")], True, 0),
        ({"group": {"exact": "x"}}, [], True, 0),
    ],
)
def test_a_claim_needs_something_that_verifies_tokens(
    headers: Any, more: list[Any], closed: bool, expected: int
) -> None:
    objects = [service(), edge(server(80)), behind({"match": [{"headers": headers}], "route": [to("web")]}), *more]
    rules = [r for r, _ in found(*objects, run=ALL._replace(closed=closed))]
    assert rules == ["RL542"] * expected


def test_the_family_is_selected_with_the_others() -> None:
    assert ("RL538", HOST) in found(service("one"), ADMIN, routes({"route": [to("two")]}, hosts=["one"]), run=FAMILY)


@given(JSON, JSON)
def test_nothing_raises(http: Any, servers: Any) -> None:
    odd = obj("VirtualService", "a", hosts=["web", "web.example.com"], gateways=["edge", "mesh"], http=http)
    found(service(), ADMIN, obj("Gateway", "edge", servers=servers), odd, run=CLOSED._replace(select=("RL538", "RL54")))
