"""A Go text template, read only as far as is needed to find the line that printed a line of its output.

Nothing is executed. A line without actions printed itself; in any other, what stands between the actions must stand in
the output. Which of several candidates it was, the lines around it tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

_ACTION = re.compile(r"\{\{.*?\}\}")
_VALUES = re.compile(r"(?<![\w.])\$?\.Values((?:\.[A-Za-z_][\w-]*)+)")
_PRINTS = re.compile(r"\{\{-?\s*(?:toYaml|toJson|include|template|tpl|\$?\.)")
_BREAK = re.compile(r"\r\n|\n|\r")
_LONGEST = 1000
"""A longer line is data, and comparing it with patterns would take too long."""
_NEIGHBOURS = 3
_TELLING = 2
"""So many characters of a line must stand outside of its actions."""


def lines_of(text: str) -> Sequence[str]:
    """The lines of a text as editors count them, without their ends."""
    return _BREAK.split(text)


class Template:
    """The text of one template."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = lines_of(text)

    @property
    def plain(self) -> bool:
        """True where it has no actions: what it prints is what it is."""
        return "{{" not in self.text

    @cached_property
    def values(self) -> Sequence[tuple[str, ...]]:
        """The paths of all `.Values` that it names."""
        return tuple(dict.fromkeys(tuple(m[1][1:].split(".")) for m in _VALUES.finditer(self.text)))

    def values_in(self, line: int) -> Sequence[tuple[str, ...]]:
        """The paths of the `.Values` that one line (from 0) names."""
        return tuple(dict.fromkeys(tuple(m[1][1:].split(".")) for m in _VALUES.finditer(self.lines[line])))

    @cached_property
    def _patterns(self) -> Sequence[re.Pattern[str] | None]:
        return [_pattern(line.strip()) for line in self.lines]

    @cached_property
    def _printing(self) -> Sequence[int]:
        """The lines that print something: one line each, or any number where an action does it alone."""
        return [n for n, pattern in enumerate(self._patterns) if pattern is not None or _PRINTS.search(self.lines[n])]

    def find(self, output: Sequence[str], line: int, first: int) -> int | None:
        """The line (from 0) that printed `output[line]` of a document from `first` on; none where several may."""
        if line >= len(output) or not output[line].strip() or len(output[line]) > _LONGEST:
            return None
        found = self._best(
            [(self._agreement(n, output, line, first), n) for n in self._candidates(output[line].strip())]
        )
        if found is None or "range" in self.text:
            return found
        # A line that is printed once cannot have printed its likes too: those come from elsewhere.
        alike = [n for n in range(first, _end(output, first)) if self._prints(found, output[n].strip())]
        return found if self._best([(self._agreement(found, output, n, first), n) for n in alike]) == line else None

    def _candidates(self, wanted: str) -> Sequence[int]:
        return [n for n in self._printing if self._prints(n, wanted)]

    @staticmethod
    def _best(ranked: Sequence[tuple[int, int]]) -> int | None:
        """The one of the highest score, if it is the only one."""
        ranked = sorted(ranked, reverse=True)
        if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return ranked[0][1]

    def _prints(self, number: int, wanted: str) -> bool:
        pattern = self._patterns[number]
        return pattern is not None and pattern.fullmatch(wanted) is not None

    def _agreement(self, number: int, output: Sequence[str], line: int, first: int) -> int:
        """How many lines around a candidate print the lines around the output."""
        at = self._printing.index(number)
        score = 0
        for direction in (-1, 1):
            for step in range(1, _NEIGHBOURS + 1):
                ours, theirs = at + direction * step, line + direction * step
                if not (0 <= ours < len(self._printing) and first <= theirs < len(output)):
                    break
                if not self._prints(self._printing[ours], output[theirs].strip()):
                    break
                score += 1
        return score

    def line_of(self, kind: str) -> int:
        """The line (from 0) that says the kind, if there is exactly one; else the first."""
        found = [n for n, line in enumerate(self.lines) if line.strip() == f"kind: {kind}"]
        return found[0] if len(found) == 1 else 0


def _end(output: Sequence[str], first: int) -> int:
    """The line behind the document that starts at `first`."""
    return next((n for n in range(first + 1, len(output)) if output[n].startswith("---")), len(output))


def _pattern(line: str) -> re.Pattern[str] | None:
    """What a line may print; none for blank lines, comments and those that hold nothing but actions."""
    outside = _ACTION.sub("", line)
    if "{{" in outside or "}}" in outside:
        return None  # an action over several lines
    if len(outside.strip(" -:\"'")) < _TELLING:
        return None
    parts = [re.escape(part) for part in _ACTION.split(line)]
    return re.compile(".*?".join(parts))
