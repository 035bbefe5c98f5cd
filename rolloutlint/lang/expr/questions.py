"""What a rule may ask of a condition without running it; every answer has the place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from rolloutlint.lang.expr.hints import unknown_name
from rolloutlint.lang.expr.library import BUILTINS, ENVIRONMENT, NEWEST, Library
from rolloutlint.lang.expr.tree import (
    Array,
    Binary,
    Call,
    Hole,
    Let,
    Member,
    Name,
    Node,
    Number,
    Pointer,
    Slice,
    Span,
    String,
    Unary,
    children,
    walk,
)


class UnknownName(NamedTuple):
    """A name that means nothing in a condition; `hint` says which was probably meant, or ""."""

    span: Span
    name: str
    hint: str


class Access(NamedTuple):
    """An element taken out of the result; `index` is `None` where it is no constant (or a slice)."""

    span: Span
    index: int | None  # type: ignore[assignment]  # what everybody calls it, tuple.index or not
    how: Literal["index", "first", "last", "get", "slice"]

    @property
    def fails_on_empty(self) -> bool:
        """`result[k]` fails where there is no such element; the functions give nil, a slice is just shorter."""
        return self.how == "index"


class Ignored(NamedTuple):
    """`isNil` or `default` of something else than the whole result, which is what they look at all the same."""

    span: Span
    name: str
    argument: Span


class Comparison(NamedTuple):
    """The measured value against a number. `op` reads as if the value stood on the left."""

    span: Span
    op: str
    op_span: Span
    metric: Span
    constant: float
    constant_span: Span
    metric_first: bool
    """Whether the value does stand on the left."""
    element: int | None
    """Which element of the result is compared; `None` for the result itself and for what is computed."""


class Constant(NamedTuple):
    """A number that is written in the condition, with its sign."""

    span: Span
    value: int | float


class LateGuard(NamedTuple):
    """An element is taken before the length is asked: `result[0] > 1 || len(result) == 0`."""

    access: Span
    guard: Span


_MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def is_result(node: Node) -> bool:
    """Whether `node` is exactly `result` (or `$env.result`)."""
    if isinstance(node, Name):
        return node.name == "result"
    return (
        isinstance(node, Member)
        and isinstance(node.object, Name)
        and node.object.name == "$env"
        and isinstance(node.key, String)
        and node.key.value == "result"
    )


def unknown_names(node: Node, library: Library = NEWEST) -> tuple[UnknownName, ...]:
    """The names that neither Argo nor the release of expr knows, in the order of the text."""
    return tuple(sorted(_unknown(node, frozenset(), library)))


def _unknown(node: Node, variables: frozenset[str], library: Library) -> Iterator[UnknownName]:
    if isinstance(node, Let):
        yield from _unknown(node.value, variables, library)
        yield from _unknown(node.body, variables | {node.name}, library)
        return
    if isinstance(node, Name | Call):
        name = node.name
        builtin = BUILTINS.get(name)
        known = name in ENVIRONMENT or name in variables or name == "$env" or (builtin and builtin <= library)
        if not known:
            span = node.span if isinstance(node, Name) else node.name_span
            yield UnknownName(span, name, unknown_name(name, span, library).hint)
    for child in children(node):
        yield from _unknown(child, variables, library)


def uses_index(node: Node) -> tuple[Access, ...]:
    """The elements that are taken out of the result, in the order of evaluation."""
    found: list[Access] = []
    for inner in walk(node):
        if isinstance(inner, Member) and is_result(inner.object) and not isinstance(inner.key, String):
            found.append(Access(inner.span, _whole(inner.key), "index"))
        elif isinstance(inner, Slice) and is_result(inner.object):
            found.append(Access(inner.span, None, "slice"))
        elif isinstance(inner, Call) and inner.args and is_result(inner.args[0]):
            if inner.name == "first":
                found.append(Access(inner.span, 0, "first"))
            elif inner.name == "last":
                found.append(Access(inner.span, -1, "last"))
            elif inner.name == "get" and len(inner.args) == 2 and not isinstance(inner.args[1], String):
                found.append(Access(inner.span, _whole(inner.args[1]), "get"))
    return tuple(found)


def _whole(node: Node) -> int | None:
    value = _number(node)
    return value if isinstance(value, int) else None


def _number(node: Node) -> int | float | None:
    """The value of a number with its sign."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Unary) and node.op in ("-", "+"):
        value = _number(node.operand)
        return None if value is None else -value if node.op == "-" else value
    return None


def length_checks(node: Node) -> tuple[Span, ...]:
    """Where the condition asks whether there is data: `len(result)`, `result == []`."""
    found: list[Span] = []
    for inner in walk(node):
        if isinstance(inner, Call) and inner.name == "len" and len(inner.args) == 1 and is_result(inner.args[0]):
            found.append(inner.span)
        elif isinstance(inner, Binary) and inner.op in ("==", "!="):
            sides = (inner.left, inner.right)
            if any(map(is_result, sides)) and any(isinstance(side, Array) and not side.items for side in sides):
                found.append(inner.span)
    return tuple(found)


def author_decided_empty(node: Node) -> bool:
    """Whether `len(result)` is consulted at all (outside of an index such as `result[len(result)-1]`)."""
    indexes = [inner.key.span for inner in walk(node) if isinstance(inner, Member)]
    return any(not any(low <= start and end <= high for low, high in indexes) for start, end in length_checks(node))


def late_guards(node: Node) -> tuple[LateGuard, ...]:
    """Elements that are taken before the operand of the same `and` or `or` that asks for the length."""
    found: list[LateGuard] = []
    for inner in walk(node):
        if not isinstance(inner, Binary) or inner.op not in ("and", "&&", "or", "||"):
            continue
        guards = length_checks(inner.right)
        if not guards or length_checks(inner.left):
            continue
        accesses = [access for access in uses_index(inner.left) if access.fails_on_empty]
        if accesses and not any(guard.guard == guards[0] for guard in found):
            found.append(LateGuard(accesses[0].span, guards[0]))
    return tuple(found)


def ignored_arguments(node: Node) -> tuple[Ignored, ...]:
    """Calls of `isNil` and `default` whose first argument is not exactly `result`."""
    return tuple(
        Ignored(inner.span, inner.name, inner.args[0].span)
        for inner in walk(node)
        if isinstance(inner, Call)
        and inner.name in ("isNil", "default")
        and inner.args
        and not is_result(inner.args[0])
        and not isinstance(inner.args[0], Hole)
    )


def nan_checks(node: Node) -> tuple[Span, ...]:
    """Where the condition asks for NaN: `isNaN(...)`, or a value compared with itself."""
    return tuple(
        inner.span
        for inner in walk(node)
        if (isinstance(inner, Call) and inner.name == "isNaN")
        or (isinstance(inner, Binary) and inner.op in ("==", "!=") and _alike(inner.left, inner.right))
    )


def _alike(left: Node, right: Node) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, Name) and isinstance(right, Name):
        return left.name == right.name
    if isinstance(left, Member) and isinstance(right, Member):
        if _number(left.key) is None or _number(left.key) != _number(right.key):
            return False
        return _alike(left.object, right.object)
    return False


def comparisons(node: Node) -> tuple[Comparison, ...]:
    """The comparisons of something measured with a number, in the order of evaluation."""
    found: list[Comparison] = []
    for inner in walk(node):
        if not isinstance(inner, Binary) or inner.op not in _MIRRORED:
            continue
        for metric, constant, first in ((inner.left, inner.right, True), (inner.right, inner.left, False)):
            value = _number(constant)
            if value is None or not _measured(metric):
                continue
            op = inner.op if first else _MIRRORED[inner.op]
            element = None
            if isinstance(metric, Member) and is_result(metric.object):
                element = _whole(metric.key)
            found.append(
                Comparison(inner.span, op, inner.op_span, metric.span, float(value), constant.span, first, element)
            )
    return tuple(found)


def _measured(node: Node) -> bool:
    """Whether the measured value, and not how many there are, is part of `node`."""
    if isinstance(node, Call) and node.name in ("len", "count", "findIndex", "findLastIndex"):
        return False
    if isinstance(node, Name):
        return node.name not in ENVIRONMENT or node.name == "result"
    if not children(node):
        return isinstance(node, Pointer)
    return any(map(_measured, children(node)))


def constants(node: Node) -> tuple[Constant, ...]:
    """The numbers that the condition compares or computes with; indices of elements are not among them."""
    found: list[Constant] = []
    _constants(node, found)
    return tuple(found)


def _constants(node: Node, found: list[Constant]) -> None:
    value = _number(node)
    if value is not None:
        found.append(Constant(node.span, value))
    elif isinstance(node, Member | Slice):
        _constants(node.object, found)
    else:
        for child in children(node):
            _constants(child, found)
