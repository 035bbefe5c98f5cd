"""Abstract interpretation of PromQL: what a query can return, whatever the series are.

Mirrors prometheus `promql/engine.go` (selectors, aggregations, `VectorBinop`, `VectorAnd`, `VectorOr`,
`VectorUnless`); functions and arithmetic are in `calls` and `operators`. Every result of Prometheus lies in the value
that is given here; counters (by their suffix) are taken to be non-negative, and NaN or infinities that an exporter
itself sends have the reason `raw-sample`, so that whoever trusts exporters can leave them out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

from .calls import Assume, Assumption, apart, call, is_label_name, one_sign, quantile, refused_argument
from .operators import INF, Share, arithmetic, both_infinite, compare, lowest
from .relations import (
    COMPARISONS,
    RATES,
    aligned,
    grouping_of,
    nameless,
    number,
    part_of,
    same,
    scale,
    sum_over_count,
)
from .tree import (
    Aggregation,
    Binary,
    Call,
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
    selectors,
)
from .values import ANY_LABEL, NEVER, NO_LABELS, Abstract, Reasons, nothing, reason, unknown

__all__ = ["Assume", "Assumption", "interpret"]

Fact: TypeAlias = Literal["positive", "nonzero"]
Facts: TypeAlias = tuple[tuple[Node, Fact], ...]
"""What a guard elsewhere in the query proves about an expression."""

COUNTER_SUFFIXES: Final = ("_total", "_count", "_sum", "_bucket")
"""Metrics that are taken for counters: never negative."""

DEFAULT_STEP: Final = 60.0
"""Seconds between the steps of a subquery that names none: Prometheus' default `evaluation_interval`."""


def interpret(node: Node, *, prometheus: Literal[2, 3] = 3, assume: Assume | None = None) -> Abstract:
    """What the query may return on this major version of Prometheus.

    `assume` tells how the series of a selector are in the world to be looked at; `None` for a selector, as without
    `assume`, means that nothing is known about them. Linear in practice, and safe on every tree of the parser.
    """
    return _Interpreter(prometheus, assume).value(node, ())


class _Interpreter:
    """One interpretation; remembers what it found out about the nodes of one tree."""

    __slots__ = ("assume", "known", "prometheus")

    def __init__(self, prometheus: int, assume: Assume | None) -> None:
        self.prometheus = prometheus
        self.assume = assume
        self.known: dict[int, Abstract] = {}

    def value(self, node: Node, facts: Facts) -> Abstract:
        """What a node may return, given what guards prove."""
        if facts:
            found = _RULES[type(node)](self, node, facts)
            for about, fact in facts:
                if same(node, about):
                    if fact == "positive":
                        found = found._replace(low=max(found.low, 0.0), nonzero=True, nan=NEVER)
                    else:
                        found = found._replace(nonzero=True)
            return found
        known = self.known.get(id(node))
        if known is None:
            known = self.known[id(node)] = _RULES[type(node)](self, node, facts)
        return known

    # -- leaves

    def number(self, node: Number, facts: Facts) -> Abstract:
        value = node.value
        if value != value:
            nan = reason("literal", node.span)
            return Abstract("scalar", NEVER, nan, NEVER, 1, INF, -INF, False, NO_LABELS)
        inf = reason("literal", node.span) if math.isinf(value) else NEVER
        return Abstract("scalar", NEVER, NEVER, inf, 1, value, value, value != 0, NO_LABELS)

    def string(self, node: String, facts: Facts) -> Abstract:
        return Abstract("string", NEVER, NEVER, NEVER, 1, -INF, INF, False, NO_LABELS)

    def hole(self, node: Hole, facts: Facts) -> Abstract:
        return unknown(node.span)

    def selector(self, node: Selector, facts: Facts) -> Abstract:
        name = node.name
        low = 0.0 if name is not None and name.endswith(COUNTER_SUFFIXES) else -INF
        assumed = self.assume(node) if self.assume is not None else None
        if assumed is not None:
            if assumed.state == "absent":
                return nothing(reason("series-absent", node.span))
            return Abstract("vector", NEVER, NEVER, NEVER, 2, low, INF, assumed.state == "moving")
        raw = reason("raw-sample", node.span)
        return Abstract("vector", reason("series-absent", node.span), raw, raw, 2, low)

    def range(self, node: Range, facts: Facts) -> Abstract:
        return Abstract("matrix", *self.selector(node.selector, ())[1:])

    # -- one operand

    def paren(self, node: Paren, facts: Facts) -> Abstract:
        return self.value(node.expr, facts)

    def unary(self, node: Unary, facts: Facts) -> Abstract:
        found = self.value(node.expr, facts)
        if node.op != "-":
            return found
        if found.labels is None and nameless(node.expr):
            found = found._replace(errors=found.errors | reason("duplicate-labels", node.span))
        return found._replace(low=-found.high, high=-found.low)

    def subquery(self, node: Subquery, facts: Facts) -> Abstract:
        # Its steps lie in the past: what has just started was not there, and other times are other worlds.
        inner = self
        assume = self.assume
        if assume is not None:
            moved = node.offset is not None or node.at is not None
            if moved or any((found := assume(s)) is not None and found.state == "new" for s in selectors(node.expr)):
                inner = _Interpreter(self.prometheus, None)
        result = inner.value(node.expr, ())._replace(type="matrix")
        step = DEFAULT_STEP if node.step is None else node.step
        if not isinstance(step, str) and not isinstance(node.window, str) and node.window < step:
            result = result._replace(empty=result.empty | reason("no-step", node.span))
        return result

    def call(self, node: Call, facts: Facts) -> Abstract:
        if "{{" in node.func:
            return unknown(node.span)
        found = call(node, [self.value(argument, facts) for argument in node.args], self.assume)
        if node.func in ("label_replace", "label_join") and refused_argument(node, self.prometheus):
            found = found._replace(errors=found.errors | reason("invalid-argument", node.span))
        return found

    # -- aggregations

    def aggregation(self, node: Aggregation, facts: Facts) -> Abstract:
        a = self.value(node.expr, facts)
        op, errors = node.op, a.errors
        parameter = self.value(node.param, facts) if node.param is not None else None
        if parameter is not None and parameter.errors:
            errors |= parameter.errors
        grouping = node.grouping
        labels: frozenset[str] | None
        if grouping is None:
            labels, cardinality = NO_LABELS, min(a.cardinality, 1)
        else:
            named = frozenset(grouping.labels)
            if grouping.by:
                labels = named if a.labels is None else named & a.labels
                if a.labels is not None and ANY_LABEL in a.labels:
                    labels = named
            else:
                labels = None if a.labels is None else a.labels - named
            cardinality = a.cardinality if labels is None or labels else min(a.cardinality, 1)
            if any("{{" in label for label in named):
                labels, cardinality = None, a.cardinality
        if parameter is not None and op in ("topk", "bottomk", "limitk") and (parameter.nan or parameter.inf):
            errors |= reason("impossible-k", (node.param or node).span)
        if a.always_empty and op != "count_values":
            return nothing(a.empty, labels, errors)
        many = a.cardinality > 1
        nan, inf, low, high, nonzero = a.nan, a.inf, a.low, a.high, a.nonzero
        if op == "sum":
            if inf and low == -INF and high == INF and many:
                nan |= both_infinite(inf, inf, "infinity-minus-infinity", node.span)
            nonzero = (nonzero and one_sign(a)) or (low >= 0 and self._grows(node))
            if many and low <= high:
                low, high = low if low >= 0 else -INF, high if high <= 0 else INF
        elif op == "avg":
            if inf and low == -INF and high == INF and many:
                nan |= both_infinite(inf, inf, "infinity-minus-infinity", node.span)
            nonzero = (nonzero and one_sign(a)) or (low >= 0 and self._grows(node))
        elif op == "max":
            nonzero = nonzero or (low >= 0 and self._grows(node))
        elif op == "min":
            pass
        elif op == "count":
            nan, inf, low, high, nonzero = NEVER, NEVER, 1.0, INF if many else 1.0, True
        elif op == "group":
            nan, inf, low, high, nonzero = NEVER, NEVER, 1.0, 1.0, True
        elif op in ("stddev", "stdvar"):
            # Of a single NaN or infinity it is NaN since 3.0, and was 0 before.
            nan = NEVER if self.prometheus < 3 and not many else nan | inf
            inf, low, high, nonzero = inf if many else NEVER, 0.0, INF, False
        else:
            base = Abstract("vector", a.empty, nan, inf, cardinality, low, high, nonzero, labels, errors)
            return self._with_parameter(node, a, parameter or unknown(node.span), base)
        return Abstract("vector", a.empty, nan, inf, cardinality, low, high, nonzero, labels, errors)

    def _grows(self, node: Aggregation) -> bool:
        """Whether every group has a series that grows, of a rate whose series do not all do so."""
        speed = bare(node.expr)
        if self.assume is None or not isinstance(speed, Call) or speed.func not in RATES or not speed.args:
            return False
        operand = bare(speed.args[0])
        assumed = self.assume(operand.selector) if isinstance(operand, Range) else None
        if assumed is None or assumed.state != "some" or assumed.split is None:
            return False
        return apart(grouping_of(node.grouping), assumed.split)

    def _with_parameter(self, node: Aggregation, a: Abstract, parameter: Abstract, base: Abstract) -> Abstract:
        """`quantile`, `topk`, `bottomk`, `limitk`, `count_values`, `limit_ratio`; `base` has the grouping applied."""
        op, where = node.op, node.param or node
        if op == "quantile":
            return quantile(parameter, a, base, where)
        if op in ("topk", "bottomk", "limitk"):
            errors = base.errors
            kept = a._replace(type="vector", errors=errors)
            if not parameter.nan and parameter.high < 1:
                return nothing(reason("k-below-one", where.span), a.labels, errors)
            if not parameter.nan and parameter.low >= 1:
                one = parameter.high < 2 and base.cardinality <= 1
                return kept._replace(cardinality=base.cardinality) if one else kept
            return kept._replace(empty=a.empty | reason("k-below-one", where.span))
        if op == "count_values":
            label = node.param.value if isinstance(node.param, String) else ANY_LABEL
            labels = None if base.labels is None else base.labels | {label, ANY_LABEL}
            errors = base.errors
            if not is_label_name(where, self.prometheus):
                errors |= reason("invalid-argument", where.span)
            return Abstract(
                "vector", a.empty, NEVER, NEVER, a.cardinality, 1.0, INF, True, labels, errors, a.always_empty
            )
        if op == "limit_ratio":
            return a._replace(type="vector", empty=a.empty | reason("sampled-out", where.span), errors=base.errors)
        return unknown(node.span, "vector", base.errors)

    # -- two operands

    def binary(self, node: Binary, facts: Facts) -> Abstract:
        op = node.op
        if op in ("and", "unless"):
            return self._and_unless(node, facts)
        left, right = self.value(node.left, facts), self.value(node.right, facts)
        if op == "or":
            return self._or(node, left, right)
        errors = left.errors | right.errors if right.errors else left.errors
        labels: frozenset[str] | None
        open_type = left.type is None or right.type is None
        identical = False
        if left.type == "scalar":
            if right.type == "scalar":
                empty, cardinality, labels, always = NEVER, 1, NO_LABELS, False
            else:
                empty, cardinality, labels, always = right.empty, right.cardinality, right.labels, right.always_empty
        elif right.type == "scalar":
            empty, cardinality, labels, always = left.empty, left.cardinality, left.labels, left.always_empty
        elif open_type:
            empty, cardinality, labels, always = left.empty | right.empty, 2, None, False
        else:
            identical = same(node.left, node.right)
            empty, cardinality, labels, errors, always = self._match(node, left, right, identical)
            if always:
                return nothing(empty, labels, errors)
        if open_type:
            empty, cardinality, labels, always = empty | reason("unknown", node.span), 2, None, False
        name_drops = op not in COMPARISONS or node.return_bool
        if labels is None and name_drops and (nameless(node.left) or nameless(node.right)):
            errors |= reason("duplicate-labels", node.span)
        if op in COMPARISONS:
            paired = Abstract(node.type, empty, NEVER, NEVER, cardinality, -INF, INF, False, labels, errors, always)
            return compare(node, left, right, paired, identical)
        if op in ("</", ">/"):  # trims native histograms
            return unknown(node.span, node.type, errors)
        numbers = arithmetic(node, left, right, self._share(node, left, right, identical) if op == "/" else _NO_SHARE)
        return Abstract(
            node.type,
            empty,
            numbers.nan,
            numbers.inf,
            cardinality,
            numbers.low,
            numbers.high,
            numbers.nonzero,
            labels,
            errors,
            always,
        )

    def _share(self, node: Binary, left: Abstract, right: Abstract, identical: bool) -> Share:
        """What the structure of a division says about its value."""
        if node.fill:
            return _NO_SHARE
        if left.type == "scalar":
            return _NO_SHARE
        factor, numerator = scale(node.left)
        scalar_right = right.type == "scalar"
        if identical:
            return Share(equal=True)
        if not scalar_right:
            one, other = self._effective(numerator), self._effective(node.right)
            plain = one is bare(node.left) and other is bare(node.right)  # which have been compared already
            if not plain and same(one, other):
                return Share(factor, equal=True)
        if left.low < 0 or right.low < 0:
            if sum_over_count(numerator, node.right) and aligned(node, numerator):
                return Share(factor, vanishes=True)
            return _NO_SHARE
        if part_of(numerator, node.right):
            return Share(factor, part=True) if aligned(node, numerator) else _NO_SHARE
        if sum_over_count(numerator, node.right) and aligned(node, numerator):
            return Share(factor, vanishes=True)
        return _NO_SHARE

    def _effective(self, node: Node) -> Node:
        """The node that has the same elements wherever both have one: without filters, fallbacks that are never used
        and addends that are 0."""
        while True:
            node = bare(node)
            if not isinstance(node, Binary) or node.return_bool or node.fill:
                return node
            if node.op in COMPARISONS:
                if node.left.type != "vector" or node.right.type != "scalar":
                    return node
                node = node.left
            elif node.op == "or":
                left = self.value(node.left, ())
                if left.empty or not _single_key(node, left, self.value(node.right, ())):
                    return node
                node = node.left
            elif node.op == "+":
                left, right = self.value(node.left, ()), self.value(node.right, ())
                if _is_zero(right):
                    node = node.left
                elif _is_zero(left):
                    node = node.right
                else:
                    return node
            else:
                return node

    def _match(
        self, node: Binary, left: Abstract, right: Abstract, identical: bool
    ) -> tuple[Reasons, int, frozenset[str] | None, Reasons, bool]:
        """Emptiness, cardinality, labels, errors and whether nothing ever matches, of paired vectors."""
        empty = left.empty | right.empty if right.empty else left.empty
        errors = left.errors | right.errors if right.errors else left.errors
        ll, rl = left.labels, right.labels
        matching = node.matching
        if matching is None:
            on, named, group = None, NO_LABELS, ""
        else:
            on, named, group = matching.on, frozenset(matching.labels), matching.group
        exact = (
            (ll == NO_LABELS and rl == NO_LABELS)
            or (on is True and not named)
            or (on is False and ll is not None and rl is not None and ll <= named and rl <= named)
        )
        if not exact and not identical:
            apart_sets = ll is not None and rl is not None and ll != rl and not ll & rl
            wild = (ll is not None and ANY_LABEL in ll) or (rl is not None and ANY_LABEL in rl)
            never = on is None and apart_sets and not wild
            empty |= reason("never-match" if never else "no-match", node.span)
        if on is None and ((rl is None and nameless(node.right)) or (ll is None and nameless(node.left))):
            errors |= reason("many-to-many", node.span)
        if group != "right" and _ambiguous(right, on, named):
            errors |= reason("many-to-many", node.span)
        if group != "left" and _ambiguous(left, on, named):
            errors |= reason("many-to-one", node.span)
        if group:
            side = left if group == "left" else right
            cardinality = side.cardinality
            labels = None if side.labels is None or matching is None else side.labels | frozenset(matching.include)
        else:
            cardinality = min(left.cardinality, right.cardinality)
            if node.op in COMPARISONS and not node.return_bool:
                labels = ll
            elif on is True:
                labels = named if ll is None or ANY_LABEL in ll else named & ll
            elif on is False:
                labels = None if ll is None else ll - named
            else:
                labels = ll if rl is None else rl if ll is None else ll & rl
                if ll is not None and rl is not None and (ANY_LABEL in ll or ANY_LABEL in rl):
                    labels = ll | rl
            if on is True and not named:
                cardinality = min(cardinality, 1)
        if node.fill:
            cardinality = 2 if left.cardinality > 1 or right.cardinality > 1 else 1
            return empty, cardinality, None, errors, False
        return empty, cardinality, labels, errors, left.always_empty or right.always_empty

    def _or(self, node: Binary, left: Abstract, right: Abstract) -> Abstract:
        errors = left.errors | right.errors if right.errors else left.errors
        if left.type is None or right.type is None:
            return unknown(node.span, "vector", errors)
        single = _single_key(node, left, right)
        if (single and not left.empty) or right.always_empty:
            # the fallback can never be used, but is evaluated all the same
            return left if errors is left.errors else left._replace(errors=errors)
        if left.always_empty:
            return right._replace(errors=errors)
        empty = left.empty | right.empty if left.empty and right.empty else NEVER
        labels = None if left.labels is None or right.labels is None else left.labels | right.labels
        return Abstract(
            "vector",
            empty,
            left.nan | right.nan if right.nan else left.nan,
            left.inf | right.inf if right.inf else left.inf,
            max(left.cardinality, right.cardinality) if single else 2,
            lowest(left.low, right.low),
            max(left.high, right.high),
            left.nonzero and right.nonzero,
            labels,
            errors,
        )

    def _and_unless(self, node: Binary, facts: Facts) -> Abstract:
        right = self.value(node.right, facts)
        plain = self.value(node.left, ())
        matching = node.matching
        everything = matching is not None and matching.on and not matching.labels
        proved = facts
        if plain.labels == NO_LABELS or everything:
            fact = _guarded(node, right) if matching is None or everything else None
            if fact is not None:
                proved = (*facts, fact)
        left = self.value(node.left, proved) if proved else plain
        errors = left.errors | right.errors if right.errors else left.errors
        if left.type is None or right.type is None:
            return unknown(node.span, "vector", errors)
        if node.op == "unless":
            if left.always_empty or right.always_empty:
                return left._replace(errors=errors)
            if not right.empty and (everything or (_single_key(node, left, right))):
                return nothing(reason("excluded", node.span), left.labels, errors)
            return left._replace(empty=left.empty | reason("excluded", node.span), errors=errors)
        empty = left.empty | right.empty
        if left.always_empty or right.always_empty:
            return nothing(empty, left.labels, errors)
        if not _single_key(node, left, right):
            empty |= reason("no-match", node.span)
        return left._replace(empty=empty, errors=errors)


_NO_SHARE: Final = Share()


def _is_zero(value: Abstract) -> bool:
    """Whether this is 0 and nothing else, and always there."""
    return value.low == value.high == 0 and not value.nan and not value.empty and value.labels == NO_LABELS


def _single_key(node: Binary, left: Abstract, right: Abstract) -> bool:
    """Whether all elements of both sides of a set operator have the same, empty, signature."""
    if node.matching is not None:
        return node.matching.on and not node.matching.labels
    return left.labels == NO_LABELS and right.labels == NO_LABELS


def _ambiguous(side: Abstract, on: bool | None, named: frozenset[str]) -> bool:
    """Whether several elements of one side may have the same signature."""
    if side.cardinality <= 1 or on is None:
        return False
    return side.labels is None or bool(side.labels - named if on else side.labels & named)


def _guarded(node: Binary, right: Abstract) -> tuple[Node, Fact] | None:
    """What `.. and x > 0` or `.. unless x == 0` proves about `x`, where `x` has one element at most."""
    guard = bare(node.right)
    if not isinstance(guard, Binary) or guard.return_bool or right.labels != NO_LABELS or right.cardinality > 1:
        return None
    bound = number(guard.right)
    if bound is None or not bound >= 0:
        return None
    if node.op == "and":
        if guard.op == ">" or (guard.op == ">=" and bound > 0):
            return guard.left, "positive"
        if guard.op == "!=" and bound == 0:
            return guard.left, "nonzero"
    elif (guard.op == "==" and bound == 0) or guard.op == "<=":
        return guard.left, "nonzero"
    return None


_Rule: TypeAlias = Callable[[_Interpreter, Any, Facts], Abstract]
_RULES: Final[dict[type[Any], _Rule]] = {
    Number: _Interpreter.number,
    String: _Interpreter.string,
    Hole: _Interpreter.hole,
    Selector: _Interpreter.selector,
    Range: _Interpreter.range,
    Paren: _Interpreter.paren,
    Unary: _Interpreter.unary,
    Subquery: _Interpreter.subquery,
    Call: _Interpreter.call,
    Aggregation: _Interpreter.aggregation,
    Binary: _Interpreter.binary,
}
