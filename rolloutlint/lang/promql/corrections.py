"""Corrections of the slips in PromQL for which there is only one.

`correct` mends a text that Prometheus refuses where what was meant is beyond doubt - a forgotten comma between two
matchers, `~` for `=~` - and proves it: the corrected text parses. Where a parenthesis belongs is not beyond doubt.
"""

from __future__ import annotations

import re
from typing import Final

from rolloutlint.lang.rewrite import Change, merged, rewritten

from .lexer import LABEL, NUMBER, PromQLError
from .parser import parse

_MOST: Final = 12
"""Slips in one text; whoever makes more means something else."""

_matcher_at: Final = re.compile(rf"{LABEL}[ \t\r\n]*(?:=~|!~|!=|=|~)[ \t\r\n]*[\"'`]").match
_word_at: Final = re.compile(LABEL).match
_number_last: Final = re.compile(rf"(?<![A-Za-z0-9_.:])-?(?:{NUMBER})$").search
_spaced_window: Final = re.compile(r"\[[ \t\r\n]*([0-9]+)[ \t]+(ms|[smhdwy])[ \t\r\n]*\]").match
_SPACES: Final = "\u00a0\u2009\u202f\u3000"


def correct(text: str) -> tuple[Change, ...] | None:
    """The changes after which `text` parses; `None` where it does already, or where they are not certain."""
    made: list[Change] = []
    current = text
    for _ in range(_MOST):
        error = _fault(current)
        if error is None:
            return merged(made) or None
        mapped = [_before(change, made) for change in _correction(current, error)]
        if not mapped or None in mapped:
            return None
        made = sorted((*made, *filter(None, mapped)))
        changes = merged(made)
        if changes is None:
            return None
        current = rewritten(text, changes)
    return None


def _fault(text: str) -> PromQLError | None:
    try:
        parse(text)
    except PromQLError as error:
        return error
    return None


def _before(change: Change, made: list[Change]) -> Change | None:
    """A change of the corrected text as one of the text before `made`; `None` where it would change a correction."""
    places: list[int] = []
    for position in (change.start, change.end):
        shift = 0
        for earlier in made:
            start = earlier.start + shift
            if position <= start:
                break
            if position < start + len(earlier.text):
                return None
            shift += len(earlier.text) - (earlier.end - earlier.start)
        places.append(position - shift)
    return Change(places[0], places[1], change.text)


def _correction(text: str, error: PromQLError) -> tuple[Change, ...]:
    """What mends the first fault of a text; nothing where that is not certain."""
    message, start, end = error.message, error.start, error.end
    found, before = text[start:end], text[:start].rstrip()
    if message.endswith('in label matching, expected "," or "}"'):
        joined = before.endswith(('"', "'", "`")) and _matcher_at(text, start)
        return (Change(len(before), len(before), ","),) if joined else ()
    if message.endswith('in label matching, expected identifier or "}"') and found == ",":
        return (Change(start, end, ""),)
    if found == "~" and message.startswith("unexpected character inside braces"):
        return (Change(start, start, "="),) if before[-1:].isalnum() or before.endswith("_") else ()
    if found == "=" and message.endswith("in label matching, expected string") and before.endswith("="):
        return (Change(start, end, ""),)
    if message.endswith('in grouping opts, expected "("'):
        word = _word_at(text, start)
        return (Change(start, start, "("), Change(word.end(), word.end(), ")")) if word else ()
    if message.endswith('in grouping opts, expected "," or ")"') and _word_at(text, start):
        return (Change(len(before), len(before), ","),)
    if found == ";" and not text[end:].strip("; \t\r\n"):
        return (Change(start, len(text.rstrip()), ""),)
    if found in _SPACES and len(found) == 1:
        return (Change(start, end, " "),)
    if message.startswith("set operator"):
        number = _number_last(found)
        return (Change(start + number.start(), end, f"vector({number[0]})"),) if number else ()
    if "in duration expression" in message:
        window = _spaced_window(text, text.rfind("[", 0, start))
        return (Change(window.end(1), window.start(2), ""),) if window else ()
    if found == "\\" and text.count('\\"') == text.count('"'):
        return tuple(Change(m.start(), m.end(), '"') for m in re.finditer(r'\\"', text))
    return ()
