"""Changes to a text compose from left to right."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.rewrite import Change, merged, rewritten


@pytest.mark.parametrize(
    "text, changes, after",
    [
        ("abc", [], "abc"),
        ("abc", [Change(1, 1, "x"), Change(1, 1, "y")], "axybc"),
        ("abc", [Change(1, 2, ""), Change(0, 1, "z")], "zc"),
        ("abc", [Change(1, 2, "x"), Change(1, 1, "(")], "a(xc"),
        ("abc", [Change(0, 1, "f("), Change(1, 1, "("), Change(2, 2, ")"), Change(2, 3, "")], "f((b)"),
        ("", [Change(0, 0, "x")], "x"),
    ],
)
def test_changes_are_made_together(text: str, changes: list[Change], after: str) -> None:
    found = merged(changes)
    assert found is not None
    assert rewritten(text, found) == after


def test_changes_that_overlap_are_refused():
    assert merged([Change(0, 2, "x"), Change(1, 3, "y")]) is None
    assert merged([Change(0, 2, "x"), Change(0, 2, "x")]) is None
    assert merged([Change(0, 3, "x"), Change(1, 1, "y")]) is None


@given(st.lists(st.tuples(st.integers(0, 9), st.text("xy", max_size=2)), max_size=6))
def test_merged_changes_are_apart_and_keep_everything_else(insertions: list[tuple[int, str]]) -> None:
    text = "0123456789"
    found = merged(Change(at, at, new) for at, new in insertions)
    assert found is not None
    assert all(a.end < b.start for a, b in pairwise(found))
    after = rewritten(text, found)
    assert after.translate({ord("x"): None, ord("y"): None}) == text
    assert len(after) == len(text) + sum(len(new) for _, new in insertions)
