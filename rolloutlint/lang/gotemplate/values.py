"""Go's plain values in Python's clothes, and how package `fmt` and `encoding/json` write them.

A Go string is `str`, `bool` is `bool`, `int` is `int`, `int64` is `Int64`, `float64` is `float`, `map[string]any` is
`dict`, `map[string]string` is `StringMap`, `[]any` is `list`, `[]string` is `StringList`, `[]int` is `IntList`, a nil
interface is `None`. What a number read from JSON or YAML is: always a `float`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final


class GoError(Exception):
    """What fails in Go too: the template gives no text."""


class UnsupportedError(Exception):
    """What is not modelled here: the text is not known."""


class Int64(int):
    """An `int64`, which Go does not take where it wants an `int`."""


class StringMap(dict[str, str]):
    """A `map[string]string`."""


class StringList(list[str]):
    """A `[]string`."""


class IntList(list[int]):
    """A `[]int`."""


class _Invalid:
    """The value of a key that is not there (an invalid `reflect.Value`)."""

    def __repr__(self) -> str:
        return "<no value>"


INVALID: Final = _Invalid()
NO_VALUE = "<no value>"


def go_value(value: Any) -> Any:
    """A plain value as `json.Unmarshal` into `any` gives it: numbers are `float64`, keys are strings."""
    if value.__class__ is bool or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            raise UnsupportedError("a number beyond float64") from None
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else plain_text(key): go_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [go_value(item) for item in value]
    raise UnsupportedError(f"a value of type {type(value).__name__}")


def type_name(value: Any) -> str:
    """The type as `%T` writes it."""
    for kind, name in (
        (bool, "bool"),
        (Int64, "int64"),
        (int, "int"),
        (float, "float64"),
        (str, "string"),
        (StringMap, "map[string]string"),
        (dict, "map[string]interface {}"),
        (StringList, "[]string"),
        (IntList, "[]int"),
        (list, "[]interface {}"),
    ):
        if isinstance(value, kind):
            return name
    return "<nil>"


def kind_name(value: Any) -> str:
    """`reflect.Kind` in words."""
    name = type_name(value)
    return "map" if name.startswith("map") else "slice" if name.startswith("[]") else name.replace("<nil>", "invalid")


def float_text(value: float) -> str:
    """A `float64` as `%v` (`%g` with the fewest digits) writes it: `1e+06`, `0.5`, `3`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1, value) < 0 else ""
    digits, exponent = _shortest(abs(value))
    if exponent < -4 or exponent >= 6:
        return sign + _scientific(digits, exponent)
    return sign + _positional(digits, exponent)


def _shortest(value: float) -> tuple[str, int]:
    """The fewest digits that mean `value`, and the decimal exponent of the first."""
    if value == 0:
        return "0", 0
    mantissa, _, power = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or 0) + (len(whole) - 1 if whole != "0" else -1 - (len(fraction) - len(fraction.lstrip("0"))))
    return digits.rstrip("0") or "0", exponent


def _scientific(digits: str, exponent: int) -> str:
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _positional(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits))
    return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def plain_text(value: Any) -> str:
    """A value as `%v` writes it."""
    if isinstance(value, str):
        return value
    if value is None or value is INVALID:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{plain_text(value[key])}" for key in byte_order(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(plain_text, value)) + "]"
    return str(int(value))


def byte_order(texts: Iterable[str]) -> list[str]:
    """Texts in the order of their bytes, as Go sorts strings."""
    return sorted(texts, key=lambda text: text.encode("utf-8", "surrogatepass"))


_QUOTED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def quoted(text: str) -> str:
    """A text as `%q` (`strconv.Quote`) writes it."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char in _QUOTED:
            out.append(_QUOTED[char])
        elif char < " " or char == "\x7f":
            out.append(f"\\x{ord(char):02x}")
        elif char.isascii() or char.isalnum():
            out.append(char)
        else:
            raise UnsupportedError("quoting a special character")
    return "".join([*out, '"'])


_JSON_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_JSON_SPECIAL = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_JSON_CONTROL = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029]')


def json_text(value: Any, *, html: bool = True, indent: str = "", depth: int = 0) -> str:
    """A value as `json.Marshal` writes it: sorted keys, `<`, `>` and `&` escaped unless `html` is false."""
    if value is None or value is INVALID:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _json_string(value, html)
    if isinstance(value, float):
        return _json_number(value)
    if isinstance(value, int):
        return str(int(value))
    inner, outer, colon = "", "", ":"
    if indent:
        inner, outer, colon = "\n" + indent * (depth + 1), "\n" + indent * depth, ": "
    if isinstance(value, dict):
        items = [
            f"{_json_string(key, html)}{colon}{json_text(value[key], html=html, indent=indent, depth=depth + 1)}"
            for key in byte_order(value)
        ]
    else:
        items = [json_text(item, html=html, indent=indent, depth=depth + 1) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + closing if not items else opening + inner + f",{inner}".join(items) + outer + closing


def _json_string(text: str, html: bool) -> str:
    def escape(found: re.Match[str]) -> str:
        char = found[0]
        if char in _JSON_HTML:
            return _JSON_HTML[char] if html else char
        return _JSON_SPECIAL.get(char) or f"\\u{ord(char):04x}"

    return '"' + _JSON_CONTROL.sub(escape, text) + '"'


def _json_number(value: float) -> str:
    if not math.isfinite(value):
        raise UnsupportedError("a number that JSON cannot hold")
    digits, exponent = _shortest(abs(value))
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value and (exponent < -6 or exponent >= 21):
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent)}"
    return sign + _positional(digits, exponent)


def empty(value: Any) -> bool:
    """What sprig calls empty, and Go's templates false: nil, zero, `""`, nothing in it, false."""
    return value is INVALID or not value


def same(one: Any, other: Any) -> bool:
    """`reflect.DeepEqual`: the types are equal too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
