from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.template import expand

_VALUES = {"w": "5m", "sel": 'code="5.."', "empty": "", "loop": "{{args.w}}"}


def test_known_arguments_are_replaced_and_everything_else_stays() -> None:
    text = "rate({{args.metric}}{ {{args.sel}} }[{{ args.w }}]) {{other}}"
    assert expand(text, _VALUES).text == 'rate({{args.metric}}{ code="5.." }[5m]) {{other}}'


def test_a_value_is_not_expanded_again() -> None:
    assert expand("x[{{args.loop}}]", _VALUES).text == "x[{{args.w}}]"


def test_the_leftmost_braces_open_the_placeholder() -> None:
    assert expand("x{{{args.sel}}}", _VALUES).text == "x{{{args.sel}}}"


def test_without_a_known_argument_the_text_is_its_own_source() -> None:
    plain = expand("x[{{args.other}}]", _VALUES)
    assert (plain.text, plain.segments, plain.origin(2, 5)) == ("x[{{args.other}}]", (), (2, 5))


@pytest.mark.parametrize(
    "part, source",
    [
        ("5m", "{{args.w}}"),
        ("m", "{{args.w}}"),
        ("x[", "x["),
        ("[5m]", "[{{args.w}}]"),
        ("] / y", "] / y"),
        ("/ y[5m", "/ y[{{args.w}}"),
        ("x[5m] / y[5m]", "x[{{args.w}}] / y[{{args.w}}]"),
    ],
)
def test_a_span_leads_back_to_the_source(part: str, source: str) -> None:
    text = "x[{{args.w}}] / y[{{args.w}}]"
    expanded = expand(text, _VALUES)
    start = expanded.text.index(part)
    low, high = expanded.origin(start, start + len(part))
    assert text[low:high] == source


def test_the_end_of_the_text_leads_to_the_end_of_the_source() -> None:
    text = "x > {{args.w}}"
    expanded = expand(text, _VALUES)
    end = len(expanded.text)
    assert expanded.origin(end, end)[1] == len(text)


def test_an_empty_value_takes_no_place() -> None:
    text = "a{{args.empty}}b"
    expanded = expand(text, _VALUES)
    assert (expanded.text, expanded.origin(0, 1), expanded.origin(1, 2)) == ("ab", (0, 1), (15, 16))


@pytest.mark.parametrize(
    "text, expanded",
    [
        ('x{a="{{args.w}}"}[{{args.w}}]', 'x{a="{{args.w}}"}[5m]'),
        ("x{a='{{args.w}}'}", "x{a='{{args.w}}'}"),
        ("x{a=`{{args.w}}\\`}[{{args.w}}]", "x{a=`{{args.w}}\\`}[5m]"),
        ('x{a="\\"{{args.w}}"}[{{args.w}}]', 'x{a="\\"{{args.w}}"}[5m]'),
        ("x # it's {{args.w}}\n[{{args.w}}]", "x # it's {{args.w}}\n[5m]"),
        ('x{a="b"}[{{args.w}}]', 'x{a="b"}[5m]'),
    ],
)
def test_placeholders_in_strings_can_be_kept(text: str, expanded: str) -> None:
    assert expand(text, _VALUES, keep_in_strings=True).text == expanded


@given(
    st.lists(st.sampled_from(["a", "{{args.w}}", "{{args.empty}}", '"', "{{", "}}", " ", "[", "{{x}}"]), max_size=12),
    st.booleans(),
)
def test_every_character_comes_from_somewhere(parts: list[str], keep: bool) -> None:
    text = "".join(parts)
    expanded = expand(text, _VALUES, keep_in_strings=keep)
    position = 0
    for start in range(len(expanded.text)):
        low, high = expanded.origin(start, start + 1)
        assert position <= low < high <= len(text)
        position = low
        if high - low == 1:
            assert text[low] == expanded.text[start]
