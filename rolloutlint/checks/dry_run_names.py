"""RL3: rules of `dryRun` and `measurementRetention` that share a `metricName`, which may occur once in an AnalysisRun.

Mirrors argo-rollouts `utils/analysis/helpers.go` (`validateDryRunMetrics`, `validateMeasurementRetentionMetrics`): the
texts are compared as they are written, not what they select.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rolloutlint.checks.context import Context, check
from rolloutlint.checks.dry_run import FIELDS, patterns
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.graph.analyses import Member, called, team_of
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.model.rollout import Analysis

CALLED = {"dryRun": "Dry-Run", "measurementRetention": "Measurement Retention"}
"""What the controller's answer calls the two."""


@check("RL328")
def rule_name_twice(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[Finding]:
    """Two rules of one analysis with the same `metricName`."""
    resource = ctx.resource
    for field in FIELDS:
        if isinstance(resource, Rollout):
            for analysis in resource.analyses:
                if analysis.role != "experiment":
                    yield from _in_analysis(ctx, resource, analysis, field)
            continue
        first: dict[str, Path] = {}
        for path, name in patterns(resource.value, (), "spec", field):
            earlier = first.setdefault(name, path)
            if earlier != path:
                related = resource.related((*earlier, "metricName"), "the other rule")
                yield _doubled(ctx, (*path, "metricName"), "template", field, name, related)


@check("RL329")
def step_rule_in_other_analysis(ctx: Context[Rollout]) -> Iterator[Finding]:
    """A rule of a step's analysis whose `metricName` the templates of another analysis have, too."""
    rollout = ctx.resource
    if rollout.strategy_kind != "canary":
        return
    validated = [analysis for analysis in rollout.analyses if analysis.role in ("step", "background")]
    for analysis in validated:
        if analysis.role != "step":
            continue
        for field in FIELDS:
            rules = patterns(analysis.value, analysis.path, field)
            own = _rules_of_templates(ctx, rollout, analysis, field) if rules else {}
            for path, name in rules:
                if name in own:  # RL328
                    continue
                for other in validated:
                    found = _rules_of_templates(ctx, rollout, other, field).get(name) if other is not analysis else None
                    if found is None:
                        continue
                    member, where = found
                    yield ctx.finding(
                        (*path, "metricName"),
                        related=(member.view.related((*where, "metricName"), f"runs in the {called(other)}"),),
                        discriminator=f"{field} {name}",
                        analysis=called(analysis),
                        other=called(other),
                        template=member.view.name,
                        field=field,
                        rule=name,
                        words=CALLED[field],
                    )
                    break


def _in_analysis(
    ctx: Context[AnalysisTemplate | Rollout], rollout: Rollout, analysis: Analysis, field: str
) -> Iterator[Finding]:
    """Rules that meet in an analysis: of two templates, of a template and the Rollout, or of the Rollout alone."""
    first: dict[str, Related] = {}
    brought: dict[str, Member] = {}
    for member in team_of(ctx.world, rollout, analysis) or ():
        for path, name in patterns(member.view.value, (), "spec", field):
            here = member.view.related((*path, "metricName"), f"a rule of `{member.view.name}`")
            earlier = brought.setdefault(name, member)
            if earlier is member:
                first.setdefault(name, here)
            else:
                yield _doubled(ctx, member.use.path, "templates", field, name, first[name], here)
    if analysis.role != "step" and not analysis.templates:
        return  # it never runs, and only the rules of steps are validated
    variant = "" if analysis.role == "step" else "late"
    for path, name in patterns(analysis.value, analysis.path, field):
        at = (*path, "metricName")
        here = rollout.related(at, "the other rule")
        other = first.setdefault(name, here)
        if other is not here:
            yield _doubled(ctx, at, variant, field, name, other)


def _doubled(
    ctx: Context[AnalysisTemplate | Rollout], at: Path, variant: str, field: str, name: str, *related: Related
) -> Finding:
    return ctx.finding(
        at,
        variant=variant,
        related=related,
        discriminator=f"{field} {name}",
        field=field,
        rule=name,
        words=CALLED[field],
    )


def _rules_of_templates(
    ctx: Context[Rollout], rollout: Rollout, analysis: Analysis, field: str
) -> Mapping[str, tuple[Member, Path]]:
    """The rules that the templates of an analysis bring, by name; empty where not all templates are certain."""
    team = team_of(ctx.world, rollout, analysis) or ()
    return {name: (member, path) for member in team for path, name in patterns(member.view.value, (), "spec", field)}
