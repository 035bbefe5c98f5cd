"""What an update of a Rollout goes through, as read off its manifest and those that it names."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.limits import Bounds
from rolloutlint.finding import DocumentId
from rolloutlint.graph import Layout, World, namings
from rolloutlint.lang.duration import SECOND
from rolloutlint.model import Rollout, view_of
from rolloutlint.model.resource import make_resource
from rolloutlint.settings import Settings
from rolloutlint.simulate.linked import plan_of
from rolloutlint.simulate.plan import (
    Analysed,
    Experimented,
    External,
    Instant,
    Never,
    Person,
    Plan,
    Run,
    Scaling,
    Span,
    Timed,
)
from tests.graph.worlds import Built, header
from tests.simulate.linking import (
    NGINX,
    SURGE_ONE,
    canary,
    maybe_planned,
    metric,
    planned,
    rollout,
    template,
    walk,
)

ANALYSIS = "analysis: {templates: [{templateName: checks}]}"
STEP = f"{{setWeight: 25}}, {{{ANALYSIS}}}"
SERVICES = "activeService: web, previewService: web-preview"


def run_of_step(plan: Plan) -> Run:
    """The run of the one analysis step."""
    (wait,) = [stage.wait for stage in plan.stages if isinstance(stage.wait, Analysed)]
    return wait.run


# ---- canary: pods, shares, weights -----------------------------------------------------------------------------------


def test_a_weight_is_in_force_after_its_own_step():
    assert walk(planned(canary("{setWeight: 20}, {pause: {duration: 5m}}, {setWeight: 50}, {pause: {}}", NGINX))) == [
        ("setWeight 20", "0", "Scaling", (1, 4)),
        ("pause 5m", "20", "Timed", (1, 4)),
        ("setWeight 50", "20", "Scaling", (2, 4)),
        ("pause", "50", "Person", (2, 4)),
        ("full scale-up", "50", "Scaling", (4, 4)),
    ]


def test_the_share_of_a_basic_canary_is_that_of_its_pods():
    assert walk(planned(canary("{setWeight: 20}, {pause: {}}", SURGE_ONE, "replicas: 3"))) == [
        ("setWeight 20", "0", "Scaling", (1, 3)),
        ("pause", "25", "Person", (1, 3)),
        ("full scale-up", "25", "Scaling", (3, 0)),
    ]


def test_pods_decide_where_no_router_is_named():
    plan = planned(canary("{setWeight: 25}, {pause: {}}", "trafficRouting: {}"))
    assert plan.stages[1].share.least == Fraction(1, 5)
    assert plan.stages[1].weight is None
    assert plan.router == ""


def test_a_canary_without_steps_is_one_scaling_stage():
    assert walk(planned(canary())) == [("full scale-up", "0", "Scaling", (4, 0))]


def test_a_routed_canary_without_steps_gets_all_pods_before_any_traffic():
    plan = planned(canary("", NGINX))
    assert walk(plan) == [("full scale-up", "0", "Scaling", (4, 4))]
    assert plan.stages[0].weight == 0


def test_set_canary_scale_gives_pods_and_no_traffic():
    steps = "{setCanaryScale: {replicas: 2}}, {pause: {duration: 1}}, {setWeight: 10}, {pause: {}}"
    assert walk(planned(canary(steps, NGINX))) == [
        ("setCanaryScale 2 pods", "0", "Scaling", (2, 4)),
        ("pause 1s", "0", "Timed", (2, 4)),
        ("setWeight 10", "0", "Scaling", (2, 4)),
        ("pause", "10", "Person", (2, 4)),
        ("full scale-up", "10", "Scaling", (4, 4)),
    ]


def test_matching_the_traffic_weight_ends_a_canary_scale():
    steps = (
        "{setCanaryScale: {weight: 100}}, {setWeight: 25}, {setCanaryScale: {matchTrafficWeight: true}}, {pause: {}}"
    )
    assert [stage.pods.canary for stage in planned(canary(steps, NGINX)).stages] == [4, 4, 1, 1, 4]


def test_a_version_without_pods_gets_no_traffic():
    steps = "{setWeight: 50}, {setCanaryScale: {replicas: 0}}, {pause: {}}"
    plan = planned(canary(steps, NGINX))
    assert [(stage.weight, stage.share.most) for stage in plan.stages] == [
        (0, 0),
        (50, Fraction(1, 2)),
        (0, 0),
        (0, 0),
    ]


def test_a_weight_is_a_share_of_the_maximum():
    routing = "canaryService: web-canary, stableService: web, trafficRouting: {maxTrafficWeight: 1000, nginx: {}}"
    plan = planned(canary("{setWeight: 5}, {pause: {}}", routing))
    assert plan.stages[1].share.least == Fraction(5, 1000)
    assert plan.stages[1].weight == 5


def test_a_dynamic_stable_scale_shrinks_the_stable_version_after_the_weight():
    steps = "{setWeight: 50}, {pause: {}}"
    plan = planned(canary(steps, f"dynamicStableScale: true, {NGINX}"))
    assert [tuple(stage.pods) for stage in plan.stages] == [(2, 4), (2, 2), (4, 2)]


def test_a_replica_set_keeps_its_least_pods():
    plan = planned(canary("{setWeight: 1}, {pause: {}}", f"minPodsPerReplicaSet: 2, {NGINX}"))
    assert plan.stages[1].pods.canary == 2


def test_the_first_kind_of_a_step_decides_what_ends_it():
    plan = planned(canary("{pause: {duration: 10}, setCanaryScale: {replicas: 1}}", NGINX))
    assert plan.stages[0].label == "pause 10s + setCanaryScale 1 pods"
    assert plan.stages[0].wait == Timed(Span(10 * SECOND, 10 * SECOND))


def test_a_surge_of_none_can_leave_a_weight_without_pods():
    plan = planned(canary("{setWeight: 75}, {pause: {}}", "maxSurge: 0, maxUnavailable: 1", "replicas: 2"))
    assert tuple(plan.stages[1].pods) == (0, 2)
    assert plan.stages[1].share.most == 0


def test_an_unreadable_surge_completes_the_steps_without_pods_and_then_hangs():
    plan = planned(canary("{setWeight: 50}, {pause: {}}", "maxSurge: 12.5%, maxUnavailable: 1"))
    assert [tuple(stage.pods) for stage in plan.stages[:2]] == [(0, 4), (0, 4)]
    assert plan.stages[0].wait == Scaling(Span(0, 0))
    assert plan.stages[2].wait == Never("`maxSurge: 12.5%` cannot be read: no pod is added or removed")


# ---- what is not known -----------------------------------------------------------------------------------------------


def autoscaler(least: str = "minReplicas: 2, ", most: str = "maxReplicas: 10") -> str:
    target = "scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}"
    return header("HorizontalPodAutoscaler", "web", group="autoscaling/v2") + f"spec: {{{least}{most}, {target}}}\n"


def test_an_autoscaler_leaves_the_pods_open_but_not_the_weight():
    plan = planned(canary("{setWeight: 20}, {pause: {}}", NGINX), autoscaler())
    assert plan.replicas == Span(2, 10, ("HorizontalPodAutoscaler `web` scales it between 2 and 10 pods",))
    assert walk(plan)[1] == ("pause", "20", "Person", (None, None))


def test_pods_that_are_the_same_for_every_number_of_replicas_are_known():
    plan = planned(canary("{setCanaryScale: {replicas: 1}}, {setWeight: 1}, {pause: {}}", NGINX), autoscaler())
    assert tuple(plan.stages[2].pods) == (1, None)


def test_an_autoscaler_bounds_the_share_of_a_basic_canary():
    plan = planned(canary("{setWeight: 20}, {pause: {}}", SURGE_ONE), autoscaler())
    shares = plan.stages[1].share
    assert shares.least == Fraction(1, 6)  # of 6 replicas
    assert shares.most == Fraction(1, 3)  # of 2 replicas


def test_an_autoscaler_of_one_size_is_a_number():
    plan = planned(canary("{setWeight: 50}", NGINX), autoscaler("minReplicas: 4, ", "maxReplicas: 4"))
    assert plan.replicas == Span(4, 4)


def test_an_autoscaler_without_a_minimum_keeps_one_pod():
    assert planned(canary("{setWeight: 50}", NGINX), autoscaler("")).replicas.least == 1


def test_replicas_that_are_filled_in_later_are_one_or_more():
    plan = planned(canary("{setWeight: 20}, {pause: {}}", NGINX, 'replicas: "${REPLICAS}"'))
    assert plan.replicas == Span(1, None, ("`spec.replicas` is filled in later",))
    assert plan.stages[1].share.exact
    assert plan.stages[1].pods.canary is None


def test_replicas_that_a_kustomization_changes_are_not_known():
    layout = Layout(roots={"web.yaml": "."}, overlays={"web.yaml": (Built(".", patched=(("spec", "replicas"),)),)})
    assert planned(canary("{setWeight: 20}", NGINX), layout=layout).replicas.most is None


def test_a_strategy_that_a_kustomization_changes_cannot_be_played():
    layout = Layout(roots={"web.yaml": "."}, overlays={"web.yaml": (Built(".", patched=(("spec", "strategy"),)),)})
    assert maybe_planned(canary("{setWeight: 20}", NGINX), layout=layout) is None


@pytest.mark.parametrize("strategy", ["", "canary: {}, blueGreen: {activeService: web}", "canary: {steps: [5]}"])
def test_what_is_no_strategy_cannot_be_played(strategy: str) -> None:
    assert maybe_planned(rollout(strategy)) is None


def test_a_weight_that_is_filled_in_later_may_be_anything():
    plan = planned(canary('{setWeight: "${WEIGHT}"}, {pause: {}}', NGINX))
    assert walk(plan)[1] == ("pause", "0-100", "Person", (None, None))


# ---- what ends a stage -----------------------------------------------------------------------------------------------


def test_new_pods_take_at_least_the_seconds_that_they_must_be_ready():
    plan = planned(canary("{setWeight: 50}, {setWeight: 25}", NGINX, "replicas: 4, minReadySeconds: 30"))
    first, second, last = (stage.wait for stage in plan.stages)
    why = ("how long new pods take to become available is not in the manifests",)
    assert first == last == Scaling(Span(30 * SECOND, None, why))
    assert second == Scaling(Span(0, 0))  # fewer pods


def test_pods_that_may_already_be_there_take_no_certain_time():
    steps = "{setWeight: 10}, {setWeight: 20}"
    plan = planned(canary(steps, NGINX, "replicas: 4, minReadySeconds: 30"), autoscaler())
    assert isinstance(plan.stages[1].wait, Scaling)
    assert plan.stages[1].wait.span[:2] == (0, None)


def test_every_number_of_replicas_is_asked_whether_it_needs_new_pods():
    steps = "{setWeight: 10}, {setWeight: 15}"  # of 7, 8 and 20 replicas the second step adds a pod, of 11 it does not
    plan = planned(
        canary(steps, NGINX, "replicas: 4, minReadySeconds: 30"), autoscaler("minReplicas: 7, ", "maxReplicas: 20")
    )
    assert isinstance(plan.stages[1].wait, Scaling)
    assert plan.stages[1].wait.span[:2] == (0, None)


@pytest.mark.parametrize(
    "threshold, release, expected",
    [
        ("{type: Percent, value: 50}", "1.9", Scaling(Span(0, 0))),
        ("{type: Pods, value: 1}", "1.9", Scaling(Span(0, 0))),
        ("{type: Pods, value: 3}", "1.9", Never("`replicaProgressThreshold` asks for more pods than the step has")),
    ],
)
def test_a_progress_threshold_counts_fewer_pods_as_enough(threshold: str, release: str, expected: object) -> None:
    steps = "{setCanaryScale: {replicas: 1}}, {setWeight: 50}"
    plan = planned(canary(steps, f"replicaProgressThreshold: {threshold}, {NGINX}"), release=release)
    assert plan.stages[1].wait == expected


def test_a_release_that_does_not_know_the_threshold_waits_for_all_pods():
    fields = f"replicaProgressThreshold: {{type: Pods, value: 3}}, {NGINX}"
    (stage, _) = planned(canary("{setWeight: 50}", fields), release="1.8").stages
    assert isinstance(stage.wait, Scaling)


@pytest.mark.parametrize(
    "pause, expected",
    [
        ("{duration: 90}", Timed(Span(90 * SECOND, 90 * SECOND))),
        ("{duration: 1h}", Timed(Span(3600 * SECOND, 3600 * SECOND))),
        ("{}", Person()),
        (
            '{duration: "{{pause}}"}',
            Timed(Span(0, None, ("`spec.strategy.canary.steps[0].pause.duration` is filled in later",))),
        ),
        ("{duration: 1d}", Never("`spec.strategy.canary.steps[0].pause` cannot be read")),
    ],
)
def test_a_pause_ends_by_time_or_by_a_person(pause: str, expected: object) -> None:
    assert planned(canary(f"{{pause: {pause}}}", NGINX)).stages[0].wait == expected


def test_routes_are_set_at_once_and_noted():
    routed = (
        "canaryService: a, stableService: b, trafficRouting: {managedRoutes: [{name: h}],"
        " istio: {virtualService: {name: web}}}"
    )
    match = "match: [{headerName: x, headerValue: {exact: y}}]"
    plan = planned(canary(f"{{setWeight: 5}}, {{setHeaderRoute: {{name: h, {match}}}}}, {{pause: {{}}}}", routed))
    assert plan.stages[1].label == "setHeaderRoute h"
    assert plan.stages[1].wait == Instant()
    assert plan.notes == ("step 2: requests that match the header route reach the new version besides its share",)


@pytest.mark.parametrize(
    "step, expected",
    [
        ("{plugin: {name: acme/step}}", External("step plugin acme/step")),
        ("{plugin: {name: acme/step, disabled: true}}", Instant()),
    ],
)
def test_a_plugin_ends_its_own_step(step: str, expected: object) -> None:
    assert planned(canary(step, NGINX)).stages[0].wait == expected


# ---- analyses --------------------------------------------------------------------------------------------------------


def test_a_step_runs_the_metrics_of_its_template():
    fields = "interval: 1m, count: 5, failureLimit: 2, initialDelay: 30s"
    (found,) = run_of_step(planned(canary(STEP, NGINX), template(metric(fields)))).metrics
    assert found.spec is not None
    assert found.spec.bounds == Bounds(measurements=5, failure=2, success=0, inconclusive=0, error=4)
    assert (found.spec.interval, found.spec.delay) == (60 * SECOND, 30 * SECOND)
    assert (found.name, found.provider, found.outcomes) == ("success-rate", "prometheus", "SFE")


@pytest.mark.parametrize(
    "metric_text, outcomes",
    [
        (metric(condition=""), "SE"),
        (metric(), "SFE"),
        (metric("failureCondition: 'result[0] < 0.9'"), "SFIE"),
        (metric(condition="result[0] >="), "E"),
        (metric(condition="{{args.condition}}"), "SFE"),
        ("{name: smoke, provider: {job: {spec: {template: {}}}}}", "SFE"),
        ("{name: own, provider: {plugin: {acme/metric: {}}}}", "SFIE"),
    ],
)
def test_conditions_and_providers_decide_what_a_measurement_can_give(metric_text: str, outcomes: str) -> None:
    arguments = "args: [{name: condition}]"
    background = (
        "{templates: [{templateName: checks}], args: [{name: condition, valueFrom: {fieldRef: {fieldPath: x}}}]}"
    )
    plan = planned(canary("{setWeight: 5}", f"{NGINX}, analysis: {background}"), template(metric_text, spec=arguments))
    assert plan.background is not None
    assert [found.outcomes for found in plan.background.metrics] == [outcomes]


def test_a_job_takes_a_time_that_nobody_knows():
    job = "{name: smoke, provider: {job: {spec: {activeDeadlineSeconds: 60, template: {}}}}}"
    (found,) = run_of_step(planned(canary(STEP, NGINX), template(job))).metrics
    why = ("how long the job of `smoke` runs is not in the manifests",)
    assert found.takes == Span(0, 60 * SECOND, why)


def test_arguments_of_the_rollout_are_filled_in():
    analysis = "{analysis: {templates: [{templateName: checks}], args: [{name: count, value: '3'}]}}"
    text = metric("interval: 1m, count: '{{args.count}}'")
    run = run_of_step(planned(canary(analysis, NGINX), template(text, spec="args: [{name: count, value: '7'}]")))
    assert run.metrics[0].spec is not None
    assert run.metrics[0].spec.bounds.measurements == 3


def test_the_default_of_an_argument_is_filled_in():
    text = metric("interval: 1m, count: '{{args.count}}'")
    run = run_of_step(planned(canary(STEP, NGINX), template(text, spec="args: [{name: count, value: '7'}]")))
    assert run.metrics[0].spec is not None
    assert run.metrics[0].spec.bounds.measurements == 7


def test_an_argument_that_comes_from_elsewhere_leaves_the_metric_open():
    source = "valueFrom: {secretKeyRef: {name: a, key: b}}"
    text = metric("interval: '{{args.every}}', count: 2")
    run = run_of_step(planned(canary(STEP, NGINX), template(text, spec=f"args: [{{name: every, {source}}}]")))
    assert run.metrics[0].spec is None
    assert run.metrics[0].why == ("interval of `success-rate` is filled in later",)


def test_a_metric_measured_without_a_break_cannot_be_played():
    run = run_of_step(planned(canary(STEP, NGINX), template(metric("interval: 0s, count: 2"))))
    assert run.metrics[0].spec is None
    assert run.metrics[0].why == ("interval of `success-rate` is 0s: it is measured without a break",)


@pytest.mark.parametrize(
    "rule, expected",
    [("success", True), ("other|success-rate", True), ("", True)],
)
def test_dry_run_rules_of_the_template_select_metrics(rule: str, expected: bool) -> None:
    made = template(metric(), spec=f"dryRun: [{{metricName: '{rule}'}}]")
    run = run_of_step(planned(canary(STEP, NGINX), made))
    assert run.metrics[0].dry_run is expected


def test_dry_run_rules_of_the_rollout_select_metrics():
    step = "{analysis: {templates: [{templateName: checks}], dryRun: [{metricName: b}]}}"
    made = template(f"{metric(name='a')}, {metric(name='b')}")
    run = run_of_step(planned(canary(step, NGINX), made))
    assert [found.dry_run for found in run.metrics] == [False, True]


def test_namespaced_templates_are_merged_before_cluster_scoped_ones():
    step = "{analysis: {templates: [{templateName: all, clusterScope: true}, {templateName: checks}]}}"
    run = run_of_step(
        planned(
            canary(step, NGINX),
            template(metric(name="wide"), "all", "ClusterAnalysisTemplate"),
            template(metric(name="near"), spec="templates: [{templateName: inner}]"),
            template(metric(name="nested"), "inner"),
        )
    )
    assert [found.name for found in run.metrics] == ["near", "nested", "wide"]


def test_a_template_that_is_not_among_the_inputs_is_not_known():
    run = run_of_step(planned(canary(STEP, NGINX)))
    assert run.metrics == ()
    assert run.unknown == (
        "AnalysisTemplate `checks` is not known: no AnalysisTemplate of this namespace is among the inputs",
    )


@pytest.mark.parametrize(
    "made, fault",
    [
        (template("", spec="args: []"), "no metrics specified"),
        (template(metric("count: 2")), "metrics[0]: interval must be specified when count > 1"),
        (template("{name: a, provider: {}}"), "metrics[0]: no provider specified"),
        (
            template(metric(), spec="dryRun: [{metricName: other}]"),
            "dryRun[0]: Rule didn't match any metric name(s)",
        ),
    ],
)
def test_what_the_run_refuses_ends_it_before_the_first_measurement(made: str, fault: str) -> None:
    assert run_of_step(planned(canary(STEP, NGINX), made)).fault == fault


@pytest.mark.parametrize("release, expected", [("1.9", Never), ("1.8", Analysed)])
def test_an_analysis_without_templates_never_ends_since_1_9(release: str, expected: type) -> None:
    (stage, _) = planned(canary("{analysis: {templates: []}}", NGINX), release=release).stages
    assert isinstance(stage.wait, expected)
    if isinstance(stage.wait, Analysed):
        assert stage.wait.run.fault == "no metrics specified"


# ---- background ------------------------------------------------------------------------------------------------------


def background(fields: str = "", steps: str = "{setWeight: 5}, {pause: {}}") -> str:
    return canary(steps, f"{NGINX}, analysis: {{templates: [{{templateName: checks}}]{fields}}}")


ENDLESS = template(metric("interval: 1m"))


@pytest.mark.parametrize("fields, start", [("", 0), (", startingStep: 1", 1), (", startingStep: 2", 2)])
def test_the_background_analysis_starts_with_its_step(fields: str, start: int) -> None:
    plan = planned(background(fields), ENDLESS)
    assert plan.background is not None
    assert plan.background.label == "background analysis"
    assert plan.background_from == start


def test_a_starting_step_beyond_the_last_one_never_comes():
    plan = planned(background(", startingStep: 3"), ENDLESS)
    assert plan.background is None
    assert plan.notes == ("the background analysis never starts: `startingStep: 3` is beyond the last step",)


def test_a_starting_step_that_is_filled_in_later_leaves_the_background_open():
    plan = planned(background(', startingStep: "${STEP}"'), ENDLESS)
    assert plan.background is not None
    assert plan.background.unknown == ("`spec.strategy.canary.analysis.startingStep` is filled in later",)


@pytest.mark.parametrize(
    "limits, release, leak",
    [
        ("failureCondition: 'result[0] < 0.9'", "1.7", "respawn"),
        ("failureCondition: 'result[0] < 0.9'", "1.9", "unblocked"),
        ("failureCondition: 'result[0] < 0.9', count: 3, inconclusiveLimit: 3", "1.9", ""),
        ("consecutiveSuccessLimit: 2, count: 3", "1.9", "unblocked"),
        ("", "1.9", ""),
    ],
)
def test_an_inconclusive_background_does_not_stop_everything(limits: str, release: str, leak: str) -> None:
    made = template(metric(f"interval: 1m{', ' if limits else ''}{limits}"))
    assert planned(background(), made, release=release).leak == leak


# ---- experiments -----------------------------------------------------------------------------------------------------


def experiment(fields: str) -> Plan:
    templates = "templates: [{name: new, specRef: canary}]"
    return planned(canary(f"{{experiment: {{{templates}{fields}}}}}", NGINX), template(metric()))


RUN = ", analyses: [{name: rate, templateName: checks, requiredForCompletion: true}]"


def test_an_experiment_runs_its_analyses_and_lasts_its_duration():
    wait = experiment(f", duration: 5m{RUN}").stages[0].wait
    assert isinstance(wait, Experimented)
    assert wait.duration == Span(300 * SECOND, 300 * SECOND)
    assert [(run.role, run.required, len(run.metrics)) for run in wait.runs] == [("experiment", True, 1)]


def test_an_experiment_without_a_duration_waits_for_its_analyses():
    wait = experiment(RUN).stages[0].wait
    assert isinstance(wait, Experimented)
    assert wait.duration is None


def test_an_experiment_with_neither_never_ends():
    assert experiment("").stages[0].wait == Never("the experiment has neither a duration nor an analysis")


def test_an_experiment_fails_for_a_template_that_does_not_exist():
    steps = "{experiment: {templates: [{name: new, specRef: canary}], analyses: [{name: a, templateName: gone}]}}"
    (stage, _) = planned(canary(steps, NGINX), closed=True).stages
    assert isinstance(stage.wait, Experimented)
    assert stage.wait.runs[0].fault == 'analysistemplate.argoproj.io "gone" not found'


# ---- blue-green ------------------------------------------------------------------------------------------------------


def blue_green(fields: str = "") -> str:
    return rollout(f"blueGreen: {{{SERVICES}{fields}}}")


def test_blue_green_switches_all_traffic_at_once():
    assert walk(planned(blue_green())) == [
        ("scale up the new version", "0", "Scaling", (4, 4)),
        ("switch active Service", "0", "Instant", (4, 4)),
    ]


def test_the_stages_of_blue_green_come_in_the_controllers_order():
    fields = (
        ", previewReplicaCount: 1, autoPromotionSeconds: 60,"
        " prePromotionAnalysis: {templates: [{templateName: checks}]},"
        " postPromotionAnalysis: {templates: [{templateName: checks}]}"
    )
    plan = planned(blue_green(fields), template(metric()))
    assert walk(plan) == [
        ("scale up the new version", "0", "Scaling", (1, 4)),
        ("prePromotionAnalysis", "0", "Analysed", (1, 4)),
        ("pause 1m", "0", "Timed", (1, 4)),
        ("scale up to all pods", "0", "Scaling", (4, 4)),
        ("switch active Service", "0", "Instant", (4, 4)),
        ("postPromotionAnalysis", "100", "Analysed", (4, 4)),
    ]


def test_a_person_promotes_where_promotion_is_not_automatic():
    plan = planned(blue_green(", autoPromotionEnabled: false, autoPromotionSeconds: 60"))
    assert plan.stages[1].wait == Person()


def test_a_promotion_analysis_without_templates_never_ends():
    assert isinstance(planned(blue_green(", prePromotionAnalysis: {templates: []}")).stages[1].wait, Never)


# ---- the rest of the plan --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec, deadline, aborts",
    [
        ("replicas: 1", 600 * SECOND, False),
        ("replicas: 1, progressDeadlineSeconds: 60, progressDeadlineAbort: true", 60 * SECOND, True),
        ('replicas: 1, progressDeadlineSeconds: "${X}"', None, False),
    ],
)
def test_the_progress_deadline_is_ten_minutes_unless_written(spec: str, deadline: int | None, aborts: bool) -> None:
    plan = planned(canary("{setWeight: 5}", NGINX, spec))
    assert (plan.deadline, plan.deadline_aborts) == (deadline, aborts)


@pytest.mark.parametrize(
    "documents, words",
    [
        ([canary("{setWeight: 500}", NGINX)], "SetWeight needs to be between 0 and 100"),
        ([canary("{pause: {duration: 1d}}", NGINX)], "Duration needs to be greater than 0"),
        (
            [canary(STEP, NGINX), template(metric("interval: 1m"))],
            "AnalysisTemplate checks has metric success-rate which runs indefinitely. Invalid value for count: <nil>",
        ),
        (
            [canary(STEP, NGINX), template(metric(), spec="args: [{name: a}]")],
            "args.a was not resolved",
        ),
        (
            [canary(STEP, NGINX), template(f"{metric()}, {metric()}")],
            "two metrics have the same name 'success-rate'",
        ),
        (
            [canary(STEP, NGINX), template(metric("interval: '{{args.i}}'"))],
            "AnalysisTemplate checks: failed to resolve {{args.i}}",
        ),
    ],
)
def test_what_the_controller_refuses_is_said_in_its_words(documents: list[str], words: str) -> None:
    assert planned(*documents).refused == (words,)


def test_a_template_that_certainly_does_not_exist_is_refused():
    assert planned(canary(STEP, NGINX), closed=True).refused == ("AnalysisTemplate 'checks' not found",)


def test_nothing_is_refused_in_a_good_rollout():
    assert planned(canary(STEP, NGINX), template(metric("interval: 1m, count: 3"))).refused == ()


# ---- robustness ------------------------------------------------------------------------------------------------------

_WORDS = [
    "canary", "blueGreen", "steps", "setWeight", "pause", "duration", "setCanaryScale", "replicas", "weight",
    "matchTrafficWeight", "analysis", "templates", "templateName", "clusterScope", "args", "name", "value",
    "valueFrom", "experiment", "analyses", "specRef", "requiredForCompletion", "trafficRouting", "istio", "nginx",
    "plugins", "maxTrafficWeight", "maxSurge", "maxUnavailable", "dynamicStableScale", "dryRun", "metricName",
    "minPodsPerReplicaSet", "replicaProgressThreshold", "type", "startingStep", "previewReplicaCount",
    "autoPromotionEnabled", "plugin", "autoPromotionSeconds", "prePromotionAnalysis", "postPromotionAnalysis",
    "activeService", "strategy", "progressDeadlineSeconds", "minReadySeconds", "setHeaderRoute", "setMirrorRoute",
    "match", "metrics", "count", "interval", "initialDelay", "failureLimit", "provider", "job", "prometheus",
    "query", "successCondition", "failureCondition", "inconclusiveLimit", "spec", "activeDeadlineSeconds",
]  # fmt: skip

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 120),
    st.floats(allow_nan=False),
    st.sampled_from(["", "checks", "25%", "abc", "5m", "1d", "{{args.a}}", "${X}", "Percent", "Pods", "result[0] > 1"]),
)
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=40,
)
_STEPS = st.lists(st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=3), max_size=5)


def _made(spec: object, other: object) -> tuple[World, Rollout]:
    resources, names = [], {}
    for number, (kind, name, value) in enumerate((("Rollout", "web", spec), ("AnalysisTemplate", "checks", other))):
        tree = {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": value}
        resource = make_resource(number, DocumentId("a.yaml", number), (), tree)
        resources.append(resource)
        names[number] = tuple(namings(view_of(resource, tree)))
    world = World(resources, names, Layout(roots={"a.yaml": "."}), ["a.yaml"])
    view = world.view(resources[0])
    assert isinstance(view, Rollout)
    return world, view


@given(spec=_TREES, other=_TREES)
def test_no_tree_under_spec_makes_it_raise(spec: object, other: object) -> None:
    world, view = _made(spec, other)
    assert plan_of(world, view, Settings()) is None or isinstance(spec, dict)


@given(steps=_STEPS, more=st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=6), other=_TREES)
def test_no_steps_make_it_raise(steps: list[object], more: dict[str, object], other: object) -> None:
    world, view = _made({"replicas": 3, "strategy": {"canary": {**more, "steps": steps}}}, {"metrics": [other, other]})
    plan = plan_of(world, view, Settings())
    assert plan is not None
    assert len(plan.stages) == len(steps) + 1


@given(more=st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=6))
def test_no_blue_green_makes_it_raise(more: dict[str, object]) -> None:
    world, view = _made({"strategy": {"blueGreen": more}}, {})
    assert plan_of(world, view, Settings()) is not None
