from __future__ import annotations

import pytest

from rolloutlint.lang.selector import matches_map, matches_selector

LABELS = {"app": "web", "tier": "front"}


def test_an_absent_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert matches_selector(None, LABELS) is False
    assert matches_selector({}, LABELS) is True


def test_every_requirement_counts() -> None:
    selector = {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
    assert matches_selector(selector, LABELS) is False


def test_not_in_matches_where_the_label_is_absent() -> None:
    selector = {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}
    assert matches_selector(selector, LABELS) is True


@pytest.mark.parametrize(
    "selector",
    [
        "app=web",
        {"matchLabels": ["app"]},
        {"matchLabels": {"app": 1}},
        {"matchLabels": {"app": "not valid!"}},
        {"matchExpressions": {}},
        {"matchExpressions": ["app"]},
        {"matchExpressions": [{"key": "app", "operator": "in", "values": ["web"]}]},
        {"matchExpressions": [{"key": "app", "operator": "In"}]},
        {"matchExpressions": [{"key": "app", "operator": "Exists", "values": ["web"]}]},
        {"matchExpressions": [{"key": ["app"], "operator": ["In"]}]},
    ],
)
def test_a_malformed_selector_has_no_answer(selector: object) -> None:
    assert matches_selector(selector, LABELS) is None


def test_labels_that_are_no_strings_have_no_answer() -> None:
    assert matches_selector({}, {"version": 1}) is None
    assert matches_map({"app": "web"}, {"version": 1}) is None


def test_a_service_selector_needs_every_pair() -> None:
    assert matches_map({"app": "web"}, LABELS) is True
    assert matches_map({"app": "web", "zone": "a"}, LABELS) is False


def test_a_service_without_a_selector_selects_nothing() -> None:
    assert matches_map(None, LABELS) is False
    assert matches_map({}, LABELS) is False
