"""The unit of what a query measures, where the names of its metrics say so.

Prometheus wants the base unit in the name of a metric (https://prometheus.io/docs/practices/naming/#base-units), and
those that are kept in milliseconds say that too. Only latencies of requests are judged: other durations may
well be long.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from rolloutlint.lang.promql.relations import number, sum_over_count
from rolloutlint.lang.promql.tree import Aggregation, Binary, Call, Node, bare, selectors

Name = Literal["seconds", "milliseconds"]

_LATENCY: Final = re.compile(
    r"(?:request|response|latency|http|grpc|rpc)\w*_(seconds|milliseconds|ms)_(?:bucket|sum)\Z"
).search
_PICKING: Final = frozenset(("avg", "max", "min", "quantile", "topk", "bottomk", "limitk"))
"""Aggregations that keep the scale of their elements."""
_KEEPING: Final = frozenset(
    (
        *("abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "label_replace", "label_join"),
        *("sort", "sort_desc", "vector", "scalar"),
        *("max_over_time", "min_over_time", "avg_over_time", "last_over_time"),
    )
)
_FILTERS: Final = frozenset((">", ">=", "<", "<=", "==", "!=", "and", "or", "unless"))


class Unit(NamedTuple):
    """What the numbers of a query are."""

    name: Name
    series: str
    """The metric whose name says so."""
    converted: bool = False
    """Whether the query multiplies by 1000 or divides by it."""


def unit_of(node: Node) -> Unit | None:
    """The unit of the latencies that a query gives; `None` where it gives no such thing, or nothing tells.

    >>> from rolloutlint.lang.promql.parser import parse
    >>> unit_of(parse("1000 * histogram_quantile(0.9, rate(http_request_seconds_bucket[5m]))"))
    Unit(name='milliseconds', series='http_request_seconds_bucket', converted=True)
    """
    node = bare(node)
    if isinstance(node, Call):
        if node.func == "histogram_quantile" and len(node.args) == 2:
            return _named(node.args[1])
        vectors = [argument for argument in node.args if argument.type in ("vector", "matrix")]
        return unit_of(vectors[0]) if node.func in _KEEPING and vectors else None
    if isinstance(node, Aggregation):
        return unit_of(node.expr) if node.op in _PICKING else None
    if not isinstance(node, Binary):
        return None
    if node.op in _FILTERS:
        return None if node.return_bool else unit_of(node.left)
    if node.op == "/" and sum_over_count(node.left, node.right):
        return _named(node.left)
    return _converted(node)


def _named(node: Node) -> Unit | None:
    """The unit that the names of all metrics below `node` agree on."""
    names = {selector.name or "" for selector in selectors(node)}
    found = {name: match[1] for name in names if (match := _LATENCY(name))}
    if not found or len(found) < len(names) or len(set(found.values())) > 1:
        return None
    series, written = next(iter(found.items()))
    return Unit("seconds" if written == "seconds" else "milliseconds", series)


def _converted(node: Binary) -> Unit | None:
    left, right = number(node.left), number(node.right)
    measured = unit_of(node.left if right is not None else node.right)
    if measured is None or measured.converted:
        return None
    if node.op == "*" and 1000.0 in (left, right):
        return measured._replace(name="milliseconds", converted=True) if measured.name == "seconds" else None
    if node.op == "/" and right == 1000.0:
        return measured._replace(name="seconds", converted=True) if measured.name == "milliseconds" else None
    return None
