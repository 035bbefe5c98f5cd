"""Who owns which fields of a live object, as `metadata.managedFields` says.

Mirrors structured-merge-diff `fieldpath/serialize.go`: `f:` is a field, `k:` an item of a list by its keys, `v:` a
member of a set, `.` the thing itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

Owned: TypeAlias = "dict[str, Owned]"
"""`fieldsV1`: what is owned below, by `f:NAME`, `k:KEYS`, `v:VALUE` and `.`."""


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
