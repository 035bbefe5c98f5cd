"""RL109-RL126: what the controller refuses, at its edges and in the world around the Rollout."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.engine import lint_paths
from rolloutlint.graph import Layout
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import CATALOGUE, found, lint

FAMILY = tuple(f"RL{number}" for number in range(109, 127))
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts"
FIRST = "the controller names this fault first"

SELECTOR = "  selector: {matchLabels: {app: cart}}\n"
TEMPLATE = """\
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: cart}]}
"""


def rollout(strategy: str = "canary: {}", spec: str = SELECTOR + TEMPLATE, name: str = "cart") -> str:
    """A Rollout with flow-style YAML under `strategy`, and the lines of the rest of its spec."""
    head = f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {{name: {name}}}\nspec:\n"
    return f"{head}{spec}  strategy: {{{strategy}}}\n"


def pods(spec: str) -> str:
    """The lines of a spec with flow-style YAML as the spec of the pods."""
    return SELECTOR + f"  template:\n    metadata: {{labels: {{app: cart}}}}\n    spec: {{{spec}}}\n"


def container(fields: str) -> str:
    return pods(f"containers: [{{name: side, image: side}}, {{name: cart, image: cart, {fields}}}]")


def findings(text: str, targets: Targets | None = None, layout: Layout | None = None) -> list[tuple[str, str]]:
    """(rule, path below `spec`) of the findings of the family."""
    report = lint(text, Settings(select=FAMILY, targets=targets or Targets()), layout)
    assert not report.lost
    return [(rule, path.removeprefix("spec").removeprefix(".")) for rule, _, path in found(report)]


def canary(fields: str) -> str:
    return rollout(f"canary: {{{fields}}}")


def steps(text: str, fields: str = "") -> str:
    return canary(f"{fields}steps: [{{setWeight: 20}}, {text}]")


NGINX = "canaryService: a, stableService: b, trafficRouting: {nginx: {stableIngress: a}}, "
ALB = "canaryService: a, stableService: b, trafficRouting: {alb: {servicePort: 80}, managedRoutes: [{name: h}]}, "
ROOTED = ALB.replace("80}", "80, rootService: r}")
PLUGIN = "trafficRouting: {plugins: {a: {}}, managedRoutes: [{name: m}]}, "
ISTIO = "canaryService: a, stableService: b, trafficRouting: {istio: {}, managedRoutes: [{name: h}, {name: m}]}, "
STEP = "strategy.canary.steps[1]"

CASES = [
    ("a valid one", rollout(), []),
    ("no strategy", rollout("").replace("  strategy: {}\n", ""), [("RL109", "")]),
    ("an empty strategy", rollout(""), [("RL109", "strategy")]),
    ("a null canary", rollout("canary: null"), [("RL109", "strategy.canary")]),
    ("a null canary beside blueGreen", rollout("canary: null, blueGreen: {activeService: a}"), []),
    ("both", rollout("canary: {}, blueGreen: {activeService: a}"), [("RL109", "strategy")]),
    ("a strategy in the wrong case", rollout("bluegreen: {activeService: a}"), [("RL109", "strategy")]),
    ("a strategy filled in later", rollout().replace("{canary: {}}", "'{{ .Values.strategy }}'"), []),
    ("replicas", rollout(spec="  replicas: -1\n" + SELECTOR + TEMPLATE), [("RL110", "replicas")]),
    ("a deadline of 0", rollout(spec="  progressDeadlineSeconds: 0\n" + SELECTOR + TEMPLATE), [
        ("RL111", "progressDeadlineSeconds")
    ]),
    ("a deadline below 0", rollout(spec="  progressDeadlineSeconds: -1\n" + SELECTOR + TEMPLATE), [
        ("RL110", "progressDeadlineSeconds")
    ]),
    ("ready after the default deadline", rollout(spec="  minReadySeconds: 600\n" + SELECTOR + TEMPLATE), [
        ("RL111", "minReadySeconds")
    ]),
    ("no selector", rollout(spec=TEMPLATE), [("RL112", "")]),
    ("a null selector", rollout(spec="  selector:\n" + TEMPLATE), [("RL112", "")]),
    ("an empty selector", rollout(spec="  selector: {matchLabels: {}}\n" + TEMPLATE), [("RL112", "selector")]),
    ("a value that no label has", rollout(spec="  selector: {matchLabels: {app: a b}}\n" + TEMPLATE), [
        ("RL112", "selector.matchLabels.app")
    ]),
    ("another app", rollout(spec="  selector: {matchLabels: {app: basket}}\n" + TEMPLATE), [
        ("RL113", "selector.matchLabels.app")
    ]),
    ("no labels", rollout(spec=SELECTOR + "  template: {spec: {containers: [{name: a, image: a}]}}\n"), [
        ("RL113", "selector.matchLabels.app")
    ]),
    ("no template", rollout(spec=SELECTOR), [("RL115", "")]),
    ("no containers", rollout(spec=pods("containers: []")), [("RL115", "template.spec.containers")]),
    ("surge and unavailable", canary("maxUnavailable: 0%, maxSurge: 0"), [("RL116", "strategy.canary.maxSurge")]),
    ("surge alone", canary("maxSurge: 0"), []),
    ("both anti-affinities", canary(
        "antiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: {weight: 1},"
        " requiredDuringSchedulingIgnoredDuringExecution: {}}"
    ), [("RL117", "strategy.canary.antiAffinity")]),
    ("the other strategy's", rollout("blueGreen: {activeService: a, antiAffinity: {}}"), [
        ("RL117", "strategy.blueGreen.antiAffinity")
    ]),
    ("ping-pong on nginx", canary(NGINX + "pingPong: {pingService: p, pongService: q}"), [
        ("RL118", "strategy.canary.pingPong")
    ]),
    ("no router", canary("trafficRouting: {maxTrafficWeight: 5}"), [
        ("RL118", "strategy.canary.trafficRouting.maxTrafficWeight")
    ]),
    ("a header route on nginx", steps("{setHeaderRoute: {name: h}}", NGINX), [
        ("RL118", f"{STEP}.setHeaderRoute"), ("RL124", f"{STEP}.setHeaderRoute")
    ]),
    ("an empty ping", canary(ROOTED + "pingPong: {pingService: '', pongService: q}"), [
        ("RL119", "strategy.canary.pingPong.pingService")
    ]),
    ("an absent ping is the schema's", canary(ROOTED + "pingPong: {pongService: q}"), []),
    ("no root Service", canary(ALB + "pingPong: {pingService: p, pongService: q}"), [
        ("RL119", "strategy.canary.trafficRouting.alb")
    ]),
    ("a delay of 0", canary("scaleDownDelaySeconds: 0"), [("RL120", "strategy.canary.scaleDownDelaySeconds")]),
    ("a dynamic scale that is off", canary("dynamicStableScale: false"), []),
    ("a header route without routing", steps("{setHeaderRoute: {name: h}}"), [("RL120", f"{STEP}.setHeaderRoute")]),
    ("an experiment's weight", steps("{experiment: {templates: [{name: a, specRef: canary}, {name: b, weight: 5}]}}"), [
        ("RL120", f"{STEP}.experiment.templates[1].weight")
    ]),
    ("an empty step", steps("{}"), [("RL121", STEP)]),
    ("a null pause", steps("{pause: null}"), [("RL121", STEP)]),
    ("a weight and a pause", steps("{pause: {}, setWeight: 5}"), [("RL121", f"{STEP}.pause")]),
    ("a weight and a scale", steps("{setCanaryScale: {replicas: 1}, setWeight: 5}", ALB), []),
    ("a step that is text", steps("'{{ more }}'"), []),
    ("a weight in quotes", steps("{setWeight: '200'}"), []),
    ("a weight above 100", steps("{setWeight: 101}"), [("RL122", f"{STEP}.setWeight")]),
    ("a weight below the maximum", steps("{setWeight: 500}", NGINX.replace("}}", "}, maxTrafficWeight: 1000}")), []),
    ("a regex on ALB", steps("{setHeaderRoute: {name: h, match: [{headerName: x, headerValue: {regex: a}}]}}", ALB), [
        ("RL123", f"{STEP}.setHeaderRoute.match[0].headerValue.regex")
    ]),
    ("nothing to match", steps("{setMirrorRoute: {name: m, match: [{method: {exact: GET}}, {path: {}}]}}", ISTIO), [
        ("RL123", f"{STEP}.setMirrorRoute.match[1].path")
    ]),
    ("a route that is not managed", steps("{setMirrorRoute: {name: x}}", ISTIO), [
        ("RL124", f"{STEP}.setMirrorRoute.name")
    ]),
    ("a route without a name", steps("{setHeaderRoute: {}}", ISTIO), [("RL124", f"{STEP}.setHeaderRoute")]),
    ("a route whose name is empty", steps("{setMirrorRoute: {name: ''}}", ISTIO), [
        ("RL124", f"{STEP}.setMirrorRoute.name")
    ]),
    ("no list of managed routes, twice", steps(
        "{setHeaderRoute: {name: a}}, {setHeaderRoute: {name: b}}", "trafficRouting: {apisix: {}}, "
    ), [("RL124", f"{STEP}.setHeaderRoute")]),
    ("names filled in later", steps(
        "{setHeaderRoute: {name: a}}", "trafficRouting: {apisix: {}, managedRoutes: [{name: '${A}'}]}, "
    ), []),
    ("more kept than there are", rollout("blueGreen: {activeService: a, scaleDownDelayRevisionLimit: 11}"), [
        ("RL125", "strategy.blueGreen.scaleDownDelayRevisionLimit")
    ]),
    ("the same of a canary", canary("scaleDownDelayRevisionLimit: 11"), []),
    ("a dynamic scale with a delay", canary(NGINX + "dynamicStableScale: true, scaleDownDelaySeconds: 0"), [
        ("RL125", "strategy.canary.dynamicStableScale")
    ]),
    ("an argument of a step", steps(
        "{analysis: {args: [{name: a}, {name: b, valueFrom: {fieldRef: {fieldPath: metadata.labels.x}}}]}}"
    ), [("RL126", f"{STEP}.analysis.args[1].valueFrom.fieldRef.fieldPath")]),
    ("an argument of a background analysis", canary(
        "analysis: {args: [{name: b, valueFrom: {fieldRef: {fieldPath: metadata.labels.x}}}]}"
    ), []),
]  # fmt: skip


@pytest.mark.parametrize(("case", "text", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_the_controller_refuses_is_found_at_its_place(
    case: str, text: str, expected: list[tuple[str, str]]
) -> None:
    assert findings(text) == expected


PODS = [
    ("a port out of range", "ports: [{containerPort: 80}, {containerPort: 65536}]", "ports[1].containerPort"),
    ("a port name too long", "ports: [{name: metrics-and-health, containerPort: 80}]", "ports[0].name"),
    ("a policy in lower case", "imagePullPolicy: always", "imagePullPolicy"),
    ("a request above its limit", "resources: {limits: {cpu: 500m}, requests: {cpu: 1}}", "resources.requests.cpu"),
    ("a request that is its limit", "resources: {limits: {cpu: 1}, requests: {cpu: 1000m}}", ""),
    ("an amount that cannot be read is dropped", "resources: {limits: {cpu: much}, requests: {cpu: -1}}", ""),
    ("a resource that is none", "resources: {requests: {gpu: 1}}", "resources.requests.gpu"),
    ("a variable twice filled", "env: [{name: A, value: a, valueFrom: {secretKeyRef: {key: a}}}]", "env[0].valueFrom"),
    ("an unknown volume", "volumeMounts: [{name: data, mountPath: /data}]", "volumeMounts[0].name"),
    ("two probes in one", "livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}", "livenessProbe.tcpSocket"),
    ("a probe that is filled in later", "livenessProbe: {httpGet: {port: '${PORT}', scheme: '${S}'}}", ""),
    ("a name in use", "volumeMounts: []}, {name: side, image: x", "name"),
]


@pytest.mark.parametrize(("case", "fields", "path"), PODS, ids=[pod[0] for pod in PODS])
def test_what_kubernetes_refuses_in_a_pod_is_found_at_its_place(case: str, fields: str, path: str) -> None:
    index = 2 if path == "name" else 1
    place = [("RL115", f"template.spec.containers[{index}].{path}")] if path else []
    assert findings(rollout(spec=container(fields))) == place


def test_volumes_that_cannot_be_read_leave_their_mounts_alone() -> None:
    mounts = "containers: [{name: a, image: a, volumeMounts: [{name: x, mountPath: /x}]}]"
    assert findings(rollout(spec=pods(f"volumes: '{{{{ volumes }}}}', {mounts}"))) == []
    assert findings(rollout(spec=pods(f"volumes: [{{name: y, emptyDir: none}}], {mounts}"))) == []


def test_faults_beside_the_containers_are_found_at_their_places() -> None:
    spread = "topologySpreadConstraints: [{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]"
    tolerations = "tolerations: [{key: a, operator: Exists}, {key: a, operator: Exists, value: b}]"
    user = "securityContext: {runAsUser: -1}, serviceAccountName: cart_robot"
    text = rollout(spec=pods(f"{spread}, {tolerations}, {user}, containers: [{{name: a, image: a}}]"))
    assert findings(text) == [
        ("RL115", "template.spec.topologySpreadConstraints[0].maxSkew"),
        ("RL115", "template.spec.tolerations[1].value"),
        ("RL115", "template.spec.securityContext.runAsUser"),
        ("RL115", "template.spec.serviceAccountName"),
    ]


WORKLOAD = "  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: cart}\n"
DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: CART}]}
"""


def test_with_a_workload_neither_selector_nor_template_is_needed() -> None:
    assert findings(rollout(spec=WORKLOAD)) == []


def test_a_template_with_labels_beside_a_workload_is_refused() -> None:
    assert findings(rollout(spec=WORKLOAD + TEMPLATE)) == [("RL114", "template")]
    assert findings(rollout(spec=WORKLOAD + "  template: {spec: {containers: []}}\n")) == []


def test_the_selector_must_match_the_pods_of_the_workload() -> None:
    other = WORKLOAD + "  selector: {matchLabels: {app: basket}}\n"
    assert findings(rollout(spec=other) + DEPLOYMENT) == [("RL113", "selector.matchLabels.app")]
    assert findings(rollout(spec=WORKLOAD + SELECTOR) + DEPLOYMENT) == []
    assert findings(rollout(spec=other)) == []


VERSIONS = [
    ((1, 7), steps("{plugin: {name: a/b}}"), [("RL121", STEP)]),
    ((1, 8), steps("{plugin: {name: a/b}}"), []),
    ((1, 9), steps("{setMirrorRoute: {name: m}}", PLUGIN), [
        ("RL118", f"{STEP}.setMirrorRoute")
    ]),
    ((1, 10), steps("{setMirrorRoute: {name: m}}", PLUGIN), []),
    ((1, 9), canary("pingPong: {pingService: a, pongService: b}, trafficRouting: {plugins: {a: {}}}"), [
        ("RL118", "strategy.canary.pingPong")
    ]),
    ((1, 10), canary("pingPong: {pingService: a, pongService: b}, trafficRouting: {plugins: {a: {}}}"), []),
    ((1, 6), canary("pingPong: {pingService: a, pongService: b}, trafficRouting: {istio: {}}"), [
        ("RL118", "strategy.canary.pingPong")
    ]),
    ((1, 7), canary("pingPong: {pingService: a, pongService: b}, trafficRouting: {istio: {}}"), []),
    ((1, 6), steps("{setWeight: 200}", NGINX.replace("}}", "}, maxTrafficWeight: 1000}")), [
        ("RL122", f"{STEP}.setWeight")
    ]),
    ((1, 7), steps("{experiment: {templates: [{name: a, weight: 5}]}}", "trafficRouting: {plugins: {a: {}}}, "), [
        ("RL118", f"{STEP}.experiment.templates[0].weight")
    ]),
    ((1, 8), steps("{experiment: {templates: [{name: a, weight: 5}]}}", "trafficRouting: {plugins: {a: {}}}, "), []),
]  # fmt: skip


@pytest.mark.parametrize(("release", "text", "expected"), VERSIONS)
def test_each_release_refuses_what_it_does_not_support(
    release: tuple[int, int], text: str, expected: list[tuple[str, str]]
) -> None:
    assert findings(text, Targets(rollouts=Version(*release))) == expected


def test_the_fault_that_the_controller_names_first_is_shown_with_the_others() -> None:
    text = canary("maxSurge: 0, maxUnavailable: 0, steps: [{}]").replace("spec:\n", "spec:\n  replicas: -1\n", 1)
    report = lint(text, Settings(select=FAMILY))
    first = {f.finding.rule: [r.message for r in f.finding.related] for f in report.active}
    assert first == {"RL110": [], "RL116": [FIRST], "RL121": [FIRST]}


def test_a_router_that_learns_it_later_is_told_from_when_on() -> None:
    (finding,) = lint(steps("{setMirrorRoute: {name: m}}", PLUGIN), Settings(select=FAMILY)).active
    assert finding.finding.message.endswith("needs Argo Rollouts 1.10; the target is 1.9")


def test_the_words_of_the_controller_stand_in_the_consequence() -> None:
    (finding,) = lint(canary("maxSurge: 0, maxUnavailable: 0"), Settings(select=FAMILY)).active
    assert '"MaxSurge and MaxUnavailable both can not be zero"' in finding.finding.consequence


def test_several_rollouts_in_one_file_are_judged_each_by_itself() -> None:
    text = rollout() + "---\n" + canary("maxSurge: 0, maxUnavailable: 0") + "---\n" + rollout("", name="third")
    assert [rule for rule, _ in findings(text)] == ["RL116", "RL109"]


def test_a_fault_inside_a_list_is_found_where_it_stands() -> None:
    body = "".join(f"    {line}\n" for line in steps("{setWeight: 101}").splitlines())
    harmless = "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: first}}\n"
    report = lint("apiVersion: v1\nkind: List\nitems:\n" + harmless + "  -\n" + body, Settings(select=FAMILY))
    assert found(report) == [("RL122", 14, "items[1].spec.strategy.canary.steps[1].setWeight")]


class Overlay(NamedTuple):
    """A kustomization that may change one place."""

    place: tuple[str, ...]
    root: str = "."
    namespace: str | None = None
    renames: bool = False

    def touches(self, kind: str, name: str, path: tuple[str | int, ...] = ()) -> bool:
        return kind == "Rollout" and all(a == b for a, b in zip(self.place, path, strict=False))


def patching(*place: str) -> Layout:
    return Layout(roots={"input.yaml": "."}, overlays={"input.yaml": (Overlay(place),)})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (canary("scaleDownDelaySeconds: 5"), ("spec", "strategy", "canary", "trafficRouting")),
        (steps("{setWeight: 200}", NGINX), ("spec", "strategy", "canary", "trafficRouting", "maxTrafficWeight")),
        (rollout(""), ("spec", "strategy", "blueGreen")),
        (canary("maxSurge: 0, maxUnavailable: 0"), ("spec", "strategy", "canary", "maxUnavailable")),
        (rollout(spec=TEMPLATE), ("spec", "workloadRef")),
        (rollout(spec="  selector: {matchLabels: {x: z}}\n" + TEMPLATE), ("spec", "template", "metadata", "labels")),
    ],
)
def test_what_a_kustomization_may_mend_is_not_judged(text: str, place: tuple[str, ...]) -> None:
    assert findings(text) != []
    assert findings(text, layout=patching(*place)) == []


@pytest.mark.parametrize("name", ["ROLLOUT_NAME", "cart-$$name$$", "cart:1"])
def test_a_rollout_whose_own_name_is_refused_never_reaches_the_controller(name: str) -> None:
    assert findings(rollout("", spec="", name=f"'{name}'")) == []


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec:\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: []\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: []\nspec: text\n",
    ],
)
def test_a_rollout_without_a_spec_is_left_to_the_schema(text: str) -> None:
    assert findings(text) == []


def test_what_a_test_expects_of_a_rollout_is_no_rollout() -> None:
    text = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec: {replicas: 2}\n"
    assert [rule for rule, _ in findings(text)] == ["RL109", "RL112", "RL115"]
    assert findings(text + "status: {phase: Healthy}\n") == []


FIELDS = [
    "canary", "blueGreen", "steps", "pause", "setWeight", "experiment", "templates", "weight", "analyses", "args",
    "valueFrom", "fieldRef", "fieldPath", "trafficRouting", "alb", "istio", "managedRoutes", "name", "setHeaderRoute",
    "match", "headerValue", "exact", "pingPong", "pingService", "antiAffinity", "maxSurge", "maxUnavailable",
    "preferredDuringSchedulingIgnoredDuringExecution", "spec", "metadata", "labels", "containers", "volumes", "env",
    "ports", "resources", "limits", "requests", "volumeMounts", "livenessProbe", "httpGet", "port", "matchLabels",
    "matchExpressions", "key", "operator", "values", "tolerations", "initContainers",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 200) | st.sampled_from(["", "a", "In", "${X}", "metadata.x", "0%"])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=200)
@given(st.fixed_dictionaries({"strategy": TREES, "template": TREES, "selector": TREES, "workloadRef": TREES}))
def test_no_spec_however_malformed_crashes_a_check(spec: dict[str, object]) -> None:
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}, "spec": spec}
    assert not lint(json.dumps(value), Settings(select=FAMILY, targets=Targets(rollouts=Version(1, 6)))).lost


@settings(max_examples=60)
@given(st.sampled_from([case[1] for case in CASES]), st.data())
def test_every_field_given_a_wrong_type_is_survived(text: str, data: st.DataObject) -> None:
    from rolloutlint.source import Document, Source, load

    (document,) = load(Source("a.yaml", text))
    assert isinstance(document, Document)
    value = json.loads(json.dumps(document.value))
    node, path = value["spec"], ["spec"]
    while isinstance(node, (dict, list)) and node:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
        if data.draw(st.booleans()) or not isinstance(node[key], (dict, list)) or not node[key]:
            node[key] = data.draw(SCALARS | st.just([]) | st.just({}) | st.just([[{}]]))
            break
        node = node[key]
        path.append(str(key))
    assert not lint(json.dumps(value), Settings(select=("ALL",))).lost


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the upstream manifests are not beside the repository")
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("invalid.yml", [("RL116", 12)]),
        ("invalid.json", [("RL116", 13)]),
        ("invalid-multiple-docs.yml", [("RL116", 25)]),
        ("invalid-nginx-canary.yml", [("RL118", 98)]),
        ("invalid-unknown-field.yml", [("RL109", 8)]),
    ],
)
def test_upstreams_invalid_files_are_refused_for_upstreams_reasons(file: str, expected: list[tuple[str, int]]) -> None:
    report = lint_paths([os.fspath(CORPUS / "lint" / file)], Settings(select=FAMILY), CATALOGUE)
    assert [(rule, line) for rule, line, _ in found(report)] == expected


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the upstream manifests are not beside the repository")
@pytest.mark.parametrize("folder", ["e2e", "examples"])
def test_nothing_that_upstream_runs_is_refused(folder: str) -> None:
    report = lint_paths([os.fspath(CORPUS / folder)], Settings(select=FAMILY), CATALOGUE)
    assert report.counts.resources > 40
    assert found(report) == []
