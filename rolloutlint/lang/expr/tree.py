"""The syntax tree of a condition.

Every node knows its `span` (start, end) in the text that was parsed, in characters. Node kinds are those of expr-lang
`ast/node.go`; what Argo's `{{args.x}}` placeholders may stand for is `Hole`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int]


class Number(NamedTuple):
    """An integer (`int`) or a float (`float`): expr tells them apart."""

    span: Span
    value: int | float


class String(NamedTuple):
    """A string literal, unquoted; `open` where a placeholder stands in it, so that the value is not known."""

    span: Span
    value: str
    open: bool = False


class Bytes(NamedTuple):
    """`b"..."`; one character for each byte."""

    span: Span
    value: str


class Boolean(NamedTuple):
    """`true` or `false`."""

    span: Span
    value: bool


class Nil(NamedTuple):
    """`nil`."""

    span: Span


class Name(NamedTuple):
    """A name that is not called: `result`, a variable of `let`, `$env`."""

    span: Span
    name: str


class Hole(NamedTuple):
    """A placeholder, with whatever touches it: a value of unknown type that may hold anything.

    It covers the whole text where the placeholder could be more than one operand.
    """

    span: Span
    text: str


class Unary(NamedTuple):
    """`op operand`; `op` is `not`, `!`, `-` or `+`. For `a not in b` the operand is `a in b`."""

    span: Span
    op: str
    operand: Node


class Binary(NamedTuple):
    """`left op right`. A chain `a < b < c` is `a < b && b < c`, where `b` is the same node twice."""

    span: Span
    op: str
    left: Node
    right: Node
    op_span: Span


class Member(NamedTuple):
    """`object[key]`, `object.key` (the key is a `String` then) or, if `optional`, `object?.key`."""

    span: Span
    object: Node
    key: Node
    optional: bool = False


class Slice(NamedTuple):
    """`object[low:high]`."""

    span: Span
    object: Node
    low: Node | None
    high: Node | None


class Call(NamedTuple):
    """`name(args)`, also written `first_argument | name(rest)`."""

    span: Span
    name: str
    args: tuple[Node, ...]
    name_span: Span


class Method(NamedTuple):
    """`object.name(args)`."""

    span: Span
    target: Member
    args: tuple[Node, ...]


class Predicate(NamedTuple):
    """What `all`, `filter` and the like do with each element: `# > 1`, or `{ # > 1 }` (`braces`)."""

    span: Span
    body: Node
    braces: bool


class Pointer(NamedTuple):
    """`#` (name ""), `#acc`, `#index`; also what stands unwritten before `.name` in a predicate."""

    span: Span
    name: str


class Let(NamedTuple):
    """`let name = value; body`."""

    span: Span
    name: str
    value: Node
    body: Node


class Sequence(NamedTuple):
    """`a; b`: the value of the last one."""

    span: Span
    items: tuple[Node, ...]


class Conditional(NamedTuple):
    """`test ? then : other` or `if test { then } else { other }`; `test ?: other` has the test as `then`."""

    span: Span
    test: Node
    then: Node
    other: Node


class Array(NamedTuple):
    """`[a, b]`."""

    span: Span
    items: tuple[Node, ...]


class Pair(NamedTuple):
    """One entry of a map; a plain key is a `String`."""

    span: Span
    key: Node
    value: Node


class Map(NamedTuple):
    """`{key: value}`."""

    span: Span
    pairs: tuple[Pair, ...]


class Chain(NamedTuple):
    """The extent of `?.`: where it meets nil, the whole chain is nil."""

    span: Span
    expr: Node


Node: TypeAlias = (
    Number
    | String
    | Bytes
    | Boolean
    | Nil
    | Name
    | Hole
    | Unary
    | Binary
    | Member
    | Slice
    | Call
    | Method
    | Predicate
    | Pointer
    | Let
    | Sequence
    | Conditional
    | Array
    | Pair
    | Map
    | Chain
)


_LEAVES: Final = frozenset((Number, Name, String, Pointer, Hole))
"""Most nodes are one of these, and `children` is asked about every node."""


def children(node: Node) -> tuple[Node, ...]:
    """What `node` is made of, in the order in which it is evaluated.

    >>> children(Unary((0, 5), "-", Number((1, 5), 0.95)))
    (Number(span=(1, 5), value=0.95),)
    """
    if type(node) in _LEAVES:
        return ()
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Member):
        return (node.object, node.key)
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Predicate):
        return (node.body,)
    if isinstance(node, Chain):
        return (node.expr,)
    if isinstance(node, Conditional):
        return (node.test, node.then, node.other)
    if isinstance(node, Slice):
        return tuple(part for part in (node.object, node.low, node.high) if part is not None)
    if isinstance(node, Method):
        return (node.target, *node.args)
    if isinstance(node, Let):
        return (node.value, node.body)
    if isinstance(node, Pair):
        return (node.key, node.value)
    if isinstance(node, Array | Sequence):
        return node.items
    if isinstance(node, Map):
        return node.pairs
    return ()


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, outer before inner, in the order of evaluation."""
    yield node
    for child in children(node):
        yield from walk(child)
