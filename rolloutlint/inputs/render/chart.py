"""A chart made ready for `helm template`, with the arguments that Argo CD gives it.

Mirrors argo-cd `reposerver/repository/repository.go helmTemplate` and `util/helm/cmd.go template`. What would have
to be downloaded (dependencies that are not vendored, values at a URL or in another repository) is refused at once.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from rolloutlint.finding import Incomplete
from rolloutlint.inputs.files import below, display, printable, read_path
from rolloutlint.inputs.render.build import COUNT_LIMIT, FILES_LIMIT, Command, Origin, Refusal, Request
from rolloutlint.inputs.render.variables import substitute
from rolloutlint.source import Document, Source, load

_SOURCE = re.compile(r"^# Source: (.+?)[ \t\r]*$", re.MULTILINE)
_SEPARATOR = re.compile(r"^---[ \t]*\r?\n", re.MULTILINE)
_MAGIC = re.compile(r"[*?\[{]")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LONGEST_RELEASE = 53
_INLINE = "values-of-the-application.json"

_ADVICE = "render it where that can be had, and pass the output with `--rendered`"


class _RefusedError(Exception):
    def __init__(self, message: str, *, lost: bool = False) -> None:
        super().__init__(message)
        self.refusal = Refusal(message, lost)


def prepare(request: Request, cwd: str) -> tuple[Command, tuple[str, ...]] | Refusal:
    """The command that renders the chart in the directory of `request` with the values files, or why it is not run."""
    try:
        return _Chart(request, cwd).command()
    except _RefusedError as error:
        return error.refusal


def chart_name(directory: str) -> str:
    """`name` of the chart in a directory, or the directory's own name."""
    value = _yaml(os.path.join(directory, "Chart.yaml"))
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else os.path.basename(directory)


class _Chart:
    def __init__(self, request: Request, cwd: str) -> None:
        self.request = request
        self.cwd = cwd
        self.options = request.options
        self.inputs: dict[str, bytes] = {}
        self.size = 0
        self.top = os.path.realpath(request.repository or request.directory)

    def show(self, path: str) -> str:
        return display(path, self.cwd)

    def command(self) -> tuple[Command, tuple[str, ...]]:
        request, options = self.request, self.options
        chart = _yaml(os.path.join(request.directory, "Chart.yaml"))
        if not isinstance(chart, dict):
            raise _RefusedError(f"{self.show(request.directory)}/Chart.yaml is no valid YAML mapping", lost=True)
        if chart.get("type") == "library":
            raise _RefusedError("a library chart, which renders nothing of its own")
        self.dependencies(chart)
        self.read_tree()
        release = _text(options, "releaseName") or request.release
        if len(release) > _LONGEST_RELEASE or not _RELEASE.match(release):
            raise _RefusedError(f"helm takes no release named `{printable(release)}`", lost=True)
        arguments = ["template", "--name-template", release]
        namespace = _text(options, "namespace") or request.namespace
        flags = {"--namespace": namespace, "--kube-version": _text(options, "kubeVersion")}
        arguments += [part for flag, text in flags.items() if text for part in (flag, text)]
        arguments += self.parameters()
        values = list(self.values_files())
        arguments += [part for path in values for part in ("--values", path)]
        copies = {}
        inline = self.inline_values()
        if inline:
            copies[_INLINE] = inline
            arguments += ["--values", "{home}/" + _INLINE]
        for version in options.get("apiVersions") or () if isinstance(options.get("apiVersions"), list) else ():
            arguments += ["--api-versions", str(version)]
        if options.get("skipCrds") is not True:
            arguments.append("--include-crds")
        if options.get("skipSchemaValidation") is True:
            arguments.append("--skip-schema-validation")
        if options.get("skipTests") is True:
            arguments.append("--skip-tests")
        own = os.path.join(request.directory, "values.yaml")
        found = (*([own] if os.path.isfile(own) else ()), *values)
        command = Command((*arguments, "--", "."), request.directory, copies, self.inputs)
        return command, tuple(found)

    def dependencies(self, chart: Mapping[str, Any]) -> None:
        """helm refuses a chart whose dependencies are not below `charts/`; Argo CD then downloads them."""
        listed = chart.get("dependencies")
        if listed is None:
            old = _yaml(os.path.join(self.request.directory, "requirements.yaml"))
            listed = old.get("dependencies") if isinstance(old, dict) else None
        names = [d["name"] for d in _mappings(listed) if isinstance(d.get("name"), str)]
        charts = os.path.join(self.request.directory, "charts")
        try:
            there = os.listdir(charts)
        except OSError:
            there = []
        held = {name for name in there if os.path.isfile(os.path.join(charts, name, "Chart.yaml"))}
        archives = [name for name in there if name.endswith(".tgz")]
        absent = [n for n in names if n not in held and not any(a.startswith(f"{n}-") for a in archives)]
        if absent:
            shown = ", ".join(f"`{printable(name)}`" for name in absent)
            do = f"run `helm dependency build {self.show(self.request.directory)}`, or {_ADVICE}"
            raise _RefusedError(f"its dependenc{'y' if len(absent) == 1 else 'ies'} {shown} not vendored: {do}")

    def read_tree(self) -> None:
        seen: set[str] = set()
        for directory, folders, files in os.walk(self.request.directory, followlinks=True):
            real = os.path.realpath(directory)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(f for f in folders if f != ".git")
            for name in (*folders, *files):
                path = os.path.join(directory, name)
                if os.path.islink(path) and not below(os.path.realpath(path), self.top):
                    raise _RefusedError(f"{self.show(path)} is a symbolic link out of the tree", lost=True)
            for name in sorted(files):
                self.read(os.path.join(directory, name))

    def read(self, path: str) -> None:
        """Notes a file by the digest of its content: charts can be large, and helm reads them itself."""
        data = read_path(path, self.show(path), FILES_LIMIT)
        if isinstance(data, Incomplete):
            raise _RefusedError(f"{data.source}: {data.message}", lost=True)
        self.size += len(data)
        if self.size > FILES_LIMIT or len(self.inputs) >= COUNT_LIMIT:
            raise _RefusedError(f"it has more than {COUNT_LIMIT} files or {FILES_LIMIT >> 20} MiB", lost=True)
        self.inputs[path] = blake2b(data, digest_size=20).digest()

    def parameters(self) -> Iterator[str]:
        """`--set` and its kin; where a name comes twice the last wins, as in Argo CD's map."""
        plain: dict[str, str] = {}
        strings: dict[str, str] = {}
        for entry in _mappings(self.options.get("parameters")):
            name, value = entry.get("name"), entry.get("value", "")
            if isinstance(name, str) and isinstance(value, str):
                (strings if entry.get("forceString") is True else plain)[name] = value
        for flag, table in (("--set", plain), ("--set-string", strings)):
            for name in sorted(table):
                yield flag
                yield f"{name}={_escaped(substitute(table[name], self.request.variables))}"
        for entry in _mappings(self.options.get("fileParameters")):
            name, path = entry.get("name"), entry.get("path")
            if isinstance(name, str) and isinstance(path, str) and path:
                file = self.resolved(path, "fileParameters")
                if not os.path.isfile(file):
                    raise _RefusedError(f"the file parameter `{printable(path)}` does not exist", lost=True)
                self.read(file)
                yield "--set-file"
                yield f"{name}={_escaped(file)}"

    def values_files(self) -> Iterator[str]:
        """repository.go getResolvedValueFiles: in order, each once; what a glob matches too goes where it is named."""
        listed = self.options.get("valueFiles")
        named = [name for name in listed if isinstance(name, str) and name] if isinstance(listed, list) else []
        explicit = {self.resolved(name, "valueFiles") for name in named if not _MAGIC.search(name)}
        lenient = self.options.get("ignoreMissingValueFiles") is True
        seen: set[str] = set()
        for name in named:
            path = self.resolved(name, "valueFiles")
            if _MAGIC.search(name):
                matches = sorted(m for m in glob.glob(path, recursive=True) if m not in explicit and os.path.isfile(m))
            else:
                matches = [path] if os.path.isfile(path) else []
            if not matches and not lenient:
                raise _RefusedError(f"the values file `{printable(name)}` does not exist", lost=True)
            for match in matches:
                if match not in seen:
                    seen.add(match)
                    self.read(match)
                    yield match

    def resolved(self, written: str, field: str) -> str:
        """The absolute path of a file: relative to the chart, `/` to the repository, `$ref/` to another source."""
        request = self.request
        if written.startswith("$"):
            name, _, rest = written[1:].partition("/")
            root = request.references.get(name)
            if root is not None:
                if not root:
                    raise _RefusedError(f"`{printable(written)}` ({field}) is in another repository: {_ADVICE}")
                return self.inside(os.path.join(root, substitute(rest, request.variables)), root, written)
        path = substitute(written, request.variables)
        if "://" in path:
            raise _RefusedError(f"`{printable(path)}` ({field}) is remote and never downloaded: {_ADVICE}")
        if path.startswith("/"):
            return self.inside(os.path.join(request.repository, path.lstrip("/")), request.repository, written)
        return self.inside(os.path.join(request.directory, path), request.repository or request.directory, written)

    def inside(self, path: str, root: str, written: str) -> str:
        """`path` normalised, which must not leave the checkout: `util/io/path ResolveValueFilePathOrUrl`."""
        path = os.path.normpath(path)
        if "\0" in path or not below(os.path.realpath(path), os.path.realpath(root)):
            raise _RefusedError(f"the values file `{printable(written)}` is outside of the repository", lost=True)
        return path

    def inline_values(self) -> bytes:
        """`valuesObject`, which wins, or the text in `values`."""
        held = self.options.get("valuesObject")
        if isinstance(held, dict) and held:
            try:
                return json.dumps(held, allow_nan=False).encode()
            except (ValueError, TypeError):
                raise _RefusedError("`valuesObject` holds a number that JSON cannot express", lost=True) from None
        return _text(self.options, "values").encode("utf-8", "replace")


def read_output(output: str, request: Request) -> tuple[str, tuple[Origin, ...]]:
    """The rendered text and the template of each of its documents: helm writes `# Source: chart/templates/x.yaml`."""
    texts: list[str] = []
    origins: list[Origin] = []
    for document in _SEPARATOR.split(output):
        if document.strip():
            texts.append(document if document.endswith("\n") else document + "\n")
            found = _SOURCE.search(document)
            origins.append(_origin(found[1], request.directory) if found else Origin())
    return "---\n".join(texts), tuple(origins)


def _origin(marked: str, chart: str) -> Origin:
    """The path starts with the name of the chart, whatever its directory is called."""
    for relative in (marked.partition("/")[2], marked):
        path = os.path.normpath(os.path.join(chart, relative))
        if below(path, chart) and os.path.isfile(path):
            return Origin(path)
    return Origin()


def _escaped(text: str) -> str:
    """util/helm/cmd.go cleanSetParameters: a comma would begin another value, but not in `{a,b}`."""
    if text.startswith("{") and text.endswith("}"):
        return text
    return re.sub(r"(?<!\\),", r"\,", text)


def _yaml(path: str) -> Any:
    """The value of the only document of a file; `None` where there is none."""
    data = read_path(path, path, 1 << 20)
    if isinstance(data, Incomplete):
        return None
    items = list(load(Source(path, data.decode("utf-8-sig", "replace"))))
    values = [item.value for item in items if isinstance(item, Document) and item.value is not None]
    return values[0] if len(values) == 1 and len(items) == len(values) else None


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _mappings(value: object) -> Sequence[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
