"""RL3: the lifecycle of an analysis - which arguments reach it, whether it may start, and whether it ends."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.arguments import Analysis as Kind
from rolloutlint.controllers.arguments import (
    ArgumentProblem,
    argument_problems,
    declared_names,
    merge_conflicts,
    used_names,
)
from rolloutlint.controllers.metrics import PROVIDERS, MetricProblem, effective_count, validate_metrics
from rolloutlint.finding import Finding, Fix, Part, Path
from rolloutlint.graph import World
from rolloutlint.graph.analyses import Member, Use, called, lost_secrets, team_of, uses_of
from rolloutlint.model import AnalysisTemplate, Rollout, View
from rolloutlint.model.rollout import Analysis
from rolloutlint.model.values import dig, filled_later, has, text
from rolloutlint.schema import nearest

ARGS: Path = ("spec", "args")
METRICS: Path = ("spec", "metrics")
INLINE = frozenset(("step", "prePromotion", "postPromotion"))
"""Analyses that the Rollout waits for, and that its validation looks into."""

HASHES = ("Stable", "Latest")
"""What `podTemplateHashValue` may be (`pkg/apis/rollouts/v1alpha1/analysis_types.go` ValueFromPodTemplateHash)."""

USES_SHOWN = 3

_ARGUMENT_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z").match


@check("RL301")
def argument_unresolved(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument that a template leaves open and the Rollout does not fill."""
    told: set[tuple[Path, str]] = set()
    for analysis, member, problem in _passing(ctx):
        if problem.code != "unresolved" or (analysis.path, problem.name) in told:
            continue
        told.add((analysis.path, problem.name))
        passes = bool(analysis.value.get("args"))
        at = (*analysis.path, "args") if passes else member.use.path
        spelt, passed = _misspelt(ctx, analysis).get(problem.name, ((), ""))
        background = "background" if analysis.role == "background" else ""
        yield ctx.finding(
            spelt or at,
            "key" if passes and not spelt else "value",
            variant="-".join(filter(None, ("misspelt" if spelt else "", background))),
            fix=_rename(ctx, spelt, problem.name) if spelt else None,
            passed=passed,
            related=(member.view.related((*ARGS, *problem.path), "declared here without a value"),),
            discriminator=problem.name,
            analysis=called(analysis),
            argument=problem.name,
            template=member.view.name,
        )


@check("RL302")
def argument_undeclared(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A placeholder in a metric that the arguments of the template do not fill."""
    template = ctx.resource
    own = template.spec.get("args")
    if ctx.world.patched(template.resource, ARGS) or not _readable(own):
        return
    told: set[tuple[Path, str]] = set()
    problems = argument_problems(own, None, template.spec.get("metrics"), "background")
    unfilled = [problem for problem in problems if problem.where == "metrics"]
    uses = uses_of(ctx.world, template) if unfilled else ()
    for problem in unfilled:
        effect = _effect(uses, problem)
        if effect is None:
            continue
        undeclared = problem.code == "undeclared"
        once = (problem.path, problem.name if undeclared else "")
        if once in told:  # a script full of foreign braces is one fault
            continue
        told.add(once)
        glued = problem.code == "foreign" and problem.name.startswith("{args.")
        variant = effect if undeclared else f"{'glued' if glued else problem.code}-{effect}".removesuffix("-")
        yield ctx.finding(
            (*METRICS, *problem.path),
            problem.part,
            piece=problem.piece if problem.part == "value" else None,
            variant=variant,
            fix=_declare(ctx, problem.name, uses) if undeclared else _unglue(ctx, problem) if glued else None,
            discriminator=problem.name,
            name=problem.name,
            argument=problem.name.removeprefix("{"),
        )


@check("RL303")
def inline_metric_never_ends(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A metric without a last measurement in an analysis that the Rollout waits for."""
    counts = [metric.get("count") for _, metric in ctx.resource.metrics if metric.get("interval") is not None]
    if all(isinstance(count, int) and count > 0 for count in counts):
        return  # every measurement ends, whoever waits for it
    inline = [use for use in uses_of(ctx.world, ctx.resource) if use.analysis.role in INLINE]
    if not inline:
        return
    related = tuple(u.rollout.related(u.analysis.path, f"used by the {called(u.analysis)}") for u in inline)
    templated: dict[str | int, str] = {}
    if any(isinstance(count, str) and "{{" in count for count in counts):
        problems = argument_problems(ctx.resource.spec.get("args"), None, ctx.resource.spec.get("metrics"), "inline")
        templated = {problem.path[0]: problem.name for problem in problems if problem.code == "indefinite-count"}
    for path, metric in ctx.resource.metrics:
        argument = templated.get(path[-1], "")
        if not argument and effective_count(metric) != math.inf:
            continue
        field = "interval" if metric.get("count") is None else "count"
        yield ctx.finding(
            (*path, field),
            variant="argument" if argument else "count" if field == "count" else "",
            related=related[:USES_SHOWN],
            metric=text(metric.get("name")),
            count=metric.get("count"),
            argument=argument,
            analysis=called(inline[0].analysis),
            rollout=inline[0].rollout.name,
        )


@check("RL304")
def metric_rejected(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Metrics that the AnalysisRun controller refuses before the first measurement."""
    template = ctx.resource
    metrics = template.spec.get("metrics")
    for problem in validate_metrics(metrics, ctx.settings.targets):
        if problem.code == "no-metrics":
            if not has(template.value, "spec") or template.nested or _measured_elsewhere(ctx):
                continue
        elif problem.code == "no-provider" and not _provider_is_empty(dig(metrics, problem.index, "provider")):
            continue  # RL003, RL005 and RL008 say why there is none
        at, part = _rejected_at(template, problem)
        yield ctx.finding(
            at,
            part,
            variant=problem.code if problem.code in ctx.rule.messages else "",
            discriminator=problem.code,
            reason=problem.message.partition("]: ")[2] or problem.message,
            metric=text(dig(metrics, problem.index, "name")) or problem.index + 1,
            count=problem.values.get("count", ""),
            providers=problem.values.get("providers", ""),
        )


@check("RL305")
def argument_dropped(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument that the Rollout passes and no template of the analysis declares."""
    for analysis in ctx.resource.analyses:
        team = team_of(ctx.world, ctx.resource, analysis)
        if not team or not all(_readable(member.view.spec.get("args")) for member in team):
            continue
        declared = _declared_by(team)
        passed = declared_names(analysis.value.get("args"))
        taken = {name for _, name in _misspelt(ctx, analysis).values()}  # RL301 says what they were meant for
        for path, argument in analysis.arguments:
            name = text(argument.get("name"))
            if not name or name in declared or name in taken:
                continue
            meant = nearest(name, declared - passed, 2)
            user = next((m.view for m in team if name in used_names(m.view.spec.get("metrics"))), None)
            yield ctx.finding(
                (*path, "name"),
                variant="used" if user else "misspelt" if meant else "",
                fix=None if user or not meant else _rename(ctx, (*path, "name"), meant),
                related=() if user is None else (user.related(("metadata", "name"), "its metrics use it"),),
                discriminator=name,
                argument=name,
                analysis=called(analysis),
                meant=meant,
                template=user.name if user else team[0].view.name,
            )


@check("RL306")
def argument_blank(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument that is passed without a value, which is the empty string and no default."""
    told: set[Path] = set()
    for analysis, member, problem in _passing(ctx):
        path = (*analysis.path, "args", *problem.path)
        declared = next((a for _, a in member.view.arguments if a.get("name") == problem.name), None)
        if problem.code != "blank-override" or declared is None or path in told:
            continue
        told.add(path)
        yield ctx.finding(
            path,
            variant="default" if declared.get("value") else "",
            discriminator=problem.name,
            analysis=called(analysis),
            argument=problem.name,
            default=declared.get("value"),
            template=member.view.name,
        )


@check("RL307")
def pod_hash_unknown(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A `podTemplateHashValue` other than the two that the controller knows."""
    for analysis in ctx.resource.analyses:
        for path, argument in analysis.arguments:
            written = dig(argument, "valueFrom", "podTemplateHashValue")
            if analysis.role == "experiment" or not isinstance(written, str) or written in HASHES:
                continue
            if filled_later(written) or argument.get("value"):
                continue
            at = (*path, "valueFrom", "podTemplateHashValue")
            meant = next((known for known in HASHES if known.lower() == written.strip().lower()), None)
            yield ctx.finding(
                at,
                variant="case" if meant else "",
                fix=ctx.fix(f"Write `{meant}`", ctx.edit("replace", at, meant)) if meant else None,
                argument=text(argument.get("name")),
                written=written,
                meant=meant,
            )


@check("RL308")
def argument_with_two_sources(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """An argument of a template with both `value` and `valueFrom`."""
    doubled = [
        (path, argument)
        for path, argument in ctx.resource.arguments
        if argument.get("value") is not None and argument.get("valueFrom") is not None
    ]
    if not doubled:
        return
    uses = tuple(uses_of(ctx.world, ctx.resource))
    inline = any(use.analysis.role in INLINE for use in uses)
    for path, argument in doubled:
        secret = dig(argument, "valueFrom", "secretKeyRef") is not None
        if uses and not inline and not secret:
            continue
        yield ctx.finding(
            (*path, "value"),
            "key",
            variant="inline" if inline else "secret" if uses else "",
            argument=text(argument.get("name")),
        )


@check("RL309")
def secret_overrides_argument(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument that is passed to a template which reads it from a secret."""
    for analysis, member, problem in _passing(ctx):
        if problem.code == "secret-wins":
            lost = lost_secrets(team_of(ctx.world, ctx.resource, analysis) or ())
            if any(one is member and conflict.name == problem.name for conflict, one, _ in lost):
                continue  # RL331: what is passed does win
            index = next(p for p, a in member.view.arguments if a.get("name") == problem.name)
            yield ctx.finding(
                (*analysis.path, "args", *problem.path, "name"),
                related=(member.view.related((*index, "valueFrom"), "read from here"),),
                discriminator=problem.name,
                analysis=called(analysis),
                argument=problem.name,
                template=member.view.name,
            )


@check("RL310")
def field_ref_in_template(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A field reference in the arguments of a template, where nothing resolves it."""
    problems = argument_problems(ctx.resource.spec.get("args"), None, [], "background")
    fields = [problem for problem in problems if problem.code == "field-ref-in-template"]
    uses = tuple(uses_of(ctx.world, ctx.resource)) if fields else ()
    for problem in fields:
        failing = [use for use in uses if _leaves_open(use, ctx.resource, problem.name)]
        if uses and not failing:
            continue
        yield ctx.finding(
            (*ARGS, *problem.path),
            "key",
            variant="used" if failing else "",
            related=[u.rollout.related(u.analysis.path, "does not pass it") for u in failing[:USES_SHOWN]],
            argument=problem.name,
        )


@check("RL311")
def templates_disagree(ctx: Context[Rollout]) -> Iterator[Finding]:
    """Two templates of one analysis that give one argument different values."""
    for analysis in ctx.resource.analyses:
        team = team_of(ctx.world, ctx.resource, analysis)
        if not team or analysis.role == "experiment":
            continue
        for conflict in merge_conflicts([member.view.spec.get("args") for member in team]):
            if conflict.kind != "different-values":
                continue
            one, other = team[conflict.first[0]], team[conflict.second[0]]
            if one is other:
                continue
            yield ctx.finding(
                other.use.path,
                related=(
                    one.view.related((*ARGS, conflict.first[1], "value"), "one value"),
                    other.view.related((*ARGS, conflict.second[1], "value"), "the other value"),
                ),
                discriminator=conflict.name,
                argument=conflict.name,
                one=one.view.name,
                other=other.view.name,
            )


@check("RL312")
def metric_in_two_templates(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A metric name that two templates of one analysis have."""
    for analysis in ctx.resource.analyses:
        team = team_of(ctx.world, ctx.resource, analysis)
        if not team or analysis.role == "experiment":
            continue
        first: dict[str, tuple[Member, Path]] = {}
        for member in team:
            for path, metric in member.view.metrics:
                name = text(metric.get("name"))
                earlier, where = first.setdefault(name, (member, path))
                if not name or earlier is member:
                    continue
                yield ctx.finding(
                    member.use.path,
                    related=(
                        earlier.view.related((*where, "name"), "one metric"),
                        member.view.related((*path, "name"), "the other metric"),
                    ),
                    discriminator=name,
                    metric=name,
                    one=earlier.view.name,
                    other=member.view.name,
                )


def _passing(ctx: Context[Rollout]) -> Sequence[tuple[Analysis, Member, ArgumentProblem]]:
    """What is wrong with the arguments of each analysis that the Rollout's validation looks at, by template."""
    world, rollout = ctx.world, ctx.resource
    return world.shared(rollout.resource, "passing", lambda: tuple(_find_passing(world, rollout)))


def _misspelt(ctx: Context[Rollout], analysis: Analysis) -> Mapping[str, tuple[Path, str]]:
    """Argument without a value -> (place, name) of the one that is passed for nothing and was meant for it.

    It is nearly called so, or it is the only one passed for nothing while a single argument lacks a value.
    """
    declared = _declared_by(team_of(ctx.world, ctx.resource, analysis) or ())
    spare = {text(a.get("name")): path for path, a in analysis.arguments if text(a.get("name")) not in declared}
    wanted = {p.name for a, _, p in _passing(ctx) if a.path == analysis.path and p.code == "unresolved"}
    meant = {name: nearest(name, spare, 2) for name in wanted}
    if len(wanted) == len(spare) == 1:
        meant = dict.fromkeys(wanted, next(iter(spare)))
    return {name: ((*spare[found], "name"), found) for name, found in meant.items() if found}


def _find_passing(world: World, rollout: Rollout) -> Iterator[tuple[Analysis, Member, ArgumentProblem]]:
    for analysis in rollout.analyses:
        team = team_of(world, rollout, analysis) if analysis.role != "experiment" else None
        for member in team or ():
            for problem in _problems_of(member.view, analysis, team or ()):
                yield analysis, member, problem


def _problems_of(template: AnalysisTemplate, analysis: Analysis, team: Sequence[Member]) -> tuple[ArgumentProblem, ...]:
    """What is wrong with the arguments of `template` in an analysis of all the templates in `team`."""
    others = [m.view.spec.get("args") for m in team if m.view.resource.number != template.resource.number]
    kind: Kind = "background" if analysis.role == "background" else "inline"
    return argument_problems(template.spec.get("args"), analysis.value.get("args"), [], kind, others)


def _leaves_open(use: Use, template: AnalysisTemplate, argument: str) -> bool:
    """True where an analysis certainly leaves the field reference of an argument in place."""
    problems = _problems_of(template, use.analysis, use.team) if use.team is not None else ()
    return any(problem.code == "field-ref-in-template" and problem.name == argument for problem in problems)


def _effect(uses: Sequence[Use], problem: ArgumentProblem) -> str | None:
    """The RL302 variant: what an unfilled placeholder does in the analyses known; `None` where that is unknown."""
    if any(use.analysis.role in INLINE for use in uses):
        return "inline"
    if not uses:
        return ""
    for use in uses:
        if problem.code != "undeclared":
            return "run"
        if use.team is not None and problem.name not in _declared_by(use.team):
            return "run"
    return None


def _declared_by(team: Sequence[Member]) -> frozenset[str]:
    """The arguments that the templates of an analysis declare."""
    return frozenset[str]().union(*(declared_names(member.view.spec.get("args")) for member in team))


def _declare(ctx: Context[AnalysisTemplate], name: str, uses: Sequence[Use]) -> Fix | None:
    """Declare an argument; certainly right only where every known analysis passes it."""
    if not _ARGUMENT_NAME(name):
        return None
    passed = bool(uses) and all(name in declared_names(use.analysis.value.get("args")) for use in uses)
    entry = [{"name": name}]
    args = ctx.resource.spec.get("args")
    edit = ctx.edit("insert", ARGS, entry) if args else ctx.edit("insert", ("spec",), {"args": entry})
    if "args" in ctx.resource.spec and not args:
        edit = ctx.edit("replace", ARGS, entry)
    return ctx.fix(f"Declare `{name}` in spec.args", edit, safety="safe" if passed else "unsafe")


def _unglue(ctx: Context[AnalysisTemplate], problem: ArgumentProblem) -> Fix | None:
    """A space after the first of three braces, and one before the last. PromQL takes spaces there; others may not."""
    if problem.part != "value" or problem.piece is None:
        return None
    start, end = problem.piece
    at = (*METRICS, *problem.path)
    spaces = (ctx.edit("replace", at, " ", piece=(place, place)) for place in (start + 1, end))
    promql = problem.path[-2:] == ("prometheus", "query")
    return ctx.fix("Part the braces", *spaces, safety="safe" if promql else "unsafe")


def _rename(ctx: Context[Rollout], path: Path, meant: str) -> Fix:
    return ctx.fix(f"Rename to `{meant}`", ctx.edit("replace", path, meant), safety="unsafe")


def _measured_elsewhere(ctx: Context[AnalysisTemplate]) -> bool:
    """True unless every known analysis with this template is without a single metric."""
    return any(
        use.team is None or any(member.view.spec.get("metrics") for member in use.team)
        for use in uses_of(ctx.world, ctx.resource)
    )


def _provider_is_empty(provider: object) -> bool:
    """True where `provider` is a map that names nothing, or only known providers without a value."""
    return isinstance(provider, dict) and all(key in PROVIDERS and value is None for key, value in provider.items())


def _rejected_at(template: View, problem: MetricProblem) -> tuple[Path, Part]:
    """The tightest place of a rejection: the field at fault, else what makes it one, else the metric."""
    if problem.index < 0:
        return (METRICS, "key") if has(template.value, *METRICS) else (("spec",), "key")
    metric: Path = (*METRICS, problem.index)
    if problem.code == "interval-missing":
        return (*metric, "count"), "value"
    if problem.code in ("no-provider", "several-providers"):
        return (*metric, "provider"), "key"
    return (*metric, *problem.path), "value"


def _readable(args: object) -> bool:
    """Whether all entries of a list of args have names, so that one can be said to be absent."""
    if args is None:
        return True
    entries = args if isinstance(args, list) else [None]
    return all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in entries)
