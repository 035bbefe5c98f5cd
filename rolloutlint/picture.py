"""What `rolloutlint graph` shows: objects, the names they give for others, and what the findings say of each.

Plain data, made from the world and the report of one run; `report.graph` and `report.graph_svg` render it. Every object
that names another, is named, has a finding or belongs to Argo is a node; whatever is named and not there is one too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.finding import SEVERITIES, Path, ResourceId, Severity
from rolloutlint.graph import Naming, Reference, World
from rolloutlint.graph.rollouts import ROLLOUT, full_name, rollouts_named
from rolloutlint.model import DestinationRule, Ingress, Resource, View, VirtualService
from rolloutlint.model.istio import full_host
from rolloutlint.model.resource import CLUSTER_SCOPED
from rolloutlint.model.values import dig
from rolloutlint.result import Report

NodeState = Literal["present", "missing", "unknown"]
EdgeState = Literal["resolved", "missing", "unknown"]

ALWAYS = frozenset(
    ("argoproj.io", kind) for kind in ("Rollout", "Application", "AnalysisTemplate", "ClusterAnalysisTemplate")
)
"""Kinds that are shown even where nothing names them."""
SYNCS = "syncs"
"""The role of an Application for what it delivers."""


class Tally(NamedTuple):
    """Active findings by severity."""

    error: int = 0
    warning: int = 0
    note: int = 0

    @property
    def worst(self) -> Severity | None:
        """The gravest severity that occurs."""
        return next((severity for severity in SEVERITIES if getattr(self, severity)), None)


class Node(NamedTuple):
    """An object, or a name for one that is missing or cannot be known."""

    id: str
    state: NodeState
    resource: ResourceId
    """As written; of what is not there, as named."""
    namespace: str | None
    """Where it ends up; `""` where nothing says so or the kind has none, `None` where it differs by overlay."""
    file: str
    """`""` for what is not there."""
    cluster: str
    synced_by: tuple[str, ...]
    """The Applications that deliver it, by id."""
    findings: Tally
    rules: tuple[tuple[str, int], ...]
    """The rules that found something, with how often."""
    note: str
    """Why it is unknown, or what cannot be seen of it."""


class Use(NamedTuple):
    """One place of an object that names another."""

    role: str
    path: Path


class Edge(NamedTuple):
    """One object names another, in one or more places."""

    id: str
    source: str
    target: str
    state: EdgeState
    uses: tuple[Use, ...]

    @property
    def label(self) -> str:
        """The roles in words: `canaryService`, `steps 3, 6`."""
        plain = [_role(use) for use in self.uses if _step(use) is None or use.role != "step"]
        steps = sorted({step for use in self.uses if use.role == "step" and (step := _step(use)) is not None})
        if steps:
            plain.append(f"step{'s' * (len(steps) > 1)} {', '.join(map(str, steps))}")
        return ", ".join(dict.fromkeys(plain))


class Cluster(NamedTuple):
    """Nodes that belong together: what an Application delivers, or a namespace of one environment."""

    id: str
    kind: Literal["application", "environment", "absent", "rollout"]
    title: str
    namespace: str | None
    """The namespace of its nodes, if it is the same for all that have one."""


class Picture(NamedTuple):
    """Everything there is to draw, in the order in which to draw it."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...]
    focus: tuple[str, ...]
    """The Rollouts that were asked for, by id; empty for the whole world."""
    others: tuple[tuple[str, int], ...]
    """Objects that are no nodes, by kind: they name nothing, nothing names them, nothing was found."""
    loose: Tally
    """Findings about no object: about files, suppressions, the configuration. In a whole picture only."""
    tool_version: str


def _step(use: Use) -> int | None:
    """The number of the step, from 1, that holds the place."""
    for key, index in zip(use.path, use.path[1:], strict=False):
        if key == "steps" and isinstance(index, int):
            return index + 1
    return None


def _role(use: Use) -> str:
    step = _step(use)
    return use.role if step is None else f"{use.role} of step {step}"


_Absent: TypeAlias = "tuple[str, str, str, str | None, str, tuple[str, ...]]"
"""State, group, kind, namespace, name and scopes of what is not there."""
_Key: TypeAlias = "int | _Absent"
_Group: TypeAlias = "tuple[str, tuple[int | str, ...], str | None]"
"""What makes a cluster: its kind, Applications or scopes, and a namespace."""


class _Draft:
    """The picture while it is being made: nodes by number or by what they lack, edges by their ends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.edges: dict[tuple[_Key, _Key], tuple[EdgeState, list[Use]]] = {}
        self.notes: dict[_Key, str] = {}
        self._named: dict[tuple[str, str, str], list[Resource]] = {}
        for resource in world.resources:
            self._named.setdefault((*resource.group_kind, resource.id.name), []).append(resource)
        self.deliverers: dict[int, tuple[int, ...]] = {}
        for application in world.of_kind("argoproj.io", "Application"):
            for resource in world.delivered(application):
                self.deliverers[resource.number] = (*self.deliverers.get(resource.number, ()), application.number)

    def link(self) -> None:
        """Every name that an object gives, and where it leads."""
        for resource in self.world.resources:
            for reference in self.world.references(resource):
                self._add(reference, absent=True)
            for naming in _hosts(self.world.view(resource), self.world.namespace(resource)):
                self._add(self.world.resolve(resource, naming), absent=False)

    def _add(self, reference: Reference, *, absent: bool) -> None:
        origin, naming = reference.origin, reference.naming
        targets: Iterable[_Key] = [r.number for r in reference.targets]
        if reference.state == "unknown":
            targets = [r.number for r in self._candidates(reference)]
        if not targets and absent:
            scopes = tuple(sorted(self.world.scopes(origin)))
            namespace = self._meant(reference)
            lack: _Absent = (reference.state, naming.group, naming.kind, namespace, naming.name, scopes)
            targets = [lack]
            where = f"namespace {namespace}" if namespace else "any namespace it could be in"
            missing = f"does not exist in {'the cluster' if _cluster_wide(naming) else where}"
            self.notes.setdefault(lack, reference.reason or missing)
        for target in targets:
            _, uses = self.edges.setdefault((origin.number, target), (reference.state, []))
            uses.append(Use(naming.role, naming.path))

    def _meant(self, reference: Reference) -> str | None:
        naming = reference.naming
        return "" if _cluster_wide(naming) else naming.namespace or self.world.namespace(reference.origin)

    def _candidates(self, reference: Reference) -> Iterator[Resource]:
        """The objects that an unknown reference may well mean: of that name, in a place that may be it."""
        naming, meant, scopes = reference.naming, self._meant(reference), self.world.scopes(reference.origin)
        for candidate in self._named.get((naming.group, naming.kind, naming.name), ()):
            there = self.world.scopes(candidate)
            # What no Application and no kustomization places may be applied to any cluster by hand.
            together = bool(scopes & there) or _by_hand(scopes) != _by_hand(there)
            if together and (not meant or self.world.namespace(candidate) in (None, "", meant)):
                yield candidate

    def sync(self, shown: Iterable[int]) -> None:
        """Lead every Application to what it delivers: to the Rollouts, and to what none of these leads to in turn."""
        wanted = set(shown)
        next_to: dict[_Key, list[_Key]] = {}
        for source, target in self.edges:
            next_to.setdefault(source, []).append(target)
        rollouts = {r.number for r in self.world.of_kind(*ROLLOUT)}
        for application in self.world.of_kind("argoproj.io", "Application"):
            if application.number not in wanted:
                continue
            delivered = [r.number for r in self.world.delivered(application) if r.number in wanted]
            inside: set[_Key] = {n for n in delivered if n != application.number}
            named = {t for s in inside for t in next_to.get(s, ()) if t != s and t in inside}
            reached: set[_Key] = set()
            for number in sorted(delivered, key=lambda n: (n not in rollouts, n in named)):
                if number in reached or number == application.number:
                    continue
                self.edges.setdefault((application.number, number), ("resolved", []))[1].append(Use(SYNCS, ()))
                todo: list[_Key] = [number]
                while todo:
                    here = todo.pop()
                    if here not in reached:
                        reached.add(here)
                        todo += [t for t in next_to.get(here, ()) if t in inside]

    def groups(self, keys: Sequence[_Key]) -> Mapping[_Key, _Group]:
        """The cluster of every node."""
        world = self.world
        found: dict[_Key, _Group] = {}
        exclusive = {deliverers[0] for deliverers in self.deliverers.values() if len(deliverers) == 1}
        for key in keys:
            if isinstance(key, int):
                found[key] = self._group(world.resources[key], exclusive)
        around: dict[_Key, set[_Group]] = {}
        for source, target in self.edges:
            for one, other in ((source, target), (target, source)):
                if other in found:
                    around.setdefault(one, set()).add(found[other])
        absorbed = {}
        for key in keys:
            near_by = around.get(key, set())
            if not isinstance(key, int):
                found[key] = next(iter(near_by)) if len(near_by) == 1 else ("absent", (), None)
            elif len(near_by) == 1 and found[key][0] == "environment" and world.namespace(world.resources[key]) == "":
                # What has no namespace of its own stands with the only ones that it is linked with.
                (only,) = near_by
                if only[:2] == found[key][:2]:
                    absorbed[key] = only
        return found | absorbed

    def _group(self, resource: Resource, exclusive: set[int]) -> _Group:
        deliverers = self.deliverers.get(resource.number, ())
        if resource.group_kind == ("argoproj.io", "Application"):
            if resource.number in exclusive:
                return "application", (resource.number,), None
            first = next(iter(self.world.delivered(resource)), None)
            deliverers = self.deliverers[first.number] if first is not None else deliverers
        if deliverers:
            return "application", tuple(sorted(deliverers)), None
        return "environment", tuple(sorted(self.world.scopes(resource))), self.world.namespace(resource)


def _by_hand(scopes: Iterable[str]) -> bool:
    return any(scope.startswith("dir:") for scope in scopes)


def _cluster_wide(naming: Naming) -> bool:
    return (naming.group, naming.kind) in CLUSTER_SCOPED


def _hosts(view: View, namespace: str | None) -> Iterator[Naming]:
    """The Services that routing rules send to, which no rule resolves as references."""
    places: list[tuple[str, str, Path]] = []
    if isinstance(view, VirtualService):
        routes = (*view.http, *view.tls, *view.tcp)
        places = [("destination", d.host, (*d.path, "destination", "host")) for r in routes for d in r.destinations]
    elif isinstance(view, DestinationRule):
        places = [("host", view.host, ("spec", "host"))]
    elif isinstance(view, Ingress):
        for backend in view.backends:
            # With an annotation of the AWS controller the name is that of an action.
            if backend.service and dig(backend.value, "service", "port", "name") != "use-annotation":
                yield Naming("backend", "", "Service", "", backend.service, backend.path)
        if view.default_service:
            yield Naming("defaultBackend", "", "Service", "", view.default_service, ("spec", "defaultBackend"))
    for role, host, path in places:
        labels = full_host(host, namespace or "").split(".")
        if len(labels) >= 3 and labels[2] == "svc" and labels[0]:
            yield Naming(role, "", "Service", labels[1], labels[0], path)


def picture(world: World, report: Report, rollout: str = "") -> Picture:
    """What to draw of a run: all of it, or (`rollout`: `namespace/name` or `name`) the neighbourhood of one Rollout.

    The neighbourhood is all that the Rollout names, directly or not, what names it, what routes to its Services, and
    the Applications that deliver any of these. Raises `UsageError` where there is no such Rollout.
    """
    draft = _Draft(world)
    draft.link()
    tallies, rules, loose = _findings(world, report)
    ends = {end for edge in draft.edges for end in edge}
    shown: set[_Key] = ends | {
        r.number for r in world.resources if r.group_kind in ALWAYS or tallies.get(r.number) is not None
    }
    focus: tuple[int, ...] = ()
    if rollout:
        focus = rollouts_named(world, rollout)
        shown = _neighbourhood(draft, focus)
        draft.edges = {ends: edge for ends, edge in draft.edges.items() if shown.issuperset(ends)}
    draft.sync(key for key in shown if isinstance(key, int))
    keys = sorted(shown, key=_order)
    groups = dict.fromkeys(keys, ("rollout", focus, None)) if focus else draft.groups(keys)
    clusters = _clusters(world, groups)
    rank = {group: position for position, group in enumerate(clusters)}
    keys.sort(key=lambda key: rank[groups[key]])
    ids = {key: f"n{number}" for number, key in enumerate(keys, 1)}
    nodes = []
    for key in keys:
        cluster = clusters[groups[key]].id
        if isinstance(key, int):
            resource = world.resources[key]
            nodes.append(
                Node(
                    id=ids[key],
                    state="present",
                    resource=resource.id,
                    namespace=world.namespace(resource),
                    file=resource.document.source,
                    cluster=cluster,
                    synced_by=tuple(ids[number] for number in draft.deliverers.get(key, ()) if number in ids),
                    findings=tallies.get(key, Tally()),
                    rules=tuple(sorted(rules.get(key, {}).items())),
                    note=_partly(world, resource),
                )
            )
        else:
            state, group, kind, namespace, name, _ = key
            absent = ResourceId(group, "", kind, namespace or "", name)
            lack: NodeState = "missing" if state == "missing" else "unknown"
            note = draft.notes[key]
            nodes.append(Node(ids[key], lack, absent, namespace, "", cluster, (), Tally(), (), note))
    place = {key: position for position, key in enumerate(keys)}
    edges = sorted(draft.edges.items(), key=lambda item: (place[item[0][0]], place[item[0][1]]))
    present = {key for key in shown if isinstance(key, int)}
    left = Counter(r.id.kind for r in world.resources if r.number not in present) if not focus else Counter[str]()
    return Picture(
        nodes=tuple(nodes),
        edges=tuple(
            Edge(f"e{number}", ids[source], ids[target], state, tuple(uses))
            for number, ((source, target), (state, uses)) in enumerate(edges, 1)
        ),
        clusters=tuple(clusters.values()),
        focus=tuple(ids[number] for number in focus),
        others=tuple(sorted(left.items())),
        loose=Tally() if focus else loose,
        tool_version=report.tool_version,
    )


def _order(key: _Key) -> tuple[bool, int, tuple[str, ...]]:
    """Objects as they stand in the files, and behind them what is not there."""
    if isinstance(key, int):
        return False, key, ()
    state, group, kind, namespace, name, scopes = key
    return True, 0, (kind, namespace or "", name, group, state, *scopes)


def _findings(world: World, report: Report) -> tuple[Mapping[int, Tally], Mapping[int, Mapping[str, int]], Tally]:
    """The active findings of every object by number, as figures and by rule, and those about no object."""
    numbers: dict[object, int] = {}
    for resource in reversed(world.resources):
        numbers[resource.id] = resource.number
    for resource in reversed(world.resources):
        numbers[resource.document, resource.id] = resource.number
    counted: dict[int | None, Counter[str]] = {}
    rules: dict[int, dict[str, int]] = {}
    for settled in report.active:
        finding = settled.finding
        number = numbers.get((finding.at.document, finding.resource), numbers.get(finding.resource))
        counted.setdefault(number, Counter())[settled.severity] += 1
        if number is not None:
            of_object = rules.setdefault(number, {})
            of_object[finding.rule] = of_object.get(finding.rule, 0) + 1
    tallies = {number: Tally(**count) for number, count in counted.items() if number is not None}
    return tallies, rules, Tally(**counted.get(None, Counter()))


def _partly(world: World, resource: Resource) -> str:
    if resource.group_kind != ("argoproj.io", "Application") or world.whole(resource):
        return ""
    some = any(True for _ in world.delivered(resource))
    return f"{'some' if some else 'nothing'} of what it syncs is among the inputs as it stands"


def _neighbourhood(draft: _Draft, focus: Sequence[int]) -> set[_Key]:
    import networkx

    graph: networkx.DiGraph[_Key] = networkx.DiGraph()
    graph.add_nodes_from(focus)
    graph.add_edges_from(draft.edges)
    found: set[_Key] = set(focus)
    for rollout in focus:
        found |= networkx.descendants(graph, rollout) | networkx.ancestors(graph, rollout)
    for key in tuple(found):
        if isinstance(key, int) and draft.world.resources[key].group_kind == ("", "Service"):
            found.update(graph.predecessors(key))
    todo = [key for key in found if isinstance(key, int)]
    while todo:
        deliverers = [number for number in draft.deliverers.get(todo.pop(), ()) if number not in found]
        found.update(deliverers)
        todo += deliverers
    return found


def _clusters(world: World, groups: Mapping[_Key, _Group]) -> Mapping[_Group, Cluster]:
    """The clusters with their titles, sorted by these; what is not there comes last."""
    members: dict[_Group, list[_Key]] = {}
    for key, group in groups.items():
        members.setdefault(group, []).append(key)
    named = []
    for group, keys in members.items():
        namespaces = {
            world.namespace(world.resources[k]) if isinstance(k, int) else k[3]
            for k in keys
            if not (isinstance(k, int) and world.resources[k].group_kind == ("argoproj.io", "Application"))
        } - {""}
        named.append((group, _title(world, group), namespaces.pop() if len(namespaces) == 1 else None))
    order = {"rollout": 0, "application": 1, "environment": 2, "absent": 3}
    named.sort(key=lambda item: (order[item[0][0]], item[1], item[2] or "", item[0][1], item[0][2] or ""))
    return {
        group: Cluster(f"c{number}", group[0], title, namespace)  # type: ignore[arg-type]
        for number, (group, title, namespace) in enumerate(named, 1)
    }


def _title(world: World, group: _Group) -> str:
    kind, parts, _ = group
    if kind == "absent":
        return "Named from several places, not among the inputs"
    if kind == "environment":
        return _places([str(scope) for scope in parts])
    names = [full_name(world, world.resources[number]) for number in parts if isinstance(number, int)]
    word = "Rollout" if kind == "rollout" else "Application"
    return f"{word}{'s' * (len(names) > 1)} {', '.join(dict.fromkeys(names))}"


def _places(scopes: Sequence[str]) -> str:
    """Scopes in words: `dir:apps/cart` is a directory, `kustomize:overlays/dev` a kustomization."""
    words = []
    for kind, word in (("dir", ""), ("kustomize", "kustomization"), ("cluster", "cluster")):
        names = [scope.partition(":")[2] for scope in scopes if scope.startswith(f"{kind}:")]
        if names:
            shown = ", ".join("the current directory" if name in ("", ".") else name for name in names)
            words.append(f"{word}{'s' * (len(names) > 1)} {shown}" if word else shown)
    return ", ".join(words)
