"""Everything one metric of an AnalysisRun can do: merged states over time.

A metric is measured on its own clock, whatever its siblings do, until one of them turns bad. So its histories can be
explored alone: all that agree on what still matters (measurements that count, failures, inconclusive ones, errors and
successes in a row) at one time are one state. What each measurement does to a state is asked of
`controllers.analysis_run`, once for each state.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from rolloutlint.controllers.analysis_run import (
    BAD,
    COMPLETED,
    RETRY,
    SEVERITY,
    MetricSpec,
    MetricState,
    Outcome,
    RunPhase,
    assessed,
    recorded,
)
from rolloutlint.simulate.times import Times, ticks

LIMIT: Final = 400_000
"""Steps of the search for one metric; what needs more is not explored."""

Came: TypeAlias = "tuple[int, int, Outcome]"
"""The time and the state before a measurement, and what it gave."""


class TooLargeError(Exception):
    """The search would take too long."""


class Gap(NamedTuple):
    """A metric between two measurements."""

    start: int
    end: int
    """When it is measured again."""
    cost: int
    """Its successful measurements until then, at least."""
    came: Came | None
    """The measurement at `start`; `None` before the first."""


class Ways(NamedTuple):
    """What a metric can do, in ticks from the start of its run."""

    done: Mapping[int, int]
    """When it can be Successful -> the smallest number of successful measurements for that."""
    bad: Mapping[RunPhase, Times]
    """Failed, Error, Inconclusive -> when it can turn so; beyond the horizon at any time, where it goes on."""
    death: int | None
    """The time at which every history has turned bad at the latest; `None` where some never do."""
    endless: bool
    """Whether some history never ends."""
    waiting: tuple[Gap, ...]
    """Between which measurements it can be, by start; each gap once, as cheap as it can be had."""
    origins: Mapping[tuple[int, int], Came]
    """Time and state -> how the cheapest history came there."""
    ends: Mapping[tuple[int, RunPhase], Came]
    """Time and phase of an end -> how the cheapest history came there."""

    def alive(self, tick: int) -> bool:
        """Whether it can be not bad through `tick`."""
        return self.death is None or tick < self.death

    def bad_at(self, tick: int, worst: RunPhase) -> bool:
        """Whether it can turn bad at `tick`, no worse than `worst`."""
        most = SEVERITY.index(worst)
        return any(tick in times for phase, times in self.bad.items() if SEVERITY.index(phase) <= most)


class _Automaton(NamedTuple):
    """The merged states of a metric: for each, what each outcome leads to."""

    steps: tuple[Mapping[Outcome, tuple[int, RunPhase | None]], ...]
    """State -> outcome -> (next state, or -1; phase if it ends there)."""


def _automaton(spec: MetricSpec, outcomes: str) -> _Automaton:
    bounds = spec.bounds
    finite = not math.isinf(bounds.measurements)

    def merged(state: MetricState) -> MetricState:
        return MetricState(
            measured=True,
            taken=state.taken if finite else 0,
            failed=state.failed if bounds.failure >= 0 else 0,
            inconclusive=state.inconclusive,
            errors=state.errors,
            successes=state.successes if bounds.success > 0 else 0,
        )

    numbers = {MetricState(): 0}
    waiting = [MetricState()]
    steps: list[dict[Outcome, tuple[int, RunPhase | None]]] = []
    for state in waiting:
        follow: dict[Outcome, tuple[int, RunPhase | None]] = {}
        for letter in outcomes:
            outcome: Outcome = letter  # type: ignore[assignment]
            after = recorded(state, outcome, 0)
            phase = assessed(bounds, after, False)
            if phase in COMPLETED:
                follow[outcome] = -1, phase
                continue
            key = merged(after)
            if key not in numbers:
                numbers[key] = len(numbers)
                waiting.append(key)
                if len(numbers) > LIMIT // 4:
                    raise TooLargeError
            follow[outcome] = numbers[key], None
        steps.append(follow)
    return _Automaton(tuple(steps))


def ways(spec: MetricSpec, outcomes: str, tick: int, horizon: int) -> Ways:
    """What a metric can do when each measurement gives one of the letters `outcomes`.

    `tick` nanoseconds are one unit of time and divide every duration of `spec`; histories are followed to `horizon`,
    in ticks. Raises `TooLargeError` where that would take too long.
    """
    automaton = _automaton(spec, outcomes)
    retry = RETRY // tick
    interval = None if spec.interval is None else spec.interval // tick
    first = spec.delay // tick
    frontier: dict[int, dict[int, int]] = {first: {0: 0}}
    times = [first]
    done: dict[int, int] = {}
    bad: dict[RunPhase, int] = {}
    origins: dict[tuple[int, int], Came] = {}
    ends: dict[tuple[int, RunPhase], Came] = {}
    gaps: dict[tuple[int, int], Gap] = {(0, first): Gap(0, first, 0, None)} if first else {}
    endless = False
    work = 0
    last_bad = -1
    while times:
        now = heapq.heappop(times)
        states = frontier.pop(now)
        if now > horizon:
            endless = True
            continue
        for state, cost in states.items():
            for outcome, (follow, phase) in automaton.steps[state].items():
                work += 1
                spent = cost + (outcome == "S")
                if phase is not None:
                    if phase in BAD:
                        bad[phase] = bad.get(phase, 0) | 1 << now
                        ends.setdefault((now, phase), (now, state, outcome))
                        last_bad = now
                    elif spent < done.get(now, spent + 1):
                        done[now] = spent
                        ends[now, phase] = now, state, outcome
                    continue
                wait = retry if outcome == "E" else interval
                if wait is None:  # refused by ValidateMetrics: more than one measurement and no interval
                    endless = True
                    wait = horizon + 1
                later = now + wait
                bucket = frontier.get(later)
                if bucket is None:
                    bucket = frontier[later] = {}
                    heapq.heappush(times, later)
                if spent < bucket.get(follow, spent + 1):
                    bucket[follow] = spent
                    origins[later, follow] = now, state, outcome
                gap = gaps.get((now, later))
                if gap is None or spent < gap.cost:
                    gaps[now, later] = Gap(now, later, spent, (now, state, outcome))
        if work > LIMIT:
            raise TooLargeError
    return Ways(
        done=done,
        bad={phase: Times(mask, horizon + 1 if endless else None) for phase, mask in bad.items()},
        death=None if done or endless else last_bad,
        endless=endless,
        waiting=tuple(gaps[key] for key in sorted(gaps)),
        origins=origins,
        ends=ends,
    )


def history(found: Ways, end: Came) -> str:
    """The letters of the cheapest history that ends with the measurement `end`."""
    letters: list[str] = [end[2]]
    key = end[0], end[1]
    while key in found.origins:
        before = found.origins[key]
        letters.append(before[2])
        key = before[0], before[1]
    return "".join(reversed(letters))


def quiet(found: Ways, tick: int) -> str:
    """The letters of a cheapest history that is not bad through `tick`, up to its last measurement until then.

    Raises `ValueError` where there is none.
    """
    ended = [(cost, at) for at, cost in found.done.items() if at <= tick]
    gaps = [gap for gap in found.waiting if gap.start <= tick < gap.end]
    gap = min(gaps, key=lambda one: one.cost, default=None)
    if gap is None or (ended and min(ended)[0] <= gap.cost):
        return history(found, found.ends[min(ended)[1], "Successful"])
    return "" if gap.came is None else history(found, gap.came)


def evidence(found: Ways, moments: Sequence[int]) -> list[int]:
    """For each of `moments` (ascending) the smallest number of successes of a history not bad through it.

    Raises `ValueError` where there is none.
    """
    ended = prefix_least(found.done)
    open_gaps: list[tuple[int, int]] = []
    following = 0
    costs: list[int] = []
    for moment in moments:
        while following < len(found.waiting) and found.waiting[following].start <= moment:
            gap = found.waiting[following]
            heapq.heappush(open_gaps, (gap.cost, gap.end))
            following += 1
        while open_gaps and open_gaps[0][1] <= moment:
            heapq.heappop(open_gaps)
        least = [cost for cost in (least_by(ended, moment),) if cost is not None]
        costs.append(min(least + [cost for cost, _ in open_gaps[:1]]))
    return costs


def prefix_least(ends: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Times ascending, and the smallest cost up to each."""
    moments = sorted(ends)
    least: list[int] = []
    for at in moments:
        least.append(min(ends[at], least[-1]) if least else ends[at])
    return moments, least


def least_by(table: tuple[list[int], list[int]], tick: int) -> int | None:
    """The smallest cost of an end at `tick` or before; `None` where there is none."""
    index = bisect_right(table[0], tick)
    return table[1][index - 1] if index else None


def all_ends(found: Ways) -> Times:
    """Every time at which it can end, in whatever phase."""
    mask = 0
    for at in found.done:
        mask |= 1 << at
    for times in found.bad.values():
        for one in ticks(times):
            mask |= 1 << one
    return Times(mask)
