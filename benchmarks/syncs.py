"""A repository of Applications in two states for `apply-plan`: its last commit, and its work tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

_REMOTE = "https://github.com/acme/config-repo.git"
_IMAGE = re.compile(r"(image: ghcr\.io/acme/[^:\n]+:)\S+")


def repository(corpus: str, directory: str, changed: int) -> None:
    """Copies `corpus` to `directory`, commits it, and gives `changed` of its Rollouts a new image in the work tree."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(corpus, directory)
    git(directory, "init", "--quiet")
    git(directory, "remote", "add", "origin", _REMOTE)
    git(directory, "add", "--all")
    git(directory, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "-m", "previous")
    apps = os.path.join(directory, "apps")
    names = sorted(os.listdir(apps))
    for name in names[:: max(len(names) // changed, 1)][:changed]:
        path = os.path.join(apps, name, "rollout.yaml")
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        with open(path, "w", encoding="utf-8", newline="\n") as handle:
            handle.write(_IMAGE.sub(r"\1v99.0.0", text))


def git(directory: str, *arguments: str) -> None:
    """Runs git on the repository in `directory`."""
    subprocess.run(("git", "-C", directory, *arguments), check=True, stdout=subprocess.DEVNULL)


def command(linter: Sequence[str]) -> tuple[str, ...]:
    """What plans the work tree of a repository from its last commit, in its directory."""
    return (*linter, "apply-plan", "--from", "git:HEAD", "--no-render")
