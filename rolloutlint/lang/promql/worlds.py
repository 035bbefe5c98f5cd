"""What a query returns in the situations that every rollout meets: no data yet, no traffic, everything fine,
everything broken.

A world is an assumption about the series that exist. Where a label has one value only, the matchers that it passes say
nothing, and the tree is read without them: `sum(rate(x{code!~"5.."}[5m])) / sum(rate(x[5m]))` is then something divided
by itself. Selectors that look at another time (`offset`, `@`) are only assumed where nothing has ever existed; windows
are assumed to hold enough samples (see `relations.shortest_window`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, Literal, TypeAlias

from .calls import Assume, Assumption
from .interpret import interpret
from .outcomes import Outcome, outcomes
from .relations import RATES, condition, numerators
from .tree import Aggregation, Binary, Call, Node, Paren, Range, Selector, Subquery, Unary, bare, selectors
from .values import Abstract

ABSENT: Final = Assumption("absent")
NEW: Final = Assumption("new")
STILL: Final = Assumption("still")
MOVING: Final = Assumption("moving")
_SOME_BUCKETS: Final = Assumption("some", frozenset(("le",)))
_SOMETHING: Final = Assumption("some")


def what_if(node: Node, *, prometheus: Literal[2, 3] = 3) -> WhatIf:
    """What the query returns in each world; worlds are worked out when they are asked for."""
    return WhatIf(node, prometheus)


class WhatIf:
    """The values of one query in the worlds that decide about a rollout.

    `None` stands for worlds that the query does not know: no selector is narrower than another, or no matcher says
    which requests fail.
    """

    def __init__(self, node: Node, prometheus: Literal[2, 3] = 3) -> None:
        self._node = node
        self._prometheus = prometheus

    @cached_property
    def absent(self) -> Abstract:
        """Nothing exists."""
        return self._value(self._node, lambda selector: ABSENT)

    @cached_property
    def started(self) -> Abstract:
        """The pods have just started: each series has one sample."""
        return self._value(self._node, lambda selector: None if _elsewhen(selector) else NEW)

    @cached_property
    def idle(self) -> Abstract:
        """Every series exists and none changes: no traffic."""
        return self._value(self._node, lambda selector: None if _elsewhen(selector) else STILL)

    @cached_property
    def normal(self) -> Abstract:
        """Every series exists, none is 0 and every counter grows."""
        return self._value(self._node, lambda selector: None if _elsewhen(selector) else _moving(selector))

    @cached_property
    def narrow_absent(self) -> Abstract | None:
        """The narrower selectors find nothing, the others are as in `normal`."""
        if not self._narrow:
            return None
        return self._with_narrow(lambda selector: ABSENT, _moving)

    @cached_property
    def narrow_zero(self) -> Abstract | None:
        """The series of the narrower selectors exist and do not move, the others are as in `normal`."""
        if not self._narrow:
            return None
        return self._with_narrow(lambda selector: STILL, self._around_narrow)

    @cached_property
    def healthy(self) -> Abstract | None:
        """Every request succeeds, and no request has failed yet: there are no series of failures."""
        return self._with_outcomes("success", minority=False)

    @cached_property
    def healthy_zero_errors(self) -> Abstract | None:
        """Every request succeeds; series of failures exist and do not move."""
        return self._with_outcomes("success", minority=True)

    @cached_property
    def all_failing(self) -> Abstract | None:
        """Every request fails, and none has ever succeeded: there are no series of successes."""
        return self._with_outcomes("failure", minority=False)

    @cached_property
    def all_failing_zero(self) -> Abstract | None:
        """Every request fails; series of successes exist and do not move."""
        return self._with_outcomes("failure", minority=True)

    def _value(self, node: Node, assume: Assume) -> Abstract:
        return interpret(node, prometheus=self._prometheus, assume=assume)

    @cached_property
    def _selectors(self) -> tuple[Selector, ...]:
        return selectors(self._node)

    @cached_property
    def _narrow(self) -> tuple[Selector, ...]:
        return numerators(self._node)

    @cached_property
    def _outcomes(self) -> dict[int, Outcome] | None:
        return outcomes(self._selectors)

    def _with_narrow(
        self, narrow: Callable[[Selector], Assumption], rest: Callable[[Selector], Assumption]
    ) -> Abstract:
        states: dict[int, Assumption] = {}
        inner = {id(selector) for selector in self._narrow}
        for selector in self._selectors:
            if not _elsewhen(selector):
                states[id(selector)] = narrow(selector) if id(selector) in inner else rest(selector)
        return self._value(self._node, lambda selector: states.get(id(selector)))

    def _around_narrow(self, selector: Selector) -> Assumption:
        """A selector that also finds the series of the narrower ones, which do not move."""
        wide = condition(selector)
        split: set[str] = set()
        for narrow in self._narrow:
            inner = condition(narrow)
            if narrow.name == selector.name and inner > wide:
                for label, _, _ in inner - wide:
                    if label is None or "{{" in label:
                        return _SOMETHING
                    split.add(label)
        return _some(selector, frozenset(split)) if split else _moving(selector)

    def _with_outcomes(self, majority: Literal["success", "failure"], *, minority: bool) -> Abstract | None:
        known = self._outcomes
        if known is None:
            return None
        succeeding = majority == "success"
        states: dict[int, Assumption] = {}

        def seen(selector: Selector, summed: bool) -> Selector:
            outcome = known.get(id(selector))
            if outcome is None or _elsewhen(selector):
                return selector
            most, least = outcome.successes, outcome.failures
            if not succeeding:
                most, least = least, most
            bare_of_outcome = selector
            if not most:
                state = STILL if least and minority else ABSENT
            elif not minority:
                state, bare_of_outcome = _moving(selector), _without(selector, outcome.labels)
            elif least or summed:
                # A sum of rates does not see series that do not move.
                state, bare_of_outcome = _some(selector, outcome.labels), _without(selector, outcome.labels)
            else:
                state = _moving(selector)
            states[id(bare_of_outcome)] = state
            return bare_of_outcome

        tree = _rewritten(self._node, seen)
        return self._value(tree, lambda selector: states.get(id(selector)))


def _elsewhen(selector: Selector) -> bool:
    """Whether a selector looks at another time than the query's."""
    return selector.offset is not None or selector.at is not None


def _moving(selector: Selector) -> Assumption:
    """Every series grows; of the buckets of a histogram only those that observations fall into."""
    name = selector.name
    if name is not None and name.endswith("_bucket"):
        for matcher in selector.matchers:
            if matcher.label is None or matcher.label == "le":
                return MOVING if (matcher.op, matcher.value) == ("=", "+Inf") else _SOMETHING
        return _SOME_BUCKETS
    return MOVING


def _some(selector: Selector, split: frozenset[str]) -> Assumption:
    """Some series grow, told apart by the labels in `split`."""
    moving = _moving(selector)
    if moving.state == "moving":
        return Assumption("some", split)
    return moving if moving.split is None else Assumption("some", moving.split | split)


def _without(selector: Selector, labels: frozenset[str]) -> Selector:
    """A new selector that does not ask for these labels."""
    matchers = tuple([m for m in selector.matchers if m.label not in labels])
    return Selector(selector.span, selector.name, matchers, selector.offset, selector.at)


Rewrite: TypeAlias = Callable[[Selector, bool], Selector]


def _rewritten(node: Node, seen: Rewrite, summed: bool = False) -> Node:
    """The tree with other selectors; `seen` is told whether a selector's rates are summed and nothing else."""
    if isinstance(node, Selector):
        return seen(node, summed)
    if isinstance(node, Range):
        return Range(node.span, seen(node.selector, summed), node.window, node.window_span)
    if isinstance(node, Call):
        inner = summed and node.func in RATES
        return Call(node.span, node.func, tuple([_rewritten(found, seen, inner) for found in node.args]), node.type)
    if isinstance(node, Binary):
        return Binary(node.span, node.op, _rewritten(node.left, seen), _rewritten(node.right, seen), *node[4:])
    if isinstance(node, Aggregation):
        rates = node.op == "sum" and isinstance(bare(node.expr), Call)
        parameter = node.param and _rewritten(node.param, seen)
        return Aggregation(node.span, node.op, _rewritten(node.expr, seen, rates), parameter, node.grouping)
    if isinstance(node, Paren):
        return Paren(node.span, _rewritten(node.expr, seen, summed))
    if isinstance(node, Unary):
        return Unary(node.span, node.op, _rewritten(node.expr, seen))
    if isinstance(node, Subquery):
        return node._replace(expr=_rewritten(node.expr, seen))
    return node
