"""Where values stand: one document slice composed with marks, and the spans of its keys, values and pieces.

Only slices with findings come here. Offsets are characters of the source's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Part, Path, Span
from rolloutlint.source.scalars import ScalarTable, TagError, key_name
from rolloutlint.source.text import LIMITS, Source, to_span


class Node:
    """A node of the marked tree. `start:end` are its characters, without comments or line ends after it.

    `style` of a scalar: `""` plain, `'`, `"`, `|`, `>`; of a collection: `block` or `flow`. `value` is the text of a
    scalar or the name of an alias; `key`, of a scalar that is a mapping key, the key as JSON has it; `target`, of an
    alias, the anchored node.
    """

    __slots__ = ("end", "entries", "items", "key", "kind", "start", "style", "target", "value")

    def __init__(
        self,
        kind: Literal["scalar", "mapping", "sequence", "alias"],
        start: int,
        end: int,
        style: str = "",
        value: str = "",
    ) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.style = style
        self.value = value
        self.key = ""
        self.entries: list[tuple[Node, Node]] = []
        self.items: list[Node] = []
        self.target: Node | None = None


class Located(NamedTuple):
    """A place in the text."""

    span: Span
    """The region to show: for a block collection its key or first line, else all of it."""
    start: int
    end: int
    """All characters of the part that was asked for."""
    via: Span | None = None
    """Where it is used, if it stands behind an alias or merge key."""
    exact: bool = True
    """False where the path does not exist in the text and the nearest ancestor is given."""


def mark(source: Source, start: int, end: int) -> Node | None:
    """The marked tree of the document in `source.text[start:end]`; `None` where that cannot be parsed."""
    import yaml

    from rolloutlint.source.compose import EventLoader

    loader: Any = None
    try:
        loader = EventLoader(source.text[start:end])
        return _build(loader, start, source)
    except (yaml.YAMLError, UnicodeEncodeError):
        return None
    finally:
        if loader is not None:
            loader.dispose()


def _build(loader: Any, base: int, source: Source) -> Node | None:
    from yaml.events import (
        AliasEvent,
        MappingEndEvent,
        MappingStartEvent,
        ScalarEvent,
        SequenceEndEvent,
        SequenceStartEvent,
        StreamEndEvent,
    )

    stack: list[Node] = []
    waiting: list[Node | None] = []  # the pending key of each open mapping
    anchors: dict[str, Node] = {}
    while True:
        event = loader.get_event()
        kind = event.__class__
        if kind is StreamEndEvent:
            return None
        if kind is ScalarEvent:
            node = Node(
                "scalar", base + event.start_mark.index, base + event.end_mark.index, event.style or "", event.value
            )
            node.end = _trimmed(source.text, node)
        elif kind is AliasEvent:
            node = Node("alias", base + event.start_mark.index, base + event.end_mark.index, value=event.anchor)
            node.target = anchors.get(event.anchor)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            form: Literal["mapping", "sequence"] = "mapping" if kind is MappingStartEvent else "sequence"
            node = Node(
                form,
                base + event.start_mark.index,
                base + event.end_mark.index,
                "flow" if event.flow_style else "block",
            )
            if event.anchor is not None:
                anchors[event.anchor] = node
            if len(stack) >= LIMITS.depth:  # libyaml's time grows with the square of the depth
                return None
            stack.append(node)
            waiting.append(None)
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            node = stack.pop()
            waiting.pop()
            node.end = _collection_end(node, base + event.end_mark.index)
        else:
            continue
        if kind is ScalarEvent and event.anchor is not None:
            anchors[event.anchor] = node
        if not stack:
            return node
        parent = stack[-1]
        if parent.kind == "sequence":
            parent.items.append(node)
        elif waiting[-1] is None:
            node.key = _key(node, event, source.typing)
            waiting[-1] = node
        else:
            parent.entries.append((waiting[-1], node))
            waiting[-1] = None


def _key(node: Node, event: Any, table: ScalarTable) -> str:
    """The key as JSON has it; its text where it can be none."""
    if node.kind == "alias":
        target = node.target
        plain = target is not None and not target.style
        named = None if target is None or target.kind != "scalar" else key_name(target.value, None, plain, table)
        return named or ""
    if node.kind != "scalar":
        return ""
    try:
        return key_name(node.value, event.tag, not node.style, table) or node.value
    except TagError:
        return node.value


def _collection_end(node: Node, reported: int) -> int:
    """libyaml ends a block collection at the next token; it really ends with its last child."""
    if node.style == "flow":
        return reported
    children = [v for _, v in node.entries] or node.items
    return max(children[-1].end, node.start) if children else node.start


def _trimmed(text: str, node: Node) -> int:
    if node.style in ("|", ">"):
        end = node.end
        while end > node.start and text[end - 1] in "\r\n \t":
            end -= 1
        return end
    return node.end


def locate(
    source: Source, node: Node, path: Path, part: Part = "value", piece: tuple[int, int] | None = None
) -> Located:
    """The characters of `part` at `path` below `node` (and of `piece` of the scalar there). Never raises."""
    here, key, via, exact = node, None, None, True
    siblings: Node | None = None
    for item in path:
        if here.kind == "alias" and here.target is not None:
            via, here = here, here.target
        step = _child(here, item, source.typing.merge_overwrites)
        if step is None:
            exact = False
            break
        siblings = here
        key, here, merged = step
        via = merged or via
    used = to_span(source, via.start, via.end) if via is not None else None
    if not exact:
        shown = _shown(source, here, key)
        return Located(shown, here.start, here.end, used, False)
    if here.kind == "alias" and part == "value" and here.target is not None:
        other = to_span(source, *_region(here.target))
        return Located(to_span(source, here.start, here.end), here.start, here.end, other)
    if part == "key" and key is not None:
        return Located(to_span(source, key.start, key.end), key.start, key.end, used)
    if part == "item":
        start = key.start if key is not None else _dash(source.text, siblings, here)
        return Located(to_span(source, *_region(key or here)), start, here.end, used)
    if piece is not None and here.kind == "scalar":
        ranges = value_ranges(source.text, here)
        if ranges is not None and 0 <= piece[0] < piece[1] <= len(here.value):
            start, end = ranges[piece[0]][0], ranges[piece[1] - 1][1]
            return Located(to_span(source, start, end), start, end, used)
        return Located(_shown(source, here, key), here.start, here.end, used, False)
    return Located(_shown(source, here, key), here.start, here.end, used)


def node_at(root: Node, path: Path) -> Node | None:
    """The node at `path`, or `None`; never through an alias or merge key, since what stands there has other users."""
    here = root
    for item in path:
        if isinstance(item, int):
            if here.kind != "sequence" or not 0 <= item < len(here.items):
                return None
            here = here.items[item]
        else:
            found = next((v for k, v in reversed(here.entries) if k.key == item), None)
            if found is None:
                return None
            here = found
    return here


def _dash(text: str, parent: Node | None, item: Node) -> int:
    """The offset of the `-` of a block sequence item: the first thing after the item before it but comments."""
    if parent is None or parent.kind != "sequence" or parent.style != "block":
        return item.start
    index = next(i for i, one in enumerate(parent.items) if one is item)
    before = parent.items[index - 1].end if index else _after_properties(text, parent.start)
    blank = _BLANK.match(text, before)
    dash = blank.end() if blank else before
    return dash if text.startswith("-", dash) else item.start


def _after_properties(text: str, start: int) -> int:
    properties = _PROPERTIES.match(text, start)
    return properties.end() if properties else start


def _child(node: Node, item: str | int, overwrites: bool) -> tuple[Node | None, Node, Node | None] | None:
    """(key, value, the merge it came through) of one step down. `overwrites`: see `ScalarTable.merge_overwrites`."""
    if isinstance(item, int):
        return (None, node.items[item], None) if node.kind == "sequence" and 0 <= item < len(node.items) else None
    through: Node | None = None
    seen: set[int] = set()
    open_mappings: list[tuple[Node, Node | None]] = [(node, None)]
    while open_mappings:
        mapping, through = open_mappings.pop()
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        merges: list[tuple[Node, Node | None]] = []
        for key, value in reversed(mapping.entries):
            if _is_merge(key):
                merges += [(m, through or value) for m in _merged(value)]
                if overwrites and any(_has(m, item) for m, _ in merges):
                    break
            elif key.key == item:
                return key, value, through
        open_mappings += reversed(merges)
    return None


def _is_merge(key: Node) -> bool:
    return key.value == "<<" and not key.style and key.kind == "scalar"


def _has(mapping: Node, name: str) -> bool:
    """Whether `name` is a key of `mapping` or of what it merges."""
    seen: set[int] = set()
    left = [mapping]
    while left:
        one = left.pop()
        if id(one) not in seen:
            seen.add(id(one))
            for key, value in one.entries:
                if _is_merge(key):
                    left.extend(_merged(value))
                elif key.key == name:
                    return True
    return False


def _merged(value: Node) -> Iterator[Node]:
    sources: Sequence[Node] = value.items if value.kind == "sequence" else (value,)
    for one in sources:
        target = one.target if one.kind == "alias" else one
        if target is not None:
            yield from _merged(target) if target.kind == "sequence" and target is not value else (target,)


def _region(node: Node) -> tuple[int, int]:
    """The characters of a node worth showing: a block collection is shown by its first key or item."""
    while node.style == "block":
        if node.entries:
            node = node.entries[0][0]
        elif node.items:
            node = node.items[0]
        else:
            break
    return node.start, node.end


def _shown(source: Source, node: Node, key: Node | None) -> Span:
    multi_line = "\n" in source.text[node.start : node.end]
    if node.start == node.end or node.style == "block" or multi_line:
        shown = key if key is not None else None
        if shown is not None:
            return to_span(source, shown.start, shown.end)
        start, end = _region(node)
        line_end = source.text.find("\n", start, end)
        return to_span(source, start, line_end if line_end >= 0 else end)
    return to_span(source, node.start, node.end)


_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of libyaml."""
_WHITE = re.compile("(?:[ \t]|\r\n|[\n\r\x85\u2028\u2029])+")
_BLANK = re.compile(r"(?:[ \t]*(?:#[^\n\r]*)?[\n\r\x85\u2028\u2029])*[ \t]*")
"""White space and comments, up to the next thing."""
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+){1,2}")
_HEADER = re.compile("[|>]([-+0-9]{0,2})[ \t]*(?:#[^\n\r\x85\u2028\u2029]*)?(?:\r\n|[\n\r\x85\u2028\u2029]|\\Z)")
_INDENTATION = re.compile("(?:[ ]*(?:\r\n|[\n\r\x85\u2028\u2029]))*[ ]*")
_ESCAPES = dict(zip('0abt\tnvfre "/\\N_LP', '\0\a\b\t\t\n\v\f\r\x1b "/\\\x85\xa0\u2028\u2029', strict=True))
_CODE_LENGTH = {"x": 2, "u": 4, "U": 8}


class _Characters:
    """A value as it is rebuilt from its text: each character with the half-open range of the text it comes from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.value: list[str] = []
        self.ranges: list[tuple[int, int]] = []

    def add(self, char: str, start: int, end: int) -> None:
        self.value.append(char)
        self.ranges.append((start, end))

    def add_text(self, start: int, end: int) -> None:
        self.value.extend(self.text[start:end])
        self.ranges.extend((i, i + 1) for i in range(start, end))

    def add_break(self, found: re.Match[str]) -> None:
        """A line break that stays: U+2028 and U+2029 as they are, all others as a line feed."""
        self.add(_normal(found), found.start(), found.end())

    def fold(self, breaks: Sequence[re.Match[str]]) -> None:
        """The breaks between two lines: one becomes a space, of several the first goes."""
        first, *others = breaks
        if _normal(first) != "\n":
            self.add_break(first)
        elif not others:
            self.add(" ", first.start(), first.end())
        for found in others:
            self.add_break(found)


def _normal(found: re.Match[str]) -> str:
    return found.group() if found.group() in "\u2028\u2029" else "\n"


def value_ranges(text: str, node: Node) -> Sequence[tuple[int, int]] | None:
    """For each character of a scalar's value the half-open range of the text it comes from; `None` where they cannot
    be matched: the value is rebuilt from the text as libyaml does, and only if the two are equal the offsets hold.
    """
    properties = _PROPERTIES.match(text, node.start)
    start = properties.end() if properties else node.start
    if node.style in ("|", ">"):
        return _block_ranges(text, start, node)
    quoted = 1 if node.style else 0
    built = _flow_characters(text, start + quoted, node.end - quoted, node.style)
    return built.ranges if "".join(built.value) == node.value else None


def _flow_characters(text: str, at: int, end: int, style: str) -> _Characters:
    built = _Characters(text)
    while at < end:
        white = _WHITE.match(text, at, end)
        if white is not None:
            breaks = list(_BREAK.finditer(text, at, white.end()))
            if breaks:
                built.fold(breaks)
            else:
                built.add_text(at, white.end())
            at = white.end()
        elif style == "'" and text.startswith("''", at):
            built.add("'", at, at + 2)
            at += 2
        elif style == '"' and text[at] == "\\":
            at = _escape(built, at, end)
        else:
            built.add(text[at], at, at + 1)
            at += 1
    return built


def _escape(built: _Characters, at: int, end: int) -> int:
    """Adds what the backslash at `at` stands for; gives the offset after it."""
    text = built.text
    broken = _BREAK.match(text, at + 1, end)
    if broken is not None:
        white = _WHITE.match(text, broken.end(), end)
        stop = white.end() if white else broken.end()
        for found in _BREAK.finditer(text, broken.end(), stop):
            built.add_break(found)
        return stop
    letter = text[at + 1 : at + 2]
    stop = at + 2 + _CODE_LENGTH.get(letter, 0)
    try:
        char = _ESCAPES.get(letter) or chr(int(text[at + 2 : stop], 16))
    except (ValueError, OverflowError):
        char = "?"
    built.add(char, at, stop)
    return stop


def _block_ranges(text: str, start: int, node: Node) -> Sequence[tuple[int, int]] | None:
    header = _HEADER.match(text, start)
    if header is None:
        return None
    indicators = header[1]
    first = _INDENTATION.match(text, header.end())
    width = max((len(line) for line in _BREAK.split(first.group())), default=0) if first else 0
    # An indicator counts from the indentation of the parent, which is not known here: only one can fit the value.
    for indent in range(1, width + 2) if indicators.strip("+-") else (max(width, 1),):
        built = _block_characters(text, header.end(), indent, node.style, indicators)
        if "".join(built.value) == node.value:
            return built.ranges
    return None


def _block_characters(text: str, at: int, indent: int, style: str, indicators: str) -> _Characters:
    """As `yaml_parser_scan_block_scalar` of libyaml's scanner."""
    built = _Characters(text)
    line_end: re.Match[str] | None = None
    before_indented = False
    blanks, column, at = _blank_lines(text, at, indent)
    while column == indent and at < len(text):
        indented = text[at] in " \t"
        if line_end is not None:
            if style == ">" and not before_indented and not indented:
                built.fold([line_end, *blanks])
                blanks = []
            else:
                built.add_break(line_end)
        for blank in blanks:
            built.add_break(blank)
        before_indented = indented
        line_end = _BREAK.search(text, at)
        stop = line_end.start() if line_end else len(text)
        built.add_text(at, stop)
        blanks, column, at = _blank_lines(text, line_end.end() if line_end else stop, indent)
    if line_end is not None and "-" not in indicators:
        built.add_break(line_end)
    if "+" in indicators:
        for blank in blanks:
            built.add_break(blank)
    return built


def _blank_lines(text: str, at: int, indent: int) -> tuple[list[re.Match[str]], int, int]:
    """The breaks of the blank lines from `at` on, then the column and the offset of the next text."""
    blanks: list[re.Match[str]] = []
    while True:
        line = at
        while at - line < indent and text[at : at + 1] == " ":
            at += 1
        found = _BREAK.match(text, at)
        if found is None:
            return blanks, at - line, at
        blanks.append(found)
        at = found.end()
