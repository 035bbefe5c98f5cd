"""Outputs of renderers kept by the content of everything they were made of, so that nothing is rendered twice.

An entry holds its own digest: one that was cut short or changed counts as absent. Failures are not kept. A directory
that cannot be written makes nothing fail.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from hashlib import blake2b

_DIGEST = 20
_KEPT = 5_000
"""Entries. An output is some tens of KiB; beyond so many the oldest half goes."""


def user_directory() -> str:
    """Where this platform keeps what can be made again: `rolloutlint/rendered` below it."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return os.path.join(base, "rolloutlint", "rendered")


def key_of(parts: Iterable[bytes]) -> str:
    """The name of an entry: a digest of all parts, each with its length."""
    digest = blake2b(digest_size=_DIGEST)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


class Cache:
    """Entries in a directory; with an empty directory name nothing is kept."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def get(self, key: str) -> bytes | None:
        """The entry, if it is there and whole."""
        if not self.directory:
            return None
        try:
            with open(os.path.join(self.directory, key), "rb") as handle:
                data = handle.read()
        except OSError:
            return None
        digest, output = data[:_DIGEST], data[_DIGEST:]
        return output if blake2b(output, digest_size=_DIGEST).digest() == digest else None

    def put(self, key: str, output: bytes) -> None:
        """Keeps an entry, all of it or nothing."""
        if not self.directory:
            return
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.directory, prefix=".new-")
            with os.fdopen(handle, "wb") as new:
                new.write(blake2b(output, digest_size=_DIGEST).digest() + output)
            os.replace(name, os.path.join(self.directory, key))
        except OSError:
            return

    def trim(self) -> None:
        """Takes out the oldest entries where there are too many."""
        if not self.directory:
            return
        try:
            with os.scandir(self.directory) as scan:
                entries = [entry.path for entry in scan]
            if len(entries) <= _KEPT:
                return
            entries.sort(key=os.path.getmtime)
            for path in entries[: len(entries) - _KEPT // 2]:
                os.unlink(path)
        except OSError:
            return
