"""How many pods an update has, and what share of the traffic that makes, whatever the number of replicas may be.

The mathematics are `controllers.replicas`; here they are asked for every number of replicas that an autoscaler or a
placeholder leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from rolloutlint.controllers.replicas import CanaryScale, Counts, Weights, basic_counts, traffic_routed_counts
from rolloutlint.graph import World
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.model import Autoscaler, Rollout
from rolloutlint.model.resource import Resource
from rolloutlint.simulate.plan import EVERYTHING, NOTHING, Pods, Share, Span

CAP = 1_000
"""Numbers of replicas that are looked at where more are possible."""

ANY_SHARE = Share(NOTHING.least, EVERYTHING.most)


class Row(NamedTuple):
    """The pods for every number of replicas that is looked at."""

    counts: tuple[Counts | None, ...]
    """`None` where something else than the replicas is not known."""
    pods: Pods
    """Each number where it is the same for all of them."""
    by_pods: Share
    """The part of the pods that the canary has: its share where no router decides."""


def replicas_of(world: World, rollout: Rollout) -> Span:
    """The pods that the Rollout has: as written, or between the bounds of its autoscalers."""
    scalers = world.autoscalers(rollout.resource)
    if scalers:
        return _scaled(world, scalers)
    if world.patched(rollout.resource, ("spec", "replicas")):
        return Span(1, None, ("`spec.replicas` is changed by a kustomization",))
    written = rollout.spec.get("replicas")
    if written is None:
        return Span(1, 1)
    number = int32(written)
    if number is None:
        return Span(1, None, ("`spec.replicas` is filled in later",))
    return Span(max(0, number), max(0, number))


def _scaled(world: World, scalers: Iterable[Resource]) -> Span:
    """Between the least and the most of all autoscalers that may scale it."""
    least: list[int] = []
    most: list[int | None] = []
    names: list[str] = []
    for scaler in scalers:
        view = world.view(scaler)
        assert isinstance(view, Autoscaler)
        keda = scaler.id.kind == "ScaledObject"
        fields = ("minReplicaCount", "maxReplicaCount") if keda else ("minReplicas", "maxReplicas")
        lowest, highest = (view.spec.get(field) for field in fields)
        if world.patched(scaler, ("spec",)):
            lowest = highest = ""
        default = 0 if keda else 1
        least.append(default if lowest is None else max(0, int32(lowest) or 0))
        most.append(100 if keda and highest is None else int32(highest))
        names.append(f"{scaler.id.kind} `{scaler.id.name}`")
    bounded = [number for number in most if number is not None]
    end = max(bounded) if len(bounded) == len(most) else None
    low = min(least) if end is None else min(*least, end)
    limits = f"between {low} and {end} pods" if end is not None else f"to {low} pods or more"
    return Span(low, end, () if low == end else (f"{' or '.join(names)} scales it {limits}",))


def range_of(replicas: Span) -> tuple[int, int]:
    """The least and the greatest number of replicas to be looked at."""
    last = replicas.least + CAP - 1
    return replicas.least, last if replicas.most is None else max(replicas.least, min(replicas.most, last))


def row_over(values: Iterable[int], count: Callable[[int], Counts | None]) -> Row:
    """What `count`, replicas -> pods, says for each of the values."""
    counts = tuple([count(number) for number in values])
    return Row(counts, _pods(counts), share_over(counts, pod_share))


def _pods(counts: Sequence[Counts | None]) -> Pods:
    """The pods, each number `None` where it differs or is not known."""
    found = set(counts)
    canary = {None if each is None else each.canary for each in found}
    stable = {None if each is None else each.stable for each in found}
    return Pods(canary.pop() if len(canary) == 1 else None, stable.pop() if len(stable) == 1 else None)


def share_over(counts: Iterable[Counts | None], share: Callable[[Counts], Fraction]) -> Share:
    """The bounds of the share that the pods make."""
    shares: list[Fraction] = []
    for each in set(counts):
        if each is None:
            return ANY_SHARE
        shares.append(share(each))
    return Share(min(shares), max(shares))


def pod_share(counts: Counts) -> Fraction:
    """The share of a version that gets traffic by its pods alone."""
    total = sum(counts)
    return Fraction(counts.canary, total) if total > 0 and counts.canary > 0 else NOTHING.least


@lru_cache(maxsize=256)
def basic_row(least: int, most: int, weight: int, surge: int | str | None, unavailable: int | str | None) -> Row:
    """The pods of a canary without traffic routing for `least` to `most` replicas; remembered, for many are alike."""
    if filled_later(surge) or filled_later(unavailable):
        return row_over(range(least, most + 1), lambda _: None)
    return row_over(range(least, most + 1), lambda number: basic_counts(number, weight, surge, unavailable))


@lru_cache(maxsize=256)
def routed_row(
    least: int,
    most: int,
    weight: int,
    scale: CanaryScale | None,
    current: Weights | None,
    dynamic_stable: bool,
    min_pods: int | None,
    max_weight: int,
) -> Row:
    """The same for a canary with traffic routing; see `traffic_routed_counts`."""
    return row_over(
        range(least, most + 1),
        lambda number: traffic_routed_counts(
            number,
            weight,
            scale=scale,
            dynamic_stable=dynamic_stable,
            min_pods=min_pods,
            current=current,
            max_weight=max_weight,
        ),
    )
