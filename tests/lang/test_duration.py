from __future__ import annotations

import math

import pytest

from rolloutlint.lang.duration import duration_error, format_duration, parse_duration

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    "text, nanoseconds",
    [
        ("1h30m", 5400 * SECOND),
        ("-1.5s", -1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", SECOND),
        ("0", 0),
        ("+0", 0),
        ("1µs", 1000),
        ("1μs", 1000),
        ("-9223372036854775808ns", -(1 << 63)),
    ],
)
def test_reads_what_go_reads(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "60", "1d", "5 m", "1m ", "-", ".s", "1e3s", "1h-1m", "٣s", "9223372036854775808ns", "3000000h"]
)
def test_refuses_what_go_refuses(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize("value", [60, 1.5, None, True, ["1m"], {}])
def test_only_a_string_is_a_duration(value: object) -> None:
    assert parse_duration(value) is None


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0s"),
        (45, "45s"),
        (90, "1m30s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (7265, "2h1m5s"),
        (1.5, "1.5s"),
        (0.25, "0.25s"),
        (0.0001, "0s"),
        (-60, "-1m"),
        (math.inf, "forever"),
        (math.nan, "unknown"),
    ],
)
def test_writes_durations_as_people_do(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    "text, message",
    [
        ("1m", None),
        ("", 'time: invalid duration ""'),
        ("60", 'time: missing unit in duration "60"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ('1"', 'time: unknown unit "\\"" in duration "1\\""'),
        ("1é", 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'),
    ],
)
def test_words_errors_as_go_does(text: str, message: str | None) -> None:
    assert duration_error(text) == message
