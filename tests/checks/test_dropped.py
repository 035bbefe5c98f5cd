"""RL138 and RL139 at their edges."""

from __future__ import annotations

import pytest

from rolloutlint.settings import Settings
from tests.harness import found, lint


def rollout(steps: str = "[]", template: str = "{}", more: str = "") -> str:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\n"
    return f"{head}spec: {{template: {template}, strategy: {{canary: {{steps: {steps}}}}}{more}}}\n"


def paths(text: str, rule: str) -> list[str]:
    report = lint(text, Settings(select=(rule,)))
    assert not report.lost
    return [path for _, _, path in found(report)]


RUN = "{templates: [{templateName: a}]}"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (f"{{analysis: {RUN}}}", ""),
        (f"{{setCanaryScale: {{replicas: 1}}, analysis: {RUN}}}", "analysis"),
        ("{setWeight: 5, plugin: {name: a}}", "plugin"),
        ("{pause: {}, plugin: {name: a}}", "plugin"),
        (f"{{analysis: {RUN}, plugin: {{name: a}}}}", "plugin"),
        ("{setCanaryScale: {replicas: 1}, experiment: {}}", "experiment"),
        ("{setWeight: 5, setCanaryScale: {replicas: 1}}", ""),
        ("{setWeight: 5, setHeaderRoute: {name: a}}", ""),
        (f"{{setWeight: 5, analysis: {RUN}}}", ""),
        ("{setWeight: 5, plugin: null}", ""),
        (f"{{analysis: {RUN}, setHeaderRoute: {{name: a}}}}", ""),
        ("3", ""),
    ],
)
def test_a_gate_stands_alone_in_its_step(step: str, expected: str) -> None:
    wanted = [f"spec.strategy.canary.steps[1].{expected}"] if expected else []
    assert paths(rollout(f"[{{setWeight: 1}}, {step}]"), "RL138") == wanted


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("256Mi", 0),
        ("0.5", 0),
        ("2", 0),
        ("1e3", 0),
        ("256MB", 1),
        ("1 Gi", 1),
        ("invalid", 1),
        ("''", 1),
        ("'{{ memory }}'", 0),
        ("'${MEMORY}'", 0),
        ("null", 0),
        ("[]", 0),
    ],
)
@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_a_quantity_can_be_read(field: str, value: str, expected: int) -> None:
    template = f"{{spec: {{{field}: [{{name: a}}, {{name: b, resources: {{limits: {{memory: {value}}}}}}}]}}}}"
    assert len(paths(rollout(template=template), "RL139")) == expected


def test_a_template_that_a_workload_ref_replaces_is_not_read() -> None:
    template = "{spec: {containers: [{name: b, resources: {limits: {memory: x}}}]}}"
    assert paths(rollout(template=template, more=", workloadRef: {kind: Deployment}"), "RL139") == []


@pytest.mark.parametrize("template", ["3", "[]", "{spec: []}", "{spec: {containers: {}}}", "{spec: {containers: [3]}}"])
def test_no_shape_of_a_template_crashes(template: str) -> None:
    assert paths(rollout(template=template), "RL139") == []
