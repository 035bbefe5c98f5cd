"""Reads a configuration file into plain values that know where they were written."""

from __future__ import annotations

import math
import os
import re
from datetime import date
from typing import Any, Literal, NamedTuple

from rolloutlint.config.find import toml_loads
from rolloutlint.errors import UsageError
from rolloutlint.finding import Path
from rolloutlint.source import Document, Limits, Node, Problem, Source, load, locate, mark, node_at, to_span

_TABLE = "tool.rolloutlint"
_LIMITS = Limits(depth=8, expanded_nodes=100_000)
"""No setting is nested deeper, and a pull request can change the file."""


class Written(NamedTuple):
    """The values of a configuration file, as JSON would hold them, and their places."""

    values: dict[str, Any]
    text: str
    source: Source | None = None
    root: Node | None = None
    """The marked document; `None` for TOML, whose parser keeps no places."""

    def locate(self, path: Path, part: Literal["key", "value"]) -> tuple[int, int]:
        """Line and column, from 1, of the key or value at `path`, or of the nearest thing around it.

        In TOML it is the line on which the innermost key of `path` is set, found by searching, and column 1.
        """
        if self.source is None or self.root is None:
            return _search_toml(self.text, path), 1
        place = locate(self.source, self.root, path, part)
        start = to_span(self.source, place.start, place.start)
        return start.line, start.column

    def raw(self, path: Path) -> str:
        """The scalar at `path` as it stands in the file, or `""` where that is not known."""
        node = node_at(self.root, path) if self.root else None
        return node.value if node is not None and node.kind == "scalar" else ""

    def line_end(self, line: int) -> int:
        """The column after the last character of `line` that is not white space."""
        lines = self.text.splitlines()
        return len(lines[line - 1].rstrip()) + 1 if 0 < line <= len(lines) else 1


def read(path: str) -> Written:
    """The configuration in the file at `path`: YAML, or the table `[tool.rolloutlint]` of a `*.toml`.

    Raises `UsageError` where the file cannot be read, is not UTF-8, does not parse or is no mapping.
    """
    try:
        with open(path, "rb") as handle:
            text = handle.read().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"config: {path}: cannot read it: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"config: {path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    return _read_toml(path, text) if os.path.splitext(path)[1] == ".toml" else _read_yaml(path, text)


def _read_yaml(path: str, text: str) -> Written:
    source = Source(path, text)
    documents: list[Document] = []
    for item in load(source, _LIMITS):
        if isinstance(item, Problem):
            span = item.at.span
            where = f"{span.line}:{span.column}" if span else "1:1"
            raise UsageError(f"config: {path}:{where}: {_refusal(item)}")
        documents.append(item)
    if not documents:
        return Written({}, text)
    if len(documents) > 1:
        line = to_span(source, documents[1].start, documents[1].start).line
        raise UsageError(f"config: {path}:{line}:1: not YAML: a configuration file holds one document only")
    values, root = documents[0].value, mark(source, documents[0].start, documents[0].end)
    if not isinstance(values, dict):
        start = to_span(source, root.start, root.start) if root else to_span(source, 0, 0)
        raise UsageError(
            f"config: {path}:{start.line}:{start.column}: the file must hold a mapping such as `profile: strict`"
        )
    return Written(values, text, source, root)


def _refusal(problem: Problem) -> str:
    if problem.kind == "duplicate-key":
        return f"`{problem.message}` is set twice: remove one"
    if problem.kind == "key":
        return "a key must be a plain string"
    if problem.kind in ("limit", "cyclic-alias"):
        return "nested too deeply: no setting is"
    return f"not YAML: {problem.message}"


def _read_toml(path: str, text: str) -> Written:
    try:
        tool = toml_loads(text).get("tool")
    except ValueError as error:
        where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = f":{where[1]}:{where[2]}" if where else ""
        what = re.sub(r" \(at .*\)$", "", str(error))
        raise UsageError(f"config: {path}{place}: not TOML: {what}") from None
    values = tool.get("rolloutlint", {}) if isinstance(tool, dict) else {}
    if not isinstance(values, dict):
        raise UsageError(f"config: {path}:{_search_toml(text, ())}:1: `{_TABLE}` must be a table")
    return Written(_plain(values), text)


def _plain(value: Any) -> Any:
    """TOML values as JSON has them: dates become ISO strings, and so do `inf` and `nan` become strings."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _search_toml(text: str, path: Path) -> int:
    """The line that sets the key at `path`, by looking for `[tables]` and `key =`; a wrong guess is near."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip().startswith(f"[{_TABLE}")), 0)
    found = _header(lines, (), 0) or start + 1
    table = found
    for depth, item in enumerate(path):
        if isinstance(item, int):
            continue
        index = path[depth + 1] if depth + 1 < len(path) else 0
        header = _header(lines, path[: depth + 1], index if isinstance(index, int) else 0)
        if header:
            found = table = header
            continue
        key = re.compile(rf"(?:^|[{{,.])\s*[\"']?{re.escape(item)}[\"']?\s*(?:=|\.)")
        hits = (n for n, line in enumerate(lines[table - 1 :], table) if key.search(line))
        found = next(hits, found)
    return found


def _header(lines: list[str], path: Path, index: int) -> int:
    name = ".".join((_TABLE, *(p for p in path if isinstance(p, str))))
    wanted = (f"[{name}]", f"[[{name}]]")
    hits = [n for n, line in enumerate(lines, 1) if line.split("#")[0].strip() in wanted]
    return hits[min(index, len(hits) - 1)] if hits else 0
