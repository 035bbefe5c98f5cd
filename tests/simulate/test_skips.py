"""First deploys and rollbacks: nothing is measured, and only pods are waited for."""

from __future__ import annotations

import pytest

from rolloutlint.simulate.plan import EVERYTHING, Scaling
from rolloutlint.simulate.simulation import simulate
from rolloutlint.simulate.skips import skipping
from tests.simulate.linking import canary, metric, planned, rollout, template

GATED = "{setWeight: 25}, {pause: {}}, {analysis: {templates: [{templateName: checks}]}}"
CHECKS = template(metric("count: 2, interval: 30s"))
BLUE_GREEN = "blueGreen: {activeService: web, previewService: preview, autoPromotionEnabled: false}"


def test_a_first_deploy_skips_steps_people_and_analyses():
    found = simulate(skipping(planned(canary(GATED), CHECKS), "first-deploy"))
    assert [stage.label for stage in found.plan.stages] == ["first deploy"]
    assert found.plan.stages[0].share == EVERYTHING
    assert (found.evidence, found.people, found.gates) == (0, 0, ())
    assert found.promotion is not None
    assert (found.promotion.least, found.promotion.most) == (0, None)


def test_a_rollback_within_the_window_goes_to_everybody_at_once():
    plan = skipping(planned(canary(GATED, spec="replicas: 4, rollbackWindow: {revisions: 2}"), CHECKS), "rollback")
    assert [stage.label for stage in plan.stages] == ["fast rollback", "switch back"]
    assert plan.notes == ("a rollback over up to 2 revisions skips all steps and analyses",)
    assert simulate(plan).evidence == 0


def test_without_a_window_a_rollback_of_a_canary_is_an_update():
    plan = planned(canary(GATED), CHECKS)
    assert skipping(plan, "rollback").stages == plan.stages
    assert "a rollback is an update" in skipping(plan, "rollback").notes[-1]


def test_blue_green_rolls_back_fast_while_the_old_pods_are_kept():
    plan = skipping(planned(rollout(BLUE_GREEN)), "rollback")
    assert simulate(plan).people == 0
    assert "old pods are kept" in plan.notes[0]


@pytest.mark.parametrize("seconds", [0, 45])
def test_new_pods_still_have_to_be_available_for_so_long(seconds: int):
    plan = skipping(planned(canary(GATED, spec=f"replicas: 4, minReadySeconds: {seconds}"), CHECKS), "first-deploy")
    wait = plan.stages[0].wait
    assert isinstance(wait, Scaling)
    assert wait.span.least == seconds * 1_000_000_000


def test_what_is_refused_stays_refused():
    plan = planned(canary("{setWeight: 120}"))
    assert plan.refused
    assert skipping(plan, "first-deploy") == plan
