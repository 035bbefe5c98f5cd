"""The code of a condition: closures over a frame, which expr runs as bytecode (`vm/vm.go`)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from rolloutlint.lang.expr.builtins import parse_float, parse_int
from rolloutlint.lang.expr.tree import (
    Span,
)
from rolloutlint.lang.expr.types import (
    Type,
)
from rolloutlint.lang.expr.values import (
    RunFault,
    Undecided,
    arithmetic,
    deep_equal,
    equal,
    go_type,
    matches,
    to_int,
)

Code: TypeAlias = Callable[[list[Any]], Any]
"""Evaluates a node; the frame holds the result, how many values a range may still make, and then the variables."""

RESULT, BUDGET, VARIABLES = 0, 1, 2

MAX_RANGE: Final = 20_000

MEMORY: Final = 1_000_000
"""The memory budget of expr's virtual machine, in values."""


class Unknown(NamedTuple):
    """What a placeholder or an unmodelled function decides."""


UNKNOWN: Final = Unknown()

ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}

MIRRORED: Final = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}

ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def undecided(frame: list[Any]) -> Any:
    raise Undecided


def of_result(frame: list[Any]) -> Any:
    return frame[0]


def constant(value: Any) -> Code:
    return lambda frame: value


def slot(at: int) -> Code:
    return lambda frame: frame[at]


class Scope(NamedTuple):
    """An open predicate: the type of `#`, and where `#`, `#index` and `#acc` stand in the frame."""

    element: Type
    at: int
    position: int
    acc: int


class NilInChain(Exception):  # noqa: N818 - control flow
    """`?.` met nil."""


def against(code: Code, bound: float, op: str) -> Code:
    """A comparison with a constant, the commonest condition of all."""
    if op == "<":
        return lambda frame: code(frame) < bound
    if op == ">":
        return lambda frame: code(frame) > bound
    if op == "<=":
        return lambda frame: code(frame) <= bound
    return lambda frame: code(frame) >= bound


def truth(value: Any, span: Span) -> bool:
    if value is True or value is False:
        return value
    if value is None:
        raise RunFault("interface conversion: interface {} is nil, not bool", span)
    raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not bool", span)


def checked(code: Code, span: Span) -> Code:
    return lambda frame: truth(code(frame), span)


def integer(value: Any, span: Span) -> int:
    if type(value) is not int:
        raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not int", span)
    return value


def numeric(value: Any, span: Span) -> Any:
    if type(value) not in (int, float):
        raise RunFault(f"invalid operation: - {go_type(value)}", span)
    return value


def open_logic(left: Code, right: Code, absorbing: bool) -> Code:
    """`and`, `or` whose left side may be open: the right one decides alone where it absorbs."""

    def run(frame: list[Any]) -> Any:
        try:
            found = left(frame)
        except Undecided:
            try:
                other = right(frame)
            except RunFault:
                raise Undecided from None
            if other is absorbing:
                return other
            raise
        return found if found is absorbing else right(frame)

    return run


def agreed(then: Code, other: Code, frame: list[Any]) -> Any:
    try:
        found, alternative = then(frame), other(frame)
    except RunFault:
        raise Undecided from None
    if type(found) is type(alternative) and found == alternative:
        return found
    raise Undecided


def or_unknown(code: Code, frame: list[Any]) -> Any:
    try:
        return code(frame)
    except Undecided:
        return UNKNOWN


def after(codes: list[Code], last: Code, is_open: bool) -> Code:
    """Evaluates `codes` for their faults, then `last`."""
    if all(code is of_result for code in codes):
        return last

    def run(frame: list[Any]) -> Any:
        for code in codes:
            if or_unknown(code, frame) is UNKNOWN and not is_open:
                raise Undecided
        return last(frame)

    return run


def equal_before_1_17(left: Any, left_type: Type, right: Any, right_type: Type) -> bool:
    """`==` compares lists with `reflect.DeepEqual`, for which `[]float64` is no `[]interface{}`."""
    if isinstance(left, list) and isinstance(right, list):
        if "any" in (left_type, right_type):
            raise Undecided
        return left_type.endswith("*") == right_type.endswith("*") and deep_equal(left, right)
    return equal(left, right)


def make_range(first: Any, last: Any, frame: list[Any], span: Span) -> list[int]:
    if type(first) is float or type(last) is float:
        first, last = to_int(first), to_int(last)
    if type(first) is not int or type(last) is not int:
        raise RunFault(f"invalid operation: {go_type(first)} .. {go_type(last)}", span)
    size = last - first + 1
    if size > MEMORY:
        raise RunFault("memory budget exceeded", span)
    frame[BUDGET] -= max(size, 0)
    if frame[BUDGET] < 0:
        raise Undecided
    return list(range(first, last + 1))


def bound_of(value: Any, size: int, span: Span) -> int:
    if type(value) is float:
        value = to_int(value)
    if type(value) is not int:
        raise RunFault(f"invalid operation: int({go_type(value)})", span)
    return value + size if value < 0 else value


def text_operator(op: str, left: Code, right: Code, span: Span, modern: bool) -> Code:
    def run(frame: list[Any]) -> Any:
        text, other = left(frame), right(frame)
        if modern and (text is None or other is None):
            return False
        if type(text) is not str or type(other) is not str:
            wrong = other if type(text) is str else text
            raise RunFault(f"interface conversion: interface {{}} is {go_type(wrong)}, not string", span)
        if op == "contains":
            return other in text
        if op == "startsWith":
            return text.startswith(other)
        if op == "endsWith":
            return text.endswith(other)
        return matches(text, other)

    return run


def as_int(value: Any, span: Span) -> int:
    if type(value) is float:
        return to_int(value)
    if type(value) is int:
        return value
    if type(value) is str:
        return parse_int(value, f'strconv.ParseInt: parsing "{value}": invalid syntax', span)
    raise RunFault(f"asInt() not supported on {go_type(value)}", span)


def as_float(value: Any, span: Span) -> float:
    if type(value) in (int, float):
        return float(value)
    if type(value) is str:
        return parse_float(value, f'strconv.ParseFloat: parsing "{value}": invalid syntax', span)
    raise RunFault(f"asFloat() not supported on {go_type(value)}", span)


def items_of(value: Any, span: Span) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict | str):
        if value:
            raise Undecided
        return []
    raise RunFault(f"invalid argument for len (type {go_type(value)})", span)


def sum_of(args: list[Any], span: Span) -> Any:
    total: Any = 0
    for value in items_of(args[0], span):
        total = arithmetic("+", total, value, span)
    return total


def reduce(values: Code, body: Code, scope: Scope, initial: Code | None, span: Span) -> Code:
    def run(frame: list[Any]) -> Any:
        items = items_of(values(frame), span)
        if initial is not None:
            total = initial(frame)
        elif items:
            total = items[0]
        else:
            raise RunFault("reduce of empty array with no initial value", span)
        for at, item in enumerate(items):
            if initial is None and at == 0:
                continue
            frame[scope.at], frame[scope.position], frame[scope.acc] = item, at, total
            total = body(frame)
        return total

    return run


def each(name: str, values: Code, body: Code, scope: Scope, span: Span, is_open: bool) -> Code:
    """The code of `name(values, body)`, apart from `reduce`."""
    at = scope.at
    if name in ("all", "any", "none"):
        return quantifier(name, values, body, at, span, is_open)

    def holds(frame: list[Any]) -> list[Any]:
        found = []
        for item in items_of(values(frame), span):
            frame[at] = item
            found.append(body(frame))
        return found

    if name == "filter":
        return lambda frame: [
            item for item, held in zip(items_of(values(frame), span), holds(frame), strict=True) if held
        ]
    if name == "count":
        return lambda frame: sum(holds(frame))
    if name == "one":
        return lambda frame: sum(holds(frame)) == 1
    if name == "map":
        place = scope.position

        def run_map(frame: list[Any]) -> Any:
            found = []
            for position, item in enumerate(items_of(values(frame), span)):
                frame[at], frame[place] = item, position
                found.append(body(frame))
            return found

        return run_map
    if name == "sum":

        def run_sum(frame: list[Any]) -> Any:
            total: Any = 0
            for number in holds(frame):
                total = arithmetic("+", total, number, span)
            return total

        return run_sum
    from_end, want_index = "Last" in name, name.endswith("Index")

    def run_find(frame: list[Any]) -> Any:
        items = items_of(values(frame), span)
        for position in range(len(items) - 1, -1, -1) if from_end else range(len(items)):
            frame[at] = items[position]
            if body(frame):
                return position if want_index else items[position]
        return None

    return run_find


def quantifier(name: str, values: Code, body: Code, at: int, span: Span, is_open: bool) -> Code:
    """`all`, `any`, `none`: they stop at the first element that decides."""
    deciding = name != "all"
    answer = name == "any"

    def run(frame: list[Any]) -> Any:
        for item in items_of(values(frame), span):
            frame[at] = item
            if body(frame) is deciding:
                return answer
        return not answer

    if not is_open:
        return run

    def run_open(frame: list[Any]) -> Any:
        missing = False
        for item in items_of(values(frame), span):
            frame[at] = item
            try:
                if body(frame) is deciding:
                    return answer
            except Undecided:
                missing = True
            except RunFault:
                if missing:
                    raise Undecided from None
                raise
        if missing:
            raise Undecided
        return not answer

    return run_open
