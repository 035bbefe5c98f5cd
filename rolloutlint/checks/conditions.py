"""RL317, RL402 and its neighbours: conditions that cannot be read, cannot be evaluated, or decide what nobody means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.endings import end_of, in_dry_run, used_by
from rolloutlint.controllers.condition_faults import Guard, Never, dead_guards, never_evaluated
from rolloutlint.controllers.limits import can_be_inconclusive as can_be_by_text
from rolloutlint.controllers.measurement import MATRICES_SINCE, Condition, Judgement, Phases, WorldKey, remembered
from rolloutlint.controllers.metrics import limits_of, providers_of
from rolloutlint.controllers.repairs import Repair, pieces, repair_of
from rolloutlint.controllers.thresholds import (
    WITH_TRAFFIC,
    Share,
    Thresholds,
    can_be_inconclusive,
    in_words,
    thresholds_of,
)
from rolloutlint.controllers.verdicts import FAILING, HEALTHY, is_inverted
from rolloutlint.finding import Finding, Fix, Related, Safety
from rolloutlint.graph.measurements import Measured, measured
from rolloutlint.lang.expr import (
    Access,
    Comparison,
    ExprError,
    LateGuard,
    Span,
    comparisons,
    ignored_arguments,
    late_guards,
    looks_at_several,
    program_of,
    uses_index,
    walk,
)
from rolloutlint.lang.expr.corrections import corrected
from rolloutlint.lang.expr.guards import decide_cases, index_results, unindex_results
from rolloutlint.lang.expr.questions import is_result
from rolloutlint.lang.placeholder import filled_later, placeholders
from rolloutlint.lang.promql.series import Several, several_series
from rolloutlint.lang.rewrite import Change, merged, rewritten
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.analysis import metric_name
from rolloutlint.model.values import dig, mapping, text
from rolloutlint.settings import Targets

PROVIDERS: Mapping[str, str] = {
    "prometheus": "Prometheus",
    "datadog": "Datadog",
    "wavefront": "Wavefront",
    "newRelic": "New Relic",
    "cloudWatch": "CloudWatch",
    "graphite": "Graphite",
    "influxdb": "InfluxDB",
    "skywalking": "SkyWalking",
    "web": "the web provider",
}
"""Provider -> its name in messages. The others decide by themselves and evaluate no condition."""

DECIDE: Mapping[str, str] = {
    "job": "where the image of its pod cannot be pulled",
    "kayenta": "where its score lies between `marginal` and `pass`",
}
"""Providers that decide by themselves -> when they cannot."""

HALF = 0.5
"""From this share of failing requests on a threshold is no matter of taste."""
LONG_LATENCY = 50.0
"""Seconds that no request is meant to take."""
SHORT_LATENCY = 1.0
"""Milliseconds that no request over a network takes."""

AT_MOST, AT_LEAST = ("<", "<="), (">", ">=")


@check("RL317")
def inconclusive_limit_implicit(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric that can be inconclusive and leaves its limit to the default."""
    judged = {judged.one.path: judged for judged in _judged(ctx)}
    if ctx.world.patched(ctx.resource.resource, ("spec",)):
        return
    for path, metric in ctx.resource.metrics:
        if metric.get("inconclusiveLimit") is not None or limits_of(metric, ctx.settings.targets).inconclusive != 0:
            continue
        when = _inconclusive_when(ctx, metric, judged.get(path))
        if not when or in_dry_run(ctx, metric):
            continue
        named = bool(text(metric.get("name")))
        empty = "inconclusiveLimit" in metric
        field = (*path, "inconclusiveLimit")
        edit = ctx.edit("replace", field, 0) if empty else ctx.edit("insert", path, {"inconclusiveLimit": 0})
        yield ctx.finding(
            field if empty else (*path, "name") if named else path,
            "key" if empty else "value",
            related=used_by(ctx),
            fix=ctx.fix("Write the default", edit),
            metric=metric_name(path, metric),
            when=when,
        )


@check("RL402")
def condition_unparsable(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition that is no expression."""
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        for condition in _evaluated(one.measurement.judgement):
            error = condition.syntax
            if error is None or not _certainly_wrong(condition, error):
                continue
            yield _at(
                ctx,
                one,
                condition,
                _visible((error.start, error.end), condition.text),
                "comment" if _cut_by_comment(condition.text) else "" if error.hint else "plain",
                fix=_corrected(ctx, one, condition),
                reason=_one_line(error.message),
                hint=_sentence(error.hint),
                end=_error_end(ctx, one),
            )


@check("RL403")
def condition_always_errors(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition that does not fit what the provider answers."""
    for one, nevers, _ in _judged(ctx):
        for condition, never in nevers:
            accesses = [a for a in uses_index(condition.node) if a.span == never.span] if condition.node else []
            yield _at(
                ctx,
                one,
                condition,
                _visible(never.span, condition.text),
                never.why,
                fix=_mended(ctx, one, condition, never),
                reason=_one_line(never.message),
                hint=_sentence(never.hint),
                name=condition.text[slice(*never.span)],
                index=accesses[0].index if accesses else "",
                end=_error_end(ctx, one),
            )


@check("RL409")
def guard_without_effect(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A guard against missing data that guards nothing."""
    for one in _evaluable(ctx):
        for condition, guard in _dead(one.measurement.judgement):
            yield _at(
                ctx,
                one,
                condition,
                guard.span,
                guard.why,
                fix=None if guard.why else _repaired(ctx, one),
                guard=condition.text[slice(*guard.span)],
                operand=condition.text[slice(*guard.operand)],
                end=_error_end(ctx, one),
            )


@check("RL410")
def guard_after_access(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An element that is taken before the length is asked."""
    for one in _evaluable(ctx):
        judgement = one.measurement.judgement
        query = judgement.query
        answered = query is not None and query.value is not None and not query.value.empty
        if judgement.shape not in ("float[]", "MetricDataResult[]") or answered:
            continue
        for condition, late in _late(judgement):
            yield _at(
                ctx,
                one,
                condition,
                late.access,
                fix=_guard_first(ctx, one, condition),
                access=condition.text[slice(*late.access)],
                guard=condition.text[slice(*late.guard)],
                end=_error_end(ctx, one),
            )


@check("RL413")
def condition_constant(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Conditions that decide the same whatever is measured."""
    for one, (found, constant, *_) in _compared(ctx):
        if constant is None:
            continue
        condition, compared, variant = constant
        phases = sorted(filter(None, found.phases))
        yield _at(
            ctx,
            one,
            condition,
            compared.span if compared is not None else None,
            variant,
            condition=_shortened(condition.text[slice(*compared.span)] if compared is not None else condition.text),
            values=_values(found),
            phases=" or ".join(phases),
            ratio=f"{compared.constant / 100:g}" if compared is not None else "",
            end=end_of(ctx, int(one.path[-1]), one.value, "Failed" if "Failed" in phases else "Inconclusive"),
        )


@check("RL414")
def threshold_unit(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A threshold on another scale than the query."""
    for one, (found, constant, inverted, off) in _compared(ctx):
        if off is None or constant is not None or inverted:
            continue
        yield _at(
            ctx,
            one,
            off.condition,
            off.compared.span,
            off.variant,
            condition=_shortened(off.condition.text[slice(*off.compared.span)]),
            threshold=f"{off.compared.constant:g}",
            better=off.better,
            share=off.share,
            series=found.unit.series if found.unit is not None else "",
            source=off.source,
        )


@check("RL415")
def conditions_gap(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Numbers for which neither condition holds."""
    for one, (found, constant, *_) in _compared(ctx):
        if not found.gaps or len(found.regions) == len(found.gaps):
            continue
        if constant is not None:
            continue
        limit = limits_of(one.value, ctx.settings.targets).inconclusive
        if limit is None:
            continue
        failure = one.measurement.judgement.conditions[-1]
        dry = in_dry_run(ctx, one.value)
        variant = "dry" if dry else "" if limit else "first"
        yield _at(ctx, one, failure, None, variant, interval=in_words(found.gaps), limit=limit)


@check("RL416")
def conditions_overlap(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Numbers for which both conditions hold."""
    for one, (found, constant, *_) in _compared(ctx):
        if found.overlaps and constant is None:
            failure = one.measurement.judgement.conditions[-1]
            yield _at(ctx, one, failure, None, interval=in_words(found.overlaps))


@check("RL417")
def threshold_direction(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition that is the wrong way round."""
    for one, (found, _, inverted, _) in _compared(ctx):
        if not inverted:
            continue
        judgement = one.measurement.judgement
        condition = judgement.conditions[0]
        compared = _first_comparison(condition)
        latency = found.unit is not None
        yield _at(
            ctx,
            one,
            condition,
            compared.span if compared is not None else None,
            "latency" if latency else "",
            condition=_shortened(condition.text[slice(*compared.span)] if compared is not None else condition.text),
            good="0" if latency else _answer(judgement, "healthy"),
            bad="" if latency else _answer(judgement, "failing"),
        )


@check("RL418")
def oldest_sample(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """The first element of a list that begins with the oldest sample."""
    for one in _evaluable(ctx):
        what = _in_time_order(one, ctx.settings.targets)
        if not what:
            continue
        for condition, access in _only_element(one):
            if access.index != 0:
                continue
            newest = "result[len(result)-1]" if access.how == "index" else "last(result)"
            yield _at(
                ctx,
                one,
                condition,
                access.span,
                fix=_edited(ctx, one, f"Take `{newest}`", _newest(one, newest), "unsafe"),
                access=condition.text[slice(*access.span)],
                what=what,
                newest=newest,
            )


@check("RL419")
def arbitrary_series(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """The first element of a result with several series."""
    for one in _evaluable(ctx):
        several = _several(one.measurement.judgement)
        if several is None or _is_range(one):
            continue
        where = ctx.resource.related(one.query_path, "several series come from here")
        piece = one.measurement.piece("query", several.span)
        where = where._replace(at=ctx.resource.place(one.query_path, piece=piece))
        for condition, access in _only_element(one):
            yield _at(
                ctx,
                one,
                condition,
                access.span,
                related=(where,),
                access=condition.text[slice(*access.span)],
                why=_why_several(several),
            )


@check("RL427")
def guard_argument_ignored(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A call of isNil or default that does not look at its first argument."""
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        for condition in _evaluated(one.measurement.judgement):
            if condition.node is None:
                continue
            for ignored in ignored_arguments(condition.node):
                indexed = any(_within(access.span, ignored.argument) for access in uses_index(condition.node))
                list_like = indexed and one.measurement.judgement.shape == "float[]"
                variant = {("default", True): "index", ("isNil", True): "nil-index", ("isNil", False): "nil"}
                yield _at(
                    ctx,
                    one,
                    condition,
                    ignored.span,
                    variant.get((ignored.name, list_like), ""),
                    call=condition.text[slice(*ignored.span)],
                    argument=condition.text[slice(*ignored.argument)],
                )


# ---- places and words ----------------------------------------------------------------------------------------


def _at(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    condition: Condition,
    span: Span | None,
    variant: str = "",
    /,
    *,
    related: Sequence[Related] = (),
    fix: Fix | None = None,
    **params: Any,
) -> Finding:
    """A finding about one condition, or the part `span` of its text."""
    return ctx.finding(
        (*one.path, condition.field),
        piece=one.measurement.piece(condition.field, span) if span is not None else None,
        variant=variant,
        related=(*related, *used_by(ctx)),
        fix=fix,
        metric=metric_name(one.path, one.value),
        field=condition.field,
        provider=PROVIDERS.get(one.measurement.judgement.provider, ""),
        **params,
    )


def _visible(span: Span, text: str) -> Span:
    """A span that holds a character, where there is any."""
    start, end = span
    return span if end > start or not text else (min(start, len(text) - 1), min(start, len(text) - 1) + 1)


def _one_line(message: str) -> str:
    return " ".join(message.split()).removesuffix(".")


def _sentence(hint: str) -> str:
    """A hint as the start of a sentence."""
    return hint[:1].upper() + hint[1:]


def _shortened(written: str) -> str:
    return " ".join(written.split())


def _values(found: Thresholds) -> str:
    """The bounds in words that follow "gives"."""
    low, high = f"{found.low:.15g}", f"{found.high:.15g}"
    if found.low == found.high:
        return low
    if math.isinf(found.low):
        return "any number" if math.isinf(found.high) else f"{high} or less"
    return f"{low} or more" if math.isinf(found.high) else f"{low} to {high}"


def _answer(judgement: Judgement, world: WorldKey) -> str:
    verdict = judgement.verdict(world)
    part = verdict.part("value") if verdict is not None else None
    return part.words if part is not None else ""


def _error_end(ctx: Context[AnalysisTemplate], one: Measured) -> str:
    return end_of(ctx, int(one.path[-1]), one.value, "Error")


# ---- which metrics -------------------------------------------------------------------------------------------


class _Judged(NamedTuple):
    """A metric with conditions that its provider evaluates."""

    one: Measured
    never: tuple[tuple[Condition, Never], ...]
    """Why conditions are errors whatever is measured."""
    thresholds: Thresholds | None


def _judged(ctx: Context[AnalysisTemplate]) -> Sequence[_Judged]:
    def find() -> Iterator[_Judged]:
        for one in measured(ctx.world, ctx.resource, ctx.settings):
            never = tuple(_never(one))
            readable = not never and all(c.node is not None for c in _evaluated(one.measurement.judgement))
            yield _Judged(one, never, thresholds_of(one.measurement.judgement) if readable else None)

    return ctx.world.shared(ctx.resource.resource, "conditions", lambda: tuple(find()))


@remembered
def _evaluated(judgement: Judgement) -> Sequence[Condition]:
    """The conditions of a metric that its provider evaluates, and that no other template engine completes."""
    if judgement.provider not in PROVIDERS:
        return ()
    return [c for c in judgement.conditions if not filled_later(c.text.replace("{{", ""))]


def _never(one: Measured) -> Iterator[tuple[Condition, Never]]:
    judgement = one.measurement.judgement
    if any(condition.node is None for condition in judgement.conditions):
        return
    config = mapping(dig(one.value, "provider", judgement.provider))
    for condition in _evaluated(one.measurement.judgement):
        never = never_evaluated(judgement, condition, config)
        if never is not None:
            yield condition, never


def _evaluable(ctx: Context[AnalysisTemplate]) -> Iterator[Measured]:
    """The metrics whose conditions can be read and evaluated."""
    for judged in _judged(ctx):
        conditions = _evaluated(judged.one.measurement.judgement)
        if conditions and not judged.never and all(condition.node is not None for condition in conditions):
            yield judged.one


class _Numbers(NamedTuple):
    """What is said of the numbers that a metric is judged by."""

    found: Thresholds
    constant: _Constant | None
    inverted: bool
    off: _Off | None
    """A comparison on another scale than the query."""


@remembered
def _numbers(judgement: Judgement) -> _Numbers | None:
    found = thresholds_of(judgement)
    if found is None:
        return None
    return _Numbers(found, _constant(judgement, found), _inverted(judgement, found), _off_scale(judgement, found))


@remembered
def _dead(judgement: Judgement) -> Sequence[tuple[Condition, Guard]]:
    return [(c, guard) for c in judgement.conditions for guard in dead_guards(judgement, c)]


@remembered
def _late(judgement: Judgement) -> Sequence[tuple[Condition, LateGuard]]:
    return [(c, late) for c in judgement.conditions if c.node is not None for late in late_guards(c.node)]


@remembered
def _several(judgement: Judgement) -> Several | None:
    query = judgement.query
    return several_series(query.node, query.value) if query and query.node and query.value else None


def _compared(ctx: Context[AnalysisTemplate]) -> Iterator[tuple[Measured, _Numbers]]:
    """The metrics that are judged by numbers."""
    for judged in _judged(ctx):
        judgement = judged.one.measurement.judgement
        numbers = _numbers(judgement) if judged.thresholds is not None and _evaluated(judgement) else None
        if numbers is not None:
            yield judged.one, numbers


def _certainly_wrong(condition: Condition, error: ExprError) -> bool:
    """Whether no value of a placeholder can make an expression of a condition that is none."""
    holes = placeholders(condition.text)
    return not holes or error.end <= holes[0].start


def _cut_by_comment(text: str) -> bool:
    """Whether a condition ends where an element, `#`, has to follow: YAML has taken that for a comment."""
    return text.rstrip().endswith((",", "{")) and _OF_ELEMENTS(text) is not None


_OF_ELEMENTS = re.compile(r"\b(?:all|any|none|one|filter|map|count|sum|find\w*|groupBy|sortBy|reduce)\s*\(").search


# ---- RL317 ---------------------------------------------------------------------------------------------------


def _inconclusive_when(ctx: Context[AnalysisTemplate], metric: Mapping[str, Any], one: _Judged | None) -> str | None:
    """When a measurement of a metric can be Inconclusive, in words; nothing where it cannot or that is not known."""
    providers = providers_of(metric, ctx.settings.targets) or ()
    by_text = can_be_by_text(metric, ctx.settings.targets)
    if len(providers) == 1 and providers[0] in DECIDE:
        return DECIDE[providers[0]] if by_text else None
    if one is None or one.never or not _evaluated(one.one.measurement.judgement):
        return None
    judgement = one.one.measurement.judgement
    when = can_be_inconclusive(judgement, one.thresholds)
    if when is None and by_text and judgement.query is None and not any(map(_has_holes, judgement.conditions)):
        return "where neither condition holds"
    return when


def _has_holes(condition: Condition) -> bool:
    return bool(placeholders(condition.text))


# ---- RL413, RL414, RL417 -------------------------------------------------------------------------------------


class _Constant(NamedTuple):
    """A condition that decides the same whatever is measured."""

    condition: Condition
    compared: Comparison | None
    variant: str


def _constant(judgement: Judgement, found: Thresholds) -> _Constant | None:
    traffic = _traffic(judgement, (*WITH_TRAFFIC, *HEALTHY, *FAILING))
    if not found.compares and any(_looks_at_result(condition) for condition in judgement.conditions):
        return None  # it asks whether there is data
    if "Successful" not in found.phases and traffic.isdisjoint(("Successful", None)):
        return _never_passes(judgement, found)
    if "Failed" in found.phases:
        return None
    besides = _traffic(
        judgement, WITH_TRAFFIC, numbers=found.unit is None
    )  # a unit bounds them where nothing else does
    if not besides.isdisjoint(("Failed", "Error", None)):
        return None
    condition = judgement.conditions[-1 if "Inconclusive" in found.phases else 0]
    compared = _first_comparison(condition)
    if "Inconclusive" in found.phases:
        return _Constant(condition, compared, "failure-never") if compared is not None else None
    return _Constant(condition, compared, "passes" if found.bounded else "always")


def _never_passes(judgement: Judgement, found: Thresholds) -> _Constant:
    condition = judgement.conditions[0]
    if found.overlaps or condition.field == "failureCondition":  # the failureCondition takes what would pass
        condition = judgement.conditions[-1]
        return _Constant(condition, _first_comparison(condition), "failure-always")
    compared = _first_comparison(condition)
    if compared is not None and (found.low, found.high) == (0.0, 1.0) and 1 < compared.constant <= 100:
        return _Constant(condition, compared, "percent")
    return _Constant(condition, compared if found.bounded else None, "" if found.bounded else "never")


def _traffic(judgement: Judgement, worlds: Sequence[WorldKey], *, numbers: bool = True) -> Phases:
    """Every phase that some world among `worlds` allows, with or without those of numbers; an open one where none of
    them is known."""
    verdicts = [verdict for world in worlds if (verdict := judgement.verdict(world)) is not None]
    if not verdicts:
        return frozenset((None,))
    parts = [part for verdict in verdicts for part in verdict.parts if numbers or part.kind != "value"]
    return frozenset().union(*(part.phases for part in parts))


def _looks_at_result(condition: Condition) -> bool:
    return condition.node is not None and any(map(is_result, walk(condition.node)))


def _first_comparison(condition: Condition) -> Comparison | None:
    return next(iter(comparisons(condition.node)), None) if condition.node is not None else None


def _inverted(judgement: Judgement, found: Thresholds) -> bool:
    """Whether a condition lets a broken version pass and stops a healthy one."""
    if found.unit is None:
        return judgement.classified and is_inverted(judgement)
    first, last = found.regions[0], found.regions[-1]
    return math.isinf(last.high) and (first.outcome, last.outcome) == ("Failed", "Successful")


class _Off(NamedTuple):
    """A comparison on another scale than the query."""

    condition: Condition
    compared: Comparison
    variant: str
    better: str = ""
    share: str = ""
    source: str = ""


def _off_scale(judgement: Judgement, found: Thresholds) -> _Off | None:
    accepted = found.accepted_failures()
    if found.share is not None and accepted is not None:
        return _lenient(judgement, found, found.share, accepted) if accepted >= HALF else None
    if found.unit is None:
        return None
    seconds = found.unit.name == "seconds"
    for condition in judgement.conditions:
        ops = AT_MOST if condition.field == "successCondition" else AT_LEAST
        for compared in comparisons(condition.node) if condition.node is not None else ():
            limit = compared.constant
            if compared.op not in ops:
                continue
            if seconds and limit >= LONG_LATENCY:
                return _Off(condition, compared, "seconds", f"{limit / 1000:g}")
            if not seconds and 0 < limit < SHORT_LATENCY:
                times = " times 1000" if found.unit.converted else ""
                return _Off(
                    condition, compared, "milliseconds", f"{limit * 1000:g}", source=f"`{found.unit.series}`{times}"
                )
    return None


def _lenient(judgement: Judgement, found: Thresholds, share: Share, accepted: float) -> _Off | None:
    """The comparison by which a metric accepts so great a share of failing requests."""
    limit = share.whole * (accepted if share.of_failures else 1 - accepted)
    pairs = [(c, one) for c in judgement.conditions if c.node is not None for one in comparisons(c.node)]
    if not pairs:
        return None
    near = [pair for pair in pairs if math.isclose(pair[1].constant, limit, abs_tol=1e-9)]
    condition, compared = (near or pairs)[0]
    percents = share.whole == 100 and not share.of_failures and 0 < compared.constant <= 1
    return _Off(
        condition,
        compared,
        "percent" if percents else "",
        f"{compared.constant * 100:g}",
        f"{accepted * 100:.4g} %",
    )


# ---- RL418, RL419 --------------------------------------------------------------------------------------------


def _only_element(one: Measured) -> Iterator[tuple[Condition, Access]]:
    """The first condition of a metric that looks at one element and no other, if no condition looks at several."""
    nodes = [(c, c.node) for c in one.measurement.judgement.conditions if c.node is not None]
    accesses = [(c, access) for c, node in nodes for access in uses_index(node)]
    elements = {access.index for _, access in accesses}
    if len(elements) == 1 and None not in elements and not any(looks_at_several(node) for _, node in nodes):
        yield accesses[0]


def _is_range(one: Measured) -> bool:
    query = one.measurement.judgement.query
    matrix = query is not None and query.value is not None and query.value.type == "matrix"
    return matrix or dig(one.value, "provider", "prometheus", "rangeQuery") is not None


def _in_time_order(one: Measured, targets: Targets) -> str:
    """Why the elements of a result are samples, the oldest first, in words; "" where they may not be."""
    provider = one.measurement.judgement.provider
    query = text(dig(one.value, "provider", provider, "query"))
    if provider == "prometheus" and _is_range(one) and targets.rollouts >= MATRICES_SINCE:
        return "a range gives all its samples, the oldest first"
    if provider == "graphite" and query and not filled_later(query) and not _SUMMARISED(query):
        return "Graphite gives all points, the oldest first"
    if provider == "influxdb" and _lists_points(query):
        return "InfluxDB gives all points, the oldest first"
    return ""


_SUMMARISED = re.compile(r"summarize|consolidateBy|hitcount|maxDataPoints", re.IGNORECASE).search
_FLUX_STEP = re.compile(r"\|>\s*(\w+)\s*\(")
_FLUX_KEEPS_ORDER = frozenset(
    (
        *("range", "filter", "aggregateWindow", "map", "fill", "keep", "drop", "rename", "duplicate", "set"),
        *("toFloat", "toInt", "yield"),
    )
)


def _lists_points(query: str) -> bool:
    """Whether a Flux query certainly answers with the points of a range, in the order of time."""
    steps = _FLUX_STEP.findall(query)
    return "range" in steps and _FLUX_KEEPS_ORDER.issuperset(steps)


def _why_several(several: Several) -> str:
    if several.kind == "selector":
        return "its series are not aggregated"
    labels = " and ".join(f"`{label}`" for label in several.labels)
    return f"there is one for each {labels}"


# ---- fixes ---------------------------------------------------------------------------------------------------


def _edited(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    title: str,
    changes: Mapping[str, Sequence[Change]],
    safety: Safety,
) -> Fix | None:
    """A fix that changes conditions; `None` where it would have to change what was filled in for a placeholder."""
    made: dict[str, tuple[Change, ...]] = {}
    for field, listed in changes.items():
        joined = merged(listed)
        if joined is None:
            return None
        made[field] = joined
    places = pieces(Repair((), made, safety, ""), one.measurement.texts)
    if not places:
        return None
    edits = [
        ctx.edit("replace", (*one.path, field), new, piece=piece)
        for field, found in places.items()
        for piece, new in found
    ]
    return ctx.fix(title, *edits, safety=safety) if edits else None


def _corrected(ctx: Context[AnalysisTemplate], one: Measured, condition: Condition) -> Fix | None:
    correction = corrected(condition.text, one.measurement.judgement.library)
    if correction is None:
        return None
    safety: Safety = "safe" if correction.certain else "unsafe"
    return _edited(ctx, one, "Correct the condition", {condition.field: correction.changes}, safety)


_WRITE = re.compile(r"write `(\w+)`").match


def _mended(ctx: Context[AnalysisTemplate], one: Measured, condition: Condition, never: Never) -> Fix | None:
    """A fix for a condition that never compiles, where it is known what is meant."""
    written = condition.text[slice(*never.span)]
    name = _WRITE(never.hint)
    if never.why == "name" and name is not None:
        return _edited(ctx, one, f"Write `{name[1]}`", {condition.field: [Change(*never.span, name[1])]}, "unsafe")
    if never.why not in ("list", "number") or condition.node is None or placeholders(written):
        return None
    proved = _repaired(ctx, one)
    if proved is not None:
        return proved
    judgement = one.measurement.judgement
    changes = list((index_results if never.why == "list" else unindex_results)(condition.node))
    if never.why == "list":
        changes += decide_cases(condition.node, condition.text, {"empty": condition.field == "failureCondition"}) or ()
    made = merged(changes)
    if not made or judgement.shape is None:
        return None
    text = rewritten(condition.text, made)
    if program_of(text, judgement.shape, judgement.library).error is not None:
        return None
    return _edited(ctx, one, f"Write `{_shortened(text)}`", {condition.field: made}, "unsafe")


def _repaired(ctx: Context[AnalysisTemplate], one: Measured) -> Fix | None:
    """The smallest change of the conditions that is proved to remove the fault of this rule and to bring no other."""
    made = repair_of(one.measurement.question, want=ctx.rule.id, no_data=ctx.settings.no_data)
    if made is None or made.query:
        return None
    safety: Safety = "safe" if ctx.rule.fix == made.safety == "safe" else "unsafe"
    return _edited(ctx, one, f"Write `{made.shown}`", made.conditions, safety)


def _guard_first(ctx: Context[AnalysisTemplate], one: Measured, condition: Condition) -> Fix | None:
    """The guards of a condition, in front of everything else."""
    judgement = one.measurement.judgement
    if condition.node is None or judgement.shape is None:
        return None
    changes = decide_cases(condition.node, condition.text, {})
    made = merged(changes) if changes else None
    if not made:
        return None
    program = program_of(rewritten(condition.text, made), judgement.shape, judgement.library)
    if program.node is None or program.error is not None or late_guards(program.node):
        return None
    passes = program.run([]) is (condition.field == "successCondition")
    return _edited(ctx, one, "Put the guard in front", {condition.field: made}, "unsafe" if passes else "safe")


def _newest(one: Measured, newest: str) -> Mapping[str, Sequence[Change]]:
    """The newest sample in place of the first, in all conditions."""
    return {
        c.field: [Change(*access.span, newest) for access in uses_index(c.node)]
        for c in one.measurement.judgement.conditions
        if c.node is not None and uses_index(c.node)
    }


def _within(inner: Span, outer: Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
