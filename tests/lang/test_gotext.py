"""Which line of a template printed a line of the output, and when nobody can know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.gotext import Template, lines_of

TEMPLATE = """\
{{- if .Values.on }}
kind: Rollout
metadata:
  name: {{ include "name" . }}
spec:
  replicas: {{ .Values.replicas | default 3 }}
  {{- toYaml .Values.more | nindent 2 }}
  steps:
    - setWeight: 20
    - pause: {duration: 1m}
    - setWeight: 40
    - pause: {duration: 1m}
{{- end }}
"""
OUTPUT = """\
kind: Rollout
metadata:
  name: web
spec:
  replicas: 3
  paused: true
  steps:
    - setWeight: 20
    - pause: {duration: 1m}
    - setWeight: 40
    - pause: {duration: 1m}
"""


@pytest.mark.parametrize("line, found", [(0, 1), (2, 3), (4, 5), (7, 8), (8, 9), (9, 10), (10, 11)])
def test_the_line_that_printed_it_is_found(line: int, found: int) -> None:
    assert Template(TEMPLATE).find(lines_of(OUTPUT), line, 0) == found


def test_what_an_action_printed_has_no_line() -> None:
    assert Template(TEMPLATE).find(lines_of(OUTPUT), 5, 0) is None


def test_a_line_that_is_printed_once_did_not_print_its_likes() -> None:
    template = Template("steps:\n  {{- toYaml .Values.steps | nindent 2 }}\n  - pause: {}\n")
    output = ["steps:", "  - pause: {}", "  - pause: {}"]
    assert [template.find(output, line, 0) for line in range(3)] == [0, None, None]


def test_a_loop_prints_its_line_many_times() -> None:
    template = Template("{{- range .Values.names }}\n- name: {{ . }}\n  kind: x\n{{- end }}\n")
    assert [template.find(["- name: a", "  kind: x", "- name: b"], line, 0) for line in range(3)] == [1, 2, 1]


def test_a_line_of_nothing_but_an_action_could_be_anything() -> None:
    assert Template("{{ .Values.x }}\n- {{ .Values.y }}: {{ .Values.z }}\n").find(["a: b"], 0, 0) is None


def test_values_are_named_with_their_paths() -> None:
    template = Template("a: {{ .Values.x.y }}-{{ $.Values.z }}\nb: {{ .Values.x.y }} {{ $other.Values.q }}\n")
    assert template.values == (("x", "y"), ("z",))
    assert template.values_in(1) == (("x", "y"),)


def test_without_actions_a_template_is_plain() -> None:
    assert Template("a: 1\n").plain
    assert not Template(TEMPLATE).plain


def test_the_line_of_a_kind_is_known_if_there_is_one() -> None:
    assert Template(TEMPLATE).line_of("Rollout") == 1
    assert Template("kind: A\n---\nkind: A\n").line_of("A") == 0


@given(st.text(alphabet="{}.- \n\ra:\"'$", max_size=80), st.text(alphabet="{}.- \na:\"'", max_size=40))
def test_any_text_is_survived(template: str, output: str) -> None:
    lines = lines_of(output)
    for line in range(len(lines) + 1):
        found = Template(template).find(lines, line, 0)
        assert found is None or 0 <= found < len(lines_of(template))
