"""RL206 to RL214: workloads, analysis templates that nest, autoscalers and budgets, at their edges."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import found, lint

RULES = tuple(f"RL{n}" for n in range(206, 215))
MANAGED = "argo-rollouts.argoproj.io/managed-by-rollouts"


def manifest(kind: str, name: str, spec: str, api: str = "argoproj.io/v1alpha1", metadata: str = "") -> str:
    place = "" if kind.startswith("Cluster") else ", namespace: shop"
    return f"---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}{place}{metadata}}}, spec: {spec}}}\n"


def rollout(
    strategy: str = "canary: {steps: [{setWeight: 5}]}", name: str = "cart", labels: str = "app: cart", more: str = ""
) -> str:
    template = f"{{metadata: {{labels: {{{labels}}}}}}}"
    spec = f"{{selector: {{matchLabels: {{{labels}}}}}, template: {template}, strategy: {{{strategy}}}{more}}}"
    return manifest("Rollout", name, spec)


def referring(reference: str, more: str = "") -> str:
    return manifest("Rollout", "cart", f"{{workloadRef: {reference}, strategy: {{canary: {{}}}}{more}}}")


def service(name: str, annotations: str = "") -> str:
    metadata = f", annotations: {{{annotations}}}" if annotations else ""
    return manifest("Service", name, "{selector: {app: cart}, ports: [{port: 80}]}", "v1", metadata)


def deployment(name: str = "cart", replicas: str = "3", labels: str = "app: cart") -> str:
    spec = f"{{replicas: {replicas}, template: {{metadata: {{labels: {{{labels}}}}}}}}}"
    return manifest("Deployment", name, spec, "apps/v1")


def template(name: str, nested: str, kind: str = "AnalysisTemplate") -> str:
    return manifest(kind, name, f"{{templates: [{nested}]}}")


def paths(text: str, *rules: str, closed: bool = False) -> list[str]:
    report = lint(text, Settings(select=rules or RULES, closed=closed))
    assert not report.lost
    return [f"{rule} {path}" for rule, _, path in found(report)]


def messages(text: str, *rules: str, closed: bool = False) -> list[str]:
    return [f.finding.message for f in lint(text, Settings(select=rules or RULES, closed=closed)).active]


CANARY = "canary: {stableService: cart, canaryService: next}"


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ("", 0),
        (f"{MANAGED}: cart", 0),
        (f"{MANAGED}: basket", 1),
        (f"{MANAGED}: '{{{{ name }}}}'", 0),
        (f"{MANAGED}: null", 0),
        (f"other: {MANAGED}", 0),
    ],
)
def test_a_service_is_managed_by_the_rollout_that_names_it(annotations: str, expected: int) -> None:
    text = rollout(CANARY) + service("next") + service("cart", annotations)
    assert len(paths(text, "RL206")) == expected


def test_a_service_that_two_rollouts_name_is_told_once_by_another_rule() -> None:
    text = rollout(CANARY) + rollout(CANARY, "basket", "app: basket") + service("cart", f"{MANAGED}: basket")
    assert paths(text, "RL206") == []
    assert len(paths(text, "RL202")) == 1


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("{apiVersion: apps/v1, kind: Deployment, name: cart}", []),
        ("{apiVersion: apps/v1, kind: ReplicaSet, name: x}", []),
        ("{apiVersion: v1, kind: PodTemplate, name: x}", ["spec.workloadRef"]),
        ("{apiVersion: apps/v1, kind: StatefulSet, name: cart}", ["spec.workloadRef.kind"]),
        ("{apiVersion: apps/v1, kind: deployment, name: cart}", ["spec.workloadRef.kind"]),
        ("{apiVersion: v1, kind: Deployment, name: cart}", ["spec.workloadRef.apiVersion"]),
        ("{kind: Deployment, name: cart}", ["spec.workloadRef"]),
        ("{apiVersion: apps/v1, name: cart}", ["spec.workloadRef"]),
        ("{apiVersion: apps/v1, kind: Deployment}", ["spec.workloadRef"]),
        ("{apiVersion: apps/v1, kind: Deployment, name: carts}", ["spec.workloadRef.name"]),
        ("{apiVersion: apps/v1, kind: Deployment, name: '{{ x }}'}", []),
        ("{apiVersion: apps/v1, kind: 3, name: x}", []),
        ("{}", []),
        ("null", []),
        ("[]", []),
    ],
)
def test_a_workload_ref_names_a_workload_that_the_controller_takes(reference: str, expected: list[str]) -> None:
    assert paths(referring(reference) + deployment(), "RL207") == [f"RL207 {path}" for path in expected]


def test_a_pod_template_is_enough_with_a_selector() -> None:
    text = referring("{apiVersion: v1, kind: PodTemplate, name: x}", ", selector: {matchLabels: {app: cart}}")
    assert paths(text, "RL207") == []


REFERENCE = "{apiVersion: apps/v1, kind: Deployment, name: cart}"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (", template: {spec: {containers: [{name: cart}]}}", 1),
        (", template: {spec: {}}", 0),
        (", template: {}", 0),
        (", template: {metadata: {labels: {a: b}}, spec: {containers: []}}", 0),
        (", template: {metadata: {annotations: {a: b}}, spec: {containers: []}}", 0),
        (", template: {metadata: {}, spec: {containers: []}}", 1),
        (", template: []", 0),
    ],
)
def test_a_template_beside_a_workload_ref_is_dropped(more: str, expected: int) -> None:
    assert len(paths(referring(REFERENCE, more), "RL208")) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("Deployment", "never", 0),
        ("Deployment", "onsuccess", 0),
        ("Deployment", "progressively", 0),
        ("Deployment", "''", 0),
        ("Deployment", "Never", 1),
        ("Deployment", "onSucess", 1),
        ("Deployment", "always", 1),
        ("Deployment", "'${MODE}'", 0),
        ("Deployment", "true", 0),
        ("ReplicaSet", "never", 0),
        ("ReplicaSet", "onsuccess", 1),
    ],
)
def test_scale_down_is_one_of_three_words(kind: str, value: str, expected: int) -> None:
    text = referring(f"{{apiVersion: apps/v1, kind: {kind}, name: cart, scaleDown: {value}}}")
    assert len(paths(text, "RL209")) == expected


def test_a_selector_matches_the_pods_of_no_other_workload() -> None:
    other = rollout(name="worker", labels="app: cart, part: worker")
    assert paths(rollout() + other, "RL210") == ["RL210 spec.selector"]
    assert paths(rollout() + rollout(name="worker", labels="app: worker"), "RL210") == []
    assert paths(rollout() + deployment("old"), "RL210") == ["RL210 spec.selector"]
    assert paths(rollout() + deployment("old", labels="app: old"), "RL210") == []


def test_the_workload_of_the_rollout_may_have_its_labels() -> None:
    text = referring(REFERENCE, ", selector: {matchLabels: {app: cart}}") + deployment()
    assert paths(text, "RL210") == []


def test_the_same_rollout_in_another_namespace_does_not_overlap() -> None:
    assert paths(rollout() + rollout(name="worker").replace("shop", "other"), "RL210") == []


def scaler(target: str, kind: str = "HorizontalPodAutoscaler", name: str = "scaler") -> str:
    api = {"ScaledObject": "keda.sh/v1alpha1", "VerticalPodAutoscaler": "autoscaling.k8s.io/v1"}.get(kind)
    field = "targetRef" if kind.startswith("V") else "scaleTargetRef"
    return manifest(kind, name, f"{{{field}: {target}}}", api or "autoscaling/v2")


RIGHT = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}"


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"])
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (RIGHT, 0),
        ("{apiVersion: apps/v1, kind: Deployment, name: cart}", 1),
        ("{apiVersion: apps/v1, kind: StatefulSet, name: cart}", 1),
        ("{apiVersion: apps/v1, kind: Rollout, name: cart}", 1),
        ("{kind: Rollout, name: cart}", 1),
        ("{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: carts}", 1),
        ("{apiVersion: rollouts.kruise.io/v1beta1, kind: Rollout, name: cart}", 0),
        ("{apiVersion: apps/v1, kind: Deployment, name: other}", 0),
        ("{apiVersion: apps/v1, kind: Deployment, name: '{{ n }}'}", 0),
        ("{apiVersion: example.com/v1, kind: Shard, name: cart}", 0),
        ("null", 0),
        ("[]", 0),
    ],
)
def test_an_autoscaler_scales_the_rollout(kind: str, target: str, expected: int) -> None:
    assert len(paths(rollout() + scaler(target, kind), "RL213")) == expected


def test_keda_means_a_deployment_where_no_kind_is_written() -> None:
    text = rollout() + scaler("{name: cart}", "ScaledObject")
    assert messages(text, "RL213")[0].startswith("ScaledObject names no kind and so scales Deployment `cart`")
    assert paths(rollout() + scaler("{name: cart}"), "RL213") == []


DEPLOYMENT = "{apiVersion: apps/v1, kind: Deployment, name: cart}"


def test_a_deployment_of_that_name_may_be_meant() -> None:
    assert paths(rollout() + deployment() + scaler(DEPLOYMENT), "RL213") == []


def test_a_rollout_with_an_autoscaler_of_its_own_needs_no_second() -> None:
    assert paths(rollout() + scaler(RIGHT, name="own") + scaler(DEPLOYMENT), "RL213") == []


@pytest.mark.parametrize(
    ("reference", "replicas", "expected"),
    [
        (REFERENCE, "3", 0),
        (REFERENCE, "0", 1),
        ("{apiVersion: apps/v1, kind: Deployment, name: cart, scaleDown: progressively}", "3", 1),
        ("{apiVersion: apps/v1, kind: Deployment, name: cart, scaleDown: never}", "3", 0),
    ],
)
def test_the_autoscaler_of_a_workload_that_a_rollout_replaces(reference: str, replicas: str, expected: int) -> None:
    text = referring(reference) + deployment(replicas=replicas) + scaler(DEPLOYMENT)
    assert len(paths(text, "RL213")) == expected
    assert paths(text + scaler(RIGHT, name="own"), "RL213") == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("maxUnavailable: 0", 1),
        ("maxUnavailable: 0%", 1),
        ("maxUnavailable: 1", 0),
        ("maxUnavailable: 1%", 0),
        ("maxUnavailable: '0'", 0),
        ("minAvailable: 100%", 1),
        ("minAvailable: 4", 1),
        ("minAvailable: 3", 0),
        ("minAvailable: 90%", 1),
        ("minAvailable: 50%", 0),
        ("minAvailable: 0", 0),
        ("minAvailable: 4, maxUnavailable: 0", 0),
        ("minAvailable: '${N}'", 0),
        ("minAvailable: true", 0),
        ("unhealthyPodEvictionPolicy: AlwaysAllow", 0),
    ],
)
def test_a_budget_leaves_room_for_an_eviction(spec: str, expected: int) -> None:
    budget = manifest(
        "PodDisruptionBudget", "cart", f"{{selector: {{matchLabels: {{app: cart}}}}, {spec}}}", "policy/v1"
    )
    assert len(paths(rollout(more=", replicas: 4") + budget, "RL214")) == expected


def test_with_an_autoscaler_nobody_knows_how_many_pods_there_are() -> None:
    budget = manifest("PodDisruptionBudget", "cart", "{selector: {}, minAvailable: 4}", "policy/v1")
    text = rollout(more=", replicas: 4") + budget
    assert len(paths(text, "RL214")) == 1
    assert paths(text + scaler(RIGHT), "RL214") == []


def test_a_budget_for_other_pods_says_nothing() -> None:
    budget = manifest("PodDisruptionBudget", "x", "{selector: {matchLabels: {app: x}}, maxUnavailable: 0}", "policy/v1")
    assert paths(rollout() + budget, "RL214") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (template("a", "{templateName: a}"), 1),
        (template("a", "{templateName: x}, {templateName: b}") + template("b", "{templateName: a}"), 1),
        (template("a", "{templateName: b}") + template("b", "{templateName: c}") + template("c", ""), 0),
        (
            template("a", "{templateName: b}, {templateName: c}")
            + template("b", "{templateName: c}")
            + template("c", ""),
            0,
        ),
        (
            template("a", "{templateName: b}")
            + template("b", "{templateName: c}")
            + template("c", "{templateName: b}"),
            1,
        ),
        (template("a", "{templateName: a, clusterScope: true}", "ClusterAnalysisTemplate"), 1),
        (template("a", "{templateName: a}", "ClusterAnalysisTemplate"), 0),
        (template("a", "{templateName: a, clusterScope: true}") + template("a", "", "ClusterAnalysisTemplate"), 0),
        (template("a", "3, null, {templateName: 4}"), 0),
    ],
)
def test_templates_nest_in_no_circle(text: str, expected: int) -> None:
    assert len(paths(text, "RL211")) == expected


def test_a_circle_is_told_with_the_way_round() -> None:
    text = template("a", "{templateName: b}") + template("b", "{templateName: c}") + template("c", "{templateName: a}")
    assert messages(text, "RL211") == ["Templates nest one another in a circle: a -> b -> c -> a"]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("canary: {steps: [{analysis: {}}]}", ["canary.steps[0].analysis"]),
        ("canary: {steps: [{setWeight: 5}, {analysis: {templates: null}}]}", ["canary.steps[1].analysis.templates"]),
        ("canary: {steps: [{analysis: {templates: [{templateName: a}]}}]}", []),
        ("canary: {steps: [{analysis: {templates: {}}}]}", []),
        ("canary: {steps: [{analysis: null}]}", []),
        ("canary: {steps: [{experiment: {analyses: [{name: a}]}}]}", []),
        ("canary: {analysis: {startingStep: 1}}", ["canary.analysis"]),
        (
            "blueGreen: {activeService: a, prePromotionAnalysis: {templates: []}}",
            ["blueGreen.prePromotionAnalysis.templates"],
        ),
        ("blueGreen: {activeService: a, postPromotionAnalysis: {}}", ["blueGreen.postPromotionAnalysis"]),
        ("blueGreen: {postPromotionAnalysis: {}}, canary: {}", []),
    ],
)
def test_an_analysis_names_a_template(strategy: str, expected: list[str]) -> None:
    assert paths(rollout(strategy), "RL212") == [f"RL212 spec.strategy.{path}" for path in expected]


def test_an_analysis_without_templates_aborts_before_1_9() -> None:
    text = rollout("canary: {steps: [{analysis: {}}]}")
    old = lint(text, Settings(select=("RL212",), targets=Targets(rollouts=Version(1, 8)))).active
    new = lint(text, Settings(select=("RL212",), targets=Targets(rollouts=Version(1, 9)))).active
    assert "aborts the Rollout" in old[0].finding.consequence
    assert "waits for its success" in new[0].finding.consequence


def test_the_faults_are_found_inside_a_list() -> None:
    item = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: cart}, spec: {workloadRef: {kind: X}}}"
    assert paths(f"apiVersion: v1\nkind: List\nitems: [{item}]", "RL207") == ["RL207 items[0].spec.workloadRef.kind"]


KEYS = ["workloadRef", "kind", "name", "apiVersion", "scaleDown", "template", "metadata", "labels", "spec", "selector"]
KEYS += ["matchLabels", "scaleTargetRef", "targetRef", "maxUnavailable", "minAvailable", "templates", "templateName"]
KEYS += ["strategy", "canary", "blueGreen", "analysis", "steps", "replicas", "app"]
TREE = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from(["", "cart", "Rollout", "apps/v1", "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs=st.lists(TREE, min_size=5, max_size=5))
def test_no_shape_of_a_spec_crashes(specs: list[object]) -> None:
    texts = [json.dumps(spec) for spec in specs]
    text = manifest("Rollout", "cart", texts[0]) + scaler(texts[1]) + deployment() + rollout(name="other")
    text += manifest("PodDisruptionBudget", "cart", texts[2], "policy/v1") + manifest(
        "Deployment", "x", texts[3], "apps/v1"
    )
    text += manifest("AnalysisTemplate", "cart", texts[4]) + service("cart", f"{MANAGED}: x")
    assert not lint(text, Settings(select=RULES, closed=True)).lost
