"""A slip is corrected only where there is one way to do it, and the corrected text parses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.promql.corrections import correct
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.rewrite import rewritten


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('rate(x{a="b" c="d"}[5m])', 'rate(x{a="b", c="d"}[5m])'),
        ('x{a="b" c="d"\n e=~"f"} / x{a="b" c="d"}', 'x{a="b", c="d",\n e=~"f"} / x{a="b", c="d"}'),
        ('x{code!~"5.*" a~"d"}', 'x{code!~"5.*", a=~"d"}'),
        ('x{code=="5"}', 'x{code="5"}'),
        ('x{a="b",,}', 'x{a="b",}'),
        ("rate(x[5 m])", "rate(x[5m])"),
        ("sum(x) by job / sum(y) by job", "sum(x) by (job) / sum(y) by (job)"),
        ("sum(x) by (le job)", "sum(x) by (le, job)"),
        ("(x or 0) / (y or 1.5)", "(x or vector(0)) / (y or vector(1.5))"),
        ("x; ", "x "),
        ('x{a=\\"b\\", c=\\"d\\"}', 'x{a="b", c="d"}'),
        ('x{a="b",\u00a0c="d"}', 'x{a="b", c="d"}'),
    ],
)
def test_what_was_meant_beyond_doubt_is_corrected(text: str, after: str) -> None:
    changes = correct(text)
    assert changes is not None
    assert rewritten(text, changes) == after


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "",
        "sum(x",
        "sum(x))",
        'x{a="a"b"}',
        'x{a="b" and c="d"}',
        "sum by le, job (x)",
        "x y",
        "averge(x)",
        'x{a="b";}',
        "{{args.x}} or",
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert correct(text) is None


PIECES = ('x{a="b"', " ", ",", 'c="d"', "}", "or 0", "by le", "sum(", ")", "~", "=", ";", "[5 m]", "/", "\u00a0", '\\"')


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_every_correction_parses(text: str) -> None:
    changes = correct(text)
    if changes is not None:
        parse(rewritten(text, changes))
