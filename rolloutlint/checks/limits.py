"""RL3: counts, limits and intervals of a metric - which verdicts they leave, whatever the query answers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.dry_run import selects
from rolloutlint.controllers.limits import ERROR_RETRY, Bounds, bounds_of, can_be_inconclusive
from rolloutlint.controllers.metrics import SUCCESS_LIMIT_SINCE, limits_of, providers_of, validate_metrics
from rolloutlint.finding import Finding, Fix, Path
from rolloutlint.lang.duration import format_duration, parse_duration
from rolloutlint.lang.intstr import atoi, int_value
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import entries, filled_later, text

INTEGERS: Mapping[str, str] = {
    "count": "",
    "failureLimit": "failure",
    "inconclusiveLimit": "inconclusive",
    "consecutiveErrorLimit": "error",
    "consecutiveSuccessLimit": "success",
}
"""Fields that are integers or strings, and the RL320 variant that says what 0 means there."""

MANY_ERRORS = 100
"""From here on a dead backend is retried for more than a quarter of an hour."""

_WRITTEN_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,9})(?:\.0*)?\s*\Z")


@check("RL313")
def metric_never_fails(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A failure limit that all measurements of the metric together cannot exceed."""
    for metric in _metrics(ctx):
        bounds = metric.bounds
        if bounds is None or bounds.success or not bounds.never_failed or not _decides(ctx, metric):
            continue
        yield ctx.finding(
            (*metric.path, "failureLimit"),
            variant="single" if bounds.measurements == 1 else "",
            metric=metric.name,
            limit=bounds.failure,
            count=bounds.measurements,
        )


@check("RL314")
def passes_without_success(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Limits that inconclusive measurements, with or without failures, stay within until the metric is complete."""
    for metric in _metrics(ctx):
        bounds = metric.bounds
        if bounds is None or not bounds.inconclusive or bounds.never_failed:
            continue
        if not bounds.successful_without_success(True) or not can_be_inconclusive(metric.value, ctx.settings.targets):
            continue
        if not _decides(ctx, metric):
            continue
        alone = bounds.inconclusive >= bounds.measurements
        failures = () if alone else (ctx.resource.related((*metric.path, "failureLimit"), "allowed to fail"),)
        yield ctx.finding(
            (*metric.path, "inconclusiveLimit"),
            variant="single" if bounds.measurements == 1 else "inconclusive" if alone else "",
            related=failures,
            metric=metric.name,
            inconclusive=bounds.inconclusive,
            failures=bounds.failure,
            count=bounds.measurements,
            most=int(bounds.measurements) - bounds.failure - 1,
        )


@check("RL315")
def one_success_is_enough(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A failure limit that only a metric without a single success exceeds."""
    for metric in _metrics(ctx):
        bounds = metric.bounds
        if bounds is None or not bounds.one_success_is_enough or not _decides(ctx, metric):
            continue
        if bounds.inconclusive and can_be_inconclusive(metric.value, ctx.settings.targets):
            continue  # not even one is needed, says RL314
        yield ctx.finding(
            (*metric.path, "failureLimit"),
            metric=metric.name,
            limit=bounds.failure,
            count=bounds.measurements,
            percent=round(100 / bounds.measurements),
        )


@check("RL316")
def inconclusive_limit_without_effect(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An inconclusive limit of a metric that is never inconclusive."""
    targets = ctx.settings.targets
    for metric in _metrics(ctx):
        if not limits_of(metric.value, targets).inconclusive or _refused(ctx, metric):
            continue
        if can_be_inconclusive(metric.value, targets) is not False:
            continue
        at = (*metric.path, "inconclusiveLimit")
        why = _never_inconclusive(metric.value, *providers_of(metric.value, targets) or ())
        yield ctx.finding(
            at,
            "key",
            variant=why,
            # a job will have use for it: it can be inconclusive from 1.10 on
            fix=None if why == "job" else ctx.fix("Remove `inconclusiveLimit`", ctx.edit("remove", at)),
            metric=metric.name,
        )


@check("RL318")
def inconclusive_limit_unwritten(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric that leaves its inconclusive limit to the default."""
    for metric in _metrics(ctx):
        if metric.value.get("inconclusiveLimit") is not None:
            continue
        field = (*metric.path, "inconclusiveLimit")
        empty = "inconclusiveLimit" in metric.value
        edit = ctx.edit("replace", field, 0) if empty else ctx.edit("insert", metric.path, {"inconclusiveLimit": 0})
        at = field if empty else (*metric.path, "name") if metric.name else metric.path
        yield ctx.finding(at, "key" if empty else "value", fix=ctx.fix("Write the default", edit), metric=metric.called)


@check("RL319")
def count_negative(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A count below zero, which any number of measurements has reached."""
    for metric in _metrics(ctx):
        count, _, success, _, _ = limits_of(metric.value, ctx.settings.targets)
        if count is None or count >= 0 or _refused(ctx, metric):
            continue
        at = (*metric.path, "count")
        yield ctx.finding(
            at,
            variant="" if success == 0 else "success-limit",
            fix=ctx.fix("Remove `count`", ctx.edit("remove", at), safety="unsafe"),
            metric=metric.called,
            count=count,
        )


@check("RL320")
def limit_not_an_integer(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A string that the controller reads as 0 because it is no integer."""
    for metric in _metrics(ctx):
        for field, meaning in INTEGERS.items():
            written = metric.value.get(field)
            if not isinstance(written, str) or filled_later(written) or atoi(written) is not None:
                continue
            if int_value(written) != 0:
                continue  # out of range, which is a number
            if field == "consecutiveSuccessLimit" and ctx.settings.targets.rollouts < SUCCESS_LIMIT_SINCE:
                continue
            at = (*metric.path, field)
            yield ctx.finding(
                at,
                variant="endless" if field == "count" and metric.value.get("interval") else meaning,
                fix=_integer(ctx, at, written),
                metric=metric.called,
                field=field,
                written=written,
            )


@check("RL321")
def success_limit_unreachable(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """More successes in a row than the metric takes measurements."""
    for metric in _metrics(ctx):
        bounds = metric.bounds
        if bounds is None or not bounds.never_successful or _refused(ctx, metric):
            continue
        yield ctx.finding(
            (*metric.path, "consecutiveSuccessLimit"),
            variant="failed" if bounds.failure < 0 else "",
            metric=metric.called,
            limit=bounds.success,
        )


@check("RL322")
def error_limit_extreme(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An error limit that forgives nothing, or an outage."""
    for metric in _metrics(ctx):
        limit = limits_of(metric.value, ctx.settings.targets).error
        written = metric.value.get("consecutiveErrorLimit")
        if limit is None or 0 < limit < MANY_ERRORS or (isinstance(written, str) and atoi(written) is None):
            continue
        if _refused(ctx, metric):
            continue
        yield ctx.finding(
            (*metric.path, "consecutiveErrorLimit"),
            variant="zero" if limit == 0 else "",
            metric=metric.called,
            limit=limit,
            duration=format_duration(limit * ERROR_RETRY),
        )


@check("RL326")
def interval_not_positive(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An interval without length between measurements."""
    for metric in _metrics(ctx):
        interval = metric.value.get("interval")
        length = None if filled_later(interval) else parse_duration(interval)
        if length is None or length > 0 or metric.bounds is None or metric.bounds.measurements <= 1:
            continue
        if _refused(ctx, metric):
            continue
        endless = metric.bounds.measurements == math.inf
        yield ctx.finding(
            (*metric.path, "interval"),
            variant="" if endless else "count",
            metric=metric.called,
            interval=interval,
            count=metric.bounds.measurements,
        )


@check("RL327")
def success_limit_tight(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A count that tolerated failures can use up before there are enough successes in a row."""
    for metric in _metrics(ctx):
        bounds = metric.bounds
        if bounds is None or not bounds.may_run_out or _refused(ctx, metric):
            continue
        yield ctx.finding(
            (*metric.path, "count"),
            related=(ctx.resource.related((*metric.path, "consecutiveSuccessLimit"), "successes in a row"),),
            metric=metric.called,
            count=bounds.measurements,
            successes=bounds.success,
            failures=bounds.failure,
            enough=bounds.success * (bounds.failure + 1),
        )


class _Metric(NamedTuple):
    """A metric of a template with its limits, `None` unless all are known."""

    path: Path
    value: Mapping[str, Any]
    bounds: Bounds | None

    @property
    def name(self) -> str:
        return text(self.value.get("name"))

    @property
    def called(self) -> str | int:
        """Its name, or its number from 1."""
        return self.name or int(self.path[-1]) + 1


def _metrics(ctx: Context[AnalysisTemplate]) -> Sequence[_Metric]:
    template, targets = ctx.resource, ctx.settings.targets
    return ctx.world.shared(
        template.resource,
        "limits",
        lambda: tuple(_Metric(path, value, bounds_of(value, targets)) for path, value in template.metrics),
    )


def _refused(ctx: Context[AnalysisTemplate], metric: _Metric) -> bool:
    """True for a metric that RL304 reports: nothing is measured then."""
    template, targets = ctx.resource, ctx.settings.targets
    indices = ctx.world.shared(
        template.resource,
        "refused",
        lambda: frozenset(p.index for p in validate_metrics(template.spec.get("metrics"), targets)),
    )
    return metric.path[-1] in indices


def _decides(ctx: Context[AnalysisTemplate], metric: _Metric) -> bool:
    """True for a metric that is accepted and that the template itself does not put in dry run."""
    rules = entries(ctx.resource.value, (), "spec", "dryRun")
    dry = any(selects(rule.get("metricName"), metric.name) is not False for _, rule in rules)
    return not dry and not _refused(ctx, metric)


def _never_inconclusive(metric: Mapping[str, Any], provider: str = "") -> str:
    """The RL316 variant that says why."""
    if provider in ("job", "kayenta"):
        return provider
    conditions = sum(bool(metric.get(field)) for field in ("successCondition", "failureCondition"))
    return ("no-condition", "", "opposite")[conditions]


def _integer(ctx: Context[AnalysisTemplate], at: Path, written: str) -> Fix | None:
    """Write the integer that a string certainly means."""
    number = _WRITTEN_INTEGER.match(written)
    if number is None:
        return None
    return ctx.fix(f"Write `{int(number[1])}`", ctx.edit("replace", at, int(number[1])))
