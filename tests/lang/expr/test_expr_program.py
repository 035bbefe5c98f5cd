"""Evaluation of conditions, what placeholders leave open, and what rules may ask."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang import expr
from rolloutlint.lang.expr import UNKNOWN, CompileError, Fault, Library, Shape, decide, program_of, regions


@pytest.mark.parametrize(
    ("text", "value", "answer"),
    [
        ("len(result) == 0 || result[0] < {{args.t}}", [], True),
        ("len(result) == 0 || result[0] < {{args.t}}", [0.5], UNKNOWN),
        ("len(result) > 0 && result[0] < {{args.t}}", [], False),
        ("{{args.t}} > 1 || true", [], True),
        ("{{args.t}} > result[0] || len(result) > 0", [1.0], True),
        ("{{args.t}} > 1 && len(result) > 0", [], False),
        ("all(result, # < {{args.t}})", [], True),
        ("all(result, # < {{args.t}} && # < 5)", [1.0, 9.0], False),
        ("any(result, # < {{args.t}} || # > 5)", [1.0, 9.0], True),
        ("any(result, # < {{args.t}})", [1.0], UNKNOWN),
        ("{{args.t}} > 1 ? true : true", [], True),
        ('"{{args.t}}" == "a"', [], UNKNOWN),
        ("now() > now()", [], UNKNOWN),
    ],
)
def test_a_placeholder_leaves_open_only_what_it_decides(text: str, value: list[float], answer: object) -> None:
    assert program_of(text, "float[]").run(value) == answer


def test_a_fault_beside_a_placeholder_is_a_fault_all_the_same() -> None:
    for text in ("result[0] < {{args.t}}", "{{args.t}} < result[0]"):
        found = program_of(text, "float[]").run([])
        assert isinstance(found, Fault)
        assert text[found.span[0] : found.span[1]] == "result[0]"


@pytest.mark.parametrize(
    ("text", "shape", "message", "place", "hint"),
    [
        (
            "result >= 0.95",
            "float[]",
            "invalid operation: >= (mismatched types []float64 and float64)",
            "result >= 0.95",
            "the result is a list: write `result[0]`",
        ),
        (
            "results[0] > 1",
            "float[]",
            "unknown name results",
            "results",
            "write `result`: the measured value has no other name",
        ),
        (
            'result[0] >= "0.95"',
            "float[]",
            "invalid operation: >= (mismatched types float64 and string)",
            'result[0] >= "0.95"',
            "write the number without quotes",
        ),
        (
            "isNaN(result)",
            "float[]",
            "cannot use []float64 as argument (type float64) to call isNaN",
            "result",
            "the result is a list: write `isNaN(result[0])`",
        ),
        (
            "result[0] > 1",
            "float",
            "type float64[int] is undefined",
            "result[0]",
            "the result is one number: leave the index out",
        ),
        (
            "!result[0] > 1",
            "float[]",
            "invalid operation: ! (mismatched type float64)",
            "!result[0]",
            "write `! (...)`: `!` binds tighter than a comparison",
        ),
        ("result[0].value > 1", "MetricDataResult[]", "type types.MetricDataResult has no field value", "value", ""),
        (
            "result[0].values[0] > 1",
            "MetricDataResult[]",
            "type types.MetricDataResult has no field values",
            "values",
            "write `Values`",
        ),
    ],
)
def test_a_type_error_has_the_words_of_expr_and_its_place(
    text: str, shape: Shape, message: str, place: str, hint: str
) -> None:
    with pytest.raises(CompileError) as caught:
        expr.compile(text, shape)
    error = caught.value
    assert (error.message, text[error.start : error.end], error.hint) == (message, place, hint)


def test_an_older_release_names_the_release_that_knows_the_function() -> None:
    with pytest.raises(CompileError) as caught:
        expr.compile("ceil(result[0]) > 1", "float[]", Library(1, 12, 5))
    assert caught.value.hint == "`ceil` needs Argo Rollouts 1.7 or later"


def test_an_element_of_nil_takes_the_controller_down_in_rollouts_1_5() -> None:
    found = program_of("result[0] > 1", "nil", Library(1, 12, 5)).run(None)
    assert isinstance(found, Fault)
    assert found.kind == "panic"


def test_integers_are_divided_as_integers_in_rollouts_before_1_5() -> None:
    assert program_of("result[0] < 5/100", "float[]", Library(1, 9, 0)).run([0.01]) is False
    assert program_of("result[0] < 5/100", "float[]").run([0.01]) is True


def test_is_nil_and_default_look_at_the_whole_result() -> None:
    assert program_of("isNil(result.error)", "map").run({"error": None}) is False
    assert program_of("default(result.error, 0) == nil", "map").run({"error": None}) is False


def test_a_side_that_cannot_matter_is_not_evaluated() -> None:
    assert program_of("result[0] > 1 || true", "float[]").run([]) is True


@pytest.mark.parametrize(
    ("success", "failure", "value", "phase"),
    [
        (None, None, [], "Successful"),
        ("result[0] > 1", None, [2.0], "Successful"),
        ("result[0] > 1", None, [1.0], "Failed"),
        (None, "result[0] > 1", [1.0], "Successful"),
        ("true", "true", [], "Failed"),
        ("false", "false", [], "Inconclusive"),
        ("true", "result[0] > 1", [], "Error"),
        (" ", None, [1.0], "Error"),
        ("result[0] > {{args.t}}", "result[0] < 1", [0.0], "Failed"),
        ("result[0] > {{args.t}}", "result[0] < 1", [2.0], None),
        ("result[0] > {{args.t}}", None, [2.0], None),
    ],
)
def test_the_phase_of_a_measurement(
    success: str | None, failure: str | None, value: list[float], phase: str | None
) -> None:
    programs = [program_of(text, "float[]") if text is not None else None for text in (success, failure)]
    assert decide(programs[0], programs[1], value) == phase


@pytest.mark.parametrize(
    ("success", "failure", "expected"),
    [
        (
            "result[0] >= 0.95",
            "result[0] < 0.9",
            ["[0, 0.9) Failed", "[0.9, 0.95) Inconclusive", "[0.95, 1] Successful"],
        ),
        ("result[0] >= 0.9", "result[0] < 0.95", ["[0, 0.95) Failed", "[0.95, 1] Successful"]),
        ("result[0] * 100 > 99.9", "", ["[0, 0.999] Failed", "(0.999, 1] Successful"]),
        ("result[0] >= 95", "", ["[0, 1] Failed"]),
        ("abs(result[0] - 0.5) <= 0.25", "", ["[0, 0.25) Failed", "[0.25, 0.75] Successful", "(0.75, 1] Failed"]),
        ("result[0] in [0.5]", "", ["[0, 0.5) Failed", "0.5 Successful", "(0.5, 1] Failed"]),
        ("round(result[0] * 4) == 2", "", ["[0, 0.375) Failed", "[0.375, 0.625) Successful", "[0.625, 1] Failed"]),
        ("let x = 1 - result[0]; x < 0.25", "", ["[0, 0.75] Failed", "(0.75, 1] Successful"]),
        ("1 / result[0] > 4", "", ["[0, 0.25) Successful", "[0.25, 1] Failed"]),
        ("result[0] ** 2 >= 0.25", "", ["[0, 0.5) Failed", "[0.5, 1] Successful"]),
        (
            "all(result, # > 0.5) and none(result, # > 0.75)",
            "",
            ["[0, 0.5] Failed", "(0.5, 0.75] Successful", "(0.75, 1] Failed"],
        ),
        ("result[0] > {{args.t}}", "result[0] < 0.5", ["[0, 0.5) Failed", "[0.5, 1] None"]),
    ],
)
def test_regions_join_the_numbers_of_equal_phase(success: str, failure: str, expected: list[str]) -> None:
    programs = [program_of(text, "float[]") if text else None for text in (success, failure)]
    found = regions(programs[0], programs[1], low=0.0, high=1.0)
    assert [f"{region} {region.outcome}" for region in found] == expected


CONSTANTS = st.sampled_from(["0", "0.25", "0.5", "-1", "2", "3"])
LINEAR = st.recursive(
    st.one_of(CONSTANTS, st.sampled_from(["result[0]", "first(result)", "sum(result)"])),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-"]), inner),
        st.builds("({} * {})".format, CONSTANTS, inner),
        st.builds("({} / 4)".format, inner),
        st.builds("abs({})".format, inner),
        st.builds("max({}, {})".format, inner, inner),
    ),
    max_leaves=4,
)
COMPARISONS = st.builds("{} {} {}".format, LINEAR, st.sampled_from(["<", "<=", ">", ">=", "=="]), LINEAR)


@given(COMPARISONS, COMPARISONS, st.floats(-4, 4))
def test_a_number_has_the_phase_of_its_region(success: str, failure: str, number: float) -> None:
    good, bad = program_of(success, "float[]"), program_of(failure, "float[]")
    points = expr.breakpoints(expr.parse(success), expr.parse(failure))
    if any(abs(number - point) < 1e-9 and number != point for point in points):
        return  # where rounding decides
    for region in regions(good, bad, low=-4.0, high=4.0):
        inside = region.low < number < region.high
        if inside or (number == region.low and region.low_closed) or (number == region.high and region.high_closed):
            assert decide(good, bad, [number]) == region.outcome


def test_without_bounds_the_regions_reach_to_infinity() -> None:
    found = regions(program_of("result > 1", "float"), None)
    assert [str(region) for region in found] == ["(-∞, 1]", "(1, ∞)"]
    assert found[-1].high == math.inf


def test_pairs_are_tried_only_where_more_than_the_first_element_counts() -> None:
    assert expr.pairs(program_of("result[0] > 1", "float[]")) == ()
    assert (0.0, 2.0) in expr.pairs(program_of("all(result, # > 1)", "float[]"))


def test_accesses_are_named_with_their_index() -> None:
    text = "result[0] > 1 && first(result) > 1 && get(result, 2) > 1 && result[-1] > 1 && len(result[1:]) > 0"
    found = [(access.how, access.index) for access in expr.uses_index(expr.parse(text))]
    assert found == [("index", 0), ("first", 0), ("get", 2), ("index", -1), ("slice", None)]


def test_a_guard_behind_the_access_comes_too_late() -> None:
    (guard,) = expr.late_guards(expr.parse("result[0] > 1 || len(result) == 0"))
    assert (guard.access, guard.guard) == ((0, 9), (17, 28))
    assert expr.late_guards(expr.parse("len(result) == 0 || result[0] > 1")) == ()


def test_the_author_decided_about_no_data_who_asks_for_the_length() -> None:
    assert expr.author_decided_empty(expr.parse("len(result) > 0 && result[0] > 1"))
    assert not expr.author_decided_empty(expr.parse("result[len(result)-1] > 1"))


def test_comparisons_read_as_if_the_value_stood_on_the_left() -> None:
    (found,) = expr.comparisons(expr.parse("-0.5 < result[0]"))
    assert (found.op, found.constant, found.metric_first, found.element) == (">", -0.5, False, 0)
    assert expr.comparisons(expr.parse("len(result) > 0")) == ()


def test_constants_are_not_indices() -> None:
    found = expr.constants(expr.parse("result[3] * 100 >= -99.5"))
    assert [constant.value for constant in found] == [100, -99.5]


def test_arguments_that_are_ignored_are_found() -> None:
    found = expr.ignored_arguments(expr.parse("isNil(result) || isNil(result.x) || default(result[0], 1) > 0"))
    assert [ignored.name for ignored in found] == ["isNil", "default"]


def test_checks_for_nan_are_found() -> None:
    text = "isNaN(result[0]) || result[0] != result[0] || result[0] != result[1]"
    assert [text[start:end] for start, end in expr.nan_checks(expr.parse(text))] == [
        "isNaN(result[0])",
        "result[0] != result[0]",
    ]


def test_unknown_names_are_found_but_not_variables() -> None:
    found = expr.unknown_names(expr.parse("let x = Result[0]; x > 1 && isnan(x)"))
    assert [(name.name, name.hint) for name in found] == [
        ("Result", "write `result`: the measured value has no other name"),
        ("isnan", "write `isNaN`"),
    ]
