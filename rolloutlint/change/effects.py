"""What a sync does to the fields that controllers write: left alone, reset, lost, or frozen together with Git's change.

The writes are those of `controllers.writes`, the answers those of Argo CD's comparison and of its apply (argo-cd
`controller/sync.go`, gitops-engine `pkg/diff/diff.go`). With the objects of a cluster only what differs there counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rolloutlint.change.objects import ChangedObject, Sync
from rolloutlint.change.pairing import Key
from rolloutlint.change.result import Effect, Fate
from rolloutlint.controllers.ignore_differences import Rule, covers
from rolloutlint.controllers.sync_options import applies_server_side, diff_strategy, resource_options
from rolloutlint.controllers.writes import Apply, Consequence, Write, needs_ignore, reset_on_sync, with_inserted, writes
from rolloutlint.finding import Path
from rolloutlint.graph.references import namings
from rolloutlint.lang.intstr import int32
from rolloutlint.model import View
from rolloutlint.model.values import dig
from rolloutlint.settings import Version

_AGAIN = ("subset-removed-again", "destination-removed-again")
_FOR_GOOD = ("managed-route-lost", "promotion-unapproved", "deployment-scaled-up")
"""What the next reconcile does not bring back."""

_AUTOSCALERS = (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"))

_RESET: Mapping[Consequence, str] = {
    "weights-reset": "a release that is under way gets the weights of Git for a moment",
    "managed-route-lost": "header and mirror routes of a release that is under way are removed, and come back only "
    "when their step is entered again",
    "subset-selects-all-pods": "both subsets select the pods of both versions until the controller has written its "
    "hash again",
    "subset-removed-again": "the sync adds a subset that the controller removes at once, again and again",
    "destination-removed-again": "the sync adds a destination that the controller removes at once, again and again",
    "promotion-unapproved": "the Service selects the pods of both versions, and a release that waits for its promotion "
    "is promoted",
    "service-selects-both": "the Service selects the pods of both versions until the controller has written its hash "
    "again",
    "replicas-reset": "replicas go back to {value} until the autoscaler changes them again",
    "deployment-scaled-up": "the Deployment that the Rollout scaled down gets {value} replicas again, and keeps them",
}
_KEPT: Mapping[Consequence, str] = {
    "weights-reset": "the weights of a release are left alone",
    "managed-route-lost": "header and mirror routes of a release are left alone",
    "subset-selects-all-pods": "the hashes in the subsets are left alone",
    "promotion-unapproved": "the hash in the selector is left alone",
    "service-selects-both": "the hash in the selector is left alone",
    "replicas-reset": "the replicas of the autoscaler are left alone",
    "deployment-scaled-up": "the replicas that the Rollout set are left alone",
}


def effects(sync: Sync, argocd: Version) -> Iterator[Effect]:
    """What becomes of controllers' fields and of changes that are not applied, object by object."""
    told: set[tuple[object, ...]] = set()
    for effect in (*_of_writers(sync, argocd), *_frozen(sync)):
        same = effect.resource, effect.path, effect.fate, effect.words
        if same not in told:
            told.add(same)
            yield effect


def _frozen(sync: Sync) -> Iterator[Effect]:
    for one in sync.objects.values():
        for path in one.frozen:
            words = "the change in Git is not applied: what is ignored there keeps all of it as it is in the cluster"
            yield Effect(one.shown, generic(path), "frozen", words, one.place(path))


def _of_writers(sync: Sync, argocd: Version) -> Iterator[Effect]:
    scalers = [one for kind in _AUTOSCALERS for one in sync.of_kind(*kind) if one.after is not None]
    for rollout in sync.rollouts():
        after = rollout.rollout_after
        if after is None:
            continue
        where = rollout.key
        named = {Key(n.group, n.kind, n.namespace or where.namespace, n.name, where.copy): None for n in namings(after)}
        others = [one for one in map(sync.objects.get, named) if one is not None and one.after is not None]
        written = writes(placed(rollout), [placed(one) for one in (*others, *scalers)])
        by_key: dict[Key, list[Write]] = {}
        for write in written:
            if write.consequence != "harmless":
                target = write.target
                key = Key(target.group, target.kind, target.namespace, target.name, where.copy)
                by_key.setdefault(key, []).append(write)
        for key, some in by_key.items():
            one = sync.objects.get(key)
            if one is not None and one.after is not None and one.before is not None:
                yield from _of_object(sync, one, some, argocd)


def placed(one: ChangedObject) -> Mapping[str, Any]:
    """The desired manifest with the namespace in which it ends."""
    assert one.after is not None
    return in_namespace(one.after, one.key)


def in_namespace(view: View, key: Key) -> Mapping[str, Any]:
    """The manifest of an object, with the namespace of its identity if it has one."""
    if not key.namespace:
        return view.value
    return {**view.value, "metadata": {**view.metadata, "namespace": key.namespace}}


def _of_object(sync: Sync, one: ChangedObject, some: Sequence[Write], argocd: Version) -> Iterator[Effect]:
    assert one.after is not None
    if one.task is None or one.task.action not in ("update", "unchanged"):
        return
    application, policy = sync.application, sync.policy
    manifest, target = placed(one), some[0].target
    rules: Sequence[Rule] = application.ignore_rules if application else ()
    if not target.namespace:
        rules = [replace(rule, namespace="") for rule in rules]
    strategy = diff_strategy(application.value if application else None, manifest)
    spared = policy.apply_out_of_sync_only and one.task.action == "unchanged"
    shown = spared and any(
        needs_ignore(write, strategy) and _ignored(rules, manifest, write, some) == "no" for write in some
    )
    for write in some:
        if sync.live and not _differs(one, write):
            continue
        answer = _ignored(rules, manifest, write, some)
        if answer == "unknown":
            continue
        if not reset_on_sync(
            write,
            strategy,
            apply=how_applied(sync, one),
            ignored=answer == "yes",
            out_of_sync_only=spared and not shown,
            respect_ignore=policy.respect_ignore_differences,
            argocd=argocd,
        ):
            if answer == "yes" and write.consequence in _KEPT:
                how = "only what is out of sync is applied" if spared else "what is ignored is kept"
                yield _effect(one, write, "kept", f"{_KEPT[write.consequence]}: {how}")
            continue
        fate: Fate = "lost" if write.consequence in _FOR_GOOD else "reset"
        yield _effect(one, write, "removed-again" if write.consequence in _AGAIN else fate, _words(one, write))


def _ignored(rules: Iterable[Rule], manifest: Mapping[str, Any], write: Write, some: Sequence[Write]) -> str:
    there = with_inserted(manifest, some, write.target) if write.how == "insert" else manifest
    return covers(rules, there, write.target, [write.path], manager=write.manager).answers[write.path]


def how_applied(sync: Sync, one: ChangedObject) -> Apply:
    """How the sync applies an object."""
    application = sync.application.value if sync.application else None
    if "Replace=true" in sync.policy.options or "Replace=true" in resource_options(one.value):
        return "replace"
    return "server" if applies_server_side(application, one.value) else "client"


def _differs(one: ChangedObject, write: Write) -> bool:
    """Whether the cluster has something else there than Git: in the outermost list, or at the place itself."""
    depth = next((d for d, item in enumerate(write.path) if isinstance(item, int)), len(write.path))
    return bool(dig(one.live, *write.path[:depth]) != dig(one.after.value if one.after else None, *write.path[:depth]))


def _words(one: ChangedObject, write: Write) -> str:
    value = int32(dig(one.after.value if one.after else None, *write.path)) if write.path[-1] == "replicas" else None
    return _RESET[write.consequence].format(value=value)


def _effect(one: ChangedObject, write: Write, fate: Fate, words: str) -> Effect:
    at: Path = write.path
    while at and dig(one.after.value if one.after else None, *at) is None:
        at = at[:-1]
    return Effect(one.shown, generic(write.path), fate, words, one.place(at))


def generic(path: Path) -> str:
    """A path with all items of a list meant: `spec.http[].route[].weight`."""
    out = ""
    for item in path:
        out += "[]" if isinstance(item, int) else f".{item}" if out else item
    return out
