"""Which numbers the conditions of a metric accept, refuse or leave undecided, among those that its query can give.

The conditions are evaluated on every interval between their constants (`lang.expr.regions`), within the bounds that
the interpretation of the query proves. How the two conditions come to one phase: argo-rollouts
`utils/evaluate/evaluate.go`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from rolloutlint.controllers.measurement import Judgement, WorldKey, remembered
from rolloutlint.lang import expr
from rolloutlint.lang.expr import Library, Phase, Region, Shape
from rolloutlint.lang.promql.units import Unit, unit_of

WITH_TRAFFIC: tuple[WorldKey, ...] = ("normal", "healthy", "failing")


class Share(NamedTuple):
    """A query for the part of requests that fail or succeed."""

    whole: float
    """What it gives for all of them: 1 for a ratio, 100 for percents."""
    of_failures: bool


class Thresholds(NamedTuple):
    """What the conditions of a metric make of numbers."""

    low: float
    high: float
    """The bounds of what the query can give; infinite where none is proved."""
    regions: tuple[Region, ...]
    """The numbers between the bounds, ascending, with the phase that each leads to."""
    gaps: tuple[Region, ...]
    """Where neither of two conditions holds."""
    overlaps: tuple[Region, ...]
    """Where both hold."""
    compares: bool
    """Whether the conditions compare what is measured with a number at all."""
    unit: Unit | None
    share: Share | None

    @property
    def bounded(self) -> bool:
        """Whether the query proves any bound."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    @property
    def phases(self) -> frozenset[Phase | None]:
        """Every phase that a number can lead to."""
        return frozenset(region.outcome for region in self.regions)

    def accepted_failures(self) -> float | None:
        """The greatest share of failing requests that is a success, from 0 to 1; `None` where the query counts no
        share or no number is a success."""
        passing = [region for region in self.regions if region.outcome == "Successful"]
        if self.share is None or not passing:
            return None
        if self.share.of_failures:
            return passing[-1].high / self.share.whole
        return 1 - passing[0].low / self.share.whole


@remembered
def thresholds_of(judgement: Judgement) -> Thresholds | None:
    """The thresholds of a metric; `None` where its conditions do not compile or a placeholder leaves them open."""
    shape = judgement.shape
    if shape is None or not judgement.conditions:
        return None
    if any(condition.node is None or condition.fault is not None for condition in judgement.conditions):
        return None
    low, high, unit = -math.inf, math.inf, None
    query = judgement.query
    if query is not None and query.node is not None and query.value is not None:
        unit = unit_of(query.node)
        low, high = query.value.low, query.value.high
        if unit is not None:
            low = max(low, 0.0)  # no bucket of a duration ends below zero
    if low > high:
        return None
    texts = {condition.field: condition.text for condition in judgement.conditions}
    found = _compared(
        texts.get("successCondition", ""), texts.get("failureCondition", ""), shape, judgement.library, low, high
    )
    return None if found is None else found._replace(unit=unit, share=_share(judgement))


@lru_cache(maxsize=4096)
def _compared(
    success_text: str, failure_text: str, shape: Shape, library: Library, low: float, high: float
) -> Thresholds | None:
    """The thresholds of two conditions between two bounds; equal texts are evaluated once."""
    texts = (success_text, failure_text)
    success, failure = (expr.program_of(text, shape, library) if text else None for text in texts)
    found = tuple(expr.regions(success, failure, low=low, high=high))
    if any(region.outcome in (None, "Error") for region in found):
        return None
    nodes = [program.node for program in (success, failure) if program is not None and program.node is not None]
    overlaps: tuple[Region, ...] = ()
    if success is not None and failure is not None:
        holds = [r for r in expr.regions(success, None, low=low, high=high) if r.outcome == "Successful"]
        refuses = [r for r in expr.regions(None, failure, low=low, high=high) if r.outcome == "Failed"]
        overlaps = tuple(both for one in holds for other in refuses if (both := _common(one, other)) is not None)
    gaps = tuple(region for region in found if region.outcome == "Inconclusive")
    return Thresholds(low, high, found, gaps, overlaps, any(expr.comparisons(node) for node in nodes), None, None)


def _common(one: Region, other: Region) -> Region | None:
    """The numbers that are in both; `None` where there are none."""
    low, low_open = max((one.low, not one.low_closed), (other.low, not other.low_closed))
    high, high_closed = min((one.high, one.high_closed), (other.high, other.high_closed))
    if low > high or (low == high and (low_open or not high_closed)):
        return None
    return Region(low, not low_open, high, high_closed, "Failed")


def _share(judgement: Judgement) -> Share | None:
    if not judgement.classified:
        return None
    healthy, failing = _number(judgement, "healthy"), _number(judgement, "failing")
    for whole in (1.0, 100.0):
        if (healthy, failing) == (0.0, whole):
            return Share(whole, True)
        if (healthy, failing) == (whole, 0.0):
            return Share(whole, False)
    return None


def _number(judgement: Judgement, world: WorldKey) -> float | None:
    """The one number that a query gives in a world."""
    verdict = judgement.verdict(world)
    part = verdict.part("value") if verdict is not None else None
    return part.bounds[0] if part is not None and part.bounds[0] == part.bounds[1] else None


def can_be_inconclusive(judgement: Judgement, found: Thresholds | None) -> str | None:
    """When a measurement can be Inconclusive, in words (`from 0.9 up to 0.95`, `while no request arrives`);
    "" where it never is, and `None` where that is not known."""
    if len(judgement.conditions) < 2:
        return ""
    if any(condition.node is None or condition.fault is not None for condition in judgement.conditions):
        return ""
    if found is not None and found.gaps:
        return in_words(found.gaps)
    unknown = found is None
    for verdict in judgement.verdicts:
        for part in verdict.parts:
            if "Inconclusive" in part.phases and part.kind != "value":
                return _WHEN.get(verdict.world, "") or f"where the result is {part.words}"
            unknown = unknown or None in part.phases
    return None if unknown else ""


_WHEN = {
    "started": "until each series has two samples",
    "absent": "without any series",
    "idle": "while no request arrives",
}


def in_words(regions: tuple[Region, ...]) -> str:
    """Intervals in words that complete "a measurement": `from 0.9 up to 0.95` where 0.95 is outside."""
    return " and ".join(map(_interval, regions))


def _interval(region: Region) -> str:
    low, high = f"{region.low:.15g}", f"{region.high:.15g}"
    if region.low == region.high:
        return f"at {low}"
    if math.isinf(region.low) and math.isinf(region.high):
        return "at any number"
    if math.isinf(region.low):
        return f"up to {high}" if region.high_closed else f"below {high}"
    if math.isinf(region.high):
        return f"from {low} on" if region.low_closed else f"above {low}"
    if not region.low_closed and not region.high_closed:
        return f"between {low} and {high}"
    start = f"from {low}" if region.low_closed else f"above {low}"
    return f"{start} to {high}" if region.high_closed else f"{start} up to {high}"
