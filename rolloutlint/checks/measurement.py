"""RL4: what a metric decides in the worlds that a new version can meet - healthy, broken, without traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.endings import ending, in_dry_run, refused, used_by
from rolloutlint.controllers.arguments import used_names
from rolloutlint.controllers.measurement import WORLDS, Judgement, Part, Phases, Verdict, WorldKey, remembered
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.controllers.metrics import providers_of
from rolloutlint.controllers.repairs import pieces, repair_of
from rolloutlint.controllers.verdicts import (
    FAILING,
    HEALTHY,
    NO_DATA,
    NO_SERIES,
    always_passes,
    by_accident,
    can_pass,
    certainly,
    counts_only_failures,
    deviates,
    is_inverted,
)
from rolloutlint.finding import Finding, Fix, Path, Related, Safety
from rolloutlint.graph.analyses import Use, called, uses_of
from rolloutlint.graph.measurements import Measured, measured
from rolloutlint.lang.duration import format_duration
from rolloutlint.lang.expr import Phase, nan_checks, uses_index
from rolloutlint.lang.promql.guards import fallbacks
from rolloutlint.lang.promql.tree import selectors
from rolloutlint.lang.promql.values import WORDS
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.analysis import metric_name
from rolloutlint.model.rollout import Analysis, Step
from rolloutlint.model.values import dig, has, mapping, sequence, text
from rolloutlint.settings import Targets

CONDITIONS = ("successCondition", "failureCondition")
DECIDE_THEMSELVES = {"job": "", "kayenta": "kayenta"}
"""Providers that never look at the conditions, and the RL412 variant that says so."""

WHEN: Mapping[WorldKey, str] = {
    "healthy-no-failures": "until the first request fails",
    "healthy": "while no request fails",
    "failing-no-successes": "if no request ever succeeded",
    "failing": "while every request fails",
    "absent": "without any series",
    "started": "until each series has two samples",
    "idle": "while no request arrives",
}
ASSUMED_SCRAPE_INTERVAL = 30.0
"""Seconds; what kube-prometheus-stack sets."""


@check("RL404")
def healthy_version_aborted(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement that goes wrong because no request fails."""
    for one in _deciding(ctx):
        wrong = certainly(one.measurement.judgement, HEALTHY, "Failed", "Error")
        if not wrong or not can_pass(one.measurement.judgement):
            continue
        part = wrong[0].parts[0]
        end = _aborted(one, part.phases, ctx.settings.targets)
        if end is None:
            continue
        variant = {"empty": "" if "Error" in part.phases else "failed", "NaN": "nan"}.get(part.kind, "value")
        yield from _found(ctx, one, wrong, part, variant, when=WHEN[wrong[-1].world], answer=part.words, ending=end)


@check("RL405")
def empty_result_passes(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement that is a success without any data."""
    if ctx.settings.no_data != "any":
        return  # RL430 knows what is wanted
    for one in _deciding(ctx):
        passing = certainly(one.measurement.judgement, NO_SERIES, "Successful")
        if not passing or counts_only_failures(one.measurement.judgement, by_name=True):
            continue
        part = passing[0].parts[0]
        variant = {"empty": _empty(one), "nil": "nil", "NaN": "nan"}.get(part.kind, "query")
        yield from _found(ctx, one, passing, part, variant, when=_when(one, passing[0]), answer=part.words)


@check("RL406")
def nan_passes(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement that is NaN for want of requests, and a success."""
    if ctx.settings.no_data != "any":
        return
    for one in _deciding(ctx):
        passing = certainly(one.measurement.judgement, ("idle",), "Successful")
        part = passing[0].part("NaN") if passing else None
        if part is None:
            continue
        asked = any(nan_checks(c.node) for c in one.measurement.judgement.conditions if c.node is not None)
        alone = one.measurement.judgement.condition("successCondition") is None
        variant = "accepted" if asked else "failure-only" if alone else ""
        yield from _found(ctx, one, passing, part, variant)


@check("RL407")
def failing_version_passes(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement that is a success while every request fails."""
    for one in _deciding(ctx):
        judgement = one.measurement.judgement
        passing = certainly(judgement, FAILING, "Successful")
        if not passing or not certainly(judgement, HEALTHY, "Successful") or always_passes(judgement):
            continue
        part = passing[0].parts[0]
        missing = "" if passing[0].world == "failing-no-successes" else "value"
        variant = {"empty": "empty", "NaN": "nan"}.get(part.kind, missing)
        yield from _found(ctx, one, passing, part, variant, when=WHEN[passing[-1].world], answer=part.words)


@check("RL408")
def no_traffic_aborts(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement that errors or fails without data although nobody decided so."""
    if ctx.settings.no_data != "any":
        return
    for one in _deciding(ctx):
        if counts_only_failures(one.measurement.judgement) or not can_pass(one.measurement.judgement):
            continue
        parts = _accidents(one.measurement.judgement)
        if not parts:
            continue
        end = _aborted(one, frozenset().union(*(p.phases for p in parts.values())), ctx.settings.targets)
        if end is None:
            continue
        wrong = tuple(parts)
        kinds = {part.kind for part in parts.values()}
        first = parts[wrong[0]]
        variant = {"NaN": "nan", "nil": "nil"}.get(first.kind, _empty(one, "" if "Error" in first.phases else "failed"))
        traffic = wrong[-1].world == "idle" and parts[wrong[-1]].kind == "empty"
        yield from _found(
            ctx,
            one,
            wrong,
            first,
            "both" if len(kinds) > 1 else variant,
            when="without traffic" if traffic else _when(one, wrong[0]),
            ending=end,
        )


@check("RL411")
def condition_missing(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric that nothing decides."""
    if ctx.world.patched(ctx.resource.resource, ("spec", "metrics")):
        return
    for path, metric in ctx.resource.metrics:
        providers = providers_of(metric, ctx.settings.targets) or ()
        named = [name for name in mapping(metric.get("provider")) if metric["provider"][name] is not None]
        if len(providers) != 1 or named != list(providers) or providers[0] in DECIDE_THEMSELVES:
            continue
        if any(metric.get(field) not in (None, "") for field in CONDITIONS):
            continue
        inside = (*path, "provider", providers[0])
        field = next((f for f in CONDITIONS if has(metric, "provider", providers[0], f)), "")
        yield ctx.finding(
            (*inside, field) if field else path if not metric.get("name") else (*path, "name"),
            "key" if field or metric.get("name") else "value",
            variant="misplaced" if field else "",
            related=used_by(ctx),
            metric=metric_name(path, metric),
            provider=providers[0],
            field=field,
            inside=f"provider.{providers[0]}",
        )


@check("RL412")
def condition_ignored(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A condition of a metric whose provider decides by itself."""
    for path, metric in ctx.resource.metrics:
        providers = providers_of(metric, ctx.settings.targets) or ()
        if len(providers) != 1 or providers[0] not in DECIDE_THEMSELVES:
            continue
        fields = [field for field in CONDITIONS if metric.get(field) is not None]
        if not fields:
            continue
        words = " and ".join(f"`{field}`" for field in fields)
        yield ctx.finding(
            (*path, fields[0]),
            "key",
            variant=DECIDE_THEMSELVES[providers[0]],
            related=[ctx.resource.related((*path, field), "not evaluated either", "key") for field in fields[1:]],
            fix=ctx.fix(f"Remove {words}", *(ctx.edit("remove", (*path, field)) for field in fields)),
            metric=metric_name(path, metric),
            field=fields[0],
        )


@check("RL425")
def first_measurement_too_early(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric of the new pods alone that is given up before Prometheus can have scraped them twice."""
    scrape = ctx.settings.scrape_interval or ASSUMED_SCRAPE_INTERVAL
    for one in _deciding(ctx):
        verdict = one.measurement.judgement.verdict("started")
        arguments = _narrowing_arguments(one.measurement.judgement)
        if verdict is None or verdict.part("empty") is None or not arguments:
            continue
        if not verdict.certainly("Failed", "Error"):
            continue
        ends = [outcome(phase, one.value, ctx.settings.targets) for phase in _known(verdict.phases)]
        for use in uses_of(ctx.world, ctx.resource):
            waits = _waits(use)
            given = max((e.seconds for e in ends if e.seconds is not None), default=None)
            if waits is None or given is None or any(e.kind != "aborts" for e in ends):
                continue
            if given + waits >= 2 * scrape or not arguments & _latest(use.analysis):
                continue
            yield from _found(
                ctx,
                one,
                (verdict,),
                verdict.parts[0],
                "" if waits else "start",
                related=(use.rollout.related(use.analysis.path, "starts here, before there can be data"),),
                patience=format_duration(given + waits),
                needed=format_duration(2 * scrape),
                scrape=format_duration(scrape),
                analysis=called(use.analysis),
                rollout=use.rollout.name,
            )
            break


@check("RL430")
def no_data_against_policy(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A measurement without data that does something else than the setting `no-data` asks for."""
    policy = ctx.settings.no_data
    if policy == "any":
        return
    for one in _deciding(ctx):
        if counts_only_failures(one.measurement.judgement, by_name=True):
            continue
        verdicts = (one.measurement.judgement.verdict(world) for world in NO_DATA)
        wrong = tuple(v for v in verdicts if v is not None and deviates(v, policy))
        if not wrong:
            continue
        part = wrong[0].parts[0]
        phases = " or ".join(_known(wrong[0].phases))
        variant = "" if policy == "fail" else policy
        yield from _found(ctx, one, wrong, part, variant, when=_when(one, wrong[0]), phase=phases)


def _deciding(ctx: Context[AnalysisTemplate]) -> Sequence[Measured]:
    """The metrics that have conditions and answers that fit."""
    return ctx.world.shared(ctx.resource.resource, "deciding", lambda: tuple(_find_deciding(ctx)))


def _find_deciding(ctx: Context[AnalysisTemplate]) -> Iterator[Measured]:
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        if _can_decide(one.measurement.judgement):
            yield one


@remembered
def _can_decide(judgement: Judgement) -> bool:
    """Whether the texts of a metric can be read, fit each other and ask about series."""
    if not judgement.conditions or any(c.syntax or c.fault for c in judgement.conditions):
        return False
    query = judgement.query
    if query is None:
        return not is_inverted(judgement)
    if query.node is None or query.value is None or query.value.always_empty or not selectors(query.node):
        return False
    return not is_inverted(judgement)


@remembered
def _accidents(judgement: Judgement) -> Mapping[Verdict, Part]:
    """The verdicts without data that stop a version although nobody decided so, with the answer that does it."""
    return {
        verdict: part
        for verdict in certainly(judgement, NO_DATA, "Failed", "Error")
        if (part := next((p for p in verdict.parts if by_accident(judgement, p)), None)) is not None
    }


def _aborted(one: Measured, phases: Phases, targets: Targets) -> str | None:
    """What becomes of a version in whose analysis every measurement is one of `phases`: that it is aborted, and when.

    `None` where the limits let the analysis go on.
    """
    known = _known(phases)
    kinds = {outcome(phase, one.value, targets).kind for phase in known}
    if not known or not kinds <= {"aborts", "unknown"}:
        return None
    if "unknown" in kinds:
        return "is aborted"
    words = [ending(one.value, phase, targets) for phase in known]
    return ", or ".join([words[0], *(word.removeprefix("is aborted ") for word in words[1:])])


def _when(one: Measured, verdict: Verdict) -> str:
    """When it comes to a verdict, in words that follow a clause."""
    return WHEN[verdict.world] if one.measurement.judgement.provider == "prometheus" else "without data"


def _known(phases: Phases) -> list[Phase]:
    return sorted(phase for phase in phases if phase is not None)


def _found(
    ctx: Context[AnalysisTemplate],
    one: Measured,
    verdicts: Sequence[Verdict],
    part: Part,
    variant: str = "",
    *,
    related: Sequence[Related] = (),
    **params: object,
) -> Iterator[Finding]:
    """A finding about `one` where the first of `verdicts` comes to pass by `part`, with the way there as its trail.

    None about a metric that is refused, and so never measured, or that is in dry run wherever it runs.
    """
    if refused(ctx, int(one.path[-1])) or in_dry_run(ctx, one.value):
        return
    path, piece = _place(one, part)
    yield ctx.finding(
        path,
        "value",
        piece=piece,
        variant=variant,
        related=(*related, *used_by(ctx)),
        trail=tuple(_trail(ctx, one, verdicts)),
        fix=_repair(ctx, one),
        discriminator="",
        metric=one.called,
        **params,
    )


def _repair(ctx: Context[AnalysisTemplate], one: Measured) -> Fix | None:
    """The smallest change of the metric that removes the fault of this rule, if the rule has fixes and one is known."""
    if ctx.rule.fix == "none":
        return None
    made = repair_of(one.measurement.question, want=ctx.rule.id, no_data=ctx.settings.no_data)
    places = pieces(made, one.measurement.texts) if made is not None else None
    if made is None or places is None:
        return None
    edits = [
        ctx.edit("replace", one.query_path if field == "query" else (*one.path, field), new, piece=piece)
        for field, changes in places.items()
        for piece, new in changes
    ]
    safety: Safety = "safe" if ctx.rule.fix == made.safety == "safe" else "unsafe"
    return ctx.fix(f"Write `{made.shown}`", *edits, safety=safety)


def _place(one: Measured, part: Part) -> tuple[Path, tuple[int, int] | None]:
    """What makes a part of a verdict what it is: an index into nothing, a fallback of the query, or a condition."""
    judgement = one.measurement.judgement
    if part.kind == "value" and judgement.query is not None and judgement.query.node is not None:
        for fallback, number in fallbacks(judgement.query.node):
            if part.bounds == (number.value, number.value):
                span = (fallback.op_span[0], fallback.span[1])
                return one.query_path, one.measurement.piece("query", span)
    return _condition_place(one, part)


def _condition_place(one: Measured, part: Part) -> tuple[Path, tuple[int, int] | None]:
    conditions = one.measurement.judgement.conditions
    if part.kind == "empty" and "Error" in part.phases and one.measurement.judgement.provider != "cloudWatch":
        for condition in conditions:
            index = next((a for a in uses_index(condition.node) if a.fails_on_empty), None) if condition.node else None
            if index is not None:
                return (*one.path, condition.field), one.measurement.piece(condition.field, index.span)
    return (*one.path, conditions[0].field), None


def _trail(ctx: Context[AnalysisTemplate], one: Measured, verdicts: Sequence[Verdict]) -> Iterator[Related]:
    """World by world: what the query gives and why, and what the conditions make of it."""
    view = ctx.resource
    for verdict in verdicts:
        for part in verdict.parts:
            what = "`result` is nil" if part.kind == "nil" else f"the query is {part.words}"
            given = f"{WORLDS[verdict.world]}; {what}"
            for reason in sorted(part.reasons, key=lambda r: r.span)[:1]:
                words = f"{given}, because {WORDS[reason.code]}"
                where = one.measurement.piece("query", reason.span)
                yield Related(view.place(one.query_path, piece=where), words, view.id)
            path, piece = _condition_place(one, part)
            phases = " or ".join(_known(part.phases))
            words = f"the measurement is {phases}" if part.reasons else f"{given}, so the measurement is {phases}"
            yield Related(view.place(path, piece=piece), words, view.id)


def _empty(one: Measured, variant: str = "") -> str:
    """The variant for an empty result: CloudWatch always gives a list, in which the values may be missing."""
    return "cloudwatch" if one.measurement.judgement.provider == "cloudWatch" else variant


@remembered
def _narrowing_arguments(judgement: Judgement) -> frozenset[str]:
    """The arguments without a known value that narrow every selector of the query to certain pods."""
    query = judgement.query
    if query is None or query.node is None:
        return frozenset()
    found = [
        frozenset(name for m in selector.matchers if m.op in ("=", "=~") for name in used_names(m.value))
        for selector in selectors(query.node)
    ]
    return frozenset.intersection(*found) if found else frozenset()


def _latest(analysis: Analysis) -> frozenset[str]:
    """The arguments for which an analysis passes the hash of the new pods."""
    hashes = (a for _, a in analysis.arguments if dig(a, "valueFrom", "podTemplateHashValue") == "Latest")
    return frozenset(text(argument.get("name")) for argument in hashes)


def _waits(use: Use) -> float | None:
    """Seconds for which the new pods certainly run when an analysis starts; `None` where that may be long."""
    rollout, analysis = use.rollout, use.analysis
    ready = rollout.spec.get("minReadySeconds")
    settled = float(ready) if isinstance(ready, int) and not isinstance(ready, bool) else 0.0 if ready is None else None
    if analysis.role == "prePromotion":
        return settled
    if analysis.role not in ("background", "step") or settled is None:
        return None
    last = analysis.step if analysis.role == "step" else analysis.value.get("startingStep") or 0
    if not isinstance(last, int) or len(rollout.steps) != len(sequence(rollout.canary.get("steps"))):
        return None
    return _paused(rollout.steps[:last], settled)


def _paused(steps: Sequence[Step], settled: float) -> float | None:
    """Seconds for which pods certainly run after `steps`, if it is `settled` when a step has them available."""
    running: float | None = None
    for step in steps:
        if any(kind in step.kinds for kind in ("analysis", "experiment", "plugin")):
            return None
        if running is None and (step.weight or step.value.get("setCanaryScale") is not None):
            running = settled
        if step.pause is not None:
            if step.pause.kind != "timed":
                return None
            running = None if running is None else running + step.pause.seconds
    return running or 0.0
