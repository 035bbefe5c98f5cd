from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.controllers.arguments import (
    Analysis,
    argument_problems,
    declared_names,
    merge_conflicts,
    placeholders_in,
    run_values,
    unterminated_in,
    used_names,
)

SECRET = {"secretKeyRef": {"name": "s", "key": "k"}}


def found(
    template: object,
    rollout: object = None,
    metrics: object = None,
    analysis: Analysis = "inline",
    siblings: tuple[object, ...] = (),
) -> list[tuple[str, str, str]]:
    problems = argument_problems(template, rollout, metrics, analysis, siblings)
    return [(p.code, p.effect, p.name) for p in problems]


def test_an_argument_without_a_value_is_unresolved_in_every_analysis() -> None:
    assert found([{"name": "x"}]) == [("unresolved", "invalid-spec", "x")]
    assert found([{"name": "x"}], analysis="background") == [("unresolved", "invalid-spec", "x")]


def test_a_default_or_the_rollout_resolves_it() -> None:
    assert found([{"name": "x", "value": ""}]) == []
    assert found([{"name": "x"}], [{"name": "x", "value": "1"}]) == []


def test_another_template_resolves_it_except_in_the_background() -> None:
    siblings = ([{"name": "x", "value": "1"}],)
    assert found([{"name": "x"}], siblings=siblings) == []
    assert found([{"name": "x"}], analysis="background", siblings=siblings) == [("unresolved", "invalid-spec", "x")]


def test_an_undeclared_placeholder_is_refused_early_or_aborts_late() -> None:
    metrics = [{"query": "{{args.x}}"}]
    assert found([], None, metrics) == [("undeclared", "invalid-spec", "x")]
    assert found([], None, metrics, "background") == [("undeclared", "run-error", "x")]


def test_passing_an_undeclared_argument_does_not_declare_it() -> None:
    assert found([], [{"name": "x", "value": "1"}], [{"query": "{{args.x}}"}], "background") == [
        ("extra", "ignored", "x"),
        ("undeclared", "run-error", "x"),
    ]


def test_a_placeholder_of_another_template_counts_in_the_background_only() -> None:
    siblings = ([{"name": "x", "value": "1"}],)
    metrics = [{"query": "{{args.x}}"}]
    assert found([], None, metrics, "background", siblings) == []
    assert found([], None, metrics, "inline", siblings) == [("undeclared", "invalid-spec", "x")]


def test_foreign_braces_fail_the_metric() -> None:
    problem = argument_problems([], None, [{"job": ["{{ .Values.x }}"]}], "inline")[0]
    assert (problem.code, problem.name, problem.path) == ("foreign", ".Values.x", (0, "job", 0))
    assert problem.piece == (0, 15)


def test_open_braces_fail_the_metric() -> None:
    assert found([], None, [{"query": "a{{b"}]) == [("unterminated", "invalid-spec", "")]


@pytest.mark.parametrize("arg", [{}, {"valueFrom": {}}, {"valueFrom": SECRET}])
def test_an_argument_passed_without_a_value_replaces_the_default_by_nothing(arg: dict[str, Any]) -> None:
    assert found([{"name": "x", "value": "1"}], [{"name": "x", **arg}]) == [("blank-override", "empty", "x")]


def test_a_pod_template_hash_is_stable_or_latest() -> None:
    hashes = [{"name": "x", "valueFrom": {"podTemplateHashValue": h}} for h in ("Latest", "Stable", "latest")]
    assert found([{"name": "x"}], hashes) == [("unknown-hash", "empty", "x")]


def test_value_and_source_together_are_refused_inline_and_ambiguous_in_the_background() -> None:
    args = [{"name": "x", "value": "1", "valueFrom": SECRET}]
    assert found(args) == [("both-sources", "invalid-spec", "x")]
    assert found(args, analysis="background") == [("both-sources", "secret-used", "x")]


def test_a_secret_beats_the_rollout() -> None:
    args = [{"name": "x", "valueFrom": SECRET}]
    assert found(args, [{"name": "x", "value": "1"}]) == [("secret-wins", "ignored", "x")]


def test_a_field_reference_in_a_template_is_never_resolved() -> None:
    args = [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    assert found(args) == [("field-ref-in-template", "run-error", "x")]


def test_a_templated_count_needs_a_default_inline() -> None:
    metrics = [{"name": "m", "interval": "1m", "count": "{{args.n}}"}]
    passed = [{"name": "n", "value": "5"}]
    assert found([{"name": "n"}], passed, metrics) == [("indefinite-count", "invalid-spec", "n")]
    assert found([{"name": "n", "value": "3"}], passed, metrics) == []
    assert found([{"name": "n"}], passed, metrics, "background") == []


def test_malformed_arguments_give_no_claims() -> None:
    assert found([{"value": "x"}], None, [{"query": "{{args.x}}"}]) == []
    assert found({}, None, [{"query": "{{args.x}}"}]) == []


def test_placeholders_are_found_in_keys_and_values_at_any_depth() -> None:
    value: Any = {"a": ["{{args.x}}", {"{{args.y}}": 1}]}
    assert [(u.path, u.part, u.placeholder.name) for u in placeholders_in(value)] == [
        (("a", 0), "value", "x"),
        (("a", 1, "{{args.y}}"), "key", "y"),
    ]
    for _ in range(5000):
        value = [value]
    assert used_names(value) == {"x", "y"}


def test_open_tags_are_found_where_they_start() -> None:
    assert [(o.path, o.offset) for o in unterminated_in({"a": ["x {{"], "b": "{{y}}"})] == [(("a", 0), 2)]


def test_declared_names_skip_what_has_none() -> None:
    assert declared_names([{"name": "x"}, {"name": 1}, "y"]) == {"x"}


def test_templates_that_disagree_on_a_value_conflict() -> None:
    conflicts = merge_conflicts([[{"name": "x", "value": "1"}], [{"name": "x", "value": "2"}]])
    assert [(c.name, c.kind, c.first, c.second) for c in conflicts] == [("x", "different-values", (0, 0), (1, 0))]


def test_a_later_declaration_loses_the_secret() -> None:
    conflicts = merge_conflicts([[{"name": "x", "valueFrom": SECRET}], [{"name": "x"}]])
    assert [c.kind for c in conflicts] == ["secret-lost"]


def test_a_later_declaration_without_a_value_keeps_the_first() -> None:
    assert merge_conflicts([[{"name": "x", "value": "1"}], [{"name": "x"}], None, "args"]) == ()


@pytest.mark.parametrize(
    "templates, passed, value",
    [
        ([[{"name": "x", "value": "1"}]], None, "1"),
        ([[{"name": "x", "value": "1"}]], [{"name": "x", "value": "2"}], "2"),
        ([[{"name": "x", "value": "1"}]], [{"name": "x", "value": "2"}, {"name": "x", "value": "3"}], "3"),
        ([[{"name": "x", "value": "1"}]], [{"name": "x"}], ""),
        ([[{"name": "x"}], [{"name": "x", "value": "2"}]], None, "2"),
        ([[{"name": "x", "value": "1"}], [{"name": "x", "value": "2"}]], None, "1"),
        ([[{"name": "x", "valueFrom": SECRET}]], [{"name": "x", "value": "2"}], None),
        ([[{"name": "x", "value": "1", "valueFrom": SECRET}]], None, None),
        ([[{"name": "x"}]], [{"name": "x", "valueFrom": {"podTemplateHashValue": "Latest"}}], None),
        ([[{"name": "x"}]], [{"name": "x", "valueFrom": {"podTemplateHashValue": "Newest"}}], ""),
        ([[{"name": "x"}]], [{"name": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}], None),
        ([[{"name": "x", "value": "${X}"}]], None, None),
        ([[{"name": "x"}]], "args", None),
    ],
)
def test_what_an_argument_stands_for_in_a_run(templates: list[object], passed: object, value: str | None) -> None:
    assert run_values(templates, passed) == {"x": value}


def test_what_no_template_declares_stands_for_nothing() -> None:
    assert run_values([None], [{"name": "x", "value": "1"}]) == {}
