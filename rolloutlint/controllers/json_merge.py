"""JSON merge patches, as Argo CD and kubectl make and apply them for custom resources: a list is one value.

Mirrors evanphx/json-patch `merge.go` (CreateMergePatch, MergePatch) and apimachinery
`pkg/util/jsonmergepatch/patch.go` (CreateThreeWayJSONMergePatch). Values are plain and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def same(one: Any, two: Any) -> bool:
    """Whether two JSON values are equal: `1` and `1.0` are, `1` and `true` are not."""
    if one is two:
        return True
    if isinstance(one, dict):
        return (
            isinstance(two, dict)
            and len(one) == len(two)
            and all(key in two and same(value, two[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return (
            isinstance(two, list)
            and len(one) == len(two)
            and all(same(value, other) for value, other in zip(one, two, strict=True))
        )
    return isinstance(one, bool) == isinstance(two, bool) and bool(one == two)


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into `before` to get `after`; `None` stands for a key that goes."""
    patch: dict[str, Any] = {}
    for key, value in after.items():
        if key not in before:
            patch[key] = value
            continue
        old = before[key]
        if isinstance(old, dict) and isinstance(value, dict):
            inner = merge_patch(old, value)
            if inner:
                patch[key] = inner
        elif not same(old, value):
            patch[key] = value
    for key in before:
        if key not in after:
            patch[key] = None
    return patch


def merged(value: Any, patch: Any) -> Any:
    """`value` with `patch` merged into it (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), item)
    return out


def three_way(original: Mapping[str, Any], modified: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """The patch for `current`: what `modified` adds and changes, and what it lost since `original`."""
    return _joined(
        _only(merge_patch(original, modified), nulls=True), _only(merge_patch(current, modified), nulls=False)
    )


def _only(patch: dict[str, Any], *, nulls: bool) -> dict[str, Any]:
    """The part of a patch that removes, or the part that does not."""
    out: dict[str, Any] = {}
    for key, value in patch.items():
        if isinstance(value, dict):
            inner = _only(value, nulls=nulls)
            if inner or (not value and not nulls):
                out[key] = inner
        elif (value is None) is nulls:
            out[key] = value
    return out


def _joined(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    out = dict(one)
    for key, value in two.items():
        old = out.get(key)
        out[key] = _joined(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def without_unknown(known: Any, live: Any) -> Any:
    """`live` without the map keys that `known` lacks, also inside lists, whose items are paired by their number.

    gitops-engine `pkg/utils/json/json.go` (RemoveMapFields, RemoveListFields): items beyond those stay.
    """
    if isinstance(known, dict) and isinstance(live, dict):
        return {key: without_unknown(value, live[key]) for key, value in known.items() if key in live}
    if isinstance(known, list) and isinstance(live, list):
        return [without_unknown(known[index], item) if index < len(known) else item for index, item in enumerate(live)]
    return live
