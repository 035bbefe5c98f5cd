"""The programs that render for tests: those on the PATH, and the helm that `make tools` put into .tools/."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rolloutlint.inputs.render.tools import VARIABLES, find_tools

TOOLS = Path(__file__).parents[1] / ".tools"


def programs() -> Mapping[str, str]:
    """Environment variables that name a helm which is not on the PATH."""
    named = os.environ.get(VARIABLES["helm"], "")
    own = TOOLS / "helm"
    if not named and own.is_file():
        named = str(own)
    return {VARIABLES["helm"]: named} if named else {}


def absent(program: str) -> str:
    """Why `kustomize` or `helm` cannot be asked; empty where it can."""
    if program == "helm" and programs():
        return ""
    if getattr(find_tools(), program) is not None:
        return ""
    note = TOOLS / f"{program}.missing"
    why = note.read_text().strip() if note.is_file() else "`make tools` looks for one"
    return f"no {program} here: {why}"
