"""Places are exact: keys, values, items and pieces of scalars, in every style, through aliases and merges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.finding import Part, Path, Span
from rolloutlint.source import Document, Located, Source, load, locate, mark, node_at, slices, to_span


def at(text: str, path: Path, part: Part = "value", piece: tuple[int, int] | None = None, number: int = 0) -> Located:
    source = Source("a.yaml", text)
    node = mark(source, *list(slices(text))[number])
    assert node is not None
    return locate(source, node, path, part, piece)


def cut(text: str, path: Path, part: Part = "value", piece: tuple[int, int] | None = None) -> str:
    """The characters of the part that was asked for; `?` before it where the place is not exact."""
    found = at(text, path, part, piece)
    return ("" if found.exact else "?") + text[found.start : found.end]


TEXT = """\
# head
kind: Rollout
metadata: {name: shop, labels: {"a.b/c": 'x y'}}
spec:
  steps:
  - setWeight: 20   # twenty
  # between
  -   pause: {}
  - "quoted"
  empty:
  list: [1, 2, [3, four]]
"""


@pytest.mark.parametrize(
    ("path", "part", "expected"),
    [
        (("kind",), "value", "Rollout"),
        (("kind",), "key", "kind"),
        (("kind",), "item", "kind: Rollout"),
        (("metadata", "name"), "value", "shop"),
        (("metadata", "labels", "a.b/c"), "key", '"a.b/c"'),
        (("metadata", "labels", "a.b/c"), "value", "'x y'"),
        (("metadata", "labels"), "value", "{\"a.b/c\": 'x y'}"),
        (("spec", "steps", 0, "setWeight"), "value", "20"),
        (("spec", "steps", 0), "item", "- setWeight: 20"),
        (("spec", "steps", 1), "item", "-   pause: {}"),
        (("spec", "steps", 2), "value", '"quoted"'),
        (("spec", "steps", 2), "item", '- "quoted"'),
        (("spec", "empty"), "value", ""),
        (("spec", "empty"), "key", "empty"),
        (("spec", "list", 1), "value", "2"),
        (("spec", "list", 2, 1), "item", "four"),
        (("spec", "steps"), "item", 'steps:\n  - setWeight: 20   # twenty\n  # between\n  -   pause: {}\n  - "quoted"'),
    ],
)
def test_every_part_is_found(path: Path, part: Part, expected: str) -> None:
    assert cut(TEXT, path, part) == expected


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_the_same_places_are_found_with_every_line_end(ending: str) -> None:
    found = at(TEXT.replace("\n", ending), ("spec", "steps", 0, "setWeight"))
    assert found.span == Span(6, 16, 6, 18)


def test_columns_count_code_points() -> None:
    assert at("é😀: {x: 'ü😀', k: z}\n", ("é😀", "k")).span == Span(1, 18, 1, 19)


def test_lines_count_in_the_whole_text_not_in_the_document() -> None:
    assert at("a: 1\n---\nb:\n  c: 2\n", ("b", "c"), number=1).span == Span(4, 6, 4, 7)


def test_a_path_that_does_not_exist_gives_its_nearest_ancestor() -> None:
    assert cut("a:\n  b: 1\n", ("a", "c", 0)).startswith("?b: 1")


def test_a_block_mapping_is_shown_by_its_key() -> None:
    assert at("a:\n  b: 1\n  c: 2\n", ("a",)).span == Span(1, 1, 1, 2)


def test_the_last_of_two_equal_keys_is_the_one() -> None:
    assert at("a: 1\na: 2\n", ("a",)).span.line == 2


def test_a_key_is_found_by_the_name_that_json_has() -> None:
    assert cut("1: a\nyes: b\n'yes': c\n", ("1",)) == "a"
    assert cut("1: a\nyes: b\n'yes': c\n", ("true",)) == "b"
    assert cut("1: a\nyes: b\n'yes': c\n", ("yes",)) == "c"


ALIASES = """\
base: &base {a: 1, b: 2}
more: &more
  c: 3
use: *base
merged:
  <<: [*base, *more]
  b: 5
late:
  b: 5
  <<: *base
"""


def test_behind_an_alias_the_value_is_at_the_anchor_and_the_use_is_told() -> None:
    found = at(ALIASES, ("use", "a"))
    assert (found.span.line, found.via and found.via.line) == (1, 4)


def test_an_alias_itself_is_where_it_is_written() -> None:
    found = at(ALIASES, ("use",))
    assert (cut(ALIASES, ("use",)), found.via and found.via.line) == ("*base", 1)


@pytest.mark.parametrize(("key", "line", "via"), [("a", 1, 6), ("b", 7, None), ("c", 3, 6)])
def test_a_merged_key_is_found_where_it_is_written(key: str, line: int, via: int | None) -> None:
    found = at(ALIASES, ("merged", key))
    assert (found.span.line, found.via and found.via.line) == (line, via)


def test_a_merge_after_a_key_overwrites_it_as_in_go_yaml_v2() -> None:
    assert at(ALIASES, ("late", "b")).span.line == 1


def test_node_at_does_not_follow_aliases() -> None:
    root = mark(Source("a.yaml", ALIASES), 0, len(ALIASES))
    assert root is not None
    assert node_at(root, ("use", "a")) is None
    assert node_at(root, ("base", "a")) is not None


@pytest.mark.parametrize(
    ("text", "piece", "expected"),
    [
        ("a: hello world\n", (6, 11), "world"),
        ("a: 'it''s here'\n", (3, 4), "s"),
        ("a: 'it''s here'\n", (2, 3), "''"),
        ('a: "x\\ty\\u00e9z"\n', (1, 2), "\\t"),
        ('a: "x\\ty\\u00e9z"\n', (3, 4), "\\u00e9"),
        ('a: "x\\ty\\u00e9z"\n', (4, 5), "z"),
        ("a: |\n  one\n  two\n", (4, 7), "two"),
        ("a: |  # c\n\n    one\n      two\n", (6, 10), " two"),
        ("a: |2-\n    one\n", (0, 3), "  o"),
        ("a: >\n  one\n  two\n\n  three\n", (4, 7), "two"),
        ("a: >-\n  one\n  two\n\n  three", (8, 13), "three"),
        ("a: >\n  one\n    two\n  three\n", (4, 9), "  two"),
        ("a: one\n  two\n", (4, 7), "two"),
        ("a: 'one\n\n  two'\n", (4, 7), "two"),
        ('a: "one\\\n  two"\n', (3, 6), "two"),
        ("a: &x !!str foo bar\n", (4, 7), "bar"),
        ("a: &x |\n  foo\n", (0, 3), "foo"),
        ("a: é😀 b\n", (3, 4), "b"),
        ("- |\n x\n- y\n", None, "|\n x"),
    ],
)
def test_a_piece_of_a_scalar_is_cut_out(text: str, piece: tuple[int, int] | None, expected: str) -> None:
    assert cut(text, (0,) if text[0] == "-" else ("a",), piece=piece) == expected


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
@pytest.mark.parametrize(
    ("text", "piece"),
    [("a: |\n  one\n  two\n", (4, 7)), ("a: >\n  one\n\n  two\n", (4, 7)), ("a: 'one\n  two'\n", (4, 7))],
)
def test_a_piece_is_cut_out_with_every_line_end(text: str, piece: tuple[int, int], ending: str) -> None:
    assert cut(text.replace("\n", ending), ("a",), piece=piece) == "two"


def test_a_piece_outside_the_value_gives_the_whole_scalar_and_says_so() -> None:
    assert cut("a: abc\n", ("a",), piece=(2, 9)) == "?abc"


# ---- generated scalars -------------------------------------------------------------------------------------------

WORDS = st.lists(
    st.sampled_from(["a", "b c", "é", "😀", "#", "x:", " y", "", "", "- z", "''", '"', "\\", "\t"]),
    min_size=1,
    max_size=8,
)


def styled(style: str, words: list[str]) -> str | None:
    if style == "'":
        return "a: '" + "\n  ".join(w.replace("'", "''") for w in words) + "'\n"
    if style == '"':
        return 'a: "' + "\n  ".join(w.replace("\\", "\\\\").replace('"', '\\"') for w in words) + '"\n'
    if style == "plain":
        return "a: w" + "\n  ".join(words) + "\n"
    return f"a: {style}\n" + "".join(f"  {w}\n" if w else "\n" for w in words) + "b: 1\n"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["'", '"', "plain", "|", ">", "|-", ">-", "|+", ">+", "|2", ">1-"]), WORDS)
def test_every_character_of_a_value_comes_from_an_exact_place(style: str, words: list[str]) -> None:
    text = styled(style, words)
    assert text is not None
    documents = [d for d in load(Source("a.yaml", text)) if isinstance(d, Document)]
    if not documents or not isinstance(documents[0].value, dict) or not isinstance(documents[0].value.get("a"), str):
        return
    value: str = documents[0].value["a"]
    before = -1
    for index, char in enumerate(value):
        found = at(text, ("a",), piece=(index, index + 1))
        origin = text[found.start : found.end]
        assert found.exact
        assert found.start > before
        assert origin == char or char in " \n" or origin in ("''", '\\"', "\\\\")
        before = found.start


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_spans_and_offsets_agree_with_the_lines_of_the_text(text: str, start: int, length: int) -> None:
    source = Source("a.yaml", text)
    start = min(start, len(text))
    end = min(start + length, len(text))
    span = to_span(source, start, end)
    lines: list[Any] = text.replace("\r\n", "\n\n").replace("\r", "\n").split("\n")
    if "\r\n" not in text:
        assert sum(len(line) + 1 for line in lines[: span.line - 1]) + span.column - 1 == start
        assert sum(len(line) + 1 for line in lines[: span.end_line - 1]) + span.end_column - 1 == end
