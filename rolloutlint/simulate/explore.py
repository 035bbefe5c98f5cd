"""Every way in which a plan can end, without playing every history.

Stage by stage the set of times at which it can be reached is kept, with the smallest number of successful measurements
for each, and beside it what the background analysis can be at that time. The two meet only in time, so their sets are
joined and not multiplied. Durations that no manifest gives count with their lower bound; a person, and what is
unknown, can take any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import Final, NamedTuple

from rolloutlint.controllers.analysis_run import RETRY, SEVERITY, RunPhase
from rolloutlint.simulate.metric_paths import TooLargeError
from rolloutlint.simulate.plan import (
    Analysed,
    Experimented,
    External,
    Instant,
    Never,
    Person,
    Plan,
    Run,
    Scaling,
    Span,
    Stage,
    Timed,
)
from rolloutlint.simulate.result import EndingKind
from rolloutlint.simulate.run_paths import ABORTING, Fall, RunWays, run_ways
from rolloutlint.simulate.times import (
    AT_ONCE,
    NEVER,
    Costs,
    Times,
    added,
    all_times,
    at,
    between,
    both,
    cheapest,
    since,
    stretched,
    sums,
    ticks,
    union,
    until,
    without,
)

MOST_TICKS: Final = 2_000_000
"""How long a rollout may be, in ticks of its lattice, to be explored."""

INCONCLUSIVE: Final = frozenset[RunPhase](("Inconclusive",))


class StageWays(NamedTuple):
    """What a stage can do, in ticks from when it is reached."""

    runs: tuple[RunWays, ...]
    onward: Costs
    """Successful measurements -> how long it can take to complete with so few."""
    longest: int | None
    """How long it can last at most; `None` without end."""
    falls: tuple[tuple[RunWays, Fall], ...]
    """How its own analyses can end the rollout."""
    stalls: Times = NEVER
    """When its Experiment can be stuck for ever."""
    endless: bool = False
    """Whether nothing ends it, or analyses that go on for ever."""


class Reached(NamedTuple):
    """An ending as the search finds it."""

    kind: EndingKind
    phase: RunPhase | None
    run: RunWays | None
    fall: Fall | None
    stage: int | None
    """`None` for the promotion."""
    times: Times
    """When it can happen, in ticks from `origin`."""
    origin: Times
    """When the clock of `times` can start: at once, or with the background analysis."""
    people: int

    @property
    def least(self) -> int:
        """The earliest tick."""
        return self.times.first + self.origin.first

    @property
    def most(self) -> int | None:
        """The latest; `None` where there is none."""
        last, start = self.times.last, self.origin.last
        return None if last is None or start is None else last + start


class Exploration(NamedTuple):
    """What a search of a plan finds."""

    tick: int
    """Nanoseconds of one unit of time."""
    stages: tuple[StageWays, ...]
    arrivals: tuple[Costs, ...]
    """By stage, and at last for the promotion: successful measurements in its analyses -> when it can be reached, from
    the start or, once the background analysis runs, from its start."""
    origin: Costs
    """When the background analysis can start; at once where there is none."""
    background: RunWays | None
    endings: tuple[Reached, ...]
    evidence: int | None
    """The smallest number of successful measurements on any way to promotion; `None` where there is no way."""
    cut: tuple[str, ...]
    """Why the search was not made, or not to the end."""

    @property
    def promotion(self) -> Reached | None:
        """The promotion, where it can be reached."""
        return next((one for one in self.endings if one.kind == "promoted"), None)


def explore(plan: Plan) -> Exploration:
    """Every ending of a plan that is not refused."""
    tick = _tick(plan)
    try:
        return _explored(plan, tick)
    except TooLargeError:
        cut = "the search for every ending was given up: too many different histories"
        return Exploration(tick, (), (), {}, None, (), None, (cut,))


def _explored(plan: Plan, tick: int) -> Exploration:
    if max(_spans(plan), default=0) > MOST_TICKS * tick:
        raise TooLargeError
    stages = tuple(_stage_ways(stage, tick) for stage in plan.stages)
    start = plan.background_from if plan.background is not None else len(stages)
    if plan.background is None:
        start = 0
    before = _Sweep(plan, stages, AT_ONCE, None)
    head = before.over(0, start)
    origin = head[-1]
    if not origin:
        return Exploration(tick, stages, tuple(head), origin, None, tuple(before.endings), None, ())
    background = _background(plan, stages, tick)
    begins = all_times(origin)
    sweep = _Sweep(plan, stages, begins, background)
    sweep.people = before.people
    tail = sweep.over(start, len(stages))
    endings = [*before.endings, *sweep.endings]
    evidence = None
    end = tail[-1]
    if end:
        evidence = min(origin) + _least_evidence(end, background, sweep.forgets)
        endings.append(Reached("promoted", None, None, None, None, all_times(end), begins, sweep.people))
    cut = (
        ("an Inconclusive background analysis is replaced during a pause, so its successes are not counted on",)
        if sweep.forgets
        else ()
    )
    return Exploration(tick, stages, (*head[:-1], *tail), origin, background, tuple(endings), evidence, cut)


def _least_evidence(end: Costs, background: RunWays | None, forgets: bool) -> int:
    """The cheapest way to the end, together with what the background analysis must have measured by then."""
    if background is None or forgets:
        return min(end)
    best: int | None = None
    for cost, times in end.items():
        moments = list(ticks(times))
        if times.open is not None:
            moments.append(times.open)
        for beside in background.evidence(sorted(moments)):
            best = cost + beside if best is None else min(best, cost + beside)
    assert best is not None
    return best


class _Sweep:
    """One pass over stages, in the order of time, on one clock."""

    def __init__(self, plan: Plan, stages: Sequence[StageWays], origin: Times, background: RunWays | None) -> None:
        self.plan = plan
        self.stages = stages
        self.origin = origin
        self.background = background
        self.people = 0
        self.endings: list[Reached] = []
        self.forgets = False
        """Whether the background analysis can be replaced by a new one, which forgets what it has seen."""

    def over(self, first: int, end: int) -> list[Costs]:
        """When each stage from `first` to before `end` can be reached, and at last `end`."""
        arrivals: list[Costs] = [{0: AT_ONCE}]
        for index in range(first, end):
            reached = arrivals[-1]
            if not reached:
                arrivals.append({})
                continue
            self._background_endings(index, all_times(reached))
            self._own_endings(index, all_times(reached))
            onward = added(reached, self.stages[index].onward)
            arrivals.append(self._alive(onward))
            if isinstance(self.plan.stages[index].wait, Person):
                self.people += 1
        return arrivals

    def _alive(self, reached: Costs) -> Costs:
        """What of it is left when the background analysis has not ended the rollout by then."""
        if self.background is None or self.background.death is None or self.forgets:
            return reached
        last = self.background.death - 1
        return cheapest({cost: until(times, last) for cost, times in reached.items()})

    def _background_endings(self, index: int, reached: Times) -> None:
        background = self.background
        if background is None:
            return
        for fall in background.falls:
            occupied = self._occupied(index, reached, fall.phase in INCONCLUSIVE)
            times = both(fall.times, occupied)
            if not times:
                continue
            if fall.phase in INCONCLUSIVE and self._respawns(index):
                self.forgets = True
                continue
            self._found("aborted" if fall.phase != "Inconclusive" else "waits", background, fall, index, times)

    def _respawns(self, index: int) -> bool:
        return self.plan.leak == "respawn" and isinstance(self.plan.stages[index].wait, Timed | Person)

    def _occupied(self, index: int, reached: Times, mild: bool) -> Times:
        """When the rollout can be in a stage at the moment of a measurement: after reaching it, and not after its end.

        The background analysis' first measurement falls on the very moment its stage is reached. `mild` asks for what
        an Inconclusive run meets: an abort in the same moment goes before it.
        """
        own = self.stages[index]
        longest = own.longest
        if mild and longest is not None:
            aborts = NEVER
            for _, fall in own.falls:
                if fall.phase in ABORTING:
                    aborts = union(aborts, fall.times)
            if longest in aborts and longest not in union(all_times(own.onward), _mild(own)):
                longest -= 1
        occupied = stretched(reached, longest) if longest is None or longest > 0 else NEVER
        first = index == self.plan.background_from and 0 in reached and longest != -1
        return union(occupied, AT_ONCE) if first else occupied

    def _own_endings(self, index: int, reached: Times) -> None:
        own = self.stages[index]
        if self.background is None or self.background.death is None:
            kind: EndingKind = "waits" if isinstance(self.plan.stages[index].wait, Person) else "stuck"
            stays = union(reached if own.endless else NEVER, sums(reached, own.stalls))
            if stays:
                self.endings.append(Reached(kind, None, None, None, index, stays, self.origin, self.people))
        for found, fall in own.falls:
            times = self._not_before_death(sums(reached, fall.times), fall)
            if times:
                self._found("waits" if fall.phase == "Inconclusive" else "aborted", found, fall, index, times)

    def _not_before_death(self, times: Times, fall: Fall) -> Times:
        """Those of the times to which the background analysis lets it come, and at which it does not abort first."""
        background = self.background
        if background is None or background.death is None or self.forgets:
            return times
        death = background.death
        alive = until(times, death - 1)
        if death not in times:
            return alive
        mild = fall.phase in INCONCLUSIVE
        return union(alive, at(death)) if not mild or death in background.falling(INCONCLUSIVE) else alive

    def _found(self, kind: EndingKind, run: RunWays, fall: Fall, index: int, times: Times) -> None:
        self.endings.append(Reached(kind, fall.phase, run, fall, index, times, self.origin, self.people))


def _mild(own: StageWays) -> Times:
    found = NEVER
    for _, fall in own.falls:
        if fall.phase in INCONCLUSIVE:
            found = union(found, fall.times)
    return found


def _stage_ways(stage: Stage, tick: int) -> StageWays:
    wait = stage.wait
    if isinstance(wait, Instant):
        return StageWays((), {0: AT_ONCE}, 0, ())
    if isinstance(wait, Scaling):
        return _lasting(at(wait.span.least // tick))
    if isinstance(wait, Timed):
        return _lasting(_times(wait.span, tick))
    if isinstance(wait, Person):
        return StageWays((), {0: since(0)}, None, (), endless=True)
    if isinstance(wait, External):
        return StageWays((), {0: since(0)}, None, ())
    if isinstance(wait, Never):
        return StageWays((), {}, None, (), endless=True)
    runs = (wait.run,) if isinstance(wait, Analysed) else wait.runs
    found = tuple(run_ways(run, tick, _horizon(run, tick)) for run in runs)
    if isinstance(wait, Analysed):
        only = found[0]
        falls = tuple((only, fall) for fall in only.falls)
        return StageWays(found, only.success, only.longest(), falls, endless=only.endless)
    return _experiment(wait, found, tick)


def _lasting(times: Times) -> StageWays:
    return StageWays((), {0: times}, times.last, ())


def _times(span: Span, tick: int) -> Times:
    least = span.least // tick
    return since(least) if span.most is None else between(least, span.most // tick)


def _experiment(wait: Experimented, found: tuple[RunWays, ...], tick: int) -> StageWays:
    """The stage of an Experiment: it ends with its duration or, where analyses are required, when those are Successful.

    Where another one still runs at that moment, it never ends (`controllers.experiment.stuck`).
    """
    if not any(run.required for run in wait.runs):
        return _timed_experiment(wait, found, tick)
    needed: Costs = {0: AT_ONCE}
    for run in found:
        if run.run.required:
            needed = _later(needed, run.success)
    success, stalls = needed, NEVER
    for run in found:
        if not run.run.required:
            success = _ended_before(success, run.success)
            stalls = union(stalls, _running_at(all_times(needed), run))
    lasts = [run.longest() for run in found if run.run.required]
    heard = None if None in lasts else max(last for last in lasts if last is not None)
    falls = tuple(_experiment_falls(found, heard))
    ends = union(all_times(success), _all(falls))
    endless = any(run.run.required and run.endless for run in found) and all(run.death is None for run in found)
    longest = None if stalls or endless or not ends else ends.last
    return StageWays(found, cheapest(success), longest, falls, stalls, endless)


def _timed_experiment(wait: Experimented, found: tuple[RunWays, ...], tick: int) -> StageWays:
    """An Experiment that nothing but its duration, if it has one, makes Successful."""
    if wait.duration is None:
        falls = tuple(_experiment_falls(found, None))
        endless = all(run.death is None for run in found)
        return StageWays(found, {}, None if endless else _all(falls).last, falls, endless=endless)
    end = _times(wait.duration, tick)
    costs: dict[int, Times] = {}
    for moment in [*ticks(end), *(() if end.open is None else (end.open,))]:
        if all(run.death is None or moment < run.death for run in found):
            cost = sum(run.evidence([moment])[0] for run in found)
            costs[cost] = union(costs.get(cost, NEVER), since(moment) if moment == end.open else at(moment))
    falls = tuple(_experiment_falls(found, end.last))
    return StageWays(found, cheapest(costs), end.last if costs or not falls else _all(falls).last, falls)


def _ended_before(times: Costs, other: Costs) -> Costs:
    """Those of the times at which another run can have succeeded, at the sum of the costs."""
    found: dict[int, Times] = {}
    for first, own in times.items():
        for second, more in other.items():
            late = without(own, until(own, more.first - 1))
            found[first + second] = union(found.get(first + second, NEVER), late)
    return cheapest(found)


def _running_at(times: Times, run: RunWays) -> Times:
    """Those of the times at which a run can still be running."""
    longest = run.longest()
    return times if longest is None else until(times, longest - 1)


def _all(falls: Sequence[tuple[RunWays, Fall]]) -> Times:
    found = NEVER
    for _, fall in falls:
        found = union(found, fall.times)
    return found


def _experiment_falls(found: Sequence[RunWays], end: int | None) -> Iterator[tuple[RunWays, Fall]]:
    """How one of several runs ends the Experiment: none of the others before it, and not after the `end` of what it
    waits for."""
    for run in found:
        for fall in run.falls:
            times = fall.times if run.run.required else until(fall.times, end)
            for other in found:
                if other is not run and other.death is not None:
                    times = _not_worse(times, fall.phase, other, other.death)
            if times:
                yield run, fall._replace(times=times)


def _not_worse(times: Times, phase: RunPhase | None, other: RunWays, death: int) -> Times:
    """Those of the times at which another run is not bad before, and no worse at that moment."""
    alive = until(times, death - 1)
    milder = SEVERITY[: SEVERITY.index(phase or "Failed") + 1]
    return union(alive, at(death)) if death in times and death in other.falling(frozenset(milder)) else alive


def _later(one: Costs, other: Costs) -> Costs:
    """The later of two times, at the sum of the costs."""
    found: dict[int, Times] = {}
    for first, times in one.items():
        for second, more in other.items():
            after_first = without(more, until(more, times.first - 1))
            after_second = without(times, until(times, more.first - 1))
            cost = first + second
            found[cost] = union(found.get(cost, NEVER), union(after_first, after_second))
    return cheapest(found)


def _background(plan: Plan, stages: Sequence[StageWays], tick: int) -> RunWays | None:
    """The background analysis, followed a little longer than the rollout itself can take."""
    if plan.background is None:
        return None
    length = 0
    for own in stages[plan.background_from :]:
        times = all_times(own.onward)
        if times:
            length += times.last if times.last is not None else times.first
    run = plan.background
    horizon = length + _horizon(run, tick)
    if horizon > MOST_TICKS:
        raise TooLargeError
    return run_ways(run, tick, horizon)


def _horizon(run: Run, tick: int) -> int:
    """How long a run must be followed, in ticks, until its metrics have done everything once that they can do."""
    longest = 0
    for metric in run.metrics:
        spec = metric.spec
        if spec is None:
            continue
        bounds = spec.bounds
        counted = max(0, bounds.failure) + bounds.inconclusive + bounds.success + 2
        if bounds.measurements != float("inf"):
            counted = max(counted, int(bounds.measurements))
        retries = (counted + 1) * (bounds.error + 1) if "E" in metric.outcomes else 0
        step = spec.interval if spec.interval is not None else RETRY
        longest = max(longest, (spec.delay + counted * step + retries * RETRY) // tick + 1)
    if longest > MOST_TICKS:
        raise TooLargeError
    return longest


def _tick(plan: Plan) -> int:
    """The largest unit that divides every duration of the plan."""
    unit = 0
    for span in _spans(plan):
        unit = gcd(unit, span)
    return unit or 1


def _spans(plan: Plan) -> Iterator[int]:
    for stage in plan.stages:
        wait = stage.wait
        if isinstance(wait, Timed | Scaling):
            yield from (wait.span.least, wait.span.most or 0)
        elif isinstance(wait, Experimented) and wait.duration is not None:
            yield from (wait.duration.least, wait.duration.most or 0)
    for run in plan.runs:
        for metric in run.metrics:
            if metric.spec is not None:
                yield from (RETRY, metric.spec.delay, metric.spec.interval or 0)
