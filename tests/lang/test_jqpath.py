"""jq paths, against what gojq 0.12 does with `del(...)` (recorded by `tests/data/recorders/jq_paths`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang import jqpath
from rolloutlint.lang.jqpath import Deleted, Expression, RuntimeFailure, SyntaxProblem, Unsupported

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "jq-paths.json").read_text())
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "weight", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "spec", "weight"]), inner, max_size=3)
    ),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [".a", ".spec", "[]", "[0]", "[-1]", "[1:]", "?", "|", ",", "..", "select(", ")", "==", '"a"', "1", "not", "//"]
)

UNSUPPORTED = {
    ".a | error",
    ".spec as $x | .spec",
    "def f: .spec; f",
    ".spec) | (.",
    'getpath(["spec"])',
    "recurse(.[]?) | .weight?",
    ".spec.replicas + 1",
    '.spec.http[] | select(.name | test("(a+)+$"))',
    '.spec.http[] | select(.name | test("OLD"; "i"))',
}


def deleted(expression: str, value: Any) -> Any:
    parsed = jqpath.parse(expression)
    assert isinstance(parsed, Expression), parsed
    result = jqpath.delete(value, parsed)
    return result.value if isinstance(result, Deleted) else result


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: f"{case['expression']}-{case['input']}")
def test_deletion_gives_what_gojq_gives(case: dict[str, Any]):
    value = RECORDED["inputs"][case["input"]]
    parsed = jqpath.parse(case["expression"])
    result = jqpath.delete(value, parsed) if isinstance(parsed, Expression) else parsed
    if case["expression"] in UNSUPPORTED:
        assert isinstance(result, (Unsupported, RuntimeFailure))
    elif "compile" in case:
        assert isinstance(result, SyntaxProblem)
    elif "error" in case:
        assert isinstance(result, RuntimeFailure)
    else:
        assert isinstance(result, Deleted)
        assert result.value == case["value"]


def test_iterating_over_a_missing_route_fails_and_so_ignores_nothing():
    result = deleted(".spec.http[].route[].weight", {"spec": {"http": [{"redirect": {}}]}})
    assert result == RuntimeFailure("cannot iterate over: null")


def test_a_question_mark_lets_the_other_routes_be_ignored():
    value = {"spec": {"http": [{"redirect": {}}, {"route": [{"weight": 1}]}]}}
    assert deleted(".spec.http[]?.route[]?.weight", value)["spec"]["http"][1] == {"route": [{}]}


def test_a_path_without_its_dot_is_an_undefined_function():
    assert jqpath.parse("spec.replicas") == SyntaxProblem(0, "function not defined: spec/0")


def test_a_dash_in_a_bare_key_is_a_subtraction_of_an_undefined_function():
    assert jqpath.parse(".metadata.annotations.my-key") == SyntaxProblem(25, "function not defined: key/0")


def test_the_removed_paths_are_counted_in_the_value_before():
    parsed = jqpath.parse(".http[0], .http[1].weight")
    assert isinstance(parsed, Expression)
    result = jqpath.delete({"http": [{}, {"weight": 1}, {}]}, parsed)
    assert result == Deleted({"http": [{}, {}]}, (("http", 0), ("http", 1, "weight")))


def test_the_value_stays_as_it_was():
    value = {"http": [{"weight": 1}]}
    deleted(".http[].weight", value)
    assert value == {"http": [{"weight": 1}]}


def test_a_slice_removes_each_of_its_items():
    parsed = jqpath.parse(".a[1:]")
    assert isinstance(parsed, Expression)
    assert jqpath.delete({"a": [0, 1, 2]}, parsed) == Deleted({"a": [0]}, (("a", 1), ("a", 2)))


def test_a_trailing_comment_swallows_the_closing_parenthesis():
    assert isinstance(jqpath.parse(".spec # weights"), SyntaxProblem)


def test_a_slow_regular_expression_is_not_run():
    value = {"a": "a" * 5000}
    assert isinstance(deleted('select(.a | test("a*a*a*a*b"))', value), Unsupported)


def test_a_recursion_without_end_is_given_up():
    assert isinstance(deleted("..|..|..|..", [[[0] * 50] * 50] * 50), Unsupported)


def test_deep_nesting_is_given_up():
    assert isinstance(jqpath.parse("(" * 200 + "." + ")" * 200), Unsupported)


@given(st.lists(WORDS, max_size=8).map("".join), TREES)
def test_any_expression_on_any_tree_gives_an_answer(expression: str, value: object):
    parsed = jqpath.parse(expression)
    if isinstance(parsed, Expression):
        assert isinstance(jqpath.delete(value, parsed), (Deleted, RuntimeFailure, Unsupported))
    elif isinstance(parsed, SyntaxProblem):
        assert 0 <= parsed.offset <= len(expression)


@given(st.text(max_size=30))
def test_any_text_parses_or_says_why(text: str):
    assert isinstance(jqpath.parse(text), (Expression, SyntaxProblem, Unsupported))
