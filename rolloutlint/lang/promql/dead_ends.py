"""Operands that never have an element, and fallbacks that never stand in for anything.

What is proved here follows from `interpret`; nothing depends on which series exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from .interpret import interpret
from .relations import COMPARISONS, useless_fallbacks, walk
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
    if isinstance(node, Call):
        return node.func in _CALLS
    if isinstance(node, Aggregation):
        return node.op in _PICKING
    return isinstance(node, Binary) and (node.op == "unless" or (node.op in COMPARISONS and not node.return_bool))


def unmatched(node: Node, *, prometheus: Version = 3) -> Iterator[tuple[Binary, frozenset[str], frozenset[str]]]:
    """Every operation whose two sides keep different labels, none of them in common, with the labels of each side.

    Only elements that have none of these labels can then be paired.
    """
    for child in children(node):
        yield from unmatched(child, prometheus=prometheus)
    if not isinstance(node, Binary) or node.matching is not None or node.op in _SETS or node.fill:
        return
    sides = bare(node.left), bare(node.right)
    if any(side.type != "vector" for side in sides) or not any(isinstance(side, Aggregation) for side in sides):
        return
    value = interpret(node, prometheus=prometheus)
    if any(r.code == "never-match" and r.span == node.span for r in value.empty):
        left, right = (interpret(side, prometheus=prometheus).labels or NO_LABELS for side in sides)
        yield node, left, right


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
