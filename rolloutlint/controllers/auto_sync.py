"""Whether Argo CD starts a sync by itself, why, and what keeps it from that.

Mirrors argo-cd `controller/appcontroller.go` (autoSync, alreadyAttemptedSync) and
`pkg/apis/application/v1alpha1/types.go` (RetryStrategy). What happens to an operation once it runs is not told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.sync_options import policy
from rolloutlint.controllers.sync_windows import Permission

Key = Literal[
    "manual",
    "rolling-sync",
    "window",
    "running",
    "deleting",
    "unknown",
    "synced",
    "prunes-only",
    "no-result",
    "failed",
    "attempted",
    "empty",
]
RETRIES = 5
"""How often an automated sync is retried where `syncPolicy.retry` is not set."""


class Situation(NamedTuple):
    """What a comparison of Git and cluster found, and what else decides."""

    out_of_sync: bool | None
    """Whether any difference counts after what is ignored; `None` where that is not known."""
    only_prunes: bool = False
    """Every difference is an object that has to be pruned."""
    all_pruned: bool = False
    """Git has no object left: all that the cluster has would be pruned."""
    new_revision: bool | None = True
    """False where Git is still at the commit that was synced last; `None` where that is not known."""
    window: Permission = "yes"
    """What the sync windows say about an automated sync."""
    rolling_sync: bool = False
    """True where the ApplicationSet that made the Application syncs it step by step, and takes `automated` away."""


class Obstacle(NamedTuple):
    """One thing that keeps an automated sync from starting."""

    key: Key
    words: str
    certain: bool = True
    """False where it may be an obstacle: the inputs do not tell."""


class Attempt(NamedTuple):
    """The last operation of an Application."""

    phase: str
    """`Running`, `Terminating`, `Succeeded`, `Failed`, `Error`."""
    result: bool
    """False where it ended without one, which stops all automated syncs, of other commits too."""
    same_sources: bool
    """Whether it synced what the `spec` names now."""


def last_attempt(application: Mapping[str, Any]) -> Attempt | None:
    """The last operation that the status of a live Application tells; `None` in Git, or where none ever ran."""
    state = _mapping(_mapping(application.get("status")).get("operationState"))
    phase = state.get("phase")
    if not isinstance(phase, str):
        return None
    spec, result = _mapping(application.get("spec")), state.get("syncResult")
    if not isinstance(result, Mapping):
        return Attempt(phase, result=False, same_sources=False)
    key = "sources" if spec.get("sources") else "source"
    return Attempt(phase, result=True, same_sources=spec.get(key) == result.get(key))


def obstacles(application: Mapping[str, Any], situation: Situation) -> tuple[Obstacle, ...]:
    """What keeps Argo CD from starting a sync, in the order in which it looks; `()` where one starts.

    `application` is the whole manifest, with its status if it comes from a cluster.
    """
    sync = policy(application.get("spec"))
    if not sync.automated:
        return (Obstacle("manual", "not automated"),)
    if situation.rolling_sync:
        return (Obstacle("rolling-sync", "the RollingSync of its ApplicationSet starts its syncs"),)
    found: list[Obstacle] = []
    if situation.window != "yes":
        closed = situation.window == "no"
        words = "its sync windows do not permit one" if closed else "a sync window may not permit one"
        found.append(Obstacle("window", words, certain=closed))
    attempt = last_attempt(application)
    if application.get("operation") or (attempt and attempt.phase in ("Running", "Terminating")):
        found.append(Obstacle("running", "an operation is running"))
    if _mapping(application.get("metadata")).get("deletionTimestamp"):
        found.append(Obstacle("deleting", "it is being deleted"))
    if _in_error(application):
        found.append(Obstacle("unknown", "its last comparison failed", certain=False))
    if situation.out_of_sync is False:
        found.append(Obstacle("synced", "nothing is OutOfSync"))
    elif situation.only_prunes and not sync.prune:
        found.append(Obstacle("prunes-only", "only prunes are needed, and `automated.prune` is off"))
    if attempt:
        found += _after(attempt, situation, sync.self_heal)
    if situation.all_pruned and sync.prune and not sync.allow_empty:
        found.append(Obstacle("empty", "every object would be pruned, and `automated.allowEmpty` is off"))
    return tuple(found)


def starts(application: Mapping[str, Any], situation: Situation) -> tuple[str, ...]:
    """Why Argo CD starts a sync by itself; `()` where it does not, or where nothing is known to differ."""
    if situation.out_of_sync is not True or any(o.certain for o in obstacles(application, situation)):
        return ()
    attempt = last_attempt(application)
    if attempt and attempt.result and attempt.same_sources and situation.new_revision is False:
        return ("self-heal: the cluster differs from the commit that was synced",)
    if attempt and attempt.result and not attempt.same_sources and situation.new_revision is False:
        return ("automated: its sources have changed",)
    return ("automated: a new commit that differs from the cluster",)


def heals_only(application: Mapping[str, Any], situation: Situation) -> bool:
    """True where the sync that starts is a self-heal: of what is OutOfSync only, and without hooks."""
    return any(reason.startswith("self-heal") for reason in starts(application, situation))


def retries(application: Mapping[str, Any]) -> int | None:
    """How often a failed automated sync is tried again; -1 for without end, `None` where the limit is unreadable."""
    retry = _mapping(_mapping(application.get("spec")).get("syncPolicy")).get("retry")
    if not isinstance(retry, Mapping):
        return RETRIES
    limit = retry.get("limit", 0)
    if isinstance(limit, bool) or not isinstance(limit, int):
        return None
    return max(limit, -1)


def _after(attempt: Attempt, situation: Situation, self_heal: bool) -> list[Obstacle]:
    """What the last operation forbids: Argo CD tries the same commit again only to heal what it has synced."""
    if attempt.phase not in ("Succeeded", "Failed", "Error"):
        return []
    if not attempt.result and attempt.phase != "Succeeded":
        return [Obstacle("no-result", "the last operation ended without a result, and somebody has to start the next")]
    if attempt.result and (situation.new_revision or not attempt.same_sources):
        return []
    certain = situation.new_revision is False or not attempt.result
    if attempt.phase != "Succeeded":
        return [Obstacle("failed", "the last sync of this commit failed", certain)]
    return [] if self_heal else [Obstacle("attempted", "this commit was synced, and self-heal is off", certain)]


def _in_error(application: Mapping[str, Any]) -> bool:
    conditions = _mapping(application.get("status")).get("conditions")
    return isinstance(conditions, list) and any(
        isinstance(condition, Mapping) and condition.get("type") in ("ComparisonError", "InvalidSpecError")
        for condition in conditions
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
