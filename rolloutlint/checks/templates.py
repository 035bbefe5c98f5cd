"""RL211 and RL212: analysis templates that nest each other without end, and analyses that run none."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Related
from rolloutlint.graph import Reference
from rolloutlint.graph.analyses import called
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.settings import Version

_EMPTY_ENDS_IN_ERROR = Version(1, 9)
"""Before 1.9 an analysis without templates makes a run without metrics, which ends in Error."""


@check("RL211")
def template_cycle(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """Templates that nest one another in a circle; told once, at the first of them that was loaded."""
    start = ctx.resource.resource.number
    if not ctx.resource.nested:
        return
    waiting: list[tuple[Reference, ...]] = [(r,) for r in reversed(ctx.refs("nested"))]
    seen: set[int] = set()
    while waiting:
        chain = waiting.pop()
        target = chain[-1].target
        if target is None or ctx.world.patched(chain[-1].origin, ("spec", "templates")):
            continue
        if target.number == start:
            names = [reference.naming.name for reference in chain]
            steps = (Related(r.origin.place(r.naming.path), f"runs `{r.naming.name}`", r.origin.id) for r in chain)
            yield ctx.finding(
                chain[0].naming.path,
                variant="itself" if len(chain) == 1 else "",
                trail=tuple(steps),
                name=ctx.resource.name,
                circle=" -> ".join([ctx.resource.name, *names]),
            )
            return
        if target.number > start and target.number not in seen:
            seen.add(target.number)
            waiting.extend((*chain, r) for r in reversed(ctx.world.references(target, "nested")))


@check("RL212")
def analysis_without_templates(ctx: Context[Rollout]) -> Iterator[Finding]:
    """An analysis that names no template: a step or a promotion waits for a run that is never made."""
    if not ctx.resource.strategy_kind:
        return
    for analysis in ctx.resource.analyses:
        belongs = analysis.path[2] == ctx.resource.strategy_kind and analysis.role != "experiment"
        if not belongs or analysis.value.get("templates") not in (None, []):
            continue
        key = (*analysis.path, "templates") if "templates" in analysis.value else analysis.path
        older = ctx.settings.targets.rollouts < _EMPTY_ENDS_IN_ERROR
        yield ctx.finding(
            key,
            "key",
            variant="background" if analysis.role == "background" else "aborts" if older else "",
            what=called(analysis),
        )
