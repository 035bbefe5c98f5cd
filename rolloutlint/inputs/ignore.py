"""`.gitignore` files, `.git/info/exclude` and our own exclude patterns, as git applies them.

`pathspec` is imported only when there is a pattern to compile. Whoever walks must prune ignored directories:
git never looks into them, so that nothing below can be included again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rolloutlint.errors import UsageError
from rolloutlint.inputs.files import read_path

if TYPE_CHECKING:
    _Pattern = tuple[re.Pattern[str], bool]

_IGNORE_FILE_LIMIT = 4 * 1024 * 1024


class Patterns:
    """The patterns of one file, relative to the directory `base` (absolute)."""

    __slots__ = ("_cut", "_for_directories", "_for_files", "base")

    def __init__(self, base: str, lines: Iterable[str]) -> None:
        """Raises `ValueError` for a line that git's syntax does not know."""
        from pathspec import GitIgnoreSpec

        self.base = base
        self._cut = len(base) if base.endswith(os.sep) else len(base) + 1
        self._for_files: list[_Pattern] = []
        self._for_directories: list[_Pattern] = []
        for line in lines:
            for pattern in GitIgnoreSpec.from_lines([line]).patterns:
                regex, include = getattr(pattern, "regex", None), pattern.include
                if regex is None or include is None:
                    continue
                self._for_directories.insert(0, (regex, include))
                if not line.rstrip().endswith("/"):
                    self._for_files.insert(0, (regex, include))

    def verdict(self, path: str, is_dir: bool) -> bool | None:
        """True: ignored, False: included again by a `!` pattern, None: no pattern speaks of it."""
        relative = path[self._cut :]
        patterns = self._for_files
        if is_dir:
            relative += "/"
            patterns = self._for_directories
        for regex, include in patterns:
            if (match := regex.search(relative)) is None:
                continue
            # pathspec's expressions also match what lies below a directory they name; the slash behind that
            # directory is the group ps_d. git asks about one entry at a time, which differs as soon as there is
            # a `!`: `*.yaml` and `!keep` still leave keep/a.yaml out.
            if "ps_d" not in regex.groupindex or match["ps_d"] is None:
                return include
            if is_dir and any(m.end("ps_d") == len(relative) for m in regex.finditer(relative)):
                return include
        return None


Chain = tuple[Patterns, ...]
"""Patterns that apply in a directory, weakest first."""


def ignored(chain: Chain, path: str, is_dir: bool) -> bool:
    """Whether git would ignore the absolute `path`, given that it ignores none of its parents."""
    for patterns in reversed(chain):
        verdict = patterns.verdict(path, is_dir)
        if verdict is not None:
            return verdict
    return False


def compile_excludes(lines: Sequence[str], base: str) -> Chain:
    """Our own exclude patterns. Raises `UsageError` for one that git's syntax does not know."""
    lines = [line for line in lines if line.strip()]
    for line in lines:
        if not _valid(line):
            raise UsageError(f"exclude pattern `{line}` is not valid: write it as in a .gitignore")
    return (Patterns(base, lines),) if lines else ()


def load(file: str, base: str) -> Chain:
    """The patterns in the ignore file `file` (absolute), which speak of what is below `base`.

    Empty where the file holds none or cannot be read. Lines that git's syntax does not know are passed over,
    as git does.
    """
    data = read_path(file, file, _IGNORE_FILE_LIMIT)
    if not isinstance(data, bytes):
        return ()
    text = os.fsdecode(data.removeprefix(b"\xef\xbb\xbf"))
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        return ()
    try:
        return (Patterns(base, lines),)
    except ValueError:
        return (Patterns(base, filter(_valid, lines)),)


def _valid(line: str) -> bool:
    try:
        Patterns("", (line,))
    except ValueError:
        return False
    return True


def info_exclude(git_root: str) -> str:
    """The path of `info/exclude` for the work tree `git_root`; linked work trees share the main one's.

    See gitrepository-layout(5): `.git` may be a file `gitdir: <path>`, and `commondir` names the shared part.
    """
    git = os.path.join(git_root, ".git")
    if os.path.isfile(git):
        pointer = read_path(git, git, 4096)
        if isinstance(pointer, bytes) and pointer.startswith(b"gitdir:"):
            git = os.path.join(git_root, os.fsdecode(pointer[7:].strip()))
        common = read_path(os.path.join(git, "commondir"), git, 4096)
        if isinstance(common, bytes):
            git = os.path.normpath(os.path.join(git, os.fsdecode(common.strip())))
    return os.path.join(git, "info", "exclude")
