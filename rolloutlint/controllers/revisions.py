"""What an update of a Rollout makes the controller do: start a revision, go back, restart, scale, or nothing.

Mirrors argo-rollouts `utils/replicaset/replicaset.go` (FindNewReplicaSet, PodTemplateOrStepsChanged, NeedsRestart),
`rollout/canary.go` and `rollout/bluegreen.go` (the two syncRolloutStatus), `rollout/sync.go` (resetRolloutStatus,
isRollbackWithinWindow, isFastRollback) and `rollout/templateref.go`. Objects are plain values; what is malformed counts
as absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.pod_defaults import HASH_LABEL, defaulted, same_template, typed_steps
from rolloutlint.finding import Path
from rolloutlint.settings import Version

Classification = Literal[
    "initial",
    "new-revision",
    "superseded",
    "rollback-to-stable",
    "rollback",
    "restart",
    "scale",
    "pause",
    "steps-reset",
    "steps-only",
    "strategy-only",
    "none",
    "unknown",
]
"""What an update does to a Rollout. `none`: nothing that the controller acts on, such as a default that is written
out."""

_SELECTOR_IS_FIXED = Version(1, 9)
_EPHEMERAL = "rollout.argoproj.io/ephemeral-metadata"
_DEADLINE = "scale-down-deadline"
_TEMPLATE: Path = ("spec", "template")
_STEPS: Path = ("spec", "strategy", "canary", "steps")
_WORKLOADS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "PodTemplate": ("template",),
}
_APART = frozenset(("template", "workloadRef", "replicas", "restartAt", "paused"))
"""Fields of the spec that are judged one by one; the others are the strategy and what goes with it."""

_DEFAULTS: Mapping[Path, object] = {
    ("revisionHistoryLimit",): 10,
    ("progressDeadlineSeconds",): 600,
    ("progressDeadlineAbort",): False,
    ("minReadySeconds",): 0,
    ("strategy", "canary", "dynamicStableScale"): False,
    ("strategy", "canary", "abortScaleDownDelaySeconds"): 30,
    ("strategy", "canary", "maxSurge"): "25%",
    ("strategy", "canary", "maxUnavailable"): "25%",
    ("strategy", "blueGreen", "autoPromotionEnabled"): True,
    ("strategy", "blueGreen", "autoPromotionSeconds"): 0,
    ("strategy", "blueGreen", "abortScaleDownDelaySeconds"): 30,
    ("strategy", "blueGreen", "scaleDownDelaySeconds"): 30,
}
"""What the controller takes where a field is absent (argo-rollouts `utils/defaults/defaults.go`)."""


class Change(NamedTuple):
    """What the controller makes of an update of one Rollout."""

    classification: Classification
    paths: tuple[Path, ...]
    """The fields that make it so, in the Rollout as it will be (in the one before, where a field goes); those of a pod
    template that a workload supplies are in the workload."""
    certain: bool
    """False where the live state decides and was not given, or where a part of the objects is not known."""
    notes: tuple[str, ...] = ()
    """Sentences without a full stop."""


class _Template(NamedTuple):
    value: Mapping[str, Any]
    at: Path
    workload: str
    """`Deployment checkout` where a workload supplies it."""


def classify(
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    *,
    live: bool,
    replica_sets: Sequence[Mapping[str, Any]] = (),
    workload_before: Mapping[str, Any] | None = None,
    workload_after: Mapping[str, Any] | None = None,
    rollouts: Version,
) -> Change:
    """What an update from `before` to `after` makes the Rollouts controller do.

    `before` is `None` where there is no Rollout yet. With `live` it is an object of a cluster, with its status, and
    `replica_sets` are the ReplicaSets of the cluster (others' are passed over). Without `live`, or where the status is
    missing, it is taken to be at rest. The workloads are those that `spec.workloadRef` names, as they are and as they
    will be.
    """
    if before is None:
        return Change("initial", (), True, ("the first deploy skips all steps and analyses",))
    spec, new = _map(before.get("spec")), _map(after.get("spec"))
    state = _State(before, after, replica_sets) if live and _map(before.get("status")) else None
    if fixed := _fixed_selector(spec, new, rollouts):
        return fixed
    old_template = _template(spec, workload_before)
    new_template = _template(new, workload_after)
    notes: list[str] = []
    certain = state is None or state.certain
    if old_template is None or new_template is None:
        one, other = _map(spec.get("workloadRef")), _map(new.get("workloadRef"))
        if not other or _target(one) != _target(other) or workload_before is not None or workload_after is not None:
            return Change("unknown", (("spec", "workloadRef"),) if other else (_TEMPLATE,), False)
        kind, name = _target(other)
        notes.append(f"{kind} {name}, which supplies the pod template, is not among the inputs")
        certain = False
    elif not same_template(
        old_template.value, new_template.value, workload=bool(old_template.workload and new_template.workload)
    ):
        revision = _revision(before, after, state, old_template, new_template)
        if revision is not None:
            return revision
    elif any("{{" in image or "${" in image for image in _images(new_template.value)):
        notes.append("an image is filled in later: whether it changes cannot be told")
        certain = False
    return _rest(before, after, state, certain, notes)


# ---- a new pod template --------------------------------------------------------------------------------------------


def _revision(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    state: _State | None,
    old: _Template,
    new: _Template,
) -> Change | None:
    """The outcomes of an update to another pod template; `None` where the controller already follows it."""
    paths = tuple(_changed(old.value, new.value, new.at, bool(new.workload))) or (new.at,)
    if new.workload and not old.workload:
        paths = (("spec", "workloadRef"),)
    notes = [f"the pod template is that of {new.workload}"] if new.workload else []
    spec, intended = _map(before.get("spec")), _map(after.get("spec"))
    if _steps_differ(spec, intended):
        notes.append("the new steps apply to it")
    if _kind(spec) != _kind(intended):
        notes.append(f"the strategy changes too, from {_kind(spec) or 'none'} to {_kind(intended) or 'none'}")
    if intended.get("paused") is True:
        notes.append("`spec.paused` holds it until that is taken away")
    if state is None:
        return Change("new-revision", paths, False, tuple(notes))
    if not state.stable:
        notes.insert(0, "the first deploy has not finished: steps and analyses are skipped")
        return Change("initial", paths, state.certain, tuple(notes))
    found = state.find(new.value, bool(new.workload))
    if found is not None and state.busy and _hash(found) == state.current:
        return None
    given_up = f"the {'aborted revision' if state.aborted else 'revision in progress'} is given up"
    notes = [*([given_up] if state.busy else []), *state.cleared(), *notes]
    blue_green = _kind(intended) == "blueGreen"
    skipped = "the pause and the analyses are skipped" if blue_green else "all steps and analyses are skipped"
    if found is not None and _hash(found) == state.stable:
        return Change("rollback-to-stable", paths, state.certain, (*notes, f"back to the stable ReplicaSet: {skipped}"))
    if found is not None:
        within = state.within_window(found, intended)
        kept = blue_green and _DEADLINE in _map(_map(found.get("metadata")).get("annotations"))
        if within:
            notes.append(f"within `rollbackWindow`: {skipped}")
        elif kept:
            notes.append(f"as long as its pods are kept, {skipped}")
        elif within is False:
            notes.append("it goes like an update to a new revision")
        return Change("rollback", paths, state.certain and within is not None and not kept, tuple(notes))
    certain = state.certain and bool(state.sets)
    if state.busy:
        return Change("superseded", paths, certain, tuple(notes))
    return Change("new-revision", paths, certain, tuple(notes))


def _target(reference: Mapping[str, Any]) -> tuple[object, object]:
    return reference.get("kind"), reference.get("name")


def _template(spec: Mapping[str, Any], workload: Mapping[str, Any] | None) -> _Template | None:
    """The pod template of a Rollout, its own or a workload's (argo-rollouts `rollout/templateref.go`), if known."""
    reference = spec.get("workloadRef")
    if not isinstance(reference, dict):
        template = spec.get("template")
        return _Template(template, _TEMPLATE, "") if isinstance(template, dict) else None
    kind = reference.get("kind")
    at: tuple[str, ...] | None = _WORKLOADS.get(kind) if isinstance(kind, str) else None
    value: Any = workload if at is not None else None
    for key in at or ():
        value = _map(value).get(key)
    return _Template(value, at or (), f"{kind} {reference.get('name')}") if isinstance(value, dict) else None


def _images(template: Mapping[str, Any]) -> Iterator[str]:
    spec = _map(template.get("spec"))
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or () if isinstance(spec.get(field), list) else ():
            image = _map(container).get("image")
            if isinstance(image, str):
                yield image


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], at: Path, workload: bool) -> Iterator[Path]:
    """The fields of a pod template that make a new revision of it, where somebody wrote them."""
    for path in _differing(defaulted(before, workload=workload), defaulted(after, workload=workload), ()):
        if _written(before, path) or _written(after, path):
            yield (*at, *path)


def _differing(before: object, after: object, at: Path) -> Iterator[Path]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            if key not in before or key not in after:
                yield (*at, key)
            else:
                yield from _differing(before[key], after[key], (*at, key))
    elif isinstance(before, list) and isinstance(after, list) and _names(before) == _names(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differing(one, other, (*at, index))
    else:
        yield at


def _names(items: Sequence[object]) -> list[object]:
    """What tells whether two lists hold the same items in the same order; values where items have no name."""
    return [item.get("name", item.get("mountPath")) if isinstance(item, dict) else item for item in items]


def _written(value: object, path: Path) -> bool:
    for key in path:
        inside = key in value if isinstance(value, dict) else isinstance(value, list) and int(key) < len(value)
        if not inside:
            return False
        value = value[key]  # type: ignore[index]
    return True


# ---- the same pod template -----------------------------------------------------------------------------------------


def _rest(
    before: Mapping[str, Any], after: Mapping[str, Any], state: _State | None, certain: bool, notes: list[str]
) -> Change:
    """The outcomes of an update that leaves the pod template alone; the weightiest one, the others as notes."""
    old, new = _map(before.get("spec")), _map(after.get("spec"))
    found = list(_outcomes(old, new, state))
    if not found:
        if state is not None and state.aborted:
            notes.append("it stays aborted until somebody retries it or its pod template changes")
        return Change("none", (), certain, tuple(notes))
    kind, paths, sure, said = found[0]
    for other, *_ in found[1:]:
        notes.append(_ALSO[other])
    if state is not None and state.busy and kind == "strategy-only":
        notes.append("it acts at once on the revision that is in progress")
    return Change(kind, paths, certain and sure, (*said, *notes))


_ALSO: Mapping[Classification, str] = {
    "restart": "its pods are restarted as well",
    "scale": "`replicas` changes as well",
    "pause": "`paused` changes as well",
    "steps-only": "the steps change as well, for the next revision",
    "strategy-only": "other settings change as well",
}

_Outcome = tuple[Classification, tuple[Path, ...], bool, tuple[str, ...]]


def _outcomes(old: Mapping[str, Any], new: Mapping[str, Any], state: _State | None) -> Iterator[_Outcome]:
    """What else happens, weightiest first: (classification, fields, whether the live state is known, notes)."""
    steps = _steps_differ(old, new)
    if steps and state is not None and state.busy and state.stable:
        yield "steps-reset", (_STEPS,), True, (*state.cleared(), "the revision in progress starts again at step 0")
    if new.get("restartAt") is not None and new.get("restartAt") != old.get("restartAt"):
        done = state is not None and state.status.get("restartedAt") == new["restartAt"]
        earlier = str(new["restartAt"]) < str(old.get("restartAt") or "")
        if not done and not earlier:
            said = (
                "every pod older than `restartAt` is evicted, as many at once as `maxUnavailable` allows, at least one"
            )
            yield "restart", (("spec", "restartAt"),), state is not None, (said,)
    if _replicas(old) != _replicas(new):
        said = "without `replicas` the controller writes 1"
        yield "scale", (("spec", "replicas"),), True, (said,) if new.get("replicas") is None else ()
    if (old.get("paused") is True) != (new.get("paused") is True):
        halted = "no ReplicaSet is scaled and no step ends" if _kind(new) == "canary" else "no Service is switched"
        said = f"as long as it is paused {halted}" if new.get("paused") is True else "it goes on"
        yield "pause", (("spec", "paused"),), True, (said,)
    if steps and not (state is not None and state.busy and state.stable):
        said = "nothing moves now: the steps are for the next revision"
        yield "steps-only", (_STEPS,), state is not None, (said,)
    others = tuple(_settings(old, new))
    if others:
        switched = _kind(old) != _kind(new)
        said = f"the strategy changes from {_kind(old) or 'none'} to {_kind(new) or 'none'}"
        yield "strategy-only", others, True, (said,) if switched else ()


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Path]:
    """The changes of other fields that are not merely defaults written out, or taken away."""
    both = _kind(old) == _kind(new) == "canary"
    before, after = (_plain({k: v for k, v in spec.items() if k not in _APART}, ()) for spec in (old, new))
    for path in _differing(before, after, ()):
        if not (both and path == _STEPS[1:]) and path[:3] != _STEPS[1:]:
            yield ("spec", *path)
    one, other = _scale_down(old), _scale_down(new)
    if one != other:
        yield ("spec", "workloadRef", "scaleDown")


def _plain(value: object, at: Path) -> object:
    """Without nulls, and without what has the value of its default."""
    if isinstance(value, dict):
        items = ((key, _plain(each, (*at, key))) for key, each in value.items() if each is not None)
        return {key: each for key, each in items if _default(key, at) is _NONE or each != _default(key, at)}
    return [_plain(each, (*at, index)) for index, each in enumerate(value)] if isinstance(value, list) else value


_NONE = object()


def _default(key: object, at: Path) -> object:
    return _DEFAULTS.get((*at, key), _NONE) if isinstance(key, str) else _NONE


def _scale_down(spec: Mapping[str, Any]) -> object:
    return _map(spec.get("workloadRef")).get("scaleDown") or "never"


def _replicas(spec: Mapping[str, Any]) -> object:
    return 1 if spec.get("replicas") is None else spec["replicas"]


def _steps_differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the step hash changes; only a canary has one."""
    if _kind(old) != "canary" or _kind(new) != "canary":
        return False
    one, other = (_map(_map(spec.get("strategy")).get("canary")).get("steps") for spec in (old, new))
    return one != other and typed_steps(one) != typed_steps(other)


def _kind(spec: Mapping[str, Any]) -> Literal["canary", "blueGreen", ""]:
    strategy = _map(spec.get("strategy"))
    if isinstance(strategy.get("blueGreen"), dict):
        return "blueGreen"
    return "canary" if isinstance(strategy.get("canary"), dict) else ""


def _fixed_selector(old: Mapping[str, Any], new: Mapping[str, Any], rollouts: Version) -> Change | None:
    """The CRD since Rollouts 1.9 refuses another selector."""
    one, other = old.get("selector"), new.get("selector")
    if rollouts < _SELECTOR_IS_FIXED or not isinstance(one, dict) or not isinstance(other, dict):
        return None
    if _plain(one, ()) == _plain(other, ()):
        return None
    note = "`selector` cannot change: the API server refuses the update"
    return Change("unknown", (("spec", "selector"),), False, (note,))


# ---- the live state ------------------------------------------------------------------------------------------------


class _State:
    """What the status of a live Rollout and its ReplicaSets say."""

    def __init__(
        self, rollout: Mapping[str, Any], after: Mapping[str, Any], replica_sets: Sequence[Mapping[str, Any]]
    ) -> None:
        self.status = _map(rollout.get("status"))
        self.stable = _text(self.status.get("stableRS"))
        self.current = _text(self.status.get("currentPodHash"))
        self.aborted = self.status.get("abort") is True
        self.busy = self.current != self.stable
        seen, generation = self.status.get("observedGeneration"), _map(rollout.get("metadata")).get("generation")
        behind = seen is not None and generation is not None and str(seen) != str(generation)
        self.certain = not behind
        """False where the status is older than the spec."""
        self.sets = sorted(
            (each for each in replica_sets if _owned(each, rollout)),
            key=lambda each: (_created(each), _text(_map(each.get("metadata")).get("name"))),
        )
        self._anti_affinity = _has_anti_affinity(_map(after.get("spec")))

    def cleared(self) -> Iterator[str]:
        """What a new template, or new steps, clear."""
        if self.aborted:
            yield "the abort is cleared"
        if self.status.get("pauseConditions"):
            yield "its pause is cleared"
        index = self.status.get("currentStepIndex")
        if self.busy and isinstance(index, int) and index > 0:
            yield f"the step index goes back from {index} to 0"

    def find(self, template: Mapping[str, Any], workload: bool) -> Mapping[str, Any] | None:
        """The oldest ReplicaSet that has this template."""
        for each in self.sets:
            if same_template(_as_made(each, self._anti_affinity), template, workload=workload):
                return each
        return None

    def within_window(self, found: Mapping[str, Any], spec: Mapping[str, Any]) -> bool | None:
        """Whether `rollbackWindow` covers a ReplicaSet; `None` where the stable one is not among those given."""
        revisions = _map(spec.get("rollbackWindow")).get("revisions")
        if not isinstance(revisions, int) or isinstance(revisions, bool) or revisions <= 0:
            return False
        stable = next((each for each in self.sets if _hash(each) == self.stable), None)
        if stable is None:
            return None
        first, last = _created(found), _created(stable)
        return first < last and sum(first < _created(each) < last for each in self.sets) < revisions


def _owned(replica_set: Mapping[str, Any], rollout: Mapping[str, Any]) -> bool:
    metadata, owner = _map(replica_set.get("metadata")), _map(rollout.get("metadata"))
    if _text(metadata.get("namespace")) != _text(owner.get("namespace")):
        return False
    references = metadata.get("ownerReferences")
    for each in references if isinstance(references, list) else ():
        one = _map(each)
        if one.get("kind") == "Rollout" and one.get("name") == owner.get("name"):
            return owner.get("uid") in (None, one.get("uid"))
    return False


def _hash(replica_set: Mapping[str, Any]) -> str:
    return _text(_map(_map(replica_set.get("metadata")).get("labels")).get(HASH_LABEL))


def _created(replica_set: Mapping[str, Any]) -> str:
    return _text(_map(replica_set.get("metadata")).get("creationTimestamp"))


def _has_anti_affinity(spec: Mapping[str, Any]) -> bool:
    return any(_map(_map(each).get("antiAffinity")) for each in _map(spec.get("strategy")).values())


def _as_made(replica_set: Mapping[str, Any], anti_affinity: bool) -> Mapping[str, Any]:
    """The template of a ReplicaSet without what the controller put in: ephemeral metadata and anti-affinity.

    Mirrors argo-rollouts `utils/replicaset` (SyncReplicaSetEphemeralPodMetadata, RemoveInjectedAntiAffinityRule).
    """
    template = dict(_map(_map(replica_set.get("spec")).get("template")))
    injected = _map(_decoded(_map(_map(replica_set.get("metadata")).get("annotations")).get(_EPHEMERAL)))
    if injected:
        metadata = dict(_map(template.get("metadata")))
        for field in ("labels", "annotations"):
            gone = _map(injected.get(field))
            metadata[field] = {k: v for k, v in _map(metadata.get(field)).items() if k not in gone}
        template["metadata"] = metadata
    if anti_affinity:
        template["spec"] = _without_anti_affinity(_map(template.get("spec")))
    return template


def _without_anti_affinity(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    affinity = dict(_map(spec.get("affinity")))
    terms = dict(_map(affinity.get("podAntiAffinity")))
    kept = {
        field: [each for each in items if not _injected(each)] if isinstance(items, list) else items
        for field, items in terms.items()
    }
    if kept == terms:
        return spec
    affinity["podAntiAffinity"] = {field: items for field, items in kept.items() if items}
    affinity = {field: value for field, value in affinity.items() if value}
    rest = {field: value for field, value in spec.items() if field != "affinity"}
    return {**rest, "affinity": affinity} if affinity else rest


def _injected(term: object) -> bool:
    one = _map(_map(term).get("podAffinityTerm")) or _map(term)
    expressions = _map(one.get("labelSelector")).get("matchExpressions")
    return isinstance(expressions, list) and any(_map(each).get("key") == HASH_LABEL for each in expressions)


def _decoded(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
