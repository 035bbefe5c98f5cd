"""What `rolloutlint simulate` shows: every Rollout of a run simulated, the worst first, or one history replayed.

Plain data; `report.simulation` and its neighbours render it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple, cast

from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.controllers.measurement import WORLDS, WorldKey
from rolloutlint.errors import UsageError
from rolloutlint.finding import Place
from rolloutlint.graph import World
from rolloutlint.graph.measurements import measured
from rolloutlint.graph.rollouts import ROLLOUT, rollouts_named
from rolloutlint.lang.names import near
from rolloutlint.model import AnalysisTemplate, Rollout
from rolloutlint.settings import Settings
from rolloutlint.simulate.linked import plan_of
from rolloutlint.simulate.plan import Metric, Plan, Run, with_runs
from rolloutlint.simulate.player import Asked, Walk, play
from rolloutlint.simulate.result import Simulation
from rolloutlint.simulate.simulation import playable, simulate

_LETTERS = {"Successful": "S", "Failed": "F", "Inconclusive": "I", "Error": "E"}


class Replay(NamedTuple):
    """One Rollout with the history that was asked for."""

    plan: Plan
    outcomes: tuple[tuple[str, str], ...]
    """Metric as it was asked for -> its letters, for those that this Rollout has."""
    walk: Walk


def plans(world: World, settings: Settings, rollout: str = "", query_world: WorldKey | None = None) -> Sequence[Plan]:
    """What an update of each Rollout does, or of those that `rollout` (`namespace/name` or `name`) means.

    With `query_world`, a measurement gives only what its query and its conditions give in that world, as far as they
    can be judged. A Rollout whose strategy cannot be read is left out. Raises `UsageError` where there is no such
    Rollout.
    """
    wanted = set(rollouts_named(world, rollout)) if rollout else None
    letters = _letters(world, settings, query_world) if query_world else {}
    found = []
    for resource in world.of_kind(*ROLLOUT):
        view = world.view(resource)
        if (wanted is not None and resource.number not in wanted) or not isinstance(view, Rollout):
            continue
        plan = plan_of(world, view, settings)
        if plan is not None:
            found.append(_in_world(plan, letters, query_world) if query_world else plan)
    return found


def simulations(plans: Sequence[Plan]) -> Sequence[Simulation]:
    """The plans simulated, the worst first: by exposure, then by name."""
    return sorted(map(simulate, plans), key=_badness)


def _badness(simulation: Simulation) -> tuple[bool, bool, Fraction, str]:
    """What is never aborted comes before what is, and more exposure before less."""
    broken = simulation.broken
    if broken is None:
        return True, False, Fraction(0), str(simulation.plan.rollout)
    return False, broken.ending == "aborted", -Fraction(broken.exposure.upper), str(simulation.plan.rollout)


# ---- outcomes from queries -----------------------------------------------------------------------------------


def _letters(world: World, settings: Settings, key: WorldKey) -> Mapping[Place, str]:
    """Place of a metric -> the letters that its measurements can give in a world, where that can be judged."""
    found: dict[Place, str] = {}
    for kind in ("AnalysisTemplate", "ClusterAnalysisTemplate"):
        for resource in world.of_kind("argoproj.io", kind):
            template = world.view(resource)
            if not isinstance(template, AnalysisTemplate):
                continue
            for item in measured(world, template, settings):
                verdict = item.measurement.judgement.verdict(key)
                phases = verdict.phases if verdict is not None else frozenset((None,))
                if None not in phases:
                    letters = {_LETTERS[phase] for phase in phases if phase in _LETTERS}
                    found[template.place(item.path)] = "".join(c for c in "SFIE" if c in letters)
    return found


def _in_world(plan: Plan, letters: Mapping[Place, str], key: WorldKey) -> Plan:
    """The plan with the outcomes of one world."""
    open_names: list[str] = []

    def in_metric(metric: Metric) -> Metric:
        found = letters.get(metric.place, "")
        if not found:
            open_names.append(metric.name)
        return metric._replace(outcomes=found or metric.outcomes)

    def in_run(run: Run) -> Run:
        return run._replace(metrics=tuple(map(in_metric, run.metrics)))

    changed = plan._replace(
        stages=tuple(with_runs(stage, in_run) for stage in plan.stages),
        background=in_run(plan.background) if plan.background is not None else None,
    )
    note = f"measurements as in the world `{key}`: {WORLDS[key]}"
    if open_names:
        note += f" (not known for {', '.join(dict.fromkeys(open_names))})"
    return changed._replace(notes=(*plan.notes, note))


# ---- one history ---------------------------------------------------------------------------------------------


def replays(plans: Sequence[Plan], outcomes: Sequence[tuple[str, str]]) -> Sequence[Replay]:
    """Each Rollout that has one of the metrics, with these outcomes (`metric` or `template:metric` -> letters).

    The letters count anew in each AnalysisRun, and the last one repeats. What is not named succeeds where it can. A
    bare name means every metric of that name; a longer one wins over it. Raises `UsageError` for a metric that none
    of the Rollouts has.
    """
    metrics = [metric for plan in plans for metric in _metrics(plan)]
    names = {name for metric in metrics for name in _spellings(metric)}
    for name, _ in outcomes:
        if name not in names:
            hint = near(name, names)
            known = ", ".join(f"`{each}`" for each in sorted({metric.name for metric in metrics}))
            told = f"did you mean `{hint}`?" if hint else f"there is {known}" if known else "they measure nothing"
            raise UsageError(f"--outcome: no metric `{name}` in the Rollouts that are simulated: {told}")
    return [replay for plan in plans if (replay := _replay(playable(plan), outcomes)) is not None]


def _spellings(metric: Metric) -> tuple[str, str]:
    return metric.name, f"{metric.template.name}:{metric.name}"


def _metrics(plan: Plan) -> Iterator[Metric]:
    for run in plan.runs:
        yield from run.metrics


def _replay(plan: Plan, outcomes: Sequence[tuple[str, str]]) -> Replay | None:
    there = {name for metric in _metrics(plan) for name in _spellings(metric)}
    own = tuple((name, letters) for name, letters in outcomes if name in there)
    if not own:
        return None
    by_name = dict(own)

    def answer(asked: Asked) -> Outcome:
        bare, full = _spellings(asked.metric)
        letters = by_name.get(full) or by_name.get(bare)
        if letters is None:
            letters = asked.metric.outcomes[:1] or "S"
        return cast("Outcome", letters[min(asked.number, len(letters) - 1)])

    longest = max(len(letters) for _, letters in own)
    return Replay(plan, own, play(plan, answer, longest=longest))
