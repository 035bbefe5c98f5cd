"""A kustomization made ready to be built: every file it reads, found and copied before anything runs.

kustomize then sees only the copies, so that nothing is downloaded, no link leads out of the tree, and the options of an
Application can be written into the kustomization as `kustomize edit` does it for Argo CD (argo-cd
`util/kustomize/kustomize.go Build`). Whatever would reach the network or start a program is refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rolloutlint.finding import Incomplete
from rolloutlint.inputs.files import below, display, printable, read_path
from rolloutlint.inputs.kustomize import NAMES, is_kustomization, is_remote
from rolloutlint.inputs.render.build import COUNT_LIMIT, FILES_LIMIT, Command, Origin, Refusal, Request
from rolloutlint.inputs.render.variables import substitute
from rolloutlint.source import KUSTOMIZE, Document, Source, load

BUILD_METADATA = ["originAnnotations", "transformerAnnotations"]
_ORIGIN, _TRANSFORMATIONS = "config.kubernetes.io/origin", "alpha.config.kubernetes.io/transformations"

_PLUGINS = ("generators", "transformers", "validators")
_ENTRIES = ("resources", "bases", "components", "crds", "configurations", *_PLUGINS, "patchesStrategicMerge")
"""Fields that list files, some of them also directories or whole objects."""
_PATHS = ("patches", "patchesJson6902", "replacements")
"""Fields whose items may name a file in `path`."""
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmChartInflationGenerator")

_ADVICE = "build it where that can be had, and pass the output with `--rendered`"


class RefusedError(Exception):
    """Carries a `Refusal` out of the walk."""

    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.refusal = Refusal(message, lost)


def prepare(request: Request, cwd: str) -> Command | Refusal:
    """The command that builds the kustomization in the directory of `request`, or why it is not run.

    Names in messages are relative to `cwd`.
    """
    walk = _Walk(request, cwd)
    try:
        walk.directory(request.directory)
        root = walk.edited(request)
    except RefusedError as error:
        return error.refusal
    base = os.path.commonpath([os.path.dirname(path) for path in walk.files])
    copies = {os.path.relpath(path, base): data for path, data in walk.files.items()}
    file = next(name for name in NAMES if os.path.join(request.directory, name) in walk.files)
    copies[os.path.relpath(os.path.join(request.directory, file), base)] = root
    flags = ("--load-restrictor", "LoadRestrictionsNone") if request.lenient else ()
    return Command((*flags, "--", os.path.relpath(request.directory, base)), "", copies, walk.files, base)


class _Walk:
    """Collects the files of a kustomization and of all that it includes."""

    def __init__(self, request: Request, cwd: str) -> None:
        self.cwd = cwd
        self.written_top = request.repository or request.directory
        self.top = os.path.realpath(self.written_top)
        self.files: dict[str, bytes] = {}
        self.values: dict[str, Mapping[str, Any]] = {}
        self.size = 0

    def show(self, path: str) -> str:
        return display(path, self.cwd)

    def directory(self, directory: str) -> None:
        """One kustomization and what it includes; each once, however they are nested."""
        waiting = [directory]
        while waiting:
            here = waiting.pop()
            if here in self.values:
                continue
            files = [path for name in NAMES if os.path.isfile(path := os.path.join(here, name))]
            if not files:
                raise RefusedError(f"{self.show(here)} is named as a kustomization and holds none", lost=True)
            for file in files:
                self.file(file)
            documents = self.documents(files[0])
            if documents is None or not is_kustomization(documents):
                raise RefusedError(f"{self.show(files[0])} is no valid kustomization", lost=True)
            self.values[here] = documents[0]
            waiting += self.included(here, self.show(files[0]), documents[0])

    def included(self, here: str, file: str, value: Mapping[str, Any]) -> Iterator[str]:
        """Reads the files that a kustomization names and gives the directories."""
        for field in _HELM:
            if value.get(field):
                raise RefusedError(f"{file} inflates Helm charts (`{field}`), which may download them: {_ADVICE}")
        for field, entry in references(value):
            if "\0" in entry:
                raise RefusedError(f"{file}: a file name in `{field}` holds a NUL character", lost=True)
            if "\n" in entry:
                self.inline(field, entry, file)
                continue
            if os.path.isabs(entry):
                raise RefusedError(
                    f"{file} names the absolute path `{printable(entry)}`: kustomize takes none", lost=True
                )
            path = os.path.normpath(os.path.join(here, entry))
            if os.path.isdir(path):
                yield path
            elif os.path.exists(path):
                self.file(path)
                if field in _PLUGINS:
                    self.plugin(field, self.files[path].decode("utf-8", "replace"), file)
            elif is_remote(entry):
                raise RefusedError(
                    f"{file} names `{printable(entry)}`, which is remote and never downloaded: {_ADVICE}"
                )
            else:
                raise RefusedError(f"{file} names `{printable(entry)}`, which does not exist")

    def inline(self, field: str, entry: str, file: str) -> None:
        if field in _PLUGINS:
            self.plugin(field, entry, file)

    def plugin(self, field: str, text: str, file: str) -> None:
        """kustomize `api/internal/plugins/loader`: what is not built in is a program."""
        for value in _documents(text) or ():
            version = value.get("apiVersion") if isinstance(value, dict) else None
            if value is not None and version != "builtin":
                raise RefusedError(f"{file}: `{field}` runs a plugin, a program that is never started here: {_ADVICE}")

    def file(self, path: str) -> None:
        if path in self.files:
            return
        real = os.path.realpath(path)
        if real != path and below(path, self.written_top) and not below(real, self.top):
            raise RefusedError(f"a symbolic link leads from {self.show(path)} out of the tree", lost=True)
        data = read_path(path, self.show(path), FILES_LIMIT)
        if isinstance(data, Incomplete):
            raise RefusedError(f"{data.source}: {data.message}", lost=True)
        self.size += len(data)
        if self.size > FILES_LIMIT or len(self.files) >= COUNT_LIMIT:
            raise RefusedError(
                f"it reads more than {COUNT_LIMIT} files or {FILES_LIMIT >> 20} MiB: {_ADVICE}", lost=True
            )
        self.files[path] = data

    def documents(self, file: str) -> Sequence[Any] | None:
        return _documents(self.files[file].decode("utf-8-sig", "replace"))

    def edited(self, request: Request) -> bytes:
        """The kustomization to build, with the options of the Application and marks that lead back to the files."""
        value = dict(self.values[request.directory])
        self.options(value, request)
        value["buildMetadata"] = BUILD_METADATA
        try:
            return json.dumps(value, allow_nan=False).encode()
        except (ValueError, TypeError):
            raise RefusedError("the kustomization holds a number that JSON cannot express", lost=True) from None

    def options(self, value: dict[str, Any], request: Request) -> None:
        options = request.options
        for key in ("namePrefix", "nameSuffix", "namespace"):
            if isinstance(options.get(key), str) and options[key]:
                value[key] = options[key]
        images = [substitute(i, request.variables) for i in _strings(options.get("images"))]
        if images:
            value["images"] = set_images(_mappings(value.get("images")), images)
        counts = {r["name"]: _count(r.get("count")) for r in _mappings(options.get("replicas")) if "name" in r}
        if counts:
            kept = [r for r in _mappings(value.get("replicas")) if r.get("name") not in counts]
            value["replicas"] = [*kept, *({"name": name, "count": count} for name, count in counts.items())]
        self.labels(value, request)
        added = dict(_string_items(options.get("commonAnnotations")))
        if options.get("commonAnnotationsEnvsubst") is True:
            added = {name: substitute(text, request.variables) for name, text in added.items()}
        self.add(value, "commonAnnotations", added, forced=options.get("forceCommonAnnotations") is True)
        patches = [p for p in _mappings(options.get("patches")) if p]
        if patches:
            value["patches"] = [*_list(value.get("patches")), *patches]
            for patch in patches:
                self.optional_file(request.directory, patch.get("path"))
        for component in _strings(options.get("components")):
            path = os.path.normpath(os.path.join(request.directory, component))
            if is_remote(component) and not os.path.exists(path):
                raise RefusedError(f"component `{printable(component)}` is remote and never downloaded: {_ADVICE}")
            if os.path.isdir(path):
                self.directory(path)
            elif options.get("ignoreMissingComponents") is True:
                continue
            else:
                raise RefusedError(f"component `{printable(component)}` does not exist", lost=True)
            value["components"] = list(dict.fromkeys([*_list(value.get("components")), component]))

    def optional_file(self, directory: str, name: object) -> None:
        if isinstance(name, str) and name:
            path = os.path.normpath(os.path.join(directory, name))
            if not os.path.isfile(path):
                raise RefusedError(f"patch `{printable(name)}` does not exist", lost=True)
            self.file(path)

    def labels(self, value: dict[str, Any], request: Request) -> None:
        """`kustomize edit add label`."""
        options = request.options
        added = {n: substitute(t, request.variables) for n, t in _string_items(options.get("commonLabels"))}
        forced = options.get("forceCommonLabels") is True
        if options.get("labelWithoutSelector") is not True:
            self.add(value, "commonLabels", added, forced=forced)
        elif added:
            entry: dict[str, Any] = {"pairs": added}
            if options.get("labelIncludeTemplates") is True:
                entry["includeTemplates"] = True
            value["labels"] = [*_list(value.get("labels")), entry]

    def add(self, value: dict[str, Any], field: str, added: Mapping[str, str], *, forced: bool) -> None:
        if not added:
            return
        there = value.get(field) if isinstance(value.get(field), dict) else {}
        twice = sorted(set(added) & set(there or {}))
        if twice and not forced:
            message = f"`{field}` of the Application gives `{twice[0]}`, which the kustomization has already"
            raise RefusedError(f"{message}: Argo CD refuses that too", lost=True)
        value[field] = {**(there or {}), **added}


def references(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, entry) of everything that a kustomization reads: files, directories, URLs, objects written inline."""
    for field in _ENTRIES:
        for entry in _strings(value.get(field)):
            if field != "patchesStrategicMerge" or "\n" not in entry:
                yield field, entry
    for field in _PATHS:
        for item in _mappings(value.get(field)):
            if isinstance(item.get("path"), str) and item["path"]:
                yield field, item["path"]
    for field in _GENERATORS:
        for item in _mappings(value.get(field)):
            lone = [item["env"]] if isinstance(item.get("env"), str) else []
            for entry in (*_strings(item.get("files")), *_strings(item.get("envs")), *lone):
                yield field, entry.partition("=")[2] or entry
    openapi = value.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield "openapi", openapi["path"]


_KEEP = "*"


def set_images(there: Sequence[Mapping[str, Any]], arguments: Sequence[str]) -> list[dict[str, Any]]:
    """`kustomize edit set image` (kustomize `kustomize/commands/edit/set/setimage.go`): an entry replaces its namesake.

    `name=new-name:tag`, `name=new-name@digest`, `name:tag` or `name@digest`; `*` keeps what was there.
    """
    table = {entry["name"]: dict(entry) for entry in there if isinstance(entry.get("name"), str)}
    for argument in arguments:
        name, equals, target = argument.partition("=")
        new_name, tag, digest = _image(target if equals else argument)
        entry: dict[str, Any] = {"name": name if equals else new_name}
        old = table.get(entry["name"], {})
        given = {"newName": new_name if equals else "", "newTag": tag, "digest": digest}
        for key, text in given.items():
            text = str(old.get(key, "")) if text == _KEEP else text
            if text:
                entry[key] = text
        table[entry["name"]] = entry
    return [table[name] for name in sorted(table)]


def _image(text: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image reference; a colon before the last slash belongs to a port."""
    text, _, digest = text.partition("@")
    match = re.match(r"(.*):([^/:]*)\Z", text)
    return (match[1], match[2], digest) if match else (text, "", digest)


def _count(value: object) -> int:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        raise RefusedError(f"`replicas` of the Application has the count `{value}`, no number", lost=True) from None


def read_output(output: str, command: Command, request: Request) -> tuple[str, tuple[Origin, ...]]:
    """The manifests as they are applied, without the marks of their origin, and the origin of each document."""
    texts: list[str] = []
    origins: list[Origin] = []
    for document in re.split(r"^---\n", output, flags=re.MULTILINE):
        if document.strip():
            text, marks = _without_marks(document)
            texts.append(text)
            origins.append(_origin(marks, request.directory))
    return "---\n".join(texts), tuple(origins)


def _without_marks(document: str) -> tuple[str, dict[str, str]]:
    """kustomize writes every object in one fixed form, so the marks are lines that can be taken out."""
    kept: list[str] = []
    marks: dict[str, list[str]] = {}
    section = ""
    mark: list[str] | None = None
    header = -1
    for line in re.findall(r"[^\n]*\n|[^\n]+", document):
        if mark is not None and line.startswith("      "):
            mark.append(line[6:])
            continue
        mark = None
        if not line.startswith(" "):
            section = line.partition(":")[0]
        elif section == "metadata" and line.rstrip() == "  annotations:":
            header = len(kept)
        elif section == "metadata" and line.startswith("    "):
            key = line.strip().partition(":")[0].strip("'\"")
            if header >= 0 and key in (_ORIGIN, _TRANSFORMATIONS) and line[4] != " ":
                mark = marks.setdefault(key, [])
                continue
        kept.append(line)
    if marks and header >= 0 and (header + 1 == len(kept) or not kept[header + 1].startswith("    ")):
        del kept[header]
    return "".join(kept), {key: "".join(lines) for key, lines in marks.items()}


def _origin(marks: Mapping[str, str], root: str) -> Origin:
    """kustomize `api/resource/origin.go`: paths are relative to the directory that was built."""
    found = re.search(r"^(path|configuredIn): (.+)$", marks.get(_ORIGIN, ""), re.MULTILINE)
    changed = re.findall(r"^(?:- |  )configuredIn: (.+)$", marks.get(_TRANSFORMATIONS, ""), re.MULTILINE)
    absolute = [os.path.normpath(os.path.join(root, _unquoted(path))) for path in dict.fromkeys(changed)]
    if found is None:
        return Origin(changed_by=tuple(absolute))
    file = os.path.normpath(os.path.join(root, _unquoted(found[2])))
    return Origin(file, found[1] == "configuredIn", tuple(absolute))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _documents(text: str) -> Sequence[Any] | None:
    """The documents of a text as kustomize types them, `None` where one is broken."""
    values = []
    for item in load(Source("kustomization.yaml", text, typing=KUSTOMIZE)):
        if isinstance(item, Document):
            values.append(item.value)
        elif item.fatal:
            return None
    return [value for value in values if value is not None]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(value: object) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str) and item]


def _mappings(value: object) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _string_items(value: object) -> list[tuple[str, str]]:
    return [(k, v) for k, v in value.items() if isinstance(v, str)] if isinstance(value, dict) else []
