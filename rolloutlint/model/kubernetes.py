"""The built-in kinds that a rollout touches: Services and the workloads a `workloadRef` may name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rolloutlint.model.resource import View
from rolloutlint.model.values import dig, mapping, string_map


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
