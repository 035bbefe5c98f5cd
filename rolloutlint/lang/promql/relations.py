"""What two parts of a query have to do with each other, judged by their structure alone.

`same` is equality of what is computed; `part_of` says that one value is a share of another, so that their ratio lies
between 0 and 1; the other functions find constructs that a rule may point at. Equal placeholders count as equal
values, because Argo puts the same text in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from .tree import (
    Aggregation,
    Binary,
    Call,
    Grouping,
    Hole,
    Node,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
    Unary,
    bare,
    children,
    selectors,
)

Key: TypeAlias = tuple[object, ...]

COMPARISONS: Final = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SETS: Final = frozenset({"and", "or", "unless"})
RATES: Final = frozenset({"rate", "irate", "increase"})
"""The functions that turn counters into speeds: linear, and 0 exactly where nothing moves."""

LEAST_HARMFUL_FLOOR: Final = 0.01
"""A `clamp_min` from here on distorts ratios of slow services (promql: below 1 request in 100 s)."""

INF_BUCKET: Final = ("le", "=", "+Inf")


def condition(selector: Selector) -> frozenset[tuple[str | None, str, str]]:
    """The matchers of a selector, whatever their order."""
    return frozenset([(m.label, m.op, m.value) for m in selector.matchers])


def key(node: Node) -> Key:
    """Equal for nodes that compute the same: spans, parentheses and the order of matchers and labels do not count."""
    if isinstance(node, Paren):
        return key(node.expr)
    if isinstance(node, Number):
        return ("number", repr(node.value))
    if isinstance(node, String):
        return ("string", node.value)
    if isinstance(node, Unary):
        return ("unary", node.op, key(node.expr))
    if isinstance(node, Binary):
        m = node.matching
        matching = None if m is None else (m.on, frozenset(m.labels), m.group, frozenset(m.include))
        return ("binary", node.op, node.return_bool, matching, node.fill, key(node.left), key(node.right))
    if isinstance(node, Aggregation):
        by, labels = grouping_of(node.grouping)
        return ("aggregation", node.op, by, labels, key(node.expr), node.param and key(node.param))
    if isinstance(node, Call):
        return ("call", node.func, *[key(argument) for argument in node.args])
    if isinstance(node, Selector):
        return ("selector", node.name, condition(node), node.offset, node.at)
    if isinstance(node, Range):
        return ("range", key(node.selector), node.window)
    if isinstance(node, Subquery):
        return ("subquery", key(node.expr), node.window, node.step, node.offset, node.at)
    return ("hole", node.text)


def same(a: Node, b: Node) -> bool:
    """Whether two nodes compute the same; as `key(a) == key(b)`, but stops at the first difference."""
    a, b = bare(a), bare(b)
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Binary):
        if not (isinstance(b, Binary) and a.op == b.op and a.return_bool == b.return_bool and a.fill == b.fill):
            return False
        if a.matching != b.matching and key(a)[3] != key(b)[3]:
            return False
        return same(a.left, b.left) and same(a.right, b.right)
    if isinstance(a, Aggregation):
        if not (isinstance(b, Aggregation) and a.op == b.op and grouping_of(a.grouping) == grouping_of(b.grouping)):
            return False
        if a.param is None or b.param is None:
            return a.param is b.param and same(a.expr, b.expr)
        return same(a.param, b.param) and same(a.expr, b.expr)
    if isinstance(a, Call):
        if not (isinstance(b, Call) and a.func == b.func and len(a.args) == len(b.args)):
            return False
        return all(map(same, a.args, b.args))
    if isinstance(a, Selector):
        return isinstance(b, Selector) and a.name == b.name and _aside(a, b) and condition(a) == condition(b)
    if isinstance(a, Range):
        return isinstance(b, Range) and a.window == b.window and same(a.selector, b.selector)
    return key(a) == key(b)


def _aside(a: Selector, b: Selector) -> bool:
    """Whether both look at the same time."""
    return a.offset == b.offset and a.at == b.at


def grouping_of(grouping: Grouping | None) -> tuple[bool, frozenset[str]]:
    """Whether labels are kept (`by`) or dropped (`without`), and which; no grouping is `by ()`."""
    return (True, frozenset()) if grouping is None else (grouping.by, frozenset(grouping.labels))


def number(node: Node) -> float | None:
    """The value of a number, with or without parentheses; `None` for anything else."""
    node = bare(node)
    return node.value if isinstance(node, Number) else None


def constant_vector(node: Node) -> float | None:
    """`c` of `vector(c)`, `None` for anything else."""
    node = bare(node)
    return number(node.args[0]) if isinstance(node, Call) and node.func == "vector" and node.args else None


def _at_least(node: Node, least: float) -> bool:
    value = number(node)
    return value is not None and value >= least


def scale(node: Node) -> tuple[float, Node]:
    """The positive constants that multiply a node, and what they multiply: `100 * x` is (100, x)."""
    node, factor = bare(node), 1.0
    while isinstance(node, Binary) and node.op == "*":
        left, right = number(node.left), number(node.right)
        if left is not None and left > 0:
            factor, node = factor * left, bare(node.right)
        elif right is not None and right > 0:
            factor, node = factor * right, bare(node.left)
        else:
            break
    return factor, node


def part_of(part: Node, whole: Node) -> bool:
    """Whether `part` is a share of `whole`, element by element: 0 <= part <= whole, and part > 0 only if whole > 0.

    True for the same aggregation and rate over the same metric and window where the matchers of `part` are those of
    `whole` and possibly more. Looks through what guards either side. Assumes series that are never negative, and
    elements that are matched as `aligned` checks.
    """
    part, whole = bare(part), bare(whole)
    if isinstance(part, Binary) and part.op == "or":
        return constant_vector(part.right) == 0 and part_of(part.left, whole)
    if isinstance(whole, Binary):
        if whole.op in (">", ">=", "!="):
            guarded = not whole.return_bool and _at_least(whole.right, 0)
        elif whole.op == "+":
            guarded = _at_least(whole.right, 0)
        else:
            guarded = whole.op == "or" and (constant_vector(whole.right) or 0) >= 1 and _exists_with(part, whole.left)
        if guarded:
            return part_of(part, whole.left)
    elif isinstance(whole, Call):
        if whole.func in ("clamp_min", "scalar"):
            return part_of(part, whole.args[0])
    elif isinstance(whole, Aggregation) and whole.op == "sum" and not isinstance(part, Aggregation):
        return part_of(part, whole.expr)  # one addend is at most the sum
    if isinstance(part, Aggregation):
        if not isinstance(whole, Aggregation) or part.op != whole.op or part.op not in ("sum", "count"):
            return False
        by, labels = grouping_of(part.grouping)
        whole_by, whole_labels = grouping_of(whole.grouping)
        finer = part.op == "sum" and by and whole_by and whole_labels < labels
        return (finer or (by is whole_by and labels == whole_labels)) and part_of(part.expr, whole.expr)
    if isinstance(part, Call):
        if not isinstance(whole, Call) or part.func != whole.func or not part.args:
            return False
        return (part.func in RATES or part.func == "count_over_time") and part_of(part.args[0], whole.args[0])
    if isinstance(part, Range):
        return isinstance(whole, Range) and part.window == whole.window and part_of(part.selector, whole.selector)
    return isinstance(part, Selector) and isinstance(whole, Selector) and _narrower_or_same(part, whole)


def _exists_with(part: Node, whole: Node) -> bool:
    """Whether the series of `whole` cannot be absent where those of `part` exist: a bucket may be without a count."""
    wide = selectors(whole)
    return all(s.name == w.name and condition(w) <= condition(s) for s in selectors(part) for w in wide)


def _narrower_or_same(part: Selector, whole: Selector) -> bool:
    if not _aside(part, whole):
        return False
    narrow, wide = condition(part), condition(whole)
    name = part.name
    if name and name.endswith("_bucket") and whole.name in (name, name[:-6] + "count"):
        # a bucket next to the number of observations, which the bucket `+Inf` is too
        return wide - {INF_BUCKET} <= narrow and any(m.label == "le" for m in part.matchers)
    return name == whole.name and wide <= narrow and all(m.label is not None for m in part.matchers)


def sum_over_count(numerator: Node, denominator: Node) -> bool:
    """Whether this is `x_sum` over `x_count` of one histogram or summary: the sum is 0 where the count is."""
    numerator, denominator = bare(numerator), bare(denominator)
    if isinstance(denominator, Binary) and denominator.op in (">", "!="):
        return sum_over_count(numerator, denominator.left)
    if isinstance(numerator, Aggregation):
        if not isinstance(denominator, Aggregation) or not numerator.op == denominator.op == "sum":
            return False
        if grouping_of(numerator.grouping) != grouping_of(denominator.grouping):
            return False
        return sum_over_count(numerator.expr, denominator.expr)
    if isinstance(numerator, Call):
        if not isinstance(denominator, Call) or numerator.func != denominator.func or numerator.func not in RATES:
            return False
        return sum_over_count(numerator.args[0], denominator.args[0])
    if isinstance(numerator, Range):
        if not isinstance(denominator, Range) or numerator.window != denominator.window:
            return False
        return sum_over_count(numerator.selector, denominator.selector)
    if not isinstance(numerator, Selector) or not isinstance(denominator, Selector):
        return False
    name = numerator.name
    return bool(
        name
        and name.endswith("_sum")
        and denominator.name == name[:-3] + "count"
        and _aside(numerator, denominator)
        and condition(numerator) == condition(denominator)
    )


_KEEP_NAME: Final = frozenset(
    {"last_over_time", "first_over_time", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"}
)
_KEEP_ELEMENTS: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def nameless(node: Node) -> bool:
    """Whether elements may differ in nothing but their metric name: an operation that drops it makes them equal,
    which Prometheus refuses ("vector cannot contain metrics with the same labelset")."""
    steps = False  # whether several moments meet: one side of `or` may give the elements of one, the other of the next
    while True:
        node = bare(node)
        if isinstance(node, Selector):
            return node.name is None and not any(m.label == "__name__" and m.op == "=" for m in node.matchers)
        if isinstance(node, Range):
            node = node.selector
        elif isinstance(node, Subquery):
            node, steps = node.expr, True
        elif isinstance(node, Aggregation) and node.op in _KEEP_ELEMENTS:
            node = node.expr
        elif isinstance(node, Call) and node.func in _KEEP_NAME and node.args:
            node = node.args[0]
        elif isinstance(node, Binary) and not node.return_bool and (node.op in COMPARISONS or node.op in _SETS):
            if node.op == "or" and (steps or nameless(node.right)):
                return True
            node = node.right if node.left.type == "scalar" else node.left
        else:
            return False


def unguarded(node: Node) -> Node:
    """The aggregation or series below the guards that `part_of` looks through."""
    while True:
        node = bare(node)
        if isinstance(node, Binary) and node.op in ("or", ">", ">=", "!=", "+"):
            node = node.left
        elif isinstance(node, Call) and node.func in ("clamp_min", "scalar"):
            node = node.args[0]
        else:
            return node


def aligned(division: Binary, numerator: Node) -> bool:
    """Whether the matching of a division pairs each element of `numerator` with the denominator that contains it.

    `numerator` is the left side, or the part of it that `scale` leaves.
    """
    left, right = unguarded(numerator), unguarded(division.right)
    guard = bare(division.right)
    if isinstance(guard, Call) and guard.func == "scalar":
        return isinstance(right, Aggregation) and grouping_of(right.grouping) == (True, frozenset())
    matching = division.matching
    labels = frozenset(matching.labels) if matching is not None else frozenset()
    if isinstance(right, Aggregation):
        by, kept = grouping_of(right.grouping)
        if not by:  # everything but the dropped labels must be matched
            return matching is None or (not matching.on and labels <= kept)
        if matching is None:
            return True
        return kept <= labels if matching.on else not kept & labels
    if isinstance(left, Aggregation):
        return False
    return matching is None or (not matching.on and not matching.group and labels == {"le"})


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, outer nodes first."""
    pending = [node]
    while pending:
        found = pending.pop()
        yield found
        pending.extend(reversed(children(found)))


def self_ratio(node: Node) -> Binary | None:
    """The first `rate(x{..}[w]) / rate(x[w])` without aggregation: each series is divided by itself, so it is always 1.

    Only with the default matching, and where the numerator selects strictly fewer series.
    """
    for found in walk(node):
        if not isinstance(found, Binary) or found.op != "/" or found.matching is not None:
            continue
        left, right = scale(found.left)[1], unguarded(found.right)
        if isinstance(bare(found.right), Call) and not isinstance(right, Call):
            continue
        narrow, wide = _plain_series(left), _plain_series(right)
        if narrow is None or wide is None or narrow[0] != wide[0]:
            continue
        if narrow[1].name == wide[1].name and _aside(narrow[1], wide[1]) and condition(narrow[1]) > condition(wide[1]):
            return found
    return None


def _plain_series(node: Node) -> tuple[tuple[str, object], Selector] | None:
    """What is done to the series of one selector without aggregating them, and that selector."""
    node = bare(node)
    if isinstance(node, Selector):
        return ("", None), node
    if isinstance(node, Call) and node.func in RATES and node.args and isinstance(node.args[0], Range):
        return (node.func, node.args[0].window), node.args[0].selector
    return None


def clamped_denominators(node: Node) -> tuple[Call, ...]:
    """Every `clamp_min(rate, c)` that is divided by and whose `c` is at least `LEAST_HARMFUL_FLOOR`.

    Below `c` the denominator is `c`, and the ratio no longer one.
    """
    found = []
    for division in walk(node):
        if not isinstance(division, Binary) or division.op != "/":
            continue
        guard = bare(division.right)
        if isinstance(guard, Call) and guard.func == "clamp_min" and _at_least(guard.args[1], LEAST_HARMFUL_FLOOR):
            rates = (n.func in RATES - {"increase"} for n in walk(guard.args[0]) if isinstance(n, Call))
            if any(rates):
                found.append(guard)
    return tuple(found)


class UselessFallback(NamedTuple):
    """An `or vector(c)` that does not do what it is there for."""

    node: Binary
    """The `or`."""
    why: Literal["appended", "dead", "only-nan"]
    """`appended`: the left side has labels, so the fallback is one more element instead of a substitute. `dead`: the
    left side is never empty. `only-nan`: what can still go wrong is NaN, which is an element like any other."""


def useless_fallbacks(node: Node) -> tuple[UselessFallback, ...]:
    """Every `x or vector(c)` whose fallback is an extra element, is never used, or leaves NaN of `x` as it is."""
    from .interpret import interpret  # which reads this module

    found = []
    for fallback in walk(node):
        if not isinstance(fallback, Binary) or fallback.op != "or":
            continue
        right = bare(fallback.right)
        if not isinstance(right, Call) or right.func != "vector":
            continue
        left = interpret(fallback.left)
        if left.type != "vector":
            continue
        matching = fallback.matching
        single = left.labels == frozenset() if matching is None else matching.on and not matching.labels
        if not single:
            found.append(UselessFallback(fallback, "appended"))
        elif not left.empty:
            found.append(UselessFallback(fallback, "dead"))
        elif any(reason.code not in ("raw-sample", "unknown") for reason in left.nan):
            found.append(UselessFallback(fallback, "only-nan"))
    return tuple(found)


def quantiles_out_of_range(node: Node) -> tuple[Number | Unary, ...]:
    """Every constant quantile that is not between 0 and 1: the result is then an infinity."""
    found: list[Number | Unary] = []
    for call in walk(node):
        quantile: Node | None = None
        if isinstance(call, Call) and call.func in ("histogram_quantile", "quantile_over_time") and call.args:
            quantile = bare(call.args[0])
        elif isinstance(call, Aggregation) and call.op == "quantile" and call.param is not None:
            quantile = bare(call.param)
        if isinstance(quantile, Number | Unary):
            value = _signed(quantile)
            if value is not None and not math.isnan(value) and not 0 <= value <= 1:
                found.append(quantile)
    return tuple(found)


def _signed(node: Node) -> float | None:
    if isinstance(node, Unary):
        value = number(node.expr)
        return None if value is None else -value if node.op == "-" else value
    return number(node)


def numerators(node: Node) -> tuple[Selector, ...]:
    """The selectors that are strictly narrower than another selector of the same metric in the query."""
    found = [n for n in walk(node) if isinstance(n, Selector)]
    if len(found) < 2:
        return ()
    conditions = [condition(s) for s in found]
    return tuple(
        narrow
        for narrow, inner in zip(found, conditions, strict=True)
        if any(narrow.name == wide.name and inner > outer for wide, outer in zip(found, conditions, strict=True))
    )


def windows(node: Node) -> tuple[tuple[Range | Subquery, float], ...]:
    """Every range selector and subquery whose window is known, with the seconds it spans."""
    return tuple(
        (found, found.window)
        for found in walk(node)
        if isinstance(found, Range | Subquery) and isinstance(found.window, float | int)
    )


def shortest_window(node: Node) -> tuple[Range | Subquery, float] | None:
    """The range selector or subquery with the shortest known window; `None` without one."""
    return min(windows(node), key=lambda found: found[1], default=None)


def is_hole(node: Node) -> bool:
    """Whether a placeholder stands for the whole expression."""
    return isinstance(bare(node), Hole)
