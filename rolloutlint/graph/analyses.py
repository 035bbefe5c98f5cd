"""Which analyses run which templates together, as several families of rules ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from rolloutlint.controllers.arguments import Conflict, declared_names, merge_conflicts
from rolloutlint.graph.world import Reference, World
from rolloutlint.model import AnalysisTemplate, Rollout, View
from rolloutlint.model.rollout import Analysis, TemplateUse
from rolloutlint.model.values import dig, sequence

T = TypeVar("T")


class Member(NamedTuple):
    """A template that takes part in an analysis, and the entry of the Rollout that brings it in."""

    view: AnalysisTemplate
    use: TemplateUse


class Use(NamedTuple):
    """An analysis in which a template takes part, with all templates of it; `None` where not all are certain."""

    rollout: Rollout
    analysis: Analysis
    team: Sequence[Member] | None


def team_of(world: World, rollout: Rollout, analysis: Analysis) -> Sequence[Member] | None:
    """All templates of an analysis, nested ones included, each once; `None` unless every one is certain.

    Mirrors argo-rollouts `rollout/controller.go` getReferencedRolloutAnalyses, which follows `spec.templates`.
    """
    return world.shared(rollout.resource, ("team", analysis.path), lambda: _find_team(world, rollout, analysis))


def _find_team(world: World, rollout: Rollout, analysis: Analysis) -> Sequence[Member] | None:
    if analysis.role != "experiment" and len(sequence(analysis.value.get("templates"))) != len(analysis.templates):
        return None
    if world.patched(rollout.resource, analysis.path):
        return None
    answers = {r.naming.path: r for r in world.references(rollout.resource, analysis.role)}
    found = _with_nested(world, [(_meant(world, answers.get(use.path)), use) for use in analysis.templates])
    return None if found is None else tuple(Member(view, use) for view, use in found)


def family_of(world: World, template: AnalysisTemplate) -> Sequence[AnalysisTemplate] | None:
    """A template and all that it nests, each once; `None` unless every one is certain."""
    found = _with_nested(world, [(template, None)])
    return None if found is None else tuple(view for view, _ in found)


def _with_nested(world: World, waiting: list[tuple[View | None, T]]) -> Sequence[tuple[AnalysisTemplate, T]] | None:
    """Templates, each followed by what it nests, each once and with what came with the one that brought it in."""
    found: dict[int, tuple[AnalysisTemplate, T]] = {}
    while waiting:
        view, brought = waiting.pop(0)
        if not isinstance(view, AnalysisTemplate) or world.patched(view.resource, ("spec",)):
            return None
        if view.resource.number not in found:
            found[view.resource.number] = view, brought
            if len(view.nested) != len(sequence(view.spec.get("templates"))):
                return None
            waiting[:0] = [(_meant(world, nested), brought) for nested in world.references(view.resource, "nested")]
    return tuple(found.values())


def _meant(world: World, reference: Reference | None) -> View | None:
    return world.view(reference.target) if reference is not None and reference.target is not None else None


def lost_secrets(team: Sequence[Member]) -> Iterator[tuple[Conflict, Member, Member]]:
    """Arguments of which a later template takes the secret away for good, with the two templates.

    Namespaced templates are merged before cluster-scoped ones (argo-rollouts `utils/analysis/helpers.go` flattenArgs).
    """
    ordered = sorted(team, key=lambda member: member.view.cluster_scope)
    for conflict in merge_conflicts([member.view.spec.get("args") for member in ordered]):
        (first, _), (second, index) = conflict.first, conflict.second
        if conflict.kind != "secret-lost" or first == second:
            continue
        given = dig(ordered[second].view.spec, "args", index, "value") is not None
        later = (declared_names(member.view.spec.get("args")) for member in ordered[second + 1 :])
        if given or not any(conflict.name in names for names in later):
            yield conflict, ordered[first], ordered[second]


def uses_of(world: World, template: AnalysisTemplate) -> Sequence[Use]:
    """The analyses of the inputs that certainly run `template`, directly or because another one nests it."""
    return world.shared(template.resource, "uses", lambda: tuple(_find_uses(world, template)))


def _find_uses(world: World, template: AnalysisTemplate) -> Iterator[Use]:
    seen = {template.resource.number}
    waiting = [template.resource]
    while waiting:
        for reference in world.referrers(waiting.pop(0)):
            user = world.view(reference.origin)
            if isinstance(user, AnalysisTemplate) and user.resource.number not in seen:
                seen.add(user.resource.number)
                waiting.append(user.resource)
            elif isinstance(user, Rollout):
                for analysis in user.analyses:
                    named = any(use.path == reference.naming.path for use in analysis.templates)
                    if named and not world.patched(user.resource, analysis.path):
                        yield Use(user, analysis, team_of(world, user, analysis))


def called(analysis: Analysis) -> str:
    """How people call an analysis of a Rollout."""
    if analysis.step is not None:
        return f"analysis of step {analysis.step + 1}"
    return {"background": "background analysis"}.get(analysis.role, f"{analysis.role}Analysis")
