"""Identity of objects, lists of objects, and values kept frozen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.finding import DocumentId
from rolloutlint.model import View, view_of
from rolloutlint.model.resource import identify, is_object, make_resource, objects, split_api_version
from rolloutlint.model.values import dig, filled_later, has, string_map

SERVICE: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["apiVersion", "kind", "items", "metadata", "a"]), inner, max_size=4)
    ),
)


def test_a_document_that_is_an_object_is_the_only_one():
    assert list(objects(SERVICE)) == [((), SERVICE)]


def test_the_items_of_a_list_are_objects_at_their_paths():
    listed = {"apiVersion": "v1", "kind": "List", "items": [SERVICE, {"kind": "x"}, SERVICE]}
    assert [path for path, _ in objects(listed)] == [("items", 0), ("items", 2)]


def test_lists_in_lists_are_flattened_in_order():
    inner = {"apiVersion": "v1", "kind": "ServiceList", "items": [SERVICE, SERVICE]}
    outer = {"apiVersion": "v1", "kind": "List", "items": [SERVICE, inner, SERVICE]}
    assert [path for path, _ in objects(outer)] == [
        ("items", 0),
        ("items", 1, "items", 0),
        ("items", 1, "items", 1),
        ("items", 2),
    ]


def test_a_kind_that_ends_in_list_without_items_is_an_object():
    assert list(objects({"apiVersion": "x/v1", "kind": "AllowList"})) == [
        ((), {"apiVersion": "x/v1", "kind": "AllowList"})
    ]


def test_lists_nested_very_deeply_do_not_exhaust_the_stack():
    value: dict[str, Any] = SERVICE
    for _ in range(5000):
        value = {"apiVersion": "v1", "kind": "List", "items": [value]}
    assert len(next(iter(objects(value)))[0]) == 10_000


@pytest.mark.parametrize("value", [None, [], "x", {}, {"kind": "A"}, {"apiVersion": "v1", "kind": 5}])
def test_what_claims_no_kind_is_no_object(value: Any) -> None:
    assert not is_object(value)
    assert list(objects(value)) == []


@pytest.mark.parametrize(
    "api_version, parts", [("v1", ("", "v1")), ("apps/v1", ("apps", "v1")), ("a/b/c", ("a/b", "c")), ("", ("", ""))]
)
def test_a_group_is_what_stands_before_the_last_slash(api_version: str, parts: tuple[str, str]) -> None:
    assert split_api_version(api_version) == parts


def test_malformed_parts_of_an_identity_are_empty():
    made = identify({"apiVersion": 5, "kind": "A", "metadata": {"name": ["x"], "namespace": None}})
    assert made == ("", "", "A", "", "")
    assert str(identify(SERVICE)) == "Service shop/web"


@given(TREES)
def test_any_tree_has_its_objects_and_each_an_identity(value: Any) -> None:
    for path, item in objects(value):
        assert dig(value, *path) is item
        identify(item)


@given(TREES)
def test_a_value_comes_back_from_the_ice_as_it_was(value: Any) -> None:
    resource = make_resource(0, DocumentId("a", 0), (), {"apiVersion": "v1", "kind": "X", "value": value})
    assert resource.thaw()["value"] == value
    assert resource.thaw() is not resource.thaw()


def test_a_place_counts_from_the_root_of_the_object():
    resource = make_resource(0, DocumentId("a", 3), ("items", 1), SERVICE)
    assert resource.place(("spec", "ports")).path == ("items", 1, "spec", "ports")
    assert resource.place().document == DocumentId("a", 3)


def test_a_text_anywhere_in_an_object_is_mentioned():
    resource = make_resource(0, DocumentId("a", 0), (), SERVICE)
    assert resource.mentions("shop")
    assert resource.mentions("namespace")
    assert not resource.mentions("Rollout")


def test_kinds_of_other_groups_have_a_plain_view():
    other = make_resource(0, DocumentId("a", 0), (), {"apiVersion": "serving.knative.dev/v1", "kind": "Service"})
    assert type(view_of(other)) is View


def test_every_version_of_a_kind_has_its_view():
    old = make_resource(
        0, DocumentId("a", 0), (), {"apiVersion": "networking.istio.io/v1alpha3", "kind": "VirtualService"}
    )
    assert type(view_of(old)).__name__ == "VirtualService"


@given(TREES, st.lists(st.integers(-9, 9) | st.sampled_from(["items", "a", "kind"]), min_size=1, max_size=4))
def test_digging_ends_in_none_and_having_agrees_with_it(value: Any, path: list[str | int]) -> None:
    found = dig(value, *path)
    if found is not None and not (isinstance(path[-1], int) and path[-1] < 0):
        assert has(value, *path)


def test_a_null_is_there_but_digs_to_none():
    assert has({"a": None}, "a")
    assert not has({"a": None}, "b")
    assert dig({"a": None}, "a", "b") is None


def test_maps_keep_only_string_values():
    assert string_map({"a": "1", "b": 2, "c": None}) == {"a": "1"}
    assert string_map(["a"]) == {}


@pytest.mark.parametrize(
    "text, later", [("{{ x }}", True), ("${X}", True), ("$(X)", True), ("x{y}", False), (5, False)]
)
def test_placeholders_are_filled_later(text: Any, later: bool) -> None:
    assert filled_later(text) is later
