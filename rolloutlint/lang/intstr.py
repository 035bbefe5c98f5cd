"""Kubernetes IntOrString and what its users do with it (apimachinery `pkg/util/intstr/intstr.go`).

Argo Rollouts reads counts and limits with `IntValue`, which turns every string that is no integer into 0
without a word, and surge values with the legacy percent function, for which *any* string is a percentage.
"""

from __future__ import annotations

import math
import re

_INT64_MAX = (1 << 63) - 1
_INT64_MIN = -(1 << 63)
_UINT64_MAX = (1 << 64) - 1
_INT32_MAX = (1 << 31) - 1
_INT32_MIN = -(1 << 31)
_NUMBER = re.compile(r"([+-]?)([0-9]+)")


def _saturating_atoi(text: str) -> tuple[int, bool]:
    """`strconv.Atoi`: (number, True), (0, False) on bad syntax, (the nearest int64, False) out of range.

    Go notices that the digits exceed 64 bits before it looks at what follows them, so
    `"99999999999999999999x"` is out of range and not bad syntax.
    """
    number = _NUMBER.match(text)
    if number is None:
        return 0, False
    sign, digits = number[1], number[2].lstrip("0")
    magnitude = int(digits or "0") if len(digits) <= 20 else _UINT64_MAX + 1
    if magnitude <= _UINT64_MAX and number.end() < len(text):
        return 0, False
    value = -magnitude if sign == "-" else magnitude
    if value < _INT64_MIN:
        return _INT64_MIN, False
    if value > _INT64_MAX:
        return _INT64_MAX, False
    return value, True


def atoi(text: object) -> int | None:
    """The integer that Go's `strconv.Atoi` reads from `text`, or `None` where it reports an error.

    An optional sign and ASCII digits within 64 bits; no spaces, underscores, points or prefixes.
    """
    if not isinstance(text, str):
        return None
    value, ok = _saturating_atoi(text)
    return value if ok else None


def int32(value: object) -> int | None:
    """A number as the API decodes it into an int32 field; `None` where it is refused, as strings are.

    An integral float passes: on the way from YAML to JSON `5.0` becomes `5`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not value.is_integer():
            return None
        value = int(value)
    if isinstance(value, int) and _INT32_MIN <= value <= _INT32_MAX:
        return value
    return None


def int_value(value: object) -> int | None:
    """What `IntOrString.IntValue()` returns for a manifest value; `None` where it is no IntOrString at all.

    The error of `Atoi` is ignored upstream, so `"abc"`, `"10%"`, `"5.0"` and `"5 "` are 0, and a string out
    of range is the nearest 64-bit integer.
    """
    if isinstance(value, str):
        return _saturating_atoi(value)[0]
    return int32(value)


def scaled_value(value: object, total: int, round_up: bool) -> int | None:
    """A count out of `total` as the legacy `GetValueFromIntOrPercent` computes it; `None` where it fails.

    An integer is itself. Every string is a percentage, with or without a `%` (`"25"` is 25 %): rounded up or
    down as asked, and `None` when something other than an integer is left without the `%` (`"12.5%"`,
    `"abc"`).
    """
    if not isinstance(value, str):
        return int32(value)
    percent = atoi(value.replace("%", ""))
    if percent is None:
        return None
    share = float(percent) * float(total) / 100
    return math.ceil(share) if round_up else math.floor(share)
