"""The values a condition works on, and expr's operators on them (`vm/runtime/runtime.go`, `vm/runtime/helpers.go`).

Go's `int` is `int`, `float64` is `float`, a slice is `list`, a map is `dict`, `nil` is `None`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from rolloutlint.lang.expr.tree import Span


class RunFault(Exception):  # noqa: N818 - it becomes a Fault, which is a value
    """The evaluation fails here: `message` as expr words it."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


class Undecided(Exception):  # noqa: N818 - no error, an answer
    """A placeholder or an unmodelled function decides."""


NUMBERS = (int, float)
_NUMERIC = frozenset((int, float))
_MIN_INT = -(1 << 63)


def go_type(value: object) -> str:
    """The Go type that expr names in its messages.

    >>> go_type(0.95)
    'float64'
    """
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float64"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}"


def equal(left: Any, right: Any) -> bool:
    """`==` since 1.17: numbers by value, lists element by element."""
    kind = type(left)
    other = type(right)
    if kind in _NUMERIC and other in _NUMERIC:
        return bool(left == right)
    if kind is not other:
        return False
    if kind is list:
        return len(left) == len(right) and all(map(equal, left, right))
    return deep_equal(left, right) if kind is dict else bool(left == right)


def deep_equal(left: Any, right: Any) -> bool:
    """`reflect.DeepEqual`: types must agree too, 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(deep_equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def compare(op: str, test: Callable[[Any, Any], Any], left: Any, right: Any, span: Span) -> bool:
    """`<`, `>`, `<=`, `>=` on values whose types are known only now."""
    if (type(left) in _NUMERIC and type(right) in _NUMERIC) or (type(left) is str and type(right) is str):
        return bool(test(left, right))
    raise RunFault(f"invalid operation: {go_type(left)} {op} {go_type(right)}", span)


def wrap(number: int) -> int:
    """An integer as 64 bits hold it."""
    return number if -(1 << 63) <= number < 1 << 63 else (number + (1 << 63)) % (1 << 64) - (1 << 63)


def arithmetic(op: str, left: Any, right: Any, span: Span) -> Any:
    """`+ - * / % ** ^` of any two values."""
    if type(left) not in _NUMERIC or type(right) not in _NUMERIC:
        if op == "+" and type(left) is str and type(right) is str:
            return left + right
        raise RunFault(f"invalid operation: {go_type(left)} {op} {go_type(right)}", span)
    if op == "/":
        return divide(float(left), float(right))
    if op == "%":
        if type(left) is not int or type(right) is not int:
            raise RunFault(f"invalid operation: {go_type(left)} % {go_type(right)}", span)
        if right == 0:
            raise RunFault("runtime error: integer divide by zero", span)
        return int(math.copysign(abs(left) % abs(right), left)) if abs(left) < 1 << 53 else _remainder(left, right)
    if op in ("**", "^"):
        return power(float(left), float(right))
    value = left + right if op == "+" else left - right if op == "-" else left * right
    return wrap(value) if type(value) is int else value


def _remainder(left: int, right: int) -> int:
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def divide(left: float, right: float) -> float:
    """IEEE division, which never fails."""
    if right:
        return left / right
    if left == 0 or left != left or right != right:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def power(base: float, exponent: float) -> float:
    """Go's `math.Pow`."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
        return math.nan


def to_int(value: float) -> int:
    """Go's conversion of a float64 on amd64: whatever does not fit is the smallest integer."""
    if value != value or not -(2.0**63) <= value < 2.0**63:
        return _MIN_INT
    return int(value)


def index(value: Any, key: Any, span: Span) -> Any:
    """`value[key]` (`runtime.Fetch`)."""
    if isinstance(value, list):
        if type(key) not in _NUMERIC:
            raise RunFault(f"invalid operation: int({go_type(key)})", span)
        at = key if type(key) is int else to_int(key)
        if at < 0:
            at += len(value)
        if not 0 <= at < len(value):
            raise RunFault(f"index out of range: {at} (array length is {len(value)})", span)
        return value[at]
    if isinstance(value, dict):
        if key is not None and not isinstance(key, str):
            raise RunFault(f"cannot use {go_type(key)} as a key of a map", span)
        return value.get(key or "")
    if isinstance(value, str) and type(key) in _NUMERIC:
        raise Undecided
    raise RunFault(f"cannot fetch {show(key)} from {go_type(value)}", span)


def contains(needle: Any, haystack: Any, span: Span) -> bool:
    """`needle in haystack` (`runtime.In`)."""
    if haystack is None:
        return False
    if isinstance(haystack, list):
        return any(equal(item, needle) for item in haystack)
    if isinstance(haystack, dict):
        if needle is not None and not isinstance(needle, str):
            raise RunFault(f"cannot use {go_type(needle)} as a key of a map", span)
        return (needle or "") in haystack
    raise RunFault(f'operator "in" not defined on {go_type(haystack)}', span)


_UNLIKE_GO = re.compile(r"\(\?|\\[^dws.+*?()\[\]{}|/^-]|[*+?}][+*{]|\)[*+{]|\[\[|[^\x00-\x7f]")
_QUANTIFIER = re.compile(r"[*+{]")


def matches(text: str, pattern: str) -> bool:
    """`text matches pattern`; undecided where Python's expressions could differ from Go's or take long."""
    if len(text) > 1000 or _UNLIKE_GO.search(pattern) or len(_QUANTIFIER.findall(pattern)) > 2:
        raise Undecided
    try:
        return re.search(pattern.replace("$", r"\Z"), text, re.A) is not None
    except (re.error, OverflowError, RecursionError):
        raise Undecided from None


def show(value: Any) -> str:
    """A value as Go's `%v` prints it.

    >>> show([0.99, 1.0, None, {"a": True}])
    '[0.99 1 <nil> map[a:true]]'
    """
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return show_float(value)
    if isinstance(value, list):
        return f"[{' '.join(map(show, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{show(value[key])}' for key in sorted(value))}]"
    return str(value)


def show_float(value: float) -> str:
    """Go's shortest form: an exponent below 1e-4 and from 1e21 on."""
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    digits = repr(value)
    mantissa, _, exponent = digits.partition("e")
    if value and (abs(value) < 1e-4 or abs(value) >= 1e21):
        sign = "-" if exponent.startswith("-") else "+"
        return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').zfill(2)}"
    if exponent:
        return f"{value:.0f}"
    return mantissa.removesuffix(".0")


def to_json(value: Any, span: Span, indent: str = "") -> str:
    """What `toJSON` gives: Go's `json.MarshalIndent` with two spaces."""
    if isinstance(value, str):
        if not value.isascii() or not value.isprintable() or any(sign in value for sign in '"\\<>&'):
            raise Undecided
        return f'"{value}"'
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        raise RunFault(f"json: unsupported value: {show_float(value)}", span)
    if isinstance(value, float) and value and not 1e-4 <= abs(value) < 1e21:
        raise Undecided
    if not isinstance(value, list | dict):
        return show(value)
    inner = indent + "  "
    if isinstance(value, list):
        parts = [to_json(item, span, inner) for item in value]
        left, right = "[", "]"
    else:
        parts = [f"{to_json(key, span)}: {to_json(value[key], span, inner)}" for key in sorted(value)]
        left, right = "{", "}"
    if not parts:
        return left + right
    return f"{left}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{right}"
