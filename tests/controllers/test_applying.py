"""What a sync writes: a table of rules, options and releases, answers recorded from Argo CD, and what always holds."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers import json_merge, strategic_merge
from rolloutlint.controllers.applying import How, apply, how_applied, sync
from rolloutlint.controllers.bookkeeping import LAST_APPLIED, last_applied_of
from rolloutlint.controllers.comparing import compare, differing
from rolloutlint.controllers.ignore_differences import rules_of
from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.merge_shapes import group_and_kind, shape_of
from rolloutlint.controllers.respecting import respect
from rolloutlint.lang import jsonpointer
from rolloutlint.settings import Version

DATA = Path(__file__).parents[1] / "data"


@cache
def table() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((DATA / "argocd-sync.yaml").read_text(), yaml.CSafeLoader)
    return loaded


def at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def put(value: Any, pointer: str, item: Any) -> None:
    *way, last = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    for key in way:
        value = value[int(key)] if isinstance(value, list) else value.setdefault(key, {})
    if isinstance(value, list):
        value[int(last) : int(last) + 1] = [] if item is None else [item]
    elif item is None:
        value.pop(last, None)
    else:
        value[last] = item


def made(base: str, *changes: dict[str, Any]) -> dict[str, Any]:
    manifest: dict[str, Any] = copy.deepcopy(table()["bases"][base])
    for change in changes:
        for pointer, item in change.items():
            put(manifest, pointer, copy.deepcopy(item))
    return manifest


@pytest.mark.parametrize("row", table()["rows"], ids=lambda row: f"{row['fact']} {row['name']}")
def test_a_sync_does_what_the_table_says(row: dict[str, Any]) -> None:
    target = made(row["base"], row.get("git", {}))
    was = made(row["base"], row["was"]) if "was" in row else target
    there = row.get("live", {})
    # what was there before is what was applied last, plus what others wrote
    live = None if there is None else made(row["base"], row.get("was", row.get("git", {})), there)
    application = {
        "metadata": {"annotations": row.get("application", {})},
        "spec": {"ignoreDifferences": row.get("rules", []), "syncPolicy": {"syncOptions": row.get("options", [])}},
    }
    major, minor = row.get("argocd", "3.5").split(".")
    synced = sync(target, live, was, application, Version(int(major), int(minor)))
    assert synced.compared.shown is row["shown"]
    assert synced.applied is row.get("applied", True)
    assert (synced.after is None) is row.get("unknown", False)
    for pointer, wanted in row.get("after", {}).items():
        assert at(synced.after, pointer) == wanted, pointer
    if synced.after is not None and "unknown" not in row:
        assert [jsonpointer.of_path(path) for path in synced.frozen] == row.get("frozen", [])
        if "undone" in row:
            assert [jsonpointer.of_path(path) for path in synced.undone] == row["undone"]


def test_the_table_covers_every_section_of_the_facts() -> None:
    assert {row["fact"] for row in table()["rows"]} == {f"4.{n}" for n in range(1, 9)}


def recorded() -> list[dict[str, Any]]:
    rows = []
    for line in (DATA / "argocd-applied.jsonl").read_text().splitlines():
        row = json.loads(line)
        for key in ("respected", "respected_before", "applied"):
            if isinstance(row[key], str):
                row[key] = row[row[key]]
        rows.append(row)
    return rows


class TestAnswersOfArgoCD:
    """What gitops-engine of Argo CD 3.5.1 answers; for what is respected, a port of `controller/sync.go` over the same
    libraries, once with and once without the change that gives Git's lists back."""

    def test_what_is_respected(self) -> None:
        for row in recorded():
            rules = rules_of({"ignoreDifferences": row["rules"]})
            now = respect(row["target"], row["live"], rules, Version(3, 5))
            before = respect(row["target"], row["live"], rules, Version(3, 2))
            assert differing(now, row["respected"]) == []
            assert differing(before, row["respected_before"]) == []

    def test_what_client_side_apply_leaves(self) -> None:
        for row in recorded():
            target, live = row["target"], row["live"]
            original, shape = last_applied_of(live) or {}, shape_of(*group_and_kind(target))
            if shape is None:
                after = json_merge.merged(live, json_merge.three_way(original, target, live))
            else:
                after = strategic_merge.three_way(original, target, live, shape)
            assert differing(after, row["applied"]) == []

    def test_what_is_out_of_sync(self) -> None:
        for row in recorded():
            rules = rules_of({"ignoreDifferences": row["rules"]})
            assert compare(row["target"], row["live"], None, rules, "three-way").shown is row["three_way"]

    def test_what_is_out_of_sync_where_it_is_applied_on_the_server(self) -> None:
        for row in recorded():
            rules = rules_of({"ignoreDifferences": row["rules"]})
            # without managed fields nothing counts as applied before
            original = None if "managedFields" in row["live"]["metadata"] else {}
            if "structured" in row:
                shown = compare(row["target"], row["live"], original, rules, "structured-merge").shown
                assert shown is row["structured"]


WAYS: tuple[How, ...] = ("client", "server", "replace")


@st.composite
def manifests(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Git's manifest and a live object: recorded ones, mixed by kind."""
    rows = recorded_rows()
    row = draw(st.sampled_from(rows))
    other = draw(st.sampled_from([one for one in rows if one["target"]["kind"] == row["target"]["kind"]]))
    live = {**other["live"], "metadata": {**other["live"]["metadata"]}}
    live["metadata"].pop("managedFields", None)
    return row["target"], live


@cache
def recorded_rows() -> list[dict[str, Any]]:
    return recorded()


@given(manifests(), st.sampled_from(WAYS))
def test_applying_twice_is_applying_once(pair: tuple[dict[str, Any], dict[str, Any]], how: How) -> None:
    target, live = pair
    once = apply(target, live, None, how)
    assert differing(apply(target, once, target, how), once) == []


@given(manifests(), st.sampled_from(WAYS))
def test_what_was_applied_is_in_sync(pair: tuple[dict[str, Any], dict[str, Any]], how: How) -> None:
    target, live = pair
    after = apply(target, live, None, how)
    assert compare(target, after, target, (), "server-side" if how == "server" else "three-way").shown is False


@given(manifests(), st.sampled_from(WAYS))
def test_applying_changes_neither_manifest(pair: tuple[dict[str, Any], dict[str, Any]], how: How) -> None:
    before = copy.deepcopy(pair)
    apply(*pair, None, how)
    assert pair == before


@given(manifests(), st.sampled_from((Version(3, 2), Version(3, 4), Version(3, 5))))
def test_what_is_not_there_is_created_as_git_has_it(
    pair: tuple[dict[str, Any], dict[str, Any]], argocd: Version
) -> None:
    target, _ = pair
    rules = rules_of({"ignoreDifferences": [{"group": "*", "kind": "*", "jsonPointers": ["/spec"]}]})
    assert respect(target, None, rules, argocd) == target
    assert all(apply(target, None, None, how) == target for how in WAYS)


@given(manifests())
def test_without_rules_custom_resources_are_respected_as_git_has_them(
    pair: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    target, live = pair
    if target["kind"] in ("VirtualService", "DestinationRule", "HTTPRoute"):
        assert respect(target, live, (), Version(3, 2)) == target
        assert respect(target, live, (), Version(3, 5)) == target


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "name"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "spec", "metadata", "ports", "containers", "a"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    JSON, JSON, JSON, st.sampled_from(["v1/Service", "apps/v1/Deployment", "argoproj.io/v1alpha1/Rollout", "x/v1/Y"])
)
def test_malformed_manifests_are_answered(target: Any, live: Any, was: Any, name: str) -> None:
    api, _, kind = name.rpartition("/")
    objects = [
        {"apiVersion": api, "kind": kind, **(value if isinstance(value, dict) else {"spec": value})}
        for value in (target, live, was)
    ]
    options = [["RespectIgnoreDifferences=true"], ["ServerSideApply=true"], ["Replace=true"], []]
    for chosen in options:
        app = {"spec": {"syncPolicy": {"syncOptions": chosen}, "ignoreDifferences": [{"group": "*", "kind": "*"}]}}
        assert sync(objects[0], objects[1], objects[2], app, Version(3, 5)).applied


def test_a_new_item_of_a_list_comes_after_those_that_only_the_server_has() -> None:
    live = made("deployment", {"/spec/template/spec/containers/1": {"name": "injected", "image": "i"}})
    target = made("deployment", {"/spec/template/spec/containers/0/image": "web:2"})
    after = apply(target, live, made("deployment", {"/spec/template/spec/containers/1": None}), "server")
    assert [item["name"] for item in at(after, "/spec/template/spec/containers")] == ["web", "injected", "side"]


def test_the_default_strategy_comes_back_when_a_deployment_writes_only_its_type() -> None:
    live = made(
        "deployment",
        {"/spec/strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}},
    )
    target = made("deployment", {"/spec/strategy": {"type": "RollingUpdate"}})
    assert apply(target, live, target, "client") == live
    recreated = made("deployment", {"/spec/strategy": {"type": "Recreate"}})
    assert apply(recreated, live, target, "client")["spec"]["strategy"] == {"type": "Recreate"}


def test_the_mark_that_argo_cd_writes_is_no_change() -> None:
    mark = {"argocd.argoproj.io/tracking-id": "web:/Service:shop/web"}
    live = made("service", {"/metadata/annotations": mark})
    for how in WAYS:
        assert apply(made("service"), live, live, how)["metadata"]["annotations"] == mark
    assert compare(made("service"), live, live, (), "three-way").shown is False


def test_the_label_that_argo_cd_writes_is_no_change_either() -> None:
    live = made("service", {"/metadata/labels": {"app.kubernetes.io/instance": "web"}})
    assert compare(made("service"), live, live, (), "three-way").shown is False


def test_string_data_of_a_secret_is_stored_encoded() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    live = {**secret, "data": {"user": "YQ=="}}
    after = apply({**secret, "stringData": {"user": "b"}}, live, None, "client")
    assert after == {**secret, "data": {"user": "Yg=="}}


def test_status_and_metadata_of_the_server_stay() -> None:
    live = made("rollout", {"/status": {"phase": "Paused"}, "/metadata/uid": "1", "/metadata/resourceVersion": "2"})
    for how in WAYS:
        assert apply(made("rollout", {"/status": {}}), live, None, how) == live


def test_what_was_applied_last_is_read_from_the_annotation() -> None:
    was = made("service", {"/spec/type": "NodePort"})
    live = made("service", {"/spec/type": "NodePort", "/metadata/annotations": {LAST_APPLIED: json.dumps(was)}})
    assert "type" not in apply(made("service"), live, None, "client")["spec"]


def test_an_annotation_that_is_no_json_counts_as_absent() -> None:
    assert last_applied_of(made("service", {"/metadata/annotations": {LAST_APPLIED: "{"}})) is None


def test_a_port_that_names_its_default_is_no_change_of_a_rollout() -> None:
    path = "/spec/template/spec/containers/0/ports"
    live = made("rollout", {path: [{"containerPort": 80, "protocol": "TCP"}]})
    target = made("rollout", {path: [{"containerPort": 80}]})
    assert apply(target, live, target, "client") == live


def test_a_list_whose_items_have_one_key_is_replaced() -> None:
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    after = apply(made("service", {"/spec/ports": ports}), made("service"), None, "client")
    assert after["spec"]["ports"] == ports


def test_a_field_that_another_manager_owns_too_stays() -> None:
    fields = {"f:spec": {"f:sessionAffinity": {}}}
    mine = {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": fields}
    theirs = {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}
    for managed, kept in (([mine], False), ([mine, theirs], True)):
        live = made("service", {"/spec/sessionAffinity": "ClientIP", "/metadata/managedFields": managed})
        assert ("sessionAffinity" in apply(made("service"), live, None, "server")["spec"]) is kept


def test_what_client_side_apply_wrote_is_taken_over_unless_that_is_switched_off() -> None:
    fields = {"f:spec": {"f:sessionAffinity": {}}}
    managed = [{"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": fields}]
    live = made("service", {"/spec/sessionAffinity": "ClientIP", "/metadata/managedFields": managed})
    assert "sessionAffinity" not in apply(made("service"), live, None, "server")["spec"]
    assert "sessionAffinity" in apply(made("service"), live, None, "server", migrates=False)["spec"]


@pytest.mark.parametrize(
    ("options", "own", "of_live", "how"),
    [
        ([], "", "", "client"),
        (["ServerSideApply=true"], "", "", "server"),
        ([], "ServerSideApply=true", "", "server"),
        (["ServerSideApply=true"], "ServerSideApply=false", "", "client"),
        (["ServerSideApply=true"], "ServerSideApply=False", "", "server"),
        (["ServerSideApply=true", "Replace=true"], "", "", "replace"),
        ([], "Prune=false, Replace=true", "", "replace"),
        ([], "", "Replace=true", "replace"),
        ([], "", "ServerSideApply=true", "client"),
    ],
)
def test_how_a_resource_is_written(options: list[str], own: str, of_live: str, how: str) -> None:
    target, live = (
        made("service", {"/metadata/annotations": {"argocd.argoproj.io/sync-options": text}}) for text in (own, of_live)
    )
    assert how_applied(options, target, live) == how


def test_another_jq_answers_for_what_is_not_evaluated_here() -> None:
    expression = ".spec.http[]? | . as $route | $route.route"
    rules = rules_of(
        {"ignoreDifferences": [{"group": "*", "kind": "VirtualService", "jqPathExpressions": [expression]}]}
    )
    live = made("routed", {"/spec/http/0/route/0/weight": 80})
    asked: list[str] = []

    def foreign(text: str, value: Any) -> Any:
        asked.append(text)
        return made_of(value)

    def made_of(value: Any) -> Any:
        out = copy.deepcopy(value)
        for route in out["spec"]["http"]:
            route.pop("route", None)
        return out

    assert compare(made("routed"), live, None, rules, "three-way").shown is None
    assert compare(made("routed"), live, None, rules, "three-way", foreign).shown is False
    assert set(asked) == {expression}
    after = respect(made("routed"), live, rules, Version(3, 5), foreign)
    assert same(at(after, "/spec/http/0/route/0/weight"), 80)


def test_without_an_application_everything_is_applied() -> None:
    synced = sync(made("dr"), made("dr"), None, None, Version(3, 5))
    assert synced.applied
    assert synced.compared.shown is False


def test_a_change_that_is_not_applied_because_everything_is_ignored_is_frozen() -> None:
    rule = {"group": "argoproj.io", "kind": "Rollout", "jsonPointers": ["/spec/replicas"]}
    app = {"spec": {"ignoreDifferences": [rule], "syncPolicy": {"syncOptions": ["ApplyOutOfSyncOnly=true"]}}}
    synced = sync(made("rollout", {"/spec/replicas": 5}), made("rollout"), made("rollout"), app, Version(3, 5))
    assert (synced.applied, synced.frozen) == (False, (("spec", "replicas"),))


def test_the_options_of_a_manual_sync_replace_those_of_the_application() -> None:
    rule = {"group": "argoproj.io", "kind": "Rollout", "jsonPointers": ["/spec/replicas"]}
    app = {"spec": {"ignoreDifferences": [rule], "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]}}}
    git, live = made("rollout"), made("rollout", {"/spec/replicas": 8})
    for options, replicas in ((None, 8), ((), 3)):
        synced = sync(git, live, git, app, Version(3, 5), options=options)
        assert at(synced.after, "/spec/replicas") == replicas
