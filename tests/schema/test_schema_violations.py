"""What a user is told about a field that the CRD does not allow."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.finding import show_path
from rolloutlint.schema import Violation, is_valid, known, show_field_path, violations

CORPUS = pathlib.Path(__file__).parents[3] / "shared" / "corpus" / "argo-rollouts"


def check(text: str) -> tuple[Violation, ...]:
    document = yaml.safe_load(text)
    return violations(document["apiVersion"].split("/")[0], document["kind"], document)


def rollout(strategy: str) -> str:
    return f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {{strategy: {strategy}}}\n"


def metric(text: str) -> str:
    return f"apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nspec: {{metrics: [{{name: a, {text}}}]}}\n"


def virtual_service(spec: str) -> str:
    return f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec: {spec}\n"


def mapping(kind: str, spec: str) -> str:
    return f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\n{spec}\n"


@pytest.mark.parametrize(
    "text, path, suggestion, elsewhere",
    [
        (
            rollout("{canary: {autoPromotionEnabled: false}}"),
            "spec.strategy.canary.autoPromotionEnabled",
            "",
            "spec.strategy.blueGreen.autoPromotionEnabled",
        ),
        (rollout("{bluegreen: {activeService: a}}"), "spec.strategy.bluegreen", "blueGreen", ""),
        (
            rollout("{canary: {steps: [{setweight: 10}]}}"),
            "spec.strategy.canary.steps[0].setweight",
            "setWeight",
            "",
        ),
        (rollout("{canary: {max-surge: 1}}"), "spec.strategy.canary.max-surge", "maxSurge", ""),
        (
            rollout("{canary: {setWeight: 10, steps: []}}"),
            "spec.strategy.canary.setWeight",
            "",
            "spec.strategy.canary.steps[].setWeight",
        ),
        (
            rollout("{canary: {steps: [{duration: 5m}]}}"),
            "spec.strategy.canary.steps[0].duration",
            "",
            "spec.strategy.canary.steps[].pause.duration",
        ),
        (
            rollout("{canary: {analysis: {templateName: a}}}"),
            "spec.strategy.canary.analysis.templateName",
            "",
            "spec.strategy.canary.analysis.templates[].templateName",
        ),
        (rollout("{canary: {qqq: 1}}"), "spec.strategy.canary.qqq", "", ""),
        (rollout("{canary: {name: a}}"), "spec.strategy.canary.name", "", ""),
        (metric("provider: {plugin: {}}, failurelimit: 1"), "spec.metrics[0].failurelimit", "failureLimit", ""),
        (
            metric("provider: {prometheus: {query: a, successCondition: b}}"),
            "spec.metrics[0].provider.prometheus.successCondition",
            "",
            "spec.metrics[].successCondition",
        ),
        (mapping("Rollout", "metadata: {lables: {a: b}}\nspec: {}"), "metadata.lables", "labels", ""),
        (mapping("Rollout", "replicas: 1\nspec: {}"), "replicas", "", "spec.replicas"),
        (virtual_service("{hots: [a]}"), "spec.hots", "hosts", ""),
    ],
)
def test_an_unknown_field_says_what_was_meant(text: str, path: str, suggestion: str, elsewhere: str) -> None:
    (violation,) = check(text)
    assert violation.code == "unknown-field"
    assert show_path(violation.path) == path
    assert violation.field == violation.path[-1]
    assert (violation.suggestion, show_field_path(violation.elsewhere)) == (suggestion, elsewhere)
    assert not violation.rejected


@pytest.mark.parametrize(
    "text, code, path, expected, found",
    [
        (
            virtual_service('{http: [{route: [{destination: {host: a}, weight: "100"}]}]}'),
            "wrong-type",
            "spec.http[0].route[0].weight",
            "an integer",
            'the string "100"',
        ),
        (rollout("[]"), "wrong-type", "spec.strategy", "a mapping", "a list"),
        (rollout("{canary: {steps: {}}}"), "wrong-type", "spec.strategy.canary.steps", "a list", "a mapping"),
        (
            rollout("{canary: {steps: [{pause: {duration: true}}]}}"),
            "wrong-type",
            "spec.strategy.canary.steps[0].pause.duration",
            "an integer or a string",
            "the boolean true",
        ),
        (
            metric("provider: {plugin: {}}, interval: 60"),
            "wrong-type",
            "spec.metrics[0].interval",
            "a string",
            "a number (60)",
        ),
        (
            rollout("{canary: {dynamicStableScale: 'yes'}}"),
            "wrong-type",
            "spec.strategy.canary.dynamicStableScale",
            "true or false",
            'the string "yes"',
        ),
        (rollout("{canary: {steps: [null]}}"), "wrong-type", "spec.strategy.canary.steps[0]", "a mapping", "null"),
        (
            metric("provider: {datadog: {query: a, apiVersion: v3}}"),
            "bad-value",
            "spec.metrics[0].provider.datadog.apiVersion",
            "one of `v1`, `v2`",
            'the string "v3"',
        ),
        (
            rollout("{canary: {steps: [{setWeight: 9999999999}]}}"),
            "bad-value",
            "spec.strategy.canary.steps[0].setWeight",
            "an integer that fits in 32 bits",
            "a number (9999999999)",
        ),
        (
            virtual_service("{http: [{match: [{port: -1}]}]}"),
            "bad-value",
            "spec.http[0].match[0].port",
            "a number from 0 to 4294967295",
            "a number (-1)",
        ),
        (
            virtual_service("{http: [{match: [{uri: {exact: a, prefix: b}}]}]}"),
            "bad-value",
            "spec.http[0].match[0].uri",
            "only one of `exact`, `prefix`, `regex`",
            "`exact` and `prefix`",
        ),
        (mapping("Rollout", "metadata: {}"), "missing-field", "", "a mapping", ""),
        (mapping("Rollout", "spec:"), "missing-field", "", "a mapping", "null"),
        (
            rollout("{blueGreen: {}}"),
            "missing-field",
            "spec.strategy.blueGreen",
            "a string",
            "",
        ),
    ],
)
def test_a_wrong_value_says_what_was_expected_and_what_is_there(
    text: str, code: str, path: str, expected: str, found: str
) -> None:
    (violation,) = check(text)
    assert (violation.code, show_path(violation.path)) == (code, path)
    assert (violation.expected, violation.found) == (expected, found)
    assert violation.rejected


def test_a_misspelt_required_field_is_one_violation_that_the_api_server_rejects() -> None:
    judge = "address: a, application: a, canaryConfigName: a, configurationAccountName: a, metricsAccountName: a"
    (violation,) = check(
        metric(f"provider: {{kayenta: {{{judge}, storageAccountName: a, scopes: [], thresholds: {{pass: 1}}}}}}")
    )
    assert (violation.field, violation.suggestion, violation.rejected) == ("thresholds", "threshold", True)


def test_every_missing_field_is_told_once() -> None:
    found = check(rollout("{canary: {trafficRouting: {istio: {destinationRule: {name: a}}}}}"))
    assert [each.field for each in found] == ["canarySubsetName", "stableSubsetName"]


def test_violations_come_in_document_order() -> None:
    found = check(rollout("{canary: {zzz: 1, steps: [{setWeight: a}, {bbb: 1, aaa: 1}], maxSurge: []}}"))
    assert [each.field for each in found] == ["zzz", "setWeight", "bbb", "aaa", "maxSurge"]


@pytest.mark.parametrize(
    "strategy",
    [
        "{canary: {trafficRouting: {plugins: {any/thing: {unknown: [1]}}}}}",
        "{canary: {steps: [{plugin: {name: a, config: {unknown: 1}}}]}}",
    ],
)
def test_fields_below_a_free_form_part_are_fine(strategy: str) -> None:
    assert check(rollout(strategy)) == ()


def test_quantities_in_resources_are_free_form_as_in_the_crd() -> None:
    containers = "[{name: a, resources: {limits: {cpu: 1.5, memory: invalid}}}]"
    text = mapping("Rollout", f"spec: {{template: {{spec: {{containers: {containers}, volumes: {{}}}}}}}}")
    assert check(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        rollout("{canary: null}"),
        rollout("{canary: {steps: null}}"),
        rollout("{canary: {steps: [{pause: null}]}}"),
        mapping("Rollout", "metadata: {creationTimestamp: null, labels: null}\nspec: {}"),
        virtual_service("{http: [{retries: {attempts: 1, retryRemoteLocalities: null}}]}"),
        virtual_service("{http: [{match: [{uri: {exact: a, prefix: null}}]}]}"),
    ],
)
def test_a_null_that_the_api_server_drops_is_valid(text: str) -> None:
    document = yaml.safe_load(text)
    assert check(text) == ()
    assert is_valid(document["apiVersion"].split("/")[0], document["kind"], document)


def test_a_null_under_an_unknown_field_is_an_unknown_field_and_says_null() -> None:
    (violation,) = check(rollout("{canary: {qqq: null}}"))
    assert (violation.code, violation.found) == ("unknown-field", "null")


def test_a_number_in_a_label_can_be_told_from_other_wrong_types() -> None:
    text = mapping(
        "Rollout",
        "metadata: {annotations: {a: 1}}\nspec: {replicas: x, template: {metadata: {labels: {v: true}}, spec: {}}}",
    )
    found = [each for each in check(text) if each.code == "wrong-type"]
    assert [(each.field, each.in_label) for each in found] == [("a", True), ("replicas", False), ("v", True)]


def test_a_suggestion_may_be_there_already() -> None:
    (violation,) = check(mapping("Rollout", "metadata: {labels: {}, lables: {}}\nspec: {}"))
    assert violation.suggestion == "labels"


def test_long_strings_are_cut() -> None:
    (violation,) = check(rollout(f"{{canary: {{steps: {'a' * 100}}}}}"))
    assert violation.found == f'the string "{"a" * 39}…"'


def test_an_unserved_version_is_a_bad_value() -> None:
    (violation,) = check("apiVersion: argoproj.io/v1\nkind: Rollout\nspec: {}\n")
    assert (violation.path, violation.expected) == (("apiVersion",), "`argoproj.io/v1alpha1`")


def test_a_kind_without_schema_has_no_violations() -> None:
    assert not known("", "Service")
    assert is_valid("", "Service", {"nonsense": 1})
    assert violations("", "Service", {"nonsense": 1}) == ()


def test_a_document_deeper_than_python_may_recurse_is_judged() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"a": deep, "b": [deep] if not deep else []}
    document = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"replicas": deep, "zzzzz": deep}}
    assert [each.code for each in violations("argoproj.io", "Rollout", document)] == ["wrong-type", "unknown-field"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.sampled_from(["spec", "metadata", "labels", "strategy"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(value=ANYTHING, kind=st.sampled_from(["Rollout", "AnalysisTemplate", "Application"]))
def test_any_value_is_judged_without_an_exception(value: Any, kind: str) -> None:
    assert is_valid("argoproj.io", kind, value) == (not violations("argoproj.io", kind, value))


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the upstream manifests are not at {CORPUS}")
def test_upstream_manifests_are_valid_but_for_the_two_made_invalid_on_purpose() -> None:
    invalid = {}
    for file in sorted(CORPUS.rglob("*.y*ml")):
        try:
            documents = list(yaml.load_all(file.read_text(), yaml.CSafeLoader))
        except yaml.YAMLError:  # Helm templates, and one file that is not YAML
            continue
        for document in documents:
            if not isinstance(document, dict):
                continue
            group, kind = str(document.get("apiVersion")).rpartition("/")[0], str(document.get("kind"))
            found = violations(group, kind, document)
            assert is_valid(group, kind, document) == (not found)
            if found:
                invalid[file.relative_to(CORPUS).as_posix()] = [(each.code, each.field) for each in found]
    assert invalid == {
        "lint/invalid-empty-rollout-vsvc.yml": [("missing-field", "spec")],
        "lint/invalid-unknown-field.yml": [("unknown-field", "unknown-strategy")],
    }


def test_valid_documents_never_load_jsonschema() -> None:
    script = (
        "import sys; from rolloutlint.schema import is_valid\n"
        "document = {'apiVersion': 'argoproj.io/v1alpha1', 'kind': 'Rollout', 'spec': {}}\n"
        "assert is_valid('argoproj.io', 'Rollout', document)\n"
        "assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=pathlib.Path(__file__).parents[2], timeout=60)
