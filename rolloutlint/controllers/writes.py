"""What the Rollouts controller and autoscalers write into objects that Git also describes.

Mirrors argo-rollouts `rollout/trafficrouting/{istio,alb,traefik,apisix}`, `rollout/service.go`,
`rollout/replicaset.go` and the Gateway API plugin; and, for the fight with Argo CD, gitops-engine
`pkg/diff/diff.go` and argo-cd `controller/sync.go`. Objects are plain values; what is malformed is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.gateway_api import (
    HEADER_KINDS,
    PLUGIN,
    PluginRoute,
    is_managed_rule,
    lacking_backend,
    plugin_routes,
)
from rolloutlint.controllers.ignore_differences import ROLLOUTS_MANAGER, Target
from rolloutlint.controllers.istio_routes import select_routes
from rolloutlint.controllers.sync_options import DiffStrategy
from rolloutlint.controllers.traffic import HASH_LABEL, MANAGED_BY, routers
from rolloutlint.finding import Path
from rolloutlint.settings import Targets, Version

AUTOSCALER_MANAGER = "kube-controller-manager"

_NEWEST = Targets().argocd
_RESTORES_GIT_LISTS = Version(3, 5)

Consequence = Literal[
    "weights-reset",
    "managed-route-lost",
    "subset-selects-all-pods",
    "subset-removed-again",
    "destination-removed-again",
    "promotion-unapproved",
    "service-selects-both",
    "replicas-reset",
    "deployment-scaled-up",
    "harmless",
]
"""What happens when Argo CD undoes a write. Weights, hashes and subsets come back at the next reconcile;
a managed route stays lost until its step is entered again, a promotion cannot be undone."""

Apply = Literal["client", "server", "replace"]


class Write(NamedTuple):
    """One place that a controller changes."""

    target: Target
    path: Path
    """In Git's copy; for `insert`, in the copy that has the inserted items (`with_inserted`)."""
    how: Literal["set", "add", "insert", "remove"]
    """`set` another value than Git's, `add` a key that Git lacks, `insert` or `remove` an item of a list."""
    consequence: Consequence
    manager: str = ROLLOUTS_MANAGER
    atomic: bool = True
    """Server-side apply owns what is around it as a whole: a list of a custom resource, a Service's selector."""
    item: Any = None
    """For `insert`: the item, as far as rules can tell it by its name."""

    @property
    def shows_in_three_way_diff(self) -> bool:
        """Whether Argo CD's default diff sees it: keys that only the live object has are dropped there."""
        return self.how != "add"

    @property
    def built_in(self) -> bool:
        """A kind of Kubernetes itself, whose lists merge by key."""
        return self.target.group in ("", "apps", "networking.k8s.io")


def needs_ignore(write: Write, strategy: DiffStrategy) -> bool:
    """Whether the resource is OutOfSync because of `write` unless a rule ignores it.

    `pkg/diff/diff.go`: the three-way diff drops live-only keys, the others also compare what Argo CD's
    manager owns around them.
    """
    if write.shows_in_three_way_diff:
        return True
    return strategy != "three-way" and write.atomic


def reset_on_sync(
    write: Write,
    strategy: DiffStrategy,
    *,
    apply: Apply = "client",
    ignored: bool = False,
    out_of_sync_only: bool = False,
    respect_ignore: bool = False,
    changes_git_copy: bool | None = None,
    argocd: Version = _NEWEST,
) -> bool:
    """Whether a sync that has nothing else to change here undoes `write`.

    `ignored`: a rule covers it; `changes_git_copy`: that rule also takes something out of the same list in
    Git's copy (by default only where the field stands there). `out_of_sync_only`, `respect_ignore`: the sync
    options of those names. Argo CD 3.5 gives Git's list back where the rule changes the live one only
    (`controller/sync.go restoreNonIgnoredFields`).
    """
    if out_of_sync_only and (ignored or not needs_ignore(write, strategy)):
        return False
    if respect_ignore and ignored:
        crosses_list = any(isinstance(step, int) for step in write.path)
        if write.built_in or not crosses_list:
            return False
        frozen = write.how == "set" if changes_git_copy is None else changes_git_copy
        return not frozen and argocd >= _RESTORES_GIT_LISTS
    if apply == "replace" or write.how != "add":
        return True
    if apply == "server":
        return write.atomic
    return not write.built_in and any(isinstance(step, int) for step in write.path)


def with_inserted(manifest: Any, writes: Iterable[Write], target: Target) -> Any:
    """`manifest` with the list items that `writes` insert into `target`, as the live object has them."""
    for write in writes:
        if write.how == "insert" and write.target == target:
            manifest = _insert(manifest, write.path, write.item)
    return manifest


def _insert(value: Any, path: Path, item: Any) -> Any:
    head = path[0]
    if isinstance(head, int):
        items = value if isinstance(value, list) else []
        return [*items[:head], item, *items[head:]]
    mapping = value if isinstance(value, dict) else {}
    return {**mapping, head: _insert(mapping.get(head), path[1:], item)}


def writes(rollout: object, others: Iterable[object] = ()) -> tuple[Write, ...]:
    """Every write into `rollout` and into those of `others` that it names, in order of path.

    `others` are manifests of the same cluster: traffic objects, Services, the workload, autoscalers. One
    without a namespace counts as in the Rollout's.
    """
    if not isinstance(rollout, dict):
        return ()
    return tuple(_Writer(rollout, [other for other in others if isinstance(other, dict)]).all())


class _Writer:
    def __init__(self, rollout: Mapping[Any, Any], others: list[Mapping[Any, Any]]) -> None:
        self._namespace = _text(_map(rollout.get("metadata")), "namespace")
        self._name = _text(_map(rollout.get("metadata")), "name")
        self._rollout = rollout
        self._others = others
        strategy = _map(_map(rollout.get("spec")).get("strategy"))
        self._canary = _map(strategy.get("canary"))
        self._blue_green = _map(strategy.get("blueGreen"))
        self._routing = _map(self._canary.get("trafficRouting"))
        ping_pong = _map(self._canary.get("pingPong"))
        self._canary_service = _text(self._canary, "canaryService") or _text(ping_pong, "pingService")
        self._stable_service = _text(self._canary, "stableService") or _text(ping_pong, "pongService")
        self._pair = {service for service in (self._canary_service, self._stable_service) if service}

    def all(self) -> Iterator[Write]:
        yield from self._services()
        yield from self._replicas()
        yield from self._workload()
        present = routers(self._routing)
        if "istio" in present:
            yield from self._istio(_map(self._routing.get("istio")))
        if "alb" in present:
            yield from self._alb(_map(self._routing.get("alb")))
        if "traefik" in present:
            name = _text(_map(self._routing.get("traefik")), "weightedTraefikServiceName")
            for target, manifest in self._find("TraefikService", name):
                spec = _map(_map(manifest.get("spec")).get("weighted"))
                yield from self._weights(target, ("spec", "weighted", "services"), spec.get("services"), "name")
        if "apisix" in present:
            yield from self._apisix(_map(_map(self._routing.get("apisix")).get("route")))
        yield from self._gateway_api()

    def _find(
        self, kind: str, name: str, namespace: str = "", group: str | None = None
    ) -> Iterator[tuple[Target, Mapping[Any, Any]]]:
        namespace = namespace or self._namespace
        for other in self._others:
            if not name or other.get("kind") != kind:
                continue
            metadata = _map(other.get("metadata"))
            api = _text(other, "apiVersion")
            its_group = api.rpartition("/")[0]
            where = _text(metadata, "namespace") or self._namespace
            if (
                metadata.get("name") == name
                and (not where or not namespace or where == namespace)
                and group in (None, its_group)
            ):
                yield Target(its_group, kind, _text(metadata, "namespace"), name), other

    def _services(self) -> Iterator[Write]:
        ping_pong = _map(self._canary.get("pingPong"))
        roles: list[tuple[str, Consequence]] = [
            (_text(self._blue_green, "activeService"), "promotion-unapproved"),
            (_text(self._blue_green, "previewService"), "service-selects-both"),
            (_text(self._canary, "stableService"), "service-selects-both"),
            (_text(self._canary, "canaryService"), "service-selects-both"),
            (_text(ping_pong, "pingService"), "service-selects-both"),
            (_text(ping_pong, "pongService"), "service-selects-both"),
        ]
        for name, consequence in roles:
            for target, manifest in self._find("Service", name, group=""):
                selector = _map(manifest.get("spec")).get("selector")
                how: Literal["set", "add"] = "set" if HASH_LABEL in _map(selector) else "add"
                path: Path = ("spec", "selector", HASH_LABEL)
                yield Write(target, path, how, consequence, atomic=isinstance(selector, dict))
                yield self._annotation(target, manifest, MANAGED_BY, "harmless")

    def _annotation(self, target: Target, manifest: Mapping[Any, Any], key: str, consequence: Consequence) -> Write:
        annotations = _map(_map(manifest.get("metadata")).get("annotations"))
        how: Literal["set", "add"] = "set" if key in annotations else "add"
        return Write(target, ("metadata", "annotations", key), how, consequence, atomic=False)

    def _replicas(self) -> Iterator[Write]:
        if _map(self._rollout.get("spec")).get("replicas") is None:
            return
        for other in self._others:
            if other.get("kind") not in ("HorizontalPodAutoscaler", "ScaledObject"):
                continue
            reference = _map(_map(other.get("spec")).get("scaleTargetRef"))
            where = _text(_map(other.get("metadata")), "namespace") or self._namespace
            if (
                reference.get("kind") == "Rollout"
                and reference.get("name") == self._name
                and (not where or not self._namespace or where == self._namespace)
            ):
                target = Target("argoproj.io", "Rollout", self._namespace, self._name)
                path: Path = ("spec", "replicas")
                yield Write(target, path, "set", "replicas-reset", AUTOSCALER_MANAGER, atomic=False)
                return

    def _workload(self) -> Iterator[Write]:
        reference = _map(_map(self._rollout.get("spec")).get("workloadRef"))
        if reference.get("kind") != "Deployment" or reference.get("scaleDown") not in ("onsuccess", "progressively"):
            return
        for target, manifest in self._find("Deployment", _text(reference, "name"), group="apps"):
            if _map(manifest.get("spec")).get("replicas") not in (None, 0):
                yield Write(target, ("spec", "replicas"), "set", "deployment-scaled-up", atomic=False)

    def _istio(self, istio: Mapping[Any, Any]) -> Iterator[Write]:
        rule = _map(istio.get("destinationRule"))
        subsets = {_text(rule, "canarySubsetName"), _text(rule, "stableSubsetName")} - {""}
        kept = {name for name in _list(rule.get("additionalSubsetNames")) if isinstance(name, str)}
        references = [_map(istio.get("virtualService")), *map(_map, _list(istio.get("virtualServices")))]
        for reference in references:
            name, namespace = _split_name(_text(reference, "name"))
            for target, manifest in self._find("VirtualService", name, namespace, "networking.istio.io"):
                spec = _map(manifest.get("spec"))
                yield from self._managed_routes(target, spec)
                selection = select_routes(spec, reference, self._managed_names())
                for section, index in selection.routes if selection else ():
                    if selection and section in selection.ambiguous:  # the controller refuses the Rollout
                        continue
                    route = _map(_list(spec.get(section))[index])
                    yield from self._destinations(target, (section, index), route, subsets, kept)
        for target, manifest in self._find("DestinationRule", _text(rule, "name"), group="networking.istio.io"):
            yield self._annotation(target, manifest, MANAGED_BY, "harmless")
            for index, subset in enumerate(_list(_map(manifest.get("spec")).get("subsets"))):
                path: Path = ("spec", "subsets", index)
                if _text(_map(subset), "name") in subsets:
                    labels = _map(_map(subset).get("labels"))
                    how: Literal["set", "add"] = "set" if HASH_LABEL in labels else "add"
                    yield Write(target, (*path, "labels", HASH_LABEL), how, "subset-selects-all-pods")
                elif subsets:
                    yield Write(target, path, "remove", "subset-removed-again")

    def _managed_names(self) -> tuple[str, ...]:
        routes = _list(self._routing.get("managedRoutes"))
        return tuple(name for route in routes if (name := _text(_map(route), "name")))

    def _managed_routes(self, target: Target, spec: Mapping[Any, Any]) -> Iterator[Write]:
        used = set()
        for step in _list(self._canary.get("steps")):
            for kind in ("setHeaderRoute", "setMirrorRoute"):
                used.add(_text(_map(_map(step).get(kind)), "name"))
        written = [_text(_map(route), "name") for route in _list(spec.get("http"))]
        if not written:  # header and mirror steps do nothing without http routes
            return
        names = [name for name in self._managed_names() if name in used and name not in written]
        for index, name in enumerate(names):
            item = {"name": name, "route": [{"destination": {"host": self._canary_service}, "weight": 100}]}
            yield Write(target, ("spec", "http", index), "insert", "managed-route-lost", item=item)

    def _destinations(
        self, target: Target, at: Path, route: Mapping[Any, Any], subsets: set[str], kept: set[str]
    ) -> Iterator[Write]:
        for index, entry in enumerate(_list(route.get("route"))):
            destination = _map(_map(entry).get("destination"))
            host = _text(destination, "host").partition(".")[0]
            subset = _text(destination, "subset")
            path: Path = ("spec", *at, "route", index)
            if host in self._pair if not subsets else subset in subsets:
                how: Literal["set", "add"] = "set" if "weight" in _map(entry) else "add"
                yield Write(target, (*path, "weight"), how, "weights-reset")
            elif subset not in kept and _map(entry).get("weight") not in (None, 0):
                yield Write(target, path, "remove", "destination-removed-again")

    def _alb(self, alb: Mapping[Any, Any]) -> Iterator[Write]:
        prefix = _text(alb, "annotationPrefix") or "alb.ingress.kubernetes.io"
        service = _text(alb, "rootService") or _text(self._canary, "stableService")
        names = [alb.get("ingress"), *_list(alb.get("ingresses"))]
        for name in names:
            for target, manifest in self._find("Ingress", name if isinstance(name, str) else ""):
                if service:
                    yield self._annotation(target, manifest, f"{prefix}/actions.{service}", "weights-reset")

    def _apisix(self, route: Mapping[Any, Any]) -> Iterator[Write]:
        rules = [rule for rule in _list(route.get("rules")) if isinstance(rule, str)]
        for target, manifest in self._find("ApisixRoute", _text(route, "name")):
            for index, entry in enumerate(_list(_map(manifest.get("spec")).get("http"))):
                if not rules or _text(_map(entry), "name") in rules:
                    path: Path = ("spec", "http", index, "backends")
                    yield from self._weights(target, path, _map(entry).get("backends"), "serviceName")

    def _gateway_api(self) -> Iterator[Write]:
        """What the plugin writes: weights wherever one of the two Services stands, and header rules at the end."""
        config = _map(_map(self._routing.get("plugins")).get(PLUGIN))
        for route in plugin_routes(config):
            for target, manifest in self._find(route.kind, route.name, _text(config, "namespace")):
                rules = [_map(rule) for rule in _list(_map(manifest.get("spec")).get("rules"))]
                own = {index: rule for index, rule in enumerate(rules) if not self._plugin_made(route, rule)}
                named = {index: _backends(rule) for index, rule in own.items()}
                if lacking_backend(named.values(), self._canary_service, self._stable_service):
                    continue  # the plugin fails before it writes
                for index, rule in own.items():
                    path: Path = ("spec", "rules", index, "backendRefs")
                    yield from self._weights(target, path, rule.get("backendRefs"), "name")
                if route.header_routes:
                    sources = sum(self._pair <= set(names) for names in named.values())
                    yield from self._header_rules(target, rules, sources)

    def _plugin_made(self, route: PluginRoute, rule: Mapping[Any, Any]) -> bool:
        """Whether the plugin takes a rule of a route with header routes for one of its own."""
        alone = _backends(rule) == [self._canary_service]
        return route.kind in HEADER_KINDS and (alone or is_managed_rule(_text(rule, "name"), self._managed_names()))

    def _header_rules(self, target: Target, rules: list[Mapping[Any, Any]], sources: int) -> Iterator[Write]:
        """The rules of header steps: for each rule with both Services one, called like the route and numbered."""
        written = {_text(rule, "name") for rule in rules}
        at = len(rules)
        for name in dict.fromkeys(self._header_names()):
            for number in range(sources):
                called = f"{name}-{number}" if number else name
                if called not in written:
                    item = {"name": called, "backendRefs": [{"name": self._canary_service}]}
                    yield Write(target, ("spec", "rules", at), "insert", "managed-route-lost", item=item)
                    at += 1

    def _header_names(self) -> Iterator[str]:
        managed = self._managed_names()
        for step in _list(self._canary.get("steps")):
            route = _map(_map(step).get("setHeaderRoute"))
            if _list(route.get("match")) and _text(route, "name") in managed:
                yield _text(route, "name")

    def _weights(self, target: Target, path: Path, entries: object, key: str) -> Iterator[Write]:
        for index, entry in enumerate(_list(entries)):
            if _text(_map(entry), key) in self._pair:
                how: Literal["set", "add"] = "set" if "weight" in _map(entry) else "add"
                yield Write(target, (*path, index, "weight"), how, "weights-reset")


def _split_name(name: str) -> tuple[str, str]:
    """`web.prod` -> name and namespace (`utils/istio/istio.go GetVirtualServiceNamespaceName`)."""
    head, dot, last = name.removesuffix(".cluster.local").rpartition(".")
    return (head, last) if dot else (last, "")


def _backends(rule: Mapping[Any, Any]) -> list[str]:
    """The names of the backends of a Gateway API rule."""
    return [_text(_map(backend), "name") for backend in _list(rule.get("backendRefs"))]


def _map(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Mapping[Any, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""
