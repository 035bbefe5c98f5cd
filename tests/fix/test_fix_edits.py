"""Symbolic edits become exact ones: the wanted value changes, every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.finding import Edit, Path, Span
from tests.fix.fixing import edit, fixed, inserted, place, removed, renamed, replaced, text_edit, values

# ---- replace -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, value, after",
    [
        ("a: 1 # why\nb: 2\n", 5, "a: 5 # why\nb: 2\n"),
        ("a: x\n", "z", "a: z\n"),
        ("a: 'x'\n", "y", "a: 'y'\n"),
        ('a: "x"\n', "y", 'a: "y"\n'),
        ("a: 'x'\n", "it's", "a: 'it''s'\n"),
        ("a: x\n", "yes", "a: 'yes'\n"),
        ("a: x\n", "1e3", "a: '1e3'\n"),
        ("a: x\n", "2026-01-01", "a: '2026-01-01'\n"),
        ("a: x\n", "", "a: ''\n"),
        ("a: x\n", "b: c", "a: 'b: c'\n"),
        ("a: x\n", "two\nlines", 'a: "two\\nlines"\n'),
        ("a:\nb: 1\n", "x", "a: x\nb: 1\n"),
        ("a: # none yet\nb: 1\n", 5, "a: 5 # none yet\nb: 1\n"),
        ("a: {b: 1}\n", {"c": 2}, "a: {c: 2}\n"),
        ("a: |\n  text\nb: 1\n", "x", "a: x\nb: 1\n"),
        ("{a: x, b: y}\n", "z", "{a: z, b: y}\n"),
        ("a: null\n", True, "a: true\n"),
        ("a:\n- 1\nb: 2\n", "z", "a: z\nb: 2\n"),
        ("a:\n  c: 1\nb: 2\n", [1], "a: [1]\nb: 2\n"),
        ("a: x\r\nb: y\r\n", "z", "a: z\r\nb: y\r\n"),
        ("a: x", "z", "a: z"),
        ("a: é # ü\n", "ß", "a: 'ß' # ü\n"),
    ],
)
def test_a_value_is_replaced_in_its_own_style(before: str, value: Any, after: str) -> None:
    assert replaced(before, ("a",), value) == after


def test_a_piece_of_a_value_is_replaced_alone():
    text = "q: 'result[0] > 5' # limit\n"
    assert fixed(text, Edit("replace", place("q", piece=(12, 13)), "7")) == text.replace("> 5", "> 7")


def pieces(text: str, *changes: tuple[int, int, str]) -> str | None:
    return fixed(text, *(Edit("replace", place("q", piece=(start, end)), new) for start, end, new in changes))


@pytest.mark.parametrize(
    "before, changes, after",
    [
        ("q: 'a b'\n", [(0, 1, "'")], "q: ''' b'\n"),
        ('q: "a b"\n', [(0, 1, '"')], 'q: "\\" b"\n'),
        ('{"q": "a b"}', [(0, 0, "\\")], '{"q": "\\\\a b"}'),
        ("q: a b\n", [(1, 2, ": ")], "q: 'a: b'\n"),
        ("q: a # c\n", [(0, 0, "!")], "q: '!a' # c\n"),
        ("q: it's\n", [(4, 4, " #1")], 'q: "it\'s #1"\n'),
        ("q: a > 1 # c\n", [(0, 0, "len(r) > 0 && ")], "q: len(r) > 0 && a > 1 # c\n"),
        ("{q: a}\n", [(0, 0, "f(b, "), (1, 1, ")")], "{q: 'f(b, a)'}\n"),
        ("q: |\n  a\n  / b # c\n", [(4, 4, "("), (5, 5, " > 0)")], "q: |\n  a\n  / (b > 0) # c\n"),
        ("q: |\n  a\n  b\n", [(0, 0, "("), (1, 1, ")"), (2, 2, "("), (3, 3, ")")], "q: |\n  (a)\n  (b)\n"),
        ("q: |-\n    a\n      b", [(8, 8, "x"), (9, 9, "y")], None),
        ("q: |-\n    a\n      b", [(4, 4, "x"), (5, 5, "y")], "q: |-\n    a\n      xby"),
        ("q: >-\n  a /\n  b\n\nz: 1\n", [(4, 4, "("), (5, 5, ")")], "q: >-\n  a /\n  (b)\n\nz: 1\n"),
        ("q: >\n  a\n  b\n", [(1, 1, ")")], "q: >\n  a)\n  b\n"),
        ("q: >\n  a\n  or b\n", [(1, 6, "")], "q: >\n  a\n"),
        ("q: |\n  a\n  or b\n", [(1, 6, "")], "q: |\n  a\n"),
        ("q: a  \n  b # c\n", [(1, 1, ")"), (2, 2, "(")], "q: a)  \n  (b # c\n"),
        ("q: 'a\n  b'\n", [(0, 0, "("), (3, 3, ")")], "q: '(a\n  b)'\n"),
        ('q: "a\\tb"\n', [(1, 1, "("), (2, 2, ")")], 'q: "a(\\t)b"\n'),
        ("q: |\r\n  a\r\n  b\r\n", [(1, 1, ")"), (2, 2, "(")], "q: |\r\n  a)\r\n  (b\r\n"),
        ("q: &x a\n", [(0, 0, "b ")], "q: &x b a\n"),
        ("q: ''\n", [(0, 0, "x")], None),
        ("q: |\n  a\n", [(0, 0, "\n  b")], None),
    ],
)
def test_pieces_change_a_scalar_and_nothing_around_them(
    before: str, changes: list[tuple[int, int, str]], after: str | None
) -> None:
    assert pieces(before, *changes) == after


def test_insertions_at_one_point_keep_their_order():
    assert pieces("q: ab\n", (1, 1, "x"), (1, 1, "y"), (1, 2, "c")) == "q: axyc\n"
    assert pieces("q: ab\n", (1, 1, "("), (1, 1, "(")) == "q: a((b\n"


def test_pieces_that_overlap_are_refused():
    assert pieces("q: abc\n", (0, 2, "x"), (1, 3, "y")) is None
    assert pieces("q: abc\n", (2, 5, "x")) is None


def test_pieces_are_changed_together_with_other_values():
    text = "a:\n  - q: x > 1\n    r: 1\n  - q: z\n"
    first = Edit("replace", place("a", 0, "q", piece=(0, 0)), "b && ")
    second = Edit("replace", place("a", 1, "q", piece=(1, 1)), " # d")
    third = Edit("remove", place("a", 0, "r"))
    assert fixed(text, first, second, third) == "a:\n  - q: 'b && x > 1'\n  - q: 'z # d'\n"


def test_only_the_document_that_is_meant_changes():
    text = "a: 1\n---\na: 1\n---\na: 1\n"
    assert fixed(text, edit("replace", ("a",), 2, number=1)) == "a: 1\n---\na: 2\n---\na: 1\n"


# ---- rename --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after",
    [
        ("a: {old: 1} # c\n", "a: {new: 1} # c\n"),
        ("a:\n  - 1\n  old: 1\n".replace("  - 1\n", ""), "a:\n  new: 1\n"),
        ("a:\n  'old': 1\n", "a:\n  'new': 1\n"),
        ('{"a": {"old": 1}}', '{"a": {"new": 1}}'),
    ],
)
def test_a_key_is_renamed_in_its_own_style(before: str, after: str) -> None:
    assert renamed(before, ("a", "old"), "new") == after


def test_a_key_is_not_renamed_to_one_that_is_there():
    assert renamed("a: 1\nb: 2\n", ("a",), "b") is None


# ---- remove --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, path, after",
    [
        ("a: 1\nb: 2 # two\nc: 3\n", ("b",), "a: 1\nc: 3\n"),
        ("a: 1\nb: 2\n", ("b",), "a: 1\n"),
        ("a: 1\nb: 2", ("b",), "a: 1\n"),
        ("# top\na: 1\n# about b\nb: 2\n", ("a",), "# top\n# about b\nb: 2\n"),
        ("a:\n  x:\n    - 1\n    - 2\n  y: 3\n", ("a", "x"), "a:\n  y: 3\n"),
        ("a: |\n  text\n\n  more\nb: 2\n", ("a",), "b: 2\n"),
        ("- a: 1\n  b: 2\n", (0, "a"), "- b: 2\n"),
        ("- a: 1 # one\n  b: 2\n", (0, "a"), "- b: 2\n"),
        ("- a: 1\n  b: 2\n", (0, "b"), "- a: 1\n"),
        ("- - a: 1\n    b: 2\n", (0, 0, "a"), "- - b: 2\n"),
        ("x:\n- a\n- b\n- c\n", ("x", 1), "x:\n- a\n- c\n"),
        ("x:\n  - a: 1\n  - # note\n    b: 2\n  - c: 3\n", ("x", 1), "x:\n  - a: 1\n  - c: 3\n"),
        ("x:\n  - a: 1 # - not a dash\n  - b: 2\n", ("x", 1), "x:\n  - a: 1 # - not a dash\n"),
        ("x:\n- -5\n- -6\n", ("x", 1), "x:\n- -5\n"),
        ("x:\n-\n- b\n", ("x", 0), "x:\n- b\n"),
        ("x: [a, b, c]\n", ("x", 0), "x: [b, c]\n"),
        ("x: [a, b, c]\n", ("x", 1), "x: [a, c]\n"),
        ("x: [a, b, c]\n", ("x", 2), "x: [a, b]\n"),
        ("x: {a: 1, b: 2}\n", ("x", "b"), "x: {a: 1}\n"),
        ("x: {a: 1}\n", ("x", "a"), "x: {}\n"),
        ("x: [a]\n", ("x", 0), "x: []\n"),
        ("x:\n  a: 1\ny: 2\n", ("x", "a"), "x: {}\ny: 2\n"),
        ("x:\n  - a\ny: 2\n", ("x", 0), "x: []\ny: 2\n"),
        ("x: # why\n  a: 1\n", ("x", "a"), "x: # why\n  {}\n"),
        ("- a: 1\n- b\n", (0, "a"), "- {}\n- b\n"),
        ("a: 1\n", ("a",), "{}\n"),
        ("a: 1\r\nb: 2\r\nc: 3\r\n", ("b",), "a: 1\r\nc: 3\r\n"),
        ('{"a": 1, "b": [1, 2]}', ("b", 1), '{"a": 1, "b": [1]}'),
    ],
)
def test_an_entry_goes_with_its_line_and_nothing_else(before: str, path: Path, after: str) -> None:
    assert removed(before, *path) == after


def test_a_comment_on_its_own_line_is_not_lost():
    assert removed("- a: 1\n  # about b\n  b: 2\n", 0, "a") is None


def test_a_key_with_a_question_mark_is_left_alone():
    assert removed("? a\n: 1\n? b\n: 2\n", "a") is None


def test_the_document_itself_cannot_be_removed():
    assert removed("a: 1\n") is None


# ---- insert --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, path, value, after",
    [
        ("a:\n  b: 1\nc: 2\n", ("a",), {"x": 5}, "a:\n  b: 1\n  x: 5\nc: 2\n"),
        ("a:\n  b: 1 # one\nc: 2\n", ("a",), {"x": "z"}, "a:\n  b: 1 # one\n  x: z\nc: 2\n"),
        ("a: 1", (), {"b": 2}, "a: 1\nb: 2"),
        ("a: 1\r\n", (), {"b": {"c": 2}}, "a: 1\r\nb:\r\n  c: 2\r\n"),
        ("x:\n- a\n", ("x",), ["b"], "x:\n- a\n- b\n"),
        ("x:\n    - a\ny: 1\n", ("x",), ["b"], "x:\n    - a\n    - b\ny: 1\n"),
        ("x:\n- a: 1\n  b: 2\n", ("x", 0), {"c": [1, 2]}, "x:\n- a: 1\n  b: 2\n  c:\n  - 1\n  - 2\n"),
        ("x:\n- a: 1\n", ("x",), [{"b": 2, "c": {"d": 3}}], "x:\n- a: 1\n- b: 2\n  c:\n    d: 3\n"),
        ("a: {b: 1}\n", ("a",), {"x": 5}, "a: {b: 1, x: 5}\n"),
        ("a: [1, 2]\n", ("a",), [3], "a: [1, 2, 3]\n"),
        ("a: [1, 2, ]\n", ("a",), [3], "a: [1, 2, 3, ]\n"),
        ("a: {}\n", ("a",), {"x": [1]}, "a: {x: [1]}\n"),
        ("a: []\n", ("a",), [1], "a: [1]\n"),
        ("a:\nb: 1\n", ("a",), {"x": 5}, "a: {x: 5}\nb: 1\n"),
        ("a: null # none\n", ("a",), {"x": 5}, "a: {x: 5} # none\n"),
        ("a: ~\n", ("a",), [5], "a: [5]\n"),
        ("a:\n  b: |\n    text\n\nc: 1\n", ("a",), {"x": "no"}, "a:\n  b: |\n    text\n  x: 'no'\n\nc: 1\n"),
        ('{"a": {"b": 1}}', ("a",), {"x": "y"}, '{"a": {"b": 1, "x": "y"}}'),
        ('{"a": {}}', ("a",), {"x": ["y"]}, '{"a": {"x": ["y"]}}'),
    ],
)
def test_new_entries_follow_the_old_ones_in_their_style(before: str, path: Path, value: Any, after: str) -> None:
    assert inserted(before, path, value) == after


@pytest.mark.parametrize(
    "before, value",
    [
        ("a: ''\n", {"x": 1}),
        ("a: text\n", {"x": 1}),
        ("a: {x: 0}\n", {"x": 1}),
        ("a: [1]\n", {"x": 1}),
        ("a: {b: }\n", [1]),
        ("a:\n  b: |+\n    text\n\nc: 1\n", {"x": 1}),
    ],
)
def test_what_has_no_room_gets_nothing(before: str, value: Any) -> None:
    assert inserted(before, ("a",), value) is None


def test_two_insertions_of_one_fix_keep_their_order():
    assert fixed("a: 1\n", edit("insert", (), {"b": 2}), edit("insert", (), {"c": 3})) == "a: 1\nb: 2\nc: 3\n"


# ---- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, path",
    [
        ("a: &x {b: 1}\nc: *x\n", ("a", "b")),
        ("a: &x {b: 1}\nc: *x\n", ("c", "b")),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", ("c", "b")),
        ("a: &x 1\nb: *x\n", ("a",)),
        ("a: {b: 1}\n", ("a", "c")),
        ("a: [1]\n", ("a", 1)),
        ("a: 1\rb: 2\r", ("a",)),
    ],
)
def test_what_has_other_users_or_is_not_there_is_not_touched(text: str, path: Path) -> None:
    assert replaced(text, path, 5) is None
    assert removed(text, *path) is None


def test_an_anchor_that_nobody_uses_may_go():
    assert removed("a: &x 1\nb: 2\n", "a") == "b: 2\n"


def test_an_alias_itself_may_be_removed_but_not_replaced():
    assert replaced("a: &x 1\nb: *x\nc: 2\n", ("b",), 5) is None
    assert removed("a: &x 1\nb: *x\nc: 2\n", "b") == "a: &x 1\nc: 2\n"


def test_edits_of_one_fix_that_overlap_are_refused():
    assert fixed("a: {b: 1}\n", edit("replace", ("a",), 5), edit("replace", ("a", "b"), 6)) is None


def test_one_edit_that_cannot_be_made_refuses_the_whole_fix():
    assert fixed("a: 1\nb: 2\n", edit("replace", ("a",), 5), edit("remove", ("c",))) is None


def test_several_edits_are_made_together():
    text = "a: 1\nb: [1, 2]\nc: 3\n"
    edits = (edit("replace", ("a",), 9), edit("remove", ("b", 0)), edit("rename", ("c",), "d"))
    assert fixed(text, *edits) == "a: 9\nb: [2]\nd: 3\n"


# ---- text ----------------------------------------------------------------------------------------------------


def test_a_comment_goes_with_the_space_before_it():
    assert text_edit("a: 1  # gone\nb: 2\n", Span(1, 7, 1, 13), "") == "a: 1\nb: 2\n"


def test_a_comment_on_its_own_line_goes_with_the_line():
    assert text_edit("a: 1\n  # gone\nb: 2\n", Span(2, 3, 2, 9), "") == "a: 1\nb: 2\n"


def test_a_comment_is_replaced():
    assert text_edit("a: 1 # old\n", Span(1, 6, 1, 11), "# new") == "a: 1 # new\n"


# ---- whatever the document -----------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "name", "yes", "1", "x y", "it's", "#c", "é", "- d", "k: v", ""])
SCALARS = WORDS | st.integers(-3, 300) | st.booleans() | st.none()
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "d-e"]), inner, max_size=3)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), TREES, min_size=1, max_size=3)


def block(value: Any, indent: str, draw: Any) -> str:
    """One of many spellings of a value in block or flow style."""
    if not isinstance(value, (dict, list)) or not value or draw(st.integers(0, 4)) == 0:
        return " " + json.dumps(value, ensure_ascii=False) + draw(st.sampled_from(["", "  # c", " # - x: y"])) + "\n"
    deeper = indent + draw(st.sampled_from(["  ", "    "]))
    if isinstance(value, dict):
        return "\n" + "".join(f"{deeper}{k}:{block(v, deeper, draw)}" for k, v in value.items())
    dash = draw(st.sampled_from([deeper, indent])) if indent else deeper
    return "\n" + "".join(f"{dash}-{block(v, dash + '  ', draw)}" for v in value)


def paths(value: Any, here: Path = ()) -> list[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(p for key, child in children for p in paths(child, (*here, key)))]


@given(st.data(), OBJECTS)
@settings(max_examples=250, deadline=None)
def test_exactly_the_wanted_value_changes_in_any_document(data: Any, value: dict[str, Any]) -> None:
    text = "".join(f"{k}:{block(v, '', data.draw)}" for k, v in value.items())
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    assert values(text) == [value]
    path = data.draw(st.sampled_from(paths(value)[1:]))
    op = data.draw(st.sampled_from(["replace", "remove", "insert"]))
    new = data.draw(SCALARS) if op == "replace" else data.draw(st.sampled_from([{"new": [1]}, ["new"]]))
    after = fixed(text, edit(op, path, new))
    meant = json.loads(json.dumps({"root": value}))
    parent = meant
    for item in ("root", *path)[:-1]:
        parent = parent[item]
    old = parent[path[-1]]
    if op == "insert":
        if type(old) is not type(new) and old is not None:
            assert after is None
            return
        parent[path[-1]] = [*old, *new] if isinstance(old, list) else {**old, **new} if old is not None else new
    elif op == "replace":
        parent[path[-1]] = new
    else:
        del parent[path[-1]]
    if after is None:
        assert op == "remove", "only a removal that would take a comment along may be refused"
        assert "#" in text
        return
    assert json.dumps(values(after)) == json.dumps([meant["root"]])
    if op == "insert":
        assert [after.count(comment) for comment in ("  # c", " # - x: y")] == [
            text.count(comment) for comment in ("  # c", " # - x: y")
        ]


CHARACTERS = st.sampled_from(["a", "b", " ", "  ", "\n", "'", '"', "#", " # c", ": ", "\\", "é", "{{x}}", "(", "&"])
LINES = st.lists(CHARACTERS, min_size=1, max_size=12).map("".join)


def scalar(value: str, draw: Any) -> str:
    """One of many spellings of a string, not all of which can spell it."""
    indent = draw(st.sampled_from(["  ", "    "]))
    lines = value.split("\n")
    spellings = [
        value.replace("\n", f"\n\n{indent}"),
        "'" + value.replace("'", "''").replace("\n", f"\n\n{indent}") + "'",
        json.dumps(value, ensure_ascii=False),
        "|-\n" + "\n".join(indent + line for line in lines),
        ">-\n" + "\n\n".join(indent + line for line in lines),
        ">-\n" + "\n\n".join(indent + line.replace(" ", f"\n{indent}") for line in lines),
        "'" + value.replace("'", "''").replace("\n", f"\n\n{indent}").replace(" ", f"\n{indent}") + "'",
    ]
    return str(draw(st.sampled_from(spellings)))


@given(st.data(), LINES)
@settings(max_examples=400, deadline=None)
def test_pieces_give_exactly_the_value_that_is_meant_in_any_layout(data: Any, value: str) -> None:
    text = "p: 1 # first\nq: " + scalar(value, data.draw) + "\nr: 2 # last\n"
    if data.draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    read = values(text)
    if len(read) != 1 or not isinstance(read[0].get("q"), str) or set(read[0]) != {"p", "q", "r"}:
        return
    old = read[0]["q"]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(old)), min_size=2, max_size=4)))
    spans = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    new = [(a, b, data.draw(st.sampled_from(["(", " > 0)", "", "len(x) > 0 && ", "'", " #", ": "]))) for a, b in spans]
    meant = old
    for a, b, inserted_text in reversed(new):
        meant = meant[:a] + inserted_text + meant[b:]
    after = pieces(text, *new)
    if after is None:
        assert any(start < end or "\n" in text[9:-9] or not old for start, end, _ in new)
        return
    assert values(after) == [{"p": 1, "q": meant, "r": 2}]
    assert " # first" in after
    assert " # last" in after
