"""What content of a pull request may try: every attack ends in a problem or a value, soon, and never in a crash."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rolloutlint.source import (
    Document,
    Limits,
    Problem,
    Source,
    comments,
    decode,
    line_text,
    load,
    locate,
    mark,
    slices,
)

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20
MEGABYTES = 1500


def read(raw: bytes | str, limits: Limits | None = None) -> tuple[list[Any], list[Problem]]:
    source = decode(raw if isinstance(raw, bytes) else raw.encode(), "a.yaml")
    if isinstance(source, Problem):
        return [], [source]
    items = list(load(source, limits or Limits()))
    return [i.value for i in items if isinstance(i, Document)], [i for i in items if isinstance(i, Problem)]


def kinds(raw: bytes | str, limits: Limits | None = None) -> list[str]:
    return [p.kind for p in read(raw, limits)[1]]


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
TOWER = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {'{x: ' * 50}*a{n - 1}{'}' * 50}\n" for n in range(1, 9))
"""Few nodes, but each alias stands fifty levels above the last: too deep for whoever walks the value."""


def test_a_billion_laughs_is_a_limit() -> None:
    assert kinds(BOMB) == ["limit"]


def test_a_tower_of_aliases_is_a_limit() -> None:
    assert kinds(TOWER) == ["limit"]


def test_a_bomb_of_merge_keys_is_a_limit() -> None:
    text = "a0: &a0 {" + ", ".join(f"k{n}: x" for n in range(100)) + "}\n"
    text += "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 20)}]}}\n" for n in range(1, 6))
    assert kinds(text) == ["limit"]


def test_a_large_document_without_aliases_is_no_bomb() -> None:
    values, problems = read("a: &x 1\nb: [" + "1, " * 600_000 + "*x]\n")
    assert not problems
    assert len(values[0]["b"]) == 600_001


@pytest.mark.parametrize("opening", ["[", "{", "[{", "- ", "{a: ", "? ", "a: [", "!!seq [", "&a ["])
def test_deep_nesting_is_a_problem_and_no_crash(opening: str) -> None:
    assert kinds(opening * (100_000 // len(opening)))[0] in ("limit", "key", "syntax")


def test_nesting_up_to_the_limit_is_read() -> None:
    depth = Limits().depth
    assert kinds("[" * depth + "]" * depth) == []
    assert kinds("[" * (depth + 1) + "]" * (depth + 1)) == ["limit"]


@pytest.mark.parametrize("depth", [1, 2, 5, 30])
def test_the_limit_of_depth_holds_whichever_reader_reads(depth: int) -> None:
    text = "".join(f"{' ' * n}a:\n" for n in range(depth + 1)) + " " * (depth + 1) + "b: 1\n"
    assert kinds(text, Limits(depth=depth)) == ["limit"]


@pytest.mark.parametrize(
    "text", ["a: &x [*x]", "a: &x {b: *x}", "&x a: *y", "a: &x {<<: *x}", "&x [*x]", "a: &x [[[*x]]]"]
)
def test_an_alias_inside_its_own_anchor_is_a_problem(text: str) -> None:
    assert kinds(text)[0] in ("cyclic-alias", "syntax")
    assert read(text)[0] == []


def test_a_thousand_directives_are_a_limit() -> None:
    assert kinds("".join(f"%TAG !a{n}! b\n" for n in range(1000)) + "---\na: 1\n") == ["limit"]


@pytest.mark.parametrize(
    "text", ["? {a: 1}\n: b\n", "? [a]\n: b\n", "{{a: 1}: b}", "[a]: b", "~: b", "? \n: b", "{{ .Values.x }}"]
)
def test_a_key_that_json_cannot_have_is_a_problem(text: str) -> None:
    assert kinds(text) == ["key"]


def test_a_python_object_tag_builds_nothing() -> None:
    assert read("a: !!python/object/apply:os.system ['echo']\n") == ([{"a": ["echo"]}], [])


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\ufffe"])
def test_a_control_character_is_a_problem_at_its_place(character: str) -> None:
    (problem,) = read(f"a: 1\nb: x{character}y\n")[1]
    assert problem.kind in ("syntax", "binary")
    assert problem.at.span is not None
    assert problem.at.span[:2] == (2, 5)


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\ufeff", "\u200b", "\U0001f600", "\u0301"])
def test_bidi_and_invisible_characters_are_text(character: str) -> None:
    assert read(f"a: x{character}y\n") == ([{"a": f"x{character}y"}], [])


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [(b"a: \xff", 1, 4), (b"a: 1\n\xc3\xa9: \xc3(", 2, 4), (b"\xf0\x9f\x98", 1, 1), (b"a: \xed\xa0\x80", 1, 4)],
)
def test_bad_utf_8_is_a_problem_at_its_place(raw: bytes, line: int, column: int) -> None:
    (problem,) = read(raw)[1]
    assert (problem.kind, problem.at.span and problem.at.span[:2]) == ("encoding", (line, column))


def test_binary_bytes_are_called_binary() -> None:
    assert kinds(b"\x7fELF\x02\x01\x01\x00\x00\x00") == ["binary"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    text = "a: é\U0001f600\nb: 2\n"
    raw = text.encode(encoding)
    if encoding in ("utf-16-le", "utf-16-be"):
        raw = "\ufeff".encode(encoding) + raw
    assert read(raw) == ([{"a": "é\U0001f600", "b": 2}], [])


def test_half_a_utf_16_character_is_a_problem() -> None:
    assert kinds(b"\xff\xfea\x00:") == ["encoding"]


def test_a_lone_surrogate_in_a_rendered_text_is_a_problem_at_its_place() -> None:
    (problem,) = (i for i in load(Source("a.yaml", "a: 1\nb: \ud800\n")) if isinstance(i, Problem))
    assert (problem.kind, problem.at.span and problem.at.span[:2]) == ("encoding", (2, 4))


def test_a_surrogate_escape_is_refused_as_go_yaml_refuses_it() -> None:
    assert kinds('a: "\\ud800"\n') == ["syntax"]
    assert kinds('a: "\\ud83d\\ude00"\n') == ["syntax"]


def test_a_file_over_the_limit_is_a_problem_and_not_read() -> None:
    assert kinds(b"a: 1\n" * 10, Limits()) != ["limit"]
    problem = decode(b"a: 1\n" * 10, "a.yaml", limits=Limits(bytes=20))
    assert isinstance(problem, Problem)
    assert problem.kind == "limit"


def test_a_broken_document_does_not_hide_its_neighbours() -> None:
    values, problems = read("a: 1\n---\nb: [\n---\nc: 3\n---\nd: 'x\n---\ne: 5\n")
    assert values == [{"a": 1}, {"c": 3}, {"e": 5}]
    assert [p.at.document.number for p in problems] == [1, 3]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "---\n", "---", "---\n---\n---\n", "# c\n", "---\n# c\n---\n", "\n\n---\n...\n", "\ufeff"],
)
def test_what_holds_nothing_is_no_document(text: str) -> None:
    assert read(text) == ([], [])


def test_a_duplicate_key_names_both_places_and_the_last_wins() -> None:
    values, (problem,) = read("a: 1\nb: 2\na: 3\n")
    assert values == [{"a": 3, "b": 2}]
    assert (problem.kind, problem.fatal) == ("duplicate-key", False)
    assert problem.at.span is not None
    assert problem.at.span[0] == 3
    assert [r.at.span and r.at.span[0] for r in problem.related] == [1]


def test_duplicates_are_found_in_json_and_in_tab_indented_json() -> None:
    text = json.dumps({"a": {"b": 1, "c": [1, 2.5, None, True, "x"]}}, indent="\t")
    assert read(text) == ([json.loads(text)], [])
    assert kinds('{\n\t"a": 1,\n\t"a": 2\n}') == ["duplicate-key"]


def test_a_tab_that_indents_is_named() -> None:
    (problem,) = read("a:\n\tb: 1\n")[1]
    assert "tab" in problem.message
    assert problem.at.span is not None
    assert problem.at.span[:2] == (2, 1)


def test_an_infinity_is_a_problem_but_loses_no_document() -> None:
    values, (problem,) = read("a: .inf\nb: 2\n")
    assert values == [{"a": ".inf", "b": 2}]
    assert (problem.kind, problem.fatal) == ("unsupported-value", False)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_end_is_a_line_end(ending: str) -> None:
    text = ending.join(["a: 1", "---", "b:", "  c: 2", "---", "d: [", ""])
    values, (problem,) = read(text)
    assert values == [{"a": 1}, {"b": {"c": 2}}]
    assert problem.at.span is not None
    assert problem.at.span.line >= 6
    assert line_text(Source("a.yaml", text), 4) == "  c: 2"


# ---- anything at all -------------------------------------------------------------------------------------------

SOUP = st.lists(
    st.sampled_from(
        [*"[]{},:-?&*!|>'\"%@`#~=<. \n\t\r\0", "a", "1", "é", "\u2028", "\x85", "---", "...", "\n  ", "<<: ", "*a"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(SOUP)
@example("{")
@example("a: [")
@example("'")
@example("? ")
@example("a: |")
@example("!")
@example("%")
@example("a: \t")
@example("&a")
@example("\t")
def test_no_text_raises_and_every_problem_has_a_place_in_the_text(text: str) -> None:
    source = Source("a.yaml", text)
    lines = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for item in load(source):
        if isinstance(item, Problem):
            span = item.at.span
            assert span is not None
            assert 1 <= span.line <= span.end_line <= lines
            assert (span.line, span.column) <= (span.end_line, span.end_column)
            assert item.message
        else:
            assert json.dumps(item.value)
    comments(source)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    read(raw)


@settings(max_examples=300, deadline=None)
@given(SOUP, st.lists(st.sampled_from(["a", "", 0, 1, "<<"]), max_size=3), st.sampled_from(["key", "value", "item"]))
def test_no_place_raises_and_every_answer_lies_in_the_text(text: str, path: list[str | int], part: Any) -> None:
    source = Source("a.yaml", text)
    for start, end in slices(text):
        node = mark(source, start, end)
        if node is not None:
            found = locate(source, node, tuple(path), part, (0, 1))
            assert 0 <= found.start <= found.end <= len(text)


# ---- time and memory, in a process of its own --------------------------------------------------------------------

SCRIPT = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
from rolloutlint.source import Problem, comments, decode, load, mark, slices
source = decode({make}, "a.yaml")
items = list(load(source))
if len(source.text) < 3_000_000:
    mark(source, *next(slices(source.text)))
    comments(source)
problems = [i for i in items if isinstance(i, Problem)]
print(len(items) - len(problems), *sorted({{p.kind for p in problems}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        ("b'[' * 100_000", "0 limit"),
        ("b'{' * 400_000", "0 key"),
        ("b'[\\n' * 400_000", "0 limit"),
        ("b'- ' * 400_000", "0 limit"),
        ("b'? ' * 100_000", "0 key"),
        ("b'a: 1\\n---\\n' * 50_000", "50000"),
        ("b''.join(b'k%d: x\\n' % n for n in range(1_000_000))", "1"),
        ("b'a: \"' + b'x' * 20_000_000 + b'\"'", "1"),
        ("b'a: |\\n' + b'  line\\n' * 1_000_000", "1"),
        ("b'# c\\n' * 300_000", "0"),
        ("b'%a\\n' * 500_000", "0 limit"),
        ("b'%a\\n# c\\n' * 50 + b'---\\n' * 300_000", "0 syntax"),
        ("b'-' * 5_000_000", "1"),
        ("b'--- ' * 1_000_000", "1"),
        ("b'\\n' * 3_000_000 + b'a: 1'", "1"),
        ("b' ' * 5_000_000 + b'a: 1'", "1"),
        ("b'a: ' + b'&a ' * 100_000", "0 syntax"),
        ("b'a: \\'' + b\"''\" * 2_000_000 + b\"'\"", "1"),
        ("b'a: [' + b'x, ' * 300_000 + b']'", "1"),
        ("b'a: &a x\\nb: [' + b'*a, ' * 400_000 + b']'", "1"),
        ("b'a: 1\\n' * 100_000", "1 duplicate-key"),
        ("b'a: .inf # c\\n' * 1", "1 unsupported-value"),
    ],
)
def test_an_attack_costs_bounded_time_and_memory(make: str, expected: str) -> None:
    script = textwrap.dedent(SCRIPT).format(seconds=SECONDS, bytes=MEGABYTES << 20, make=make)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, expected), done.stderr[-500:]
