"""RL428: whether a query of an analysis asks for the new version, or for all that serves.

What an analysis is given: argo-rollouts `utils/analysis/factory.go` BuildArgumentsForRolloutAnalysisRun.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.arguments import used_names
from rolloutlint.controllers.replicas import desired_weight
from rolloutlint.finding import Finding
from rolloutlint.graph.analyses import Use, called, uses_of
from rolloutlint.graph.measurements import measured
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.promql.relations import walk
from rolloutlint.lang.promql.tree import Aggregation, Node, Selector, selectors
from rolloutlint.lang.template import expand
from rolloutlint.model import AnalysisTemplate
from rolloutlint.model.values import sequence, text

MOST_SHARE: Final = 100

VERSION_LABELS: Final = frozenset(
    (
        "rollouts_pod_template_hash",
        "pod_template_hash",
        "label_rollouts_pod_template_hash",
        "label_pod_template_hash",
        "version",
        "app_version",
        "service_version",
        "app_kubernetes_io_version",
        "label_version",
        "label_app_kubernetes_io_version",
        "destination_version",
        "source_version",
        "revision",
        "destination_canonical_revision",
        "source_canonical_revision",
        "image",
        "image_tag",
        "tag",
        "release",
        "subset",
        "track",
        "role",
        "variant",
        "color",
        "colour",
        "deployment_color",
        "canary",
        "stage_of_release",
        "replicaset",
        "replica_set",
        "owner_name",
        "build",
        "commit",
        "git_sha",
        "sha",
        "pod_hash",
        "hash",
    )
)
"""Labels that usually have one value for each version."""

_names_a_version: Final = re.compile(
    r"canary|preview|candidate|baseline|stable|green|blue|(?<![a-z])(?:new|next|latest|v?\d+\.\d+)", re.IGNORECASE
).search


@check("RL428")
def query_not_canary(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A query that would be the same for a canary analysis and for one of the whole service."""
    uses = [use for use in uses_of(ctx.world, ctx.resource) if use.analysis.role != "experiment"]
    if not uses:
        return
    for one in measured(ctx.world, ctx.resource, ctx.settings):
        query = one.measurement.judgement.query
        node = query.node if query is not None else None
        if node is None or not selectors(node) or _splits_versions(node):
            continue
        for use in uses:
            variant = _dilution(use)
            if variant is None or _names_the_new_version(ctx.resource, use, node):
                continue
            weight = _weight(use)
            yield ctx.finding(
                one.query_path,
                variant=variant if weight is not None or variant else "unknown",
                related=(use.rollout.related(use.analysis.path, f"run as {called(use.analysis)}"),),
                metric=one.called,
                rollout=use.rollout.name,
                weight=weight,
            )
            break


def _dilution(use: Use) -> Literal["", "before-promotion"] | None:
    """How the old version comes into a query for the whole service; `None` where it does not, or is not known to."""
    if use.analysis.role == "prePromotion":
        return "before-promotion"
    if use.analysis.role in ("background", "step") and use.rollout.strategy_kind == "canary":
        weight = _weight(use)
        return "" if weight is None or 0 < weight < MOST_SHARE else None
    return None


def _weight(use: Use) -> int | None:
    """The least weight of the new version while an analysis runs, where it is known."""
    steps = sequence(use.rollout.canary.get("steps"))
    if use.analysis.step is not None:
        return desired_weight(steps, use.analysis.step)
    start = use.analysis.value.get("startingStep") or 0
    if not isinstance(start, int) or len(use.rollout.steps) != len(steps):
        return None
    return next((w for i in range(start, len(steps)) if (w := desired_weight(steps, i))), None)


def _splits_versions(node: Node) -> bool:
    """Whether an aggregation or nothing else keeps versions apart."""
    groupings = (one.grouping for one in walk(node) if isinstance(one, Aggregation))
    kept = (label for grouping in groupings if grouping is not None and grouping.by for label in grouping.labels)
    return any(label in VERSION_LABELS or "{{" in label for label in kept)


def asks_about_all(template: AnalysisTemplate, use: Use, node: Node) -> bool:
    """Whether nothing in a query tells the new version from the old one, as far as its texts say."""
    return bool(selectors(node)) and not _splits_versions(node) and not _names_the_new_version(template, use, node)


def _names_the_new_version(template: AnalysisTemplate, use: Use, node: Node) -> bool:
    """Whether some selector asks for one version, or may do so."""
    names = [s.name for s in use.rollout.services if s.role in ("canaryService", "previewService", "pingService")]
    subset = use.rollout.destination_rule
    names += [subset.canary_subset] if subset is not None else []
    values = _values(template, use)
    return any(_is_of_one_version(selector, [n for n in names if n], values) for selector in selectors(node))


def _is_of_one_version(selector: Selector, names: Sequence[str], values: Mapping[str, str]) -> bool:
    if selector.name is None or "{{" in selector.name:
        return True
    for matcher in selector.matchers:
        if matcher.label is None or "{{" in matcher.label or matcher.label in VERSION_LABELS:
            return True
        if any(name not in values for name in used_names(matcher.value)):
            return True
        value = expand(matcher.value, values).text
        if filled_later(value) or _names_a_version(value) or any(name in value for name in names):
            return True
    return False


def _values(template: AnalysisTemplate, use: Use) -> Mapping[str, str]:
    """The arguments whose value in one use is a text that stands in the manifests."""
    declared: dict[str, Any] = {text(a.get("name")): a for _, a in template.arguments}
    declared.update({text(a.get("name")): a for _, a in use.analysis.arguments})
    return {
        name: argument["value"]
        for name, argument in declared.items()
        if isinstance(argument.get("value"), str) and argument.get("valueFrom") is None
    }
