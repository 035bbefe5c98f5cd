"""From a text to its documents, one at a time: plain values now, places on demand.

A text is cut at its document markers before it is parsed, so that a broken document cannot hide the others.
Values are built from libyaml's *events* with a stack of our own: libyaml's `compose` recurses and crashes the
process on 100 KB of `[`, and it knows neither the cluster's scalar types nor duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from rolloutlint.finding import DocumentId, Place, Related
from rolloutlint.source.scalars import ScalarTable, TagError, key_text, resolve, tagged
from rolloutlint.source.text import LIMITS, Limits, Problem, ProblemKind, Source, to_span

EventLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CUT = re.compile(
    r"^(?:%[^\n]*\n(?:[%#][^\n]*\n|[ \t\r]*\n)*)?---(?=[ \t\r\n]|\Z)|^\.\.\.(?=[ \t\r\n]|\Z)[^\n]*\n?", re.M
)
_TAB = re.compile(r"^[ ]*\t", re.M)


@dataclass(slots=True)
class Document:
    """One document: its plain value and the slice of the source's text that holds it."""

    id: DocumentId
    value: Any
    start: int
    end: int


class NotPlainError(Exception):
    """A reader meets something that only the authority may read."""


class Reader(Protocol):
    """A faster way to the value of a document's text. It must agree with the authority or raise `NotPlainError`."""

    def __call__(self, text: str, table: ScalarTable) -> Any:
        """The plain value of a slice with exactly one document (or `None` for none)."""


def slices(text: str) -> Iterator[tuple[int, int]]:
    """The parts of `text` that each hold at most one document, in order."""
    start = 0
    for cut in _CUT.finditer(text):
        boundary = cut.end() if cut.group().startswith("...") else cut.start()
        if boundary > start:
            yield start, boundary
        start = boundary
    if start < len(text) or not text:
        yield start, len(text)


def load(source: Source, limits: Limits = LIMITS, reader: Reader | None = None) -> Iterator[Document | Problem]:
    """The documents of a source and whatever is wrong with them, in order. Empty documents are passed over.

    A document with a fatal problem is not yielded; the others are. Never raises for bad input.
    """
    text = source.text
    number = 0
    for start, end in slices(text):
        part = text[start:end]
        if reader is not None:
            try:
                value = reader(part, source.typing)
            except NotPlainError:
                pass
            else:
                if value is not None:
                    yield Document(DocumentId(source.name, number), value, start, end)
                    number += 1
                continue
        composer = _Composer(source, DocumentId(source.name, number), start, limits)
        values = composer.run(part)
        yield from composer.problems
        if values:
            yield Document(DocumentId(source.name, number), values[0], start, end)
        if values or composer.problems:
            number += 1


_PLAIN_TAG = (None, "!")
_MISSING: Any = object()


class _StopError(Exception):
    """The document cannot be read any further."""


class _Composer:
    """Builds the plain value of one document from events, with an explicit stack."""

    def __init__(self, source: Source, document: DocumentId, base: int, limits: Limits) -> None:
        self.source = source
        self.document = document
        self.base = base
        self.limits = limits
        self.problems: list[Problem] = []

    def run(self, text: str) -> list[Any]:
        """The non-null documents of `text` (at most one in a well-cut slice); `[]` after a fatal problem."""
        try:
            loader = EventLoader(text)
        except yaml.YAMLError as error:
            self._syntax(error, text)
            return []
        try:
            return self._compose(loader)
        except yaml.YAMLError as error:
            self._syntax(error, text)
        except _StopError:
            pass
        finally:
            loader.dispose()
        return []

    def _compose(self, loader: Any) -> list[Any]:
        table = self.source.typing
        get_event = loader.get_event
        max_depth = self.limits.depth
        roots: list[Any] = []
        stack: list[tuple[Any, Any]] = []  # (container, its pending key)
        anchors: dict[str, tuple[Any, int]] = {}
        opened: dict[int, tuple[str, int]] = {}  # depth -> anchor of the open container there, nodes before it
        seen: dict[int, dict[str, Any]] = {}  # id of a mapping -> key -> mark of its first key
        current: Any = None
        key: Any = _MISSING
        nodes = 0
        while True:
            event = get_event()
            kind = event.__class__
            if kind is ScalarEvent:
                nodes += 1
                tag = event.tag
                value: Any
                if tag in _PLAIN_TAG:
                    value = event.value if event.style or tag == "!" else resolve(event.value, table)
                else:
                    value = self._tagged(event, tag, table)
                if value.__class__ is float and value - value != 0:
                    self._problem("unsupported-value", f"`{event.value}` has no JSON form", event, fatal=False)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                nodes += 1
                if current.__class__ is dict and key is _MISSING:
                    self._bad_key(event)
                if len(stack) >= max_depth:
                    self._stop("limit", f"is nested more than {max_depth} levels deep", event)
                if event.anchor is not None:
                    anchors[event.anchor] = (_MISSING, 0)
                    opened[len(stack)] = (event.anchor, nodes)
                stack.append((current, key))
                current = {} if kind is MappingStartEvent else []
                key = _MISSING
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = current
                seen.pop(id(current), None)
                current, key = stack.pop()
                if opened and len(stack) in opened:
                    anchor, before = opened.pop(len(stack))
                    anchors[anchor] = (value, nodes - before + 1)
            elif kind is AliasEvent:
                value, size = anchors.get(event.anchor, (None, -1))
                if size < 0:
                    self._stop("syntax", f"alias `*{event.anchor}` names no anchor", event)
                if value is _MISSING:
                    self._stop("cyclic-alias", f"alias `*{event.anchor}` stands inside its own anchor", event)
                nodes += size
                if nodes > self.limits.expanded_nodes:
                    limit = self.limits.expanded_nodes
                    self._stop("limit", f"grows to more than {limit} nodes when its aliases are followed", event)
            elif kind is DocumentStartEvent:
                anchors.clear()
                current, key = None, _MISSING
                continue
            elif kind is StreamEndEvent:
                return roots
            else:
                continue
            # A finished value finds its place.
            if current.__class__ is dict:
                if key is _MISSING:
                    key = self._key(value, event, current, seen)
                elif key.__class__ is _Merge:
                    self._merge(current, value, event)
                    key = _MISSING
                else:
                    current[key] = value
                    key = _MISSING
            elif current.__class__ is list:
                current.append(value)
            elif value is not None:
                roots.append(value)

    def _tagged(self, event: Any, tag: str, table: ScalarTable) -> Any:
        try:
            return tagged(event.value, tag, not event.style, table)
        except TagError as error:
            return self._stop("tag", str(error), event)

    def _key(self, value: Any, event: Any, current: dict[str, Any], seen: dict[int, dict[str, Any]]) -> Any:
        if value == "<<" and event.__class__ is ScalarEvent and not event.style:
            return _MERGE
        key = key_text(value)
        if key is None:
            return self._bad_key(event, null=value is None)
        marks = seen.setdefault(id(current), {})
        first = marks.get(key)
        if first is not None:
            related = Related(self._place(first), "first written here")
            self._problem("duplicate-key", key, event, fatal=False, related=(related,))
        else:
            marks[key] = event
        return key

    def _merge(self, current: dict[str, Any], value: Any, event: Any) -> None:
        """As go-yaml v2 (`decode.go` merge): entries written before are overwritten; of several maps the first wins."""
        maps = value if value.__class__ is list else [value]
        for merged in reversed(maps):
            if merged.__class__ is not dict:
                self._stop("syntax", "map merge requires map or sequence of maps as the value", event)
            current.update(merged)

    # ---- problems ------------------------------------------------------------------------------------------

    def _place(self, event: Any) -> Place:
        start = self.base + event.start_mark.index
        end = self.base + event.end_mark.index
        return Place(self.document, span=to_span(self.source, start, max(start + 1, min(end, len(self.source.text)))))

    def _problem(
        self, kind: ProblemKind, message: str, event: Any, *, fatal: bool, related: tuple[Related, ...] = ()
    ) -> None:
        self.problems.append(Problem(kind, message, self._place(event), related, fatal))

    def _stop(self, kind: ProblemKind, message: str, event: Any) -> Any:
        self._problem(kind, message, event, fatal=True)
        raise _StopError

    def _bad_key(self, event: Any, *, null: bool = False) -> Any:
        what = "a key is null" if null else "a key is a list or a mapping"
        return self._stop("key", f"{what}, which JSON cannot have", event)

    def _syntax(self, error: yaml.YAMLError, text: str) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is not None:
            offset, message = mark.index, str(getattr(error, "problem", "") or error)
        else:  # ReaderError: a character that YAML forbids
            offset = getattr(error, "position", 0)
            character = getattr(error, "character", "")
            code = ord(character) if isinstance(character, str) and character else character
            message = f"character U+{code:04X} is not allowed" if isinstance(code, int) else str(error)
            if isinstance(code, int):
                found = text.find(chr(code))
                offset = found if found >= 0 else min(offset, len(text))
        offset = min(offset, len(text))
        line_start = text.rfind("\n", 0, offset) + 1
        tab = _TAB.match(text, line_start)
        if tab is not None and "token" in message:
            message, offset = "a tab indents this line, and YAML allows only spaces there", tab.end() - 1
        start = self.base + offset
        span = to_span(self.source, start, start + 1 if offset < len(text) and text[offset] not in "\r\n" else start)
        self.problems.append(Problem("syntax", message, Place(self.document, span=span)))


class _Merge:
    """The key `<<` of a mapping."""


_MERGE = _Merge()
