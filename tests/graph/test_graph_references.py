"""Every name that an object can give for another, with its role and place."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutlint.finding import DocumentId
from rolloutlint.graph import Naming, namings
from rolloutlint.model import view_of
from rolloutlint.model.resource import make_resource
from rolloutlint.model.values import dig


def named(kind: str, spec: Any, api_version: str = "argoproj.io/v1alpha1") -> list[Naming]:
    value = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, "spec": spec}
    found = list(namings(view_of(make_resource(0, DocumentId("a", 0), (), value))))
    for naming in found:
        written = dig(value, *naming.path)
        assert isinstance(written, str)
        assert written.split(".")[0] == naming.name, "the path leads to the name itself"
    return found


def brief(found: list[Naming]) -> list[tuple[str, str, str, str]]:
    return [(n.role, n.kind, n.namespace, n.name) for n in found]


def canary(**fields: Any) -> list[tuple[str, str, str, str]]:
    return brief(named("Rollout", {"strategy": {"canary": fields}}))


@pytest.mark.parametrize("role", ["canaryService", "stableService"])
def test_a_canary_names_its_services(role: str) -> None:
    assert canary(**{role: "s"}) == [(role, "Service", "", "s")]


@pytest.mark.parametrize("role", ["activeService", "previewService"])
def test_blue_green_names_its_services(role: str) -> None:
    assert brief(named("Rollout", {"strategy": {"blueGreen": {role: "s"}}})) == [(role, "Service", "", "s")]


def test_ping_pong_names_two_services():
    assert canary(pingPong={"pingService": "a", "pongService": "b"}) == [
        ("pingService", "Service", "", "a"),
        ("pongService", "Service", "", "b"),
    ]


@pytest.mark.parametrize("router", ["alb", "smi"])
def test_a_root_service_is_a_service(router: str) -> None:
    assert canary(trafficRouting={router: {"rootService": "root"}}) == [("rootService", "Service", "", "root")]


@pytest.mark.parametrize(
    "router, single, many", [("nginx", "stableIngress", "stableIngresses"), ("alb", "ingress", "ingresses")]
)
def test_an_ingress_router_names_one_ingress_or_several(router: str, single: str, many: str) -> None:
    role = f"{router}Ingress"
    assert canary(trafficRouting={router: {single: "a", many: ["b", 5, "c"]}}) == [
        (role, "Ingress", "", "a"),
        (role, "Ingress", "", "b"),
        (role, "Ingress", "", "c"),
    ]


@pytest.mark.parametrize(
    "fields, role",
    [
        ({"analysis": {"templates": [{"templateName": "t"}]}}, "background"),
        ({"steps": [{"analysis": {"templates": [{"templateName": "t"}]}}]}, "step"),
        ({"steps": [{"experiment": {"analyses": [{"name": "x", "templateName": "t"}]}}]}, "experiment"),
    ],
)
def test_an_analysis_of_a_canary_names_its_templates(fields: dict[str, Any], role: str) -> None:
    assert canary(**fields) == [(role, "AnalysisTemplate", "", "t")]


@pytest.mark.parametrize(
    "field, role", [("prePromotionAnalysis", "prePromotion"), ("postPromotionAnalysis", "postPromotion")]
)
def test_an_analysis_of_a_promotion_names_its_templates(field: str, role: str) -> None:
    spec = {"strategy": {"blueGreen": {field: {"templates": [{"templateName": "t"}]}}}}
    assert brief(named("Rollout", spec)) == [(role, "AnalysisTemplate", "", "t")]


def test_cluster_scope_makes_it_a_cluster_template():
    templates = [{"templateName": "a", "clusterScope": True}, {"templateName": "b", "clusterScope": "true"}]
    assert canary(analysis={"templates": templates}) == [
        ("background", "ClusterAnalysisTemplate", "", "a"),
        ("background", "AnalysisTemplate", "", "b"),
    ]


@pytest.mark.parametrize("kind", ["AnalysisTemplate", "ClusterAnalysisTemplate"])
def test_templates_name_nested_ones(kind: str) -> None:
    spec = {"templates": [{"templateName": "a"}, {"templateName": "b", "clusterScope": True}]}
    assert brief(named(kind, spec)) == [
        ("nested", "AnalysisTemplate", "", "a"),
        ("nested", "ClusterAnalysisTemplate", "", "b"),
    ]


def test_a_virtual_service_may_stand_in_another_namespace():
    assert canary(trafficRouting={"istio": {"virtualService": {"name": "vs.mesh"}}}) == [
        ("virtualService", "VirtualService", "mesh", "vs")
    ]


def test_several_virtual_services_are_all_named_but_not_one_with_several_dots():
    istio = {"virtualServices": [{"name": "a"}, {"name": "b.c.d"}, {"name": "e.f"}]}
    assert canary(trafficRouting={"istio": istio}) == [
        ("virtualService", "VirtualService", "", "a"),
        ("virtualService", "VirtualService", "f", "e"),
    ]


def test_a_destination_rule_is_named_in_the_namespace_of_the_rollout():
    istio = {"destinationRule": {"name": "web", "canarySubsetName": "c"}}
    assert canary(trafficRouting={"istio": istio}) == [("destinationRule", "DestinationRule", "", "web")]
    assert canary(trafficRouting={"istio": {"destinationRule": {"canarySubsetName": "c"}}}) == []


def test_a_workload_reference_names_an_object_of_its_group():
    found = named("Rollout", {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}})
    assert [(n.group, n.kind, n.name, n.role) for n in found] == [("apps", "Deployment", "web", "workloadRef")]


@pytest.mark.parametrize("reference", [{"kind": "Deployment"}, {"name": "web"}, {"kind": 5, "name": "web"}, "web"])
def test_a_workload_reference_without_kind_or_name_names_nothing(reference: Any) -> None:
    assert named("Rollout", {"workloadRef": reference}) == []


def test_empty_names_name_nothing():
    assert canary(canaryService="", stableService=None, trafficRouting={"alb": {"ingress": "", "rootService": 3}}) == []


def test_other_kinds_name_nothing():
    assert named("AnalysisRun", {"metrics": [{"name": "m"}]}) == []


def test_an_experiment_names_its_templates():
    spec = {"analyses": [{"name": "a", "templateName": "t"}, {"templateName": "c", "clusterScope": True}, 3]}
    assert brief(named("Experiment", spec)) == [
        ("experiment", "AnalysisTemplate", "", "t"),
        ("experiment", "ClusterAnalysisTemplate", "", "c"),
    ]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (
            {"ambassador": {"mappings": ["a", "b", 3]}},
            [("ambassadorMapping", "Mapping", "", "a"), ("ambassadorMapping", "Mapping", "", "b")],
        ),
        ({"appMesh": {"virtualService": {"name": "a"}}}, [("appMeshVirtualService", "VirtualService", "", "a")]),
        (
            {
                "appMesh": {
                    "virtualNodeGroup": {"canaryVirtualNodeRef": {"name": "c"}, "stableVirtualNodeRef": {"name": "s"}}
                }
            },
            [("virtualNode", "VirtualNode", "", "c"), ("virtualNode", "VirtualNode", "", "s")],
        ),
        ({"traefik": {"weightedTraefikServiceName": "a"}}, [("traefikService", "TraefikService", "", "a")]),
        ({"apisix": {"route": {"name": "a"}}}, [("apisixRoute", "ApisixRoute", "", "a")]),
        (
            {
                "plugins": {
                    "argoproj-labs/gatewayAPI": {"httpRoute": "a", "namespace": "gw", "tcpRoutes": [{"name": "b"}, 3]}
                }
            },
            [("httpRoute", "HTTPRoute", "gw", "a"), ("tcpRoute", "TCPRoute", "gw", "b")],
        ),
        ({"plugins": {"other/plugin": {"httpRoute": "a"}}}, []),
        ({"apisix": {"route": "a"}, "traefik": 3, "ambassador": {"mappings": "a"}, "plugins": []}, []),
    ],
)
def test_a_router_names_the_objects_it_changes(routing: Any, expected: list[tuple[str, str, str, str]]) -> None:
    assert canary(trafficRouting=routing) == expected


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "expected"),
    [
        (
            "networking.k8s.io/v1",
            "Ingress",
            {
                "defaultBackend": {"service": {"name": "d"}},
                "rules": [{"http": {"paths": [{"backend": {"service": {"name": "a", "port": {"number": 80}}}}]}}],
            },
            [("backend", "Service", "", "d"), ("backend", "Service", "", "a")],
        ),
        (
            "extensions/v1beta1",
            "Ingress",
            {"rules": [{"http": {"paths": [{"backend": {"serviceName": "a", "servicePort": 80}}]}}]},
            [("backend", "Service", "", "a")],
        ),
        (
            "networking.k8s.io/v1",
            "Ingress",
            {
                "rules": [
                    {"http": {"paths": [{"backend": {"service": {"name": "a", "port": {"name": "use-annotation"}}}}]}}
                ]
            },
            [],
        ),
        (
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            {
                "parentRefs": [{"name": "gw", "namespace": "infra"}, {"kind": "Service", "group": "", "name": "x"}],
                "rules": [
                    {"backendRefs": [{"name": "a"}, {"name": "b", "namespace": "n"}, {"kind": "Other", "name": "c"}]}
                ],
            },
            [("gateway", "Gateway", "infra", "gw"), ("backend", "Service", "", "a"), ("backend", "Service", "n", "b")],
        ),
        (
            "gateway.networking.k8s.io/v1alpha2",
            "TCPRoute",
            {"rules": [{"backendRefs": [{"name": "a"}]}]},
            [("backend", "Service", "", "a")],
        ),
        (
            "split.smi-spec.io/v1alpha2",
            "TrafficSplit",
            {"service": "root", "backends": [{"service": "a"}, {"service": "b"}]},
            [("backend", "Service", "", "a"), ("backend", "Service", "", "b")],
        ),
        (
            "traefik.io/v1alpha1",
            "TraefikService",
            {
                "weighted": {
                    "services": [{"name": "a"}, {"name": "t", "kind": "TraefikService"}, {"kind": 3, "name": "x"}]
                }
            },
            [("backend", "Service", "", "a"), ("backend", "TraefikService", "", "t")],
        ),
        (
            "apisix.apache.org/v2",
            "ApisixRoute",
            {"http": [{"backends": [{"serviceName": "a"}, {"serviceName": 3}]}]},
            [("backend", "Service", "", "a")],
        ),
        (
            "appmesh.k8s.aws/v1beta2",
            "VirtualService",
            {"provider": {"virtualRouter": {"virtualRouterRef": {"name": "r", "namespace": "mesh"}}}},
            [("virtualRouterRef", "VirtualRouter", "mesh", "r")],
        ),
        (
            "appmesh.k8s.aws/v1beta2",
            "VirtualRouter",
            {"routes": [{"httpRoute": {"action": {"weightedTargets": [{"virtualNodeRef": {"name": "a"}}, 3]}}}]},
            [("virtualNodeRef", "VirtualNode", "", "a")],
        ),
        (
            "elbv2.k8s.aws/v1beta1",
            "TargetGroupBinding",
            {"serviceRef": {"name": "a"}},
            [("backend", "Service", "", "a")],
        ),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}},
            [("scaleTarget", "Deployment", "", "a")],
        ),
        (
            "keda.sh/v1alpha1",
            "ScaledObject",
            {"scaleTargetRef": {"name": "a"}},
            [("scaleTarget", "Deployment", "", "a")],
        ),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", {"targetRef": {"name": "a"}}, []),
    ],
)
def test_what_sends_traffic_or_scales_names_its_targets(
    api_version: str, kind: str, spec: Any, expected: list[tuple[str, str, str, str]]
) -> None:
    assert brief(named(kind, spec, api_version)) == expected


@pytest.mark.parametrize(
    "spec", [None, [], "x", {"rules": 3, "routes": [3], "http": {}, "weighted": [], "backends": 1}]
)
@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("networking.k8s.io/v1", "Ingress"),
        ("gateway.networking.k8s.io/v1", "GRPCRoute"),
        ("split.smi-spec.io/v1alpha2", "TrafficSplit"),
        ("traefik.io/v1alpha1", "TraefikService"),
        ("apisix.apache.org/v2", "ApisixRoute"),
        ("appmesh.k8s.aws/v1beta2", "VirtualService"),
        ("appmesh.k8s.aws/v1beta2", "VirtualRouter"),
        ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding"),
        ("keda.sh/v1alpha1", "ScaledObject"),
    ],
)
def test_a_malformed_route_names_nothing(api_version: str, kind: str, spec: Any) -> None:
    assert named(kind, spec, api_version) == []
