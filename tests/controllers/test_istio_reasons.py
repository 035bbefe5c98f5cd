"""The words for a match that fails agree with whether it fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.istio_matching import Request, matches, read_match
from rolloutlint.controllers.istio_reasons import conditions, unmet


@pytest.mark.parametrize(
    "match, words",
    [
        ({"uri": {"exact": "/a"}}, "path /a"),
        ({"uri": {"prefix": "/a"}, "ignoreUriCase": True}, "path prefix /a in any case"),
        ({"method": {"exact": "POST"}}, "method POST"),
        ({"headers": {"X-Beta": {"regex": "a|b"}}}, "header x-beta regex a|b"),
        ({"headers": {"x": None}}, "header x present"),
        ({"headers": {"x": {"exact": ""}}}, "header x empty"),
        ({"headers": {"@request.auth.claims.sub": {"exact": "me"}}}, "claim @request.auth.claims.sub me"),
        ({"queryParams": {"q": {"exact": "1"}}}, "query parameter q 1"),
        ({"port": 81}, "only on port 81"),
        ({"gateways": ["gate"]}, "only for shop/gate"),
        ({"sourceNamespace": "ops"}, "only from namespace ops"),
        ({"sourceLabels": {"app": "x", "v": "1"}}, "only from pods with app=x, v=1"),
    ],
)
def test_a_failing_condition_in_words(match: dict[str, Any], words: str) -> None:
    found = unmet(read_match(match, "shop"), Request("web", namespace="shop"))
    assert [each.words for each in found] == [words]
    assert conditions(read_match(match, "shop")) == (words,)


def test_a_header_that_has_to_be_absent() -> None:
    match = read_match({"withoutHeaders": {"x": {"exact": "1"}, "y": None}}, "shop")
    found = unmet(match, Request("web", headers={"x": "1", "y": ""}))
    assert [each.words for each in found] == ["header x not 1", "header y absent"]


def test_what_is_malformed_may_match() -> None:
    (found,) = unmet(read_match({"uri": 5}, "shop"), Request("web"))
    assert found.perhaps


TEXTS = st.fixed_dictionaries({}, optional={"exact": st.sampled_from(["/a", "GET", ""]), "prefix": st.just("/")})
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "uri": TEXTS,
        "method": TEXTS,
        "headers": st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2),
        "withoutHeaders": st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2),
        "port": st.sampled_from([80, 81, "x"]),
        "sourceLabels": st.dictionaries(st.just("app"), st.just("x"), max_size=1),
        "gateways": st.lists(st.sampled_from(["mesh", "gate"]), max_size=2),
    },
)


@given(MATCHES, st.sampled_from(["/", "/a"]), st.dictionaries(st.sampled_from(["a", "b"]), st.just("GET")))
def test_no_words_where_it_matches_and_some_where_it_does_not(match: Any, path: str, headers: dict[str, str]) -> None:
    request, read = Request("web", path, headers=headers), read_match(match, "shop")
    found = unmet(read, request)
    assert (matches(read, request) is True) == (not found)
    assert (matches(read, request) is False) == any(not each.perhaps for each in found)
