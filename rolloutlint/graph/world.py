"""The world of one run: every object, and for every name given for one whether it is there.

An answer is *resolved*, *missing* or *unknown*. Missing is claimed only where the world is closed: by `--closed`,
because the inputs hold other objects of that kind in that namespace and scope, or because an Application whose
whole source was loaded delivers the namespace. Whatever rendering or unread files could change is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

from rolloutlint.controllers.sync_waves import HELM_HOOK, HOOK, WAVE, hooks, is_hook, wave
from rolloutlint.finding import DocumentId, Path, ResourceId
from rolloutlint.graph.layout import Layout
from rolloutlint.graph.references import Naming
from rolloutlint.graph.scopes import Delivery, FileTree, Scopes, deliver, inside, scope_files, top_directory
from rolloutlint.model import Application, Resource, View, view_of
from rolloutlint.model.argocd import ApplicationSource
from rolloutlint.model.resource import CLUSTER_SCOPED
from rolloutlint.model.values import mapping, string_map, text

if TYPE_CHECKING:
    import networkx

    from rolloutlint.controllers.application_sets import Expansion

State = Literal["resolved", "missing", "unknown"]

T = TypeVar("T")

ANSWERS_KEPT = 4096
"""Objects whose references are remembered at once."""

NEAR_WORLD = 300
"""Up to so many objects of a kind, all are asked for a name that is nearly right."""

VIEWS_KEPT = 1024
"""Views kept thawed at once: enough for the neighbourhood of an application, small against a repository."""


class Reference(NamedTuple):
    """A name that one object gives for another, with the world's answer."""

    origin: Resource
    naming: Naming
    state: State
    targets: tuple[Resource, ...] = ()
    reason: str = ""
    """Why the answer is unknown."""

    @property
    def missing(self) -> bool:
        """True where the named object certainly does not exist."""
        return self.state == "missing"

    @property
    def target(self) -> Resource | None:
        """The named object, if exactly one is certain."""
        return self.targets[0] if self.state == "resolved" and len(self.targets) == 1 else None


_ByScope: TypeAlias = "Mapping[str, Mapping[str | None, Sequence[Resource]]]"

_NOBODY: _ByScope = {}
_BY_HAND, _PLACED = "?dir", "?placed"
"""Marks among the scopes of a name: an object of that name is placed by its directory, or by something better."""


class SyncEnd(NamedTuple):
    """What an Application syncs last."""

    post_sync: Resource | None
    """A PostSync hook, if it has one."""
    last: Resource | None
    """An ordinary object of the highest wave, if any object states a wave."""
    wave: int
    """The wave of `last`, 0 without."""


class World:
    """All objects of the inputs, linked. Immutable once made; views come and go."""

    def __init__(
        self,
        resources: Sequence[Resource],
        namings: Mapping[int, Sequence[Naming]],
        layout: Layout,
        files: Iterable[str],
        closed: bool = False,
        expansions: Mapping[tuple[DocumentId, Path], Expansion] = MappingProxyType({}),
    ) -> None:
        self.resources = tuple(resources)
        self.layout = layout
        self.closed = closed
        self._namings = namings
        self._expansions = expansions
        self._views: dict[int, View] = {}
        self._shared: dict[int, dict[object, Any]] = {}
        self._derived: dict[object, Any] = {}
        self._answers: dict[int, tuple[Reference, ...]] = {}
        self._sync_ends: dict[int, SyncEnd] = {}
        self._placed: dict[tuple[str, str], dict[tuple[str | None, str], list[Resource]]] = {}
        self._by_kind: dict[tuple[str, str], list[Resource]] = {}
        self._in_file: dict[str, list[Resource]] = {}
        for resource in self.resources:
            group, kind = resource.group_kind
            self._by_kind.setdefault((group, kind), []).append(resource)
            self._in_file.setdefault(resource.document.source, []).append(resource)
        sets = self.of_kind("argoproj.io", "ApplicationSet") if expansions else ()
        templates = {(r.document, (*r.prefix, "spec", "template")): r for r in sets}
        applications = self.of_kind("argoproj.io", "Application") if templates else ()
        self._generated = {r.number: made for r in applications if (made := templates.get(_start(r))) is not None}
        self._tree = FileTree(files)
        unread = FileTree((*layout.unread, *(f"{chart}/Chart.yaml" for chart in layout.charts)))
        self._deliveries: dict[int, Delivery] = {}
        self._syncing: dict[str, list[Delivery]] = {}
        for resource in self.of_kind("argoproj.io", "Application"):
            delivery = deliver(Application(resource), self._tree, unread, layout)
            self._deliveries[resource.number] = delivery
            for file in delivery.files:
                self._syncing.setdefault(file, []).append(delivery)
        destinations = {file: frozenset(d.scope for d in syncing) for file, syncing in self._syncing.items()}
        self._scopes = scope_files(self._tree.files, self._identities, layout, destinations)
        self._namespaces = {r.number: self._effective_namespace(r) for r in self.resources}
        self._held: set[tuple[str, str, str | None, str]] = {
            (*r.group_kind, self._namespaces[r.number], scope) for r in self.resources for scope in self.scopes(r)
        }
        self._named = self._index_names()
        self._closed_namespaces, self._open_namespaces = self._boundaries()
        self._open_scopes = self._unread_scopes()

    # ---- what is there -------------------------------------------------------------------------------------

    def of_kind(self, group: str, kind: str) -> Sequence[Resource]:
        """The objects of one kind, in load order."""
        return self._by_kind.get((group, kind), ())

    def near(self, resource: Resource, group: str, kind: str) -> Sequence[Resource]:
        """The objects of a kind that a slip in `resource` may have meant, for suggestions only.

        All of them in a small world; in a large one those of its directory and of the Applications that sync it,
        because a name that is nearly right belongs to the neighbourhood, and no question may look at everything.
        """
        everything = self.of_kind(group, kind)
        if len(everything) <= NEAR_WORLD:
            return everything
        file = resource.document.source
        files = {*self._tree.beside(file)}.union(*(delivery.files for delivery in self._syncing.get(file, ())))
        return [r for f in sorted(files) for r in self.in_file(f) if r.group_kind == (group, kind)]

    def beside(self, resource: Resource, group: str, kind: str) -> Sequence[Resource]:
        """The objects of a kind that certainly end up in the namespace of `resource`, in one of its scopes."""
        index = self._placed.get((group, kind))
        if index is None:
            index = self._placed[group, kind] = {}
            for other in self.of_kind(group, kind):
                for scope in self.scopes(other):
                    index.setdefault((self.namespace(other), scope), []).append(other)
        namespace = self.namespace(resource)
        if namespace is None:
            return ()
        found = {other.number: other for s in self.scopes(resource) for other in index.get((namespace, s), ())}
        return [found[number] for number in sorted(found)]

    def services_selecting(self, resource: Resource, labels: Mapping[str, str]) -> Sequence[Resource]:
        """The Services that certainly end up beside `resource` and whose selector `labels` fulfil.

        Services without a selector, or with one that cannot be read, are none of them.
        """
        namespace = self.namespace(resource)
        if namespace is None:
            return ()
        pairs = labels.items()
        found = {
            service.number: service
            for scope in self.scopes(resource)
            for pair in pairs
            for service, selector in self._selectors.get((namespace, scope, *pair), ())
            if selector <= pairs
        }
        return [found[number] for number in sorted(found)]

    @cached_property
    def _selectors(self) -> Mapping[tuple[str | None, str, str, str], Sequence[tuple[Resource, Set[tuple[str, str]]]]]:
        """Namespace, scope and the first pair of a selector -> the Services that have it, with all their pairs."""
        index: dict[tuple[str | None, str, str, str], list[tuple[Resource, Set[tuple[str, str]]]]] = {}
        for service in self.of_kind("", "Service"):
            written = mapping(mapping(service.thaw().get("spec")).get("selector"))
            selector = frozenset(string_map(written).items())
            if not selector or len(selector) != len(written) or not all(isinstance(key, str) for key in written):
                continue
            first = min(selector)
            for scope in self.scopes(service):
                index.setdefault((self.namespace(service), scope, *first), []).append((service, selector))
        return index

    def view(self, resource: Resource) -> View:
        """The typed view of an object; the same one while it is among the recently used."""
        view = self._views.pop(resource.number, None) or view_of(resource)
        if len(self._views) >= VIEWS_KEPT:
            for number in list(self._views)[: VIEWS_KEPT // 2]:
                del self._views[number]
                self._shared.pop(number, None)
        self._views[resource.number] = view
        return view

    def shared(self, resource: Resource, key: object, make: Callable[[], T]) -> T:
        """What several rules derive from one object: made once, kept as long as the object's view."""
        facts = self._shared.setdefault(resource.number, {})
        if key not in facts:
            facts[key] = make()
        made: T = facts[key]
        return made

    def derived(self, key: object, make: Callable[[], T]) -> T:
        """What rules derive from the whole world, or from one of its scopes: made once, kept for the run."""
        if key not in self._derived:
            self._derived[key] = make()
        made: T = self._derived[key]
        return made

    def namespace(self, resource: Resource) -> str | None:
        """The namespace the object ends up in; `""` where nothing says it, `None` where it differs by overlay."""
        return self._namespaces[resource.number]

    def scopes(self, resource: Resource) -> Scopes:
        """The environments the object belongs to."""
        return self._scopes[resource.document.source]

    def in_file(self, file: str) -> Sequence[Resource]:
        """The objects of one file."""
        return self._in_file.get(file, ())

    # ---- references ----------------------------------------------------------------------------------------

    def namings(self, resource: Resource) -> Sequence[Naming]:
        """The names an object gives for others."""
        return self._namings.get(resource.number, ())

    def references(self, resource: Resource, *roles: str) -> tuple[Reference, ...]:
        """What an object's names mean, optionally only those given in `roles`."""
        answers = self._answers.get(resource.number)
        if answers is None:
            answers = tuple(self.resolve(resource, naming) for naming in self.namings(resource))
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.clear()
            self._answers[resource.number] = answers
        return tuple(a for a in answers if a.naming.role in roles) if roles else answers

    def referrers(self, resource: Resource, *roles: str) -> tuple[Reference, ...]:
        """The references of other objects that certainly mean this one."""
        namespace = self.namespace(resource)
        name = (*resource.group_kind, resource.id.name)
        incoming = {
            (origin, position)
            for scope in self.scopes(resource)
            for origin, position in self._incoming.get((*name, namespace, scope), ())
        }
        found = []
        for origin, position in sorted(incoming):
            reference = self.references(self.resources[origin])[position]
            meant = any(target.number == resource.number for target in reference.targets)
            if meant and reference.state == "resolved" and (not roles or reference.naming.role in roles):
                found.append(reference)
        return tuple(found)

    @cached_property
    def _incoming(self) -> Mapping[tuple[str, str, str, str | None, str], Sequence[tuple[int, int]]]:
        """Group, kind, name, namespace and scope of a named object -> (number of the origin, index of its naming)."""
        index: dict[tuple[str, str, str, str | None, str], list[tuple[int, int]]] = {}
        for number, namings in self._namings.items():
            origin = self.resources[number]
            for position, naming in enumerate(namings):
                name = (naming.group, naming.kind, naming.name, self._meant_namespace(origin, naming))
                for scope in self.scopes(origin):
                    index.setdefault((*name, scope), []).append((number, position))
        return index

    def _meant_namespace(self, origin: Resource, naming: Naming) -> str | None:
        if (naming.group, naming.kind) in CLUSTER_SCOPED:
            return ""
        return naming.namespace or self.namespace(origin)

    def resolve(self, origin: Resource, naming: Naming) -> Reference:
        """The world's answer to one name given by `origin`."""
        if any(o.renames for o in self.layout.overlays_of(origin.document.source)):
            return Reference(origin, naming, "unknown", reason="kustomize changes names here")
        if any(mark in naming.name for mark in ("{{", "${", "$(")):
            return Reference(origin, naming, "unknown", reason="the name is filled in later")
        scopes = self.scopes(origin)
        namespace = self._meant_namespace(origin, naming)
        same: dict[int, Resource] = {}
        perhaps = False
        by_scope = self._named.get((naming.group, naming.kind, naming.name), _NOBODY)
        for scope in scopes:
            held = by_scope.get(scope)
            if held is None:
                continue
            if namespace is not None:
                same.update((r.number, r) for r in held.get(namespace, ()))
            if namespace:
                perhaps = perhaps or "" in held or None in held
            else:
                perhaps = perhaps or namespace is None or len(held) > (namespace in held)
        if same:
            return Reference(origin, naming, "resolved", _nearest(origin, [same[n] for n in sorted(same)]))
        # A file that no Application delivers may still be applied to the same cluster by hand.
        perhaps = perhaps or (_BY_HAND in by_scope if not _by_hand(scopes) else _PLACED in by_scope)
        if perhaps:
            article = "an" if naming.kind[:1] in "AEIO" else "a"
            return Reference(origin, naming, "unknown", reason=f"{article} {naming.kind} of that name may be it")
        if namespace is None:
            return Reference(origin, naming, "unknown", reason="the namespace differs by overlay")
        return self._absent(origin, naming, namespace, scopes)

    def _absent(self, origin: Resource, naming: Naming, namespace: str, scopes: Scopes) -> Reference:
        if self.closed:
            return Reference(origin, naming, "missing")
        if scopes & self._open_scopes or any(
            (scope, opened) in self._open_namespaces for scope in scopes for opened in (namespace, "*")
        ):
            return Reference(origin, naming, "unknown", reason="something unrendered or unread may supply it")
        for scope in scopes:
            if (naming.group, naming.kind, namespace, scope) in self._held:
                return Reference(origin, naming, "missing")
            if namespace and (scope, namespace) in self._closed_namespaces:
                return Reference(origin, naming, "missing")
        where = f"namespace {namespace}" if namespace else "this namespace"
        return Reference(origin, naming, "unknown", reason=f"no {naming.kind} of {where} is among the inputs")

    @cached_property
    def unknown_references(self) -> int:
        """How many names could be neither resolved nor called missing."""
        return sum(
            reference.state == "unknown"
            for number in self._namings
            for reference in self.references(self.resources[number])
        )

    def _index_names(self) -> Mapping[tuple[str, str, str], _ByScope]:
        """Group, kind and name -> scope -> namespace -> objects, so that no question looks at every namesake."""
        index: dict[tuple[str, str, str], dict[str, dict[str | None, list[Resource]]]] = {}
        for resource in self.resources:
            by_scope = index.setdefault((*resource.group_kind, resource.id.name), {})
            scopes, namespace = self.scopes(resource), self._namespaces[resource.number]
            by_scope.setdefault(_BY_HAND if _by_hand(scopes) else _PLACED, {})
            for scope in scopes:
                by_scope.setdefault(scope, {}).setdefault(namespace, []).append(resource)
        return index

    def namesakes(self, resource: Resource, naming: Naming) -> Sequence[Resource]:
        """The objects of the name and kind that `naming` gives, in any namespace of the scopes of `resource`."""
        by_scope = self._named.get((naming.group, naming.kind, naming.name), _NOBODY)
        found = {
            same.number: same
            for scope in self.scopes(resource)
            for objects in by_scope.get(scope, {}).values()
            for same in objects
        }
        return [found[number] for number in sorted(found)]

    def autoscalers(self, resource: Resource) -> Sequence[Resource]:
        """The HorizontalPodAutoscalers and KEDA ScaledObjects that scale the object, or may."""
        namespace = self.namespace(resource)
        found = {
            scaler.number: scaler
            for scope in self.scopes(resource)
            for scaler in self._autoscalers.get((resource.id.kind, resource.id.name, scope), ())
            if self.namespace(scaler) == namespace or not namespace or not self.namespace(scaler)
        }
        return [found[number] for number in sorted(found)]

    @cached_property
    def _autoscalers(self) -> Mapping[tuple[str, str, str], Sequence[Resource]]:
        index: dict[tuple[str, str, str], list[Resource]] = {}
        for group, kind in (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")):
            for scaler in self.of_kind(group, kind):
                target = mapping(mapping(scaler.thaw().get("spec")).get("scaleTargetRef"))
                kind_and_name = (text(target.get("kind")) or "Deployment", text(target.get("name")))
                for scope in self.scopes(scaler):
                    index.setdefault((*kind_and_name, scope), []).append(scaler)
        return index

    # ---- Applications --------------------------------------------------------------------------------------

    def applications(self, resource: Resource) -> Sequence[Application]:
        """The Applications among the inputs that sync the object."""
        views = (self.view(self.resources[d.application]) for d in self._syncing.get(resource.document.source, ()))
        return [view for view in views if isinstance(view, Application)]

    def expansion(self, application_set: Resource) -> Expansion | None:
        """What an ApplicationSet generates; `None` where something that renders it may still change it."""
        return self._expansions.get((application_set.document, application_set.prefix))

    def generator(self, application: Resource) -> Resource | None:
        """The ApplicationSet that an Application is generated by; `None` for one that is written."""
        return self._generated.get(application.number)

    def generated(self, application_set: Resource) -> Sequence[Resource]:
        """The Applications that an ApplicationSet certainly generates, as objects."""
        start = (application_set.document, (*application_set.prefix, "spec", "template"))
        return [r for r in self.in_file(application_set.document.source) if _start(r) == start]

    def delivered(self, application: Resource) -> Iterator[Resource]:
        """The objects an Application syncs, in file order; those that an ApplicationSet generates are none of them."""
        delivery = self._deliveries.get(application.number)
        for file in sorted(delivery.files) if delivery else ():
            objects = self.in_file(file)
            yield from (r for r in objects if r.number not in self._generated) if self._generated else objects

    def sync_end(self, application: Resource) -> SyncEnd:
        """What of an Application is applied only once everything before it is healthy."""
        found = self._sync_ends.get(application.number)
        if found is None:
            found = self._sync_ends[application.number] = self._end(application)
        return found

    def _end(self, application: Resource) -> SyncEnd:
        post_sync: Resource | None = None
        last: Resource | None = None
        highest = 0
        for resource in self.delivered(application):
            if not any(map(resource.mentions, (WAVE, HOOK, HELM_HOOK))):
                continue
            annotations = self.view(resource).annotations
            if is_hook(annotations):
                if post_sync is None and "PostSync" in hooks(annotations):
                    post_sync = resource
            elif WAVE in annotations and (last is None or wave(annotations) > highest):
                last, highest = resource, wave(annotations)
        return SyncEnd(post_sync, last, highest)

    def whole(self, application: Resource) -> bool:
        """True where everything the Application syncs was loaded as it stands."""
        delivery = self._deliveries.get(application.number)
        return delivery is not None and delivery.whole

    def unsettled(self, application: Resource) -> bool:
        """True where what the Application says is not all in its file: a patch or a template completes it."""
        return self.patched(application, ("spec",)) or any(map(application.mentions, ("{{", "${")))

    def absent_sources(self) -> Iterator[tuple[Resource, ApplicationSource]]:
        """Every Application with each of its sources that is not among the inputs."""
        for number, delivery in self._deliveries.items():
            for source in delivery.absent:
                yield self.resources[number], source

    def passed_over(self, application: Resource) -> Mapping[Path, Sequence[str]]:
        """For sources that are a directory without manifests: those in directories below it, which nobody reads."""
        delivery = self._deliveries.get(application.number)
        return delivery.passed_over if delivery else {}

    # ---- what rendering changes ----------------------------------------------------------------------------

    def patched(self, resource: Resource, path: Path) -> bool:
        """True where a kustomization may change what stands at `path` before it is applied."""
        overlays = self.layout.overlays_of(resource.document.source)
        return any(o.touches(resource.id.kind, resource.id.name, path) for o in overlays)

    # ---- the graph as a graph ------------------------------------------------------------------------------

    def network(self) -> networkx.MultiDiGraph[ResourceId]:
        """Everything that is linked, as a networkx graph: nodes are identities, edges carry `role` and `path`."""
        import networkx

        graph: networkx.MultiDiGraph[ResourceId] = networkx.MultiDiGraph()
        graph.add_nodes_from(r.id for r in self.resources)
        for resource in self.resources:
            for reference in self.references(resource):
                for target in reference.targets:
                    graph.add_edge(resource.id, target.id, role=reference.naming.role, path=reference.naming.path)
            for target in self.delivered(resource):
                graph.add_edge(resource.id, target.id, role="syncs", path=("spec", "source"))
        for resource in self.of_kind("argoproj.io", "ApplicationSet"):
            for target in self.generated(resource):
                graph.add_edge(resource.id, target.id, role="generates", path=("spec", "template"))
        return graph

    # ---- how the world is made -----------------------------------------------------------------------------

    def _identities(self, file: str) -> Iterator[object]:
        for resource in self._in_file.get(file, ()):
            if resource.id.name:
                yield (*resource.group_kind, resource.id.namespace, resource.id.name)

    def _effective_namespace(self, resource: Resource) -> str | None:
        if resource.group_kind in CLUSTER_SCOPED:
            return ""
        file = resource.document.source
        overlays = self.layout.overlays_of(file)
        if overlays:
            transformed = {o.namespace or resource.id.namespace for o in overlays}
            if len(transformed) > 1:
                return None
            (only,) = transformed
            if only:
                return only
        if resource.id.namespace:
            return resource.id.namespace
        destinations = {delivery.namespace for delivery in self._syncing.get(file, ())}
        return destinations.pop() if len(destinations) == 1 else (None if destinations else "")

    def _root_of(self, file: str) -> str:
        """The input directory a file lies below, as far as the layout tells."""
        known = self.layout.roots.get(file)
        if known is not None:
            return known
        roots = {r for r in self.layout.roots.values() if inside(file, r)}
        return max(roots, key=len, default="")

    def _boundaries(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """(closed, open) pairs of scope and namespace, as Applications decide them; `*` is every namespace."""
        closed: set[tuple[str, str]] = set()
        opened: set[tuple[str, str]] = set()
        for delivery in self._deliveries.values():
            pair = (delivery.scope, delivery.namespace or "*")
            if delivery.whole:
                closed.add(pair)
            elif delivery.more:
                opened.add(pair)
        return closed, opened

    def _unread_scopes(self) -> set[str]:
        """The scopes to which files may belong that were not read, or whose rendering adds what was not loaded.

        What lies in the directory of an Application opens only what that Application delivers (`_boundaries`);
        elsewhere a gap opens the directory tree it belongs to, and no more than its top directory.
        """
        opened: set[str] = set()
        near: set[str] = set()
        for gap in (*self.layout.unread, *(f"{chart}/Chart.yaml" for chart in self.layout.charts)):
            top = top_directory(gap, self._root_of(gap))
            directory = gap.rpartition("/")[0]
            while len(directory) > len(top) and not self._tree.any_below(directory):
                directory = directory.rpartition("/")[0]
            near.add(directory or ".")
        for directory in near:
            for file in self._tree.below(directory):
                opened |= {scope for scope in self._scopes[file] if not scope.startswith("cluster:")}
        for file in self._tree.files:
            for overlay in self.layout.overlays_of(file):
                if overlay.root in self.layout.open_roots:
                    opened |= self._scopes[file]
        return opened


def _start(resource: Resource) -> tuple[DocumentId, Path]:
    """Where an object starts."""
    return resource.document, resource.prefix


def _nearest(origin: Resource, candidates: Sequence[Resource]) -> tuple[Resource, ...]:
    """Of several objects of one name, those a reader would mean: in the same file, else in the same directory."""
    if len(candidates) == 1:
        return tuple(candidates)
    file = origin.document.source
    directory = file.rpartition("/")[0]
    same_file = tuple(c for c in candidates if c.document.source == file)
    return (
        same_file
        or tuple(c for c in candidates if c.document.source.rpartition("/")[0] == directory)
        or tuple(candidates)
    )


def _by_hand(scopes: Scopes) -> bool:
    """True where only the directory of a file tells its scope, no Application and no kustomization."""
    return any(scope.startswith("dir:") for scope in scopes)
