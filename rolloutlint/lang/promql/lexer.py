"""The words of PromQL: the regular expressions, strings, numbers and durations, and what an error calls a token.

Mirrors prometheus `promql/parser/lex.go` and `common/model/time.go`. The parser reads the text with these
expressions directly; there is no list of tokens. None of them can backtrack more than linearly. A placeholder
(`{{...}}`, see `rolloutlint.lang.placeholder`) is a word of its own, glued to what touches it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["syntax", "type", "function", "depth"]


class PromQLError(Exception):
    """Prometheus refuses the expression.

    `start` and `end` are characters of the text that was parsed. `kind` tells a fault of the grammar (`syntax`)
    from one of the types (`type`), from a function that does not exist (`function`) and from an expression nested
    deeper than this parser follows (`depth`: Prometheus itself may take it).
    """

    def __init__(self, message: str, start: int, end: int, hint: str = "", kind: Kind = "syntax") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint
        self.kind: Kind = kind


SPACE = r"[ \t\r\n]*(?:\#[^\r\n]*(?:[\r\n][ \t\r\n]*|\Z))*"
WORD = r"[A-Za-z_:][A-Za-z0-9_:]*"
LABEL = r"[A-Za-z_][A-Za-z0-9_]*"
DURATION = r"(?:[0-9]+(?:ms|[smhdwy]))+"
HOLE = r"\{\{[^}]*(?:\}(?!\})[^}]*)*\}\}"
SHORT_HOLE = r"\{\{[^{}]{0,200}\}\}"
NUMBER = r"(?:0[xX][0-9A-Za-z_]*|\.?[0-9][0-9_.]*(?:[eE][-+]?[0-9_.]*)?[A-Za-z0-9_]*)"
# A string without escapes, in which a brace stands only as a placeholder of plain words: nearly every string.
PLAIN = r"[^{0}\\\n{{]*(?:\{{\{{[A-Za-z0-9_.\- ]*\}}\}}[^{0}\\\n{{]*)*"
STRING = f'"(?:{PLAIN.format(chr(34))})"|' + f"'(?:{PLAIN.format(chr(39))})'"
OPERATOR = r"==|!=|<=|>=|</|>/|[-+*/%^<>]"
MATCH_OPERATOR = r"=~|!~|!=|="

_SPACE = re.compile(SPACE).match
_HOLE = re.compile(HOLE).match
_GLUED = re.compile(rf"(?:[0-9.]+[eE][-+](?=\{{\{{))?(?:[A-Za-z0-9_:.]|{HOLE})+").match
_GLUED_IN_BRACKETS = re.compile(rf"(?:[A-Za-z0-9_.]|{HOLE})+").match
_NUMERIC = re.compile(rf"(?:[0-9.]|[0-9.][eE][-+]?|{HOLE})+").fullmatch
_TOKEN = re.compile(rf"({WORD})|({NUMBER})|(=~|!~|==|!=|<=|>=|</|>/|[-+*/%^=<>(){{}}\[\],@:])").match
_TEXT = {'"': re.compile(r'[^"\\\n{]*').match, "'": re.compile(r"[^'\\\n{]*").match, "`": re.compile(r"[^`{]*").match}
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))").match
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_DECIMAL = re.compile(rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][-+]?{_DIGITS})?").fullmatch
_HEXADECIMAL = re.compile(r"0[xX](?:_?[0-9a-fA-F])+").fullmatch
_OCTAL = re.compile(r"0(?:_?[0-7])+").fullmatch
_PARTS = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
).fullmatch
_SECONDS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_LONGEST_MS = (1 << 63) // 1_000_000
_GREATEST_INTEGER = (1 << 63) - 1

KEYWORDS = frozenset(
    {"offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "start", "end", "step", "range"}
)
WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
NO_METRIC = frozenset({"bool", "on", "ignoring", "group_left", "group_right", "atan2"})
"""Keywords that may not name a metric (`metric_identifier` of `generated_parser.y`)."""


class Value(NamedTuple):
    """What a number or duration stands for; `fault` is the error of Prometheus, or empty."""

    value: float
    is_duration: bool
    fault: str


@lru_cache(maxsize=1024)
def literal(token: str) -> Value:
    """A number (`1_000`, `0x1F`, `.5e-3`) or a duration (`1h30m`, in seconds)."""
    if re.fullmatch(DURATION, token):
        parts = _PARTS(token)
        if parts is None:
            return Value(0.0, True, f'not a valid duration string: "{shortened(token)}"')
        total = 0
        for amount, unit in zip(parts.groups(), _SECONDS, strict=True):
            if amount:
                if len(amount.lstrip("0")) > 19:
                    return Value(0.0, True, "duration out of range")
                total += int(amount) * unit
        if total > _LONGEST_MS:
            return Value(0.0, True, "duration out of range")
        return Value(total / 1000, True, "")
    digits = token.replace("_", "")
    if _HEXADECIMAL(token):
        number = int(digits, 16)
        fault = f'error parsing number: "{shortened(token)}" is out of range' if number > _GREATEST_INTEGER else ""
        return Value(0.0 if fault else float(number), False, fault)
    if not _DECIMAL(token):
        return Value(0.0, False, f'bad number or duration syntax: "{shortened(token)}"')
    if _OCTAL(token) and int(digits, 8) <= _GREATEST_INTEGER:
        return Value(float(int(digits, 8)), False, "")
    value = float(digits)
    if value == float("inf"):
        return Value(0.0, False, f'error parsing number: "{shortened(token)}" is out of range')
    return Value(value, False, "")


def shortened(word: str) -> str:
    """The word as a message shows it."""
    return word if len(word) <= 80 else word[:79] + "…"


def skip_space(text: str, position: int) -> int:
    """The offset of the first character at or after `position` that is neither space nor comment."""
    found = _SPACE(text, position)
    return found.end() if found else position


def hole(text: str, position: int) -> int:
    """The end of the placeholder that opens at `position`; raises where it never closes or opens with three braces."""
    found = _HOLE(text, position)
    if found is None:
        raise PromQLError("the placeholder is never closed", position, position + 2, "close it with `}}`")
    if text.startswith("{", position + 2):
        inner = text[position + 3 : found.end() - 2].strip()
        raise PromQLError(
            f'unexpected "{{" in a placeholder: its name would be "{{{inner}"',
            position,
            found.end(),
            f"the first two braces open the placeholder; write `{{ {{{{{inner}}}}} }}`",
        )
    return found.end()


def glued(text: str, start: int, in_brackets: bool = False) -> int:
    """The end of a word that holds placeholders: `http_{{args.a}}_total`, `{{args.n}}m`."""
    found = (_GLUED_IN_BRACKETS if in_brackets else _GLUED)(text, start)
    end = found.end() if found else start
    position = text.find("{{", start)
    if position >= end:
        hole(text, position)
    while 0 <= position < end:
        position = text.find("{{", hole(text, position), end)
    return end


def is_numeric(word: str) -> bool:
    """Whether a word with placeholders may be a number: `{{args.x}}`, `0.{{args.digits}}`."""
    return _NUMERIC(word) is not None


def string(text: str, start: int) -> tuple[str, int]:
    """The value of the string literal that opens at `start`, and where it ends. A placeholder in it stays as it is."""
    quote = text[start]
    read = _TEXT[quote]
    parts: list[str] = []
    position = start + 1
    while True:
        found = read(text, position)
        end = found.end() if found else position
        parts.append(text[position:end])
        position = end
        char = text[position : position + 1]
        if char == quote:
            return "".join(parts), position + 1
        if char == "{":
            close = text.find("}}", position + 2) if text.startswith("{{", position) else -1
            end = close + 2 if close >= 0 else position + 1
            parts.append(text[position:end])
            position = end
        elif char == "\\":
            value, position = _escape(text, start, position)
            parts.append(value)
        else:
            what = "unterminated raw string" if quote == "`" else "unterminated quoted string"
            raise PromQLError(what, start, position)


def _escape(text: str, start: int, position: int) -> tuple[str, int]:
    found = _ESCAPE(text, position)
    char = text[position + 1 : position + 2]
    if found is None or (char in "\"'" and char != text[start]):
        if not char:
            raise PromQLError("escape sequence not terminated", start, position + 1)
        if char in "01234567xuU":
            raise PromQLError("illegal character in escape sequence", position, position + 2)
        raise PromQLError(f"unknown escape sequence U+{ord(char):04X} '{char}'", position, position + 2)
    plain, octal, *hexadecimal = found.groups()
    if plain:
        return _ESCAPED.get(plain, plain), found.end()
    code = int(octal, 8) if octal else int(next(digits for digits in hexadecimal if digits), 16)
    if code > (255 if octal else 0x10FFFF) or 0xD800 <= code < 0xE000:
        raise PromQLError("escape sequence is an invalid Unicode code point", position, found.end())
    return chr(code), found.end()


class Token(NamedTuple):
    """A token as an error names it."""

    name: str
    start: int
    end: int


def token(text: str, position: int, within: str = "") -> Token:
    """The token at `position` (no space before it) in the words of `Item.desc`; raises what the lexer would.

    `within` is `{` inside braces, `[` inside brackets.
    """
    if position >= len(text):
        return Token("end of input", len(text), len(text))
    char = text[position]
    if char in "\"'`":
        end = string(text, position)[1]
        quoted = shortened(text[position:end]).replace("\\", "\\\\").replace('"', '\\"')
        return Token(f'string "{quoted}"', position, end)
    if text.startswith("{{", position):
        end = glued(text, position)
        return Token(f'placeholder "{shortened(text[position:end])}"', position, end)
    found = _TOKEN(text, position)
    if found is None:
        where = " inside braces" if within == "{" else " in duration expression" if within == "[" else ""
        if char == "!":
            where, char = f" after '!'{where}", text[position + 1 : position + 2]
        raise PromQLError(f"unexpected character{where}: '{_printed(char)}'", position, position + 1)
    word, number, operator = found.groups()
    end = found.end()
    if word:
        if within == "{":
            word = word.partition(":")[0]
            if not word:
                raise PromQLError("unexpected character inside braces: ':'", position, position + 1)
            end = position + len(word)
            return Token(f'identifier "{shortened(word)}"', position, end)
        if within == "[" and char != ":":
            raise PromQLError(f"unexpected character in duration expression: '{char}'", position, end)
        return Token(_word_name(word), position, end)
    if number:
        if within == "{":
            raise PromQLError(f"unexpected character inside braces: '{char}'", position, position + 1)
        value = literal(number)
        if value.fault:
            raise PromQLError(value.fault, position, end)
        return Token(f'{"duration" if value.is_duration else "number"} "{shortened(number)}"', position, end)
    if within == "{" and char == "{":
        raise PromQLError("unexpected left brace '{'", position, position + 1)
    if within == "{" and char not in "},=!":
        raise PromQLError(f"unexpected character inside braces: '{char}'", position, position + 1)
    if within == "{" and operator == "==":
        return Token('"="', position, position + 1)
    if not within:
        if char == "}":
            raise PromQLError("unexpected character: '}'", position, end)
        if char == "]":
            raise PromQLError("unexpected right bracket ']'", position, end)
        if operator in ("=~", "!~"):
            raise PromQLError(f"unexpected character after '{char}': '~'", position, end)
    name = f"<op:{operator}>" if operator in _OPERATORS else f'"{operator}"'
    return Token(name, position, end)


def _printed(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode().replace("\\x", "\\u00")


_OPERATORS = frozenset({"-", "+", "*", "%", "/", "==", "!=", "<=", "<", ">=", ">", "</", ">/", "^", "@"})


def _word_name(word: str) -> str:
    low = word.lower()
    if low in ("inf", "nan"):
        return f'number "{word}"'
    if low in WORD_OPERATORS:
        return f"<op:{low}>"
    if low in KEYWORDS:
        return f"<{low}>"
    return f'{"metric identifier" if ":" in word else "identifier"} "{shortened(word)}"'


_OPENERS = {")": "(", "]": "[", "}": "{"}
_STEP = re.compile(rf"[^\"'`#(){{}}\[\]]+|\#[^\r\n]*|{SHORT_HOLE}|[(){{}}\[\]]|[\"'`]").match


def unclosed(text: str) -> list[int]:
    """The offsets of the `(`, `[` and `{` that nothing closes, in order; brackets that do not match are skipped."""
    stack: list[int] = []
    position = 0
    while position < len(text):
        found = _STEP(text, position)
        if found is None:
            position += 1
            continue
        char = text[position]
        position = found.end()
        if char in "\"'`":
            try:
                position = string(text, found.start())[1]
            except PromQLError:
                break
        elif char in "([" or (char == "{" and found.end() - found.start() == 1):
            stack.append(found.start())
        elif char in _OPENERS and stack and text[stack[-1]] == _OPENERS[char]:
            stack.pop()
    return stack
