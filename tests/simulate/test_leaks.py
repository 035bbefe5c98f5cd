"""How far a canary walks on although its background analysis is Inconclusive."""

from __future__ import annotations

import pytest

from rolloutlint.simulate.leaks import drift
from rolloutlint.simulate.plan import External, Plan
from tests.simulate.linking import NGINX, canary, metric, planned, template

GAP = 'failureCondition: "result[0] < 0.5"'
BACKGROUND = "analysis: {templates: [{templateName: checks}]}"
FIVE = "pause: {duration: 5m}"


def leaking(steps: str, *, routed: bool = True, spec: str = "replicas: 4", extra: str = "") -> Plan:
    """A canary whose background analysis can be Inconclusive."""
    fields = ", ".join(filter(None, (BACKGROUND, NGINX if routed else "", extra)))
    background = template(metric(f"interval: 1m, {GAP}"))
    inline = template(metric(name="smoke"), name="smoke")
    made = planned(canary(steps, fields, spec), background, inline)
    assert made.leak == "unblocked"
    return made


def stopped(plan: Plan, stage: int) -> str | None:
    at = drift(plan, stage)
    return None if at is None else plan.stages[at].label


@pytest.mark.parametrize(
    ("name", "plan", "stage", "where"),
    [
        ("more pods", leaking(f"{{setWeight: 25}}, {{{FIVE}}}, {{setWeight: 50}}, {{{FIVE}}}"), 1, "setWeight 50"),
        ("a person", leaking("{setWeight: 25}, {pause: {}}"), 1, "pause"),
        ("the last pods", leaking(f"{{setWeight: 25}}, {{{FIVE}}}"), 1, "full scale-up"),
        (
            "no new analysis",
            leaking(f"{{setWeight: 25}}, {{{FIVE}}}, {{analysis: {{templates: [{{templateName: smoke}}]}}}}"),
            1,
            "analysis",
        ),
        (
            "no new experiment",
            leaking(f"{{{FIVE}}}, {{experiment: {{duration: 5m, templates: [{{name: a, specRef: canary}}]}}}}"),
            0,
            "experiment",
        ),
        (
            "an experiment",
            leaking("{experiment: {duration: 5m, templates: [{name: a, specRef: canary}]}}"),
            0,
            "experiment",
        ),
    ],
)
def test_it_stops_at_what_the_pause_holds_back(name: str, plan: Plan, stage: int, where: str) -> None:
    assert stopped(plan, stage) == where


def test_one_replica_behind_a_router_walks_to_the_end() -> None:
    steps = f"{{setWeight: 25}}, {{{FIVE}}}, {{setWeight: 50}}, {{{FIVE}}}"
    assert drift(leaking(steps, spec="replicas: 1"), 1) is None


def test_a_canary_at_full_size_walks_to_the_end() -> None:
    steps = f"{{setCanaryScale: {{weight: 100}}}}, {{setWeight: 25}}, {{{FIVE}}}, {{setWeight: 50}}, {{{FIVE}}}"
    assert drift(leaking(steps), 2) is None


def test_a_canary_with_a_fixed_number_of_pods_stops_at_the_full_scale_up() -> None:
    steps = f"{{setCanaryScale: {{replicas: 2}}}}, {{setWeight: 25}}, {{{FIVE}}}, {{setWeight: 50}}, {{{FIVE}}}"
    assert stopped(leaking(steps), 2) == "full scale-up"


def test_pauses_after_the_active_one_count_as_resumed() -> None:
    steps = f"{{setWeight: 25}}, {{{FIVE}}}, {{pause: {{}}}}, {{{FIVE}}}, {{setWeight: 50}}"
    assert stopped(leaking(steps), 1) == "setWeight 50"


def test_pods_that_a_router_waits_for_still_come() -> None:
    steps = "{setWeight: 25}, {pause: {}}, {setWeight: 50}"
    assert stopped(leaking(steps), 0) == "setWeight 50"


def test_without_a_router_the_stable_pods_are_not_taken_away_any_more() -> None:
    steps = f"{{setWeight: 25}}, {{{FIVE}}}"
    assert stopped(leaking(steps, routed=False), 0) == "setWeight 25"


def test_an_analysis_that_is_active_is_taken_to_succeed() -> None:
    steps = "{analysis: {templates: [{templateName: smoke}]}}, {pause: {}}, {setWeight: 25}"
    assert stopped(leaking(steps), 0) == "setWeight 25"


def test_pods_that_are_not_known_stop_it() -> None:
    steps = f"{{setWeight: 25}}, {{{FIVE}}}, {{setWeight: 50}}"
    assert stopped(leaking(steps, spec='replicas: "{{replicas}}"'), 1) == "setWeight 50"


def test_a_plugin_stops_it() -> None:
    plan = leaking("{setWeight: 25}, {plugin: {name: acme/step}}, {setWeight: 25}", spec="replicas: 1")
    assert isinstance(plan.stages[1].wait, External)
    assert drift(plan, 0) == drift(plan, 1) == 1


def test_header_routes_do_not_stop_it() -> None:
    steps = f"{{setWeight: 25}}, {{{FIVE}}}, {{setHeaderRoute: {{name: qa}}}}, {{setWeight: 50}}"
    assert drift(leaking(steps, spec="replicas: 1"), 1) is None
