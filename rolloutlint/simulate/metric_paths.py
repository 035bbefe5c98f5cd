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

MOST_STATES: Final = 50_000
MOST_STEPS: Final = 1_000_000
"""Merged states of a metric, and states over time; what has more is not explored."""

Came: TypeAlias = "tuple[int, int, Outcome]"
"""The time and the state before a measurement, and what it gave."""


class TooLargeError(Exception):
    """The search would take too long."""


class Step(NamedTuple):
    """What an outcome does to a merged state."""

    outcome: Outcome
    success: int
    """1 for a success, else 0."""
    follow: int
    """The next state; -1 where it ends."""
    phase: RunPhase | None
    """The phase in which it ends."""


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
    """Between which measurements it can be, by start."""
    ends: Mapping[tuple[int, RunPhase], Came]
    """Time and phase of an end -> the last measurement of the cheapest history that ends so."""
    layers: Mapping[int, Mapping[int, int]]
    """Time of a measurement -> the states before it, with the successes that each needs."""
    automaton: Sequence[Sequence[Step]]
    """State -> what each outcome does to it."""
    retry: int
    interval: int
    """Ticks until the next measurement, after an Error and otherwise."""

    def alive(self, tick: int) -> bool:
        """Whether it can be not bad through `tick`."""
        return self.death is None or tick < self.death

    def bad_at(self, tick: int, worst: RunPhase) -> bool:
        """Whether it can turn bad at `tick`, no worse than `worst`."""
        most = SEVERITY.index(worst)
        return any(tick in times for phase, times in self.bad.items() if SEVERITY.index(phase) <= most)


def _automaton(spec: MetricSpec, outcomes: str) -> Sequence[Sequence[Step]]:
    """The merged states of a metric, the first one first: for each, what each outcome does."""
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
    automaton: list[list[Step]] = []
    for state in waiting:
        steps = []
        for letter in outcomes:
            outcome: Outcome = letter  # type: ignore[assignment]
            after = recorded(state, outcome, 0)
            phase = assessed(bounds, after, False)
            if phase in COMPLETED:
                steps.append(Step(outcome, outcome == "S", -1, phase))
                continue
            key = merged(after)
            if key not in numbers:
                numbers[key] = len(numbers)
                waiting.append(key)
                if len(numbers) > MOST_STATES:
                    raise TooLargeError
            steps.append(Step(outcome, outcome == "S", numbers[key], None))
        automaton.append(steps)
    return automaton


def ways(spec: MetricSpec, outcomes: str, tick: int, horizon: int) -> Ways:
    """What a metric can do when each measurement gives one of the letters `outcomes`.

    `tick` nanoseconds are one unit of time and divide every duration of `spec`; histories are followed to `horizon`,
    in ticks. Raises `TooLargeError` where that would take too long.
    """
    automaton = _automaton(spec, outcomes)
    retry = RETRY // tick
    # without an interval a second measurement is refused by ValidateMetrics; upstream would never come to it
    interval = horizon + 1 if spec.interval is None else spec.interval // tick
    first = spec.delay // tick
    frontier: dict[int, dict[int, int]] = {first: {0: 0}}
    layers: dict[int, Mapping[int, int]] = {}
    times = [first]
    done: dict[int, int] = {}
    bad: dict[RunPhase, int] = {}
    ends: dict[tuple[int, RunPhase], Came] = {}
    gaps = [Gap(0, first, 0, None)] if first else []
    endless, work, last_bad = False, 0, -1
    while times:
        now = heapq.heappop(times)
        states = layers[now] = frontier.pop(now)
        if now > horizon:
            endless = True
            continue
        again = frontier.get(now + retry, {})
        onward = again if retry == interval else frontier.get(now + interval, {})
        soon: Came | None = None
        late: Came | None = None
        soon_cost = late_cost = 0
        for state, cost in states.items():
            for step in automaton[state]:
                outcome, success, follow, phase = step
                spent = cost + success
                if phase is None:
                    bucket = again if outcome == "E" else onward
                    known = bucket.get(follow)
                    if known is not None and known <= spent:
                        continue
                    bucket[follow] = spent
                    if outcome == "E":
                        if soon is None or spent < soon_cost:
                            soon, soon_cost = (now, state, outcome), spent
                    elif late is None or spent < late_cost:
                        late, late_cost = (now, state, outcome), spent
                elif phase in BAD:
                    if (now, phase) not in ends:
                        bad[phase] = bad.get(phase, 0) | 1 << now
                        ends[now, phase] = now, state, outcome
                        last_bad = now
                elif now not in done or spent < done[now]:
                    done[now] = spent
                    ends[now, phase] = now, state, outcome
        following = ((soon, soon_cost, now + retry, again), (late, late_cost, now + interval, onward))
        for came, cost, later, bucket in following:
            if came is not None:
                gaps.append(Gap(now, later, cost, came))
                if later not in frontier:
                    frontier[later] = bucket
                    heapq.heappush(times, later)
        work += len(states)
        if work > MOST_STEPS:
            raise TooLargeError
    return Ways(
        done=done,
        bad={phase: Times(mask, horizon + 1 if endless else None) for phase, mask in bad.items()},
        death=None if done or endless else last_bad,
        endless=endless,
        waiting=tuple(gaps),
        layers=layers,
        ends=ends,
        automaton=automaton,
        retry=retry,
        interval=interval,
    )


def history(found: Ways, end: Came) -> str:
    """The letters of the cheapest history that ends with the measurement `end`."""
    letters = [end[2]]
    now, state = end[0], end[1]
    cost = found.layers[now][state]
    while (before := _before(found, now, state, cost)) is not None:
        now, state, outcome = before
        cost = found.layers[now][state]
        letters.append(outcome)
    return "".join(reversed(letters))


def _before(found: Ways, now: int, state: int, cost: int) -> Came | None:
    """A measurement that leads to a state at a time at its cost; `None` for the first."""
    for wait in (found.interval, found.retry):
        for origin, paid in found.layers.get(now - wait, {}).items():
            for step in found.automaton[origin]:
                took = found.retry if step.outcome == "E" else found.interval
                if step.follow == state and took == wait and paid + step.success == cost:
                    return now - wait, origin, step.outcome
    return None


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
