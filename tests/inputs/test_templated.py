from __future__ import annotations

import pytest

from rolloutlint.inputs.templated import templated


@pytest.mark.parametrize(
    "text, line",
    [
        ("a: 1\nb: {{ .Values.x }}\n", 2),
        ("a: 1\r\nb: {{ .Values.x }}\r\n", 2),
        ("{{- if .Values.on }}\na: 1\n{{- end }}\n", 1),
        ("a:\n  - {{ x }}\n", 2),
        ("{{ key }}: 1\n", 1),
        ("a: nginx:{{ .Values.tag }}\n", 1),
        ("a: {{ cookiecutter.name }}-x\n", 1),
        ("a: 1\n{% if x %}\nb: 2\n{% endif %}\n", 2),
        ("a: [1, {{ x }}]\n", 1),
        ("a: {b: {{ x }}}\n", 1),
        ("a: &x {{ y }}\n", 1),
        ("a: |\n  text\n{{ toYaml .Values.x | indent 2 }}\n", 3),
        ("- a: |\n    {{ text }}\n  b: {{ c }}\n", 3),
        ("- |\n  {{ text }}\n- {{ c }}\n", 3),
        ('a: "one\n  {{ two }}"\nb: {{ c }}\n', 3),
        ("a: {{cluster}}-guestbook\n", 1),
        ("--- |\n{{ text }}\n---\na: {{ b }}\n", 4),
    ],
)
def test_template_syntax_in_the_structure_is_found(text: str, line: int) -> None:
    assert templated(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n",
        "query: sum(rate(x{app='{{args.service}}'}[5m]))\n",
        "url: http://x/{{args.y}}/{{ y }}\n",
        "value: {{args.x}}\n",
        "value: {{ inputs.parameters.x }}\n",
        "name: '{{path.basename}}-x'\n",
        "name: 'it''s {{ x }}'\n",
        'name: "a \\" {{ x }}"\n',
        "name: app-{{name}}\n",
        "# {{ .Values.x }}\na: 1 # {{ .Values.y }}\n",
        "template: |\n  {{if eq .x 1}}\n  a: {{ .y }}\n\n  {{end}}\n",
        "- template: >-\n    {{ .x }}\n  other: 1\n",
        "- |2-\n   {{ .x }}\n",
        "a:\n  'one\n   {{ two }}\n   three'\n",
        "--- |\n{{ text }}\n",
        '{"a": {"b": "{{ c }}", "d": [{"e": {}}]}}',
        'a: ["x", "{{ y }}",\n  "{{ z }}"]\n',
        "a: x{y={{args.z}}}\nb: '{{ c }}'\n",
    ],
)
def test_placeholders_in_scalars_are_no_template(text: str) -> None:
    assert templated(text) is None


def test_an_application_set_with_quoted_parameters_is_no_template() -> None:
    text = """
spec:
  goTemplate: true
  template:
    metadata:
      name: '{{.path.basename}}'
      labels: {team: "{{.team}}"}
    spec:
      source:
        path: apps/{{.path.basename}}
  templatePatch: |
    spec:
      {{- if .autoSync }}
      syncPolicy: {}
      {{- end }}
"""
    assert templated(text) is None
