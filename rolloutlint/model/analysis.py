"""AnalysisTemplate and ClusterAnalysisTemplate: metrics, arguments, nested templates.

Field meanings: argo-rollouts `pkg/apis/rollouts/v1alpha1/analysis_types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.model.resource import View
from rolloutlint.model.rollout import TemplateUse
from rolloutlint.model.values import entries, mapping, text


class Configured(NamedTuple):
    """The configuration of a metric's provider, with its path, and the metric itself."""

    path: Path
    config: Mapping[str, Any]
    metric: Mapping[str, Any]


def metric_name(path: Path, metric: Mapping[str, Any]) -> str:
    """What to call an entry of `spec.metrics` that stands at `path`: its name, or its place where it has none."""
    return text(metric.get("name")) or f"metrics[{path[-1]}]"


class AnalysisTemplate(View):
    """argoproj.io AnalysisTemplate or ClusterAnalysisTemplate."""

    @property
    def cluster_scope(self) -> bool:
        """True for a ClusterAnalysisTemplate."""
        return self.id.kind == "ClusterAnalysisTemplate"

    @cached_property
    def metrics(self) -> tuple[tuple[Path, Mapping[str, Any]], ...]:
        """`spec.metrics` with their paths."""
        return tuple(entries(self.value, (), "spec", "metrics"))

    @cached_property
    def configured(self) -> Mapping[str, Sequence[Configured]]:
        """Provider -> the metrics that configure it, in order."""
        found: dict[str, list[Configured]] = {}
        for path, metric in self.metrics:
            for name, config in mapping(metric.get("provider")).items():
                if isinstance(config, dict):
                    found.setdefault(name, []).append(Configured((*path, "provider", name), config, metric))
        return found

    @cached_property
    def arguments(self) -> tuple[tuple[Path, Mapping[str, Any]], ...]:
        """`spec.args` with their paths."""
        return tuple(entries(self.value, (), "spec", "args"))

    @cached_property
    def nested(self) -> tuple[TemplateUse, ...]:
        """`spec.templates`: templates run together with this one (since 1.7)."""
        return tuple(
            TemplateUse(text(t.get("templateName")), t.get("clusterScope") is True, (*p, "templateName"))
            for p, t in entries(self.value, (), "spec", "templates")
            if text(t.get("templateName"))
        )


class Experiment(View):
    """argoproj.io Experiment: versions run side by side, and analyses of them."""

    @cached_property
    def templates(self) -> tuple[TemplateUse, ...]:
        """The templates of `spec.analyses`."""
        return tuple(
            TemplateUse(text(a.get("templateName")), a.get("clusterScope") is True, (*p, "templateName"))
            for p, a in entries(self.value, (), "spec", "analyses")
            if text(a.get("templateName"))
        )
