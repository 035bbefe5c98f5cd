"""What Argo CD makes of the resource customizations in `argocd-cm`: keys and values that break it or do nothing.

Mirrors argo-cd `util/settings/settings.go` (GetResourceOverrides, appendResourceOverridesFromSplitKeys) and
`pkg/apis/application/v1alpha1/types.go` (ResourceOverride.UnmarshalJSON). One entry that cannot be read fails all
of them, and with them every comparison (`controller/state.go`, getComparisonSettings) and sync (`controller/sync.go`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.ignore_differences import Rule, faults
from rolloutlint.lang.names import near
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.source import Document, Node, Source, load, mark

PREFIX = "resource.customizations"
TYPES = ("health", "useOpenLibs", "actions", "ignoreDifferences", "ignoreResourceUpdates", "knownTypeFields")
_LISTS = ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
_IGNORES = ("ignoreDifferences", "ignoreResourceUpdates")
_BOOLEANS = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))
"""What Go's `strconv.ParseBool` takes."""
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
"""What the API server takes as a key of a ConfigMap (apimachinery `IsConfigMapKey`)."""
_NULLS = ("", "~", "null", "Null", "NULL")

FaultKind = Literal[
    "refused",
    "type-unknown",
    "key-malformed",
    "kind-empty",
    "not-yaml",
    "not-mapping",
    "not-list",
    "not-text",
    "not-boolean",
    "type-missing",
    "prefix-misspelt",
    "kind-unsplit",
    "kind-case",
    "group-missing",
]
BREAKING: Collection[FaultKind] = frozenset(
    (
        "refused",
        "type-unknown",
        "key-malformed",
        "kind-empty",
        "not-yaml",
        "not-mapping",
        "not-list",
        "not-text",
        "not-boolean",
    )
)
"""Those that fail everything; an entry with another one is passed over."""


class Fault(NamedTuple):
    """What is wrong with one key of `data`, or with its value."""

    kind: FaultKind
    key: str
    """The key of `data`."""
    text: str
    """What is wrong: the type, the rest of the key, the field, or the value."""
    meant: str = ""
    """What was meant in place of `text`, where that is certain."""
    rename: str = ""
    """The whole key as it was meant."""
    problem: str = ""
    """What the YAML reader says."""
    piece: tuple[int, int] | None = None
    """Where in the value, in characters."""


def customization_faults(data: Mapping[Any, Any], kinds: Collection[tuple[str, str]] = ()) -> Iterator[Fault]:
    """All faults of the `data` of `argocd-cm`, in its order.

    `kinds` are the (group, kind) pairs of the inputs; they join those that every cluster of our users has. Values
    that are no strings, which the API server refuses, and those that a template fills in later are passed over.
    """
    for key, value in data.items():
        if not isinstance(key, str) or not key.startswith("resource.customization") or filled_later(key):
            continue
        if not key.startswith(PREFIX):
            rest = key.removeprefix("resource.customization")
            if not rest or rest.split(".")[1:2] in ([each] for each in TYPES):
                yield Fault("prefix-misspelt", key, key, PREFIX, PREFIX + rest)
        elif not _KEY.fullmatch(key):
            yield Fault("refused", key, key)
        elif key == PREFIX:
            yield from _of_map(key, value, kinds)
        else:
            yield from _of_split_key(key, value, kinds)


def _of_split_key(key: str, value: object, kinds: Collection[tuple[str, str]]) -> Iterator[Fault]:
    parts = key.split(".", 3)
    if len(parts) < 4:
        if len(parts) == 3:
            yield Fault("type-missing", key, parts[2])
        return
    _, _, what, target = parts
    if target.count("_") > 1:
        yield Fault("key-malformed", key, target)
        return
    if not target:
        yield Fault("kind-empty", key, what)
        return
    if what not in TYPES:
        meant = near(what, TYPES) or ""
        yield Fault("type-unknown", key, what, meant, f"{PREFIX}.{meant}.{target}" if meant else "")
        return
    if isinstance(value, str) and not filled_later(value):
        if what == "useOpenLibs" and value not in _BOOLEANS:
            yield Fault("not-boolean", key, value)
        elif what in _IGNORES:
            yield from _of_ignore(key, value)
        elif what == "knownTypeFields":
            yield from _of_fields(key, value)
    for fault in _of_target(key, target, "_", kinds):
        yield fault._replace(rename=f"{PREFIX}.{what}.{fault.meant}" if fault.meant else "")


def _of_target(key: str, target: str, between: str, kinds: Collection[tuple[str, str]]) -> Iterator[Fault]:
    """An entry about a kind that no object has."""
    if target == "all" and between == "_":
        return
    group, separator, kind = target.rpartition(between)
    if not separator and "." in kind and "*" not in kind:
        first, _, last = kind.rpartition(".")
        yield Fault("kind-unsplit", key, target, f"{first}{between}{last}" if last[:1].isupper() else "")
        return
    for fault in faults(Rule(group, kind, "", ""), kinds):
        if fault.kind == "kind-case" and fault.suggestion:
            yield Fault("kind-case", key, target, f"{group}{separator}{fault.suggestion}")
            return
        if fault.kind == "group-missing" and not separator:
            meant = f"{fault.suggestion}{between}{kind}" if fault.suggestion else ""
            yield Fault("group-missing", key, target, meant)


def _of_map(key: str, value: object, kinds: Collection[tuple[str, str]]) -> Iterator[Fault]:
    """The one key that has a mapping of `group/Kind` to everything about it."""
    if not isinstance(value, str) or filled_later(value):
        return
    root = _node(value)
    if isinstance(root, str):
        yield Fault("not-yaml", key, key, problem=root)
        return
    if not _is(root, "mapping"):
        if not _is_null(root):
            yield Fault("not-mapping", key, key)
        return
    for at, override in _entries(root):
        piece = (at.start, at.end)
        target = at.value if _is(at, "scalar") else ""
        if not target or target == "<<":
            continue
        if "_" in target and "/" not in target:
            yield Fault("kind-unsplit", key, target, target.replace("_", "/", 1), piece=piece)
        elif "*" not in target:
            for fault in _of_target(key, target, "/", kinds):
                yield fault._replace(piece=piece)
        for field, content in _entries(override):
            if not _is(field, "scalar") or field.value not in _IGNORES:
                continue
            here = (field.start, field.end)
            if not _is(content, "scalar"):
                yield Fault("not-text", key, field.value, target, piece=here)
                continue
            for fault in _of_ignore(key, content.value):
                yield fault._replace(piece=here)


def _of_ignore(key: str, value: str) -> Iterator[Fault]:
    root = _node(value)
    if isinstance(root, str):
        yield Fault("not-yaml", key, key, problem=root)
    elif not _is(root, "mapping"):
        if not _is_null(root):
            yield Fault("not-mapping", key, key)
    else:
        for field, content in _entries(root):
            listed = _is(content, "sequence") or _is_null(content)
            if _is(field, "scalar") and field.value in _LISTS and not listed:
                here = (field.start, field.end)
                yield Fault("not-list", key, field.value, piece=here)


def _of_fields(key: str, value: str) -> Iterator[Fault]:
    root = _node(value)
    if isinstance(root, str):
        yield Fault("not-yaml", key, key, problem=root)
    elif not _is(root, "sequence") and not _is_null(root):
        yield Fault("not-list", key, "knownTypeFields")


def _node(text: str) -> Node | str | None:
    """The root of the first YAML document in `text`, `None` without one, or what is wrong with its syntax."""
    source = Source("", text)
    for item in load(source):
        if isinstance(item, Document):
            return mark(source, item.start, item.end)
        if item.fatal:
            line = f" in line {item.at.span.line}" if item.at.span else ""
            return f"{item.message}{line}" if item.kind == "syntax" else None
    return None


def _meant(node: Node | None) -> Node | None:
    """The node itself, or the one that an alias names."""
    return node.target if node is not None and node.kind == "alias" else node


def _entries(node: Node | None) -> Sequence[tuple[Node, Node]]:
    meant = _meant(node)
    return meant.entries if meant is not None else ()


def _is(node: Node | None, kind: str) -> bool:
    meant = _meant(node)
    return meant is not None and meant.kind == kind


def _is_null(node: Node | None) -> bool:
    meant = _meant(node)
    return meant is None or (meant.kind == "scalar" and not meant.style and meant.value in _NULLS)
