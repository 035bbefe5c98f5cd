"""What Argo CD and kubectl write into objects for themselves: never a change that somebody made.

Mirrors argo-cd `util/argo/resource_tracking.go` and kubectl `pkg/util/apply.go`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = "app.kubernetes.io/instance"


def last_applied_of(live: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What client-side apply wrote last, from the annotation that it leaves; `None` where there is none."""
    text = _metadata(live, "annotations").get(LAST_APPLIED)
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def prepared(
    target: Mapping[str, Any], original: Mapping[str, Any] | None, live: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """Git's manifest and what was applied last, as Argo CD completes them: by the mark that makes the object its own.

    That is an annotation, or the label `app.kubernetes.io/instance` where the live object does not have it.
    """
    marks = _metadata(live, "annotations")
    section, key = ("annotations", TRACKING) if TRACKING in marks else ("labels", _INSTANCE)
    value = _metadata(live, section).get(key)
    target = _without_last_applied(target)
    if value is None or key in _metadata(target, section):
        return target, None if original is None else _without_last_applied(original)
    if section == "labels" and (original is None or key not in _metadata(original, section)):
        return target, None if original is None else _without_last_applied(original)
    marked = _with(target, section, key, value)
    return marked, None if original is None else _with(_without_last_applied(original), section, key, value)


def _metadata(manifest: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    metadata = manifest.get("metadata")
    value = metadata.get(section) if isinstance(metadata, dict) else None
    return value if isinstance(value, dict) else {}


def _with(manifest: Mapping[str, Any], section: str, key: str, value: Any) -> dict[str, Any]:
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return {**manifest, "metadata": {**metadata, section: {**_metadata(manifest, section), key: value}}}


def _without_last_applied(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    annotations = _metadata(manifest, "annotations")
    if LAST_APPLIED not in annotations:
        return manifest
    rest = {key: value for key, value in annotations.items() if key != LAST_APPLIED}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": rest}}
