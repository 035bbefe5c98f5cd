"""How a query is mended: what to put in place of which of its characters so that it says what was meant.

Every function proposes changes to the text that was parsed and leaves the rest of it - comments, line breaks,
placeholders - byte for byte. Whether a change does any good is for the caller to prove: nothing here asks what a query
returns. The idioms are those for which prometheus `promql/engine.go` gives no NaN and no gap: a comparison drops NaN
and zeros (`VectorBinop`), `or vector(c)` stands in for what has no labels.
"""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.tree import (
    Aggregation,
    Binary,
    Call,
    Hole,
    Node,
    Number,
    Paren,
    Selector,
    Unary,
    bare,
    children,
    selectors,
)
from rolloutlint.lang.rewrite import Change

_SETS = frozenset(("and", "or", "unless"))
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_ARITHMETIC = frozenset(("+", "-", "*", "/", "%"))
_SPLITTING = frozenset(("topk", "bottomk", "limitk", "limit_ratio", "count_values"))
"""Aggregations whose elements keep or get labels."""
_LABELLING = frozenset(("label_replace", "label_join", "absent", "absent_over_time", "info"))
_LEAST_TRAFFIC = 0.01
"""Requests per second: a `clamp_min` with a greater bound distorts the ratio of a service with little traffic."""


def guard_denominators(node: Node, text: str) -> tuple[Change, ...]:
    """`a / b` -> `a / (b > 0)` for each vector `b` that can be 0: without traffic the ratio is gone, and not NaN.

    Where `b` can be negative it is `b != 0`. A `clamp_min(b, 1)` in that place is replaced by `(b > 0)`.
    """
    changes: list[Change] = []
    for one, _ in _walk(node):
        if isinstance(one, Binary) and one.op in ("/", "%") and one.right.type == "vector":
            changes += _nonzero(one, text)
    return tuple(changes)


def unclamp(node: Node, text: str) -> tuple[Change, ...]:
    """`a / clamp_min(b, 1)` -> `a / (b > 0)`, where the bound changes the ratio of a service with little traffic."""
    changes: list[Change] = []
    for one, _ in _walk(node):
        if isinstance(one, Binary) and one.op == "/" and _clamped(one.right) is not None:
            changes += _nonzero(one, text)
    return tuple(changes)


def guard_numerators(node: Node, *, all_of_them: bool = False) -> tuple[Change, ...]:
    """`a / b` -> `(a or vector(0)) / b` for each `a` without labels that selects less than another selector does.

    Before the first failure there is no series of failures, and `a / b` is empty although all is well. With
    `all_of_them` also where nothing tells that `a` selects less.
    """
    every = selectors(node)
    changes: list[Change] = []
    for one, _ in _walk(node):
        if isinstance(one, Binary) and one.op == "/":
            for term, parent in _terms(one.left, one):
                if without_labels(term) and (all_of_them or _narrower(term, every)):
                    changes += _suffixed(term, parent, " or vector(0)")
    return tuple(dict.fromkeys(changes))


def guard_histograms(node: Node) -> tuple[Change, ...]:
    """`histogram_quantile(...)` -> `(histogram_quantile(...) >= 0)`: without observations it is gone, and not NaN."""
    changes: list[Change] = []
    for one, parent in _walk(node):
        if isinstance(one, Call) and one.func == "histogram_quantile" and not _compared(parent):
            changes += _suffixed(one, parent, " >= 0", tight=True)
    return tuple(changes)


def fall_back(node: Node, value: str) -> tuple[Change, ...]:
    """The whole query `q` -> `q or vector(value)`."""
    return tuple(_suffixed(node, None, f" or vector({value})")) if without_labels(node) else ()


def fallbacks(node: Node) -> tuple[tuple[Binary, Number], ...]:
    """Every `x or vector(c)` (also `or on () vector(c)`), outermost first, with the number `c`."""
    found: list[tuple[Binary, Number]] = []
    for one, _ in _walk(node):
        if isinstance(one, Binary) and one.op == "or":
            right = bare(one.right)
            if isinstance(right, Call) and right.func == "vector" and isinstance(right.args[0], Number):
                found.append((one, right.args[0]))
    return tuple(found)


def cut_fallback(fallback: Binary, text: str) -> tuple[Change, ...]:
    """`x or vector(c)` -> `x`. Comments stay; where one stands inside of what would go, nothing is proposed."""
    left, operator, end = fallback.left.span[1], fallback.op_span, fallback.span[1]
    if "#" in text[operator[1] : fallback.right.span[0]]:
        return ()
    between = text[left : operator[0]]
    start = left + len(between.rstrip())
    if start > left and text[end:].lstrip(" \t")[:1] not in (
        "",
        "\r",
        "\n",
    ):  # what follows must not end up in the comment
        start = operator[0]
    return (Change(start, end, ""),)


def aggregate_by_le(node: Node, text: str) -> tuple[Change, ...]:
    """`histogram_quantile(q, sum(rate(b[5m])))` -> `histogram_quantile(q, sum by (le) (rate(b[5m])))`."""
    changes: list[Change] = []
    for one, _ in _walk(node):
        if not isinstance(one, Call) or one.func != "histogram_quantile" or len(one.args) != 2:
            continue
        inner = bare(one.args[1])
        while isinstance(inner, Aggregation):
            changes += _by_le(inner, text)
            inner = bare(inner.expr)
    return tuple(changes)


def unwrap_scalars(node: Node) -> tuple[Change, ...]:
    """`scalar(x)` -> `x` and `vector(scalar(x))` -> `x`: `scalar` makes NaN of an empty vector."""
    changes: list[Change] = []
    for one, parent in _walk(node):
        if isinstance(one, Call) and one.func == "scalar" and len(one.args) == 1:
            within = isinstance(parent, Call) and parent.func == "vector"
            outer = parent if within and parent is not None else one
            inner = one.args[0]
            enclose = isinstance(inner, Binary)
            changes.append(Change(outer.span[0], inner.span[0], "(" if enclose else ""))
            changes.append(Change(inner.span[1], outer.span[1], ")" if enclose else ""))
    return tuple(changes)


def without_labels(node: Node) -> bool:
    """Whether all that a vector can return is one element without labels, as `sum(...)` does."""
    node = bare(node)
    if isinstance(node, Aggregation):
        grouping = node.grouping
        return node.op not in _SPLITTING and (grouping is None or (grouping.by and not grouping.labels))
    if isinstance(node, Call):
        if node.func == "vector":
            return True
        vectors = [argument for argument in node.args if argument.type == "vector"]
        return node.func not in _LABELLING and bool(vectors) and all(map(without_labels, vectors))
    if isinstance(node, Binary):
        sides = [side for side in (node.left, node.right) if side.type != "scalar"]
        return node.type == "vector" and all(map(without_labels, sides))
    return isinstance(node, Unary) and without_labels(node.expr)


def _walk(node: Node, parent: Node | None = None) -> Iterator[tuple[Node, Node | None]]:
    """Each node with the one it is an operand of, outer before inner."""
    yield node, parent
    for child in children(node):
        yield from _walk(child, node)


def _suffixed(node: Node, parent: Node | None, suffix: str, *, tight: bool = False) -> Iterator[Change]:
    """`node` -> `(node suffix)`, without the parentheses where it stands in some already or nothing is next to it.

    `tight`: the suffix is a comparison, which binds tighter than the set operators.
    """
    enclosed = _stands_alone(node, parent, tight)
    while isinstance(node, Paren):
        enclosed, node = True, node.expr
    loose = tight and isinstance(node, Binary) and (node.op in _SETS or node.op in _COMPARISONS)
    opening = "(" * ((not enclosed) + loose)
    if opening:
        yield Change(node.span[0], node.span[0], opening)
    yield Change(node.span[1], node.span[1], ")" * loose + suffix + ")" * (not enclosed))


def _stands_alone(node: Node, parent: Node | None, tight: bool) -> bool:
    """Whether an operator put after `node` can touch nothing but `node`."""
    if parent is None or isinstance(parent, Paren | Aggregation | Call):
        return True
    if not isinstance(parent, Binary):
        return False
    return (tight and parent.op in _SETS) or (parent.op == "or" and parent.left is node)


def _nonzero(ratio: Binary, text: str) -> Iterator[Change]:
    """`right` -> `(right > 0)`, unless it is guarded already."""
    node = ratio.right
    # `group_left (b > 0)` would take the parentheses for its labels.
    labels = "() " if text[: node.span[0]].rstrip().endswith(("group_left", "group_right")) else ""
    clamp = _clamped(node)
    if clamp is not None:
        inner = clamp.args[0]
        if "#" in text[clamp.span[0] : inner.span[0]] + text[inner.span[1] : clamp.span[1]]:
            return  # a comment would be lost
        loose = isinstance(inner, Binary) and (inner.op in _SETS or inner.op in _COMPARISONS)
        enclosed = isinstance(node, Paren)
        opening = ("" if enclosed else labels) + "(" * ((not enclosed) + loose)
        yield Change(clamp.span[0], inner.span[0], opening)
        yield Change(inner.span[1], clamp.span[1], ")" * loose + " > 0" + ")" * (not enclosed))
    elif not isinstance(bare(node), Hole) and not _guarded(node):
        suffix = " > 0" if interpret(node).low >= 0 else " != 0"
        first, *others = _suffixed(node, node if isinstance(node, Paren) else _ANYWHERE, suffix, tight=True)
        yield first._replace(text=labels + first.text) if others else first
        yield from others


_ANYWHERE: Node = Unary((0, 0), "-", Number((0, 0), 0))
"""A parent next to which everything needs parentheses."""


def _clamped(node: Node) -> Call | None:
    """`clamp_min(b, c)` where `c` is 0, or so great that it changes what little traffic gives."""
    node = bare(node)
    if isinstance(node, Call) and node.func == "clamp_min" and len(node.args) == 2:
        bound = bare(node.args[1])
        if isinstance(bound, Number) and not 0 < bound.value <= _LEAST_TRAFFIC:
            return node
    return None


def _guarded(node: Node) -> bool:
    """Whether zero is taken out of an operand, or replaced, by what it is written as."""
    node = bare(node)
    if isinstance(node, Binary):
        if node.op in (">", "!=", ">=") and not node.return_bool:
            bound = bare(node.right)
            return isinstance(bound, Number) and (bound.value > 0 or (bound.value == 0 and node.op != ">="))
        if node.op == "or":
            right = bare(node.right)
            constant = bare(right.args[0]) if isinstance(right, Call) and right.func == "vector" else None
            return _guarded(node.left) and isinstance(constant, Number) and constant.value != 0
        return node.op == "and" and _guarded(node.left)
    return isinstance(node, Call) and node.func == "clamp_min" and _clamped(node) is None


def _terms(node: Node, parent: Node) -> Iterator[tuple[Node, Node]]:
    """The vectors that sums and products of a numerator are made of, each with what it is an operand of."""
    if isinstance(node, Unary) or (isinstance(node, Paren) and isinstance(bare(node), Binary)):
        yield from _terms(node.expr, node)
    elif isinstance(node, Binary):
        if node.op in _ARITHMETIC and node.op != "/":
            yield from _terms(node.left, node)
            yield from _terms(node.right, node)
        elif node.op == "/" and node.right.type == "scalar":
            yield from _terms(node.left, node)
    elif node.type == "vector":
        yield node, parent


def _narrower(node: Node, every: tuple[Selector, ...]) -> bool:
    """Whether each selector of `node` selects less than another one of the query: the same metric, more matchers."""
    own = selectors(node)
    return bool(own) and all(any(_selects_less(one, other) for other in every) for one in own)


def _selects_less(one: Selector, other: Selector) -> bool:
    mine = {(m.label, m.op, m.value) for m in one.matchers}
    theirs = {(m.label, m.op, m.value) for m in other.matchers}
    return one.name == other.name and mine > theirs


def _compared(parent: Node | None) -> bool:
    return isinstance(parent, Binary) and parent.op in _COMPARISONS and not parent.return_bool


def _by_le(node: Aggregation, text: str) -> Iterator[Change]:
    grouping = node.grouping
    if grouping is None:
        after = node.span[0] + len(node.op)
        yield Change(after, after, " by (le) " if text[after : after + 1] == "(" else " by (le)")
    elif grouping.by and "le" not in grouping.labels:
        closing = grouping.span[1] - 1
        written = text[grouping.span[0] : closing].rstrip()
        if text[closing] == ")" and "#" not in written:
            yield Change(
                closing, closing, "le" if written.endswith("(") else " le" if written.endswith(",") else ", le"
            )
