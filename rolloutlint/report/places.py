"""Where findings and edits are, in the units of each consumer: UTF-16 units, UTF-8 bytes, file names, URIs.

A `Report` counts columns in code points and edits in characters of the text. Lines end at LF, CRLF or CR, as
SARIF and GitHub count them.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from rolloutlint.finding import SettledFinding, Span
from rolloutlint.report import Options
from rolloutlint.result import Report

_LINE_END = re.compile(r"\r\n|\n|\r")


class PlacedEdit(NamedTuple):
    """An edit with both its offsets (characters, end exclusive) and its lines and columns (code points)."""

    file: str
    start: int
    end: int
    span: Span
    text: str


class Texts:
    """The texts of a report, split into lines only when a question needs it."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._starts: dict[str, list[int]] = {}

    def _lines(self, file: str) -> list[int]:
        starts = self._starts.get(file)
        if starts is None:
            starts = self._starts[file] = [0, *(m.end() for m in _LINE_END.finditer(self._sources[file]))]
        return starts

    def _before(self, file: str, line: int, column: int) -> str | None:
        """The characters left of `column` where they may be other than ASCII; `None` where units agree."""
        text = self._sources.get(file)
        if text is None or text.isascii():
            return None
        starts = self._lines(file)
        if line > len(starts):
            return None
        return text[starts[line - 1] : starts[line - 1] + column - 1]

    def utf16(self, file: str, line: int, column: int) -> int:
        """A code point column as a column of UTF-16 code units (unchanged where the text is not known)."""
        before = self._before(file, line, column)
        if before is None or before.isascii():
            return column
        return column + sum(c > "\uffff" for c in before)

    def utf8(self, file: str, line: int, column: int) -> int:
        """A code point column as a column of UTF-8 bytes (unchanged where the text is not known)."""
        before = self._before(file, line, column)
        if before is None or before.isascii():
            return column
        return column + len(before.encode("utf-8", "surrogatepass")) - len(before)

    def tight(self, file: str, span: Span) -> Span:
        """`span` without the line break it ends in: `5:1` as an end becomes the end of line 4."""
        if span.end_column > 1 or span.end_line <= span.line or file not in self._sources:
            return span
        text = self._sources[file]
        starts = self._lines(file)
        if span.end_line > len(starts):
            return span
        last = text[starts[span.end_line - 2] : starts[span.end_line - 1]].rstrip("\r\n")
        return Span(span.line, span.column, span.end_line - 1, len(last) + 1)

    def _position(self, file: str, offset: int) -> tuple[int, int]:
        starts = self._lines(file)
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def edits(self, finding: SettledFinding) -> tuple[PlacedEdit, ...]:
        """The edits of a finding's fix with lines and columns; all of them, or none if a text is not known."""
        if any(edit.source not in self._sources for edit in finding.edits):
            return ()
        return tuple(
            PlacedEdit(
                e.source,
                e.start,
                e.end,
                Span(*self._position(e.source, e.start), *self._position(e.source, e.end)),
                e.text,
            )
            for e in finding.edits
        )

    def slice(self, file: str, start: int, end: int) -> str:
        """The characters `start:end` of a known text."""
        return self._sources[file][start:end]


def pinned_file(finding: SettledFinding, report: Report, options: Options) -> str:
    """The file a finding is shown at, also for one about the workspace as a whole, which has none.

    GitHub refuses a whole upload for one result without a location.
    """
    return finding.file or options.fallback_file or next(iter(report.sources), ".rolloutlint.yaml")


def relative_path(file: str, options: Options) -> str:
    """`file` relative to `options.root` with forward slashes; unchanged (absolute) where it lies outside."""
    base = options.base or options.root
    if options.root and (os.path.isabs(file) or base != options.root):
        absolute = os.path.normpath(os.path.join(base, file))
        below = os.path.relpath(absolute, options.root)
        file = absolute if below == os.pardir or below.startswith(os.pardir + os.sep) else below
    elif not os.path.isabs(file):
        file = os.path.normpath(file)
    return file if os.sep == "/" else file.replace(os.sep, "/")


def uri(path: str) -> str:
    """A path with forward slashes as a percent-encoded URI reference; absolute paths become `file:` URIs."""
    encoded = quote(path.encode("utf-8", "surrogateescape"), safe="/-._~!$&'()*+,;=@")
    if path.startswith("/"):
        return f"file://{encoded}"
    return f"file:///{encoded}" if os.path.isabs(path) else encoded
