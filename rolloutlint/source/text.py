"""Texts: decoding bytes, limits, and lines and columns from character offsets.

Lines end with LF, CRLF or CR, as editors and GitHub count them; libyaml also breaks lines at U+0085, U+2028 and
U+2029, which is why its offsets are used here and never its line numbers.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal, NamedTuple

from rolloutlint.finding import DocumentId, Place, Related, Span
from rolloutlint.source.scalars import GO_YAML_V2, ScalarTable

ProblemKind = Literal[
    "syntax",
    "duplicate-key",
    "limit",
    "encoding",
    "binary",
    "cyclic-alias",
    "key",
    "unsupported-value",
    "tag",
]


class Limits(NamedTuple):
    """What one file may ask of the reader. Beyond it the document is refused, loudly."""

    bytes: int = 64 * 1024 * 1024
    depth: int = 200
    """Nesting; go-yaml stops at 10,000, real manifests stay below 40."""
    expanded_nodes: int = 500_000
    """Nodes of one document after aliases are followed; go-yaml has a ratio of its own, also against bombs."""


LIMITS = Limits()


class Source(NamedTuple):
    """A text from any producer: a file, standard input, a renderer."""

    name: str
    """As shown to the user, with forward slashes."""
    text: str
    digest: bytes = b""
    """blake2b of the raw bytes."""
    path: str = ""
    """Path on disk; `""` if it has none."""
    typing: ScalarTable = GO_YAML_V2

    def __repr__(self) -> str:
        return f"Source(name={self.name!r}, path={self.path!r})"


class Problem(NamedTuple):
    """Something wrong with a text itself. `fatal`: the document (or the whole source) is lost."""

    kind: ProblemKind
    message: str
    at: Place
    related: tuple[Related, ...] = ()
    fatal: bool = True


_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(
    raw: bytes, name: str, path: str = "", typing: ScalarTable = GO_YAML_V2, limits: Limits = LIMITS
) -> Source | Problem:
    """The text of `raw` as the cluster's reader decodes it: UTF-8 (its mark removed), or UTF-16/32 by its mark."""
    document = DocumentId(name, 0)
    if len(raw) > limits.bytes:
        message = f"is {len(raw)} bytes, more than the {limits.bytes} that are read"
        return Problem("limit", message, Place(document, span=Span(1, 1, 1, 1)))
    digest = blake2b(raw, digest_size=16).digest()
    for mark, encoding in _WIDE:
        if raw.startswith(mark):
            try:
                return Source(name, raw[len(mark) :].decode(encoding), digest, path, typing)
            except UnicodeDecodeError as error:
                return _undecodable(
                    document, f"is not {encoding[:6].upper()}", raw[: error.start].decode(encoding, "ignore")
                )
    body = raw.removeprefix(codecs.BOM_UTF8)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        good = body[: error.start].decode("utf-8", "ignore")
        if b"\0" in raw:
            return _undecodable(document, "is binary, no text", good, "binary")
        return _undecodable(document, f"is not UTF-8: byte 0x{body[error.start]:02x}", good)
    if "\0" in text:
        return _undecodable(
            document, "holds a NUL character: it is binary, no text", text[: text.index("\0")], "binary"
        )
    return Source(name, text, digest, path, typing)


def _undecodable(document: DocumentId, message: str, good: str, kind: ProblemKind = "encoding") -> Problem:
    line, column = _position(_starts(good), len(good))
    return Problem(kind, message, Place(document, span=Span(line, column, line, column + 1)))


_BREAK = re.compile(r"\r\n|\n|\r")


def _starts(text: str) -> Sequence[int]:
    return [0, *(m.end() for m in _BREAK.finditer(text))]


@lru_cache(maxsize=4)
def line_starts(text: str) -> Sequence[int]:
    """Offsets at which the lines of `text` start."""
    return _starts(text)


def _position(starts: Sequence[int], offset: int) -> tuple[int, int]:
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def to_span(source: Source, start: int, end: int) -> Span:
    """Lines and columns (from 1, in code points) of the characters `start:end`."""
    starts = line_starts(source.text)
    return Span(*_position(starts, start), *_position(starts, end))


def line_text(source: Source, number: int) -> str:
    """Line `number` (from 1) without its line end; `""` past the end of the text."""
    starts = line_starts(source.text)
    if not 1 <= number <= len(starts):
        return ""
    end = starts[number] if number < len(starts) else len(source.text)
    return source.text[starts[number - 1] : end].rstrip("\r\n")


def offset_of(source: Source, line: int, column: int) -> int:
    """The character offset of a line and column (from 1), clamped to the text."""
    starts = line_starts(source.text)
    return min(starts[min(line, len(starts)) - 1] + column - 1, len(source.text))
