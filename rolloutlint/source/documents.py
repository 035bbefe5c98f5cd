"""From a text to its documents, one at a time: plain values now, places on demand.

A text is cut at its document markers before it is parsed, so that a broken document cannot hide the others. Where
the fast reader can tell every value, PyYAML is not even imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from rolloutlint.finding import DocumentId
from rolloutlint.source.fastread import PLAIN_DEPTH, FastReader, NotPlainError
from rolloutlint.source.scalars import ScalarTable
from rolloutlint.source.text import LIMITS, Limits, Problem, Source

_MARKER = re.compile("---")
_BREAKS = "\n\r\x85\u2028\u2029"
"""Where a line ends for libyaml."""
_AFTER_MARKER = frozenset(" \t" + _BREAKS)


class Document(NamedTuple):
    """One document: its plain value and the slice of the source's text that holds it."""

    id: DocumentId
    value: Any
    start: int
    end: int


class Reader(Protocol):
    """A faster way to the value of a document's text. It must agree with the authority or raise `NotPlainError`."""

    def __call__(self, text: str, table: ScalarTable) -> Any:
        """The plain value of a slice with exactly one document (or `None` for none)."""


def slices(text: str) -> Iterator[tuple[int, int]]:
    """The parts of `text` that each hold at most one document, in order: cut before `---`, as kubectl cuts.

    No scalar can hold a line that starts with this marker, so the cut needs no parser. Directives go with the `---`
    below them. What follows `...` without a `---` stays: it is a fault of that part.
    """
    start = 0
    for found in _MARKER.finditer(text):
        at = found.start()
        follows = text[at + 3 : at + 4]
        if (at and text[at - 1] not in _BREAKS) or (follows and follows not in _AFTER_MARKER):
            continue
        cut = _with_directives(text, start, at) if "%" in text else at
        if cut > start:
            yield start, cut
            start = cut
    if start < len(text):
        yield start, len(text)


def _with_directives(text: str, start: int, marker: int) -> int:
    """The start of the first directive right above `marker`, if a document may start there, else `marker`."""
    cut = line = marker
    while line > start:
        below = line
        line = text.rfind("\n", start, line - 1) + 1 or start
        if text[line] == "%":
            cut = line
        elif text[line] != "#" and text[line:below].strip():
            return cut if text.startswith("...", line) else marker
    return cut


def _read_flow(text: str, table: ScalarTable) -> Any:
    from rolloutlint.source.compose import Composer

    composer = Composer(Source("", text, typing=table), DocumentId("", 0), 0, Limits(depth=PLAIN_DEPTH // 2))
    values = composer.run(text)
    if composer.problems or len(values) != 1 or values[0].__class__ not in (dict, list):
        raise NotPlainError
    return values[0]


DEFAULT: Reader = FastReader(_read_flow)
"""Reads nine of ten real manifests without libyaml."""


def load(source: Source, limits: Limits = LIMITS, reader: Reader | None = DEFAULT) -> Iterator[Document | Problem]:
    """The documents of a source and whatever is wrong with them, in order. Empty documents are passed over.

    A document with a fatal problem is not yielded; the others are. `reader=None` leaves the authority alone at work.
    Never raises for bad input.
    """
    text = source.text
    table = source.typing
    if limits.depth < PLAIN_DEPTH:
        reader = None
    number = 0
    for start, end in slices(text):
        part = text[start:end]
        if reader is not None:
            try:
                value = reader(part, table)
            except NotPlainError:
                pass
            else:
                if value is not None:
                    yield Document(DocumentId(source.name, number), value, start, end)
                    number += 1
                continue
        from rolloutlint.source.compose import Composer

        composer = Composer(source, DocumentId(source.name, number), start, limits)
        values = composer.run(part)
        yield from composer.problems
        if values:
            yield Document(DocumentId(source.name, number), values[0], start, end)
        if values or composer.problems:
            number += 1
