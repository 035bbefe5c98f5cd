"""Which object of the desired state is which of the previous one, Application by Application.

Mirrors argo-cd `controller/state.go` (what a target and a live object have in common is group, kind, namespace and
name; of two manifests with one identity the last counts) and `util/argo/resource_tracking.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rolloutlint.change.result import Mode
from rolloutlint.finding import ResourceId
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource
from rolloutlint.model.resource import CLUSTER_SCOPED
from rolloutlint.model.values import mapping, text
from rolloutlint.settings import Version

APPLICATION = ("argoproj.io", "Application")
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"
TRACKS_BY_ANNOTATION = Version(3, 0)
"""The release since which Argo CD knows its objects by an annotation; before, by a label."""


class Key(NamedTuple):
    """What makes two manifests one object."""

    group: str
    kind: str
    namespace: str
    """The namespace in which it ends."""
    name: str
    copy: str = ""
    """The file it stands in, where no Application is there to tell several of one identity apart."""


class Pair(NamedTuple):
    """One object before and after; never neither."""

    key: Key
    before: Resource | None
    after: Resource | None

    @property
    def same(self) -> bool:
        """Whether the manifests are equal."""
        if self.before is None or self.after is None:
            return False
        # Equal bytes are equal values; equal values may differ in bytes, by what shares an object in memory.
        return self.before.frozen == self.after.frozen or self.before.thaw() == self.after.thaw()


class PairedApplication(NamedTuple):
    """An Application before and after with its objects; without either, all objects of inputs that hold none."""

    before: Resource | None
    after: Resource | None
    pairs: tuple[Pair, ...]
    """In order of the desired files, then those that are gone."""

    @property
    def resource(self) -> Resource | None:
        """The Application as it will be, or as it was where it is gone."""
        return self.after or self.before

    @property
    def same(self) -> bool:
        """Whether nothing differs, the Application itself included."""
        alone = self.before is None and self.after is None
        own = alone or Pair(Key("", "", "", ""), self.before, self.after).same
        return own and all(pair.same for pair in self.pairs)


def paired(previous: World, desired: World, mode: Mode, argocd: Version) -> Iterator[PairedApplication]:
    """The Applications of both states with their objects, in order of name; those that are gone come last.

    `live`: the previous objects are those of a cluster. They belong to an Application by what Argo CD wrote to them,
    and an Application that only the cluster has is no part of the plan, unless it is the only one.
    """
    before, after = previous.of_kind(*APPLICATION), desired.of_kind(*APPLICATION)
    if mode == "live":
        yield from _with_cluster(previous, desired, before, after, argocd)
        return
    if not before and not after:
        yield PairedApplication(None, None, tuple(_all(previous, desired)))
        return
    gone = {_identity(previous, one): one for one in before}
    for one in sorted(after, key=lambda r: _identity(desired, r)):
        old = gone.pop(_identity(desired, one), None)
        own = _delivered(previous, old) if old is not None else {}
        yield PairedApplication(old, one, tuple(_joined(own, _delivered(desired, one))))
    for _, old in sorted(gone.items()):
        yield PairedApplication(old, None, tuple(_joined(_delivered(previous, old), {})))


def unsynced(previous: World, desired: World) -> Iterator[Resource]:
    """The desired objects that differ from the previous ones and that no Application syncs, though there are some."""
    if not desired.of_kind(*APPLICATION):
        return
    old: dict[Key, list[Resource]] = {}
    for one in previous.resources:
        if not previous.applications(one):
            old.setdefault(key_of(previous, one), []).append(one)
    for one in desired.resources:
        if one.group_kind == APPLICATION or desired.applications(one):
            continue
        if not any(Pair(key_of(desired, one), other, one).same for other in old.get(key_of(desired, one), ())):
            yield one


def key_of(world: World, resource: Resource, namespace: str = "") -> Key:
    """The identity with which an object ends in a cluster; `namespace` is that of objects that state none.

    A hook without a name is known by its `generateName`.
    """
    if resource.group_kind in CLUSTER_SCOPED:
        where = ""
    else:
        where = world.namespace(resource) or resource.id.namespace or namespace
    name = resource.id.name or text(mapping(resource.thaw().get("metadata")).get("generateName"))
    return Key(*resource.group_kind, where, name)


def placed(resource: ResourceId, key: Key) -> ResourceId:
    """The identity of an object as it will be in the cluster."""
    return resource._replace(namespace=key.namespace)


def _identity(world: World, application: Resource) -> tuple[str, str]:
    key = key_of(world, application)
    return key.name, key.namespace


def _delivered(world: World, application: Resource) -> Mapping[Key, Resource]:
    """The objects of an Application by identity; the last of several with one identity counts."""
    namespace = Application(application).destination_namespace
    return {key_of(world, one, namespace): one for one in world.delivered(application)}


def _joined(before: Mapping[Key, Resource], after: Mapping[Key, Resource]) -> Iterator[Pair]:
    for key, one in after.items():
        yield Pair(key, before.get(key), one)
    for key, one in before.items():
        if key not in after:
            yield Pair(key, one, None)


def _all(previous: World, desired: World) -> Iterator[Pair]:
    """All objects of both states: environments that hold the same names are told apart by their files."""
    before, after = _by_key(previous), _by_key(desired)
    several = {key for some in (before, after) for key, found in some.items() if len(found) > 1}

    def told_apart(found: Mapping[Key, Sequence[Resource]]) -> Mapping[Key, Resource]:
        return {
            key._replace(copy=one.document.source) if key in several else key: one
            for key, same in found.items()
            for one in same
        }

    return _joined(told_apart(before), told_apart(after))


def _by_key(world: World) -> Mapping[Key, list[Resource]]:
    found: dict[Key, list[Resource]] = {}
    for one in world.resources:
        key = key_of(world, one)
        if key.name:
            found.setdefault(key, []).append(one)
    return found


# ---- with a cluster ------------------------------------------------------------------------------------------


def _with_cluster(
    cluster: World,
    desired: World,
    before: Sequence[Resource],
    after: Sequence[Resource],
    argocd: Version,
) -> Iterator[PairedApplication]:
    live = {key_of(cluster, one): one for one in cluster.resources if one.id.name}
    by_annotation = argocd >= TRACKS_BY_ANNOTATION
    tracked: dict[str, list[Resource]] = {}
    for one in live.values():
        if one.mentions(TRACKING) or (not by_annotation and one.mentions(INSTANCE)):
            owner = _owner(one, by_annotation)
            if owner:
                tracked.setdefault(owner, []).append(one)
    known = {_identity(cluster, one): one for one in before}
    if after:
        for one in sorted(after, key=lambda r: _identity(desired, r)):
            old = known.get(_identity(desired, one)) or _of_name(before, one.id.name)
            yield _against(cluster, old, one, _delivered(desired, one), live, tracked)
        return
    everything = {
        key_of(desired, one, _destination(before)): one
        for one in desired.resources
        if one.id.name and one.group_kind != APPLICATION
    }
    yield _against(cluster, before[0] if len(before) == 1 else None, None, everything, live, tracked)


def _destination(applications: Sequence[Resource]) -> str:
    return Application(applications[0]).destination_namespace if len(applications) == 1 else ""


def _of_name(applications: Iterable[Resource], name: str) -> Resource | None:
    found = [one for one in applications if one.id.name == name]
    return found[0] if len(found) == 1 else None


def _against(
    cluster: World,
    old: Resource | None,
    new: Resource | None,
    desired: Mapping[Key, Resource],
    live: Mapping[Key, Resource],
    tracked: Mapping[str, Sequence[Resource]],
) -> PairedApplication:
    pairs: dict[Key, Pair] = {}
    for key, one in desired.items():
        found = live.get(key) or live.get(key._replace(namespace=""))
        if found is not None and not found.id.namespace:
            key = key._replace(namespace="")  # the cluster knows that its kind has no namespace
        pairs[key] = Pair(key, found, one)
    application = new or old
    if application is not None:
        owners = {application.id.name, f"{application.id.namespace}_{application.id.name}"}
    else:
        owners = {_owner(pair.before, True) for pair in pairs.values() if pair.before is not None} - {""}
    for owner in sorted(owners):
        for one in tracked.get(owner, ()):
            key = key_of(cluster, one)
            pairs.setdefault(key, Pair(key, one, None))
    return PairedApplication(old, new, tuple(pairs.values()))


def _owner(resource: Resource | None, by_annotation: bool) -> str:
    """The Application that synced an object of a cluster, as Argo CD has written it there; `""` for none.

    A copy that a controller made of the object with its annotations names another object: it belongs to none, and
    neither does what another object owns (gitops-engine `pkg/cache/cluster.go`).
    """
    if resource is None:
        return ""
    metadata = mapping(resource.thaw().get("metadata"))
    if metadata.get("ownerReferences"):
        return ""
    if not by_annotation:
        return text(mapping(metadata.get("labels")).get(INSTANCE))
    owner, _, rest = text(mapping(metadata.get("annotations")).get(TRACKING)).partition(":")
    kind, _, name = rest.partition(":")
    own = f"{resource.id.group}/{resource.id.kind}"
    return owner if kind == own and name.rpartition("/")[2] == resource.id.name else ""
