"""Does a text only look like a manifest? Helm, Jinja and cookiecutter templates are not YAML yet.

Placeholders *inside* scalars are legitimate: Argo's `{{args.x}}`, ApplicationSet parameters, notification and
alert templates. What is templated is a text whose *structure* needs another program first.
"""

from __future__ import annotations

import re

_PLACEHOLDER = r"-?\s*(?:args|inputs|workflow)\."
_SUSPECT = re.compile(r"\{%|\{\{(?!" + _PLACEHOLDER + ")")
_ARGO = re.compile(r"\{\{" + _PLACEHOLDER)
_HELM = re.compile(r"\{\{-?\s*(?:\$?\.(?:Values|Release|Chart|Capabilities)\b|cookiecutter\.)")
"""Names no Argo, alert or notification template has: they give a file away even in the middle of a plain scalar."""
_BLOCK = re.compile(r"[|>](?:[+-]?[1-9]?|[1-9][+-])[ \t]*(?:#.*)?$")
_PROPERTY = re.compile(r"[&!*][^\s,\[\]{}]*")
_DASHES = re.compile(r"(?:[-?][ \t]+)*")
_PLAIN_END = re.compile(r":(?=\s|$)|\s#")
_FLOW_END = re.compile(r":(?=[\s,\[\]{}]|$)|\s#|[,\[\]{}]")


def templated(text: str) -> int | None:
    """The line (from 1) where template syntax stands in the structure of `text`, or None.

    An unquoted `value: {{args.x}}` is no template but a mistake in a manifest: None.
    """
    if "{{" not in text and "{%" not in text:
        return None
    if _SUSPECT.search(text) is None:
        return None
    return _Scan().run(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


class _Scan:
    """Follows just enough of YAML's line structure to know scalars from structure."""

    def __init__(self) -> None:
        self.block: int | None = None  # lines indented deeper than this belong to a block scalar
        self.quote = ""  # the quote of a scalar that goes on over line ends
        self.depth = 0  # of flow collections

    def run(self, lines: list[str]) -> int | None:
        for number, line in enumerate(lines, 1):
            stripped = line.strip()
            if not stripped:
                continue
            indent = len(line) - len(line.lstrip(" "))
            if self.block is not None:
                if indent > self.block and not (indent == 0 and line.startswith(("---", "..."))):
                    continue
                self.block = None
            start = indent
            if indent == 0 and (line[:3] in ("---", "...")) and line[3:4] in ("", " ", "\t"):
                self.quote, self.depth = "", 0
                indent, start = -1, 3
            elif self.quote and (end := self._quoted(line, 0)) < 0:
                continue
            elif self.quote:
                self.quote = ""
                start = end
            if self._structure(line, start, indent):
                return number
        return None

    def _quoted(self, line: str, at: int) -> int:
        """The offset behind the closing quote at or after `at`; -1 where the scalar goes on."""
        while at < len(line):
            char = line[at]
            if (char == "\\" and self.quote == '"') or (line.startswith("''", at) and self.quote == "'"):
                at += 2
            elif char == self.quote:
                return at + 1
            else:
                at += 1
        return -1

    def _structure(self, line: str, at: int, indent: int) -> bool:
        """Whether template syntax starts a node in `line` from `at` on; notes what goes on below."""
        while at < len(line) and line[at] in " \t":
            at += 1
        if not self.depth and (dashes := _DASHES.match(line, at)) and dashes.group():
            # `- key: |`: the block scalar's parent is the key; `- |`: it is the last dash.
            at = dashes.end()
            indent = at if not _BLOCK.match(line, at) else dashes.start() + len(dashes.group().rstrip()) - 1
        while at < len(line):
            char = line[at]
            if char in " \t,]}:":
                if char in "]}" and self.depth:
                    self.depth -= 1
                at += 1
            elif char == "#":
                return False
            elif char in "&!*" and (match := _PROPERTY.match(line, at)):
                at = match.end()
            elif char in "\"'":
                self.quote = char
                end = self._quoted(line, at + 1)
                if end < 0:
                    return False
                self.quote = ""
                at = end
            elif line.startswith(("{{", "{%"), at):
                if not _ARGO.match(line, at):
                    return True
                close = line.find("}}", at)
                at = close + 2 if close > 0 else len(line)
            elif char in "[{":
                self.depth += 1
                at += 1
            elif not self.depth and _BLOCK.match(line, at):
                self.block = indent
                return False
            else:
                end_of = _FLOW_END if self.depth else _PLAIN_END
                stop = end_of.search(line, at)
                end = stop.start() if stop else len(line)
                if _HELM.search(line, at, end):
                    return True
                if stop and stop.group().endswith("#"):
                    return False
                if stop and stop.group() == "{" and not line.startswith(("{{", "{%"), end):
                    # `a{b` in a flow collection is an error that the loader reports; do not count it.
                    end += 1
                at = end
        return False
