"""What the Gateway API plugin reads from its configuration, and which rules it takes for its own."""

from __future__ import annotations

import pytest

from rolloutlint.controllers.gateway_api import is_managed_rule, lacking_backend, plugin_routes, selects_routes


def test_routes_come_from_the_list_and_from_the_single_field() -> None:
    config = {"httpRoute": "a", "httpRoutes": [{"name": "b"}, {"name": "c", "useHeaderRoutes": True}], "tcpRoute": "d"}
    assert [(r.kind, r.name, r.path, r.header_routes) for r in plugin_routes(config)] == [
        ("HTTPRoute", "b", ("httpRoutes", 0, "name"), False),
        ("HTTPRoute", "c", ("httpRoutes", 1, "name"), True),
        ("HTTPRoute", "a", ("httpRoute",), True),
        ("TCPRoute", "d", ("tcpRoute",), False),
    ]


@pytest.mark.parametrize("config", [None, [], "x", {}, {"httpRoute": 5, "httpRoutes": "x", "grpcRoutes": [None, {}]}])
def test_what_cannot_be_read_names_no_route(config: object) -> None:
    assert plugin_routes(config) == ()
    assert not selects_routes(config)


@pytest.mark.parametrize(
    ("name", "managed", "expected"),
    [
        ("testers", ["testers"], True),
        ("testers-1", ["testers"], True),
        ("testers-12", ["testers"], True),
        ("testers-a", ["testers"], False),
        ("testers-", ["testers"], False),
        ("testers-1-2", ["testers"], False),
        ("testers-1-2", ["testers-1"], True),
        ("other", ["testers"], False),
        ("", [], False),
    ],
)
def test_a_managed_rule_has_the_name_of_a_route_and_perhaps_a_number(
    name: str, managed: list[str], expected: bool
) -> None:
    assert is_managed_rule(name, managed) is expected


def test_each_service_is_looked_for_in_any_rule() -> None:
    assert lacking_backend([["a"], ["b"]], "a", "b") == ()
    assert lacking_backend([["a", "x"]], "a", "b") == ("b",)
    assert lacking_backend([], "a", "b") == ("a", "b")
