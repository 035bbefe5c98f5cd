"""Which fixes are made together: of those that touch, the first in report order, whole or not at all."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.finding import DocumentId, Finding, Fix, Place, Safety, SettledFinding, Span, TextEdit
from rolloutlint.fix import apply_edits, chosen_edits


def offered(*edits: tuple[int, int, str], safety: Safety = "safe", file: str = "a.yaml") -> SettledFinding:
    fix = Fix("test", safety, ())
    finding = Finding("RL101", Place(DocumentId(file, 0)), "message", fix=fix)
    made = tuple(TextEdit(file, *e) for e in edits)
    return SettledFinding(finding, "name", "error", file, Span(1, 1, 1, 2), "", "0", edits=made)


def after(text: str, *findings: SettledFinding, unsafe: bool = False) -> str:
    return apply_edits(text, chosen_edits(findings, unsafe=unsafe).get("a.yaml", ()))


def test_edits_that_do_not_touch_are_all_made():
    assert after("0123456789", offered((1, 2, "x")), offered((5, 7, "yy"), (8, 9, ""))) == "0x234yy79"


def test_of_fixes_that_overlap_the_first_wins():
    assert after("0123456789", offered((1, 4, "x")), offered((3, 5, "y"))) == "0x456789"


def test_a_fix_is_made_whole_or_not_at_all():
    assert after("0123456789", offered((1, 2, "x")), offered((1, 3, "y"), (8, 9, "z"))) == "0x23456789"


def test_an_insertion_at_the_end_of_another_edit_waits():
    assert after("a: 1\n", offered((0, 5, "")), offered((5, 5, "b: 2\n"))) == ""


def test_two_removals_that_touch_are_not_made_together():
    """Together they could empty a mapping, which is then null and no mapping any more."""
    assert after("x:\n a: 1\n b: 2\n", offered((3, 9, "")), offered((9, 15, ""))) == "x:\n b: 2\n"


def test_replacements_side_by_side_are_both_made():
    assert after("0123", offered((0, 2, "x")), offered((2, 4, "y"))) == "xy"


def test_the_same_edit_from_two_findings_is_made_once():
    assert after("01", offered((1, 1, "x")), offered((1, 1, "x"))) == "0x1"


def test_different_insertions_at_one_point_are_not_made_together():
    assert after("01", offered((1, 1, "x")), offered((1, 1, "y"))) == "0x1"


def test_insertions_of_one_fix_at_one_point_keep_their_order():
    assert after("01", offered((1, 1, "x"), (1, 1, "y"))) == "0xy1"


def test_unsafe_fixes_are_made_only_when_asked():
    assert after("01", offered((0, 1, ""), safety="unsafe")) == "01"
    assert after("01", offered((0, 1, ""), safety="unsafe"), unsafe=True) == "1"


EDITS = st.tuples(st.integers(0, 12), st.integers(0, 12), st.text("xyz", max_size=2)).map(
    lambda e: (min(e[:2]), max(e[:2]), e[2])
)


@given(st.lists(st.lists(EDITS, min_size=1, max_size=1), max_size=6))
def test_chosen_edits_never_overlap(fixes: list[list[tuple[int, int, str]]]) -> None:
    chosen = chosen_edits([offered(*edits) for edits in fixes], unsafe=False).get("a.yaml", ())
    places = sorted({(e.start, e.end) for e in chosen})
    assert all(a[1] <= b[0] for a, b in pairwise(places))


@given(st.text("abc\n", max_size=12), st.lists(EDITS, max_size=4))
def test_text_outside_of_edits_is_kept(text: str, edits: list[tuple[int, int, str]]) -> None:
    inside = [e for e in edits if e[1] <= len(text)]
    chosen = chosen_edits([offered(e) for e in inside], unsafe=False).get("a.yaml", ())
    touched = {i for e in chosen for i in range(e.start, e.end)}
    kept = "".join(c for i, c in enumerate(text) if i not in touched)
    result = apply_edits(text, chosen)
    assert len(result) == len(kept) + sum(len(e.text) for e in set(chosen))
    letters = iter(result)
    assert all(c in letters for c in kept), "what is kept is a subsequence of the result"
