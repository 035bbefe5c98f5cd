"""Pods and weights of each step, against what upstream's end-to-end tests see in a real cluster.

The figures are those that argo-rollouts `test/e2e/*_test.go` asserts while a rollout stands at a step. Manifests that
upstream keeps in files are read from a copy beside this checkout; those in its Go code are told in our own words.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.simulate.plan import Plan
from tests.simulate.linking import NGINX, canary, maybe_planned, planned, rollout

E2E = Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts" / "e2e"

needs_corpus = pytest.mark.skipif(not E2E.exists(), reason="upstream's manifests are not beside this checkout")


def of_file(name: str, **replaced: str) -> Plan:
    """The plan of the one Rollout in a file of upstream, with marks in it replaced."""
    text = (E2E / name).read_text()
    for mark, value in replaced.items():
        text = text.replace(mark, value)
    return planned(f"{text}\n")


def pods(plan: Plan, stage: int) -> tuple[int | None, int | None]:
    """The pods asked for at a stage."""
    return tuple(plan.stages[stage].pods)


def weights(plan: Plan) -> list[int | None]:
    """The weights in force, by stage."""
    return [stage.weight for stage in plan.stages]


# ---- canary_test.go --------------------------------------------------------------------------------------------------


def test_set_canary_scale():
    steps = (
        "{pause: {}}, {setCanaryScale: {weight: 25}}, {pause: {duration: 100s}}, {setWeight: 50},"
        " {pause: {duration: 10s}}, {setCanaryScale: {replicas: 3}}, {pause: {}},"
        " {setCanaryScale: {matchTrafficWeight: true}}, {pause: {duration: 5s}}"
    )
    plan = planned(canary(steps, NGINX))
    assert {step: pods(plan, step) for step in (0, 2, 4, 6, 8)} == {
        0: (0, 4),
        2: (1, 4),
        4: (1, 4),
        6: (3, 4),
        8: (2, 4),
    }
    assert pods(plan, 9) == (4, 4)


@pytest.mark.parametrize("replicas, expected", [(1, (1, 1)), (8, (2, 6)), (4, (1, 3))])
def test_scaling_while_paused(replicas: int, expected: tuple[int, int]) -> None:
    plan = planned(canary("{setWeight: 25}, {pause: {}}", spec=f"replicas: {replicas}"))
    assert pods(plan, 1) == expected


def test_reduced_weight():
    steps = "{setWeight: 100}, {pause: {}}, {setWeight: 0}, {pause: {}}, {setWeight: 100}"
    plan = planned(canary(steps, "maxSurge: 2, maxUnavailable: 0", "replicas: 3"))
    assert pods(plan, 1) == (3, 0)


def test_progress_deadline_with_pause():
    plan = planned(canary("{setWeight: 20}, {pause: {}}", spec="replicas: 3, progressDeadlineSeconds: 5"))
    assert pods(plan, 1) == (1, 3)


@needs_corpus
def test_paused_rollout():
    assert pods(of_file("functional/rollout-canary-with-pause.yaml"), 1) == (1, 3)


@needs_corpus
@pytest.mark.parametrize("name", ["canary-dynamic-stable-scale", "canary-dynamic-stable-scale-abort-delay"])
def test_dynamic_stable_scale(name: str) -> None:
    plan = of_file(f"functional/{name}.yaml")
    assert (pods(plan, 1), pods(plan, 3)) == ((1, 3), (3, 1))
    assert weights(plan)[3] == 75


@needs_corpus
def test_scale_down_on_abort_starts_with_one_canary_pod():
    assert pods(of_file("functional/canary-unscaledownonabort.yaml"), 1) == (1, 1)


# ---- functional_test.go ----------------------------------------------------------------------------------------------


@needs_corpus
def test_functional_basic():
    assert pods(of_file("functional/rollout-basic.yaml"), 1) == (1, 1)


# ---- istio_test.go ---------------------------------------------------------------------------------------------------


@needs_corpus
@pytest.mark.parametrize(
    "name",
    [
        "istio-host-split",
        "istio-host-http-tls-split",
        "istio-host-only-tls-split",
        "istio-subset-split",
        "istio-subset-split-single-route",
    ],
)
def test_istio_split(name: str) -> None:
    plan = of_file(f"istio/{name}.yaml")
    assert plan.router == "istio"
    assert weights(plan) == [0, 10, 10]
    assert pods(plan, 2) == (1, 1)


@needs_corpus
@pytest.mark.parametrize("name", ["istio-host-split-experiment-step", "istio-subset-split-experiment-step"])
def test_istio_split_beside_an_experiment(name: str) -> None:
    plan = of_file(f"istio/{name}.yaml")
    assert weights(plan)[1] == 10
    (note,) = plan.notes
    assert "20 of the weight besides" in note


@needs_corpus
def test_istio_update_in_middle():
    plan = of_file("istio/istio-host-split-update-in-middle.yaml")
    assert pods(plan, 2) == (1, 2)
    assert weights(plan)[2] == 0


@needs_corpus
def test_istio_abort_with_many_canary_pods():
    plan = of_file("istio/istio-rollout-abort-delete-all-canary-pods.yaml")
    paused = [pods(plan, index) for index, stage in enumerate(plan.stages) if stage.label.startswith("pause")]
    assert paused[:2] == [(2, 5), (4, 5)]


# ---- header_route_test.go --------------------------------------------------------------------------------------------


@needs_corpus
def test_header_route():
    plan = of_file("header-routing/istio-hr-host.yaml")
    paused = [stage.weight for stage in plan.stages if stage.label == "pause"]
    assert paused == [20, 20, 40]
    assert [note.partition(":")[0] for note in plan.notes] == ["step 2", "step 4"]


# ---- mirror_route_test.go --------------------------------------------------------------------------------------------


@needs_corpus
def test_mirror_route():
    plan = of_file("mirror-route/istio-mirror-host.yaml")
    assert [stage.weight for stage in plan.stages if stage.label == "pause"] == [20, 20, 40]


# ---- apisix_test.go --------------------------------------------------------------------------------------------------


@needs_corpus
@pytest.mark.parametrize("name", ["rollout-apisix-canary", "rollout-apisix-canary-set-header"])
def test_apisix(name: str) -> None:
    plan = of_file(f"apisix/{name}.yaml")
    paused = [stage.weight for stage in plan.stages if stage.label.startswith("pause")]
    assert plan.router == "apisix"
    assert paused[-2:] == [5, 50]


# ---- aws_test.go -----------------------------------------------------------------------------------------------------


@needs_corpus
@pytest.mark.parametrize("name", ["alb-pingpong-rollout", "albmesh-pingpong-stablecanary-rollout"])
def test_alb_ping_pong(name: str) -> None:
    assert weights(of_file(f"functional/{name}.yaml")) == [0, 25, 25]


# ---- bluegreen_test.go -----------------------------------------------------------------------------------------------


def test_preview_replica_count():
    fields = "activeService: a, previewService: b, previewReplicaCount: 1, autoPromotionEnabled: false"
    plan = planned(rollout(f"blueGreen: {{{fields}}}", "replicas: 2"))
    assert pods(plan, 1) == (1, 2)
    assert plan.stages[1].label == "pause"
    assert pods(plan, 3) == (2, 2)


def test_kitchen_sink():
    analysis = "{templates: [{templateName: sleep-job}]}"
    fields = (
        "activeService: a, previewService: b, previewReplicaCount: 1, autoPromotionSeconds: 10,"
        f" prePromotionAnalysis: {analysis}, postPromotionAnalysis: {analysis}"
    )
    plan = planned(rollout(f"blueGreen: {{{fields}}}", "replicas: 2"))
    assert [(stage.label, tuple(stage.pods), int(stage.share.least)) for stage in plan.stages] == [
        ("scale up the new version", (1, 2), 0),
        ("prePromotionAnalysis", (1, 2), 0),
        ("pause 10s", (1, 2), 0),
        ("scale up to all pods", (2, 2), 0),
        ("switch active Service", (2, 2), 0),
        ("postPromotionAnalysis", (2, 2), 1),
    ]


@needs_corpus
def test_blue_green_scales_up_beside_the_old_version():
    assert pods(of_file("functional/rollout-bluegreen.yaml"), 0) == (3, 3)


# ---- all of them -----------------------------------------------------------------------------------------------------


@needs_corpus
def test_every_rollout_of_upstream_can_be_played():
    unplayed = [
        path.name
        for path in sorted(E2E.rglob("*.yaml"))
        if path.read_text().count("\nkind: Rollout\n") == 1 and maybe_planned(path.read_text() + "\n") is None
    ]
    assert unplayed == []
