"""The figures of one rollout: every ending, evidence, time to detect, exposure, and where it can hang.

Endings and evidence are found by `explore`; what a version does that is well, or broken from some moment on, is played.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final

from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.finding import Place
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.simulate.explore import Exploration, Reached, explore
from rolloutlint.simulate.leaks import drift
from rolloutlint.simulate.plan import (
    EVERYTHING,
    NOTHING,
    Experimented,
    External,
    Metric,
    Never,
    Person,
    Plan,
    Run,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Why,
    runs_of,
    with_runs,
)
from rolloutlint.simulate.player import Answers, Asked, Fork, Walk, play
from rolloutlint.simulate.result import (
    Bar,
    Broken,
    Detection,
    Ending,
    Event,
    Figure,
    Gate,
    Hang,
    Row,
    Simulation,
    Unguarded,
)
from rolloutlint.simulate.traces import walk_to, well

MOST_TRACES: Final = 40
"""Endings that get the history that leads there; the others have the moment only."""

MOST_MEASUREMENTS: Final = 20_000
"""What a metric that would take more in one rollout does is not followed."""

_ORDER: Final = ("promoted", "aborted", "waits", "stuck", "refused")


def simulate(plan: Plan) -> Simulation:
    """Everything there is to say about the plan of one rollout."""
    if plan.refused:
        return _refused(plan)
    plan = playable(plan)
    found = explore(plan)
    healthy = Fork(plan, failing_from(None))
    bars = tuple(_bars(plan, healthy.walk))
    endings = tuple(_endings(plan, found)) or tuple(_played(plan, healthy.walk))
    unknown = tuple(_unknown(plan))
    return Simulation(
        plan=plan,
        rows=tuple(_rows(plan, healthy.walk)),
        bars=bars,
        unguarded=tuple(_unguarded(plan, healthy.walk, bars)),
        endings=endings,
        promotion=_promotion(plan, found) if not found.cut else _promoted(plan, healthy.walk, found.cut),
        evidence=_evidence(plan, found),
        evidence_why=(*found.cut, *unknown),
        gates=tuple(_gates(plan, found)),
        broken=broken(plan),
        detections=tuple(_detections(plan, healthy)),
        people=sum(isinstance(stage.wait, Person) for stage in plan.stages),
        hangs=tuple(_hangs(plan, endings)),
        bounds=tuple(dict.fromkeys((*found.cut, *_open_times(plan.stages), *unknown))),
    )


def playable(plan: Plan) -> Plan:
    """The plan without the rules of metrics that would be measured so often that nobody waits for the answer."""
    stages = tuple(with_runs(stage, _counted) for stage in plan.stages)
    if plan.background is None:
        return plan._replace(stages=stages)
    length = sum(map(_length, stages))
    metrics = tuple(
        _unless(metric, 0 if metric.spec is None else length // max(1, metric.spec.interval or length or 1))
        for metric in plan.background.metrics
    )
    return plan._replace(stages=stages, background=plan.background._replace(metrics=metrics))


def _counted(run: Run) -> Run:
    """The run of a stage: what takes as many measurements as its counts say."""
    return run._replace(metrics=tuple(_unless(metric, math.inf) for metric in run.metrics))


def _unless(metric: Metric, most: float) -> Metric:
    """The metric, not known where it takes too many measurements: as many as its count says, and at most `most`."""
    if metric.spec is None:
        return metric
    count = metric.spec.bounds.measurements
    often = min(most, 0 if math.isinf(count) and math.isinf(most) else count)
    if often <= MOST_MEASUREMENTS:
        return metric
    return metric._replace(spec=None, why=(f"`{metric.name}` is measured too often to be followed",))


def _length(stage: Stage) -> int:
    """Nanoseconds that a stage takes at least, when every measurement is a success."""
    wait = stage.wait
    if isinstance(wait, Timed | Scaling):
        return wait.span.least
    duration = wait.duration.least if isinstance(wait, Experimented) and wait.duration is not None else 0
    specs = [metric.spec for run in runs_of(stage) for metric in run.metrics if metric.spec is not None]
    counted = [
        spec.delay + int(spec.bounds.measurements) * (spec.interval or 0)
        for spec in specs
        if not math.isinf(spec.bounds.measurements)
    ]
    return max([duration, *counted])


def failing_from(stage: int | None, only: Place | None = None) -> Answers:
    """A version that is well until a stage is reached (`None`: for ever) and fails every measurement from then on.

    With `only` one metric of a template notices it, wherever it runs, and the others find nothing wrong.
    """

    def answer(asked: Asked) -> Outcome:
        fails = stage is not None and asked.stage >= stage and only in (None, asked.metric.place)
        return "F" if fails and "F" in asked.metric.outcomes else well(asked.metric.outcomes)

    return answer


def broken(plan: Plan) -> Broken | None:
    """What becomes of a version that fails every measurement from the start; `None` where nothing starts."""
    if plan.refused:
        return None
    plan = playable(plan)
    seen_by_all = play(plan, failing_from(0))
    walks = [seen_by_all]
    if seen_by_all.kind == "aborted":
        walks += aborted_walks(play(plan, failing_from(0, metric)) for metric in noticing(plan))
    slowest = max(walks, key=lambda walk: (walk.exposure(plan)[1], walk.at))
    share = max((walk.largest_share(plan) for walk in walks), key=lambda share: (share.most, share.least))
    aborted = seen_by_all.kind == "aborted"
    return Broken(
        ending=seen_by_all.kind,
        after=_time_to(plan, seen_by_all, slowest, 0, 0) if aborted else None,
        share=share,
        exposure=_exposure(plan, seen_by_all, slowest, 0),
        by=_by(seen_by_all),
        trace=seen_by_all.events,
        latest=_latest(seen_by_all, slowest),
    )


def noticing(plan: Plan) -> Sequence[Place]:
    """The metrics that can notice a broken version, each once, however many analyses run it."""
    found = (
        metric.place
        for run in plan.runs
        for metric in run.metrics
        if metric.spec is not None and not metric.dry_run and "F" in metric.outcomes
    )
    return tuple(dict.fromkeys(found))


def aborted_walks(walks: Iterable[Walk]) -> Sequence[Walk]:
    """Those that end in an abort."""
    return [walk for walk in walks if walk.kind == "aborted"]


def _clock(plan: Plan, walk: Walk) -> int:
    """The stage from whose start on the end of a walk is a matter of measurements alone, whatever the steps take.

    The background analysis keeps its own clock; an analysis of a step waits for what comes before it.
    """
    if walk.causes and plan.background is not None and walk.causes[0].run is plan.background:
        return plan.background_from
    return walk.stage if walk.kind == "aborted" and walk.stage is not None else len(plan.stages)


def _time_to(plan: Plan, best: Walk, worst: Walk, stage: int, start: int) -> Figure:
    """The time from the start of a stage, at `start`, to the ends of two walks."""
    ends = [(walk, [plan.stages[stay.stage] for stay in walk.stays if stage <= stay.stage]) for walk in (best, worst)]
    why: list[str] = []
    for walk, entered in ends:
        fixed = _clock(plan, walk)
        why.extend(_open_times([one for index, one in enumerate(entered, stage) if index < fixed]))
    least, most = (chosen(best.at, worst.at) - start for chosen in (min, max))
    return Figure(least, None if why else most, tuple(dict.fromkeys(why)), most if why else None)


def _exposure(plan: Plan, best: Walk, worst: Walk, start: int) -> Figure:
    """Percent-minutes from `start` to the ends of two walks, between the bounds that open times leave."""
    bounds = [_exposed(plan, walk, start) for walk in (best, worst)]
    least = min(figure.least for figure in bounds)
    reach = max(amount for figure in bounds for amount in (figure.most, figure.reach) if amount is not None)
    why = tuple(dict.fromkeys(why for figure in bounds for why in figure.why))
    unknown = tuple(_unknown(plan))
    if unknown and worst.kind == "aborted":  # what is not known may abort it sooner
        least, why = Fraction(0), (*why, *unknown)
    if any(figure.most is None for figure in bounds):
        return Figure(least, None, why, reach)
    return Figure(least, reach, why)


def _exposed(plan: Plan, walk: Walk, start: int) -> Figure:
    """Percent-minutes of one walk from `start` on.

    A stage that can take longer than is known adds to them, if the new version has traffic in it. Once the clock of the
    background analysis runs, it only delays the steps: the share is then one of those from that stage on.
    """
    fixed = _clock(plan, walk)
    least, most = Fraction(0), Fraction(0)
    why: list[str] = []
    delayed: list[Share] = []
    unbounded = False
    for stay in walk.stays:
        stage = plan.stages[stay.stage]
        minutes = Fraction(max(0, stay.end - max(stay.start, start)), 60 * SECOND)
        opened = _open(stage) if stay.end >= start else ()
        if opened and stay.stage < fixed and stage.share.most > 0:
            unbounded = True
            why.extend(opened)
        if opened and stay.stage >= fixed:
            delayed.append(stage.share)
            why.extend(opened)
        shares = [*delayed, stage.share] if delayed else [stage.share]
        if delayed:
            delayed.append(stage.share)
        least += min(share.least for share in shares) * minutes * 100
        most += max(share.most for share in shares) * minutes * 100
    if walk.kind != "aborted" and walk.share(plan).most > 0:
        unbounded = True
        why.append("nothing aborts it" if walk.kind == "promoted" else "nobody knows how long it stays so")
    if least == most and not unbounded:
        return Figure(least, most)
    reasons = tuple(dict.fromkeys(why))
    return Figure(least, None, reasons, most) if unbounded else Figure(least, most, reasons)


def _open_times(stages: Sequence[Stage]) -> Iterator[str]:
    """Why the length of a stage is not a point, each reason once."""
    seen: set[str] = set()
    for stage in stages:
        for why in _open(stage):
            if why not in seen:
                seen.add(why)
                yield why


def _open(stage: Stage) -> Why:
    wait = stage.wait
    if isinstance(wait, Timed | Scaling):
        return wait.span.why
    if isinstance(wait, Person):
        return (f"a person ends {_called(stage)}",)
    if isinstance(wait, External):
        return (f"{wait.what} ends {_called(stage)}",)
    durations = wait.duration.why if isinstance(wait, Experimented) and wait.duration is not None else ()
    return durations + tuple(why for run in runs_of(stage) for metric in run.metrics for why in metric.takes.why)


def _called(stage: Stage) -> str:
    return stage.label if stage.step is None else f"step {stage.step + 1}"


def _unknown(plan: Plan) -> Iterator[str]:
    """Why something of an analysis is not known, each reason once."""
    whys = (why for run in plan.runs for why in (*run.unknown, *(why for metric in run.metrics for why in metric.why)))
    yield from dict.fromkeys(whys)


def _by(walk: Walk) -> str:
    return _cause(walk.causes[0].run, walk.causes[0].metric) if walk.causes else ""


def _latest(first: Walk, last: Walk) -> str:
    return _by(last) if _by(last) != _by(first) else ""


def _cause(run: Run, metric: Metric | None) -> str:
    return run.label if metric is None else f"{metric.name} of the {run.label}"


def _rows(plan: Plan, walk: Walk) -> Iterator[Row]:
    """The staircase of a walk: each stage with when it starts and ends, bounds once something before is open."""
    opened: list[str] = []

    def moment(at: int) -> Span:
        return Span(at, None if opened else at, tuple(opened))

    for stay in walk.stays:
        start = moment(stay.start)
        opened.extend(why for why in _open(plan.stages[stay.stage]) if why not in opened)
        yield Row(stay.stage, start, moment(stay.end))


def _bars(plan: Plan, walk: Walk) -> Iterator[Bar]:
    """What each metric measures on a walk."""
    if plan.background is not None:
        start = next((stay.start for stay in walk.stays if stay.stage == plan.background_from), None)
        if start is not None:
            yield from _bars_of(plan.background, walk, start, walk.at)
    for stay in walk.stays:
        for run in runs_of(plan.stages[stay.stage]):
            yield from _bars_of(run, walk, stay.start, stay.end)


def _bars_of(run: Run, walk: Walk, start: int, end: int) -> Iterator[Bar]:
    for metric in run.metrics:
        spec = metric.spec
        times = [one.at for one in walk.taken if one.run is run and one.metric is metric]
        complete = spec is not None and _complete(metric, times)
        until = times[-1] if complete else end
        yield Bar(
            label=metric.name,
            run=run.label,
            place=metric.place,
            start=start,
            first=times[0] if times else start + spec.delay if spec is not None else start,
            end=until,
            interval=spec.interval if spec is not None else None,
            measurements=len(times) if spec is not None else None,
            end_reason="unknown" if spec is None else "complete" if complete else "rollout-ends",
            dry_run=metric.dry_run,
            aborts=aborts(metric),
        )


def _complete(metric: Metric, times: Sequence[int]) -> bool:
    """Whether so many successes complete it."""
    if metric.spec is None or not times:
        return False
    bounds = metric.spec.bounds
    return len(times) >= bounds.measurements or 0 < bounds.success <= len(times)


def aborts(metric: Metric) -> bool:
    """Whether a metric can abort its rollout, as far as is known."""
    if metric.spec is None:
        return True
    endings = metric.spec.bounds.endings(metric.outcomes)
    return not metric.dry_run and not endings.isdisjoint(("Failed", "Error"))


def _unguarded(plan: Plan, walk: Walk, bars: Sequence[Bar]) -> Iterator[Unguarded]:
    """The stretches of a walk in which the new version has traffic and no running metric can abort."""
    guards = sorted((bar.start, bar.end) for bar in bars if bar.aborts)
    stretches: list[Unguarded] = []
    for stay in walk.stays:
        share = plan.stages[stay.stage].share
        if share.most == 0:
            continue
        position = stay.start
        for start, end in [*guards, (stay.end, stay.end)]:
            gap = min(start, stay.end)
            if gap > position:
                stretches.append(Unguarded(position, gap, share))
            position = max(position, end)
    for number, one in enumerate(stretches):
        if number and stretches[number - 1].end == one.start:
            continue
        following = [one]
        for other in stretches[number + 1 :]:
            if other.start != following[-1].end:
                break
            following.append(other)
        least = min((each.share for each in following), key=lambda share: share.least)
        most = max((each.share for each in following), key=lambda share: share.most)
        yield Unguarded(one.start, following[-1].end, Share(least.least, most.most))


def _endings(plan: Plan, found: Exploration) -> Iterator[Ending]:
    """The endings of the search, promoted first, each with the history of its earliest time while there is room."""
    endings: list[Ending] = []
    ordered = sorted(found.endings, key=lambda one: (_ORDER.index(one.kind), one.least, one.stage or 0))
    for number, reached in enumerate(ordered):
        walk = walk_to(plan, found, reached) if number < MOST_TRACES else None
        ending = _ending(plan, found, reached, walk)
        if reached.kind == "waits" and reached.run is not None and reached.run.run is plan.background:
            ending = _carried_on(plan, ending)
        endings.append(ending)
    yield from sorted(endings, key=lambda one: (_ORDER.index(one.kind), one.at.least, one.stage or 0))


def _ending(plan: Plan, found: Exploration, reached: Reached, walk: Walk | None) -> Ending:
    stage = None if reached.stage is None else plan.stages[reached.stage]
    metric = None
    if reached.run is not None and reached.fall is not None and reached.fall.metric is not None:
        metric = reached.run.run.metrics[reached.fall.metric]
    if reached.run is not None:
        cause, place = _cause(reached.run.run, metric), (metric or reached.run.run).place
    else:
        cause, place = ("", plan.place) if stage is None else (stage.label, stage.place)
    passed = plan.stages[: reached.stage] if reached.stage is not None else plan.stages
    why = tuple(_open_times(passed))
    most = reached.most
    phase = reached.phase if reached.phase in ("Failed", "Error", "Inconclusive") else ""
    return Ending(
        kind=reached.kind,
        phase=phase,
        cause=cause,
        place=place,
        stage=reached.stage,
        share=EVERYTHING if stage is None else stage.share,
        at=Span(reached.least * found.tick, None if why or most is None else most * found.tick, why),
        people=reached.people,
        evidence=_evidence(plan, found) if reached.kind == "promoted" else None,
        trace=walk.events if walk is not None else (),
    )


def _carried_on(plan: Plan, ending: Ending) -> Ending:
    """The ending where an Inconclusive background analysis really lets the canary come to rest, be it the promotion."""
    if plan.leak != "unblocked" or ending.stage is None:
        return ending
    stop = drift(plan, ending.stage)
    if stop == ending.stage:
        return ending
    if stop is None:
        words, place = "goes on to the promotion: no step that is left needs other pods", plan.place
        why = (*ending.at.why, "how long the steps take that are left was not followed")
        ending = ending._replace(kind="promoted", stage=None, share=EVERYTHING, at=Span(ending.at.least, None, why))
    else:
        stage = plan.stages[stop]
        words, place = f"goes on to {_called(stage)}: the pause does not hold what needs no other pods", stage.place
        ending = ending._replace(share=stage.share)
    event = Event(ending.at.least, words, place, stop)
    return ending._replace(trace=(*ending.trace, event) if ending.trace else ())


def _played(plan: Plan, healthy: Walk) -> Iterator[Ending]:
    """Where the search was given up: the endings of a version that is well, and of one that fails every measurement."""
    failing = play(plan, failing_from(0))
    for walk in (healthy,) if (failing.kind, failing.phase) == (healthy.kind, healthy.phase) else (healthy, failing):
        stage = None if walk.stage is None else plan.stages[walk.stage]
        why = _before(plan, walk)
        yield Ending(
            kind=walk.kind,
            phase=walk.phase if walk.phase in ("Failed", "Error", "Inconclusive") else "",
            cause=_by(walk) or (stage.label if stage is not None else ""),
            place=plan.place if stage is None else stage.place,
            stage=walk.stage,
            share=walk.share(plan),
            at=Span(walk.at, None if why else walk.at, why),
            people=walk.people,
            evidence=None,
            trace=walk.events,
        )


def _before(plan: Plan, walk: Walk) -> Why:
    """The open times of the stages that a walk has been in."""
    return tuple(_open_times([plan.stages[stay.stage] for stay in walk.stays]))


def _promoted(plan: Plan, healthy: Walk, cut: Why) -> Figure | None:
    """The time to promotion where the search was given up: no way is shorter than that of a version that is well."""
    return Figure(healthy.at, None, (*cut, *_before(plan, healthy))) if healthy.kind == "promoted" else None


def _evidence(plan: Plan, found: Exploration) -> int | None:
    """The fewest successes of a promotion; `None` where none are proven, and not all analyses are known."""
    return None if not found.evidence and any(_unknown(plan)) else found.evidence


def _promotion(plan: Plan, found: Exploration) -> Figure | None:
    reached = found.promotion
    if reached is None:
        return None
    why = tuple(_open_times(plan.stages))
    most = reached.most
    if most is None and not why:
        why = tuple(_unknown(plan))
    return Figure(reached.least * found.tick, None if why or most is None else most * found.tick, why)


def _gates(plan: Plan, found: Exploration) -> Iterator[Gate]:
    """Each analysis with the fewest successes it has on any way to promotion."""
    promoted = found.promotion
    if plan.background is not None:
        run = plan.background
        evidence = None
        if found.background is not None and promoted is not None:
            evidence = found.background.evidence([promoted.times.first])[0]
        yield _gate(run, evidence)
    for stage, own in zip(plan.stages, found.stages, strict=False):
        for run, ways in zip(runs_of(stage), own.runs, strict=True):
            counted = min(ways.success, default=None)
            if isinstance(stage.wait, Experimented) and not run.required:
                length = min(own.onward.values(), key=lambda times: times.first, default=None)
                counted = ways.evidence([length.first])[0] if length is not None and not own.stalls else None
            yield _gate(run, counted)


def _gate(run: Run, evidence: int | None) -> Gate:
    why = (*run.unknown, *(why for metric in run.metrics for why in metric.why))
    if run.fault:
        why = (run.fault,)
    return Gate(run.label, run.place, None if run.fault or (why and not evidence) else evidence, why)


def _detections(plan: Plan, healthy: Fork) -> Iterator[Detection]:
    """For each share that the new version reaches: how long a fault that begins with it goes unnoticed."""
    highest = NOTHING
    for index, stage in enumerate(plan.stages):
        start = healthy.start(index)
        if start is None or (stage.share.least, stage.share.most) <= (highest.least, highest.most):
            continue
        highest = stage.share
        walk = slowest = healthy.onward(index, failing_from(index))
        aborted = walk.kind == "aborted"
        if walk.kind == "promoted" and index == len(plan.stages) - 1 and walk.at == start:
            continue  # it is promoted in that very moment
        if aborted:
            alone = aborted_walks(healthy.onward(index, failing_from(index, metric)) for metric in noticing(plan))
            slowest = max((walk, *alone), key=lambda one: (one.exposure(plan, start)[1], one.at))
        yield Detection(
            stage=index,
            share=stage.share,
            noticed=aborted,
            after=_time_to(plan, walk, slowest, index, start) if aborted else None,
            exposure=_exposure(plan, walk, slowest, start),
            by=_by(walk),
            latest=_latest(walk, slowest),
        )


def _hangs(plan: Plan, endings: Sequence[Ending]) -> Iterator[Hang]:
    """Where the rollout can stay for ever."""
    for index, stage in enumerate(plan.stages):
        if isinstance(stage.wait, Person):
            yield Hang(f"{_called(stage)} waits for a person", stage.place, index)
        elif isinstance(stage.wait, Never):
            yield Hang(f"{_called(stage)} never ends: {stage.wait.because}", stage.place, index)
        elif isinstance(stage.wait, External):
            yield Hang(f"{_called(stage)} ends when {stage.wait.what} says so", stage.place, index)
        for run in runs_of(stage):
            for metric in run.metrics:
                if metric.takes.most is None and not metric.why:
                    yield Hang(f"{_cause(run, metric)} lasts as long as its measurement does", metric.place, index)
    if any(isinstance(stage.wait, Scaling) and stage.wait.span.most is None for stage in plan.stages):
        yield Hang(_never_available(plan), plan.place, None)
    for ending in endings:
        if ending.kind == "waits" and ending.phase:
            yield Hang(f"{ending.cause} can be Inconclusive: then a person decides", ending.place or plan.place, None)
        elif ending.kind == "stuck" and ending.stage is not None:
            stage = plan.stages[ending.stage]
            if isinstance(stage.wait, Experimented):
                words = f"the experiment of {_called(stage)} can stay Running for ever"
                yield Hang(words, stage.place, ending.stage)


def _never_available(plan: Plan) -> str:
    words = "pods that never become available"
    if plan.deadline is None:
        return f"{words} hold it where it is"
    after = format_duration(plan.deadline / SECOND)
    if plan.deadline_aborts:
        return f"{words} abort it after {after} without progress"
    return f"{words} leave it Degraded after {after}, at the share it has"


def _refused(plan: Plan) -> Simulation:
    why = plan.refused[0]
    trace = (Event(0, f"refused: {why}", plan.place),)
    ending = Ending("refused", "", why, plan.place, None, NOTHING, Span(0, 0), 0, None, trace)
    return Simulation(
        plan=plan,
        rows=(),
        bars=(),
        unguarded=(),
        endings=(ending,),
        promotion=None,
        evidence=None,
        evidence_why=(),
        gates=(),
        broken=None,
        detections=(),
        people=0,
        hangs=(),
        bounds=(),
    )
