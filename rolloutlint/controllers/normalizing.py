"""Git's and the live object as Argo CD compares them: without what `ignoreDifferences` ignores.

Mirrors argo-cd `util/argo/diff/diff.go` (preDiffNormalize), `util/argo/diff/normalize.go`,
`util/argo/managedfields/managed_fields.go` and `util/argo/normalizers`: first the fields of trusted managers that
differ, then the rules in order, then the known types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from rolloutlint.controllers.ignore_differences import Rule, effect_of, matches
from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.known_types import as_compared
from rolloutlint.controllers.managed_fields import Owned, item_mark, items_by_keys, owned_by
from rolloutlint.controllers.merge_shapes import (
    ATOMIC_MAPS,
    Shape,
    field_of,
    group_and_kind,
    has_atomic_maps,
    server_shape_of,
)
from rolloutlint.finding import Path
from rolloutlint.lang.jqpath import SyntaxProblem, Unsupported
from rolloutlint.lang.jsonpointer import remove_path

Foreign = Callable[[str, Any], Any]
"""Evaluates `del(expression)` on one manifest with another jq: the manifest afterwards, or `None` where unknown."""


class Pair(NamedTuple):
    """Git's and the live object as they are compared."""

    target: Mapping[str, Any]
    live: Mapping[str, Any]
    ignored: tuple[Path, ...]
    """What rules take out of Git's object."""


def normalized_pair(
    target: Mapping[str, Any], live: Mapping[str, Any], rules: Sequence[Rule], foreign: Foreign | None = None
) -> Pair | None:
    """Both objects as they are compared; `None` where that cannot be known."""
    if any(isinstance(jq.parsed, SyntaxProblem) for rule in rules for jq in rule.jq_paths):
        return None
    namespace = _namespace(target) or _namespace(live)
    active = [rule for rule in rules if _matches(rule, target, namespace)]
    managers = {manager for rule in active for manager in rule.managers}
    first, second = target, live
    trusted: tuple[Path, ...] = ()
    if managers:
        owned = owned_by(live, managers)
        if owned is None:
            if same(_plain(target), _plain(live)):
                owned = {}
            else:
                return None
        group, kind = group_and_kind(target)
        shape, atomic = server_shape_of(group, kind), has_atomic_maps(group, kind)
        removed = _disputed(target, live, owned, shape, atomic)
        first, trusted = _without(target, removed), tuple(removed)
        second = _without(live, _disputed(live, target, owned, shape, atomic))
    ours = _normalized(first, rules, namespace, foreign)
    theirs = _normalized(second, rules, namespace, foreign)
    if ours is None or theirs is None:
        return None
    return Pair(ours[0], theirs[0], (*trusted, *ours[1]))


def normalized(
    manifest: Mapping[str, Any], rules: Sequence[Rule], namespace: str = "", foreign: Foreign | None = None
) -> Mapping[str, Any] | None:
    """One object as it is compared, without regard to field managers; `namespace` where it does not say its own."""
    answer = _normalized(manifest, rules, _namespace(manifest) or namespace, foreign)
    return None if answer is None else answer[0]


def _normalized(
    manifest: Mapping[str, Any], rules: Sequence[Rule], namespace: str, foreign: Foreign | None
) -> tuple[Mapping[str, Any], tuple[Path, ...]] | None:
    active = [rule for rule in rules if _matches(rule, manifest, namespace)]
    group, kind = group_and_kind(manifest)
    if not any(isinstance(jq.parsed, Unsupported) for rule in active for jq in rule.jq_paths):
        effect = effect_of(active, manifest)
        if effect.unknown:
            return _one_by_one(manifest, active, group, kind, foreign)
        return as_compared(effect.value, group, kind), effect.removed
    return _one_by_one(manifest, active, group, kind, foreign)


def _one_by_one(
    manifest: Mapping[str, Any], rules: Sequence[Rule], group: str, kind: str, foreign: Foreign | None
) -> tuple[Mapping[str, Any], tuple[Path, ...]] | None:
    """As `_normalized`, with the help of another jq for what is not evaluated here."""
    if foreign is None:
        return None
    value: Any = manifest
    removed: list[Path] = []
    for rule in rules:
        parts = [_only(rule, pointers=True), *(_only(rule, jq=index) for index in range(len(rule.jq_paths)))]
        for part in parts:
            effect = effect_of((part,), value)
            if not effect.unknown:
                value = effect.value
                removed += effect.removed
                continue
            after = foreign(part.jq_paths[0].text, value)
            if after is None:
                return None
            removed += _gone(value, after, ())
            value = after
    return as_compared(value, group, kind), tuple(removed)


def _only(rule: Rule, *, pointers: bool = False, jq: int | None = None) -> Rule:
    """`rule` with its JSON pointers alone, or with one of its jq paths."""
    paths = () if jq is None else (rule.jq_paths[jq],)
    return Rule(
        rule.group, rule.kind, rule.namespace, rule.name, rule.pointers if pointers else (), paths, (), rule.path
    )


def _gone(before: Any, after: Any, at: Path) -> list[Path]:
    """The paths at which `before` has what `after` lacks; for a list whose length changed the list's own."""
    if isinstance(before, dict) and isinstance(after, dict):
        out: list[Path] = []
        for key, value in before.items():
            out += _gone(value, after[key], (*at, key)) if key in after else [(*at, key)]
        return out
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [path for i, item in enumerate(before) for path in _gone(item, after[i], (*at, i))]
    return [] if same(before, after) else [at]


def _matches(rule: Rule, manifest: Mapping[str, Any], namespace: str) -> bool:
    group, kind = group_and_kind(manifest)
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    return matches(rule, group, kind, _namespace(manifest) or namespace, name if isinstance(name, str) else "")


def _namespace(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    value = metadata.get("namespace") if isinstance(metadata, dict) else None
    return value if isinstance(value, str) else ""


def _plain(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key not in ("metadata", "status")}


def _disputed(one: Any, two: Any, owned: Owned, shape: Shape, atomic: bool, at: Path = ()) -> list[Path]:
    """Where in `one` a trusted manager owns a field that both have and that differs."""
    out: list[Path] = []
    if not isinstance(one, dict) or not isinstance(two, dict):
        return out
    for mark, below in owned.items():
        key = mark[2:]
        if mark[:2] != "f:" or key not in one or key not in two:
            continue
        first, second, field, path = one[key], two[key], field_of(shape, key), (*at, key)
        if isinstance(first, dict) and isinstance(second, dict) and not (atomic and key in ATOMIC_MAPS):
            out += _disputed(first, second, below, field.shape, atomic, path)
        elif isinstance(first, list) and isinstance(second, list) and field.keys:
            theirs = items_by_keys(second, field.keys)
            for (name, item), index in zip((items_by_keys(first, field.keys) or {}).items(), count(), strict=False):
                mark_of = item_mark(item, below)
                if mark_of and theirs and name in theirs:
                    out += _disputed(item, theirs[name], below[mark_of], field.shape, atomic, (*path, index))
        elif not same(first, second):
            out.append(path)
    return out


def _without(manifest: Mapping[str, Any], paths: Sequence[Path]) -> Mapping[str, Any]:
    value: Any = manifest
    for path in paths:
        value = remove_path(value, path)
    out: Mapping[str, Any] = value
    return out
