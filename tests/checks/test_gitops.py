"""RL6 against Applications of every shape, with the objects they deliver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.graph import Layout
from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL60",))
ISTIO = "networking.istio.io"
JQ = ".spec.http[]?.route[]?.weight"
AOOSO = "ApplyOutOfSyncOnly=true"
RID = "RespectIgnoreDifferences=true"
SSA = "ServerSideApply=true"
HASH_RULE = {"kind": "Service", "jsonPointers": ["/spec/selector/rollouts-pod-template-hash"]}


def obj(api: str, kind: str, name: str, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def application(
    *options: str, ignore: Iterable[Any] = (), automated: Any = None, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    source = {"repoURL": "https://git.example/shop/deploy.git", "path": "workloads", "targetRevision": "main"}
    policy = {"syncOptions": list(options)} if options else {}
    if automated is not None:
        policy["automated"] = automated
    return obj(
        "argoproj.io/v1alpha1",
        "Application",
        "shop",
        annotations,
        project="shop",
        source=source,
        ignoreDifferences=list(ignore),
        syncPolicy=policy,
        destination={"server": "https://kubernetes.default.svc", "namespace": "shop"},
    )


def rollout(*steps: Any, **canary: Any) -> dict[str, Any]:
    routing = {"istio": {"virtualService": {"name": "web", "routes": ["primary"]}}}
    spec = {"canaryService": "web-canary", "stableService": "web", "steps": list(steps) or [{"setWeight": 10}]}
    return obj(
        "argoproj.io/v1alpha1",
        "Rollout",
        "web",
        template={"spec": {"containers": [{"name": "web", "image": "web:1"}]}},
        strategy={"canary": {**spec, "trafficRouting": routing, **canary}},
    )


def to(host: str, weight: int | None) -> dict[str, Any]:
    return {"destination": {"host": host}, **({} if weight is None else {"weight": weight})}


def virtual_service(*before: Any, weights: tuple[int | None, int | None] = (100, 0)) -> dict[str, Any]:
    primary = {"name": "primary", "route": [to("web", weights[0]), to("web-canary", weights[1])]}
    return obj(f"{ISTIO}/v1", "VirtualService", "web", http=[*before, primary])


def service(name: str, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return obj("v1", "Service", name, annotations, **{"selector": {"app": "web"}, **spec})


SHOP = (rollout(), virtual_service(), service("web"), service("web-canary"))
SELF_HEAL = {"selfHeal": True}


def ignoring(*paths: str, **more: Any) -> dict[str, Any]:
    return {"group": ISTIO, "kind": "VirtualService", "jqPathExpressions": list(paths), **more}


def report(
    app: dict[str, Any], *delivered: dict[str, Any], run: Settings = FAMILY, layout: Layout | None = None
) -> Any:
    files = {
        "apps/shop.yaml": yaml.safe_dump(app, sort_keys=False),
        "workloads/web.yaml": yaml.safe_dump_all(delivered, sort_keys=False),
    }
    result = lint(files, run, layout)
    assert not result.lost
    return result


def found(app: dict[str, Any], *delivered: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f.finding.rule, f.path) for f in report(app, *delivered).active]


def rules(app: dict[str, Any], *delivered: dict[str, Any]) -> list[str]:
    return [rule for rule, _ in found(app, *delivered)]


HEAL = "spec.syncPolicy.automated.selfHeal"


def test_self_heal_fights_the_controller_for_weights_that_nobody_ignores():
    assert found(application(automated=SELF_HEAL), *SHOP) == [("RL601", HEAL)]


@pytest.mark.parametrize(("automated", "expected"), [({}, "each commit"), (None, "whoever syncs")])
def test_without_self_heal_a_sync_resets_what_is_not_ignored(automated: Any, expected: str):
    active = report(application(automated=automated), *SHOP).active
    assert [f.finding.rule for f in active] == ["RL608"]
    assert expected in active[0].finding.consequence


@pytest.mark.parametrize("automated", [None, {}, SELF_HEAL])
def test_ignored_weights_are_applied_by_every_sync_all_the_same(automated: Any):
    assert rules(application(ignore=[ignoring(JQ)], automated=automated), *SHOP) == ["RL608"]


@pytest.mark.parametrize("option", [AOOSO, RID])
@pytest.mark.parametrize(
    "rule",
    [
        ignoring(JQ),
        ignoring(".spec.http"),
        ignoring(jsonPointers=["/spec/http/0/route/0/weight", "/spec/http/0/route/1/weight"]),
        {**ignoring(JQ), "group": "*.istio.io", "name": "web", "namespace": "shop"},
    ],
)
def test_a_rule_that_covers_the_weights_and_an_option_that_spares_them_are_enough(option: str, rule: dict[str, Any]):
    assert rules(application(option, ignore=[rule], automated=SELF_HEAL), *SHOP) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("another group", {**ignoring(JQ), "group": "networking.k8s.io"}),
        ("another name", ignoring(JQ, name="wub")),
        ("another namespace", ignoring(JQ, namespace="mesh")),
        ("another path", ignoring(".spec.http[]?.timeout")),
        ("one weight of two", ignoring(jsonPointers=["/spec/http/0/route/0/weight"])),
        ("tcp only", ignoring(".spec.tcp[]?.route[]?.weight")),
    ],
)
def test_a_rule_that_misses_the_weights_does_not_count(name: str, rule: dict[str, Any]):
    assert rules(application(AOOSO, ignore=[rule], automated=SELF_HEAL), *SHOP) == ["RL601"], name


def test_a_jq_path_that_fails_on_this_manifest_is_shown():
    app = application(AOOSO, ignore=[ignoring(".spec.hosts", ".spec.http[].route[].weight")], automated=SELF_HEAL)
    redirect = {"name": "old", "redirect": {"uri": "/"}}
    assert found(app, rollout(), virtual_service(redirect)) == [
        ("RL601", "spec.ignoreDifferences[0].jqPathExpressions[1]")
    ]
    assert found(app, *SHOP) == []


HEADER = {"setHeaderRoute": {"name": "by-header", "match": [{"headerName": "x", "headerValue": {"exact": "y"}}]}}
ROUTES = {
    "trafficRouting": {
        "managedRoutes": [{"name": "by-header"}],
        "istio": {"virtualService": {"name": "web", "routes": ["primary"]}},
    }
}


def test_routes_that_steps_add_must_be_ignored_too():
    canary = rollout({"setWeight": 10}, HEADER, **ROUTES)
    weights_only = application(AOOSO, ignore=[ignoring(JQ)], automated=SELF_HEAL)
    (finding,) = report(weights_only, canary, virtual_service()).active
    assert finding.finding.message == "The managed routes of VirtualService `web` are not ignored, and `selfHeal` is on"
    both = application(
        AOOSO, ignore=[ignoring(JQ, '.spec.http[]? | select(.name == "by-header")')], automated=SELF_HEAL
    )
    assert found(both, canary, virtual_service()) == []


def test_a_pointer_by_index_points_elsewhere_once_a_managed_route_comes_first():
    pointers = ["/spec/http/0/route/0/weight", "/spec/http/0/route/1/weight"]
    rule = ignoring('.spec.http[]? | select(.name == "by-header")', jsonPointers=pointers)
    app = application(AOOSO, ignore=[rule], automated=SELF_HEAL)
    assert found(app, rollout({"setWeight": 10}, HEADER, **ROUTES), virtual_service()) == [
        ("RL601", "spec.ignoreDifferences[0].jsonPointers[0]")
    ]


@pytest.mark.parametrize(
    ("name", "delivered"),
    [
        ("no Rollout names it", (virtual_service(),)),
        ("the canary never gets a share", (rollout({"setWeight": 0}, {"pause": {}}), virtual_service())),
        (
            "a hook is not compared",
            (
                rollout(),
                {
                    **virtual_service(),
                    "metadata": {"name": "web", "annotations": {"argocd.argoproj.io/hook": "PreSync"}},
                },
            ),
        ),
        ("weights that Git leaves out are no difference", (rollout(), virtual_service(weights=(None, None)))),
        ("nothing is delivered", ()),
    ],
)
def test_there_is_no_fight_where_nothing_differs(name: str, delivered: tuple[dict[str, Any], ...]):
    assert "RL601" not in rules(application(automated=SELF_HEAL), *delivered), name


@pytest.mark.parametrize(
    "rule",
    [
        ignoring(managedFieldsManagers=["rollouts-controller"]),
        ignoring(managedFieldsManagers=["some-other"]),
        ignoring('.spec.http[] | getpath(["route"]) | limit(1; .[])'),
        ignoring("spec.http"),
    ],
)
def test_what_only_the_cluster_or_jq_itself_can_tell_is_left_open(rule: dict[str, Any]):
    assert "RL601" not in rules(application(AOOSO, ignore=[rule], automated=SELF_HEAL), *SHOP)


def test_rules_in_argocd_cm_leave_it_open():
    key = f"resource.customizations.ignoreDifferences.{ISTIO}_VirtualService"
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm"},
        "data": {key: "jsonPointers: []"},
    }
    assert rules(application(automated=SELF_HEAL), *SHOP, config) == []


def test_a_gateway_api_route_is_written_too():
    plugin = {"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "web", "namespace": "shop"}}}
    backends = [{"name": "web", "weight": 100}, {"name": "web-canary", "weight": 0}]
    route = obj("gateway.networking.k8s.io/v1", "HTTPRoute", "web", rules=[{"backendRefs": backends}])
    app = application(automated=SELF_HEAL)
    assert found(app, rollout(trafficRouting=plugin), route) == [("RL601", HEAL)]
    rule = {
        "group": "gateway.networking.k8s.io",
        "kind": "HTTPRoute",
        "jqPathExpressions": [".spec.rules[]?.backendRefs[]?.weight"],
    }
    assert found(application(AOOSO, ignore=[rule], automated=SELF_HEAL), rollout(trafficRouting=plugin), route) == []


IMAGE = "/spec/template/spec/containers/0/image"


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("the image", {"jsonPointers": ["/spec/replicas", IMAGE]}, ["spec.ignoreDifferences[0].jsonPointers[1]"]),
        (
            "all images",
            {"jqPathExpressions": [".spec.template.spec.containers[].image"]},
            ["spec.ignoreDifferences[0].jqPathExpressions[0]"],
        ),
        (
            "the container by name",
            {"jqPathExpressions": ['.spec.template.spec.containers[] | select(.name == "web")']},
            ["spec.ignoreDifferences[0].jqPathExpressions[0]"],
        ),
        (
            "another container",
            {"jqPathExpressions": ['.spec.template.spec.containers[] | select(.name == "proxy")']},
            [],
        ),
        ("the template", {"jsonPointers": ["/spec/template"]}, ["spec.ignoreDifferences[0].jsonPointers[0]"]),
        ("its annotations", {"jsonPointers": ["/spec/template/metadata/annotations"]}, []),
        ("a second image of one", {"jsonPointers": ["/spec/template/spec/containers/1/image"]}, []),
        ("replicas", {"jsonPointers": ["/spec/replicas"]}, []),
    ],
)
def test_an_entry_that_hides_the_image_is_found(name: str, entry: dict[str, Any], expected: list[str]):
    app = application(ignore=[{"group": "argoproj.io", "kind": "Rollout", **entry}])
    assert found(app, rollout(trafficRouting=None)) == [("RL602", path) for path in expected], name


@pytest.mark.parametrize(
    ("kind", "group", "options", "said"),
    [
        ("Rollout", "argoproj.io", (), "automated sync does not start"),
        ("Rollout", "argoproj.io", (RID,), "no image, env, resources or probe"),
        ("Deployment", "apps", (RID,), "the image in Git is never deployed"),
    ],
)
def test_what_an_ignored_image_does_depends_on_the_kind_and_the_option(kind: str, group: str, options: Any, said: str):
    app = application(*options, ignore=[{"group": group, "kind": kind, "jsonPointers": [IMAGE]}])
    (finding,) = report(app, obj(f"{group}/v1", kind, "web", template=rollout()["spec"]["template"])).active
    assert said in finding.finding.consequence


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"jsonPointers": ["/spec/replicas", "spec/replicas"]}, [("RL603", "jsonPointers[1]")]),
        ({"jsonPointers": ["/metadata/annotations/a.example/b"]}, [("RL603", "jsonPointers[0]")]),
        ({"jsonPointers": ["/metadata/annotations/a.example~1b"]}, []),
        ({"jsonPointers": ["/spec/steps/*/pause", ".spec.steps"]}, [("RL603", f"jsonPointers[{i}]") for i in (0, 1)]),
        ({"jsonPointers": [None, 3, "{{ pointer }}"]}, []),
        ({"group": ""}, [("RL604", "kind")]),
        ({"group": "argoproj.io/v1alpha1"}, [("RL605", "group")]),
        ({"group": "argoproj.com"}, [("RL605", "group")]),
        ({"group": "argo*"}, []),
        ({"kind": "rollout"}, [("RL605", "kind")]),
        ({"kind": "Rollouts"}, [("RL605", "kind")]),
        ({"group": "example.com", "kind": "Widget"}, []),
        ({"group": "", "kind": "Service"}, []),
        ({"group": "*", "kind": "*"}, []),
        ({"jqPathExpressions": [".spec.replicas", "spec.replicas"]}, [("RL609", "jqPathExpressions[1]")]),
        (
            {"jqPathExpressions": [".spec.x[", ".a |", ".spec.replicas?"]},
            [("RL609", f"jqPathExpressions[{i}]") for i in (0, 1)],
        ),
        ({"jqPathExpressions": ["{{ path }}"]}, []),
    ],
)
def test_rules_that_can_never_work_are_found(entry: dict[str, Any], expected: list[tuple[str, str]]):
    app = application(ignore=[{"kind": "ConfigMap"}, {"group": "argoproj.io", "kind": "Rollout", **entry}])
    assert found(app) == [(rule, f"spec.ignoreDifferences[1].{path}") for rule, path in expected]


def test_a_kind_of_the_inputs_needs_its_group_too():
    widget = obj("example.com/v1", "Widget", "w")
    assert found(application(ignore=[{"kind": "Widget"}]), widget) == [("RL604", "spec.ignoreDifferences[0].kind")]


@pytest.mark.parametrize(
    ("option", "on_application", "on_resource"),
    [
        ("Prune=false", False, False),
        ("ApplyOutOfSyncOnly=true", False, True),
        ("ApplyOutOfSyncOnly=True", True, True),
        ("ServerSideApply = true", True, True),
        ("PruneLast", True, True),
        ("Force=true", True, False),
        ("Replace=false", False, False),
        ("ServerSideApply=false", False, False),
        ("Turbo=true", True, True),
        ("{{ option }}", False, False),
    ],
)
def test_options_are_read_as_exact_strings_at_their_level(option: str, on_application: bool, on_resource: bool):
    path = "spec.syncPolicy.syncOptions[1]"
    assert found(application("PruneLast=true", option)) == ([("RL606", path)] if on_application else [])
    annotated = obj("v1", "ConfigMap", "web", {"argocd.argoproj.io/sync-options": f"Prune=false, {option}"})
    assert rules(application(), annotated) == (["RL606"] if on_resource else [])


def test_an_option_in_an_annotation_is_pointed_at_among_others():
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n"
    text += "    argocd.argoproj.io/sync-options: Prune=false, prunelast=true\n"
    (finding,) = lint(text, FAMILY).active
    assert (finding.span.line, finding.span.column, finding.span.end_column) == (6, 51, 65)


BLUE_GREEN = obj(
    "argoproj.io/v1alpha1",
    "Rollout",
    "web",
    strategy={"blueGreen": {"activeService": "web", "previewService": "web-canary", "autoPromotionEnabled": False}},
)
EXEMPT = {"argocd.argoproj.io/sync-options": "ServerSideApply=false"}
FIRST_OPTION = "spec.syncPolicy.syncOptions[0]"


@pytest.mark.parametrize("option", [SSA, "Replace=true"])
def test_server_side_apply_and_replace_drop_the_hash(option: str):
    assert found(application(option), rollout(), service("web"), service("web-canary")) == [("RL607", FIRST_OPTION)]


def test_dropping_the_hash_of_the_active_service_promotes_what_is_gated():
    (finding,) = report(application(SSA), BLUE_GREEN, service("web-canary"), service("web")).active
    assert "promotes the new version unapproved" in finding.finding.consequence
    ungated = {**BLUE_GREEN, "spec": {"strategy": {"blueGreen": {"activeService": "web"}}}}
    (finding,) = report(application(SSA), ungated, service("web")).active
    assert "breaks the split" in finding.finding.consequence


@pytest.mark.parametrize(
    ("name", "app", "web"),
    [
        ("client-side", application(), service("web")),
        ("exempt by annotation", application(SSA), service("web", EXEMPT)),
        ("ignored and respected", application(SSA, RID, ignore=[HASH_RULE]), service("web")),
        ("ignored and spared", application(SSA, AOOSO, ignore=[HASH_RULE]), service("web")),
        ("no selector in Git", application(SSA), service("web", selector=None)),
        ("used by no Rollout", application(SSA), service("other")),
        (
            "a manager that only the cluster knows",
            application(SSA, ignore=[{"kind": "Service", "managedFieldsManagers": ["x"]}]),
            service("web"),
        ),
    ],
)
def test_the_hash_stays_where_nothing_replaces_the_selector(name: str, app: dict[str, Any], web: dict[str, Any]):
    assert found(app, BLUE_GREEN, web) == [], name


def test_an_ignored_hash_alone_does_not_protect_the_selector():
    assert rules(application(SSA, ignore=[HASH_RULE]), BLUE_GREEN, service("web")) == ["RL607"]


def test_the_annotation_of_a_service_is_at_fault_where_the_application_says_nothing():
    own = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}
    expected = 'metadata.annotations["argocd.argoproj.io/sync-options"]'
    assert found(application(), BLUE_GREEN, service("web", own), service("web-canary")) == [("RL607", expected)]


class Patched:
    """A kustomization that patches one kind."""

    root, namespace, renames = "workloads", None, False

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def touches(self, kind: str, name: str, path: Any = ()) -> bool:
        return kind == self.kind


@pytest.mark.parametrize("kind", ["VirtualService", "Rollout"])
def test_patched_objects_are_not_judged(kind: str):
    files = ("apps/shop.yaml", "workloads/web.yaml")
    layout = Layout(roots=dict.fromkeys(files, "."), overlays={files[1]: (Patched(kind),)})
    assert report(application(automated=SELF_HEAL), *SHOP, layout=layout).active == ()


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "Rollout", "*", "[", "/spec", ".spec[", SSA, "a,b"]),
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
                    "managedFieldsManagers",
                    "automated",
                    "selfHeal",
                    "syncOptions",
                    "http",
                    "route",
                    "selector",
                    "strategy",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY, ANY)
def test_no_shape_makes_a_check_fail(ignore: Any, policy: Any, spec: Any):
    app = application(automated=SELF_HEAL)
    app["spec"].update(ignoreDifferences=ignore, syncPolicy=policy)
    report(app, rollout(), {**virtual_service(), "spec": spec}, {**service("web"), "spec": spec})
