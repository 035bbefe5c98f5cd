"""jq itself, for the `jqPathExpressions` that our own reading of jq paths does not evaluate.

Argo CD runs gojq; here runs the C program of PyPI's `jq`, an optional dependency, in a process of its own with limits
to time and memory. Where the two are known to differ (gojq `README.md`, "Difference to jq") there is no answer: only
words on which they agree are let through, and only failures that both have.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import subprocess

Evaluate: TypeAlias = Callable[[str, Any], Any]
"""Expression, manifest -> what `del(expression)` leaves of it; `None` where that is unknown."""

SECONDS = 1.0
"""For one expression on one manifest, as in Argo CD (`DefaultJQExecutionTimeout`)."""
MEMORY = 512 * 1024 * 1024
_PATIENCE = 10.0
"""Seconds until a process that neither answers nor ends is ended."""
_MAX_EXPRESSION = 10_000
_MAX_MANIFEST = 1024 * 1024
"""Characters of JSON; an object of Kubernetes is hardly larger."""
_EXACT = 2**53


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AGREED = _words(
    """IN add all and any arrays as ascii_downcase ascii_upcase booleans break catch contains def del delpaths elif else
    empty end endswith false first flatten foreach from_entries getpath group_by has if in inside isempty iterables join
    keys label last length ltrimstr map map_values max max_by min min_by not null nulls numbers objects or path paths
    range recurse reduce reverse rtrimstr scalars select setpath sort sort_by startswith strings then to_entries true
    try type unique unique_by values walk with_entries"""
)
"""Not here, because they differ: regular expressions (other engines), times, mathematics beyond arithmetic, formats,
what reads input, environment or modules, and what one of the two does not have."""
_ORDERED = _words("add first foreach from_entries join last reduce to_entries with_entries")
"""What shows the order in which the keys of an object came: gojq always has them sorted, as the manifest is here."""
_FAIL_ALIKE = re.compile(r"Cannot iterate over (?:null|number|boolean)\b")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*")
      | (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
      | (?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)
      | (?P<definition>def\s+(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*:)
      | (?P<key>[A-Za-z_][A-Za-z0-9_]*(?=\s*:(?!:)))
      | (?P<word>[A-Za-z_][A-Za-z0-9_:]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def is_installed() -> bool:
    """Whether jq can be asked at all: it is an extra, and needs limits that only Unix has."""
    if os.name != "posix":
        return False
    from importlib.util import find_spec

    return find_spec("jq") is not None


def is_agreed(expression: str) -> bool:
    """Whether jq and gojq are known to read an expression the same way."""
    if len(expression) > _MAX_EXPRESSION:
        return False
    defined: set[str] = set()
    words: set[str] = set()
    makes_objects = False
    for match in _TOKEN.finditer(expression):
        kind, text = match.lastgroup, match.group()
        if match["name"]:
            defined.add(match["name"])
        elif kind == "string" and "\\(" in text:
            return False
        elif kind == "variable":
            if text.startswith("$__") or text == "$ENV":
                return False
        elif kind == "word":
            words.add(text)
        elif kind == "other":
            if text in '@#"\\':
                return False
            makes_objects = makes_objects or text == "{"
    if makes_objects and words & _ORDERED:
        return False
    return words <= (_AGREED | defined) and _is_closed(expression)


def _is_closed(expression: str) -> bool:
    """Whether parentheses close what they opened, so that the expression stays inside `del(...)`."""
    depth = 0
    for match in _TOKEN.finditer(expression):
        if match.lastgroup == "other":
            depth += {"(": 1, ")": -1}.get(match.group(), 0)
            if depth < 0:
                return False
    return depth == 0


@contextmanager
def evaluator() -> Iterator[Evaluate | None]:
    """A function that asks jq; `None` where jq is not installed. Its process starts when it is first needed."""
    if not is_installed():
        yield None
        return
    asked = _Asked()
    try:
        yield asked
    finally:
        asked.close()


class _Asked:
    """Asks a process, starts another one when it ended, and remembers the answers."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._answers: dict[tuple[str, str], Any] = {}

    def __call__(self, expression: str, manifest: Any) -> Any:
        if not is_agreed(expression) or not _is_exact(manifest):
            return None
        try:
            text = json.dumps(manifest, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            return None
        if len(text) > _MAX_MANIFEST:
            return None
        key = expression, text
        if key not in self._answers:
            self._answers[key] = self._ask(expression, manifest)
        return self._answers[key]

    def _ask(self, expression: str, manifest: Any) -> Any:
        answer = self._exchange(json.dumps([expression, manifest], sort_keys=True))
        if not isinstance(answer, list) or len(answer) != 2:
            self.close()
            return None
        kind, value = answer
        if kind == "value":
            return value if isinstance(value, dict) else None
        if kind == "failed" and isinstance(value, str) and _FAIL_ALIKE.match(value):
            return manifest  # Argo CD skips an expression that fails
        return None

    def _exchange(self, line: str) -> Any:
        """One line there and one back; `None` where the process ended or took too long."""
        import select

        process = self._process
        if process is None or process.poll() is not None:
            self.close()
            process = self._process = _start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _PATIENCE)
            return json.loads(process.stdout.readline()) if ready else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _close(pipe)


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        try:
            pipe.close()
        except OSError:  # what was still to be written to a process that ended
            return


def _start() -> subprocess.Popen[str]:
    import subprocess

    child = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jq_child.py")
    environment: Mapping[str, str] = {"LC_ALL": "C.UTF-8"}
    return subprocess.Popen(
        [sys.executable, "-I", child, str(SECONDS), str(MEMORY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
        close_fds=True,
    )


def _is_exact(value: Any) -> bool:
    """Whether jq keeps every number of a value as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_exact(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_exact, value))
    return not isinstance(value, int) or abs(value) < _EXACT
