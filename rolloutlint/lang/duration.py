"""Durations as Go reads them: `time.ParseDuration` (Go `src/time/format.go`), bit for bit.

Kubernetes and Argo hand most durations (`interval: 1m30s`) to that function, so what it rejects ("1d", "60",
"5 m") is rejected in the cluster. The result counts nanoseconds, as there.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

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

SECOND = 1_000_000_000
"""Nanoseconds, in which Go and what is read here count."""

_INVALID = "invalid duration"
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)")


def parse_duration(text: object) -> int | None:
    """Nanoseconds of a Go duration such as `"1h30m"`, `"-1.5s"` or `".5s"`; `None` where Go reports an error.

    Mirrors `time.ParseDuration`: a sign may only come first, every number but a lone `0` needs a unit (`ns`,
    `us`, `µs`, `ms`, `s`, `m`, `h`), and what does not fit into 64 bits is an error. Anything but a string gives
    `None`.
    """
    return _read(text)[0] if isinstance(text, str) else None


def duration_error(text: str) -> str | None:
    """The message of the error that `time.ParseDuration` returns for `text`; `None` where it accepts it."""
    nanoseconds, fault = _read(text)
    return None if nanoseconds is not None else f"time: {fault} {_quote(text)}"


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[int | None, str]:
    """Nanoseconds, or `None` and how Go words the fault."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0, ""
    if not body:
        return None, _INVALID
    total = 0
    position = 0
    while position < len(body):
        part = _PART.match(body, position)
        if part is None or not (part[1] or part[2]):
            return None, _INVALID
        whole = part[1].lstrip("0")
        if len(whole) > 19 or int(whole or "0") > _LIMIT:
            return None, _INVALID
        if not part[3]:
            return None, "missing unit in duration"
        scale = _UNITS.get(part[3])
        if scale is None:
            return None, f"unknown unit {_quote(part[3])} in duration"
        total += int(whole or "0") * scale
        numerator, denominator = _fraction(part[2] or "")
        if numerator:
            total += int(float(numerator) * (float(scale) / denominator))
        if total > _LIMIT:
            return None, _INVALID
        position = part.end()
    if text[0] == "-":
        return -total, ""
    return (total, "") if total < _LIMIT else (None, _INVALID)


def _quote(text: str) -> str:
    """`text` in double quotes as package `time` writes it: bytes outside printable ASCII as `\\x..`."""
    out: list[str] = []
    for byte in text.encode("utf-8", "surrogatepass"):
        if byte in (0x22, 0x5C):
            out.append("\\" + chr(byte))
        else:
            out.append(chr(byte) if 0x20 <= byte < 0x80 else f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'


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
