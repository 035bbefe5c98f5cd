"""Which files belong to one environment, so that `envs/dev` and `envs/prod` may hold the same names.

A file's *scopes* are the clusters its objects go to: the destinations of the Applications that deliver it, else
the kustomizations at the top of those that include it, else its top directory, cut finer where one directory tree holds
the same object twice. Two objects can meet only where their scopes intersect.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.controllers.source_paths import covered
from rolloutlint.finding import Path
from rolloutlint.graph.layout import Layout
from rolloutlint.model import Application
from rolloutlint.model.argocd import ApplicationSource
from rolloutlint.model.values import mapping

Scopes = frozenset[str]


class Delivery(NamedTuple):
    """What an Application syncs, as far as it is among the inputs."""

    application: int
    """`Resource.number` of the Application."""
    files: frozenset[str]
    whole: bool
    """True where every source of it was found, loaded and needs no rendering."""
    more: bool = False
    """True where it may sync objects besides those of `files`: a source not found, unread files, a tool's output."""
    scope: str = ""
    """The cluster it syncs to, as a scope."""
    namespace: str = ""
    """The namespace of objects that state none."""
    passed_over: Mapping[Path, Sequence[str]] = MappingProxyType({})
    """Path of a source that is a directory without any manifest -> those below it, which it does not read."""
    absent: tuple[ApplicationSource, ...] = ()
    """The sources that are not among the inputs."""


def join(directory: str, path: str) -> str:
    """`directory/path`, normalised; an empty directory is the current one."""
    return posixpath.normpath(posixpath.join(directory, path)) if directory else posixpath.normpath(path)


def inside(file: str, directory: str) -> bool:
    """True where `file` lies below `directory` (`.` and `""` hold every relative path)."""
    if directory in ("", "."):
        return not file.startswith(("/", "../"))
    return file.startswith(directory + "/")


class FileTree:
    """The loaded files, ready to answer what lies below a directory without comparing all pairs."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files: Sequence[str] = sorted(files)

    def below(self, directory: str) -> Sequence[str]:
        """The files below `directory`, sorted."""
        if directory in ("", "."):
            return [f for f in self.files if not f.startswith(("/", "../"))]
        start = bisect_left(self.files, directory + "/")
        return self.files[start : bisect_left(self.files, directory + "0")]  # "0" follows "/"

    def beside(self, file: str) -> Sequence[str]:
        """The files of the same directory, without those of directories below it."""
        directory = file.rpartition("/")[0]
        depth = len(directory) + 1 if directory else 0
        return [f for f in self.below(directory) if "/" not in f[depth:]]

    def holds(self, file: str) -> bool:
        """True for one of the files."""
        start = bisect_left(self.files, file)
        return start < len(self.files) and self.files[start] == file

    def any_below(self, directory: str) -> bool:
        """True where at least one file lies below `directory`."""
        if directory in ("", "."):
            return any(inside(file, directory) for file in self.files)
        start = bisect_left(self.files, directory + "/")
        return start < len(self.files) and self.files[start].startswith(directory + "/")


def top_directory(file: str, root: str) -> str:
    """The scope directory of a file: the first directory below the input argument, or the argument itself."""
    below = file[len(root) + 1 :] if root not in ("", ".") and file.startswith(root + "/") else file
    prefix = root if root not in ("", ".") and below != file else ""
    head, slash, _ = below.partition("/")
    if not slash:
        return prefix or "."
    return f"{prefix}/{head}" if prefix else head


def deliver(application: Application, tree: FileTree, unread: FileTree, layout: Layout) -> Delivery:
    """The files an Application delivers, by the paths of its sources in the same checkout.

    A path counts from the checkout's root; for examples and fixtures, also from a directory given as input or
    the one directly below it. An Application whose repository is another one delivers nothing that is here.
    `unread` holds what was found but not read: with one of those among them, a delivery is not whole.
    """
    found: set[str] = set()
    whole = bool(application.sources)
    more = not whole
    passed_over: dict[Path, Sequence[str]] = {}
    absent: list[ApplicationSource] = []
    here = application.resource.document.source
    identity = (application.resource.document, application.resource.prefix, application.name)
    for source in application.sources:
        rendered = layout.deliveries.get((*identity, source.path))
        if rendered is not None:
            found.update(rendered)
            if any(unread.holds(name) for name in rendered):
                whole, more = False, True
            continue
        if source.only_values:
            continue
        target = target_of(here, source, tree, layout)
        if target is None:
            absent.append(source)
            whole = False
            more = True
            continue
        below = {f[len(target) + 1 :] if target != "." else f: f for f in tree.below(target)}
        unlisted = ["Chart.yaml"] * (target in layout.charts)  # both are no manifests, so the tree lacks them
        unlisted += ["kustomization.yaml"] * (target in layout.kustomizations)
        coverage = covered({**source.value, "path": "."}, (*below, *unlisted))
        if coverage.kind == "kustomize":
            found |= layout.kustomizations.get(target, frozenset())
            more = more or target not in layout.kustomizations or target in layout.open_roots or _adds(source)
        else:
            found |= {below[f] for f in coverage.files if f in below}
            more = more or coverage.kind != "directory" or unread.any_below(target)
        if coverage.unread and not coverage.files and not unread.any_below(target):
            passed_over[source.path] = sorted(below[f] for f in coverage.unread if f in below)
        whole = whole and coverage.kind == "directory" and not unread.any_below(target)
    return Delivery(
        application.resource.number,
        frozenset(found),
        whole and bool(found),
        more,
        f"cluster:{application.destination}",
        application.destination_namespace,
        passed_over,
        tuple(absent),
    )


def _adds(source: ApplicationSource) -> bool:
    """True where the Application itself tells kustomize to rename or to add objects."""
    options = mapping(source.value.get("kustomize"))
    return any(options.get(key) for key in ("namePrefix", "nameSuffix", "components", "patches"))


def target_of(here: str, source: ApplicationSource, tree: FileTree, layout: Layout) -> str | None:
    """The directory among the inputs that `source` of an Application in file `here` means."""
    if not source.directory:
        return None
    repository = posixpath.basename(source.repo_url.rstrip("/")).removesuffix(".git")
    same = not layout.repository or not repository or layout.repository.lower() == repository.lower()
    root = layout.roots.get(here, "")
    candidates = [_from_root(source.directory, layout)] if same else []
    if root:
        candidates += [join(root, source.directory), join(top_directory(here, root), source.directory)]
    return next((t for t in candidates if tree.any_below(t) or t in layout.kustomizations or t in layout.charts), None)


def _from_root(directory: str, layout: Layout) -> str:
    """The display path of a directory given relative to the checkout's root."""
    full = join(layout.project_root, directory)
    if full == layout.base:
        return "."
    return full[len(layout.base) + 1 :] if layout.base and full.startswith(layout.base + "/") else full


def scope_files(
    files: Sequence[str],
    identities: Callable[[str], Iterable[object]],
    layout: Layout,
    destinations: Mapping[str, Scopes],
) -> Mapping[str, Scopes]:
    """The scopes of every file. `destinations`: those that Applications decide; `identities`: what a file holds."""
    scopes: dict[str, Scopes] = {}
    loose: dict[str, list[str]] = {}
    for file in files:
        if file in destinations:
            scopes[file] = destinations[file]
        elif file in layout.rendered and layout.rendered[file].kind == "kustomize":
            scopes[file] = frozenset({f"kustomize:{layout.rendered[file].directory}"})
        elif layout.overlays_of(file):
            scopes[file] = frozenset(f"kustomize:{o.root}" for o in layout.overlays_of(file))
        else:
            top = "." if layout.together else top_directory(file, layout.roots.get(file, ""))
            loose.setdefault(top, []).append(file)
    for directory, members in loose.items():
        scopes.update(_split(directory, members, identities))
    return scopes


def _split(directory: str, files: Sequence[str], identities: Callable[[str], Iterable[object]]) -> Mapping[str, Scopes]:
    """One scope for a directory tree; one per child where two of its directories hold the same object.

    Files that stand beside the children of a tree that is cut are shared by all of them.
    """
    home: dict[object, str] = {}
    whole = frozenset({f"dir:{directory}"})
    if not any(
        home.setdefault(identity, posixpath.dirname(file)) != posixpath.dirname(file)
        for file in files
        for identity in identities(file)
    ):
        return dict.fromkeys(files, whole)
    children: dict[str, list[str]] = {}
    beside: list[str] = []
    for file in files:
        head, slash, _ = (file[len(directory) + 1 :] if directory != "." else file).partition("/")
        child = f"{directory}/{head}" if directory != "." else head
        (children.setdefault(child, []) if slash else beside).append(file)
    result: dict[str, Scopes] = {}
    for child, members in children.items():
        result.update(_split(child, members, identities))
    result.update(dict.fromkeys(beside, whole.union(*result.values())))
    return result
