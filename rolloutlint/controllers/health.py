"""What Argo CD waits for after it has applied an object: which kinds have a health check, and what it says.

Mirrors gitops-engine `pkg/health`, argo-cd `resource_customizations/*/health.lua` and `controller/health.go`.
An object without a health check is done as soon as it is applied. `argocd-cm` can bring other checks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.health_kinds import CUSTOM_HEALTH
from rolloutlint.lang.glob import glob_matches

Health = Literal["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"]

ORDER: tuple[Health, ...] = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""From the best to the worst (`pkg/health/health.go`)."""

_BUILT_IN = frozenset(
    (
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "ReplicaSet"),
        ("apps", "DaemonSet"),
        ("extensions", "Ingress"),
        ("networking.k8s.io", "Ingress"),
        ("argoproj.io", "Workflow"),
        ("apiregistration.k8s.io", "APIService"),
        ("", "Service"),
        ("", "PersistentVolumeClaim"),
        ("", "Pod"),
        ("batch", "Job"),
        ("autoscaling", "HorizontalPodAutoscaler"),
    )
)
_WILDCARDS = {group: kinds for group, kinds in CUSTOM_HEALTH.items() if "*" in group}
_OVERRIDE = "resource.customizations.health."
_WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"
_ADDRESS = "until it has an address"
_PODS = "until its pods are updated and available"
_WORDS: Mapping[tuple[str, str], str] = {
    ("argoproj.io", "Rollout"): "until it is promoted",
    ("argoproj.io", "AnalysisRun"): "until the AnalysisRun has finished",
    ("argoproj.io", "Experiment"): "until the Experiment has finished",
    ("argoproj.io", "Workflow"): "until the Workflow has finished",
    ("apps", "Deployment"): _PODS,
    ("apps", "StatefulSet"): _PODS,
    ("apps", "DaemonSet"): _PODS,
    ("apps", "ReplicaSet"): "until its pods are available",
    ("batch", "Job"): "until the Job has finished",
    ("", "PersistentVolumeClaim"): "until it is bound",
    ("", "Service"): _ADDRESS,
    ("extensions", "Ingress"): _ADDRESS,
    ("networking.k8s.io", "Ingress"): _ADDRESS,
    ("autoscaling", "HorizontalPodAutoscaler"): "until it can scale",
    ("apiregistration.k8s.io", "APIService"): "until it is available",
}


class Gate(NamedTuple):
    """What a wave waits for at one object."""

    words: str
    """`until the Job has finished`."""
    person: bool = False
    """True where it ends only when a person acts: the manifest suspends the object."""


def has_health(group: str, kind: str, overrides: Collection[str] = ()) -> bool:
    """Whether Argo CD checks the health of a kind; `overrides` are those of `argocd-cm` (see `health_overrides`)."""
    if (group, kind) in _BUILT_IN or _overridden(group, kind, overrides):
        return True
    kinds = CUSTOM_HEALTH.get(group, frozenset())
    if kind in kinds or "*" in kinds:
        return True
    return any(glob_matches(pattern, group) for pattern in _WILDCARDS)


def health_overrides(data: Mapping[str, Any]) -> frozenset[str]:
    """The kinds with a health check of their own in the data of `argocd-cm`: `group/Kind`, `Kind` in the core group.

    Reads the keys `resource.customizations.health.<group>_<Kind>` (argo-cd `util/settings/settings.go`).
    """
    found = set()
    for key, script in data.items():
        if isinstance(key, str) and key.startswith(_OVERRIDE) and script:
            group, _, kind = key[len(_OVERRIDE) :].rpartition("_")
            found.add(f"{group}/{kind}" if group else kind)
    return frozenset(found)


def gate(
    group: str, kind: str, manifest: Mapping[str, Any] | None = None, *, overrides: Collection[str] = ()
) -> Gate | None:
    """What a sync waits for once it has applied an object; `None` where it is done at once.

    It is the same for hooks. How long a Rollout takes, and whether a person has to resume it, its strategy tells;
    here it is only whether the manifest itself suspends the object.
    """
    if not has_health(group, kind, overrides):
        return None
    if _overridden(group, kind, overrides):
        return Gate("until the health check in argocd-cm calls it healthy")
    spec = _mapping(_mapping(manifest).get("spec"))
    if (group, kind) in (("argoproj.io", "Rollout"), ("apps", "Deployment")) and spec.get("paused") is True:
        return Gate("until a person resumes it: `spec.paused` is set", person=True)
    if (group, kind) == ("batch", "Job") and spec.get("suspend") is True:
        return Gate("until a person resumes it: `spec.suspend` is set", person=True)
    if (group, kind) == ("", "Service") and spec.get("type") != "LoadBalancer":
        return None
    if (group, kind) == ("batch", "CronJob"):
        return None
    if (group, kind) == ("", "Pod"):
        ends = spec.get("restartPolicy") in ("Never", "OnFailure")
        return Gate("until the Pod has finished" if ends else "until the Pod is ready")
    return Gate(_WORDS.get((group, kind), "until its health check calls it healthy"))


def aggregate(healths: Iterable[Health]) -> Health:
    """The health of an Application: the worst of its objects; one that is missing does not count.

    Mirrors argo-cd `controller/health.go` (setApplicationHealth).
    """
    return max((h for h in healths if h != "Missing"), key=ORDER.index, default="Healthy")


def live_health(manifest: Mapping[str, Any]) -> Health | None:
    """The health of an object of a cluster, by its status; `None` for kinds whose check is not mirrored here."""
    metadata = _mapping(manifest.get("metadata"))
    group = _text(manifest, "apiVersion").rpartition("/")[0]
    check = _CHECKS.get((group, _text(manifest, "kind")))
    if check is None:
        return None
    return "Progressing" if metadata.get("deletionTimestamp") else check(manifest)


def rollout_health(rollout: Mapping[str, Any]) -> Health:
    """The health of a Rollout by its status (`resource_customizations/argoproj.io/Rollout/health.lua`).

    A status that was written for an older generation counts as Progressing, which keeps a wave from going on before
    the controller has seen the change. A status without a phase is that of a controller before 1.0.
    """
    status = _mapping(rollout.get("status"))
    if not status or not _generation_seen(rollout, status) or not _workload_seen(rollout, status):
        return "Progressing"
    phase = status.get("phase")
    if phase is not None:
        return _as_health("Suspended" if phase == "Paused" else phase)
    for condition in _conditions(status):
        reason = condition.get("reason") if condition.get("type") == "Progressing" else ""
        if condition.get("type") == "InvalidSpec" or reason in ("RolloutAborted", "ProgressDeadlineExceeded"):
            return "Degraded"
    spec = _mapping(rollout.get("spec"))
    if status.get("pauseConditions") or spec.get("paused"):
        return "Suspended"
    updated = _number(status, "updatedReplicas")
    if updated < _number(spec, "replicas", 1) or _number(status, "availableReplicas") < updated:
        return "Progressing"
    return "Healthy" if _promoted(spec, status) else "Progressing"


def _promoted(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Of a controller before 1.0: whether the stable version is the current one."""
    current = status.get("currentPodHash")
    stable = status.get("stableRS", _mapping(status.get("canary")).get("stableRS", ""))
    if current is None:
        return False
    strategy = _mapping(spec.get("strategy"))
    if "blueGreen" in strategy:
        return _mapping(status.get("blueGreen")).get("activeSelector") == current and stable in ("", current)
    if "canary" in strategy:
        return _number(status, "replicas") <= _number(status, "updatedReplicas") and stable == current
    return True


def _generation_seen(rollout: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    seen = _integer(status.get("observedGeneration"))
    generation = _integer(_mapping(rollout.get("metadata")).get("generation"))
    return seen is None or generation is None or seen >= generation  # a greater one is a hash, of 0.9


def _workload_seen(rollout: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    annotations = _mapping(rollout.get("metadata")).get("annotations")
    if not isinstance(annotations, Mapping) or _mapping(rollout.get("spec")).get("workloadRef") is None:
        return True
    return _integer(annotations.get(_WORKLOAD_GENERATION)) == _integer(status.get("workloadObservedGeneration"))


def _run(run: Mapping[str, Any]) -> Health:
    """Of an AnalysisRun or an Experiment."""
    phases: Mapping[object, Health] = {
        "Successful": "Healthy",
        "Failed": "Degraded",
        "Error": "Degraded",
        "Inconclusive": "Unknown",
    }
    return phases.get(_mapping(run.get("status")).get("phase"), "Progressing")


def _deployment(deployment: Mapping[str, Any]) -> Health:
    spec, status = _mapping(deployment.get("spec")), _mapping(deployment.get("status"))
    if spec.get("paused") is True:
        return "Suspended"
    if not _observed(deployment):
        return "Progressing"
    if any(
        c.get("reason") == "ProgressDeadlineExceeded" for c in _conditions(status) if c.get("type") == "Progressing"
    ):
        return "Degraded"
    updated = _number(status, "updatedReplicas")
    late = updated < _number(spec, "replicas") or _number(status, "replicas") > updated
    return "Progressing" if late or _number(status, "availableReplicas") < updated else "Healthy"


def _daemon_set(daemon_set: Mapping[str, Any]) -> Health:
    spec, status = _mapping(daemon_set.get("spec")), _mapping(daemon_set.get("status"))
    if not _observed(daemon_set):
        return "Progressing"
    if _mapping(spec.get("updateStrategy")).get("type") == "OnDelete":
        return "Healthy"
    desired = _number(status, "desiredNumberScheduled")
    late = _number(status, "updatedNumberScheduled") < desired or _number(status, "numberAvailable") < desired
    return "Progressing" if late else "Healthy"


def _job(job: Mapping[str, Any]) -> Health:
    conditions = _conditions(_mapping(job.get("status")))
    types = {c.get("type") for c in conditions}
    if not types & {"Failed", "Complete", "Suspended"}:
        return "Progressing"
    if "Failed" in types:
        return "Degraded"
    suspended = any(c.get("type") == "Suspended" and c.get("status") == "True" for c in conditions)
    return "Suspended" if suspended else "Healthy"


def _claim(claim: Mapping[str, Any]) -> Health:
    phases: Mapping[object, Health] = {"Lost": "Degraded", "Pending": "Progressing", "Bound": "Healthy"}
    return phases.get(_mapping(claim.get("status")).get("phase"), "Unknown")


def _service(service: Mapping[str, Any]) -> Health:
    if _mapping(service.get("spec")).get("type") != "LoadBalancer":
        return "Healthy"
    return _ingress(service)


def _ingress(ingress: Mapping[str, Any]) -> Health:
    balancer = _mapping(_mapping(ingress.get("status")).get("loadBalancer"))
    return "Healthy" if balancer.get("ingress") else "Progressing"


_CHECKS = {
    ("argoproj.io", "Rollout"): rollout_health,
    ("argoproj.io", "AnalysisRun"): _run,
    ("argoproj.io", "Experiment"): _run,
    ("apps", "Deployment"): _deployment,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("extensions", "Ingress"): _ingress,
    ("networking.k8s.io", "Ingress"): _ingress,
}


def _observed(workload: Mapping[str, Any]) -> bool:
    generation = _integer(_mapping(workload.get("metadata")).get("generation")) or 0
    return generation <= (_integer(_mapping(workload.get("status")).get("observedGeneration")) or 0)


def _overridden(group: str, kind: str, overrides: Collection[str]) -> bool:
    key = f"{group}/{kind}" if group else kind
    return key in overrides or any("*" in pattern and glob_matches(pattern, key) for pattern in overrides)


def _as_health(phase: object) -> Health:
    """A phase as Argo CD takes it over; one that it does not know ranks as the best."""
    return next((health for health in ORDER if health == phase), "Unknown")


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    conditions = status.get("conditions")
    return [c for c in conditions if isinstance(c, Mapping)] if isinstance(conditions, list) else []


def _integer(value: object) -> int | None:
    """A number, or a string that is one, as Lua's `tonumber` reads it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else None


def _number(item: Mapping[str, Any], key: str, default: int = 0) -> int:
    value = item.get(key)
    return value if isinstance(value, int) else default


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
