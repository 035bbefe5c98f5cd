from __future__ import annotations

import pytest

from rolloutlint.lang.placeholder import Placeholder, placeholders, unterminated


def test_finds_arguments_with_their_offsets() -> None:
    text = 'rate{svc="{{args.service}}"} > {{ args.max }}'
    found = placeholders(text)
    assert [(p.name, text[p.start : p.end]) for p in found] == [
        ("service", "{{args.service}}"),
        ("max", "{{ args.max }}"),
    ]


def test_a_tag_that_is_no_argument_has_no_name() -> None:
    assert placeholders("{{ .Values.x }}") == (Placeholder(0, 15, ".Values.x", None),)


def test_a_line_break_inside_the_braces_is_part_of_the_tag() -> None:
    assert placeholders("{{args.x\n}}")[0].name == "x\n"


def test_a_third_brace_belongs_to_the_tag() -> None:
    assert placeholders("{{{args.x}}}")[0].tag == "{args.x"


@pytest.mark.parametrize(
    "text, offset", [("a {{b", 2), ("{{a}} {{b", 6), ("{{a}}", None), ("}} {", None), ("{{{{a}}", None), (5, None)]
)
def test_an_open_tag_is_reported_where_it_starts(text: object, offset: int | None) -> None:
    assert unterminated(text) == offset
