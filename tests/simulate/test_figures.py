"""The figures of a simulation, each worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rolloutlint.lang.duration import SECOND
from rolloutlint.simulate.plan import Plan
from rolloutlint.simulate.result import Ending, Figure, Simulation
from rolloutlint.simulate.simulation import simulate
from tests.simulate.linking import NGINX, canary, metric, planned, rollout, template

MINUTE = 60 * SECOND
PODS = "how long new pods take to become available is not in the manifests"
WATCHED = f"{NGINX}, analysis: {{startingStep: 2, templates: [{{templateName: checks}}]}}"
STEPS = "{setWeight: 5}, {pause: {duration: 10m}}, {setWeight: 20}, {pause: {duration: 10m}}"


def simulated(*documents: str, release: str = "1.9") -> Simulation:
    return simulate(planned(*documents, release=release))


def ending(found: Simulation, kind: str, phase: str = "") -> Ending:
    """The one ending of a kind with a phase."""
    (one,) = [each for each in found.endings if (each.kind, each.phase) == (kind, phase)]
    return one


def minutes(figure: Figure | None) -> tuple[float, float | None]:
    assert figure is not None
    return float(Fraction(figure.least, MINUTE)), None if figure.most is None else float(Fraction(figure.most, MINUTE))


# ---- a canary that a background analysis watches ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def watched() -> Simulation:
    return simulated(
        canary(STEPS, WATCHED, "replicas: 10"), template(metric("interval: 1m, initialDelay: 2m, failureLimit: 2"))
    )


def test_promotion_takes_at_least_the_pauses(watched: Simulation):
    assert watched.promotion == Figure(20 * MINUTE, None, (PODS,))


def test_evidence_is_what_the_background_analysis_must_have_seen(watched: Simulation):
    # it runs for 10m and begins to measure after 2m; 2 failures may be among the successes, and 4 errors before each
    # take 40s: the least v with 2m + 40s + (2 + v) * (1m + 40s) > 10m
    assert watched.evidence == 3
    assert [gate.evidence for gate in watched.gates] == [3]


def test_a_broken_version_is_aborted_by_the_third_failure(watched: Simulation):
    broken = watched.broken
    assert broken is not None
    assert (broken.ending, broken.by) == ("aborted", "success-rate of the background analysis")
    assert minutes(broken.after) == (14, None)  # 10m + 2m delay + 2 * 1m, and what the pods of the first steps take
    assert broken.share.most == Fraction(1, 5)
    # until minute 10 at 5 %, then 4 minutes at 5 to 20 %: the second weight may come late
    assert (broken.exposure.least, broken.exposure.most) == (70, 130)


def test_detection_counts_from_the_share_on(watched: Simulation):
    first, second = watched.detections
    assert (first.share.most, minutes(first.after)) == (Fraction(1, 20), (14, 14))
    # at 20 % from minute 10 on: measured at 12, 13 and 14
    assert (second.share.most, minutes(second.after), second.noticed) == (Fraction(1, 5), (4, 4), True)


def test_nothing_guards_the_time_before_the_starting_step(watched: Simulation):
    (gap,) = watched.unguarded
    assert (gap.start, gap.end, gap.share.most) == (0, 10 * MINUTE, Fraction(1, 20))


def test_the_bar_of_an_endless_metric_ends_with_the_rollout(watched: Simulation):
    (bar,) = watched.bars
    assert (bar.start, bar.first, bar.end) == (10 * MINUTE, 12 * MINUTE, 20 * MINUTE)
    assert (bar.measurements, bar.end_reason, bar.aborts) == (9, "rollout-ends", True)


def test_endings_have_the_shortest_way_there(watched: Simulation):
    (promoted,) = [each for each in watched.endings if each.kind == "promoted"]
    assert promoted.evidence == watched.evidence
    assert sum("Successful" in event.words for event in promoted.trace) == watched.evidence
    failed = [each for each in watched.endings if each.phase == "Failed"]
    assert [each.at.least for each in failed] == [14 * MINUTE]
    words = [event.words for event in failed[0].trace]
    assert words.count("success-rate: Failed") == 3
    assert words[-1] == "aborted: Failed"


# ---- other strategies and gates --------------------------------------------------------------------------------------


def test_a_count_that_is_reached_leaves_the_rest_unguarded():
    found = simulated(canary(STEPS, WATCHED, "replicas: 10"), template(metric("interval: 1m, count: 3")))
    assert [(gap.start // MINUTE, gap.end // MINUTE) for gap in found.unguarded] == [(0, 10), (12, 20)]
    assert found.bars[0].end_reason == "complete"


def test_what_nothing_measures_is_promoted_unmeasured():
    found = simulated(canary(STEPS, NGINX))
    assert (found.evidence, found.gates) == (0, ())
    assert found.broken is not None
    assert found.broken.ending == "promoted"
    assert found.broken.exposure.most is None
    assert found.broken.exposure.least == 10 * 5 + 10 * 20
    assert "nothing aborts it" in found.broken.exposure.why


def test_a_blue_green_version_is_seen_by_nobody_before_the_switch():
    gates = (
        "prePromotionAnalysis: {templates: [{templateName: checks}]}, "
        "postPromotionAnalysis: {templates: [{templateName: checks}]}"
    )
    found = simulated(
        rollout(f"blueGreen: {{activeService: a, previewService: b, {gates}}}"),
        template(metric("count: 3, interval: 1m")),
    )
    assert found.broken is not None
    assert found.broken.exposure == Figure(0, 0)
    (detection,) = found.detections
    assert (detection.share.most, detection.exposure) == (1, Figure(0, 0))  # the first measurement fails at once
    assert found.evidence == 6


def test_a_person_is_counted_and_waited_for():
    found = simulated(canary("{setWeight: 5}, {pause: {}}", NGINX))
    assert found.people == 1
    waits = ending(found, "waits")
    assert (waits.cause, waits.people) == ("pause", 0)
    assert ending(found, "promoted").people == 1
    assert "step 2 waits for a person" in [hang.words for hang in found.hangs]
    assert found.promotion is not None
    assert (found.promotion.most, "a person ends step 2" in found.promotion.why) == (None, True)


def test_an_inconclusive_background_analysis_holds_scaling_canaries():
    both = 'interval: 1m, failureCondition: "result[0] < 0.9"'
    found = simulated(canary(STEPS, WATCHED, "replicas: 10"), template(metric(both)))
    waits = [each for each in found.endings if each.kind == "waits"]
    assert [(each.stage, each.share.most) for each in waits] == [(2, Fraction(1, 5)), (3, Fraction(1, 5))]
    assert "goes on to full scale-up" in waits[0].trace[-1].words  # the pods for 20 % were asked for already
    assert len([each for each in found.endings if each.kind == "promoted"]) == 1


def test_an_inconclusive_background_analysis_does_not_hold_one_pod():
    both = 'interval: 1m, failureCondition: "result[0] < 0.9"'
    found = simulated(canary(STEPS, WATCHED, "replicas: 1"), template(metric(both)))
    leaked = next(each for each in found.endings if (each.kind, each.phase) == ("promoted", "Inconclusive"))
    assert leaked.at.most is None
    assert not [each for each in found.endings if each.kind == "waits"]
    assert "goes on to the promotion" in leaked.trace[-1].words


def test_before_1_8_an_inconclusive_run_is_replaced_and_forgets():
    both = 'interval: 1m, failureCondition: "result[0] < 0.9"'
    documents = canary(STEPS, WATCHED, "replicas: 10"), template(metric(both))
    old, new = simulated(*documents, release="1.7"), simulated(*documents)
    assert [each.stage for each in old.endings if each.phase == "Inconclusive"] == [2]  # no pause, but a setWeight
    assert old.evidence == 0
    assert "replaced during a pause" in old.evidence_why[0]
    assert new.evidence is not None
    assert new.evidence > 0


def test_an_empty_analysis_stays_for_ever_since_1_9_and_aborts_before():
    empty = canary("{setWeight: 5}, {analysis: {templates: []}}", NGINX)
    assert ending(simulated(empty), "stuck").stage == 1
    assert simulated(empty).promotion is None
    assert ending(simulated(empty, release="1.8"), "aborted", "Error").at.least == 0


def test_an_unknown_template_proves_nothing_and_may_abort_at_any_time():
    found = simulated(canary(STEPS, WATCHED, "replicas: 10"))
    assert found.evidence is None
    assert found.evidence_why
    aborted = [each for each in found.endings if each.kind == "aborted"]
    assert {each.phase for each in aborted} == {""}
    assert all(each.at.most is None for each in aborted)
    assert found.gates[0].evidence is None


def test_a_refused_rollout_has_one_ending_and_no_figures():
    found = simulated(canary("{setWeight: 120}", NGINX))
    assert [each.kind for each in found.endings] == ["refused"]
    assert (found.promotion, found.broken, found.rows) == (None, None, ())


def test_an_experiment_without_a_verdict_needs_no_evidence():
    experiment = (
        "{experiment: {duration: 5m, templates: [{name: canary, specRef: canary}], "
        "analyses: [{name: checks, templateName: checks}]}}"
    )
    found = simulated(canary(experiment), template(metric("count: 3, interval: 1m, initialDelay: 6m")))
    assert found.promotion is not None
    assert found.promotion.least == 5 * MINUTE
    assert found.evidence == 0


def test_pods_that_never_come_are_a_hang_that_the_deadline_ends_or_not():
    left = simulated(canary(STEPS, NGINX)).hangs[-1].words
    ended = simulated(canary(STEPS, NGINX, "replicas: 4, progressDeadlineAbort: true")).hangs[-1].words
    assert left == "pods that never become available leave it Degraded after 10m, at the share it has"
    assert ended == "pods that never become available abort it after 10m without progress"


def test_a_search_that_is_given_up_is_said():
    many = metric("count: 300, interval: 1m, failureLimit: 150, inconclusiveLimit: 140, failureCondition: 'false'")
    found = simulated(
        canary("{setWeight: 5}, {analysis: {templates: [{templateName: checks}]}}", NGINX), template(many)
    )
    assert found.evidence is None
    assert "given up" in found.bounds[0]
    assert [each.kind for each in found.endings] == ["promoted", "aborted"]  # those that were played
    assert found.promotion is not None
    assert (found.promotion.least, found.promotion.most) == (299 * MINUTE, None)


def test_the_longest_stage_may_be_a_day_and_the_lattice_a_second():
    steps = "{setWeight: 5}, {pause: {duration: 24h}}, {setWeight: 50}, {pause: {duration: 7s}}"
    found = simulated(canary(steps, WATCHED.replace("startingStep: 2, ", "")), template(metric("interval: 61s")))
    assert found.promotion is not None
    assert found.promotion.least == (86_400 + 7) * SECOND
    assert isinstance(found.plan, Plan)
    assert found.evidence is not None
    assert found.evidence > 800


@pytest.mark.parametrize(("pause", "interval"), [("10m", "1ms"), ("720h", "10s"), ("10m", "1ns")])
def test_a_metric_that_is_measured_too_often_is_not_followed(pause: str, interval: str):
    steps = f"{{setWeight: 5}}, {{pause: {{duration: {pause}}}}}"
    watched = WATCHED.replace("startingStep: 2, ", "")
    found = simulated(canary(steps, watched, "replicas: 10"), template(metric(f"interval: {interval}")))
    assert found.evidence is None
    assert found.evidence_why == ("`success-rate` is measured too often to be followed",)
    assert found.promotion is not None


def test_an_inline_metric_that_is_measured_too_often_is_not_followed():
    steps = "{setWeight: 5}, {analysis: {templates: [{templateName: checks}]}}"
    found = simulated(canary(steps, NGINX), template(metric("count: 1000000, interval: 1s")))
    assert found.evidence is None
    assert found.gates[0].evidence is None
