"""Server-side apply: what the API server makes of a manifest that Argo CD applies with force.

Mirrors structured-merge-diff `merge/update.go` (Apply, prune) and `typed/merge.go`: maps merge, lists merge by their
keys where the type says so and are one value otherwise, and what the manager applied before and applies no more goes,
unless others own it too. Values are plain and never changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from rolloutlint.controllers.managed_fields import Owned, entries, is_shown, item_mark, item_name, items_by_keys, union
from rolloutlint.controllers.merge_shapes import (
    ATOMIC_MAPS,
    Field,
    Shape,
    field_of,
    group_and_kind,
    has_atomic_maps,
    server_shape_of,
)

MANAGER = "argocd-controller"
"""argo-cd `common/common.go` ArgoCDSSAManager."""
_MIGRATED = "kubectl-client-side-apply"
"""Whose fields become Argo CD's when it first applies on the server (gitops-engine `performCSAUpgradeMigration`)."""


def apply_on_server(
    target: Mapping[str, Any],
    live: Mapping[str, Any],
    last_applied: Mapping[str, Any] | None,
    *,
    migrates: bool = True,
) -> dict[str, Any]:
    """`live` after `target` was applied to it.

    Where the live object does not show who owns its fields, those of `last_applied` count as Argo CD's alone;
    `migrates`: it takes over what was applied by client-side apply (`ClientSideApplyMigration`).
    """
    group, kind = group_and_kind(target)
    shape, atomic = server_shape_of(group, kind), has_atomic_maps(group, kind)
    merged = _merge(live, target, shape, atomic)
    if is_shown(live):
        ours, others = _owners(live, migrates)
        return _pruned(merged, target, ours, others, shape, atomic)
    if last_applied is not None:
        return _without_lost(merged, last_applied, target, shape, atomic)
    return merged


def _owners(live: Mapping[str, Any], migrates: bool) -> tuple[Owned, Owned]:
    ours: Owned = {}
    others: Owned = {}
    for manager, operation, fields in entries(live):
        own = (manager, operation) == (MANAGER, "Apply")
        if own or (migrates and (manager, operation) == (_MIGRATED, "Update")):
            ours = union(ours, fields)
        else:
            others = union(others, fields)
    return ours, others


def _is_granular(key: str, atomic: bool) -> bool:
    return not (atomic and key in ATOMIC_MAPS)


def _merge(live: Mapping[str, Any], target: Mapping[str, Any], shape: Shape, atomic: bool) -> dict[str, Any]:
    out = dict(live)
    for key, wanted in target.items():
        if wanted is None:
            continue
        there, field = out.get(key), field_of(shape, key)
        if isinstance(wanted, dict) and isinstance(there, dict) and _is_granular(key, atomic):
            out[key] = _merge(there, wanted, field.shape, atomic)
        elif isinstance(wanted, list) and isinstance(there, list) and (field.keys or field.scalars):
            out[key] = _merged_items(there, wanted, field, atomic)
        else:
            out[key] = wanted
    return out


def _merged_items(live: list[Any], target: list[Any], field: Field, atomic: bool) -> list[Any]:
    if field.scalars:
        if not all(isinstance(item, str) for item in (*live, *target)):
            return target
        return _in_order({item: item for item in live}, {item: item for item in target})
    there, wanted = items_by_keys(live, field.keys), items_by_keys(target, field.keys)
    if there is None or wanted is None:
        return target
    items = {
        name: _merge(there[name], item, field.shape, atomic) if name in there else item for name, item in wanted.items()
    }
    return _in_order(there, items)


def _in_order(live: Mapping[Hashable, Any], wanted: Mapping[Hashable, Any]) -> list[Any]:
    """The items of `wanted` in order, with those that only `live` has before the ones they stood before."""
    out: list[Any] = []
    left, right = list(live), list(wanted)
    shared = [name for name in right if name in live]
    while left or right:
        if left and right and left[0] == right[0]:
            out.append(wanted[right.pop(0)])
            shared.remove(left.pop(0))
        elif left and left[0] in wanted and left[0] not in shared[:1]:
            left.pop(0)
        elif left and left[0] not in wanted:
            out.append(live[left.pop(0)])
        else:
            name = right.pop(0)
            out.append(wanted[name])
            if name in shared:
                shared.remove(name)
    return out


def _pruned(
    value: Mapping[str, Any], target: Mapping[str, Any], ours: Owned, others: Owned, shape: Shape, atomic: bool
) -> dict[str, Any]:
    """`value` without what is ours alone and no longer in `target`."""
    out = dict(value)
    for mark, below in ours.items():
        if mark[:2] != "f:" or mark[2:] not in out:
            continue
        key, theirs = mark[2:], others.get(mark)
        there, wanted, field = out[key], target.get(key), field_of(shape, key)
        if wanted is None and theirs is None:
            del out[key]
        elif isinstance(there, dict) and _is_granular(key, atomic):
            inner = wanted if isinstance(wanted, dict) else {}
            out[key] = _pruned(there, inner, below, theirs or {}, field.shape, atomic)
        elif isinstance(there, list) and (field.keys or field.scalars):
            items = wanted if isinstance(wanted, list) else []
            out[key] = _pruned_items(there, items, below, theirs or {}, field, atomic)
    return out


def _pruned_items(
    items: list[Any], target: list[Any], ours: Owned, others: Owned, field: Field, atomic: bool
) -> list[Any]:
    wanted = None if field.scalars else items_by_keys(target, field.keys)
    out = []
    for item in items:
        mark = item_mark(item, ours)
        if mark is None:
            out.append(item)
        elif field.scalars or not isinstance(item, dict):
            if item in target or mark in others:
                out.append(item)
        else:
            name = item_name(item, field.keys)
            match = wanted.get(name) if wanted else None
            if match is None and mark not in others:
                continue
            kept = {**(match or {}), **{key: item[key] for key in field.keys if key in item}}
            out.append(_pruned(item, kept, ours[mark], others.get(mark, {}), field.shape, atomic))
    return out


def _without_lost(
    value: Mapping[str, Any], original: Mapping[str, Any], target: Mapping[str, Any], shape: Shape, atomic: bool
) -> dict[str, Any]:
    """`value` without what `original` has and `target` has not."""
    out = dict(value)
    for key, old in original.items():
        if key not in out:
            continue
        new, there, field = target.get(key), out[key], field_of(shape, key)
        if new is None:
            del out[key]
        elif isinstance(old, dict) and isinstance(new, dict) and isinstance(there, dict):
            if _is_granular(key, atomic):
                out[key] = _without_lost(there, old, new, field.shape, atomic)
        elif isinstance(old, list) and isinstance(new, list) and isinstance(there, list):
            if field.scalars:
                out[key] = [item for item in there if item in new or item not in old]
            elif field.keys:
                out[key] = _items_without_lost(there, old, new, field, atomic)
    return out


def _items_without_lost(there: list[Any], old: list[Any], new: list[Any], field: Field, atomic: bool) -> list[Any]:
    items, before, after = (items_by_keys(some, field.keys) for some in (there, old, new))
    if items is None or before is None or after is None:
        return there
    out = []
    for name, item in items.items():
        if name in after and name in before:
            out.append(_without_lost(item, before[name], after[name], field.shape, atomic))
        elif name in after or name not in before:
            out.append(item)
    return out
