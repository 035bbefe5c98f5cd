"""`backtest` as data: every question asked of a source, every answer replayed, and what the rules say of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple

from rolloutlint import __version__
from rolloutlint.backtest.findings import Replayed, findings_of
from rolloutlint.backtest.history import (
    Grid,
    Paths,
    Points,
    Track,
    aborts,
    gaps,
    grid_of,
    points_of,
    quantiles,
    share,
    starts_of,
    step_of,
)
from rolloutlint.backtest.limits import Case, Judge, limits_of
from rolloutlint.backtest.questions import Inquiry, Question, inquiries
from rolloutlint.backtest.result import AnalysisHistory, Backtest, MetricHistory, Selector, Traffic
from rolloutlint.backtest.selectors import Known, unknown_selectors
from rolloutlint.backtest.source import Failure, Series, Source
from rolloutlint.backtest.threads import answered
from rolloutlint.backtest.traffic import Counted, needed, requests_of, short_of
from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.controllers.thresholds import thresholds_of
from rolloutlint.engine import Run
from rolloutlint.finding import Incomplete
from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.lang.expr import comparisons

DAY: Final = 86_400 * SECOND


MOST_POINTS: Final = 1_000_000
"""More points of one query than a week has seconds are not asked for."""


class Options(NamedTuple):
    """What is asked of the past."""

    end: float
    """The end of the window, in seconds since 1970; whole seconds of it count."""
    window: int = DAY
    """Nanoseconds."""
    arguments: Mapping[str, str] = MappingProxyType({})
    """`--arg`: name -> value."""
    as_stable: bool = False
    """Whether queries for the new version are asked for the stable one."""
    tolerated: Fraction = Fraction(1, 100)
    """The share of runs that may be aborted without a rollout."""
    alone: int = 60 * SECOND
    """Nanoseconds between the starts of a metric that has no interval."""
    horizon: int | None = None
    """Nanoseconds for which a metric without an end is watched; `None`: as long as the manifests say."""
    degradation: Fraction | None = None
    """The part of its requests that a broken version fails, of which is asked whether it would be seen."""
    jobs: int = 4
    """So many queries at a time."""
    progress: Callable[[int, int], None] | None = None
    """Told after each query: how many are answered, and how many there are so far."""


class _Ask(NamedTuple):
    query: str
    grid: Grid


class _Asked(NamedTuple):
    """A question with what its metric would have measured."""

    question: Question
    history: MetricHistory
    track: Track | None
    """`None` where no rate can be computed."""


def backtest(run: Run, source: Source, options: Options) -> Backtest:
    """How the analyses of a run would have ended in a window of the past.

    What the source did not answer is told per metric (`lost`), and once for what concerns names and labels.
    """
    start = math.floor(options.end) - options.window / SECOND
    asked, unknown = inquiries(run.world, run.settings, options.arguments, as_stable=options.as_stable)
    answers = _answers(asked, source, start, options)
    known = Known(source)
    analyses: list[AnalysisHistory] = []
    replayed: list[Replayed] = []
    selectors: dict[Selector, None] = {}
    for inquiry in asked:
        horizon = inquiry.horizon if options.horizon is None else options.horizon
        assumed = inquiry.assumed and options.horizon is None
        metrics = [_replay(one, answers, start, horizon, assumed, options) for one in inquiry.questions]
        metrics = [_with_traffic(one, inquiry.weight, answers, start, options) for one in metrics]
        analysis = _together(inquiry, metrics, horizon, options)
        analyses.append(analysis)
        for one in metrics:
            missing = tuple(dict.fromkeys(unknown_selectors(one.question, known)))
            selectors.update(dict.fromkeys(missing))
            replayed.append(Replayed(one.question.template, analysis, one.history, missing, options.tolerated))
    failures = [Incomplete(source.name, "unreadable", f.message, lost=True) for f in dict.fromkeys(known.failures)]
    findings = run.judged(findings_of(replayed, run.world, run.settings, run.catalogue))
    incomplete = {*run.incomplete, *unknown, *failures}
    return Backtest(
        source=source.name,
        start=start,
        end=start + options.window / SECOND,
        tolerated=options.tolerated,
        analyses=tuple(analyses),
        unknown=tuple(selectors),
        findings=findings,
        incomplete=tuple(sorted(incomplete, key=lambda one: (one.source, one.reason, one.message))),
        tool_version=__version__,
    )


# ---- asking --------------------------------------------------------------------------------------------------------


class _Answers:
    """Series by query and grid: equal questions are asked once."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._options = options
        self._found: dict[_Ask, Series | Failure] = {}
        self._measured: dict[tuple[_Ask, Judge], Points | Failure] = {}

    def __getitem__(self, ask: _Ask) -> Series | Failure:
        return self._found[ask]

    def measured(self, ask: _Ask, judge: Judge) -> Points | Failure:
        """What a metric would have measured, of what was asked."""
        if (ask, judge) not in self._measured:
            series = self._found[ask]
            self._measured[ask, judge] = (
                series
                if isinstance(series, Failure)
                else points_of(series, ask.grid, *judge.programs(), judge.shape == "float")
            )
        return self._measured[ask, judge]

    def ask(self, asks: Sequence[_Ask]) -> None:
        """Ask what was not asked before, several at a time."""
        new = [ask for ask in dict.fromkeys(asks) if ask not in self._found]
        total, done = len(self._found) + len(new), len(self._found)
        for number, series in answered(self._ranges, new, self._options.jobs):
            self._found[new[number]] = series
            done += 1
            if self._options.progress is not None:
                self._options.progress(done, total)

    def _ranges(self, ask: _Ask) -> Series | Failure:
        query, grid = ask
        if grid.size > MOST_POINTS:
            return Failure(f"{grid.size} points of one query are too many: ask for a shorter window")
        return self._source.ranges(query, grid.start, grid.end, grid.step / SECOND) if grid.size else ()


def _askable(question: Question) -> tuple[MetricSpec, Judge] | None:
    if question.why or question.spec is None or question.judge is None:
        return None
    return question.spec, question.judge


def _grid(spec: MetricSpec, start: float, options: Options, *, errors: bool) -> Grid:
    return grid_of(start, options.window, step_of(spec, options.alone, errors), spec.delay)


def _answers(asked: Sequence[Inquiry], source: Source, start: float, options: Options) -> _Answers:
    """The answers to all questions; those with an Error among them are asked again for the times of the retries."""
    answers = _Answers(source, options)
    ready = [
        (question, *known)
        for inquiry in asked
        for question in inquiry.questions
        if (known := _askable(question)) is not None
    ]
    answers.ask([_Ask(question.query, _grid(spec, start, options, errors=False)) for question, spec, _ in ready])
    again = []
    for question, spec, judge in ready:
        found = answers.measured(_Ask(question.query, _grid(spec, start, options, errors=False)), judge)
        if not isinstance(found, Failure) and _errs(found):
            again.append(_Ask(question.query, _grid(spec, start, options, errors=True)))
    answers.ask([*again, *_of_traffic(asked, start, options)])
    return answers


def _errs(found: Points) -> bool:
    return any(point.outcome == "E" for point in found.points)


def _of_traffic(asked: Sequence[Inquiry], start: float, options: Options) -> Iterator[_Ask]:
    for inquiry in asked if options.degradation is not None else ():
        for question in inquiry.questions:
            counted, ready = _counted(question), _askable(question)
            if counted is not None and ready is not None:
                yield _Ask(counted[0].query, _grid(ready[0], start, options, errors=False))


def _counted(question: Question) -> tuple[Counted, Fraction] | None:
    """What counts the requests of a metric, and the greatest share of failing ones that it accepts."""
    if question.node is None or question.judgement is None:
        return None
    thresholds = thresholds_of(question.judgement)
    accepted = thresholds.accepted_failures() if thresholds is not None else None
    counted = requests_of(question.node, question.query)
    if accepted is None or counted is None or not 0 <= accepted < 1:
        return None
    return counted, Fraction(repr(round(accepted, 12)))


# ---- replaying -----------------------------------------------------------------------------------------------------


def _replay(
    question: Question, answers: _Answers, start: float, horizon: int, assumed: bool, options: Options
) -> _Asked:
    history = MetricHistory(
        metric=question.name,
        place=question.place,
        query=question.query,
        written=question.written,
        rewritten=question.rewritten,
        why=question.why,
        dry_run=question.spec is not None and question.spec.dry_run,
    )
    ready = _askable(question)
    if ready is None:
        return _Asked(question, history, None)
    spec, judge = ready
    history = history._replace(thresholds=tuple(_numbers(judge)))
    grid = _grid(spec, start, options, errors=False)
    found = answers.measured(_Ask(question.query, grid), judge)
    if not isinstance(found, Failure) and _errs(found):
        grid = _grid(spec, start, options, errors=True)
        found = answers.measured(_Ask(question.query, grid), judge)
    if isinstance(found, Failure):
        return _Asked(question, history._replace(why=found.message, lost=True), None)
    history = history._replace(step=grid.step)
    if found.displaced:
        why = "the answer is for other times than those that were asked for"
        return _Asked(question, history._replace(why=why, lost=True), None)
    if found.undecided:
        return _Asked(question, history._replace(why="a condition depends on what is filled in later"), None)
    points = found.points
    history = history._replace(
        points=points,
        no_data=share(points, lambda point: point.empty),
        not_a_number=share(points, lambda point: point.nan),
        gaps=gaps(points, grid.step),
        quantiles=quantiles(points),
    )
    if found.arbitrary:
        where = f"{found.arbitrary} of {len(points)} points"
        why = f"at {where} the condition looks at one of several series, and which one is nowhere said"
        return _Asked(question, history._replace(why=why), None)
    paths = Paths(points, spec.interval, grid.step)
    track = Track(spec, grid.step, paths.endings(spec.bounds))
    alone = track._replace(spec=spec._replace(dry_run=False))
    starts, unseen = starts_of([alone], options.window, horizon)
    if not starts.counted:
        return _Asked(question, history._replace(why="a run takes longer than the window"), None)
    case = Case(points, alone.spec, grid.step, options.window, horizon, paths)
    return _Asked(
        question,
        history._replace(
            starts=starts,
            false_aborts=aborts(starts),
            unseen=unseen,
            limits=limits_of(case, judge, options.tolerated),
            notes=tuple(_notes(spec, horizon, assumed)),
        ),
        track,
    )


def _with_traffic(asked: _Asked, weight: int, answers: _Answers, start: float, options: Options) -> _Asked:
    """The history with whether a degraded version would be seen. A query for the stable version alone counts what the
    new one gets its part of; any other counts all requests, among which the failures of the new version are few."""
    question, history, _ = asked
    counted, ready = _counted(question), _askable(question)
    if options.degradation is None or history.starts is None or counted is None or ready is None:
        return asked
    requests, accepted = counted
    grid = _grid(ready[0], start, options, errors=False)
    series = answers[_Ask(requests.query, grid)]
    if isinstance(series, Failure):
        return asked._replace(history=history._replace(lost=True, notes=(*history.notes, series.message)))
    part = Fraction(weight, 100)
    alone = bool(question.rewritten)
    wanted = needed(options.degradation if alone else options.degradation * part, accepted)
    if wanted is not None and alone:
        wanted = math.ceil(wanted / part)
    short = Fraction(1) if wanted is None else short_of(series, grid.size, requests.factor, wanted)
    traffic = Traffic(requests.query, options.degradation, weight, wanted, short)
    return asked._replace(history=history._replace(traffic=traffic))


def _notes(spec: MetricSpec, horizon: int, assumed: bool) -> Iterator[str]:
    if math.isinf(spec.bounds.measurements):
        why = "an assumption" if assumed else "as long as the manifests say at least"
        yield f"it has no end of its own: each run is watched for {format_duration(horizon / SECOND)}, {why}"
    if spec.dry_run:
        yield "in dry run: what it comes to decides nothing"


def _numbers(judge: Judge) -> Iterator[float]:
    """The numbers that the conditions compare with, in their order, each once."""
    nodes = [program.node for program in judge.programs() if program is not None and program.node is not None]
    yield from dict.fromkeys(one.constant for node in nodes for one in comparisons(node))


def _together(inquiry: Inquiry, metrics: Sequence[_Asked], horizon: int, options: Options) -> AnalysisHistory:
    """The run of all metrics: only where each of them can be replayed, as any of them may end it."""
    tracks = [one.track for one in metrics if one.track is not None]
    starts = None
    if len(tracks) == len(metrics):
        found, _ = starts_of(tracks, options.window, horizon)
        starts = found if found.counted else None
    return AnalysisHistory(
        template=inquiry.template.id,
        place=inquiry.place,
        user=inquiry.rollout.id if inquiry.rollout is not None else None,
        called=inquiry.called,
        metrics=tuple(one.history for one in metrics),
        starts=starts,
        false_aborts=aborts(starts) if starts is not None else None,
    )
