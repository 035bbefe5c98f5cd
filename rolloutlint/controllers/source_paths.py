"""Which files of a repository an Argo CD Application source takes its manifests from.

Mirrors argo-cd `reposerver/repository/repository.go` (GetAppSourceType, getPotentiallyValidManifests) and
`util/app/discovery/discovery.go`. Works on path strings alone; paths are relative to the repository's root.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.lang.glob import glob_matches

SourceKind = Literal["directory", "kustomize", "helm", "plugin", "chart", "ref-only", "invalid"]

_KUSTOMIZATIONS = frozenset(("kustomization.yaml", "kustomization.yml", "Kustomization"))
_MANIFESTS = (".yaml", ".yml", ".json", ".jsonnet")


class Covered(NamedTuple):
    """What one source covers."""

    kind: SourceKind
    """`chart` comes from a registry, `ref-only` gives no manifests, `invalid` has no usable path."""
    files: frozenset[str]
    """The files that belong to it: manifests of a directory, else everything below its path."""
    rendered: bool
    """False where a tool (Helm, Kustomize, a plugin, jsonnet) makes the manifests: the files are its input."""
    unread: frozenset[str] = frozenset()
    """Manifest files below the path of a directory source that it does not read."""


def covered(source: Mapping[str, Any], files: Collection[str]) -> Covered:
    """What `source` (one of an Application's `source` or `sources`) covers of `files`, all of its repository."""
    if _text(source, "chart"):
        return Covered("chart", frozenset(), rendered=False)
    raw = source.get("path")
    if not isinstance(raw, str) or not raw:
        return Covered("ref-only" if _text(source, "ref") else "invalid", frozenset(), rendered=False)
    path = normal_path(raw)
    if path is None:
        return Covered("invalid", frozenset(), rendered=False)
    prefix = f"{path}/" if path else ""
    below = {name[len(prefix) :]: name for name in files if name.startswith(prefix)}
    kind = source_kind(source, below)
    if kind != "directory":
        return Covered(kind, frozenset(below.values()), rendered=False)
    manifests = {relative: name for relative, name in below.items() if name.endswith(_MANIFESTS)}
    read = {name for relative, name in manifests.items() if _read(source.get("directory"), relative)}
    needs_jsonnet = any(name.endswith(".jsonnet") for name in read)
    return Covered("directory", frozenset(read), not needs_jsonnet, frozenset(set(manifests.values()) - read))


def source_kind(source: Mapping[str, Any], below: Collection[str]) -> SourceKind:
    """What makes the manifests of `source`, whose path holds the files `below` (relative to that path).

    A type that the source names wins (`types.go ExplicitType`; two of them are an error), then the files
    at the top of the path: `Chart.yaml` before a kustomization. An empty `helm: {}` names nothing.
    """
    named: list[SourceKind] = [
        kind for kind in _EXPLICIT if isinstance(source.get(kind), Mapping) and _says_something(kind, source[kind])
    ]
    if len(named) > 1:
        return "invalid"
    if named:
        return named[0]
    if "Chart.yaml" in below:
        return "helm"
    if not _KUSTOMIZATIONS.isdisjoint(below):
        return "kustomize"
    return "directory"


_EXPLICIT: tuple[SourceKind, ...] = ("kustomize", "helm", "directory", "plugin")


def _says_something(kind: SourceKind, options: Mapping[Any, Any]) -> bool:
    # the controller forgets empty helm, kustomize and directory (`util/argo/argo.go NormalizeSource`);
    # `plugin: {}` stays and means "find a plugin that takes these files"
    return kind == "plugin" or any(value not in (None, "", False, [], {}) for value in options.values())


def _read(options: object, relative: str) -> bool:
    """`repository.go getPotentiallyValidManifestFile`: exclude first, then include, globs that cross `/`."""
    directory = options if isinstance(options, dict) else {}
    if "/" in relative and directory.get("recurse") is not True:
        return False
    exclude, include = _text(directory, "exclude"), _text(directory, "include")
    if exclude and glob_matches(exclude, relative):
        return False
    return not include or glob_matches(include, relative)


def normal_path(path: str) -> str | None:
    """`path` without `.`, doubled and trailing slashes; `""` is the root; None where it leaves the repository."""
    parts: list[str] = []
    if path.startswith("/"):
        return None
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _text(source: Mapping[Any, Any], key: str) -> str:
    value = source.get(key)
    return value if isinstance(value, str) else ""
