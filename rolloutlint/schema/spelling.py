"""What a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from rolloutlint.lang.names import edit_distance
from rolloutlint.schema.fields import normalised


def same_but_for_spelling(one: str, other: str) -> bool:
    """Whether two names differ in nothing but case, `-` and `_`."""
    return normalised(one) == normalised(other)


def respelt(name: str, known: Iterable[str]) -> str:
    """The name in `known` that differs only in case, `-` and `_`; `""` if there is none."""
    wanted = normalised(name)
    return min((each for each in known if normalised(each) == wanted), default="")


def nearest(name: str, known: Iterable[str], most: int) -> str:
    """The name in `known` at the smallest distance, at most `most` and a third of `name`; `""` if none is near."""
    most = min(most, (len(name) + 1) // 3)
    wanted = normalised(name)
    # The distance is at least the difference in length, so most names need no table.
    near = [
        (far, each)
        for each in known
        if abs(len(each) - len(name)) <= most + 2 and (far := edit_distance(wanted, normalised(each), most)) <= most
    ]
    return min(near, default=(0, ""))[1]
