"""Replica mathematics against upstream: its own test tables, and random states computed by the compiled Go code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.controllers.replicas import (
    CanaryScale,
    Counts,
    Fenceposts,
    ReplicaSet,
    Weights,
    basic_counts,
    basic_reconcile,
    basic_target,
    canary_scale,
    collapses,
    desired_weight,
    fenceposts,
    pods_needed,
    real_share,
    traffic_routed_counts,
    weight_to_replicas,
)

Row = dict[str, Any]

_DATA = Path(__file__).parent.parent / "data"
_SHARED = Path(__file__).parents[2] / ".." / "shared" / "oracles" / "replica_math_vectors.jsonl"
_TABLES: dict[str, list[Row]] = json.loads((_DATA / "replica_math_conformance.json").read_text(encoding="utf-8"))


def _lower(key: str) -> str:
    return key[0].lower() + key[1:]


def _steps(steps: Iterable[Row]) -> list[Row]:
    """The steps of a vector, which spells keys as Go does, as a manifest spells them."""
    return [
        {_lower(k): {_lower(i): j for i, j in v.items()} if isinstance(v, dict) else v for k, v in s.items()}
        for s in steps
    ]


def _replica_set(value: Row) -> ReplicaSet | None:
    return ReplicaSet(value["Spec"]["Replicas"], value["Status"]["AvailableReplicas"]) if value else None


def _ours(row: Row) -> Row:
    spec = row["Rollout"]["Spec"]
    canary = spec["Strategy"]["Canary"]
    replicas, routing = spec["Replicas"], canary.get("TrafficRouting")
    index = row["Rollout"]["Status"]["CurrentStepIndex"]
    steps = _steps(canary["Steps"])
    posts = fenceposts(canary["MaxSurge"], canary["MaxUnavailable"], replicas)
    max_weight = (routing or {}).get("MaxTrafficWeight") or 100
    weight = desired_weight(steps, index, max_weight)
    assert weight is not None
    if routing is None:
        target = basic_target(replicas, weight, posts.surge)
        older = sum(old["Spec"]["Replicas"] for old in row["Olds"])
        new, stable = _replica_set(row["New"]), _replica_set(row["Stable"])
        if row["New"] and row["New"]["Name"] == row["Stable"]["Name"]:
            # Then upstream returns a number for stable that nobody reads.
            return {"canary": basic_reconcile(target, replicas, posts, new, None, older).canary}
        counts = basic_reconcile(target, replicas, posts, new, stable, older)
    else:
        now = row["Weights"] and Weights(row["Weights"]["Canary"]["Weight"], row["Weights"]["Stable"]["Weight"])
        counts = traffic_routed_counts(
            replicas,
            weight,
            scale=canary_scale(steps, index),
            dynamic_stable=canary["DynamicStableScale"],
            min_pods=canary["MinPodsPerReplicaSet"],
            current=now,
            max_weight=max_weight,
        )
    return {
        "canary": counts.canary,
        "stable": counts.stable,
        "maxSurge": posts.surge,
        "maxUnavailable": posts.unavailable,
    }


def _wrong(lines: Iterable[str]) -> list[tuple[Row, Row]]:
    both = [(row, _ours(row)) for row in map(json.loads, lines)]
    return [(row, ours) for row, ours in both if any(row["want"][k] != v for k, v in ours.items())]


def test_agrees_with_go_on_random_states() -> None:
    lines = (_DATA / "replica_math_vectors.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 600
    assert _wrong(lines) == []


@pytest.mark.skipif(not _SHARED.exists(), reason="the 4,000 vectors are not beside this checkout (../shared)")
def test_agrees_with_go_on_all_random_states() -> None:
    assert _wrong(_SHARED.read_text(encoding="utf-8").splitlines()) == []


@pytest.mark.parametrize("row", _TABLES["approximateWeightedCanaryStableReplicaCounts"], ids=str)
def test_agrees_with_upstreams_table_of_targets(row: Row) -> None:
    ours = basic_target(row["replicas"], row["weight"], row["maxSurge"], row["maxWeight"])
    assert ours == (row["canary"], row["stable"])


@pytest.mark.parametrize("row", _TABLES["trafficWeightToReplicas"], ids=str)
def test_agrees_with_upstreams_table_of_weights(row: Row) -> None:
    assert weight_to_replicas(row["replicas"], row["weight"], row["maxWeight"]) == row["want"]


def _pointer(text: str | None) -> int | None:
    return int(text[len("intPnt(") : -1]) if text and text != "nil" else None


def _scale(text: str | None) -> CanaryScale | None:
    match = re.fullmatch(r"newSetCanaryScale\((.*), (.*), (true|false)\)", text or "")
    if match is None or match[3] == "true":
        return None
    return CanaryScale(_pointer(match[1]), _pointer(match[2]))


@pytest.mark.parametrize("row", _TABLES["CalculateReplicaCountsForCanary"], ids=lambda row: row["name"])
def test_agrees_with_upstreams_table_of_reconciliations(row: Row) -> None:
    replicas = row["replicas"]
    weight = 100 if row["promoteFull"] else 0 if row["abort"] else row["setWeight"]
    if row["traffic"]:
        kept = not row["abort"] or _pointer(row["abortDelay"]) == 0
        scale = _scale(row["setCanaryScale"]) if kept else None
        ours = traffic_routed_counts(replicas, weight, scale=scale, min_pods=_pointer(row["minPods"]))
    else:
        posts = fenceposts(row["maxSurge"], row["maxUnavailable"], replicas)
        target = basic_target(replicas, weight, posts.surge)
        older = 3 if row["olderRS"] else 0
        ours = basic_reconcile(target, replicas, posts, ReplicaSet(*row["canary"]), ReplicaSet(*row["stable"]), older)
    assert ours == (row["expCanary"], row["expStable"])


@pytest.mark.parametrize("replicas", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize("surge, unavailable", [(0, 1), (1, 0), ("25%", "25%"), ("0%", "0%"), (3, 2)])
def test_reconciling_comes_to_rest_at_the_target(replicas: int, surge: object, unavailable: object) -> None:
    posts = fenceposts(surge, unavailable, replicas)
    for weight in range(101):
        counts = Counts(0, replicas)
        target = basic_target(replicas, weight, posts.surge)
        for _ in range(4 * replicas + 4):
            canary, stable = ReplicaSet(counts.canary, counts.canary), ReplicaSet(counts.stable, counts.stable)
            counts = basic_reconcile(target, replicas, posts, canary, stable)
        assert counts == target == basic_counts(replicas, weight, surge, unavailable)


def test_without_a_stable_replica_set_everything_goes_to_the_canary() -> None:
    posts = Fenceposts(1, 0)
    assert basic_reconcile(Counts(1, 3), 4, posts, ReplicaSet(0, 0), None) == (4, 0)


@pytest.mark.parametrize("replicas, weight", [(2, 75), (5, 90), (10, 95), (25, 98), (50, 99)])
def test_upstream_removes_the_canary_where_it_finds_no_candidate(replicas: int, weight: int) -> None:
    assert collapses(replicas, weight, 0)
    assert basic_target(replicas, weight, 0) == (0, replicas)
    assert not collapses(replicas, weight, 1)


def test_no_other_weight_collapses() -> None:
    found = [(n, w) for n in range(1, 200) for w in range(101) if collapses(n, w, 0)]
    assert found == [(2, 75), (5, 90), (10, 95), (25, 98), (50, 99)]


@pytest.mark.parametrize(
    "replicas, weight, share",
    [
        (1, 1, Fraction(1, 2)),
        (3, 5, Fraction(1, 4)),
        (4, 25, Fraction(1, 4)),
        (10, 10, Fraction(1, 10)),
        (10, 25, Fraction(3, 11)),
        (5, 90, Fraction(5, 6)),
    ],
)
def test_the_real_share_with_default_surge(replicas: int, weight: int, share: Fraction) -> None:
    assert real_share(replicas, weight, None, None) == share


def test_an_unreadable_surge_keeps_every_pod_stable() -> None:
    assert fenceposts("abc", 1, 10) == Fenceposts(0, 0, valid=False)
    assert real_share(10, 50, "12.5%", 1) == 0


@pytest.mark.parametrize("values", [("3", 5), (3, "5"), (0, 5), (3, 101), (3, -1), (True, 5), (3, None)])
def test_values_that_are_no_replicas_or_weight_have_no_share(values: tuple[object, object]) -> None:
    assert real_share(*values, None, None) is None


def test_the_last_weight_up_to_the_step_is_in_force() -> None:
    steps = [{"pause": {}}, {"setWeight": 20}, {"pause": {}}, {"setWeight": 60}]
    assert [desired_weight(steps, i) for i in range(5)] == [0, 20, 20, 60, 100]


def test_a_malformed_weight_is_unknown() -> None:
    assert desired_weight([{"setWeight": "20"}], 0) is None
    assert desired_weight(["setWeight"], 0) is None


def test_a_canary_scale_lasts_until_the_weights_rule_again() -> None:
    steps = [
        {"setCanaryScale": {"replicas": 2}},
        {"setWeight": 20},
        {"setCanaryScale": {"matchTrafficWeight": True, "replicas": 9}},
        {"setCanaryScale": {}},
    ]
    assert [canary_scale(steps, i) for i in range(5)] == [CanaryScale(2, None)] * 2 + [None] * 3


def test_dynamic_stable_scale_keeps_what_the_current_weight_needs() -> None:
    ours = traffic_routed_counts(10, 80, dynamic_stable=True, current=Weights(50, 50))
    assert ours == (8, 5)


def test_an_aborted_canary_keeps_pods_for_the_traffic_it_still_has() -> None:
    ours = traffic_routed_counts(10, 0, dynamic_stable=True, current=Weights(40, 60), aborted=True)
    assert ours == (4, 10)


@pytest.mark.parametrize(
    "threshold, desired, needed",
    [
        (None, 4, 4),
        ({"type": "Percent", "value": 50}, 5, 3),
        ({"type": "Percent", "value": 50}, 0, 0),
        ({"type": "Percent", "value": 0}, 4, 0),
        ({"type": "Pods", "value": 2}, 4, 2),
        ({"type": "percent", "value": 80}, 4, 80),
        ({"type": "Percent", "value": -1}, 4, 4),
        ({"type": "${TYPE}", "value": 1}, 4, None),
        ({"type": "Pods", "value": "2"}, 4, None),
        ("Pods", 4, None),
    ],
)
def test_a_progress_threshold_says_how_many_pods_are_enough(
    threshold: object, desired: int, needed: int | None
) -> None:
    assert pods_needed(threshold, desired) == needed
