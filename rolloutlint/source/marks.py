"""Where values stand: one document slice composed with marks, and the spans of its keys, values and pieces.

Only slices with findings come here. Offsets are characters of the source's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from rolloutlint.finding import Part, Path, Span
from rolloutlint.source.documents import EventLoader
from rolloutlint.source.scalars import key_text, resolve
from rolloutlint.source.text import Source, to_span


@dataclass(slots=True)
class Node:
    """A node of the marked tree. `start:end` are its characters, without comments or line ends after it."""

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    end: int
    style: str = ""
    """Of a scalar: `""` plain, `'`, `"`, `|`, `>`. Of a collection: `block` or `flow`."""
    value: str = ""
    """Text of a scalar; name of an alias."""
    key: str = ""
    """Of a scalar that is a mapping key: the key as JSON has it."""
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    target: Node | None = None
    """Of an alias: the anchored node."""


@dataclass(frozen=True, slots=True)
class Located:
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
    loader = EventLoader(source.text[start:end])
    try:
        return _build(loader, start, source)
    except yaml.YAMLError:
        return None
    finally:
        loader.dispose()


def _build(loader: Any, base: int, source: Source) -> Node | None:
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
            plain = node.kind == "scalar" and not node.style
            node.key = (key_text(resolve(node.value, source.typing)) or node.value) if plain else node.value
            waiting[-1] = node
        else:
            parent.entries.append((waiting[-1], node))
            waiting[-1] = None


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
        step = _child(here, item)
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
        offsets = value_offsets(source.text, here)
        if offsets is not None and 0 <= piece[0] < piece[1] <= len(here.value):
            start, end = offsets[piece[0]], offsets[piece[1] - 1] + 1
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
    """The offset of the `-` of a block sequence item."""
    if parent is None or parent.style != "block":
        return item.start
    dash = text.rfind("-", parent.start, item.start + 1) if text[item.start : item.start + 1] != "-" else item.start
    before = text.rfind("-", 0, item.start)
    return dash if dash >= 0 else max(before, 0)


def _child(node: Node, item: str | int) -> tuple[Node | None, Node, Node | None] | None:
    """(key, value, the merge or alias it came through) of one step down."""
    if isinstance(item, int):
        return (None, node.items[item], None) if node.kind == "sequence" and 0 <= item < len(node.items) else None
    if node.kind != "mapping":
        return None
    for key, value in reversed(node.entries):
        if key.key == item:
            return key, value, None
        if key.value == "<<" and not key.style:
            for merged in _merged(value):
                found = _child(merged, item)
                if found is not None:
                    return found[0], found[1], value
    return None


def _merged(value: Node) -> Iterator[Node]:
    sources: Sequence[Node] = value.items if value.kind == "sequence" else (value,)
    for one in sources:
        target = one.target if one.kind == "alias" else one
        if target is not None:
            yield target


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


_FOLD = re.compile(r"[ \t]*(?:\r\n|\n|\r)(?:[ \t]*(?:\r\n|\n|\r))*[ \t]*")
_BREAKS = re.compile(r"\r\n|\n|\r")
_ESCAPE_LENGTH = {"x": 4, "u": 6, "U": 10}


def value_offsets(text: str, node: Node) -> Sequence[int] | None:
    """For each character of a scalar's value its offset in the text; `None` where they cannot be matched."""
    raw = text[node.start : node.end]
    if node.style in ("|", ">"):
        return _block_offsets(text, node)
    inner, base = (raw[1:-1], node.start + 1) if node.style else (raw, node.start)
    offsets: list[int] = []
    i = 0
    while i < len(inner):
        char = inner[i]
        fold = _FOLD.match(inner, i) if char in " \t\r\n" else None
        if fold is not None:
            count = len(_BREAKS.findall(fold.group()))
            offsets.extend([base + i] * (1 if count == 1 else count - 1))
            i = fold.end()
        elif node.style == "'" and inner.startswith("''", i):
            offsets.append(base + i)
            i += 2
        elif node.style == '"' and char == "\\":
            following = inner[i + 1 : i + 2]
            if following in ("\n", "\r"):
                broken = _FOLD.match(inner, i + 1)
                i = broken.end() if broken else i + 2
                continue
            offsets.append(base + i)
            i += _ESCAPE_LENGTH.get(following, 2)
        else:
            offsets.append(base + i)
            i += 1
    return offsets if len(offsets) == len(node.value) else None


def _block_offsets(text: str, node: Node) -> Sequence[int] | None:
    header = text.find("\n", node.start)
    if header < 0:
        return [] if not node.value else None
    lines: list[tuple[int, str]] = []
    at = header + 1
    while at <= len(text):
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        lines.append((at, text[at:stop].rstrip("\r")))
        if stop >= len(text) or (at > node.end and text[at:stop].strip()):
            break
        at = stop + 1
    indicator = re.search(r"[1-9]", text[node.start : header].split("#")[0])
    first = next((line for _, line in lines if line.strip(" ")), "")
    indent = len(first) - len(first.lstrip(" "))
    if indicator:
        indent = next((n for n in range(1, indent + 1) if _fits(lines, n, node)), indent)
    return _align(lines, indent, node)


def _fits(lines: Sequence[tuple[int, str]], indent: int, node: Node) -> bool:
    return _align(lines, indent, node) is not None


def _align(lines: Sequence[tuple[int, str]], indent: int, node: Node) -> Sequence[int] | None:
    """Walk text and value side by side; a line end is a newline, or a space where folded, or nothing at all."""
    value, position = node.value, 0
    offsets: list[int] = []
    for start, line in lines:
        if position >= len(value):
            break
        content = line[indent:] if len(line) > indent else ""
        if value.startswith(content, position):
            offsets.extend(range(start + min(indent, len(line)), start + min(indent, len(line)) + len(content)))
            position += len(content)
        else:
            return None
        if position < len(value) and value[position] in " \n":
            folded_away = value[position] == " " or node.style == "|" or value[position] == "\n"
            if folded_away and not (
                node.style == ">" and value[position] == "\n" and _swallowed(value, position, lines, start)
            ):
                offsets.append(start + len(line))
                position += 1
    return offsets if position == len(value) else None


def _swallowed(value: str, position: int, lines: Sequence[tuple[int, str]], start: int) -> bool:
    """In a folded scalar n blank lines between two text lines give n newlines: the first line end gives none."""
    index = next(i for i, (s, _) in enumerate(lines) if s == start)
    if not lines[index][1].strip() or lines[index][1].lstrip(" ") != lines[index][1].strip():
        return False
    following = lines[index + 1][1] if index + 1 < len(lines) else "x"
    if following.strip():
        return False
    return bool(value[position:].strip("\n")) and not value[position:].lstrip("\n").startswith((" ", "\t"))
