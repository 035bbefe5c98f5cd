"""Applications that ApplicationSets generate, as objects of the world.

A generated Application stands where the template of its set stands: paths in it are paths below `spec.template`, so
what is found there points at the template. Only what is certain becomes an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple, TypeAlias

from rolloutlint.controllers.application_set_parameters import Repository
from rolloutlint.controllers.application_sets import Expansion, Place, expand
from rolloutlint.finding import DocumentId, Path, SettledFinding
from rolloutlint.graph.layout import Layout
from rolloutlint.model import Resource
from rolloutlint.model.resource import make_resource

APPLICATION_SET = ("argoproj.io", "ApplicationSet")
TEMPLATE: Path = ("spec", "template")

Origin: TypeAlias = "tuple[DocumentId, Path]"
"""Where an object starts: the document and the path in it."""

_HELM = ("{{ .Values.", "{{.Values.", "{{- .Values.", "{{ .Release.", "{{.Release.")
"""What a chart leaves to Helm: such a set is not yet as Argo CD gets it."""


class Made(NamedTuple):
    """What one ApplicationSet generates."""

    origin: Origin
    expansion: Expansion
    resources: tuple[Resource, ...]
    """The Applications that are certain. Their numbers are those that they were asked to start with."""
    template: Origin
    """Where the template stands."""
    rewritable: bool
    """Whether the template of the set says all that is in them, so that a fix can be made there."""


def generate(
    resources: Iterable[Resource], layout: Layout, repositories: Callable[[str], Sequence[Repository]], start: int
) -> list[Made]:
    """What the ApplicationSets among `resources` generate.

    `repositories` gives for the file of a set the checkouts that its generators may mean, the likeliest first; `start`
    is the number of the first Application.
    """
    made: list[Made] = []
    for resource in resources:
        if resource.group_kind != APPLICATION_SET or _changed(resource, layout):
            continue
        value = resource.thaw()
        asked = repositories(resource.document.source) if resource.mentions("git") else ()
        expansion = _expanded(value, asked)
        prefix = (*resource.prefix, *TEMPLATE)
        found = tuple(
            make_resource(start + index, resource.document, prefix, dict(one.value))
            for index, one in enumerate(expansion.accepted)
        )
        start += len(found)
        own = any("template" in dig for dig in _kinds(value))
        rewritable = "templatePatch" not in value.get("spec", {}) and not own
        made.append(
            Made((resource.document, resource.prefix), expansion, found, (resource.document, prefix), rewritable)
        )
    return made


def _changed(resource: Resource, layout: Layout) -> bool:
    """True where a renderer may still change the set."""
    overlays = layout.overlays_of(resource.document.source)
    return any(overlay.touches(resource.id.kind, resource.id.name, ("spec",)) for overlay in overlays) or any(
        resource.mentions(text) for text in _HELM
    )


def _kinds(value: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    spec = value.get("spec")
    generators = spec.get("generators") if isinstance(spec, dict) else None
    for generator in generators if isinstance(generators, list) else ():
        if isinstance(generator, dict):
            yield from (kind for kind in generator.values() if isinstance(kind, dict))


def _expanded(value: Mapping[str, Any], repositories: Sequence[Repository]) -> Expansion:
    """The expansion in the checkout in which it gives something."""
    if not repositories:
        return expand(value)
    first: Expansion | None = None
    for repository in repositories:
        expansion = expand(value, repository)
        if expansion.applications:
            return expansion
        first = first or expansion
    if first is not None and (first.refused or first.unknown):
        return first
    reason = "nothing in this checkout is what the generators ask for"
    return Expansion(unknown=(Place(("spec", "generators"), reason),))


def one_per_place(found: Iterable[SettledFinding], made: Mapping[Origin, bool], own: Set[str]) -> list[SettledFinding]:
    """Findings, but of those about Applications of one template only the first of each rule at each place.

    `made` tells of each template whether it can be rewritten: where not, there is no fix. `own`: the rules about the
    sets themselves.
    """
    told: set[tuple[object, ...]] = set()
    kept: list[SettledFinding] = []
    for settled in found:
        finding = settled.finding
        template = None if finding.rule in own else _template(finding.at.document, finding.at.path, made)
        if template is None:
            kept.append(settled)
            continue
        key = (finding.rule, finding.at)
        if key in told:
            continue
        told.add(key)
        if not made[template] and finding.fix is not None:
            settled = settled._replace(finding=finding._replace(fix=None), edits=())
        kept.append(settled)
    return kept


def _template(document: DocumentId, path: Path, made: Mapping[Origin, bool]) -> Origin | None:
    for length in range(len(TEMPLATE), len(path) + 1):
        if path[length - len(TEMPLATE) : length] == TEMPLATE and (document, path[:length]) in made:
            return document, path[:length]
    return None
