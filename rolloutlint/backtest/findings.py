"""RL470 to RL476: what a backtest says of a metric, at the places at which the static rules speak.

They are asked where there is data, and only there: `applies-to: [backtest]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from rolloutlint.backtest.result import AnalysisHistory, MetricHistory, Selector
from rolloutlint.catalogue import Catalogue
from rolloutlint.checks import Check, Context, check
from rolloutlint.finding import Finding, Related
from rolloutlint.graph import World
from rolloutlint.model import AnalysisTemplate, View
from rolloutlint.settings import Settings

MOST_SHORT: Final = Fraction(1, 20)
"""The share of the time for which there may be too few requests."""


class Replayed(AnalysisTemplate):
    """A template with one of its metrics over a window of the past."""

    def __init__(
        self,
        template: AnalysisTemplate,
        analysis: AnalysisHistory,
        metric: MetricHistory,
        unknown: Sequence[Selector],
        tolerated: Fraction,
    ) -> None:
        super().__init__(template.resource, dict(template.value))
        self.analysis = analysis
        self.metric = metric
        self.unknown = unknown
        """What its query selects and nobody exports."""
        self.tolerated = tolerated

    @property
    def decides(self) -> bool:
        """Whether its runs say something: not in dry run, and not where there never was any data, which is told."""
        return self.metric.starts is not None and not self.metric.dry_run and self.metric.no_data < 1

    @property
    def users(self) -> tuple[Related, ...]:
        """The analysis that runs it."""
        if self.analysis.user is None:
            return ()
        return (Related(self.analysis.place, f"run as {self.analysis.called}", self.analysis.user),)


@check("RL470")
def false_aborts(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A metric that would have aborted rollouts of the version that was running well."""
    one = ctx.resource
    metric = one.metric
    if not one.decides or metric.starts is None:
        return
    if metric.false_aborts is None or metric.false_aborts <= one.tolerated:
        return
    errors = metric.starts.share("Error") > metric.starts.share("Failed")
    limit = metric.limits[0] if metric.limits else None
    yield ctx.finding(
        metric.place,
        variant="-".join(filter(None, ("errors" if errors else "", "" if limit else "unlimited"))),
        related=one.users,
        metric=metric.metric,
        share=percent(metric.false_aborts),
        count=metric.starts.counted,
        tolerated=percent(one.tolerated),
        field=limit.field if limit else "",
        wanted=limit.wanted if limit else "",
        better=percent(limit.aborts) if limit else "",
    )


@check("RL471")
def passes_unseen(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A metric that would have passed without having seen anything."""
    one = ctx.resource
    if one.decides and one.metric.unseen > one.tolerated:
        yield ctx.finding(
            one.metric.place,
            related=one.users,
            metric=one.metric.metric,
            share=percent(one.metric.unseen),
            points=percent(one.metric.no_data),
        )


@check("RL472")
def waits_for_person(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A metric that would have stopped rollouts until somebody came."""
    one = ctx.resource
    if not one.decides or one.metric.starts is None:
        return
    share = one.metric.starts.share("Inconclusive")
    if share > one.tolerated:
        yield ctx.finding(one.metric.place, related=one.users, metric=one.metric.metric, share=percent(share))


@check("RL473")
def metric_unknown(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A query for a metric that nobody exports."""
    for each in ctx.resource.unknown:
        if each.what == "metric":
            yield _selected(ctx, each)


@check("RL474")
def label_unknown(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A query for a label or a value that no series of the metric has."""
    for each in ctx.resource.unknown:
        if each.what != "metric":
            yield _selected(ctx, each)


def _selected(ctx: Context[Replayed], selector: Selector) -> Finding:
    return ctx.finding(
        selector.place,
        variant="label" if selector.what == "label" else "" if selector.near else "far",
        discriminator=selector.text,
        metric=ctx.resource.metric.metric,
        text=selector.text,
        near=", ".join(f"`{name}`" for name in selector.near),
    )


@check("RL475")
def never_any_data(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A query that gave nothing in the whole window, for no reason that is known."""
    one = ctx.resource
    if one.metric.points and one.metric.no_data == 1 and not one.unknown:
        yield ctx.finding(one.metric.place, related=one.users, metric=one.metric.metric)


@check("RL476")
def too_few_requests(ctx: Context[Replayed]) -> Iterator[Finding]:
    """A share of so few requests that a broken version mostly looks like a good one."""
    one = ctx.resource
    traffic = one.metric.traffic
    if traffic is None or traffic.short <= MOST_SHORT:
        return
    yield ctx.finding(
        one.metric.place,
        variant="" if traffic.needed is not None else "hidden",
        related=one.users,
        metric=one.metric.metric,
        degradation=percent(traffic.degradation),
        weight=traffic.weight,
        needed=traffic.needed,
        share=percent(traffic.short),
    )


CHECKS: Final[Mapping[str, Check[Any]]] = {
    "RL470": false_aborts,
    "RL471": passes_unseen,
    "RL472": waits_for_person,
    "RL473": metric_unknown,
    "RL474": label_unknown,
    "RL475": never_any_data,
    "RL476": too_few_requests,
}
"""Rule -> what it asks of a metric with its past."""


def findings_of(
    replayed: Sequence[Replayed], world: World, settings: Settings, catalogue: Catalogue
) -> Iterator[tuple[Finding, View]]:
    """What the rules say, each with the template that it is about."""
    for one in replayed:
        for rule_id, function in CHECKS.items():
            for finding in function(Context(one, world, settings, catalogue.rules[rule_id])):
                yield finding, one


def percent(share: Fraction) -> str:
    """A share as people read it: `3.2 %`; never 0 or 100 where it is neither."""
    hundredths = share * 100
    text = f"{float(hundredths):.3g}"
    if text == "100" and share < 1:
        return "almost 100 %"
    return f"{text} %"
