"""Whole plans: order and times, hidden values, effects, findings of both sides, and inputs of any kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.change.build import Operation
from rolloutlint.lang import jqpath
from rolloutlint.lang.duration import SECOND
from rolloutlint.settings import Settings
from tests.plan.planning import plan_and_report, plan_of, tasks
from tests.plan.test_decide import APP, JOB, ROLLOUT

NEW = ROLLOUT.replace("cart:1", "cart:2")


def files(text: str, app: str = APP) -> dict[str, str]:
    return {"apps/a.yaml": text, "shop.yaml": app}


def test_what_is_equal_changes_nothing() -> None:
    plan = plan_of(files(ROLLOUT), files(ROLLOUT))
    assert not plan.changes
    assert plan.applications[0].stages == ()


def test_a_later_wave_starts_after_the_release() -> None:
    first, second = plan_of(files(ROLLOUT + JOB), files(NEW + JOB)).applications[0].stages
    assert [wait.resource.name for wait in first.waits] == ["cart"]
    assert (first.after, second.after) == (0, 300 * SECOND)


def test_a_stage_behind_a_person_says_so() -> None:
    held = NEW.replace("pause: {duration: 5m}", "pause: {}")
    stages = plan_of(files(ROLLOUT + JOB), files(held + JOB)).applications[0].stages
    assert [stage.behind_person for stage in stages] == [False, True]


def test_values_of_secrets_are_hidden() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: %s}\n"
    plan = plan_of(files(secret % "hunter2"), files(secret % "swordfish"))
    assert {change.path.partition(".")[0] for change in tasks(plan)["Secret s"].changes} <= {"data", "stringData"}
    assert tasks(plan)["Secret s"].action == "update"
    assert "hunter2" not in repr(plan)
    assert "swordfish" not in repr(plan)


def test_a_manual_sync_prunes_only_when_asked() -> None:
    other = ROLLOUT + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n"
    for operation, action in ((Operation(True), "keep"), (Operation(True, prune=True), "prune")):
        plan = plan_of(files(other), files(ROLLOUT), operation=operation)
        assert tasks(plan)["ConfigMap old"].action == action


def test_a_prune_that_wants_a_confirmation_waits_for_a_person() -> None:
    old = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: old\n  annotations: %s\n"
    kept = ROLLOUT + old % "{argocd.argoproj.io/sync-options: Prune=confirm}"
    (stage,) = plan_of(files(kept), files(ROLLOUT)).applications[0].stages
    assert stage.behind_person
    assert [(wait.resource.name, wait.person) for wait in stage.waits] == [("old", True)]


def test_jq_is_asked_about_ignored_expressions_beyond_paths() -> None:
    pytest.importorskip("jq", reason="the package jq is not installed")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {size: '%s', color: blue}\n"
    computed = '.data[("size", "weight")]'
    assert isinstance(jqpath.parse(computed), jqpath.Unsupported)
    rules = f"ignoreDifferences: [{{kind: ConfigMap, jqPathExpressions: ['{computed}']}}]"
    app = APP.replace("  syncPolicy:", f"  {rules}\n  syncPolicy:")
    (plan,) = plan_of(files(text % 1, app), files(text % 2, app)).applications
    assert plan.obstacles == ("nothing is OutOfSync",)


RESPECTED = APP.replace(
    "  syncPolicy: {automated: {prune: true}}",
    "  ignoreDifferences: [{group: argoproj.io, kind: Rollout, jsonPointers: [/spec/replicas]}]\n"
    "  syncPolicy: {automated: {prune: true}, syncOptions: [RespectIgnoreDifferences=true]}",
)


def test_an_image_is_applied_beside_respected_replicas() -> None:
    plan = plan_of(files(ROLLOUT, RESPECTED), files(NEW, RESPECTED))
    changes = tasks(plan)["Rollout cart"].changes
    assert [(one.path, one.after) for one in changes] == [("spec.template.spec.containers[cart].image", '"cart:2"')]
    assert "RL803" not in {one.finding.rule for one in plan.introduced}


def test_findings_are_those_of_the_change_and_of_both_states() -> None:
    plan, report = plan_and_report(files(ROLLOUT), files(ROLLOUT.replace("  replicas: 4\n", "")))
    assert [one.finding.rule for one in plan.introduced] == ["RL801"]
    assert "RL801" in report.rules
    back = plan_of(files(ROLLOUT.replace("5m", "0")), files(ROLLOUT))
    assert back.fixed
    assert back.introduced == ()


def test_a_finding_about_a_change_can_be_suppressed_where_it_stands() -> None:
    ignored = ROLLOUT.replace("  replicas: 4\n", "").replace(
        "spec:\n", "spec:  # rolloutlint: ignore RL801 -- scaled elsewhere\n", 1
    )
    plan, report = plan_and_report(files(ROLLOUT), files(ignored))
    assert plan.introduced == ()
    assert [one.disposition for one in report.findings if one.finding.rule == "RL801"] == ["suppressed"]


def test_rules_about_changes_can_be_turned_off() -> None:
    plan = plan_of(files(ROLLOUT), files(ROLLOUT.replace("  replicas: 4\n", "")), Settings(ignore=("RL8",)))
    assert plan.introduced == ()


def test_one_application_can_be_planned_alone() -> None:
    other = APP.replace("name: shop,", "name: other,").replace("path: apps", "path: other")
    before = {**files(ROLLOUT), "other/a.yaml": ROLLOUT, "other.yaml": other}
    after = {**before, "apps/a.yaml": NEW, "other/a.yaml": NEW}
    assert [one.application and one.application.name for one in plan_of(before, after).applications] == [
        "other",
        "shop",
    ]


def test_two_plans_of_the_same_states_are_equal() -> None:
    first, second = (plan_of(files(ROLLOUT + JOB), files(NEW)) for _ in range(2))
    assert repr(first) == repr(second)


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
_TREES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
_KEYS = st.sampled_from(
    ["replicas", "strategy", "template", "selector", "workloadRef", "http", "subsets", "syncPolicy", "source"]
)


@given(
    kind=st.sampled_from(["Rollout", "VirtualService", "DestinationRule", "Service", "Application", "Deployment"]),
    before=st.dictionaries(_KEYS, _TREES, max_size=3) | _TREES,
    after=st.dictionaries(_KEYS, _TREES, max_size=3) | _TREES,
    live=st.booleans(),
)
def test_no_objects_make_a_plan_fail(kind: str, before: Any, after: Any, live: bool) -> None:
    api = {"Service": "v1", "Deployment": "apps/v1"}.get(kind)
    api = api or ("networking.istio.io/v1" if kind in ("VirtualService", "DestinationRule") else "argoproj.io/v1alpha1")

    def text(spec: Any) -> str:
        return json.dumps({"apiVersion": api, "kind": kind, "metadata": {"name": "cart"}, "spec": spec})

    rest = ROLLOUT if kind != "Rollout" else ""
    states = [{"apps/x.yaml": text(spec), "apps/a.yaml": rest, "shop.yaml": APP} for spec in (before, after)]
    _, report = plan_and_report(states[0], states[1], mode="live" if live else "git")
    assert "RL099" not in {one.finding.rule for one in report.findings}
