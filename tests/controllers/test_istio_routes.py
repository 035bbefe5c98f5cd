"""The routes and roles that the Istio router of Argo Rollouts chooses, on plain values."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.controllers.istio_routes import Pair, pair_of, select_routes


def names(*routes: str) -> dict[str, Any]:
    return {"http": [{"name": name} if name else {} for name in routes]}


@pytest.mark.parametrize(
    ("spec", "reference", "routes", "unmatched", "ambiguous"),
    [
        (names("a"), {}, (("http", 0),), (), ()),
        (names("a", "b"), {"routes": ["b", "a"]}, (("http", 1), ("http", 0)), (), ()),
        (names("a", "a"), {"routes": ["a"]}, (("http", 0),), (), ()),
        (names("a"), {"routes": ["b"]}, (), (("routes", 0),), ()),
        (names("a", ""), {}, (("http", 1),), (), ("http",)),
        (names("header", ""), {}, (("http", 1),), (), ()),
        (names("header", "a"), {}, (), (), ()),
        ({"http": []}, {}, (), (), ()),
        ({"http": []}, {"routes": ["a"]}, (), (("routes", 0),), ()),
        ({"tcp": [{}]}, {"routes": ["a"]}, (("tcp", 0),), (), ()),
        ({"tcp": [{"match": [{}]}]}, {"tcpRoutes": [{"port": 0}]}, (("tcp", 0),), (), ()),
        ({"tcp": [{"match": [{"port": 1}, {"port": 1}]}]}, {"tcpRoutes": [{"port": 1}]}, (("tcp", 0),), (), ()),
        ({"tls": [{}, {}]}, {}, (("tls", 0),), (), ("tls",)),
    ],
)
def test_routes_are_chosen_as_the_controller_does(
    spec: Any, reference: Any, routes: Any, unmatched: Any, ambiguous: Any
):
    selection = select_routes(spec, reference, ("header",))
    assert selection is not None
    assert (selection.routes, selection.unmatched, selection.ambiguous) == (routes, unmatched, ambiguous)


@pytest.mark.parametrize(
    ("spec", "reference"), [(None, {}), ({"http": {}}, {}), ({"http": [3]}, {}), (names("a"), {"routes": [1]})]
)
def test_what_cannot_be_read_selects_nothing(spec: Any, reference: Any):
    assert select_routes(spec, reference) is None


def test_a_host_decides_before_a_subset():
    pair = Pair("web-canary", "web", "canary", "stable", ("beta",), by_subset=True)
    asked = (("web", "canary"), ("web-canary", "stable"), ("web", "beta"), ("other", "beta"), ("other", ""))
    assert [pair.role(*a) for a in asked] == ["canary", "canary", "stable", "kept", "other"]


@pytest.mark.parametrize("canary", [{}, {"canaryService": "a"}, {"pingPong": {"pingService": "a"}}, None])
def test_half_a_pair_is_none(canary: Any):
    assert pair_of(canary) is None
