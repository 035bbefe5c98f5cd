"""What a backtest asks: every metric of every analysis, with the arguments of the Rollout that uses it.

Arguments are what the AnalysisRun would get (argo-rollouts `utils/analysis/factory.go`
BuildArgumentsForRolloutAnalysisRun), as far as the manifests tell; what they do not tell comes from `--arg`. A template
that no Rollout among the inputs uses is asked about alone, with its own defaults.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rolloutlint.backtest.limits import Judge
from rolloutlint.backtest.scopes import rewritten, scopes_of, versions_of
from rolloutlint.controllers.analysis_run import MetricSpec
from rolloutlint.controllers.arguments import declared_names, run_values, used_names
from rolloutlint.controllers.measurement import Judgement, measure
from rolloutlint.controllers.replicas import desired_weight
from rolloutlint.errors import UsageError
from rolloutlint.finding import Incomplete, Place
from rolloutlint.graph import World
from rolloutlint.graph.analyses import Member, called, family_of, uses_of
from rolloutlint.lang.duration import SECOND
from rolloutlint.lang.names import near
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.tree import Node, Selector, Subquery, children
from rolloutlint.lang.template import expand
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.model.rollout import Analysis, TemplateUse
from rolloutlint.model.values import dig, mapping, text
from rolloutlint.settings import Settings
from rolloutlint.simulate.outline import outline_of
from rolloutlint.simulate.runs import entries_of, merged, run_of, run_of_templates

ASSUMED_HORIZON: Final = 3600 * SECOND
"""How long an analysis without an end is watched where the manifests do not say how long the rollout takes."""

TEMPLATES = ("AnalysisTemplate", "ClusterAnalysisTemplate")
CONDITIONS = ("successCondition", "failureCondition")


class Question(NamedTuple):
    """One metric of an analysis, ready to be asked, or why it cannot be."""

    template: AnalysisTemplate
    name: str
    place: Place
    """Of its query, or of the metric where it has none."""
    written: str
    query: str
    spec: MetricSpec | None
    judge: Judge | None
    judgement: Judgement | None
    node: Node | None
    """The query that is sent, where it is understood."""
    rewritten: tuple[tuple[str, str], ...] = ()
    scoped: bool = False
    """Whether it asks for the new version, which has no history."""
    why: str = ""
    """Why no rate can be computed."""


class Inquiry(NamedTuple):
    """One analysis with its metrics."""

    template: AnalysisTemplate
    place: Place
    rollout: Rollout | None
    called: str
    questions: tuple[Question, ...]
    horizon: int
    """Nanoseconds for which a metric without an end is watched."""
    assumed: bool
    """Whether nothing in the manifests says so."""
    weight: int
    """The least percent of the requests that the new version has meanwhile; 100 where that is not known."""


def inquiries(
    world: World, settings: Settings, arguments: Mapping[str, str], *, as_stable: bool
) -> tuple[Sequence[Inquiry], Sequence[Incomplete]]:
    """Every analysis with a Prometheus metric, and those that cannot be known.

    `arguments`: values for arguments by name (`--arg`), which win over all others. `as_stable`: queries for the new
    version are asked for the stable one. Raises `UsageError` for an argument that no template declares.
    """
    _check(world, arguments)
    made: list[Inquiry | Incomplete | None] = []
    for resource in world.of_kind("argoproj.io", "Rollout"):
        rollout = world.view(resource)
        if isinstance(rollout, Rollout):
            for analysis in rollout.analyses:
                made.append(_used(world, settings, rollout, analysis, arguments, as_stable=as_stable))  # noqa: PERF401
    for kind in TEMPLATES:
        for resource in world.of_kind("argoproj.io", kind):
            template = world.view(resource)
            if isinstance(template, AnalysisTemplate) and not uses_of(world, template):
                made.append(_alone(world, settings, template, arguments, as_stable=as_stable))
    asked = [one for one in made if isinstance(one, Inquiry) and any(question.query for question in one.questions)]
    return asked, [one for one in made if isinstance(one, Incomplete)]


def _check(world: World, arguments: Mapping[str, str]) -> None:
    views = (world.view(r) for kind in TEMPLATES for r in world.of_kind("argoproj.io", kind))
    declared = {name for view in views for name in declared_names(mapping(view.value.get("spec")).get("args"))}
    for name in arguments:
        if name not in declared:
            hint = near(name, declared)
            raise UsageError(f"--arg: no template declares `{name}`" + (f": did you mean `{hint}`?" if hint else ""))


def _used(
    world: World,
    settings: Settings,
    rollout: Rollout,
    analysis: Analysis,
    arguments: Mapping[str, str],
    *,
    as_stable: bool,
) -> Inquiry | Incomplete:
    members = merged(world, rollout, analysis)
    where = rollout.resource.document.source
    if members is None or not members:
        return Incomplete(where, "unresolved", f"{rollout.id}: {called(analysis)}: its templates are not all known")
    given, hashes = _given(rollout, analysis, members, arguments)
    run = run_of(world, rollout, given, settings)
    if run.fault or run.unknown:
        words = run.fault or run.unknown[0]
        return Incomplete(where, "unresolved", f"{rollout.id}: {called(analysis)}: measures nothing: {words}")
    values = _values(members, given, arguments)
    specs = [metric.spec for metric in run.metrics]
    horizon = _horizon(world, rollout, analysis)
    questions = _questions(settings, members, given, specs, values, rollout, hashes, as_stable=as_stable)
    return Inquiry(
        template=members[0].view,
        place=rollout.place(analysis.path, "key"),
        rollout=rollout,
        called=called(analysis),
        questions=tuple(questions),
        horizon=ASSUMED_HORIZON if horizon is None else horizon,
        assumed=horizon is None,
        weight=_weight(rollout, analysis),
    )


def _alone(
    world: World, settings: Settings, template: AnalysisTemplate, arguments: Mapping[str, str], *, as_stable: bool
) -> Inquiry | Incomplete | None:
    """A template that nobody uses, unless another one nests it, which is asked about itself."""
    if any(isinstance(world.view(r.origin), AnalysisTemplate) for r in world.referrers(template.resource)):
        return None
    if "prometheus" not in template.configured and not template.nested:
        return None
    family = family_of(world, template)
    if family is None:
        words = f"{template.id}: it is not all known, or what it nests is not"
        return Incomplete(template.resource.document.source, "unresolved", words)
    use = TemplateUse(template.name, template.cluster_scope, ())
    members = sorted((Member(view, use) for view in family), key=lambda member: member.view.cluster_scope)
    given = Analysis("background", (), {"args": _literals(members, arguments)}, (use,))
    run = run_of_templates(members, given, settings)
    if run.fault or run.unknown:
        words = run.fault or run.unknown[0]
        return Incomplete(template.resource.document.source, "unresolved", f"{template.id}: measures nothing: {words}")
    specs = [metric.spec for metric in run.metrics]
    values = _values(members, given, arguments)
    questions = _questions(settings, members, given, specs, values, None, frozenset(), as_stable=as_stable)
    at = template.place(("metadata", "name"))
    return Inquiry(template, at, None, "", tuple(questions), ASSUMED_HORIZON, True, 100)


# ---- arguments -----------------------------------------------------------------------------------------------------


def _given(
    rollout: Rollout, analysis: Analysis, members: Sequence[Member], arguments: Mapping[str, str]
) -> tuple[Analysis, frozenset[str]]:
    """The analysis with the values that are known in place of where they come from, and the names of the arguments
    that stay pod-template hashes."""
    args: list[Any] = []
    hashes: set[str] = set()
    for _, argument in analysis.arguments:
        name = text(argument.get("name"))
        if name in arguments:
            continue
        if dig(argument, "valueFrom", "podTemplateHashValue") in ("Latest", "Stable"):
            hashes.add(name)
        field = _field(rollout, dig(argument, "valueFrom", "fieldRef", "fieldPath"))
        args.append({"name": name, "value": field} if field is not None and name not in hashes else argument)
    args += _literals(members, arguments)
    return analysis._replace(value={**analysis.value, "args": args}), frozenset(hashes)


def _literals(members: Sequence[Member], arguments: Mapping[str, str]) -> list[Mapping[str, str]]:
    """What `--arg` gives to those of its names that the templates declare."""
    declared = frozenset().union(*(declared_names(member.view.spec.get("args")) for member in members))
    return [{"name": name, "value": value} for name, value in arguments.items() if name in declared]


def _field(rollout: Rollout, path: object) -> str | None:
    """The text at a field path of the Rollout; `None` where it is not there, or is filled in by the cluster."""
    if not isinstance(path, str) or filled_later(path):
        return None
    group, bracket, rest = path.partition("['")
    keys = [*group.split("."), rest[:-2]] if bracket else path.split(".")
    value = dig(rollout.value, *keys)
    return value if isinstance(value, str) and not filled_later(value) else None


def _values(members: Sequence[Member], analysis: Analysis, arguments: Mapping[str, str]) -> Mapping[str, str]:
    """What the placeholders of queries stand for, as far as it is known; also in place of a secret."""
    values = run_values([member.view.spec.get("args") for member in members], analysis.value.get("args"))
    return {name: value for name, value in values.items() if value is not None} | {
        name: value for name, value in arguments.items() if name in values
    }


def _horizon(world: World, rollout: Rollout, analysis: Analysis) -> int | None:
    """For how long a background analysis certainly measures; `None` where a person or nothing known ends it."""
    if analysis.role != "background":
        return None
    outline = outline_of(world, rollout)
    start = analysis.value.get("startingStep") or 0
    if outline is None or not isinstance(start, int) or not 0 <= start < len(outline.landings):
        return None
    least = outline.least(start)
    return int(least) if 0 < least < math.inf else None


def _weight(rollout: Rollout, analysis: Analysis) -> int:
    """The least weight above 0 that the new version has while an analysis runs."""
    steps = rollout.canary.get("steps")
    first = analysis.step if analysis.step is not None else analysis.value.get("startingStep") or 0
    if not isinstance(steps, list) or not isinstance(first, int) or analysis.role not in ("background", "step"):
        return 100
    last = first + 1 if analysis.step is not None else len(steps)
    return min((weight for i in range(first, last) if (weight := desired_weight(steps, i))), default=100)


# ---- metrics -------------------------------------------------------------------------------------------------------


def _questions(
    settings: Settings,
    members: Sequence[Member],
    analysis: Analysis,
    specs: Sequence[MetricSpec | None],
    values: Mapping[str, str],
    rollout: Rollout | None,
    hashes: frozenset[str],
    *,
    as_stable: bool,
) -> Iterator[Question]:
    for entry, spec in zip(entries_of(members, analysis), specs, strict=True):
        view, path = entry.member.view, entry.path
        name = text(entry.value.get("name")) or f"metrics[{path[-1]}]"
        written = dig(entry.value, "provider", "prometheus", "query")
        if not isinstance(written, str):
            known = [key for key, value in mapping(entry.value.get("provider")).items() if value is not None]
            why = f"metrics of {' and '.join(map(str, known)) or 'no provider'} are not replayed"
            yield Question(view, name, view.place(path), "", "", spec, None, None, None, why=why)
            continue
        place = view.place((*path, "provider", "prometheus", "query"))
        asked = _asked(settings, entry.value, written, values, rollout, hashes, as_stable=as_stable)
        why = asked.why or ("" if spec is not None else "its limits are filled in later: give them with --arg")
        yield asked._replace(template=view, name=name, place=place, spec=spec, why=why)


def _asked(
    settings: Settings,
    metric: Mapping[str, Any],
    written: str,
    values: Mapping[str, str],
    rollout: Rollout | None,
    hashes: frozenset[str],
    *,
    as_stable: bool,
) -> Question:
    """The question of a metric; its template, name, place and spec are filled in by who asks."""
    query = expand(written, values).text
    blank: Any = None
    found = Question(blank, "", blank, written, query, None, None, None, None)
    node = _parsed(query)
    scopes = scopes_of(node, versions_of(rollout, hashes)) if node is not None else ()
    changes: tuple[tuple[str, str], ...] = ()
    if as_stable and scopes and all(scope.stable is not None for scope in scopes):
        query, changes = rewritten(query, scopes)
        node, scopes = _parsed(query), ()
    elif as_stable and scopes:
        stays = next(query[start:end] for start, end, stable in scopes if stable is None)
        found = found._replace(why=f"what `{stays}` is for the stable version is not known")
    filled = {**metric, "provider": {"prometheus": {**metric["provider"]["prometheus"], "query": query}}}
    measurement = measure(filled, {}, settings.targets)
    judgement = measurement.judgement if measurement is not None else None
    found = found._replace(query=query, node=node, rewritten=changes, judgement=judgement, scoped=bool(scopes))
    if found.why:
        return found
    if scopes:
        return found._replace(why="no data: the query asks for the new version, which has no history between rollouts")
    left = sorted(used_names(query) | used_names([metric.get(field) for field in CONDITIONS]))
    if left:
        if hashes.intersection(left):
            return found._replace(scoped=True, why=f"no data: `{left[0]}` is a pod-template hash, which has no history")
        return found._replace(why=f"the value of argument `{left[0]}` is not known: give it with --arg")
    if filled_later(query):
        return found._replace(why="a part of the query is filled in later")
    if node is not None and _anchored(node):
        return found._replace(why="`@ start()` and `@ end()` mean the ends of what is asked, here the whole window")
    if dig(metric, "provider", "prometheus", "rangeQuery") is not None:
        return found._replace(why="range queries are not replayed: each measurement would be a window of its own")
    if judgement is None or judgement.shape not in ("float", "float[]"):
        return found._replace(why="the query gives a result that the provider refuses")
    if judgement.query is not None and judgement.query.syntax is not None:
        return found._replace(why=f"the query cannot be parsed: {judgement.query.syntax}")
    if judgement.query is not None and judgement.query.value is not None and judgement.query.value.type == "matrix":
        return found._replace(why="a range vector cannot be asked for over a time")
    conditions = (judgement.condition(field) for field in CONDITIONS)
    success, failure = (condition.text if condition is not None else "" for condition in conditions)
    return found._replace(judge=Judge(success, failure, judgement.shape, judgement.library))


def _anchored(node: Node) -> bool:
    """Whether a part of the query is taken at the start or the end of the range that is asked for."""
    if isinstance(node, Selector | Subquery) and isinstance(node.at, str):
        return True
    return any(map(_anchored, children(node)))


def _parsed(query: str) -> Node | None:
    try:
        return parse(query)
    except PromQLError:
        return None
