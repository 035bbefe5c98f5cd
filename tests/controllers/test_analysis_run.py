"""One AnalysisRun, held against runs of the controller's own state machine, and the laws of how a metric ends.

Each line of `analysis-run.jsonl` is a run that the reconciliation code of argo-rollouts, compiled on its own with a
clock and answers that are given, has played: the metrics (their fields in the order of `FIELDS`, then a letter of S, F,
I, E for each measurement), when it was terminated (seconds or null), its phase, the phases of its metrics (null: never
measured), measurements taken, seconds passed, and whether the letters ran out.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.analysis_run import (
    COMPLETED,
    RETRY,
    SEVERITY,
    MetricSpec,
    MetricState,
    Outcome,
    RunPhase,
    RunState,
    assessed,
    due,
    interrupted,
    is_terminating,
    new_run,
    next_measurement,
    reconciled,
    recorded,
    wake_up,
    worse,
)
from rolloutlint.controllers.limits import Bounds, bounds_of
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.controllers.metrics import validate_metrics
from rolloutlint.lang.duration import parse_duration
from rolloutlint.lang.expr import Phase
from rolloutlint.settings import Targets, Version

RUNS = Path(__file__).parents[1] / "data" / "analysis-run.jsonl"
FIELDS = (
    "count",
    "interval",
    "initialDelay",
    "failureLimit",
    "inconclusiveLimit",
    "consecutiveErrorLimit",
    "consecutiveSuccessLimit",
    "dryRun",
)
NOW = Targets()
SECOND = 1_000_000_000
PHASES: dict[str, Phase] = {"S": "Successful", "F": "Failed", "I": "Inconclusive", "E": "Error"}


def spec_of(metric: dict[str, Any], targets: Targets = NOW) -> MetricSpec:
    bounds = bounds_of(metric, targets)
    assert bounds is not None
    interval, delay = metric.get("interval"), metric.get("initialDelay")
    return MetricSpec(
        name="m",
        bounds=bounds,
        interval=parse_duration(interval) if interval else None,
        delay=(parse_duration(delay) or 0) if delay else 0,
        dry_run=bool(metric.get("dryRun")),
    )


class Played(NamedTuple):
    run: RunState
    taken: list[int]
    now: int
    exhausted: bool


def play(specs: Sequence[MetricSpec], outcomes: Sequence[str], terminate_at: int | None = None) -> Played:
    """Reconcile whenever the run wakes up or is terminated, until it ends, sleeps for ever or the letters run out."""
    run, now, taken = new_run(specs), 0, [0] * len(specs)
    while True:
        terminate = terminate_at is not None and now >= terminate_at
        given: dict[int, Outcome] = {}
        exhausted = False
        for index in due(specs, run, now, terminate):
            if taken[index] == len(outcomes[index]):
                exhausted = True
                continue
            given[index] = outcomes[index][taken[index]]  # type: ignore[assignment]
            taken[index] += 1
        if exhausted:
            return Played(run, taken, now, True)
        run = reconciled(specs, run, now, given, terminate)
        wakes = [at for at in (wake_up(specs, run), None if terminate else terminate_at) if at is not None]
        if run.phase in COMPLETED or not wakes:
            return Played(run, taken, now, False)
        now = max(now, min(wakes))


def test_every_run_goes_as_the_controllers_did() -> None:
    different = []
    count = 0
    for line in RUNS.read_text().splitlines():
        metrics, terminate_at, phase, phases, taken, elapsed, exhausted = json.loads(line)
        count += 1
        specs = [spec_of(dict(zip(FIELDS, metric[:-1], strict=True))) for metric in metrics]
        end = play(specs, [metric[-1] for metric in metrics], None if terminate_at is None else terminate_at * SECOND)
        found = [state.phase if state.measured else None for state in end.run.metrics]
        if exhausted:
            # what was measured in the pass that found no letter left was recorded and not assessed
            found = [p if p or not n else "Running" for p, n in zip(found, end.taken, strict=True)]
        got = [end.run.phase, found, end.taken, end.now / SECOND, end.exhausted]
        if got != [phase, phases, taken, elapsed, exhausted]:
            different.append((line, got))
    assert different[:3] == []
    assert count == 4000


# The closed forms against the counters: every configuration that the controller accepts, every state it can reach.


@functools.cache
def step(state: MetricState, letter: Outcome) -> MetricState:
    return recorded(state, letter, 0)._replace(successful=0, finished=0)


def ends(bounds: Bounds, letters: str) -> frozenset[RunPhase]:
    """The phases in which a metric whose measurements give these letters can end, by search."""
    found: set[RunPhase] = set()
    start = MetricState()
    seen, left = {start}, [start]
    while left:
        state = left.pop()
        for letter in letters:
            after = step(state, letter)  # type: ignore[arg-type]
            if not bounds.success and after.successes:
                after = after._replace(successes=0)  # nobody asks for it
            if math.isinf(bounds.measurements) and after.taken:
                after = after._replace(taken=0, failed=min(after.failed, max(0, bounds.failure) + 1))
            if after in seen:
                continue
            seen.add(after)
            phase = assessed(bounds, after, False)
            if phase in COMPLETED:
                found.add(phase)
            else:
                left.append(after)
    return frozenset(found)


def legal(most: int) -> Iterator[Bounds]:
    """Every configuration with these counts that `ValidateMetrics` accepts, and one measurement without a count."""
    for count in range(1, most + 1):
        for failure, success in itertools.product(range(-1, count + 1), range(count + 1)):
            if (success or failure >= 0) and success + max(failure, 0) <= count:
                for inconclusive, error in itertools.product(range(count + 1), (0, 1)):
                    yield Bounds(count, failure, success, inconclusive, error)
    for count in (1, math.inf, -1, -3):  # nothing is compared with these counts
        for failure, success, inconclusive, error in itertools.product(range(-1, 4), range(4), range(4), (0, 1, 4)):
            if success or failure >= 0:
                yield Bounds(count, failure, success, inconclusive, error)


SETS = ["".join(s) for n in range(1, 5) for s in itertools.combinations("SFIE", n)]


@pytest.mark.parametrize("letters", SETS)
def test_the_endings_are_those_that_the_counters_reach_for_every_accepted_configuration(letters: str) -> None:
    for bounds in legal(8):
        assert bounds.endings(letters) == ends(bounds, letters), bounds


def test_the_predicates_of_the_rules_say_what_the_endings_say() -> None:
    for bounds in legal(8):
        count, failure, success, inconclusive, _ = bounds
        if not bounds.finite:
            continue
        assert bounds.never_failed == ("Failed" not in bounds.endings("SFIE"))
        assert bounds.never_successful == ("Successful" not in bounds.endings("SFIE"))
        assert bounds.successful_without_success(False) == ("Successful" in bounds.endings("F"))
        assert bounds.successful_without_success(True) == ("Successful" in bounds.endings("FI"))
        if 0 < success <= count:
            assert bounds.may_run_out == (failure >= 0 and "Inconclusive" in bounds.endings("SF"))
        assert ("Inconclusive" in bounds.endings("SFIE")) == (inconclusive < count or (success > 0 and failure >= 0))


@pytest.mark.parametrize(
    "letter, phase", [("S", "Successful"), ("F", "Successful"), ("I", "Successful"), ("E", "Error")]
)
def test_a_negative_count_is_complete_after_one_measurement_whatever_it_was(letter: str, phase: str) -> None:
    assert Bounds(-1, 1, 0, 1, 0).endings(letter) == {phase}


def test_without_a_count_and_a_success_limit_a_metric_is_never_successful_of_its_own_accord() -> None:
    assert Bounds(math.inf, 2, 0, 2, 4).endings("SFIE") == {"Failed", "Inconclusive", "Error"}


# Times.


METRICS = [
    {"count": count, "interval": interval, "initialDelay": delay, "failureLimit": failure,
     "consecutiveSuccessLimit": success, "inconclusiveLimit": inconclusive, "consecutiveErrorLimit": error}
    for count in (-1, None, 1, 2, 3, 5)
    for interval in ("", "1m")
    for delay in ("", "90s")
    for failure in (-1, 0, 1, 5)
    for success in (0, 1, 3)
    for inconclusive in (0, 2)
    for error in (0, 4)
]  # fmt: skip


def test_a_run_of_one_phase_ends_when_and_how_the_closed_form_says() -> None:
    kinds = {"Successful": "succeeds", "Failed": "aborts", "Error": "aborts", "Inconclusive": "pauses"}
    compared = 0
    for metric in METRICS:
        if validate_metrics([{"name": "m", "provider": {"web": {}}, **metric}], NOW):
            continue
        for letter, phase in PHASES.items():
            kind, measurements, seconds = outcome(phase, metric, NOW)
            end = play([spec_of(metric)], [letter * 12])
            compared += 1
            if kind == "goes-on":
                assert end.exhausted, (metric, letter)
            else:
                found = kinds.get(end.run.phase), end.taken[0], end.now / SECOND
                assert found == (kind, measurements, seconds), (metric, letter)
    assert compared > 500


@pytest.mark.parametrize("letter, phase, seconds", [
    ("F", "Failed", 30 + 2 * 60),  # one more than failureLimit: D + F * interval
    ("I", "Inconclusive", 30 + 60),  # D + I * interval
    ("E", "Error", 30 + 4 * 10),  # errors are retried after ten seconds, whatever the interval: D + E * 10 s
    ("S", "Successful", 30 + 4 * 60),  # D + (N - 1) * interval
])  # fmt: skip
def test_a_bad_metric_ends_after_its_delay_and_as_many_pauses_as_its_limit_tolerates(
    letter: str, phase: str, seconds: int
) -> None:
    metric = {"count": 5, "interval": "1m", "initialDelay": "30s", "failureLimit": 2, "inconclusiveLimit": 1}
    end = play([spec_of(metric)], [letter * 9])
    assert (end.run.phase, end.now) == (phase, seconds * SECOND)


def test_enough_successes_in_a_row_end_a_metric_before_its_count() -> None:
    metric = {"count": 9, "interval": "1m", "initialDelay": "30s", "consecutiveSuccessLimit": 3}
    end = play([spec_of(metric)], ["SSSSSS"])
    assert (end.run.phase, end.taken, end.now) == ("Successful", [3], 150 * SECOND)


def test_an_initial_delay_counts_from_the_first_reconciliation() -> None:
    spec = spec_of({"initialDelay": "30s"})
    assert next_measurement(spec, MetricState(), None) is None
    run = reconciled([spec], new_run([spec]), 7 * SECOND, {})
    assert (run.started, wake_up([spec], run)) == (7 * SECOND, 37 * SECOND)
    assert due([spec], run, 36 * SECOND) == ()
    assert due([spec], run, 37 * SECOND) == (0,)


def test_without_an_initial_delay_the_first_reconciliation_measures() -> None:
    specs = [spec_of({"interval": "1m"}), spec_of({"initialDelay": "30s"})]
    assert due(specs, new_run(specs), 0) == (0,)


# Termination, dry run, several metrics.


ENDLESS = spec_of({"interval": "1m", "failureLimit": 3, "inconclusiveLimit": 3})
ONCE = spec_of({})


def test_a_run_terminated_before_anything_was_measured_is_successful() -> None:
    late = spec_of({"initialDelay": "1h"})
    assert play([late], [""], 60 * SECOND).run.phase == "Successful"


@pytest.mark.parametrize("history", ["S", "FFF", "III", "EEEE", "FIFIFI"])
def test_a_metric_within_its_limits_is_successful_when_terminated(history: str) -> None:
    end = play([ENDLESS], [history], (10 if "E" in history else 60) * (len(history) - 1) * SECOND + 1)
    assert (end.run.phase, end.taken) == ("Successful", [len(history)])


def test_termination_does_not_ask_for_successes_in_a_row() -> None:
    spec = spec_of({"interval": "1m", "consecutiveSuccessLimit": 5, "failureLimit": -1})
    assert play([spec], ["FFF"], 121 * SECOND).run.phase == "Successful"


def test_a_terminated_run_measures_nothing_more() -> None:
    run = reconciled([ENDLESS], new_run([ENDLESS]), 0, {0: "S"})
    assert due([ENDLESS], run, 3600 * SECOND, terminate=True) == ()


def test_the_verdict_of_a_metric_in_dry_run_is_ignored() -> None:
    dry = ONCE._replace(dry_run=True)
    assert play([dry, ONCE], ["F", "S"]).run.phase == "Successful"
    assert play([dry], ["F"]).run.phase == "Successful"


def test_a_run_waits_for_its_metrics_in_dry_run() -> None:
    dry = spec_of({"interval": "1m", "count": 3, "dryRun": True})
    end = play([ONCE, dry], ["S", "SSS"])
    assert (end.run.phase, end.now) == ("Successful", 120 * SECOND)
    assert play([ONCE, ENDLESS._replace(dry_run=True)], ["S", "SSSS"]).run.phase == "Running"


def test_measurements_of_the_pass_in_which_a_metric_turns_bad_still_count() -> None:
    specs = [ONCE, ONCE]
    run = reconciled(specs, new_run(specs), 0, {0: "I", 1: "F"})
    assert [state.phase for state in run.metrics] == ["Inconclusive", "Failed"]
    assert run.phase == "Failed"


def test_the_pass_after_a_metric_has_turned_bad_ends_the_others() -> None:
    specs = [ONCE, ENDLESS]
    run = reconciled(specs, new_run(specs), 0, {0: "F", 1: "F"})
    assert ([state.phase for state in run.metrics], run.phase) == (["Failed", "Running"], "Running")
    assert is_terminating(specs, run)
    assert wake_up(specs, run) == 0
    run = reconciled(specs, run, 0, {})
    assert ([state.phase for state in run.metrics], run.phase) == (["Failed", "Successful"], "Failed")


def test_a_metric_in_its_initial_delay_does_not_hold_up_a_run_that_is_bad() -> None:
    end = play([ONCE, spec_of({"initialDelay": "1h"})], ["E", ""])
    assert end.run.phase == "Running"  # one error is tolerated
    strict = spec_of({"consecutiveErrorLimit": 0})
    assert play([strict, spec_of({"initialDelay": "1h"})], ["E", ""]).run.phase == "Error"


def test_the_worst_phase_wins() -> None:
    for one, other in itertools.product(SEVERITY, SEVERITY):
        assert worse(one, other) == worse(other, one)
    assert SEVERITY == ("Successful", "Running", "Pending", "Inconclusive", "Error", "Failed")
    error = spec_of({"consecutiveErrorLimit": 0})
    for letters, phase in {"SSE": "Error", "SIE": "Error", "FIE": "Failed", "SIS": "Inconclusive"}.items():
        assert play([ONCE, ONCE, error], letters).run.phase == phase


def test_a_run_that_has_ended_stays_as_it_is() -> None:
    run = play([ONCE], ["S"]).run
    assert reconciled([ONCE], run, SECOND, {0: "F"}) is run
    assert wake_up([ONCE], run) is None
    assert due([ONCE], run, 3600 * SECOND) == ()


# Measurements in flight.


def test_a_measurement_in_flight_keeps_its_metric_running_and_is_not_repeated() -> None:
    run = reconciled([ENDLESS], new_run([ENDLESS]), 0, {0: "R"})
    assert run.metrics[0].phase == run.phase == "Running"
    assert due([ENDLESS], run, 3600 * SECOND) == ()
    assert wake_up([ENDLESS], run) is None


def test_the_interval_counts_from_the_end_of_a_measurement() -> None:
    run = reconciled([ENDLESS], new_run([ENDLESS]), 0, {0: "R"})
    run = reconciled([ENDLESS], run, 100 * SECOND, {0: "S"})
    assert wake_up([ENDLESS], run) == 160 * SECOND
    run = reconciled([ENDLESS], run, 160 * SECOND, {0: "E"})
    assert wake_up([ENDLESS], run) == 160 * SECOND + RETRY


def test_a_run_that_is_bad_ends_without_the_measurement_of_kayenta_that_is_in_flight() -> None:
    specs = [ONCE, ENDLESS]
    run = reconciled(specs, new_run(specs), 0, {0: "F", 1: "R"})
    run = reconciled(specs, run, 0, {})
    assert (run.phase, run.metrics[1].phase) == ("Failed", "Running")


@pytest.mark.parametrize("release, letter, phase", [((1, 9), "S", "Successful"), ((1, 10), "I", "Inconclusive")])
def test_a_job_that_is_terminated_is_successful_before_1_10_and_inconclusive_since(
    release: tuple[int, int], letter: str, phase: str
) -> None:
    assert interrupted(Targets(rollouts=Version(*release))) == letter
    run = reconciled([ONCE], new_run([ONCE]), 0, {0: "R"})
    end = reconciled([ONCE], run, SECOND, {0: interrupted(Targets(rollouts=Version(*release)))}, terminate=True)
    assert end.phase == phase


def test_a_marginal_score_is_inconclusive_and_uses_up_the_count() -> None:
    kayenta = spec_of({"count": 3, "interval": "1h", "inconclusiveLimit": 3})
    end = play([kayenta], ["III"])
    assert (end.run.phase, end.run.metrics[0].inconclusive, end.taken) == ("Successful", 3, [3])


# What came with 1.8.


def test_successes_in_a_row_do_not_end_a_metric_before_1_8() -> None:
    metric = {"count": 4, "interval": "1m", "consecutiveSuccessLimit": 2}
    assert play([spec_of(metric)], ["SSSS"]).taken == [2]
    old = spec_of(metric, Targets(rollouts=Version(1, 7)))
    assert play([old], ["SSSS"]).taken == [4]


def test_a_failure_limit_that_is_off_lets_failures_pass_until_the_count_is_reached() -> None:
    spec = spec_of({"count": 4, "interval": "1m", "failureLimit": -1, "consecutiveSuccessLimit": 2})
    assert play([spec], ["FFSS"]).run.phase == "Successful"
    assert play([spec], ["SFSF"]).run.phase == "Failed"


def test_a_failure_limit_that_is_off_is_refused_before_1_8() -> None:
    metric = {"name": "m", "failureLimit": -1, "consecutiveSuccessLimit": 2, "interval": "1m", "provider": {"web": {}}}
    assert validate_metrics([metric], NOW) == ()
    problems = validate_metrics([metric], Targets(rollouts=Version(1, 7)))
    assert [problem.code for problem in problems] == ["negative-failure-limit"]


# Turning a failure into a success.


LEGAL = [*legal(5)]
HISTORIES = st.text("SFIE", min_size=1, max_size=12)


def run_of(specs: Sequence[MetricSpec], histories: Sequence[str]) -> tuple[RunPhase, list[int]]:
    """How a run with these histories ends; it is terminated where the first of them is at its end."""
    end = play(specs, histories)
    if not end.exhausted:
        return end.run.phase, end.taken
    return reconciled(specs, end.run, end.now, {}, terminate=True).phase, end.taken


@given(st.sampled_from(LEGAL), HISTORIES, st.data())
def test_a_success_in_place_of_a_failure_ends_a_single_metric_no_worse_and_other_than_failed_no_later(
    bounds: Bounds, history: str, data: st.DataObject
) -> None:
    failures = [index for index, letter in enumerate(history) if letter == "F"]
    if not failures:
        return
    at = data.draw(st.sampled_from(failures))
    spec = MetricSpec("m", bounds, 60 * SECOND, 0)
    before, taken = run_of([spec], [history])
    after, now_taken = run_of([spec], [history[:at] + "S" + history[at + 1 :]])
    assert worse(before, after) == before
    if before != "Failed":
        assert now_taken <= taken


@given(st.lists(st.tuples(st.sampled_from(LEGAL), HISTORIES, st.booleans()), min_size=2, max_size=3), st.data())
def test_a_success_in_place_of_a_failure_ends_a_run_without_success_limits_no_worse(
    metrics: list[tuple[Bounds, str, bool]], data: st.DataObject
) -> None:
    specs = [
        MetricSpec("m", b._replace(success=0, failure=max(0, b.failure)), 60 * SECOND, 0, d) for b, _, d in metrics
    ]
    histories = [history + "S" * 40 for _, history, _ in metrics]
    which = data.draw(st.integers(0, len(metrics) - 1))
    failures = [index for index, letter in enumerate(histories[which]) if letter == "F"]
    if not failures:
        return
    at = data.draw(st.sampled_from(failures))
    before, _ = run_of(specs, histories)
    histories[which] = histories[which][:at] + "S" + histories[which][at + 1 :]
    after, _ = run_of(specs, histories)
    assert worse(before, after) == before


def test_with_a_success_limit_a_success_can_end_a_run_of_two_metrics_worse() -> None:
    row = spec_of({"interval": "1m", "failureLimit": 1, "consecutiveSuccessLimit": 1})
    slow = spec_of({"interval": "2m", "count": 2})
    assert run_of([row, slow], ["FI", "SF"])[0] == "Inconclusive"  # which ends the other metric in time
    assert run_of([row, slow], ["SI", "SF"])[0] == "Failed"
