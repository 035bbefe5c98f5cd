"""What a YAML scalar means: the table of the YAML reader that the cluster uses, not that of Python's.

kubectl, Argo CD and the Rollouts controller read manifests with sigs.k8s.io/yaml, which is go-yaml v2 (`resolve.go`)
followed by a conversion to JSON. Kustomize reads with another table, so the table is a parameter.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z").match
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)\Z").match
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}").match
_FIRST = frozenset("+-0123456789.")

_NULLS = ("", "~", "null", "Null", "NULL")
_SPECIAL: dict[str, Any] = {
    **dict.fromkeys(_NULLS),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_TRUE_1_1 = ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON")
_FALSE_1_1 = ("n", "N", "no", "No", "NO", "off", "Off", "OFF")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")


@dataclass(frozen=True, slots=True)
class ScalarTable:
    """How one reader types plain scalars."""

    name: str
    words: Mapping[str, Any] = field(repr=False)
    """Spellings with a fixed meaning: nulls, booleans, infinities."""
    dates: bool = False
    """True where a date becomes a full RFC 3339 timestamp."""


GO_YAML_V2 = ScalarTable(
    "go-yaml v2",
    {**_SPECIAL, **dict.fromkeys((*_TRUE, *_TRUE_1_1), True), **dict.fromkeys((*_FALSE, *_FALSE_1_1), False)},
)
"""kubectl, the API server's clients, Argo CD for plain directories, the Rollouts controller."""

KUSTOMIZE = ScalarTable(
    "kustomize", {**_SPECIAL, **dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}, dates=True
)
"""kustomize (its fork of go-yaml v3): `yes` and `on` stay strings, dates become timestamps."""


def resolve(text: str, table: ScalarTable = GO_YAML_V2) -> Any:
    """The value of a plain scalar: `str`, `int`, `float`, `bool` or `None`. Never raises."""
    words = table.words
    if text in words:
        return words[text]
    if text[0] not in _FIRST:
        return text
    plain = text.replace("_", "")
    if _INT(plain):
        number = _integer(plain)
        return number if -(1 << 63) <= number < (1 << 64) else float(plain)
    if _FLOAT(plain):
        return float(plain)
    if table.dates and _DATE(text) and len(text) <= 10:
        year, month, day = text.split("-")
        return f"{year}-{int(month):02}-{int(day):02}T00:00:00Z"
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    prefix = digits[:2].lower()
    if prefix == "0x":
        value = int(digits, 16)
    elif prefix == "0b":
        value = int(digits, 2)
    elif len(digits) > 1 and digits[0] == "0":
        value = int(digits.lstrip("0oO") or "0", 8)
    else:
        value = int(digits)
    return -value if text[0] == "-" else value


class TagError(ValueError):
    """An explicit tag that its scalar cannot have, in the words of go-yaml."""


_EXPONENT_FROM = 6
"""strconv: with the shortest precision, `%e` is used from this exponent on."""

_CORE = "tag:yaml.org,2002:"


def tagged(text: str, tag: str, plain: bool, table: ScalarTable) -> Any:
    """The value of a scalar with an explicit tag. Unknown tags leave a string, as go-yaml v2 does.

    Raises `TagError` where the reader would refuse the document (`!!int abc`).
    """
    if not tag.startswith(_CORE):
        return text
    kind = tag[len(_CORE) :]
    if kind == "binary":
        try:
            return base64.b64decode(text, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise TagError("!!binary value contains invalid base64 data") from None
    wanted = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}.get(kind)
    if wanted is None:
        return text
    value = resolve(text, table)
    if isinstance(value, wanted) and not (isinstance(value, bool) and kind != "bool"):  # type: ignore[arg-type]
        return float(value) if kind == "float" and value is not None else value
    raise TagError(f"cannot decode !!str `{text}` as a !!{kind}")


def key_text(value: Any) -> str | None:
    """How sigs.k8s.io/yaml (`convertToJSONableObject`) spells a key in JSON; `None` where it cannot."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float32_text(value)
    return None


def _float32_text(value: float) -> str:
    """Go's `strconv.FormatFloat(value, 'g', -1, 32)`: the shortest text that gives the same 32-bit float."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"
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
