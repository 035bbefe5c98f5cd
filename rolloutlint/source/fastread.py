"""Block YAML as people write manifests, read line by line: values only, some times faster than libyaml's events.

Lines repeat, so what a line says is kept by its text. Whatever lies outside the plain subset (anchors, tags, tabs,
scalars over several lines, duplicate keys, anything malformed) raises `NotPlainError`, and the authority reads that
document: this reader never has to tell what is wrong, only that it is not sure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from rolloutlint.source.scalars import ScalarTable, resolve


class NotPlainError(Exception):
    """A reader meets something that only the authority may read."""


FlowReader: TypeAlias = "Callable[[str, ScalarTable], Any]"
"""Reads a flow collection that fills a text; raises `NotPlainError` unless it is without fault."""

PLAIN_DEPTH = 100
"""No value of this reader is nested deeper: half of it in blocks, half of it in a flow collection."""

_MOST_BLOCKS = PLAIN_DEPTH // 2
_MOST_LINES = 50_000
"""Unbounded, the memo of a large repository costs more memory and time than it saves."""
_LONGEST_LINE = 400
"""Longer lines do not repeat."""

_ASCII_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f]").search
_ALL_UNPRINTABLE = "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""All that YAML forbids, and tabs, carriage returns and U+0085, U+2028, U+2029, which end lines."""

_LINE = re.compile(
    r"""( *)(- +)?(?:([A-Za-z_][A-Za-z0-9_./-]{0,200}|"[^"\\]{0,200}"|'[^']{0,200}') {0,9}:(?: +|\Z))?"""
)
_BLOCK_HEADER = re.compile(r"([|>])(-?)(?: +(?:#.*)?)?\Z").match
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"').match
"""With no escapes but those of `"` and of the backslash itself."""
_unescape = re.compile(r'\\(["\\])').sub
_SINGLE_QUOTED = re.compile(r"'((?:[^']|'')*)'(?!')").match
_ITEM = r"""("[^"\\]*"|'[^']*'|[A-Za-z0-9_./][A-Za-z0-9_./-]*)"""
_ENTRY = rf"([A-Za-z_][A-Za-z0-9_./-]*): +{_ITEM}"
_FLAT_LIST = re.compile(rf"\[ *(?:{_ITEM} *(?:, *{_ITEM} *)*)?\]").match
_FLAT_MAP = re.compile(rf"\{{ *(?:{_ENTRY} *(?:, *{_ENTRY} *)*)?\}}").match
"""Flow collections of single words and quoted strings, most of those there are; only others need libyaml."""
_items = re.compile(_ITEM).findall
_entries = re.compile(_ENTRY).findall
_NO_PLAIN_START = frozenset("?:,[]{}#&*!|>'\"%@`")

_SKIP, _SCALAR, _OPEN, _FLOW, _BLOCK, _MARKER = range(6)
"""What a line says: nothing; a scalar; a key whose value follows; a flow collection; a block scalar; `---`."""


class _Line(NamedTuple):
    kind: int
    column: int = 0
    """Column of the key, or of the item's value."""
    dash: int = -1
    """Column of the `-`; -1 where there is none."""
    key: str | None = None
    value: Any = None


class _BlockScalar(NamedTuple):
    style: Literal["|", ">"]
    strip: bool


class FastReader:
    """A `Reader`. Keeps what it learns about lines, for each scalar table, as long as it lives."""

    def __init__(self, read_flow: FlowReader) -> None:
        self._read_flow = read_flow
        self._memos: dict[int, tuple[ScalarTable, dict[str, _Line]]] = {}

    def __call__(self, text: str, table: ScalarTable) -> Any:
        """The value of the one document in `text`; `None` where it is empty. Raises `NotPlainError`."""
        known = self._memos.get(id(table))
        if known is None:
            known = self._memos[id(table)] = (table, {})
        memo = known[1]
        recall = memo.get
        lines = text.split("\n")
        ended = not lines[-1]
        if ended:
            lines.pop()
        count = len(lines)
        at = 0
        root: Any = None
        started = False
        outer: list[tuple[Any, int]] = []  # the containers around the current one, with their columns
        current: Any = None
        column = -1
        waiting: str | None = None  # the last key, while it has no value yet
        while at < count:
            text_line = lines[at]
            line = recall(text_line)
            if line is None:
                line = self._learn(text_line, table, memo)
            at += 1
            kind, start, dash, key, value = line
            if not kind:
                continue
            if dash < 0:
                if start != column or current.__class__ is not dict:
                    if waiting is not None and start > column and current.__class__ is dict:
                        outer.append((current, column))
                        opened: Any = {}
                        current[waiting] = opened
                        current, column, waiting = opened, start, None
                        if len(outer) > _MOST_BLOCKS:
                            raise NotPlainError
                    elif kind == _MARKER:
                        if started:
                            raise NotPlainError
                        started = True
                        continue
                    elif root is None:
                        if start:
                            raise NotPlainError
                        root = current = {}
                        column = 0
                        started = True
                    else:
                        waiting = None
                        while outer and (column > start or current.__class__ is list):
                            current, column = outer.pop()
                        if column != start or current.__class__ is not dict:
                            raise NotPlainError
                elif kind == _MARKER:
                    raise NotPlainError
            else:
                if current.__class__ is list and column == dash:
                    pass
                elif waiting is not None and dash >= column and current.__class__ is dict:
                    outer.append((current, column))
                    opened = []
                    current[waiting] = opened
                    current, column, waiting = opened, dash, None
                    if len(outer) > _MOST_BLOCKS:
                        raise NotPlainError
                elif root is None:
                    if dash:
                        raise NotPlainError
                    root = current = []
                    column = 0
                    started = True
                else:
                    while outer and (column > dash or (column == dash and current.__class__ is dict)):
                        current, column = outer.pop()
                    if column != dash or current.__class__ is not list:
                        raise NotPlainError
                waiting = None
                if key is None:
                    if kind == _SCALAR:
                        current.append(value)
                    elif kind == _FLOW:
                        current.append(_copy(value))
                    else:
                        content, at = _block_scalar(lines, at, dash, value, ended)
                        current.append(content)
                    continue
                outer.append((current, column))
                opened = {}
                current.append(opened)
                current, column = opened, start
            if key in current:
                raise NotPlainError
            if kind == _SCALAR:
                waiting = None
                current[key] = value
            elif kind == _OPEN:
                current[key] = None
                waiting = key
            else:
                waiting = None
                if kind == _FLOW:
                    current[key] = _copy(value)
                else:
                    current[key], at = _block_scalar(lines, at, start, value, ended)
        return root

    def _learn(self, text: str, table: ScalarTable, memo: dict[str, _Line]) -> _Line:
        line = self._read_line(text, table)
        if len(text) <= _LONGEST_LINE:
            if len(memo) >= _MOST_LINES:
                memo.clear()
            memo[text] = line
        return line

    def _read_line(self, text: str, table: ScalarTable) -> _Line:
        stripped = text.lstrip(" ")
        if not stripped:
            return _Line(_SKIP)
        if stripped[0] == "#":
            if _unprintable(stripped.replace("\t", " ")):
                raise NotPlainError
            return _Line(_SKIP)
        if _unprintable(text) or text.startswith(("%", "...")):
            raise NotPlainError
        if text.startswith("---"):
            rest = text[3:].lstrip(" ")
            if rest and not (rest[0] == "#" and text[3] == " "):
                raise NotPlainError
            return _Line(_MARKER)
        found = _LINE.match(text)
        if found is None:
            raise NotPlainError
        indent, dashes, key = found.groups()
        dash = len(indent) if dashes else -1
        column = len(indent) + len(dashes or "")
        rest = text[found.end() :]
        if key is None:
            if dash < 0 or not rest or rest[0] == "#":
                raise NotPlainError
        else:
            if key[0] in "\"'":
                key = key[1:-1]
            elif key in table.words or key == "<<":
                raise NotPlainError
            key = sys.intern(key)
            if not rest or rest[0] == "#":
                return _Line(_OPEN, column, dash, key)
        kind, value = self._read_value(rest, table)
        return _Line(kind, column, dash, key, value)

    def _read_value(self, rest: str, table: ScalarTable) -> tuple[int, Any]:
        first = rest[0]
        if first == '"':
            end = rest.find('"', 1)
            if end < 0:
                raise NotPlainError
            if "\\" not in rest[:end]:
                _only_comment(rest, end + 1)
                return _SCALAR, rest[1:end]
            escaped = _DOUBLE_QUOTED(rest)
            if escaped is None:
                raise NotPlainError
            _only_comment(rest, escaped.end())
            return _SCALAR, _unescape(r"\1", escaped[1])
        if first == "'":
            quoted = _SINGLE_QUOTED(rest)
            if quoted is None:
                raise NotPlainError
            _only_comment(rest, quoted.end())
            return _SCALAR, quoted[1].replace("''", "'")
        if first in "|>":
            header = _BLOCK_HEADER(rest)
            if header is None:
                raise NotPlainError
            return _BLOCK, _BlockScalar("|" if first == "|" else ">", bool(header[2]))
        if first in "[{":
            value = _flat(rest, table)
            return _FLOW, self._read_flow(rest, table) if value is None else value
        return _SCALAR, _plain(rest, table)


def _unprintable(text: str) -> bool:
    if text.isascii():
        return _ASCII_UNPRINTABLE(text) is not None
    # Python prints none of them; but it takes 10 ms to compile the class that tells them from a no-break space.
    return not text.replace("\n", "").isprintable() and re.search(_ALL_UNPRINTABLE, text) is not None


def _plain(rest: str, table: ScalarTable) -> Any:
    comment = rest.find(" #")
    text = (rest if comment < 0 else rest[:comment]).rstrip(" ")
    if text[0] in _NO_PLAIN_START or ": " in text or text[-1] == ":" or (text[0] == "-" and text[1:2] in ("", " ")):
        raise NotPlainError
    value = resolve(text, table)
    if value.__class__ is float and value - value != 0:
        raise NotPlainError
    return value


def _flat(rest: str, table: ScalarTable) -> dict[str, Any] | list[Any] | None:
    """A flow collection that holds no other, if it is simple enough to tell without libyaml."""
    if rest[0] == "[":
        found = _FLAT_LIST(rest)
        if found is None:
            return None
        _only_comment(rest, found.end())
        return [_word(item, table) for item in _items(found[0])]
    found = _FLAT_MAP(rest)
    if found is None:
        return None
    _only_comment(rest, found.end())
    entries = _entries(found[0])
    value = {sys.intern(key): _word(item, table) for key, item in entries}
    return None if len(value) < len(entries) or not table.words.keys().isdisjoint(value) else value


def _word(item: str, table: ScalarTable) -> Any:
    return item[1:-1] if item[0] in "\"'" else _plain(item, table)


def _only_comment(rest: str, at: int) -> None:
    """Nothing but a comment may stand in `rest` from `at` on."""
    follows = rest[at:].lstrip(" ")
    if follows and not (follows[0] == "#" and rest[at] == " "):
        raise NotPlainError


def _copy(value: Any) -> Any:
    """A flow collection of its own for each place: values belong to one document."""
    if value.__class__ is dict:
        return {k: _copy(v) if v.__class__ in _CONTAINERS else v for k, v in value.items()}
    return [_copy(v) if v.__class__ in _CONTAINERS else v for v in value]


_CONTAINERS = (dict, list)


def _block_scalar(lines: Sequence[str], at: int, parent: int, form: _BlockScalar, ended: bool) -> tuple[str, int]:
    """The text of a block scalar whose lines start at `at`, and the number of the line after it.

    `parent`: column of the collection around it. `ended`: whether the last line has a line end.
    """
    count = len(lines)
    begin = at
    indent = 0
    while at < count:
        line = lines[at]
        text = line.lstrip(" ")
        if text:
            width = len(line) - len(text)
            if not indent:
                if width <= parent:
                    break
                indent = width
            elif width < indent:
                if width > parent:
                    raise NotPlainError
                break
        elif not indent and len(line) > parent:
            raise NotPlainError
        at += 1
    last = at
    while last > begin and not lines[last - 1].strip(" "):
        last -= 1
        if len(lines[last]) > indent > 0:
            raise NotPlainError
    if last == begin:
        return "", at
    content = [line[indent:] for line in lines[begin:last]]
    text = "\n".join(content)
    if _unprintable(text):
        raise NotPlainError
    if form.style == ">":
        text = _folded(content)
    if not form.strip and (last < count or ended):
        text += "\n"
    return text, at


def _folded(content: Sequence[str]) -> str:
    """Line ends between two lines become a space or, with blank lines between, go; not beside indented lines."""
    out: list[str] = []
    blank = 0
    before = ""
    for line in content:
        if not line:
            blank += 1
            continue
        if out:
            if before == " " or line[0] == " ":
                out.append("\n" * (blank + 1))
            else:
                out.append("\n" * blank or " ")
        else:
            out.append("\n" * blank)
        out.append(line)
        before = line[0]
        blank = 0
    return "".join(out)
