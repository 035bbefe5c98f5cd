"""RL651, RL652: resource customizations of `argocd-cm`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.customizations import customization_faults
from rolloutlint.settings import Settings
from tests.harness import lint

P = "resource.customizations"
IGNORE = "jsonPointers:\n- /spec/replicas\n"


def config(data: Any, name: str = "argocd-cm") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "argocd"}, "data": data}


def found(data: Any, name: str = "argocd-cm") -> list[tuple[str, str]]:
    report = lint(yaml.safe_dump(config(data, name)), Settings(select=("RL651", "RL652")))
    assert not report.lost
    return [(f.finding.rule, f.finding.message) for f in report.active]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (f"{P}.Health.argoproj.io_Rollout", "x", "`Health` is no type of resource customization"),
        (f"{P}.diffing.argoproj.io_Rollout", "x", "`diffing` is no type of resource customization"),
        (f"{P}.health.argoproj.io_v1alpha1_Rollout", "x", "`argoproj.io_v1alpha1_Rollout` has more than one"),
        (f"{P}.health.", "x", "The key of customization `health` names no kind"),
        (f"{P}.health.argoproj.io/Rollout", "x", "is no key that a ConfigMap may have"),
        (f"{P}.useOpenLibs.apps_Deployment", "yes", "is no boolean"),
        (f"{P}.useOpenLibs.apps_Deployment", "true\n", "is no boolean"),
        (f"{P}.ignoreDifferences.apps_Deployment", "jsonPointers: /spec/replicas", "`jsonPointers` is no list"),
        (f"{P}.ignoreDifferences.apps_Deployment", "- /spec/replicas", "is no mapping"),
        (f"{P}.ignoreResourceUpdates.all", "jsonPointers:\n  - a\n - b\n", "is no YAML"),
        (f"{P}.knownTypeFields.apps_Deployment", "field: spec", "`knownTypeFields` is no list"),
        (P, "apps/Deployment:\n  ignoreDifferences:\n    jsonPointers: [/a]\n", "`ignoreDifferences` of"),
        (P, "apps/Deployment:\n  ignoreDifferences: |\n    jsonPointers: /a\n", "`jsonPointers` is no list"),
        (P, "apps/Deployment: [", "is no YAML"),
        (P, "- apps/Deployment", "is no mapping"),
    ],
)
def test_one_customization_that_cannot_be_read_fails_all(key: str, value: str, message: str) -> None:
    harmless = {f"{P}.health.argoproj.io_Application": "return {}", "url": "https://argocd.example"}
    ((rule, words),) = found({**harmless, key: value})
    assert (rule, message in words) == ("RL651", True), words


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (f"{P}.health.argoproj.io_rollout", "x", "No object has kind `argoproj.io_rollout`"),
        (f"{P}.health.argoproj.io_Rollouts", "x", "it is written `argoproj.io_Rollout`"),
        (f"{P}.health.argoproj.io.Rollout", "x", "`argoproj.io.Rollout` is read as a kind of the core group"),
        (f"{P}.health.argoproj.io", "x", "`argoproj.io` is read as a kind of the core group"),
        (f"{P}.ignoreDifferences.Deployment", IGNORE, "`Deployment` is no kind of the core group"),
        (f"{P}.ignoreDifferences", IGNORE, "is about no kind"),
        ("resource.customization.health.argoproj.io_Rollout", "x", "it begins with"),
        (P, "argoproj.io_Rollout:\n  health.lua: x\n", "`argoproj.io_Rollout` is read as a kind of the core group"),
        (P, "argoproj.io/rollout:\n  health.lua: x\n", "it is written `argoproj.io/Rollout`"),
        (P, "Deployment:\n  health.lua: x\n", "`Deployment` is no kind of the core group"),
    ],
)
def test_a_customization_about_no_kind_does_nothing(key: str, value: str, message: str) -> None:
    harmless = {f"{P}.health.argoproj.io_Application": "return {}", "url": "https://argocd.example"}
    ((rule, words),) = found({**harmless, key: value})
    assert (rule, message in words) == ("RL652", True), words


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{P}.health.argoproj.io_Rollout", "hs = {}\nreturn hs\n"),
        (f"{P}.health.Service", "return {}"),
        (f"{P}.health.Certificate", "return {}"),
        (f"{P}.health.cert-manager.io_certificate-request", "return {}"),
        (f"{P}.ignoreDifferences.all", IGNORE),
        (f"{P}.ignoreDifferences.apps_Deployment", ""),
        (f"{P}.ignoreDifferences.apps_Deployment", "jsonPointers:\njqPathExpressions: []\n"),
        (f"{P}.ignoreDifferences.apps_Deployment", "{{ .Values.ignore }}"),
        (f"{P}.useOpenLibs.apps_Deployment", "T"),
        (f"{P}.useOpenLibs.apps_Deployment", None),
        (f"{P}.actions.apps_Deployment", "discovery.lua: |\n  x\n"),
        (P, "'*.istio.io/*':\n  health.lua: x\n  ignoreDifferences: |\n    jsonPointers: [/a]\n'*/*': {}\n"),
        (P, ""),
        (P, "# nothing yet\n"),
        ("resource.customizationsURL", "https://shop.example"),
        ("resource.customization-notes", "x"),
        ("resource.exclusions", "[]"),
    ],
)
def test_what_argo_cd_reads_is_left_alone(key: str, value: str | None) -> None:
    assert found({key: value}) == []


def test_another_config_map_may_have_any_keys() -> None:
    assert found({f"{P}.Health.argoproj.io_rollout": "x"}, "settings") == []


@pytest.mark.parametrize("data", [None, [], "text", {P: None}, {P: 1}, {f"{P}.health.x_Y": {}}])
def test_data_of_another_shape_is_left_to_the_schema(data: Any) -> None:
    assert found(data) == []


def test_a_key_that_is_renamed_does_not_replace_one_that_is_there() -> None:
    data = {f"{P}.health.argoproj.io_rollout": "a", f"{P}.health.argoproj.io_Rollout": "b"}
    report = lint(yaml.safe_dump(config(data)), Settings(select=("RL652",)))
    assert [f.finding.fix for f in report.active] == [None]


@given(st.dictionaries(st.text("rescout.mzainhlb_A/{ -:", max_size=12).map(lambda t: P + t), st.text()))
@settings(max_examples=200, deadline=None)
def test_any_data_is_read_without_an_error(data: dict[str, str]) -> None:
    assert all(fault.key in data for fault in customization_faults(data))
