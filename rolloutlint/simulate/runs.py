"""The AnalysisRuns of a Rollout: the metrics of all templates of an analysis, with the values that its arguments have.

Mirrors argo-rollouts `utils/analysis/helpers.go` (NewAnalysisRunFromTemplates) and what `analysis/analysis.go`
(reconcileAnalysisRun) refuses before the first measurement. What the inputs leave open is told with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.controllers.arguments import (
    ArgumentProblem,
    argument_problems,
    merge_conflicts,
    run_values,
)
from rolloutlint.controllers.dry_run import selects
from rolloutlint.controllers.limits import JUDGING_PROVIDERS, Bounds, bounds_of, can_be_inconclusive
from rolloutlint.controllers.metrics import effective_count, providers_of, validate_metrics
from rolloutlint.finding import Path, show_path
from rolloutlint.graph import Reference, World
from rolloutlint.graph.analyses import Member, called, team_of
from rolloutlint.lang.duration import SECOND, parse_duration
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.template import expand
from rolloutlint.model import Rollout
from rolloutlint.model.analysis import metric_name
from rolloutlint.model.rollout import Analysis
from rolloutlint.model.values import dig, entries, sequence, text
from rolloutlint.settings import Settings, Targets
from rolloutlint.simulate.plan import NO_TIME, Metric, Run, Span, Why

LIMITS = ("count", "failureLimit", "consecutiveSuccessLimit", "inconclusiveLimit", "consecutiveErrorLimit")
TIMES = ("interval", "initialDelay")

_FILLED = ("name", *LIMITS, *TIMES, "successCondition", "failureCondition")
"""The fields of a metric that a simulation reads, and in which arguments may stand."""


class Entry(NamedTuple):
    """An entry of `spec.metrics` in a run."""

    member: Member
    path: Path
    value: Mapping[str, Any]
    """With the arguments filled in whose values are known, in the fields that matter here."""


def run_of(
    world: World,
    rollout: Rollout,
    analysis: Analysis,
    settings: Settings,
    *,
    label: str = "",
    dry_run: object = None,
) -> Run:
    """The AnalysisRun that an analysis of the Rollout makes.

    `label` replaces what the analysis is called; `dry_run` is where its dry-run rules stand, where not beside its
    templates: in an experiment.
    """
    run = Run(
        role=analysis.role,
        label=label or called(analysis),
        place=rollout.place(analysis.path, "key"),
        metrics=(),
        required=analysis.value.get("requiredForCompletion") is True,
    )
    members = merged(world, rollout, analysis)
    if members is None:
        fault, unknown = _why_unknown(world, rollout, analysis)
        return run._replace(fault=fault, unknown=unknown)
    own = {"dryRun": dry_run} if analysis.role == "experiment" else analysis.value
    return _with_metrics(run, members, analysis, own, settings.targets)


def run_of_templates(members: Sequence[Member], analysis: Analysis, settings: Settings) -> Run:
    """The AnalysisRun that somebody makes by hand of templates, in the order in which upstream merges them, with the
    arguments of `analysis`."""
    place = members[0].view.place(("metadata", "name"))
    return _with_metrics(Run(analysis.role, "", place, ()), members, analysis, analysis.value, settings.targets)


def _with_metrics(run: Run, members: Sequence[Member], analysis: Analysis, own: object, targets: Targets) -> Run:
    """The run with its metrics, or why it has none. `own` holds the dry-run rules of who runs the templates."""
    listed = [sequence(member.view.spec.get("metrics")) for member in members]
    if not all(isinstance(metric, dict) for metrics in listed for metric in metrics):
        return run._replace(unknown=("a metric of its templates cannot be read",))
    found = entries_of(members, analysis)
    rules = [own, *(member.view.spec for member in members)]
    fault = _fault(found, members, analysis, rules, targets)
    if fault:
        return run._replace(fault=fault)
    patterns = _patterns(rules, "dryRun")
    return run._replace(metrics=tuple(_metric(entry, patterns, targets) for entry in found))


def merged(world: World, rollout: Rollout, analysis: Analysis) -> Sequence[Member] | None:
    """The templates of an analysis in the order in which upstream merges them: namespaced ones first."""
    team = team_of(world, rollout, analysis)
    return None if team is None else sorted(team, key=lambda member: member.view.cluster_scope)


def entries_of(members: Sequence[Member], analysis: Analysis) -> Sequence[Entry]:
    """The metrics of all templates, with the arguments filled in that are known."""
    values = run_values([member.view.spec.get("args") for member in members], analysis.value.get("args"))
    known = {name: value for name, value in values.items() if value is not None}
    return [
        Entry(member, path, _filled_in(metric, known)) for member in members for path, metric in member.view.metrics
    ]


def _filled_in(metric: Mapping[str, Any], values: Mapping[str, str]) -> Mapping[str, Any]:
    changed = {
        field: expand(value, values).text
        for field in _FILLED
        if isinstance(value := metric.get(field), str) and "{{" in value
    }
    return {**metric, **changed} if changed else metric


def _why_unknown(world: World, rollout: Rollout, analysis: Analysis) -> tuple[str, Why]:
    """(fault, reasons) of an analysis whose templates are not all known."""
    waiting = _references(world, rollout, analysis)
    seen: set[int] = set()
    while waiting:
        reference = waiting.pop(0)
        kind, name, target = reference.naming.kind, reference.naming.name, reference.target
        if target is None:
            if reference.missing and analysis.role == "experiment":
                return f'{kind.lower()}.argoproj.io "{name}" not found', ()
            reason = reference.reason or ("it does not exist" if reference.missing else "several may be meant")
            return "", (f"{kind} `{name}` is not known: {reason}",)
        if world.patched(target, ("spec",)):
            return "", (f"{kind} `{name}` is changed by a kustomization",)
        if target.number not in seen:
            seen.add(target.number)
            waiting[:0] = world.references(target, "nested")
    return "", ("a template of it has no name",)


def _references(world: World, rollout: Rollout, analysis: Analysis) -> list[Reference]:
    """What the names of the templates of an analysis mean, in their order."""
    answers = {reference.naming.path: reference for reference in world.references(rollout.resource, analysis.role)}
    return [answers[use.path] for use in analysis.templates if use.path in answers]


def missing_template(world: World, rollout: Rollout, analysis: Analysis) -> str:
    """The controller's words where a template of an analysis certainly does not exist (rollout/controller.go)."""
    if analysis.role == "experiment" or world.patched(rollout.resource, analysis.path):
        return ""
    for reference in _references(world, rollout, analysis):
        if reference.missing:
            return f"{reference.naming.kind} '{reference.naming.name}' not found"
    return ""


# ---- what is refused -----------------------------------------------------------------------------------------------


def refusal_of(world: World, rollout: Rollout, analysis: Analysis, targets: Targets) -> str:
    """The controller's words where it refuses a Rollout for the templates of an analysis; `""` where it does not.

    Mirrors ValidateAnalysisTemplatesWithType (`pkg/apis/rollouts/validation/validation_references.go`). What an
    experiment measures is not looked at.
    """
    if analysis.role == "experiment":
        return ""
    members = merged(world, rollout, analysis)
    if members is None:
        return missing_template(world, rollout, analysis)
    return next(_refusals(members, analysis), "") or _rules_of_steps(rollout, members)


def _rules_of_steps(rollout: Rollout, members: Sequence[Member]) -> str:
    """The dry-run rules of every step are tried on the templates of every analysis, whatever the step runs."""
    own = _patterns([member.view.spec for member in members], "dryRun")
    for step in rollout.steps:
        rules = _patterns([step.value.get("analysis")], "dryRun")
        words = next(_twice([*rules, *own], "two Dry-Run metric rules"), "")
        if words:
            return words
    return ""


def _refusals(members: Sequence[Member], analysis: Analysis) -> Iterator[str]:
    arguments = [member.view.spec.get("args") for member in members]
    yield from _twice([text(m.get("name")) for member in members for _, m in member.view.metrics], "two metrics")
    yield from _twice(_patterns([member.view.spec for member in members], "dryRun"), "two Dry-Run metric rules")
    for conflict in merge_conflicts(arguments):
        if conflict.kind == "different-values":
            one, other = (dig(arguments[number], index, "value") for number, index in (conflict.first, conflict.second))
            words = f"Argument `{conflict.name}` specified multiple times with different values: '{one}', '{other}'"
            yield words
    problems = [(member, problem) for member in members for problem in _problems(member, members, analysis)]
    yield from (f"args.{problem.name} was not resolved" for _, problem in problems if problem.code == "unresolved")
    for member, problem in problems:
        words = _words(member, problem) if problem.effect == "invalid-spec" else ""
        if words:
            yield words
    if analysis.role != "background":
        yield from _indefinite(members)


def _twice(names: Sequence[str], what: str) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen and name and not filled_later(name):
            yield f"{what} have the same name '{name}'"
        seen.add(name)


def _problems(member: Member, members: Sequence[Member], analysis: Analysis) -> tuple[ArgumentProblem, ...]:
    spec = member.view.spec
    others = [each.view.spec.get("args") for each in members if each.view is not member.view]
    kind: Literal["inline", "background"] = "background" if analysis.role == "background" else "inline"
    return argument_problems(spec.get("args"), analysis.value.get("args"), spec.get("metrics"), kind, others)


def _words(member: Member, problem: ArgumentProblem) -> str:
    """Upstream's message; empty for what is told otherwise."""
    name = problem.name
    if problem.code == "both-sources":
        return f"AnalysisTemplate {member.view.name}: arg '{name}' has both Value and ValueFrom fields"
    if problem.code in ("undeclared", "foreign"):
        tag = f"args.{name}" if problem.code == "undeclared" else name
        return f"AnalysisTemplate {member.view.name}: failed to resolve {{{{{tag}}}}}"
    if problem.code == "unterminated":
        return f'AnalysisTemplate {member.view.name}: Cannot find end tag="}}}}" in the template'
    if problem.code == "indefinite-count":
        metric = member.view.spec["metrics"][problem.path[0]]
        return _endless(member, metric)
    return ""


def _indefinite(members: Sequence[Member]) -> Iterator[str]:
    """Metrics that an analysis for which the Rollout waits may not have, because they never end."""
    for member in members:
        for _, metric in member.view.metrics:
            if effective_count(metric) == float("inf"):
                yield _endless(member, metric)


def _endless(member: Member, metric: Mapping[str, Any]) -> str:
    count = "<nil>" if metric.get("count") is None else metric["count"]
    name = f"AnalysisTemplate {member.view.name} has metric {text(metric.get('name'))}"
    return f"{name} which runs indefinitely. Invalid value for count: {count}"


def _fault(
    found: Sequence[Entry], members: Sequence[Member], analysis: Analysis, rules: Sequence[object], targets: Targets
) -> str:
    """Why the run ends with an Error before its first measurement; empty where it does not, or it is not known."""
    if analysis.role == "experiment":
        refused = next(_refusals(members, analysis._replace(role="background")), "")
        if refused:
            return refused
    for member in members if analysis.role in ("background", "experiment") else ():
        for problem in _problems(member, members, analysis._replace(role="background")):
            if problem.code == "field-ref-in-template":
                return f'argument "{problem.name}" was not supplied'
            if problem.effect == "run-error" and problem.code in ("undeclared", "foreign", "unterminated"):
                return _words(member, problem).partition(": ")[2]
    rejected = validate_metrics([dict(entry.value) for entry in found], targets)
    if rejected:
        return rejected[0].message
    names = [entry.value.get("name") for entry in found]
    for field in ("dryRun", "measurementRetention"):
        for index, pattern in enumerate(_patterns(rules, field)):
            if all(selects(pattern, name) is False for name in names):
                return f"{field}[{index}]: Rule didn't match any metric name(s)"
    return ""


def _patterns(rules: Sequence[object], field: str) -> list[str]:
    """The `metricName` of all rules in a field of several mappings; what has none is left to the schema."""
    return [
        rule["metricName"]
        for value in rules
        for _, rule in entries(value, (), field)
        if isinstance(rule.get("metricName"), str)
    ]


# ---- one metric ----------------------------------------------------------------------------------------------------


def _metric(entry: Entry, patterns: Sequence[str], targets: Targets) -> Metric:
    value = entry.value
    name = metric_name(entry.path, value)
    found = providers_of(value, targets) or ("",)
    dry = [selects(pattern, value.get("name")) for pattern in patterns]
    spec, why = _spec(name, value, True if True in dry else None if None in dry else False, targets)
    return Metric(
        spec=spec,
        name=name,
        provider=found[0],
        outcomes=_outcomes(value, found[0], targets),
        template=entry.member.view.id,
        place=entry.member.view.place(entry.path),
        takes=_takes(name, value, found[0]),
        why=why,
    )


def _spec(
    name: str, metric: Mapping[str, Any], dry_run: bool | None, targets: Targets
) -> tuple[MetricSpec | None, Why]:
    """What decides when a metric ends, or why that is not known."""
    why = [f"{field} of `{name}` is filled in later" for field in (*LIMITS, *TIMES) if filled_later(metric.get(field))]
    if dry_run is None:
        why.append(f"whether `{name}` is in dry run depends on names that are filled in later")
    bounds = bounds_of(metric, targets)
    interval, delay = (_nanoseconds(metric.get(field)) for field in TIMES)
    if not why and (bounds is None or any(not isinstance(metric.get(field) or "", str) for field in TIMES)):
        why.append(f"the limits of `{name}` cannot be read")
    if bounds is not None and interval is not None and interval <= 0 and bounds.measurements > 1:
        why.append(f"interval of `{name}` is {metric['interval']}: it is measured without a break")
    if why or bounds is None or dry_run is None:
        return None, tuple(why)
    return MetricSpec(name, bounds, interval, max(0, delay or 0), dry_run), ()


def _nanoseconds(written: object) -> int | None:
    return parse_duration(written) if written else None


def _outcomes(metric: Mapping[str, Any], provider: str, targets: Targets) -> str:
    """The letters of `SFIE` that a measurement can give.

    A condition that never compiles gives nothing but errors; without a condition nothing fails.
    """
    judging = provider in JUDGING_PROVIDERS or dig(metric, "provider", "plugin") is not None
    conditions = [metric.get(field) for field in ("successCondition", "failureCondition")]
    if not judging and not any(map(filled_later, conditions)):
        from rolloutlint.controllers.measurement import measure  # the parsers of queries and conditions

        measured = measure(metric, {}, targets)
        if measured is not None and any(c.syntax or c.fault for c in measured.judgement.conditions):
            return "E"
    fails = judging or any(conditions)
    undecided = can_be_inconclusive(metric, targets) is not False
    return f"S{'F' if fails else ''}{'I' if undecided else ''}E"


def _takes(name: str, metric: Mapping[str, Any], provider: str) -> Span:
    """How long a measurement takes; of a job only `activeDeadlineSeconds` says something."""
    if provider == "kayenta":
        return Span(0, None, (f"how long kayenta judges `{name}` is not in the manifests",))
    if provider != "job":
        return NO_TIME
    seconds = int32(dig(metric, "provider", "job", "spec", "activeDeadlineSeconds"))
    most = seconds * SECOND if seconds is not None and seconds > 0 else None
    return Span(0, most, (f"how long the job of `{name}` runs is not in the manifests",))


def may_end_inconclusive(metric: Metric) -> bool:
    """Whether a metric can turn a run Inconclusive, as far as is known."""
    if metric.spec is None:
        return True
    bounds: Bounds = metric.spec.bounds
    if metric.spec.dry_run:
        return False
    if bounds.finite and bounds.success > 0 and bounds.failure >= 0:
        return True
    return "I" in metric.outcomes and not (bounds.finite and bounds.inconclusive >= bounds.measurements)


def shown(path: Path) -> str:
    """A path in backticks, for a reason."""
    return f"`{show_path(path)}`"
