"""What a sync starts in a Rollout: its classification, the reasons, and how the release goes from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from rolloutlint.change.at_rest import Value
from rolloutlint.change.differences import differences
from rolloutlint.change.objects import ChangedObject, ReplicaSets, Sync
from rolloutlint.change.pairing import Key
from rolloutlint.change.result import Classification, FieldChange, RolloutChange
from rolloutlint.controllers.revisions import Change, classify
from rolloutlint.model import Resource, Rollout
from rolloutlint.model.resource import split_api_version
from rolloutlint.model.values import dig, mapping, sequence, text
from rolloutlint.settings import Settings
from rolloutlint.simulate.alike import Seen, simulate_alike
from rolloutlint.simulate.linked import plan_of
from rolloutlint.simulate.plan import Person, Plan, Share
from rolloutlint.simulate.skips import Scenario, skipping

STARTING: frozenset[Classification] = frozenset(
    ("initial", "new-revision", "superseded", "rollback", "rollback-to-stable", "steps-reset")
)
"""What begins, or begins again, a way through the steps."""

_ABOUT: Mapping[Classification, str] = {
    "new-revision": "spec.template",
    "superseded": "spec.template",
    "rollback": "spec.template",
    "rollback-to-stable": "spec.template",
    "steps-reset": "spec.strategy.canary.steps",
    "steps-only": "spec.strategy.canary.steps",
    "scale": "spec.replicas",
    "pause": "spec.paused",
    "restart": "spec.restartAt",
    "strategy-only": "spec",
}
"""Where the changes stand that make an update what it is."""


def release(one: ChangedObject, settings: Settings) -> RolloutChange | None:
    """What the controller makes of the sync's change to a Rollout; `None` where it changes nothing for it."""
    after = one.rollout_after
    if after is None:
        return None
    workload = workload_of(one.sync, one.key, after)
    touched = workload is not None and workload.live != workload.applied
    if one.live is not None and one.live == one.applied and not touched:
        return None
    applied = one.applied if one.applied is not None else after.value
    change = classify(
        one.live,
        applied,
        live=one.sync.live,
        replica_sets=one.replica_sets,
        workload_before=workload.live if workload else None,
        workload_after=workload.applied if workload else None,
        rollouts=settings.targets.rollouts,
    )
    reasons = _reasons(change, one.live, applied, workload)
    if change.classification == "none" and not reasons and not change.notes:
        return None
    return _played(one, after, change, reasons, settings)


def workload_of(sync: Sync, key: Key, rollout: Rollout) -> ChangedObject | None:
    """The object of the sync that has the pod template of a Rollout with `workloadRef`."""
    reference = mapping(rollout.workload_ref)
    name = text(reference.get("name"))
    if not name:
        return None
    group, _ = split_api_version(text(reference.get("apiVersion")))
    return sync.objects.get(Key(group, text(reference.get("kind")), key.namespace, name, key.copy))


def by_rollout(made: Iterable[Resource]) -> ReplicaSets:
    """The ReplicaSets among some objects of a cluster, by the Rollout that owns them."""
    index: dict[tuple[str, str], list[Value]] = {}
    for resource in made:
        if resource.group_kind != ("apps", "ReplicaSet"):
            continue
        value = resource.thaw()
        for owner in sequence(dig(value, "metadata", "ownerReferences")):
            if mapping(owner).get("kind") == "Rollout":
                index.setdefault((resource.id.namespace, text(mapping(owner).get("name"))), []).append(value)
    return index


def _reasons(change: Change, before: object, after: object, workload: ChangedObject | None) -> tuple[FieldChange, ...]:
    """The changes that make it what it is; for a change of nothing, those of the template that count for nothing."""
    if before is None:
        return ()
    about = _ABOUT.get(change.classification, "spec.template")
    found = [each for each in differences(before, after) if _below(each.path, about)]
    if about == "spec":
        found = [each for each in found if not _below(each.path, "spec.template")]
    if workload is not None and about == "spec.template":
        its = differences(workload.live, workload.applied)
        found += [each for each in its if _below(each.path, about)]
    return tuple(found)


def _below(path: str, about: str) -> bool:
    return path.startswith(about) and path[len(about) : len(about) + 1] in ("", ".", "[")


def _played(
    one: ChangedObject, after: Rollout, change: Change, reasons: tuple[FieldChange, ...], settings: Settings
) -> RolloutChange:
    kind = change.classification
    told = RolloutChange(kind, reasons, change.certain, None, notes=change.notes)
    if kind not in STARTING:
        return told
    if kind == "rollback-to-stable":
        return told._replace(least=0)
    plan = plan_of(one.sync.desired, after, settings)
    if plan is None:
        return told
    scenario: Scenario = "first-deploy" if kind == "initial" else "update"
    if kind == "rollback" and after.strategy_kind == "canary" and plan.rollback_window and _within(change):
        scenario = "rollback"
    seen: Seen = one.sync.desired.derived("simulated plans", dict)
    simulation = simulate_alike(skipping(plan, scenario), seen)
    promotion = simulation.promotion
    notes = list(change.notes)
    if plan.refused:
        notes.append(f"the controller refuses it: {plan.refused[0]}")
    elif promotion is None:
        notes += [f"it is never promoted: {hang.words}" for hang in simulation.hangs[:1]]
    return told._replace(
        simulation=simulation,
        stairs=tuple(stairs(simulation.plan)) if not plan.refused else (),
        least=int(promotion.least) if promotion is not None else None,
        gates=tuple(gates(simulation.plan)) if not plan.refused else (),
        notes=tuple(notes),
    )


def _within(change: Change) -> bool:
    return any("rollbackWindow" in note for note in change.notes)


def stairs(plan: Plan) -> Iterator[str]:
    """The shares of a plan in order, each once."""
    last = ""
    for stage in plan.stages:
        words = _share(stage.share)
        if words != last and words != "0 %":
            yield words
            last = words
    if last != "100 %":
        yield "100 %"


def _share(share: Share) -> str:
    if share.exact:
        return _percent(share.least)
    return f"{_percent(share.least).removesuffix(' %')} to {_percent(share.most)}"


def _percent(share: Fraction) -> str:
    number = f"{float(share * 100):.1f}".removesuffix(".0")
    return f"{number} %"


def gates(plan: Plan) -> Iterator[str]:
    """What waits for a person: `pause of step 3`."""
    for stage in plan.stages:
        if isinstance(stage.wait, Person):
            yield f"pause of step {stage.step + 1}" if stage.step is not None else f"{stage.label} before promotion"
