"""The fields of a kind: which exist, where a name is at home, and which are newer than a release.

A *field path* is a tuple of names with `"[]"` for "each item of the list" and `"{}"` for "each value of the map".
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from rolloutlint.finding import Path
from rolloutlint.schema.load import SHIPPED, schema_of
from rolloutlint.settings import Version

FieldPath: TypeAlias = "tuple[str, ...]"
_SinceTree: TypeAlias = "dict[str, tuple[Version | None, _SinceTree]]"


def show_field_path(path: FieldPath) -> str:
    """`("spec", "steps", "[]", "pause")` -> `spec.steps[].pause`."""
    return "".join(name if name in ("[]", "{}") or not i else f".{name}" for i, name in enumerate(path))


def field_paths(group: str, kind: str) -> frozenset[str]:
    """Every field that the schema of a kind names, as `spec.strategy.canary.steps[].setWeight`; else empty."""
    if (group, kind) not in SHIPPED:
        return frozenset()
    return frozenset(show_field_path(path) for path in _walk(schema_of(group, kind), ()))


def _walk(schema: Any, path: FieldPath) -> Iterator[FieldPath]:
    if not isinstance(schema, dict):
        return
    for name, below in schema.get("properties", {}).items():
        yield (*path, name)
        yield from _walk(below, (*path, name))
    yield from _walk(schema.get("items"), (*path, "[]"))
    yield from _walk(schema.get("additionalProperties"), (*path, "{}"))


def field_path_of(schema: dict[str, Any], path: Path) -> tuple[FieldPath, Any]:
    """The field path of a place in a document, and the schema node there (`True` in free-form parts)."""
    node: Any = schema
    out: list[str] = []
    for item in path:
        below = node if isinstance(node, dict) else {}
        if isinstance(item, int):
            out.append("[]")
            node = below.get("items", True)
        elif item in below.get("properties", {}):
            out.append(item)
            node = below["properties"][item]
        else:
            out.append("{}")
            node = below.get("additionalProperties", True)
    return tuple(out), node


def normalised(name: str) -> str:
    """A name without what people get wrong first: case, `-` and `_`."""
    return name.lower().replace("-", "").replace("_", "")


@functools.cache
def _homes(group: str, kind: str) -> dict[str, tuple[tuple[FieldPath, int], ...]]:
    """Normalised name -> the paths of the fields of that name, each with the number of fields beside it."""
    paths = list(_walk(schema_of(group, kind), ()))
    sizes = Counter(path[:-1] for path in paths)
    homes: dict[str, list[tuple[FieldPath, int]]] = {}
    for path in paths:
        # The names in `metadata` are too common for one of them to be what was meant.
        if path[0] != "metadata":
            homes.setdefault(normalised(path[-1]), []).append((path, sizes[path[:-1]]))
    return {name: tuple(found) for name, found in homes.items()}


def elsewhere(group: str, kind: str, document: Any, place: FieldPath, field: str) -> FieldPath:
    """Where `field`, unknown in the mapping at `place`, does exist; `()` if nowhere, or if nothing favours one place.

    The home nearest to `place` in the tree of fields wins; then the one whose surroundings `document` has, the
    one in the smallest mapping (`pause.duration` before `experiment.duration`), the shortest, the first by name.
    """
    homes = _homes(group, kind).get(normalised(field), ())
    if not homes:
        return ()
    far = {home: _steps_between(home[:-1], place) for home, _ in homes}
    least = min(far.values())
    near = [(home, size) for home, size in homes if far[home] == least]
    if len(near) > 1 and len(homes) > _COMMON:
        return ()
    return min(near, key=lambda each: (-_present(document, each[0]), each[1], len(each[0]), each[0]))[0]


_COMMON = 8
"""A name that more fields have (`name`, `port`) does not tell by itself which of them was meant."""


def _steps_between(one: FieldPath, other: FieldPath) -> int:
    """How many levels up and down lead from one mapping to the other; a list is no level of its own."""
    common = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        common += 1
    return sum(1 for name in (*one[common:], *other[common:]) if name != "[]")


def _present(node: Any, path: FieldPath) -> int:
    """How many leading names of `path` the document has."""
    if not path:
        return 0
    if path[0] == "[]":
        return max((_present(item, path[1:]) for item in node), default=0) if isinstance(node, list) else 0
    if not isinstance(node, dict) or path[0] not in node:
        return 0
    return 1 + _present(node[path[0]], path[1:])


def too_new(group: str, kind: str, value: Any, rollouts: Version) -> tuple[tuple[Path, Version], ...]:
    """The fields of `value` that Argo Rollouts `rollouts` does not know yet, in document order.

    Each comes with the release that brought it; below such a field nothing more is said. Nulls are dropped by
    every release alike and do not count.
    """
    if (group, kind) not in SHIPPED:
        return ()
    tree = _newer(group, kind, rollouts)
    return tuple(_find_newer(value, tree, ())) if tree else ()


def as_kept(group: str, kind: str, value: Mapping[str, Any], rollouts: Version) -> Mapping[str, Any]:
    """`value` as the API server keeps it where Argo Rollouts `rollouts` is installed: without the fields of `too_new`.

    The same object where it has none of them, else a copy.
    """
    newer = too_new(group, kind, value, rollouts)
    if not newer:
        return value
    kept: dict[str, Any] = deepcopy(dict(value))
    for path, _ in newer:
        parent: Any = kept
        for item in path[:-1]:
            parent = parent[item]
        del parent[path[-1]]
    return kept


@functools.cache
def _newer(group: str, kind: str, rollouts: Version) -> _SinceTree:
    return _since_tree(schema_of(group, kind), rollouts)


def _since_tree(schema: Any, rollouts: Version) -> _SinceTree:
    """Only the branches of the schema that end in a field newer than `rollouts`."""
    tree: _SinceTree = {}
    if not isinstance(schema, dict):
        return tree
    children = dict(schema.get("properties", {}))
    for token, key in (("[]", "items"), ("{}", "additionalProperties")):
        if isinstance(schema.get(key), dict):
            children[token] = schema[key]
    for name, child in children.items():
        since = parse_version(child["x-since"]) if "x-since" in child else None
        if since is not None and since > rollouts:
            tree[name] = (since, {})
        elif below := _since_tree(child, rollouts):
            tree[name] = (None, below)
    return tree


def parse_version(text: str) -> Version:
    """`"1.9"` -> `Version(1, 9)`. Raises `ValueError` for anything else."""
    major, minor = text.split(".")
    return Version(int(major), int(minor))


def _find_newer(value: Any, tree: _SinceTree, path: Path) -> Iterator[tuple[Path, Version]]:
    if isinstance(value, dict):
        for name, each in value.items():
            branch = tree.get(name) or tree.get("{}")
            if branch is None or each is None:
                continue
            since, below = branch
            if since is not None:
                yield (*path, name), since
            else:
                yield from _find_newer(each, below, (*path, name))
    elif isinstance(value, list) and "[]" in tree:
        _, below = tree["[]"]
        for i, item in enumerate(value):
            yield from _find_newer(item, below, (*path, i))
