"""RL4: what is wrong with a Prometheus query whatever the series are: it does not parse, is always 1, always empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.measurement import MATRICES_SINCE, Judgement, Phases, Query, remembered
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.controllers.repairs import Repair, pieces
from rolloutlint.finding import Finding, Fix, Related, Safety
from rolloutlint.graph.measurements import Measured, known_arguments, measured
from rolloutlint.lang.duration import format_duration
from rolloutlint.lang.placeholder import filled_later, placeholders
from rolloutlint.lang.promql.corrections import correct
from rolloutlint.lang.promql.dead_ends import DeadEnd, IdleFallback, dead_ends, idle_fallbacks, unmatched
from rolloutlint.lang.promql.guards import aggregate_by_le, cut_fallback, fallbacks, unwrap_scalars
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.relations import (
    clamped_denominators,
    number,
    quantiles_out_of_range,
    scale,
    self_ratio,
    walk,
)
from rolloutlint.lang.promql.tree import (
    Binary,
    Call,
    Node,
    Number,
    Range,
    Span,
    Unary,
    bare,
)
from rolloutlint.lang.promql.values import WORDS
from rolloutlint.lang.rewrite import Change, merged, rewritten
from rolloutlint.lang.template import Expanded, expand
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import dig, text
from rolloutlint.settings import Targets

EVERY_MEASUREMENT: Final[Mapping[str, str]] = {
    "Error": "Every measurement is an error",
    "Failed": "Every measurement fails",
    "Successful": "Every measurement is a success",
    "Inconclusive": "Every measurement is inconclusive",
}
"""What a metric does whose query always returns the same."""

TWO_SAMPLES: Final = frozenset(("rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"))
"""Functions that have no value for a series with fewer than two samples in the window."""

SHORT_WINDOW: Final = 30.0
"""Seconds; windows up to here hold one sample or none where Prometheus scrapes as seldom as it mostly does."""

HARMLESS_FLOOR: Final = "0.001"

_HARMLESS: Final = re.compile(r"[A-Za-z0-9_.:/ -]*").fullmatch
"""A value that no string literal and no regular expression is spoilt by."""


@check("RL401")
def query_unparsable(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A query that Prometheus refuses, as written or once the values of arguments stand in it."""
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        query = one.measurement.judgement.query
        if query is None:
            continue
        filled, error, variant = one.measurement.texts["query"], query.syntax, ""
        if error is None:
            filled, error = _with_values(ctx, one)
            variant = "value"
        if error is None or error.kind == "depth" or _is_for_others(one, error):
            continue
        if not variant and error.hint:
            variant = "hint"
        yield ctx.finding(
            one.query_path,
            piece=filled.origin(error.start, error.end),
            variant=variant,
            fix=None if variant == "value" else _corrected(ctx, one, filled),
            metric=one.called,
            reason=_one_line(error.message),
            hint=_as_instruction(error.hint),
            patience=_patience(one, ctx.settings.targets),
            value=_value_at(filled, error),
        )


@check("RL420")
def ratio_with_itself(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A division in which every series of the numerator meets itself."""
    for one, query, structure in _parsed(ctx):
        ratio = structure.self_ratio
        if ratio is None:
            continue
        sums = [c for side in (ratio.left, ratio.right) for c in _enclosed(_series(side), "sum(", ")")]
        yield ctx.finding(
            one.query_path,
            piece=one.measurement.piece("query", ratio.op_span),
            related=[_at(ctx, one, side.span, words) for side, words in _sides(ratio)],
            fix=_fix(ctx, one, "Sum both sides", sums, "unsafe"),
            metric=one.called,
            series=_shown(query, _series(ratio.left)),
        )


@check("RL421")
def query_always_empty(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A query, or an operand of one, that never has an element."""
    for one, query, structure in _parsed(ctx):
        whole = query.value is not None and query.value.always_empty
        for end in structure.dead_ends:
            changes: tuple[Change, ...] = ()
            if end.cause.code == "no-le-label":
                changes = _keeps_le(structure.node, query)
            variant = "le" if end.cause.code == "no-le-label" else ""
            yield ctx.finding(
                one.query_path,
                piece=one.measurement.piece("query", end.node.span),
                variant=(variant if whole else f"{variant or 'cause'}-operand"),
                related=[_at(ctx, one, end.cause.span, WORDS[end.cause.code])]
                if end.cause.span != end.node.span
                else (),
                fix=_fix(ctx, one, "Keep the label `le`", changes, "unsafe"),
                discriminator=_shown(query, end.node),
                metric=one.called,
                why=WORDS[end.cause.code],
                operand=_shown(query, end.node),
                outcome=_outcome(one),
            )
        for operation, left, right in structure.unmatched:
            yield ctx.finding(
                one.query_path,
                piece=one.measurement.piece("query", operation.op_span),
                variant="unmatched",
                related=[_at(ctx, one, side.span, words) for side, words in _labelled(operation, left, right)],
                metric=one.called,
                operator=operation.op,
                left=_labels(left),
                right=_labels(right),
                some=_labels(left | right),
            )
        yield from _windows_without_two_samples(ctx, one, structure)


@check("RL422")
def quantile_out_of_range(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A quantile that is not between 0 and 1."""
    for one, _, structure in _parsed(ctx):
        for quantile in structure.quantiles:
            negative = isinstance(quantile, Unary) and quantile.op == "-"
            value = (number(quantile.expr if isinstance(quantile, Unary) else quantile) or 0.0) * (
                -1 if negative else 1
            )
            meant = f"{value / 100:g}" if 1 < value <= 100 else ""
            changes = [Change(*quantile.span, meant)] if meant else []
            yield ctx.finding(
                one.query_path,
                piece=one.measurement.piece("query", quantile.span),
                variant="negative" if value < 0 else "" if meant else "above",
                fix=_fix(ctx, one, f"Write {meant}", changes, "unsafe"),
                metric=one.called,
                quantile=f"{value:g}",
                meant=meant,
            )


@check("RL423")
def clamp_distorts(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A `clamp_min` whose bound is more than the traffic of a slow service, in a denominator."""
    for one, query, structure in _parsed(ctx):
        if not structure.clamps:
            continue
        idle = one.measurement.judgement.verdict("idle")
        part = idle.part("value") if idle is not None else None
        phases: Phases = part.phases if part is not None and idle is not None and len(idle.parts) == 1 else frozenset()
        for clamp in structure.clamps:
            bound = clamp.args[1]
            least = number(bound)
            if least is None:
                continue
            yield ctx.finding(
                one.query_path,
                piece=one.measurement.piece("query", bound.span),
                variant="open" if phases == {"Successful"} else "closed" if phases == {"Failed"} else "",
                fix=_fix(
                    ctx, one, f"Lower the bound to {HARMLESS_FLOOR}", [Change(*bound.span, HARMLESS_FLOOR)], "unsafe"
                ),
                discriminator=_shown(query, clamp),
                metric=one.called,
                bound=f"{least:g}",
                half=f"{least / 2:g}",
            )


@check("RL424")
def window_too_short(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A window that holds two samples only now and then."""
    interval = ctx.settings.scrape_interval
    for one, _, structure in _parsed(ctx):
        for seconds, calls in structure.windows.items():
            if interval is None:
                variant, missed = "", 0.0
                if seconds > SHORT_WINDOW:
                    continue
            else:
                variant, missed = "known", (2 * interval - seconds) / interval
                if seconds >= 2 * interval or _never_two(seconds, interval, ctx.settings.targets):
                    continue
            yield _about_window(ctx, one, seconds, calls, variant, missed=f"{100 * missed:.0f}")


@check("RL426")
def fallback_without_effect(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An `or vector(c)` that does not stand in for anything, or not for what it is there for."""
    for one, query, structure in _parsed(ctx):
        for fallback in structure.idle_fallbacks:
            changes: Sequence[Change] = ()
            if fallback.why == "never-used":
                changes = cut_fallback(fallback.node, query.text)
            elif fallback.why == "scalar":
                changes = unwrap_scalars(fallback.node.left)
            elif fallback.why == "appended" and fallback.node.matching is None:
                changes = [Change(*fallback.node.op_span, "or on ()")]
            yield _about_fallback(ctx, one, query, fallback.node, fallback.why, changes)
        if structure.fallbacks and not structure.idle_fallbacks:
            yield from _not_for_nan(ctx, one, query, structure)


@check("RL429")
def result_type_refused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A query whose answer is of a type that the provider, or a range query, does not take."""
    release = ctx.settings.targets.rollouts
    for one, _, structure in _parsed(ctx):
        ranged = dig(one.value, "provider", "prometheus", "rangeQuery") is not None and release >= MATRICES_SINCE
        kind = structure.node.type
        if kind == "matrix" and not ranged and release < MATRICES_SINCE:
            variant = ""
        elif kind == "string" or (kind == "matrix" and ranged):
            variant = "string" if kind == "string" else "range-query"
        else:
            continue
        yield ctx.finding(one.query_path, variant=variant, metric=one.called, type="range vector", release=str(release))


# ---- RL401 ---------------------------------------------------------------------------------------------------


def _with_values(ctx: Context[AnalysisTemplate], one: Measured) -> tuple[Expanded, PromQLError | None]:
    """The query with the values of arguments in its strings and comments too, and why it is refused then."""
    kept = one.measurement.texts["query"]
    written = text(dig(one.value, "provider", "prometheus", "query"))
    if not placeholders(kept.text):
        return kept, None
    values = known_arguments(ctx.world, ctx.resource)
    if all(_HARMLESS(value) for value in values.values()):
        return kept, None
    filled = expand(written, values)
    if filled.text == kept.text:
        return kept, None
    try:
        parse(filled.text)
    except PromQLError as error:
        return filled, error
    return filled, None


def _is_for_others(one: Measured, error: PromQLError) -> bool:
    """Whether RL302 has it already (a tag that is no argument), or another template engine completes the query."""
    written = text(dig(one.value, "provider", "prometheus", "query"))
    return "in a placeholder" in error.message or filled_later(written.replace("{{", ""))


def _value_at(filled: Expanded, error: PromQLError) -> str:
    """The value in which the error lies, or the last one before it."""
    values = [s for s in filled.segments if s.is_hole]
    before = [s for s in values if s.start < max(error.end, error.start + 1)]
    meant = before[-1:] or values[:1]
    return filled.text[meant[0].start : meant[0].end] if meant else ""


def _patience(one: Measured, targets: Targets) -> str:
    """After how many errors a metric is given up."""
    end = outcome("Error", one.value, targets)
    if end.kind != "aborts" or end.measurements is None:
        return "too many in a row"
    counted = f"{end.measurements} in a row" if end.measurements > 1 else "the first one"
    return counted if not end.seconds else f"{counted} (about {format_duration(end.seconds)})"


def _corrected(ctx: Context[AnalysisTemplate], one: Measured, filled: Expanded) -> Fix | None:
    changes = correct(filled.text)
    return _fix(ctx, one, "Correct the query", changes, "safe") if changes else None


def _as_instruction(hint: str) -> str:
    """A hint as a sentence that tells what to do."""
    hint = re.sub(r"^did you mean (`[^`]+`)\?$", r"use \1", _one_line(hint))
    hint = re.sub(r"^(an? \w+) is missing (before|after) (`.*`)$", r"put \1 \2 \3", hint)
    return hint[:1].upper() + hint[1:]


# ---- RL421, RL424 --------------------------------------------------------------------------------------------


def _keeps_le(node: Node, query: Query) -> tuple[Change, ...]:
    """The changes that keep `le`, if the query has elements then."""
    changes = merged(aggregate_by_le(node, query.text))
    if not changes:
        return ()
    mended = parse(rewritten(query.text, changes))
    return () if any(end.cause.code == "no-le-label" for end in dead_ends(mended)) else changes


def _labelled(operation: Binary, left: frozenset[str], right: frozenset[str]) -> Iterator[tuple[Node, str]]:
    yield operation.left, f"keeps {_labels(left)}"
    yield operation.right, f"keeps {_labels(right)}"


def _labels(names: frozenset[str]) -> str:
    """Label names in words."""
    return " and ".join(f"`{name}`" for name in sorted(names)) or "no label"


def _windows(node: Node) -> Mapping[float, Sequence[tuple[Call, Span]]]:
    """Seconds -> the calls that need two samples in a window of that length, with the windows' places.

    Recorded series are left aside: they have the interval of their rule.
    """
    found: dict[float, list[tuple[Call, Span]]] = {}
    for call in walk(node):
        if isinstance(call, Call) and call.func in TWO_SAMPLES and call.args:
            window = bare(call.args[0])
            if not isinstance(window, Range) or ":" in (window.selector.name or ""):
                continue
            if isinstance(window.window, float | int) and window.window > 0:
                found.setdefault(float(window.window), []).append((call, window.window_span))
    return found


def _never_two(seconds: float, interval: float, targets: Targets) -> bool:
    """Whether a window never holds two samples: it is left-open since Prometheus 3."""
    return seconds < interval or (seconds == interval and targets.prometheus.major >= 3)


def _windows_without_two_samples(
    ctx: Context[AnalysisTemplate], one: Measured, structure: Structure
) -> Iterator[Finding]:
    interval = ctx.settings.scrape_interval
    if interval is None:
        return
    for seconds, calls in structure.windows.items():
        if _never_two(seconds, interval, ctx.settings.targets):
            yield _about_window(ctx, one, seconds, calls, "window")


def _about_window(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    seconds: float,
    calls: Sequence[tuple[Call, Span]],
    variant: str,
    missed: str = "",
) -> Finding:
    interval = ctx.settings.scrape_interval
    (first, span), *others = calls
    return ctx.finding(
        one.query_path,
        piece=one.measurement.piece("query", span),
        variant=variant,
        related=[_at(ctx, one, place, "the same window") for _, place in others],
        discriminator=f"{seconds:g}",
        metric=one.called,
        function=first.func,
        window=format_duration(seconds),
        half=format_duration(seconds / 2),
        interval=format_duration(interval or 0.0),
        needed=format_duration(2 * (interval or SHORT_WINDOW)),
        missed=missed,
    )


# ---- RL426 ---------------------------------------------------------------------------------------------------


def _not_for_nan(
    ctx: Context[AnalysisTemplate], one: Measured, query: Query, structure: Structure
) -> Iterator[Finding]:
    """A fallback that decides without series, where idle series give NaN and with it another verdict."""
    judgement = one.measurement.judgement
    idle, absent = judgement.verdict("idle"), judgement.verdict("absent")
    nan = idle.part("NaN") if idle is not None else None
    if nan is None or absent is None or absent.phase is None or len(nan.phases) != 1:
        return
    if absent.phases == nan.phases or None in nan.phases or absent.part("value") is None:
        return
    for fallback, constant in structure.fallbacks:
        for reason in sorted(nan.reasons):
            inside = fallback.left.span[0] <= reason.span[0] and reason.span[1] <= fallback.left.span[1]
            as_denominator = (
                reason.code == "zero-by-zero"
                and constant.value != 0
                and _is_below(fallback, structure.node, reason.span)
            )
            if reason.code in ("zero-by-zero", "no-observations") and (inside or as_denominator):
                variant = "nan" if inside and reason.code == "zero-by-zero" else "quantile" if inside else "denominator"
                yield _about_fallback(ctx, one, query, fallback, variant, (), next(iter(nan.phases)), reason.span)
                return


def _is_below(fallback: Binary, node: Node, span: Span) -> bool:
    """Whether a fallback is all that a denominator consists of."""
    return any(isinstance(n, Binary) and n.right.span == span and bare(n.right) is fallback for n in walk(node))


def _about_fallback(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    query: Query,
    fallback: Binary,
    variant: str,
    changes: Sequence[Change],
    phase: str | None = None,
    cause: Span | None = None,
) -> Finding:
    titles = {"never-used": "Remove the fallback", "scalar": "Leave `scalar` out", "appended": "Match on no label"}
    return ctx.finding(
        one.query_path,
        piece=one.measurement.piece("query", (fallback.op_span[0], fallback.span[1])),
        variant=variant,
        related=[_at(ctx, one, cause, "can be 0" if variant != "quantile" else "has nothing to go by")]
        if cause
        else (),
        fix=_fix(ctx, one, titles.get(variant, ""), changes, "unsafe"),
        discriminator=_shown(query, fallback.right),
        metric=one.called,
        fallback=_squeezed(query.text[fallback.op_span[0] : fallback.span[1]]),
        phase=phase or "",
    )


# ---- common --------------------------------------------------------------------------------------------------


class Structure(NamedTuple):
    """What the rules ask of the tree of a query."""

    node: Node
    self_ratio: Binary | None
    dead_ends: Sequence[DeadEnd]
    unmatched: Sequence[tuple[Binary, frozenset[str], frozenset[str]]]
    quantiles: Sequence[Node]
    clamps: Sequence[Call]
    windows: Mapping[float, Sequence[tuple[Call, Span]]]
    fallbacks: Sequence[tuple[Binary, Number]]
    idle_fallbacks: Sequence[IdleFallback]


@remembered
def _structure(judgement: Judgement, prometheus: Literal[2, 3]) -> Structure | None:
    """The answers for the query of a metric; `None` without one that Prometheus takes."""
    node = judgement.query.node if judgement.query is not None else None
    if node is None:
        return None
    return Structure(
        node,
        self_ratio(node),
        tuple(dead_ends(node, prometheus=prometheus)),
        tuple(unmatched(node, prometheus=prometheus)),
        tuple(quantiles_out_of_range(node)),
        tuple(clamped_denominators(node)),
        _windows(node),
        tuple(fallbacks(node)),
        tuple(idle_fallbacks(node, prometheus=prometheus)),
    )


def _parsed(ctx: Context[AnalysisTemplate]) -> Iterator[tuple[Measured, Query, Structure]]:
    """The metrics with a query that Prometheus takes."""
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        structure = _structure(one.measurement.judgement, one.measurement.question.prometheus)
        if structure is not None and one.measurement.judgement.query is not None:
            yield one, one.measurement.judgement.query, structure


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _squeezed(words: str) -> str:
    return re.sub(r"\s+", " ", words).strip()


def _shown(query: Query, node: Node) -> str:
    """The text of a node on one line, shortened."""
    shown = _squeezed(query.text[node.span[0] : node.span[1]])
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _outcome(one: Measured) -> str:
    """What comes of a query that always gives the same."""
    normal = one.measurement.judgement.verdict("normal")
    phase = normal.phase if normal is not None and one.measurement.judgement.conditions else None
    return EVERY_MEASUREMENT[phase] if phase is not None else "Every measurement finds the same"


def _series(node: Node) -> Node:
    """What is summed up on one side of a ratio: without the factor in front of it."""
    return scale(node)[1]


def _sides(ratio: Binary) -> Iterator[tuple[Node, str]]:
    yield ratio.left, "these series, each with all of its labels"
    yield ratio.right, "are divided by those with the same labels: themselves"


def _enclosed(node: Node, before: str, after: str) -> Iterator[Change]:
    yield Change(node.span[0], node.span[0], before)
    yield Change(node.span[1], node.span[1], after)


def _at(ctx: Context[AnalysisTemplate], one: Measured, span: Span, words: str) -> Related:
    """A related place in the query."""
    view = ctx.resource
    return Related(view.place(one.query_path, piece=one.measurement.piece("query", span)), words, view.id)


def _fix(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    title: str,
    changes: Sequence[Change],
    safety: Safety,
) -> Fix | None:
    """A fix that makes changes of the filled-in query in the written one; `None` where a placeholder is in the way."""
    made = merged(changes)
    found = pieces(Repair(made, {}, safety, title), one.measurement.texts) if made else None
    if not found:
        return None
    edits = (ctx.edit("replace", one.query_path, words, piece=piece) for piece, words in found["query"])
    return ctx.fix(title, *edits, safety=safety)
