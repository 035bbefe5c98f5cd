"""Conditions get, lose and change the guards that say what no data means."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.lang.expr import compile as compile_condition
from rolloutlint.lang.expr import parse
from rolloutlint.lang.expr.guards import (
    Guard,
    asks_for_nil,
    decide_cases,
    decisions,
    default_results,
    guard_of,
    index_results,
    unindex_results,
)
from rolloutlint.lang.rewrite import Change, merged, rewritten

NAN = float("nan")


def changed(text: str, changes: tuple[Change, ...] | None) -> str | None:
    """The text after changes, which must parse; `None` where there are none to make."""
    found = merged(changes) if changes is not None else None
    if found is None:
        return None
    after = rewritten(text, found)
    parse(after)
    return after


def decided(text: str, **wanted: bool | None) -> str | None:
    return changed(text, decide_cases(parse(text), text, wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text, guard",
    [
        ("len(result) == 0", Guard("empty", True)),
        ("0 == len(result)", Guard("empty", True)),
        ("len(result) < 1", Guard("empty", True)),
        ("len(result) > 0", Guard("empty", False)),
        ("0 < len(result)", Guard("empty", False)),
        ("len(result) != 0", Guard("empty", False)),
        ("!(len(result) > 0)", Guard("empty", True)),
        ("isNaN(result[0])", Guard("NaN", True)),
        ("not isNaN(result[0])", Guard("NaN", False)),
        ("isNil(result)", Guard("nil", True)),
        ("result == nil", Guard("nil", True)),
        ("nil != result", Guard("nil", False)),
        ("len(result) == 1", None),
        ("len(result) > 1", None),
        ("isNaN(result[0] * 0)", None),
        ("result[0] == 0", None),
    ],
)
def test_a_guard_is_known_by_what_it_tests(text: str, guard: Guard | None) -> None:
    assert guard_of(parse(text)) == guard


@pytest.mark.parametrize(
    "text, wanted, after",
    [
        ("result[0] <= 0.05", {"empty": False}, "len(result) > 0 && result[0] <= 0.05"),
        ("result[0] <= 0.05", {"empty": True}, "len(result) == 0 || result[0] <= 0.05"),
        ("result[0] > 1 || result[0] < 0", {"empty": False}, "len(result) > 0 && (result[0] > 1 || result[0] < 0)"),
        ("(result[0] > 1 || result[0] < 0)", {"empty": False}, "len(result) > 0 && (result[0] > 1 || result[0] < 0)"),
        ("result[0] > 1 && result[0] < 4", {"empty": True}, "len(result) == 0 || result[0] > 1 && result[0] < 4"),
        ("len(result) == 0 || result[0] < 5", {"empty": False}, "len(result) > 0 && result[0] < 5"),
        ("len(result) > 0 && result[0] < 5", {"empty": True}, "len(result) == 0 || result[0] < 5"),
        ("result[0] < 5 && len(result) > 0", {}, "len(result) > 0 && result[0] < 5"),
        ("result[0] < 5 || len(result) == 0", {}, "len(result) == 0 || result[0] < 5"),
        (
            "len(result) > 0 and result[0] < 5",
            {"NaN": False},
            "len(result) > 0 and !isNaN(result[0]) and result[0] < 5",
        ),
        ("isNaN(result[0]) || result[0] < 5", {"NaN": False}, "!isNaN(result[0]) && result[0] < 5"),
        ("isNaN(result[0]) || result[0] < 5", {"NaN": None}, "result[0] < 5"),
        (
            "len(result) == 0 || isNaN(result[0]) || result[0] <= 0.05",
            {"empty": False, "NaN": False},
            "len(result) > 0 && !isNaN(result[0]) && result[0] <= 0.05",
        ),
        (
            "len(result) == 0 || isNaN(result[0]) || result[0] <= 0.05",
            {"empty": False},
            "len(result) > 0 && (isNaN(result[0]) || result[0] <= 0.05)",
        ),
        (
            "len(result) > 0 && (isNaN(result[0]) || result[0] < 5)",
            {"empty": True},
            "len(result) == 0 || isNaN(result[0]) || result[0] < 5",
        ),
        ("len(result) == 0 ||\n  result[0] < 5", {"empty": False}, "len(result) > 0 &&\n  result[0] < 5"),
        ("result[0] > 1 ? true : false", {"empty": False}, "len(result) > 0 && (result[0] > 1 ? true : false)"),
        ("all(result, # < 1)", {"empty": False}, "len(result) > 0 && all(result, # < 1)"),
        ("all(result, # < 1)", {"NaN": False}, None),
        ("result < 5", {"nil": False}, "result != nil && result < 5"),
        ("isNil(result) || result < 5", {"nil": None}, "result < 5"),
        ("result < 5 || isNil(result)", {}, "isNil(result) || result < 5"),
        ("len(result) < 1 || result[0] < 5", {"NaN": False}, "len(result) < 1 || !isNaN(result[0]) && result[0] < 5"),
        ("result[1] < 5", {"NaN": False}, "!isNaN(result[1]) && result[1] < 5"),
        ("result[0] < 5 && result[1] < 5", {"NaN": False}, None),
        ("let x = result[0]; x > 1", {"empty": False}, None),
        ("{{args.condition}}", {"empty": False}, None),
        ("result[0] < {{args.limit}}", {"empty": False}, "len(result) > 0 && result[0] < {{args.limit}}"),
        ("len(result) == 0 || /* why */ result[0] < 5", {"empty": False}, "len(result) > 0 && /* why */ result[0] < 5"),
        ("len(result) == 0 /* why */ || result[0] < 5", {"empty": False}, None),
        ("result[0] < 5 // why", {"empty": False}, "len(result) > 0 && result[0] < 5 // why"),
        (" result[0] < 5\n", {"empty": False}, " len(result) > 0 && result[0] < 5\n"),
        ("len(result) == 0", {"empty": False}, "len(result) > 0 && len(result) == 0"),
    ],
)
def test_a_condition_gets_the_guards_that_are_wanted(
    text: str, wanted: Mapping[str, bool | None], after: str | None
) -> None:
    assert decided(text, **wanted) == after


@pytest.mark.parametrize(
    "text, after",
    [
        ("result > 5", "result[0] > 5"),
        ("0.5 > result and result != 3", "0.5 > result[0] and result[0] != 3"),
        ("default(result, 0) < 1", "result[0] < 1"),
        ("isNaN(result) || -result < 1", "isNaN(result[0]) || -result[0] < 1"),
        ("len(result) > 1 && result[0] > 2", "len(result) > 1 && result[0] > 2"),
        ("result in [1]", "result in [1]"),
        ("result == []", "result == []"),
        ("all(result, # > 1)", "all(result, # > 1)"),
    ],
)
def test_a_list_is_not_compared_but_its_first_element(text: str, after: str) -> None:
    assert changed(text, index_results(parse(text))) == after


def test_the_number_that_is_tested_may_be_given():
    text = "result >= 1"
    assert (
        changed(text, decide_cases(parse(text), text, {"NaN": False}, "result[0]"))
        == "!isNaN(result[0]) && result >= 1"
    )


def test_a_number_has_no_elements():
    text = "result[0] > 1 && result[0] < 5"
    assert changed(text, unindex_results(parse(text))) == "result > 1 && result < 5"


def test_a_default_gets_another_value():
    text = "default(result, 0) < 5"
    assert changed(text, default_results(parse(text), "100")) == "default(result, 100) < 5"
    assert changed("result < 5", default_results(parse("result < 5"), "100")) == "default(result, 100) < 5"


def test_who_asks_for_nil_is_known():
    assert [
        asks_for_nil(parse(t)) for t in ("isNil(result)", "result != nil", "default(result, 1) < 2", "result < 2")
    ] == [
        True,
        True,
        True,
        False,
    ]


# ---- whatever the condition ----------------------------------------------------------------------------------

CORES = st.sampled_from(
    [
        "result[0] < 5",
        "result[0] < 5 || result[0] > 7",
        "(result[0] < 5 || result[0] > 7)",
        "result[0] > 1 && result[0] < 5",
        "!(result[0] > 5)",
        "result[0] > 5 ? false : true",
    ]
)
TRUTHS = st.sampled_from([True, False, None])


@given(CORES, st.permutations(["empty", "NaN"]), TRUTHS, TRUTHS, TRUTHS, TRUTHS, st.sampled_from([" ", "\n  "]))
@settings(max_examples=300, deadline=None)
def test_the_condition_is_then_what_is_wanted_in_each_case_and_else_as_before(
    core: str,
    order: list[str],
    empty: bool | None,
    nan: bool | None,
    empty_wanted: bool | None,
    nan_wanted: bool | None,
    space: str,
) -> None:
    text, loose = core, "||" in core or "?" in core
    tests = {"empty": ("len(result) == 0", "len(result) > 0"), "NaN": ("isNaN(result[0])", "!isNaN(result[0])")}
    for case in order:
        truth = {"empty": empty, "NaN": nan}[case]
        if truth is not None:
            op = "||" if truth else "&&"
            text = f"{tests[case][not truth]} {op}{space}" + (f"({text})" if loose or not truth else text)
            loose = truth
    after = decided(text, empty=empty_wanted, NaN=nan_wanted)
    assert after is not None
    plain, program = compile_condition(core, "float[]"), compile_condition(after, "float[]")
    for value in (0.0, 5.0, 6.0, 8.0):
        assert program.run([value]) == plain.run([value])
    if empty_wanted is not None:
        assert program.run([]) is empty_wanted
    if nan_wanted is not None:
        assert program.run([NAN]) is nan_wanted
    assert decisions(parse(after), after) == {
        case: truth for case, truth in (("empty", empty_wanted), ("NaN", nan_wanted)) if truth is not None
    }
