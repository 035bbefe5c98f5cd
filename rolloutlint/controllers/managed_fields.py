"""Who owns which fields of a live object, as `metadata.managedFields` says.

Mirrors structured-merge-diff `fieldpath/serialize.go`: `f:` is a field, `k:` an item of a list by its keys, `v:` a
member of a set, `.` the thing itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Owned: TypeAlias = "dict[str, Owned]"
"""`fieldsV1`: what is owned below, by `f:NAME`, `k:KEYS`, `v:VALUE` and `.`."""


_KEY_DEFAULTS: Mapping[str, Hashable] = {"protocol": "TCP"}


def entries(live: Mapping[str, Any]) -> Iterator[tuple[str, str, Owned]]:
    """Manager, operation (`Apply` or `Update`) and fields of every entry about the object itself."""
    metadata = live.get("metadata")
    fields = metadata.get("managedFields") if isinstance(metadata, dict) else None
    for entry in fields if isinstance(fields, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("fieldsV1"), dict) and not entry.get("subresource"):
            yield str(entry.get("manager", "")), str(entry.get("operation", "")), entry["fieldsV1"]


def is_shown(live: Mapping[str, Any]) -> bool:
    """Whether an object says who owns its fields; `kubectl get` leaves that out unless asked."""
    return any(True for _ in entries(live))


def owned_by(live: Mapping[str, Any], managers: Collection[str]) -> Owned | None:
    """What some managers own together; `None` where the object does not say who owns what."""
    if not is_shown(live):
        return None
    out: Owned = {}
    for manager, _, fields in entries(live):
        if manager in managers:
            out = union(out, fields)
    return out


def union(one: Owned, two: Owned) -> Owned:
    """What either owns."""
    out = dict(one)
    for key, below in two.items():
        if isinstance(below, dict):
            out[key] = union(out.get(key, {}), below)
    return out


def item_name(item: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    """What names an item of a list: the values of its keys, with their defaults."""
    return tuple(item.get(key, _KEY_DEFAULTS.get(key)) for key in keys)


def items_by_keys(items: Sequence[Any], keys: Sequence[str]) -> dict[Hashable, Any] | None:
    """The items by their names, in order; `None` where one has none or two have the same."""
    out: dict[Hashable, Any] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        name = item_name(item, keys)
        if name in out or not all(isinstance(part, (str, int)) or part is None for part in name):
            return None
        out[name] = item
    return out


def item_mark(item: Any, owned: Owned) -> str | None:
    """The entry of `owned` that is about one item of a list: `k:{"name":"web"}`, `v:"finalizer"`."""
    for mark in owned:
        if mark[:2] not in ("k:", "v:"):
            continue
        try:
            name = json.loads(mark[2:])
        except ValueError:
            continue
        if mark[:2] == "v:" and name == item:
            return mark
        if not name or not isinstance(name, dict) or not isinstance(item, dict):
            continue
        if all(item.get(key, _KEY_DEFAULTS.get(key)) == part for key, part in name.items()):
            return mark
    return None
