"""Comments are found by position, and nothing else is taken for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from rolloutlint.source import Comment, Document, Source, comments, load
from tests.source.test_fastread import GENERATED


def found(text: str) -> list[tuple[int, int, str, bool]]:
    return [(c.line, c.column, c.text, c.own_line) for c in comments(Source("a.yaml", text))]


def test_a_comment_has_its_place_its_text_and_whether_it_stands_alone() -> None:
    assert found("# one\na: 1  # two\n  # three\n") == [
        (1, 1, "# one", True),
        (2, 7, "# two", False),
        (3, 3, "# three", True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: b#c\n",
        "a: 'x # y'\n",
        'a: "x # y"\n',
        "a: |\n  # x\n",
        "a: >\n  x\n  # y\n",
        "a: 'x\n  # y'\n",
        "a#b: 1\n",
        "a: &x#y 1\n",
        "- |\n  a\n\n  # b\n",
    ],
)
def test_a_number_sign_inside_a_scalar_is_no_comment(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a: | # x\n  y\n", 6),
        ("a: >- # x\n  y\n", 7),
        ("a: &b # x\n  y\n", 7),
        ("a: !!str # x\n  y\n", 10),
        ("a: [1, # x\n  2]\n", 8),
        ("--- # x\na: 1\n", 5),
        ("a: 'x' # x\n", 8),
        ("a: # x\n  b: 1\n", 4),
        ("- # x\n  a\n", 3),
    ],
)
def test_a_comment_beside_structure_is_found(text: str, column: int) -> None:
    assert [(c[:3]) for c in found(text)] == [(1, column, "# x")]


def test_a_comment_right_after_a_block_scalar_is_found() -> None:
    assert found("a: |\n  x\n# c\nb: |\n  # no\n\n  # no\n # c\n") == [(3, 1, "# c", True), (8, 2, "# c", True)]


def test_lines_count_in_the_whole_text() -> None:
    assert found("a: 1\n---\n# x\n---\nb: 2 # y\n") == [(3, 1, "# x", True), (5, 6, "# y", False)]


def test_in_a_document_that_cannot_be_parsed_lines_of_comment_are_still_found() -> None:
    assert found("# x\na: [\n  # y\nb: 'c # d\n---\n# z\n") == [
        (1, 1, "# x", True),
        (3, 3, "# y", True),
        (6, 1, "# z", True),
    ]


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_a_comment_ends_with_its_line_whatever_ends_the_line(ending: str) -> None:
    assert found(f"a: 1 # x{ending}# y{ending}b: 2{ending}") == [(1, 6, "# x", False), (2, 1, "# y", True)]


@settings(max_examples=300, deadline=None)
@given(GENERATED)
def test_other_words_in_all_comments_change_no_value(text: str) -> None:
    before = [d.value for d in load(Source("a.yaml", text)) if isinstance(d, Document)]
    problems = [p for p in load(Source("a.yaml", text)) if not isinstance(p, Document)]
    if problems or "\r" in text:
        return
    lines = re.split(r"(?<=\n)", text)
    for comment in reversed(comments(Source("a.yaml", text))):
        reword(lines, comment)
    after = [d.value for d in load(Source("a.yaml", "".join(lines))) if isinstance(d, Document)]
    assert repr(after) == repr(before)


def reword(lines: list[str], comment: Comment) -> None:
    line = lines[comment.line - 1]
    assert line[comment.column - 1 :].rstrip("\n") == comment.text
    lines[comment.line - 1] = line[: comment.column - 1] + "# other words\n"
