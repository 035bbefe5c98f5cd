"""RL637 to RL640 against ApplicationSets of every shape."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL637", "RL638", "RL639", "RL640"))
EU, US = {"cluster": "eu", "url": "https://eu.example"}, {"cluster": "us", "url": "https://us.example"}


def elements(*items: Any, **more: Any) -> dict[str, Any]:
    return {"list": {"elements": list(items), **more}}


LIST = elements(EU, US)
DIRECTORIES = {"git": {"repoURL": "https://git.example/shop/deploy.git", "directories": [{"path": "apps/*"}]}}
FILES = {"git": {"repoURL": "https://git.example/shop/deploy.git", "files": [{"path": "apps/*.json"}]}}


def application_set(*generators: Any, name: Any = "web-{{cluster}}", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"name": name}, "spec": {"project": "shop", "source": {"path": "apps/web"}}}
    whole = {"generators": list(generators), "template": template, **spec}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "web", "namespace": "argocd"},
        "spec": whole,
    }


def found(*objects: dict[str, Any]) -> list[tuple[str, str]]:
    report = lint(yaml.safe_dump_all(objects, sort_keys=False), FAMILY)
    assert not report.lost
    return [(f.finding.rule, f.path.removeprefix("spec.generators")) for f in report.active]


NAME = "spec.template.metadata.name"


@pytest.mark.parametrize(
    ("name", "generator", "at"),
    [
        ("a number", elements(EU, {**US, "replicas": 3}), "[0].list.elements[1].replicas"),
        ("a boolean", elements({**EU, "canary": True}, US), "[0].list.elements[0].canary"),
        ("below values", elements({**EU, "values": {"tier": 1}}, US), "[0].list.elements[0].values.tier"),
        ("three in a matrix", {"matrix": {"generators": [LIST, FILES, FILES]}}, "[0].matrix.generators"),
        ("one in a matrix", {"matrix": {"generators": [LIST]}}, "[0].matrix.generators"),
        ("one in a merge", {"merge": {"generators": [LIST], "mergeKeys": ["cluster"]}}, "[0].merge.generators"),
        ("no keys", {"merge": {"generators": [LIST, FILES], "mergeKeys": []}}, "[0].merge"),
        (
            "inside a matrix",
            {"matrix": {"generators": [FILES, elements({"cluster": 1})]}},
            "[0].matrix.generators[1].list.elements[0].cluster",
        ),
    ],
)
def test_generators_that_argocd_refuses_are_found(name: str, generator: Any, at: str):
    assert found(application_set(generator)) == [("RL637", at)], name


@pytest.mark.parametrize(
    "generator",
    [
        LIST,
        elements({**EU, "values": {"tier": "1"}}, US),
        {"matrix": {"generators": [LIST, FILES]}},
        {"merge": {"generators": [LIST, FILES], "mergeKeys": ["cluster"]}},
        {"matrix": {"generators": None}},
        {"matrix": None},
        {"list": {"elements": None}},
    ],
)
def test_generators_that_argocd_takes_are_left_alone(generator: Any):
    assert found(application_set(generator)) == []


def test_with_go_templates_an_element_may_have_any_value():
    assert found(application_set(elements({**EU, "n": 3}, US), name="web-{{.cluster}}", goTemplate=True)) == []


@pytest.mark.parametrize(
    ("generators", "name", "go"),
    [
        ((LIST,), "web-{{clustre}}", False),
        ((elements({"cluster": "eu", "zone": "a"}, {"cluster": "us"}),), "{{cluster}}-{{zone}}", False),
        ((elements(EU),), "web-{{ values.tier }}", False),
        ((DIRECTORIES,), "{{path.filename}}", False),
        (({"clusters": {}},), "{{cluster}}", False),
        (({"pullRequest": {}},), "web-{{branche}}", False),
        (({"pullRequest": {}},), "web-{{.numbr}}", True),
        (({"scmProvider": {}},), "web-{{repo}}", False),
        ((FILES, LIST), "{{app}}", False),
        ((FILES,), "web-{{.cluster}}", False),
        ((LIST,), "web-{{cluster}}", True),
        ((DIRECTORIES,), "{{path.basename}}", True),
        ((LIST,), "web-{{.clustre}}", True),
        ((LIST,), "{{.cluster}}-{{- .path.basename }}", True),
    ],
)
def test_placeholders_that_nothing_fills_are_found(generators: Any, name: str, go: bool):
    assert found(application_set(*generators, name=name, goTemplate=go)) == [("RL638", NAME)]


@pytest.mark.parametrize(
    ("generators", "name", "go"),
    [
        ((LIST,), "web-{{ cluster }}", False),
        ((elements({**EU, "values": {"tier": "1"}}),), "web-{{values.tier}}", False),
        ((DIRECTORIES,), "{{path.basename}}-{{path[1]}}-{{path.basenameNormalized}}", False),
        (({"clusters": {"values": {"a": "b"}}},), "{{name}}-{{metadata.labels.stage}}-{{values.a}}", False),
        ((FILES,), "{{anything.at.all}}", False),
        (({"pullRequest": {"values": {"a": "b"}}},), "web-{{branch_slug}}-{{number}}-{{values.a}}", False),
        (({"pullRequest": {}},), "web-{{.number}}-{{index .labels 0}}", True),
        (({"scmProvider": {}},), "web-{{repository}}-{{short_sha_7}}", False),
        (({"plugin": {}},), "web-{{anything}}", False),
        (({"clusterDecisionResource": {}},), "web-{{clusterName}}", False),
        (({"clusters": {"flatList": True}},), "web-{{clusters}}", True),
        (({"matrix": {"generators": [LIST, FILES]}},), "{{app}}", False),
        ((elements(elementsYaml="[{app: cart}]"),), "{{app}}", False),
        ((elements(EU, US, template={"metadata": {"name": "x-{{cluster}}"}}),), "{{app}}", False),
        (({**elements(EU, {**US, "tier": "1"}), "selector": {"matchLabels": {"tier": "1"}}},), "{{tier}}", False),
        ((LIST,), "web-{{.Values.name}}", False),
        ((LIST,), "web-{{.cluster}}", True),
        ((LIST,), 'web-{{.tier | default "x"}}-{{.cluster}}', True),
        ((DIRECTORIES,), "{{index .path.segments 1}}-{{.path.basename}}", True),
        ((elements({"title": "a"}, {"title": "b"}),), '{{lower "X"}}{{.title}}', True),
        ((FILES,), "{{.app.name}}", True),
    ],
)
def test_placeholders_that_may_be_filled_are_left_alone(generators: Any, name: str, go: bool):
    assert found(application_set(*generators, name=name, goTemplate=go)) == []


def test_the_wrong_language_is_said_once():
    assert found(application_set(LIST, name="{{.cluster}}-{{.url}}")) == [("RL638", NAME)]


def test_every_part_of_the_template_that_says_where_is_looked_at():
    app = application_set(LIST)
    app["spec"]["template"]["spec"]["sources"] = [
        {"path": "apps"},
        {"path": "apps/{{app}}", "helm": {"values": "{{x}}"}},
    ]
    assert found(app) == [("RL638", "spec.template.spec.sources[1].path")]


@pytest.mark.parametrize(
    ("items", "name", "go", "expected"),
    [
        ((EU, US), "web", False, True),
        ((EU, {**US, "cluster": "eu"}), "web-{{cluster}}", False, True),
        ((EU, US, EU), "web-{{.cluster}}", True, True),
        ((EU, US), "web-{{cluster}}", False, False),
        ((EU,), "web", False, False),
        ((EU, {**US, "cluster": "eu"}), "web-{{.cluster | lower}}", True, True),
        ((EU, None), "web", False, False),
    ],
)
def test_names_that_elements_share_are_found(items: Any, name: str, go: bool, expected: bool):
    assert found(application_set(elements(*items), name=name, goTemplate=go)) == [("RL639", NAME)] * expected


def test_elements_that_do_not_count_do_not_collide():
    assert found(application_set({**LIST, "selector": {"matchLabels": {"cluster": "eu"}}}, name="web")) == []


def test_names_of_a_matrix_collide_too():
    tiers = elements({"tier": "a"}, {"tier": "b"})
    matrix = {"matrix": {"generators": [LIST, tiers]}}
    assert found(application_set(matrix, name="web-{{cluster}}")) == [("RL639", NAME)]
    assert found(application_set(matrix, name="web-{{cluster}}-{{tier}}")) == []


@pytest.mark.parametrize("name", ["Web-{{cluster}}", "web_{{cluster}}", "", "-{{cluster}}", "{{url}}"])
def test_names_that_no_application_can_have_are_found(name: str):
    assert found(application_set(LIST, name=name))[-1:] == [("RL639", NAME)]


@pytest.mark.parametrize(
    ("generator", "at"),
    [
        (
            {"matrix": {"generators": [elements(EU), elements({"cluster": "us"})]}},
            "[0].matrix.generators",
        ),
        (
            {"merge": {"mergeKeys": ["url"], "generators": [elements(EU, {"cluster": "x", "url": EU["url"]}), LIST]}},
            "[0].merge.generators[0]",
        ),
        (elements(EU, elementsYaml="just text"), "[0].list.elementsYaml"),
        (
            {**LIST, "selector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            "[0].selector.matchExpressions[0]",
        ),
    ],
)
def test_what_ends_the_generation_is_found_by_expanding(generator: Any, at: str):
    assert found(application_set(generator)) == [("RL637", at)]


def test_a_template_that_go_refuses_ends_the_generation():
    assert found(application_set(LIST, name="web-{{ .cluster", goTemplate=True)) == [("RL637", NAME)]


def test_a_missing_key_is_said_once_whatever_the_option():
    options = {"goTemplate": True, "goTemplateOptions": ["missingkey=error"]}
    assert found(application_set(LIST, name="web-{{.clustre}}", **options)) == [("RL638", NAME)]


def test_a_key_that_a_matrix_lacks_is_said_where_it_is_asked_for():
    matrix = {"matrix": {"generators": [elements(EU), elements({"tier": "a"})]}}
    app = application_set(matrix, name="web-{{.cluster}}", goTemplate=True, goTemplateOptions=["missingkey=error"])
    app["spec"]["template"]["spec"]["source"]["path"] = "apps/{{.path.path}}"
    assert found(app) == [("RL638", "spec.template.spec.source.path")]


def test_with_go_templates_every_text_of_the_template_is_looked_at():
    app = application_set(LIST, name="web-{{.cluster}}", goTemplate=True)
    app["spec"]["template"]["spec"]["source"]["helm"] = {"values": "stage: {{.stage}}"}
    assert found(app) == [("RL638", "spec.template.spec.source.helm.values")]


def test_a_placeholder_in_a_template_patch_is_looked_at():
    app = application_set(LIST, name="web-{{.cluster}}", goTemplate=True)
    app["spec"]["templatePatch"] = "spec: {source: {path: 'apps/{{.app}}'}}"
    assert found(app) == [("RL638", "spec.templatePatch")]


def rolling(kind: str = "RollingSync", operator: Any = "In", **step: Any) -> dict[str, Any]:
    expression = {"key": "stage", "operator": operator, "values": ["canary"]}
    steps = [{"matchExpressions": [{**expression, "operator": "In"}]}, {"matchExpressions": [expression], **step}]
    return application_set(LIST, strategy={"type": kind, "rollingSync": {"steps": steps}})


@pytest.mark.parametrize("operator", ["Exists", "in", ""])
def test_an_operator_that_rolling_sync_lacks_is_found(operator: str):
    at = "spec.strategy.rollingSync.steps[1].matchExpressions[0].operator"
    assert found(rolling(operator=operator)) == [("RL640", at)]


@pytest.mark.parametrize(
    "correct",
    [rolling(operator="NotIn"), rolling(maxUpdate=0), rolling(maxUpdate="10%"), rolling(maxUpdate=None)],
)
def test_steps_that_work_are_left_alone(correct: dict[str, Any]):
    assert found(correct) == []


def test_without_the_strategy_its_steps_do_not_count():
    assert found(rolling("AllAtOnce", operator="Exists")) == []


def test_a_set_inside_a_list_is_found_too():
    inside = {"apiVersion": "v1", "kind": "List", "items": [application_set(LIST), application_set(LIST, name="web")]}
    assert found(inside) == [("RL639", f"items[1].{NAME}")]


KEYS = (
    "list elements git directories clusters matrix merge generators values rollingSync type steps matchExpressions"
    " operator maxUpdate metadata name spec"
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(["", "{{x}}", "{{.x}}", "RollingSync", "Exists"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY, ANY, st.booleans())
def test_no_shape_makes_a_check_fail(generators: Any, template: Any, strategy: Any, go: bool):
    whole = application_set()
    found({**whole, "spec": {"generators": generators, "template": template, "strategy": strategy, "goTemplate": go}})
    found({**whole, "spec": {**whole["spec"], "generators": generators}})
