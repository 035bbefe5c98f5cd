"""How an analysis ends if one phase repeats, held against runs of the controller's own state machine.

Each line of `metric-runs.jsonl` is a metric, the letter of the phase that every measurement had, the phase of the run
("Running": without end), how many measurements it took, and the seconds that passed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.controllers.measurement_runs import Outcome, outcome
from rolloutlint.lang.expr import Phase
from rolloutlint.settings import Targets, Version

RUNS = Path(__file__).parents[1] / "data" / "metric-runs.jsonl"
PHASES: dict[str, Phase] = {"S": "Successful", "F": "Failed", "I": "Inconclusive", "E": "Error"}
NEWEST = Version(1, 9)
ENDINGS = {"Successful": "succeeds", "Failed": "aborts", "Error": "aborts", "Inconclusive": "pauses"}


def end(letter: str, rollouts: Version = NEWEST, **metric: Any) -> tuple[str, int | None, float | None]:
    """How a metric ends whose measurements all have the phase of that letter."""
    return tuple(outcome(PHASES[letter], metric, Targets(rollouts=rollouts)))


def test_every_run_of_one_phase_ends_as_the_controllers_did() -> None:
    different = []
    count = 0
    for line in RUNS.read_text().splitlines():
        metric, letter, phase, taken, seconds = json.loads(line)
        count += 1
        expected = (ENDINGS.get(phase, "goes-on"), taken, seconds)
        if end(letter, **metric) != expected:
            different.append((metric, letter, expected, end(letter, **metric)))
    assert different == []
    assert count > 700


@pytest.mark.parametrize("letter, metric, expected", [
    # the defaults: no failure, no inconclusive measurement and four errors in a row are tolerated
    ("S", {}, ("succeeds", 1, 0)),
    ("F", {}, ("aborts", 1, 0)),
    ("I", {}, ("pauses", 1, 0)),
    ("E", {}, ("aborts", 5, 40)),
    # a limit is exceeded by one more than it says
    ("F", {"interval": "1m", "count": 5, "failureLimit": 2}, ("aborts", 3, 120)),
    ("I", {"interval": "1m", "count": 5, "inconclusiveLimit": 1}, ("pauses", 2, 60)),
    ("E", {"interval": "1m", "count": 5, "consecutiveErrorLimit": 1}, ("aborts", 2, 10)),
    ("E", {"consecutiveErrorLimit": 0}, ("aborts", 1, 0)),
    # limits that the count does not let them reach
    ("F", {"interval": "1m", "count": 3, "failureLimit": 3}, ("succeeds", 3, 120)),
    ("I", {"interval": "1m", "count": 3, "inconclusiveLimit": 3}, ("succeeds", 3, 120)),
    # without a count it goes on
    ("S", {"interval": "1m"}, ("goes-on", None, None)),
    ("F", {"interval": "1m", "failureLimit": 2}, ("aborts", 3, 120)),
    # successes in a row
    ("S", {"interval": "1m", "consecutiveSuccessLimit": 3}, ("succeeds", 3, 120)),
    ("S", {"interval": "1m", "count": 2, "consecutiveSuccessLimit": 3}, ("pauses", 2, 60)),
    ("S", {"interval": "1m", "count": 2, "consecutiveSuccessLimit": 3, "failureLimit": -1}, ("aborts", 2, 60)),
    ("F", {"interval": "1m", "count": 4, "consecutiveSuccessLimit": 1, "failureLimit": -1}, ("aborts", 4, 180)),
    ("F", {"interval": "1m", "consecutiveSuccessLimit": 1, "failureLimit": -1}, ("goes-on", None, None)),
    ("I", {"interval": "1m", "count": 2, "consecutiveSuccessLimit": 1, "inconclusiveLimit": 2}, ("pauses", 2, 60)),
    # a negative count is reached after one measurement, even if that is an error
    ("S", {"interval": "1m", "count": -1}, ("succeeds", 1, 0)),
    ("F", {"interval": "1m", "count": -1}, ("aborts", 1, 0)),
    ("F", {"interval": "1m", "count": -1, "failureLimit": 1}, ("succeeds", 1, 0)),
    ("E", {"interval": "1m", "count": -1}, ("succeeds", 1, 0)),
    ("E", {"interval": "1m", "count": -1, "consecutiveErrorLimit": 0}, ("aborts", 1, 0)),
    # delays
    ("S", {"initialDelay": "90s"}, ("succeeds", 1, 90)),
    ("E", {"initialDelay": "1m", "interval": "5m", "count": 3}, ("aborts", 5, 100)),
    ("F", {"initialDelay": "30s", "interval": "1m", "count": 3, "failureLimit": 1}, ("aborts", 2, 90)),
    ("F", {"initialDelay": "-1m", "interval": "-1m", "count": 3, "failureLimit": 1}, ("aborts", 2, 0)),
    # strings are numbers, or 0
    ("F", {"interval": "1m", "count": "5", "failureLimit": "1"}, ("aborts", 2, 60)),
    ("F", {"interval": "1m", "count": "5", "failureLimit": "20%"}, ("aborts", 1, 0)),
    ("S", {"interval": "1m", "count": "five"}, ("goes-on", None, None)),
])  # fmt: skip
def test_the_end_of_a_metric(
    letter: str, metric: dict[str, Any], expected: tuple[str, int | None, float | None]
) -> None:
    assert end(letter, **metric) == expected


@pytest.mark.parametrize("letter, metric, expected", [
    ("S", {"count": "{{args.count}}", "interval": "1m"}, ("unknown", None, None)),
    ("F", {"failureLimit": "{{args.limit}}"}, ("unknown", None, None)),
    ("I", {"inconclusiveLimit": "{{args.limit}}"}, ("unknown", None, None)),
    ("E", {"consecutiveErrorLimit": "{{args.limit}}"}, ("unknown", None, None)),
    ("S", {"consecutiveSuccessLimit": "{{args.limit}}"}, ("unknown", None, None)),
    ("F", {"failureLimit": 1, "count": 1, "consecutiveSuccessLimit": "{{args.limit}}"}, ("unknown", None, None)),
    ("F", {"interval": "1m", "count": 3, "inconclusiveLimit": "{{args.limit}}"}, ("aborts", 1, 0)),
    ("F", {"interval": "{{args.interval}}", "count": 3, "failureLimit": 1}, ("aborts", 2, None)),
    ("E", {"interval": "{{args.interval}}", "count": 3}, ("aborts", 5, 40)),
    ("S", {"initialDelay": "{{args.delay}}"}, ("succeeds", 1, None)),
    ("S", {"interval": "soon", "count": 3}, ("succeeds", 3, None)),
])  # fmt: skip
def test_what_is_filled_in_later_is_unknown(
    letter: str, metric: dict[str, Any], expected: tuple[str, int | None, float | None]
) -> None:
    assert end(letter, **metric) == expected


def test_a_success_limit_is_not_seen_before_1_8() -> None:
    metric = {"interval": "1m", "count": 5, "consecutiveSuccessLimit": 2}
    assert end("S", Version(1, 8), **metric) == Outcome("succeeds", 2, 60)
    assert end("S", Version(1, 7), **metric) == Outcome("succeeds", 5, 240)
