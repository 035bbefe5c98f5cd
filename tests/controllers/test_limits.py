"""Which ends the limits of a metric allow, held against the counters of the controller."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.controllers.limits import Bounds, bounds_of, can_be_inconclusive
from rolloutlint.settings import Targets, Version

NOW = Targets()
ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "analysis-run.jsonl"


def end_of(bounds: Bounds, outcomes: str) -> str:
    """The phase after the outcomes (S, F, I, E), by the counters of `assessMetricStatus`; "" while it runs."""
    counts = dict.fromkeys("SFIE", 0)
    errors = row = 0
    for outcome in outcomes:
        counts[outcome] += 1
        errors = errors + 1 if outcome == "E" else 0
        row = row + 1 if outcome == "S" else 0
        if errors > bounds.error:
            return "Error"
        if counts["I"] > bounds.inconclusive:
            return "Inconclusive"
        if 0 <= bounds.failure < counts["F"]:
            return "Failed"
        if 0 < bounds.success <= row:
            return "Successful"
        if counts["S"] + counts["F"] + counts["I"] >= bounds.measurements:
            return "Successful" if not bounds.success else "Inconclusive" if bounds.failure >= 0 else "Failed"
    return ""


def ends_of(bounds: Bounds, kinds: str) -> Iterator[tuple[str, str]]:
    """(outcomes, phase) of every run of the given kinds of outcomes."""
    for outcomes in itertools.product(kinds, repeat=int(bounds.measurements)):
        yield "".join(outcomes), end_of(bounds, "".join(outcomes))


LEGAL = [
    Bounds(count, failure, success, inconclusive, 4)
    for count in range(1, 6)
    for failure in range(-1, count + 1)
    for success in range(count + 2)
    for inconclusive in range(count + 1)
    if (success or failure >= 0) and (count == 1 or success + max(failure, 0) <= count)
]


@pytest.mark.parametrize("kinds", ["SF", "SFI"])
def test_the_closed_forms_say_what_the_counters_do(kinds: str) -> None:
    for bounds in LEGAL:
        ends = list(ends_of(bounds, kinds))
        phases = {phase for _, phase in ends}
        assert bounds.never_failed == ("Failed" not in phases), bounds
        assert bounds.never_successful == ("Successful" not in phases), bounds
        lucky = any(phase == "Successful" and "S" not in outcomes for outcomes, phase in ends)
        assert bounds.successful_without_success("I" in kinds) == lucky, bounds


def test_one_success_is_enough_where_one_passes_and_none_does_not() -> None:
    for bounds in LEGAL:
        successes = [outcomes.count("S") for outcomes, phase in ends_of(bounds, "SF") if phase == "Successful"]
        if not bounds.success and bounds.measurements > 1:
            assert bounds.one_success_is_enough == (min(successes, default=0) == 1), bounds


def test_the_count_runs_out_where_tolerated_failures_break_every_row_of_successes() -> None:
    for bounds in LEGAL:
        if bounds.success and bounds.success <= bounds.measurements:
            assert bounds.may_run_out == ("Inconclusive" in {p for _, p in ends_of(bounds, "SF")}), bounds


@pytest.mark.skipif(not ORACLE.exists(), reason="the recorded runs of the controller lie beside the checkout only")
def test_the_counters_are_those_of_the_controller() -> None:
    compared = 0
    for line in ORACLE.read_text().splitlines():
        row = json.loads(line)
        metrics = row["in"]["metrics"]
        phases = row["out"].get("metricPhases") or {}
        if len(metrics) != 1 or row["in"]["terminateAt"] != -1 or row["out"].get("exhausted") or not phases:
            continue
        bounds = bounds_of({**metrics[0], "provider": {}}, NOW)
        taken = row["out"]["measurementsTaken"][0]
        if (
            bounds is None
            or not taken
            or phases[metrics[0]["name"]] not in ("Successful", "Failed", "Inconclusive", "Error")
        ):
            continue
        assert end_of(bounds, metrics[0]["outcomes"][:taken]) == phases[metrics[0]["name"]], row
        compared += 1
    assert compared > 500


def test_an_absent_limit_has_its_default() -> None:
    assert bounds_of({}, NOW) == (1, 0, 0, 0, 4)


def test_a_success_limit_is_off_before_1_8() -> None:
    metric = {"interval": "1m", "consecutiveSuccessLimit": 3}
    assert bounds_of(metric, NOW) == (math.inf, 0, 3, 0, 4)
    assert bounds_of(metric, Targets(rollouts=Version(1, 7))) == (math.inf, 0, 0, 0, 4)


@pytest.mark.parametrize("value", ["{{args.n}}", "${N}", "$(N)", None])
@pytest.mark.parametrize("field", ["count", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit"])
def test_a_number_filled_in_later_makes_the_bounds_unknown(field: str, value: str | None) -> None:
    assert (bounds_of({field: value}, NOW) is None) is (value is not None)


BOTH = {"successCondition": "result[0] > 0.9", "failureCondition": "result[0] < 0.5"}
SCORES = {"pass": 90, "marginal": 75}


@pytest.mark.parametrize(
    "provider, conditions, possible",
    [
        ({"prometheus": {}}, BOTH, True),
        ({"prometheus": {}}, {"successCondition": "result[0] > 0.9"}, False),
        ({"prometheus": {}}, {**BOTH, "failureCondition": ""}, False),
        ({"prometheus": {}}, {**BOTH, "failureCondition": None}, False),
        ({"prometheus": {}}, {**BOTH, "failureCondition": "result[0] < {{args.low}}"}, True),
        ({"prometheus": {}}, {**BOTH, "failureCondition": "{{args.failure}}"}, None),
        ({"prometheus": {}}, {**BOTH, "failureCondition": 5}, None),
        ({"prometheus": {}}, {"successCondition": "result[0] >= 1", "failureCondition": "result[0] < 1"}, None),
        ({"web": {}}, {"successCondition": "result >= 1", "failureCondition": "result < 1"}, False),
        ({"web": {}}, {"successCondition": "result == 'up'", "failureCondition": "!(result == 'up')"}, False),
        ({"web": {}}, {"successCondition": "result == 'up'", "failureCondition": "result != 'up'"}, False),
        ({"web": {}}, {"successCondition": "result == 'up'", "failureCondition": "result == 'down'"}, True),
        ({"web": {}}, {}, False),
        ({"kayenta": {"threshold": SCORES}}, {}, True),
        ({"kayenta": {"threshold": {**SCORES, "marginal": 90}}}, {}, False),
        ({"kayenta": {"threshold": {"pass": "{{args.pass}}", "marginal": 1}}}, {}, None),
        ({"kayenta": None}, {}, None),
        ({"job": {}}, BOTH, False),
        ({"plugin": {"a/b": {}}}, {}, None),
        ({"plugin": {"prometheus": {}}}, BOTH, None),
        ({"web": {}, "job": {}}, BOTH, None),
        (None, BOTH, None),
    ],
)
def test_what_can_be_inconclusive(provider: Any, conditions: dict[str, Any], possible: bool | None) -> None:
    assert can_be_inconclusive({"name": "m", "provider": provider, **conditions}, NOW) is possible


def test_a_job_can_be_inconclusive_from_1_10_on() -> None:
    assert can_be_inconclusive({"provider": {"job": {}}}, Targets(rollouts=Version(1, 10))) is True
