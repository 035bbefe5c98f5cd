"""Texts are cut into documents as kubectl cuts them, and a syntax error is told where its author must look."""

from __future__ import annotations

import pytest

from rolloutlint.source import Document, Problem, Source, load, slices


def read(text: str) -> list[object]:
    """Values of the documents and places of the problems, in order."""
    found: list[object] = []
    for item in load(Source("a.yaml", text)):
        if isinstance(item, Document):
            found.append(item.value)
        else:
            assert item.at.span is not None
            found.append((item.kind, item.at.span.line, item.at.span.column))
    return found


def problem(text: str) -> Problem:
    return next(i for i in load(Source("a.yaml", text)) if isinstance(i, Problem))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("a: 1\r\n---\r\nb: 2", [{"a": 1}, {"b": 2}]),
        ("a: 1\r---\rb: 2\r", [{"a": 1}, {"b": 2}]),
        ("a: 1\u2028---\u2028b: 2", [{"a": 1}, {"b": 2}]),
        ("---\n---\na: 1\n---", [{"a": 1}]),
        ("--- {a: 1}\n--- # c\nb: 2\n--- |\n x\n--- [c]\n", [{"a": 1}, {"b": 2}, "x\n", ["c"]]),
        ("a: |\n  ---\n  x\n---\n- 1", [{"a": "---\nx\n"}, [1]]),
        ("a: x---y\nb: ---\n", [{"a": "x---y", "b": "---"}]),
        ("a: 1\n...\n...\n---\nb: 2\n... # end\n", [{"a": 1}, {"b": 2}]),
        ("# c\n%YAML 1.1\n# d\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    ],
)
def test_a_text_is_cut_at_its_markers(text: str, values: list[object]) -> None:
    assert read(text) == values


def test_the_slices_are_the_text() -> None:
    text = "# c\n---\na: 1\n...\n%YAML 1.1\n---\n---\nb: '\n---\n"
    assert "".join(text[start:end] for start, end in slices(text)) == text


def test_documents_are_numbered_without_the_empty_ones() -> None:
    items = list(load(Source("a.yaml", "---\n---\na: 1\n---\n# c\n---\nb: [\n---\nc: 1\n")))
    assert [i.id.number if isinstance(i, Document) else i.at.document.number for i in items] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: [1, 2\nb: 3\n", 1, 4, "`[` is never closed"),
        ("é: 😀\nb: {x: 1\n", 2, 4, "`{` is never closed"),
        ("a: [1 2: 3: 4]\n", 1, 11, "`,` or `]` was expected here"),
        ("a: 'x\nb: y\n", 1, 4, "the quotes that open here are never closed"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "does not fit the mapping"),
        ("- a\nb: 1\n", 2, 1, "does not fit the list"),
        ("a: 1\n  b: 2\n", 2, 4, "`:` starts a value where none can be"),
        ("a: b: c\n", 1, 5, "`:` starts a value where none can be"),
        ("a: 1\nfoo\nb: 2\n", 2, 1, "has neither `:` nor `-`"),
        ("a: 'x' y\n", 1, 8, "stands after the end of a value"),
        ("a: @x\n", 1, 4, "a value cannot start with `@`"),
        ("a: `x`\n", 1, 4, "a value cannot start with a backtick"),
        ('a: "\\q"\n', 1, 5, "is no escape in double quotes"),
        ("a: 1\n\tb: 2\n", 2, 1, "a tab indents this line"),
        ("a: 1\n...\nb: 2\n", 3, 1, "stands after the end of the document"),
        ("a: *x\n", 1, 4, "alias `*x` names no anchor"),
        ("a: !!int x\n", 1, 4, "cannot decode"),
    ],
)
def test_a_syntax_error_stands_where_its_author_must_look(text: str, line: int, column: int, words: str) -> None:
    found = problem(text)
    assert found.at.span is not None
    assert (found.at.span.line, found.at.span.column) == (line, column)
    assert words in found.message


def test_an_unclosed_bracket_names_the_place_where_it_was_missed() -> None:
    (related,) = problem("a: [1, 2\nb: 3\n").related
    assert related.at.span is not None
    assert (related.at.span.line, related.message) == (2, "`,` or `]` was expected here")


@pytest.mark.parametrize(
    ("text", "name"), [("{1: x, '1': y}", "1"), ("a: {b: 1, b: 2}", "b"), ("yes: 1\n'true': 2\n", "true")]
)
def test_keys_that_json_writes_alike_are_duplicates(text: str, name: str) -> None:
    found = problem(text)
    assert (found.kind, found.message, found.fatal, len(found.related)) == ("duplicate-key", name, False, 1)


def test_a_problem_in_a_later_document_has_the_line_of_the_text() -> None:
    assert read("a: 1\n---\nb: 2\n---\nc: ]\n") == [{"a": 1}, {"b": 2}, ("syntax", 5, 4)]
