"""What must hold of any rollout, whatever its figures are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.simulate.plan import Analysed, Plan
from rolloutlint.simulate.player import play
from rolloutlint.simulate.result import Simulation
from rolloutlint.simulate.simulation import failing_from, simulate
from tests.simulate.linking import NGINX, canary, metric, planned, template

WEIGHTS = st.integers(1, 100).map("{{setWeight: {}}}".format)
PAUSES = st.sampled_from((30, 60, 90, 120, 300)).map("{{pause: {{duration: {}s}}}}".format)
GATE = "{analysis: {templates: [{templateName: inline}]}}"
STEPS = st.lists(st.one_of(WEIGHTS, PAUSES, st.just(GATE)), min_size=1, max_size=6)
LIMITS = st.tuples(
    st.sampled_from(("count: 1", "count: 2, interval: 30s", "count: 3, interval: 60s, failureLimit: 1")),
    st.sampled_from(
        ("interval: 60s", "interval: 45s, failureLimit: 2", "interval: 30s, initialDelay: 40s", "count: 1")
    ),
)
BACKGROUND = "analysis: {templates: [{templateName: beside}]}"


def plan_of_steps(steps: Sequence[str], limits: tuple[str, str], beside: bool = True, routed: bool = True) -> Plan:
    fields = ", ".join(filter(None, (NGINX if routed else "", BACKGROUND if beside else "")))
    return planned(
        canary(", ".join(steps), fields, "replicas: 10"),
        template(metric(limits[0], "inline"), "inline"),
        template(metric(limits[1], "beside"), "beside"),
    )


def played_exposure(plan: Plan) -> tuple[int, Fraction]:
    """When a version that fails every measurement is aborted, and what it costs until then."""
    walk = play(plan, failing_from(0))
    return walk.at, walk.exposure(plan)[1]


@given(STEPS, LIMITS, st.integers(0, 5), st.integers(1, 60))
@settings(deadline=None, max_examples=150)
def test_raising_one_weight_never_lowers_the_exposure(
    steps: list[str], limits: tuple[str, str], index: int, more: int
) -> None:
    index %= len(steps)
    weight = re.fullmatch(r"\{setWeight: (\d+)\}", steps[index])
    if weight is None:
        return
    raised = [*steps[:index], f"{{setWeight: {min(100, int(weight[1]) + more)}}}", *steps[index + 1 :]]
    before, after = (played_exposure(plan_of_steps(each, limits)) for each in (steps, raised))
    assert after[0] == before[0]
    assert after[1] >= before[1]


@given(STEPS, LIMITS, st.booleans())
@settings(deadline=None, max_examples=150)
def test_removing_a_gate_never_raises_the_evidence(steps: list[str], limits: tuple[str, str], beside: bool) -> None:
    full = simulate(plan_of_steps(steps, limits, beside)).evidence
    if full is None:
        return
    for index, step in enumerate(steps):
        if step == GATE and len(steps) > 1:
            fewer = simulate(plan_of_steps([*steps[:index], *steps[index + 1 :]], limits, beside)).evidence
            assert fewer is not None
            assert fewer <= full
    alone = simulate(plan_of_steps(steps, limits, beside=False)).evidence
    assert alone is not None
    assert alone <= full


@given(STEPS, LIMITS, st.integers(0, 5), st.integers(1, 29), st.booleans())
@settings(deadline=None, max_examples=150)
def test_splitting_a_pause_changes_neither_endings_nor_figures(
    steps: list[str], limits: tuple[str, str], index: int, first: int, routed: bool
) -> None:
    index %= len(steps)
    pause = re.fullmatch(r"\{pause: \{duration: (\d+)s\}\}", steps[index])
    if pause is None:
        return
    halves = [f"{{pause: {{duration: {length}s}}}}" for length in (first, int(pause[1]) - first)]
    split = [*steps[:index], *halves, *steps[index + 1 :]]
    one, two = (simulate(plan_of_steps(each, limits, routed=routed)) for each in (steps, split))
    assert outcomes(one) == outcomes(two)
    assert figures(one) == figures(two)


def outcomes(simulation: Simulation) -> Mapping[tuple[object, ...], tuple[int, float]]:
    """The endings without the numbers of steps: what happens at which share, from when to when."""
    found: dict[tuple[object, ...], tuple[int, float]] = {}
    for ending in simulation.endings:
        cause = re.sub(r"\d+", "", ending.cause)
        key = (ending.kind, ending.phase, cause, ending.share, ending.people, ending.evidence)
        most = math.inf if ending.at.most is None else ending.at.most
        least, latest = found.get(key, (ending.at.least, most))
        found[key] = min(least, ending.at.least), max(latest, most)
    return found


def figures(simulation: Simulation) -> tuple[object, ...]:
    """What is said of the whole rollout."""
    broken = simulation.broken
    return (
        simulation.promotion,
        simulation.evidence,
        simulation.people,
        [gate.evidence for gate in simulation.gates],
        broken and (broken.ending, broken.after, broken.share, broken.exposure),
        [(one.share, one.noticed, one.after, one.exposure) for one in simulation.detections],
        [(one.start, one.end, one.share) for one in simulation.unguarded],
    )


@given(STEPS, LIMITS)
@settings(deadline=None, max_examples=100)
def test_no_promotion_takes_less_than_its_pauses(steps: list[str], limits: tuple[str, str]) -> None:
    found = simulate(plan_of_steps(steps, limits))
    pauses = sum(int(seconds) for step in steps for seconds in re.findall(r"duration: (\d+)s", step))
    assert found.promotion is not None
    assert found.promotion.least >= pauses * 1_000_000_000


@given(STEPS, LIMITS, st.booleans())
@settings(deadline=None, max_examples=100)
def test_the_evidence_of_the_whole_is_at_least_that_of_each_gate(
    steps: list[str], limits: tuple[str, str], beside: bool
) -> None:
    plan = plan_of_steps(steps, limits, beside)
    found = simulate(plan)
    assert found.evidence is not None
    gates = [gate.evidence for gate in found.gates]
    assert len(gates) == beside + sum(isinstance(stage.wait, Analysed) for stage in plan.stages)
    assert found.evidence >= max((gate for gate in gates if gate is not None), default=0)
