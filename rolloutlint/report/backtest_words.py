"""What a backtest found as words and figures: the same in text, Markdown, HTML and its plots.

Times are UTC, as Prometheus shows them. A share that is not quite nothing or not quite everything never reads as if it
were.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.backtest.result import (
    AnalysisHistory,
    Backtest,
    Ending,
    MetricHistory,
    Point,
    Selector,
    Starts,
    Traffic,
)
from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.finding import SEVERITIES, Place, show_path
from rolloutlint.lang.duration import SECOND
from rolloutlint.report import simulation_words
from rolloutlint.report.summary import many

OUTCOMES: Mapping[Outcome, str] = MappingProxyType(
    {"S": "passes", "F": "fails", "E": "is an error", "I": "is inconclusive"}
)
"""What one measurement gives."""

ENDINGS: Mapping[Ending, str] = MappingProxyType(
    {
        "Successful": "succeed",
        "Failed": "fail",
        "Error": "end in an error",
        "Inconclusive": "wait for a person",
        "Running": "have no end in the window",
    }
)
"""What runs come to."""

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "metric": "no metric of this name",
        "label": "no series with this label",
        "value": "no series with this value",
    }
)
"""`Selector.what` in words."""

_SMALLEST = Fraction(1, 20_000)
"""What two decimals of a percentage would round to nothing."""


# ---- figures ---------------------------------------------------------------------------------------------------


def percent(share: Fraction) -> str:
    """`3.2 %`; never `0 %` or `100 %` of what is neither."""
    if 0 < share < _SMALLEST:
        return "below 0.01 %"
    if 1 - _SMALLEST < share < 1:
        return "over 99.99 %"
    return simulation_words.percent(share)


def whole(number: int) -> str:
    """`8,341`."""
    return f"{number:,}"


def value(number: float) -> str:
    """A value of a query with four digits: `0.9713`, `1.2e+06`, `NaN`, `+Inf`."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return f"{number:.4g}"


def seconds(amount: float) -> str:
    """A number of seconds as `2h10m`."""
    return simulation_words.time(Fraction(round(amount)) * SECOND)


def step(metric: MetricHistory) -> str:
    """`looked at every 1m`; empty where it is not known."""
    return f"looked at every {simulation_words.time(metric.step)}" if metric.step else ""


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(at: float) -> datetime | None:
    """A time of the API as a date; `None` beyond the years that there are."""
    try:
        return _EPOCH + timedelta(seconds=round(at))
    except (OverflowError, ValueError):
        return None


def at(time: float) -> str:
    """`2026-11-20 02:10`, with seconds where there are any."""
    when = moment(time)
    if when is None:
        return value(time)
    return when.strftime("%Y-%m-%d %H:%M:%S" if when.second else "%Y-%m-%d %H:%M")


def span(start: float, end: float) -> str:
    """`2026-11-20 02:10 to 04:00`: the day once where both are of one day."""
    first, last = at(start), at(end)
    if first == last:
        return first
    same = first[:10] == last[:10] and len(first) > 10
    return f"{first} to {last[11:] if same else last}"


def place(where: Place) -> str:
    """`apps/cart.yaml, spec.metrics[0]`."""
    path = show_path(where.path)
    return f"{where.document.source}, {path}" if path else where.document.source


def quantile(share: Fraction) -> str:
    """What a quantile is called."""
    named = {Fraction(0): "least", Fraction(1, 2): "median", Fraction(1): "most"}
    return named.get(share) or percent(share)


class Distance(NamedTuple):
    """How the values lie about a number that a condition compares with."""

    threshold: float
    below: Fraction
    above: Fraction
    """Shares of the values; the rest equals it."""
    nearest: tuple[tuple[Fraction, float], ...]
    """So far away is this share of the values at most."""


_NEAR = (Fraction(1, 100), Fraction(1, 20), Fraction(1, 2))


def distances(metric: MetricHistory) -> tuple[Distance, ...]:
    """The distance of the values from each threshold; empty where a measurement has no value of its own."""
    values = [p.value for p in metric.points if p.value is not None and not math.isnan(p.value)]
    if not values:
        return ()
    found = []
    for threshold in metric.thresholds:
        if math.isnan(threshold):
            continue
        apart = sorted(abs(v - threshold) for v in values if not (math.isinf(v) and v == threshold)) or [0.0]
        nearest = tuple((q, apart[min(int(q * len(apart)), len(apart) - 1)]) for q in _NEAR)
        below, above = sum(v < threshold for v in values), sum(v > threshold for v in values)
        found.append(Distance(threshold, Fraction(below, len(values)), Fraction(above, len(values)), nearest))
    return tuple(found)


def distance(found: Distance) -> str:
    """`96.8 % of the values above it, 3.2 % below; half of them no further than 0.021, 5 % no further than 0.002`."""
    sides = [(found.above, "above"), (found.below, "below"), (1 - found.above - found.below, "equal")]
    said = [f"{percent(share)} {word}" for share, word in sides if share]
    near = dict(found.nearest)
    half, few = near[Fraction(1, 2)], near[Fraction(1, 20)]
    said[0] = said[0].replace(" % ", " % of the values ", 1)
    return f"{', '.join(said)}; half no further from it than {value(half)}, 5 % than {value(few)}"


class Bad(NamedTuple):
    """Measurements in a row that do not pass, all with the same outcome."""

    start: float
    end: float
    """Of the first and of the last."""
    outcome: Outcome
    measurements: int


def bad_stretches(points: Sequence[Point]) -> list[Bad]:
    """What does not pass, in the order of time."""
    found = []
    for outcome, group in groupby(points, key=lambda point: point.outcome):
        if outcome != "S":
            row = list(group)
            found.append(Bad(row[0].at, row[-1].at, outcome, len(row)))
    return found


class Bin(NamedTuple):
    """The measurements in one part of the window."""

    start: float
    end: float
    counts: Mapping[Outcome, int]
    empty: int
    """Measurements whose query gave no series."""
    values: tuple[float, ...]
    """Those that are numbers and finite, from the least."""

    @property
    def points(self) -> int:
        """How many measurements."""
        return sum(self.counts.values())


def bins(points: Sequence[Point], start: float, end: float, number: int) -> list[Bin]:
    """The window in so many equal parts; `points` are in the order of time."""
    length = (end - start) / number if end > start else 1.0
    moments = [point.at for point in points]
    letters = [point.outcome for point in points]
    empty = [point.empty for point in points]
    values = [point.value for point in points]
    edges = [0, *(bisect_left(moments, start + index * length) for index in range(1, number)), len(points)]
    found = []
    for index, (first, last) in enumerate(pairwise(edges)):
        finite = sorted(value for value in values[first:last] if value is not None and math.isfinite(value))
        counts = Counter(letters[first:last])
        since = start + index * length
        found.append(Bin(since, since + length, counts, sum(empty[first:last]), tuple(finite)))
    return found


# ---- sentences -------------------------------------------------------------------------------------------------


def endings(starts: Starts) -> str:
    """`97.1 % succeed, 2.9 % fail`."""
    return ", ".join(f"{percent(share)} {ENDINGS[ending]}" for ending, share in starts.endings if share)


def outcomes(points: Sequence[Point]) -> str:
    """`1,402 pass, 38 fail`."""
    return counted(Counter(point.outcome for point in points))


def counted(counts: Mapping[Outcome, int]) -> str:
    """`1,402 pass, 38 fail`."""
    several = {"S": "pass", "F": "fail", "E": "are errors", "I": "are inconclusive"}
    said = [f"{whole(counts[o])} {(OUTCOMES if counts[o] == 1 else several)[o]}" for o in OUTCOMES if counts.get(o)]
    return ", ".join(said)


def title(analysis: AnalysisHistory) -> str:
    """`AnalysisTemplate shop/success-rate`."""
    return str(analysis.template)


def use(analysis: AnalysisHistory) -> str:
    """`background analysis of Rollout shop/cart`; empty where no Rollout uses it."""
    if analysis.user is None:
        return analysis.called
    return f"{analysis.called} of {analysis.user}" if analysis.called else f"of {analysis.user}"


def too_many(aborts: Fraction | None, tolerated: Fraction) -> bool:
    """Whether more good versions would have been aborted than is tolerated."""
    return aborts is not None and aborts > tolerated


def why_not(analysis: AnalysisHistory) -> str:
    """Why there is no rate."""
    found = dict.fromkeys(f"{metric.metric}: {metric.why}" for metric in analysis.metrics if metric.why)
    return "; ".join(found) or "no run fits into the window"


def verdict(analysis: AnalysisHistory, tolerated: Fraction) -> str:
    """What would have become of a good version, in a sentence."""
    if analysis.false_aborts is None or analysis.starts is None or not analysis.starts.counted:
        return f"No rate: {why_not(analysis)}"
    counted = many_starts(analysis.starts.counted)
    if not analysis.false_aborts:
        return f"Would have aborted a good version at none of {counted}"
    more = "more than" if analysis.false_aborts > tolerated else "no more than"
    share = percent(analysis.false_aborts)
    return f"Would have aborted a good version at {share} of {counted}, {more} the {percent(tolerated)} tolerated"


def many_starts(number: int) -> str:
    """`1 start`, `8,341 starts`."""
    return "1 start" if number == 1 else f"{whole(number)} starts"


def times(number: int) -> str:
    """`once`, `38 times`."""
    return "once" if number == 1 else f"{whole(number)} times"


def ranked(backtest: Backtest) -> list[AnalysisHistory]:
    """The analyses, the worst first: by false aborts, then by what waits for a person; without a rate last."""

    def badness(analysis: AnalysisHistory) -> tuple[bool, Fraction, Fraction, str]:
        waits = analysis.starts.share("Inconclusive") if analysis.starts is not None else Fraction(0)
        return analysis.false_aborts is None, -(analysis.false_aborts or Fraction(0)), -waits, title(analysis)

    return sorted(backtest.analyses, key=badness)


def answer(backtest: Backtest) -> str:
    """The whole in a sentence."""
    total = len(backtest.analyses)
    if not total:
        return "There is no analysis with a Prometheus metric"
    analyses = "1 analysis" if total == 1 else f"{total} analyses"
    bad = sum(too_many(analysis.false_aborts, backtest.tolerated) for analysis in backtest.analyses)
    unknown = sum(analysis.false_aborts is None for analysis in backtest.analyses)
    limit = percent(backtest.tolerated)
    if bad:
        said = f"{bad} of {analyses} would have aborted more than {limit} of good versions"
    elif unknown < total:
        known = analyses if not unknown else f"{total - unknown} of {analyses}"
        said = f"{known} would have aborted no more than {limit} of good versions"
    else:
        return f"No rate for {analyses}"
    return f"{said}; no rate for {unknown}" if unknown else said


def found(backtest: Backtest) -> str:
    """`1 error, 2 warnings`, or `No findings`."""
    active = [each for each in backtest.findings if each.disposition == "active"]
    counts = Counter(each.severity for each in active)
    return ", ".join(many(counts[each], each) for each in SEVERITIES if counts[each]) or "No findings"


def window(backtest: Backtest) -> str:
    """`24h, 2026-11-19 14:00 to 2026-11-20 14:00 UTC`."""
    return f"{seconds(backtest.end - backtest.start)}, {span(backtest.start, backtest.end)} UTC"


def selector(found: Selector) -> str:
    """`no metric of this name; near: http_requests_total`."""
    near = f"; near: {', '.join(found.near)}" if found.near else ""
    return f"{KINDS[found.what]}{near}"


class Row(NamedTuple):
    """One thing that is known of a metric."""

    label: str
    words: str


def facts(metric: MetricHistory) -> Iterator[Row]:
    """What is known of a metric, in the order in which it matters."""
    if metric.starts is not None and metric.starts.counted:
        yield Row("runs", f"{many_starts(metric.starts.counted)}: {endings(metric.starts)}")
    elif metric.why:
        yield Row("no rate", metric.why)
    if not metric.points:
        return
    if metric.unseen:
        yield Row("unseen", f"{percent(metric.unseen)} succeed without one measurement that had data")
    yield Row("points", f"{outcomes(metric.points)} ({times(len(metric.points))} looked at)")
    bad = bad_stretches(metric.points)
    if bad:
        longest = max(bad, key=lambda each: each.measurements)
        word = OUTCOMES[longest.outcome]
        row = f" {times(longest.measurements)} in a row" if longest.measurements > 1 else ""
        yield Row("longest", f"{word}{row}, {span(longest.start, longest.end)}")
    if metric.no_data or metric.gaps:
        yield Row("no data", f"at {percent(metric.no_data)} of the measurements{_longest_gap(metric)}")
    if metric.not_a_number:
        yield Row("NaN", f"at {percent(metric.not_a_number)} of the measurements")
    if metric.quantiles:
        yield Row("values", ", ".join(f"{quantile(q)} {value(v)}" for q, v in metric.quantiles))
    if metric.traffic is not None:
        yield Row("traffic", traffic(metric.traffic))
    for found in distances(metric):
        yield Row("threshold", f"{value(found.threshold)}: {distance(found)}")


def traffic(found: Traffic) -> str:
    """Whether there are requests enough to see a version that fails a stated part of them."""
    bad = f"a version that fails {percent(found.degradation)} of its requests, at {found.weight} % of the traffic"
    if found.needed is None:
        return f"no number of requests shows {bad}"
    shows = f"{whole(found.needed)} requests for a measurement show {bad}"
    return f"{shows}; there are fewer at {percent(found.short)} of the points"


def _longest_gap(metric: MetricHistory) -> str:
    if not metric.gaps:
        return ""
    longest = metric.gaps[0]
    total = sum(gap.end - gap.start for gap in metric.gaps)
    in_all = f", {seconds(total)} in {len(metric.gaps)} gaps" if len(metric.gaps) > 1 else ""
    return f"; longest {seconds(longest.end - longest.start)}, {span(longest.start, longest.end)}{in_all}"
