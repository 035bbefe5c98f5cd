"""A rollout as the simulator plays it: stages in order, each with what ends it, and the analyses beside them.

Plain data, made by `simulate.linked` from a Rollout and what it names. Times are whole nanoseconds, as in Go; shares
are the part of the traffic that the new version gets, from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.finding import Place, ResourceId

Why: TypeAlias = "tuple[str, ...]"
"""What makes a quantity a bound and no point, in words: `spec.metrics[0].interval is filled in later`."""


class Span(NamedTuple):
    """A whole number, nanoseconds or pods, of which at least a lower bound is known."""

    least: int
    most: int | None
    """`None` where nothing bounds it."""
    why: Why = ()
    """Empty where it is a point."""

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.least == self.most


NO_TIME = Span(0, 0)


class Share(NamedTuple):
    """How much of the traffic the new version gets: between two bounds, mostly equal."""

    least: Fraction
    most: Fraction

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.least == self.most


NOTHING = Share(Fraction(0), Fraction(0))
EVERYTHING = Share(Fraction(1), Fraction(1))


class Pods(NamedTuple):
    """Pods of both versions, `None` where the number of replicas is not known."""

    canary: int | None
    stable: int | None


class Metric(NamedTuple):
    """One metric of an analysis: the rules of its counters, and what its measurements can be."""

    spec: MetricSpec | None
    """`None` where a limit, count or duration is not known: then it may end at any time in any phase."""
    name: str
    provider: str
    outcomes: str
    """The letters of `SFIE` that a measurement can give, in that order."""
    template: ResourceId
    place: Place
    """The metric's entry in its template."""
    takes: Span
    """How long one measurement takes: nothing but for jobs, whose time nobody knows."""
    why: Why = ()
    """Why `spec` is not known."""

    @property
    def dry_run(self) -> bool:
        """Whether its verdict is known not to count."""
        return self.spec is not None and self.spec.dry_run


class Run(NamedTuple):
    """One AnalysisRun: the metrics of all its templates together."""

    role: Literal["background", "step", "prePromotion", "postPromotion", "experiment"]
    label: str
    """`background analysis`, `analysis of step 3`."""
    place: Place
    metrics: tuple[Metric, ...]
    fault: str = ""
    """Why the controller ends it with an Error before the first measurement; empty where it does not."""
    unknown: Why = ()
    """Why its metrics are not known at all (a template that is not among the inputs); then `metrics` is empty."""
    required: bool = False
    """In an experiment: whether the experiment waits for it (`requiredForCompletion`)."""


class Instant(NamedTuple):
    """The stage ends as soon as it is reached."""


class Scaling(NamedTuple):
    """The stage ends when pods are available: at least `minReadySeconds` after they are ready, in `Span`."""

    span: Span


class Timed(NamedTuple):
    """The stage ends after a time."""

    span: Span


class Person(NamedTuple):
    """The stage ends when a person resumes the rollout."""


class Analysed(NamedTuple):
    """The stage ends when its AnalysisRun is Successful."""

    run: Run


class Experimented(NamedTuple):
    """The stage ends when its Experiment is Successful."""

    runs: tuple[Run, ...]
    duration: Span | None
    """`None` where it has none."""


class External(NamedTuple):
    """The stage ends when something says so of which nothing is known here (a step plugin)."""

    what: str


class Never(NamedTuple):
    """Nothing ends the stage."""

    because: str


Wait: TypeAlias = "Instant | Scaling | Timed | Person | Analysed | Experimented | External | Never"


class Stage(NamedTuple):
    """One step of the rollout, or what the controller does of its own accord."""

    step: int | None
    """Index of the canary step; `None` for what is no step: blue-green stages and the final scale-up."""
    label: str
    """`setWeight 20`, `pause 5m`, `analysis`, `switch active Service`."""
    place: Place
    wait: Wait
    share: Share
    """The share in force while the stage lasts."""
    weight: int | None
    """The traffic weight in force while the stage lasts, for routed canaries."""
    pods: Pods
    """The pods asked for while it lasts."""


def runs_of(stage: Stage) -> tuple[Run, ...]:
    """The AnalysisRuns that a stage waits for, itself or in its Experiment."""
    if isinstance(stage.wait, Analysed):
        return (stage.wait.run,)
    return stage.wait.runs if isinstance(stage.wait, Experimented) else ()


class Plan(NamedTuple):
    """Everything that decides what an update of a Rollout does."""

    rollout: ResourceId
    place: Place
    strategy: Literal["canary", "blueGreen"]
    replicas: Span
    """Pods; a point unless an autoscaler or a placeholder decides."""
    router: str
    """How traffic is split: `istio`, `nginx` ..., `""` where pods alone decide."""
    stages: tuple[Stage, ...]
    background: Run | None
    background_from: int
    """Index of the stage at whose start the background analysis starts."""
    deadline: int | None
    """Nanoseconds of `progressDeadlineSeconds`."""
    deadline_aborts: bool
    leak: Literal["", "respawn", "unblocked"]
    """What an Inconclusive background analysis fails to stop: `respawn` below 1.8, where a new run replaces it during a
    pause; `unblocked` since, where steps that need no pods go on (`rollout/analysis.go` needsNewAnalysisRun,
    `rollout/pause.go`). Empty where no background analysis can be Inconclusive."""
    refused: tuple[str, ...]
    """Why the controller refuses the Rollout as it is: then nothing happens at all."""
    notes: tuple[str, ...]
    """What the figures leave out: header routes, experiments that get traffic ..."""
    rollback_window: int = 0
    """`rollbackWindow.revisions`; 0 where there is none."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every AnalysisRun, the background one first."""
        behind = () if self.background is None else (self.background,)
        return (*behind, *(run for stage in self.stages for run in runs_of(stage)))

    @property
    def has_unknown(self) -> bool:
        """Whether an analysis takes part of which something decisive is not known."""
        return any(run.unknown or any(metric.spec is None for metric in run.metrics) for run in self.runs)


def with_runs(stage: Stage, change: Callable[[Run], Run]) -> Stage:
    """The stage with each of its AnalysisRuns changed."""
    wait = stage.wait
    if isinstance(wait, Analysed):
        return stage._replace(wait=Analysed(change(wait.run)))
    if isinstance(wait, Experimented):
        return stage._replace(wait=wait._replace(runs=tuple(map(change, wait.runs))))
    return stage
