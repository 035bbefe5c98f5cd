"""Durations as Go reads them: `time.ParseDuration` (Go `src/time/format.go`), bit for bit.

Kubernetes and Argo hand most durations (`interval: 1m30s`) to that function, so what it rejects ("1d", "60",
"5 m") is rejected in the cluster. The result counts nanoseconds, as there.
"""

from __future__ import annotations

import math
import re

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LIMIT = 1 << 63
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]+)")


def parse_duration(text: object) -> int | None:
    """Nanoseconds of a Go duration such as `"1h30m"`, `"-1.5s"`, `".5s"` or `"0"`; `None` where Go reports
    an error.

    Mirrors `time.ParseDuration`: a sign may only come first, every number but a lone `0` needs a unit (`ns`,
    `us`, `µs`, `ms`, `s`, `m`, `h`), and what does not fit into 64 bits is an error. Anything but a string
    gives `None`.
    """
    if not isinstance(text, str):
        return None
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    if not body:
        return None
    total = 0
    position = 0
    while position < len(body):
        part = _PART.match(body, position)
        if part is None:
            return None
        nanoseconds = _part(part[1], part[2] or "", part[3])
        if nanoseconds is None:
            return None
        total += nanoseconds
        if total > _LIMIT:
            return None
        position = part.end()
    if text[0] == "-":
        return -total
    return total if total < _LIMIT else None


def _part(whole: str, fraction: str, unit: str) -> int | None:
    """Nanoseconds of one number with its unit, rounded as in Go; `None` on an unknown unit or overflow."""
    scale = _UNITS.get(unit)
    if scale is None or not (whole or fraction):
        return None
    whole = whole.lstrip("0")
    if len(whole) > 19:
        return None
    value = int(whole or "0")
    if value > _LIMIT // scale:
        return None
    value *= scale
    numerator, denominator = _fraction(fraction)
    if numerator:
        value += int(float(numerator) * (float(scale) / denominator))
    return value if value <= _LIMIT else None


def _fraction(digits: str) -> tuple[int, float]:
    """The digits after the point as Go's `leadingFraction` keeps them: without those that overflow."""
    numerator = 0
    denominator = 1.0
    for digit in digits:
        if numerator > (_LIMIT - 1) // 10:
            break
        longer = numerator * 10 + ord(digit) - 48
        if longer > _LIMIT:
            break
        numerator = longer
        denominator *= 10
    return numerator, denominator


def format_duration(seconds: float) -> str:
    """Seconds as people write them: `"1h30m"`, `"45s"`, `"1.5s"`, `"0s"`; infinity is `"forever"`.

    Fractions are kept to the millisecond; not a number gives `"unknown"`.
    """
    if math.isnan(seconds):
        return "unknown"
    if math.isinf(seconds):
        return "forever"
    milliseconds = round(abs(seconds) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    if rest or not text:
        text += f"{rest // 1000}s" if rest % 1000 == 0 else f"{rest / 1000:.3f}".rstrip("0") + "s"
    return f"-{text}" if seconds < 0 and milliseconds else text
