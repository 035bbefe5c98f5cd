from __future__ import annotations

import pytest

from rolloutlint.lang.names import is_dns1123_label, is_label_value, is_qualified_name, near


def test_a_trailing_newline_makes_a_name_invalid() -> None:
    assert not is_dns1123_label("web\n")


def test_an_empty_label_value_is_valid() -> None:
    assert is_label_value("")


@pytest.mark.parametrize("key", ["/name", "a/b/c", "Upper.example.com/x", "example.com/"])
def test_a_bad_prefix_makes_a_key_invalid(key: str) -> None:
    assert not is_qualified_name(key)


@pytest.mark.parametrize(
    "word, candidates, meant",
    [
        ("setweight", ["setWeight", "setCanaryScale"], "setWeight"),
        ("canry", ["canary", "blueGreen"], "canary"),
        ("cnaary", ["canary"], "canary"),
        ("stableServcie", ["stableService", "canaryService"], "stableService"),
        ("canary-servce", ["canary-service", "stable-service"], "canary-service"),
    ],
)
def test_a_near_word_is_proposed(word: str, candidates: list[str], meant: str) -> None:
    assert near(word, candidates) == meant


@pytest.mark.parametrize(
    "word, candidates",
    [
        ("web", ["app"]),
        ("ab", ["ac"]),
        ("web1", ["web2", "web3"]),
        ("Web", ["web", "WEB"]),
        ("pause", ["plugin"]),
        ("x" * 500, ["x" * 499]),
        ("", ["a"]),
        ("same", ["same"]),
        (5, ["a"]),
    ],
)
def test_nothing_is_proposed_where_it_would_be_a_guess(word: object, candidates: list[str]) -> None:
    assert near(word, candidates) is None


def test_the_nearest_of_several_wins() -> None:
    assert near("canary-servic", ["canary-serv", "canary-service"]) == "canary-service"
