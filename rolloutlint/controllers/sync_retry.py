"""How Argo CD waits between the retries of a failed sync.

Mirrors argo-cd `pkg/apis/application/v1alpha1/types.go` (RetryStrategy.NextRetryAt, parseStringToDuration) and
`common/common.go` (the defaults of the backoff).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.lang.duration import SECOND, parse_duration
from rolloutlint.lang.intstr import atoi

RetryFaultKind = Literal["duration", "factor", "capped", "no-limit"]


class RetryFault(NamedTuple):
    """One thing in a retry strategy that does not work; `key` names the field at fault."""

    kind: RetryFaultKind
    key: tuple[str, ...]
    text: str = ""
    other: str = ""


def retry_duration(text: str) -> int | None:
    """Nanoseconds of a duration of a backoff: whole seconds, or a Go duration; `None` where the retry fails on it."""
    seconds = atoi(text)
    return seconds * SECOND if seconds is not None else parse_duration(text)


def retry_faults(retry: Mapping[str, Any]) -> tuple[RetryFault, ...]:
    """What of `syncPolicy.retry` Argo CD cannot read, or reads and never uses; values of wrong types are skipped."""
    found: list[RetryFault] = []
    backoff = retry.get("backoff")
    backoff = backoff if isinstance(backoff, dict) else {}
    written = {key: backoff.get(key) for key in ("duration", "maxDuration")}
    read: dict[str, int | None] = {}
    for key, text in written.items():
        if isinstance(text, str) and text:
            read[key] = retry_duration(text)
            if read[key] is None:
                found.append(RetryFault("duration", ("backoff", key), text))
    factor = backoff.get("factor")
    if isinstance(factor, int) and not isinstance(factor, bool) and factor < 1:
        found.append(RetryFault("factor", ("backoff", "factor"), str(factor)))
    first, longest = read.get("duration"), read.get("maxDuration")
    if first is not None and longest is not None and 0 < longest < first:
        found.append(
            RetryFault("capped", ("backoff", "maxDuration"), str(written["maxDuration"]), str(backoff["duration"]))
        )
    if backoff and retry.get("limit") is None:
        found.append(RetryFault("no-limit", ("backoff",)))
    return tuple(found)
