"""What a metric does to the Rollouts that run it, in words: how its analysis ends, and where it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.checks.context import Context
from rolloutlint.controllers.dry_run import selects
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.controllers.metrics import validate_metrics
from rolloutlint.finding import Related
from rolloutlint.graph.analyses import Use, called, uses_of
from rolloutlint.lang.duration import format_duration
from rolloutlint.lang.expr import Phase
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import entries
from rolloutlint.settings import Targets

USES_SHOWN = 3

_WHAT: Mapping[Phase, str] = {
    "Error": "error",
    "Failed": "failed measurement",
    "Inconclusive": "inconclusive measurement",
    "Successful": "success",
}


def end_of(ctx: Context[AnalysisTemplate], number: int, metric: Mapping[str, Any], phase: Phase) -> str:
    """What becomes of an analysis in which every measurement of a metric (its `number` in the template) is `phase`.

    A clause without a full stop: `an analysis that runs it is aborted after 5 errors, about 40s`.
    """
    if in_dry_run(ctx, metric):
        return "the metric is in dry run, which only records it"
    if refused(ctx, number):
        return "no analysis gets a verdict from it"
    return f"an analysis that runs it {ending(metric, phase, ctx.settings.targets)}"


def ending(metric: Mapping[str, Any], phase: Phase, targets: Targets) -> str:
    """How an analysis ends in which every measurement of a metric is `phase`, in words that follow "an analysis"."""
    end = outcome(phase, metric, targets)
    if end.kind == "succeeds":
        return "succeeds all the same, by its limits"
    if end.kind not in ("aborts", "pauses"):
        return "gets no verdict from it" if end.kind == "unknown" else "goes on without a verdict"
    verb = "is aborted" if end.kind == "aborts" else "pauses the rollout"
    count = end.measurements
    if count is None:
        return verb
    counted = f"{verb} after {count} {_WHAT[phase]}{'s' if count > 1 and phase != 'Successful' else ''}"
    if not end.seconds:
        return counted if end.seconds is None else f"{counted}, at once"
    return f"{counted}, about {format_duration(end.seconds)}"


def refused(ctx: Context[AnalysisTemplate], number: int) -> bool:
    """Whether Argo Rollouts refuses the metric with this number, so that nothing is measured (RL304)."""
    template, targets = ctx.resource, ctx.settings.targets
    problems = ctx.world.shared(
        template.resource,
        "refused",
        lambda: frozenset(p.index for p in validate_metrics(template.spec.get("metrics"), targets)),
    )
    return number in problems


def in_dry_run(ctx: Context[AnalysisTemplate], metric: Mapping[str, Any]) -> bool:
    """Whether the template, or every analysis of the inputs that runs it, has the metric in dry run."""
    name = metric.get("name")
    if _selected(ctx.resource.value, name, "spec", "dryRun"):
        return True
    uses = uses_of(ctx.world, ctx.resource)
    return bool(uses) and all(_use_selects(use, name) for use in uses)


def _use_selects(use: Use, name: object) -> bool:
    if use.analysis.role == "experiment" and use.analysis.step is not None:
        step = next((s for s in use.rollout.steps if s.index == use.analysis.step), None)
        return step is not None and _selected(step.value, name, "experiment", "dryRun")
    brought = any(_selected(member.view.value, name, "spec", "dryRun") for member in use.team or ())
    return brought or _selected(use.analysis.value, name, "dryRun")


def _selected(value: object, name: object, *below: str) -> bool:
    return any(selects(rule.get("metricName"), name) is not False for _, rule in entries(value, (), *below))


def used_by(ctx: Context[AnalysisTemplate]) -> tuple[Related, ...]:
    """Some Rollouts of the inputs that run the template, each once."""
    found: dict[int, Related] = {}
    for use in uses_of(ctx.world, ctx.resource):
        words = f"used by the {called(use.analysis)}"
        found.setdefault(use.rollout.resource.number, use.rollout.related(use.analysis.path, words))
    return tuple(found.values())[:USES_SHOWN]
