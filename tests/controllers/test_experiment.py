"""The phase of an Experiment, held against what the experiment controller does (recorders/experiment_phase).

Each row of `experiment-phase.json`: which analyses are required, the phases of their runs, the duration, the phase
after one reconciliation, where it settles if the unfinished runs end Successful or Failed, and which are terminated.
"""

from __future__ import annotations

import json
from pathlib import Path

from rolloutlint.controllers.analysis_run import COMPLETED, RunPhase
from rolloutlint.controllers.experiment import endless, experiment_phase, stuck

ROWS: list[tuple[str, str, str, str, str, str, str]] = json.loads(
    (Path(__file__).parents[1] / "data" / "experiment-phase.json").read_text()
)["rows"]
LETTERS: dict[str, RunPhase] = {
    "P": "Pending",
    "R": "Running",
    "S": "Successful",
    "F": "Failed",
    "E": "Error",
    "I": "Inconclusive",
}


def settled(required: list[bool], phases: list[RunPhase], expired: bool, end: RunPhase) -> RunPhase:
    """The phase of the experiment after the runs that go on have ended in a phase."""
    phase = experiment_phase(required, phases, expired)
    if phase in COMPLETED or stuck(required, phases):
        return phase
    return experiment_phase(required, [p if p in COMPLETED else end for p in phases], expired)


def test_every_experiment_is_in_the_phase_in_which_the_controller_leaves_it() -> None:
    different = []
    for required, letters, duration, *expected, _ in ROWS:
        must, phases, expired = [r == "y" for r in required], [LETTERS[p] for p in letters], duration == "over"
        found = [
            experiment_phase(must, phases, expired),
            settled(must, phases, expired, "Successful"),
            settled(must, phases, expired, "Failed"),
        ]
        if found != expected:
            different.append((required, letters, duration, expected, found))
    assert different == []
    assert len(ROWS) == 1365


def test_an_experiment_is_stuck_where_it_goes_on_and_terminates_a_run_whose_end_it_does_not_read() -> None:
    count = 0
    for required, letters, duration, *after, terminated in ROWS:
        must, phases = [r == "y" for r in required], [LETTERS[p] for p in letters]
        forever = after == ["Running", "Running", "Running"] and "x" in terminated
        assert stuck(must, phases) == forever, (required, letters, duration)
        count += forever
    assert count == 27


def test_an_optional_run_that_outlasts_the_required_ones_keeps_the_experiment_running_for_ever() -> None:
    assert experiment_phase([True, False], ["Successful", "Running"], True) == "Running"
    assert stuck([True, False], ["Successful", "Running"])
    assert not stuck([True, False], ["Running", "Successful"])
    assert not stuck([True, False], ["Successful", "Failed"])


def test_without_a_duration_and_required_runs_nothing_makes_an_experiment_successful() -> None:
    for required, letters, duration, phase, then_successful, *_ in ROWS:
        if endless([r == "y" for r in required], duration != "none"):
            assert "Successful" not in (phase, then_successful), (required, letters)
    assert endless([], False)
    assert endless([False, False], False)
    assert not endless([False], True)
    assert not endless([False, True], False)


def test_an_experiment_that_expires_does_not_wait_for_runs_that_are_not_required() -> None:
    assert experiment_phase([False], ["Running"], True) == "Successful"
    assert experiment_phase([True], ["Running"], True) == "Running"
