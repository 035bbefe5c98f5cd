"""Substitution of `{{args.name}}` that remembers where everything came from.

Argo replaces placeholders in the whole metric before a provider sees the query (`utils/analysis/factory.go`,
`utils/template/template.go`). What is found in the expanded text can be pointed at in the source through `origin`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from rolloutlint.lang.placeholder import Placeholder, placeholders


class Segment(NamedTuple):
    """A stretch of the expanded text and the stretch of the source it stands for."""

    start: int
    end: int
    source_start: int
    source_end: int
    is_hole: bool
    """Whether the source is a placeholder; otherwise both stretches are the same text."""


class Expanded(NamedTuple):
    """A text with placeholders replaced."""

    text: str
    segments: tuple[Segment, ...]
    """The whole text in order; empty where nothing was replaced."""

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that the characters `start` to `end` of `text` come from.

        A placeholder counts as a whole. An empty span stays empty except inside a placeholder.
        """
        if not self.segments:
            return start, end
        if start >= len(self.text):
            source_end = self.segments[-1].source_end
            return source_end, source_end
        first = self._at(start)
        low = first.source_start if first.is_hole else first.source_start + start - first.start
        if end <= start:
            return low, (first.source_end if first.is_hole and start < first.end else low)
        last = self._at(end - 1)
        return low, (last.source_end if last.is_hole else last.source_start + end - last.start)

    def _at(self, position: int) -> Segment:
        """The segment that holds the character at `position`, or the last one."""
        index = bisect_right(self.segments, position, key=lambda segment: segment.end)
        return self.segments[min(index, len(self.segments) - 1)]


def expand(text: str, values: Mapping[str, str], *, keep_in_strings: bool = False) -> Expanded:
    """`text` with every `{{args.name}}` replaced whose value is known.

    `values` maps the names of arguments to their values. With `keep_in_strings` placeholders inside PromQL string
    literals (and comments) stay, so that queries that differ only in a label's value stay equal. A value is not
    expanded again, as in Argo.
    """
    known = [hole for hole in _holes(text, keep_in_strings) if hole.name in values]
    if not known:
        return Expanded(text, ())
    segments: list[Segment] = []
    parts: list[str] = []
    source = length = 0
    for hole in known:
        if hole.start > source:
            parts.append(text[source : hole.start])
            segments.append(Segment(length, length + hole.start - source, source, hole.start, False))
            length += hole.start - source
        value = values[hole.name or ""]
        parts.append(value)
        segments.append(Segment(length, length + len(value), hole.start, hole.end, True))
        length += len(value)
        source = hole.end
    if source < len(text):
        parts.append(text[source:])
        segments.append(Segment(length, length + len(text) - source, source, len(text), False))
    return Expanded("".join(parts), tuple(segments))


def open_names(text: str, *, keep_in_strings: bool = False) -> frozenset[str]:
    """The arguments whose values decide what `expand` makes of `text`."""
    return frozenset([hole.name or "" for hole in _holes(text, keep_in_strings)])


@lru_cache(maxsize=4096)
def _holes(text: str, keep_in_strings: bool) -> tuple[Placeholder, ...]:
    """The placeholders of arguments that may be replaced. Texts are often the same in many applications."""
    found = [hole for hole in placeholders(text) if hole.name is not None]
    quoted = frozenset(_quoted(text)) if found and keep_in_strings else frozenset()
    return tuple([hole for hole in found if hole.start not in quoted])


def _quoted(text: str) -> Iterator[int]:
    """Where the placeholders inside string literals and comments start."""
    quote = ""
    position = 0
    holes = {hole.start: hole.end for hole in placeholders(text)}
    while position < len(text):
        if position in holes:
            if quote:
                yield position
            position = holes[position]
            continue
        char = text[position]
        if not quote:
            if char in "\"'`#":
                quote = char
        elif quote == "#":
            if char in "\r\n":
                quote = ""
        elif char == "\\" and quote != "`":
            position += 1
        elif char == quote or (char == "\n" and quote != "`"):
            quote = ""
        position += 1
