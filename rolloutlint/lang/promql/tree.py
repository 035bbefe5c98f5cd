"""The syntax tree of a PromQL expression.

Every node knows its `span` (start, end) in the text that was parsed, counted in characters, and the type of its
value: `vector`, `scalar`, `matrix`, `string`, or `None` where a placeholder keeps it open. Node kinds and types are
those of prometheus `promql/parser/ast.go`; what Argo's `{{args.x}}` placeholders may stand for is `Hole`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int]
Type: TypeAlias = Literal["vector", "scalar", "matrix", "string"] | None
Duration: TypeAlias = float | str
"""Seconds, or the source text where it holds a placeholder."""


class Number(NamedTuple):
    """A number or (Prometheus 3) a duration that stands for its seconds."""

    span: Span
    value: float

    @property
    def type(self) -> Type:
        """Always `scalar`."""
        return "scalar"


class String(NamedTuple):
    """A string literal, unquoted."""

    span: Span
    value: str

    @property
    def type(self) -> Type:
        """Always `string`."""
        return "string"


class Paren(NamedTuple):
    """An expression in parentheses."""

    span: Span
    expr: Node

    @property
    def type(self) -> Type:
        """That of what it holds."""
        return self.expr.type


class Unary(NamedTuple):
    """`-x` or `+x`."""

    span: Span
    op: str
    expr: Node

    @property
    def type(self) -> Type:
        """That of its operand."""
        return self.expr.type


class Matching(NamedTuple):
    """`on (labels)` or `ignoring (labels)`, with `group_left` or `group_right` if given."""

    on: bool
    labels: tuple[str, ...]
    group: Literal["", "left", "right"]
    include: tuple[str, ...]


class Binary(NamedTuple):
    """`left op right`; `op` is in lower case."""

    span: Span
    op: str
    left: Node
    right: Node
    type: Type
    op_span: Span
    return_bool: bool
    matching: Matching | None
    fill: tuple[tuple[str, str], ...]
    """(`fill` | `fill_left` | `fill_right`, text of the number) (Prometheus 3, experimental)."""


class Grouping(NamedTuple):
    """`by (labels)` or `without (labels)`; a label may hold a placeholder."""

    by: bool
    labels: tuple[str, ...]
    span: Span


class Aggregation(NamedTuple):
    """`op by (labels) (param, expr)`; `op` is in lower case."""

    span: Span
    op: str
    expr: Node
    param: Node | None
    grouping: Grouping | None

    @property
    def type(self) -> Type:
        """Always `vector`."""
        return "vector"


class Call(NamedTuple):
    """A function call; `func` may hold a placeholder."""

    span: Span
    func: str
    args: tuple[Node, ...]
    type: Type


class Matcher(NamedTuple):
    """One label matcher; `label` is `None` for a placeholder that stands for any number of matchers."""

    label: str | None
    op: Literal["=", "!=", "=~", "!~", ""]
    value: str
    span: Span


class Selector(NamedTuple):
    """`name{matchers} offset o @ t`. `name` is `None` where only matchers select, and may hold a placeholder."""

    span: Span
    name: str | None
    matchers: tuple[Matcher, ...]
    offset: Duration | None
    at: float | str | None

    @property
    def type(self) -> Type:
        """Always `vector`."""
        return "vector"


class Range(NamedTuple):
    """`selector[window]`; the window is in seconds."""

    span: Span
    selector: Selector
    window: Duration
    window_span: Span

    @property
    def type(self) -> Type:
        """Always `matrix`."""
        return "matrix"


class Subquery(NamedTuple):
    """`expr[window:step]`; the step is `None` where the server's default applies."""

    span: Span
    expr: Node
    window: Duration
    step: Duration | None
    offset: Duration | None
    at: float | str | None

    @property
    def type(self) -> Type:
        """Always `matrix`."""
        return "matrix"


class Hole(NamedTuple):
    """A placeholder that stands for a whole expression: nothing is known about it."""

    span: Span
    text: str

    @property
    def type(self) -> Type:
        """Unknown."""
        return None


Node: TypeAlias = Number | String | Paren | Unary | Binary | Aggregation | Call | Selector | Range | Subquery | Hole


def children(node: Node) -> tuple[Node, ...]:
    """The operands of a node, in the order of the text."""
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Aggregation):
        return (node.expr,) if node.param is None else (node.param, node.expr)
    if isinstance(node, Paren | Unary | Subquery):
        return (node.expr,)
    if isinstance(node, Range):
        return (node.selector,)
    return ()


def bare(node: Node) -> Node:
    """The node without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.expr
    return node


def selectors(node: Node) -> tuple[Selector, ...]:
    """Every selector below a node, in the order of the text."""
    if isinstance(node, Selector):
        return (node,)
    return tuple(found for child in children(node) for found in selectors(child))
