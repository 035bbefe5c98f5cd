from __future__ import annotations

import pytest

from rolloutlint.controllers.pause import Pause, pause_duration


@pytest.mark.parametrize(
    "duration, seconds",
    [
        (90, 90),
        ("90", 90),
        ("+90", 90),
        ("1m30s", 90),
        ("90.9s", 90),
        (0, 0),
        ("0s", 0),
        ("500ms", 0),
        ("-0.5s", 0),
        (5.0, 5),
    ],
)
def test_a_timed_pause_counts_whole_seconds(duration: object, seconds: int) -> None:
    assert pause_duration(duration) == Pause("timed", seconds)


def test_without_a_duration_the_pause_has_no_end() -> None:
    assert pause_duration(None).kind == "indefinite"


@pytest.mark.parametrize(
    "duration", [-1, "-1", "-1m", "1d", "5 m", "", "1e3", "3000000000", "{{args.x}}", 1.5, True, [], {}]
)
def test_what_is_neither_seconds_nor_a_duration_is_invalid(duration: object) -> None:
    assert pause_duration(duration).kind == "invalid"
