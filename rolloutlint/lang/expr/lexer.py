"""The tokens of a condition, as expr-lang `parser/lexer` cuts them, plus placeholders.

A placeholder that touches letters, digits or points is one `hole` together with them: `0.{{args.x}}` is one number.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from rolloutlint.lang.expr.library import NEWEST, OPERATOR_WORDS, V1_12_5, V1_17_7, Library


class ExprError(Exception):
    """The text is no expression: `message` in expr's words, `start` and `end` of the place, and `hint`, which names
    the correction where a known slip was made ("" otherwise)."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


Token: TypeAlias = tuple[str, str, int, int]
"""Kind (num, str, raw, bytes, id, op, br, hole or eof), text as written, start and end."""


def describe(token: Token) -> str:
    """`token` as expr names it in its messages.

    >>> describe(("op", "=", 0, 1))
    'Operator("=")'
    """
    kind, text, _, _ = token
    if kind == "eof":
        return "EOF"
    if kind in ("str", "raw", "bytes"):
        text = text.strip("\"'`")
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'{_KINDS[kind]}("{quoted}")'


_KINDS = {
    "num": "Number",
    "str": "String",
    "raw": "String",
    "bytes": "Bytes",
    "id": "Identifier",
    "op": "Operator",
    "br": "Bracket",
    "hole": "Placeholder",
}
_STRING = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_TOKENS = rf"""
   (?P<br>[()\[\]{{}}])
 | (?P<bytes>[bB](?:{_STRING}))
 | (?P<id>(?:[^\W\d]|\$)[\w$]*)
 | (?P<num>0[xX][0-9a-fA-F_]*(?:\.(?!\.)[0-9a-fA-F_]*)?
     | 0[oO][0-7_]* | 0[bB][01_]*
     | [0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]*)?
     | \.[0-9][0-9_]*(?:[eE][+-]?[0-9_]*)?)
 | (?P<comment>//[^\n]*|/\*.*?\*/)
 | (?P<op>\?\.|\?\?|\?|\|\||\||::|:|\.\.|\.|[&!=*<>][&=*]?|[,;%+\-^/\#])
 | (?P<str>{_STRING})
 | (?P<raw>`(?:[^`]|``)*`)
"""
_PLAIN = re.compile(rf"\s*(?:{_TOKENS} | (?P<bad>\S))", re.X | re.S)
_HOLE = r"(?P<hole>(?:[\w$.]*\{\{.*?\}\})+[\w$.]*)"
_WITH_HOLES = re.compile(rf"\s*(?:{_HOLE} | {_TOKENS} | (?P<bad>\S))", re.X | re.S)
_TYPOGRAPHIC = {
    "“": 'write straight quotes `"`',
    "”": 'write straight quotes `"`',
    "„": 'write straight quotes `"`',
    "‘": "write straight quotes `'`",
    "’": "write straight quotes `'`",
    "≥": "write `>=`",
    "≤": "write `<=`",
    "≠": "write `!=`",
    "–": "write `-`",
    "−": "write `-`",
    "×": "write `*`",
}


def tokens(text: str, library: Library = NEWEST) -> list[Token]:
    """The tokens of `text`, the last one of kind `eof`; raises `ExprError` where there is none."""
    found: list[Token] = []
    has_holes = "{{" in text
    for match in (_WITH_HOLES if has_holes else _PLAIN).finditer(text):
        kind = match.lastgroup or ""
        start, end = match.span(kind)
        token = text[start:end]
        if kind == "id":
            if token in OPERATOR_WORDS:
                kind = "op"
        elif kind == "num":
            if found and found[-1][1] == "#" and found[-1][3] == start:
                kind = "id"
            following = text[end : end + 1]
            if following and (following.isalnum() or following in "_$"):
                raise ExprError(f'bad number syntax: "{token}{following}"', start, end + 1, _unit(text, start))
        elif kind == "comment":
            if library < V1_12_5:
                raise ExprError('unexpected token Operator("/")', start, start + 1, "remove the comment")
            continue
        elif kind == "bad":
            raise _unreadable(text, start)
        elif kind == "hole":
            if "{{{" in token:
                at = start + token.index("{{{")
                raise ExprError("the placeholder begins at the first two braces", at, end, "write `{ {{`")
        elif kind == "br":
            if has_holes and text.startswith("{{", start):
                raise ExprError("the placeholder is not closed", start, len(text), "close it with `}}`")
        elif kind in ("raw", "bytes") and library < V1_17_7:
            quote = start + (kind == "bytes")
            raise ExprError(f"unrecognized character: {text[quote]!r}", quote, quote + 1, 'write `"` around strings')
        found.append((kind, token, start, end))
    found.append(("eof", "", len(text), len(text)))
    return found


def _unreadable(text: str, position: int) -> ExprError:
    character = text[position]
    if character in "\"'`":
        return ExprError("literal not terminated", position, len(text), f"close it with `{character}`")
    if text.startswith("/*", position):
        return ExprError("unclosed comment", position, len(text), "close it with `*/`")
    return ExprError(
        f"unrecognized character: U+{ord(character):04X} '{character}'",
        position,
        position + 1,
        _TYPOGRAPHIC.get(character, ""),
    )


_UNITS = re.compile(r"([0-9][0-9_.]*)(ms|us|s|m|h|d|w|k|K|M|G|Ki|Mi|Gi)\b")
_SECONDS = {"ms": 0.001, "us": 0.000001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _unit(text: str, position: int) -> str:
    """A number with a unit: durations are plain numbers here."""
    match = _UNITS.match(text, position)
    if match is None:
        return ""
    seconds = _SECONDS.get(match[2])
    try:
        number = float(match[1])
    except ValueError:
        return ""
    if seconds is None:
        return "write the plain number, without a unit"
    return f"write the plain number: {match[0]} is {number * seconds:g} seconds"


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.S)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def unquote(literal: str, start: int, *, binary: bool = False) -> str:
    """The value of a quoted literal that stands at `start`; raises `ExprError` at an escape that expr does not know."""
    body = literal[1:-1]
    if "\\" not in body:
        return body

    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in _SIMPLE:
            return _SIMPLE[escape]
        if escape == literal[0]:
            return escape
        digits = ""
        if escape[0] == "u" and escape[1:2] == "{":
            digits = "" if binary else escape[2:-1]
        elif len(escape) > 1 and (escape[0] == "x" or (escape[0] in "uU" and not binary)):
            digits = escape[1:]
        elif len(escape) == 3:
            return chr(int(escape, 8))
        if digits and int(digits, 16) <= 0x10FFFF:
            return chr(int(digits, 16))
        raise ExprError("invalid char escape", start + match.start() + 1, start + match.end() + 1, "write `\\\\`")

    return _ESCAPE.sub(one, body)
