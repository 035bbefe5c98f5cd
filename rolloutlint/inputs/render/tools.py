"""The renderers of this machine: `kustomize` or `kubectl kustomize`, and `helm`.

A program is known by where it lies, its size and its age; asking each for its version would cost as much as rendering.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Literal, NamedTuple

ToolName = Literal["kustomize", "helm"]

VARIABLES = {"kustomize": "ROLLOUTLINT_KUSTOMIZE", "helm": "ROLLOUTLINT_HELM"}
"""Environment variables that name a program, which then stands for the one on the PATH."""


class Tool(NamedTuple):
    """A program that renders."""

    name: ToolName
    command: tuple[str, ...]
    """How it is started: the program, and the word that makes kubectl build kustomizations."""
    identity: str
    """Changes when the program is replaced by another release."""


class Tools(NamedTuple):
    """What can render here; `None` where there is no such program."""

    kustomize: Tool | None = None
    helm: Tool | None = None


def find_tools(environment: Mapping[str, str] = os.environ) -> Tools:
    """The programs on the PATH, or those that `VARIABLES` name. kustomize itself is preferred: Argo CD runs it."""
    named = {name: environment.get(variable, "") for name, variable in VARIABLES.items()}
    path = environment.get("PATH", os.defpath)
    kustomize = _tool("kustomize", named["kustomize"] or "kustomize", path) or _tool("kustomize", "kubectl", path)
    return Tools(kustomize, _tool("helm", named["helm"] or "helm", path))


def _tool(name: ToolName, program: str, places: str) -> Tool | None:
    path = shutil.which(program, path=places)
    if path is None:
        return None
    path = os.path.abspath(path)
    try:
        info = os.stat(path)
    except OSError:
        return None
    builds = {"helm": (), "kustomize": ("build",)}[name]
    if os.path.basename(path).startswith("kubectl"):
        builds = ("kustomize",)
    identity = f"{os.path.realpath(path)} {info.st_size} {info.st_mtime_ns}"
    return Tool(name, (path, *builds), identity)
