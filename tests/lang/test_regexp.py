"""Go's regular expressions: what `regexp.MatchString` of Go 1.26 answers, recorded, and what is left unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.regexp import go_regexp, is_plain

VECTORS: list[tuple[str, str, bool | str]] = [
    ("*", "a", "missing argument to repetition operator: `*`"),
    ("**", "a", "missing argument to repetition operator: `*`"),
    (".*", "a", True),
    (".+", "", False),
    ("", "a", True),
    ("success-rate", "http-success-rate-slow", True),
    ("^success-rate$", "success-rate", True),
    ("^success-rate$", "success-rate-slow", False),
    ("success|error", "http-errors", True),
    ("(success|error)-rate", "error-rate", True),
    ("(?:a|b)c", "bc", True),
    ("+a", "a", "missing argument to repetition operator: `+`"),
    ("?", "a", "missing argument to repetition operator: `?`"),
    ("a|*", "a", "missing argument to repetition operator: `*`"),
    ("(*)", "a", "missing argument to repetition operator: `*`"),
    ("a**", "a", "invalid nested repetition operator: `**`"),
    ("a+*", "aa", "invalid nested repetition operator: `+*`"),
    ("a*?", "a", True),
    ("a*??", "a", "invalid nested repetition operator: `*??`"),
    ("a{2}", "aa", True),
    ("a{,2}", "a{,2}", True),
    ("a{,2}", "aa", False),
    ("a{3,1}", "a", "invalid repeat count: `{3,1}`"),
    ("a{1001}", "a", "invalid repeat count: `{1001}`"),
    ("{2}", "a", "missing argument to repetition operator: `{2}`"),
    ("^*", "a", True),
    ("a)", "a", "unexpected ): `a)`"),
    ("(a", "a", "missing closing ): `(a`"),
    ("[a-c]x", "bx", True),
    ("[^a]", "a", False),
    ("[]a]", "]", True),
    ("[abc", "a", "missing closing ]: `[abc`"),
    ("\\d+", "p99", True),
    ("\\w-\\w", "a-b", True),
    ("p99\\.9", "p99.9", True),
    ("p99\\.9", "p9959", False),
    ("a\\z", "ba", True),
    ("a\\Z", "ba", "invalid escape sequence: `\\Z`"),
    ("\\k", "a", "invalid escape sequence: `\\k`"),
    ("a\\", "a", "trailing backslash at end of expression: ``"),
    ("(?=a)", "a", "invalid or unsupported Perl syntax: `(?=`"),
    ("(?!a)", "a", "invalid or unsupported Perl syntax: `(?!`"),
    ("é", "café", True),
    ("\\w", "é", False),
    ("a$", "a\n", False),
    (".", "\n", False),
    ("-", "a-b", True),
    ("Success", "success", False),
]


@pytest.mark.parametrize("pattern, text, answer", VECTORS)
def test_answers_as_go_does(pattern: str, text: str, answer: bool | str) -> None:
    read = go_regexp(pattern)
    if isinstance(answer, str):
        assert (read.matcher, read.error) == (None, answer)
    else:
        assert read.error == ""
        assert read.matcher is not None
        assert bool(read.matcher.search(text)) is answer


@pytest.mark.parametrize("pattern", ["(?i)a", "(?P<n>a)", "(?<=a)", r"\pL", r"\1", "[[:alpha:]]", r"\Qa*\E", "[a&&b]"])
def test_says_nothing_of_what_python_spells_differently(pattern: str) -> None:
    assert go_regexp(pattern) == (None, "")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", ".*.*.*.*x", "a?a?a?a?a?a?a?aaaaaaa"])
def test_does_not_try_what_could_take_python_for_ever(pattern: str) -> None:
    assert go_regexp(pattern) == (None, "")


@given(st.text(alphabet="ab-*+?.()[]{}|^$\\\\19,", max_size=12))
def test_any_text_is_a_matcher_an_error_or_unknown(pattern: str) -> None:
    read = go_regexp(pattern)
    assert read.matcher is None or read.error == ""


@pytest.mark.parametrize("pattern, plain", [("success-rate", True), ("p99_9", True), ("p99.9", False), ("^a", False)])
def test_a_plain_pattern_has_no_operators(pattern: str, plain: bool) -> None:
    assert is_plain(pattern) is plain
