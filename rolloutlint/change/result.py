"""What `rolloutlint apply-plan` says about one sync: plain data, made by `plan`, judged by RL8, drawn by `report`.

An object is named as it will be in the cluster: its identity carries the namespace it ends in. Times count in
nanoseconds. What only the cluster can tell is `None`, or said in `notes`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from rolloutlint.controllers.revisions import Classification as Classification
from rolloutlint.finding import Incomplete, Place, ResourceId, SettledFinding
from rolloutlint.simulate.result import Simulation

Mode = Literal["git", "live"]
"""What the previous state is: manifests at rest, or objects of a cluster with their status."""

Action = Literal["create", "update", "unchanged", "prune", "keep", "hook", "ignore"]
"""`update`: something changes on the wire. `prune`: deleted. `keep`: would be pruned, but an option or the missing
`prune` forbids it. `hook`: created anew in its phase. `ignore`: never applied (a hook annotation that nobody reads)."""

Phase = Literal["PreSync", "Sync", "PostSync", "SyncFail"]

Fate = Literal["reset", "lost", "frozen", "kept", "removed-again"]
"""What becomes of a field that a controller writes, or of a change to it. `reset`: it comes back at the next
reconcile. `lost`: it does not come back by itself. `frozen`: the change in Git is not applied. `kept`: left alone."""

Verdict = Literal["allow", "review", "block"]


class FieldChange(NamedTuple):
    """One difference between what is there and what will be."""

    path: str
    """With list items by name: `spec.template.spec.containers[cart].image`."""
    before: str | None
    """As JSON in one line; `None` where the field is new."""
    after: str | None
    """`None` where the field goes."""


class Effect(NamedTuple):
    """What a sync does to a field that a controller writes, or that is ignored."""

    resource: ResourceId
    path: str
    fate: Fate
    words: str
    """One sentence without a full stop."""
    place: Place | None = None


class RolloutChange(NamedTuple):
    """What the Rollouts controller makes of an update."""

    classification: Classification
    reasons: tuple[FieldChange, ...]
    """The changes that make it so: those of the pod template for a revision, the steps for `steps-only` ..."""
    certain: bool
    """False where the live state decides and is not among the inputs (`if the Rollout is at rest`)."""
    simulation: Simulation | None
    """How the new revision goes, with the manifests as they will be; `None` where none starts."""
    stairs: tuple[str, ...] = ()
    """Shares in order, as text: `5 %`, `20 %`, `100 %`."""
    least: int | None = None
    """Nanoseconds until it is promoted, at least; `None` where that is not known."""
    gates: tuple[str, ...] = ()
    """What waits for a person: `pause of step 3`."""
    notes: tuple[str, ...] = ()


class Task(NamedTuple):
    """One object of a sync."""

    action: Action
    resource: ResourceId
    place: Place | None
    """Where it is written; for a prune where it was. `None` for objects that only the cluster has."""
    changes: tuple[FieldChange, ...] = ()
    """What really changes in the cluster, in order of path."""
    rollout: RolloutChange | None = None
    notes: tuple[str, ...] = ()
    """`unchanged in Git; applied again all the same`, `kept: Prune=false` ..."""


class Wait(NamedTuple):
    """What the sync waits for before it goes on."""

    resource: ResourceId
    words: str
    """`until it is promoted`, `until a person resumes it at step 3`, `until the Job has finished`."""
    least: int | None
    """Nanoseconds, at least; `None` where nothing is known."""
    person: bool = False
    """True where it ends only when a person acts."""


class Stage(NamedTuple):
    """One (phase, wave) of a sync: its tasks in the order in which they are applied."""

    phase: Phase
    wave: int
    groups: tuple[tuple[Task, ...], ...]
    """Prunes first; then consecutive kinds, those of a group at once. What changes nothing is there too."""
    waits: tuple[Wait, ...] = ()
    """What must be healthy before the next stage; empty where nothing is waited for."""
    after: int = 0
    """Nanoseconds from the start of the sync until this stage starts, at least."""
    behind_person: bool = False
    """True where a person has to act before this stage starts."""


class ApplicationPlan(NamedTuple):
    """What one sync of one Application does."""

    application: ResourceId | None
    """`None`: the inputs hold no Application, and everything is taken as one."""
    place: Place | None
    namespace: str
    cluster: str
    policy: tuple[str, ...]
    """`automated`, `self-heal`, `prune`, and the sync options that are in force."""
    stages: tuple[Stage, ...]
    effects: tuple[Effect, ...] = ()
    starts: tuple[str, ...] = ()
    """Why a sync starts by itself; empty where it does not."""
    obstacles: tuple[str, ...] = ()
    """What keeps it from starting by itself: `not automated`, `an operation is running` ..."""
    notes: tuple[str, ...] = ()


class Reason(NamedTuple):
    """Why a plan is not simply allowed."""

    verdict: Literal["review", "block"]
    words: str
    key: str
    """The entry of `plan.block-on` or `plan.review-on` that says so: `new-errors`, `prune-rollout` ..."""
    finding: SettledFinding | None = None


class SyncPlan(NamedTuple):
    """Everything that `apply-plan` shows."""

    previous: str
    """Where the previous state was read from, as the user said it: `git:origin/main`, `live.yaml`."""
    desired: str
    mode: Mode
    applications: tuple[ApplicationPlan, ...]
    introduced: tuple[SettledFinding, ...]
    """Findings (RL8 too) that the previous state does not have."""
    fixed: tuple[SettledFinding, ...]
    unchanged: tuple[SettledFinding, ...]
    incomplete: tuple[Incomplete, ...]
    verdict: Verdict
    reasons: tuple[Reason, ...]
    tool_version: str

    @property
    def changes(self) -> bool:
        """Whether a sync changes anything in a cluster."""
        quiet = ("unchanged", "keep", "ignore")
        return any(t.action not in quiet for a in self.applications for s in a.stages for g in s.groups for t in g)

    @property
    def lost(self) -> bool:
        """True where an input that was asked for is lost, so that the plan may miss something."""
        return any(one.lost for one in self.incomplete)
