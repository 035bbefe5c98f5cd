"""Worlds made of texts, without discovery and without rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rolloutlint.finding import Path
from rolloutlint.graph import Layout, Reference, World, namings
from rolloutlint.graph.references import Naming
from rolloutlint.model import Resource, view_of
from rolloutlint.model.resource import make_resource, objects
from rolloutlint.source import Document, Source, load


@dataclass(frozen=True)
class Built:
    """An overlay as kustomize's graph gives it, in few words."""

    root: str
    namespace: str | None = None
    renames: bool = False
    patched: tuple[Path, ...] = ()

    def touches(self, kind: str, name: str, path: Path = ()) -> bool:
        return any(path[: len(p)] == p or p[: len(path)] == path for p in self.patched)


def world(files: Mapping[str, str], layout: Layout | None = None, *, closed: bool = False) -> World:
    resources: list[Resource] = []
    names: dict[int, tuple[Naming, ...]] = {}
    for name, text in sorted(files.items()):
        for item in load(Source(name, text)):
            assert isinstance(item, Document)
            for prefix, value in objects(item.value):
                resource = make_resource(len(resources), item.id, prefix, value)
                resources.append(resource)
                names[resource.number] = tuple(namings(view_of(resource, value)))
    return World(resources, names, layout or Layout(roots=dict.fromkeys(files, ".")), files, closed)


def only(made: World, kind: str, file: str = "") -> Resource:
    """The one object of that kind (in that file)."""
    (found,) = [r for r in made.resources if r.id.kind == kind and file in ("", r.document.source)]
    return found


def answer(made: World, role: str = "canaryService", file: str = "") -> Reference:
    """What the world says about the name that the one Rollout (of that file) gives in that role."""
    (reference,) = made.references(only(made, "Rollout", file), role)
    return reference


def header(kind: str, name: str, namespace: str = "", group: str = "argoproj.io/v1alpha1") -> str:
    where = f", namespace: {namespace}" if namespace else ""
    return f"---\napiVersion: {group}\nkind: {kind}\nmetadata: {{name: {name}{where}}}\n"


def rollout(service: str = "web", namespace: str = "", name: str = "web") -> str:
    return header("Rollout", name, namespace) + f"spec: {{strategy: {{canary: {{canaryService: '{service}'}}}}}}\n"


def service(name: str = "web", namespace: str = "") -> str:
    return header("Service", name, namespace, "v1") + "spec: {selector: {app: web}}\n"


def application(
    path: str, namespace: str = "shop", server: str = "https://a", name: str = "app", repo: str = "", extra: str = ""
) -> str:
    url = f"repoURL: '{repo}', " if repo else ""
    target = f"server: '{server}'" + (f", namespace: {namespace}" if namespace else "")
    source = f"{{{url}path: {path}{extra}}}"
    return header("Application", name, "argocd") + f"spec: {{source: {source}, destination: {{{target}}}}}\n"
