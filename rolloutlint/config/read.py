"""Reads a configuration file into plain values that know where they were written."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import yaml

from rolloutlint.config.find import toml_loads
from rolloutlint.errors import UsageError
from rolloutlint.finding import Path

_TABLE = "tool.rolloutlint"


@dataclass(frozen=True, slots=True)
class Written:
    """The values of a configuration file, as JSON would hold them, and their places."""

    values: dict[str, Any]
    text: str
    nodes: dict[Path, tuple[yaml.Node | None, yaml.Node]] = field(default_factory=dict)
    """Path -> (key node, value node); empty for TOML, whose parser keeps no places."""

    def locate(self, path: Path, part: Literal["key", "value"]) -> tuple[int, int]:
        """Line and column, from 1, of the key or value at `path`, or of the nearest thing around it.

        In TOML it is the line on which the innermost key of `path` is set, found by searching, and column 1.
        """
        if not self.nodes:
            return _search_toml(self.text, path), 1
        while path not in self.nodes:
            path, part = path[:-1], "value"
        key, value = self.nodes[path]
        mark = (key if part == "key" and key is not None else value).start_mark
        return mark.line + 1, mark.column + 1

    def raw(self, path: Path) -> str:
        """The scalar at `path` as it stands in the file, or `""` where that is not known."""
        value = self.nodes[path][1] if path in self.nodes else None
        return value.value if isinstance(value, yaml.ScalarNode) else ""

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
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise UsageError(f"config: {path}:{where}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"config: {path}: not YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        return Written({}, text)
    nodes: dict[Path, tuple[yaml.Node | None, yaml.Node]] = {}
    values = _value(path, root, (), None, nodes)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise UsageError(f"config: {path}:{_at(root)}: the file must hold a mapping such as `profile: strict`")
    return Written(values, text, nodes)


def _value(
    path: str,
    node: yaml.Node,
    at: Path,
    key: yaml.Node | None,
    nodes: dict[Path, tuple[yaml.Node | None, yaml.Node]],
) -> Any:
    """The value of `node`, which is entered into `nodes`. Anything this deep or this odd is refused."""
    if len(at) > 8:
        raise UsageError(f"config: {path}:{_at(node)}: nested too deeply: no setting is")
    nodes[at] = (key, node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, item, (*at, i), None, nodes) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node)
    values: dict[str, Any] = {}
    for name, item in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise UsageError(f"config: {path}:{_at(name)}: a key must be a plain string")
        if name.value in values:
            raise UsageError(f"config: {path}:{_at(name)}: `{name.value}` is set twice: remove one")
        values[name.value] = _value(path, item, (*at, name.value), name, nodes)
    return values


def _scalar(node: yaml.Node) -> Any:
    try:
        value: Any = yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        return node.value
    return value if value is None or isinstance(value, (bool, int, float)) else str(node.value)


def _at(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"


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
    """TOML values as JSON has them: dates become ISO strings."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
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
