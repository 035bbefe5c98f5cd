"""Finds the configuration file that applies to a directory."""

from __future__ import annotations

import os
from typing import Any

NAMES = (".rolloutlint.yaml", ".rolloutlint.yml", "pyproject.toml")
"""What a configuration file may be called; in one directory the first of them is taken."""


def find_config(start: str) -> str | None:
    """The configuration nearest to the directory `start`, looking upwards up to the root of its git checkout.

    A `pyproject.toml` counts if it has a table `[tool.rolloutlint]`. The path is relative to the working
    directory. Unreadable files are passed over.
    """
    directory = os.path.abspath(start)
    while True:
        for name in NAMES:
            path = os.path.join(directory, name)
            if os.path.isfile(path) and (name != "pyproject.toml" or _has_table(path)):
                return _shown(path)
        parent = os.path.dirname(directory)
        if parent == directory or os.path.lexists(os.path.join(directory, ".git")):
            return None
        directory = parent


def _has_table(path: str) -> bool:
    try:
        with open(path, "rb") as handle:
            data = handle.read()
    except OSError:
        return False
    if b"rolloutlint" not in data:
        return False
    try:
        document = toml_loads(data.decode("utf-8"))
    except ValueError:
        # Somebody wrote a table for us into a file that does not parse: loading it will say where.
        return b"[tool.rolloutlint" in data
    tool = document.get("tool")
    return isinstance(tool, dict) and "rolloutlint" in tool


def toml_loads(text: str) -> dict[str, Any]:
    """The values of a TOML document. Raises `ValueError` (`TOMLDecodeError`)."""
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _shown(path: str) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return path
