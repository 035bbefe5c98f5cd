"""Which names one object gives for others, and where: read once, when the object is loaded.

A `Naming` is what stands in the text; whether the named object exists is the world's answer (`Reference`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rolloutlint.finding import Path
from rolloutlint.model import AnalysisTemplate, Autoscaler, Experiment, Rollout, Routing, View
from rolloutlint.model.resource import split_api_version
from rolloutlint.model.rollout import CANARY, TemplateUse
from rolloutlint.model.routing import APP_MESH, GATEWAY_API
from rolloutlint.model.values import dig, mapping, sequence, text

ROLLOUTS = "argoproj.io"
ISTIO = "networking.istio.io"
GATEWAY_PLUGIN = "argoproj-labs/gatewayAPI"


class Naming(NamedTuple):
    """A name that one object gives for another."""

    role: str
    """What the name is for: `canaryService`, `step` (an analysis role), `virtualService`, `workloadRef` ..."""
    group: str
    kind: str
    namespace: str
    """`""` means the namespace of the object that names it."""
    name: str
    path: Path


def namings(view: View) -> Iterator[Naming]:
    """Every name that `view` gives for another object, in document order of its families."""
    if isinstance(view, Rollout):
        yield from _of_rollout(view)
    elif isinstance(view, AnalysisTemplate):
        for use in view.nested:
            yield _template("nested", use)
    elif isinstance(view, Experiment):
        for use in view.templates:
            yield _template("experiment", use)
    elif isinstance(view, Routing):
        for named in view.names:
            yield Naming(*named)
    elif isinstance(view, Autoscaler) and view.target is not None:
        target = view.target
        yield Naming("scaleTarget", target.group, target.kind, "", target.name, (*target.path, "name"))


def _template(role: str, use: TemplateUse) -> Naming:
    kind = "ClusterAnalysisTemplate" if use.cluster_scope else "AnalysisTemplate"
    return Naming(role, ROLLOUTS, kind, "", use.name, use.path)


def _of_rollout(rollout: Rollout) -> Iterator[Naming]:
    for service in rollout.services:
        yield Naming(service.role, "", "Service", "", service.name, service.path)
    for analysis in rollout.analyses:
        for use in analysis.templates:
            yield _template(analysis.role, use)
    for managed in rollout.virtual_services:
        target = managed.split()
        if target is not None:
            yield Naming("virtualService", ISTIO, "VirtualService", target[1], target[0], managed.path)
    rule = rollout.destination_rule
    if rule is not None and rule.name:
        yield Naming("destinationRule", ISTIO, "DestinationRule", "", rule.name, (*rule.path, "name"))
    yield from _routers(rollout)
    workload = rollout.workload_ref
    if workload is not None and text(workload.get("name")) and text(workload.get("kind")):
        group, _ = split_api_version(text(workload.get("apiVersion")))
        path: Path = ("spec", "workloadRef", "name")
        yield Naming("workloadRef", group, text(workload.get("kind")), "", text(workload["name"]), path)


def _routers(rollout: Rollout) -> Iterator[Naming]:
    """Names that nginx, ALB, Ambassador, App Mesh and SMI give.

    Mirrors argo-rollouts rollout/controller.go: getReferencedIngresses, getAmbassadorMappings,
    getReferencedAppMeshResources.
    """
    base: Path = (*CANARY, "trafficRouting")
    for router, single, many in (
        ("nginx", "stableIngress", "stableIngresses"),
        ("alb", "ingress", "ingresses"),
    ):
        config = mapping(dig(rollout.traffic_routing, router))
        places = [((*base, router, single), config.get(single))]
        places += [((*base, router, many, i), name) for i, name in enumerate(sequence(config.get(many)))]
        for path, name in places:
            if text(name):
                yield Naming(f"{router}Ingress", "networking.k8s.io", "Ingress", "", text(name), path)
    for index, name in enumerate(sequence(dig(rollout.traffic_routing, "ambassador", "mappings"))):
        if text(name):
            path = (*base, "ambassador", "mappings", index)
            yield Naming("ambassadorMapping", "getambassador.io", "Mapping", "", text(name), path)
    mesh: Path = ("appMesh", "virtualService", "name")
    virtual_service = text(dig(rollout.traffic_routing, *mesh))
    if virtual_service:
        yield Naming("appMeshVirtualService", APP_MESH, "VirtualService", "", virtual_service, (*base, *mesh))
    for group in ("canary", "stable"):
        node: Path = ("appMesh", "virtualNodeGroup", f"{group}VirtualNodeRef", "name")
        name = text(dig(rollout.traffic_routing, *node))
        if name:
            yield Naming("virtualNode", APP_MESH, "VirtualNode", "", name, (*base, *node))
    for role, field, api, kind in (
        ("traefikService", ("traefik", "weightedTraefikServiceName"), "traefik.io", "TraefikService"),
        ("apisixRoute", ("apisix", "route", "name"), "apisix.apache.org", "ApisixRoute"),
    ):
        name = text(dig(rollout.traffic_routing, *field))
        if name:
            yield Naming(role, api, kind, "", name, (*base, *field))
    yield from _gateway_plugin(rollout, (*base, "plugins", GATEWAY_PLUGIN))
    for router in ("alb", "smi"):
        root = text(dig(rollout.traffic_routing, router, "rootService"))
        if root:
            yield Naming("rootService", "", "Service", "", root, (*base, router, "rootService"))


def _gateway_plugin(rollout: Rollout, path: Path) -> Iterator[Naming]:
    """The routes of the Gateway API plugin (rollouts-plugin-trafficrouter-gatewayapi, `pkg/plugin/types.go`)."""
    config = mapping(dig(rollout.value, *path))
    for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"):
        field = kind[:-5].lower() + "Route"
        places = [((*path, field), config.get(field))]
        places += [
            ((*path, f"{field}s", i, "name"), dig(r, "name")) for i, r in enumerate(sequence(config.get(f"{field}s")))
        ]
        for at, name in places:
            if text(name):
                yield Naming(field, GATEWAY_API, kind, text(config.get("namespace")), text(name), at)
