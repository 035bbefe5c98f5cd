"""RL2: what a Rollout names, at its edges."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutlint.engine import lint_paths
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE, found, lint

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts"
REFERENCES = ("RL2",)
PROBE = "readinessProbe: {httpGet: {path: /, port: 8080}}"


def rollout(
    strategy: str,
    name: str = "cart",
    labels: str = "{app: cart}",
    containers: str = "{name: cart, image: cart, " + PROBE + "}",
    spec: str = "",
    namespace: str = "shop",
) -> str:
    """A Rollout with flow-style YAML for its parts."""
    return f"""---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  strategy: {{{strategy}}}
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {labels}}}
    spec: {{containers: [{containers}]}}
{spec}
"""


def canary(fields: str = "canaryService: cart-canary, stableService: cart-stable") -> str:
    return f"canary: {{{fields}, steps: [{{setWeight: 5}}, {{pause: {{duration: 5m}}}}]}}"


def service(
    name: str, selector: str = "{app: cart}", ports: str = "{port: 80, targetPort: 8080}", ns: str = "shop"
) -> str:
    spec = f"{{selector: {selector}, ports: [{ports}]}}"
    return f"---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {ns}}}, spec: {spec}}}\n"


def template(name: str, kind: str = "AnalysisTemplate", metric: str = "errors", nested: str = "") -> str:
    metadata = f"{{name: {name}, namespace: shop}}" if kind == "AnalysisTemplate" else f"{{name: {name}}}"
    spec = f"{{templates: [{nested}], metrics: [{{name: first}}, {{name: {metric}}}]}}"
    return f"---\n{{apiVersion: argoproj.io/v1alpha1, kind: {kind}, metadata: {metadata}, spec: {spec}}}\n"


BOTH = service("cart-canary") + service("cart-stable")


def run(text: str | dict[str, str], rule: str = "", closed: bool = False) -> Report:
    report = lint(text, Settings(select=(rule,) if rule else REFERENCES, closed=closed))
    assert not report.lost
    return report


def paths(text: str | dict[str, str], rule: str = "", closed: bool = False) -> list[str]:
    """`rule path` of every finding; the path below `spec.strategy` is cut short."""
    return [f"{r} {p.removeprefix('spec.strategy.')}" for r, _, p in found(run(text, rule, closed))]


def only(text: str | dict[str, str], rule: str, closed: bool = False) -> tuple[str, str, str]:
    """(message, consequence, remedy) of the one finding."""
    (settled,) = run(text, rule, closed).active
    finding = settled.finding
    return finding.message, finding.consequence, finding.remedy


# ---- RL201


def test_a_rollout_with_its_services_is_clean() -> None:
    assert paths(rollout(canary()) + BOTH) == []


def test_services_are_unknown_where_the_inputs_hold_none_of_that_namespace() -> None:
    assert paths(rollout(canary()) + service("cart", ns="other")) == []


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (canary(), ["RL201 canary.canaryService", "RL201 canary.stableService"]),
        (
            canary("pingPong: {pingService: a, pongService: b}"),
            ["canary.pingPong.pingService", "canary.pingPong.pongService"],
        ),
        (
            "blueGreen: {activeService: a, previewService: b, autoPromotionEnabled: false}",
            ["blueGreen.activeService", "blueGreen.previewService"],
        ),
        (canary("trafficRouting: {smi: {rootService: root}}"), ["canary.trafficRouting.smi.rootService"]),
        (canary("trafficRouting: {alb: {rootService: use-me}}"), []),
        (canary("canaryService: '', stableService: null"), []),
        (canary("canaryService: '${NAME}', stableService: '{{ name }}'"), []),
    ],
)
def test_every_role_asks_for_its_service(strategy: str, expected: list[str]) -> None:
    expected = [e if e.startswith("RL201") else f"RL201 {e}" for e in expected]
    assert paths(rollout(strategy) + service("first"), "RL201") == expected


def test_a_misspelt_service_gets_a_suggestion() -> None:
    _, _, remedy = only(rollout(canary("canaryService: cart-canry, stableService: cart-stable")) + BOTH, "RL201")
    assert remedy.startswith("Write `cart-canary`")


def test_a_service_of_the_rollout_itself_is_not_suggested() -> None:
    _, _, remedy = only(rollout(canary("canaryService: cart-stable2, stableService: cart-stable")) + BOTH, "RL201")
    assert remedy.startswith("Add the Service")


def test_a_service_of_another_namespace_does_not_count() -> None:
    text = rollout(canary("stableService: cart")) + service("cart", ns="other") + service("else")
    assert only(text, "RL201")[0] == "Service `cart` (stableService) does not exist in namespace `shop`"


def test_a_service_missing_inside_a_list_is_reported_at_its_own_place() -> None:
    items = "".join(f"    {line}\n" for line in rollout(canary("stableService: none")).splitlines()[1:])
    text = "apiVersion: v1\nkind: List\nitems:\n  -\n" + items + service("first")
    assert paths(text, "RL201") == ["RL201 items[0].spec.strategy.canary.stableService"]


# ---- RL202


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("blueGreen: {activeService: a, previewService: a}", ["RL202 blueGreen.previewService"]),
        ("blueGreen: {activeService: a, previewService: b}", []),
        ("blueGreen: {activeService: a}", []),
        ("blueGreen: {activeService: ''}", ["RL202 blueGreen.activeService"]),
        ("blueGreen: {activeService: '', previewService: b}", []),
        ("blueGreen: {previewService: ''}", []),
        (canary("stableService: a, canaryService: a"), ["RL202 canary.canaryService"]),
        (canary("stableService: '', canaryService: ''"), []),
        (canary("stableService: 5, canaryService: 5"), []),
        (canary("pingPong: {pingService: a, pongService: a}"), ["RL202 canary.pingPong.pongService"]),
        ("blueGreen: {activeService: a, previewService: a}, canary: {}", []),
    ],
)
def test_one_service_has_one_role(strategy: str, expected: list[str]) -> None:
    assert paths(rollout(strategy), "RL202") == expected


def test_a_service_of_two_rollouts_is_reported_once_at_the_later_one() -> None:
    text = rollout(canary("stableService: cart")) + rollout(canary("stableService: cart"), "basket") + service("cart")
    report = run(text, "RL202")
    assert [(f.finding.resource.name if f.finding.resource else "") for f in report.active] == ["basket"]
    assert report.active[0].related[0].span.line < report.active[0].span.line


@pytest.mark.parametrize(
    "second",
    [
        rollout(canary("stableService: cart"), "basket", namespace="other") + service("cart", ns="other"),
        rollout(canary("stableService: basket"), "basket") + service("basket"),
    ],
)
def test_rollouts_that_share_no_service_are_clean(second: str) -> None:
    assert paths(rollout(canary("stableService: cart")) + service("cart") + second, "RL202") == []


def test_environments_that_share_a_service_file_do_not_share_the_service() -> None:
    files = {
        "env/service.yaml": service("cart"),
        "env/dev/rollout.yaml": rollout(canary("stableService: cart")),
        "env/dev/same.yaml": service("same"),
        "env/prod/rollout.yaml": rollout(canary("stableService: cart"), "cart-prod"),
        "env/prod/same.yaml": service("same"),
    }
    assert paths(files, "RL202") == []


# ---- RL203


SELECTORS = [
    ("{app: cart}", "{app: cart}", []),
    ("{app: cart, rollouts-pod-template-hash: abc}", "{app: cart}", []),
    ("{app: cart, tier: web}", "{app: cart, tier: web, more: x}", []),
    ("{app: cart, tier: web}", "{app: cart}", ["RL203 canary.canaryService"]),
    ("{app: cart, tier: web}", "{app: cart, tier: api}", ["RL203 canary.canaryService"]),
    ("{app: cart, tier: web}", "{app: cart, tier: '{{ tier }}'}", []),
    ("{app: cart, tier: web}", "{app: cart, tier: 5}", []),
    ("{app: cart, tier: web}", "{app: cart, tier: null}", ["RL203 canary.canaryService"]),
    ("{app: cart, tier: ''}", "{app: cart, tier: null}", []),
    ("null", "{app: cart}", []),
    ("{}", "{app: cart}", []),
    ("{app: cart, tier: web}", "null", []),
    ("[app, cart]", "{app: cart}", []),
]


@pytest.mark.parametrize(("selector", "labels", "expected"), SELECTORS)
def test_a_selector_is_compared_with_the_labels_of_the_template(
    selector: str, labels: str, expected: list[str]
) -> None:
    text = rollout(canary(), labels=labels) + service("cart-stable") + service("cart-canary", selector)
    assert paths(text, "RL203") == expected


@pytest.mark.parametrize("field", ["canaryMetadata", "stableMetadata"])
def test_a_label_of_one_role_only_is_named_as_such(field: str) -> None:
    strategy = canary(f"canaryService: cart-canary, {field}: {{labels: {{role: x}}}}")
    text = rollout(strategy) + service("cart-canary", "{app: cart, role: x}")
    assert only(text, "RL203")[0].endswith("a label from the metadata of one role only")


def deployment(labels: str) -> str:
    pods = (
        f"{{metadata: {{labels: {labels}}}, spec: {{containers: [{{name: cart, ports: [{{containerPort: 8080}}]}}]}}}}"
    )
    metadata = "{name: cart, namespace: shop}"
    return f"---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {metadata}, spec: {{template: {pods}}}}}\n"


def by_reference(text: str) -> str:
    """The Rollout without its template, with a `workloadRef` in its place."""
    return text.split("  template:")[0] + "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: cart}\n"


@pytest.mark.parametrize(
    ("workload", "expected"),
    [
        ("", []),
        (deployment("{app: cart}"), []),
        (deployment("{app: old}"), ["RL203 canary.canaryService", "RL203 canary.stableService"]),
    ],
)
def test_with_a_workload_reference_its_labels_count(workload: str, expected: list[str]) -> None:
    assert paths(by_reference(rollout(canary())) + workload + BOTH, "RL203") == expected


# ---- RL204


def analysis(name: str, more: str = "") -> str:
    templates = f"[{{templateName: {name}{more}}}]"
    return f"canary: {{steps: [{{pause: {{duration: 1m}}}}, {{analysis: {{templates: {templates}}}}}]}}"


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (analysis("known"), []),
        (analysis("''"), []),
        (analysis("known", ", clusterScope: null"), []),
        (analysis("none"), ["canary.steps[1].analysis.templates[0].templateName"]),
        (
            "canary: {analysis: {templates: [{templateName: known}, {templateName: none}]}}",
            ["canary.analysis.templates[1].templateName"],
        ),
        (
            "blueGreen: {prePromotionAnalysis: {templates: [{templateName: none}]}}",
            ["blueGreen.prePromotionAnalysis.templates[0].templateName"],
        ),
        (
            "blueGreen: {postPromotionAnalysis: {templates: [{templateName: none}]}}",
            ["blueGreen.postPromotionAnalysis.templates[0].templateName"],
        ),
        (
            "canary: {steps: [{experiment: {analyses: [{name: a, templateName: none}]}}]}",
            ["canary.steps[0].experiment.analyses[0].templateName"],
        ),
    ],
)
def test_every_analysis_asks_for_its_templates(strategy: str, expected: list[str]) -> None:
    text = rollout(strategy) + template("known")
    assert paths(text, "RL204") == [f"RL204 {p}" for p in expected]


def test_templates_are_unknown_where_the_inputs_hold_none() -> None:
    assert paths(rollout(analysis("none")), "RL204") == []
    assert len(paths(rollout(analysis("none")), "RL204", closed=True)) == 1


def test_the_name_of_a_metric_is_recognised() -> None:
    message, _, remedy = only(rollout(analysis("errors")) + template("health"), "RL204")
    assert message == "AnalysisTemplate `errors` does not exist; `errors` is a metric of AnalysisTemplate `health`"
    assert "`health`" in remedy


def test_the_wrong_scope_is_recognised_in_both_directions() -> None:
    wide = template("health", "ClusterAnalysisTemplate")
    text = rollout(analysis("health")) + wide + template("other")
    assert only(text, "RL204")[2] == "Set `clusterScope: true` beside the name."
    text = rollout(analysis("health", ", clusterScope: true")) + template("health") + wide.replace("health", "other")
    assert only(text, "RL204")[2] == "Set `clusterScope: false` beside the name."


def test_a_missing_template_of_an_experiment_aborts_and_is_not_refused() -> None:
    strategy = "canary: {steps: [{experiment: {analyses: [{name: a, templateName: helth}]}}]}"
    _, consequence, remedy = only(rollout(strategy) + template("health"), "RL204")
    assert "aborted" in consequence
    assert remedy.startswith("Write `health`")


def test_a_nested_template_is_asked_for_where_its_namespace_is_certain() -> None:
    text = template("outer", nested="{templateName: inner}") + template("other")
    assert paths(text, "RL204") == ["RL204 spec.templates[0].templateName"]
    wide = template("outer", "ClusterAnalysisTemplate", nested="{templateName: inner}") + template("other")
    assert paths(wide, "RL204") == []


def test_an_experiment_of_its_own_needs_its_templates() -> None:
    head = "---\napiVersion: argoproj.io/v1alpha1\nkind: Experiment\nmetadata: {name: e, namespace: shop}\nspec: "
    text = head + "{analyses: [{name: a, templateName: errors}, {name: b, templateName: eror}]}\n" + template("errors")
    message, consequence, _ = only(text, "RL204")
    assert message == "AnalysisTemplate `eror` does not exist in namespace `shop`"
    assert consequence == "The Experiment ends in Error."


# ---- RL205


BARE = "{name: cart, image: cart, ports: [{name: http, containerPort: 8080}]}"
SIDECAR = "{name: proxy, image: proxy, ports: [{name: admin, containerPort: 9901}]}"
NAME = "RL205 spec.template.spec.containers[%d].name"


@pytest.mark.parametrize(
    ("containers", "services", "expected"),
    [
        (BARE, BOTH, [NAME % 0]),
        (f"{SIDECAR}, {BARE}", BOTH, [NAME % 1]),
        (f"{SIDECAR}, {BARE}", "", []),
        (BARE, "", [NAME % 0]),
        ("{name: cart, image: cart}", "", []),
        ("{name: cart, image: cart}", BOTH, [NAME % 0]),
        ("{name: cart, image: cart}", BOTH.replace("8080", "http"), []),  # no endpoints: nothing gets there
        (BARE.replace("ports", PROBE + ", ports"), BOTH, []),
        (BARE.replace("ports", "readinessProbe: null, ports"), BOTH, [NAME % 0]),
        (BARE.replace("ports", "startupProbe: {tcpSocket: {port: 8080}}, ports"), BOTH, []),
        (f"{SIDECAR}, {BARE}", BOTH.replace("8080", "http"), [NAME % 1]),
        (f"{SIDECAR}, {BARE}", BOTH.replace(", targetPort: 8080", ""), []),
        (f"{SIDECAR}, {BARE}", BOTH.replace("port: 80, targetPort: 8080", "port: 9901"), [NAME % 0]),
        ("null", BOTH, []),
        ("{image: cart}", BOTH, ["RL205 spec.template.spec.containers[0]"]),
    ],
)
def test_a_probe_is_asked_of_the_container_that_gets_the_traffic(
    containers: str, services: str, expected: list[str]
) -> None:
    assert paths(rollout(canary(), containers=containers) + services, "RL205") == expected


def test_a_worker_without_services_needs_no_probe() -> None:
    assert paths(rollout("canary: {steps: [{setWeight: 5}, {pause: {}}]}", containers=BARE), "RL205") == []


def test_readiness_gates_of_the_pod_stand_in_for_a_probe() -> None:
    text = rollout(canary(), containers=BARE).replace(
        "spec: {containers", "spec: {readinessGates: [{conditionType: x}], containers"
    )
    assert paths(text + BOTH, "RL205") == []


def test_the_container_of_a_referenced_workload_is_reported_where_it_stands() -> None:
    files = {"a.yaml": by_reference(rollout(canary())) + BOTH, "b.yaml": deployment("{app: cart}")}
    (finding,) = run(files, "RL205").active
    assert (finding.file, finding.path) == ("b.yaml", "spec.template.spec.containers[0].name")


def test_min_ready_seconds_change_what_available_means() -> None:
    _, consequence, _ = only(rollout(canary(), containers=BARE, spec="  minReadySeconds: 20") + BOTH, "RL205")
    assert "20 s after the container has started" in consequence


# ---- the whole family

KEYS = [
    "canary",
    "blueGreen",
    "activeService",
    "previewService",
    "canaryService",
    "stableService",
    "pingPong",
    "pingService",
]
KEYS += [
    "steps",
    "analysis",
    "templates",
    "templateName",
    "experiment",
    "analyses",
    "trafficRouting",
    "smi",
    "rootService",
]
KEYS += ["metadata", "labels", "spec", "containers", "ports", "containerPort", "name", "canaryMetadata"]
SCALARS = st.none() | st.booleans() | st.integers(-1, 9000) | st.sampled_from(["cart", "", "{{ x }}", "health"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, VALUES, VALUES, VALUES)
def test_no_manifest_however_malformed_crashes_a_check(
    canary: object, pods: object, ports: object, ref: object
) -> None:
    spec = {"strategy": {"canary": canary}, "template": pods, "workloadRef": ref, "minReadySeconds": ref}
    objects = [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "cart"},
            "spec": {"selector": pods, "ports": ports},
        },
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "b"}, "spec": canary},
    ]
    text = "\n---\n".join(map(json.dumps, objects))
    assert not lint(text, Settings(select=REFERENCES, closed=True)).lost


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the upstream manifests are not beside the repository")
def test_upstream_manifests_have_only_the_faults_they_were_made_for() -> None:
    report = lint_paths(
        [os.fspath(CORPUS / d) for d in ("examples", "e2e", "lint")], Settings(select=REFERENCES), CATALOGUE
    )
    errors = {(os.path.basename(f.file), f.finding.rule) for f in report.active if f.severity == "error"}
    assert errors == {
        ("invalid-service-labels.yml", "RL203"),
        ("invalid-ping-pong.yml", "RL203"),
        ("invalid-ingress-smi-multi.yml", "RL203"),
        ("invalid-rollout.yaml", "RL215"),
        ("disabled-rollout.yaml", "RL215"),  # the test that uses it writes the name of the plugin into it
    }
