"""Sets of times on a lattice of equal ticks, and what is cheapest at each time.

A set is an integer whose bit `i` says that `i` ticks are in it, so that all sums of two sets are a few shifts. From
`open` on, every time is in the set: whatever a person decides, or no manifest says, can take any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias


class Times(NamedTuple):
    """A set of times in ticks."""

    mask: int = 0
    open: int | None = None

    def __contains__(self, tick: object) -> bool:
        if not isinstance(tick, int) or tick < 0:
            return False
        return bool(self.mask >> tick & 1) or (self.open is not None and tick >= self.open)

    def __bool__(self) -> bool:
        return bool(self.mask) or self.open is not None

    @property
    def first(self) -> int:
        """The earliest time; only of a set that is not empty."""
        least = (self.mask & -self.mask).bit_length() - 1 if self.mask else None
        if self.open is None or (least is not None and least < self.open):
            assert least is not None
            return least
        return self.open

    @property
    def last(self) -> int | None:
        """The latest time; `None` where there is none."""
        return None if self.open is not None else self.mask.bit_length() - 1


NEVER = Times()
AT_ONCE = Times(1)

Costs: TypeAlias = Mapping[int, Times]
"""Cost -> the times that can be had for it and for no less."""


def at(tick: int) -> Times:
    """One time."""
    return Times(1 << tick)


def since(tick: int) -> Times:
    """Every time from `tick` on."""
    return Times(0, tick)


def between(least: int, most: int) -> Times:
    """Every time from `least` to `most`, both included."""
    return Times(((1 << (most + 1 - least)) - 1) << least) if most >= least else NEVER


def ticks(times: Times) -> Iterator[int]:
    """The single times of the closed part, ascending."""
    mask = times.mask
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(one: Times, other: Times) -> Times:
    """Times in either."""
    opens = [times.open for times in (one, other) if times.open is not None]
    return Times(one.mask | other.mask, min(opens, default=None))


def sums(one: Times, other: Times) -> Times:
    """All sums of a time of one and a time of the other."""
    if not one or not other:
        return NEVER
    few, many = sorted((one.mask, other.mask), key=int.bit_count)
    mask = 0
    for tick in ticks(Times(few)):
        mask |= many << tick
    opens = [first.open + second.first for first, second in ((one, other), (other, one)) if first.open is not None]
    return Times(mask, min(opens, default=None))


def until(times: Times, end: int | None) -> Times:
    """The times up to and including `end`; all of them where it is `None`."""
    if end is None:
        return times
    mask = times.mask & ((1 << (end + 1)) - 1) if end >= 0 else 0
    return union(Times(mask), between(times.open, end)) if times.open is not None else Times(mask)


def without(times: Times, other: Times) -> Times:
    """The times that are not in the other set."""
    mask = times.mask & ~other.mask
    if other.open is not None:
        mask &= (1 << other.open) - 1
        if times.open is not None and times.open < other.open:
            mask |= between(times.open, other.open - 1).mask & ~other.mask
        return Times(mask)
    return Times(mask, times.open)


def both(one: Times, other: Times) -> Times:
    """Times in both."""
    mask = one.mask & other.mask
    for first, second in ((one, other), (other, one)):
        if first.open is not None:
            mask |= second.mask >> first.open << first.open
    if one.open is None or other.open is None:
        return Times(mask)
    return Times(mask, max(one.open, other.open))


def stretched(times: Times, length: int | None) -> Times:
    """Every time after one of the set and at most `length` later: `None` has no end, 0 gives none at all."""
    if not times or length == 0:
        return NEVER
    if length is None:
        return since(times.first + 1)
    mask, covered = times.mask << 1, 1
    while covered < length:
        step = min(covered, length - covered)
        mask |= mask << step
        covered += step
    return Times(mask, None if times.open is None else times.open + 1)


def cheapest(costs: Mapping[int, Times]) -> Costs:
    """The same, each time only at the lowest cost."""
    found: dict[int, Times] = {}
    seen = NEVER
    for cost in sorted(costs):
        fresh = without(costs[cost], seen)
        if fresh:
            found[cost] = fresh
            seen = union(seen, costs[cost])
    return found


def added(one: Costs, other: Costs) -> Costs:
    """All sums of times at the sum of their costs."""
    found: dict[int, Times] = {}
    for first, times in one.items():
        for second, more in other.items():
            total = first + second
            found[total] = union(found.get(total, NEVER), sums(times, more))
    return cheapest(found)


def all_times(costs: Costs) -> Times:
    """The times, whatever they cost."""
    found = NEVER
    for times in costs.values():
        found = union(found, times)
    return found
