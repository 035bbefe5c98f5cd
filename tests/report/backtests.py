"""Backtests made by hand: noise, nights without traffic, nothing at all, lost answers, and names that attack."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from rolloutlint.backtest.result import (
    AnalysisHistory,
    Backtest,
    Gap,
    Limit,
    MetricHistory,
    Point,
    Selector,
    Starts,
    Traffic,
)
from rolloutlint.finding import DocumentId, Place, ResourceId
from rolloutlint.lang.duration import SECOND
from tests.report.samples import NASTY_NAMES, finding, incomplete
from tests.report.simulations import HOSTILE

START = 1795096800.0  # 2026-11-19 14:00 UTC
DAY = 86400
CART = ResourceId("argoproj.io", "v1alpha1", "Rollout", "shop", "cart")
FILE = DocumentId("apps/cart/analysis-template.yaml", 0)
QUERY = 'sum(rate(http_requests_total{status!~"5.."}[2m])) / sum(rate(http_requests_total[2m]))'
QUANTILES = tuple(Fraction(*pair) for pair in ((0, 1), (1, 100), (1, 20), (1, 2), (19, 20), (99, 100), (1, 1)))


def template(name: str = "success-rate") -> ResourceId:
    return ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", "shop", name)


def points(step: int, hours: float, value: Callable[[float], float | None], passes: Callable[[float], bool]) -> Any:
    """A measurement every `step` seconds; `None` is no data, which is an error."""
    made = []
    for number in range(int(hours * 3600) // step + 1):
        at = START + number * step
        found = value(at)
        if found is None:
            made.append(Point(at, None, "E", True, False))
        else:
            made.append(Point(at, found, "S" if passes(found) else "F", False, math.isnan(found)))
    return tuple(made)


def metric(made: tuple[Point, ...] = (), name: str = "success-rate", step: int = 60, **other: Any) -> MetricHistory:
    values = sorted(p.value for p in made if p.value is not None and not p.nan)
    quantiles = tuple((q, values[min(int(q * len(values)), len(values) - 1)]) for q in QUANTILES) if values else ()
    fields: dict[str, Any] = {
        "place": Place(FILE, ("spec", "metrics", 0)),
        "query": QUERY,
        "written": QUERY,
        "points": made,
        "no_data": Fraction(sum(p.empty for p in made), len(made) or 1),
        "not_a_number": Fraction(sum(p.nan for p in made), len(made) or 1),
        "quantiles": quantiles,
        "thresholds": (0.95,),
        "step": step * SECOND,
    }
    return MetricHistory(name, **{**fields, **other})


def starts(counted: int = 1436, **parts: int) -> Starts:
    """So many starts; `parts` end otherwise than Successful."""
    names = ("Successful", "Failed", "Error", "Inconclusive", "Running")
    counts: Mapping[str, int] = {"Successful": counted - sum(parts.values()), **parts}
    return Starts(counted, tuple((name, Fraction(counts.get(name, 0), counted)) for name in names))  # type: ignore[misc]


def analysis(*metrics: MetricHistory, found: Starts | None = None, **other: Any) -> AnalysisHistory:
    fields: dict[str, Any] = {
        "template": template(),
        "place": Place(FILE),
        "user": CART,
        "called": "background analysis",
        "metrics": metrics,
        "starts": found,
        "false_aborts": found.share("Failed", "Error") if found is not None and found.counted else None,
    }
    return AnalysisHistory(**{**fields, **other})


def backtest(*analyses: AnalysisHistory, **other: Any) -> Backtest:
    fields: dict[str, Any] = {
        "source": "http://prometheus:9090",
        "start": START,
        "end": START + DAY,
        "tolerated": Fraction(1, 100),
        "unknown": (),
        "findings": (),
        "incomplete": (),
        "tool_version": "0.1.0",
    }
    return Backtest(**{**fields, "analyses": analyses, **other})


def noisy_metric() -> MetricHistory:
    chance = random.Random(8)

    def value(at: float) -> float:
        busy = 0.5 - 0.5 * math.cos((at - START - 12 * 3600) / DAY * 2 * math.pi)
        return min(1.0, 0.985 + chance.gauss(0, 0.006 + 0.02 * (1 - busy) ** 3))

    found = starts(Failed=46)
    return metric(
        points(60, 24, value, lambda v: v >= 0.95),
        starts=found,
        false_aborts=found.share("Failed"),
        limits=(
            Limit("failureLimit", "1", "3", Fraction(3, 1436)),
            Limit("successCondition", "result[0] >= 0.95", "result[0] >= 0.92", Fraction(11, 1436)),
        ),
        traffic=Traffic("sum(increase(http_requests_total[2m]))", Fraction(1, 20), 10, 230, Fraction(1, 8)),
        notes=("in dry run: what it comes to decides nothing",),
    )


def nightly_metric() -> MetricHistory:
    chance = random.Random(9)

    def value(at: float) -> float | None:
        hour = (at / 3600) % 24
        if 1 <= hour < 4.5:
            return None
        return 0.18 + 0.05 * math.sin(at / 4000) + abs(chance.gauss(0, 0.02)) + (1.6 if chance.random() < 0.004 else 0)

    found = starts(Error=211, Failed=2)
    return metric(
        points(60, 24, value, lambda v: v <= 0.5),
        "latency-p99",
        thresholds=(0.5,),
        query='histogram_quantile(0.99, sum(rate(latency_bucket{service="cart-stable"}[2m])) by (le))',
        rewritten=(('{service="cart-canary"}', '{service="cart-stable"}'),),
        place=Place(FILE, ("spec", "metrics", 1)),
        starts=found,
        false_aborts=found.share("Failed", "Error"),
        traffic=Traffic("", Fraction(1, 20), 10, None, Fraction(1)),
        gaps=(Gap(START + 11 * 3600, START + 14.5 * 3600), Gap(START + 20 * 3600, START + 20 * 3600 + 120)),
    )


def noisy() -> Backtest:
    """A bit of everything: what aborts too often, what has no history, what the server does not know, findings."""
    both = analysis(noisy_metric(), nightly_metric(), found=starts(Failed=48, Error=211))
    canary = metric(
        name="canary-errors", why="the query names the canary, which has no history between rollouts", thresholds=()
    )
    refused = metric(
        name="queue", why="Prometheus answered 422: invalid parameter `query`", lost=True, thresholds=(10.0,)
    )
    steady = metric(
        points(300, 24, lambda at: 0.999, lambda v: v >= 0.95),
        step=300,
        starts=starts(276),
        false_aborts=Fraction(0),
    )
    return backtest(
        analysis(steady, found=starts(276), template=template("steady"), called="analysis of step 3"),
        both,
        analysis(canary, template=template("canary"), called="analysis of step 1"),
        analysis(refused, template=template("queue"), user=None, called=""),
        unknown=(
            Selector(Place(FILE, ("spec", "metrics", 2)), "http_request_total", ("http_requests_total",), "metric"),
            Selector(Place(FILE, ("spec", "metrics", 2)), 'status="5.."', ("500", "503"), "value"),
        ),
        findings=(
            finding(
                "RL470",
                severity="warning",
                message="`success-rate` would have aborted 3.2 % of good versions last day",
                consequence="Every thirtieth release is stopped although nothing is wrong with it.",
                remedy="Set `failureLimit` to 3.",
                lines={12: "    failureLimit: 1"},
            ),
        ),
        incomplete=(incomplete(), incomplete("queue", "unresolved", message="Prometheus answered 422", lost=True)),
    )


def steady() -> Backtest:
    """Nothing to say."""
    made = metric(points(60, 24, lambda at: 1.0, lambda v: v >= 0.95), starts=starts(), false_aborts=Fraction(0))
    return backtest(analysis(made, found=starts()))


def dense() -> Backtest:
    """Seven days every ten seconds, with measurements that come to nothing a person could see."""
    chance = random.Random(10)
    made = points(10, 24 * 7, lambda at: chance.paretovariate(3), lambda v: v < 12)
    found = starts(60000, Failed=1)
    one = metric(made, step=10, thresholds=(12.0,), starts=found, false_aborts=found.share("Failed"))
    return backtest(analysis(one, found=found), end=START + 7 * DAY)


def odd() -> Backtest:
    """Values that are no numbers, thresholds at infinity, times beyond the calendar, one point alone."""
    values = (math.inf, -math.inf, math.nan, 1e308, -1e308, 5e-324, 0.0)
    some = tuple(Point(START + 60 * n, v, "F" if n % 2 else "I", False, math.isnan(v)) for n, v in enumerate(values))
    one = (Point(START, 7.0, "S", False, False),)
    none = tuple(Point(START + 60 * n, None, "S", True, False) for n in range(3))
    return backtest(
        analysis(metric(some, thresholds=(math.inf, 0.0, math.nan)), metric(one, "one"), metric(none, "none")),
        analysis(metric(one, "late", step=0), found=Starts(0, ()), user=None, called=""),
        end=START + 600,
    )


def beyond() -> Backtest:
    """Times that no calendar has."""
    made = (Point(1e14, 1.0, "S", False, False), Point(1e14 + 60, 2.0, "F", False, False))
    return backtest(analysis(metric(made)), start=1e14, end=1e14 + 600)


def nothing() -> Backtest:
    return backtest()


def nasty() -> Backtest:
    """Every text is an attack."""
    bad = ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", HOSTILE, HOSTILE)
    where = Place(DocumentId(HOSTILE, 0), ("spec", HOSTILE))
    made = metric(
        points(60, 1, lambda at: 1.0, lambda v: True),
        HOSTILE,
        place=where,
        query=f"{HOSTILE}\n::error::x",
        rewritten=((HOSTILE, HOSTILE),),
        why=HOSTILE,
        lost=True,
        limits=(Limit(HOSTILE, HOSTILE, HOSTILE, Fraction(1, 7)),),
        notes=(HOSTILE,),
    )
    several = (
        analysis(metric(name=name, why=name), template=bad._replace(name=name), called=name) for name in NASTY_NAMES
    )
    return backtest(
        analysis(made, found=starts(Failed=3), template=bad, user=bad, called=HOSTILE, place=where),
        *several,
        source=HOSTILE,
        unknown=(Selector(where, HOSTILE, (HOSTILE,), "value"),),
        findings=(finding("RL470", message=HOSTILE, consequence=HOSTILE, remedy=HOSTILE, lines={12: HOSTILE}),),
        incomplete=(incomplete(HOSTILE, "unresolved", message=HOSTILE, lost=True),),
    )


ALL: Mapping[str, Backtest] = {
    "noisy": noisy(),
    "steady": steady(),
    "dense": dense(),
    "odd": odd(),
    "beyond": beyond(),
    "nothing": nothing(),
    "nasty": nasty(),
}
