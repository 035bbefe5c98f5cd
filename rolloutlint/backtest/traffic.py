"""Whether there are requests enough for a measurement to see a version that fails a stated part of them.

A share of few requests is coarse: of twenty, one failure is five percent, and a version that fails one request in fifty
mostly fails none of them. What is asked here is how many requests a measurement must count for such a version to be
refused by 19 measurements of 20 (the tail of a binomial distribution), and how often the window had fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

from rolloutlint.backtest.source import Series
from rolloutlint.lang.promql.tree import (
    Aggregation,
    Binary,
    Call,
    Node,
    Number,
    Paren,
    Range,
    Selector,
    bare,
    children,
    selectors,
)

MISSED: Final = 0.05
"""The share of measurements that may miss a version that fails."""
_MOST_FAILURES: Final = 2000
"""Where a measurement must count more failures than these to tell, the version is too near to what is accepted."""

_COMPARISONS: Final = frozenset(("==", "!=", ">", "<", ">=", "<="))


class Counted(NamedTuple):
    """What of a query counts all requests."""

    query: str
    factor: float
    """Requests are its value times this: the seconds of the window for `rate`, 1 for `increase`."""


def requests_of(node: Node, text: str) -> Counted | None:
    """The denominator of the share that a query computes; `None` where it has none, or not of one range."""
    ratio = _ratio(node)
    if ratio is None:
        return None
    whole = bare(ratio.right)
    if isinstance(whole, Binary) and whole.op in _COMPARISONS and isinstance(bare(whole.right), Number):
        whole = bare(whole.left)
    parts = _below(whole)
    calls = [one for one in parts if isinstance(one, Call)]
    ranges = [one for one in parts if isinstance(one, Range)]
    summed = all(one.op == "sum" for one in parts if isinstance(one, Aggregation))
    plain = all(isinstance(one, Paren | Aggregation | Call | Range | Selector) for one in parts)
    if not plain or not summed or len(ranges) != 1 or [one.func for one in calls] not in (["rate"], ["increase"]):
        return None
    window = ranges[0].window
    if not isinstance(window, float | int):
        return None
    return Counted(text[whole.span[0] : whole.span[1]], float(window) if calls[0].func == "rate" else 1.0)


def _ratio(node: Node) -> Binary | None:
    """The division of two things that are counted, the outermost one."""
    node = bare(node)
    if isinstance(node, Binary) and node.op == "/" and selectors(node.left) and selectors(node.right):
        return node
    found = [ratio for child in children(node) if (ratio := _ratio(child)) is not None]
    return found[0] if len(found) == 1 else None


def _below(node: Node) -> Sequence[Node]:
    return [node, *(inner for child in children(node) for inner in _below(child))]


def needed(failing: Fraction, accepted: Fraction) -> int | None:
    """How many requests a measurement must count, so that of a version that fails `failing` of them at most `MISSED` of
    the measurements find no more than the share `accepted`. `None` where no number is enough."""
    if failing <= accepted:
        return None
    if not accepted:
        return 1 if failing >= 1 else math.ceil(math.log(MISSED) / math.log(1 - failing))
    low, high = 0, _MOST_FAILURES
    while low < high:  # the fewest failures that may be found by chance so that the count they begin at is enough
        middle = (low + high) // 2
        if _at_most(middle, _begins(middle, accepted), failing) <= MISSED:
            high = middle
        else:
            low = middle + 1
    if low == _MOST_FAILURES:
        return None
    first, last = (_begins(low - 1, accepted), _begins(low, accepted)) if low else (1, _begins(1, accepted))
    while first < last:
        middle = (first + last) // 2
        if _at_most(max(0, low - 1), middle, failing) <= MISSED:
            last = middle
        else:
            first = middle + 1
    return first


def _begins(failures: int, accepted: Fraction) -> int:
    """The fewest requests of which so many failures are no more than the accepted share."""
    return max(1, math.ceil(failures / accepted))


def _at_most(failures: int, requests: int, failing: Fraction) -> float:
    """How likely at most so many of the requests fail."""
    part = float(failing)
    if part >= 1:
        return float(failures >= requests)
    log, rest = math.log(part), math.log1p(-part)
    whole = math.lgamma(requests + 1)
    return sum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(requests - k + 1) + k * log + (requests - k) * rest)
        for k in range(min(failures, requests) + 1)
    )


def short_of(series: Series, times: int, factor: float, wanted: int) -> Fraction:
    """The share of so many points at which fewer requests were counted than wanted; no series is no request."""
    found: dict[float, float] = {}
    for _, samples in series:
        for at, value in samples:
            found[at] = found.get(at, 0.0) + (value if value == value else 0.0)
    enough = sum(1 for value in found.values() if value * factor >= wanted)
    return Fraction(times - enough, times) if times else Fraction(0)
