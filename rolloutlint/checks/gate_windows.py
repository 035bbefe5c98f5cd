"""The windows of a gate's queries, against the change of the traffic that the gate is about (RL342, RL349).

Imported by `gates` where a gate has templates to read, because it needs the parsers of queries and conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rolloutlint.checks.canary_queries import asks_about_all
from rolloutlint.checks.context import Context
from rolloutlint.checks.gates import Change, run_of_gate
from rolloutlint.checks.run_times import last_measurement
from rolloutlint.controllers.measurement import Judgement, remembered
from rolloutlint.finding import Path
from rolloutlint.graph.analyses import Member, Use
from rolloutlint.graph.measurements import Measured, measured
from rolloutlint.lang.duration import SECOND, parse_duration
from rolloutlint.lang.promql.relations import walk
from rolloutlint.lang.promql.tree import Call, Range, Subquery, selectors
from rolloutlint.model import Rollout
from rolloutlint.model.rollout import Analysis
from rolloutlint.model.values import dig

_AVERAGED: Final = frozenset(
    (
        "rate",
        "increase",
        "delta",
        "deriv",
        "avg_over_time",
        "sum_over_time",
        "count_over_time",
        "min_over_time",
        "max_over_time",
        "quantile_over_time",
    )
)
"""Functions whose value is about the whole window."""


class Look(NamedTuple):
    """A metric of a gate whose query looks back further than the gate is from the change it is about. In seconds."""

    analysis: Analysis
    member: Member
    one: Measured
    window: float
    since: float
    """From the change to the start of the analysis."""
    delay: float
    last: float
    """From the start of the analysis to the last measurement."""
    measurements: int
    weight: int | None
    """The weight of the change; `None` for the switch of a blue-green Rollout."""
    before: int
    source: Path
    """What made the change."""

    @property
    def mostly_before(self) -> bool:
        """Whether even the last measurement is mostly about the time before the change."""
        return self.since + self.last < self.window / 2


def looks(ctx: Context[Rollout], analysis: Analysis, team: Sequence[Member], change: Change) -> Iterator[Look]:
    """The metrics of a gate that look back further than the change."""
    since, weight, before, source = change
    found: list[tuple[Member, Measured, float]] = []
    for member in team:
        for one in measured(ctx.world, member.view, ctx.settings):
            window = _window(one.measurement.judgement)
            node = one.measurement.judgement.query.node if one.measurement.judgement.query else None
            if window is None or node is None or window <= since + _written_delay(one):
                continue
            if dig(one.value, "provider", "prometheus", "rangeQuery") is not None:
                continue  # `start` and `end` say what it looks at
            if asks_about_all(member.view, Use(ctx.resource, analysis, None), node):
                found.append((member, one, window))
    if not found:
        return
    metrics = {metric.place: metric for metric in run_of_gate(ctx, analysis).metrics if not metric.dry_run}
    for member, one, window in found:
        metric = metrics.get(member.view.place(one.path))
        last = last_measurement(metric.spec) if metric is not None and metric.spec is not None else None
        if metric is None or metric.spec is None or last is None:
            continue
        delay = metric.spec.delay / SECOND
        if since + delay < window:
            count = max(1, int(metric.spec.bounds.measurements))
            yield Look(analysis, member, one, window, since, delay, last / SECOND, count, weight, before, source)


def _written_delay(one: Measured) -> float:
    """Seconds of `initialDelay` as it stands in a metric, 0 where it is filled in later."""
    return max(0, parse_duration(one.value.get("initialDelay")) or 0) / SECOND


@remembered
def _window(judgement: Judgement) -> float | None:
    """The shortest window over which a query averages, in seconds.

    `None` without one, and where the query compares with another time or looks at the newest samples of a window.
    """
    query = judgement.query
    if query is None or query.node is None or judgement.provider != "prometheus":
        return None
    if any(selector.offset is not None or selector.at is not None for selector in selectors(query.node)):
        return None
    windows: list[float] = []
    for node in walk(query.node):
        if isinstance(node, Subquery):
            return None
        ranges = [argument for argument in node.args if isinstance(argument, Range)] if isinstance(node, Call) else []
        for one in ranges:
            if not isinstance(node, Call) or node.func not in _AVERAGED or not isinstance(one.window, (int, float)):
                return None
            windows.append(float(one.window))
    return min(windows, default=None)
