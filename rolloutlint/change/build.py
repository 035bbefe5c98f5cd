"""One Application's sync from its paired objects: what is applied, in which order, what that starts and waits for.

Joins the models of `controllers`: apply and comparison (`applying`), order (`sync_order`), health (`health`), releases
(`revisions`), and the simulated Rollouts. Facts: argo-cd `controller/sync.go`, gitops-engine `pkg/sync`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rolloutlint.change.at_rest import Value, Writer, at_rest, levelled, writers
from rolloutlint.change.configs import configs_of
from rolloutlint.change.differences import differences
from rolloutlint.change.effects import effects, in_namespace, placed
from rolloutlint.change.objects import ChangedObject, ReplicaSets, Sync
from rolloutlint.change.pairing import Key, Pair, PairedApplication
from rolloutlint.change.releases import STARTING, release
from rolloutlint.change.result import (
    Action,
    ApplicationPlan,
    FieldChange,
    Mode,
    Phase,
    RolloutChange,
    Stage,
    Task,
    Wait,
)
from rolloutlint.controllers.applying import Synced, sync
from rolloutlint.controllers.auto_sync import Situation, obstacles, starts
from rolloutlint.controllers.health import gate, health_overrides, live_health
from rolloutlint.controllers.known_types import as_compared
from rolloutlint.controllers.normalizing import Foreign
from rolloutlint.controllers.sync_options import Policy
from rolloutlint.controllers.sync_order import PHASES, Item, Order, Step, sync_order
from rolloutlint.controllers.sync_waves import is_hook, wave
from rolloutlint.controllers.sync_windows import Permission, concerning, ever, windows
from rolloutlint.finding import Place, ResourceId
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource, Rollout, view_of
from rolloutlint.model.values import dig, mapping, sequence, text
from rolloutlint.settings import Settings

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OWN_ANNOTATIONS = (LAST_APPLIED, "argocd.argoproj.io/tracking-id")
_OWN_METADATA = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
FINALIZER = "resources-finalizer.argocd.argoproj.io"
_ALONE = Policy(prune=True)
"""Without any Application: what Git no longer has goes."""

_UNREAD = "no phase of a sync reads its hook annotation: it is never applied"

Moved = Callable[[Resource], Resource]


class Operation(NamedTuple):
    """How a sync is started: by default as the Application says it."""

    manual: bool = False
    """Started by a person, even where the Application is automated."""
    prune: bool = False
    """Of a manual one: whether it prunes."""
    options: frozenset[str] | None = None
    """Of a manual one: the options that replace those of the Application (argo-cd `server/application`)."""


class Given(NamedTuple):
    """What the plans of all Applications have in common."""

    previous: World
    desired: World
    mode: Mode
    settings: Settings
    moved: Moved
    """Gives a previous object the name of its file by which findings and tasks can point at it."""
    operation: Operation
    replica_sets: ReplicaSets
    foreign: Foreign | None = None
    """Asks jq about ignored expressions beyond paths."""


@dataclass(slots=True)
class _Built:
    """What is known of one object while its Application is planned."""

    one: ChangedObject
    pair: Pair
    synced: Synced | None = None
    changes: tuple[FieldChange, ...] = ()
    notes: list[str] = field(default_factory=list)
    release: RolloutChange | None = None
    unchanged: bool = False
    """Whether Argo CD sees no difference."""


def plan_application(application: PairedApplication, given: Given) -> tuple[ApplicationPlan, Sync]:
    """The plan of one sync, and its objects for the rules about changes."""
    return _Planner(application, given).plan()


def quiet_plan(application: PairedApplication, desired: World) -> ApplicationPlan:
    """The plan of an Application of which nothing differs: no sync starts, and one would change nothing."""
    return _frame(Application(application.after) if application.after is not None else None, (), desired)


def _frame(view: Application | None, stages: Sequence[Stage], world: World) -> ApplicationPlan:
    if view is None:
        return ApplicationPlan(None, None, "", "", (), tuple(stages))
    where = world.namespace(view.resource) or view.id.namespace
    return ApplicationPlan(
        application=view.id._replace(namespace=where),
        place=view.place(("metadata", "name")),
        namespace=view.destination_namespace,
        cluster=view.destination,
        policy=tuple(_policy_words(view.policy)),
        stages=tuple(stages),
    )


def _policy_words(policy: Policy) -> Iterator[str]:
    yield "automated" if policy.automated else "manual"
    if policy.self_heal:
        yield "self-heal"
    if policy.prune:
        yield "prune"
    yield from sorted(policy.options)


class _Planner:
    def __init__(self, application: PairedApplication, given: Given) -> None:
        previous, desired, mode, self.settings, self.moved, operation, replica_sets, self.foreign = given
        self.previous = previous
        self.desired = desired
        self.gone = application.after is None and application.before is not None and mode == "git"
        before = view_of(self.moved(application.before)) if application.before else None
        after = view_of(application.after) if application.after else None
        self.before = before if isinstance(before, Application) else None
        self.application = after if isinstance(after, Application) else self.before
        policy = self.application.policy if self.application else _ALONE
        if self.gone:
            policy = policy._replace(prune=self._cascades())
        elif operation.manual and self.application is not None:
            options = policy.options if operation.options is None else operation.options
            policy = policy._replace(prune=operation.prune, options=options)
        self.operation = operation
        self.sync = Sync(previous, desired, mode, self.before, self.application, policy)
        self.sync.replica_sets = replica_sets
        self.elsewhere = bool(
            self.before and self.application and self.before.destination != self.application.destination
        )
        """Whether it now goes to another cluster, where nothing of what was there is found."""
        pairs = application.pairs
        self.pairs = tuple(Pair(p.key, None, p.after) for p in pairs if p.after) if self.elsewhere else pairs
        self.same_application = self.before is None or (
            self.application is not None and self.before.value == self.application.value
        )
        self.writers: Mapping[Key, Sequence[Writer]] = {}
        self.built: list[_Built] = []
        self.notes: list[str] = []

    # ---- the whole ---------------------------------------------------------------------------------------------

    def plan(self) -> tuple[ApplicationPlan, Sync]:
        self.built = [self._object(pair) for pair in self.pairs]
        rollouts = [(b.one.key, b.one) for b in self.built if b.one.key.kind == "Rollout"]
        views = [(k, v) for k, one in rollouts for v in (one.rollout_after or one.rollout_before,) if v is not None]
        self.writers = writers(views, {b.one.key: b.one.value for b in self.built})
        self.sync.written = frozenset((*self.writers, *(key for key, _ in rollouts)))
        for built in self.built:
            self._apply(built)
        for built in self.built:
            if isinstance(built.one.after, Rollout):
                built.release = release(built.one, self.settings)
        self._note_configs()
        order = self._order()
        stages = self._stages(order)
        self.sync.effects = tuple(effects(self.sync, self.settings.targets.argocd))
        anything = self._anything(stages)
        plan = _frame(self.application, stages if anything else (), self.previous if self.gone else self.desired)
        begins, hindered = self._by_itself()
        plan = plan._replace(
            effects=self.sync.effects if anything else (),
            starts=begins,
            obstacles=hindered,
            notes=tuple(self._application_notes()),
        )
        return plan, self.sync

    def _by_itself(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Why Argo CD starts the sync by itself, and what keeps it from that."""
        application = self.application
        if application is None or self.operation.manual or self.gone:
            return (), ()
        value = application.value
        if self.sync.live and self.before is not None:
            value = {
                **value,
                "status": self.before.value.get("status"),
                "operation": self.before.value.get("operation"),
            }
        synced = [b for b in self.built if b.one.after is not None and not is_hook(b.one.after.annotations)]
        differing = [b for b in synced if not b.unchanged]
        prunes = [b for b in self.built if b.one.task is not None and b.one.task.action in ("prune", "keep")]
        unknown = any(b.synced is not None and b.synced.compared.shown is None for b in differing)
        out_of_sync = None if unknown and len(differing) == 1 and not prunes else bool(differing or prunes)
        project = self._project(application)
        situation = Situation(
            out_of_sync=out_of_sync,
            only_prunes=bool(prunes) and not differing,
            all_pruned=bool(prunes) and not synced,
            new_revision=None if self.sync.live else True,
            window=project,
        )
        return starts(value, situation), tuple(o.words for o in obstacles(value, situation))

    def _project(self, application: Application) -> Permission:
        """What the sync windows of its AppProject permit, where that is among the inputs."""
        name = text(application.spec.get("project"))
        for resource in self.desired.of_kind("argoproj.io", "AppProject"):
            if resource.id.name == name:
                listed = windows(mapping(resource.thaw().get("spec")))
                return ever(concerning(listed, application.value))
        return "yes"

    def _cascades(self) -> bool:
        """Whether deleting the Application deletes its objects."""
        finalizers = sequence(self.application.metadata.get("finalizers")) if self.application else ()
        return any(text(finalizer).startswith(FINALIZER) for finalizer in finalizers)

    def _anything(self, stages: Sequence[Stage]) -> bool:
        """Whether a sync has anything to do: hooks alone start none."""
        quiet: tuple[Action, ...] = ("unchanged", "hook", "ignore")
        tasks = [task for stage in stages for group in stage.groups for task in group]
        changed_hook = any(t.action == "hook" and (t.changes or "new" in t.notes) for t in tasks)
        return changed_hook or not self.same_application or any(t.action not in quiet or t.rollout for t in tasks)

    def _application_notes(self) -> Iterator[str]:
        if self.gone:
            what = "its objects are deleted with it" if self._cascades() else "its objects stay: it has no finalizer"
            yield f"the Application is gone from Git: once it is deleted in the cluster, {what}"
        elif self.application is not None and self.before is None and not self.sync.live:
            yield "a new Application"
        if self.elsewhere:
            yield "it goes to another cluster now: what it brought to the old one stays there"
        yield from self.notes

    # ---- objects -----------------------------------------------------------------------------------------------

    def _object(self, pair: Pair) -> _Built:
        before = view_of(self.moved(pair.before)) if pair.before is not None else None
        after = self.desired.view(pair.after) if pair.after is not None else None
        shown = after or before
        assert shown is not None, "a pair has an object on one side"
        one = ChangedObject(shown.resource, dict(shown.value), self.sync, pair.key, before, after)
        self.sync.objects[pair.key] = one
        return _Built(one, pair)

    def _apply(self, built: _Built) -> None:
        one, pair = built.one, built.pair
        after = one.after
        how = self.writers.get(one.key, ())
        if one.before is not None:
            value = in_namespace(one.before, one.key)
            one.live = value if self.sync.live else at_rest(value, how)
            if not self.sync.live and self.sync.policy.respect_ignore_differences:
                # Each new revision the controller updates the Rollout as a Go type (`rollout/sync.go
                # setRolloutRevision`): at rest the pod template is spelt as Argo CD spells it, so that it is no
                # difference which an ignored field beside it would freeze.
                one.live = as_compared(one.live, one.key.group, one.key.kind)
        if after is None:
            return
        if self.desired.patched(after.resource, ()):
            built.notes.append("a kustomization changes it: what is applied is known only once it is rendered")
        if is_hook(after.annotations):
            if one.before is None:
                built.notes.append("new")
            elif not pair.same:
                built.changes = tuple(differences(one.before.value, after.value))
            one.applied = after.value
            return
        target = placed(one)
        if one.before is None:
            one.applied = target
            return
        if not self.sync.live and pair.same and self.same_application:
            one.applied, built.unchanged = one.live, True
            return
        synced = sync(
            target,
            one.live,
            self._last_applied(one),
            self.application.value if self.application else None,
            self.settings.targets.argocd,
            self.foreign,
            options=self.operation.options,
        )
        built.synced, one.applied, one.frozen = synced, synced.after, synced.frozen
        built.unchanged = synced.compared.shown is False
        if synced.after is None:
            built.notes.append("what is applied depends on who wrote the fields of the object in the cluster")
            built.changes = tuple(self._shown(built, one.before.value, after.value, how))
        else:
            built.changes = tuple(self._shown(built, one.live, synced.after, how))
        if not pair.same and not built.changes and not one.frozen and not self.sync.live:
            built.notes.append("written differently in Git; nothing changes in the cluster")

    def _last_applied(self, one: ChangedObject) -> Value | None:
        assert one.before is not None
        if not self.sync.live:
            return in_namespace(one.before, one.key)
        written = one.before.annotations.get(LAST_APPLIED)
        try:
            value = json.loads(written) if written else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def _shown(
        self, built: _Built, before: Value | None, after: Value | None, how: Sequence[Writer]
    ) -> Iterator[FieldChange]:
        """What a reader is shown: without what controllers and servers write, and without what is secret."""
        if before is None or after is None:
            return
        secret = built.one.key.kind == "Secret" and not built.one.key.group
        for change in differences(plain(levelled(before, how)), plain(levelled(after, how))):
            if secret and change.path.startswith(("data", "stringData")):
                hidden = change._replace(before=change.before and '"***"', after=change.after and '"***"')
                yield hidden
            else:
                yield change

    # ---- order -------------------------------------------------------------------------------------------------

    def _order(self) -> Order:
        options = self.sync.policy.options
        application = self.application
        return sync_order(
            [self._item(built) for built in self.built],
            self.sync.policy,
            prune=self.sync.policy.prune,
            namespace=application.destination_namespace if application else "",
            creates_namespace="CreateNamespace=true" in options and application is not None and self.before is None,
            argocd=self.settings.targets.argocd,
        )

    def _item(self, built: _Built) -> Item:
        one = built.one
        names = dig(one.value, "spec", "names", "kind"), dig(one.value, "spec", "group")
        crd = one.key.kind == "CustomResourceDefinition"
        return Item(
            group=one.key.group,
            kind=one.key.kind,
            namespace=one.key.namespace,
            name=one.key.name,
            annotations=one.after.annotations if one.after else {},
            live_annotations=one.before.annotations if one.before else {},
            in_target=one.after is not None,
            in_live=one.before is not None,
            defines=f"{text(names[1])}/{text(names[0])}" if crd else "",
            unchanged=built.unchanged,
        )

    # ---- stages ------------------------------------------------------------------------------------------------

    def _stages(self, order: Order) -> list[Stage]:
        kept = dict(order.kept)
        overrides = self._overrides()
        healthy: set[Key] = set()
        after, behind = 0, False
        stages: list[Stage] = []
        for number, step in enumerate(order.steps):
            failing = step.phase == "SyncFail"
            last = number == len(order.steps) - 1
            waits = (*self._confirmed(step), *self._waits(step, overrides))
            behind = behind or bool(step.confirms)
            pruned = tuple(self._task("prune", n, step, healthy) for n in step.prunes)
            left = tuple(self._task("keep", n, step, healthy, self._why_kept(kept.get(n, ""))) for n in step.kept)
            applied = [tuple(self._applied(n, step, healthy) for n in group) for group in step.groups]
            made = (self._namespace_task(),) if step.creates_namespace else ()
            groups = tuple(group for group in ((*pruned, *left), made, *applied) if group)
            stages.append(
                Stage(
                    _phase(step.phase),
                    step.wave,
                    groups,
                    waits,
                    0 if failing else after,
                    behind and not failing,
                )
            )
            for n in step.waits:
                self.built[n].one.waited = True
                self.built[n].one.followed = not last
                healthy.add(self.built[n].one.key)
            after += max((wait.least or 0 for wait in waits), default=0)
            behind = behind or any(wait.person for wait in waits)
        self._left_alone(order, stages, kept, healthy)
        return stages

    def _left_alone(self, order: Order, stages: list[Stage], kept: Mapping[int, str], healthy: set[Key]) -> None:
        """Put what the sync does not touch into the stage in which it would be."""
        placed_in = {n for step in order.steps for n in (*step.prunes, *step.kept, *sum(step.groups, ()))}
        for number, built in enumerate(self.built):
            if number in placed_in:
                continue
            annotations = built.one.value.get("metadata", {}).get("annotations") if built.one.value else None
            at = wave(mapping(annotations))
            action: Action = "ignore" if number in order.ignored else "keep" if number in kept else "unchanged"
            why = self._why_kept(kept.get(number, ""))
            if action == "ignore":
                why = _UNREAD
            elif action == "unchanged":
                why = "left alone: only what is out of sync is applied"
            task = self._task(action, number, None, healthy, why)
            where = next((i for i, s in enumerate(stages) if (s.phase, s.wave) == ("Sync", at)), None)
            if where is None:
                where = sum((PHASES.index(s.phase), s.wave) < (PHASES.index("Sync"), at) for s in stages)
                here = stages[where] if where < len(stages) else None
                started = (here.after, here.behind_person) if here else (0, False)
                stages.insert(where, Stage("Sync", at, ((task,),), (), *started))
            else:
                stage = stages[where]
                stages[where] = stage._replace(groups=(*stage.groups, (task,)))

    def _namespace_task(self) -> Task:
        name = self.application.destination_namespace if self.application else ""
        return Task("create", ResourceId("", "v1", "Namespace", "", name), None, notes=("`CreateNamespace=true`",))

    def _why_kept(self, reason: str) -> str:
        if self.gone:
            return "the Application has no finalizer"
        return f"not pruned: {reason}" if reason else ""

    def _applied(self, number: int, step: Step, healthy: set[Key]) -> Task:
        built = self.built[number]
        one = built.one
        if one.after is not None and is_hook(one.after.annotations):
            return self._task("hook", number, step, healthy)
        if one.before is None:
            return self._task("create", number, step, healthy)
        return self._task("update" if built.changes else "unchanged", number, step, healthy)

    def _task(self, action: Action, number: int, step: Step | None, healthy: set[Key], why: str = "") -> Task:
        built = self.built[number]
        one = built.one
        notes = [*([why] if why else []), *built.notes]
        if step is not None and number in step.confirms:
            notes.append("a person has to confirm it: `Prune=confirm`")
        changes = built.changes
        if action == "prune":
            changes = ()
            if one.after is None:
                notes += self._taken_over(one)
            else:
                notes = [f"{_UNREAD}, and what is there of it goes"]
        task = Task(action, one.shown, self._place(one), changes, built.release, tuple(dict.fromkeys(notes)))
        one.task = task
        one.behind = frozenset(healthy)
        return task

    def _place(self, one: ChangedObject) -> Place | None:
        if self.sync.live and one.after is None:
            return None
        return one.place(("metadata", "name"))

    def _taken_over(self, one: ChangedObject) -> Iterator[str]:
        """Say so where another Application brings the object now: which of the two syncs first decides."""
        for other in self.desired.of_kind(one.key.group, one.key.kind):
            if other.id.name != one.key.name or (self.desired.namespace(other) or "") != one.key.namespace:
                continue
            for application in self.desired.applications(other):
                if self.application is None or application.resource.number != self.application.resource.number:
                    yield f"Application {application.name} brings it now: it is deleted if this sync comes first"

    # ---- waits -------------------------------------------------------------------------------------------------

    def _overrides(self) -> frozenset[str]:
        def found() -> frozenset[str]:
            for resource in self.desired.of_kind("", "ConfigMap"):
                if resource.id.name == "argocd-cm":
                    return health_overrides(mapping(resource.thaw().get("data")))
            return frozenset()

        answer: frozenset[str] = self.desired.derived("argocd-cm health", found)
        return answer

    def _confirmed(self, step: Step) -> Iterator[Wait]:
        for number in step.confirms:
            yield Wait(self.built[number].one.shown, "until a person confirms that it may be pruned", None, True)

    def _waits(self, step: Step, overrides: frozenset[str]) -> Iterator[Wait]:
        for number in step.waits:
            built = self.built[number]
            one = built.one
            manifest = one.after.value if one.after else None
            waited = gate(one.key.group, one.key.kind, manifest, overrides=overrides)
            if waited is None:
                continue
            if built.release is not None and one.after is not None and one.key.kind == "Rollout":
                yield self._wait_of_release(one, built.release, waited.words, waited.person)
                continue
            hook = one.after is not None and is_hook(one.after.annotations)
            if self.sync.live and one.live is not None and not hook:
                health = live_health(one.live)
                if health not in (None, "Healthy"):
                    yield Wait(one.shown, f"{waited.words}: it is {health} now", None, health == "Suspended")
                    continue
            if hook or one.before is None or built.changes or waited.person:
                yield Wait(one.shown, waited.words, None, waited.person)

    def _wait_of_release(self, one: ChangedObject, change: RolloutChange, words: str, person: bool) -> Wait:
        if person:
            return Wait(one.shown, words, None, True)
        if change.simulation is not None and change.simulation.plan.refused:
            return Wait(one.shown, "and fails: the controller refuses it, which Argo CD calls Degraded", None, True)
        if change.gates:
            steps = ", ".join(change.gates)
            return Wait(one.shown, f"until it is promoted, for which a person has to act: {steps}", change.least, True)
        if change.simulation is not None and change.simulation.promotion is None:
            return Wait(one.shown, "until it is promoted, which never happens", None, True)
        if one.aborted and change.classification not in ("superseded", "new-revision", "rollback-to-stable"):
            return Wait(one.shown, "and fails: the release stays aborted, which Argo CD calls Degraded", None, True)
        if change.classification in STARTING or change.classification == "unknown":
            return Wait(one.shown, words, change.least)
        held = one.sync.live and one.live is not None and live_health(one.live) == "Suspended"
        under_way = "until the release that is under way is promoted"
        return Wait(one.shown, under_way if one.releasing else "until its pods are available", None, held)

    def _note_configs(self) -> None:
        """Say of a configuration that changes under its name that running pods do not notice."""
        users: dict[Key, ChangedObject] = {}
        for rollout in self.sync.rollouts():
            after = rollout.rollout_after
            started = any(b.one is rollout and b.release and b.release.classification in STARTING for b in self.built)
            if after is not None and rollout.before is not None and not started:
                for kind, name in configs_of(after.template):
                    users[Key("", kind, rollout.key.namespace, name, rollout.key.copy)] = rollout
        for built in self.built:
            user = users.get(built.one.key)
            if user is not None and built.changes and built.one.before is not None:
                built.notes.append(f"{user.shown} uses it and starts no revision: its pods keep what they started with")


def _phase(name: str) -> Phase:
    found: Mapping[str, Phase] = {"PreSync": "PreSync", "Sync": "Sync", "PostSync": "PostSync", "SyncFail": "SyncFail"}
    return found[name]


def plain(value: Value) -> Value:
    """An object without what the server and the tools write for themselves."""
    metadata = {k: v for k, v in mapping(value.get("metadata")).items() if k not in _OWN_METADATA}
    annotations = mapping(metadata.get("annotations"))
    if any(key in annotations for key in _OWN_ANNOTATIONS):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k not in _OWN_ANNOTATIONS}
    out: dict[str, Any] = {k: v for k, v in value.items() if k != "status"}
    out["metadata"] = metadata
    return out
