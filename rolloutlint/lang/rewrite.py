"""Changes to a text, said as what to put in place of which characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Change(NamedTuple):
    """The characters `start:end` of a text become `text`; where `start == end`, `text` is inserted."""

    start: int
    end: int
    text: str


def merged(changes: Iterable[Change]) -> tuple[Change, ...] | None:
    """The same changes from left to right, with those that touch made one; `None` where two overlap.

    Of insertions at one point the first in order also comes first in the text.

    >>> merged([Change(4, 4, ")"), Change(0, 0, "("), Change(0, 0, "(")])
    (Change(start=0, end=0, text='(('), Change(start=4, end=4, text=')'))
    """
    found: list[Change] = []
    for change in sorted(changes, key=lambda change: (change.start, change.end)):
        before = found[-1] if found else None
        if before is None or before.end < change.start:
            found.append(change)
        elif before.end == change.start:
            found[-1] = Change(before.start, change.end, before.text + change.text)
        else:
            return None
    return tuple(found)


def rewritten(text: str, changes: Iterable[Change]) -> str:
    """`text` with the changes made, which must be as `merged` gives them."""
    parts: list[str] = []
    done = 0
    for change in changes:
        parts += (text[done : change.start], change.text)
        done = change.end
    return "".join((*parts, text[done:]))
