"""A real git repository for a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_NOBODY = {
    "GIT_AUTHOR_NAME": "Nobody",
    "GIT_AUTHOR_EMAIL": "nobody@example.com",
    "GIT_COMMITTER_NAME": "Nobody",
    "GIT_COMMITTER_EMAIL": "nobody@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A repository with a work tree at `top`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """What git prints."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | _NOBODY
        done = subprocess.run(
            ("git", *arguments), cwd=self.top, env=environment, input=stdin, capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode().strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files of the work tree."""
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def commit(self, files: Mapping[str, str | bytes], message: str = "Change") -> str:
        """Write files, commit all that is in the work tree, and give the id of the commit."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, records: list[tuple[str, str, str]]) -> str:
        """A commit with entries that no work tree may hold: (mode, path, content)."""
        tree = b""
        for mode, name, content in records:
            identity = self.git("hash-object", "-w", "--stdin", stdin=content.encode())
            tree += f"{mode} {name}\0".encode() + bytes.fromhex(identity)
        made = self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=tree)
        return self.git("commit-tree", made, "-m", "Strange")
