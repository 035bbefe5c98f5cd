"""Which kustomizations and charts of the inputs are rendered, for which Application, and what that replaces.

Each Application decides how its sources are rendered (argo-cd `reposerver/repository/repository.go GenerateManifests`),
and those that come out of a chart are followed too. What no Application renders is rendered once as it stands. Files
that only feed such builds are then not linted as if somebody applied them.
"""

from __future__ import annotations

import json
import os
import re
from collections import ChainMap, Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from rolloutlint.controllers.source_paths import covered, source_kind
from rolloutlint.errors import UsageError
from rolloutlint.finding import DocumentId, Incomplete, Path, Place
from rolloutlint.graph.layout import Delivered, Layout, RenderedFile
from rolloutlint.graph.scopes import FileTree, target_of
from rolloutlint.inputs.discover import Candidate, Discovery, discover
from rolloutlint.inputs.files import display, read_path
from rolloutlint.inputs.kustomize import NAMES
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.inputs.render import (
    LIMITS,
    Cache,
    Failure,
    Rendered,
    Renderer,
    Request,
    Tools,
    chart_name,
    find_tools,
    user_directory,
)
from rolloutlint.model import Application, Resource
from rolloutlint.model.argocd import ApplicationSource
from rolloutlint.model.resource import make_resource, objects
from rolloutlint.model.values import mapping, sequence, text
from rolloutlint.origins import DocumentOrigin, Rendering
from rolloutlint.source import Document, Source, load

_DEPTH = 8
"""Applications that come out of Applications are followed so deep."""
_REPLACED = ("patch", "component", "generator-input", "kustomize", "chart", "unresolved")
"""Reasons for not looking at a file that no longer hold once its build was rendered."""


class Outcome(NamedTuple):
    """What rendering adds to the inputs and takes from them."""

    renderings: tuple[Rendering, ...] = ()
    given: tuple[Candidate, ...] = ()
    """Files with output that was made elsewhere, and that are not read anyway."""
    rendered: Mapping[str, RenderedFile] = {}
    roots: Mapping[str, str] = {}
    """Rendered text -> the input argument below which its directory lies."""
    deliveries: Mapping[Delivered, Sequence[str]] = {}
    replaced: frozenset[str] = frozenset()
    """Files whose objects nobody applies as they stand."""
    directories: frozenset[str] = frozenset()
    """Kustomizations and charts of which every build was rendered."""
    refused: frozenset[str] = frozenset()
    """Kustomizations and charts of which `incomplete` says why they were not."""
    incomplete: tuple[Incomplete, ...] = ()

    def settles(self, entry: Incomplete) -> bool:
        """True where something that was not looked at has been by now."""
        if entry.reason in ("kustomize", "chart") and entry.source in self.refused:
            return True
        return entry.reason in _REPLACED and (entry.source in self.directories or entry.source in self.replaced)


class _Wish(NamedTuple):
    """A request, and the source of an Application that it is for, if it is for one."""

    request: Request
    delivered: Delivered | None = None
    application: str = ""
    file: str = ""
    """Where the Application is written."""


def render_inputs(
    resources: Sequence[Resource],
    files: Iterable[str],
    layout: Layout,
    discovery: Discovery,
    options: RenderOptions,
    tools: Tools | None = None,
) -> Outcome:
    """Render what the inputs hold. Raises `UsageError` where `options` speak of an Application that is not there."""
    return _Stage(files, layout, discovery, options, tools).outcome(resources)


class _Stage:
    def __init__(
        self, files: Iterable[str], layout: Layout, discovery: Discovery, options: RenderOptions, tools: Tools | None
    ) -> None:
        self.cwd = layout.base.replace("/", os.sep)
        self.tree = FileTree(files)
        self.roots: dict[str, str] = {}
        self.layout = layout._replace(roots=ChainMap(self.roots, dict(layout.roots)))
        self.arguments = {root for root in layout.roots.values() if root}
        self.discovery = discovery
        self.options = options
        self.tools = tools if tools is not None else find_tools() if options.enabled else Tools()
        cache = Cache(user_directory() if options.cache else "")
        self.renderer = Renderer(self.tools, cache, self.cwd, LIMITS._replace(seconds=options.seconds))
        self.given = dict(options.given)
        self.used: set[str] = set()
        self.given_files: dict[str, tuple[str, ...]] = {}
        self.candidates: dict[str, Candidate] = {}
        self.asked: dict[tuple[object, ...], Rendered | Failure] = {}
        self.wishes: list[_Wish] = []
        self.deliveries: dict[Delivered, Sequence[str]] = {}
        self.applied: set[str] = set()
        self.incomplete: list[Incomplete] = []
        self.outputs: dict[str, Rendered] = {}
        self.names: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.elsewhere: set[str] = set()
        self.lenient = False
        self.tops = frozenset(k.directory for k in discovery.graph.roots)

    def outcome(self, resources: Sequence[Resource]) -> Outcome:
        self.lenient = any(map(_lenient, resources))
        for name, directory in self.given.items():
            self.given_files[name] = self.files_given(name, directory)
        applications = [r for r in resources if r.group_kind == ("argoproj.io", "Application")]
        self.follow(applications)
        taken = {wish.request.directory for wish in self.wishes}
        taken.update(os.path.normpath(os.path.join(self.cwd, target)) for target in self.elsewhere)
        alone = [wish for wish in self.standing_alone() if wish.request.directory not in taken]
        self.render(alone)
        self.follow([r for wish in alone for r in self.applications_in(wish)])
        # A chart that an Application of another one renders was not meant to stand alone.
        taken = {wish.request.directory for wish in self.wishes}
        self.wishes += (wish for wish in alone if wish.request.directory not in taken)
        for name in self.given:
            if name not in self.used:
                raise UsageError(f"--rendered: no Application, kustomization or chart `{name}` among the inputs")
        return self.result()

    # ---- output made elsewhere -----------------------------------------------------------------------------

    def files_given(self, name: str, directory: str) -> tuple[str, ...]:
        try:
            found = discover([directory], use_gitignore=False, cwd=self.cwd)
        except UsageError as error:
            raise UsageError(f"--rendered {name}={directory}: {error}") from None
        self.candidates.update({c.name: c for c in found.candidates})
        self.incomplete += (i for i in found.incomplete if i.lost)
        return tuple(c.name for c in found.candidates)

    def files_for(self, *names: str) -> tuple[str, ...] | None:
        for name in names:
            if name in self.given_files:
                self.used.add(name)
                return self.given_files[name]
        return None

    # ---- Applications --------------------------------------------------------------------------------------

    def follow(self, applications: Sequence[Resource]) -> None:
        """Renders the sources of Applications, and those of the Applications that come out of them."""
        seen: set[tuple[DocumentId, Path]] = set()
        for _ in range(_DEPTH):
            fresh = [a for a in applications if (a.document, a.prefix) not in seen]
            if not fresh:
                return
            seen.update((a.document, a.prefix) for a in fresh)
            wishes = [wish for a in fresh for wish in self.wishes_of(Application(a))]
            self.render(wishes)
            self.wishes += wishes
            applications = [r for wish in wishes for r in self.applications_in(wish)]

    def wishes_of(self, application: Application) -> Iterator[_Wish]:
        resource = application.resource
        here, identity = resource.document.source, application.id
        file = self.written_in(resource.document)
        name = f"{identity.namespace}/{identity.name}" if identity.namespace else identity.name
        given = self.files_for(name, identity.name)
        if given is not None:
            targets = [target_of(here, source, self.tree, self.layout) for source in application.sources]
            self.elsewhere.update(target for target in targets if target is not None)
        for index, source in enumerate(application.sources):
            key = (resource.document, resource.prefix, identity.name, source.path)
            if given is not None:
                self.deliveries[key] = given if not index else ()
                continue
            if source.only_values:
                continue
            target = target_of(here, source, self.tree, self.layout)
            if target is None:
                continue
            directory = os.path.normpath(os.path.join(self.cwd, target))
            value = {**source.value, **_overrides(directory, identity.name, source.value)}
            kind = source_kind(value, _names_in(directory))
            if kind == "directory":
                self.directory(name, file, target, value)
            elif kind == "plugin":
                self.leave(file, f"Application {name}: `{target}` is rendered by a plugin of Argo CD")
            elif kind in ("kustomize", "helm"):
                yield self.wish(application, name, source, value, kind, directory, target, key, file)

    def wish(
        self,
        application: Application,
        name: str,
        source: ApplicationSource,
        value: Mapping[str, Any],
        kind: Any,
        directory: str,
        target: str,
        key: Delivered,
        file: str,
    ) -> _Wish:
        options = mapping(value.get(kind))
        checkout = _checkout(directory, source.directory)
        variables = {
            "ARGOCD_APP_NAME": application.id.name,
            "ARGOCD_APP_NAMESPACE": application.destination_namespace,
            "ARGOCD_APP_PROJECT_NAME": text(application.spec.get("project")),
            "ARGOCD_APP_REVISION": "0" * 40,
            "ARGOCD_APP_REVISION_SHORT": "0" * 7,
            "ARGOCD_APP_REVISION_SHORT_8": "0" * 8,
            "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
            "ARGOCD_APP_SOURCE_PATH": text(value.get("path")),
            "ARGOCD_APP_SOURCE_TARGET_REVISION": text(value.get("targetRevision")),
        }
        plain = kind == "kustomize" and not options
        request = Request(
            kind,
            directory,
            _beside(target, "(rendered)" if plain else f"(rendered for {application.id.name.replace('/', ' ')})"),
            options,
            release=application.id.name if kind == "helm" else "",
            namespace=application.destination_namespace if kind == "helm" else "",
            variables={} if plain else variables,
            references={} if plain else self.references(application, source, checkout),
            lenient=self.lenient,
            repository=checkout,
        )
        return _Wish(request, key, name, file)

    def references(self, application: Application, source: ApplicationSource, checkout: str) -> Mapping[str, str]:
        """The sources that give only values: in this checkout where they are of the same repository."""
        return {
            ref: checkout if other.repo_url.removesuffix(".git") == source.repo_url.removesuffix(".git") else ""
            for other in application.sources
            if (ref := text(other.value.get("ref")))
        }

    def written_in(self, document: DocumentId) -> str:
        """The file in which a person writes the objects of a document."""
        outcome = self.outputs.get(document.source)
        if outcome is None:
            return document.source
        origins = outcome.origins
        file = origins[document.number].file if document.number < len(origins) else ""
        return display(file or outcome.request.directory, self.cwd)

    def directory(self, name: str, here: str, target: str, value: Mapping[str, Any]) -> None:
        """A plain directory: its manifests are read as they are; what jsonnet would make of others is not."""
        below = {f[len(target) + 1 :] if target != "." else f: f for f in self.tree.below(target)}
        coverage = covered({**value, "path": "."}, tuple(below))
        self.applied.update(below[f] for f in coverage.files if f in below)
        if not self.discovery.jsonnet:
            return
        recurse = mapping(value.get("directory")).get("recurse") is True
        others = _jsonnet(os.path.normpath(os.path.join(self.cwd, target)), recurse)
        if covered({**value, "path": "."}, others).files:
            self.leave(here, f"Application {name}: `{target}` holds Jsonnet, which is not evaluated")

    def leave(self, source: str, message: str, *, advice: bool = True, lost: bool = False) -> None:
        said = f"{message}; pass its output with `--rendered`" if advice else message
        self.incomplete.append(Incomplete(source, "unrendered", said, lost))

    # ---- what no Application renders -----------------------------------------------------------------------

    def standing_alone(self) -> Iterator[_Wish]:
        graph = self.discovery.graph
        for root in graph.roots:
            if root.directory in self.discovery.given:
                if self.files_for(root.directory) is not None:
                    self.elsewhere.add(root.directory)
                else:
                    yield _Wish(self.plain("kustomize", root.directory))
        for chart in sorted(self.layout.charts):
            if self.files_for(chart) is not None:
                self.elsewhere.add(chart)
            else:
                yield _Wish(self.plain("helm", chart))

    def plain(self, kind: Any, target: str) -> Request:
        directory = os.path.normpath(os.path.join(self.cwd, target))
        release = chart_name(directory) if kind == "helm" else ""
        return Request(
            kind,
            directory,
            _beside(target, "(rendered)"),
            release=release,
            lenient=self.lenient,
            repository=self.discovery.project_root,
        )

    # ---- rendering -----------------------------------------------------------------------------------------

    def render(self, wishes: Sequence[_Wish]) -> None:
        todo: dict[tuple[object, ...], Request] = {}
        for wish in wishes:
            key = _key(wish.request)
            if key not in self.asked and key not in todo:
                todo[key] = wish.request._replace(name=self.unused(wish.request.name))
        for key, outcome in zip(todo, self.renderer.render(list(todo.values())), strict=True):
            self.asked[key] = outcome
            if isinstance(outcome, Rendered):
                self.outputs[outcome.request.name] = outcome
                self.roots[outcome.request.name] = self.root_of(display(outcome.request.directory, self.cwd))

    def unused(self, name: str) -> str:
        """A name that no other rendered text has: Applications of one name may come from several places."""
        self.names[name] += 1
        return name if self.names[name] == 1 else f"{name[:-1]}, {self.names[name]})"

    def applications_in(self, wish: _Wish) -> Iterator[Resource]:
        """The Applications in a rendered text."""
        outcome = self.asked[_key(wish.request)]
        if isinstance(outcome, Failure) or "Application" not in outcome.text:
            return
        for item in load(_source(outcome)):
            if isinstance(item, Document):
                for prefix, value in objects(item.value):
                    resource = make_resource(0, item.id, prefix, value)
                    if resource.group_kind == ("argoproj.io", "Application"):
                        yield resource

    # ---- the outcome ---------------------------------------------------------------------------------------

    def result(self) -> Outcome:
        renderings: dict[str, Rendering] = {}
        rendered: dict[str, RenderedFile] = {}
        made: set[str] = set()
        failed: set[str] = set()
        inputs: set[str] = set()
        for wish in self.wishes:
            request = wish.request
            directory = display(request.directory, self.cwd)
            outcome = self.asked[_key(request)]
            if isinstance(outcome, Failure):
                failed.add(directory)
                self.failure(wish, outcome, directory)
                continue
            made.add(directory)
            name = outcome.request.name
            if wish.delivered is not None:
                self.deliveries[wish.delivered] = (name,)
            if name not in renderings:
                renderings[name] = self.rendering(outcome, directory, wish)
                rendered[name] = RenderedFile(directory, request.kind)
                inputs.update(_applied_by(renderings[name]))
        graph = self.discovery.graph
        for directory in self.elsewhere:
            for k in graph.chain(directory):
                inputs.update((k.file, *k.resources, *k.patches, *k.generator_inputs, *k.configuration))
        made |= self.elsewhere
        whole = frozenset(made - failed)
        # Whoever applies such a file has been rendered.
        replaced = {file for file in inputs if not (roots := graph.roots_of(file)) or roots <= made}
        return Outcome(
            tuple(renderings.values()),
            tuple(c for c in self.candidates.values() if c.name not in self.tree.files),
            rendered,
            self.roots,
            self.deliveries,
            frozenset(replaced) - self.applied,
            whole,
            frozenset(self.refused),
            tuple(dict.fromkeys(self.incomplete)),
        )

    def rendering(self, outcome: Rendered, directory: str, wish: _Wish) -> Rendering:
        def show(path: str) -> str:
            return display(path, self.cwd) if path else ""

        request = outcome.request
        main = next((n for n in ("Chart.yaml", *NAMES) if os.path.isfile(os.path.join(request.directory, n))), "")
        return Rendering(
            request.name,
            request.kind,
            directory,
            _beside(directory, main),
            _source(outcome),
            tuple(
                DocumentOrigin(show(o.file), o.generated, tuple(show(c) for c in o.changed_by)) for o in outcome.origins
            ),
            tuple(show(v) for v in outcome.values),
            frozenset(show(path) for path in outcome.inputs),
            _own_values(request) if request.kind == "helm" else {},
            self.inline(wish),
        )

    def inline(self, wish: _Wish) -> Place | None:
        """`valuesObject` of an Application that is written in a file of the inputs, without parameters above it."""
        options = wish.request.options
        if wish.delivered is None or wish.delivered[0].source in self.outputs or options.get("parameters"):
            return None
        if wish.request.kind != "helm" or not options.get("valuesObject") or options.get("fileParameters"):
            return None
        document, prefix, _, source = wish.delivered
        return Place(document, (*prefix, *source, "helm", "valuesObject"))

    def failure(self, wish: _Wish, outcome: Failure, directory: str) -> None:
        if outcome.no_tool:
            if wish.request.kind == "kustomize" and wish.application and directory not in self.tops:
                message = f"Application {wish.application}: `{directory}`: there is neither kustomize nor kubectl here"
                self.leave(wish.file, message)
            return  # what charts and top-most kustomizations lose without a program is said already
        whose = f"Application {wish.application}: " if wish.application else ""
        # A chart that nobody deploys with its defaults need not render with them.
        lost = outcome.lost and (wish.request.kind == "kustomize" or wish.delivered is not None)
        self.refused.add(directory)
        self.leave(directory, f"{whose}{outcome.message}", advice=False, lost=lost)

    def root_of(self, directory: str) -> str:
        above = [r for r in self.arguments if r == "." or directory == r or directory.startswith(f"{r}/")]
        return max(above, key=len, default="")


def _applied_by(rendering: Rendering) -> Iterator[str]:
    """The files whose content is in a rendered text: of a chart only its CRDs would else be read as manifests."""
    if rendering.by == "kustomize":
        yield from rendering.inputs
    else:
        yield from (file for file in rendering.inputs if file.startswith(_beside(rendering.directory, "crds/")))


def _lenient(resource: Resource) -> bool:
    """Whether it is Argo CD's configuration and lets kustomize read files outside of a kustomization's directory."""
    if (*resource.group_kind, resource.id.name) != ("", "ConfigMap", "argocd-cm"):
        return False
    options = text(mapping(resource.thaw().get("data")).get("kustomize.buildOptions"))
    return re.search(r"--load[-_]restrictor[= ]\"?LoadRestrictionsNone", options) is not None


def _key(request: Request) -> tuple[object, ...]:
    """Requests that give the same text."""
    options = json.dumps(request.options, sort_keys=True, default=str)
    variables = tuple(sorted(request.variables.items())) if "$" in options else ()
    references = tuple(sorted(request.references.items())) if "$" in options else ()
    names = request.name, request.release, request.namespace
    return request.kind, request.directory, *names, options, variables, references


def _source(outcome: Rendered) -> Source:
    data = outcome.text.encode("utf-8", "surrogatepass")
    return Source(outcome.request.name, outcome.text, blake2b(data, digest_size=16).digest())


def _beside(directory: str, name: str) -> str:
    return name if directory in ("", ".") else f"{directory}/{name}"


def _checkout(directory: str, path: str) -> str:
    """The directory that the path of a source counts from."""
    if path in ("", "."):
        return directory
    suffix = os.sep + path.replace("/", os.sep)
    return directory[: -len(suffix)] or os.sep if directory.endswith(suffix) else directory


def _names_in(directory: str) -> Sequence[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return ()


def _overrides(directory: str, name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """repository.go mergeSourceParameters: files that the image updater writes beside the manifests, merged as JSON."""
    found: dict[str, Any] = {}
    for file in (".argocd-source.yaml", f".argocd-source-{name}.yaml"):
        path = os.path.join(directory, file)
        data = read_path(path, path, 1 << 20) if os.path.isfile(path) else None
        if not isinstance(data, bytes):
            continue
        for item in load(Source(path, data.decode("utf-8", "replace"))):
            if isinstance(item, Document):
                for key in ("helm", "kustomize", "directory", "plugin"):
                    patch = mapping(item.value).get(key)
                    if isinstance(patch, dict):
                        found[key] = _merged(found.get(key, value.get(key)), patch)
    return found


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _jsonnet(directory: str, recurse: bool) -> Sequence[str]:
    found: list[str] = []
    for here, folders, files in os.walk(directory):
        folders[:] = [f for f in folders if recurse and f != ".git"]
        prefix = os.path.relpath(here, directory).replace(os.sep, "/")
        found += (f if prefix == "." else f"{prefix}/{f}" for f in files if f.endswith(".jsonnet"))
    return found


def _own_values(request: Request) -> Mapping[str, Any]:
    """The values that the Application gives inline or as parameters, for knowing which files they stand above."""
    options = request.options
    held = options.get("valuesObject")
    if not isinstance(held, dict) or not held:
        items = load(Source("", text(options.get("values"))))
        held = next((i.value for i in items if isinstance(i, Document) and isinstance(i.value, dict)), {})
    result = _merged({}, held)
    for field in ("parameters", "fileParameters"):
        for parameter in sequence(options.get(field)):
            here = result
            *above, last = text(mapping(parameter).get("name")).split(".")
            for name in above:
                below = here.get(name)
                here[name] = here = below if isinstance(below, dict) else {}
            here[last] = mapping(parameter).get("value")
    return dict(result)
