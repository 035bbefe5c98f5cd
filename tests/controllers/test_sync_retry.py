"""The waits between retries of a sync, as Argo CD reads them."""

from __future__ import annotations

import pytest

from rolloutlint.controllers.sync_retry import retry_duration, retry_faults

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5 * SECOND), ("5s", 5 * SECOND), ("1m30s", 90 * SECOND), ("0", 0), ("1d", None), ("", None), ("5 s", None)],
)
def test_a_number_alone_counts_seconds(text: str, expected: int | None):
    assert retry_duration(text) == expected


@pytest.mark.parametrize(
    ("backoff", "kinds"),
    [
        ({}, []),
        ({"duration": "5s", "factor": 2, "maxDuration": "3m"}, []),
        ({"duration": "5s", "factor": 1, "maxDuration": "5s"}, []),
        ({"duration": "5s", "maxDuration": "0"}, []),
        ({"duration": "soon", "maxDuration": "late"}, ["duration", "duration"]),
        ({"factor": 0}, ["factor"]),
        ({"factor": True}, []),
        ({"factor": "0"}, []),
        ({"duration": "10s", "maxDuration": "5"}, ["capped"]),
    ],
)
def test_faults_of_a_backoff(backoff: dict[str, object], kinds: list[str]):
    assert [fault.kind for fault in retry_faults({"limit": 3, "backoff": backoff})] == kinds


def test_a_backoff_without_a_limit_is_never_used():
    assert [fault.kind for fault in retry_faults({"backoff": {"duration": "5s"}})] == ["no-limit"]
    assert retry_faults({"backoff": None}) == ()
