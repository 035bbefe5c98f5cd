"""Reading plain YAML values that may have any shape: never raises, never guesses.

Every accessor answers with a value of the asked type or with an empty one of it, so that views stay total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rolloutlint.finding import Path
from rolloutlint.lang.placeholder import filled_later as filled_later

_EMPTY: Mapping[str, Any] = {}


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def sequence(value: Any) -> Sequence[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def text(value: Any) -> str:
    """`value` if it is a string, else `""`."""
    return value if isinstance(value, str) else ""


def dig(value: Any, *path: str | int) -> Any:
    """The value at `path` below `value`, or `None` where the path leaves the tree."""
    for item in path:
        if value.__class__ is dict:  # plain values have exact classes, and this runs for every rule
            value = value.get(item)
        elif value.__class__ is list and isinstance(item, int) and -len(value) <= item < len(value):
            value = value[item]
        else:
            return None
    return value


def has(value: Any, *path: str | int) -> bool:
    """True where `path` exists below `value`, even with the value null."""
    parent = dig(value, *path[:-1])
    last = path[-1]
    if isinstance(last, str):
        return isinstance(parent, dict) and last in parent
    return isinstance(parent, list) and 0 <= last < len(parent)


def entries(value: Any, path: Path, *below: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The mappings in the list at `below` under `value`, each with its path; other items are skipped."""
    for index, item in enumerate(sequence(dig(value, *below))):
        if isinstance(item, dict):
            yield (*path, *below, index), item


def string_map(value: Any) -> Mapping[str, str]:
    """The string-to-string entries of `value` (labels, annotations); others are left out."""
    return {k: v for k, v in mapping(value).items() if isinstance(v, str)}
