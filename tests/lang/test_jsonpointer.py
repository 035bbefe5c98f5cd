"""JSON pointers, against removals recorded from evanphx/json-patch v4.12.0 (null: the patch did not apply)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang import jsonpointer
from rolloutlint.lang.jsonpointer import PointerProblem

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "json-pointers.json").read_text())
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("pointer", "expected"), VECTORS["removals"])
def test_a_removal_gives_what_argo_cds_json_patch_gives(pointer: str, expected: object):
    removed = jsonpointer.remove(VECTORS["input"], pointer)
    assert (None if removed is None else removed.value) == expected


def test_a_removal_leaves_the_value_as_it_was():
    value = {"a": {"b": [1, 2]}}
    jsonpointer.remove(value, "/a/b/0")
    assert value == {"a": {"b": [1, 2]}}


@pytest.mark.parametrize(("pointer", "offset"), [("spec/replicas", 0), ("/a/~2", 3), ("/a~", 2), (".spec", 0)])
def test_a_text_outside_rfc_6901_is_a_problem_at_its_offset(pointer: str, offset: int):
    problem = jsonpointer.parse(pointer)
    assert isinstance(problem, PointerProblem)
    assert problem.offset == offset


def test_escapes_are_undone_in_the_right_order():
    assert jsonpointer.parse("/a~1b/~01/") == ("a/b", "~1", "")


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_parsing_undoes_escaping(keys: list[str]):
    assert jsonpointer.parse(jsonpointer.of_path(tuple(keys))) == tuple(keys)


def test_a_negative_index_counts_from_the_end():
    assert jsonpointer.resolve({"http": [1, 2, 3]}, "/http/-1") == ("http", 2)


@pytest.mark.parametrize("text", [".spec.replicas", "$.spec", "spec.http[0].route", "spec.replicas"])
def test_jq_and_jsonpath_are_told_from_pointers(text: str):
    assert jsonpointer.looks_like_jq(text)


@pytest.mark.parametrize("text", ["/spec/replicas", "spec/replicas", "/metadata/annotations/a.b~1c"])
def test_a_pointer_does_not_look_like_jq(text: str):
    assert not jsonpointer.looks_like_jq(text)


@pytest.mark.parametrize("text", ["/spec/http/*/route/0", "/spec/http[]/route", "/spec/http/-/route", "/a/b[*]"])
def test_a_wildcard_is_seen(text: str):
    assert jsonpointer.has_wildcard(text)


def test_a_plain_index_is_no_wildcard():
    assert not jsonpointer.has_wildcard("/spec/http/0/route/-1")


def test_a_bare_slash_in_an_annotation_key_is_offered_escaped():
    assert (
        jsonpointer.missing_escape("/metadata/annotations/rollout.argoproj.io/revision")
        == "/metadata/annotations/rollout.argoproj.io~1revision"
    )


@pytest.mark.parametrize(
    "pointer", ["/metadata/annotations/a.b~1c", "/spec/selector/app", "/metadata/labels/app.kubernetes.io"]
)
def test_an_escaped_or_plain_key_needs_no_escape(pointer: str):
    assert jsonpointer.missing_escape(pointer) is None


@given(TREES, st.text(alphabet="/~01-a*[]", max_size=8))
def test_any_text_on_any_tree_removes_one_entry_or_nothing(tree: object, pointer: str):
    removed = jsonpointer.remove(tree, pointer)
    if removed is not None:
        assert removed.value != tree
        assert jsonpointer.resolve(tree, jsonpointer.of_path(removed.path)) == removed.path
    jsonpointer.looks_like_jq(pointer)
    jsonpointer.has_wildcard(pointer)
    jsonpointer.missing_escape(pointer)
