"""Arithmetic and comparisons of abstract values: what prometheus `promql/engine.go` (`scalarBinop`,
`vectorElemBinop`) computes for each pair of elements, on intervals.

Which elements are paired is no matter of this module; see `interpret`.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from .tree import Binary, Span
from .values import NEVER, Abstract, Code, Reasons, nothing, reason

INF: Final = math.inf

MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""A comparison read from right to left."""


class Numbers(NamedTuple):
    """The elements of a result without their labels; fields as in `Abstract`."""

    low: float
    high: float
    nan: Reasons
    inf: Reasons
    nonzero: bool


class Share(NamedTuple):
    """What is known about a quotient from the structure of its operands."""

    factor: float = 1.0
    """What multiplies the numerator."""
    part: bool = False
    """The numerator is a share of the denominator."""
    equal: bool = False
    """The numerator is the denominator."""
    vanishes: bool = False
    """The numerator is 0 where the denominator is."""


UNRELATED: Final = Share()


def arithmetic(node: Binary, left: Abstract, right: Abstract, share: Share) -> Numbers:
    """The elements of `left op right` for `+ - * / % ^ atan2`; `share` counts for `/` only."""
    op = node.op
    if op == "^":
        return _power(node.span, left, right)
    nan = left.nan | right.nan if right.nan else left.nan
    if left.low > left.high or right.low > right.high:
        return Numbers(INF, -INF, nan, NEVER, False)
    if op == "/":
        return _quotient(node, left, right, nan, share)
    inf = left.inf | right.inf if right.inf else left.inf
    if op == "*":
        return _product(node.span, left, right, nan, inf)
    if op == "+":
        opposed = (left.high == INF and right.low == -INF) or (left.low == -INF and right.high == INF)
        low, high = left.low + right.low, left.high + right.high
        nonzero = low > 0 or high < 0 or (left.low >= 0 and right.low >= 0 and (left.nonzero or right.nonzero))
    elif op == "-":
        opposed = (left.high == INF and right.high == INF) or (left.low == -INF and right.low == -INF)
        low, high = left.low - right.high, left.high - right.low
        nonzero = low > 0 or high < 0
    elif op == "%":
        return _remainder(node, left, right, nan)
    else:  # atan2
        return Numbers(-math.pi, math.pi, nan, NEVER, False)
    if opposed and left.inf and right.inf:
        nan |= both_infinite(left.inf, right.inf, "infinity-minus-infinity", node.span)
    if low != low:
        low = -INF
    if high != high:
        high = INF
    return Numbers(low, high, nan, inf, nonzero)


def both_infinite(left: Reasons, right: Reasons, code: Code, span: Span) -> Reasons:
    """NaN of two infinities is only as real as the rarer of the two: an exporter that sends them is no reason."""
    for one in (left, right):
        if all(found.code == "raw-sample" for found in one):
            return one
    return reason(code, span)


def lowest(a: float, b: float) -> float:
    """The lower bound of both; -0 is below 0 here, because it makes quotients negative."""
    return a if a < b or (a == b and math.copysign(1.0, a) < 0) else b


def _times(a: float, b: float) -> float:
    product = a * b
    return product if product == product else math.copysign(0.0, math.copysign(1.0, a) * math.copysign(1.0, b))


def _product(span: Span, left: Abstract, right: Abstract, nan: Reasons, inf: Reasons) -> Numbers:
    corners = (
        _times(left.low, right.low),
        _times(left.low, right.high),
        _times(left.high, right.low),
        _times(left.high, right.high),
    )
    if (left.inf and right.zero) or (right.inf and left.zero):
        nan |= both_infinite(left.inf or right.inf, right.inf or left.inf, "zero-times-infinity", span)
    low = min(corners)
    if low == 0 and any(math.copysign(1.0, corner) < 0 for corner in corners):
        low = -0.0
    return Numbers(low, max(corners), nan, inf, False)


def _quotient(node: Binary, left: Abstract, right: Abstract, nan: Reasons, share: Share) -> Numbers:
    inf = left.inf
    left_zero, right_zero = left.zero, right.zero
    if right_zero:
        if left_zero:
            nan |= reason("zero-by-zero", node.right.span)
        if not (share.part or share.equal or share.vanishes) and (left.low < 0 or left.high > 0):
            inf |= reason("divided-by-zero", node.right.span)
    if left.inf and right.inf:
        nan |= both_infinite(left.inf, right.inf, "infinity-by-infinity", node.span)
    if right.low == right.high == 0 and left.low == left.high == 0:
        return Numbers(INF, -INF, nan, NEVER, False)
    if share.equal:
        return Numbers(share.factor, share.factor, nan, NEVER, True)
    if share.part:
        high = 0.0 if left.high == 0 else share.factor
        return Numbers(0.0, high, nan, inf, left.nonzero and not right.inf)
    # A lower bound of -0.0 says that the divisor may be -0, which makes the quotient negative.
    if left.low >= 0 and right.low >= 0 and (not right_zero or math.copysign(1.0, right.low) > 0):
        low = left.low / right.high if left.low > 0 and 0 < right.high < INF else 0.0
        high = left.high / right.low if right.low > 0 else 0.0 if left.high == 0 else INF
        if high != high:
            high = INF
    elif right.low > 0 or right.high < 0:
        corners = [_divided(x, y) for x in (left.low, left.high) for y in (right.low, right.high)]
        if math.isinf(right.low) or math.isinf(right.high):
            corners.append(0.0)
        low, high = min(corners), max(corners)
    else:
        return Numbers(-INF, INF, nan, inf, False)
    if left.inf:
        low = -INF if low < 0 or left.low == -INF else low
        high = INF if left.high == INF else high
    return Numbers(low, high, nan, inf, False)


def _divided(x: float, y: float) -> float:
    if math.isinf(x) and math.isinf(y):
        return math.copysign(INF, x * y)
    return x / y


def _remainder(node: Binary, left: Abstract, right: Abstract, nan: Reasons) -> Numbers:
    if right.zero:
        nan |= reason("remainder-by-zero", node.right.span)
    if left.inf:
        nan |= reason("remainder-of-infinity", node.left.span)
    high = max(left.high, 0.0) if left.low >= 0 else INF
    if right.low == right.high == 0:
        return Numbers(INF, -INF, nan, NEVER, False)
    return Numbers(0.0 if left.low >= 0 else -INF, 0.0 if left.high <= 0 else high, nan, NEVER, False)


def _power(span: Span, left: Abstract, right: Abstract) -> Numbers:
    if left.low == left.high == 1 or (right.low == right.high == 0 and not right.nan):
        one_of = left.nan if left.low == left.high == 1 and right.low != 0 else NEVER
        return Numbers(1.0, 1.0, one_of, NEVER, True)  # 1 ^ NaN and NaN ^ 0 are 1
    nan = left.nan | right.nan
    if not left.numeric or not right.numeric:
        # NaN ^ 0 and 1 ^ NaN are numbers all the same
        possible = (right.zero and not left.numeric) or (left.low <= 1 <= left.high and not right.numeric)
        return Numbers(1.0, 1.0, nan, NEVER, True) if possible else Numbers(INF, -INF, nan, NEVER, False)
    whole = right.low == right.high and not math.isinf(right.low) and right.low == int(right.low)
    if left.low < 0 and not whole:
        nan |= reason("negative-base", span)
    inf = left.inf | right.inf
    if right.low < 0 and left.zero:
        inf |= reason("zero-to-negative-power", span)
    if not (right.low == right.high and 0 <= right.low <= 1):
        grows = (left.high > 1 or left.low < -1) and right.high > 1
        shrinks = (not left.nonzero or left.low > -1) and right.low < 0 and left.low < 1 and left.high > -1
        if grows or shrinks:
            inf |= reason("overflow", span)
    even = whole and int(right.low) % 2 == 0
    return Numbers(0.0 if left.low >= 0 or even else -INF, INF, nan, inf, False)


def compare(node: Binary, left: Abstract, right: Abstract, paired: Abstract, identical: bool) -> Abstract:
    """The elements that a comparison lets through, or its 0 and 1 with `bool`.

    `paired` holds what the matching of the two sides gives (emptiness, cardinality, labels, errors); `identical` says
    that both sides are the same expression.
    """
    op, span = node.op, node.span
    if paired.always_empty:
        return paired
    if node.return_bool or paired.type == "scalar":
        low, high = (0.0, 1.0) if left.numeric and right.numeric else (1.0, 1.0) if op == "!=" else (0.0, 0.0)
        return paired._replace(low=low, high=high)
    # The samples that survive are those of the vector, or of the left side where both are vectors.
    if left.type == "scalar":
        value, bound, direction = right, left, MIRRORED.get(op, op)
    else:
        value, bound, direction = left, right, op
    if left.type is None or right.type is None:
        nan = left.nan | right.nan if op == "!=" else NEVER
        dropped = paired.empty | reason("filtered-out", span)
        return paired._replace(empty=dropped, nan=nan, inf=left.inf | right.inf)
    if identical and op in ("==", ">=", "<="):
        if not value.numeric:
            return nothing(reason("condition-never-holds", span), paired.labels, paired.errors)
        dropped = paired.empty | reason("nan-filtered-out", span) if value.nan else paired.empty
        return _filtered(paired, dropped, NEVER, value.inf, value.low, value.high, value.nonzero)
    return _filter(span, value, bound, direction, paired)


def _filter(span: Span, value: Abstract, bound: Abstract, direction: str, paired: Abstract) -> Abstract:
    low, high, nonzero, inf = value.low, value.high, value.nonzero, value.inf
    certain = False  # that the comparison holds for every element
    defined = not value.nan and not bound.nan
    if direction == "!=":
        nan = value.nan
        apart = value.high < bound.low or value.low > bound.high
        excludes_zero = bound.low == bound.high == 0 and not bound.nan
        certain = apart or (excludes_zero and value.nonzero) or not value.numeric or not bound.numeric
        nonzero = nonzero or excludes_zero
        if low > high:  # NaN differs from everything
            return _filtered(paired, paired.empty, nan, NEVER, low, high, False)
        if low == high == 0 and nonzero:
            if not nan:
                return nothing(reason("condition-never-holds", span), paired.labels, paired.errors)
            low, high = INF, -INF
        dropped = paired.empty if certain else paired.empty | reason("filtered-out", span)
        return _filtered(paired, dropped, nan, inf, low, high, nonzero)
    if low <= high and bound.low <= bound.high:
        if direction in (">", ">="):
            strict = direction == ">"
            certain = defined and (
                low > bound.high or (low >= bound.high and (not strict or (nonzero and bound.low == bound.high == 0)))
            )
            nonzero = nonzero or bound.low > 0 or (strict and bound.low >= 0)
            never = high <= bound.low if strict else high < bound.low
            low = max(low, bound.low)
        elif direction in ("<", "<="):
            strict = direction == "<"
            certain = defined and (
                high < bound.low or (high <= bound.low and (not strict or (nonzero and bound.low == bound.high == 0)))
            )
            nonzero = nonzero or bound.high < 0 or (strict and bound.high <= 0)
            never = low >= bound.high if strict else low > bound.high
            high = min(high, bound.high)
        else:
            low, high, nonzero = max(low, bound.low), min(high, bound.high), nonzero or bound.nonzero
            never = False
            if not bound.inf:
                inf = NEVER
    else:
        never = True
    if never or low > high or (low == high == 0 and nonzero):
        return nothing(reason("condition-never-holds", span), paired.labels, paired.errors)
    if inf and ((low > -INF and high < INF) or (direction in (">", ">=") and value.low >= 0 and high < INF)):
        inf = NEVER
    dropped = paired.empty if certain else paired.empty | reason("filtered-out", span)
    return _filtered(paired, dropped, NEVER, inf, low, high, nonzero)


def _filtered(
    paired: Abstract, empty: Reasons, nan: Reasons, inf: Reasons, low: float, high: float, nonzero: bool
) -> Abstract:
    return Abstract(
        paired.type,
        empty,
        nan,
        inf,
        paired.cardinality,
        low,
        high,
        nonzero,
        paired.labels,
        paired.errors,
        paired.always_empty,
    )
