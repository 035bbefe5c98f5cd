"""What a YAML scalar means: the table of the YAML reader that the cluster uses, not that of Python's.

kubectl, Argo CD and the Rollouts controller read manifests with sigs.k8s.io/yaml, which is go-yaml v2 (`resolve.go`)
followed by a conversion to JSON. Kustomize reads with another table, so the table is a parameter.
`tests/data/kubectl-scalars.json` holds what a real kubectl answered.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_POINT_FLOAT = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?\Z").match
_INT = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))\Z").match
_SIGNED_BINARY = re.compile(r"0b[-+][01]{1,63}\Z").match
"""The second try at binary numbers hands what follows `0b` to a parser that takes a sign."""
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]+))?(Z|[-+][0-9]{2}:[0-9]{2})?)?\Z"
).match
_FIRST = frozenset("+-0123456789.")
_DIGITS_OF_UINT64 = 20
_INT64 = 1 << 63
_UINT64 = 1 << 64
_FAR = 1e21
"""From here on Go's JSON writes floats with an exponent."""
_INFINITY = float("inf")

_NULLS = ("", "~", "null", "Null", "NULL")
_SPECIAL: dict[str, Any] = {
    **dict.fromkeys(_NULLS),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), _INFINITY),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -_INFINITY),
}
_TRUE_1_1 = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_FALSE_1_1 = ("n", "N", "no", "No", "NO", "off", "Off", "OFF")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")


class ScalarTable(NamedTuple):
    """How one reader types plain scalars, and what it makes of keys and merges."""

    name: str
    words: Mapping[str, Any]
    """Spellings with a fixed meaning: nulls, booleans, infinities."""
    dates: bool = False
    """True where a date becomes a full RFC 3339 timestamp."""
    text_keys: bool = False
    """True where a key that is no string refuses the document; else it is spelled as JSON needs it."""
    merge_overwrites: bool = True
    """True where `<<` overwrites the entries written before it; else what is written beats what is merged."""

    def __repr__(self) -> str:
        return f"ScalarTable({self.name!r})"


GO_YAML_V2 = ScalarTable(
    "go-yaml v2",
    {**_SPECIAL, **dict.fromkeys((*_TRUE, *_TRUE_1_1), True), **dict.fromkeys((*_FALSE, *_FALSE_1_1), False)},
)
"""kubectl, the API server's clients, Argo CD for plain directories, the Rollouts controller."""

KUSTOMIZE = ScalarTable(
    "kustomize",
    {**_SPECIAL, **dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)},
    dates=True,
    text_keys=True,
    merge_overwrites=False,
)
"""kustomize (its fork of go-yaml v3): `yes` and `on` stay strings, dates become timestamps."""


def resolve(text: str, table: ScalarTable = GO_YAML_V2) -> Any:
    """The value of a plain scalar as the API server gets it: `str`, `int`, `float`, `bool` or `None`. Never raises.

    Numbers go through JSON on their way: a whole float (`1.0`, `1e3`) arrives as an integer, and an integer that
    64 bits with a sign cannot hold as a float.
    """
    words = table.words
    if text in words:
        return words[text]
    return text if text[0] not in _FIRST else _as_json(_number(text, table))


def _typed(text: str, table: ScalarTable) -> Any:
    """The value before its conversion to JSON, which is what tags and keys go by."""
    words = table.words
    if text in words:
        return words[text]
    return text if text[0] not in _FIRST else _number(text, table)


def _as_json(value: Any) -> Any:
    if value.__class__ is float:
        whole = _whole(value) if value.is_integer() and -_FAR < value < _FAR else None
        return value if whole is None or not -_INT64 <= whole < _INT64 else whole
    if value.__class__ is int and not -_INT64 <= value < _INT64:
        return float(value)
    return value


def _whole(value: float) -> int:
    """The integer that Go's JSON prints for a whole float: its shortest digits filled up with zeros."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction) * 10 ** (int(exponent) - len(fraction)) if exponent else int(whole)


def _number(text: str, table: ScalarTable) -> Any:
    """Numbers and dates, tried in the order of `resolve.go`."""
    pointed = text[0] == "."
    plain = text if pointed else text.replace("_", "")
    found = _INT(plain)
    if found is not None:
        number = _integer(found)
        if number is not None:
            return number
    if (_POINT_FLOAT if pointed else _FLOAT)(plain):
        real = float(plain)
        if -_INFINITY < real < _INFINITY:
            return real
    elif _SIGNED_BINARY(plain):
        return int(plain[2:], 2)
    if table.dates:
        return timestamp(text) or text
    return text


def _integer(found: re.Match[str]) -> int | None:
    """`strconv.ParseInt(text, 0, 64)`, else `ParseUint`, which takes no sign; `None` where neither can hold it."""
    sign, hexadecimal, binary, octal, decimal = found.groups()
    if decimal is not None:
        if len(decimal) > _DIGITS_OF_UINT64:
            return None
        value = int(decimal)
    elif octal is not None:
        value = int(octal, 8)
    else:
        value = int(hexadecimal, 16) if hexadecimal is not None else int(binary, 2)
    if sign == "-":
        value = -value
    return value if -_INT64 <= value < (_INT64 if sign else _UINT64) else None


def timestamp(text: str) -> str | None:
    """The RFC 3339 form of a YAML timestamp; `None` where `text` is none."""
    found = _TIME(text)
    if found is None:
        return None
    year, month, day, mark, hour, minute, second, fraction, zone = found.groups()
    try:
        date(int(year) or 1, int(month), int(day))
    except ValueError:
        return None
    if mark is None:
        return f"{year}-{int(month):02}-{int(day):02}T00:00:00Z"
    if (mark == " ") == bool(zone):
        return None
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return None
    fraction = fraction.rstrip("0")[:9] if fraction else ""
    time = f"{int(hour):02}:{int(minute):02}:{int(second):02}"
    return f"{year}-{int(month):02}-{int(day):02}T{time}{'.' + fraction if fraction else ''}{zone or 'Z'}"


class TagError(ValueError):
    """An explicit tag that its scalar cannot have, in the words of go-yaml."""


_CORE = "tag:yaml.org,2002:"
_NAMES = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null"}


def tagged(text: str, tag: str, table: ScalarTable) -> Any:
    """The value of a scalar with an explicit tag. Unknown tags leave a string, as go-yaml v2 does.

    Raises `TagError` where the reader would refuse the document (`!!int abc`).
    """
    return _as_json(_typed_as(text, tag, table))


def _typed_as(text: str, tag: str, table: ScalarTable) -> Any:
    kind = tag[len(_CORE) :] if tag.startswith(_CORE) else ""
    if kind == "binary":
        try:
            raw = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
        except (binascii.Error, ValueError):
            raise TagError("!!binary value contains invalid base64 data") from None
        return raw.decode("utf-8", "replace")
    if kind not in ("int", "float", "bool", "null", "timestamp"):
        return text
    value = _typed(text, table)
    if kind == "timestamp" and timestamp(text) is not None:
        return value
    found = _NAMES[value.__class__]
    if found == kind or (kind == "float" and found == "int"):
        return value
    # The text itself stays out of the message: it may be the value of a Secret.
    raise TagError(f"cannot decode this !!{found} as a !!{kind}")


def key_name(text: str, tag: str | None, plain: bool, table: ScalarTable) -> str | None:
    """The key that JSON gets for a scalar in key position; `None` where the document is refused.

    `tag` is an explicit tag or `None`; `plain` is false for quoted and block scalars. Raises `TagError`.
    """
    if tag is not None and tag != "!":
        value = _typed_as(text, tag, table)
    elif plain and tag is None:
        value = _typed(text, table)
        if table.dates and value.__class__ is str and value != text:
            return text if ":" in text else None
    else:
        return text
    return key_text(value, table)


def key_text(value: Any, table: ScalarTable = GO_YAML_V2) -> str | None:
    """How sigs.k8s.io/yaml (`convertToJSONableObject`) spells a key in JSON; `None` where it cannot."""
    if isinstance(value, str):
        return value
    if table.text_keys:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -_INT64 <= value < _INT64 else None
    if isinstance(value, float):
        return _float32_text(value)
    return None


_EXPONENT_FROM = 6
"""strconv: with the shortest precision, `%e` is used from this exponent on."""


def _float32_text(value: float) -> str:
    """Go's `strconv.FormatFloat(value, 'g', -1, 32)`: the shortest text that gives the same 32-bit float."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        single = _INFINITY
    if abs(single) == _INFINITY:
        return ".inf" if value > 0 else "-.inf"
    shortest = next(
        s for p in range(17) if struct.unpack("f", struct.pack("f", float(s := f"{single:.{p}e}")))[0] == single
    )
    mantissa, exponent = shortest.split("e")
    power = int(exponent)
    digits = mantissa.replace(".", "").lstrip("-")
    sign = "-" if mantissa.startswith("-") else ""
    if power < -4 or power >= _EXPONENT_FROM:
        return f"{sign}{mantissa.lstrip('-')}e{'-' if power < 0 else '+'}{abs(power):02}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole = digits[: power + 1].ljust(power + 1, "0")
    return f"{sign}{whole}.{digits[power + 1 :]}" if digits[power + 1 :] else sign + whole
