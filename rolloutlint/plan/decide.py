"""Whether to let a sync through: the reasons that the configuration names, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rolloutlint.change.objects import Sync
from rolloutlint.change.releases import STARTING
from rolloutlint.change.result import ApplicationPlan, Reason, SyncPlan, Task, Verdict
from rolloutlint.finding import SettledFinding, Severity
from rolloutlint.graph.references import namings
from rolloutlint.model.rollout import SERVICE_ROLES
from rolloutlint.settings import PlanEvent, PlanPolicy


def decided(plan: SyncPlan, syncs: Sequence[Sync], policy: PlanPolicy) -> SyncPlan:
    """The plan with its verdict and the reasons for it: those to block first, in order of the configuration."""
    found = dict(_events(plan, syncs, {*policy.block_on, *policy.review_on}))
    blocking = [reason._replace(verdict="block") for event in policy.block_on for reason in found.get(event, ())]
    reviewed = [reason for event in policy.review_on if event not in policy.block_on for reason in found.get(event, ())]
    verdict: Verdict = "block" if blocking else "review" if reviewed else "allow"
    return plan._replace(verdict=verdict, reasons=(*blocking, *reviewed))


def _events(
    plan: SyncPlan, syncs: Sequence[Sync], wanted: Iterable[PlanEvent]
) -> Iterator[tuple[PlanEvent, Sequence[Reason]]]:
    for event in wanted:
        yield event, list(_reasons(event, plan, syncs))


def _reasons(event: PlanEvent, plan: SyncPlan, syncs: Sequence[Sync]) -> Iterator[Reason]:
    if event in ("new-errors", "new-warnings"):
        severity: Severity = "error" if event == "new-errors" else "warning"
        yield from _of_findings(event, plan.introduced, severity)
    elif event == "lost-input":
        for one in plan.incomplete:
            if one.lost:
                yield Reason("review", f"{one.source} is lost: {one.message}", event)
    elif event == "prune-service":
        for sync in syncs:
            for words in _services(sync):
                yield Reason("review", words, event)
    elif event == "strategy-switch":
        for sync in syncs:
            for rollout in sync.rollouts():
                before, after = rollout.rollout_before, rollout.rollout_after
                kinds = [view.strategy_kind for view in (before, after) if view is not None]
                if len(kinds) == 2 and all(kinds) and kinds[0] != kinds[1]:
                    yield Reason("review", f"{rollout.shown} goes from {kinds[0]} to {kinds[1]}", event)
    elif event == "indefinite-wait":
        for application in plan.applications:
            yield from _waits(application)
    else:
        for application in plan.applications:
            for task in _tasks(application):
                words = _task_words(event, task)
                if words:
                    yield Reason("review", words, event)


def _of_findings(event: PlanEvent, findings: Iterable[SettledFinding], severity: Severity) -> Iterator[Reason]:
    article = "an" if severity == "error" else "a"
    for one in findings:
        if one.severity == severity and one.disposition == "active":
            yield Reason("review", f"{one.finding.rule} is {article} {severity}: {one.finding.message}", event, one)


def _services(sync: Sync) -> Iterator[str]:
    """Pruned Services that a Rollout of the sync names, before or after."""
    users: dict[tuple[str, str], str] = {}
    for rollout in sync.rollouts():
        for view in (rollout.rollout_before, rollout.rollout_after):
            for naming in namings(view) if view is not None else ():
                if naming.role in SERVICE_ROLES:
                    users[rollout.key.namespace, naming.name] = str(rollout.shown)
    for service in sync.of_kind("", "Service"):
        user = users.get((service.key.namespace, service.key.name))
        if service.pruned and user:
            yield f"{service.shown} is pruned, which {user} uses"


def _waits(application: ApplicationPlan) -> Iterator[Reason]:
    """Waits for a person, or for ever, in an Application that syncs by itself."""
    if "automated" not in application.policy:
        return
    for stage in application.stages:
        for wait in stage.waits:
            if wait.person:
                yield Reason(
                    "review",
                    f"the sync of {application.application} waits for {wait.resource} {wait.words}",
                    "indefinite-wait",
                )


def _tasks(application: ApplicationPlan) -> Iterator[Task]:
    return (task for stage in application.stages for group in stage.groups for task in group)


def _task_words(event: PlanEvent, task: Task) -> str:
    """Why one task is a reason; `""` where it is none."""
    if event == "any-prune" and task.action == "prune":
        return f"{task.resource} is pruned"
    if event == "prune-rollout" and task.action == "prune":
        return f"{task.resource} is pruned, with all its pods" if task.resource.kind == "Rollout" else ""
    if event == "new-revision" and task.rollout is not None and task.rollout.classification in STARTING:
        return f"{task.resource} starts: {task.rollout.classification}"
    return ""
