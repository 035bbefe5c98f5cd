"""jq in a process of its own: what it answers, what is refused, and that it cannot hang or eat memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rolloutlint.controllers.comparing import compare
from rolloutlint.controllers.ignore_differences import rules_of
from rolloutlint.inputs import jq
from rolloutlint.inputs.jq import Evaluate, evaluator, is_agreed, is_installed

needs_jq = pytest.mark.skipif(not is_installed(), reason="jq is an extra that is not installed here")
ROUTES = {"spec": {"http": [{"name": "primary", "route": [{"weight": 80}, {"weight": 20}]}, {"redirect": {}}]}}


@pytest.fixture
def ask() -> Iterator[Evaluate]:
    with evaluator() as evaluate:
        assert evaluate is not None
        yield evaluate


@needs_jq
@pytest.mark.parametrize(
    ("expression", "left"),
    [
        (
            "def weights: .route[]?.weight; .spec.http[] | weights",
            {"spec": {"http": [{"name": "primary", "route": [{}, {}]}, {"redirect": {}}]}},
        ),
        (".spec.http[]? | . as $one | select($one.redirect) ", {"spec": {"http": [ROUTES["spec"]["http"][0]]}}),
        ("label $out | .spec.http[] | ., break $out", {"spec": {"http": [{"redirect": {}}]}}),
    ],
)
def test_what_a_path_of_jq_leaves(ask: Evaluate, expression: str, left: Any) -> None:
    assert ask(expression, ROUTES) == left


@needs_jq
def test_an_expression_that_fails_for_both_is_skipped(ask: Evaluate) -> None:
    assert ask(".spec.http[] as $one | .spec.none[]", ROUTES) == ROUTES


@needs_jq
def test_a_failure_that_gojq_may_not_have_is_unknown(ask: Evaluate) -> None:
    assert ask(". as $all | .spec.http[0].name[0]", ROUTES) is None


@needs_jq
def test_what_does_not_compile_is_unknown(ask: Evaluate) -> None:
    assert ask(". as | .spec", ROUTES) is None


@needs_jq
def test_an_expression_that_takes_too_long_is_unknown_and_the_next_one_is_answered(
    ask: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jq, "SECONDS", 0.2)
    assert ask("def again: again; again", ROUTES) is None
    assert ask(". as $all | .spec", ROUTES) == {}


@needs_jq
def test_an_expression_that_takes_too_much_memory_is_unknown(ask: Evaluate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jq, "SECONDS", 9.0)
    monkeypatch.setattr(jq, "MEMORY", 128 * 1024 * 1024)
    assert ask("[range(100000000)] as $many | .spec", ROUTES) is None
    assert ask(". as $all | .spec", ROUTES) == {}


@needs_jq
def test_a_number_that_jq_would_round_makes_it_unknown(ask: Evaluate) -> None:
    assert ask(". as $all | .spec", {"spec": {}, "big": 2**60}) is None


@needs_jq
def test_what_is_no_json_makes_it_unknown(ask: Evaluate) -> None:
    assert ask(". as $all | .spec", {"spec": {}, "other": float("nan")}) is None
    assert ask(". as $all | .spec", {1: 2}) is None


def test_without_jq_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jq, "is_installed", lambda: False)
    with evaluator() as evaluate:
        assert evaluate is None


@pytest.mark.parametrize(
    "expression",
    [
        ". as $all | $ENV.HOME",
        "env.HOME",
        "$__loc__",
        "input",
        'import "a" as a; .spec',
        'include "a"; .spec',
        "a::b",
        '.spec.http[] | select(.name | test("^a"))',
        '.spec.http[] | select(.name | sub("a"; "b") == "c")',
        "select(now > 1)",
        "limit(1; .spec.http[])",
        "keys_unsorted",
        "@base64d",
        '"\\(.spec)"',
        ".spec # comment",
        ".spec) | (.metadata",
        "reduce ({b: 1, a: 2} | .[]) as $x (.; .spec)",
        "halt_error",
        "debug",
    ],
)
def test_what_jq_and_gojq_may_read_differently_is_not_asked(expression: str) -> None:
    assert not is_agreed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        '.spec.http[]? | . as $one | select($one.name == "input @ # (") | .route',
        "reduce .spec.http[] as $one (.; .spec)",
        '.metadata.labels | to_entries[] | select(.key | startswith("a"))',
        'select(. | contains({spec: {host: "a"}}))',
    ],
)
def test_what_both_read_alike_is_asked(expression: str) -> None:
    assert is_agreed(expression)


@needs_jq
def test_it_answers_for_rules_that_are_not_evaluated_here(ask: Evaluate) -> None:
    expression = '.spec.http[]? | . as $one | select($one.name == "primary") | .route'
    rule = {"group": "*", "kind": "VirtualService", "jqPathExpressions": [expression]}
    rules = rules_of({"ignoreDifferences": [rule]})
    target = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "web"}, **ROUTES}
    live = {**target, "spec": {"http": [{"name": "primary", "route": [{"weight": 1}]}, {"redirect": {}}]}}
    assert compare(target, live, None, rules, "three-way").shown is None
    assert compare(target, live, None, rules, "three-way", ask).shown is False
    other = {**live, "spec": {"http": [{"name": "primary", "route": []}, {"redirect": {}}, {"name": "third"}]}}
    assert compare(target, other, None, rules, "three-way", ask).shown is True
