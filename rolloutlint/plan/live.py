"""Objects as a cluster has them: what their manifests say, told apart from what the cluster wrote to them.

Field meanings: apimachinery `pkg/apis/meta/v1/types.go` (ObjectMeta), argo-cd `util/argo/resource_tracking.go`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from rolloutlint.finding import Incomplete
from rolloutlint.model import Resource
from rolloutlint.model.values import mapping, sequence, string_map, text

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"

SERVER_WRITTEN = frozenset(
    (
        *("uid", "resourceVersion", "managedFields", "creationTimestamp", "generation", "selfLink"),
        *("ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"),
    )
)
"""What of `metadata` no manifest says: the API server and controllers write it."""


class Owner(NamedTuple):
    """The object that a controller made another one for."""

    kind: str
    name: str
    uid: str
    controller: bool
    """False for an owner that only decides when the object is collected."""


class Tracking(NamedTuple):
    """Whom Argo CD takes an object for, by what it wrote there."""

    by_annotation: str = ""
    """The Application (`<namespace>_<name>` in another namespace); empty also for a copied annotation."""
    by_label: str = ""
    """Before Argo CD 3.0, or where it is told to track by label. Helm and people write this label too."""


class LiveObject(NamedTuple):
    """One object of a cluster."""

    resource: Resource
    """Its `number` is that in the world; -1 for an object that is kept aside."""
    manifest: Mapping[str, Any]
    """Without `status` and whatever else only the cluster writes."""
    last_applied: Mapping[str, Any] | None
    """What `kubectl apply`, or Argo CD by client-side apply, applied last; `None` where that is not recorded."""
    status: Mapping[str, Any]
    owner: Owner | None
    tracking: Tracking
    deleting: bool = False
    """Whether it is being deleted and waits for its finalizers."""


class Live:
    """The objects of a dump, and those that controllers made, which no sync prunes."""

    def __init__(self, objects: Iterable[LiveObject], made: Iterable[LiveObject]) -> None:
        self.objects = tuple(objects)
        self.made = tuple(made)

    def of(self, resource: Resource) -> LiveObject | None:
        """What is known of an object of the world."""
        return self._by_number.get(resource.number)

    def made_for(self, resource: Resource, kind: str = "") -> Sequence[LiveObject]:
        """The objects that controllers made for this one, optionally of one kind, in order of the dump."""
        uid = text(mapping(resource.thaw().get("metadata")).get("uid"))
        found = self._by_owner.get((resource.id.namespace, resource.id.kind, resource.id.name), ())
        return [
            one
            for one in found
            if (not kind or one.resource.id.kind == kind)
            and (not uid or one.owner is None or one.owner.uid in ("", uid))
        ]

    def replica_sets(self, resource: Resource) -> Sequence[Mapping[str, Any]]:
        """The ReplicaSets of a Rollout or Deployment as the dump has them: its revisions."""
        return [one.resource.thaw() for one in self.made_for(resource, "ReplicaSet")]

    @cached_property
    def _by_number(self) -> Mapping[int, LiveObject]:
        return {one.resource.number: one for one in self.objects}

    @cached_property
    def _by_owner(self) -> Mapping[tuple[str, str, str], Sequence[LiveObject]]:
        found: dict[tuple[str, str, str], list[LiveObject]] = {}
        for one in (*self.made, *self.objects):
            if one.owner is not None:
                found.setdefault((one.resource.id.namespace, one.owner.kind, one.owner.name), []).append(one)
        return found


def is_live(resource: Resource) -> bool:
    """Whether a cluster wrote to the object. A `status` alone does not say so: generated definitions have one."""
    if not any(map(resource.mentions, ("uid", "resourceVersion", "managedFields", "creationTimestamp"))):
        return False
    value = resource.thaw()
    metadata = mapping(value.get("metadata"))
    if any(metadata.get(key) for key in ("uid", "resourceVersion", "managedFields")):
        return True
    return bool(metadata.get("creationTimestamp")) and bool(mapping(value.get("status")))


def live_object(resource: Resource) -> LiveObject:
    """An object of a cluster, taken apart."""
    value = resource.thaw()
    metadata = mapping(value.get("metadata"))
    annotations = string_map(metadata.get("annotations"))
    return LiveObject(
        resource=resource,
        manifest=manifest_of(value),
        last_applied=_last_applied(annotations.get(LAST_APPLIED, "")),
        status=mapping(value.get("status")),
        owner=_owner(metadata),
        tracking=Tracking(_tracked(resource, annotations.get(TRACKING, "")), _label(metadata)),
        deleting=bool(metadata.get("deletionTimestamp")),
    )


def manifest_of(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a live object its manifest may have said."""
    metadata = {key: item for key, item in mapping(value.get("metadata")).items() if key not in SERVER_WRITTEN}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        metadata["annotations"] = {key: item for key, item in annotations.items() if key != LAST_APPLIED}
        if not metadata["annotations"]:
            del metadata["annotations"]
    return {key: metadata if key == "metadata" else item for key, item in value.items() if key != "status"}


def is_made(one: LiveObject) -> bool:
    """Whether a controller made it: ReplicaSets, Pods, AnalysisRuns, Experiments of a step, canary Ingresses."""
    if one.owner is None or not one.owner.controller:
        return False
    return one.last_applied is None and not one.tracking.by_annotation


def _owner(metadata: Mapping[str, Any]) -> Owner | None:
    owners = [mapping(one) for one in sequence(metadata.get("ownerReferences"))]
    owners.sort(key=lambda one: one.get("controller") is not True)
    if not owners:
        return None
    first = owners[0]
    return Owner(
        text(first.get("kind")), text(first.get("name")), text(first.get("uid")), first.get("controller") is True
    )


def _label(metadata: Mapping[str, Any]) -> str:
    return string_map(metadata.get("labels")).get(INSTANCE, "")


def _tracked(resource: Resource, tracking: str) -> str:
    """The Application of a tracking id `app:group/kind:namespace/name` that names this very object."""
    application, _, rest = tracking.partition(":")
    kind, _, name = rest.partition(":")
    return application if kind == f"{resource.id.group}/{resource.id.kind}" and _same_name(resource, name) else ""


def _same_name(resource: Resource, name: str) -> bool:
    namespace, _, own = name.rpartition("/")
    return own == resource.id.name and namespace in ("", resource.id.namespace)


def _last_applied(annotation: str) -> Mapping[str, Any] | None:
    if not annotation:
        return None
    try:
        value = json.loads(annotation)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def cut_off(source: str, line: int, lost: str) -> Incomplete:
    """The entry for output that ends in the middle."""
    message = f"the output is cut off at line {line}, in the middle of {lost}: that and whatever followed is missing"
    return Incomplete(source, "unreadable", message, lost=True)
