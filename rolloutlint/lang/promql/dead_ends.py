"""Operands that never have an element, and fallbacks that never stand in for anything.

What is proved here follows from `interpret`; nothing depends on which series exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from .interpret import interpret
from .relations import COMPARISONS, grouping_of, number, useless_fallbacks, walk
from .tree import Aggregation, Binary, Call, Node, Paren, Unary, bare, children
from .values import NO_LABELS, Reason

Version: TypeAlias = Literal[2, 3]

_CAUSES: Final = frozenset(
    (
        "clamp-reversed",
        "condition-never-holds",
        "excluded",
        "k-below-one",
        "no-le-label",
        "operand-never-absent",
    )
)
_CALLS: Final = frozenset(("histogram_quantile", "histogram_fraction", "clamp", "absent", "absent_over_time"))
_PICKING: Final = frozenset(("topk", "bottomk", "limitk"))
_SETS: Final = frozenset(("and", "or", "unless"))
_ELEMENTWISE: Final = frozenset(
    (
        "abs",
        "ceil",
        "clamp",
        "clamp_max",
        "clamp_min",
        "exp",
        "floor",
        "ln",
        "log10",
        "log2",
        "round",
        "sgn",
        "sort",
        "sort_desc",
        "sqrt",
    )
)
"""Functions that keep every element."""


class DeadEnd(NamedTuple):
    """An operand without elements, whatever the series are."""

    node: Node
    cause: Reason


def dead_ends(node: Node, *, prometheus: Version = 3) -> Iterator[DeadEnd]:
    """The innermost operands that are always empty."""
    found = [end for child in children(node) for end in dead_ends(child, prometheus=prometheus)]
    yield from found
    if found or not _may_be_dead(node):
        return
    value = interpret(node, prometheus=prometheus)
    if value.always_empty:
        causes = sorted((r for r in value.empty if r.code in _CAUSES), key=lambda r: r.span)
        if causes:
            yield DeadEnd(node, causes[0])


def _may_be_dead(node: Node) -> bool:
    """Whether it is worth to interpret a node: the usual guards and quantiles are passed over quickly."""
    if isinstance(node, Call):
        return node.func in _CALLS and (not node.func.startswith("histogram_") or _may_lack_le(node.args[-1]))
    if isinstance(node, Aggregation):
        return node.op in _PICKING
    if not isinstance(node, Binary) or node.return_bool:
        return False
    if node.op in (">", ">=", "!="):
        bound = number(node.right)
        return bound is None or bound > 0
    return node.op == "unless" or node.op in COMPARISONS


def _may_lack_le(buckets: Node) -> bool:
    aggregations = (one for one in walk(buckets) if isinstance(one, Aggregation))
    groupings = (grouping_of(one.grouping) for one in aggregations)
    return any(by is not ("le" in labels) for by, labels in groupings)


def unmatched(node: Node, *, prometheus: Version = 3) -> Iterator[tuple[Binary, frozenset[str], frozenset[str]]]:
    """Every operation whose two sides keep different labels, none of them in common, with the labels of each side.

    Only elements that have none of these labels can then be paired.
    """
    nodes = tuple(walk(node))
    if not any(isinstance(one, Aggregation) and one.grouping is not None and one.grouping.labels for one in nodes):
        return
    for one in nodes:
        if not isinstance(one, Binary) or one.matching is not None or one.op in _SETS or one.fill:
            continue
        sides = bare(one.left), bare(one.right)
        if any(side.type != "vector" for side in sides) or not any(isinstance(side, Aggregation) for side in sides):
            continue
        value = interpret(one, prometheus=prometheus)
        if any(reason.code == "never-match" and reason.span == one.span for reason in value.empty):
            left, right = (interpret(side, prometheus=prometheus).labels or NO_LABELS for side in sides)
            yield one, left, right


Idleness = Literal["appended", "dropped", "never-used", "scalar"]
"""Why a fallback is none. `appended`: it joins the result as one more element; `dropped`: it is paired with nothing;
`never-used`: the other side is never empty; `scalar`: it is NaN in place of empty, because of `scalar()`."""


class IdleFallback(NamedTuple):
    """An `x or vector(c)` that does not stand in for an empty `x`."""

    node: Binary
    why: Idleness


def idle_fallbacks(node: Node, *, prometheus: Version = 3) -> Iterator[IdleFallback]:
    """The fallbacks without effect, or with another one than to stand in for what is empty, outermost first."""
    found = useless_fallbacks(node)
    parents = {id(child): one for one in walk(node) for child in children(one)} if found else {}
    for fallback, why in found:
        if why == "dead":
            yield IdleFallback(fallback, "scalar" if _is_wrapped_scalar(fallback.left) else "never-used")
        elif why == "appended":
            fate = _fate(fallback, parents, prometheus)
            if fate is not None:
                yield IdleFallback(fallback, fate)


def _is_wrapped_scalar(node: Node) -> bool:
    node = bare(node)
    inner = bare(node.args[0]) if isinstance(node, Call) and node.func == "vector" else node
    return isinstance(inner, Call) and inner.func == "scalar"


def _fate(fallback: Binary, parents: dict[int, Node], prometheus: Version) -> Literal["appended", "dropped"] | None:
    """What becomes of the element without labels that comes on top; `None` where it may be meant."""
    labels = interpret(fallback.left, prometheus=prometheus).labels
    matching = fallback.matching
    if matching is not None and not matching.on and labels is not None and labels <= frozenset(matching.labels):
        return None  # all elements of the left side count as the same
    node: Node = fallback
    while (parent := parents.get(id(node))) is not None:
        if isinstance(parent, Binary) and parent.op not in _SETS:
            other = parent.right if parent.left is node else parent.left
            if other.type == "vector":
                if parent.matching is not None or labels is None:
                    return None
                return "dropped" if interpret(other, prometheus=prometheus).labels == labels else None
            if other.type != "scalar" or (parent.op in COMPARISONS and not parent.return_bool):
                return None
        elif isinstance(parent, Call):
            if parent.func not in _ELEMENTWISE:
                return None
        elif not isinstance(parent, Paren | Unary) and not (isinstance(parent, Binary) and parent.op == "or"):
            return None
        node = parent
    return "appended"
