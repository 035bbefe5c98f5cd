"""Why a condition is an error for whatever its provider answers, and which of its guards guard nothing.

Mirrors argo-rollouts `utils/evaluate/evaluate.go`: a condition is compiled against the type of each result and then
run, and a failure of either makes an Error of the measurement. `isNil` and `default` look at the whole result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from rolloutlint.controllers.measurement import Condition, Judgement
from rolloutlint.controllers.providers import row_clause
from rolloutlint.lang import expr
from rolloutlint.lang.expr import Fault, Library, Shape, Span, unknown_names, walk
from rolloutlint.lang.expr.questions import is_result
from rolloutlint.lang.expr.tree import Binary, Call, Chain, Member, Nil, Node, Number
from rolloutlint.lang.placeholder import placeholders

Why = Literal["", "plain", "list", "number", "name", "name-plain", "bool", "run", "range", "default"]

_SHAPES: Final[Mapping[str, tuple[Shape, ...]]] = {
    "prometheus": ("float", "float[]"),
    "wavefront": ("float", "float[]"),
    "newRelic": ("map", "maps"),
}
"""What a result can be where its shape depends on the answer."""

_ONE_ROW: Final = re.compile(r"\s*SELECT\s+\w+\s*\(", re.IGNORECASE).match
"""An NRQL query that aggregates."""

_LISTS: Final = frozenset(("graphite", "influxdb", "cloudWatch"))
_MAY_BE_NIL: Final = frozenset(("datadog", "web"))
_STAND_IN: Final = "1.5"


class Never(NamedTuple):
    """Why a condition is never evaluated. The span is one of its text."""

    why: Why
    message: str
    """In the words of expr-lang."""
    span: Span
    hint: str
    """What to write, or ""."""


class Guard(NamedTuple):
    """A test for nil that changes nothing."""

    why: Literal["", "number", "element", "compile"]
    span: Span
    operand: Span
    """What is evaluated as if the guard were not there."""


def never_evaluated(judgement: Judgement, condition: Condition, provider: Mapping[str, Any]) -> Never | None:
    """Why one condition of a metric is an error for every value; `None` where some value may go through.

    `provider` is the configuration of the metric's provider.
    """
    if condition.node is None:
        return None
    one_row = False
    if judgement.provider == "newRelic":
        query = provider.get("query")
        one_row = isinstance(query, str) and _ONE_ROW(query) is not None and row_clause(query) is None
    unread = judgement.query is not None and judgement.query.node is None
    shape = None if unread else judgement.shape
    found = _by_types(judgement.provider, shape, judgement.library, condition.text, one_row)
    return _run(judgement, condition) if found is None and judgement.provider != "cloudWatch" else found


@lru_cache(maxsize=4096)
def _by_types(provider: str, shape: Shape | None, library: Library, text: str, one_row: bool) -> Never | None:
    """Why a condition never compiles; equal texts are asked about once."""
    node = expr.parse(text, library)
    names = unknown_names(node, library)
    if names:
        since = "needs Argo Rollouts" in names[0].hint
        why: Why = "" if since else "name" if names[0].hint else "name-plain"
        return Never(why, f"unknown name {names[0].name}", names[0].span, names[0].hint)
    if provider == "cloudWatch":
        return None  # RL451 knows the fields of its results
    if shape is None:
        return _in_every_shape(node, ("map",) if one_row else _SHAPES.get(provider, ()), library)
    fault = expr.program_of(node, shape, library).error
    return _compiled(fault) if fault is not None else _filled(text, shape, library)


def _compiled(fault: Fault) -> Never:
    why: Why = "" if fault.hint else "plain"
    if fault.hint.startswith("the result is a list: write `result[0]`"):
        why = "list"
    elif fault.hint.startswith("the result is one number"):
        why = "number"
    return Never(why, fault.message, fault.span, fault.hint)


def _in_every_shape(node: Node, shapes: tuple[Shape, ...], library: Library) -> Never | None:
    """The fault for the last of `shapes` if there is one for each."""
    faults = [expr.program_of(node, shape, library).error for shape in shapes]
    last = faults[-1] if faults else None
    return None if last is None or None in faults else _compiled(last)


def _filled(text: str, shape: Shape, library: Library) -> Never | None:
    """The fault of a condition with placeholders if a number were filled in for each: types do not depend on values."""
    holes = placeholders(text)
    if not holes:
        return None
    for hole in holes:
        text = text[: hole.start] + _STAND_IN.ljust(hole.end - hole.start) + text[hole.end :]
    program = expr.program_of(text, shape, library)
    found = _compiled(program.error) if program.error is not None else None
    return found if found is not None and found.why == "list" else None


def _run(judgement: Judgement, condition: Condition) -> Never | None:
    """The fault of a condition that compiles and then fails for every number that the provider can answer with."""
    normal = judgement.verdict("normal")
    part = normal.part("value") if normal is not None else None
    shape = judgement.shape
    if part is None or part.phases != {"Error"} or condition.node is None or shape not in ("float", "float[]"):
        return None
    if expr.ignored_arguments(condition.node):
        return None  # RL427 says why
    program = expr.compile(condition.node, shape, judgement.library)
    low, high = part.bounds
    faults = []
    for number in expr.cells(program, low=low, high=high):
        answer = program.run(number if shape == "float" else [number])
        if not isinstance(answer, Fault):
            return None
        faults.append(answer)
    if not faults:
        return None
    fault = faults[0]
    span = fault.span if fault.span[1] > fault.span[0] else (0, len(condition.text))
    why: Why = "run"
    if fault.kind == "type":
        why = "bool"
    elif "out of range" in fault.message:
        why = "range"
    elif any(isinstance(n, Call) and n.name == "default" for n in walk(condition.node)) and "[]" in fault.message:
        why = "default"
    return Never(why, fault.message, span, fault.hint)


def dead_guards(judgement: Judgement, condition: Condition) -> Iterator[Guard]:
    """The tests for nil in a condition that change nothing, in the order of the text."""
    node = condition.node
    if node is None:
        return
    if judgement.provider in _MAY_BE_NIL:
        yield from _uncompiled(judgement, node)
        return
    numbers = judgement.provider == "wavefront" or (judgement.provider == "prometheus" and judgement.shape == "float")
    lists = judgement.provider in _LISTS or (judgement.provider == "prometheus" and judgement.shape == "float[]")
    if not numbers and not lists:
        return
    elements = lists and judgement.shape == "float[]"
    found = [
        Guard("element" if tested is not None and not is_result(tested) else "" if lists else "number", span, span)
        for span, tested in _nil_tests(node)
        if tested is None or is_result(tested) or (elements and _is_element(tested))
    ]
    yield from sorted(found, key=lambda guard: guard.span)


def _uncompiled(judgement: Judgement, node: Node) -> Iterator[Guard]:
    """The first test for nil of a condition that does not compile for nil."""
    program = expr.program_of(node, "nil", judgement.library)
    if program.error is None or program.error.kind == "panic":
        return
    guards = [span for span, tested in _nil_tests(node) if tested is None or is_result(tested)]
    others: tuple[Shape, ...] = ("float",) if judgement.provider == "datadog" else ("float", "string", "map", "any[]")
    if guards and any(expr.program_of(node, shape, judgement.library).error is None for shape in others):
        yield Guard("compile", min(guards), program.error.span)


def _nil_tests(node: Node) -> Iterator[tuple[Span, Node | None]]:
    """Every test for nil with what it tests; `None` for `isNil(result)`."""
    for one in walk(node):
        if isinstance(one, Call) and one.name == "isNil" and len(one.args) == 1 and is_result(one.args[0]):
            yield one.span, None
        elif isinstance(one, Binary):
            if one.op == "??":
                yield one.span, _inner(one.left)
            elif one.op in ("==", "!="):
                for side, other in ((one.left, one.right), (one.right, one.left)):
                    if isinstance(other, Nil):
                        yield one.span, _inner(side)


def _inner(node: Node) -> Node:
    return _inner(node.expr) if isinstance(node, Chain) else node


def _is_element(node: Node) -> bool:
    return isinstance(node, Member) and is_result(node.object) and isinstance(node.key, Number)
