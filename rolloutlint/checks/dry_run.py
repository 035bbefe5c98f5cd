"""RL3: `dryRun` and `measurementRetention` - which metrics their regular expressions select."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.dry_run import selects
from rolloutlint.finding import Finding, Fix, Path, Related
from rolloutlint.graph import World
from rolloutlint.graph.analyses import called, family_of, team_of, uses_of
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.regexp import go_regexp, is_plain
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.model.rollout import Analysis
from rolloutlint.model.values import entries, sequence
from rolloutlint.schema import nearest

FIELDS = ("dryRun", "measurementRetention")
SHOWN = 3


@check("RL323")
def dry_run_matches_nothing(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[Finding]:
    """A rule that selects no metric, for which the AnalysisRun ends in Error."""
    for field in FIELDS:
        for rule in _rules(ctx, field):
            at = (*rule.path, "metricName")
            error = "" if filled_later(rule.pattern) else go_regexp(rule.pattern).error
            if error:
                yield ctx.finding(
                    at,
                    variant="star" if rule.pattern == "*" else "invalid",
                    fix=_replace(ctx, at, ".*") if rule.pattern == "*" else None,
                    field=field,
                    rule=rule.pattern,
                    error=error,
                )
                continue
            failing = [run for run in rule.runs if not run.selects(rule.pattern)]
            if not failing:
                continue
            names = [name for name in failing[0].names if isinstance(name, str)]
            meant = nearest(rule.pattern, names, 2) if is_plain(rule.pattern) else ""
            yield ctx.finding(
                at,
                variant="misspelt" if meant else "",
                related=[run.related for run in failing if run.related][:SHOWN],
                fix=_replace(ctx, at, meant) if meant else None,
                field=field,
                rule=rule.pattern,
                meant=meant,
            )


@check("RL324")
def dry_run_matches_more(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[Finding]:
    """The name of a metric as a rule that selects others too, because it need only occur in their names."""
    for rule in _rules(ctx, "dryRun"):
        if not rule.pattern or not is_plain(rule.pattern):
            continue
        for run in rule.runs:
            others = [
                name
                for name in run.names
                if isinstance(name, str) and name != rule.pattern and selects(rule.pattern, name)
            ]
            besides = [pattern for pattern in run.dry if pattern != rule.pattern]
            others = [name for name in others if all(selects(pattern, name) is False for pattern in besides)]
            if rule.pattern not in run.names or not others:
                continue
            at = (*rule.path, "metricName")
            yield ctx.finding(
                at,
                related=[run.related] if run.related else (),
                fix=_replace(ctx, at, f"^{rule.pattern}$"),
                rule=rule.pattern,
                others=", ".join(f"`{name}`" for name in others[:SHOWN])
                + ("" if len(others) <= SHOWN else " and more"),
            )
            break


@check("RL325")
def dry_run_covers_all(ctx: Context[AnalysisTemplate | Rollout]) -> Iterator[Finding]:
    """Rules that leave no metric to decide."""
    told: set[Path] = set()
    for rule in _rules(ctx, "dryRun"):
        at = rule.path[:-1]
        for run in rule.runs:
            if at in told or (run.rollout_adds and isinstance(ctx.resource, AnalysisTemplate)):
                continue
            if all(any(selects(pattern, name) for pattern in run.dry) for name in run.names):
                told.add(at)
                rollout = isinstance(ctx.resource, Rollout)
                yield ctx.finding(
                    at,
                    "key",
                    variant="rollout" if rollout else "",
                    related=[run.related] if run.related else (),
                    analysis=run.called,
                )


class _Run(NamedTuple):
    """What one analysis brings together: the names of all its metrics and all its dry-run rules."""

    names: Sequence[object]
    dry: Sequence[object]
    called: str = ""
    rollout_adds: bool = False
    """Whether the Rollout has dry-run rules of its own for it."""
    related: Related | None = None

    def selects(self, pattern: str) -> bool:
        """False only where a rule certainly selects no metric."""
        return any(selects(pattern, name) is not False for name in self.names)


class _Rule(NamedTuple):
    """An entry of `dryRun` or `measurementRetention`, and the analyses in which it certainly takes part."""

    path: Path
    pattern: str
    runs: Sequence[_Run]


def _rules(ctx: Context[AnalysisTemplate | Rollout], field: str) -> Iterator[_Rule]:
    """The rules of a template or a Rollout, which has some at each of its analyses."""
    resource, world = ctx.resource, ctx.world
    if isinstance(resource, AnalysisTemplate):
        own = patterns(resource.value, (), "spec", field)
        runs = tuple(_runs_of_template(ctx.world, resource)) if own else ()
        yield from (_Rule(path, pattern, runs) for path, pattern in own)
        return
    for analysis in resource.analyses:
        passed = patterns(analysis.value, analysis.path, field) if analysis.role != "experiment" else ()
        if passed:
            run = _run([m.view for m in team_of(world, resource, analysis) or ()], analysis)
            yield from (_Rule(path, pattern, (run,) if run else ()) for path, pattern in passed)


def _runs_of_template(world: World, template: AnalysisTemplate) -> Iterator[_Run]:
    """The analyses that are known to run a template; where there is none, one that runs it alone."""
    uses = uses_of(world, template)
    if not uses:
        run = _run(family_of(world, template) or ())
        if run:
            yield run
    for use in uses:
        run = _run([m.view for m in use.team or ()], use.analysis)
        if run:
            words = f"the {called(use.analysis)} runs it"
            yield run._replace(related=use.rollout.related(use.analysis.path, words))


def _run(team: Sequence[AnalysisTemplate], analysis: Analysis | None = None) -> _Run | None:
    """The run of some templates; `None` where a metric cannot be read, or there is none."""
    if not all(len(view.metrics) == len(sequence(view.spec.get("metrics"))) for view in team):
        return None
    names = [metric.get("name") for view in team for _, metric in view.metrics]
    own = [pattern for view in team for _, pattern in patterns(view.value, (), "spec", "dryRun")]
    if analysis is None:
        return _Run(names, own) if names else None
    passed = [pattern for _, pattern in patterns(analysis.value, analysis.path, "dryRun")]
    return _Run(names, own + passed, called(analysis), bool(passed)) if names else None


def patterns(value: object, path: Path, *below: str) -> Sequence[tuple[Path, str]]:
    """The rules in a list with their paths; what has no `metricName` is left to the schema."""
    rules = entries(value, path, *below)
    return [(at, rule["metricName"]) for at, rule in rules if isinstance(rule.get("metricName"), str)]


def _listed(names: Sequence[str]) -> str:
    """The first names, for a sentence."""
    return ", ".join(f"`{name}`" for name in names[:SHOWN]) + (" and others" if len(names) > SHOWN else "")


def _replace(ctx: Context[AnalysisTemplate | Rollout], at: Path, pattern: str) -> Fix:
    return ctx.fix(f"Write `{pattern}`", ctx.edit("replace", at, pattern), safety="unsafe")
