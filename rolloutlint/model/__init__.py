"""Identity and typed read-only views of the kinds that matter. Never raises on malformed input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.model.analysis import AnalysisTemplate
from rolloutlint.model.argocd import Application
from rolloutlint.model.istio import DestinationRule, VirtualService
from rolloutlint.model.kubernetes import Autoscaler, DisruptionBudget, Ingress, Service, Workload
from rolloutlint.model.resource import Resource, View
from rolloutlint.model.rollout import Rollout

VIEWS: Mapping[tuple[str, str], type[View]] = {
    ("argoproj.io", "Rollout"): Rollout,
    ("argoproj.io", "AnalysisTemplate"): AnalysisTemplate,
    ("argoproj.io", "ClusterAnalysisTemplate"): AnalysisTemplate,
    ("argoproj.io", "Application"): Application,
    ("networking.istio.io", "VirtualService"): VirtualService,
    ("networking.istio.io", "DestinationRule"): DestinationRule,
    ("", "Service"): Service,
    ("", "PodTemplate"): Workload,
    ("apps", "Deployment"): Workload,
    ("apps", "ReplicaSet"): Workload,
    ("apps", "StatefulSet"): Workload,
    ("apps", "DaemonSet"): Workload,
    ("networking.k8s.io", "Ingress"): Ingress,
    ("extensions", "Ingress"): Ingress,
    ("autoscaling", "HorizontalPodAutoscaler"): Autoscaler,
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"): Autoscaler,
    ("keda.sh", "ScaledObject"): Autoscaler,
    ("policy", "PodDisruptionBudget"): DisruptionBudget,
}
"""(API group, kind) -> the view that reads it. Every served version of a kind has the same shape."""


def view_of(resource: Resource, value: dict[str, Any] | None = None) -> View:
    """The typed view of a resource, or a plain `View` for kinds without one; `value` saves thawing it."""
    return VIEWS.get(resource.group_kind, View)(resource, value)


__all__ = [
    "VIEWS",
    "AnalysisTemplate",
    "Application",
    "Autoscaler",
    "DestinationRule",
    "DisruptionBudget",
    "Ingress",
    "Resource",
    "Rollout",
    "Service",
    "View",
    "VirtualService",
    "Workload",
    "view_of",
]
