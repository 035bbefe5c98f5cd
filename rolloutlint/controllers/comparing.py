"""Whether Argo CD shows an object as OutOfSync, and where.

Mirrors gitops-engine `pkg/diff/diff.go` (ThreeWayDiff, StructuredMergeDiff, ServerSideDiff): each predicts the live
object after Git's manifest was applied, and compares that with the live object as it is. `/status` is never compared
(argo-cd `util/settings`, since 3.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.controllers import json_merge, strategic_merge
from rolloutlint.controllers.bookkeeping import last_applied_of, prepared
from rolloutlint.controllers.defaults_kept import with_defaults
from rolloutlint.controllers.ignore_differences import Rule
from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.merge_shapes import group_and_kind, is_built_in, shape_of
from rolloutlint.controllers.normalizing import Foreign, normalized, normalized_pair
from rolloutlint.controllers.pod_defaults import defaulted
from rolloutlint.controllers.server_side_apply import apply_on_server
from rolloutlint.controllers.sync_options import DiffStrategy
from rolloutlint.finding import Path


class Compared(NamedTuple):
    """What Argo CD says of one object."""

    shown: bool | None
    """True where it is OutOfSync; `None` where that cannot be known, or nothing is compared at all."""
    shown_paths: tuple[Path, ...] = ()
    """Where it differs, in the live object; for a list whose length differs the list itself."""


def compare(
    target: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    last_applied: Mapping[str, Any] | None,
    rules: Sequence[Rule],
    strategy: DiffStrategy,
    foreign: Foreign | None = None,
) -> Compared:
    """Whether `live` is OutOfSync with Git's `target`; an object that is not there is.

    `last_applied`: what was applied last, where that is known; by default what kubectl's annotation in `live` says.
    Rules are those of the whole Application: a jq path that does not compile keeps everything from being compared.
    """
    if live is None:
        return Compared(True, ((),))
    original = last_applied if last_applied is not None else last_applied_of(live)
    target, original = prepared(target, original, live)
    live = _plain(live)
    target = _plain(target)
    pair = normalized_pair(target, live, rules, foreign)
    if pair is None:
        return Compared(None)
    before: Mapping[str, Any] | None = pair.live
    after: Mapping[str, Any] | None
    if strategy == "three-way":
        known = None if original is None else normalized(_plain(original), rules, _namespace(live), foreign)
        after = _three_way(pair.target, pair.live, known if known is not None else pair.target)
    elif strategy == "structured-merge":
        after = apply_on_server(pair.target, pair.live, original)
    else:
        namespace = _namespace(live)
        after = normalized(apply_on_server(target, live, original), rules, namespace, foreign)
        before = normalized(live, rules, namespace, foreign)
    if before is None or after is None:
        return Compared(None)
    group, kind = group_and_kind(target)
    if is_built_in(group) or strategy == "server-side":
        after = with_defaults(after, before, group, kind)
    paths = tuple(differing(_typed(before, group), _typed(after, group)))
    return Compared(bool(paths), paths)


def _three_way(target: Mapping[str, Any], live: Mapping[str, Any], original: Mapping[str, Any]) -> dict[str, Any]:
    shape = shape_of(*group_and_kind(original))
    target, original = _nowhere(target), _nowhere(original)
    if shape is not None:
        return strategic_merge.three_way(original, target, live, shape)
    known = json_merge.without_unknown(original, live)
    out: dict[str, Any] = json_merge.merged(live, json_merge.three_way(original, target, known))
    return out


def _nowhere(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Without the namespace, which Git may leave out (removeNamespaceAnnotation)."""
    metadata = manifest.get("metadata")
    if not isinstance(metadata, dict):
        return dict(manifest)
    return {**manifest, "metadata": {key: value for key, value in metadata.items() if key != "namespace"}}


def _namespace(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    value = metadata.get("namespace") if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def _plain(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Without status and the time of creation, which are never compared."""
    out = {key: value for key, value in manifest.items() if key != "status"}
    metadata = out.get("metadata")
    if isinstance(metadata, dict) and "creationTimestamp" in metadata:
        out["metadata"] = {key: value for key, value in metadata.items() if key != "creationTimestamp"}
    return out


def _typed(manifest: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    """Built-in kinds are compared as Go types with defaults: pod templates that mean the same are the same."""
    if not is_built_in(group):
        return manifest
    out: Mapping[str, Any] = _templates_typed(manifest)
    return out


def _templates_typed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        if key == "template" and isinstance(item, dict) and isinstance(item.get("spec"), dict):
            out[key] = defaulted(item, workload=True)
        elif key in ("spec", "jobTemplate"):
            out[key] = _templates_typed(item)
        else:
            out[key] = item
    return out


def differing(one: Any, two: Any, at: Path = ()) -> list[Path]:
    """The deepest paths at which two values differ; for a list whose length differs the list's own."""
    if one is two:
        return []
    if isinstance(one, dict) and isinstance(two, dict):
        out: list[Path] = []
        for key in (*one, *(key for key in two if key not in one)):
            if key in one and key in two:
                out += differing(one[key], two[key], (*at, key))
            else:
                out.append((*at, key))
        return out
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [path for i, item in enumerate(one) for path in differing(item, two[i], (*at, i))]
    return [] if same(one, two) else [at]
