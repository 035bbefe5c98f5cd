"""Globs against verdicts recorded from gobwas/glob v0.2.3 (pattern, text, separators, matches or null)."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.lang.glob import Glob, GlobProblem, compile_glob, glob_matches

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "globs.json").read_text())


def upstream_fault(pattern: str, text: str) -> bool:
    """The two faults of gobwas/glob that are not mirrored, and groups that it leaves open."""
    compiled = compile_glob(pattern)
    unclosed = isinstance(compiled, GlobProblem) and "has no" in compiled.message
    overlapping = pattern.strip("*").count("*") == 1 and len(text) < len(pattern) - 1
    return unclosed or overlapping or not text


def test_every_recorded_verdict_of_gobwas_is_ours():
    wrong = []
    for pattern, text, separators, expected in VECTORS:
        compiled = compile_glob(pattern, separators)
        ours = None if isinstance(compiled, GlobProblem) else compiled.matches(text)
        if ours != expected and not upstream_fault(pattern, text):
            wrong.append((pattern, text, separators, expected, ours))
    assert wrong == []


def test_a_star_crosses_a_slash_unless_it_is_a_separator():
    assert glob_matches("config/*.yaml", "config/sub/a.yaml")
    assert not glob_matches("config/*.yaml", "config/sub/a.yaml", "/")
    assert glob_matches("config/**.yaml", "config/sub/a.yaml", "/")


def test_matching_is_case_sensitive():
    assert not glob_matches("virtualservice", "VirtualService")


def test_an_empty_pattern_matches_only_the_empty_text():
    assert glob_matches("", "")
    assert not glob_matches("", "networking.istio.io")


def test_a_pattern_that_does_not_compile_matches_nothing():
    assert isinstance(compile_glob("[a-"), GlobProblem)
    assert not glob_matches("[a-", "[a-")


def test_many_stars_do_not_explode():
    assert not glob_matches("*a" * 300 + "b", "a" * 1000)


@given(st.text(alphabet="ab/*?[]{},!-\\é", max_size=30), st.text(alphabet="ab/é", max_size=30))
def test_any_pattern_compiles_or_says_why(pattern: str, text: str):
    compiled = compile_glob(pattern, "/")
    assert isinstance(compiled, (Glob, GlobProblem))
    if isinstance(compiled, Glob):
        assert compiled.matches(text) in (True, False)
