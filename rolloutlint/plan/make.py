"""`apply-plan` as data: both states paired, every Application planned, findings compared, a verdict reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutlint import __version__
from rolloutlint.change.build import Given, Operation, plan_application, quiet_plan
from rolloutlint.change.objects import ChangedObject, Sync
from rolloutlint.change.pairing import PairedApplication, key_of, paired, unsynced
from rolloutlint.change.releases import by_rollout
from rolloutlint.change.result import ApplicationPlan, SyncPlan
from rolloutlint.engine import Changes
from rolloutlint.finding import Incomplete
from rolloutlint.graph import World
from rolloutlint.inputs.jq import evaluator
from rolloutlint.model import Resource
from rolloutlint.plan.affected import affected_files
from rolloutlint.plan.decide import decided
from rolloutlint.plan.findings import compared, compared_with_cluster
from rolloutlint.plan.state import State
from rolloutlint.result import Report
from rolloutlint.settings import Settings

AUTOMATIC = Operation()


def planned(
    previous: State,
    desired: State,
    settings: Settings,
    *,
    operation: Operation = AUTOMATIC,
    app: str = "",
) -> tuple[SyncPlan, Report]:
    """What a sync from `previous` to `desired` does, and the report of `desired` with the findings about the change.

    `operation`: how it is started. `app`: plan the Application of this name only.
    """
    before, after = previous.run.world, desired.run.world
    prefix = f"{previous.label}:"

    def moved(resource: Resource) -> Resource:
        document = resource.document
        return resource._replace(document=document._replace(source=prefix + document.source))

    replica_sets = (
        by_rollout((*previous.made, *before.of_kind("apps", "ReplicaSet"))) if previous.mode == "live" else {}
    )
    with evaluator() as foreign:
        given = Given(before, after, previous.mode, settings, moved, operation, replica_sets, foreign)
        plans, syncs, doubts = _planned_applications(given, app)
    report = desired.run.report(Changes(list(_objects(syncs)), prefix, previous.run.texts))
    if previous.mode == "live":
        introduced, fixed, unchanged = compared_with_cluster(previous, desired.run, report, syncs)
        skipped: Sequence[Incomplete] = previous.run.incomplete
    else:
        affected = affected_files(previous.run, desired.run)
        old = previous.run.report(only=affected)
        introduced, fixed, unchanged = compared(old, report, affected)
        skipped = old.incomplete
    plan = SyncPlan(
        previous=previous.label,
        desired=desired.label,
        mode=previous.mode,
        applications=tuple(plans),
        introduced=introduced,
        fixed=fixed,
        unchanged=unchanged,
        incomplete=(*doubts, *_incomplete(previous.label, skipped, report, (*unsynced(before, after),))),
        verdict="allow",
        reasons=(),
        tool_version=__version__,
    )
    return decided(plan, syncs, settings.plan), report


def _planned_applications(given: Given, app: str) -> tuple[list[ApplicationPlan], list[Sync], list[Incomplete]]:
    """Every Application planned; those that may still be generated are doubts."""
    before, after, in_git = given.previous, given.desired, given.mode == "git"
    plans: list[ApplicationPlan] = []
    syncs: list[Sync] = []
    doubts: list[Incomplete] = []
    for application in paired(before, after, given.mode, given.settings.targets.argocd):
        if app and (application.resource is None or application.resource.id.name != app):
            continue
        doubt = _doubtful(application, before, after) if in_git else None
        if doubt is not None:
            doubts.append(doubt)
            continue
        if in_git and application.same:
            if application.resource is not None or application.pairs:
                plans.append(quiet_plan(application, after))
            continue
        made, sync = plan_application(application, given)
        plans.append(made)
        syncs.append(sync)
    return plans, syncs, doubts


def _doubtful(application: PairedApplication, before: World, after: World) -> Incomplete | None:
    """Say so where an Application looks gone that its ApplicationSet may still generate."""
    resource = application.before
    if resource is None or application.after is not None or resource.prefix[-2:] != ("spec", "template"):
        return None
    for old in before.in_file(resource.document.source):
        if old.document != resource.document or old.prefix != resource.prefix[:-2]:
            continue
        for new in after.of_kind(*old.group_kind):
            if key_of(after, new) != key_of(before, old):
                continue
            expansion = after.expansion(new)
            named = expansion is not None and any(one.name == resource.id.name for one in expansion.applications)
            if expansion is None or not expansion.complete or named:
                message = f"{new.id} may still give Application {resource.id.name}, or not: it is not planned"
                return Incomplete(new.document.source, "unresolved", message)
    return None


def _objects(syncs: Sequence[Sync]) -> Iterator[ChangedObject]:
    """What the rules about changes are asked about: each object, and the Application itself."""
    for sync in syncs:
        if sync.application is not None and sync.application is not sync.before:
            view = sync.application
            one = ChangedObject(
                view.resource, dict(view.value), sync, key_of(sync.desired, view.resource), sync.before, view
            )
            one.live = sync.before.value if sync.before is not None else None
            yield one
        yield from sync.objects.values()


def _incomplete(label: str, old: Sequence[Incomplete], new: Report, loose: Sequence[Resource]) -> Iterator[Incomplete]:
    """What was not looked at on either side; the same gap on both sides is told once."""
    yield from new.incomplete
    told = {(one.source, one.reason, one.message) for one in new.incomplete}
    for one in old:
        if (one.source, one.reason, one.message) not in told:
            yield one._replace(source=f"{label}:{one.source}")
    files: dict[str, list[str]] = {}
    for resource in loose:
        files.setdefault(resource.document.source, []).append(str(resource.id))
    for file, names in sorted(files.items()):
        named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Incomplete(file, "unresolved", f"no Application among the inputs syncs {named}: not planned")
