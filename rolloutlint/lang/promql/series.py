"""Why a query returns several series, as far as it says so itself."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from rolloutlint.lang.promql.tree import Aggregation, Node, Selector, Span, bare, children, selectors
from rolloutlint.lang.promql.values import ANY_LABEL, Abstract

_ONE_TARGET: Final = frozenset(("pod", "pod_name", "instance", "container_id", "kubernetes_pod_name", "quantile", "le"))
"""Labels of which a series that is not aggregated mostly has no two values once one is fixed."""


class Several(NamedTuple):
    """Why a result has more than one element, and the part of the query that makes it so."""

    kind: Literal["labels", "selector"]
    labels: tuple[str, ...]
    """The labels by which the elements differ; empty where their series are not aggregated at all."""
    span: Span


def several_series(node: Node, value: Abstract) -> Several | None:
    """Why a query with this value may return several elements; `None` where it returns one, or nobody knows."""
    if value.type != "vector" or value.cardinality <= 1 or value.always_empty:
        return None
    if any(reason.code == "unknown" for reason in (*value.empty, *value.nan)):
        return None
    found = selectors(node)
    if not found or any(":" in (selector.name or ":") for selector in found):
        return None
    pinned = frozenset.intersection(*(_pinned(selector) for selector in found))
    if value.labels is not None:
        differing = value.labels - pinned
        if not differing or ANY_LABEL in differing:
            return None
        return Several("labels", tuple(sorted(differing)), _grouping(node) or node.span)
    if pinned & _ONE_TARGET or _grouping(node) is not None:
        return None
    return Several("selector", (), found[0].span)


def _pinned(selector: Selector) -> frozenset[str]:
    """The labels that a selector fixes to one value."""
    return frozenset(m.label for m in selector.matchers if m.op == "=" and m.value and m.label is not None)


def _grouping(node: Node) -> Span | None:
    """Where the outermost aggregation with labels stands."""
    node = bare(node)
    if isinstance(node, Aggregation) and node.grouping is not None:
        return node.span
    return next((span for child in children(node) if (span := _grouping(child)) is not None), None)
