"""Everything an AnalysisRun, or the runs of an Experiment, can do: the ways of their metrics joined over time.

Until a metric turns bad each keeps its own clock, so a run can end at a time exactly where its metrics, each alone, can
be as they must be then: the one that ends it bad, the others not bad before. A joint search over all metrics finds the
same endings (tests hold the two equal) and takes the product of their states instead of the sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from rolloutlint.controllers.analysis_run import BAD, SEVERITY, MetricSpec, RunPhase
from rolloutlint.simulate.metric_paths import (
    Ways,
    all_ends,
    evidence,
    history,
    least_by,
    prefix_least,
    quiet,
    ways,
)
from rolloutlint.simulate.plan import Metric, Run
from rolloutlint.simulate.times import AT_ONCE, NEVER, Costs, Times, at, cheapest, since, ticks, union, until

ABORTING: Final = frozenset[RunPhase](("Failed", "Error"))

Histories: TypeAlias = Mapping[int, str]
"""Index of a metric in its run -> the letters of its measurements."""


class Fall(NamedTuple):
    """One way for a run to end badly."""

    metric: int | None
    """Index of the metric that turns bad; `None` where it is the run itself, or nobody knows."""
    phase: RunPhase | None
    """`None` where nothing is known of the metric."""
    times: Times


class RunWays(NamedTuple):
    """What a run can do, in ticks from its start."""

    run: Run
    ways: tuple[Ways | None, ...]
    """By metric; `None` where nothing is known of it."""
    success: Costs
    """Successful measurements -> when the run can be Successful with so few."""
    falls: tuple[Fall, ...]
    death: int | None
    """The time at which it has ended badly at the latest; `None` where it need not."""

    def falling(self, phases: frozenset[RunPhase]) -> Times:
        """When it can end with one of `phases`."""
        found = NEVER
        for fall in self.falls:
            if fall.phase in phases:
                found = union(found, fall.times)
        return found

    @property
    def endless(self) -> bool:
        """Whether it can go on for ever."""
        return self.death is None and any(one is not None and one.endless for one in self.ways)

    def longest(self) -> int | None:
        """How long it can last, `None` without end."""
        if self.death is not None:
            return self.death
        found = NEVER
        for times in (*self.success.values(), *(fall.times for fall in self.falls)):
            found = union(found, times)
        return None if self.endless or not found else found.last

    def evidence(self, moments: Sequence[int]) -> list[int]:
        """For each of `moments` (ascending) the smallest number of successes of a run not bad through it."""
        totals = [0] * len(moments)
        for metric, found in zip(self.run.metrics, self.ways, strict=True):
            if found is not None and not metric.dry_run:
                totals = [total + cost for total, cost in zip(totals, evidence(found, moments), strict=True)]
        return totals


@lru_cache(maxsize=256)
def _ways(spec: MetricSpec, outcomes: str, tick: int, horizon: int) -> Ways:
    return ways(spec, outcomes, tick, horizon)


def run_ways(run: Run, tick: int, horizon: int) -> RunWays:
    """What a run can do. Raises `metric_paths.TooLargeError`."""
    if run.fault:
        return RunWays(run, (), {}, (Fall(None, "Error", AT_ONCE),), 0)
    found = tuple(_of(metric, tick, horizon) for metric in run.metrics)
    opaque = bool(run.unknown) or any(one is None for one in found)
    falls = tuple(_falls(run, found))
    if opaque:
        falls += tuple(Fall(index, None, since(0)) for index, one in enumerate(found) if one is None) or (
            Fall(None, None, since(0)),
        )
    counting = [one for metric, one in zip(run.metrics, found, strict=True) if one is not None and not metric.dry_run]
    deaths = [one.death for one in counting if one.death is not None]
    return RunWays(run, found, _success(run, found, opaque), falls, min(deaths, default=None))


def _of(metric: Metric, tick: int, horizon: int) -> Ways | None:
    if metric.spec is None:
        return None
    return _ways(metric.spec._replace(name=""), metric.outcomes, tick, horizon)


def _success(run: Run, found: Sequence[Ways | None], opaque: bool) -> Costs:
    """When every metric can have ended, those that count Successful, with how few successes."""
    ends = [_moments(metric, one) for metric, one in zip(run.metrics, found, strict=True) if one is not None]
    tables = [prefix_least(one) for one in ends]
    costs: dict[int, Times] = {}
    if not ends:
        return {0: since(0)} if opaque else {}
    for moment in sorted({moment for one in ends for moment in one}):
        least = [least_by(table, moment) for table in tables]
        known = [cost for cost in least if cost is not None]
        if len(known) < len(least):
            continue
        total = sum(known)
        cost = min(total - most + one[moment] for one, most in zip(ends, known, strict=True) if moment in one)
        costs[cost] = union(costs.get(cost, NEVER), since(moment) if opaque else at(moment))
    return cheapest(costs)


def _moments(metric: Metric, found: Ways) -> Mapping[int, int]:
    """When a metric can have ended as its run wants it, with how few successes that count."""
    return dict.fromkeys(ticks(all_ends(found)), 0) if metric.dry_run else found.done


def _falls(run: Run, found: Sequence[Ways | None]) -> Iterator[Fall]:
    """The metrics that can end the run badly, and when."""
    for index, own in enumerate(found):
        if own is None or run.metrics[index].dry_run:
            continue
        others = [
            one
            for other, one in enumerate(found)
            if other != index and one is not None and not run.metrics[other].dry_run
        ]
        for phase, times in own.bad.items():
            possible = times
            for other in others:
                possible = _beside(possible, phase, other)
            if possible:
                yield Fall(index, phase, possible)


def _beside(times: Times, phase: RunPhase, other: Ways) -> Times:
    """Those of the times at which a run can end with `phase` as far as another metric goes: that is not bad before, and
    no worse at that moment."""
    if other.death is None:
        return times
    alive = until(times, other.death - 1)
    return union(alive, at(other.death)) if other.death in times and other.bad_at(other.death, phase) else alive


def fallen(found: RunWays, fall: Fall, tick: int) -> Histories:
    """Histories of the metrics with which the run ends as `fall` says at `tick`."""
    histories: dict[int, str] = {}
    for index, own in enumerate(found.ways):
        if own is None:
            continue
        metric = found.run.metrics[index]
        if index == fall.metric and fall.phase is not None:
            histories[index] = history(own, own.ends[tick, fall.phase])
        elif metric.dry_run:
            histories[index] = _anyhow(own, tick)
        elif own.alive(tick):
            histories[index] = quiet(own, tick)
        else:
            histories[index] = _bad_with(own, tick, fall.phase or "Failed")
    return histories


def passed(found: RunWays, tick: int) -> Histories:
    """Histories of the metrics with which the run is Successful at `tick`, with as few successes that count as can be.

    Raises `ValueError` where there are none.
    """
    indexed = [(index, own) for index, own in enumerate(found.ways) if own is not None]
    chosen: dict[int, int] = {}
    for index, own in indexed:
        moments = {m: c for m, c in _moments(found.run.metrics[index], own).items() if m <= tick}
        chosen[index] = min(moments, key=lambda m, moments=moments: (moments[m], m))  # type: ignore[misc]
    if indexed and all(moment != tick for moment in chosen.values()):
        costs = {index: _moments(found.run.metrics[index], own) for index, own in indexed}
        last = [index for index, own in indexed if tick in costs[index]]
        if last:
            chosen[min(last, key=lambda index: costs[index][tick] - costs[index][chosen[index]])] = tick
    return {index: _ended(own, chosen[index]) for index, own in indexed}


def _ended(own: Ways, tick: int) -> str:
    if tick in own.done:
        return history(own, own.ends[tick, "Successful"])
    return _bad_with(own, tick, "Failed")


def _anyhow(own: Ways, tick: int) -> str:
    """A history of a metric in dry run until `tick`, whatever it says."""
    if own.alive(tick):
        return quiet(own, tick)
    return _bad_with(own, own.death or 0, "Failed")


def _bad_with(own: Ways, tick: int, worst: RunPhase) -> str:
    for phase in SEVERITY[: SEVERITY.index(worst) + 1]:
        if phase in BAD and (tick, phase) in own.ends:
            return history(own, own.ends[tick, phase])
    raise ValueError(f"no history turns bad at {tick}")


def during(found: RunWays, tick: int, worst: RunPhase = "Failed", *, unfinished: bool = False) -> Histories:
    """Histories of the metrics of a run that is not bad before `tick`, with as few successes as can be.

    Where it cannot but turn bad at that moment, it does so with `worst` at the worst. An `unfinished` run is not
    Successful before that moment either.
    """
    histories: dict[int, str] = {}
    for index, own in enumerate(found.ways):
        if own is None:
            continue
        if found.run.metrics[index].dry_run:
            histories[index] = _anyhow(own, tick)
        else:
            histories[index] = quiet(own, tick) if own.alive(tick) else _bad_with(own, tick, worst)
    if unfinished:
        for index, own in enumerate(found.ways):
            text = None if own is None else _unfinished(own, tick)
            if text is not None:
                histories[index] = text
                break
    return histories


def _unfinished(own: Ways, tick: int) -> str | None:
    """A history that has not ended before `tick`; `None` where all have."""
    gaps = [gap for gap in own.waiting if gap.start <= tick < gap.end]
    if gaps:
        gap = min(gaps, key=lambda one: one.cost)
        return "" if gap.came is None else history(own, gap.came)
    return history(own, own.ends[tick, "Successful"]) if (tick, "Successful") in own.ends else None
