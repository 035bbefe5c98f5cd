"""Go's regular expressions (package `regexp`, RE2 syntax) as far as Python's `re` can be made to mean the same.

The patterns of manifests are names and a few wildcards. A pattern is translated construct by construct; what is not
translated here is unknown, never guessed. Errors are given in Go's words (`regexp/syntax/parse.go`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

MAX_REPEAT = 1000
"""What Go allows in `{n}`."""

MAX_OPERATORS = 3
"""Repetitions in one pattern that are still tried: Go's matcher is linear and Python's backtracks."""

MAX_OPTIONAL = 6
"""Parts that may be absent (`?`) in one such pattern: each can double the work, and no more than that."""

_REPEAT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_SAME_ESCAPES = frozenset("dDwWsSbBAntrfav")
_OTHER_ESCAPES = frozenset("pPQExC0123456789")
"""Escapes that Go has, or has under conditions, and that are not translated."""

_SIMPLE_CLASS = re.compile(r"\[\^?\]?((?:[^\]\[\\&~|]|\\[dDwWsSntrfav\]\[\\.^$*+?(){}|/-])*)\]")


class GoRegexp(NamedTuple):
    """What Go makes of a pattern: a matcher, an error, or neither where that is not known here."""

    matcher: re.Pattern[str] | None
    error: str = ""
    """What `regexp.Compile` answers, e.g. ``missing argument to repetition operator: `*` ``; `""` without a fault."""


class _UnknownSyntaxError(Exception):
    """A construct that is not translated."""


class _GoSyntaxError(Exception):
    """An error of Go's parser."""


@lru_cache(maxsize=1024)
def go_regexp(pattern: str) -> GoRegexp:
    """How `regexp.MatchString` reads `pattern`; `matcher.search` then answers as that function does."""
    try:
        return GoRegexp(re.compile(_translate(pattern), re.ASCII))
    except _GoSyntaxError as fault:
        return GoRegexp(None, str(fault))
    except (_UnknownSyntaxError, re.error, OverflowError, RecursionError):
        return GoRegexp(None)


def is_plain(pattern: str) -> bool:
    """True where a pattern has no operators, and so matches the texts that contain it."""
    return not any(c in r"\.+*?()|[]{}^$" for c in pattern)


def _translate(pattern: str) -> str:
    """The pattern in Python's syntax.

    Raises `_GoSyntaxError` where Go refuses it and `_UnknownSyntaxError` where it is not known.
    """
    out: list[str] = []
    depth = 0
    position = 0
    operators = optional = 0
    costly = False
    atom = False  # whether something stands here that can be repeated
    repeated = ""  # the repetition that has just been read
    while position < len(pattern):
        c = pattern[position]
        if c in "*+?" or (c == "{" and _REPEAT.match(pattern, position)):
            operator, end = _repetition(pattern, position)
            if not atom:
                raise _GoSyntaxError(f"missing argument to repetition operator: `{operator}`")
            if repeated:
                raise _GoSyntaxError(f"invalid nested repetition operator: `{repeated}{operator}`")
            if operator[0] == "?":
                optional += 1
            else:
                operators += 1
                costly = costly or pattern[position - 1] == ")"
            costly = costly or operators > MAX_OPERATORS or optional > MAX_OPTIONAL
            out.append(operator)
            repeated, position = operator, end
            continue
        repeated = ""
        if c == "(":
            opening, position = _group(pattern, position)
            out.append(opening)
            depth += 1
            atom = False
        elif c == ")":
            if not depth:
                raise _GoSyntaxError(f"unexpected ): `{pattern}`")
            out.append(")")
            depth -= 1
            position, atom = position + 1, True
        elif c == "|":
            out.append("|")
            position, atom = position + 1, False
        elif c == "[":
            piece, position = _class(pattern, position)
            out.append(piece)
            atom = True
        elif c == "\\":
            piece, position = _escape(pattern, position)
            out.append(piece)
            atom = True
        else:
            out.append({"^": r"(?:\A)", "$": r"(?:\Z)", ".": "."}.get(c) or re.escape(c))
            position, atom = position + 1, True
    if depth:
        raise _GoSyntaxError(f"missing closing ): `{pattern}`")
    if costly:
        raise _UnknownSyntaxError
    return "".join(out)


def _repetition(pattern: str, position: int) -> tuple[str, int]:
    """The repetition at `position`, lazy mark included, and where it ends."""
    bounds = _REPEAT.match(pattern, position)
    end = bounds.end() if bounds else position + 1
    if bounds:
        low = int(bounds[1]) if len(bounds[1]) < 9 else MAX_REPEAT + 1
        high = low if not bounds[3] else int(bounds[3]) if len(bounds[3]) < 9 else MAX_REPEAT + 1
        if max(low, high) > MAX_REPEAT or high < low:
            raise _GoSyntaxError(f"invalid repeat count: `{bounds[0]}`")
    if pattern[end : end + 1] == "?":
        end += 1
    return pattern[position:end], end


def _group(pattern: str, position: int) -> tuple[str, int]:
    if pattern[position + 1 : position + 2] != "?":
        return "(", position + 1
    if pattern.startswith("(?:", position):
        return "(?:", position + 3
    if pattern[position + 2 : position + 3] in ("=", "!", ">", "#"):
        raise _GoSyntaxError(f"invalid or unsupported Perl syntax: `{pattern[position : position + 3]}`")
    raise _UnknownSyntaxError


def _class(pattern: str, position: int) -> tuple[str, int]:
    found = _SIMPLE_CLASS.match(pattern, position)
    if found and "--" not in found[0]:
        try:
            re.compile(found[0])
        except re.error:
            raise _UnknownSyntaxError from None
        return found[0], found.end()
    if not any(c in pattern[position + 1 :] for c in "]\\-"):
        raise _GoSyntaxError(f"missing closing ]: `{pattern[position:]}`")
    raise _UnknownSyntaxError


def _escape(pattern: str, position: int) -> tuple[str, int]:
    c = pattern[position + 1 : position + 2]
    if not c:
        raise _GoSyntaxError("trailing backslash at end of expression: ``")
    if c == "z":
        return r"(?:\Z)", position + 2
    if c in "AbB":
        return rf"(?:\{c})", position + 2
    if c in _SAME_ESCAPES:
        return "\\" + c, position + 2
    if c in _OTHER_ESCAPES or not c.isascii():
        raise _UnknownSyntaxError
    if c.isalnum():
        raise _GoSyntaxError(f"invalid escape sequence: `\\{c}`")
    return re.escape(c), position + 2
