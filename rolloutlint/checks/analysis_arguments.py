"""RL3: arguments of an analysis that have no effect, or another value than the one that was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.arguments import declared_names, placeholders_in, unterminated_in
from rolloutlint.controllers.validation import extractable
from rolloutlint.finding import Finding, Path
from rolloutlint.graph import World
from rolloutlint.graph.analyses import family_of, lost_secrets, team_of, uses_of
from rolloutlint.lang.placeholder import filled_later, placeholders
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.model.rollout import Analysis
from rolloutlint.model.values import dig, sequence, text

WRITTEN_BY_OTHERS = ("argoproj.io", "akuity.io", "cattle.io", "fluxcd.io", "helm.sh", "kubectl.kubernetes.io")
"""Domains of labels and annotations that controllers and delivery tools write themselves."""

TRACKING = frozenset(("app.kubernetes.io/instance", "app.kubernetes.io/managed-by"))
"""Labels that Argo CD and Helm may add."""

ADDING = ("commonLabels", "commonAnnotations", "plugin")
"""What in an Application may give labels or annotations to all that it syncs."""


@check("RL330")
def argument_unused(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A declared argument that no metric uses, neither here nor where this template runs together with others."""
    template = ctx.resource
    views = _run_together(ctx) if template.arguments else None
    if not views:
        return
    metrics = [view.spec.get("metrics") for view in views]
    if not any(metrics) or any(unterminated_in(each) for each in metrics):
        return
    found = [use.placeholder for each in metrics for use in placeholders_in(each)]
    used = {placeholder.name for placeholder in found}
    foreign = [placeholder.tag for placeholder in found if placeholder.name is None]
    for path, argument in template.arguments:
        name = text(argument.get("name"))
        if not name or name in used or filled_later(name) or any(name in tag for tag in foreign):
            continue
        secret = dig(argument, "valueFrom", "secretKeyRef") is not None
        needed = argument.get("value") is None and argument.get("valueFrom") is None
        yield ctx.finding(
            (*path, "name"),
            variant="secret" if secret else "needed" if needed else "",
            discriminator=name,
            argument=name,
        )


@check("RL331")
def secret_lost(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument whose secret is dropped, because a later template of the analysis declares it without one."""
    for analysis in ctx.resource.analyses:
        team = team_of(ctx.world, ctx.resource, analysis) if analysis.role != "experiment" else None
        for conflict, one, other in lost_secrets(team or ()):
            here = ("spec", "args", conflict.second[1])
            given = dig(other.view.value, *here, "value") is not None
            passed = conflict.name in declared_names(analysis.value.get("args"))
            yield ctx.finding(
                other.use.path,
                variant="passed" if passed else "value" if given else "",
                related=(
                    one.view.related(("spec", "args", conflict.first[1], "valueFrom"), "the secret"),
                    other.view.related((*here, "name"), "declared without it"),
                ),
                discriminator=conflict.name,
                argument=conflict.name,
                one=one.view.name,
                other=other.view.name,
            )


@check("RL332")
def label_absent(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An argument from a label or annotation that the Rollout does not have."""
    rollout = ctx.resource
    for analysis in rollout.analyses:
        if analysis.role == "experiment":
            continue
        for path, argument in analysis.arguments:
            source = dig(argument, "valueFrom")
            field_path = dig(source, "fieldRef", "fieldPath")
            if not isinstance(field_path, str) or dig(source, "podTemplateHashValue") is not None:
                continue
            group, bracket, rest = field_path.partition("['")
            if not bracket or filled_later(field_path) or not extractable(field_path):
                continue
            field, key = group.removeprefix("metadata."), rest[:-2]
            if not _certainly_absent(ctx, field, key) or _dropped(
                ctx.world, rollout, analysis, text(argument.get("name"))
            ):
                continue
            pods = dig(rollout.value, "spec", "template", "metadata", field)
            at = (*path, "valueFrom", "fieldRef", "fieldPath")
            yield ctx.finding(
                at,
                variant="pods" if isinstance(pods, dict) and key in pods else "",
                related=(rollout.related(("metadata",), "has none of that name", "key"),),
                discriminator=text(argument.get("name")),
                argument=text(argument.get("name")),
                kind=field.removesuffix("s"),
                key=key,
            )


@check("RL333")
def argument_in_argument(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[Finding]:
    """A placeholder in the value of an argument, where nothing fills it in."""
    for path, argument in _values_that_count(ctx):
        found = [each for each in placeholders(argument.get("value")) if each.name]
        if not found or argument.get("valueFrom") is not None:
            continue
        yield ctx.finding(
            (*path, "value"),
            piece=(found[0].start, found[0].end),
            discriminator=text(argument.get("name")),
            argument=text(argument.get("name")),
            inner=found[0].name,
        )


def _values_that_count(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The arguments whose values reach metrics, with their paths."""
    resource = ctx.resource
    if isinstance(resource, AnalysisTemplate):
        for path, argument in resource.arguments:
            if "{{" in text(argument.get("value")) and _default_counts(ctx.world, resource, text(argument.get("name"))):
                yield path, argument
        return
    for analysis in resource.analyses:
        for path, argument in analysis.arguments if analysis.role != "experiment" else ():
            name = text(argument.get("name"))
            if "{{" in text(argument.get("value")) and not _dropped(ctx.world, resource, analysis, name):
                yield path, argument


def _run_together(ctx: Context[AnalysisTemplate]) -> Sequence[AnalysisTemplate] | None:
    """All templates whose metrics may use the arguments of this one; `None` where not all can be read."""
    template = ctx.resource
    views = list(family_of(ctx.world, template) or ())
    for use in uses_of(ctx.world, template):
        if use.team is None:
            return None
        views.extend(member.view for member in use.team)
    readable = all(len(view.metrics) == len(sequence(view.spec.get("metrics"))) for view in views)
    return views if readable else None


def _certainly_absent(ctx: Context[Rollout], field: str, key: str) -> bool:
    """Whether a label or annotation is neither in the Rollout's manifest nor likely to be added on the way."""
    rollout, world = ctx.resource, ctx.world
    written = rollout.metadata.get(field)
    if written is not None and not isinstance(written, dict):
        return False
    present = [str(each) for each in written or ()]
    if key in present or key.lower() in present or any(filled_later(each) for each in present):
        return False
    domain = key.partition("/")[0] if "/" in key else ""
    if key in TRACKING or any(domain == other or domain.endswith(f".{other}") for other in WRITTEN_BY_OTHERS):
        return False
    if world.patched(rollout.resource, ("metadata", field)):
        return False
    return not any(
        application.resource.mentions(word) for application in world.applications(rollout.resource) for word in ADDING
    )


def _dropped(world: World, rollout: Rollout, analysis: Analysis, name: str) -> bool:
    """True where no template of an analysis takes the argument, which RL305 says."""
    team = team_of(world, rollout, analysis) or ()
    return bool(team) and all(name not in declared_names(member.view.spec.get("args")) for member in team)


def _default_counts(world: World, template: AnalysisTemplate, name: str) -> bool:
    """Whether a metric of a template uses the value of its argument, and not all known analyses pass another."""
    if name not in {use.placeholder.name for use in placeholders_in(template.spec.get("metrics"))}:
        return False
    uses = uses_of(world, template)
    return not uses or any(name not in declared_names(use.analysis.value.get("args")) for use in uses)
