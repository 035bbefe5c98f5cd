"""The authority: the plain value of one document from libyaml's *events*, with a stack of our own.

libyaml's `compose` recurses and crashes the process on 100 KB of `[`, and it knows neither the cluster's scalar
types nor duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
from rolloutlint.source.scalars import ScalarTable, TagError, key_name, key_text, resolve, tagged
from rolloutlint.source.text import Limits, Problem, ProblemKind, Source, to_span

EventLoader: Any = getattr(yaml.cyaml, "CParser", yaml.SafeLoader) if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml; where PyYAML lacks it, its parser in Python: an order slower, and it judges some faults otherwise."""

_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
"""Where a line ends for libyaml."""
_TAB = re.compile(r"[ ]*\t")
_DIRECTIVES = 100
"""libyaml compares each directive of a document with all others; more than this many is an attack."""
_MISSING: Any = object()
_UNKNOWN_HEIGHT = -1


class _StopError(Exception):
    """The document cannot be read any further."""


class _Anchored:
    """What an anchor names: its value (missing while it is open), its nodes with aliases followed, its height."""

    __slots__ = ("height", "size", "value")

    def __init__(self, value: Any, size: int, height: int = _UNKNOWN_HEIGHT) -> None:
        self.value = value
        self.size = size
        self.height = height


class Composer:
    """Builds the plain value of one document from events, with an explicit stack."""

    def __init__(self, source: Source, document: DocumentId, base: int, limits: Limits) -> None:
        self.source = source
        self.document = document
        self.base = base
        self.limits = limits
        self.problems: list[Problem] = []

    def run(self, text: str) -> list[Any]:
        """The non-null documents of `text` (at most one in a well-cut slice); `[]` after a fatal problem."""
        if text.count("\n%") > _DIRECTIVES:
            at = self.base + text.index("\n%") + 1
            message = f"has more than {_DIRECTIVES} directives"
            self.problems.append(Problem("limit", message, self._at(at, at + 1)))
            return []
        parser = None
        try:
            parser = EventLoader(text)
            return self._compose(parser)
        except yaml.YAMLError as error:
            self._syntax(error, text)
        except UnicodeEncodeError as error:
            message = f"character U+{ord(text[error.start]):04X} is half of a surrogate pair"
            self.problems.append(Problem("encoding", message, self._at(self.base + error.start)))
        except _StopError:
            pass
        finally:
            if parser is not None:
                parser.dispose()
        return []

    def _compose(self, parser: Any) -> list[Any]:
        table = self.source.typing
        get_event = parser.get_event
        max_depth = self.limits.depth
        roots: list[Any] = []
        stack: list[tuple[Any, Any, dict[str, Any]]] = []  # (container, its pending key, the events of its keys)
        anchors: dict[str, _Anchored] = {}
        opened: dict[int, tuple[_Anchored, int]] = {}  # depth -> anchor of the open container there, nodes before it
        current: Any = None
        key: Any = _MISSING
        keys: dict[str, Any] = {}
        nodes = 0
        grown = 0
        while True:
            event = get_event()
            kind = event.__class__
            if kind is ScalarEvent:
                nodes += 1
                if key is _MISSING and current.__class__ is dict:
                    key = self._key(event, table, keys)
                    if event.anchor is not None:
                        anchors[event.anchor] = _Anchored(self._scalar(event, table, key=True), 1, 0)
                    continue
                value = event.value
                if event.tag is None:
                    if not event.style:
                        value = resolve(value, table)
                        if value.__class__ is float and value - value != 0:
                            value = self._no_number(event)
                elif event.tag != "!":
                    value = self._scalar(event, table)
                if event.anchor is not None:
                    anchors[event.anchor] = _Anchored(value, 1, 0)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                nodes += 1
                if key is _MISSING and current.__class__ is dict:
                    self._bad_key(event)
                if len(stack) >= max_depth:
                    self._stop("limit", f"is nested more than {max_depth} levels deep", event)
                if event.anchor is not None:
                    anchors[event.anchor] = anchored = _Anchored(_MISSING, 0)
                    opened[len(stack)] = (anchored, nodes)
                stack.append((current, key, keys))
                current = {} if kind is MappingStartEvent else []
                key, keys = _MISSING, {}
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = current
                current, key, keys = stack.pop()
                if opened and len(stack) in opened:
                    anchored, before = opened.pop(len(stack))
                    anchored.value, anchored.size = value, nodes - before + 1
            elif kind is AliasEvent:
                named = self._named(event, anchors)
                value = named.value
                nodes += named.size
                grown += named.size
                self._check_growth(event, grown, len(stack), named)
                if key is _MISSING and current.__class__ is dict:
                    name = key_text(value, table)
                    key = self._unique(name, event, keys) if name is not None else self._bad_key(event)
                    continue
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
                if key is _MERGE:
                    self._merge(current, value, event, keys)
                else:
                    current[key] = value
                key = _MISSING
            elif current.__class__ is list:
                current.append(value)
            elif value is not None:
                roots.append(value)

    def _scalar(self, event: Any, table: ScalarTable, *, key: bool = False) -> Any:
        if event.tag in (None, "!"):
            return event.value if event.style or event.tag else resolve(event.value, table)
        try:
            value = tagged(event.value, event.tag, table)
        except TagError as error:
            return self._stop("tag", str(error), event)
        if value.__class__ is float and value - value != 0 and not key:
            return self._no_number(event)
        return value

    def _no_number(self, event: Any) -> str:
        self._problem("unsupported-value", f"`{event.value}` has no JSON form", event, fatal=False)
        return str(event.value)

    def _key(self, event: Any, table: ScalarTable, keys: dict[str, Any]) -> Any:
        text, tag, plain = event.value, event.tag, not event.style
        if text == "<<" and plain and tag is None:
            return _MERGE
        try:
            name = key_name(text, tag, plain, table)
        except TagError as error:
            return self._stop("tag", str(error), event)
        if name is None:
            return self._bad_key(event)
        return self._unique(name, event, keys)

    def _unique(self, name: str, event: Any, keys: dict[str, Any]) -> str:
        first = keys.setdefault(name, event)
        if first is not event:
            related = Related(self._place(first), "first written here")
            self._problem("duplicate-key", name or '""', event, fatal=False, related=(related,))
        return name

    def _merge(self, current: dict[str, Any], value: Any, event: Any, keys: Mapping[str, Any]) -> None:
        """As go-yaml (`decode.go` merge): of several maps the first wins; v2 overwrites what is written before."""
        maps = value if value.__class__ is list else [value]
        for merged in reversed(maps):
            if merged.__class__ is not dict:
                self._stop("syntax", "map merge requires map or sequence of maps as the value", event)
            if self.source.typing.merge_overwrites:
                current.update(merged)
            else:
                current.update((k, v) for k, v in merged.items() if k not in keys)

    def _named(self, event: Any, anchors: Mapping[str, _Anchored]) -> _Anchored:
        named = anchors.get(event.anchor)
        if named is None:
            self._stop("syntax", f"alias `*{event.anchor}` names no anchor", event)
            raise _StopError
        if named.value is _MISSING:
            self._stop("cyclic-alias", f"alias `*{event.anchor}` stands inside its own anchor", event)
        return named

    def _check_growth(self, event: Any, grown: int, depth: int, named: _Anchored) -> None:
        """Refuse what would be too large or too deep for whoever walks the value."""
        if grown > self.limits.expanded_nodes:
            limit = self.limits.expanded_nodes
            self._stop("limit", f"grows by more than {limit} nodes when its aliases are followed", event)
        if named.height == _UNKNOWN_HEIGHT:
            named.height = _height(named.value)
        if depth + named.height > self.limits.depth:
            message = f"is nested more than {self.limits.depth} levels deep when its aliases are followed"
            self._stop("limit", message, event)

    # ---- problems ------------------------------------------------------------------------------------------

    def _at(self, start: int, end: int | None = None) -> Place:
        return Place(self.document, span=to_span(self.source, start, start + 1 if end is None else end))

    def _place(self, event: Any) -> Place:
        start = self.base + event.start_mark.index
        end = self.base + event.end_mark.index
        return self._at(start, max(start + 1, min(end, len(self.source.text))))

    def _problem(
        self, kind: ProblemKind, message: str, event: Any, *, fatal: bool, related: tuple[Related, ...] = ()
    ) -> None:
        self.problems.append(Problem(kind, message, self._place(event), related, fatal))

    def _stop(self, kind: ProblemKind, message: str, event: Any) -> Any:
        self._problem(kind, message, event, fatal=True)
        raise _StopError

    def _bad_key(self, event: Any) -> Any:
        if event.__class__ is not ScalarEvent:
            what = "a key is a list or a mapping"
        elif event.value in ("", "~", "null", "Null", "NULL"):
            what = "a key is null"
        else:
            what = f"the key `{event.value}` is no string"
        return self._stop("key", f"{what}, which JSON cannot have", event)

    def _syntax(self, error: yaml.YAMLError, text: str) -> None:
        if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
            self._unreadable(error, text)
            return
        at, problem = min(error.problem_mark.index, len(text)), error.problem or str(error)
        context, begin = error.context or "", error.context_mark.index if error.context_mark else None
        message = _WORDING.get(problem, problem)
        other: tuple[int, str] | None = None
        if begin is not None and context.endswith("quoted scalar") and problem == "found unexpected end of stream":
            at, message = begin, "the quotes that open here are never closed"
        elif begin is not None and problem == "could not find expected ':'":
            at, message = begin, "has neither `:` nor `-`, and continues nothing"
        elif begin is not None and context in _FLOWS:
            expected = problem.removeprefix("did not find expected ").replace("'", "`")
            if _BREAK.search(text, begin, at) or not text[at:].strip():
                at, message, other = begin, f"`{text[begin]}` is never closed", (at, f"{expected} was expected here")
            else:
                message, other = f"{expected} was expected here", (begin, f"`{text[begin]}` opens here")
        elif problem == "did not find expected key" and text[text.rfind("\n", 0, at) + 1 : at].strip():
            message = "stands after the end of a value: quote the value as a whole"
        elif begin is not None and context in _BLOCKS:
            other = begin, f"the {_BLOCKS[context]} begins here"
        elif problem == "found character that cannot start any token":
            found = {"\t": "a tab", "`": "a backtick"}.get(text[at : at + 1], f"`{text[at : at + 1]}`")
            message = f"a value cannot start with {found} unless it is quoted"
        tab = _TAB.match(text, text.rfind("\n", 0, at) + 1)
        if tab is not None and ("token" in problem or "tab" in problem):
            at, message, other = tab.end() - 1, "a tab indents this line, and YAML allows only spaces there", None
        related = (Related(self._at(*self._one(other[0], text)), other[1]),) if other else ()
        self.problems.append(Problem("syntax", message, self._at(*self._one(at, text)), related))

    def _unreadable(self, error: yaml.YAMLError, text: str) -> None:
        """A character that YAML forbids."""
        code = getattr(error, "character", None)
        code = ord(code) if isinstance(code, str) and len(code) == 1 else code
        if not isinstance(code, int):
            self.problems.append(Problem("syntax", str(error), self._at(self.base)))
            return
        found = text.find(chr(code))
        place = self._at(*self._one(max(found, 0), text))
        self.problems.append(Problem("syntax", f"character U+{code:04X} is not allowed", place))

    def _one(self, offset: int, text: str) -> tuple[int, int]:
        """The span of the character at an offset of the slice, empty at the end of a line."""
        start = self.base + offset
        return start, start + (offset < len(text) and text[offset] not in "\r\n")


_FLOWS = ("while parsing a flow sequence", "while parsing a flow mapping")
_BLOCKS = {"while parsing a block mapping": "mapping", "while parsing a block collection": "list"}
_WORDING = {
    "mapping values are not allowed in this context": "`:` starts a value where none can be: check the indentation, "
    "or quote the text",
    "did not find expected key": "does not fit the mapping it stands in: a key was expected here",
    "did not find expected '-' indicator": "does not fit the list it stands in: `-` was expected here",
    "did not find expected <document start>": "stands after the end of the document's value",
    "did not find expected node content": "a value was expected here",
    "found unknown escape character": "is no escape in double quotes: write the backslash twice, or use single quotes",
}
"""What libyaml's parser says, for whoever has never read one."""


def _height(value: Any) -> int:
    """The levels of containers in `value`, which aliases have joined but never into a circle."""
    height = 0
    level = [value]
    while level := [v for v in level if v.__class__ in (dict, list)]:
        height += 1
        level = [v for c in level for v in (c.values() if c.__class__ is dict else c)]
    return height


class _Merge:
    """The key `<<` of a mapping."""


_MERGE = _Merge()
