"""With which limit, count or threshold at most a tolerated share of runs would have been aborted.

Each search changes one field, towards more tolerance alone, and is for the smallest change that is enough. What a
change gives is computed from all starts again, as the backtest of the changed metric would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import NamedTuple

from rolloutlint.backtest.history import LETTERS, Paths, Track, aborts, endings, starts_of
from rolloutlint.backtest.result import Limit, Point
from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.lang.expr import Library, Program, Shape, comparisons, decide, program_of

MOST_ERRORS = 360
"""An hour of errors: to tolerate more of them in a row is to look away."""


class Judge(NamedTuple):
    """The conditions of a metric."""

    success: str
    """Empty where there is none."""
    failure: str
    shape: Shape
    library: Library

    def programs(self) -> tuple[Program | None, Program | None]:
        """Both, compiled."""
        one, other = (program_of(t, self.shape, self.library) if t else None for t in (self.success, self.failure))
        return one, other


class Case(NamedTuple):
    """A metric with what it would have measured."""

    points: Sequence[Point]
    spec: MetricSpec
    step: int
    """Nanoseconds between the points."""
    window: int
    horizon: int
    paths: Paths
    """Those of the points."""

    def aborts(self, spec: MetricSpec | None = None, points: Sequence[Point] | None = None) -> Fraction | None:
        """The false-abort rate with another spec or other points; `None` where no run fits into the window."""
        spec = spec or self.spec
        ended = self.paths.endings(spec.bounds) if points is None else endings(points, spec, self.step)
        starts, _ = starts_of([Track(spec, self.step, ended)], self.window, self.horizon)
        return aborts(starts) if starts.counted else None


def limits_of(case: Case, judge: Judge, tolerated: Fraction) -> tuple[Limit, ...]:
    """The changes that are enough, each alone; `()` where the metric as it is aborts no more than tolerated."""
    now = case.aborts()
    if now is None or now <= tolerated or case.spec.bounds.measurements < 0:
        return ()
    found = (_failure(case, tolerated), _count(case, tolerated), _errors(case, tolerated))
    return (*filter(None, found), *_thresholds(case, judge, tolerated))


def _failure(case: Case, tolerated: Fraction) -> Limit | None:
    """A greater `failureLimit`, with which the metric can still fail."""
    bounds, spec = case.spec.bounds, case.spec
    if bounds.failure < 0 or not any(point.outcome == "F" for point in case.points):
        return None
    if math.isinf(bounds.measurements):
        most = case.horizon // (spec.interval or case.horizon or 1)
    else:
        most = int(bounds.measurements) - max(1, bounds.success)
    return _least(
        "failureLimit",
        bounds.failure,
        range(bounds.failure + 1, most + 1),
        lambda limit: case.aborts(spec._replace(bounds=bounds._replace(failure=limit))),
        tolerated,
    )


def _count(case: Case, tolerated: Fraction) -> Limit | None:
    """A smaller `count`, with which the metric can still fail. Not where it must succeed several times in a row."""
    bounds, spec = case.spec.bounds, case.spec
    if math.isinf(bounds.measurements) or bounds.success > 0 or bounds.failure < 0:
        return None
    count = int(bounds.measurements)
    least = max(1, bounds.failure + 1, bounds.inconclusive)
    return _least(
        "count",
        count,
        range(count - 1, least - 1, -1),
        lambda limit: case.aborts(spec._replace(bounds=bounds._replace(measurements=limit))),
        tolerated,
    )


def _errors(case: Case, tolerated: Fraction) -> Limit | None:
    """A greater `consecutiveErrorLimit`."""
    bounds, spec = case.spec.bounds, case.spec
    if not any(point.outcome == "E" for point in case.points):
        return None
    return _least(
        "consecutiveErrorLimit",
        bounds.error,
        range(bounds.error + 1, max(bounds.error, MOST_ERRORS) + 1),
        lambda limit: case.aborts(spec._replace(bounds=bounds._replace(error=limit))),
        tolerated,
    )


def _least(
    field: str,
    now: int,
    candidates: range,
    rate: Callable[[int], Fraction | None],
    tolerated: Fraction,
) -> Limit | None:
    """The first of the candidates that is enough, if the more distant ones are, too."""
    low, high = 0, len(candidates)
    best: Limit | None = None
    while low < high:
        middle = (low + high) // 2
        found = rate(candidates[middle])
        if found is not None and found <= tolerated:
            best = Limit(field, str(now), str(candidates[middle]), found)
            high = middle
        else:
            low = middle + 1
    return best


# ---- thresholds -----------------------------------------------------------------------------------------------------


def _thresholds(case: Case, judge: Judge, tolerated: Fraction) -> Iterator[Limit]:
    """The condition that decides about a failure with another number: only where it compares with a single one."""
    failing = sorted({p.value for p in case.points if p.outcome == "F" and p.value is not None and not p.nan})
    field, text = ("failureCondition", judge.failure) if judge.failure else ("successCondition", judge.success)
    if not failing or not text:
        return
    node = program_of(text, judge.shape, judge.library).node
    compared = comparisons(node) if node is not None else ()
    if len(compared) != 1 or compared[0].op not in ("<", "<=", ">", ">="):
        return
    one = compared[0]
    upwards = (one.op in ("<", "<=")) == (field == "successCondition")
    beyond = [value for value in failing if (value > one.constant) == upwards or value == one.constant]
    candidates = beyond if upwards else beyond[::-1]
    strict = one.op in (("<", ">") if field == "successCondition" else ("<=", ">="))

    def with_number(number: str) -> tuple[str, Fraction | None]:
        start, end = one.constant_span
        changed = f"{text[:start]}{number}{text[end:]}"
        judged = judge._replace(failure=changed) if judge.failure else judge._replace(success=changed)
        return changed, case.aborts(points=_judged(case.points, judged))

    low, high = 0, len(candidates)
    best: Limit | None = None
    while low < high:
        middle = (low + high) // 2
        following = candidates[middle + 1] if middle + 1 < len(candidates) else None
        condition, found = with_number(
            _number(candidates[middle], following, one.constant, upwards=upwards, strict=strict)
        )
        if found is not None and found <= tolerated:
            best = Limit(field, text, condition, found)
            high = middle
        else:
            low = middle + 1
    if best is not None:
        yield best


def _judged(points: Sequence[Point], judge: Judge) -> Sequence[Point]:
    """The points with the failures judged again: more tolerance turns nothing else."""
    success, failure = judge.programs()
    scalar = judge.shape == "float"
    changed = []
    for point in points:
        if point.outcome == "F" and point.value is not None and not point.nan:
            phase = decide(success, failure, point.value if scalar else [point.value])
            changed.append(point if phase is None else point._replace(outcome=LETTERS[phase]))
        else:
            changed.append(point)
    return changed


def _number(value: float, following: float | None, now: float, *, upwards: bool, strict: bool) -> str:
    """The shortest number that lets `value` pass and not the one that `following` it is worse; without one, it is at
    most a twentieth of the way from the threshold `now` further. `strict`: the number itself would not pass."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return repr(value)
    limit = value + (value - now) / 20 if following is None else following
    if limit == value:
        limit = value + (1 if upwards else -1) * (abs(value) / 20 or 0.05)
    for digits in range(1, 18):
        exponent = Decimal(1).scaleb(exact.adjusted() - digits + 1)
        rounded = exact.quantize(exponent, ROUND_CEILING if upwards else ROUND_FLOOR)
        if strict and rounded == exact:
            rounded += exponent if upwards else -exponent
        if (rounded < Decimal(limit)) if upwards else (rounded > Decimal(limit)):
            return _plain(rounded)
    return _plain(exact)


def _plain(number: Decimal) -> str:
    """Without trailing zeros, and with an exponent only where it is shorter by far."""
    text = format(number.normalize(), "f")
    return text if len(text) <= 20 else repr(float(number))
