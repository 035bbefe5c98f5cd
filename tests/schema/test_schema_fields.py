"""Field paths, and the fields that a release does not know yet."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.finding import show_path
from rolloutlint.lang.names import edit_distance
from rolloutlint.schema import as_kept, field_paths, too_new
from rolloutlint.schema.spelling import nearest, respelt
from rolloutlint.settings import Version

ROLLOUT: Any = {
    "spec": {
        "strategy": {
            "canary": {
                "steps": [{"setWeight": 1}, {"plugin": {"name": "a"}}, {"plugin": None}],
                "replicaProgressThreshold": {"type": "Pod", "value": 1},
                "trafficRouting": {"maxTrafficWeight": 10},
            }
        }
    }
}


def new_fields(rollouts: Version) -> list[tuple[str, str]]:
    return [(show_path(path), str(since)) for path, since in too_new("argoproj.io", "Rollout", ROLLOUT, rollouts)]


def test_fields_newer_than_the_target_come_in_document_order_with_their_release() -> None:
    assert new_fields(Version(1, 6)) == [
        ("spec.strategy.canary.steps[1].plugin", "1.8"),
        ("spec.strategy.canary.replicaProgressThreshold", "1.9"),
        ("spec.strategy.canary.trafficRouting.maxTrafficWeight", "1.7"),
    ]


def test_a_field_is_known_to_the_release_that_brought_it() -> None:
    assert new_fields(Version(1, 8)) == [("spec.strategy.canary.replicaProgressThreshold", "1.9")]
    assert new_fields(Version(1, 9)) == []


def test_a_field_in_no_release_is_too_new_for_all() -> None:
    provider = {"prometheus": {"authentication": {"basicAuth": {}}}}
    template = {"spec": {"metrics": [{"provider": provider}]}}
    (found,) = too_new("argoproj.io", "AnalysisTemplate", template, Version(1, 10))
    assert found[0][-1] == "basicAuth"


@pytest.mark.parametrize("value", [None, [], "a", {"spec": []}, {"spec": {"strategy": {"canary": {"steps": {}}}}}])
def test_a_malformed_document_has_no_new_fields(value: Any) -> None:
    assert too_new("argoproj.io", "Rollout", value, Version(1, 5)) == ()


def test_other_kinds_have_no_new_fields() -> None:
    assert too_new("apps", "Deployment", ROLLOUT, Version(1, 5)) == ()
    assert too_new("networking.istio.io", "VirtualService", {"spec": {}}, Version(1, 5)) == ()


def test_field_paths_show_lists_and_maps() -> None:
    assert "spec.strategy.canary.steps[].setWeight" in field_paths("argoproj.io", "Rollout")
    assert "spec.http[].match[].headers{}.exact" in field_paths("networking.istio.io", "VirtualService")
    assert field_paths("", "Service") == frozenset()


@pytest.mark.parametrize(
    "one, other, expected",
    [("lables", "labels", 1), ("hots", "hosts", 1), ("", "ab", 2), ("same", "same", 0), ("thresholds", "threshold", 1)],
)
def test_distance_counts_letters_added_dropped_changed_or_swapped(one: str, other: str, expected: int) -> None:
    assert edit_distance(one, other, 9) == edit_distance(other, one, 9) == expected


def test_a_short_name_has_no_near_one() -> None:
    assert nearest("a", ["b"], 3) == ""


def test_case_and_dashes_do_not_make_another_name() -> None:
    assert respelt("set_weight", ["setHeaderRoute", "setWeight"]) == "setWeight"


def test_an_object_is_kept_as_it_is_where_nothing_is_too_new() -> None:
    value = {"spec": {"replicas": 1}}
    assert as_kept("argoproj.io", "Rollout", value, Version(1, 9)) is value


def test_a_release_keeps_an_object_without_newer_fields() -> None:
    threshold = {"type": "Pods", "value": 1}
    value = {"spec": {"replicas": 1, "strategy": {"canary": {"replicaProgressThreshold": threshold}}}}
    kept = as_kept("argoproj.io", "Rollout", value, Version(1, 8))
    assert kept == {"spec": {"replicas": 1, "strategy": {"canary": {}}}}
    assert value["spec"]["strategy"] == {"canary": {"replicaProgressThreshold": threshold}}
