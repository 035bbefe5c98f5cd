"""Go templates against text/template and sprig themselves (`tests/data/recorders/gotemplate`), and random ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.lang.gotemplate import Gap, StringMap, go_value, render, root_fields
from rolloutlint.lang.gotemplate.functions import FUNCTIONS
from rolloutlint.lang.gotemplate.values import float_text

DATA = Path(__file__).parents[1] / "data" / "go-templates.jsonl"
VECTORS = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def parameters(plain: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = go_value(plain)
    if isinstance(found.get("values"), dict):
        found["values"] = StringMap(found["values"])
    return found


def test_what_is_rendered_is_what_go_renders():
    wrong = []
    for vector in VECTORS:
        answer = render(vector["template"], parameters(vector["parameters"]), vector.get("missing", "default"))
        if answer.unknown:
            continue
        if answer.text != vector.get("text") or bool(answer.error) is not ("error" in vector):
            wrong.append((vector, answer))
    assert wrong == []


def test_few_of_the_recorded_templates_are_unknown():
    answers = [render(v["template"], parameters(v["parameters"]), v.get("missing", "default")) for v in VECTORS]
    assert sum(bool(answer.unknown) for answer in answers) < len(VECTORS) * 0.04


@pytest.mark.parametrize(
    "template",
    ['{{ randAlpha 5 }}', '{{ now }}', '{{ set .map "a" 1 }}', '{{ merge .map (dict) }}', '{{ keys .map }}',
     '{{ define "x" }}{{ end }}', '{{ kebabcase "HTTPServer2" }}', '{{ range 3 }}{{ end }}', '{{ toYaml "yes" }}'],
)  # fmt: skip
def test_what_is_not_modelled_is_unknown_and_never_guessed(template: str):
    answer = render(template, {"map": {"a": "b", "c": "d"}})
    assert (answer.text, answer.error) == (None, "")
    assert answer.unknown


def test_functions_that_argo_cd_takes_away_are_not_defined():
    assert not {"env", "expandenv", "getHostByName"} & set(FUNCTIONS)
    assert render('{{ env "HOME" }}', {}).error == 'function "env" not defined'


def test_a_missing_key_is_told_with_its_place_and_name():
    answer = render("a-{{ .stage }}-{{ .a.b }}{{ .cluster }}", {"cluster": "eu", "a": {}})
    assert answer.text == "a-<no value>-<no value>eu"
    assert answer.gaps == (Gap(2, 14, "stage"), Gap(15, 25, "a.b"))


def test_the_fields_of_the_root_are_known_without_parameters():
    words = root_fields('{{ if eq .env "x" }}{{ .a.b }}{{ with .c }}{{ .inner }}{{ end }}{{ end }}{{ (index .d 0).e }}')
    assert [".".join(word.names) for word in words] == ["env", "a.b", "c", "d"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1e6, "1e+06"), (999999.0, "999999"), (0.0001, "0.0001"), (1e-5, "1e-05"), (-2.5, "-2.5"),
     (1e21, "1e+21"), (0.1, "0.1"), (123456789.0, "1.23456789e+08"), (float("inf"), "+Inf"), (0.0, "0")],
)  # fmt: skip
def test_numbers_are_written_as_go_writes_them(value: float, text: str):
    assert float_text(value) == text


PIECES = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", " ", ".", ".a", ".a.b", "$", "$x", ":=", "=", "|", "(", ")", "if", "else", "end", "with",
     "range", "break", "continue", "define", "template", '"s"', "`r`", "'c'", "1", "1.5", "0x1", "nil", "true", ",",
     "/*", "*/", "text", "\n", "ü", "@", *sorted(FUNCTIONS)]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.dictionaries(st.sampled_from("abx"), VALUES, max_size=3))
def test_random_templates_never_raise(template: str, values: dict[str, Any]):
    answer = render(template, values)
    assert (answer.text is not None) + bool(answer.error) + bool(answer.unknown) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.lists(st.sampled_from([".a", ".b", ".x", "1", '"s"', "nil", "-5", "2.5", ".", "(list 1 .a)"]), max_size=4),
    st.dictionaries(st.sampled_from("abx"), VALUES, max_size=3),
)
def test_functions_never_raise_whatever_they_are_given(name: str, arguments: list[str], values: dict[str, Any]):
    answer = render("{{ " + " ".join([name, *arguments]) + " }}", values)
    assert (answer.text is not None) + bool(answer.error) + bool(answer.unknown) == 1


@pytest.mark.parametrize("text", ["{{(" * 500, "{{ if .a }}" * 300 + "{{ end }}" * 300, '{{ repeat 999999999 "x" }}',
                                  "{{ until 999999999 }}", '{{ repeat 1000 "x" | repeat 1000 | repeat 1000 }}',
                                  "{{" + " not" * 900 + " }}", '{{ printf "%9999d" 1 }}'])  # fmt: skip
def test_hostile_templates_end_soon(text: str):
    answer = render(text, {"a": True})
    assert answer.error or answer.unknown
