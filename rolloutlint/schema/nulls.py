"""What the API server makes of `null` before it validates an object.

Since Kubernetes 1.20 a null under a known field that is not nullable is dropped (or replaced by the field's
default) before validation: apiextensions-apiserver pkg/apiserver/schema/defaulting/{prunenulls,algorithm}.go,
run from customresource_handler.go, kubernetes#95423. So `canary:` alone is the same as no `canary`, and a null
under a *required* field is a missing field. A null list item stays and fails its type. A null under an unknown
field still counts as an unknown field, because unknown fields are collected first.
"""

from __future__ import annotations

from typing import Any


def prune(value: Any, schema: Any) -> Any:
    """`value` without the nulls that the API server drops; `value` itself where there are none.

    Containers that `schema` does not describe (free-form ones, and those where a scalar belongs) come back
    empty: nothing in them can matter, and however deep they are nobody has to walk them.
    """
    if value.__class__ is dict:
        fields = schema.get("properties", {}) if isinstance(schema, dict) else {}
        others = schema.get("additionalProperties", True) if isinstance(schema, dict) else True
        return _prune_object(value, fields, others) if fields or others is not True else {}
    if value.__class__ is list:
        if not isinstance(schema, dict) or "items" not in schema:
            return []
        return [prune(item, schema["items"]) for item in value]
    return value


def _prune_object(value: dict[Any, Any], fields: dict[str, Any], others: Any) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for name, each in value.items():
        below = fields.get(name, others)
        if not isinstance(below, dict):
            out[name] = None
        elif each is None and not nullable(below):
            continue
        else:
            out[name] = prune(each, below)
    return out


def nullable(schema: dict[str, Any]) -> bool:
    """Whether null is a value of its own under `schema`: only where it says so, not merely where it is free-form."""
    types = schema.get("type")
    return isinstance(types, list) and "null" in types
