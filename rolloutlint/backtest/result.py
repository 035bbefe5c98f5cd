"""What `rolloutlint backtest` shows: plain data, made from samples by `history`, drawn by `report`.

Times are seconds since 1970 (the API's own unit), durations nanoseconds as everywhere else. A share is a fraction of
all starts, exact.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.finding import Incomplete, Place, ResourceId, SettledFinding

Ending = Literal["Successful", "Failed", "Error", "Inconclusive", "Running"]
"""How a run ends; `Running`: the window ends first, or it never ends by itself."""


class Point(NamedTuple):
    """One measurement as it would have been taken."""

    at: float
    value: float | None
    """The value that the condition sees where there is exactly one; `None` for no data, several values, an error."""
    outcome: Outcome
    """`S`, `F`, `I` or `E`."""
    empty: bool
    """True where the query gave no series at all."""
    nan: bool
    """True where a value is NaN."""


class Limit(NamedTuple):
    """A value of one field with which at most the tolerated share of runs would have been aborted."""

    field: str
    """`failureLimit`, `count`, `successCondition` ..."""
    now: str
    wanted: str
    """As it would be written."""
    aborts: Fraction
    """The false-abort rate with it."""


class Gap(NamedTuple):
    """A stretch without data."""

    start: float
    end: float


class Starts(NamedTuple):
    """What runs would have come to, over every possible start in the window."""

    counted: int
    """How many starts: one per step of the window from which the run fits into it."""
    endings: tuple[tuple[Ending, Fraction], ...]
    """In the order of `Ending`; they sum to 1 where any start is counted."""

    def share(self, *endings: Ending) -> Fraction:
        """The share of the starts that end in one of these ways."""
        return sum((share for ending, share in self.endings if ending in endings), Fraction(0))


class Traffic(NamedTuple):
    """Whether there are requests enough to see a version that fails a stated part of them."""

    query: str
    """What counts the requests."""
    degradation: Fraction
    """The part of its requests that such a version fails."""
    weight: int
    """Percent of the requests that it gets."""
    needed: int | None
    """How many requests a measurement must count; `None` where no number is enough."""
    short: Fraction
    """The share of the points with fewer."""


class MetricHistory(NamedTuple):
    """One metric of one template, over the window."""

    metric: str
    place: Place
    query: str
    """As it was sent."""
    written: str
    """As it stands in the manifest."""
    rewritten: tuple[tuple[str, str], ...] = ()
    """With `--as-stable`: selector as written -> as sent."""
    points: tuple[Point, ...] = ()
    starts: Starts | None = None
    """`None` where no rate can be computed; `why` says why."""
    why: str = ""
    """`no data`, `the query names the canary, which has no history`, `Prometheus answered 422: ...`."""
    lost: bool = False
    """True where the server did not give what was asked of it."""
    dry_run: bool = False
    """Whether its verdict counts for nothing."""
    false_aborts: Fraction | None = None
    """The share of starts that abort a rollout though nothing was rolled out: Failed and Error together."""
    unseen: Fraction = Fraction(0)
    """The share of starts that succeed without one measurement that had data."""
    no_data: Fraction = Fraction(0)
    """The share of the points without data."""
    not_a_number: Fraction = Fraction(0)
    gaps: tuple[Gap, ...] = ()
    """The longest first."""
    quantiles: tuple[tuple[Fraction, float], ...] = ()
    """Of the values: 0, 1/100, 1/20, 1/2, 19/20, 99/100, 1."""
    thresholds: tuple[float, ...] = ()
    """The numbers that the conditions compare with."""
    limits: tuple[Limit, ...] = ()
    traffic: Traffic | None = None
    """Where it was asked for, and the query is a share of requests."""
    notes: tuple[str, ...] = ()
    step: int = 0
    """Nanoseconds between points: the metric's interval; where measurements are errors, so small that the retries after
    ten seconds are points as well."""


class AnalysisHistory(NamedTuple):
    """All metrics of one analysis together: the run ends as the worst of them."""

    template: ResourceId
    place: Place
    user: ResourceId | None
    """The Rollout that uses it, where one does."""
    called: str
    """`background analysis`, `analysis of step 3`; empty without a Rollout."""
    metrics: tuple[MetricHistory, ...]
    starts: Starts | None
    false_aborts: Fraction | None


class Selector(NamedTuple):
    """A metric or a label value of a query that the server does not know."""

    place: Place
    text: str
    """`http_requests_total`, `status=~"5.."`."""
    near: tuple[str, ...]
    """The nearest names that exist."""
    what: Literal["metric", "label", "value"]


class Backtest(NamedTuple):
    """Everything that `backtest` shows."""

    source: str
    """The server without credentials, or the directory."""
    start: float
    end: float
    tolerated: Fraction
    """`--max-false-aborts`."""
    analyses: tuple[AnalysisHistory, ...]
    unknown: tuple[Selector, ...]
    findings: tuple[SettledFinding, ...]
    incomplete: tuple[Incomplete, ...]
    tool_version: str

    @property
    def lost(self) -> bool:
        """True where something that was asked for was not answered."""
        return any(i.lost for i in self.incomplete) or any(m.lost for a in self.analyses for m in a.metrics)
