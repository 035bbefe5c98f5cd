"""What kustomizations say about files: which are manifests at all, and what an overlay will change.

kustomize itself is not run. Its files are read only far enough to know a patch from a manifest and to name what
the manifests as written cannot tell. Mirrors kustomize `api/types/kustomization.go` (fields, deprecated
ones too) and `api/internal/target/kusttarget.go` (order: resources, components, then the own transformers).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

from rolloutlint.finding import Path
from rolloutlint.inputs.files import display, read_path

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The file names kustomize looks for, in its order."""

Parse: TypeAlias = Callable[[str], Sequence[Any]]
"""Text -> the plain values of its documents. Raises `ValueError` where it is no YAML."""

Role = Literal["manifest", "patch", "component", "generator-input", "kustomization", "configuration"]
_STRENGTH: tuple[Role, ...] = ("configuration", "generator-input", "patch", "component", "kustomization", "manifest")
"""Where kustomizations disagree about a file the last one wins: what is applied somewhere is a manifest."""

FILE_LIMIT = 1024 * 1024
_MAX_PATHS = 1000
_MAX_DEPTH = 64
_REPLICA_KINDS = "Deployment|ReplicationController|ReplicaSet|StatefulSet"
"""kustomize `api/internal/konfig/builtinpluginconsts/replica.go`."""

ANY = "*"
"""In the path of a `PatchTarget`: every item of a list."""


class PatchTarget(NamedTuple):
    """Which objects a change is about, and where in them.

    `kind` and `name` are anchored regular expressions as kustomize reads targets; empty means any. `paths` are the
    places it sets or removes, cut at the first list; None: unknown, anything may change.
    """

    kind: str
    name: str
    paths: tuple[Path, ...] | None

    def about(self, kind: str, name: str, renames: bool = False) -> bool:
        """Whether it may be about this object. With `renames` its name may carry a prefix or suffix by then."""
        if not _matches(self.kind, kind):
            return False
        return _matches(self.name, name) or (renames and name in self.name)


def _matches(pattern: str, text: str) -> bool:
    if not pattern or pattern == text:
        return True
    try:
        return re.fullmatch(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return True


class InlinePatch(NamedTuple):
    """A patch written into the kustomization. `target` is the mapping there, `value` the parsed patch."""

    target: Mapping[str, Any]
    value: Any


class Kustomization(NamedTuple):
    """One kustomization as written. Files and directories are display paths."""

    directory: str
    file: str
    kind: Literal["Kustomization", "Component"] = "Kustomization"
    resources: tuple[str, ...] = ()
    """The files among `resources` (and those of `bases`, which old releases allowed)."""
    bases: tuple[str, ...] = ()
    """The directories among `resources` and `bases`."""
    components: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    """Resources, bases and components that kustomize would download, as written."""
    missing: tuple[str, ...] = ()
    """What `resources`, `bases`, `components` and patches name, and is not there; as written."""
    patches: tuple[str, ...] = ()
    inline_patches: tuple[InlinePatch, ...] = ()
    generator_inputs: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    """Files with transformers, generators, validators, replacements, field specs, OpenAPI, Helm values."""
    configuration_bases: tuple[str, ...] = ()
    """Directories whose resources are such configuration."""
    helm_charts: tuple[str, ...] = ()
    """Names of the charts kustomize would inflate."""
    namespace: str = ""
    name_prefix: str = ""
    name_suffix: str = ""
    has_transformers: bool = False
    has_replacements: bool = False
    has_openapi: bool = False
    changes: tuple[PatchTarget, ...] = ()
    """All that it changes in its resources, besides namespace and names."""


class Overlay(NamedTuple):
    """What happens to a file's objects on the way to the top-most kustomization `root` (its directory)."""

    root: str
    namespace: str | None
    """The namespace every namespaced object ends in; None: as written."""
    renames: bool
    patches: tuple[PatchTarget, ...]

    def touches(self, kind: str, name: str, path: Path = ()) -> bool:
        """Whether the value at `path` of this object (or anything above or below it) may be changed.

        Names and namespace are not meant: `renames` and `namespace` speak of them.
        """
        return any(
            patch.about(kind, name, self.renames)
            and (patch.paths is None or any(_overlap(touched, path) for touched in patch.paths))
            for patch in self.patches
        )


def _overlap(touched: Path, path: Path) -> bool:
    return all(a in (b, ANY) for a, b in zip(touched, path, strict=False))


class KustomizeGraph:
    """All kustomizations of a run, and how they include each other. Make it with `link`.

    `extra_files` are further kustomization files in a directory that already has one; kustomize refuses such a
    directory.
    """

    def __init__(self, kustomizations: tuple[Kustomization, ...], extra_files: frozenset[str] = frozenset()) -> None:
        self.kustomizations = kustomizations
        self.extra_files = extra_files
        self._overlays: dict[str, tuple[Overlay, ...]] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KustomizeGraph):
            return NotImplemented
        return (self.kustomizations, self.extra_files) == (other.kustomizations, other.extra_files)

    def __hash__(self) -> int:
        return hash(self.extra_files)

    @cached_property
    def _by_directory(self) -> dict[str, Kustomization]:
        return {k.directory: k for k in self.kustomizations}

    @cached_property
    def _included_by(self) -> dict[str, tuple[str, ...]]:
        """Directory -> directories of the kustomizations that include it."""
        users: dict[str, list[str]] = {}
        for k in self.kustomizations:
            for directory in (*k.bases, *k.components):
                if directory != k.directory:
                    users.setdefault(directory, []).append(k.directory)
        return {directory: tuple(sorted(set(found))) for directory, found in users.items()}

    @cached_property
    def _owners(self) -> dict[str, tuple[str, ...]]:
        """Resource file -> directories of the kustomizations that list it."""
        owners: dict[str, list[str]] = {}
        for k in self.kustomizations:
            for file in k.resources:
                owners.setdefault(file, []).append(k.directory)
        return {file: tuple(sorted(set(found))) for file, found in owners.items()}

    @cached_property
    def _roles(self) -> dict[str, tuple[Role, str]]:
        roles: dict[str, tuple[Role, str]] = {}

        def note(files: Iterable[str], role: Role, by: str) -> None:
            for file in files:
                known = roles.get(file)
                if known is None or _STRENGTH.index(role) > _STRENGTH.index(known[0]):
                    roles[file] = (role, by)

        as_component = {c for k in self.kustomizations for c in k.components}
        as_configuration = {c for k in self.kustomizations for c in k.configuration_bases}
        for k in self.kustomizations:
            own: Role = "manifest"
            if k.kind == "Component" or (k.directory in as_component and k.directory not in self._listed_as_base):
                own = "component"
            elif k.directory in as_configuration and k.directory not in self._listed_as_base:
                own = "configuration"
            note(k.resources, own, k.file)
            note(k.patches, "patch", k.file)
            note(k.generator_inputs, "generator-input", k.file)
            note(k.configuration, "configuration", k.file)
        for k in self.kustomizations:
            roles[k.file] = ("kustomization", k.file)
        for file in self.extra_files:
            roles[file] = ("kustomization", file)
        return roles

    @cached_property
    def _listed_as_base(self) -> frozenset[str]:
        return frozenset(b for k in self.kustomizations for b in k.bases)

    def role_of(self, file: str) -> Role:
        """What the file with this display path is, by all kustomizations; "manifest" if none names it."""
        return self._roles.get(file, ("manifest", ""))[0]

    def named_by(self, file: str) -> str:
        """The kustomization file that gives `file` its role; "" if none does."""
        return self._roles.get(file, ("manifest", ""))[1]

    @cached_property
    def roots(self) -> tuple[Kustomization, ...]:
        """The kustomizations (no components) that no other one includes."""
        return tuple(
            k for k in self.kustomizations if k.kind == "Kustomization" and k.directory not in self._included_by
        )

    def _ancestors(self, directories: Iterable[str]) -> set[str]:
        """`directories` and every kustomization that includes one of them, directly or not."""
        seen: set[str] = set()
        waiting = list(directories)
        while waiting:
            directory = waiting.pop()
            if directory not in seen:
                seen.add(directory)
                waiting.extend(self._included_by.get(directory, ()))
        return seen

    def roots_of(self, file: str) -> frozenset[str]:
        """Directories of the top-most kustomizations whose build contains `file`; empty if none does.

        In a cycle, which kustomize refuses, those that list the file stand for the top.
        """
        owners = self._owners.get(file, ())
        above = self._ancestors(owners)
        top = frozenset(k.directory for k in self.roots if k.directory in above)
        return top or frozenset(owners)

    def chain(self, root: str) -> tuple[Kustomization, ...]:
        """The kustomization in directory `root` and all it includes: breadth first, each once."""
        order: list[Kustomization] = []
        seen = {root}
        level = [root]
        while level:
            below: list[str] = []
            for directory in level:
                k = self._by_directory.get(directory)
                if k is None:
                    continue
                order.append(k)
                for included in (*k.components, *k.bases):
                    if included not in seen:
                        seen.add(included)
                        below.append(included)
            level = below
        return tuple(order)

    def overlays_of(self, file: str) -> tuple[Overlay, ...]:
        """One `Overlay` for each root of `file`, by root: only what lies between the file and the root."""
        known = self._overlays.get(file)
        if known is None:
            known = tuple(self._overlay(root, file) for root in sorted(self.roots_of(file)))
            self._overlays[file] = known
        return known

    def _overlay(self, root: str, file: str) -> Overlay:
        between = self._ancestors(self._owners.get(file, ()))
        # A component changes everything that those who include it have gathered, so it counts as on the way.
        for k in self.chain(root):
            if k.directory in between:
                between.update(k.components)
        way = [k for k in self.chain(root) if k.directory in between]
        namespace = next((k.namespace for k in way if k.namespace), None)
        renames = any(k.name_prefix or k.name_suffix for k in way)
        changes = dict.fromkeys(change for k in way for change in k.changes)
        return Overlay(root, namespace, renames, tuple(changes))


def link(kustomizations: Iterable[Kustomization]) -> KustomizeGraph:
    """The graph of `kustomizations`; of several in one directory the first by kustomize's order counts."""
    chosen: dict[str, Kustomization] = {}
    extra: set[str] = set()
    for k in sorted(kustomizations, key=lambda k: (k.directory, NAMES.index(os.path.basename(k.file)), k.file)):
        if k.directory in chosen and chosen[k.directory].file != k.file:
            extra.add(k.file)
        chosen.setdefault(k.directory, k)
    return KustomizeGraph(tuple(chosen.values()), frozenset(extra))


def is_kustomization(documents: Sequence[Any]) -> bool:
    """Whether a file named like one is one. Flux stores its own kind `Kustomization` under the same name."""
    if len(documents) != 1 or not isinstance(documents[0], dict):
        return False
    version = documents[0].get("apiVersion")
    kind = documents[0].get("kind")
    return (version is None or str(version).startswith("kustomize.config.k8s.io/")) and kind in (
        None,
        "Kustomization",
        "Component",
    )


def load_kustomization(path: str, value: Mapping[str, Any], cwd: str, parse: Parse) -> Kustomization:
    """The kustomization at the absolute `path` with the content `value`; patch files are read and parsed.

    Display paths are relative to `cwd`. Whatever is malformed counts as absent, or as an unknown change.
    """
    return _Reader(os.path.dirname(path), path, value, cwd, parse).kustomization()


class _Reader:
    """Sorts the fields of one kustomization."""

    def __init__(self, directory: str, path: str, value: Mapping[str, Any], cwd: str, parse: Parse) -> None:
        self.directory = directory
        self.path = path
        self.value = value
        self.cwd = cwd
        self.parse = parse
        self.remote: list[str] = []
        self.missing: list[str] = []
        self.patch_files: list[str] = []
        self.inline: list[InlinePatch] = []
        self.changes: list[PatchTarget] = []

    def kustomization(self) -> Kustomization:
        value = self.value
        files, directories = self.split((*self.strings("resources"), *self.strings("bases")))
        lone, components = self.split(self.strings("components"))
        self.patches()
        configuration, configuration_bases = self.configuration()
        self.built_in_changes()
        return Kustomization(
            directory=self.show(self.directory),
            file=self.show(self.path),
            kind="Component" if value.get("kind") == "Component" else "Kustomization",
            resources=files,
            bases=directories,
            components=components,
            remote=tuple(self.remote),
            missing=tuple(self.missing),
            patches=tuple(dict.fromkeys(self.patch_files)),
            inline_patches=tuple(self.inline),
            generator_inputs=tuple(dict.fromkeys(self.generator_inputs())),
            configuration=tuple(dict.fromkeys((*configuration, *lone))),
            configuration_bases=configuration_bases,
            helm_charts=tuple(self.charts()),
            namespace=_text(value.get("namespace")),
            name_prefix=_text(value.get("namePrefix")),
            name_suffix=_text(value.get("nameSuffix")),
            has_transformers=bool(value.get("transformers")),
            has_replacements=bool(value.get("replacements") or value.get("vars")),
            has_openapi=bool(value.get("openapi")),
            changes=tuple(dict.fromkeys(self.changes)),
        )

    def strings(self, key: str) -> list[str]:
        return [item for item in _list(self.value.get(key)) if isinstance(item, str) and item]

    def mappings(self, *keys: str) -> Iterator[Mapping[str, Any]]:
        for key in keys:
            yield from (item for item in _list(self.value.get(key)) if isinstance(item, dict))

    def absolute(self, entry: str) -> str:
        return os.path.normpath(os.path.join(self.directory, entry))

    def show(self, path: str) -> str:
        return display(path, self.cwd)

    def split(self, entries: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Local files and local directories; notes what is remote or missing."""
        files: list[str] = []
        directories: list[str] = []
        for entry in entries:
            if "\n" in entry or "\0" in entry:
                continue  # an object written inline
            path = self.absolute(entry)
            if os.path.isdir(path):
                directories.append(self.show(path))
            elif os.path.exists(path):
                files.append(self.show(path))
            elif is_remote(entry):
                self.remote.append(entry)
            else:
                self.missing.append(entry)
        return tuple(dict.fromkeys(files)), tuple(dict.fromkeys(directories))

    def patches(self) -> None:
        for entry in _list(self.value.get("patches")):
            if isinstance(entry, str):
                self.patch(entry, {})  # before v2.1 `patches` meant what patchesStrategicMerge means
            elif isinstance(entry, dict):
                self.patch(entry.get("path") or entry.get("patch"), _mapping(entry.get("target")), "path" in entry)
        for entry in _list(self.value.get("patchesStrategicMerge")):
            self.patch(entry, {})
        for entry in self.mappings("patchesJson6902"):
            self.patch(entry.get("path") or entry.get("patch"), _mapping(entry.get("target")), "path" in entry)

    def patch(self, entry: Any, target: Mapping[str, Any], is_path: bool = False) -> None:
        """Notes one patch: a file name, or the patch itself."""
        if not isinstance(entry, str) or not entry:
            return
        path = "" if "\0" in entry or "\n" in entry else self.absolute(entry)
        if path and (is_path or os.path.isfile(path) or entry.endswith((".yaml", ".yml", ".json"))):
            name = self.show(path)
            self.patch_files.append(name)
            if not os.path.exists(path):
                self.missing.append(entry)
            data = read_path(path, name, FILE_LIMIT)
            documents = self.documents(data.decode("utf-8", "replace")) if isinstance(data, bytes) else None
        else:
            documents = self.documents(entry)
            self.inline.extend(InlinePatch(target, value) for value in documents or ())
        if documents is None:
            self.changes.append(PatchTarget(_text(target.get("kind")), _text(target.get("name")), None))
        for value in documents or ():
            self.changes.append(_patch_target(value, target))

    def documents(self, text: str) -> Sequence[Any] | None:
        try:
            return [value for value in self.parse(text) if value is not None]
        except ValueError:
            return None

    def generator_inputs(self) -> Iterator[str]:
        for generator in self.mappings("configMapGenerator", "secretGenerator"):
            sources = [*_list(generator.get("files")), *_list(generator.get("envs")), generator.get("env")]
            for source in sources:
                if isinstance(source, str) and source and "\0" not in source:
                    path = self.absolute(source)
                    if "=" in source and not os.path.exists(path):
                        path = self.absolute(source.partition("=")[2])  # key=file
                    yield self.show(path)

    def configuration(self) -> tuple[list[str], tuple[str, ...]]:
        """Configuration files, and directories whose resources are configuration."""
        entries: list[str] = []
        for key in ("transformers", "generators", "validators", "configurations", "crds"):
            entries += self.strings(key)
        for item in (_mapping(self.value.get("openapi")), *self.mappings("replacements")):
            entries.append(_text(item.get("path")))
        for chart in self.mappings("helmCharts", "helmChartInflationGenerator"):
            entries += [_text(chart.get("valuesFile")), _text(chart.get("values"))]
            entries += [item for item in _list(chart.get("additionalValuesFiles")) if isinstance(item, str)]
        files: list[str] = []
        directories: list[str] = []
        for entry in entries:
            if entry and "\n" not in entry and "\0" not in entry:
                path = self.absolute(entry)
                (directories if os.path.isdir(path) else files).append(self.show(path))
        return files, tuple(dict.fromkeys(directories))

    def charts(self) -> Iterator[str]:
        for chart in self.mappings("helmCharts", "helmChartInflationGenerator"):
            yield _text(chart.get("name")) or _text(chart.get("chartName")) or "(unnamed)"

    def built_in_changes(self) -> None:
        value = self.value
        labels = ("metadata", "labels")
        selectors = (("spec", "selector"), ("spec", "template", "metadata", "labels"))
        if value.get("commonLabels"):
            self.changes.append(PatchTarget("", "", (labels, *selectors)))
        for label in self.mappings("labels"):
            paths: tuple[Path, ...] | None = (labels,)
            if label.get("includeSelectors") in (True, "true"):
                paths = (labels, *selectors)
            elif label.get("includeTemplates") in (True, "true"):
                paths = (labels, selectors[1])
            self.changes.append(PatchTarget("", "", None if label.get("fields") else paths))
        if value.get("commonAnnotations"):
            both: tuple[Path, ...] = (("metadata", "annotations"), ("spec", "template", "metadata", "annotations"))
            self.changes.append(PatchTarget("", "", both))
        if value.get("images"):
            pod = ("spec", "template", "spec")
            images: tuple[Path, ...] = ((*pod, "containers", ANY, "image"), (*pod, "initContainers", ANY, "image"))
            self.changes.append(PatchTarget("", "", images))
        for replica in self.mappings("replicas"):
            self.changes.append(PatchTarget(_REPLICA_KINDS, _text(replica.get("name")), (("spec", "replicas"),)))
        if any(value.get(key) for key in ("transformers", "configurations", "vars", "openapi")):
            # Field specs, Starlark, another merge key: it could be anything anywhere.
            self.changes.append(PatchTarget("", "", None))
        for replacement in self.mappings("replacements"):
            self.changes.extend(_replacement_targets(replacement))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def is_remote(entry: str) -> bool:
    """kustomize `api/internal/git/repospec.go`: what it would clone or download."""
    host, slash, rest = entry.partition("/")
    return (
        "://" in entry
        or entry.startswith(("git@", "git::"))
        or "?ref=" in entry
        or bool(slash and "." in host.strip(".") and "/" in rest)
    )


def _patch_target(value: Any, target: Mapping[str, Any]) -> PatchTarget:
    """What one patch document changes: a strategic merge patch (mapping) or a JSON patch (list)."""
    kind = _text(target.get("kind"))
    name = _text(target.get("name"))
    if isinstance(value, list):
        return PatchTarget(kind, name, _json_patch_paths(value))
    if not isinstance(value, dict):
        return PatchTarget(kind, name, None)
    if not target:
        kind = _text(value.get("kind"))
        name = _text(_mapping(value.get("metadata")).get("name"))
    return PatchTarget(kind, name, _merge_paths(value))


def _json_patch_paths(operations: Iterable[Any]) -> tuple[Path, ...] | None:
    """Places that a JSON patch (RFC 6902) writes."""
    paths: dict[Path, None] = {}
    for operation in operations:
        if not isinstance(operation, dict):
            return None
        op = operation.get("op")
        if op == "test":
            continue
        pointers = [operation.get("path")]
        if op == "move":
            pointers.append(operation.get("from"))
        for pointer in pointers:
            if not isinstance(pointer, str) or not pointer.startswith("/"):
                return None
            path: list[str] = []
            for token in pointer[1:].split("/"):
                if token == "-" or token.isdigit():
                    break
                path.append(token.replace("~1", "/").replace("~0", "~"))
            paths[tuple(path)] = None
    return tuple(paths)


def _merge_paths(patch: Mapping[str, Any]) -> tuple[Path, ...] | None:
    """Places that a strategic merge patch writes; None where it deletes or replaces the whole object."""
    paths: dict[Path, None] = {}
    waiting: list[tuple[Path, Any]] = [((), patch)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict) and value and "$patch" not in value and len(path) < _MAX_DEPTH:
            for key, child in value.items():
                below = (*path, str(key))
                if below in _IDENTITY:
                    continue
                waiting.append((below, child))
        elif path:
            paths[path] = None
        elif "$patch" in value:
            return None
        if len(paths) + len(waiting) > _MAX_PATHS:  # aliases can make a small text endless
            return None
    return tuple(sorted(paths, key=str))


_IDENTITY: frozenset[Path] = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")})


def _replacement_targets(replacement: Mapping[str, Any]) -> Iterator[PatchTarget]:
    """kustomize `api/types/replacement.go`; field paths are dotted, `[name=x]` and `*` stand for list items."""
    targets = _list(replacement.get("targets"))
    if not targets:
        yield PatchTarget("", "", None)  # in a file of its own, or malformed
    for target in targets:
        select = _mapping(_mapping(target).get("select"))
        paths: dict[Path, None] = {}
        unknown = False
        for field_path in _list(_mapping(target).get("fieldPaths")):
            if not isinstance(field_path, str) or "\\" in field_path:
                unknown = True
                break
            path: list[str] = []
            for segment in field_path.split("."):
                if segment in ("*", "-") or segment.startswith("[") or segment.isdigit():
                    break
                path.append(segment)
            paths[tuple(path)] = None
        known = None if unknown or not paths else tuple(paths)
        yield PatchTarget(_text(select.get("kind")), _text(select.get("name")), known)
