"""`apply-plan` as data: both states paired, every Application planned, findings compared, a verdict reached."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from rolloutlint import __version__
from rolloutlint.catalogue import Catalogue
from rolloutlint.change.build import Operation, plan_application, quiet_plan
from rolloutlint.change.objects import ChangedObject, Sync
from rolloutlint.change.pairing import key_of, paired, unsynced
from rolloutlint.change.result import ApplicationPlan, SyncPlan
from rolloutlint.engine import Changes, Run
from rolloutlint.finding import Finding, Incomplete, SettledFinding
from rolloutlint.model import Resource
from rolloutlint.plan.decide import decided
from rolloutlint.plan.state import State
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from rolloutlint.settle import fingerprint

AUTOMATIC = Operation()


def make_plan(
    previous: State,
    desired: State,
    settings: Settings,
    catalogue: Catalogue,
    *,
    operation: Operation = AUTOMATIC,
    app: str = "",
) -> SyncPlan:
    """What a sync from `previous` to `desired` does.

    `operation`: how it is started. `app`: plan the Application of this name only. The rules of `catalogue` are those
    with which both states were opened.
    """
    return planned(previous, desired, settings, catalogue, operation=operation, app=app)[0]


def planned(
    previous: State,
    desired: State,
    settings: Settings,
    catalogue: Catalogue,
    *,
    operation: Operation = AUTOMATIC,
    app: str = "",
) -> tuple[SyncPlan, Report]:
    """The plan, and the report of the desired state with the findings about the change, as `make_plan` makes them."""
    before, after = previous.run.world, desired.run.world
    prefix = f"{previous.label}:"

    def moved(resource: Resource) -> Resource:
        document = resource.document
        return resource._replace(document=document._replace(source=prefix + document.source))

    plans: list[ApplicationPlan] = []
    syncs: list[Sync] = []
    for application in paired(before, after, previous.mode, settings.targets.argocd):
        if app and (application.resource is None or application.resource.id.name != app):
            continue
        if previous.mode == "git" and application.same:
            if application.resource is not None or application.pairs:
                plans.append(quiet_plan(application, after))
            continue
        made, sync = plan_application(application, before, after, previous.mode, settings, moved, operation)
        plans.append(made)
        syncs.append(sync)
    report = desired.run.report(Changes(list(_objects(syncs)), prefix, previous.run.texts))
    old = previous.run.report()
    introduced, fixed, unchanged = _compared(previous, desired, old, report, syncs)
    plan = SyncPlan(
        previous=previous.label,
        desired=desired.label,
        mode=previous.mode,
        applications=tuple(plans),
        introduced=introduced,
        fixed=fixed,
        unchanged=unchanged,
        incomplete=tuple(_incomplete(previous, old, report, (*unsynced(before, after),))),
        verdict="allow",
        reasons=(),
        tool_version=__version__,
    )
    return decided(plan, syncs, settings.plan), report


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


def _incomplete(previous: State, old: Report, new: Report, loose: Sequence[Resource]) -> Iterator[Incomplete]:
    """What was not looked at on either side; the same gap on both sides is told once."""
    yield from new.incomplete
    told = {(one.source, one.reason, one.message) for one in new.incomplete}
    for one in old.incomplete:
        if (one.source, one.reason, one.message) not in told:
            yield one._replace(source=f"{previous.label}:{one.source}")
    files: dict[str, list[str]] = {}
    for resource in loose:
        files.setdefault(resource.document.source, []).append(str(resource.id))
    for file, names in sorted(files.items()):
        named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield Incomplete(file, "unresolved", f"no Application among the inputs syncs {named}: not planned")


# ---- findings of both sides --------------------------------------------------------------------------------------


_Findings = tuple[SettledFinding, ...]


def _compared(
    previous: State, desired: State, old: Report, new: Report, syncs: Sequence[Sync]
) -> tuple[_Findings, _Findings, _Findings]:
    """The findings that only the desired state has, those that only the previous one has, and the desired ones of both.

    In Git they are known by their fingerprints. The objects of a cluster have namespaces and defaults written out, so
    there the namespace is the one in which an object ends; what the sync does not bring is nobody's finding.
    """
    if previous.mode == "git":
        before = {one.fingerprint: one for one in old.active}
        after = {one.fingerprint: one for one in new.active}
    else:
        ours = {(o.key.group, o.key.kind, o.key.namespace, o.key.name) for s in syncs for o in s.objects.values()}
        before = dict(_named(previous.run, old, ours))
        after = dict(_named(desired.run, new, None))
    introduced = tuple(one for key, one in after.items() if key not in before)
    unchanged = tuple(one for key, one in after.items() if key in before)
    fixed = tuple(one for key, one in before.items() if key not in after)
    return introduced, fixed, unchanged


def _named(
    run: Run, report: Report, only: Collection[tuple[str, str, str, str]] | None
) -> Iterator[tuple[str, SettledFinding]]:
    seen: dict[str, int] = {}
    for one in report.active:
        resource = _resource(run, one.finding)
        if resource is None:
            name = one.fingerprint
            if only is not None:
                continue
        else:
            key = key_of(run.world, resource)
            if only is not None and key[:4] not in only:
                continue
            placed = resource.id._replace(namespace=key.namespace, version="")
            path = one.finding.at.path[len(resource.prefix) :]
            said = one.finding._replace(resource=placed, at=one.finding.at._replace(path=path))
            name = fingerprint(said, run.world.view(resource).value)
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}:{seen[name]}"), one


def _resource(run: Run, finding: Finding) -> Resource | None:
    for resource in run.world.in_file(finding.at.document.source):
        if resource.document == finding.at.document and resource.id == finding.resource:
            return resource
    return None
