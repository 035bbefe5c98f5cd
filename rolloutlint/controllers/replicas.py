"""How many pods a canary gets: the replica and weight mathematics of the Rollout controller.

Mirrors argo-rollouts `utils/replicaset/canary.go` and `utils/replicaset/replicaset.go`, including what is
odd there: with a surge of 0 a few weights leave no candidate and the canary is scaled to 0 (`collapses`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from rolloutlint.lang.intstr import int32, scaled_value
from rolloutlint.lang.placeholder import filled_later

DEFAULT_FENCEPOST = "25"
"""`maxSurge` and `maxUnavailable` where none is written: 25 % (utils/defaults/defaults.go)."""


class Fenceposts(NamedTuple):
    """`maxSurge` and `maxUnavailable` in pods."""

    surge: int
    unavailable: int
    valid: bool = True
    """False where a value cannot be read: upstream drops the error and goes on with 0 and 0."""


class ReplicaSet(NamedTuple):
    """One ReplicaSet: pods asked for, and pods available."""

    replicas: int
    available: int


class Counts(NamedTuple):
    """Pods of the canary and of the stable ReplicaSet."""

    canary: int
    stable: int


class Weights(NamedTuple):
    """Traffic weights now in force (`status.canary.weights`)."""

    canary: int
    stable: int


class CanaryScale(NamedTuple):
    """A `setCanaryScale` in force: pods, or a percentage of the replicas; pods win."""

    replicas: int | None
    weight: int | None


def fenceposts(max_surge: object, max_unavailable: object, replicas: int) -> Fenceposts:
    """Surge rounded up and unavailable rounded down, out of `replicas` (`resolveFenceposts`, replicaset.go).

    Values as in the manifest; `None` is the default of 25 %, and *every* string is a percentage. Where both
    come to 0, one pod may be unavailable. `unavailable` never exceeds `replicas` (`MaxUnavailable`).
    """
    if max_surge is None:
        max_surge = DEFAULT_FENCEPOST
    if max_unavailable is None:
        max_unavailable = DEFAULT_FENCEPOST
    surge = scaled_value(max_surge, replicas, True)
    unavailable = scaled_value(max_unavailable, replicas, False)
    if surge is None or unavailable is None:
        return Fenceposts(0, 0, valid=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Fenceposts(surge, min(unavailable, replicas))


def _tied(weight: int, max_weight: int, total: int) -> bool:
    """Whether rounding up and down come equally near (`floorCeilingTied`); floats, as upstream."""
    return math.modf(float(total) * (float(weight) / float(max_weight)))[0] == 0.5


def _candidates(replicas: int, weight: int, surge: int, max_weight: int) -> list[tuple[int, int]]:
    """(canary pods, all pods) that upstream weighs against each other, in its order."""
    exact = float(replicas * weight) / float(max_weight)
    up, down = math.ceil(exact), math.floor(exact)
    zero_allowed = weight in (0, max_weight) or (replicas == 1 and surge == 0)
    options: list[tuple[int, int]] = []
    if up < replicas or zero_allowed:
        options.append((up, replicas))
    if not _tied(weight, max_weight, replicas) and (down != 0 or zero_allowed):
        options.append((down, replicas))
    if surge > 0:
        options.append((up, replicas + 1))
        if not _tied(weight, max_weight, replicas + 1) and (down != 0 or zero_allowed):
            options.append((down, replicas + 1))
    return options


def basic_target(replicas: int, weight: int, surge: int, max_weight: int = 100) -> Counts:
    """The pods a canary without traffic routing aims at (`approximateWeightedCanaryStableReplicaCounts`).

    `replicas` pods in all, or one more where `surge` allows it, nearest to `weight` out of `max_weight`.
    Without a candidate the canary gets 0 pods, which is upstream's fault (see `collapses`). A `max_weight`
    that is not positive, by which upstream divides, counts as weight 0.
    """
    if replicas <= 0:
        return Counts(0, 0)
    if max_weight <= 0:
        return Counts(0, replicas)
    best: tuple[int, int] | None = None
    nearest = math.inf
    for canary, total in _candidates(replicas, weight, surge, max_weight):
        distance = abs(float(canary * max_weight) / float(total) - float(weight))
        if best is None or distance < nearest:
            best, nearest = (canary, total), distance
    if best is None:
        return Counts(0, replicas)
    return Counts(best[0], best[1] - best[0])


def collapses(replicas: int, weight: int, surge: int, max_weight: int = 100) -> bool:
    """Whether `setWeight: weight` removes every canary pod because upstream finds no candidate at all.

    With `maxWeight` 100 this is surge 0 and (replicas, weight) one of (2, 75), (5, 90), (10, 95), (25, 98),
    (50, 99).
    """
    return replicas > 0 and max_weight > 0 and not _candidates(replicas, weight, surge, max_weight)


def _scale_down_pool(replica_set: ReplicaSet | None, ignore_availability: bool) -> int:
    """`GetReplicasForScaleDown`: pods that may count when something is scaled down."""
    if replica_set is None:
        return 0
    if ignore_availability:
        return replica_set.replicas
    return min(replica_set.replicas, replica_set.available)


def _within_limits(
    drained: ReplicaSet | None, other: ReplicaSet | None, counts: tuple[int, int], most: int, least: int
) -> tuple[int, int]:
    """`adjustReplicaWithinLimits`: (drained, other) pods, at most `most` and with `least` available."""
    drained_count, other_count = counts
    if other is None:
        return counts
    available = min(drained.available, drained_count) if drained else 0
    other_count -= max(0, other_count + drained_count - most)
    available += min(other.available, other_count)
    spare = max(0, other.available - other_count)
    other_count += min(spare, max(0, least - available))
    drained_count -= max(0, other_count + drained_count - most)
    return drained_count, other_count


def basic_reconcile(
    target: Counts,
    replicas: int,
    posts: Fenceposts,
    canary: ReplicaSet | None,
    stable: ReplicaSet | None,
    older: int = 0,
) -> Counts:
    """The pods one reconciliation asks for on the way to `target` (`CalculateReplicaCountsForBasicCanary`).

    `stable` is `None` where there is no stable ReplicaSet besides the canary's; then everything goes to the
    canary. `older` counts the pods that other ReplicaSets ask for: while there are any, nothing is scaled
    down here.
    """
    if stable is None:
        target = Counts(replicas, 0)
    most = replicas + posts.surge
    room = most - older - (canary.replicas if canary else 0) - (stable.replicas if stable else 0)
    canary_count = canary.replicas if canary else 0
    stable_count = stable.replicas if stable else 0
    if stable is not None and stable.replicas < target.stable and room > 0:
        stable_count = min(stable.replicas + room, target.stable)
        room -= stable_count - stable.replicas
    if canary is not None and canary.replicas < target.canary and room > 0:
        canary_count = min(canary.replicas + room, target.canary)
    if older > 0:
        return Counts(canary_count, stable_count)
    least = replicas - posts.unavailable
    growing = canary is None or target.canary >= canary.replicas
    surplus = _scale_down_pool(canary, not growing) + _scale_down_pool(stable, growing) - least
    if surplus <= 0:
        return Counts(canary_count, stable_count)
    if not growing:
        if canary is not None and canary.replicas > target.canary:
            canary_count = max(target.canary, canary.replicas - surplus)
        return Counts(*_within_limits(canary, stable, (canary_count, stable_count), most, least))
    if stable is not None:
        if stable.replicas > target.stable:
            stable_count = max(target.stable, stable.replicas - surplus)
        drained, grown = _within_limits(stable, canary, (stable_count, canary_count), most, least)
        return Counts(grown, drained)
    return Counts(canary_count, stable_count)


def basic_counts(
    replicas: int, weight: int, max_surge: object, max_unavailable: object, max_weight: int = 100
) -> Counts | None:
    """Where a canary without traffic routing comes to rest at `weight` when all its pods become available.

    Reconciling reaches `basic_target` from any start, with one exception: an unreadable surge value
    (`"abc"`, `"12.5%"`) leaves no room to add or remove a pod, so that all pods stay stable. `None` for
    negative values, whose outcome is not modelled.
    """
    posts = fenceposts(max_surge, max_unavailable, replicas)
    if replicas < 0 or weight < 0 or posts.surge < 0 or posts.unavailable < 0:
        return None
    if not posts.valid:
        return Counts(0, replicas)
    return basic_target(replicas, weight, posts.surge, max_weight)


def real_share(replicas: object, weight: object, max_surge: object, max_unavailable: object) -> Fraction | None:
    """The share of pods, and so about of traffic, that a basic canary really has at `setWeight: weight`.

    Manifest values in; `Fraction(1, 4)` for 3 replicas and weight 5. `None` where there are no pods or the
    values are not what the API takes. Surge and unavailable may be `None` (absent).
    """
    pods, share = int32(replicas), int32(weight)
    if pods is None or share is None or pods <= 0 or not 0 <= share <= 100:
        return None
    counts = basic_counts(pods, share, max_surge, max_unavailable)
    if counts is None or sum(counts) <= 0:
        return None
    return Fraction(counts.canary, sum(counts))


def weight_to_replicas(replicas: int, weight: int, max_weight: int = 100) -> int:
    """Pods for `weight` of `max_weight`, rounded up (`trafficWeightToReplicas`); 0 for a bad maximum."""
    if max_weight <= 0:
        return 0
    return math.ceil(float(weight) * float(replicas) / float(max_weight))


def _at_least(count: int, min_pods: int | None, replicas: int) -> int:
    """`CheckMinPodsPerReplicaSet`: never between 0 and `minPodsPerReplicaSet`, which `replicas` caps."""
    return count if count == 0 or min_pods is None else max(count, min(min_pods, replicas))


def traffic_routed_counts(
    replicas: int,
    weight: int,
    *,
    scale: CanaryScale | None = None,
    dynamic_stable: bool = False,
    min_pods: int | None = None,
    current: Weights | None = None,
    aborted: bool = False,
    max_weight: int = 100,
) -> Counts:
    """Pods of a canary with traffic routing (`CalculateReplicaCountsForTrafficRoutedCanary`).

    `weight` is the desired traffic weight; `scale` what `setCanaryScale` puts in its place. Surge and
    unavailable do not matter here. Without `dynamic_stable` the stable ReplicaSet keeps all its pods; with
    it, it keeps what the higher of its desired and its `current` weight needs (an explicit pod count counts
    as weight 0).
    """
    if scale is not None and scale.replicas is not None:
        canary, weight = scale.replicas, 0
    else:
        if scale is not None and scale.weight is not None:
            weight = scale.weight
        canary = _at_least(weight_to_replicas(replicas, weight, max_weight), min_pods, replicas)
    if not dynamic_stable:
        return Counts(canary, replicas)
    stable = weight_to_replicas(replicas, max_weight - weight, max_weight)
    if current is not None:
        stable = max(stable, weight_to_replicas(replicas, current.stable, max_weight))
        if aborted:
            canary = max(canary, weight_to_replicas(replicas, current.canary, max_weight))
    return Counts(_at_least(canary, min_pods, replicas), _at_least(stable, min_pods, replicas))


def desired_weight(steps: Sequence[object], index: int, max_weight: int = 100) -> int | None:
    """The weight in force while step `index` runs (`GetCurrentSetWeight`): the last `setWeight` up to it,
    else 0.

    Past the last step, or without steps, it is `max_weight`. `None` where a step is malformed.
    """
    if index >= len(steps):
        return max_weight
    for step in reversed(steps[: index + 1]):
        if not isinstance(step, dict):
            return None
        weight = step.get("setWeight")
        if weight is not None:
            return int32(weight)
    return 0


def canary_scale(steps: Sequence[object], index: int) -> CanaryScale | None:
    """The `setCanaryScale` in force while step `index` runs (`UseSetCanaryScale`), or `None` where weights
    decide.

    It lasts until another one, a `matchTrafficWeight: true`, or the end of the steps. Only traffic routing
    heeds it. A malformed one is taken as none.
    """
    if index >= len(steps):
        return None
    for step in reversed(steps[: index + 1]):
        scale = step.get("setCanaryScale") if isinstance(step, dict) else None
        if scale is None:
            continue
        if not isinstance(scale, dict) or scale.get("matchTrafficWeight") is True:
            return None
        found = CanaryScale(int32(scale.get("replicas")), int32(scale.get("weight")))
        return None if found == (None, None) else found
    return None


def pods_needed(threshold: object, desired: int) -> int | None:
    """How many available canary pods count as `desired` ones (`ReplicaProgressThresholdMet`, canary.go).

    `threshold` is `replicaProgressThreshold` (since 1.9) as written, `None` where there is none. Any type but `Percent`
    counts pods, and can ask for more than are desired: then the step never ends. `None` where the value is malformed.
    """
    if threshold is None:
        return desired
    if not isinstance(threshold, dict):
        return None
    kind, value = threshold.get("type"), int32(threshold.get("value"))
    if not isinstance(kind, str) or filled_later(kind) or value is None:
        return None
    if value < 0:
        return desired
    return math.ceil(Fraction(desired * value, 100)) if kind == "Percent" else value
