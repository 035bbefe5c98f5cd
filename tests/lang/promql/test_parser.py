from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import MAX_DEPTH, Version, parse
from rolloutlint.lang.promql.tree import (
    Aggregation,
    Binary,
    Call,
    Hole,
    Matcher,
    Node,
    Number,
    Paren,
    Range,
    Selector,
    String,
    Subquery,
    Unary,
    bare,
    children,
    selectors,
)

_ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data/promql/queries.jsonl").read_text(encoding="utf-8").splitlines()
]


def _nodes(node: Node) -> list[Node]:
    return [node, *(below for child in children(node) for below in _nodes(child))]


def _refusal(text: str, version: Version | None = None) -> PromQLError:
    with pytest.raises(PromQLError) as caught:
        parse(text, version)
    return caught.value


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["query"])
def test_a_query_is_read_as_a_real_prometheus_read_it(row: dict[str, object]) -> None:
    query = str(row["query"])
    if "error" in row:
        error = _refusal(query)
        assert (error.message, error.start) == (row["error"], row["at"])
    else:
        found = parse(query).type
        assert found == row.get("type", found)


def test_prometheus_3_no_longer_has_the_renamed_function() -> None:
    renamed = [row for row in _ROWS if "error_3" in row]
    assert renamed
    for row in renamed:
        assert _refusal(row["query"], 3).message == row["error_3"]
        parse(row["query"], 2)


def test_the_tree_of_an_error_ratio() -> None:
    text = 'sum by (pod) (rate(requests_total{code=~"5.."}[5m])) / on (pod) group_left (node) total'
    node = parse(text)
    assert isinstance(node, Binary)
    assert (node.op, node.op_span, node.type) == ("/", (53, 54), "vector")
    assert node.matching is not None
    assert node.matching == (True, ("pod",), "left", ("node",))
    left = node.left
    assert isinstance(left, Aggregation)
    assert left.grouping == (True, ("pod",), (4, 12))
    call = left.expr
    assert isinstance(call, Call)
    window = call.args[0]
    assert isinstance(window, Range)
    assert (window.window, text[slice(*window.window_span)], window.selector.name) == (300.0, "5m", "requests_total")
    assert window.selector.matchers == (Matcher("code", "=~", "5..", (34, 45)),)
    assert [text[slice(*found.span)] for found in selectors(node)] == ['requests_total{code=~"5.."}', "total"]


def _shape(node: Node) -> object:
    """The tree as nested tuples, to compare how operators bind."""
    if isinstance(node, Binary):
        return (_shape(node.left), node.op, _shape(node.right))
    if isinstance(node, Unary):
        return (node.op, _shape(node.expr))
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Paren):
        return [_shape(node.expr)]
    return node.name if isinstance(node, Selector) else type(node).__name__


@pytest.mark.parametrize(
    "text, shape",
    [
        ("a / b or c", (("a", "/", "b"), "or", "c")),
        ("a or b / c", ("a", "or", ("b", "/", "c"))),
        ("a - b - c", (("a", "-", "b"), "-", "c")),
        ("a ^ b ^ c", ("a", "^", ("b", "^", "c"))),
        ("-a ^ b", ("-", ("a", "^", "b"))),
        ("-a * b", (("-", "a"), "*", "b")),
        ("-1 ^ 2", ("-", (1.0, "^", 2.0))),
        ("- 1", -1.0),
        ("a AND b > 0 Or c", (("a", "and", ("b", ">", 0.0)), "or", "c")),
        ("(a + b) % c atan2 d", (([("a", "+", "b")], "%", "c"), "atan2", "d")),
        ("a unless b and c", (("a", "unless", "b"), "and", "c")),
        ("1 + 2 > bool 3", ((1.0, "+", 2.0), ">", 3.0)),
        ("and and and", ("and", "and", "and")),
    ],
)
def test_operators_bind_as_in_prometheus(text: str, shape: object) -> None:
    assert _shape(parse(text)) == shape


@pytest.mark.parametrize(
    "text, value",
    [
        ("1_000.5", 1000.5),
        ("0x1F", 31.0),
        ("017", 15.0),
        ("08", 8.0),
        (".5e-1", 0.05),
        ("1.e2", 100.0),
        ("+Inf", float("inf")),
        ("1h30m", 5400.0),
        ("1500ms", 1.5),
        ("99999999999999999999", 1e20),
    ],
)
def test_numbers_and_durations_have_the_value_go_reads(text: str, value: float) -> None:
    node = parse(text)
    assert isinstance(node, Number)
    assert node.value == value


@pytest.mark.parametrize(
    "text, value",
    [
        ('"a\\n\\x41\\u00e9\\101"', "a\nAéA"),
        ("'it\\'s'", "it's"),
        ("`a\\d\n`", "a\\d\n"),
        ('"{{args.a}}\\\\"', "{{args.a}}\\"),
    ],
)
def test_strings_are_unquoted(text: str, value: str) -> None:
    node = parse(text)
    assert isinstance(node, String)
    assert node.value == value


def test_modifiers_belong_to_the_selector_and_reach_into_the_span() -> None:
    node = parse("x[5m] offset -1h @ end()")
    assert isinstance(node, Range)
    assert (node.span, node.selector.span, node.selector.offset, node.selector.at) == (
        (0, 24),
        (0, 1),
        -3600.0,
        "end()",
    )


def test_a_subquery_may_leave_its_step_to_the_server() -> None:
    node = parse("max_over_time(rate(x[5m])[1h:] offset 1d)")
    assert isinstance(node, Call)
    inner = node.args[0]
    assert isinstance(inner, Subquery)
    assert (inner.window, inner.step, inner.offset, inner.span) == (3600.0, None, 86400.0, (14, 40))


def test_names_may_stand_in_quotation_marks() -> None:
    node = parse('{"http.requests", "the code"=~"2.."}')
    assert isinstance(node, Selector)
    assert (node.name, node.matchers[0].label) == ("http.requests", "the code")


def test_comments_are_space() -> None:
    text = "sum( # all of them\n  x # (\n)"
    assert parse(text).span == (0, len(text))


@pytest.mark.parametrize(
    "text, version",
    [
        ("rate(x[300])", 2),
        ("x offset 5", 2),
        ("5m", 2),
        ("1_000", 2),
        ('{"x.y"}', 2),
        ('sum by ("a") (x)', 2),
        ("a </ b", 2),
        ("a + fill(0) b", 2),
        ("first_over_time(x[5m])", 2),
        ("holt_winters(x[5m], 0.5, 0.5)", 3),
    ],
)
def test_what_only_one_major_version_takes_is_refused_for_the_other_alone(text: str, version: Version) -> None:
    _refusal(text, version)
    parse(text, 5 - version)  # type: ignore[arg-type]
    parse(text)


@pytest.mark.parametrize(
    "text",
    ["x anchored", "rate(x[5m] smoothed)", "x[5m + 1m]", "x[step()]", "x offset -max_of(5m, step())", "limitk(3, x)",
     'info(x, {data=~".*"})', "min_of(1, 2)", "a + fill_left(-1) fill_right(NaN) b"],
)  # fmt: skip
def test_experimental_syntax_is_not_refused(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "text, kind",
    [
        ("{{args.query}}", Hole),
        ("{{ args.query }}", Hole),
        ("{{args.metric}}[5m]", Range),
        ("{{args.metric}}{code='5'}", Selector),
        ("{{args.metric}} offset 5m", Selector),
        ("http_{{args.a}}_total", Selector),
        ("{{args.a}}_total", Selector),
        ("foo{{args.selector}}", Selector),
        ('foo{a="{{args.x}}"}', Selector),
        ("foo{a='{{args.x}}-canary'}", Selector),
        ("foo{a=~`{{args.x}}.*`}", Selector),
        ('foo{a="x", {{args.more}}}', Selector),
        ('foo{a="x" {{args.more}}}', Selector),
        ("foo{ {{args.all}} }", Selector),
        ('foo{ {{args.label}}="x" }', Selector),
        ("foo{a={{args.quoted}}}", Selector),
        ("foo[{{args.window}}]", Range),
        ("foo[{{args.n}}m]", Range),
        ("foo[{{args.window}}:{{args.step}}]", Subquery),
        ("(a + b)[5m:{{args.step}}]", Subquery),
        ("foo offset {{args.o}}", Selector),
        ("foo @ {{args.t}}", Selector),
        ("foo > {{args.limit}}", Binary),
        ("foo > 0.{{args.digits}}", Binary),
        ("{{args.a}} / {{args.b}}", Binary),
        ("sum by ({{args.labels}}) (foo)", Aggregation),
        ("sum by (a, {{args.label}}_name) (foo)", Aggregation),
        ("topk({{args.k}}, foo)", Aggregation),
        ("histogram_quantile(0.{{args.q}}, foo)", Call),
        ("{{args.f}}(foo[5m])", Call),
        ("{{args.agg}} by (pod) (foo)", Call),
        ("a / on ({{args.on}}) b", Binary),
        ("foo {{args.guard}}", Hole),
        ("foo {{args.op}} 5", Hole),
        ("({{args.query}})", Paren),
        ("-{{args.x}}", Unary),
    ],
)
def test_the_position_decides_what_a_placeholder_stands_for(text: str, kind: type) -> None:
    node = parse(text)
    assert type(node) is kind
    assert node.span == (0, len(text))


def test_nothing_is_assumed_about_the_type_of_a_placeholder() -> None:
    assert parse("{{args.q}}").type is None
    assert parse("{{args.q}} or vector(0)").type == "vector"
    assert parse("{{args.q}} > {{args.limit}}").type is None
    assert isinstance(bare(parse("rate({{args.metric}})").args[0]), Hole)  # type: ignore[union-attr]


def test_a_window_with_a_placeholder_keeps_its_text() -> None:
    node = parse("x[{{args.n}}m]")
    assert isinstance(node, Range)
    assert (node.window, node.window_span) == ("{{args.n}}m", (2, 13))


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000 + "x" + ")" * 10_000, "-" * 10_000 + "x", "+".join(["x"] * 10_000), "^".join(["x"] * 10_000),
     "sum(" * 10_000, "x[" + "(" * 10_000, "x" + "[5m:1m]" * 10_000],
)  # fmt: skip
def test_deep_nesting_ends_in_an_error_of_its_own(text: str) -> None:
    assert _refusal(text).kind in ("depth", "type")


def test_a_tree_is_never_deeper_than_the_limit() -> None:
    parse("+".join(["x"] * MAX_DEPTH))
    assert _refusal("+".join(["x"] * (MAX_DEPTH + 2))).kind == "depth"


_pieces = st.sampled_from(
    ["sum", "rate", "(", ")", "{", "}", "[5m]", "[", "]", ",", "x", 'a="b"', '"', "'", "`", "=", "=~", "!", "5",
     "5m", "0.",
     " ", "\n", "#", "{{args.a}}", "{{", "}}", "{{{a}}}", "by (a)", "or", "and", "offset", "@", "bool", "on(a)",
     "group_left",
     "topk(2,", "-", "^", ":", "\\", "é", "“", "$", "inf", "vector(0)", "fill(1)", "step()", "[5m:1m]", "\x00"]
)  # fmt: skip


_texts = st.one_of(
    st.text(max_size=60), st.lists(_pieces, max_size=25).map("".join), st.lists(_pieces, max_size=25).map(" ".join)
)


@given(_texts, st.sampled_from([None, 2, 3]))
def test_any_text_gives_a_tree_or_an_error_inside_the_text(text: str, version: Version | None) -> None:
    answer: Node | PromQLError
    try:
        answer = parse(text, version)
    except PromQLError as error:
        answer = error
    if isinstance(answer, PromQLError):
        assert 0 <= answer.start <= answer.end <= len(text)
        assert answer.message
    else:
        for node in _nodes(answer):
            start, end = node.span
            assert 0 <= start < end <= len(text)
            assert all(start <= child.span[0] and child.span[1] <= end for child in children(node))


@pytest.mark.parametrize("row", [row for row in _ROWS if "error" not in row][::4], ids=lambda row: row["query"])
def test_the_text_of_every_node_reads_as_the_same_kind(row: dict[str, str]) -> None:
    query = row["query"]
    for node in _nodes(parse(query)):
        again = parse(query[slice(*node.span)])
        assert (type(again), again.type) == (type(node), node.type)
