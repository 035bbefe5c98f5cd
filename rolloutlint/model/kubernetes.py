"""The built-in kinds that a rollout touches, and the autoscalers that may scale it: what our rules read of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.model.resource import View, split_api_version
from rolloutlint.model.values import dig, mapping, string_map, text


class Service(View):
    """core Service."""

    @cached_property
    def selector(self) -> Mapping[str, str] | None:
        """`spec.selector`; `None` where the Service has none (then it selects nothing by itself)."""
        value = self.spec.get("selector")
        return string_map(value) if isinstance(value, dict) and value else None


class Workload(View):
    """Deployment, ReplicaSet, StatefulSet, DaemonSet or PodTemplate: something with a pod template."""

    @cached_property
    def template(self) -> Mapping[str, Any]:
        """The pod template (for a PodTemplate it stands at the root)."""
        return mapping(self.value.get("template") if self.id.kind == "PodTemplate" else self.spec.get("template"))

    @cached_property
    def pod_labels(self) -> Mapping[str, str]:
        """Labels of the pod template."""
        return string_map(dig(self.template, "metadata", "labels"))


class ScaleTarget(NamedTuple):
    """What an autoscaler scales."""

    group: str
    kind: str
    name: str
    path: Path
    """Path of the reference itself, the mapping that holds `kind` and `name`."""


class Autoscaler(View):
    """HorizontalPodAutoscaler, KEDA ScaledObject or VerticalPodAutoscaler."""

    @cached_property
    def target(self) -> ScaleTarget | None:
        """The object it names, with KEDA's defaults (`apps/v1`, `Deployment`); `None` where no name can be read."""
        field = "targetRef" if self.id.kind == "VerticalPodAutoscaler" else "scaleTargetRef"
        reference = mapping(self.spec.get(field))
        keda = self.id.kind == "ScaledObject"
        kind = text(reference.get("kind")) or ("Deployment" if keda else "")
        version = text(reference.get("apiVersion")) or ("apps/v1" if keda else "")
        name = text(reference.get("name"))
        return ScaleTarget(split_api_version(version)[0], kind, name, ("spec", field)) if kind and name else None


class DisruptionBudget(View):
    """policy PodDisruptionBudget."""

    @property
    def selector(self) -> object:
        """`spec.selector` as written."""
        return self.spec.get("selector")
