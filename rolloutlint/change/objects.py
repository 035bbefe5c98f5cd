"""What a rule about changes sees: one object of a sync, before and after, and the sync it is part of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from rolloutlint.change.at_rest import Value
from rolloutlint.change.pairing import Key
from rolloutlint.change.result import Classification, Effect, Mode, RolloutChange, Task
from rolloutlint.controllers.sync_options import Policy
from rolloutlint.finding import Path, ResourceId
from rolloutlint.graph import World
from rolloutlint.model import Application, Resource, Rollout, View
from rolloutlint.model.values import dig, mapping, text

ReplicaSets: TypeAlias = "Mapping[tuple[str, str], Sequence[Value]]"
"""Namespace and name of a Rollout -> its ReplicaSets."""


class Sync:
    """One sync of one Application, whose objects know each other."""

    def __init__(
        self,
        previous: World,
        desired: World,
        mode: Mode,
        before: Application | None,
        application: Application | None,
        policy: Policy,
    ) -> None:
        self.previous = previous
        self.desired = desired
        self.mode = mode
        self.before = before
        """The Application in the previous state; with its status where that is a cluster."""
        self.application = application
        """The Application as it will be; `None` where there is none."""
        self.policy = policy
        self.objects: dict[Key, ChangedObject] = {}
        self.effects: tuple[Effect, ...] = ()
        self.replica_sets: ReplicaSets = {}
        """Those of the cluster."""
        self.written: frozenset[Key] = frozenset()
        """The objects that Rollouts write to, and the Rollouts."""

    @property
    def live(self) -> bool:
        """Whether the previous state is that of a cluster."""
        return self.mode == "live"

    @property
    def name(self) -> str:
        """The name of the Application; `""` where there is none."""
        return self.application.name if self.application else ""

    def of_kind(self, group: str, kind: str) -> Iterator[ChangedObject]:
        """The objects of one kind, before or after."""
        return (one for one in self.objects.values() if (one.key.group, one.key.kind) == (group, kind))

    def rollouts(self) -> Iterator[ChangedObject]:
        """The Rollouts, before or after."""
        return self.of_kind("argoproj.io", "Rollout")


class ChangedObject(View):
    """One object of a sync. As a view it is the manifest as it will be, or as it was where it goes."""

    def __init__(
        self,
        resource: Resource,
        value: dict[str, Any],
        sync: Sync,
        key: Key,
        before: View | None,
        after: View | None,
    ) -> None:
        super().__init__(resource, value)
        self.sync = sync
        self.key = key
        self.before = before
        """As the previous state has it: a manifest of Git, or the object of the cluster."""
        self.after = after
        """The manifest in the desired state."""
        self.live: Value | None = None
        """What is in the cluster before the sync; where nobody knows it, the previous manifest with what the
        controllers write while nothing is released."""
        self.applied: Value | None = None
        """What is in the cluster after it, before any controller acts; `None` where that cannot be told."""
        self.frozen: tuple[Path, ...] = ()
        """Where a change in Git is not applied."""
        self.task: Task | None = None
        """`None` for the Application itself, which the sync only reads."""
        self.behind: frozenset[Key] = frozenset()
        """The objects that are healthy before this one is touched."""
        self.waited = False
        """Whether the sync waits for this object before it goes on."""
        self.followed = False
        """Whether anything comes after that."""

    @property
    def shown(self) -> ResourceId:
        """The identity as it is in the cluster."""
        return self.resource.id._replace(namespace=self.key.namespace)

    @property
    def pruned(self) -> bool:
        """Whether the sync deletes it."""
        return self.task is not None and self.task.action == "prune"

    @property
    def replica_sets(self) -> Sequence[Value]:
        """Of a Rollout: its ReplicaSets in the cluster."""
        return self.sync.replica_sets.get((self.key.namespace, self.key.name), ())

    @property
    def change(self) -> RolloutChange | None:
        """What the Rollouts controller makes of it."""
        return self.task.rollout if self.task else None

    @property
    def classification(self) -> Classification | None:
        """The kind of that change; `None` for what is no Rollout, or has no change."""
        return self.change.classification if self.change else None

    @property
    def status(self) -> Mapping[str, Any]:
        """`status` of the object in the cluster; empty where it is not known."""
        return mapping(mapping(self.live).get("status")) if self.sync.live else {}

    @property
    def rollout_before(self) -> Rollout | None:
        """The previous Rollout."""
        return self.before if isinstance(self.before, Rollout) else None

    @property
    def rollout_after(self) -> Rollout | None:
        """The desired Rollout."""
        return self.after if isinstance(self.after, Rollout) else None

    @property
    def releasing(self) -> bool | None:
        """Whether a Rollout is on its way to another version (`status`); `None` where nobody knows.

        argo-rollouts `utils/rollout/rolloututil.go` (IsFullyPromoted).
        """
        if not self.sync.live or self.before is None:
            return None
        stable, current = text(self.status.get("stableRS")), text(self.status.get("currentPodHash"))
        if not stable or not current:
            return None
        return stable != current

    @property
    def aborted(self) -> bool:
        """Whether its release was aborted."""
        return self.status.get("abort") is True

    def value_at(self, *path: str | int) -> Any:
        """What the desired manifest has at `path`."""
        return dig(self.after.value if self.after else None, *path)
