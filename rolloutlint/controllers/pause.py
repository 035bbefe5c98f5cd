"""How long a pause lasts: `RolloutPause.DurationSeconds` (argo-rollouts
`pkg/apis/rollouts/v1alpha1/types.go`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from rolloutlint.lang.duration import SECOND, format_duration, parse_duration
from rolloutlint.lang.intstr import atoi, int32

_INT32_MAX = (1 << 31) - 1


class Pause(NamedTuple):
    """What a `duration` means to the controller."""

    kind: Literal["timed", "indefinite", "invalid"]
    """`invalid`: the Rollout is refused (negative, or no duration at all); `indefinite`: until somebody
    resumes.
    """
    seconds: int = 0
    """Whole seconds of a `timed` pause; 0 is legal and does not pause."""


INDEFINITE = Pause("indefinite")
INVALID = Pause("invalid")


def pause_duration(duration: object) -> Pause:
    """The meaning of `pause.duration` as written (`None`: absent).

    A number is seconds. A string is first read as a whole number of seconds, then as a Go duration, of which
    fractions of a second are dropped: `"90"`, `"1m30s"` and `"90.9s"` are 90, `"1d"` is invalid. What the
    API takes for no IntOrString (fractions, lists) is invalid too.
    """
    if duration is None:
        return INDEFINITE
    if isinstance(duration, str):
        return _of_text(duration)
    seconds = int32(duration)
    return INVALID if seconds is None or seconds < 0 else Pause("timed", seconds)


@lru_cache(maxsize=1024)
def _of_text(duration: str) -> Pause:
    seconds = atoi(duration)
    if seconds is None or not -_INT32_MAX <= seconds <= _INT32_MAX:
        nanoseconds = parse_duration(duration)
        if nanoseconds is None or nanoseconds <= -SECOND:
            return INVALID
        seconds = abs(nanoseconds) // SECOND
    return INVALID if seconds < 0 else Pause("timed", seconds)


_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("w", "week", "weeks"), 604_800),
}
_AMOUNT = re.compile(r"([0-9]{1,6}) ?([a-z]+)")


def meant_duration(duration: str) -> str | None:
    """The Go duration that can only have been meant by one the controller refuses; `None` where it is a guess.

    `"1d"` is `"24h"`, `"5 m"` and `"5min"` are `"5m"`. Upper-case units and fractions stay a guess.
    """
    text = duration.strip()
    amounts = list(_AMOUNT.finditer(text))
    if not amounts or _AMOUNT.sub("", text).strip():
        return None
    if any(m[2] not in _UNITS for m in amounts):
        return None
    return format_duration(sum(int(m[1]) * _UNITS[m[2]] for m in amounts))
