from __future__ import annotations

import pytest

from rolloutlint.lang.promql.functions import FUNCTIONS
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.slips import speaks_metricsql


def _refusal(text: str) -> PromQLError:
    with pytest.raises(PromQLError) as caught:
        parse(text)
    return caught.value


# text, the part that is marked (None: the end of the text), part of the message, part of the hint
_SLIPS = [
    ("up = 1", "=", 'unexpected "="', "`==`"),
    ("up => 1", "=", 'unexpected "="', "`>=`"),
    ("up =! 1", "=", 'unexpected "="', "`!=`"),
    ("up === 1", None, 'unexpected "="', "third"),
    ("a && b", "&", "unexpected character: '&'", "`and`"),
    ("a || b", "|", "unexpected character: '|'", "`or`"),
    ("a & b", "&", "unexpected character: '&'", "`and`"),
    ("!a", "!", "unexpected character after '!'", "`unless`"),
    ("not a", "a", 'unexpected identifier "a"', "`unless`"),
    ("ok / all > 95%", "", "unexpected end of input", "percent sign"),
    ("ok / all > 95% or vector(1)", "vector", "unexpected identifier", "percent sign"),
    ('x{a="1" code="2"}', "code", 'unexpected identifier "code" in label matching', "comma is missing before `code`"),
    ('x{code~"5.*"}', "~", "unexpected character inside braces: '~'", "`=~`"),
    ('x{code!=~"5.*"}', "~", "unexpected character inside braces: '~'", "`!~`"),
    ('x{code=="200"}', None, 'unexpected "=" in label matching, expected string', "single `=`"),
    ("x{code=200}", "2", "unexpected character inside braces: '2'", '"200"'),
    ("x{code=ok}", "ok", 'unexpected identifier "ok" in label matching, expected string', '"ok"'),
    ('x{code:"200"}', ":", "unexpected character inside braces: ':'", "`=`"),
    ('x{a="1" or a="2"}', "or", "unexpected identifier", "=~"),
    ("x{a}", "}", "expected label matching operator", "operator and a value"),
    ("x{{{args.selector}}}", "{{{args.selector}}", "unexpected", "`{ {{args.selector}} }`"),
    ('x{a="1"}}', None, "unexpected character: '}'", "nothing opens"),
    ("x > {{args.limit", "{{", "the placeholder is never closed", "`}}`"),
    ("rate(x[5m)", ")", "unexpected \")\" in subquery or range", "`[` opened at character 7"),
    ("sum(rate(x[5m])", "(", "unclosed left parenthesis", "opened at character 4"),
    ("rate(x[5m", "[", "unclosed left bracket", "`]`"),
    ('rate(x{a="1"[5m])', "[", "unexpected character inside braces", ""),
    ('x{a="1"', "{", "unexpected end of input inside braces", "`}`"),
    ('x{a="1}', '"1}', "unterminated quoted string", "closing \""),
    ("sum(x))", None, "unexpected right parenthesis", "nothing opens"),
    ("rate(x)", "x", "expected type range vector", "`x[5m]`"),
    ("rate(sum(x))", "sum(x)", "expected type range vector", "first"),
    ("rate(x)[5m]", "[5m]", "ranges only allowed for vector selectors", "inside the function"),
    ("sum(x[5m])", "x[5m]", "expected type instant vector", "rate("),
    ("rate(x[5min])", "5min", "bad number or duration syntax", "`5m`"),
    ("rate(x[5 m])", "m", "unexpected character in duration expression", "without a space"),
    ("rate(x[1.5h])", "1.5h", "bad number or duration", "no decimal point"),
    ("rate(x[m])", "m", "unexpected character in duration expression", "such as `5m`"),
    ("rate(x[$__interval])", "$", "unexpected character", "Grafana"),
    ("x{a=“b”}", "“", "unexpected character inside braces", "plain quotation mark"),
    ("x\u00a0> 1", "\u00a0", "unexpected character: '\\u00a0'", "plain one"),
    ('x{a=\\"b\\"}', "\\", "unexpected character inside braces", "backslash"),
    ('x{a=~"\\d"}', "\\d", "unknown escape sequence", "`\\\\d`"),
    ('x{a=~"(?!b).*"}', 'a=~"(?!b).*"', "error parsing regexp", "look-around"),
    ('x{a=~"*b"}', 'a=~"*b"', "error parsing regexp", "`.*`"),
    ("a / b or 0", "a / b or 0", 'set operator "or" not allowed', "`or vector(0)`"),
    ("1 == 1", "==", "comparisons between scalars must use BOOL modifier", "`== bool`"),
    ("sum(x) by pod", "pod", 'expected "("', "`(pod)`"),
    ("sum by (pod node) (x)", "node", 'expected "," or ")"', "comma is missing"),
    ("sum(x,)", ",", "trailing commas not allowed", "remove"),
    ("sum(x) or", "", "unexpected end of input", "missing after `or`"),
    ("http.requests", ".", "unexpected character: '.'", '`{"a.b"}`'),
    ("x offset 5m [1h]", "[1h]", "no offset modifiers allowed before range", "window first"),
    ("a > b ? 1 : 0", "?", "unexpected character: '?'", "conditional"),
    ("x;", ";", "unexpected character: ';'", "semicolon"),
    ("x <> 1", ">", "unexpected <op:>>", "`!=`"),
    ("5Mi", "5Mi", "bad number or duration syntax", "plain number"),
    ("avg(1)", "1", "expected type instant vector", "`vector(...)`"),
]  # fmt: skip


@pytest.mark.parametrize("text, part, message, hint", _SLIPS, ids=[row[0] for row in _SLIPS])
def test_a_slip_is_marked_where_it_is_and_mended(text: str, part: str | None, message: str, hint: str) -> None:
    error = _refusal(text)
    assert message in error.message
    if part is not None:
        assert (text[error.start : error.end], error.start) == (part, text.index(part) if part else len(text))
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


@pytest.mark.parametrize(
    "name, meant",
    [
        ("Rate", "`rate`"),
        ("histogram_quantil", "`histogram_quantile`"),
        ("average", "avg"),
        ("isNaN", ">= 0"),
        ("p95", "0.95"),
    ],
)
def test_an_unknown_function_is_answered_with_the_one_that_was_meant(name: str, meant: str) -> None:
    error = _refusal(f"{name}(x)")
    assert (error.message, error.kind) == (f'unknown function with name "{name}"', "function")
    assert meant in error.hint


def test_the_grammar_is_judged_before_the_types() -> None:
    assert _refusal("rate(up) )").message == "unexpected right parenthesis ')'"


@pytest.mark.parametrize(
    "text, part",
    [
        ("bool", "bool"),
        ("on(x)", "on"),
        ("a + bool b", "+ bool"),
        ("a and on(x) group_left b", "a and on(x) group_left b"),
        ("a + on(x) group_left(x) b", "+ on(x) group_left(x)"),
        ("1 + on(x) b", "1 + on(x) b"),
        ("(x) offset 5m", "(x)"),
        ("x offset 1m offset 2m", "x offset 1m"),
        ('x{__name__="y"}', 'x{__name__="y"}'),
        ("round(x, 1, 2)", "round(x, 1, 2)"),
        ("topk(x)", "topk(x)"),
        ("-x[5m]", "-x[5m]"),
        ("x[0]", "0"),
        ("30m1h", "30m1h"),
        ("sum by (without) (x)", "without"),
        ("x @ Inf", "x"),
        ('{a=~".*", b!~".+"}', '{a=~".*", b!~".+"}'),
    ],
)
def test_what_prometheus_refuses_is_refused_where_prometheus_refuses_it(text: str, part: str) -> None:
    error = _refusal(text)
    assert text[error.start : error.end] == part


def test_a_selector_with_a_placeholder_may_select_something() -> None:
    parse("{ {{args.selector}} }")
    parse('{a="{{args.a}}"}')


def test_every_function_can_be_called_with_what_it_takes() -> None:
    samples = {"vector": "x", "scalar": "1", "matrix": "x[5m]", "string": '"s"'}
    for name, function in FUNCTIONS.items():
        if name == "info":
            continue
        arguments = [samples[str(of)] for of in function.arguments]
        assert parse(f"{name}({', '.join(arguments)})").type == function.returns


@pytest.mark.parametrize(
    "text",
    ["a / b default 0", "WITH (x = y) x", "rate(x)", 'sum(rate(x{a="b"}))', "rate(x[5m]) keep_metric_names",
     "8Ki", "x > 1.5GiB",
     "rate(x[1.5m])", "topk(3, x) limit 2", 'x{a="b" or c="d"}', "range_avg(x)", "median_over_time(x[5m])",
     "sum(x) if y",
     "label_set(x, 'a', 'b')", "'s' default 5", "{{args.q}} default 0"],
)  # fmt: skip
def test_metricsql_is_recognised(text: str) -> None:
    assert speaks_metricsql(text)


@pytest.mark.parametrize(
    "text",
    ["a / b or vector(0)", "default", "sum by (limit) (x)", "rate(x[5m])", 'x{default="if"}', "limit > 5",
     "x # default 0",
     "x{a='8Ki default 0'}", "rate(sum(x)[5m:])", "if + default", "sum by (median) (x)", "range_avg",
     "x or default", ""],
)  # fmt: skip
def test_promql_is_not_taken_for_metricsql(text: str) -> None:
    assert not speaks_metricsql(text)
