"""The programs that render for tests: those on the PATH, and those that `make tools` put into .tools/."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rolloutlint.inputs.render.tools import VARIABLES, Tools, find_tools

TOOLS = Path(__file__).parents[1] / ".tools"
_OWN = {"kustomize": "kubectl", "helm": "helm"}


def programs() -> Mapping[str, str]:
    """Environment variables that name what is not on the PATH."""
    there = find_tools()
    named = {VARIABLES[name]: os.environ.get(VARIABLES[name], "") for name in _OWN}
    for name, program in _OWN.items():
        if getattr(there, name) is None and (TOOLS / program).is_file():
            named[VARIABLES[name]] = str(TOOLS / program)
    return {variable: path for variable, path in named.items() if path}


def tools() -> Tools:
    """What can render here."""
    return find_tools({**os.environ, **programs()})


def absent(program: str) -> str:
    """Why `kustomize` or `helm` cannot be asked; empty where it can."""
    if getattr(tools(), program) is not None:
        return ""
    note = TOOLS / f"{program}.missing"
    why = note.read_text().strip() if note.is_file() else "`make tools` looks for one"
    return f"no {program} here: {why}"
