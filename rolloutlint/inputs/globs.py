"""Globs that the user quoted, so that the shell did not expand them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence

_MAGIC = re.compile(r"[*?\[]")

SKIPPED = frozenset(
    (
        *(".bzr", ".git", ".hg", ".jj", ".svn"),
        *(".cache", ".direnv", ".gradle", ".idea", ".terraform", ".terragrunt-cache", ".vscode"),
        *(".eggs", ".mypy_cache", ".nox", ".pants.d", ".pytest_cache", ".ruff_cache", ".tox", ".venv"),
        *("__pycache__", "node_modules"),
    )
)
"""Directories of version control and tools. Other hidden directories are read: some keep manifests there."""


def is_magic(text: str) -> bool:
    """Whether `text` holds a wildcard."""
    return _MAGIC.search(text) is not None


def expand(base: str, parts: Sequence[str]) -> list[str]:
    """Paths below `base` that match the glob `parts`, sorted. `**` spans directories but follows no links;
    wildcards match no hidden names unless the part itself starts with a dot.
    """
    level = [base]
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        following: list[str] = []
        if part == "**":
            for start in level:
                following.append(start)
                following.extend(_descend(start, with_files=last))
        elif not is_magic(part):
            following = [path for start in level if os.path.lexists(path := os.path.join(start, part))]
        else:
            matches = re.compile(fnmatch.translate(part)).fullmatch
            for start in level:
                for entry in _entries(start):
                    hidden = entry.name.startswith(".") and not part.startswith(".")
                    if not hidden and matches(entry.name) and (last or entry.is_dir()):
                        following.append(os.path.join(start, entry.name))
        level = list(dict.fromkeys(following))
    return sorted(level)


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as scan:
            return list(scan)
    except OSError:
        return []


def _descend(start: str, with_files: bool) -> Iterator[str]:
    waiting = [start]
    while waiting:
        for entry in _entries(waiting.pop()):
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield entry.path
                waiting.append(entry.path)
            elif with_files:
                yield entry.path
