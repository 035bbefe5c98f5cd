"""The outline of a canary says what its plan says, of what both know."""

from __future__ import annotations

import math

import pytest

from rolloutlint.graph import Layout
from rolloutlint.lang.duration import SECOND
from rolloutlint.model import Rollout
from rolloutlint.simulate.outline import Outline, outline_of
from rolloutlint.simulate.plan import Person, Timed
from tests.graph.worlds import only, world
from tests.simulate.linking import NGINX, canary, metric, planned, rollout, template

STEPS = {
    "weights and pauses": ("{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}, {pause: {duration: 90}}", ""),
    "a person": ("{setWeight: 20}, {pause: {}}, {setWeight: 50}, {pause: {duration: 1h}}", ""),
    "no traffic at first": ("{pause: {duration: 1m}}, {setWeight: 0}, {setWeight: 10}, {pause: {duration: 1m}}", ""),
    "pods without traffic": (
        "{setCanaryScale: {replicas: 2}}, {pause: {duration: 1m}}, {setWeight: 10}, {pause: {duration: 0}}",
        NGINX,
    ),
    "traffic without pods": (
        "{setCanaryScale: {replicas: 0}}, {setWeight: 5}, {setCanaryScale: {matchTrafficWeight: true}}, {setWeight: 9}",
        NGINX,
    ),
    "analyses": ("{setWeight: 20}, {analysis: {templates: [{templateName: checks}]}}, {setWeight: 40}", ""),
}


def outlined(*documents: str, layout: Layout | None = None) -> Outline | None:
    made = world({"web.yaml": "".join(documents)}, layout)
    view = made.view(only(made, "Rollout"))
    assert isinstance(view, Rollout)
    return outline_of(made, view)


@pytest.mark.parametrize("name", STEPS)
def test_it_agrees_with_the_plan(name: str) -> None:
    steps, fields = STEPS[name]
    documents = canary(steps, fields), template(metric())
    outline, plan = outlined(*documents), planned(*documents)
    assert outline is not None
    stages = plan.stages[:-1]
    assert len(outline.landings) == len(stages)
    reached = 0
    for landing, stage in zip(outline.landings, stages, strict=True):
        assert landing.reached == reached
        assert (landing.hold == "person") == isinstance(stage.wait, Person)
        length = stage.wait.span.least if isinstance(stage.wait, Timed) else 0
        assert landing.pause == length
        reached += length
    for landing, following in zip(outline.landings, plan.stages[1:], strict=True):
        before = following.share if following.label.startswith(("set", "full")) else None
        if before is not None:
            assert landing.traffic == (before.least > 0)
    people = any(landing.hold == "person" for landing in outline.landings)
    assert outline.least(0) == (math.inf if people else reached)


def test_the_time_after_a_step_is_that_of_the_steps_from_there_on() -> None:
    outline = outlined(canary("{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}, {pause: {duration: 10m}}"))
    assert outline is not None
    assert [outline.least(start) / SECOND for start in range(5)] == [900, 900, 600, 600, 0]
    assert outline.waits(0) == frozenset()


def test_what_is_waited_for_besides_time_and_pods_is_said() -> None:
    steps = "{setWeight: 20}, {plugin: {name: acme/x}}, {pause: {}}, {experiment: {duration: 1m}}"
    outline = outlined(canary(steps + ', {pause: {duration: "1d"}}'))
    assert outline is not None
    assert outline.waits(0) == {"plugin", "person", "experiment", "unknown"}
    assert outline.waits(3) == {"experiment", "unknown"}


@pytest.mark.parametrize(
    "document",
    [
        rollout("blueGreen: {activeService: web}"),
        canary(),
        rollout("canary: {steps: [{setWeight: 5}, null]}"),
        rollout("canary: {steps: {setWeight: 5}}"),
        rollout("canary: {trafficRouting: {maxTrafficWeight: x}, steps: [{setWeight: 5}]}"),
    ],
)
def test_there_is_none_without_readable_steps(document: str) -> None:
    assert outlined(document) is None
