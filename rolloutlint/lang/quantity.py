"""Kubernetes quantities (`500m`, `1.5Gi`, `1e3`), read as apimachinery does
(`pkg/api/resource/quantity.go`).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

from rolloutlint.lang.intstr import atoi

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)")
_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_NANO = 10**9
_MOST = (1 << 63) - 1
_MOST_DIGITS = 4000
_MOST_EXPONENT = 400


def parse_quantity(value: object) -> Fraction | None:
    """The amount of a quantity as the API server reads it, or `None` where it refuses it.

    Strings and numbers are taken, as in a manifest; space around a string is ignored
    (`Quantity.UnmarshalJSON`). As in `ParseQuantity`, what is finer than a billionth is rounded away from zero
    to one, and an amount with a binary suffix is cut off at 2**63 - 1. Exponents beyond 400 count as 400.
    """
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int):
        return Fraction(value)
    if isinstance(value, float):
        value = repr(value)
    return _read(value) if isinstance(value, str) else None


@lru_cache(maxsize=1024)
def _read(value: str) -> Fraction | None:
    text = value.strip()
    shape = _SHAPE.fullmatch(text) if text else None
    if shape is None:
        return None
    sign, whole, decimals, suffix = shape[1], shape[2].lstrip("0"), shape[3] or "", shape[4]
    scale = _scale(suffix)
    if scale is None:
        return None
    if not shape[2] and not decimals:
        # No digits at all read as zero, except where the suffix is too large for the quick path upstream.
        return None if suffix in ("Pi", "Ei") else Fraction(0)
    digits = whole + decimals
    if len(digits) > _MOST_DIGITS:
        amount = Fraction(_MOST)
    else:
        amount = Fraction(int(digits or "0"), 10 ** len(decimals)) * scale
    if amount.denominator > 1 and _NANO % amount.denominator:
        amount = Fraction(math.ceil(amount * _NANO), _NANO)
    if suffix.endswith("i"):
        amount = min(amount, Fraction(_MOST))
    return -amount if sign == "-" else amount


def _scale(suffix: str) -> Fraction | None:
    """The factor a suffix stands for; `None` where there is no such suffix."""
    known = _SUFFIXES.get(suffix)
    if known is not None or suffix[:1] not in ("e", "E"):
        return known
    power = atoi(suffix[1:])
    if power is None:
        return None
    power = (power + (1 << 31)) % (1 << 32) - (1 << 31)  # upstream converts it to int32
    return Fraction(10) ** max(-_MOST_EXPONENT, min(power, _MOST_EXPONENT))
