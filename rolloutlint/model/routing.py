"""Objects that send traffic on, and the names they give: Gateway API routes, SMI, Traefik, APISIX, App Mesh, AWS.

Only what is read: a name with its role and place. Fields: gateway-api `apis/v1`, smi-spec `traffic-split`, traefik
`pkg/provider/kubernetes/crd/traefikio/v1alpha1`, apisix-ingress-controller `pkg/kube/apisix/apis/config/v2`,
aws-app-mesh-controller `apis/appmesh/v1beta2`, aws-load-balancer-controller `apis/elbv2/v1beta1`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.model.resource import View
from rolloutlint.model.values import dig, entries, mapping, sequence, text

APP_MESH = "appmesh.k8s.aws"
GATEWAY_API = "gateway.networking.k8s.io"
TRAEFIK = ("traefik.io", "traefik.containo.us")
APP_MESH_ROUTES = ("httpRoute", "tcpRoute", "http2Route", "grpcRoute")
"""In the order in which the controller looks for them (rollout/trafficrouting/appmesh/appmesh.go GetRouteRule)."""


class ObjectName(NamedTuple):
    """A name that an object gives for another."""

    role: str
    group: str
    kind: str
    namespace: str
    """`""` means the namespace of the object that names it."""
    name: str
    path: Path
    """Path of the name itself."""


def service_name(value: Mapping[str, Any], path: Path, key: str = "name") -> Iterator[ObjectName]:
    """The Service that `value` names under `key`, in the namespace that stands beside it."""
    name = text(value.get(key))
    if name:
        yield ObjectName("backend", "", "Service", text(value.get("namespace")), name, (*path, key))


class Routing(View):
    """An object that sends traffic to Services or to other such objects."""

    @cached_property
    def names(self) -> tuple[ObjectName, ...]:
        """The names it gives for others, in document order."""
        return tuple(self._names())

    def _names(self) -> Iterator[ObjectName]:
        yield from ()


class Backend(NamedTuple):
    """What one path of an Ingress sends to."""

    service: str
    """Name of the Service; `""` for a `resource` backend, or where it cannot be read."""
    path: Path
    value: Mapping[str, Any]


class Ingress(Routing):
    """networking.k8s.io Ingress, or its predecessor in the group extensions."""

    def _names(self) -> Iterator[ObjectName]:
        places = [(("spec", field), mapping(self.spec.get(field))) for field in ("defaultBackend", "backend")]
        for path, value in (*places, *((b.path, b.value) for b in self.backends)):
            if (
                dig(value, "service", "port", "name") == "use-annotation"
                or value.get("servicePort") == "use-annotation"
            ):
                continue  # ALB takes such a name for that of an annotation
            yield from service_name(mapping(value.get("service")), (*path, "service"))
            yield from service_name(value, path, "serviceName")

    @cached_property
    def backends(self) -> tuple[Backend, ...]:
        """The backends of every path of every rule, in both spellings; the default backend is none of them."""
        found = []
        for rule_path, rule in entries(self.value, (), "spec", "rules"):
            for path, item in entries(rule, rule_path, "http", "paths"):
                backend = mapping(item.get("backend"))
                name = text(dig(backend, "service", "name")) or text(backend.get("serviceName"))
                found.append(Backend(name, (*path, "backend"), backend))
        return tuple(found)

    @property
    def default_service(self) -> str:
        """The Service of `spec.defaultBackend` (in v1beta1 `spec.backend`), or `""`."""
        backend = mapping(self.spec.get("defaultBackend") or self.spec.get("backend"))
        return text(dig(backend, "service", "name")) or text(backend.get("serviceName"))


class RouteBackend(NamedTuple):
    """One backend of a rule of a Gateway API route."""

    name: str
    """`""` where it cannot be read. Of whichever kind: the plugin for Argo Rollouts compares names alone."""
    path: Path


class RouteRule(NamedTuple):
    """One rule of a Gateway API route."""

    name: str
    backends: tuple[RouteBackend, ...]
    path: Path

    @property
    def names(self) -> list[str]:
        """The names of its backends, in order."""
        return [backend.name for backend in self.backends]


class GatewayRoute(Routing):
    """HTTPRoute, GRPCRoute, TCPRoute or TLSRoute of the Gateway API."""

    @cached_property
    def rules(self) -> tuple[RouteRule, ...]:
        """`spec.rules` with their backends."""
        found = []
        for path, rule in entries(self.value, (), "spec", "rules"):
            backends = tuple(RouteBackend(text(b.get("name")), at) for at, b in entries(rule, path, "backendRefs"))
            found.append(RouteRule(text(rule.get("name")), backends, path))
        return tuple(found)

    def _names(self) -> Iterator[ObjectName]:
        for path, parent in entries(self.value, (), "spec", "parentRefs"):
            kind, group = parent.get("kind", "Gateway"), parent.get("group", GATEWAY_API)
            if (kind, group) == ("Gateway", GATEWAY_API) and text(parent.get("name")):
                place = text(parent.get("namespace"))
                yield ObjectName("gateway", GATEWAY_API, "Gateway", place, text(parent["name"]), (*path, "name"))
        for rule_path, rule in entries(self.value, (), "spec", "rules"):
            for path, backend in entries(rule, rule_path, "backendRefs"):
                if backend.get("kind", "Service") == "Service" and backend.get("group", "") == "":
                    yield from service_name(backend, path)


class TrafficSplit(Routing):
    """split.smi-spec.io TrafficSplit."""

    def _names(self) -> Iterator[ObjectName]:
        for path, backend in entries(self.value, (), "spec", "backends"):
            yield from service_name({"service": backend.get("service")}, path, "service")


class TraefikService(Routing):
    """traefik.io TraefikService: weighted Services, or others of its kind."""

    def _names(self) -> Iterator[ObjectName]:
        for path, entry in entries(self.value, (), "spec", "weighted", "services"):
            if entry.get("kind", "Service") == "Service":
                yield from service_name(entry, path)
            elif entry.get("kind") == "TraefikService" and text(entry.get("name")):
                place = text(entry.get("namespace"))
                yield ObjectName(
                    "backend", self.id.group, "TraefikService", place, text(entry["name"]), (*path, "name")
                )


class ApisixRoute(Routing):
    """apisix.apache.org ApisixRoute."""

    def _names(self) -> Iterator[ObjectName]:
        for rule_path, rule in entries(self.value, (), "spec", "http"):
            for path, backend in entries(rule, rule_path, "backends"):
                yield from service_name({"serviceName": backend.get("serviceName")}, path, "serviceName")


class MeshService(Routing):
    """appmesh.k8s.aws VirtualService."""

    @cached_property
    def router(self) -> ObjectName | None:
        """The VirtualRouter that splits its traffic, if it has one."""
        path: Path = ("spec", "provider", "virtualRouter", "virtualRouterRef")
        named = mapping(dig(self.value, *path))
        name, namespace = text(named.get("name")), text(named.get("namespace"))
        if not name:
            return None
        return ObjectName("virtualRouterRef", APP_MESH, "VirtualRouter", namespace, name, (*path, "name"))

    def _names(self) -> Iterator[ObjectName]:
        if self.router:
            yield self.router


class MeshRouter(Routing):
    """appmesh.k8s.aws VirtualRouter."""

    @cached_property
    def targets(self) -> tuple[tuple[Path, Any], ...]:
        """The weighted targets of each route that has them, with their path."""
        found = []
        for path, route in entries(self.value, (), "spec", "routes"):
            kind = next((k for k in APP_MESH_ROUTES if isinstance(route.get(k), dict)), "")
            below = (kind, "action", "weightedTargets")
            if dig(route, *below) is not None:
                found.append(((*path, *below), dig(route, *below)))
        return tuple(found)

    def _names(self) -> Iterator[ObjectName]:
        for below, targets in self.targets:
            for index, target in enumerate(sequence(targets)):
                node = mapping(dig(target, "virtualNodeRef"))
                if text(node.get("name")):
                    at = (*below, index, "virtualNodeRef", "name")
                    place = text(node.get("namespace"))
                    yield ObjectName("virtualNodeRef", APP_MESH, "VirtualNode", place, text(node["name"]), at)


class TargetGroupBinding(Routing):
    """elbv2.k8s.aws TargetGroupBinding."""

    def _names(self) -> Iterator[ObjectName]:
        reference = mapping(self.spec.get("serviceRef"))
        yield from service_name({"name": reference.get("name")}, ("spec", "serviceRef"))
