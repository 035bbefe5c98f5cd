"""In which order one sync of Argo CD applies, prunes and waits: phases, waves, kinds, names.

Mirrors gitops-engine `pkg/sync/sync_context.go` (getSyncTasks, Sync, runTasks), `pkg/sync/sync_tasks.go`,
`pkg/sync/sync_task.go`, `pkg/sync/sync_phase.go` and `pkg/sync/reconcile.go`. Argo CD sorts with an unstable sort
what comes out of a Go map: where it leaves an order open, the objects come out as one group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from rolloutlint.controllers.sync_options import SYNC_OPTIONS_ANNOTATION, Policy, split_annotation
from rolloutlint.controllers.sync_waves import delete_policies, hooks, is_hook, wave
from rolloutlint.settings import Version

PHASES = ("PreSync", "Sync", "PostSync", "SyncFail")
PRUNE_OFF = "prune is off"
PRUNE_FALSE = "`Prune=false`"
IS_HOOK = "it is a hook"
IS_SKIPPED = "its hook is `Skip`"

_KINDS = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)
_KIND_ORDER = {kind: order for order, kind in enumerate(_KINDS, -len(_KINDS))}
_SYNC, _SYNC_FAIL = PHASES.index("Sync"), PHASES.index("SyncFail")
_NEW_NAMESPACE = -1
_PRUNE_FOR_ALL = Version(3, 4)


class Item(NamedTuple):
    """One object of an Application: as Git has it, as the cluster has it, or both."""

    group: str
    kind: str
    namespace: str
    """Where it is in the cluster; `""` for a cluster-scoped object."""
    name: str
    """For a hook without a name: its `generateName`."""
    annotations: Mapping[str, str]
    """Those in Git; empty where Git does not have it."""
    live_annotations: Mapping[str, str]
    in_target: bool
    in_live: bool
    defines: str = ""
    """Of a CustomResourceDefinition: `group/Kind` of what it defines."""
    unchanged: bool = False
    """True where the comparison finds no difference, so that `ApplyOutOfSyncOnly=true` leaves it alone."""


class Step(NamedTuple):
    """What one sync does at once: one wave of one phase. All numbers are places in the list of items."""

    phase: str
    wave: int
    prunes: tuple[int, ...]
    """Deleted first, all at once."""
    hooks_deleted: tuple[int, ...]
    """Hooks of which an older one is deleted next, before they are created anew."""
    groups: tuple[tuple[int, ...], ...]
    """Applied one group after the other, those of a group at once or in an order that is left open."""
    waited: bool
    """True where the sync goes on, or ends, only when something of this step is healthy, finished or gone."""
    waits: tuple[int, ...] = ()
    """The applied objects that it waits for; those without a health check are done when they are applied."""
    kept: tuple[int, ...] = ()
    """Objects that would be pruned in this step, and are not: a step of its own all the same."""
    confirms: tuple[int, ...] = ()
    """Objects with `Prune=confirm`: nothing of the step happens until a person confirms it."""
    creates_namespace: bool = False
    """True where it begins with the namespace that `CreateNamespace=true` makes or labels."""


class Order(NamedTuple):
    """A whole sync. An object may be in several steps: a hook in one for each of its phases."""

    steps: tuple[Step, ...]
    """As they follow one another; `SyncFail` stands last and runs only after a failure."""
    ignored: tuple[int, ...]
    """Never applied, for what their hook annotation says; a live copy of one may be among the prunes."""
    kept: tuple[tuple[int, str], ...]
    """In the cluster, not in Git, and not pruned: why."""
    untouched: tuple[int, ...] = ()
    """Left alone by `ApplyOutOfSyncOnly=true`, or not among those that are synced."""


@dataclass(slots=True)
class _Task:
    """One object in one phase."""

    item: int
    phase: int
    wave: int
    group: str
    kind: str
    namespace: str
    name: str
    prune: bool = False
    hook: bool = False
    moved: bool = False

    def place(self) -> tuple[int, int, int, str]:
        """What Argo CD sorts by: objects with the same place have no order."""
        return self.phase, self.wave, _KIND_ORDER.get(self.kind, 0), self.name


def sync_order(
    items: Sequence[Item],
    policy: Policy,
    *,
    prune: bool,
    namespace: str = "",
    creates_namespace: bool = False,
    selected: Collection[int] | None = None,
    argocd: Version = _PRUNE_FOR_ALL,
) -> Order:
    """The steps of one sync that applies all of `items`.

    `prune` is that of the operation: `automated.prune`, or what the person asked for. `namespace` is the
    Application's. `creates_namespace`: `CreateNamespace=true` is set, and the namespace is new or has managed
    metadata. `selected`: a sync of these items only, as self-heal does it; hooks are not run then. Before Argo CD 3.4
    `Prune=` counts in the annotation of an object only.
    """
    fallback = _value(sorted(policy.options), "Prune") if argocd >= _PRUNE_FOR_ALL else ""
    tasks: list[_Task] = []
    ignored: list[int] = []
    kept: list[tuple[int, str]] = []
    untouched: list[int] = []
    keeping: set[int] = set()
    for number, item in enumerate(items):
        phases = _phases(item)
        if item.in_target and not phases:
            ignored.append(number)
        if selected is not None and (number not in selected or (item.in_target and is_hook(item.annotations))):
            untouched.append(number)
            continue
        tasks += [_apply_task(number, item, phase, namespace) for phase in phases]
        if not _may_prune(item, phases):
            continue
        if is_hook(item.live_annotations):
            if not phases:
                kept.append((number, IS_SKIPPED if _skipped(item.live_annotations) else IS_HOOK))
            continue
        reason = _kept(item, fallback, prune)
        if reason:
            kept.append((number, reason))
            keeping.add(number)
        tasks.append(_prune_task(number, item))
    if creates_namespace and namespace and not any(_is_namespace(item, namespace) for item in items):
        tasks.append(_Task(_NEW_NAMESPACE, 0, 0, "", "Namespace", namespace, namespace))
    _swap_prune_waves(tasks)
    _prune_last(tasks, items, policy)
    tasks.sort(key=lambda t: (*t.place(), t.kind, t.group, t.namespace, t.item))
    _bubble(tasks, _namespace_made, lambda t: t.namespace or namespace)
    _bubble(tasks, lambda t: _defined(t, items), lambda t: f"{t.group}/{t.kind}")
    ends = [(t.phase, t.wave) for t in tasks if t.item != _NEW_NAMESPACE]
    several = bool(ends) and ends[0] != ends[-1]
    if policy.apply_out_of_sync_only:
        idle = {t.item for t in tasks if not t.prune and not t.hook and t.item >= 0 and _idle(items[t.item])}
        untouched += sorted(idle)
        tasks = [t for t in tasks if t.prune or t.item not in idle]
    parts = _parts(tasks, items, namespace)
    last = max((n for n, part in enumerate(parts) if part[0].phase != _SYNC_FAIL), default=-1)
    pruned = {t.item for t in tasks if t.prune} - keeping
    steps = tuple(_step(part, items, fallback, keeping, pruned, n < last, several) for n, part in enumerate(parts))
    return Order(steps, tuple(ignored), tuple(kept), tuple(sorted(untouched)))


def _phases(item: Item) -> tuple[int, ...]:
    """The phases in which Git's object is applied, in their order."""
    if not item.in_target:
        return ()
    if not is_hook(item.annotations):
        return (_SYNC,)
    return tuple(sorted(PHASES.index(hook) for hook in hooks(item.annotations) if hook in PHASES))


def _skipped(annotations: Mapping[str, str]) -> bool:
    return hooks(annotations) == ("Skip",)


def _may_prune(item: Item, phases: tuple[int, ...]) -> bool:
    """True where the live object belongs to no manifest: Git has none, or one that is a hook or ignored."""
    if not item.in_live:
        return False
    if not item.in_target:
        return True
    if not is_hook(item.annotations) or _skipped(item.annotations):
        return False
    # A hook that is created before the prune would come takes the object over, annotation and all.
    return not phases or (phases[0], wave(item.annotations)) >= (_SYNC, wave(item.live_annotations))


def _apply_task(number: int, item: Item, phase: int, namespace: str) -> _Task:
    return _Task(
        number,
        phase,
        wave(item.annotations),
        item.group,
        item.kind,
        item.namespace or namespace,
        item.name,
        hook=is_hook(item.annotations),
    )


def _prune_task(number: int, item: Item) -> _Task:
    place = item.group, item.kind, item.namespace, item.name
    return _Task(number, _SYNC, wave(item.live_annotations), *place, prune=True)


def _kept(item: Item, fallback: str, prune: bool) -> str:
    """Why an object that should go stays; `""` where it goes. `IgnoreExtraneous` protects nothing."""
    if not prune:
        return PRUNE_OFF
    return PRUNE_FALSE if _prune_option(item, fallback) == "false" else ""


def _prune_option(item: Item, fallback: str) -> str:
    """The value of `Prune=`: the live object's, else the Application's."""
    return _value(split_annotation(item.live_annotations.get(SYNC_OPTIONS_ANNOTATION)), "Prune") or fallback


def _value(options: Iterable[str], name: str) -> str:
    return next((option[len(name) + 1 :] for option in options if option.startswith(f"{name}=")), "")


def _is_namespace(item: Item, name: str) -> bool:
    is_namespace = item.kind == "Namespace" and not item.group and item.name == name
    return is_namespace and item.in_target and not is_hook(item.annotations)


def _swap_prune_waves(tasks: Iterable[_Task]) -> None:
    """Prunes take the waves of the prunes the other way round."""
    prunes = [task for task in tasks if task.prune]
    waves = sorted({task.wave for task in prunes})
    swapped = dict(zip(waves, reversed(waves), strict=True))
    for task in prunes:
        task.wave = swapped[task.wave]


def _prune_last(tasks: Iterable[_Task], items: Sequence[Item], policy: Policy) -> None:
    """Prunes with `PruneLast=true`, the Application's or the live object's, follow the last wave of the phase."""
    last = max((task.wave for task in tasks if task.phase == _SYNC), default=0)
    for task in tasks:
        if task.prune and (
            policy.prune_last
            or "PruneLast=true" in split_annotation(items[task.item].live_annotations.get(SYNC_OPTIONS_ANNOTATION))
        ):
            task.wave = max(last, 0) + 1


def _namespace_made(task: _Task) -> str:
    return task.name if task.kind == "Namespace" and not task.group else ""


def _defined(task: _Task, items: Sequence[Item]) -> str:
    return items[task.item].defines if task.item >= 0 else ""


def _bubble(tasks: list[_Task], made: Callable[[_Task], str], needed: Callable[[_Task], str]) -> None:
    """Put what others depend on before the first of them, into its phase and wave (`sync_tasks.go adjustDeps`)."""
    first: dict[str, int] = {}
    for at in range(len(tasks)):
        task = tasks[at]
        if task.prune:
            continue
        makes = made(task)
        if not makes:
            key = needed(task)
            if key:
                first.setdefault(key, at)
            continue
        before = first.get(makes)
        if before is None:
            continue
        while before and tasks[before].place() == tasks[before - 1].place() and not tasks[before].moved:
            before -= 1
        task.phase, task.wave, task.moved = tasks[before].phase, tasks[before].wave, True
        del tasks[at]
        tasks.insert(before, task)
        first = {key: index + (index >= before) for key, index in first.items()}


def _idle(item: Item) -> bool:
    return item.unchanged and item.in_live


def _parts(tasks: list[_Task], items: Sequence[Item], namespace: str) -> list[list[_Task]]:
    """The tasks that run together: of one phase and wave, of `SyncFail` all. A new namespace comes before all."""
    new = next((t for t in tasks if t.name == namespace and _namespace_made(t) and _is_new(t, items)), None)
    parts: list[list[_Task]] = []
    if new and (new.phase, new.wave) != (tasks[0].phase, tasks[0].wave):
        parts.append([new])
        tasks = [task for task in tasks if task is not new]
    parts += [list(part) for _, part in groupby(tasks, lambda t: (t.phase, t.wave if t.phase != _SYNC_FAIL else 0))]
    return parts


def _is_new(task: _Task, items: Sequence[Item]) -> bool:
    return task.item == _NEW_NAMESPACE or not (task.prune or items[task.item].in_live)


def _step(
    tasks: list[_Task],
    items: Sequence[Item],
    fallback: str,
    keeping: set[int],
    pruned: set[int],
    followed: bool,
    several: bool,
) -> Step:
    prunes = [task.item for task in tasks if task.prune]
    gone = [number for number in prunes if number not in keeping]
    applied = [task for task in tasks if not task.prune and task.item != _NEW_NAMESPACE]
    hooked = [task for task in applied if task.hook]
    if followed or (hooked and several):
        waits = applied
    else:
        waits = hooked
    return Step(
        PHASES[tasks[0].phase],
        tasks[0].wave,
        prunes=tuple(gone),
        hooks_deleted=tuple(t.item for t in hooked if _deleted_first(t, items[t.item], t.item in pruned)),
        groups=_groups(applied),
        waited=bool(waits) or (followed and bool(gone)),
        waits=tuple(task.item for task in waits),
        kept=tuple(number for number in prunes if number in keeping),
        confirms=tuple(number for number in prunes if _prune_option(items[number], fallback) == "confirm"),
        creates_namespace=any(task.item == _NEW_NAMESPACE for task in tasks),
    )


def _deleted_first(task: _Task, item: Item, pruned: bool) -> bool:
    """A hook that is there already: from an earlier sync, or from an earlier phase of this one."""
    if "BeforeHookCreation" not in delete_policies(item.annotations):
        return False
    return task.phase > _phases(item)[0] or (item.in_live and not pruned)


def _groups(tasks: Sequence[_Task]) -> tuple[tuple[int, ...], ...]:
    """Consecutive objects of one kind are applied at once; objects of other kinds in the same place have no order."""
    groups: list[list[_Task]] = []
    closed = True
    for _, same in groupby(enumerate(tasks), lambda pair: (pair[0], ()) if pair[1].moved else (-1, pair[1].place())):
        tied = [task for _, task in same]
        mixed = len({task.kind for task in tied}) > 1
        if groups and not closed and not mixed and groups[-1][0].kind == tied[0].kind:
            groups[-1] += tied
        else:
            groups.append(tied)
        closed = mixed
    return tuple(tuple(task.item for task in group) for group in groups)
