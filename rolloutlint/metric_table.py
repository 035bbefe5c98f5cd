"""What `rolloutlint explain-metric` shows: one metric, every world, and how the analysis ends there.

Plain data, made from the same judgements and outcomes as the findings; `report.metric` renders it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.controllers.measurement import WORLDS, WORLDS_ELSEWHERE, Part, Verdict, WorldKey, phases_by_region
from rolloutlint.controllers.measurement_runs import Outcome, outcome
from rolloutlint.controllers.metrics import validate_metrics
from rolloutlint.errors import UsageError
from rolloutlint.finding import ResourceId
from rolloutlint.graph import World
from rolloutlint.graph.analyses import called, uses_of
from rolloutlint.graph.measurements import Measured, measured
from rolloutlint.lang.expr import Phase
from rolloutlint.lang.promql.values import WORDS as REASONS
from rolloutlint.model import AnalysisTemplate, Resource
from rolloutlint.model.values import text
from rolloutlint.settings import Settings

KINDS = frozenset((("argoproj.io", "AnalysisTemplate"), ("argoproj.io", "ClusterAnalysisTemplate")))


class Row(NamedTuple):
    """One kind of answer in one world."""

    world: WorldKey
    title: str
    """The world in words."""
    gives: str
    """What the query gives: `empty`, `NaN`, `0.95 to 1`."""
    because: tuple[str, ...]
    """Why it can be empty or NaN, in words."""
    phases: tuple[Phase | None, ...]
    """The phases of one measurement that are possible, in order; `None` where it cannot be known."""
    outcomes: tuple[Outcome, ...]
    """How the metric ends where every measurement has that phase, one for each of `phases`."""


class MetricTable(NamedTuple):
    """One metric of one template."""

    file: str
    template: ResourceId
    name: str
    provider: str
    query: str
    success: str
    failure: str
    limits: tuple[tuple[str, str], ...]
    """The fields of the metric that say how often and how long, as written."""
    used_by: tuple[str, ...]
    faults: tuple[str, ...]
    """Why the query or a condition cannot be read at all, or why the controller refuses the metric."""
    rows: tuple[Row, ...]


_FIELDS = (
    "initialDelay",
    "interval",
    "count",
    "failureLimit",
    "inconclusiveLimit",
    "consecutiveErrorLimit",
    "consecutiveSuccessLimit",
)


def metric_tables(world: World, file: str, metric: str, settings: Settings) -> Sequence[MetricTable]:
    """The tables of the templates in `file`, of the one metric or (empty) of all.

    Raises `UsageError` where the file has no template or the template no such metric.
    """
    templates = [r for r in world.in_file(file) if r.group_kind in KINDS]
    if not templates:
        raise UsageError(f"{file}: no AnalysisTemplate or ClusterAnalysisTemplate in it")
    tables = [table for resource in templates for table in _tables(world, resource, settings)]
    found = [table for table in tables if metric in ("", table.name)]
    if not found:
        names = ", ".join(f"`{table.name}`" for table in tables) or "none that can be judged"
        raise UsageError(f"{file}: no metric `{metric}` in it; there are: {names}")
    return found


def _tables(world: World, resource: Resource, settings: Settings) -> Iterator[MetricTable]:
    template = world.view(resource)
    if not isinstance(template, AnalysisTemplate):
        return
    used = tuple(f"{use.rollout.id}, {called(use.analysis)}" for use in uses_of(world, template))
    for item in measured(world, template, settings):
        yield _table(item, template, used, settings)


def _table(item: Measured, template: AnalysisTemplate, used: tuple[str, ...], settings: Settings) -> MetricTable:
    judgement = item.measurement.judgement
    metric = item.value
    faults = []
    if judgement.query is not None and judgement.query.syntax is not None:
        faults.append(f"query: {judgement.query.syntax}")
    for condition in judgement.conditions:
        fault = condition.syntax or condition.fault
        if fault is not None:
            faults.append(f"{condition.field}: {fault}")
    refused = _refused(metric, settings)
    faults += refused
    return MetricTable(
        file=template.resource.document.source,
        template=template.id,
        name=item.name,
        provider=judgement.provider,
        query=judgement.query.text if judgement.query is not None else "",
        success=text(metric.get("successCondition")),
        failure=text(metric.get("failureCondition")),
        limits=tuple((field, str(metric[field])) for field in _FIELDS if metric.get(field) is not None),
        used_by=used,
        faults=tuple(faults),
        rows=tuple(
            row._replace(outcomes=(_REFUSED,) * len(row.phases)) if refused else row
            for verdict in judgement.verdicts
            for row in _rows(item, verdict, settings)
        ),
    )


_REFUSED = Outcome("aborts", 0, 0.0)


def _refused(metric: Mapping[str, Any], settings: Settings) -> list[str]:
    """Why the AnalysisRun ends before the first measurement."""
    prefix = "metrics[0]: "
    return [p.message.removeprefix(prefix) for p in validate_metrics([metric], settings.targets)]


def _rows(item: Measured, verdict: Verdict, settings: Settings) -> Iterator[Row]:
    for part in verdict.parts:
        regions = phases_by_region(item.measurement.judgement, part) if part.kind == "value" else ()
        if len(regions) > 1:
            for words, phase in regions:
                yield _row(item, verdict, part._replace(words=words, phases=frozenset((phase,))), settings)
        else:
            yield _row(item, verdict, part, settings)


def _row(item: Measured, verdict: Verdict, part: Part, settings: Settings) -> Row:
    titles = WORLDS if item.measurement.judgement.provider == "prometheus" else WORLDS_ELSEWHERE
    phases = tuple(sorted(part.phases, key=str))
    return Row(
        world=verdict.world,
        title=titles[verdict.world],
        gives=part.words,
        because=tuple(sorted({REASONS[reason.code] for reason in part.reasons})),
        phases=phases,
        outcomes=tuple(
            outcome(phase, item.value, settings.targets) if phase is not None else Outcome("unknown", None, None)
            for phase in phases
        ),
    )
