"""What a sync with `RespectIgnoreDifferences=true` applies in place of Git's manifest.

Mirrors argo-cd `controller/sync.go` (normalizeTargetResources, restoreNonIgnoredFields): what the rules take out of
the live object is carried over to Git's, by a patch in which a list of a custom resource is one value. Argo CD 3.5 and
the last releases of 3.3 and 3.4 then give back what no rule is about (argo-cd #27136, in 3.3.13, 3.4.5 and 3.5.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rolloutlint.controllers.ignore_differences import Rule
from rolloutlint.controllers.json_merge import merge_patch, merged, same
from rolloutlint.controllers.merge_shapes import group_and_kind, shape_of
from rolloutlint.controllers.normalizing import Foreign, normalized_pair
from rolloutlint.controllers.strategic_merge import transplant
from rolloutlint.finding import Path
from rolloutlint.settings import Version

RESTORES = Version(3, 5)
"""The first release of which every version gives back what no rule is about."""
_SOME_RESTORE = Version(3, 3)
"""Of 3.3 and 3.4 only later patch releases do."""


def respect(
    target: Mapping[str, Any],
    live: Mapping[str, Any] | None,
    rules: Sequence[Rule],
    argocd: Version,
    foreign: Foreign | None = None,
) -> Mapping[str, Any] | None:
    """The manifest that is applied; `target` itself where there is no live object.

    `None` where that cannot be known: an expression that is not evaluated here, field managers that the live object
    does not show, a jq path that does not compile (nothing is synced then), or releases 3.3 and 3.4 where it depends
    on the patch release. `foreign` evaluates expressions beyond our own part of jq.
    """
    if live is None:
        return target
    pair = normalized_pair(target, live, rules, foreign)
    if pair is None:
        return None
    before = _carried(pair.target, live, pair.live)
    if argocd < _SOME_RESTORE:
        return before
    stripped = _carried(pair.target, _without_status(live), _without_status(pair.live))
    after = _restored(stripped, target, pair.target, pair.live, _typed_path(target))
    if argocd >= RESTORES:
        return after
    return after if same(_without_status(before), _without_status(after)) else None


def _carried(target: Mapping[str, Any], live: Mapping[str, Any], normalized: Mapping[str, Any]) -> dict[str, Any]:
    """`target` with what `live` has beyond its normalised form."""
    shape = shape_of(*group_and_kind(target))
    if shape is None:
        out: dict[str, Any] = merged(target, merge_patch(normalized, live))
        return out
    return transplant(normalized, live, target, shape)


def _without_status(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest.items() if key != "status"}


def _typed_path(target: Mapping[str, Any]) -> Path | None:
    """Where the known types begin: below, numbers were read another way, and are never found equal."""
    return ("spec", "template", "spec") if group_and_kind(target) == ("argoproj.io", "Rollout") else None


def _restored(
    patched: Mapping[str, Any],
    target: Mapping[str, Any],
    normalized: Mapping[str, Any],
    live: Mapping[str, Any],
    typed: Path | None,
) -> dict[str, Any]:
    """`patched` with Git's values where no rule changed them, and without live keys that no rule is about.

    `typed`: the rest of the way to the known types, `()` below them.
    """
    out = dict(patched)
    for key, wanted in target.items():
        there, plain = out.get(key), normalized.get(key)
        if isinstance(there, dict) and isinstance(wanted, dict) and isinstance(plain, dict):
            below = live.get(key)
            way = typed[1:] if typed and typed[0] == key else None if typed else typed
            out[key] = _restored(there, wanted, plain, below if isinstance(below, dict) else {}, way)
        elif key in normalized and same(plain, wanted) and not (typed == () and _has_number(wanted)):
            out[key] = wanted
    return {key: value for key, value in out.items() if key in target or key not in live}


def _has_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_number, value.values()))
    if isinstance(value, list):
        return any(map(_has_number, value))
    return isinstance(value, (int, float)) and not isinstance(value, bool)
