"""Strategic merge: how kubectl and Argo CD change objects of Kubernetes' own kinds.

Mirrors apimachinery `pkg/util/strategicpatch/patch.go` (CreateThreeWayMergePatch, StrategicMergePatch): the patches
that it makes are applied here at once. A list that should merge by key and cannot, because an item has no key or two
have the same, counts as one value. Values are plain and never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.merge_shapes import Field, Shape, field_of


def three_way(
    original: Mapping[str, Any], modified: Mapping[str, Any], current: Mapping[str, Any], shape: Shape
) -> dict[str, Any]:
    """`current` with what `modified` adds and changes, and without what it lost since `original`."""
    return transplant(current, modified, without_lost(current, original, modified, shape), shape)


def without_lost(
    current: Mapping[str, Any], original: Mapping[str, Any], modified: Mapping[str, Any], shape: Shape
) -> dict[str, Any]:
    """`current` without the keys and items that `original` has and `modified` has not."""
    out = dict(current)
    for key, old in original.items():
        if key not in out:
            continue
        if key not in modified:
            del out[key]
            continue
        new, live = modified[key], out[key]
        field = field_of(shape, key)
        if isinstance(old, dict) and isinstance(new, dict) and isinstance(live, dict):
            out[key] = without_lost(live, old, new, field.shape)
        elif field.merges and isinstance(old, list) and isinstance(new, list) and isinstance(live, list):
            out[key] = _items_without_lost(live, old, new, field)
    return out


def _items_without_lost(live: list[Any], old: list[Any], new: list[Any], field: Field) -> list[Any]:
    if not field.key:
        return [item for item in live if item in new or item not in old]
    named = [by_key(items, field.key) for items in (live, old, new)]
    live_items, old_items, new_items = named
    if live_items is None or old_items is None or new_items is None:
        return live
    out = []
    for name, item in live_items.items():
        if name not in old_items:
            out.append(item)
        elif name in new_items:
            out.append(without_lost(item, old_items[name], new_items[name], field.shape))
    return out


def transplant(base: Mapping[str, Any], changed: Mapping[str, Any], onto: Any, shape: Shape) -> dict[str, Any]:
    """`onto` with what `changed` adds to and changes in `base`; what `base` has beyond it is of no concern."""
    out = dict(onto) if isinstance(onto, dict) else {}
    for key, new in changed.items():
        field = field_of(shape, key)
        if key not in base:
            _put(out, key, new, field)
            continue
        old = base[key]
        if isinstance(old, dict) and isinstance(new, dict):
            if field.replaces:  # even where nothing changed
                out[key] = new
                continue
            _transplant_below(out, key, old, new, field)
        elif same(old, new):
            continue
        elif isinstance(old, list) and isinstance(new, list) and field.merges:
            out[key] = _transplant_items(old, new, out.get(key), field)
        else:
            _put(out, key, new, field)
    return out


def _transplant_below(
    out: dict[Any, Any], key: Hashable, old: dict[str, Any], new: dict[str, Any], field: Field
) -> bool:
    """Do the same for one object in `out`; whether there is a patch for it, even one that changes nothing there."""
    if field.retains and not same(old, new):
        inner = transplant(old, new, out.get(key), field.shape)
        out[key] = {name: value for name, value in inner.items() if name in new}
        return True
    if not _has_patch(old, new, field.shape):
        return False
    out[key] = transplant(old, new, out.get(key), field.shape)
    return True


def _has_patch(old: Mapping[str, Any], new: Mapping[str, Any], shape: Shape) -> bool:
    """Whether `new` adds or changes anything; a map that is replaced whole always does."""
    for key, item in new.items():
        if key not in old:
            return True
        before, field = old[key], field_of(shape, key)
        if before is item and not field.replaces:
            continue
        if isinstance(before, dict) and isinstance(item, dict):
            if field.replaces or (field.retains and not same(before, item)) or _has_patch(before, item, field.shape):
                return True
        elif isinstance(before, list) and isinstance(item, list) and field.merges and field.key:
            if _items_have_patch(before, item, field):
                return True
        elif not same(before, item):
            return True
    return False


def _items_have_patch(old: list[Any], new: list[Any], field: Field) -> bool:
    before, after = by_key(old, field.key), by_key(new, field.key)
    if before is None or after is None:
        return not same(old, new)
    if list(before) != list(after):
        return True
    return any(
        (field.retains and not same(before[name], item)) or _has_patch(before[name], item, field.shape)
        for name, item in after.items()
    )


def _put(out: dict[Any, Any], key: Hashable, new: Any, field: Field) -> None:
    """Merge a whole value into `out`, as a patch without directives does."""
    if new is None:
        out.pop(key, None)
        return
    old = out.get(key)
    if isinstance(new, dict):
        inner = dict(old) if isinstance(old, dict) else {}
        for name, value in new.items():
            _put(inner, name, value, field_of(field.shape, name))
        out[key] = inner
    elif isinstance(new, list) and isinstance(old, list) and field.merges:
        out[key] = _put_items(old, new, field)
    else:
        out[key] = new


def _put_items(old: list[Any], new: list[Any], field: Field) -> list[Any]:
    if not field.key:
        return ordered([*old, *(item for item in new if item not in old)], new, old, lambda item: item)
    old_items, new_items = by_key(old, field.key), by_key(new, field.key)
    if old_items is None or new_items is None:
        return new
    out = dict(old_items)
    for name, item in new_items.items():
        _put(out, name, item, Field(field.shape))
    return ordered(list(out.values()), new, old, lambda item: item.get(field.key))


def _transplant_items(old: list[Any], new: list[Any], onto: Any, field: Field) -> list[Any]:
    there = onto if isinstance(onto, list) else []
    if not field.key:
        added = [item for item in new if item not in old]
        if not added and [item for item in old if item in new] == new:
            return there
        return ordered([*there, *(item for item in added if item not in there)], new, there, lambda item: item)
    old_items, new_items, items = by_key(old, field.key), by_key(new, field.key), by_key(there, field.key)
    if old_items is None or new_items is None or items is None:
        return there if same(old, new) else new
    touched = list(old_items) != list(new_items)
    for name, item in new_items.items():
        before = old_items.get(name)
        if before is None:
            _put(items, name, item, Field(field.shape))
            touched = True
        else:
            is_new = name not in items
            below: dict[Hashable, Any] = {name: items.get(name)}
            if _transplant_below(below, name, before, item, field):
                # an item that is not there comes with its key and what changed in it, nothing else
                items[name] = {field.key: name, **below[name]} if is_new else below[name]
                touched = True
    if not touched:
        return there
    return ordered(list(items.values()), new, there, lambda one: one.get(field.key))


def by_key(items: Sequence[Any], key: str) -> dict[Hashable, Any] | None:
    """The items by their key; `None` where one has none or two have the same."""
    out: dict[Hashable, Any] = {}
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, (str, int)) or name in out:
            return None
        out[name] = item
    return out


def ordered(
    items: Sequence[Any], wanted: Sequence[Any], server: Sequence[Any], name: Callable[[Any], Any]
) -> list[Any]:
    """`items` in the order of `wanted`, with those that only the server has where they were (normalizeElementOrder)."""
    wanted_names = [name(item) for item in wanted]
    server_names = [name(item) for item in server]
    left = sorted(
        (item for item in items if name(item) in wanted_names), key=lambda item: wanted_names.index(name(item))
    )
    right = [item for item in items if name(item) not in wanted_names]
    out: list[Any] = []
    while left and right:
        first, second = name(left[0]), name(right[0])
        after = (
            first in server_names and second in server_names and server_names.index(first) > server_names.index(second)
        )
        out.append(right.pop(0) if after else left.pop(0))
    return [*out, *left, *right]
