"""Small plans made by hand, and every history of them played one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from rolloutlint.controllers.analysis_run import MetricSpec, Outcome
from rolloutlint.controllers.limits import Bounds
from rolloutlint.finding import DocumentId, Place, ResourceId
from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.plan import (
    NOTHING,
    Analysed,
    Experimented,
    Instant,
    Metric,
    Never,
    Person,
    Plan,
    Pods,
    Run,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Wait,
)
from rolloutlint.simulate.player import Asked, Walk, play

ROLLOUT = ResourceId("argoproj.io", "v1alpha1", "Rollout", "shop", "cart")
TEMPLATE = ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", "shop", "checks")
PLACE = Place(DocumentId("cart.yaml", 0))


def metric(
    name: str = "success-rate",
    outcomes: str = "SFE",
    *,
    count: float = 1,
    interval: int | None = 60,
    delay: int = 0,
    failure: int = 0,
    inconclusive: int = 0,
    error: int = 4,
    success: int = 0,
    dry_run: bool = False,
) -> Metric:
    """A metric; durations in seconds."""
    spec = MetricSpec(
        name,
        Bounds(count, failure, success, inconclusive, error),
        None if interval is None else interval * SECOND,
        delay * SECOND,
        dry_run,
    )
    return Metric(spec, name, "prometheus", outcomes, TEMPLATE, PLACE, Span(0, 0))


def run(*metrics: Metric, role: Any = "step", label: str = "", required: bool = False, fault: str = "") -> Run:
    """An AnalysisRun of these metrics."""
    return Run(role, label or f"{role} analysis", PLACE, metrics, fault, required=required)


def timed(seconds: int) -> Timed:
    """A pause."""
    return Timed(Span(seconds * SECOND, seconds * SECOND))


def stage(wait: Wait, weight: int = 0, step: int | None = 0) -> Stage:
    """A stage in which the new version has `weight` percent."""
    share = Share(Fraction(weight, 100), Fraction(weight, 100)) if weight else NOTHING
    return Stage(step, type(wait).__name__.lower(), PLACE, wait, share, weight, Pods(None, None))


def plan(
    *stages: Stage, background: Run | None = None, background_from: int = 0, leak: Any = "", refused: Sequence[str] = ()
) -> Plan:
    """A routed canary with these stages."""
    return Plan(
        rollout=ROLLOUT,
        place=PLACE,
        strategy="canary",
        replicas=Span(10, 10),
        router="istio",
        stages=tuple(stage._replace(step=index) for index, stage in enumerate(stages)),
        background=background,
        background_from=background_from,
        deadline=600 * SECOND,
        deadline_aborts=False,
        leak=leak,
        refused=tuple(refused),
        notes=(),
    )


class _MoreError(Exception):
    """A measurement beyond the history that is being played."""

    def __init__(self, letters: str) -> None:
        super().__init__(letters)
        self.letters = letters


class TooManyError(Exception):
    """There are more histories than a test has time for."""


def every_walk(of: Plan, *, unattended: int | None = None, most: int = 200_000) -> Iterator[Walk]:
    """The walks of every history there is."""
    waiting = [""]
    played = 0
    while waiting:
        history = waiting.pop()
        position = 0
        played += 1
        if played > most:
            raise TooManyError

        def answer(asked: Asked, history: str = history) -> Outcome:
            nonlocal position
            position += 1
            if position > len(history):
                raise _MoreError(asked.metric.outcomes)
            return history[position - 1]  # type: ignore[return-value]

        try:
            yield play(of, answer, unattended=unattended)
        except _MoreError as more:
            waiting.extend(history + letter for letter in more.letters)


class Key(NamedTuple):
    """What makes two endings one."""

    kind: str
    phase: str | None
    run: str
    metric: str
    stage: int | None


def endings_of(walks: Iterator[Walk]) -> tuple[Mapping[Key, set[int]], int | None]:
    """The endings of walks with the times at which they come, and the fewest successes of a promotion."""
    found: dict[Key, set[int]] = {}
    evidence = math.inf
    for walk in walks:
        for cause in walk.causes or (None,):
            key = Key(
                walk.kind,
                cause.phase if cause is not None else walk.phase,
                cause.run.label if cause is not None else "",
                cause.metric.name if cause is not None and cause.metric is not None else "",
                walk.stage,
            )
            found.setdefault(key, set()).add(walk.at)
        if walk.kind == "promoted":
            evidence = min(evidence, walk.successes)
    return found, None if math.isinf(evidence) else int(evidence)


__all__ = [
    "Analysed",
    "Experimented",
    "Instant",
    "Never",
    "Person",
    "Scaling",
    "TooManyError",
    "endings_of",
    "every_walk",
    "metric",
    "plan",
    "run",
    "stage",
    "timed",
]
