"""The files of a checkout, for generators of ApplicationSets that look through the repository they stand in."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Sequence
from functools import cached_property

from rolloutlint.inputs import ignore
from rolloutlint.inputs.files import read_path

MAX_FILES = 200_000
"""Files of a checkout beyond which it is not looked through."""


class Checkout:
    """A directory as a repository: what git would not ignore, by paths from `root` with forward slashes.

    It is looked through when somebody first asks, once.
    """

    def __init__(self, root: str, repository: str = "") -> None:
        """`root` is absolute; `repository` is the name of the repository by its remote, `""` where unknown."""
        self.root = root
        self.repository = repository

    def is_named(self, url: str) -> bool:
        """Whether a repository URL may mean this checkout: the last part of it is compared."""
        return not self.repository or name_of(url).lower() == self.repository.lower()

    def files(self) -> Sequence[str]:
        """All files; none where there are too many."""
        return self._files

    @cached_property
    def _files(self) -> Sequence[str]:
        found: list[str] = []
        stack: list[tuple[str, str, ignore.Chain]] = [(self.root, "", ())]
        info = ignore.info_exclude(self.root)
        if info:
            stack[0] = (self.root, "", ignore.load(info, self.root))
        while stack:
            directory, prefix, chain = stack.pop()
            try:
                entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
            except OSError:
                continue
            if any(entry.name == ".gitignore" for entry in entries):
                chain = (*chain, *ignore.load(os.path.join(directory, ".gitignore"), directory))
            for entry in entries:
                is_dir = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git" or ignore.ignored(chain, entry.path, is_dir):
                    continue
                if is_dir:
                    stack.append((entry.path, f"{prefix}{entry.name}/", chain))
                else:
                    found.append(prefix + entry.name)
            if len(found) > MAX_FILES:
                return ()
        return sorted(found)

    def text(self, path: str) -> str | None:
        """The text of a file; `None` where it cannot be read or is no UTF-8."""
        raw = read_path(os.path.join(self.root, *path.split("/")), path)
        try:
            return raw.decode("utf-8-sig") if isinstance(raw, bytes) else None
        except UnicodeDecodeError:
            return None


class Loose:
    """Texts that came without a file system, as a repository."""

    def __init__(self, names: Sequence[str], read: Callable[[str], str | None]) -> None:
        self._names = names
        self._read = read

    def is_named(self, url: str) -> bool:
        """Nothing tells another repository."""
        return True

    def files(self) -> Sequence[str]:
        """The names of the texts."""
        return self._names

    def text(self, path: str) -> str | None:
        """The text of that name."""
        return self._read(path)


def name_of(url: str) -> str:
    """The last part of a repository's URL, without `.git`."""
    return posixpath.basename(url.rstrip("/").replace(":", "/")).removesuffix(".git")
