"""The plain placeholders of ApplicationSets."""

from __future__ import annotations

import pytest

from rolloutlint.lang.fasttemplate import Tag, fill

VALUES = {"cluster": "eu", "path[0]": "apps", "values.tier": "gold", "": "never", "odd name": "x", "empty": ""}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("web-{{cluster}}", "web-eu"),
        ("{{ cluster }}/{{path[0]}}/{{values.tier}}", "eu/apps/gold"),
        ("{{nothing}}-{{cluster}}", "{{nothing}}-eu"),
        ("{{ nothing }}", "{{ nothing }}"),
        ("{{}}", "{{}}"),
        ("{{odd name}}", "x"),
        ("{{empty}}", ""),
        ("}}{{cluster}}", "}}eu"),
        ("{{cluster\n}}", "{{cluster\n}}"),  # isTemplatedRegex: the braces are on two lines
        ("a {{cluster}} {{x", None),
        ("{{{cluster}}}", "{{{cluster}}}"),
        ("{cluster}", "{cluster}"),
        ("{{.cluster}}", "{{.cluster}}"),
    ],
)
def test_placeholders_are_filled_as_fasttemplate_fills_them(template: str, text: str | None):
    assert fill(template, VALUES).text == text


def test_what_nothing_fills_is_told_with_its_place():
    assert fill("a-{{ one }}-{{cluster}}{{two}}", VALUES).left == (Tag(2, 11, "one"), Tag(23, 30, "two"))
