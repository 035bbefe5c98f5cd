"""The intervals that the conditions of a metric leave are what its conditions say of every number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.measurement import judge
from rolloutlint.controllers.thresholds import Thresholds, in_words, thresholds_of
from rolloutlint.lang import expr
from rolloutlint.lang.expr import NEWEST, Region

NUMBERS = st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0, 5.0, 50.0])
CONDITIONS = st.builds(
    "result[0] {} {}".format, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS.map("{:g}".format)
)
EITHER = CONDITIONS | st.builds("{} && {}".format, CONDITIONS, CONDITIONS) | st.builds("!({})".format, CONDITIONS)


def thresholds(success: str, failure: str, query: str = "avg(cart_level)") -> Thresholds:
    found = thresholds_of(judge("prometheus", query, success, failure, NEWEST, 3))
    assert found is not None
    return found


def inside(number: float, region: Region) -> bool:
    above = number > region.low or (region.low_closed and number == region.low)
    return above and (number < region.high or (region.high_closed and number == region.high))


@given(EITHER, EITHER, NUMBERS | st.floats(-100, 100))
def test_a_number_is_in_a_gap_or_an_overlap_exactly_if_neither_or_both_conditions_hold(
    success: str, failure: str, number: float
) -> None:
    found = thresholds(success, failure)
    holds, refuses = (expr.program_of(text, "float[]").run([number]) is True for text in (success, failure))
    assert any(inside(number, gap) for gap in found.gaps) == (not holds and not refuses)
    assert any(inside(number, overlap) for overlap in found.overlaps) == (holds and refuses)


ERRORS = 'sum(rate(x_total{code=~"5.."}[5m])) / sum(rate(x_total[5m]))'


@pytest.mark.parametrize(
    "query, success, accepted",
    [
        (ERRORS, "result[0] <= 0.05", 0.05),
        (ERRORS.replace("=~", "!~"), "result[0] >= 0.95", 0.05),
        (f"100 * {ERRORS}", "result[0] < 5", 0.05),
        (f"1 - {ERRORS}", "result[0] >= 0.75", 0.25),
        ("avg(cart_level)", "result[0] < 5", None),
        ("sum(rate(x_total[5m]))", "result[0] > 5", None),
    ],
)
def test_the_share_of_failures_that_passes_is_known_for_shares_only(
    query: str, success: str, accepted: float | None
) -> None:
    assert thresholds(success, "", query).accepted_failures() == pytest.approx(accepted)


@pytest.mark.parametrize(
    "success, failure, words",
    [
        ("result[0] >= 2", "result[0] < 1", "from 1 up to 2"),
        ("result[0] > 2", "result[0] < 1", "from 1 to 2"),
        ("result[0] > 2", "result[0] <= 1", "above 1 to 2"),
        ("result[0] >= 2", "result[0] <= 1", "between 1 and 2"),
        ("result[0] > 1", "result[0] < 1", "at 1"),
        ("result[0] == 1", "false", "below 1 and above 1"),
        ("result[0] >= 1", "result[0] > 1", "below 1"),
        ("result[0] < 1", "result[0] < 1", "from 1 on"),
        ("result[0] > 1", "result[0] > 1", "up to 1"),
        ("result[0] > 1 && result[0] < 1", "false", "at any number"),
    ],
)
def test_intervals_are_said_with_their_ends(success: str, failure: str, words: str) -> None:
    assert in_words(thresholds(success, failure).gaps) == words


@pytest.mark.parametrize(
    "success, failure",
    [("result[0] >= {{args.x}}", ""), ("result >= 1", ""), ("result[0] >=", ""), ("", ""), ("result[1] > 1", "")],
)
def test_what_is_open_or_fails_has_no_thresholds(success: str, failure: str) -> None:
    assert thresholds_of(judge("prometheus", "avg(cart_level)", success, failure, NEWEST, 3)) is None
