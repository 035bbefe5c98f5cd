from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.controllers.auto_sync import Situation, heals_only, last_attempt, obstacles, retries, starts

SOURCE = {"repoURL": "https://git.example/deploy.git", "path": "cart"}
DIFFERS = Situation(out_of_sync=True)
AGAIN = Situation(out_of_sync=True, new_revision=False)


def application(
    automated: Any = None, phase: str = "", result: Any = "same", status: Any = None, **fields: Any
) -> dict[str, Any]:
    state: dict[str, Any] = {"phase": phase}
    if result == "same":
        state["syncResult"] = {"source": SOURCE}
    elif result:
        state["syncResult"] = result
    found: dict[str, Any] = {"spec": {"source": SOURCE, "syncPolicy": {"automated": automated}}}
    if phase:
        found["status"] = {"operationState": state}
    if status:
        found.setdefault("status", {}).update(status)
    return found | fields


@pytest.mark.parametrize(
    ("given", "situation", "keys"),
    [
        (application(), DIFFERS, ["manual"]),
        (application({"enabled": False}), DIFFERS, ["manual"]),
        (application({}), DIFFERS, []),
        (application({}), Situation(out_of_sync=None), []),
        (application({}), Situation(out_of_sync=False), ["synced"]),
        (application({}), Situation(out_of_sync=True, rolling_sync=True), ["rolling-sync"]),
        (application({}), Situation(out_of_sync=True, window="no"), ["window"]),
        (application({}), Situation(out_of_sync=True, window="depends"), ["window?"]),
        (application({}, operation={"sync": {}}), DIFFERS, ["running"]),
        (application({}, "Running"), DIFFERS, ["running"]),
        (application({}, "Terminating"), DIFFERS, ["running"]),
        (application({}, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}), DIFFERS, ["deleting"]),
        (application({}, status={"conditions": [{"type": "ComparisonError"}]}), DIFFERS, ["unknown?"]),
        (application({}, status={"conditions": [{"type": "OrphanedResourceWarning"}]}), DIFFERS, []),
        (application({}), Situation(out_of_sync=True, only_prunes=True), ["prunes-only"]),
        (application({"prune": True}), Situation(out_of_sync=True, only_prunes=True), []),
        (application({"prune": True}), Situation(out_of_sync=True, only_prunes=True, all_pruned=True), ["empty"]),
        (application({"prune": True, "allowEmpty": True}), Situation(out_of_sync=True, all_pruned=True), []),
        (application({}, "Succeeded"), DIFFERS, []),
        (application({}, "Failed"), DIFFERS, []),
        (application({}, "Succeeded"), AGAIN, ["attempted"]),
        (application({"selfHeal": True}, "Succeeded"), AGAIN, []),
        (application({"selfHeal": True}, "Failed"), AGAIN, ["failed"]),
        (application({"selfHeal": True}, "Error"), AGAIN, ["failed"]),
        (application({}, "Failed", {"source": {"path": "other"}}), AGAIN, []),
        (application({}, "Failed"), Situation(out_of_sync=True, new_revision=None), ["failed?"]),
        (application({}, "Error", None), DIFFERS, ["no-result"]),
        (application({}, "Succeeded", None), DIFFERS, ["attempted"]),
        ({"spec": {"syncPolicy": 3}, "status": []}, DIFFERS, ["manual"]),
        ({}, DIFFERS, ["manual"]),
    ],
)
def test_what_keeps_an_automated_sync_from_starting(
    given: dict[str, Any], situation: Situation, keys: list[str]
) -> None:
    found = obstacles(given, situation)
    assert [obstacle.key + ("" if obstacle.certain else "?") for obstacle in found] == keys
    if any(obstacle.certain for obstacle in found):
        assert starts(given, situation) == ()


def test_a_new_commit_starts_a_sync() -> None:
    assert starts(application({}, "Failed"), DIFFERS) == ("automated: a new commit that differs from the cluster",)


def test_self_heal_starts_a_sync_of_the_same_commit() -> None:
    healing = application({"selfHeal": True}, "Succeeded")
    assert heals_only(healing, AGAIN)
    assert not heals_only(healing, DIFFERS)


def test_changed_sources_start_a_sync_of_the_same_commit() -> None:
    given = application({}, "Succeeded", {"source": {"path": "other"}})
    assert starts(given, AGAIN) == ("automated: its sources have changed",)


def test_nothing_is_said_to_start_where_the_difference_is_not_known() -> None:
    assert starts(application({}), Situation(out_of_sync=None)) == ()


def test_several_sources_are_compared_as_a_list() -> None:
    sources = [SOURCE, {"ref": "values"}]
    given = {
        "spec": {"source": {"path": "unused"}, "sources": sources},
        "status": {"operationState": {"phase": "Succeeded", "syncResult": {"sources": sources}}},
    }
    attempt = last_attempt(given)
    assert attempt is not None
    assert attempt.same_sources


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, 5),
        ({"retry": {}}, 0),
        ({"retry": {"limit": 2}}, 2),
        ({"retry": {"limit": -3}}, -1),
        ({"retry": {"limit": "2"}}, None),
        ({"retry": None}, 5),
    ],
)
def test_how_often_a_failed_sync_is_tried_again(policy: dict[str, Any], expected: int | None) -> None:
    assert retries({"spec": {"syncPolicy": policy}}) == expected
