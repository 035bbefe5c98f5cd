"""Which objects a cluster wrote to, and which of those controllers made.

Field meanings: apimachinery `pkg/apis/meta/v1/types.go` (ObjectMeta), argo-cd `util/argo/resource_tracking.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.controllers.bookkeeping import TRACKING, last_applied_of
from rolloutlint.finding import ResourceId
from rolloutlint.model import Resource
from rolloutlint.model.values import mapping, sequence, string_map

_WRITTEN = ("uid", "resourceVersion", "managedFields")


def is_live(resource: Resource) -> bool:
    """Whether a cluster wrote to the object. A `status` alone does not say so: generated definitions have one."""
    if not any(map(resource.mentions, (*_WRITTEN, "creationTimestamp"))):
        return False
    value = resource.thaw()
    metadata = mapping(value.get("metadata"))
    if any(metadata.get(key) for key in _WRITTEN):
        return True
    return bool(metadata.get("creationTimestamp")) and bool(mapping(value.get("status")))


def is_made(resource: Resource) -> bool:
    """Whether a controller made the object: ReplicaSets, Pods, AnalysisRuns, Experiments of a step, canary Ingresses.

    One that a controller owns and that was applied all the same belongs to whoever applied it.
    """
    if not resource.mentions("ownerReferences"):
        return False
    value = resource.thaw()
    metadata = mapping(value.get("metadata"))
    owners = [mapping(one) for one in sequence(metadata.get("ownerReferences"))]
    if not any(one.get("controller") is True for one in owners):
        return False
    return last_applied_of(value) is None and not _is_tracked(resource.id, metadata)


def _is_tracked(own: ResourceId, metadata: Mapping[str, Any]) -> bool:
    """Whether Argo CD's mark `app:group/kind:namespace/name` names this very object, and was not copied to it."""
    _, _, rest = string_map(metadata.get("annotations")).get(TRACKING, "").partition(":")
    kind, _, name = rest.partition(":")
    return kind == f"{own.group}/{own.kind}" and name.rpartition("/")[2] == own.name
