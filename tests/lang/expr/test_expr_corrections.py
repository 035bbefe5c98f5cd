"""Corrections make expressions of conditions, and only say that they are certain where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.expr import ExprError, parse
from rolloutlint.lang.expr.corrections import corrected
from rolloutlint.lang.rewrite import rewritten

PIECES = ["result[0]", "result.0", "=>", "=<", "<>", "=", "==", "0,5", "1.5", "AND", "&&", "|", "not", "OR", "95%", "≥"]


@given(st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join))
def test_what_is_corrected_is_an_expression(text: str) -> None:
    correction = corrected(text)
    if correction is not None:
        parse(rewritten(text, correction.changes))
        assert correction.changes


@given(st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join))
def test_an_expression_is_not_corrected(text: str) -> None:
    try:
        parse(text)
    except ExprError:
        return
    assert corrected(text) is None


@pytest.mark.parametrize(
    "text", ["result[0] >= 95%", "(result[0] > 1", "result[0] > 1 2", "", "  ", "result[0] => 95%", "result ?? 1 > 2"]
)
def test_what_is_not_understood_is_left_alone(text: str) -> None:
    assert corrected(text) is None


def test_one_doubtful_slip_makes_the_whole_correction_doubtful() -> None:
    correction = corrected("result[0] => 1 AND result[1] = 2")
    assert correction is not None
    assert not correction.certain
