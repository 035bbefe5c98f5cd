"""What `rolloutlint simulate` shows of one rollout: plain data, made by `simulate.simulation`, drawn by `report`.

Times count in nanoseconds from the moment the controller sees the new version. Exposure is the integral of the new
version's share over time, in percent-minutes: 20 % for 5 minutes are 100.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from rolloutlint.finding import Place
from rolloutlint.simulate.plan import Plan, Share, Span, Why

EndingKind = Literal["promoted", "aborted", "waits", "stuck", "refused"]


class Figure(NamedTuple):
    """An amount (nanoseconds, percent-minutes, measurements) between two bounds."""

    least: Fraction | int
    most: Fraction | int | None
    """`None` where nothing bounds it."""
    why: Why = ()
    """What makes it a bound and no point."""
    reach: Fraction | int | None = None
    """Where nothing bounds it: the upper end if what is open takes as little as it can."""

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.least == self.most

    @property
    def upper(self) -> Fraction | int:
        """The upper end, as far as there is a number for it."""
        return next(end for end in (self.most, self.reach, self.least) if end is not None)


class Event(NamedTuple):
    """Something that happens on the way."""

    at: int
    """Nanoseconds; at least, where what came before is a bound."""
    words: str
    """`step 3: setWeight 20`, `success-rate: Failed (2 of 1 tolerated)`."""
    place: Place | None = None
    stage: int | None = None
    """Index of the stage in which it happens."""


class Ending(NamedTuple):
    """One way in which the rollout can end, with the shortest way there."""

    kind: EndingKind
    """`waits`: until a person acts. `stuck`: for ever, or until the manifests change. `refused`: nothing starts."""
    phase: Literal["", "Failed", "Error", "Inconclusive"]
    """Of the analysis that brought it about."""
    cause: str
    """`success-rate of the background analysis`, `pause of step 3`; empty for a promotion."""
    place: Place | None
    stage: int | None
    """Index of the stage in which it happens; `None` for promoted and refused."""
    share: Share
    """What the new version gets at that moment."""
    at: Span
    people: int
    """How many times a person has to act before it."""
    evidence: int | None
    """Of a promotion: the smallest number of successful measurements on any way to it."""
    trace: tuple[Event, ...]
    """The shortest way."""


class Row(NamedTuple):
    """A stage of the plan when every measurement is a success: one stair of the staircase."""

    stage: int
    start: Span
    end: Span


class Bar(NamedTuple):
    """A metric under the staircase, when every measurement is a success."""

    label: str
    """Name of the metric."""
    run: str
    """`background analysis`, `analysis of step 3`."""
    place: Place
    start: int
    first: int
    """When the first measurement is taken; after `end` where there is none."""
    end: int
    interval: int | None
    """`None` where it measures once."""
    measurements: int | None
    """How many measurements it takes until `end`; `None` where that is not known."""
    end_reason: Literal["rollout-ends", "complete", "unknown"]
    """`rollout-ends`: it guards to the end. `complete`: its count is reached and it guards no longer."""
    dry_run: bool
    aborts: bool
    """Whether it can abort the rollout at all."""


class Unguarded(NamedTuple):
    """A stretch in which the new version has traffic and nothing that runs can abort it."""

    start: int
    end: int
    share: Share
    """The smallest and the largest share in it."""


class Gate(NamedTuple):
    """An analysis of the plan and what it proves at least."""

    label: str
    place: Place
    evidence: int | None
    """The smallest number of its successful measurements on any way to promotion; `None` where not known."""
    why: Why


class Detection(NamedTuple):
    """A version that fails every measurement from the moment a share is reached, and is healthy before."""

    stage: int
    """The first stage with that share."""
    share: Share
    noticed: bool
    """False where it is promoted, or waits for a person, all the same."""
    after: Figure | None
    """Nanoseconds from then to the abort; `None` where nothing aborts it."""
    exposure: Figure | None
    """Percent-minutes from then to the abort; to the promotion where nothing aborts it."""
    by: str
    """What aborts it first."""
    latest: str = ""
    """What aborts it last: the metric that sees it last, if it alone does; empty where that is the first."""


class Broken(NamedTuple):
    """A version that fails every measurement from the start."""

    ending: EndingKind
    after: Figure | None
    """Nanoseconds to the abort."""
    share: Share
    """The largest share it gets until then."""
    exposure: Figure
    """Percent-minutes until then: `least` where all metrics see it, `most` where only the one that sees it last."""
    by: str
    """What aborts it first."""
    trace: tuple[Event, ...]
    """Of the first abort."""
    latest: str = ""
    """What aborts it last: the metric that sees it last, if it alone does; empty where that is the first."""


class Hang(NamedTuple):
    """Where it can stay for ever, and why."""

    words: str
    place: Place
    stage: int | None


class Simulation(NamedTuple):
    """Everything there is to say about one rollout."""

    plan: Plan
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    unguarded: tuple[Unguarded, ...]
    endings: tuple[Ending, ...]
    """Every reachable one: promoted first, then by kind and time."""
    promotion: Figure | None
    """Nanoseconds to promotion, shortest and longest; `None` where no way leads there."""
    evidence: int | None
    """The smallest number of successful measurements on any way to promotion, of analyses that are known; `None` where
    there is none and others are not known, or no way."""
    evidence_why: Why
    gates: tuple[Gate, ...]
    broken: Broken | None
    """`None` where nothing starts (refused)."""
    detections: tuple[Detection, ...]
    people: int
    """How many times a person has to act on the way to promotion."""
    hangs: tuple[Hang, ...]
    bounds: Why
    """What makes figures bounds, each once, and searches that were cut short."""
