"""The history behind an ending that the search has found: which letters lead there, to be played step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from rolloutlint.controllers.analysis_run import Outcome, RunPhase
from rolloutlint.simulate.explore import Exploration, Reached, StageWays
from rolloutlint.simulate.plan import Analysed, Person, Plan, Run, runs_of
from rolloutlint.simulate.player import Answers, Asked, Walk, play
from rolloutlint.simulate.run_paths import Histories, RunWays, during, fallen, passed
from rolloutlint.simulate.times import Costs, Times, all_times, ticks

Letters: TypeAlias = "dict[tuple[int, int, int], str]"
"""Stage (-1: the background analysis), run in the stage, metric in the run -> its measurements."""

BESIDE = -1


class Leg(NamedTuple):
    """A stage on the way: how long it lasts, and the successful measurements in it."""

    stage: int
    ticks: int
    cost: int


def walk_to(plan: Plan, found: Exploration, ending: Reached) -> Walk | None:
    """The earliest walk to an ending; to a promotion the one with the fewest successful measurements.

    `None` where nobody can say how it goes, because an analysis of which nothing is known takes part in it.
    """
    try:
        letters, unattended = _letters(plan, found, ending)
    except ValueError:
        return None
    walk = play(plan, answers(plan, letters), unattended=unattended)
    phases: set[RunPhase | None] = {cause.phase for cause in walk.causes} or {None}
    return walk if (walk.kind, walk.stage) == (ending.kind, ending.stage) and ending.phase in phases else None


def answers(plan: Plan, letters: Mapping[tuple[int, int, int], str]) -> Answers:
    """What each measurement gives when the metrics go through these histories, and are well after them."""
    runs: dict[int, Sequence[Run]] = {index: runs_of(stage) for index, stage in enumerate(plan.stages)}

    def answer(asked: Asked) -> Outcome:
        beside = asked.run is plan.background
        stage = BESIDE if beside else asked.stage
        run = 0 if beside else next(i for i, run in enumerate(runs[stage]) if run is asked.run)
        metric = next(i for i, metric in enumerate(asked.run.metrics) if metric is asked.metric)
        history = letters.get((stage, run, metric), "")
        if asked.number < len(history):
            return history[asked.number]  # type: ignore[return-value]
        return well(asked.metric.outcomes)

    return answer


def well(outcomes: str) -> Outcome:
    """What a metric gives of a healthy version: a success, if it can."""
    return "S" if "S" in outcomes else outcomes[0]  # type: ignore[return-value]


def _letters(plan: Plan, found: Exploration, ending: Reached) -> tuple[Letters, int | None]:
    """The histories that lead to an ending. Raises `ValueError` where there is none to be found."""
    letters: Letters = {}
    last = len(plan.stages) if ending.stage is None else ending.stage
    background = found.background if last >= plan.background_from else None
    worst: RunPhase = "Inconclusive" if ending.phase == "Inconclusive" else "Failed"
    start = plan.background_from if background is not None else 0
    clock = ending.times.first
    arrivals = found.arrivals
    if start:
        by_time = {times.first: cost for cost, times in sorted(found.origin.items(), reverse=True)}
        begin = min(by_time) if ending.kind != "promoted" else found.origin[min(found.origin)].first
        head = [*arrivals[:start], found.origin]
        _pass(letters, plan, found, _legs(head, found.stages, 0, start, begin, by_time[begin]))
    if ending.kind == "promoted":
        cost, clock = _cheapest_end(found)
        _pass(letters, plan, found, _legs(arrivals[start:], found.stages, start, last, clock, cost))
        _beside(letters, background, clock, worst)
        return letters, None
    stage = found.stages[last]
    reached = arrivals[last]
    if ending.run is not None and ending.fall is not None and ending.run is not background:
        at, lasted = _split(all_times(reached), ending.fall.times, clock)
        number = next(i for i, run in enumerate(stage.runs) if run is ending.run)
        _put(letters, last, number, fallen(ending.run, ending.fall, lasted))
        for other, run in enumerate(stage.runs):
            if other != number:
                _put(letters, last, other, during(run, lasted, worst))
        _beside(letters, background, clock, worst)
    elif ending.run is not None and ending.fall is not None:
        at = _arrival(all_times(reached), stage, clock)
        for number, run in enumerate(stage.runs):
            _put(letters, last, number, during(run, clock - at, worst, unfinished=True))
        _put(letters, BESIDE, 0, fallen(ending.run, ending.fall, clock))
    else:
        at = clock
        if not (stage.endless and clock in all_times(reached)):
            at, lasted = _split(all_times(reached), stage.stalls, clock)
            for number, run in enumerate(stage.runs):
                ended = run.run.required
                _put(letters, last, number, passed(run, lasted) if ended else during(run, lasted, unfinished=True))
        _beside(letters, background, clock, worst)
    cost = next(cost for cost, times in reached.items() if at in times)
    _pass(letters, plan, found, _legs(arrivals[start:], found.stages, start, last, at, cost))
    return letters, last if isinstance(plan.stages[last].wait, Person) else None


def _cheapest_end(found: Exploration) -> tuple[int, int]:
    """The cost in the stages, and the time, of the promotion with the fewest successes; the earliest of several."""
    best: tuple[int, int, int] | None = None
    for cost, times in found.arrivals[-1].items():
        moments = sorted({*ticks(times), *(() if times.open is None else (times.open,))})
        beside = [0] * len(moments) if found.background is None else found.background.evidence(moments)
        for moment, more in zip(moments, beside, strict=True):
            best = min(best or (cost + more, moment, cost), (cost + more, moment, cost))
    if best is None:
        raise ValueError("no way to promotion")
    return best[2], best[1]


def _beside(letters: Letters, background: RunWays | None, clock: int, worst: RunPhase) -> None:
    """Let the background analysis not be bad before `clock`."""
    if background is not None:
        _put(letters, BESIDE, 0, during(background, clock, worst))


def _put(letters: Letters, stage: int, run: int, histories: Histories) -> None:
    for metric, history in histories.items():
        letters[stage, run, metric] = history


def _pass(letters: Letters, plan: Plan, found: Exploration, legs: Iterator[Leg]) -> None:
    """Let the analyses of the stages on the way succeed as the legs say."""
    for leg in legs:
        runs = found.stages[leg.stage].runs
        if isinstance(plan.stages[leg.stage].wait, Analysed):
            _put(letters, leg.stage, 0, passed(runs[0], leg.ticks))
            continue
        needed = [number for number, run in enumerate(runs) if run.run.required]
        ends = [_latest_of_cheapest(run, leg.ticks) if needed else None for run in runs]
        if needed and all(ends[number] != leg.ticks for number in needed):
            last = next(n for n in needed if leg.ticks in all_times(runs[n].success))
            ends[last] = leg.ticks
        for number, (run, end) in enumerate(zip(runs, ends, strict=True)):
            _put(letters, leg.stage, number, during(run, leg.ticks) if end is None else passed(run, end))


def _latest_of_cheapest(run: RunWays, tick: int) -> int | None:
    """When an analysis of an Experiment has succeeded with the fewest successes by `tick`; `None` where it runs on."""
    for _, times in sorted(run.success.items()):
        ended = [moment for moment in ticks(times) if moment <= tick]
        if ended:
            return max(ended)
    return None


def _legs(
    arrivals: Sequence[Costs], stages: Sequence[StageWays], first: int, last: int, clock: int, cost: int
) -> Iterator[Leg]:
    """The stages from `first` to before `last`, last one first, of a way that reaches `last` at `clock` with `cost`."""
    for index in range(last - 1, first - 1, -1):
        leg = _leg(arrivals[index - first], stages[index].onward, clock, cost)
        if leg is None:
            raise ValueError(f"no way to stage {index + 1} at {clock}")
        yield Leg(index, *leg)
        clock -= leg[0]
        cost -= leg[1]


def _leg(before: Costs, onward: Costs, clock: int, cost: int) -> tuple[int, int] | None:
    for own, lengths in onward.items():
        times = before.get(cost - own)
        if times is None:
            continue
        try:
            at, length = _split(times, lengths, clock)
        except ValueError:
            continue
        assert at + length == clock
        return length, own
    return None


def _split(starts: Times, lengths: Times, clock: int) -> tuple[int, int]:
    """A start and a length that make `clock`; people and what is unknown take as little as they can."""
    for length in ticks(lengths):
        if clock - length in starts:
            return clock - length, length
    if lengths.open is not None and starts:
        limit = clock - lengths.open
        before = [tick for tick in ticks(starts) if tick <= limit]
        if starts.open is not None and starts.open <= limit:
            before.append(limit)
        if before:
            return max(before), clock - max(before)
    raise ValueError("no such start")


def _arrival(reached: Times, stage: StageWays, clock: int) -> int:
    """When the stage was reached in which the rollout is at `clock`."""
    earlier = [tick for tick in ticks(reached) if tick < clock] or [tick for tick in ticks(reached) if tick == clock]
    if reached.open is not None and reached.open <= clock:
        earlier.append(max(reached.open, clock - 1))
    longest = stage.longest
    fitting = [tick for tick in earlier if longest is None or clock - tick <= longest]
    if not fitting:
        raise ValueError("no such stay")
    return max(fitting)
