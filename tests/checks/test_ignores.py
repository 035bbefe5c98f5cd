"""RL630, RL631, RL634 to RL636 against Applications, with the objects they deliver."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.graph import Layout
from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL630", "RL631", "RL634", "RL635", "RL636"))
ISTIO = "networking.istio.io"
AOOSO = "ApplyOutOfSyncOnly=true"
RID = "RespectIgnoreDifferences=true"
REPLICAS = ["/spec/replicas"]
ROLLOUT_RULE = {"group": "argoproj.io", "kind": "Rollout", "jsonPointers": REPLICAS}
DEPLOYMENT_RULE = {"group": "apps", "kind": "Deployment", "jsonPointers": REPLICAS}


def obj(api: str, kind: str, name: str, annotations: Any = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def application(*options: str, ignore: Any = (), heal: bool = False, path: str = "workloads") -> dict[str, Any]:
    return obj(
        "argoproj.io/v1alpha1",
        "Application",
        "shop",
        source={"repoURL": "https://git.example/shop/deploy.git", "path": path, "targetRevision": "main"},
        destination={"server": "https://kubernetes.default.svc", "namespace": "shop"},
        ignoreDifferences=ignore if isinstance(ignore, (dict, str, int)) else list(ignore or ()),
        syncPolicy={"syncOptions": list(options), **({"automated": {"selfHeal": True}} if heal else {})},
    )


def rollout(**spec: Any) -> dict[str, Any]:
    return obj("argoproj.io/v1alpha1", "Rollout", "web", **{"strategy": {"canary": {}}, **spec})


def autoscaler(annotations: Any = None, kind: str = "Rollout", **spec: Any) -> dict[str, Any]:
    api = "argoproj.io/v1alpha1" if kind == "Rollout" else "apps/v1"
    target = {"apiVersion": api, "kind": kind, "name": "web"}
    bounds = {"minReplicas": 2, "maxReplicas": 9}
    return obj(
        "autoscaling/v2", "HorizontalPodAutoscaler", "web", annotations, scaleTargetRef=target, **{**bounds, **spec}
    )


def scaled_object(annotations: Any = None, **spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}
    return obj("keda.sh/v1alpha1", "ScaledObject", "web", annotations, scaleTargetRef=target, **spec)


def deployment(replicas: Any = 3) -> dict[str, Any]:
    return obj("apps/v1", "Deployment", "web", replicas=replicas)


def taking_over(down: Any = "onsuccess") -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "scaleDown": down}
    return rollout(workloadRef=reference)


def virtual_service(name: str = "web") -> dict[str, Any]:
    routes = [{"destination": {"host": "web"}, "weight": 100}, {"destination": {"host": "web-canary"}, "weight": 0}]
    http = [{"name": "health", "route": [{"destination": {"host": "web"}}]}, {"name": "primary", "route": routes}]
    return obj(f"{ISTIO}/v1", "VirtualService", name, hosts=["web"], http=http)


def report(app: dict[str, Any], *delivered: dict[str, Any]) -> Any:
    files = {
        "apps/shop.yaml": yaml.safe_dump(app, sort_keys=False),
        "workloads/web.yaml": yaml.safe_dump_all(delivered, sort_keys=False),
    }
    result = lint(files, FAMILY)
    assert not result.lost
    return result


def found(app: dict[str, Any], *delivered: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f.finding.rule, f.path) for f in report(app, *delivered).active]


def said(app: dict[str, Any], *delivered: dict[str, Any]) -> list[str]:
    return [f.finding.consequence.split(",")[0] for f in report(app, *delivered).active]


@pytest.mark.parametrize("scaler", [autoscaler(), scaled_object(), scaled_object(minReplicaCount=1)])
def test_replicas_in_git_of_what_an_autoscaler_scales_are_found(scaler: dict[str, Any]):
    assert found(application(heal=True), rollout(replicas=3), scaler) == [("RL630", "spec.replicas")]


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (application(heal=True), "Self-heal of"),
        (application(), "Whenever the autoscaler"),
        (application(AOOSO), "Whenever the autoscaler"),
        (application(ignore=[ROLLOUT_RULE], heal=True), "ignores the difference"),
        (application(RID), "Whenever the autoscaler"),
    ],
)
def test_the_finding_says_which_sync_takes_the_replicas_back(app: dict[str, Any], words: str):
    (consequence,) = said(app, rollout(replicas=3), autoscaler())
    assert words in consequence


@pytest.mark.parametrize(
    ("name", "app", "delivered"),
    [
        ("ignored and respected", application(RID, ignore=[ROLLOUT_RULE]), (rollout(replicas=3), autoscaler())),
        ("ignored and spared", application(AOOSO, ignore=[ROLLOUT_RULE]), (rollout(replicas=3), autoscaler())),
        ("no replicas", application(heal=True), (rollout(), autoscaler())),
        ("null", application(heal=True), (rollout(replicas=None), autoscaler())),
        ("zero switches the autoscaler off", application(heal=True), (rollout(replicas=0), autoscaler())),
        ("no autoscaler", application(heal=True), (rollout(replicas=3),)),
        ("bounds that are one number", application(heal=True), (rollout(replicas=3), autoscaler(minReplicas=9))),
        ("another kind", application(heal=True), (rollout(replicas=3), autoscaler(kind="Deployment"))),
        (
            "paused",
            application(heal=True),
            (rollout(replicas=3), scaled_object({"autoscaling.keda.sh/paused-replicas": "3"})),
        ),
        ("not delivered", application(heal=True, path="other"), (rollout(replicas=3), autoscaler())),
        ("filled in later", application("{{ option }}", heal=True), (rollout(replicas=3), autoscaler())),
        (
            "some manager ignored",
            application(ignore=[{**ROLLOUT_RULE, "jsonPointers": [], "managedFieldsManagers": ["keda-operator"]}]),
            (rollout(replicas=3), autoscaler()),
        ),
    ],
)
def test_replicas_that_no_sync_changes_are_left_alone(name: str, app: dict[str, Any], delivered: Any):
    assert found(app, *delivered) == [], name


def test_rules_of_argocd_cm_make_the_answer_unknown():
    everywhere = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "argocd-cm", "namespace": "argocd"}}
    everywhere["data"] = {"resource.customizations.ignoreDifferences.all": "jsonPointers: [/spec/replicas]"}
    assert found(application(heal=True), rollout(replicas=3), autoscaler(), everywhere) == []


def test_an_object_inside_a_list_is_found_too():
    items = {"apiVersion": "v1", "kind": "List", "items": [autoscaler(), rollout(replicas=3)]}
    assert found(application(heal=True), items) == [("RL630", "items[1].spec.replicas")]


@pytest.mark.parametrize("down", ["onsuccess", "progressively"])
@pytest.mark.parametrize(
    "app",
    [application(), application(heal=True), application(AOOSO, ignore=[DEPLOYMENT_RULE]), application(RID)],
)
def test_a_replaced_deployment_with_replicas_in_git_is_found(down: str, app: dict[str, Any]):
    assert found(app, taking_over(down), deployment()) == [("RL631", "spec.replicas")]


@pytest.mark.parametrize(
    ("name", "app", "delivered"),
    [
        ("ignored and respected", application(RID, ignore=[DEPLOYMENT_RULE]), (taking_over(), deployment())),
        ("at zero", application(heal=True), (taking_over(), deployment(0))),
        ("not stated", application(heal=True), (taking_over(), deployment(None))),
        ("never scaled down", application(heal=True), (taking_over("never"), deployment())),
        ("no scaleDown", application(heal=True), (taking_over(None), deployment())),
        ("no Rollout", application(heal=True), (deployment(),)),
    ],
)
def test_a_deployment_that_stays_down_is_left_alone(name: str, app: dict[str, Any], delivered: Any):
    assert found(app, *delivered) == [], name


def ignoring(*paths: str, **more: Any) -> dict[str, Any]:
    return {"group": ISTIO, "kind": "VirtualService", "jqPathExpressions": list(paths), **more}


WEIGHTS = ".spec.http[]?.route[]?.weight"


@pytest.mark.parametrize(
    ("name", "rules", "expected"),
    [
        ("jq", [ignoring(WEIGHTS)], ["jqPathExpressions[0]"]),
        ("a harmless entry first", [ignoring(".spec.hosts", WEIGHTS)], ["jqPathExpressions[1]"]),
        ("pointer", [ignoring(jsonPointers=["/spec/http/1/route/0/weight"])], ["jsonPointers[0]"]),
        ("glob", [ignoring(WEIGHTS, group="*.istio.io")], ["jqPathExpressions[0]"]),
        ("the whole list", [ignoring(".spec.http")], []),
        ("a path that Git lacks", [ignoring('.spec.http[]? | select(.name == "by-header")')], []),
    ],
)
def test_lists_of_custom_resources_freeze_with_what_is_ignored_in_them(name: str, rules: Any, expected: list[str]):
    paths = [f"spec.ignoreDifferences[0].{at}" for at in expected]
    assert found(application(RID, ignore=rules), virtual_service()) == [("RL634", p) for p in paths], name


def test_without_the_option_no_list_freezes():
    assert found(application(AOOSO, ignore=[ignoring(WEIGHTS)]), virtual_service()) == []


def test_lists_of_built_in_kinds_are_merged_by_key():
    ports = {"kind": "Service", "jqPathExpressions": [".spec.ports[]?.nodePort"]}
    service = obj("v1", "Service", "web", ports=[{"port": 80, "nodePort": 30080}])
    assert found(application(RID, ignore=[ports]), service) == []


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"group": "apps", "kind": "StatefulSet", "jsonPointers": REPLICAS}, "kind"),
        ({**ROLLOUT_RULE, "name": "wev"}, "name"),
        ({**ROLLOUT_RULE, "name": "web", "namespace": "mesh"}, "namespace"),
    ],
)
def test_a_rule_about_nothing_that_is_synced_is_found(rule: dict[str, Any], field: str):
    good = ROLLOUT_RULE
    assert found(application(ignore=[good, rule]), rollout()) == [("RL635", f"spec.ignoreDifferences[1].{field}")]


@pytest.mark.parametrize(
    "rule",
    [
        ROLLOUT_RULE,
        {"group": "*", "kind": "*", "jsonPointers": ["/metadata/labels/x"]},
        {"group": "argo*", "kind": "Roll*", "name": "web", "namespace": "shop", "jsonPointers": REPLICAS},
        {"kind": "Namespace", "jsonPointers": ["/metadata/labels"]},
        {"group": "argoproj.io", "kind": "{{ kind }}", "jsonPointers": REPLICAS},
        {"group": "argoproj.io", "kind": None, "jsonPointers": REPLICAS},
        {"kind": "Rollout", "jsonPointers": REPLICAS},
    ],
)
def test_a_rule_that_matches_or_has_another_fault_is_left_alone(rule: dict[str, Any]):
    assert found(application(ignore=[rule]), rollout()) == []


def test_what_is_not_all_there_makes_no_rule_dead():
    files = {
        "apps/shop.yaml": yaml.safe_dump(application(ignore=[{**ROLLOUT_RULE, "name": "api"}])),
        "workloads/web.yaml": yaml.safe_dump(rollout()),
    }
    whole = Layout(roots=dict.fromkeys(files, "."))
    assert lint(files, FAMILY, whole).active
    assert not lint(files, FAMILY, whole._replace(unread=frozenset(["workloads/api.yaml"]))).active


@pytest.mark.parametrize("name", ["argo-rollouts", "argo-rollouts-controller", "rollout-controller"])
def test_a_manager_that_is_not_the_controller_is_found_and_mended(name: str):
    rule = {**ROLLOUT_RULE, "managedFieldsManagers": ["kubectl", name]}
    (finding,) = report(application(ignore=[rule]), rollout()).active
    assert finding.path == "spec.ignoreDifferences[0].managedFieldsManagers[1]"
    assert finding.finding.fix.edits[0].value == "rollouts-controller"


def test_the_manager_of_the_controller_is_left_alone():
    assert (
        found(application(ignore=[{**ROLLOUT_RULE, "managedFieldsManagers": ["rollouts-controller"]}]), rollout()) == []
    )


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.sampled_from(["", "web", "/spec/replicas", "Rollout", "{{x}}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "group",
                    "kind",
                    "name",
                    "jsonPointers",
                    "jqPathExpressions",
                    "replicas",
                    "workloadRef",
                    "scaleTargetRef",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY)
def test_no_shape_makes_a_check_fail(ignore: Any, spec: Any):
    app = application(RID, ignore=ignore, heal=True)
    report(app, {**rollout(), "spec": spec}, {**autoscaler(), "spec": spec}, {**deployment(), "spec": spec})
