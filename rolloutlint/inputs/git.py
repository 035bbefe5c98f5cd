"""What a git checkout says about itself in its files; git itself is never run."""

from __future__ import annotations

import os
import posixpath

from rolloutlint.inputs.files import read_path


def repository_name(root: str) -> str:
    """Name of the repository checked out at the absolute directory `root`, by the URL of its remote.

    `config-repo` for `git@host:org/config-repo.git`; `""` where there is no remote, or no `origin` among several.
    """
    raw = read_path(os.path.join(root, ".git", "config"), ".git/config")
    if not isinstance(raw, bytes):
        return ""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(raw.decode("utf-8", "replace"))
    except configparser.Error:
        return ""
    remotes = {s: parser[s].get("url", "") for s in parser.sections() if s.startswith("remote ")}
    url = remotes.get('remote "origin"') or (next(iter(remotes.values())) if len(remotes) == 1 else "")
    return posixpath.basename(url.rstrip("/").replace(":", "/")).removesuffix(".git")
