"""Names of ConfigMaps and Secrets that end in a hash of what they hold, and who in a pod template uses such objects.

Mirrors kustomize `api/hasher/hasher.go`. Each change of their content makes another object, so the old one is pruned.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rolloutlint.finding import Path

HASH_LENGTH = 10
_NAME = re.compile(rf"(.+)-([2456789bcdfghkmt]{{{HASH_LENGTH}}})")
_LETTERS = str.maketrans("013ae", "ghkmt")
_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED = re.compile("[<>&\u2028\u2029]")
_CONTENT: Mapping[str, tuple[str, str]] = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}


class ConfigUse(NamedTuple):
    """A ConfigMap or Secret that a pod template names."""

    kind: str
    name: str
    path: Path
    """Of the name, below the template."""


def hashed_name(value: Mapping[str, Any]) -> str:
    """The name of a ConfigMap or Secret without the hash that kustomize gave it; `""` where it ends in none.

    The hash is computed, so that a name which merely looks like it is not taken for one.
    """
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None or _hash(value) != match[2]:
        return ""
    return match[1]


def _hash(value: Mapping[str, Any]) -> str:
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _CONTENT:
        return ""
    first, second = _CONTENT[kind]
    # kustomize means to put the name in as well, but looks it up where it is not.
    content: dict[str, Any] = {"kind": kind, "name": "", first: value.get(first) or ""}
    if isinstance(value.get(second), dict):
        content[second] = value[second]
    if kind == "Secret":
        content["type"] = value.get("type") or ""
    try:
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        encoded = _ESCAPED.sub(lambda match: _GO_ESCAPES[match[0]], text).encode()
    except (TypeError, ValueError):  # keys or characters that are none of JSON's
        return ""
    return hashlib.sha256(encoded).hexdigest()[:HASH_LENGTH].translate(_LETTERS)


def config_uses(template: Mapping[str, Any]) -> Iterator[ConfigUse]:
    """The ConfigMaps and Secrets that the containers and volumes of a pod template name."""
    spec = _map(template.get("spec"))
    for field in ("initContainers", "containers"):
        for index, container in _items(spec.get(field)):
            at: Path = ("spec", field, index)
            for number, source in _items(container.get("envFrom")):
                yield from _named(source, (*at, "envFrom", number), {"configMapRef": "name", "secretRef": "name"})
            for number, variable in _items(container.get("env")):
                place = (*at, "env", number, "valueFrom")
                keys = {"configMapKeyRef": "name", "secretKeyRef": "name"}
                yield from _named(_map(variable.get("valueFrom")), place, keys)
    for index, volume in _items(spec.get("volumes")):
        at = ("spec", "volumes", index)
        yield from _named(volume, at, {"configMap": "name", "secret": "secretName"})
        for number, source in _items(_map(volume.get("projected")).get("sources")):
            yield from _named(source, (*at, "projected", "sources", number), {"configMap": "name", "secret": "name"})


def _named(parent: Mapping[str, Any], at: Path, fields: Mapping[str, str]) -> Iterator[ConfigUse]:
    for field, key in fields.items():
        name = _map(parent.get(field)).get(key)
        if isinstance(name, str) and name:
            yield ConfigUse("Secret" if field.startswith("secret") else "ConfigMap", name, (*at, field, key))


def _items(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
