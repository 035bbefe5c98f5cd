"""Comments by position: a `#` outside every scalar, at a line's start or after white space.

libyaml drops comments. But it gives the span of every scalar, and what is left is structure, where a `#` after
white space can be nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, NamedTuple

from rolloutlint.source.documents import slices
from rolloutlint.source.text import LIMITS, Source, to_span

_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = re.compile(f"[{_BREAKS}]")
_HASH = re.compile(f"(?<![^ \\t,\\[\\]{{}}\"'{_BREAKS}])#[^{_BREAKS}]*")
"""After these, and outside every scalar, libyaml takes `#` for a comment."""
_PROPERTIES = f"(?:[&!][^\\s,\\[\\]{{}}]*(?:[ \\t{_BREAKS}]+(?:#[^{_BREAKS}]*)?)*){{1,2}}"
"""Anchor and tag, with the white space and comments after them: libyaml counts them to the scalar."""


class Comment(NamedTuple):
    """One comment, from its `#` to the end of the line."""

    line: int
    column: int
    text: str
    own_line: bool
    """True where nothing but white space stands before it."""


def comments(source: Source) -> list[Comment]:
    """The comments of a source, in order. In a document that cannot be parsed, those on lines of their own."""
    found: list[Comment] = []
    for start, end in slices(source.text):
        text = source.text[start:end]
        if "#" not in text:
            continue
        spans = _scalars(text)
        starts = [s for s, _ in spans or ()]
        match = _HASH.search(text)
        while match is not None:
            at, stop = match.span()
            index = bisect_right(starts, at) - 1
            own = _alone(text, at)
            if spans is not None and index >= 0 and at < spans[index][1]:
                stop = spans[index][1]
            elif spans is not None or own:
                span = to_span(source, start + at, start + stop)
                found.append(Comment(span.line, span.column, match.group(), own))
            match = _HASH.search(text, stop)
    return found


def _alone(text: str, at: int) -> bool:
    while at and text[at - 1] in " \t":
        at -= 1
    return not at or text[at - 1] in _BREAKS


def _scalars(text: str) -> list[tuple[int, int]] | None:
    """The spans of all scalars, sorted, block scalars without their header line; `None` if it cannot be parsed."""
    import yaml
    from yaml.events import CollectionEndEvent, CollectionStartEvent, ScalarEvent, StreamEndEvent

    from rolloutlint.source.compose import EventLoader

    properties_at = re.compile(_PROPERTIES).match  # 5 ms to compile, so not before a comment is asked for
    spans: list[tuple[int, int]] = []
    depth = 0
    loader: Any = None
    try:
        loader = EventLoader(text)
        while depth <= LIMITS.depth:  # libyaml's time grows with the square of the depth
            event = loader.get_event()
            if event.__class__ is StreamEndEvent:
                return spans
            if isinstance(event, CollectionStartEvent):
                depth += 1
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            elif isinstance(event, ScalarEvent) and event.start_mark and event.end_mark:
                start, end = event.start_mark.index, event.end_mark.index
                properties = properties_at(text, start)
                if properties is not None:
                    start = properties.end()
                if event.style in ("|", ">"):
                    header = _BREAK.search(text, start)
                    start = header.end() if header else end
                if end > start:
                    spans.append((start, end))
    except (yaml.YAMLError, UnicodeEncodeError):
        pass
    finally:
        if loader is not None:
            loader.dispose()
    return None
