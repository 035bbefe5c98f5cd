"""The schemas of Kubernetes' own kinds: what is certain is told, and nothing of a Secret but its keys."""

from __future__ import annotations

import importlib.util
import json
import pathlib
from typing import Any

import pytest
import yaml

from rolloutlint.finding import show_path
from rolloutlint.report import Options, render
from rolloutlint.schema import Violation, field_paths, is_valid, violations
from rolloutlint.schema.generate import OBJECT_META, main
from rolloutlint.schema.generate_core import core_schema, definitions_of_newest, generate_core
from rolloutlint.schema.load import BUILT_IN, schema_of
from rolloutlint.settings import Settings
from tests.harness import lint

COMMITTED = pathlib.Path(__file__).parents[2] / "schemas" / "core"

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("kubernetes_validate") is None, reason="the package kubernetes-validate is not installed"
)


def check(text: str) -> tuple[Violation, ...]:
    document = yaml.safe_load(text)
    key = document["apiVersion"], document["kind"]
    found = violations(*key, document)
    assert not (found and is_valid(*key, document))
    return found


def service(spec: str) -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: cart}}\nspec: {spec}\n"


def deployment(container: str, spec: str = "", pod: str = "") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\n"
        f"spec: {{selector: {{matchLabels: {{app: cart}}}}, {spec}\n"
        f"  template: {{metadata: {{labels: {{app: cart}}}},\n"
        f"    spec: {{{pod} containers: [{{name: cart, {container}}}]}}}}}}\n"
    )


def autoscaler(version: str, spec: str) -> str:
    target = "scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}, maxReplicas: 5"
    return f"apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nspec: {{{target}, {spec}}}\n"


def ingress(path: str) -> str:
    rule = f"{{http: {{paths: [{{{path}}}]}}}}"
    return f"apiVersion: networking.k8s.io/v1\nkind: Ingress\nspec: {{rules: [{rule}]}}\n"


def secret(fields: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\n{fields}\n"


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\ndata: "
RULES = ("RL003", "RL004", "RL005", "RL010")
BUDGET = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nspec: "
BACKEND = "backend: {service: {name: cart, port: {number: 80}}}"


@pytest.mark.parametrize(
    "text, path, meant, home",
    [
        (service("{selectors: {app: cart}}"), "spec.selectors", "selector", ""),
        (service("{sessionaffinity: ClientIP}"), "spec.sessionaffinity", "sessionAffinity", ""),
        (service("{ports: [{port: 80, targetport: 8080}]}"), "spec.ports[0].targetport", "targetPort", ""),
        (service("{targetPort: 8080}"), "spec.targetPort", "", "spec.ports[].targetPort"),
        (
            deployment("readinessprobe: {}"),
            "spec.template.spec.containers[0].readinessprobe",
            "readinessProbe",
            "",
        ),
        (deployment("", "minReadySecond: 3,"), "spec.minReadySecond", "minReadySeconds", ""),
        (
            autoscaler("v2", "scaleDown: {stabilizationWindowSeconds: 60}"),
            "spec.scaleDown",
            "",
            "spec.behavior.scaleDown",
        ),
        (f"{BUDGET}{{minAvailabel: 1}}", "spec.minAvailabel", "minAvailable", ""),
        (secret("stringdata: {token: abc}"), "stringdata", "stringData", ""),
    ],
)
def test_a_field_near_a_known_one_is_told(text: str, path: str, meant: str, home: str) -> None:
    (violation,) = check(text)
    assert (violation.code, show_path(violation.path), violation.suggestion) == ("unknown-field", path, meant)
    assert ".".join(violation.elsewhere).replace(".[]", "[]") == home


@pytest.mark.parametrize(
    "text",
    [
        service("{brandNewRouting: {}}"),
        deployment("brandNewProbe: {}"),
        autoscaler("v2", "brandNewBehaviour: {}"),
        "apiVersion: v1\nkind: ConfigMap\nbrandNew: {}\n",
    ],
)
def test_a_field_near_no_other_may_be_one_of_a_newer_kubernetes(text: str) -> None:
    assert check(text) == ()


@pytest.mark.parametrize(
    "text, code, path, expected",
    [
        (service('{ports: [{port: "80"}]}'), "wrong-type", "spec.ports[0].port", "an integer"),
        (service("{ports: [{port: 80, targetPort: true}]}"), "wrong-type", "spec.ports[0].targetPort", None),
        (service("{ports: [{targetPort: 80}]}"), "missing-field", "spec.ports[0]", "an integer"),
        (service("{ports: [{port: 4294967376}]}"), "bad-value", "spec.ports[0].port", None),
        (
            deployment("env: [{name: A, value: 1}]"),
            "wrong-type",
            "spec.template.spec.containers[0].env[0].value",
            "a string",
        ),
        (
            deployment("resources: {limits: {memory: 256MB}}"),
            "bad-value",
            "spec.template.spec.containers[0].resources.limits.memory",
            "a quantity such as `500m` or `128Mi`",
        ),
        (
            deployment("resources: {limits: {memory: true}}"),
            "wrong-type",
            "spec.template.spec.containers[0].resources.limits.memory",
            "a number or a string",
        ),
        (autoscaler("v2", "metrics: [{resource: {}}]"), "missing-field", "spec.metrics[0]", "a string"),
        (ingress(f"path: /, {BACKEND}"), "missing-field", "spec.rules[0].http.paths[0]", "a string"),
        (f"{CONFIG_MAP}{{PORT: 8080}}", "wrong-type", "data.PORT", "a string"),
    ],
)
def test_what_the_api_server_cannot_decode_or_refuses_is_told(
    text: str, code: str, path: str, expected: str | None
) -> None:
    violation = check(text)[0]
    assert (violation.code, show_path(violation.path)) == (code, path)
    assert expected is None or violation.expected == expected


@pytest.mark.parametrize(
    "text",
    [
        service("{ports: [{port: 80, targetPort: http}, {port: 81, targetPort: 81, nodePort: null}], selector: null}"),
        service("{clusterIP: None, externalIPs: [null], ports: [{port: 80.0}]}"),
        service('{ports: [{port: "${PORT}"}]}'),
        service('{ports: [{port: "{{ .Values.port }}"}]}'),
        deployment("resources: {limits: {cpu: 0.5, memory: 1e9, nvidia.com/gpu: 1, x: 128Mi}}, args: [a, null]"),
        deployment("livenessProbe: {httpGet: {port: http, httpHeaders: [{name: Host}]}}"),
        deployment("", "strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}},"),
        autoscaler("v1", "targetCPUUtilizationPercentage: 80"),
        autoscaler("v2", "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]"),
        ingress(f"pathType: ImplementationSpecific, {BACKEND}"),
        f"{BUDGET}{{maxUnavailable: 30%, selector: {{}}}}",
        f"{CONFIG_MAP}{{A: null, B: '1'}}",
        secret("type: Opaque\ndata: {a: YQ==}\nstringData: {b: c}"),
        "apiVersion: v1\nkind: PodTemplate\ntemplate: {metadata: {creationTimestamp: null}, spec: {containers: []}}",
        "apiVersion: apps/v1\nkind: ReplicaSet\nspec: {selector: {}}\nstatus: {replicas: two}",
    ],
)
def test_what_kubernetes_takes_is_valid(text: str) -> None:
    assert check(text) == ()


def test_the_two_versions_of_an_autoscaler_have_their_own_fields() -> None:
    metrics = "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization}}}]"
    assert "spec.metrics[].type" in field_paths("autoscaling/v2", "HorizontalPodAutoscaler")
    assert "spec.metrics" not in field_paths("autoscaling/v1", "HorizontalPodAutoscaler")
    assert check(autoscaler("v2", metrics)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: a}\nspec: {rule: 1}\n",
        "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {maxReplicas: x}\n",
        "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\nspec: {replica: 1}\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {port: x}\n",
    ],
)
def test_versions_and_groups_without_a_schema_are_left_alone(text: str) -> None:
    assert [f.finding.rule for f in lint(text).active if f.finding.rule in RULES] == []


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 3}\n",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: a}]}}}\n",
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nspec: {minReplicas: 2}\n",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\n",
    ],
)
def test_a_part_of_an_object_lacks_nothing(text: str) -> None:
    assert check(text) == ()


def test_a_deployment_whose_pods_have_labels_is_whole_and_needs_a_selector() -> None:
    pods = "template: {metadata: {labels: {app: cart}}, spec: {containers: [{name: cart}]}}"
    (violation,) = check(f"apiVersion: apps/v1\nkind: Deployment\nspec: {{{pods}}}\n")
    assert (violation.code, violation.path, violation.field) == ("missing-field", ("spec",), "selector")


SECRETS = """\
apiVersion: v1
kind: Secret
metadata:
  name: login
  namespace: shop
immutable: "hunter-one"
data:
  pin: 731975
  open: true
  weight: 73.1975
stringData:
  hunter: [hunter-two]
  more: {hunter: hunter-three}
stringdata: {password: hunter-four}
type: 731975
"""


@pytest.mark.parametrize("format_", ["text", "json", "sarif", "markdown", "github", "gitlab", "junit", "rdjson"])
def test_no_report_shows_the_value_of_a_secret(format_: str) -> None:
    report = lint(SECRETS, Settings(profile="strict"))
    assert {"RL003", "RL004"} <= {f.finding.rule for f in report.active}
    text = render(report, format_, Options(verbose=True))
    for value in ("731975", "73.1975", "hunter-"):
        assert value not in text


@pytest.mark.parametrize("broken", ["stringData: {pin: '731975', pin: '731975'}", "stringData: {pin: '731975', "])
def test_no_frame_shows_the_lines_of_a_secret_that_cannot_be_read(broken: str) -> None:
    report = lint(secret(broken))
    assert report.active
    assert "731975" not in render(report, "text", Options())


@needs_package
def test_generating_again_gives_the_committed_files_byte_by_byte() -> None:
    committed = {file.relative_to(COMMITTED).as_posix(): file.read_text() for file in COMMITTED.rglob("*.json")}
    assert dict(generate_core(definitions_of_newest(), OBJECT_META)) == committed


@needs_package
def test_the_generator_writes_files_from_the_package(tmp_path: pathlib.Path) -> None:
    assert main(["--core", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "v1/Service.json").read_text()) == schema_of("v1", "Service")


def converted(**fields: Any) -> Any:
    root = {"type": "object", "properties": {"spec": fields}}
    return core_schema({"a.b.Thing": root}, "a.b.Thing", "v1", "Thing", OBJECT_META)["properties"]["spec"]


def test_an_unknown_keyword_stops_the_generator() -> None:
    with pytest.raises(ValueError, match="multipleOf"):
        converted(type="integer", multipleOf=2)


def test_a_definition_that_contains_itself_stops_the_generator() -> None:
    with pytest.raises(ValueError, match="itself"):
        converted(**{"$ref": "#/$defs/a.b.Thing"})


def test_null_is_taken_from_fields_and_left_in_lists() -> None:
    assert converted(type=["string", "null"]) == {"type": "string"}
    assert converted(type=["array", "null"], items={"type": "string"})["items"] == {"type": ["string", "null"]}


def test_enumerations_are_left_to_kubernetes() -> None:
    assert converted(type="string", enum=["a"]) == {"type": "string"}


@pytest.mark.parametrize("key", sorted(BUILT_IN))
def test_a_schema_is_of_its_version_and_kind(key: tuple[str, str]) -> None:
    fields = schema_of(*key)["properties"]
    assert (fields["apiVersion"], fields["kind"]) == ({"const": key[0]}, {"const": key[1]})
