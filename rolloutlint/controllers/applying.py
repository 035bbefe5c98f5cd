"""What one sync of Argo CD writes: the object afterwards, whether it was OutOfSync, and what is not done or undone.

Mirrors kubectl `pkg/cmd/apply` and gitops-engine `pkg/sync/sync_context.go` (applyObject, filterOutOfSyncTasks) on top
of the comparison (`comparing`) and of RespectIgnoreDifferences (`respecting`). Bookkeeping that nobody reads as a
change stays as it is in the live object: the annotation of client-side apply, managed fields, resource version.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers import json_merge, strategic_merge
from rolloutlint.controllers.bookkeeping import LAST_APPLIED, last_applied_of, prepared
from rolloutlint.controllers.comparing import Compared, compare, differing
from rolloutlint.controllers.defaults_kept import with_defaults
from rolloutlint.controllers.ignore_differences import rules_of
from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.merge_shapes import group_and_kind, shape_of
from rolloutlint.controllers.normalizing import Foreign, normalized_pair
from rolloutlint.controllers.respecting import respect
from rolloutlint.controllers.server_side_apply import apply_on_server
from rolloutlint.controllers.sync_options import diff_strategy, policy, resource_options
from rolloutlint.finding import Path
from rolloutlint.settings import Version

How = Literal["client", "server", "replace"]

_OF_THE_SERVER = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
)
_NAMES = ("name", "mountPath", "containerPort", "port", "host", "key", "path", "ip")


class Synced(NamedTuple):
    """What a sync does to one object."""

    after: Mapping[str, Any] | None
    """The object afterwards; `None` where that cannot be known."""
    compared: Compared
    applied: bool
    """False where `ApplyOutOfSyncOnly` leaves it alone."""
    frozen: tuple[Path, ...] = ()
    """Paths, in Git's manifest, of changes that are not applied."""
    undone: tuple[Path, ...] = ()
    """Paths, in the live object, of what others wrote there and the sync takes back."""


def apply(
    target: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    last_applied: Mapping[str, Any] | None,
    how: How,
    *,
    migrates: bool = True,
) -> Mapping[str, Any]:
    """The object after `target` was applied to `live`.

    `last_applied`: what was applied last; by default what kubectl's annotation in `live` says. What it has and
    `target` has not goes. `migrates`: see `apply_on_server`. What is malformed is replaced by Git's value.
    """
    if live is None:
        return target
    original = last_applied if last_applied is not None else last_applied_of(live)
    target, original = prepared(target, original, live)
    target, original = _stored(target), None if original is None else _stored(original)
    group, kind = group_and_kind(target)
    shape = shape_of(group, kind)
    after: Mapping[str, Any]
    if how == "server":
        after = apply_on_server(target, live, original, migrates=migrates)
    elif how == "replace":
        after = target
    elif shape is not None:
        after = strategic_merge.three_way(original or {}, target, live, shape)
    else:
        after = json_merge.merged(live, json_merge.three_way(original or {}, target, live))
    return with_defaults(_kept(after, live, group, kind), live, group, kind)


def sync(
    target: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    last_applied: Mapping[str, Any] | None,
    application: Mapping[str, Any] | None,
    argocd: Version,
    foreign: Foreign | None = None,
    *,
    options: Collection[str] | None = None,
) -> Synced:
    """What a sync of `application` does to one object, by its own options and those in the object's annotations.

    Without an Application everything is applied client-side and nothing ignored. `last_applied` and `foreign` as in
    `compare`. `options`: those of a manual sync, which replace the Application's; how Argo CD compares stays as it is.
    """
    app: Mapping[str, Any] = application if application is not None else {}
    spec = app.get("spec")
    rules, chosen = rules_of(spec), policy(spec)
    if options is not None:
        chosen = chosen._replace(options=frozenset(options))
    compared = compare(target, live, last_applied, rules, diff_strategy(app, target), foreign)
    if live is None:
        return Synced(target, compared, True)
    only_out_of_sync = chosen.apply_out_of_sync_only
    if only_out_of_sync and compared.shown is False:
        return Synced(live, compared, False, _frozen(target, live, live, last_applied, ()))
    effective: Mapping[str, Any] | None = target
    ignored: tuple[Path, ...] = ()
    if chosen.respect_ignore_differences:
        effective = respect(*_tracked(target, live, last_applied), rules, argocd, foreign)
        pair = normalized_pair(target, live, rules, foreign)
        ignored = pair.ignored if pair else ()
    if effective is None:
        return Synced(None, compared, True)
    migrates = "ClientSideApplyMigration=false" not in chosen.options
    after = apply(effective, live, last_applied, how_applied(chosen.options, target, live), migrates=migrates)
    if only_out_of_sync and compared.shown is None and differing(live, after):
        return Synced(None, compared, True)
    frozen = _frozen(target, live, after, last_applied, ignored) if effective is not target else ()
    return Synced(after, compared, True, frozen, _undone(target, live, after, last_applied))


def how_applied(options: Collection[str], target: Mapping[str, Any], live: Mapping[str, Any] | None = None) -> How:
    """How a sync with these options writes an object.

    `Replace=true` beats `ServerSideApply=true`, and counts in the live object too; the annotation for server-side
    apply beats the option. gitops-engine `pkg/sync/sync_context.go` (applyObject, shouldUseServerSideApply).
    """
    own = resource_options(target)
    if any("Replace=true" in some for some in (options, own, resource_options(live))):
        return "replace"
    if "ServerSideApply=false" in own:
        return "client"
    return "server" if "ServerSideApply=true" in options or "ServerSideApply=true" in own else "client"


def _tracked(
    target: Mapping[str, Any], live: Mapping[str, Any], last_applied: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return prepared(target, last_applied if last_applied is not None else last_applied_of(live), live)[0], live


def _stored(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Secret as it is stored: `stringData` becomes `data`."""
    written = manifest.get("stringData")
    if group_and_kind(manifest) != ("", "Secret") or not isinstance(written, dict):
        return manifest
    data = manifest.get("data")
    out = {key: value for key, value in manifest.items() if key != "stringData"}
    encoded = {
        key: base64.b64encode(value.encode()).decode() if isinstance(value, str) else value
        for key, value in written.items()
    }
    out["data"] = {**(data if isinstance(data, dict) else {}), **encoded}
    return out


def _kept(after: Mapping[str, Any], live: Mapping[str, Any], group: str, kind: str) -> dict[str, Any]:
    """`after` with what no apply changes: identity, the server's metadata, bookkeeping, and the status."""
    out = dict(after)
    for key in ("apiVersion", "kind"):
        if key in live:
            out.setdefault(key, live[key])
    if (group, kind) != ("argoproj.io", "Application"):
        out.pop("status", None)
        if "status" in live:
            out["status"] = live["status"]
    there, metadata = live.get("metadata"), out.get("metadata")
    if isinstance(there, dict):
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        for key in (*_OF_THE_SERVER, "name"):
            if key in there:
                metadata[key] = there[key]
        annotations = there.get("annotations")
        if isinstance(annotations, dict) and LAST_APPLIED in annotations:
            written = metadata.get("annotations")
            written = written if isinstance(written, dict) else {}
            metadata["annotations"] = {**written, LAST_APPLIED: annotations[LAST_APPLIED]}
        out["metadata"] = metadata
    return out


def _frozen(
    target: Mapping[str, Any],
    live: Mapping[str, Any],
    after: Mapping[str, Any],
    last_applied: Mapping[str, Any] | None,
    ignored: tuple[Path, ...],
) -> tuple[Path, ...]:
    """Where Git's manifest changed and the object afterwards does not have it.

    Where it is not known what was applied last, everything that Git has and the live object has not counts as a
    change, except what rules ignore.
    """
    original = last_applied if last_applied is not None else last_applied_of(live)
    before = live if original is None else original
    out = []
    for path in _changes(before, target, ()):
        if path[:1] == ("status",) or path[:2] == ("metadata", "annotations"):
            continue
        if original is None and any(path[: len(one)] == one for one in ignored):
            continue
        if not _reached(target, after, path):
            out.append(path)
    return tuple(out)


def _changes(before: Any, target: Any, at: Path) -> list[Path]:
    """What Git's manifest adds to and changes in `before`, in its own paths; items of lists are paired by name."""
    if isinstance(before, dict) and isinstance(target, dict):
        out: list[Path] = []
        for key, value in target.items():
            out += _changes(before[key], value, (*at, key)) if key in before else [(*at, key)]
        return out
    if isinstance(before, list) and isinstance(target, list):
        out = []
        for index, item in enumerate(target):
            match = _counterpart(item, index, before, len(target))
            out += [(*at, index)] if match is None else _changes(match[0], item, (*at, index))
        return out
    return [] if same(before, target) else [at]


def _reached(target: Any, after: Any, path: Path) -> bool:
    """Whether what stands at `path` of Git's manifest stands in the object afterwards too."""
    for key in path:
        if isinstance(key, str) and isinstance(target, dict) and isinstance(after, dict):
            if key not in after:
                return target.get(key) is None
            target, after = target.get(key), after[key]
        elif isinstance(key, int) and isinstance(target, list) and isinstance(after, list):
            match = _counterpart(target[key], key, after, len(target))
            if match is None:
                return False
            target, after = target[key], match[0]
        else:
            return False
    return not _changes(after, target, ())


def _counterpart(item: Any, index: int, items: list[Any], length: int) -> tuple[Any] | None:
    """The item of another list that is the same thing: by its name, else by its place or content."""
    if isinstance(item, dict):
        for name in _NAMES:
            if name in item:
                found = [other for other in items if isinstance(other, dict) and same(other.get(name), item[name])]
                if len(found) == 1:
                    return (found[0],)
                if name == "name":
                    return None
                break
        return (items[index],) if len(items) == length else None
    if len(items) == length:
        return (items[index],)
    return next(((other,) for other in items if same(other, item)), None)


def _undone(
    target: Mapping[str, Any],
    live: Mapping[str, Any],
    after: Mapping[str, Any],
    last_applied: Mapping[str, Any] | None,
) -> tuple[Path, ...]:
    """Where the sync changes what is live although Git's manifest did not change there."""
    original = last_applied if last_applied is not None else last_applied_of(live)
    paths = differing(live, after)
    if original is None:
        return tuple(paths)
    return tuple(path for path in paths if not _changed_by_git(original, target, path))


def _changed_by_git(original: Any, target: Any, path: Path) -> bool:
    """Whether Git's manifest differs at `path`, or at the last point to which both follow it."""
    for key in path:
        if isinstance(key, str) and isinstance(original, dict) and isinstance(target, dict):
            if key not in original and key not in target:
                return False
            if key not in original or key not in target:
                return True
            original, target = original[key], target[key]
        elif isinstance(key, int) and isinstance(original, list) and isinstance(target, list):
            if len(original) != len(target) or key >= len(target):
                return not same(original, target)
            original, target = original[key], target[key]
        else:
            break
    return not same(original, target)
