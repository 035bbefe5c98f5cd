"""Views read well-formed objects as the controllers do, and never raise on anything else."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.finding import DocumentId
from rolloutlint.model import VIEWS, Application, DestinationRule, Rollout, Service, View, VirtualService, Workload
from rolloutlint.model.istio import full_host
from rolloutlint.model.resource import containers, make_resource
from rolloutlint.model.rollout import STEP_KINDS, VirtualServiceUse

DOCUMENT = DocumentId("input.yaml", 0)


def view(kind: type[View], value: dict[str, Any]) -> Any:
    return kind(make_resource(0, DOCUMENT, (), value))


def rollout(**spec: Any) -> Rollout:
    made: Rollout = view(Rollout, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": spec})
    return made


def canary(**fields: Any) -> Rollout:
    return rollout(strategy={"canary": fields})


# ---- nothing raises ------------------------------------------------------------------------------------------

WORDS = """
    metadata spec strategy canary blueGreen steps trafficRouting istio virtualService virtualServices
    destinationRule name namespace labels annotations template containers workloadRef kind apiVersion
    analysis experiment analyses templates templateName clusterScope args metrics pause duration plugin
    setWeight canaryService stableService activeService previewService pingPong pingService source
    sources repoURL path destination server syncPolicy syncOptions automated enabled selfHeal http tls
    tcp route host subset subsets weight selector managedRoutes prePromotionAnalysis ignoreDifferences
    nginx alb smi ingress ingresses stableIngress stableIngresses rootService replicas routes
"""
KEYS = WORDS.split()
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False) | st.sampled_from(["", "a", "a.b.c"])
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5)


def ask_everything(thing: Any) -> None:
    """Reads every public property of a view and of the records it gives."""
    for name, member in inspect.getmembers(type(thing)):
        if not name.startswith("_") and isinstance(member, (property, cached_property)):
            answer = getattr(thing, name)
            for item in answer if isinstance(answer, tuple) else (answer,):
                if type(item).__module__.startswith("rolloutlint.model"):
                    ask_everything(item)


@pytest.mark.parametrize("group, kind", VIEWS, ids=lambda text: text or "core")
@given(value=OBJECTS)
@settings(max_examples=40, deadline=None)
def test_no_property_of_any_view_raises_whatever_the_object_holds(group: str, kind: str, value: dict[str, Any]) -> None:
    ask_everything(view(VIEWS[group, kind], {**value, "apiVersion": f"{group}/v1", "kind": kind}))


@given(value=OBJECTS, strategy=TREES, router=TREES)
@settings(max_examples=150, deadline=None)
def test_a_rollout_with_a_random_strategy_answers_everything(value: Any, strategy: Any, router: Any) -> None:
    spec = {"strategy": {"canary": {"trafficRouting": {"istio": router}, "steps": strategy}, "blueGreen": value}}
    made = rollout(**spec)
    ask_everything(made)
    for use in made.virtual_services:
        use.split()
    for step in made.steps:
        assert set(step.kinds) <= set(STEP_KINDS)


@given(TREES)
def test_containers_of_a_random_template_are_mappings(template: Any) -> None:
    given_template = template if isinstance(template, dict) else {}
    assert all(isinstance(item, dict) for _, item in containers(given_template))


# ---- Rollout -------------------------------------------------------------------------------------------------


def test_replicas_default_to_one_and_a_boolean_is_no_number():
    assert [rollout(replicas=r).replicas for r in (7, 0, None, "3", True)] == [7, 0, 1, 1, 1]


def test_both_strategies_or_none_is_no_strategy():
    assert canary().strategy_kind == "canary"
    assert rollout(strategy={"blueGreen": {}}).strategy_kind == "blueGreen"
    assert rollout(strategy={"blueGreen": {}, "canary": {}}).strategy_kind == ""
    assert rollout(strategy={}).strategy_kind == ""
    assert rollout(strategy={"canary": "x"}).strategy_kind == ""


def test_a_null_strategy_beside_the_other_one_is_not_set():
    assert rollout(strategy={"blueGreen": None, "canary": {}}).strategy_kind == "canary"


def test_the_kinds_of_a_step_come_in_the_order_in_which_the_controller_asks():
    step = canary(steps=[{"plugin": {}, "setWeight": 5, "analysis": {}, "pause": {}, "experiment": None}]).steps[0]
    assert step.kinds == ("pause", "setWeight", "analysis", "plugin")


def test_items_of_steps_that_are_no_mappings_keep_the_index_of_the_others():
    steps = canary(steps=["x", {"setWeight": 5}, None, {"pause": {}}]).steps
    assert [(s.index, s.path[-1]) for s in steps] == [(1, 1), (3, 3)]


def test_a_weight_that_is_no_integer_is_none():
    steps = canary(steps=[{"setWeight": w} for w in (20, "20", True, 1.5)]).steps
    assert [s.weight for s in steps] == [20, None, None, None]


@pytest.mark.parametrize(
    "step, holds",
    [
        ({"pause": {}}, True),
        ({"pause": {"duration": "10m"}}, True),
        ({"pause": {"duration": 0}}, False),
        ({"pause": {"duration": "0s"}}, False),
        ({"analysis": {}}, True),
        ({"experiment": {}}, True),
        ({"plugin": {"name": "a/b"}}, True),
        ({"setWeight": 5}, False),
        ({"setCanaryScale": {"replicas": 1}}, False),
    ],
)
def test_only_a_step_that_waits_for_more_than_pods_holds(step: dict[str, Any], holds: bool) -> None:
    assert canary(steps=[step]).steps[0].holds is holds


def test_services_are_named_with_their_roles_and_paths():
    made = rollout(
        strategy={
            "canary": {
                "canaryService": "c",
                "stableService": "s",
                "pingPong": {"pingService": "pi", "pongService": "po"},
            },
            "blueGreen": {"activeService": "a", "previewService": ""},
        }
    )
    assert {u.role: u.name for u in made.services} == {
        "activeService": "a",
        "canaryService": "c",
        "stableService": "s",
        "pingService": "pi",
        "pongService": "po",
    }
    ping = made.service("pingService")
    assert ping is not None
    assert ping.path == ("spec", "strategy", "canary", "pingPong", "pingService")
    assert made.service("previewService") is None


def test_every_place_that_runs_an_analysis_is_found_with_its_role_and_step():
    templates = [{"templateName": "t"}]
    made = rollout(
        strategy={
            "canary": {
                "analysis": {"templates": templates},
                "steps": [
                    {"setWeight": 5},
                    {"analysis": {"templates": [{"templateName": "t", "clusterScope": True}, {"x": 1}]}},
                    {"experiment": {"analyses": [{"name": "e", "templateName": "t"}, {"name": "none"}]}},
                ],
            },
            "blueGreen": {
                "prePromotionAnalysis": {"templates": templates, "args": [{"name": "a"}]},
                "postPromotionAnalysis": {"templates": templates},
            },
        }
    )
    got = [(a.role, a.step, [(t.name, t.cluster_scope) for t in a.templates]) for a in made.analyses]
    assert got == [
        ("background", None, [("t", False)]),
        ("step", 1, [("t", True)]),
        ("experiment", 2, [("t", False)]),
        ("experiment", 2, []),
        ("prePromotion", None, [("t", False)]),
        ("postPromotion", None, [("t", False)]),
    ]
    assert made.analyses[2].templates[0].path[-5:] == (2, "experiment", "analyses", 0, "templateName")
    assert made.analyses[4].arguments[0][0][-2:] == ("args", 0)


@pytest.mark.parametrize(
    "name, parts",
    [("vs", ("vs", "")), ("vs.istio", ("vs", "istio")), ("vs.istio.svc", None), ("vs.a.b.c", None)],
)
def test_the_name_of_a_virtual_service_may_hold_its_namespace(name: str, parts: tuple[str, str] | None) -> None:
    assert VirtualServiceUse(name, (), {}).split() == parts


def test_one_virtual_service_and_several_are_both_read():
    istio = {"virtualService": {"name": "a", "routes": ["r", 3]}, "virtualServices": [{"name": "b"}, {"routes": []}]}
    uses = canary(trafficRouting={"istio": istio}).virtual_services
    assert [(u.name, u.path[-3:]) for u in uses] == [
        ("a", ("istio", "virtualService", "name")),
        ("b", ("virtualServices", 0, "name")),
    ]
    assert uses[0].route_names == ("r",)


def test_the_destination_rule_tells_its_subsets():
    rule = {"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"}
    use = canary(trafficRouting={"istio": {"destinationRule": rule}}).destination_rule
    assert use is not None
    assert (use.name, use.canary_subset, use.stable_subset) == ("web", "canary", "stable")
    assert canary(trafficRouting={"istio": {}}).destination_rule is None


def test_managed_routes_are_named():
    made = canary(trafficRouting={"managedRoutes": [{"name": "header"}, "x", {}]})
    assert made.managed_routes == ("header", "")


# ---- the others ----------------------------------------------------------------------------------------------


def application(**spec: Any) -> Application:
    made: Application = view(Application, {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec})
    return made


@pytest.mark.parametrize(
    "path, directory",
    [
        ("apps/web", "apps/web"),
        ("./apps/web/", "apps/web"),
        ("apps//web", "apps/web"),
        (".", "."),
        ("./", "."),
        ("", ""),
    ],
)
def test_the_path_of_a_source_is_cleaned(path: str, directory: str) -> None:
    assert application(source={"path": path}).sources[0].directory == directory


def test_sources_win_over_source():
    made = application(source={"path": "old"}, sources=[{"path": "a"}, {"path": "b"}])
    assert [s.directory for s in made.sources] == ["a", "b"]
    assert [s.directory for s in application(source={"path": "old"}, sources=[]).sources] == ["old"]
    assert application(source="x").sources == ()


def test_a_destination_is_its_server_or_its_name():
    assert application(destination={"server": "https://kubernetes.default.svc/"}).destination == (
        "https://kubernetes.default.svc"
    )
    assert application(destination={"name": "prod"}).destination == "name:prod"
    assert application(destination={"name": 5}).destination == ""
    assert application(destination={"namespace": "shop"}).destination_namespace == "shop"


def test_sync_options_are_compared_whole():
    made = application(syncPolicy={"syncOptions": ["PruneLast=true", 4, "RespectIgnoreDifferences = true"]})
    assert made.has_option("PruneLast=true")
    assert not made.has_option("RespectIgnoreDifferences=true")
    assert [p[-1] for p, _ in made.sync_options] == [0, 2]


@pytest.mark.parametrize(
    "automated, runs, heals",
    [
        ({}, True, False),
        ({"selfHeal": True}, True, True),
        ({"enabled": False, "selfHeal": True}, False, False),
        ({"enabled": None}, True, False),
        (None, False, False),
        (True, False, False),
    ],
)
def test_automation_is_on_unless_it_is_absent_or_disabled(automated: Any, runs: bool, heals: bool) -> None:
    made = application(syncPolicy={"automated": automated})
    assert (made.automated, made.self_heal) == (runs, heals)


def test_routes_of_a_virtual_service_tell_their_destinations():
    http = [
        {"name": "primary", "route": [{"destination": {"host": "web.shop.svc", "subset": "v1"}, "weight": 90}]},
        {"route": [{"destination": {"host": "web"}, "weight": True}, "x"]},
    ]
    made: VirtualService = view(VirtualService, {"spec": {"http": http, "tcp": [{}], "tls": "x"}})
    first = made.http[0].destinations[0]
    assert (made.http[0].name, first.host, first.service, first.subset, first.weight) == (
        "primary",
        "web.shop.svc",
        "web",
        "v1",
        90,
    )
    assert [d.weight for d in made.http[1].destinations] == [None]
    assert (len(made.tcp), len(made.tls)) == (1, 0)


def test_a_subset_is_found_by_its_name():
    subsets = [{"name": "a", "labels": {"x": "1", "y": 2}}, {"name": "b"}]
    made: DestinationRule = view(DestinationRule, {"spec": {"host": "web", "subsets": subsets}})
    found = made.subset("a")
    assert found is not None
    assert found.labels == {"x": "1"}
    assert made.subset("c") is None


@pytest.mark.parametrize(
    "host, full",
    [
        ("web", "web.shop.svc.cluster.local"),
        ("web.shop", "web.shop"),
        ("*", "*"),
        ("web.shop.svc.cluster.local", "web.shop.svc.cluster.local"),
    ],
)
def test_a_short_host_gets_the_namespace_and_any_dot_makes_it_full(host: str, full: str) -> None:
    assert full_host(host, "shop") == full


def test_a_service_without_a_selector_has_none():
    assert view(Service, {"spec": {"selector": {"app": "web"}}}).selector == {"app": "web"}
    assert view(Service, {"spec": {"selector": {}}}).selector is None
    assert view(Service, {"spec": {}}).selector is None


def test_the_template_of_a_pod_template_stands_at_its_root():
    template = {"metadata": {"labels": {"app": "web"}}}
    assert view(Workload, {"apiVersion": "v1", "kind": "PodTemplate", "template": template}).pod_labels == {
        "app": "web"
    }
    assert view(Workload, {"kind": "Deployment", "spec": {"template": template}}).pod_labels == {"app": "web"}
