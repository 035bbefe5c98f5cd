"""Which selectors of a query ask for the new version alone, and what they are for the stable one.

Between rollouts there is no new version: what selects it - a pod-template hash, the canary Service or subset, a label
that says `canary` - has no history. The names come from the Rollout (argo-rollouts `utils/analysis/factory.go` fills in
the hashes). What has no certain counterpart is left alone, and told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from rolloutlint.checks.canary_queries import VERSION_LABELS
from rolloutlint.controllers.arguments import used_names
from rolloutlint.lang.placeholder import placeholders
from rolloutlint.lang.promql.tree import Matcher, Node, selectors
from rolloutlint.model import Rollout

ANY_HASH: Final = "[a-z0-9]+"
"""What a pod-template hash looks like (Kubernetes `SafeEncodeString`)."""

_NEW: Final = re.compile(r"(?<![a-z0-9])(?:canary|preview|candidate)(?![a-z0-9])", re.IGNORECASE)
_OLD: Final = re.compile(r"(?<![a-z0-9])(?:stable|baseline|primary|active)(?![a-z0-9])", re.IGNORECASE)
_OF_SERVICE: Final = re.compile(r"service|destination|host|upstream|cluster|backend|subset|^job$|svc", re.IGNORECASE)
"""Labels whose values may be the names of Services."""


class Scope(NamedTuple):
    """A matcher that asks for the new version."""

    start: int
    """Where it stands in the query."""
    end: int
    stable: str | None
    """The same for the stable version; `None` where that is not known."""


class Versions(NamedTuple):
    """What the two versions of a Rollout are called."""

    names: Mapping[str, str]
    """Name of a canary or preview Service or subset -> its stable counterpart; empty where there is none."""
    hashes: Collection[str]
    """Arguments that are a pod-template hash."""


def versions_of(rollout: Rollout | None, hashes: Collection[str]) -> Versions:
    """The names that a Rollout gives its versions. Without one, only words tell."""
    if rollout is None:
        return Versions({}, hashes)
    found: dict[str, str] = {}
    for new, old in (("canaryService", "stableService"), ("previewService", "activeService")):
        one, other = rollout.service(new), rollout.service(old)  # type: ignore[arg-type]
        if one is not None and (other is None or other.name != one.name):
            found[one.name] = other.name if other is not None else ""
    rule = rollout.destination_rule
    if rule is not None and rule.canary_subset:
        found[rule.canary_subset] = rule.stable_subset
    return Versions(found, hashes)


def scopes_of(node: Node, versions: Versions) -> tuple[Scope, ...]:
    """The matchers of a query that ask for one version that has no history, in the order of the text."""
    found = (_scope(matcher, versions) for selector in selectors(node) for matcher in selector.matchers)
    return tuple(sorted(scope for scope in found if scope is not None))


def rewritten(text: str, scopes: Collection[Scope]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The query for the stable version, and each matcher as written with what it became. All are known."""
    parts: list[str] = []
    changes: list[tuple[str, str]] = []
    position = 0
    for start, end, stable in sorted(scopes):
        assert stable is not None
        parts += (text[position:start], stable)
        changes.append((text[start:end], stable))
        position = end
    return "".join((*parts, text[position:])), tuple(dict.fromkeys(changes))


def _scope(matcher: Matcher, versions: Versions) -> Scope | None:
    label, value = matcher.label, matcher.value
    start, end = matcher.span
    if label is None:
        return None
    positive = matcher.op in ("=", "=~")
    if not used_names(value).isdisjoint(versions.hashes):
        return Scope(start, end, _any_hash(matcher, versions) if positive else None)
    for name, stable in versions.names.items():
        if not _names(name, label, value):
            continue
        if not positive:
            return None  # all but the canary is what there is
        known = _shown(label, matcher.op, stable.join(_bounded(name).split(value))) if stable else None
        return Scope(start, end, known)
    if positive and _NEW.search(value) and not _OLD.search(value):
        return Scope(start, end, _by_word(matcher) if label in VERSION_LABELS else None)
    if not positive and label in VERSION_LABELS and _OLD.search(value) and not _NEW.search(value):
        return Scope(start, end, _shown(label, "=" if matcher.op == "!=" else "=~", value))
    return None


def _bounded(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")


def _names(name: str, label: str, value: str) -> bool:
    """Whether a value means the Service or subset: a plain word may be the application itself under other labels."""
    if _bounded(name).search(value) is None:
        return False
    return _NEW.search(name) is not None or _OF_SERVICE.search(label) is not None


def _any_hash(matcher: Matcher, versions: Versions) -> str:
    """A matcher for whatever hash the pods of the time had."""
    parts: list[str] = []
    position = 0
    regex = matcher.op == "=~"
    for hole in placeholders(matcher.value):
        if hole.name not in versions.hashes:
            continue
        text = matcher.value[position : hole.start]
        parts += (text if regex else re.escape(text), ANY_HASH)
        position = hole.end
    rest = matcher.value[position:]
    return _shown(matcher.label or "", "=~", "".join((*parts, rest if regex else re.escape(rest))))


def _by_word(matcher: Matcher) -> str | None:
    """`track="canary"` -> `track="stable"`; only where the word is all of the value."""
    if _NEW.fullmatch(matcher.value) is None or matcher.value.lower() != "canary":
        return None
    return _shown(matcher.label or "", matcher.op, "stable")


def _shown(label: str, op: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{label}{op}"{escaped}"'
