"""Plain values of any shape, read as empty where they are something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_map(value: object) -> Mapping[Any, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Mapping[Any, Any], key: str) -> str:
    """The string under `key`, else `""`."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def number_of(value: Mapping[Any, Any], key: str) -> int | None:
    """The whole number under `key`, else `None`."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def strings_of(value: object) -> Mapping[str, str]:
    """The entries of a mapping whose key and value are strings."""
    return {k: v for k, v in as_map(value).items() if isinstance(k, str) and isinstance(v, str)}
