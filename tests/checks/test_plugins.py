"""RL215: plugins and the ConfigMap that lists them."""

from __future__ import annotations

import pytest

from rolloutlint.settings import Settings
from tests.harness import found, lint

ALL = """
  trafficRouterPlugins: |
    - name: acme/router
  stepPlugins: |
    - name: "acme/step"
  metricProviderPlugins: |
    - {name: acme/metric, location: "file:///x"}
"""


def config(data: str = ALL, namespace: str = "argo-rollouts") -> str:
    metadata = f"{{name: argo-rollouts-config, namespace: {namespace}}}"
    return f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {metadata}\ndata: {data}\n"


def rollout(canary: str) -> str:
    head = "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart, namespace: shop}\n"
    return f"{head}spec: {{strategy: {{canary: {{{canary}}}}}}}\n"


def template(provider: str) -> str:
    head = "---\napiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: t, namespace: shop}\n"
    return f"{head}spec: {{metrics: [{{name: m, provider: {provider}}}]}}\n"


def paths(text: str) -> list[str]:
    report = lint(text, Settings(select=("RL215",)))
    assert not report.lost
    return [path for _, _, path in found(report)]


ROUTER = "spec.strategy.canary.trafficRouting.plugins"


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        ("trafficRouting: {plugins: {acme/router: {}}}", []),
        ("trafficRouting: {plugins: {acme/Router: {}}}", [f'{ROUTER}["acme/Router"]']),
        ("trafficRouting: {plugins: {acme/router: {}, acme/step: {}}}", [f'{ROUTER}["acme/step"]']),
        ("trafficRouting: {plugins: {'{{ x }}': {}}}", []),
        ("trafficRouting: {plugins: [acme/gone]}", []),
        ("steps: [{setWeight: 5}, {plugin: {name: acme/step}}]", []),
        ("steps: [{setWeight: 5}, {plugin: {name: acme/gone}}]", ["spec.strategy.canary.steps[1].plugin.name"]),
        ("steps: [{plugin: {name: acme/gone, disabled: true}}, {plugin: 3}, {plugin: {name: null}}]", []),
    ],
)
def test_a_rollout_uses_plugins_that_are_configured(canary: str, expected: list[str]) -> None:
    assert paths(rollout(canary) + config()) == expected


def test_a_metric_uses_a_plugin_that_is_configured() -> None:
    assert paths(template("{plugin: {acme/metric: {}}}") + config()) == []
    assert paths(template("{plugin: {acme/router: {}}}") + config()) == [
        'spec.metrics[0].provider.plugin["acme/router"]'
    ]


USES = rollout("steps: [{plugin: {name: acme/gone}}]")


@pytest.mark.parametrize(
    "others",
    [
        "",
        config("null"),
        config("{stepPlugins: '{{ plugins }}'}"),
        config() + config("{stepPlugins: '- name: acme/gone'}", "other"),
    ],
)
def test_what_the_controller_knows_must_be_certain(others: str) -> None:
    assert paths(USES + others) == []


def test_a_configuration_without_the_list_knows_no_plugin() -> None:
    assert paths(USES + config("{}")) == ["spec.strategy.canary.steps[0].plugin.name"]
    assert paths(USES + config("{stepPlugins: 3}")) == ["spec.strategy.canary.steps[0].plugin.name"]


def test_a_plugin_of_nearly_that_name_is_offered() -> None:
    (settled,) = lint(rollout("steps: [{plugin: {name: acme/stp}}]") + config(), Settings(select=("RL215",))).active
    assert settled.finding.remedy.startswith("Write `acme/step`")
