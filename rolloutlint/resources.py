"""Where `rules/` and `schemas/` are: inside the wheel, or beside `pyproject.toml` in a checkout.

`os.path` on purpose: `importlib.resources` costs 15 ms at start-up.
"""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def data_dir(name: str) -> str:
    """The absolute path of the data directory `name` (`"rules"` or `"schemas"`).

    Raises `FileNotFoundError` when the installation lacks it, which only a broken package does.
    """
    for base in (os.path.join(_PACKAGE, "_data"), os.path.dirname(_PACKAGE)):
        path = os.path.join(base, name)
        if os.path.isdir(path):
            return path
    raise FileNotFoundError(f"rolloutlint is installed without its {name}/ directory: reinstall it")
