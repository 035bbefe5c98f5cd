"""The builtin functions of expr (`builtin/builtin.go`, `builtin/lib.go`): what they take and what they do.

Functions of time, bits, pairs and base64 are known by type only: their value is undecided.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from rolloutlint.lang.expr.library import V1_15_5, V1_17_7, Library
from rolloutlint.lang.expr.tree import Span
from rolloutlint.lang.expr.types import Type, go_name, is_array, is_map, is_number
from rolloutlint.lang.expr.values import NUMBERS, RunFault, Undecided, equal, go_type, index, show, to_int, to_json

Function: TypeAlias = Callable[[list[Any], Span], Any]
"""The arguments, and the place of the call for a fault."""


class TypeFault(Exception):  # noqa: N818 - it becomes a CompileError with a place
    """The builtin does not take arguments of these types."""


_STRINGS: Final[dict[str, tuple[tuple[Type, ...], ...]]] = {
    "trim": (("string",), ("string", "string")),
    "trimPrefix": (("string", "string"), ("string",)),
    "trimSuffix": (("string", "string"), ("string",)),
    "upper": (("string",),),
    "lower": (("string",),),
    "split": (("string", "string"), ("string", "string", "int")),
    "splitAfter": (("string", "string"), ("string", "string", "int")),
    "replace": (("string", "string", "string"), ("string", "string", "string", "int")),
    "repeat": (("string", "int"),),
    "indexOf": (("string", "string"),),
    "lastIndexOf": (("string", "string"),),
    "hasPrefix": (("string", "string"),),
    "hasSuffix": (("string", "string"),),
    "toJSON": (("any",),),
    "fromJSON": (("string",),),
    "toBase64": (("string",),),
    "fromBase64": (("string",),),
    "duration": (("string",),),
    "timezone": (("string",),),
    "type": (("any",),),
    "string": (("any",),),
    "bitnot": (("int",),),
    **dict.fromkeys(("bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr"), (("int", "int"),)),
}
_RESULTS: Final[dict[str, Type]] = {
    "split": "string[]",
    "splitAfter": "string[]",
    "indexOf": "int",
    "lastIndexOf": "int",
    "hasPrefix": "bool",
    "hasSuffix": "bool",
    "fromJSON": "any",
    "duration": "duration",
    "timezone": "any",
    "bitnot": "int",
    **dict.fromkeys(("bitand", "bitor", "bitxor", "bitnand", "bitshl", "bitshr", "bitushr"), "int"),
}

_LISTS: Final = {"sort": ("any", "float[]", "int[]", "string[]"), "join": ("any", "string[]")}


def result_type(name: str, kinds: list[Type], library: Library) -> Type:
    """The type of `name(...)` for arguments of these types; raises `TypeFault` in expr's words."""
    if name in _STRINGS:
        return _overload(name, kinds)
    count = len(kinds)
    first = kinds[0] if kinds else ""
    if name == "now":
        if count and first != "any":
            raise TypeFault(f"invalid number of arguments (expected 0, got {count})")
        return "time"
    if name == "date":
        if not count:
            raise TypeFault("invalid number of arguments (expected at least 1, got 0)")
        return "time"
    if name in ("max", "min", "mean", "median"):
        return _aggregate(name, kinds, library)
    if name == "concat":
        for kind in kinds:
            if kind != "any" and not is_array(kind):
                raise TypeFault(f"cannot concat {go_name(kind)}")
        if not kinds:
            raise TypeFault("invalid number of arguments (expected at least 1, got 0)")
        return "any*"
    if name in ("sort", "join"):
        if not 1 <= count <= 2:
            raise TypeFault(f"{'not enough' if not count else 'too many'} arguments to call {name}")
        if name == "sort" and library < V1_17_7:
            if first != "any" and not is_array(first):
                raise TypeFault(f"cannot sort {go_name(first)}")
        elif first not in _LISTS[name] and not first.endswith("*"):
            last = "int" if name == "sort" else "string"
            raise TypeFault(f"cannot use {go_name(first)} as argument (type []{last}) to call {name}")
        if count == 2 and kinds[1] not in ("string", "any"):
            raise TypeFault(f"cannot use {go_name(kinds[1])} as argument (type string) to call {name}")
        return "string" if name == "join" else "any*"
    expected = 2 if name in ("get", "take") else 1
    if count != expected:
        raise TypeFault(f"invalid number of arguments (expected {expected}, got {count})")
    return _indexed(name, kinds) if expected == 2 else _single(name, first)


def _overload(name: str, kinds: list[Type]) -> Type:
    problem = ""
    for wanted in _STRINGS[name]:
        if len(kinds) != len(wanted):
            problem = f"{'not enough' if len(kinds) < len(wanted) else 'too many'} arguments to call {name}"
            continue
        for kind, want in zip(kinds, wanted, strict=True):
            if want != "any" and kind not in (want, "any"):
                shown = "nil" if kind == "nil" else go_name(kind)
                problem = f"cannot use {shown} as argument (type {want}) to call {name}"
                break
        else:
            return _RESULTS.get(name, "string")
    raise TypeFault(problem)


def _aggregate(name: str, kinds: list[Type], library: Library) -> Type:
    if not kinds:
        raise TypeFault(f"not enough arguments to call {name}")
    if library < V1_17_7 and name in ("mean", "median"):
        if len(kinds) != 1:
            raise TypeFault(f"invalid number of arguments (expected 1, got {len(kinds)})")
        if kinds[0] != "any" and not is_array(kinds[0]):
            raise TypeFault(f"cannot {name} {go_name(kinds[0])}")
        return "float"
    for kind in kinds:
        if kind == "any" or (is_array(kind) and library >= V1_17_7):
            return "any"
        if not is_number(kind):
            raise TypeFault(f"invalid argument for {name} (type {go_name(kind)})")
    return kinds[0]


def _single(name: str, kind: Type) -> Type:
    known = kind != "any"
    if name == "len":
        if known and not is_array(kind) and not is_map(kind) and kind not in ("string", "StatusCode"):
            raise TypeFault(f"invalid argument for len (type {go_name(kind)})")
        return "int"
    if name in ("abs", "ceil", "floor", "round"):
        if known and not is_number(kind):
            raise TypeFault(f"invalid argument for {name} (type {go_name(kind)})")
        return kind if name == "abs" else "float"
    if name in ("int", "float"):
        if known and not is_number(kind) and kind != "string":
            raise TypeFault(f"invalid argument for {name} (type {go_name(kind)})")
        return name
    if name in ("first", "last"):
        if known and not is_array(kind):
            raise TypeFault(f"cannot get {name} element from {go_name(kind)}")
        return kind[:-2] if kind.endswith("]") else "any"
    if name in ("keys", "values", "toPairs"):
        if known and not is_map(kind):
            raise TypeFault(f"cannot get {name} from {go_name(kind)}")
        return "any*"
    if known and not is_array(kind):
        raise TypeFault(f"cannot {name} {go_name(kind)}")
    return "groups" if name == "fromPairs" else "any*"


def _indexed(name: str, kinds: list[Type]) -> Type:
    base, key = kinds
    if name == "take":
        if base != "any" and not is_array(base):
            raise TypeFault(f"cannot take from {go_name(base)}")
        if key not in ("any", "int"):
            raise TypeFault(f"cannot take {go_name(key)} elements")
        return "any*" if base.endswith("*") else base
    if base == "any":
        return "any"
    if is_array(base):
        if key not in ("any", "int"):
            raise TypeFault(f"non-integer slice index {go_name(key)}")
        return base[:-1] if base.endswith("*") else base[:-2]
    if is_map(base):
        if key not in ("any", "string") and base != "groups":
            raise TypeFault(f"cannot use {go_name(key)} to get an element from {go_name(base)}")
        return "any"
    raise TypeFault(f"type {go_name(base)} does not support indexing")


def function(name: str, library: Library, first: Type = "any") -> Function | None:
    """What evaluates `name`, whose first argument has type `first`; `None` if it is known by type only."""
    if library < V1_17_7:
        if name == "sum":
            return _sum
        if name == "sort":
            return _sort_1_15_3 if library < V1_15_5 and first == "float[]" else _sort_1_15_5
    return _FUNCTIONS.get(name)


def _len(args: list[Any], span: Span) -> Any:
    if isinstance(args[0], list | dict | str):
        return len(args[0])
    raise RunFault(f"invalid argument for len (type {go_type(args[0])})", span)


def _number(name: str, value: Any, span: Span) -> Any:
    if type(value) in (int, float):
        return value
    raise RunFault(f"invalid argument for {name} (type {go_type(value)})", span)


def _abs(args: list[Any], span: Span) -> Any:
    return abs(_number("abs", args[0], span))


def _ceil(args: list[Any], span: Span) -> Any:
    value = float(_number("ceil", args[0], span))
    return float(math.ceil(value)) if math.isfinite(value) else value


def _floor(args: list[Any], span: Span) -> Any:
    value = float(_number("floor", args[0], span))
    return float(math.floor(value)) if math.isfinite(value) else value


def _round(args: list[Any], span: Span) -> Any:
    """Half away from zero."""
    value = float(_number("round", args[0], span))
    if not math.isfinite(value) or abs(value) >= 2.0**52:
        return value
    whole = math.floor(abs(value))
    return math.copysign(whole + (abs(value) - whole >= 0.5), value)


def _int(args: list[Any], span: Span) -> Any:
    value = args[0]
    if type(value) is str:
        return parse_int(value, f"invalid operation: int({value})", span)
    if type(value) not in (int, float):
        raise RunFault(f"invalid operation: int({go_type(value)})", span)
    return to_int(value) if type(value) is float else value


def _float(args: list[Any], span: Span) -> Any:
    value = args[0]
    if type(value) is str:
        return parse_float(value, f"invalid operation: float({value})", span)
    if type(value) not in (int, float):
        raise RunFault(f"invalid operation: float({go_type(value)})", span)
    return float(value)


def parse_int(text: str, message: str, span: Span) -> int:
    """`strconv.ParseInt(text, 10, 64)`."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isdigit() and digits.isascii() and len(digits) < 19:
        return int(text)
    raise RunFault(message, span)


def parse_float(text: str, message: str, span: Span) -> float:
    """`strconv.ParseFloat(text, 64)`; hexadecimal floats are undecided."""
    if text.strip() == text and text.isascii() and "_" not in text:
        try:
            return float(text)
        except ValueError:
            if text.lower().lstrip("+-").startswith("0x"):
                raise Undecided from None
    raise RunFault(message, span)


def _flat(name: str, values: list[Any], span: Span) -> list[Any]:
    """The numbers in `values`, with those of arrays in it."""
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += _flat(name, value, span)
        else:
            found.append(_number(name, value, span))
    return found


def _extreme(name: str) -> Function:
    def run(args: list[Any], span: Span) -> Any:
        if len(args) == 1 and not isinstance(args[0], list) and type(args[0]) not in (int, float):
            return args[0]
        numbers = _flat(name, args, span)
        if not numbers:
            return None
        found = numbers[0]
        for number in numbers:
            if (number > found) if name == "max" else (number < found):
                found = number
        return found

    return run


def _sum(args: list[Any], span: Span) -> Any:
    if not isinstance(args[0], list):
        raise RunFault(f"cannot sum {go_type(args[0])}", span)
    total: Any = 0
    for value in args[0]:
        total += _number("sum", value, span)
    return total


def _mean(args: list[Any], span: Span) -> Any:
    numbers = _flat("mean", args, span)
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers) if numbers else 0.0


def _median(args: list[Any], span: Span) -> Any:
    numbers = sorted(map(float, _flat("median", args, span)), key=lambda number: (number == number, number))
    if not numbers:
        return 0.0
    half = len(numbers) // 2
    return numbers[half] if len(numbers) % 2 else (numbers[half - 1] + numbers[half]) / 2


def _first(args: list[Any], span: Span) -> Any:
    return args[0][0] if isinstance(args[0], list) and args[0] else _maybe_text(args[0])


def _last(args: list[Any], span: Span) -> Any:
    return args[0][-1] if isinstance(args[0], list) and args[0] else _maybe_text(args[0])


def _maybe_text(value: Any) -> None:
    if isinstance(value, str) and value:
        raise Undecided


def _get(args: list[Any], span: Span) -> Any:
    value, key = args
    if isinstance(value, list) and type(key) in (int, float):
        at = key if type(key) is int else to_int(key)
        return value[at] if -len(value) <= at < len(value) else None
    if isinstance(value, list | dict | str):
        return index(value, key, span)
    return None


def _take(args: list[Any], span: Span) -> Any:
    value, count = args
    if not isinstance(value, list):
        raise RunFault(f"cannot take from {go_type(value)}", span)
    if type(count) is not int or count < 0:
        raise RunFault(f"cannot take {show(count)} elements", span)
    return value[:count]


def _keys(args: list[Any], span: Span) -> Any:
    return list(_map("keys", args, span))


def _values(args: list[Any], span: Span) -> Any:
    return list(_map("values", args, span).values())


def _map(name: str, args: list[Any], span: Span) -> dict[str, Any]:
    """Go's order of a map is random: with more than one entry it is undecided."""
    if not isinstance(args[0], dict):
        raise RunFault(f"cannot get {name} from {go_type(args[0])}", span)
    if len(args[0]) > 1:
        raise Undecided
    return args[0]


def _list(name: str, value: Any, span: Span) -> list[Any]:
    if not isinstance(value, list):
        raise RunFault(f"cannot {name} {go_type(value)}", span)
    return value


def _reverse(args: list[Any], span: Span) -> Any:
    return _list("reverse", args[0], span)[::-1]


def _uniq(args: list[Any], span: Span) -> Any:
    found: list[Any] = []
    for value in _list("uniq", args[0], span):
        if not any(equal(value, seen) for seen in found):
            found.append(value)
    return found


def _flatten(args: list[Any], span: Span) -> Any:
    found: list[Any] = []
    for value in _list("flatten", args[0], span):
        found += _flatten([value], span) if isinstance(value, list) else [value]
    return found


def _concat(args: list[Any], span: Span) -> Any:
    return [item for value in args for item in _list("concat", value, span)]


def _sort(args: list[Any], span: Span) -> Any:
    values = args[0] if isinstance(args[0], list) else []
    order = args[1] if len(args) > 1 else "asc"
    if order not in ("asc", "desc"):
        raise RunFault(f"invalid order {show(order)}, expected asc or desc", span)
    if len(values) < 2:
        return list(values)
    if any(value != value for value in values):
        raise Undecided
    if all(type(value) in (int, float) for value in values) or all(type(value) is str for value in values):
        return sorted(values, reverse=order == "desc")
    raise RunFault(f"invalid operation: {go_type(values[0])} < {go_type(values[1])}", span)


def _sort_1_15_5(args: list[Any], span: Span) -> Any:
    return _sort([_list("sort", args[0], span), *args[1:]], span)


def _sort_1_15_3(args: list[Any], span: Span) -> Any:
    """1.15.3 fails on a `[]float64` as soon as there is something to sort."""
    if len(_list("sort", args[0], span)) > 1:
        raise RunFault("reflect.Set: value of type float64 is not assignable", span)
    return list(args[0])


def _type(args: list[Any], span: Span) -> Any:
    value = args[0]
    if value is None:
        return "nil"
    names = {bool: "bool", int: "int", float: "float", str: "string", list: "array", dict: "map"}
    return names[type(value)]


def _string(args: list[Any], span: Span) -> Any:
    return show(args[0])


def _to_json(args: list[Any], span: Span) -> Any:
    return to_json(args[0], span)


def _from_json(args: list[Any], span: Span) -> Any:
    text = _text("fromJSON", args[0], span)

    def constant(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(text, parse_int=float, parse_constant=constant)
    except (ValueError, RecursionError):
        raise RunFault("invalid JSON", span) from None


def _text(name: str, value: Any, span: Span) -> str:
    if isinstance(value, str):
        return value
    raise RunFault(f"interface conversion: interface {{}} is {go_type(value)}, not string", span)


def _of_text(name: str, run: Callable[..., Any], count: int) -> Function:
    """A function of exactly `count` strings; with other arguments it is undecided."""

    def call(args: list[Any], span: Span) -> Any:
        if len(args) != count:
            raise Undecided
        return run(*(_text(name, value, span) for value in args))

    return call


_SPACE = "\t\n\v\f\r \x85\xa0"


def _repeat(args: list[Any], span: Span) -> Any:
    text, count = args
    if type(count) not in NUMBERS or count < 0:
        raise RunFault(f"invalid argument for repeat (expected positive integer, got {show(count)})", span)
    if count * len(_text("repeat", text, span)) > 10_000:
        raise Undecided
    return text * int(count)


def _join(args: list[Any], span: Span) -> Any:
    glue = _text("join", args[1], span) if len(args) > 1 else ""
    return glue.join(_text("join", value, span) for value in _list("join", args[0], span))


def _split(text: str, by: str) -> list[str]:
    return text.split(by) if by else list(text)


_FUNCTIONS: Final[dict[str, Function]] = {
    "len": _len,
    "abs": _abs,
    "ceil": _ceil,
    "floor": _floor,
    "round": _round,
    "int": _int,
    "float": _float,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "mean": _mean,
    "median": _median,
    "first": _first,
    "last": _last,
    "get": _get,
    "take": _take,
    "keys": _keys,
    "values": _values,
    "reverse": _reverse,
    "uniq": _uniq,
    "flatten": _flatten,
    "concat": _concat,
    "sort": _sort,
    "type": _type,
    "string": _string,
    "toJSON": _to_json,
    "fromJSON": _from_json,
    "repeat": _repeat,
    "join": _join,
    "trim": _of_text("trim", lambda text: text.strip(_SPACE), 1),
    "trimPrefix": _of_text("trimPrefix", str.removeprefix, 2),
    "trimSuffix": _of_text("trimSuffix", str.removesuffix, 2),
    "upper": _of_text("upper", str.upper, 1),
    "lower": _of_text("lower", str.lower, 1),
    "split": _of_text("split", _split, 2),
    "replace": _of_text("replace", str.replace, 3),
    "indexOf": _of_text("indexOf", str.find, 2),
    "lastIndexOf": _of_text("lastIndexOf", str.rfind, 2),
    "hasPrefix": _of_text("hasPrefix", str.startswith, 2),
    "hasSuffix": _of_text("hasSuffix", str.endswith, 2),
}
