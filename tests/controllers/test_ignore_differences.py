"""What ignoreDifferences rules cover: rows of the truths about Argo CD's diff normalizer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.ignore_differences import (
    Fault,
    Rule,
    Target,
    covers,
    effect,
    effect_of,
    faults,
    freezes,
    matches,
    rules_of,
    uses_index,
)

VS = Target("networking.istio.io", "VirtualService", "prod", "web")
WEIGHT = ("spec", "http", 0, "route", 1, "weight")


def rule(**entry: Any) -> Rule:
    return rules_of({"ignoreDifferences": [{"group": VS.group, "kind": VS.kind, **entry}]})[0]


def routes(*http: Any) -> dict[str, Any]:
    return {"spec": {"hosts": ["web"], "http": list(http)}}


PRIMARY = {"name": "primary", "route": [{"weight": 100}, {"weight": 0}]}
REDIRECT = {"name": "old", "redirect": {"uri": "/new"}}
HEADER = {"name": "canary-header", "route": [{"destination": {"host": "canary"}}]}


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("networking.istio.io", "VirtualService", True),
        ("*.istio.io", "Virtual*", True),
        ("*", "*", True),
        ("networking.istio.io", "{VirtualService,DestinationRule}", True),
        ("", "VirtualService", False),
        ("networking.istio.io/v1", "VirtualService", False),
        ("networking.istio.io", "virtualservice", False),
        ("[", "VirtualService", False),
    ],
)
def test_group_and_kind_are_case_sensitive_globs_without_a_version(group: str, kind: str, expected: bool):
    assert matches(rule(group=group, kind=kind), *VS) is expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [({"name": "web"}, True), ({"name": "we*"}, False), ({"namespace": "prod"}, True), ({"namespace": "*"}, False)],
)
def test_name_and_namespace_are_exact(entry: dict[str, str], expected: bool):
    assert matches(rule(**entry), *VS) is expected


def test_a_rule_without_a_group_is_about_the_core_group_only():
    core = rules_of({"ignoreDifferences": [{"kind": "*"}]})[0]
    assert matches(core, "", "Service", "", "web")
    assert not matches(core, *VS)


def test_the_documented_weights_expression_fails_where_a_route_redirects():
    documented = rule(jqPathExpressions=[".spec.http[].route[].weight"])
    coverage = covers([documented], routes(PRIMARY, REDIRECT), VS, [WEIGHT])
    assert coverage.answers == {WEIGHT: "no"}
    assert [failure.message for failure in coverage.failures] == ["cannot iterate over: null"]


def test_the_documented_weights_expression_works_where_every_entry_has_routes():
    documented = rule(jqPathExpressions=[".spec.http[].route[].weight"])
    assert covers([documented], routes(PRIMARY, HEADER), VS, [WEIGHT]).all_covered


def test_question_marks_make_the_expression_safe():
    safe = rule(jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    assert covers([safe], routes(PRIMARY, REDIRECT), VS, [WEIGHT]).all_covered
    assert covers([safe], {"spec": {"tcp": []}}, VS, []).all_covered


def test_a_weight_that_git_leaves_out_is_covered_too():
    safe = rule(jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    assert covers([safe], routes({"route": [{"weight": 100}, {}]}), VS, [WEIGHT]).all_covered


def test_the_http_rule_does_not_cover_tcp_weights():
    safe = rule(jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    path = ("spec", "tcp", 0, "route", 1, "weight")
    manifest = {"spec": {"tcp": [{"route": [{"weight": 100}, {"weight": 0}]}]}}
    assert covers([safe], manifest, VS, [path]).answers[path] == "no"


def test_a_managed_route_is_covered_by_its_name():
    by_name = rule(jqPathExpressions=['.spec.http[]? | select(.name=="canary-header")'])
    coverage = covers([by_name], routes(HEADER, PRIMARY), VS, [("spec", "http", 0), ("spec", "http", 1)])
    assert coverage.answers == {("spec", "http", 0): "yes", ("spec", "http", 1): "no"}


def test_a_pointer_with_an_index_covers_until_a_managed_route_shifts_it():
    pointer = rule(jsonPointers=["/spec/http/0/route/1/weight"])
    coverage = covers([pointer], routes(PRIMARY), VS, [WEIGHT])
    assert coverage.all_covered
    assert coverage.index_dependent == (WEIGHT,)
    shifted = ("spec", "http", 1, "route", 1, "weight")
    assert covers([pointer], routes(HEADER, PRIMARY), VS, [shifted]).answers[shifted] == "no"


def test_a_jq_path_beside_the_pointer_makes_the_index_harmless():
    both = rule(jsonPointers=["/spec/http/0/route/1/weight"], jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    assert covers([both], routes(PRIMARY), VS, [WEIGHT]).index_dependent == ()


def test_pointers_run_one_after_the_other_so_indices_move():
    twice = rule(jsonPointers=["/a/0", "/a/1"])
    done = effect(twice, {"a": ["x", "y", "z"]})
    assert done.value == {"a": ["y"]}
    assert done.removed == (("a", 0), ("a", 2))


def test_the_rollouts_controller_as_trusted_manager_covers_what_it_writes():
    assert covers([rule(managedFieldsManagers=["rollouts-controller"])], routes(PRIMARY), VS, [WEIGHT]).all_covered


def test_another_trusted_manager_leaves_the_answer_to_the_live_object():
    trusted = rule(managedFieldsManagers=["argo-rollouts"])
    assert covers([trusted], routes(PRIMARY), VS, [WEIGHT]).answers == {WEIGHT: "unknown"}
    assert [fault.suggestion for fault in faults(trusted)] == ["rollouts-controller"]


def test_rules_of_argocd_cm_make_an_uncovered_path_unknown():
    assert covers([], routes(PRIMARY), VS, [WEIGHT], system_rules=True).answers == {WEIGHT: "unknown"}


def test_jq_that_is_not_evaluated_makes_an_uncovered_path_unknown():
    clever = rule(jqPathExpressions=[".spec.http as $h | .spec"])
    assert covers([clever], routes(PRIMARY), VS, [WEIGHT]).answers == {WEIGHT: "unknown"}


def test_a_rule_for_another_name_covers_nothing():
    other = rule(name="other", jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    assert covers([other], routes(PRIMARY), VS, [WEIGHT]).answers == {WEIGHT: "no"}


def test_the_selector_hash_pointer_covers_the_key_that_only_the_live_service_has():
    service = rule(group="", kind="Service", jsonPointers=["/spec/selector/rollouts-pod-template-hash"])
    path = ("spec", "selector", "rollouts-pod-template-hash")
    target = Target("", "Service", "prod", "web")
    assert covers([service], {"spec": {"selector": {"app": "web"}}}, target, [path]).all_covered


def test_an_annotation_with_a_slash_needs_its_escape():
    good = rule(jsonPointers=["/metadata/annotations/example.com~1key"])
    bad = rule(jsonPointers=["/metadata/annotations/example.com/key"])
    manifest = {"metadata": {"annotations": {"example.com/key": "1"}}}
    assert effect(good, manifest).removed == (("metadata", "annotations", "example.com/key"),)
    assert effect(bad, manifest).idle == (("spec", "ignoreDifferences", 0, "jsonPointers", 0),)


@pytest.mark.parametrize(
    ("entry", "kind", "suggestion"),
    [
        ({"group": None}, "group-missing", "networking.istio.io"),
        ({"group": None, "kind": "Rollout"}, "group-missing", "argoproj.io"),
        ({"group": None, "kind": "Deployment"}, "group-missing", "apps"),
        ({"group": "networking.istio.io/v1"}, "group-has-version", "networking.istio.io"),
        ({"kind": "virtualservice"}, "kind-case", "VirtualService"),
        ({"kind": "Virtualservices"}, "kind-case", "VirtualService"),
        ({"group": "apps", "kind": "Rollout"}, "group-other", "argoproj.io"),
        ({"group": "[a-"}, "glob-invalid", None),
        ({"jsonPointers": ["spec/replicas"]}, "pointer-no-slash", "/spec/replicas"),
        ({"jsonPointers": [".spec.replicas"]}, "pointer-is-jq", None),
        ({"jsonPointers": ["/spec/http/*/route"]}, "pointer-wildcard", None),
        (
            {"jsonPointers": ["/metadata/annotations/a.b/c"]},
            "pointer-escape",
            "/metadata/annotations/a.b~1c",
        ),
        ({"jqPathExpressions": ["spec.replicas"]}, "jq-invalid", None),
    ],
)
def test_what_can_never_work_is_a_fault(entry: dict[str, Any], kind: str, suggestion: str | None):
    found = faults(rule(**entry))
    assert [(fault.kind, fault.suggestion) for fault in found] == [(kind, suggestion)]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"group": "*", "kind": "*"},
        {"group": "", "kind": "Service"},
        {"group": "serving.knative.dev", "kind": "Service"},
        {"group": "appmesh.k8s.aws"},
        {"group": "example.com", "kind": "Widget"},
        {"jsonPointers": ["/spec/replicas", "/metadata/labels/app.kubernetes.io~1name"]},
        {"jqPathExpressions": [".spec.http[]?.route[]?.weight"]},
    ],
)
def test_rules_that_can_work_have_no_fault(entry: dict[str, Any]):
    assert faults(rule(**entry)) == ()


def test_a_fault_stands_at_its_entry():
    (fault,) = faults(rule(jqPathExpressions=[".spec", "spec.replicas"]))
    assert fault == Fault(
        "jq-invalid",
        ("spec", "ignoreDifferences", 0, "jqPathExpressions", 1),
        "spec.replicas",
        "function not defined: spec/0",
    )


def test_a_kind_of_the_inputs_in_another_group_is_accepted():
    assert faults(rule(group="custom.io", kind="Rollout"), kinds=[("custom.io", "Rollout")]) == ()


def test_a_rule_that_crosses_a_list_of_gits_copy_freezes_it_under_respect_ignore_differences():
    weights = rule(jqPathExpressions=[".spec.http[]?.route[]?.weight"])
    assert freezes(weights, routes(PRIMARY), built_in=False) == (("spec", "http"),)
    assert freezes(weights, routes(PRIMARY), built_in=True) == ()
    assert freezes(weights, routes(HEADER), built_in=False) == ()


@pytest.mark.parametrize(("pointer", "expected"), [("/spec/http/0/route", True), ("/spec/replicas", False)])
def test_an_index_into_an_ordered_list_is_seen(pointer: str, expected: bool):
    assert uses_index(pointer) is expected


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["/spec/0", ".spec[]", "x", "*", "["]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spec", "ignoreDifferences", "group", "kind", "jsonPointers", "jqPathExpressions", "http"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(TREES, TREES, st.lists(st.sampled_from(["spec", "http", 0, 1, "x"]), max_size=4).map(tuple))
def test_any_application_and_any_manifest_give_an_answer(spec: Any, manifest: Any, path: tuple[Any, ...]):
    rules = rules_of({"ignoreDifferences": spec})
    for one in rules:
        faults(one)
        freezes(one, manifest, built_in=False)
    effect_of(rules, manifest)
    target = Target("x", "x", "", "x")
    assert set(covers(rules, manifest, target, [path]).answers.values()) <= {"yes", "no", "unknown"}
