"""What a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from rolloutlint.schema.fields import normalised


def distance(one: str, other: str) -> int:
    """How many letters must be added, dropped, changed or swapped with their neighbour (optimal alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        current = [i]
        for j, right in enumerate(other, 1):
            best = min(row[j] + 1, current[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, before[j - 2] + 1)
            current.append(best)
        before, row = row, current
    return row[-1]


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
        if abs(len(each) - len(name)) <= most + 2 and (far := distance(wanted, normalised(each))) <= most
    ]
    return min(near, default=(0, ""))[1]
