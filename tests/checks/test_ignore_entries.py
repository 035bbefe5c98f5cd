"""RL625, RL627 to RL629, RL641, RL653 against Applications, with the objects they deliver."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings, Targets, Version
from tests.harness import lint

RULES = ("RL625", "RL627", "RL628", "RL629", "RL641", "RL653")
ISTIO = "networking.istio.io"
AOOSO = "ApplyOutOfSyncOnly=true"
RID = "RespectIgnoreDifferences=true"
NEWEST = Version(3, 5)
HASH = '.spec.subsets[]?.labels["rollouts-pod-template-hash"]'


def obj(api: str, kind: str, name: str, metadata: Any = None, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **(metadata or {})}, "spec": spec}


def application(*options: str, ignore: Any = (), path: str = "workloads", metadata: Any = None) -> dict[str, Any]:
    return obj(
        "argoproj.io/v1alpha1",
        "Application",
        "shop",
        metadata,
        source={"repoURL": "https://git.example/shop/deploy.git", "path": path, "targetRevision": "main"},
        destination={"server": "https://kubernetes.default.svc", "namespace": "shop"},
        ignoreDifferences=ignore,
        syncPolicy={"syncOptions": list(options)},
    )


def rollout() -> dict[str, Any]:
    rule = {"name": "web", "stableSubsetName": "stable", "canarySubsetName": "canary"}
    routing = {"istio": {"virtualService": {"name": "web"}, "destinationRule": rule}}
    return obj(
        "argoproj.io/v1alpha1",
        "Rollout",
        "web",
        strategy={"canary": {"trafficRouting": routing, "steps": [{"setWeight": 5}]}},
    )


def destination_rule(labels: Any = None, metadata: Any = None) -> dict[str, Any]:
    subsets = [{"name": name, "labels": labels or {"app": "web"}} for name in ("stable", "canary")]
    return obj(f"{ISTIO}/v1", "DestinationRule", "web", metadata, host="web", subsets=subsets)


def virtual_service(*names: str, metadata: Any = None) -> dict[str, Any]:
    http = [{"name": name, "route": [{"destination": {"host": "web"}}]} for name in names]
    return obj(f"{ISTIO}/v1", "VirtualService", "web", metadata, hosts=["web"], http=http)


def ignoring(kind: str, *paths: str, pointers: Any = (), **more: Any) -> dict[str, Any]:
    return {"group": ISTIO, "kind": kind, "jqPathExpressions": list(paths), "jsonPointers": list(pointers), **more}


def report(app: dict[str, Any], *delivered: Any, argocd: Version = NEWEST, rule: str = "") -> Any:
    files = {
        "apps/shop.yaml": yaml.safe_dump(app, sort_keys=False),
        "workloads/web.yaml": yaml.safe_dump_all(delivered, sort_keys=False),
    }
    chosen = Settings(select=(rule,) if rule else RULES, targets=Targets(argocd=argocd), profile="strict")
    result = lint(files, chosen)
    assert not result.lost
    return result


def found(app: dict[str, Any], *delivered: Any, rule: str, **more: Any) -> list[str]:
    return [f.path.removeprefix("spec.ignoreDifferences") for f in report(app, *delivered, rule=rule, **more).active]


@pytest.mark.parametrize(
    ("name", "app", "delivered", "argocd", "expected"),
    [
        ("the list is Git's again", (RID,), (rollout(), destination_rule()), (3, 5), "for a moment"),
        ("the list is the cluster's", (RID,), (rollout(), destination_rule()), (3, 2), "ever applied"),
        ("the patch release decides", (RID,), (rollout(), destination_rule()), (3, 4), ""),
        ("spared", (RID, AOOSO), (rollout(), destination_rule()), (3, 5), ""),
        ("spared, and frozen", (RID, AOOSO), (rollout(), destination_rule()), (3, 2), "ever applied"),
        ("not respected", (), (rollout(), destination_rule()), (3, 5), ""),
        ("server-side", (RID, "ServerSideApply=true"), (rollout(), destination_rule()), (3, 5), "for a moment"),
        ("replaced", (RID, "Replace=true"), (rollout(), destination_rule()), (3, 5), ""),
        ("no Rollout", (RID,), (destination_rule(),), (3, 5), ""),
        (
            "in Git",
            (RID,),
            (rollout(), destination_rule({"rollouts-pod-template-hash": "abc"})),
            (3, 5),
            "",
        ),
        (
            "a hook",
            (RID,),
            (rollout(), destination_rule(metadata={"annotations": {"argocd.argoproj.io/hook": "Sync"}})),
            (3, 5),
            "",
        ),
    ],
)
def test_what_becomes_of_an_ignored_hash(name: str, app: Any, delivered: Any, argocd: Any, expected: str):
    given_application = application(*app, ignore=[ignoring("DestinationRule", ".spec.host2", HASH)])
    active = report(given_application, *delivered, argocd=Version(*argocd), rule="RL625").active
    assert [f.path for f in active] == (["spec.ignoreDifferences[0].jqPathExpressions[1]"] if expected else []), name
    assert all(expected in f.finding.consequence for f in active)


@pytest.mark.parametrize(
    "path", [".spec.subsets", ".spec.subsets[]?.labels", '.spec.subsets[]? | select(.name == "x")']
)
def test_other_entries_about_subsets_are_left_alone(path: str):
    app = application(RID, ignore=[ignoring("DestinationRule", path)])
    assert found(app, rollout(), destination_rule(), rule="RL625") == []


IN_PROGRESS = 'select(.metadata.labels["release"] == "running") | .spec.http'


@pytest.mark.parametrize(
    ("path", "metadata", "expected"),
    [
        (IN_PROGRESS, {}, True),
        ("select(.metadata.labels.release) | .spec.http", {}, True),
        ('select(.metadata.annotations."example.org/release" == "on") | .spec.http[].route', {}, True),
        ('select((.metadata.labels // {})["release"] == "running") | .spec.http', {}, False),  # not told apart
        (IN_PROGRESS, {"labels": {"release": "running"}}, False),
        (IN_PROGRESS, {"labels": {"release": "done"}}, False),
        (IN_PROGRESS, {"labels": {"other": "running"}}, True),
        (IN_PROGRESS, {"labels": None}, True),
        (IN_PROGRESS, {"annotations": {"argocd.argoproj.io/hook": "Sync"}}, False),
        ('.metadata.labels["release"]', {}, False),
        ('select(.metadata.labels["release"] == "running") | .spec.tcp', {}, False),
        (".spec.http[]?.route", {}, False),
        ('select(.metadata.labels["release"] | bogus) | .spec.http', {}, False),
    ],
)
def test_a_condition_on_a_label_that_git_does_not_have_is_found(path: str, metadata: Any, expected: bool):
    app = application(ignore=[ignoring("VirtualService", ".spec.gateways", path)])
    assert found(app, virtual_service("a", metadata=metadata), rule="RL627") == (
        ["[0].jqPathExpressions[1]"] if expected else []
    )


def test_where_argo_cd_compares_on_the_server_the_label_is_in_both_copies():
    server = {"annotations": {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}}
    app = application(ignore=[ignoring("VirtualService", IN_PROGRESS)], metadata=server)
    assert found(app, virtual_service("a"), rule="RL627") == []


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/spec/http/0/route/0/weight", "item 0 of `http` by its place, which is `a` now"),
        ("/spec/http/7/timeout", "item 7 of `http` by its place"),
        ("/spec/http", ""),
        ("/spec/hosts/0", ""),
        ("/metadata/labels/0", ""),
        ("/spec/http/{{ n }}", ""),
    ],
)
def test_pointers_that_count_are_named(pointer: str, words: str):
    app = application(ignore=[ignoring("VirtualService", pointers=["/spec/gateways", pointer])])
    messages = [f.finding.message for f in report(app, virtual_service("a", "b"), rule="RL628").active]
    assert messages == ([f"This pointer names {words}"] if words else [])


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        (["/spec/http/0", "/spec/http/1"], [1]),
        (["/spec/http/1", "/spec/http/0"], []),
        (["/spec/http/0", "/spec/hosts/0"], []),
        (["/spec/http/0/name", "/spec/http/1/name"], []),
        (["/spec/http/0", "/spec/http/1/name"], [1]),
        (["/spec/http/9", "/spec/http/1"], []),
        (["/spec/http/0", "/spec/http/0"], []),
        (["/spec/http/0", "/spec/http/0/name"], []),
        (["/spec/http/2", "/spec/http/0", "/spec/http/1"], [2]),
        (["/spec/http/0"], []),
    ],
)
def test_pointers_whose_list_has_moved_are_found(pointers: list[str], expected: list[int]):
    app = application(ignore=[ignoring("VirtualService", pointers=pointers)])
    paths = found(app, virtual_service("a", "b", "c"), rule="RL629")
    assert paths == [f"[0].jsonPointers[{n}]" for n in expected]


def test_without_the_object_nothing_is_said_about_its_lists():
    app = application(ignore=[ignoring("VirtualService", pointers=["/spec/http/0", "/spec/http/1"])])
    assert found(app, destination_rule(), rule="RL629") == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"jsonPointers": ["/spec/x", "/status"]}, ["[0].jsonPointers[1]"]),
        ({"jsonPointers": ["/status/conditions/0"]}, ["[0].jsonPointers[0]"]),
        ({"jsonPointers": ["/statuses", "/spec/status"]}, []),
        ({"jqPathExpressions": [".status"]}, ["[0].jqPathExpressions[0]"]),
        ({"jqPathExpressions": [".status.conditions[]?.reason"]}, ["[0].jqPathExpressions[0]"]),
        ({"jqPathExpressions": [".status, .spec.x", ".statuses", ".spec.status"]}, []),
    ],
)
def test_entries_for_the_status_are_named(entry: Any, expected: list[str]):
    app = application(ignore=[{"group": "apps", "kind": "Deployment", **entry}])
    assert found(app, rule="RL641") == expected
    assert found(app, rule="RL641", argocd=Version(2, 14)) == []


def test_an_argocd_cm_that_compares_the_status_silences_the_rule():
    everywhere = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}}
    everywhere["data"] = {"resource.compareoptions": "ignoreResourceStatusField: none"}
    app = application(ignore=[{"group": "apps", "kind": "Deployment", "jsonPointers": ["/status"]}])
    assert found(app, everywhere, rule="RL641") == []


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "x", "/spec/http/0", "/status", IN_PROGRESS, HASH]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["group", "kind", "jsonPointers", "jqPathExpressions", "subsets", "http", "labels"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(trees, trees, st.sampled_from([(), (RID,)]))
def test_no_entry_and_no_object_crashes_the_checks(ignore: Any, spec: Any, options: tuple[str, ...]):
    rules = [{"group": "*", "kind": "*", "jqPathExpressions": [HASH], "jsonPointers": ignore}]
    for given_rules in (ignore, rules):
        objects = [obj(f"{ISTIO}/v1", kind, "web") | {"spec": spec} for kind in ("VirtualService", "DestinationRule")]
        report(application(*options, ignore=given_rules), rollout(), *objects)


def routes(**metadata: Any) -> dict[str, Any]:
    http = [{"redirect": {"uri": "/"}}, {"name": "all", "timeout": "5s", "route": [{"weight": 100}]}]
    return obj(f"{ISTIO}/v1", "VirtualService", "docs", metadata, hosts=["docs"], http=http)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([".spec.http[].route[].weight"], ["[0].jqPathExpressions[0]"]),
        ([".spec.http[]?.timeout", ".spec.http[]?.route[].weight"], ["[0].jqPathExpressions[1]"]),
        ([".spec.tcp[].route[].weight"], []),
        ([".spec.http[].route[].headers"], []),
        ([".spec.http[]?.route[]?.weight"], []),
        ([".spec.http[].timeout"], []),
        ([".spec.http[].route[].weight", ".spec.http[]?.route[]?.weight"], []),
        ([".metadata.labels[]"], []),
        (['.spec.http[] | select(.name == "[]")'], []),
        ([".spec.http[].route[{{ .index }}].weight"], []),
    ],
)
def test_a_path_that_fails_on_an_object_is_found_where_it_would_have_done_something(
    paths: list[str], expected: list[str]
) -> None:
    assert found(application(ignore=[ignoring("VirtualService", *paths)]), routes(), rule="RL653") == expected


def test_a_path_that_fails_is_told_once_and_by_the_first_object() -> None:
    other = {**routes(), "metadata": {"name": "more"}}
    app = application(ignore=[ignoring("*", ".spec.http[].route[].weight")])
    (one,) = report(app, virtual_service("fine"), routes(), other, rule="RL653").active
    assert "VirtualService `docs`" in one.finding.message
    assert len(one.finding.related) == 2


def test_labels_that_argo_cd_adds_may_be_iterated_over() -> None:
    app = application(ignore=[ignoring("VirtualService", ".metadata.labels[], .spec.http")])
    assert found(app, routes(), rule="RL653") == []


def test_a_hook_is_not_compared() -> None:
    app = application(ignore=[ignoring("VirtualService", ".spec.http[].route[].weight")])
    assert found(app, routes(annotations={"argocd.argoproj.io/hook": "Sync"}), rule="RL653") == []


def test_what_a_rollout_routes_with_is_left_to_the_rules_about_that() -> None:
    routed = {**routes(), "metadata": {"name": "web"}}
    app = application(ignore=[ignoring("VirtualService", ".spec.http[].route[].weight")])
    assert found(app, rollout(), routed, rule="RL653") == []
