"""The metrics of a template with what they decide, as the rules about measurement ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.controllers.measurement import Measurement, depends_on_arguments, measure
from rolloutlint.finding import Path
from rolloutlint.graph import World
from rolloutlint.graph.analyses import uses_of
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.analysis import metric_name
from rolloutlint.model.values import text
from rolloutlint.settings import Settings


class Measured(NamedTuple):
    """One metric of a template."""

    path: Path
    value: Mapping[str, Any]
    measurement: Measurement

    @property
    def name(self) -> str:
        """The metric's name as written."""
        return text(self.value.get("name"))

    @property
    def called(self) -> str:
        """The metric's name, or its place where it has none."""
        return metric_name(self.path, self.value)

    @property
    def query_path(self) -> Path:
        """Where a Prometheus query stands."""
        return (*self.path, "provider", "prometheus", "query")


def measured(world: World, template: AnalysisTemplate, settings: Settings) -> Sequence[Measured]:
    """Every metric whose texts can be judged, in the order of the template."""
    return world.shared(template.resource, "measured", lambda: tuple(_find(world, template, settings)))


def _find(world: World, template: AnalysisTemplate, settings: Settings) -> Iterator[Measured]:
    if world.patched(template.resource, ("spec",)):
        return
    for path, metric in template.metrics:
        arguments = known_arguments(world, template) if depends_on_arguments(metric) else {}
        measurement = measure(metric, arguments, settings.targets)
        if measurement is not None:
            yield Measured(path, metric, measurement)


def known_arguments(world: World, template: AnalysisTemplate) -> Mapping[str, str]:
    """The arguments of a template whose value is certain: its own, unless an analysis that runs it passes another;
    else the one value that every analysis passes (utils/analysis/helpers.go MergeArgs).
    """
    return world.shared(template.resource, "known arguments", lambda: _find_known(world, template))


def _find_known(world: World, template: AnalysisTemplate) -> Mapping[str, str]:
    declared: dict[str, str | None] = {}
    for _, argument in template.arguments:
        value = argument.get("value")
        fixed = isinstance(value, str) and argument.get("valueFrom") is None
        declared[text(argument.get("name"))] = value if fixed else None
    if not declared:
        return {}
    passed: dict[str, set[str | None]] = {name: set() for name in declared}
    for use in uses_of(world, template):
        given = {text(a.get("name")): _literal(a) for _, a in use.analysis.arguments}
        for name, default in declared.items():
            passed[name].add(given.get(name, default))
    known = {name: values or {declared[name]} for name, values in passed.items()}
    return {
        name: only for name, values in known.items() if len(values) == 1 and (only := next(iter(values))) is not None
    }


def _literal(argument: Mapping[str, Any]) -> str | None:
    """The value of an argument of a Rollout if it stands there; `None` where it comes from elsewhere."""
    value = argument.get("value")
    return value if isinstance(value, str) and argument.get("valueFrom") is None else None
