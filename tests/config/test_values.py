from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.config import parse_count, parse_exposure, parse_release, parse_seconds, parse_share
from rolloutlint.config.values import is_date


@pytest.mark.parametrize(
    ("text", "release"),
    [("1.9", (1, 9)), ("v1.10", (1, 10)), ("3.0.2", (3, 0)), ("1", None), ("", None), ("1.x", None), ("١.٢", None)],
)
def test_a_release_is_major_and_minor(text: str, release: tuple[int, int] | None) -> None:
    assert parse_release(text) == release


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1h30m", 5400), ("1.5m", 90), ("500ms", 0.5), ("0", 0), ("-5s", None), ("5 m", None), ("1d", None)],
)
def test_a_duration_is_written_as_in_go_or_in_seconds(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("20%", Fraction(1, 5)),
        ("20", Fraction(1, 5)),
        ("12.5 %", Fraction(1, 8)),
        ("0", 0),
        ("100.0%", 1),
        ("100.1", None),
        ("-1", None),
        ("%", None),
        ("20%%", None),
        ("1e1", None),
        ("٢٠", None),
    ],
)
def test_a_share_is_a_percentage(text: str, share: Fraction | None) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    ("text", "exposure"), [("120", 120), ("0.1", Fraction(1, 10)), ("0", None), ("120 %min", None)]
)
def test_an_exposure_is_a_number_above_0(text: str, exposure: Fraction | None) -> None:
    assert parse_exposure(text) == exposure


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("12", 12), ("1.0", None), ("-1", None), ("", None)])
def test_a_count_is_a_whole_number(text: str, count: int | None) -> None:
    assert parse_count(text) == count


@given(st.dates())
def test_every_day_of_the_calendar_is_a_date(day: object) -> None:
    assert is_date(str(day))


@pytest.mark.parametrize("text", ["2025-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-4-1", "", "1900-02-29"])
def test_other_days_are_not(text: str) -> None:
    assert not is_date(text)
