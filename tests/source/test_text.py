"""Bytes become text as the cluster decodes them; lines and columns are those of an editor."""

from __future__ import annotations

import codecs

import pytest

from rolloutlint.finding import Span
from rolloutlint.source import KUSTOMIZE, Limits, Problem, Source, decode, line_text, offset_of, to_span


def test_the_utf_8_mark_is_no_part_of_the_text() -> None:
    source = decode(codecs.BOM_UTF8 + "é: 1".encode(), "a.yaml")
    assert isinstance(source, Source)
    assert source.text == "é: 1"


def test_a_source_keeps_its_name_path_and_scalar_table() -> None:
    source = decode(b"a: 1", "a.yaml", "/tmp/a.yaml", KUSTOMIZE)
    assert isinstance(source, Source)
    assert (source.name, source.path, source.typing) == ("a.yaml", "/tmp/a.yaml", KUSTOMIZE)


def test_equal_bytes_have_equal_digests_and_others_have_not() -> None:
    digests = [s.digest for s in (decode(raw, "a") for raw in (b"a", b"a", b"b")) if isinstance(s, Source)]
    assert digests[0] == digests[1] != digests[2]


def test_the_size_limit_counts_bytes() -> None:
    assert isinstance(decode("é".encode(), "a", limits=Limits(bytes=2)), Source)
    assert isinstance(decode("éa".encode(), "a", limits=Limits(bytes=2)), Problem)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_with_every_line_end_of_editors(ending: str) -> None:
    source = Source("a", ending.join(["one", "", "three"]))
    assert [line_text(source, n) for n in range(5)] == ["", "one", "", "three", ""]


def test_characters_that_only_yaml_takes_for_line_ends_begin_no_line() -> None:
    source = Source("a", "a\u2028b\x85c\nd")
    assert to_span(source, 4, 5) == Span(1, 5, 1, 6)
    assert line_text(source, 2) == "d"


def test_columns_are_code_points() -> None:
    assert to_span(Source("a", "😀é: x"), 2, 5) == Span(1, 3, 1, 6)


def test_a_span_may_end_on_another_line() -> None:
    assert to_span(Source("a", "ab\ncd\n"), 1, 6) == Span(1, 2, 3, 1)


def test_an_offset_past_the_text_is_its_end() -> None:
    source = Source("a", "ab\ncd")
    assert [offset_of(source, *place) for place in ((1, 1), (2, 2), (2, 99), (9, 1))] == [0, 4, 5, 3]


def test_the_empty_text_has_one_empty_line() -> None:
    assert to_span(Source("a", ""), 0, 0) == Span(1, 1, 1, 1)
    assert line_text(Source("a", ""), 1) == ""
