"""What is to be rendered and what came of it: plain data between those who ask and the renderers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from rolloutlint.inputs.render.process import OUTPUT_LIMIT, TIME_LIMIT

Kind = Literal["kustomize", "helm"]

FILES_LIMIT = 64 * 1024 * 1024
"""Bytes of all the files that one build reads."""
COUNT_LIMIT = 5_000
"""Files that one build reads."""


class Request(NamedTuple):
    """One build: a kustomization or a chart, as one Application has it rendered, or as it stands."""

    kind: Kind
    directory: str
    """Absolute, normalised."""
    name: str
    """Name of the rendered text as the user sees it."""
    options: Mapping[str, Any] = MappingProxyType({})
    """The `kustomize` or `helm` section of the Application's source."""
    release: str = ""
    """Helm: the release name where the options give none."""
    namespace: str = ""
    """Helm: the namespace where the options give none."""
    variables: Mapping[str, str] = MappingProxyType({})
    """The build environment of Argo CD (`ARGOCD_APP_NAME` ...), which some options may name."""
    references: Mapping[str, str] = MappingProxyType({})
    """Name of another source of the Application (`ref`) -> the absolute directory of its checkout; "" elsewhere."""
    lenient: bool = False
    """Kustomize: whether files may lie anywhere (`--load-restrictor LoadRestrictionsNone`)."""
    repository: str = ""
    """Absolute directory of the checkout, which a path with a leading slash starts from."""


class Command(NamedTuple):
    """A build that nothing speaks against: what to run, and on which files."""

    arguments: tuple[str, ...]
    """Behind the tool's own command. `{home}` stands for the temporary directory."""
    directory: str
    """Where to run: absolute, or "" for the copies."""
    copies: Mapping[str, bytes]
    """Files that are laid out in a temporary directory, by relative path."""
    inputs: Mapping[str, bytes]
    """Absolute path -> content (or its digest) of every file that can matter."""
    base: str = ""
    """The absolute directory that the paths of `copies` are relative to."""


class Refusal(NamedTuple):
    """Why a build is not even begun, and what to do."""

    message: str
    lost: bool = False
    """True where Argo CD would fail too, so that something the user asked for is lost."""


class Origin(NamedTuple):
    """Where one rendered document comes from."""

    file: str = ""
    """Absolute path of the manifest, template or kustomization (for what it generates); "" if unknown."""
    generated: bool = False
    """True where a generator of the kustomization in `file` made it."""
    changed_by: tuple[str, ...] = ()
    """Absolute paths of the kustomizations that changed it."""


class Rendered(NamedTuple):
    """The output of a build."""

    request: Request
    text: str
    origins: tuple[Origin, ...]
    """One for each document of `text`, in order."""
    inputs: frozenset[str]
    """Absolute paths of the files that it was made of."""
    values: tuple[str, ...] = ()
    """Helm: absolute paths of the values files, the strongest last; the chart's own is the first."""


class Limits(NamedTuple):
    """What one build may take."""

    seconds: float = TIME_LIMIT
    output: int = OUTPUT_LIMIT


LIMITS = Limits()
