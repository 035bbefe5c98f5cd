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
        ((elements(EU, {"cluster": "us"}),), "{{cluster}}-{{url}}", False),
        ((elements(EU),), "web-{{ values.tier }}", False),
        ((DIRECTORIES,), "{{path.filename}}", False),
        (({"clusters": {}},), "{{cluster}}", False),
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
        (({"matrix": {"generators": [LIST, FILES]}},), "{{app}}", False),
        ((elements(EU, US, elementsYaml="[]"),), "{{app}}", False),
        (({**LIST, "template": {}},), "{{app}}", False),
        (({**elements(EU, {**US, "tier": "1"}), "selector": {"matchLabels": {"tier": "1"}}},), "{{tier}}", False),
        ((LIST,), "web-{{.Values.name}}", False),
        ((LIST,), "web-{{.cluster}}", True),
        ((LIST,), 'web-{{.tier | default "x"}}-{{.cluster}}', True),
        ((DIRECTORIES,), "{{index .path.segments 1}}-{{.path.basename}}", True),
        ((elements({"title": "a"}, {"title": "b"}),), '{{title "x"}}{{.title}}', True),
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
        ((EU, {**US, "cluster": "eu"}), "web-{{.cluster | lower}}", True, False),
        ((EU, None), "web", False, False),
    ],
)
def test_names_that_elements_share_are_found(items: Any, name: str, go: bool, expected: bool):
    assert found(application_set(elements(*items), name=name, goTemplate=go)) == [("RL639", NAME)] * expected


@pytest.mark.parametrize("more", [{"selector": {"matchLabels": {"cluster": "eu"}}}, {"template": {}}])
def test_elements_that_may_not_count_do_not_collide(more: dict[str, Any]):
    assert found(application_set({**LIST, **more}, name="web")) == []


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
