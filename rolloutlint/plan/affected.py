"""The objects of the previous state whose findings may differ from those of the desired state.

A finding about an object depends on the object, on what it names and what names it, and on what the Applications that
sync it bring besides; where objects come, go or change their labels, on what else there is in the namespace. Where a
change reaches further than that, all objects are affected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from rolloutlint.change.pairing import APPLICATION, Key, key_of
from rolloutlint.engine import Run
from rolloutlint.graph import World
from rolloutlint.model import Resource
from rolloutlint.model.values import dig, mapping, string_map

Files = frozenset[str]

_LOCAL = frozenset(
    (
        ("argoproj.io", "Rollout"),
        ("argoproj.io", "AnalysisTemplate"),
        ("argoproj.io", "Application"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("batch", "CronJob"),
        ("batch", "Job"),
        ("policy", "PodDisruptionBudget"),
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "Service"),
        ("", "ServiceAccount"),
    )
)
"""Kinds that nobody asks about from afar, but by name. Routes, projects and sets reach into other namespaces."""
_SYSTEM = "argocd-cm"


def affected_files(previous: Run, desired: Run) -> Files | None:
    """The previous files with objects whose findings may differ; `None` where that may be any."""
    before, after = previous.world, desired.world
    if not _comparable(before, after) or previous.loaded.sets or desired.loaded.sets:
        return None
    old, new = previous.loaded.digests, desired.loaded.digests
    gone = [name for name, digest in old.items() if new.get(name) != digest]
    came = [name for name, digest in new.items() if old.get(name) != digest]
    changed = [(before, r) for name in gone for r in before.in_file(name)]
    changed += [(after, r) for name in came for r in after.in_file(name)]
    if any(one.group_kind not in _LOCAL or one.id.name == _SYSTEM for _, one in changed):
        return None
    found = {*gone, *came}
    for world, one in changed:
        if not world.namespace(one):
            return None
        found.update(_near(world, one))
    spaces = _spaces(changed)
    if spaces and _scopes(before, old.keys() & new.keys()) != _scopes(after, old.keys() & new.keys()):
        return None
    if any(one.group_kind == ("argoproj.io", "Application") for _, one in changed):
        found.update(one.document.source for world in (before, after) for one in world.of_kind(*APPLICATION))
    for one in before.resources if spaces else ():
        namespace = before.namespace(one)
        if namespace is None or any((scope, namespace) in spaces for scope in before.scopes(one)):
            found.add(one.document.source)
    return frozenset(found)


def _spaces(changed: Iterable[tuple[World, Resource]]) -> set[tuple[str, str]]:
    """The scopes and namespaces in which there is another object than before, or one with other labels."""
    seen: dict[tuple[Key, object], list[tuple[World, Resource]]] = {}
    for world, one in changed:
        seen.setdefault((key_of(world, one), _labels(one)), []).append((world, one))
    alone = [found for found in seen.values() if len({id(world) for world, _ in found}) < 2]
    return {
        (scope, world.namespace(one) or "") for found in alone for world, one in found for scope in world.scopes(one)
    }


def _scopes(world: World, files: Iterable[str]) -> Mapping[str, Set[str]]:
    """The scopes of files: an object that is there twice divides the directories that hold it."""
    return {file: world.scopes(found[0]) for file in files if (found := world.in_file(file))}


def _labels(resource: Resource) -> object:
    """All by which an object is selected, or selects others."""
    value = resource.thaw()
    spec = mapping(value.get("spec"))
    return tuple(
        tuple(sorted(string_map(labels).items()))
        for labels in (
            dig(value, "metadata", "labels"),
            spec.get("selector"),
            dig(spec, "selector", "matchLabels"),
            dig(spec, "template", "metadata", "labels"),
        )
    )


def _comparable(before: World, after: World) -> bool:
    """Whether the surroundings of the files are the same: no renderer that may have changed, no other file unread."""
    old, new = before.layout, after.layout
    if old.kustomizations or new.kustomizations or old.charts or new.charts or old.rendered or new.rendered:
        return False
    return old.unread == new.unread and before.closed == after.closed


def _near(world: World, one: Resource) -> Iterator[str]:
    """The files of what an object names, of what names it, and of the Applications that sync it, with all of theirs."""
    for reference in world.references(one):
        yield from _files(reference.targets)
    yield from _files(reference.origin for reference in world.referrers(one))
    for application in world.applications(one):
        yield application.resource.document.source
        yield from _files(world.delivered(application.resource))
    yield from _files(world.delivered(one))


def _files(resources: Iterable[Resource]) -> Iterator[str]:
    return (resource.document.source for resource in resources)
