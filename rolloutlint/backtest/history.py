"""From samples to shares: what a measurement would have given at each point, and how runs from each start would end.

`points_of` evaluates the conditions on what a query gave; `endings` plays the machine of `controllers.analysis_run`
from every point at once, without walking through each run: which point a metric measures next depends on nothing but
the point before it (an Error is retried after ten seconds), so the points form a forest, and "the third failure from
here" is the third ancestor in a forest of failures. `starts_of` puts the metrics of a run together. Everything is exact
and linear in the points (times the logarithm of a limit); the tests hold it against `reconciled`, pass by pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import Final, NamedTuple, get_args

from rolloutlint.backtest.result import Ending, Gap, Point, Starts
from rolloutlint.backtest.source import Series
from rolloutlint.controllers.analysis_run import (
    BAD,
    RETRY,
    MetricSpec,
    MetricState,
    Outcome,
    assessed,
    recorded,
    worse,
)
from rolloutlint.controllers.limits import Bounds
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.expr import Phase, Program, decide, uses_index

ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)
QUANTILES: Final = tuple(Fraction(*pair) for pair in ((0, 1), (1, 100), (1, 20), (1, 2), (19, 20), (99, 100), (1, 1)))

LETTERS: Final[Mapping[Phase, Outcome]] = {"Successful": "S", "Failed": "F", "Inconclusive": "I", "Error": "E"}
_TOLERANCE: Final = 0.002
"""Seconds by which the time of a sample may differ from the one asked for: servers count in milliseconds."""
_MOST_ORDERS: Final = 50
"""Of so many series every one is tried as the first."""


class Grid(NamedTuple):
    """The times of the points: `start`, `start + step` ..."""

    start: float
    """Seconds since 1970."""
    step: int
    """Nanoseconds."""
    size: int
    """How many there are."""

    def at(self, index: int) -> float:
        """The time of a point, in seconds since 1970."""
        return self.start + index * self.step / SECOND

    @property
    def end(self) -> float:
        """The time of the last point."""
        return self.at(self.size - 1)


def grid_of(start: float, window: int, step: int, delay: int = 0) -> Grid:
    """The points `step` nanoseconds apart at which a metric is measured that starts anywhere in `window` nanoseconds
    from `start`: shifted so that a start is on the grid, and its first measurement `delay` later is, too."""
    shift = delay % step
    return Grid(start + shift / SECOND, step, max(0, (window - shift) // step + 1))


def step_of(spec: MetricSpec, alone: int, errors: bool) -> int:
    """Nanoseconds between the points that a metric needs: its interval, `alone` for one without; where measurements are
    errors, so small that the retries after ten seconds are points as well."""
    step = spec.interval or alone
    return gcd(step, RETRY) if errors else step


class Points(NamedTuple):
    """What a metric would have measured, at each time of a grid."""

    points: tuple[Point, ...]
    arbitrary: int = 0
    """At how many of them the outcome depends on the order of the series, which nobody knows."""
    undecided: bool = False
    """Whether a placeholder decides about some outcome; then `points` is empty."""
    displaced: bool = False
    """Whether the source answered for other times than it was asked for; then `points` is empty."""


def points_of(series: Series, grid: Grid, success: Program | None, failure: Program | None, scalar: bool) -> Points:
    """The outcome of a measurement at each time of the grid.

    `scalar`: the query gives one number and no vector (its shape is `float`). An instant query at a time gives what the
    range query gives for that time, except that the order of its series is undefined (prometheus `promql/engine.go`):
    here they come in the order of the answer, which sorts them by labels.
    """
    cells: list[list[float]] = [[] for _ in range(grid.size)]
    start, step = grid.start, grid.step / SECOND
    for _, samples in series:
        for at, value in samples:
            index = round((at - start) / step)
            if not 0 <= index < grid.size or abs(at - start - index * step) > _TOLERANCE:
                return Points((), displaced=True)
            cells[index].append(value)
    ordered = any(uses_index(p.node) for p in (success, failure) if p is not None and p.node is not None)
    known: dict[object, Phase | None] = {}

    def phase(key: object, result: object) -> Phase | None:
        if key not in known:
            known[key] = decide(success, failure, result)
        return known[key]

    points: list[Point] = []
    arbitrary = 0
    for index, values in enumerate(cells):
        single = values[0] if len(values) == 1 else None
        nan = any(value != value for value in values)
        if single is not None:
            found = phase("NaN" if nan else single, single if scalar else [single])
        elif scalar:
            found = phase("NaN", math.nan) if not values else decide(success, failure, values[0])
        else:
            found = phase((), []) if not values else decide(success, failure, values)
            if ordered and len(values) > 1:
                orders = (values[k:] + values[:k] for k in range(1, min(len(values), _MOST_ORDERS)))
                arbitrary += any(decide(success, failure, order) != found for order in orders)
        if found is None:
            return Points((), undecided=True)
        points.append(Point(grid.at(index), single, LETTERS[found], not values, nan))
    return Points(tuple(points), arbitrary)


# ---- one metric, from every start ----------------------------------------------------------------------------------


class Ended(NamedTuple):
    """How the run of one metric ends whose first measurement is a given point."""

    at: Sequence[int]
    """For each point the point with whose measurement it ends; the number of points where that is never reached."""
    phase: Sequence[Ending]
    blind: Sequence[bool]
    """Whether it ends Successful without one measurement that had data."""


def endings(points: Sequence[Point], spec: MetricSpec, step: int) -> Ended:
    """How the metric ends for each point as its first measurement (`controllers.analysis_run.assessed`).

    `step`: nanoseconds between the points; interval and retry are multiples of it where they matter (`step_of`).
    """
    return Paths(points, spec.interval, step).endings(spec.bounds)


class Paths:
    """The way from each point to what is measured next, and where it meets which outcomes; each is looked up once.

    Positions are numbers of points; the number of all points stands for "beyond the window".
    """

    def __init__(self, points: Sequence[Point], interval: int | None, step: int) -> None:
        self._outcomes = outcomes = [point.outcome for point in points]
        self._empty = [point.empty for point in points]
        self._there = frozenset(outcomes)
        self._size = n = len(outcomes)
        retry, stride = max(1, RETRY // step), max(1, (interval or RETRY) // step)
        following = [*range(stride, n), *[n] * min(n, stride)]
        if "E" in self._there:
            for i, outcome in enumerate(outcomes):
                if outcome == "E":
                    following[i] = min(n, i + retry)
        self._following = [*following, n]
        self._firsts: dict[str, list[int]] = {}
        self._positions: dict[tuple[str, int], Sequence[int]] = {}

    def endings(self, bounds: Bounds) -> Ended:
        """How a metric of these limits ends, for each point as its first measurement."""
        n, there = self._size, self._there
        if bounds.measurements < 0:
            return self._after_one(bounds)
        found: list[tuple[Ending, Sequence[int]]] = []
        if "E" in there:
            found.append(("Error", self.row("E", bounds.error + 1)))
        if "I" in there:
            found.append(("Inconclusive", self.nth("I", bounds.inconclusive)))
        if "F" in there and bounds.failure >= 0:
            found.append(("Failed", self.nth("F", bounds.failure)))
        if bounds.success > 0:
            found.append(("Successful", self.row("S", bounds.success)))
        if not math.isinf(bounds.measurements):
            full: Ending = "Successful"
            if bounds.success > 0:
                full = "Inconclusive" if bounds.failure >= 0 else "Failed"
            found.append((full, self.nth("SFI", int(bounds.measurements) - 1)))
        # Of several ends with one measurement the first counts: limits, then successes.
        at = list(map(min, *(positions for _, positions in found), [n] * n)) if found else [n] * n
        phase: list[Ending] = ["Running"] * n
        for name, positions in reversed(found):
            phase = [name if one == end < n else before for one, end, before in zip(positions, at, phase, strict=True)]
        if True not in self._empty:
            return Ended(at, phase, [False] * n)
        seen = self._first("data")
        return Ended(at, phase, [phase[i] == "Successful" and seen[i] > at[i] for i in range(n)])

    def _after_one(self, bounds: Bounds) -> Ended:
        """One measurement completes it, an Error as well."""
        ends: dict[Outcome, Ending] = {
            o: assessed(bounds, recorded(MetricState(), o, 0), False)  # type: ignore[misc]  # a completed phase
            for o in self._there
        }
        phase = [ends[outcome] for outcome in self._outcomes]
        blind = [end == "Successful" and empty for end, empty in zip(phase, self._empty, strict=True)]
        return Ended(range(self._size), phase, blind)

    def nth(self, letters: str, earlier: int) -> Sequence[int]:
        """For each point the one on its way whose outcome is the first of `letters` after `earlier` others."""
        n, key = self._size, (letters, earlier)
        if key not in self._positions:
            first = self._first(letters)
            if earlier >= n:
                self._positions[key] = [n] * n
            elif earlier <= 0:
                self._positions[key] = first[:n]
            else:
                ahead = _power([first[after] for after in self._following], earlier)
                self._positions[key] = [ahead[i] for i in first[:n]]
        return self._positions[key]

    def row(self, letter: Outcome, length: int) -> Sequence[int]:
        """For each point the one on its way that completes the first row of `length` of an outcome."""
        n, key = self._size, (f"row of {letter}", length)
        if key not in self._positions:
            if length > n:
                self._positions[key] = [n] * n
            else:
                rows = self._rows(letter)
                first = self._nearest([row >= length for row in rows[:n]])
                ahead = _power(self._following, length - 1)
                self._positions[key] = [ahead[i] for i in first[:n]]
        return self._positions[key]

    def _rows(self, letter: Outcome) -> list[int]:
        """How many of an outcome come in a row from each point on."""
        key = f"rows of {letter}"
        if key not in self._firsts:
            following = self._following
            rows = [0] * (self._size + 1)
            for i in range(self._size - 1, -1, -1):
                if self._outcomes[i] == letter:
                    rows[i] = rows[following[i]] + 1
            self._firsts[key] = rows
        return self._firsts[key]

    def _first(self, what: str) -> list[int]:
        """For each point the first one on its way, itself included, with one of these outcomes, or with `data`."""
        if what not in self._firsts:
            if what == "data":
                wanted = [not empty for empty in self._empty]
            else:
                wanted = [outcome in what for outcome in self._outcomes]
            self._firsts[what] = self._nearest(wanted)
        return self._firsts[what]

    def _nearest(self, wanted: Sequence[bool]) -> list[int]:
        n, following = self._size, self._following
        found = [n] * (n + 1)
        for i in range(n - 1, -1, -1):
            found[i] = i if wanted[i] else found[following[i]]
        return found


def _power(step: Sequence[int], times: int) -> Sequence[int]:
    """A function from points to points, applied so many times."""
    found: Sequence[int] = range(len(step))
    while times:
        if times & 1:
            found = [step[i] for i in found]
        times >>= 1
        if times:
            step = [step[i] for i in step]
    return found


# ---- the run of several metrics -------------------------------------------------------------------------------------


class Track(NamedTuple):
    """One metric of a run with how it ends from every point."""

    spec: MetricSpec
    step: int
    """Nanoseconds between its points."""
    ended: Ended


def longest(specs: Sequence[MetricSpec], horizon: int) -> int:
    """How long a run is looked at, in nanoseconds: until the count of every metric is used up without errors; one
    without a count measures for `horizon`, the time that the rollout takes."""
    found = 0
    for spec in specs:
        count = spec.bounds.measurements
        if math.isinf(count):
            found = max(found, horizon)
        else:
            found = max(found, spec.delay + (max(1, int(count)) - 1) * (spec.interval or 0))
    return found


def starts_of(tracks: Sequence[Track], window: int, horizon: int) -> tuple[Starts, Fraction]:
    """How runs of these metrics end, over every start from which one fits into `window` (nanoseconds), and the share of
    them that succeed without any data.

    Starts are a multiple of every step apart, so that each metric has a point for each of its measurements. What is not
    complete after `longest` because there is no count is Running, and so is what retries beyond the end of the window.
    """
    pace = math.lcm(*(track.step for track in tracks)) if tracks else 1
    fits = window - longest([track.spec for track in tracks], horizon)
    counted = fits // pace + 1 if fits >= 0 and tracks else 0
    if not counted:
        return Starts(0, ()), Fraction(0)
    if len(tracks) == 1 and not tracks[0].spec.dry_run:
        found, unseen = _alone(tracks[0], counted, horizon)
    else:
        pairs = [_ended(tracks, number * pace, horizon) for number in range(counted)]
        found, unseen = [phase for phase, _ in pairs], [each for _, each in pairs]
    totals, blind = Counter(found), sum(unseen)
    shares = tuple((ending, Fraction(totals[ending], counted)) for ending in ENDINGS)
    return Starts(counted, shares), Fraction(blind, counted)


def _alone(track: Track, counted: int, horizon: int) -> tuple[Sequence[Ending], Sequence[bool]]:
    """How the runs of one metric end, from each start in order, as `_ended` tells it."""
    spec, step, ended = track
    first = spec.delay // step
    here = slice(first, first + counted)
    phases, blind = list(ended.phase[here]), list(ended.blind[here])
    if math.isinf(spec.bounds.measurements):
        most = (horizon - spec.delay) // step
        late = [at - i > most for i, at in enumerate(ended.at[here], first)]
        phases = ["Running" if each else phase for phase, each in zip(phases, late, strict=True)]
        blind = [one and not each for one, each in zip(blind, late, strict=True)]
    return phases + ["Running"] * (counted - len(phases)), blind


def _ended(tracks: Sequence[Track], start: int, horizon: int) -> tuple[Ending, bool]:
    """How the run ends that starts then, and whether it saw nothing. A metric that turns bad ends the run, with what
    the others have come to by that very moment (`reconciled`)."""
    found: list[tuple[int | None, Ending, bool, bool]] = []
    stop: int | None = None
    for spec, step, ended in tracks:
        first = (start + spec.delay) // step
        at: int | None = None
        phase: Ending = "Running"
        if first < len(ended.phase) and ended.phase[first] != "Running":
            at = start + spec.delay + (ended.at[first] - first) * step
            phase = ended.phase[first]
            if math.isinf(spec.bounds.measurements) and at > start + horizon:
                at, phase = None, "Running"
        found.append((at, phase, spec.dry_run, at is not None and ended.blind[first]))
        if at is not None and phase in BAD and not spec.dry_run and (stop is None or at < stop):
            stop = at
    worst: Ending = "Successful"
    for at, phase, dry, _ in found:
        if at is None:
            if stop is None:
                return "Running", False
        elif not dry and (stop is None or at <= stop):
            worst = worse(worst, phase)  # type: ignore[assignment]  # one of two endings
    return worst, worst == "Successful" and all(blind for _, _, dry, blind in found if not dry)


def aborts(starts: Starts) -> Fraction:
    """The share of starts that abort a rollout."""
    return starts.share("Failed", "Error")


# ---- what else there is to say about points ------------------------------------------------------------------------


def share(points: Sequence[Point], wanted: Callable[[Point], bool]) -> Fraction:
    """The share of the points of which something holds; 0 of none."""
    return Fraction(sum(map(wanted, points)), len(points)) if points else Fraction(0)


def gaps(points: Sequence[Point], step: int) -> tuple[Gap, ...]:
    """The stretches without data, the longest first."""
    found: list[Gap] = []
    since: float | None = None
    for point in points:
        if point.empty and since is None:
            since = point.at
        elif not point.empty and since is not None:
            found.append(Gap(since, point.at))
            since = None
    if since is not None:
        found.append(Gap(since, points[-1].at + step / SECOND))
    return tuple(sorted(found, key=lambda gap: (gap.start - gap.end, gap.start)))


def quantiles(points: Sequence[Point]) -> tuple[tuple[Fraction, float], ...]:
    """Of the single values that are numbers: the smallest value that at least such a share of them does not exceed."""
    values = sorted(v for point in points if (v := point.value) is not None and v == v)
    if not values:
        return ()
    return tuple((part, values[max(0, math.ceil(part * len(values)) - 1)]) for part in QUANTILES)
