"""What an update makes the Rollouts controller do, for manifests at rest and for objects of a cluster."""

from __future__ import annotations

import copy
import json
from typing import Any, get_args

import pytest

from rolloutlint.change import result
from rolloutlint.controllers.revisions import Change, Classification, classify
from rolloutlint.settings import Version

STEPS = [{"setWeight": 20}, {"pause": {"duration": 60}}, {"setWeight": 50}]
TEMPLATE = ("spec", "template")
IMAGE = (*TEMPLATE, "spec", "containers", 0, "image")
STEPS_AT = ("spec", "strategy", "canary", "steps")
NEWEST = Version(1, 9)
AT_REST = {"stableRS": "aaa", "currentPodHash": "aaa", "currentStepIndex": 3}
BUSY = {"stableRS": "aaa", "currentPodHash": "bbb", "currentStepIndex": 1}


def template(image: str = "cart:1", **fields: Any) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "cart"}},
        "spec": {"containers": [{"name": "cart", "image": image}], **fields},
    }


def rollout(image: str = "cart:1", status: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    spec = {"replicas": 3, "strategy": {"canary": {"steps": STEPS}}, "template": template(image), **fields}
    value = {
        "metadata": {"name": "cart", "namespace": "shop", "uid": "u1"},
        "spec": {k: v for k, v in spec.items() if v},
    }
    return copy.deepcopy({**value, "status": status} if status else value)


def blue_green(image: str = "cart:1", status: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return rollout(image, status, strategy={"blueGreen": {"activeService": "cart", **fields}})


def replica_set(name: str, image: str, hour: int, **fields: Any) -> dict[str, Any]:
    """A ReplicaSet as a cluster has it: with the hash, and with defaults filled in."""
    made = template(image, dnsPolicy="ClusterFirst", terminationGracePeriodSeconds=30, restartPolicy="Always")
    made["metadata"] = {"labels": {"app": "cart", "rollouts-pod-template-hash": name}, "creationTimestamp": None}
    made["spec"].update(schedulerName="default-scheduler", securityContext={})
    made["spec"]["containers"][0].update(
        imagePullPolicy="IfNotPresent",
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        resources={},
    )
    metadata = {
        "name": f"cart-{name}",
        "namespace": "shop",
        "creationTimestamp": f"2026-11-01T{hour:02}:00:00Z",
        "labels": {"app": "cart", "rollouts-pod-template-hash": name},
        "ownerReferences": [{"kind": "Rollout", "name": "cart", "uid": "u1"}],
        **fields,
    }
    return {"metadata": metadata, "spec": {"template": made}}


STABLE = replica_set("aaa", "cart:1", 5)
CANARY = replica_set("bbb", "cart:2", 6)
OLDER = [replica_set("old2", "cart:0.2", 2), replica_set("old3", "cart:0.3", 3), replica_set("old4", "cart:0.4", 4)]


def git(before: dict[str, Any] | None, after: dict[str, Any], rollouts: Version = NEWEST, **more: Any) -> Change:
    return classify(before, after, live=False, rollouts=rollouts, **more)


def live(before: dict[str, Any], after: dict[str, Any], *sets: dict[str, Any], **more: Any) -> Change:
    return classify(before, after, live=True, replica_sets=sets, rollouts=NEWEST, **more)


def test_a_plan_knows_the_same_outcomes() -> None:
    assert get_args(Classification) == get_args(result.Classification)


# ---- manifests at rest


def test_a_rollout_that_is_new_is_deployed_without_steps() -> None:
    assert git(None, rollout())[:3] == ("initial", (), True)


def test_another_image_starts_a_revision_unless_the_cluster_says_otherwise() -> None:
    assert git(rollout(), rollout("cart:2"))[:3] == ("new-revision", (IMAGE,), False)


def test_the_reasons_of_a_revision_leave_out_what_only_follows() -> None:
    # The pull policy follows the tag; nobody wrote it.
    assert git(rollout(), rollout("cart:latest")).paths == (IMAGE,)


def test_an_annotation_of_the_pods_starts_a_revision() -> None:
    after = rollout()
    after["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-11-21T10:00:00Z"}
    change = git(rollout(), after)
    assert change[:2] == ("new-revision", ((*TEMPLATE, "metadata", "annotations"),))


def test_the_order_of_containers_counts() -> None:
    sidecar = {"name": "log", "image": "log:1"}
    before, after = rollout(), rollout()
    before["spec"]["template"]["spec"]["containers"].append(sidecar)
    after["spec"]["template"]["spec"]["containers"].insert(0, sidecar)
    assert git(before, after)[:2] == ("new-revision", ((*TEMPLATE, "spec", "containers"),))


def test_a_default_that_is_written_out_does_nothing() -> None:
    after = rollout(revisionHistoryLimit=10, progressDeadlineSeconds=600)
    after["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
    after["spec"]["strategy"]["canary"]["maxSurge"] = "25%"
    assert git(rollout(), after) == Change("none", (), True, ())


def test_metadata_of_the_rollout_itself_do_nothing() -> None:
    after = rollout()
    after["metadata"]["labels"] = {"team": "a"}
    assert git(rollout(), after)[:3] == ("none", (), True)


def test_other_steps_are_for_the_next_revision_unless_one_is_in_progress() -> None:
    after = rollout(strategy={"canary": {"steps": STEPS[:1]}})
    assert git(rollout(), after)[:3] == ("steps-only", (STEPS_AT,), False)


def test_steps_that_mean_the_same_still_have_another_hash() -> None:
    after = rollout(strategy={"canary": {"steps": [STEPS[0], {"pause": {"duration": "60s"}}, STEPS[2]]}})
    assert git(rollout(), after).classification == "steps-only"


def test_steps_with_a_field_that_nobody_knows_have_the_same_hash() -> None:
    after = rollout(strategy={"canary": {"steps": [{**STEPS[0], "nonsense": 1}, *STEPS[1:]]}})
    assert git(rollout(), after).classification == "none"


def test_new_steps_together_with_a_new_template_apply_to_it() -> None:
    change = git(rollout(), rollout("cart:2", strategy={"canary": {"steps": STEPS[:1]}}))
    assert change[:2] == ("new-revision", (IMAGE,))
    assert "the new steps apply to it" in change.notes


def test_more_replicas_scale() -> None:
    assert git(rollout(), rollout(replicas=5))[:3] == ("scale", (("spec", "replicas"),), True)


def test_replicas_that_are_no_longer_written_become_one() -> None:
    change = git(rollout(), rollout(replicas=None))
    assert change == Change("scale", (("spec", "replicas"),), True, ("without `replicas` the controller writes 1",))


def test_one_replica_is_what_the_controller_writes_anyway() -> None:
    assert git(rollout(replicas=None), rollout(replicas=1)).classification == "none"


@pytest.mark.parametrize(("before", "after"), [(None, True), (True, None)])
def test_pausing_and_resuming_by_the_spec(before: bool | None, after: bool | None) -> None:
    assert git(rollout(paused=before), rollout(paused=after))[:3] == ("pause", (("spec", "paused"),), True)


def test_a_pause_that_is_denied_is_none() -> None:
    after = rollout()
    after["spec"]["paused"] = False
    assert git(rollout(), after).classification == "none"


def test_a_later_restart_restarts_the_pods() -> None:
    before, after = rollout(restartAt="2026-11-20T00:00:00Z"), rollout(restartAt="2026-11-21T00:00:00Z")
    assert git(before, after)[:3] == ("restart", (("spec", "restartAt"),), False)


@pytest.mark.parametrize("restart", [None, "2026-11-19T00:00:00Z"])
def test_an_earlier_restart_and_none_at_all_do_nothing(restart: str | None) -> None:
    assert git(rollout(restartAt="2026-11-20T00:00:00Z"), rollout(restartAt=restart)).classification == "none"


def test_settings_of_the_strategy_start_nothing() -> None:
    after = rollout(strategy={"canary": {"steps": STEPS, "maxSurge": 2}})
    assert git(rollout(), after)[:3] == ("strategy-only", ((*STEPS_AT[:3], "maxSurge"),), True)


def test_switching_the_strategy_starts_nothing_by_itself_and_is_said() -> None:
    change = git(rollout(), blue_green())
    assert change.classification == "strategy-only"
    assert "the strategy changes from canary to blueGreen" in change.notes


def test_what_else_changes_is_said_beside_the_weightiest_outcome() -> None:
    change = git(rollout(), rollout(replicas=5, minReadySeconds=10))
    assert change[:3] == ("scale", (("spec", "replicas"),), True)
    assert change.notes == ("other settings change as well",)


def test_another_selector_is_refused_since_1_9() -> None:
    before, after = (rollout(selector={"matchLabels": {"app": name}}) for name in "ab")
    assert git(before, after)[:3] == ("unknown", (("spec", "selector"),), False)
    assert git(before, after, Version(1, 8)).classification == "strategy-only"


@pytest.mark.parametrize("broken", [None, "x", []])
def test_a_template_that_cannot_be_read_is_unknown(broken: object) -> None:
    after = rollout()
    after["spec"]["template"] = broken
    assert git(rollout(), after)[:3] == ("unknown", (TEMPLATE,), False)


def test_an_image_that_is_filled_in_later_may_change() -> None:
    assert git(rollout("cart:${TAG}"), rollout("cart:${TAG}"))[:3] == ("none", (), False)


# ---- a template that a workload supplies


def referring(**fields: Any) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", **fields}
    return rollout(template=None, workloadRef=reference)


def deployment(image: str = "cart:1", **fields: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": template(image, **fields)}}


def test_a_change_of_the_workload_starts_a_revision() -> None:
    change = git(referring(), referring(), workload_before=deployment(), workload_after=deployment("cart:2"))
    assert change[:3] == ("new-revision", (IMAGE,), False)
    assert change.notes == ("the pod template is that of Deployment cart",)


def test_a_default_in_the_workload_does_nothing() -> None:
    after = deployment(dnsPolicy="ClusterFirst")
    change = git(referring(), referring(), workload_before=deployment(), workload_after=after)
    assert change[:3] == ("none", (), True)


def test_moving_a_template_into_a_workload_starts_nothing() -> None:
    assert git(rollout(), referring(), workload_after=deployment()).classification == "none"
    change = git(rollout(), referring(), workload_after=deployment("cart:2"))
    assert change[:2] == ("new-revision", (("spec", "workloadRef"),))


def test_a_pod_template_keeps_its_template_elsewhere() -> None:
    before, after = ({"kind": "PodTemplate", "template": template(image)} for image in ("cart:1", "cart:2"))
    change = git(
        referring(kind="PodTemplate"), referring(kind="PodTemplate"), workload_before=before, workload_after=after
    )
    assert change.paths == (("template", "spec", "containers", 0, "image"),)


def test_a_workload_that_is_elsewhere_is_not_changed_but_not_certain_either() -> None:
    change = git(referring(), {**referring(), "spec": {**referring()["spec"], "replicas": 9}})
    assert change[:3] == ("scale", (("spec", "replicas"),), False)
    assert change.notes == ("Deployment cart, which supplies the pod template, is not among the inputs",)


def test_a_workload_that_goes_or_comes_is_unknown() -> None:
    assert git(referring(), referring(), workload_before=deployment()).classification == "unknown"
    assert git(referring(), referring(), workload_after=deployment()).classification == "unknown"
    assert git(referring(), referring(name="other")).classification == "unknown"


def test_how_the_workload_is_scaled_down_is_a_setting() -> None:
    both = {"workload_before": deployment(), "workload_after": deployment()}
    assert git(referring(), referring(scaleDown="never"), **both).classification == "none"
    change = git(referring(), referring(scaleDown="onsuccess"), **both)
    assert change[:2] == ("strategy-only", (("spec", "workloadRef", "scaleDown"),))


# ---- objects of a cluster


def test_at_rest_another_image_starts_a_revision() -> None:
    assert live(rollout(status=AT_REST), rollout("cart:2"), STABLE) == Change("new-revision", (IMAGE,), True, ())


def test_without_replica_sets_it_may_be_a_rollback() -> None:
    assert live(rollout(status=AT_REST), rollout("cart:2"))[:3] == ("new-revision", (IMAGE,), False)


def test_without_a_status_a_cluster_says_no_more_than_a_manifest() -> None:
    assert live(rollout(), rollout("cart:2"), STABLE)[:3] == ("new-revision", (IMAGE,), False)


def test_a_status_that_is_behind_is_not_trusted() -> None:
    before = rollout(status={**AT_REST, "observedGeneration": "4"})
    before["metadata"]["generation"] = 5
    assert not live(before, rollout("cart:2"), STABLE).certain
    before["metadata"]["generation"] = 4
    assert live(before, rollout("cart:2"), STABLE).certain


def test_before_the_first_deploy_is_finished_every_template_is_deployed_without_steps() -> None:
    change = live(rollout(status={"currentPodHash": "aaa"}), rollout("cart:2"), STABLE)
    assert change[:3] == ("initial", (IMAGE,), True)


def test_a_third_template_supersedes_the_revision_in_progress() -> None:
    paused = {**BUSY, "pauseConditions": [{"reason": "CanaryPauseStep"}]}
    change = live(rollout("cart:2", paused), rollout("cart:3"), STABLE, CANARY)
    assert change[:3] == ("superseded", (IMAGE,), True)
    assert change.notes == (
        "the revision in progress is given up",
        "its pause is cleared",
        "the step index goes back from 1 to 0",
    )


def test_a_third_template_clears_an_abort() -> None:
    change = live(rollout("cart:2", {**BUSY, "abort": True, "currentStepIndex": 0}), rollout("cart:3"), STABLE, CANARY)
    assert change[:3] == ("superseded", (IMAGE,), True)
    assert change.notes == ("the aborted revision is given up", "the abort is cleared")


def test_without_replica_sets_superseding_may_be_going_back() -> None:
    assert live(rollout("cart:2", BUSY), rollout("cart:3"))[:3] == ("superseded", (IMAGE,), False)


def test_the_stable_template_in_the_middle_skips_all_steps() -> None:
    change = live(rollout("cart:2", BUSY), rollout("cart:1"), STABLE, CANARY)
    assert change[:3] == ("rollback-to-stable", (IMAGE,), True)
    assert change.notes[-1] == "back to the stable ReplicaSet: all steps and analyses are skipped"


def test_back_to_stable_of_a_blue_green_update_skips_the_pause() -> None:
    change = live(blue_green("cart:2", BUSY), blue_green("cart:1"), STABLE, CANARY)
    assert change[0] == "rollback-to-stable"
    assert change.notes[-1] == "back to the stable ReplicaSet: the pause and the analyses are skipped"


def test_an_older_template_goes_like_an_update() -> None:
    change = live(rollout(status=AT_REST), rollout("cart:0.3"), STABLE, *OLDER)
    assert change == Change("rollback", (IMAGE,), True, ("it goes like an update to a new revision",))


@pytest.mark.parametrize(("image", "within"), [("cart:0.4", True), ("cart:0.3", True), ("cart:0.2", False)])
def test_a_rollback_within_the_window_skips_all_steps(image: str, within: bool) -> None:
    # As in TestRollbackWindow of argo-rollouts: a window of 2 reaches two revisions back.
    after = rollout(image, rollbackWindow={"revisions": 2})
    change = live(rollout(status=AT_REST), after, *OLDER, STABLE)
    assert change.classification == "rollback"
    assert change.certain
    assert any("rollbackWindow" in note for note in change.notes) is within


def test_a_window_needs_the_stable_replica_set_to_be_known() -> None:
    after = rollout("cart:0.4", rollbackWindow={"revisions": 2})
    assert live(rollout(status=AT_REST), after, *OLDER)[:3] == ("rollback", (IMAGE,), False)


def test_a_blue_green_rollback_is_fast_while_the_old_pods_are_kept() -> None:
    kept = replica_set("old4", "cart:0.4", 4, annotations={"scale-down-deadline": "2026-11-21T10:00:30Z"})
    change = live(blue_green(status=AT_REST), blue_green("cart:0.4"), STABLE, kept)
    assert change[:3] == ("rollback", (IMAGE,), False)
    assert change.notes == ("as long as its pods are kept, the pause and the analyses are skipped",)


def test_going_back_in_the_middle_gives_up_the_revision_in_progress() -> None:
    change = live(rollout("cart:2", BUSY), rollout("cart:0.3"), STABLE, CANARY, *OLDER)
    assert change.classification == "rollback"
    assert "the revision in progress is given up" in change.notes


def test_replica_sets_of_others_do_not_count() -> None:
    other = replica_set("old3", "cart:0.3", 3, ownerReferences=[{"kind": "Rollout", "name": "cart", "uid": "u2"}])
    elsewhere = replica_set("old3", "cart:0.3", 3, namespace="prod")
    assert live(rollout(status=AT_REST), rollout("cart:0.3"), STABLE, other, elsewhere)[0] == "new-revision"


def test_what_the_controller_put_into_a_replica_set_is_taken_out_again() -> None:
    injected = {"labels": {"role": "stable"}}
    old = replica_set(
        "old3", "cart:0.3", 3, annotations={"rollout.argoproj.io/ephemeral-metadata": json.dumps(injected)}
    )
    old["spec"]["template"]["metadata"]["labels"]["role"] = "stable"
    term = {
        "labelSelector": {
            "matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In", "values": ["x"]}]
        },
        "topologyKey": "kubernetes.io/hostname",
    }
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    old["spec"]["template"]["spec"]["affinity"] = {"podAntiAffinity": rule}
    spread = {"canary": {"steps": STEPS, "antiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}}
    assert live(rollout(status=AT_REST), rollout("cart:0.3"), STABLE, old)[0] == "new-revision"
    assert live(rollout(status=AT_REST), rollout("cart:0.3", strategy=spread), STABLE, old)[0] == "rollback"


def test_other_steps_restart_the_revision_in_progress() -> None:
    after = rollout("cart:2", strategy={"canary": {"steps": STEPS[:1]}})
    change = live(rollout("cart:2", {**BUSY, "abort": True}), after, STABLE, CANARY)
    assert change[:3] == ("steps-reset", (STEPS_AT,), True)
    assert change.notes == (
        "the abort is cleared",
        "the step index goes back from 1 to 0",
        "the revision in progress starts again at step 0",
    )


def test_other_steps_at_rest_are_for_the_next_revision() -> None:
    after = rollout(strategy={"canary": {"steps": STEPS[:1]}})
    assert live(rollout(status=AT_REST), after, STABLE)[:3] == ("steps-only", (STEPS_AT,), True)


def test_an_aborted_rollout_stays_aborted_when_nothing_changes() -> None:
    change = live(rollout("cart:2", {**BUSY, "abort": True}), rollout("cart:2"), STABLE, CANARY)
    assert change[:3] == ("none", (), True)
    assert change.notes == ("it stays aborted until somebody retries it or its pod template changes",)


def test_settings_act_at_once_on_what_is_in_progress() -> None:
    after = rollout("cart:2", strategy={"canary": {"steps": STEPS, "maxSurge": 2}})
    change = live(rollout("cart:2", BUSY), after, STABLE, CANARY)
    assert change[0] == "strategy-only"
    assert change.notes == ("it acts at once on the revision that is in progress",)


def test_a_restart_that_was_done_is_not_done_again() -> None:
    at = "2026-11-20T00:00:00Z"
    after = rollout(restartAt=at)
    assert live(rollout(status={**AT_REST, "restartedAt": at}), after, STABLE)[:3] == ("none", (), True)
    assert live(rollout(status=AT_REST), after, STABLE)[:3] == ("restart", (("spec", "restartAt"),), True)


@pytest.mark.parametrize("status", [AT_REST, BUSY])
def test_scaling_and_pausing_in_a_cluster(status: dict[str, Any]) -> None:
    assert live(rollout(status=status), rollout(replicas=5), STABLE)[:3] == ("scale", (("spec", "replicas"),), True)
    assert live(rollout(status=status), rollout(paused=True), STABLE)[:3] == ("pause", (("spec", "paused"),), True)


def test_a_paused_rollout_is_given_a_revision_that_waits() -> None:
    before, after = rollout(status=AT_REST, paused=True), rollout("cart:2", paused=True)
    assert "`spec.paused` holds it until that is taken away" in live(before, after, STABLE).notes


def test_a_revision_that_the_controller_follows_already_is_no_news() -> None:
    assert live(rollout("cart:1", BUSY), rollout("cart:2"), STABLE, CANARY)[:3] == ("none", (), True)


def test_a_first_deploy_of_a_cluster() -> None:
    assert classify(None, rollout(), live=True, rollouts=NEWEST)[:3] == ("initial", (), True)


@pytest.mark.parametrize("broken", [{}, {"spec": None}, {"spec": []}, {"spec": {"strategy": 3, "template": {}}}])
@pytest.mark.parametrize("in_cluster", [True, False])
def test_malformed_objects_are_judged_without_complaint(broken: dict[str, Any], in_cluster: bool) -> None:
    for before, after in ((broken, rollout()), (rollout(status=AT_REST), broken), (broken, broken)):
        change = classify(before, after, live=in_cluster, replica_sets=({}, {"spec": 3}), rollouts=NEWEST)
        assert change.classification in get_args(Classification)
