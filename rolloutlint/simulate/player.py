"""One way through a plan: the rollout that follows when the outcome of every measurement is given.

Events are worked off in the order of time. At one moment measurements come before steps, so that a measurement at the
very moment of promotion still counts, and an abort goes before a pause (argo-rollouts `rollout/context.go`,
`rollout/pause.go` CalculatePauseStatus). Durations that are bounds count with their lower bound, people act at once,
and an analysis of which nothing is known succeeds at once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from rolloutlint.controllers.analysis_run import (
    RETRY,
    MetricSpec,
    Outcome,
    RunPhase,
    RunState,
    due,
    new_run,
    reconciled,
    wake_up,
    worse,
)
from rolloutlint.controllers.experiment import experiment_phase, stuck
from rolloutlint.finding import Place
from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.plan import (
    EVERYTHING,
    NOTHING,
    Analysed,
    Experimented,
    External,
    Instant,
    Metric,
    Person,
    Plan,
    Run,
    Scaling,
    Share,
    Stage,
    Timed,
    runs_of,
)
from rolloutlint.simulate.result import EndingKind, Event


class Asked(NamedTuple):
    """A measurement about to be taken."""

    run: Run
    metric: Metric
    number: int
    """How many of this metric in this run were taken before it."""
    stage: int
    at: int


Answers: TypeAlias = Callable[[Asked], Outcome]
"""What a measurement gives."""


class Taken(NamedTuple):
    """A measurement that was taken."""

    run: Run
    metric: Metric
    at: int
    outcome: Outcome


class Stay(NamedTuple):
    """How long the rollout was in a stage."""

    stage: int
    start: int
    end: int


class Cause(NamedTuple):
    """What ended a rollout."""

    run: Run
    metric: Metric | None
    """`None` where the run itself is refused."""
    phase: RunPhase
    """Of the run."""


class Walk(NamedTuple):
    """One way through a plan, to where it ends."""

    kind: EndingKind
    phase: RunPhase | None
    """Of the analysis that ended it, the worst where several did in one moment."""
    causes: tuple[Cause, ...]
    """What ended it: the metrics that turned bad in that very moment with the phase of their run."""
    stage: int | None
    at: int
    """When it ends; where it stays for ever, when it comes there."""
    people: int
    stays: tuple[Stay, ...]
    taken: tuple[Taken, ...]
    events: tuple[Event, ...]

    def share(self, plan: Plan) -> Share:
        """What the new version has at the end."""
        if self.kind == "refused":
            return NOTHING
        return EVERYTHING if self.stage is None else plan.stages[self.stage].share

    def largest_share(self, plan: Plan) -> Share:
        """The most the new version had on the way, where it had it for any time at all or to the end."""
        shares = [plan.stages[stay.stage].share for stay in self.stays if stay.end > stay.start]
        return max((*shares, self.share(plan)), key=lambda share: (share.most, share.least))

    def exposure(self, plan: Plan, start: int = 0) -> tuple[Fraction, Fraction]:
        """Percent-minutes of the new version from `start` on: the bounds that its shares give."""
        least, most = Fraction(0), Fraction(0)
        for stay in self.stays:
            minutes = Fraction(max(0, stay.end - max(stay.start, start)), 60 * SECOND)
            share = plan.stages[stay.stage].share
            least += share.least * minutes * 100
            most += share.most * minutes * 100
        return least, most

    @property
    def successes(self) -> int:
        """Successful measurements that counted."""
        return sum(1 for one in self.taken if one.outcome == "S" and not one.metric.dry_run)


class _Live(NamedTuple):
    """A run while the rollout goes on. `known` are the metrics whose rules are known."""

    run: Run
    metrics: tuple[Metric, ...]
    """Those whose rules are known."""
    specs: tuple[MetricSpec, ...]
    patience: int
    """How long it is followed in or beside a stage that nothing else ends: until no answer can bring anything new."""
    started: int
    state: RunState
    wake: int | None
    """When it is looked at next of its own accord."""

    @property
    def phase(self) -> RunPhase:
        if self.run.fault:
            return "Error"
        return self.state.phase if self.specs else "Successful"


def play(plan: Plan, answers: Answers, *, longest: int = 0, unattended: int | None = None) -> Walk:
    """The way through `plan` on which every measurement gives what `answers` says.

    `longest` is after how many measurements of a metric the answers no longer change; where nothing ends a stage, the
    analyses beside it are followed until they can no longer surprise. At stage `unattended` no person comes.
    """
    return _Player(plan, answers, longest, unattended).walk()


class Fork:
    """A walk that can be taken up again at the start of any of its stages, with other answers from there on."""

    def __init__(self, plan: Plan, answers: Answers) -> None:
        player = _Player(plan, answers, 0, None)
        self._starts: dict[int, _Player] = {}
        self.walk = player.walk(self._starts)
        """The walk itself."""

    def start(self, stage: int) -> int | None:
        """When the walk comes to a stage; `None` where it does not."""
        return self._starts[stage].now if stage in self._starts else None

    def onward(self, stage: int, answers: Answers) -> Walk:
        """The walk that turns off at the start of a stage that the walk comes to."""
        return self._starts[stage].copy(answers).walk_on()


class _Player:
    """The state of one play; `walk` works it off."""

    def __init__(self, plan: Plan, answers: Answers, longest: int, unattended: int | None) -> None:
        self.plan = plan
        self.answers = answers
        self.longest = longest
        self.unattended = unattended
        self.numbers: Counter[tuple[int, int]] = Counter()
        self.now = 0
        self.index = 0
        self.entered = 0
        self.stalled: int | None = None
        self.people = 0
        self.background: _Live | None = None
        self.beside: list[_Live] = []
        self.stays: list[Stay] = []
        self.taken: list[Taken] = []
        self.events: list[Event] = []

    def copy(self, answers: Answers) -> _Player:
        """The same play, to be gone on with by itself."""
        other = _Player(self.plan, answers, self.longest, self.unattended)
        other.numbers = self.numbers.copy()
        other.now, other.index, other.entered = self.now, self.index, self.entered
        other.stalled, other.people, other.background = self.stalled, self.people, self.background
        other.beside, other.stays = [*self.beside], [*self.stays]
        other.taken, other.events = [*self.taken], [*self.events]
        return other

    def walk(self, starts: dict[int, _Player] | None = None) -> Walk:
        """Play it all; `starts` gets a copy of the play at the start of each stage."""
        if self.plan.refused:
            self._say(f"refused: {self.plan.refused[0]}", self.plan.place)
            return self._end("refused", None, ())
        self._enter()
        return self.walk_on(starts)

    def walk_on(self, starts: dict[int, _Player] | None = None) -> Walk:
        """Play on from where it is."""
        while self.index < len(self.plan.stages):
            if starts is not None and self.index not in starts:
                starts[self.index] = self.copy(self.answers)
            self._measure()
            self._stall()
            ended = self._judged()
            if ended is not None:
                return ended
            if self._stage_ended():
                self._leave()
                continue
            following = self._next()
            if following is None:
                kind: EndingKind = "waits" if isinstance(self.stage.wait, Person) else "stuck"
                return self._end(kind, None, ())
            self.now = following
        self._say("promoted", self.plan.place)
        return self._end("promoted", None, ())

    @property
    def stage(self) -> Stage:
        return self.plan.stages[self.index]

    def _lives(self) -> Iterator[_Live]:
        if self.background is not None:
            yield self.background
        yield from self.beside

    def _enter(self) -> None:
        """Begin the stage at `index`: the runs that start with it."""
        self.entered, self.stalled = self.now, None
        stage = self.stage
        self._say(stage.label, stage.place)
        self.beside = [self._start(run) for run in runs_of(stage)]
        background = self.plan.background
        if background is not None and self.index == self.plan.background_from:
            self._say(f"{background.label} starts", background.place)
            self.background = self._start(background)
        elif background is not None and self.background is not None and self._gone(self.background):
            self.background = self._start(background)

    def _gone(self, live: _Live) -> bool:
        """Whether a background run was Inconclusive during a pause and is replaced now (releases before 1.8)."""
        return self.plan.leak == "respawn" and live.phase == "Inconclusive"

    def _start(self, run: Run) -> _Live:
        metrics = () if run.fault else tuple(metric for metric in run.metrics if metric.spec is not None)
        specs = tuple(metric.spec for metric in metrics if metric.spec is not None)
        wake = self.now if specs else None
        return _Live(run, metrics, specs, self._patience(specs), self.now, new_run(specs), wake)

    def _measure(self) -> None:
        """Take every measurement that is due now, until the runs have settled."""
        if self.background is not None:
            self.background = self._settled(self.background)
        self.beside = [self._settled(live) for live in self.beside]

    def _settled(self, live: _Live) -> _Live:
        if live.wake is None or live.wake > self.now:
            return live
        specs, state, at = live.specs, live.state, self.now - live.started
        wake = wake_up(specs, state)
        while wake is not None and wake <= at:
            outcomes = {index: self._asked(live.run, live.metrics[index]) for index in due(specs, state, at)}
            before, state = state, reconciled(specs, state, at, outcomes)
            wake = wake_up(specs, state)
            if state == before:
                break
        return live._replace(state=state, wake=None if wake is None else live.started + wake)

    def _asked(self, run: Run, metric: Metric) -> Outcome:
        key = id(run), id(metric)
        outcome = self.answers(Asked(run, metric, self.numbers[key], self.index, self.now))
        self.numbers[key] += 1
        self.taken.append(Taken(run, metric, self.now, outcome))
        self._say(f"{metric.name}: {_WORDS[outcome]}", metric.place)
        return outcome

    def _stall(self) -> None:
        """Stop to look at the runs of an Experiment that is stuck: so does the controller."""
        wait = self.stage.wait
        if isinstance(wait, Experimented) and self.stalled is None:
            phases = [live.phase for live in self.beside]
            if stuck([run.required for run in wait.runs], phases):
                self._say("the experiment is stuck: an analysis that it does not require still runs", self.stage.place)
                self.stalled = self.now
                self.beside = []

    def _judged(self) -> Walk | None:
        """The end, where a run ends the rollout now; an abort goes before a pause."""
        verdicts = [(live, self._verdict(live)) for live in self._lives()]
        for phases in (("Failed", "Error"), ("Inconclusive",)):
            ended = [(live, phase) for live, phase in verdicts if phase in phases]
            if not ended:
                continue
            phase = ended[0][1]
            for _, other in ended:
                phase = worse(phase, other)
            causes = [cause for live, own in ended for cause in self._causes(live, own)]
            kind: EndingKind = "waits" if phases == ("Inconclusive",) else "aborted"
            words = "paused: an analysis is Inconclusive" if kind == "waits" else f"aborted: {phase}"
            self._say(words, next((cause.metric.place for cause in causes if cause.metric is not None), None))
            return self._end(kind, phase, tuple(causes))
        return None

    def _verdict(self, live: _Live) -> RunPhase:
        """The phase of a run as the rollout sees it now."""
        if live is self.background and self.plan.leak == "respawn" and live.phase == "Inconclusive":
            return "Running" if isinstance(self.stage.wait, (Timed, Person)) else "Inconclusive"
        return live.phase

    def _causes(self, live: _Live, phase: RunPhase) -> Iterator[Cause]:
        """The metrics of a run that have the phase of the run."""
        if live.run.fault:
            yield Cause(live.run, None, phase)
            return
        for metric, state in zip(live.metrics, live.state.metrics, strict=True):
            if state.phase == phase and not metric.dry_run:
                yield Cause(live.run, metric, phase)

    def _stage_ended(self) -> bool:
        wait = self.stage.wait
        if isinstance(wait, Instant | External):
            return True
        if isinstance(wait, Person):
            if self.index == self.unattended:
                return False
            self.people += 1
            self._say("a person resumes it", self.stage.place)
            return True
        if isinstance(wait, Timed | Scaling):
            return self.now >= self.entered + wait.span.least
        if isinstance(wait, Analysed):
            return self.beside[0].phase == "Successful"
        if isinstance(wait, Experimented) and self.stalled is None:
            return self._experiment(wait) == "Successful"
        return False

    def _experiment(self, wait: Experimented) -> RunPhase:
        expired = wait.duration is not None and self.now >= self.entered + wait.duration.least
        return experiment_phase([run.required for run in wait.runs], [live.phase for live in self.beside], expired)

    def _leave(self) -> None:
        self.stays.append(Stay(self.index, self.entered, self.now))
        self.beside = []
        self.index += 1
        if self.index < len(self.plan.stages):
            self._enter()

    def _next(self) -> int | None:
        """When something happens next; `None` where nothing does, or nothing new."""
        wait = self.stage.wait
        times: list[int] = []
        if isinstance(wait, Timed | Scaling):
            times.append(self.entered + wait.span.least)
        if isinstance(wait, Experimented) and wait.duration is not None and self.stalled is None:
            times.append(self.entered + wait.duration.least)
        endless = not any(at > self.now for at in times)
        wakes = (
            live.wake
            for live in self._lives()
            if live.wake is not None and not (endless and live.wake > self.entered + live.patience)
        )
        return min((at for at in (*times, *wakes) if at > self.now), default=None)

    def _patience(self, specs: Sequence[MetricSpec]) -> int:
        longest = 0
        for spec in specs:
            bounds = spec.bounds
            counted = 0 if math.isinf(bounds.measurements) else max(0, int(bounds.measurements))
            enough = max(counted, max(0, bounds.failure) + bounds.inconclusive + bounds.success) + 3 + self.longest
            wait = max(RETRY, spec.interval or 0)
            longest = max(longest, spec.delay + enough * (wait + RETRY * (bounds.error + 1)))
        return longest

    def _say(self, words: str, place: Place | None) -> None:
        stage = self.index if self.index < len(self.plan.stages) else None
        self.events.append(Event(self.now, words, place, stage))

    def _end(self, kind: EndingKind, phase: RunPhase | None, causes: tuple[Cause, ...]) -> Walk:
        ended = kind in ("promoted", "refused")
        if not ended:
            self.stays.append(Stay(self.index, self.entered, self.now))
        return Walk(
            kind=kind,
            phase=phase,
            causes=causes,
            stage=None if ended else self.index,
            at=self.now if phase is not None or ended else self.entered if self.stalled is None else self.stalled,
            people=self.people,
            stays=tuple(self.stays),
            taken=tuple(self.taken),
            events=tuple(self.events),
        )


_WORDS: Mapping[Outcome, str] = {
    "S": "Successful",
    "F": "Failed",
    "I": "Inconclusive",
    "E": "Error",
    "R": "in flight",
}
