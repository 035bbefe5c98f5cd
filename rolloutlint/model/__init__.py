"""Identity and typed read-only views of the kinds that matter. Never raises on malformed input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.model.analysis import AnalysisTemplate, Experiment
from rolloutlint.model.argocd import Application
from rolloutlint.model.istio import DestinationRule, VirtualService
from rolloutlint.model.kubernetes import Autoscaler, DisruptionBudget, Service, Workload
from rolloutlint.model.resource import Resource, View
from rolloutlint.model.rollout import Rollout
from rolloutlint.model.routing import (
    ApisixRoute,
    GatewayRoute,
    Ingress,
    MeshRouter,
    MeshService,
    Routing,
    TargetGroupBinding,
    TraefikService,
    TrafficSplit,
)

VIEWS: Mapping[tuple[str, str], type[View]] = {
    ("argoproj.io", "Rollout"): Rollout,
    ("argoproj.io", "AnalysisTemplate"): AnalysisTemplate,
    ("argoproj.io", "ClusterAnalysisTemplate"): AnalysisTemplate,
    ("argoproj.io", "Experiment"): Experiment,
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
    ("gateway.networking.k8s.io", "HTTPRoute"): GatewayRoute,
    ("gateway.networking.k8s.io", "GRPCRoute"): GatewayRoute,
    ("gateway.networking.k8s.io", "TCPRoute"): GatewayRoute,
    ("gateway.networking.k8s.io", "TLSRoute"): GatewayRoute,
    ("split.smi-spec.io", "TrafficSplit"): TrafficSplit,
    ("traefik.io", "TraefikService"): TraefikService,
    ("traefik.containo.us", "TraefikService"): TraefikService,
    ("apisix.apache.org", "ApisixRoute"): ApisixRoute,
    ("appmesh.k8s.aws", "VirtualService"): MeshService,
    ("appmesh.k8s.aws", "VirtualRouter"): MeshRouter,
    ("elbv2.k8s.aws", "TargetGroupBinding"): TargetGroupBinding,
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
    "Experiment",
    "Ingress",
    "MeshRouter",
    "MeshService",
    "Resource",
    "Rollout",
    "Routing",
    "Service",
    "View",
    "VirtualService",
    "Workload",
    "view_of",
]
