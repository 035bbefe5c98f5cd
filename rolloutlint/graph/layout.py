"""Where files stand and what happens to their objects on the way to the cluster, as plain data.

`inputs` finds this out; the world only needs the answers: which environment ("scope") an object belongs to,
which namespace it ends up in, and whether what the file says is what will be applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, TypeAlias

from rolloutlint.finding import DocumentId, Path


class Overlay(Protocol):
    """One way in which a file is rendered: the kustomizations from a top-most one down to the file together."""

    @property
    def root(self) -> str:
        """Directory of the top-most kustomization."""

    @property
    def namespace(self) -> str | None:
        """The namespace every namespaced object ends in; `None`: as written."""

    @property
    def renames(self) -> bool:
        """True where a name prefix or suffix applies on the way."""

    def touches(self, kind: str, name: str, path: Path = ()) -> bool:
        """Whether what stands at `path` of this object, above it or below it, may be changed."""


class RenderedFile(NamedTuple):
    """A text that a renderer made of a directory."""

    directory: str
    """The kustomization or chart."""
    kind: Literal["kustomize", "helm"]


Delivered: TypeAlias = "tuple[DocumentId, Path, str, Path]"
"""A source of an Application: its document, its path in it, its name (a template has many), the path of the source."""


class Layout(NamedTuple):
    """The surroundings of all loaded files. Every name is a display path with forward slashes."""

    roots: Mapping[str, str] = MappingProxyType({})
    """File -> the input argument (a directory) it was found under; `""` for files given themselves."""
    overlays: Mapping[str, Sequence[Overlay]] = MappingProxyType({})
    """File -> its overlays; absent where no kustomization includes it."""
    kustomizations: Mapping[str, frozenset[str]] = MappingProxyType({})
    """Directory of a kustomization -> the files its build includes, transitively."""
    open_roots: frozenset[str] = frozenset()
    """Top-most kustomizations whose build adds objects that were not loaded (remote ones, charts, components)."""
    charts: frozenset[str] = frozenset()
    """Directories of charts that were not rendered."""
    unread: frozenset[str] = frozenset()
    """Files that may hold objects but were not read or not fully (templated, broken, unreadable)."""
    project_root: str = ""
    """Absolute path of the checkout's root; `""` where it is the directory that names are relative to."""
    base: str = ""
    """Absolute path of the directory that names are relative to."""
    repository: str = ""
    """Name of the checkout's repository by its remote (`config-repo`); `""` where unknown."""
    rendered: Mapping[str, RenderedFile] = MappingProxyType({})
    """Rendered text -> what it was made of."""
    deliveries: Mapping[Delivered, Sequence[str]] = MappingProxyType({})
    """Source of an Application -> the files it delivers, where they were rendered."""
    together: bool = False
    """Whether whoever named the inputs said that they belong together, whatever directories they lie in."""

    def overlays_of(self, file: str) -> Sequence[Overlay]:
        """The overlays of a file, none where it is applied as it stands."""
        return self.overlays.get(file, ())
