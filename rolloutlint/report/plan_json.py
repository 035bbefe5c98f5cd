"""`rolloutlint apply-plan` as JSON, as published in `schemas/rolloutlint/plan-v1.json`.

Times are seconds, at least; shares percent. Findings are written as `check` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rolloutlint.change.result import (
    ApplicationPlan,
    Effect,
    FieldChange,
    Reason,
    RolloutChange,
    Stage,
    SyncPlan,
    Task,
    Wait,
)
from rolloutlint.finding import Place, ResourceId, show_path
from rolloutlint.report import plan_words as words
from rolloutlint.report import simulation_words
from rolloutlint.report.json import finding_object
from rolloutlint.report.places import Texts
from rolloutlint.report.simulation import amount_json, seconds_json, share_json
from rolloutlint.simulate.result import Simulation

VERSION = 1
"""Of the format. A field may be added within a version only together with its schema."""


def _resource(resource: ResourceId | None) -> dict[str, str] | None:
    return resource._asdict() if resource else None


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"file": place.document.source, "document": place.document.number, "path": show_path(place.path)}


def _fields(changes: tuple[FieldChange, ...]) -> list[dict[str, Any]]:
    return [change._asdict() for change in changes]


def _simulation(simulation: Simulation) -> dict[str, Any]:
    """The staircase and the figures that decide; `rolloutlint simulate` tells the rest."""
    broken = simulation.broken
    return {
        "strategy": simulation.plan.strategy,
        "router": simulation.plan.router,
        "refused": list(simulation.plan.refused),
        "evidence": simulation.evidence,
        "people": simulation.people,
        "broken": None
        if broken is None
        else {
            "ending": broken.ending,
            "after": None if broken.after is None else seconds_json(broken.after.least),
            "share": share_json(broken.share),
            "exposure": amount_json(broken.exposure),
            "by": broken.by,
        },
        "timeline": [
            {
                "start": seconds_json(row.start.least),
                "end": seconds_json(row.end.least),
                "share": share_json(simulation.plan.stages[row.stage].share),
                "step": None if (step := simulation.plan.stages[row.stage].step) is None else step + 1,
                "label": simulation.plan.stages[row.stage].label,
                "wait": simulation_words.wait_kind(simulation.plan.stages[row.stage].wait),
            }
            for row in simulation.rows
        ],
    }


def _rollout(change: RolloutChange | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "classification": change.classification,
        "starts": words.CLASSES[change.classification].starts,
        "certain": change.certain,
        "reasons": _fields(change.reasons),
        "stairs": list(change.stairs),
        "least": seconds_json(change.least),
        "gates": list(change.gates),
        "notes": list(change.notes),
        "simulation": None if change.simulation is None else _simulation(change.simulation),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "action": task.action,
        "resource": _resource(task.resource),
        "place": _place(task.place),
        "changes": _fields(task.changes),
        "rollout": _rollout(task.rollout),
        "notes": list(task.notes),
    }


def _wait(wait: Wait) -> dict[str, Any]:
    return {
        "resource": _resource(wait.resource),
        "words": wait.words,
        "least": seconds_json(wait.least),
        "person": wait.person,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "phase": stage.phase,
        "wave": stage.wave,
        "after": seconds_json(stage.after),
        "behind_person": stage.behind_person,
        "groups": [[_task(task) for task in group] for group in stage.groups],
        "waits": [_wait(wait) for wait in stage.waits],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "resource": _resource(effect.resource),
        "path": effect.path,
        "fate": effect.fate,
        "words": effect.words,
        "place": _place(effect.place),
    }


def _application(application: ApplicationPlan) -> dict[str, Any]:
    return {
        "application": _resource(application.application),
        "place": _place(application.place),
        "namespace": application.namespace,
        "cluster": application.cluster,
        "policy": list(application.policy),
        "starts": list(application.starts),
        "obstacles": list(application.obstacles),
        "stages": [_stage(stage) for stage in application.stages],
        "effects": [_effect(effect) for effect in words.effects(application)],
        "notes": list(application.notes),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "verdict": reason.verdict,
        "key": reason.key,
        "words": reason.words,
        "fingerprint": None if reason.finding is None else reason.finding.fingerprint,
    }


def as_json(plan: SyncPlan, sources: Mapping[str, str]) -> dict[str, Any]:
    """The plan as plain data; `sources` are the texts that fixes are placed in."""
    texts = Texts(sources)
    return {
        "version": VERSION,
        "tool": {"name": "rolloutlint", "version": plan.tool_version},
        "previous": plan.previous,
        "desired": plan.desired,
        "mode": plan.mode,
        "verdict": plan.verdict,
        "changes": plan.changes,
        "reasons": [_reason(reason) for reason in plan.reasons],
        "applications": [_application(application) for application in plan.applications],
        "findings": {
            "introduced": [finding_object(found, texts) for found in plan.introduced],
            "fixed": [finding_object(found, texts) for found in plan.fixed],
            "unchanged": [finding_object(found, texts) for found in plan.unchanged],
        },
        "incomplete": [left._asdict() for left in plan.incomplete],
    }


def render(plan: SyncPlan, sources: Mapping[str, str]) -> str:
    """The plan as one JSON document."""
    return json.dumps(as_json(plan, sources), indent=2) + "\n"
