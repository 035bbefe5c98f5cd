"""Which values a condition tells apart: the cell decomposition of the number line.

Every comparison of piecewise linear functions of the measured value contributes the points where its sides cross
(rounded values are compared with constants; for powers and products of the value the points are likely ones).
Between two neighbouring points a condition cannot change its mind, so that evaluating it at each point and once
between any two decides it for every number. NaN, infinities and empty results are no numbers here: ask `decide`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Final, NamedTuple, TypeAlias

from rolloutlint.lang.expr.program import Phase, Program, decide
from rolloutlint.lang.expr.tree import (
    Array,
    Binary,
    Call,
    Chain,
    Conditional,
    Let,
    Member,
    Name,
    Node,
    Number,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
    children,
    walk,
)

_Piece: TypeAlias = tuple[float, float]
"""`slope * x + offset`."""
_Pieces: TypeAlias = list[_Piece] | None
"""The linear functions that an expression can be; `None` where it is no such thing."""

_ONE: Final[list[_Piece]] = [(1.0, 0.0)]
_COMPARISONS: Final = frozenset(("<", ">", "<=", ">=", "==", "!="))
_SAME: Final = frozenset(("float", "asFloat", "first", "last", "get", "max", "min", "sum", "mean", "median", "default"))
_STEPS: Final = frozenset(("int", "asInt", "round", "ceil", "floor"))
_SEVERAL: Final = frozenset(
    ("last", "max", "min", "sum", "mean", "median", "sort", "reverse", "uniq", "take", "reduce")
)
_MAX_PIECES: Final = 8
MAX_POINTS: Final = 400
"""So many breakpoints are looked at; where there are as many, there may be more."""


class Region(NamedTuple):
    """Numbers for which a measurement has one and the same phase (`None`: a placeholder decides)."""

    low: float
    low_closed: bool
    high: float
    high_closed: bool
    outcome: Phase | None

    def __str__(self) -> str:
        """The interval, as `[0.9, 0.95)`; a single number as itself."""
        if self.low == self.high:
            return _shown(self.low)
        left, right = "[" if self.low_closed else "(", "]" if self.high_closed else ")"
        return f"{left}{_shown(self.low)}, {_shown(self.high)}{right}"


def _shown(number: float) -> str:
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{number:.15g}"


def breakpoints(*nodes: Node) -> tuple[float, ...]:
    """The numbers at which a condition among `nodes` may change its mind, in ascending order."""
    found: set[float] = set()
    for node in nodes:
        _collect(node, {}, found)
    return tuple(sorted(sorted(found, key=abs)[:MAX_POINTS] if len(found) > MAX_POINTS else found))


def cells(*programs: Program | None, low: float = -math.inf, high: float = math.inf) -> tuple[float, ...]:
    """Numbers within [low, high] such that each cell of the programs holds one: breakpoints and what is between."""
    return tuple(sample for _, _, sample in _samples(_points(programs), low, high))


def regions(
    success: Program | None,
    failure: Program | None,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    element: Callable[[float], object] | None = None,
) -> list[Region]:
    """The phases of a measurement over the numbers from `low` to `high`, neighbours of equal phase joined.

    `element` makes the result of a number; by default a vector of one for `float[]`, rows of one field `Values` for
    CloudWatch, else the number itself.
    """
    if element is None:
        element = _element_of(success or failure)
    found: list[Region] = []
    for left, right, sample in _samples(_points((success, failure)), low, high):
        outcome = decide(success, failure, element(sample))
        closed = left == right
        if found and found[-1].outcome == outcome:
            found[-1] = found[-1]._replace(high=right, high_closed=closed)
        else:
            found.append(Region(left, closed, right, closed, outcome))
    return found


def pairs(*programs: Program | None, low: float = -math.inf, high: float = math.inf) -> tuple[tuple[float, float], ...]:
    """Two-element vectors for every combination of cells, both orders; `()` where only the first element counts."""
    if not any(
        program is not None and program.node is not None and looks_at_several(program.node) for program in programs
    ):
        return ()
    numbers = cells(*programs, low=low, high=high)
    return tuple((first, second) for first in numbers for second in numbers)


def looks_at_several(node: Node) -> bool:
    """Whether the condition depends on more than the first element of the result."""
    for inner in walk(node):
        if isinstance(inner, Predicate | Slice) or (isinstance(inner, Call) and inner.name in _SEVERAL):
            return True
        if isinstance(inner, Member) and isinstance(inner.key, Number | Unary | Binary):
            key = inner.key
            if not isinstance(key, Number) or key.value != 0:
                return True
    return False


def _element_of(program: Program | None) -> Callable[[float], object]:
    shape = program.shape if program is not None else "float"
    if shape in ("float[]", "any[]"):
        return lambda number: [number]
    if shape == "MetricDataResult[]":
        return lambda number: [{"Id": "", "Label": "", "Values": [number]}]
    return lambda number: number


def _points(programs: Iterable[Program | None]) -> tuple[float, ...]:
    return breakpoints(*(program.node for program in programs if program is not None and program.node is not None))


def _samples(points: tuple[float, ...], low: float, high: float) -> Iterator[tuple[float, float, float]]:
    """The cells within [low, high], ascending: ends, which are equal for a point, and a number inside."""
    inner = [point for point in points if low < point < high]
    ends = ([low] if math.isfinite(low) else []) + inner + ([high] if math.isfinite(high) and high > low else [])
    if not ends:
        yield (low, high, 0.0)
        return
    if not math.isfinite(low):
        yield (low, ends[0], ends[0] - max(1.0, abs(ends[0])))
    for at, point in enumerate(ends):
        yield (point, point, point)
        if at + 1 < len(ends):
            middle = point + (ends[at + 1] - point) / 2
            if point < middle < ends[at + 1]:
                yield (point, ends[at + 1], middle)
    if not math.isfinite(high):
        yield (ends[-1], high, ends[-1] + max(1.0, abs(ends[-1])))


def _collect(node: Node, names: dict[str, _Pieces], found: set[float]) -> None:
    if isinstance(node, Let):
        _collect(node.value, names, found)
        _collect(node.body, {**names, node.name: _pieces(node.value, names)}, found)
        return
    if isinstance(node, Binary):
        if node.op in _COMPARISONS:
            _crossings(node.left, node.right, names, found)
        elif node.op == "in":
            _members(node, names, found)
    for child in children(node):
        _collect(child, names, found)


def _members(node: Binary, names: dict[str, _Pieces], found: set[float]) -> None:
    """`x in [a, b]` and `x in a..b`, of which only whole numbers are members."""
    right = node.right
    if isinstance(right, Array):
        for item in right.items:
            _crossings(node.left, item, names, found)
    elif isinstance(right, Binary) and right.op == "..":
        low, high = right.left, right.right
        _crossings(node.left, low, names, found)
        _crossings(node.left, high, names, found)
        if isinstance(low, Number) and isinstance(high, Number) and 0 < high.value - low.value <= 100:
            for whole in range(int(low.value), int(high.value) + 1):
                _crossings(node.left, Number(node.span, whole), names, found)


def _crossings(left: Node, right: Node, names: dict[str, _Pieces], found: set[float]) -> None:
    """Where the two sides of a comparison are equal."""
    pieces, others = _pieces(left, names), _pieces(right, names)
    if pieces is None or others is None:
        _guess(left, right, found)
        return
    stepping = _has_steps(left) or _has_steps(right)
    for (slope, offset), (other_slope, other_offset) in product(pieces, others):
        rise, gap = slope - other_slope, other_offset - offset
        if not rise:
            continue
        gaps = [gap]
        if stepping and abs(gap) < 1e12:
            # Rounding puts the point off by up to one whole number: the halves around it hold it.
            gaps += [math.floor(gap) + step / 2 for step in range(-5, 7)]
        found.update(_tidy(shifted / rise) for shifted in gaps if math.isfinite(shifted / rise))


def _has_steps(node: Node) -> bool:
    """Whether a function below a node rounds."""
    if isinstance(node, Number | Name):
        return False
    return (isinstance(node, Call) and node.name in _STEPS) or any(map(_has_steps, children(node)))


def _tidy(number: float) -> float:
    """0.999 for 0.9990000000000001, the quotient of 99.9 and 100."""
    return float(f"{number:.15g}") + 0.0


def _guess(left: Node, right: Node, found: set[float]) -> None:
    """For what is not linear: the constants, their sums, products and quotients, and roots."""
    values = {float(inner.value) for side in (left, right) for inner in walk(side) if isinstance(inner, Number)}
    values |= {-value for value in values} | {0.0}
    if len(values) > 12:
        found |= values
        return
    for value, other in product(values, repeat=2):
        numbers = [value, value + other, value * other]
        if other:
            numbers.append(value / other)
        if value > 0 and other and abs(1 / other) < 64:
            numbers += [value ** (1 / other), -(value ** (1 / other))]
        found.update(_tidy(number) for number in numbers if math.isfinite(number))


def _pieces(node: Node, names: dict[str, _Pieces]) -> _Pieces:
    """The linear functions of the measured value that `node` can be."""
    if isinstance(node, Number):
        return [(0.0, float(node.value))]
    if isinstance(node, Name):
        return names.get(node.name, _ONE if node.name == "result" else None)
    if isinstance(node, Pointer):
        return _ONE if not node.name else None
    if isinstance(node, Member | Slice):
        return _ONE
    if isinstance(node, Chain):
        return _pieces(node.expr, names)
    if isinstance(node, Sequence):
        return _pieces(node.items[-1], names)
    if isinstance(node, Conditional):
        return _union(_pieces(node.then, names), _pieces(node.other, names))
    if isinstance(node, Unary):
        inner = _pieces(node.operand, names)
        if node.op == "-" and inner is not None:
            return [(-slope, -offset) for slope, offset in inner]
        return inner if node.op == "+" else None
    if isinstance(node, Call):
        return _call(node, names)
    if isinstance(node, Binary):
        return _combined(node, names)
    return None


def _call(node: Call, names: dict[str, _Pieces]) -> _Pieces:
    name = node.name
    if not node.args:
        return None
    if name in ("len", "count"):
        return [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0)]
    first = _pieces(node.args[0], names)
    if name in _STEPS:
        return first
    if name == "abs":
        return None if first is None else first + [(-slope, -offset) for slope, offset in first]
    if name in ("find", "findLast"):
        return _ONE
    if name not in _SAME:
        return None
    if name in ("max", "min", "default"):
        for other in node.args[1:]:
            first = _union(first, _pieces(other, names))
    return first if len(node.args) == 1 or name in ("max", "min", "default", "get") else None


def _union(pieces: _Pieces, others: _Pieces) -> _Pieces:
    if pieces is None or others is None:
        return None
    joined = list(dict.fromkeys((*pieces, *others)))
    return joined if len(joined) <= _MAX_PIECES else None


def _combined(node: Binary, names: dict[str, _Pieces]) -> _Pieces:
    op = node.op
    if op not in ("+", "-", "*", "/", "??"):
        return None
    pieces, others = _pieces(node.left, names), _pieces(node.right, names)
    if op == "??":
        return _union(pieces, others)
    if pieces is None or others is None or len(pieces) * len(others) > _MAX_PIECES:
        return None
    if op == "+":
        return [(a + c, b + d) for (a, b), (c, d) in product(pieces, others)]
    if op == "-":
        return [(a - c, b - d) for (a, b), (c, d) in product(pieces, others)]
    if op == "*":
        if any(a and c for (a, _), (c, _) in product(pieces, others)):
            return None
        return [(a * d + c * b, b * d) for (a, b), (c, d) in product(pieces, others)]
    if any(c or not d for c, d in others):
        return None
    return [(a / d, b / d) for (a, b), (_, d) in product(pieces, others)]
