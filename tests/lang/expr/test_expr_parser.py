"""The syntax of conditions: where an error is, what it says, and what is proposed instead."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from rolloutlint.lang.expr import (
    LIBRARIES,
    CompileError,
    ExprError,
    Library,
    children,
    compile_condition,
    library_of,
    parse,
    rollouts_of,
    walk,
)
from rolloutlint.lang.expr.tree import Binary, Call, Hole, Member, String, Unary
from rolloutlint.settings import Version


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("result[0] = 0.95", "=", "write `==` to compare"),
        ("result[0] => 0.95", "=>", "write `>=`"),
        ("result[0] =< 0.95", "=<", "write `<=`"),
        ("result[0] <> 1", "<>", "write `!=`"),
        ("result[0] === 1", "===", "write `==`"),
        ("result[0] > 1 AND result[0] < 2", "AND", "write `and` in lower case"),
        ("NOT result[0] > 1", "NOT", "write `not` in lower case"),
        ("result[0] >= 95%", "95%", "`%` is no unit: write 0.95, or 95 for a query of percents"),
        ("result[0] >= 95% && true", "95%", "`%` is no unit: write 0.95, or 95 for a query of percents"),
        ("result[0] > 1 & true", "&", "write `&&` or `and`"),
        ("result[0] > 1 | result[0] < 2", "|", "write `||` or `or`"),
        ("result[0] < 5m", "5m", "write the plain number: 5m is 300 seconds"),
        ("result[0] 0.95", "0.95", "an operator is missing before it"),
        ("result[0] == “a”", "“", 'write straight quotes `"`'),
        ("result[0] ≥ 1", "≥", "write `>=`"),
        ("result.0 > 1", ".0", "write `[0]` to take an element"),
        ("result[0] >= 0,95", "0,95", "write `0.95`"),
        ("all(result, {{{args.x}} > #})", "{{{args.x}}", "write `{ {{`"),
        ("result[0] > {{args.x", "{{args.x", "close it with `}}`"),
        ("(result[0] > 1", "(", "this `(` is not closed: add `)`"),
        ("result[0 > 1", "[", "this `[` is not closed: add `]`"),
        ("result[0] > 1)", ")", "nothing was opened that this `)` could close: remove it"),
        ("(result[0] > 1]", "]", "the `(` at character 1 is not closed: add `)`"),
        ("result[0] > 1 # ok", "# ok", "a comment begins with `//`"),
        ("result[0] >", ">", "write what follows `>`"),
        ("result[0] && && true", "&&", "write what stands between `&&` and `&&`"),
        ("result[0] not > 1", "not >", "write `not (a < b)`: `not` stands before a whole comparison"),
        ('result == "a', '"a', 'close it with `"`'),
        ("", "", "write a condition, or leave the field out"),
    ],
)
def test_a_known_slip_is_named_where_it_stands_with_its_correction(text: str, place: str, hint: str) -> None:
    with pytest.raises(ExprError) as caught:
        parse(text)
    error = caught.value
    assert (text[error.start : error.end], error.hint) == (place, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("result[0] = 0.95", 'unexpected token Operator("=")'),
        ("result[0] >= 0.95 and", "unexpected token EOF"),
        ("result[0] ?? 1 >= 0.95", "Operator (>=) and coalesce expressions (??) cannot be mixed. Wrap either by"),
        ("result[0] >= 5m", 'bad number syntax: "5m"'),
    ],
)
def test_an_error_has_the_words_of_expr(text: str, message: str) -> None:
    with pytest.raises(ExprError) as caught:
        parse(text)
    assert caught.value.message.startswith(message)


def test_every_node_covers_its_text() -> None:
    text = "len(result) == 0 || (result[0] + 1) * 2 >= 0.95"
    node = parse(text)
    found = [text[inner.span[0] : inner.span[1]] for inner in walk(node)]
    assert found[:4] == [text, "len(result) == 0", "len(result)", "result"]
    assert "(result[0] + 1) * 2" in found
    assert "0.95" in found


def test_a_chain_of_comparisons_is_a_conjunction_since_1_17() -> None:
    node = parse("0 < result[0] < 1")
    assert isinstance(node, Binary)
    assert node.op == "&&"
    older = parse("0 < result[0] < 1", Library(1, 15, 5))
    assert isinstance(older, Binary)
    assert older.op == "<"


def test_unary_minus_binds_weaker_than_power_since_1_12() -> None:
    assert isinstance(parse("-2 ** 2"), Unary)
    assert isinstance(parse("-2 ** 2", Library(1, 9, 0)), Binary)


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("all(result, # > 1)", Library(1, 9, 0)),
        ("result ?? 1", Library(1, 9, 0)),
        ("result[0] > 1 // why", Library(1, 9, 0)),
        ("let x = 1; x > 0", Library(1, 13, 0)),
        ("result?.[0] > 1", Library(1, 15, 5)),
        ("if true { true } else { false }", Library(1, 15, 5)),
        ("result[0] > 1;", Library(1, 15, 5)),
    ],
)
def test_newer_syntax_is_an_error_in_an_older_release(text: str, library: Library) -> None:
    parse(text)
    with pytest.raises(ExprError):
        parse(text, library)


def test_releases_before_1_17_lose_the_not_of_not_in_behind_an_operand() -> None:
    modern, older = parse("1 + 1 not in result"), parse("1 + 1 not in result", Library(1, 15, 5))
    assert isinstance(modern, Unary)
    assert isinstance(older, Binary)


@pytest.mark.parametrize("text", ["{{args.c}}", "result[0] {{args.op}} 1", "{{args.f}}(result[0])"])
def test_a_placeholder_that_may_be_more_than_an_operand_opens_the_whole_text(text: str) -> None:
    node = parse(text)
    assert isinstance(node, Hole)
    assert node.span == (0, len(text))


def test_a_placeholder_is_a_hole_with_what_touches_it() -> None:
    node = parse("result[0] > 0.{{args.x}} && true")
    assert isinstance(node, Binary)
    assert isinstance(node.left, Binary)
    assert node.left.right == Hole((12, 24), "0.{{args.x}}")


def test_a_placeholder_in_a_string_leaves_its_value_open() -> None:
    node = parse('result == "{{args.x}}"')
    assert isinstance(node, Binary)
    assert node.right == String((10, 22), "{{args.x}}", open=True)


def test_an_unfinished_percentage_of_a_placeholder_is_an_error() -> None:
    with pytest.raises(ExprError):
        parse("result[0] > {{args.x}}%")


def test_absurdly_deep_text_is_left_open() -> None:
    assert isinstance(parse("(" * 5000), Hole)
    assert isinstance(parse("!" * 5000 + "true"), Hole)


@given(st.text())
def test_any_text_parses_or_is_an_expr_error(text: str) -> None:
    for library in LIBRARIES:
        try:
            start, end = parse(text, library).span
        except ExprError as error:
            start, end = error.start, error.end
        assert 0 <= start <= end <= len(text)


WORDS = st.sampled_from(
    [
        "result",
        "[",
        "0",
        "]",
        "(",
        ")",
        "{",
        "}",
        "#",
        ".",
        ",",
        ">",
        "<",
        ">=",
        "==",
        "=",
        "&&",
        "||",
        "and",
        "or",
        "not",
        "in",
        "0.95",
        "1",
        '"a"',
        "'b'",
        "len",
        "all",
        "any",
        "??",
        "?.",
        "?",
        ":",
        "|",
        "let",
        "x",
        ";",
        "-",
        "{{args.x}}",
        "{{",
        "}}",
        "5m",
        "95%",
        "//",
        "nil",
        "true",
        "isNaN",
        "default",
        "..",
        "+",
        "*",
        "/",
        "%",
        "**",
        "matches",
        "$env",
        "1_0",
        "0x",
    ]
)


@given(st.lists(WORDS, max_size=12), st.sampled_from(LIBRARIES), st.sampled_from(["", " "]))
def test_any_row_of_words_compiles_and_runs_or_says_why_not(words: list[str], library: Library, glue: str) -> None:
    try:
        program = compile_condition(glue.join(words), "float[]", library)
    except (ExprError, CompileError):
        event("is refused")
        return
    for value in ([], [0.5], [float("nan"), 1.0]):
        program.run(value)


def numbers() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["0.95", "1", "result[0]", "result[1]", "len(result)", "sum(result)", "first(result)"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "**", "%"]), inner),
            st.builds("{}({})".format, st.sampled_from(["abs", "int", "asFloat", "max", "-", "round"]), inner),
            st.builds("(isNaN({}) ? {} : {})".format, inner, inner, inner),
        ),
        max_leaves=6,
    )


@given(numbers(), st.sampled_from(["<", ">", "<=", ">=", "==", "!="]), numbers())
def test_a_comparison_of_random_numbers_evaluates(left: str, op: str, right: str) -> None:
    node = parse(f"{left} {op} {right}")
    assert isinstance(node, Binary)
    try:
        program = compile_condition(node, "float[]")
    except CompileError:
        event("does not compile")
        return
    for value in ([], [0.0], [1e308, -1e308], [float("inf")], [float("nan")]):
        program.run(value)


def test_children_come_in_the_order_of_evaluation() -> None:
    node = parse("filter(result, # > 1)[0]")
    assert isinstance(node, Member)
    assert isinstance(children(node)[0], Call)


@pytest.mark.parametrize(
    ("rollouts", "library"),
    [((1, 4), "1.9.0"), ((1, 5), "1.12.5"), ((1, 6), "1.15.3"), ((1, 9), "1.15.5"), ((1, 10), "1.17.7")],
)
def test_each_release_of_argo_has_its_release_of_expr(rollouts: tuple[int, int], library: str) -> None:
    assert str(library_of(Version(*rollouts))) == library


def test_releases_are_named_as_a_user_knows_them() -> None:
    assert [rollouts_of(library) for library in LIBRARIES] == ["1.2", "1.5", "1.6", "1.6", "1.7", "1.10", "1.11"]
