"""Conditions that can be read once what can mean only one thing is written as expr-lang has it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rolloutlint.lang.expr.lexer import ExprError
from rolloutlint.lang.expr.library import NEWEST, Library
from rolloutlint.lang.expr.parser import parse
from rolloutlint.lang.rewrite import Change, merged, rewritten

_WRITE: Final = re.compile(r"write `([^`]+)`(?: or `\w+`| in lower case| to take an element)?\Z").match
_COMPARE: Final = "write `==` to compare"
_QUOTE: Final = re.compile(r"write straight quotes `(.)`\Z").match
_MOST: Final = 8
"""More slips than this in one condition are not slips."""


class Correction(NamedTuple):
    """Changes after which a condition can be read."""

    changes: tuple[Change, ...]
    certain: bool
    """Whether nothing else can have been meant."""


def corrected(text: str, library: Library = NEWEST) -> Correction | None:
    """The correction of every slip in a condition that `parse` refuses; `None` unless that makes an expression of it.

    >>> corrected("result[0] => 0,95")
    Correction(changes=(Change(start=10, end=12, text='>='), Change(start=13, end=17, text='0.95')), certain=True)
    """
    changes: list[Change] = []
    certain = True
    for _ in range(_MOST):
        made = merged(changes)
        if made is None:
            return None
        found = _slip(rewritten(text, made), library)
        if found is None:
            return Correction(made, certain) if made else None
        if found is _UNKNOWN:
            return None
        change, sure = found
        certain = certain and sure
        changes.append(_back(change, made))
    return None


_UNKNOWN: Final = (Change(0, 0, ""), False)


def _slip(text: str, library: Library) -> tuple[Change, bool] | None:
    """The change that mends the first slip; `None` where the text is an expression."""
    try:
        parse(text, library)
    except ExprError as error:
        quote = _QUOTE(error.hint)
        if quote:
            return Change(error.start, error.end, quote[1]), True
        if error.hint == _COMPARE:
            return Change(error.start, error.end, "=="), False
        write = _WRITE(error.hint)
        if write is None or write[1] == "result":
            return _UNKNOWN
        return Change(error.start, error.end, write[1]), True
    return None


def _back(change: Change, made: tuple[Change, ...]) -> Change:
    """A change of the rewritten text as one of the text itself."""
    shift = 0
    for earlier in made:
        if earlier.start + shift < change.start:
            shift += len(earlier.text) - (earlier.end - earlier.start)
    return Change(change.start - shift, change.end - shift, change.text)
