"""What controllers write into Git's objects, and the table of what Argo CD then needs (per diff strategy)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.ignore_differences import Target, covers, rules_of
from rolloutlint.controllers.writes import HASH_LABEL, Write, needs_ignore, reset_on_sync, with_inserted, writes
from rolloutlint.settings import Version


def thing(kind: str, group: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def rollout(**strategy: Any) -> dict[str, Any]:
    return thing("Rollout", "argoproj.io", "web", strategy=strategy)


def istio(*steps: Any, **config: Any) -> dict[str, Any]:
    routing = {"istio": {"virtualService": {"name": "web", "routes": ["primary"]}, **config}}
    return rollout(
        canary={
            "canaryService": "web-canary",
            "stableService": "web-stable",
            "steps": list(steps),
            "trafficRouting": {**routing, "managedRoutes": [{"name": "by-header"}, {"name": "mirror"}]},
        }
    )


def destination(host: str, weight: int | None = None, **more: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"destination": {"host": host, **more}}
    return entry if weight is None else {**entry, "weight": weight}


PRIMARY = {"name": "primary", "route": [destination("web-stable", 100), destination("web-canary.prod.svc", 0)]}
VS = thing("VirtualService", "networking.istio.io", "web", http=[{"name": "old", "redirect": {}}, PRIMARY])


def found(*args: Any) -> list[tuple[Any, ...]]:
    return [(write.how, write.path, write.consequence) for write in writes(*args)]


def test_the_weights_of_the_named_http_route_are_set():
    assert found(istio(), [VS]) == [
        ("set", ("spec", "http", 1, "route", 0, "weight"), "weights-reset"),
        ("set", ("spec", "http", 1, "route", 1, "weight"), "weights-reset"),
    ]


def test_a_weight_that_git_leaves_out_is_added():
    vs = thing("VirtualService", "networking.istio.io", "web", http=[{"route": [destination("web-canary")]}])
    canary = istio(virtualService={"name": "web"})
    assert found(canary, [vs])[0][0] == "add"


def test_a_third_destination_with_a_weight_is_removed():
    third = {"name": "primary", "route": [*PRIMARY["route"], destination("other", 5), destination("idle", 0)]}
    vs = thing("VirtualService", "networking.istio.io", "web", http=[third])
    assert ("remove", ("spec", "http", 0, "route", 2), "destination-removed-again") in found(istio(), [vs])
    assert len(found(istio(), [vs])) == 3


def test_tcp_and_tls_routes_are_weighed_without_being_named():
    pair = {"route": [destination("web-stable", 100), destination("web-canary", 0)]}
    vs = thing("VirtualService", "networking.istio.io", "web", tcp=[pair], tls=[pair])
    assert {path[1] for _, path, _ in found(istio(), [vs])} == {"tcp", "tls"}


def test_a_virtual_service_may_be_named_with_its_namespace():
    vs = {**VS, "metadata": {"name": "web", "namespace": "mesh"}}
    assert len(found(istio(virtualService={"name": "web.mesh", "routes": ["primary"]}), [vs])) == 2


def test_a_virtual_service_of_another_name_is_left_alone():
    assert found(istio(virtualService={"name": "other"}), [VS]) == []


def test_managed_routes_that_a_step_uses_are_inserted_at_the_head():
    inserted = [write for write in writes(istio({"setHeaderRoute": {"name": "by-header"}}), [VS]) if write.item]
    assert [(write.how, write.path, write.consequence) for write in inserted] == [
        ("insert", ("spec", "http", 0), "managed-route-lost")
    ]


def test_an_inserted_route_is_covered_by_a_rule_with_its_name():
    all_writes = writes(istio({"setHeaderRoute": {"name": "by-header"}}), [VS])
    (insert,) = [write for write in all_writes if write.how == "insert"]
    rules = rules_of(
        {
            "ignoreDifferences": [
                {
                    "group": "networking.istio.io",
                    "kind": "VirtualService",
                    "jqPathExpressions": ['.spec.http[]? | select(.name=="by-header")'],
                }
            ]
        }
    )
    live = with_inserted(VS, all_writes, insert.target)
    assert covers(rules, live, insert.target, [insert.path]).all_covered


def test_the_hash_goes_into_both_subsets_and_others_are_removed():
    rule = {"name": "web", "canarySubsetName": "canary", "stableSubsetName": "stable"}
    subsets = [{"name": "stable"}, {"name": "canary", "labels": {HASH_LABEL: "x"}}, {"name": "v1"}]
    dr = thing("DestinationRule", "networking.istio.io", "web", subsets=subsets)
    assert found(istio(destinationRule=rule), [dr])[1:] == [
        ("add", ("spec", "subsets", 0, "labels", HASH_LABEL), "subset-selects-all-pods"),
        ("set", ("spec", "subsets", 1, "labels", HASH_LABEL), "subset-selects-all-pods"),
        ("remove", ("spec", "subsets", 2), "subset-removed-again"),
    ]


@pytest.mark.parametrize(
    ("strategy", "consequence"),
    [
        ({"blueGreen": {"activeService": "web"}}, "promotion-unapproved"),
        ({"blueGreen": {"previewService": "web"}}, "service-selects-both"),
        ({"canary": {"stableService": "web"}}, "service-selects-both"),
        ({"canary": {"pingPong": {"pingService": "web"}}}, "service-selects-both"),
    ],
)
def test_the_hash_goes_into_the_selector_of_every_service(strategy: dict[str, Any], consequence: str):
    service = thing("Service", "", "web", selector={"app": "web"})
    assert ("add", ("spec", "selector", HASH_LABEL), consequence) in found(rollout(**strategy), [service])


def hpa(kind: str) -> dict[str, Any]:
    reference = {"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "name": "web"}
    return thing("HorizontalPodAutoscaler", "autoscaling", "web", scaleTargetRef=reference)


def test_an_autoscaler_sets_replicas_where_git_has_them():
    scaled = {**rollout(), "spec": {"replicas": 3}}
    assert found(scaled, [hpa("Rollout")]) == [("set", ("spec", "replicas"), "replicas-reset")]
    assert found(rollout(), [hpa("Rollout")]) == []
    assert found(scaled, [hpa("Deployment")]) == []


@pytest.mark.parametrize(
    ("scale_down", "replicas", "expected"),
    [("onsuccess", 3, 1), ("progressively", 3, 1), ("never", 3, 0), ("onSuccess", 3, 0), ("onsuccess", 0, 0)],
)
def test_the_workload_is_scaled_down_where_git_says_otherwise(scale_down: str, replicas: int, expected: int):
    reference = {"kind": "Deployment", "name": "web", "scaleDown": scale_down}
    deployment = thing("Deployment", "apps", "web", replicas=replicas)
    assert len(found(thing("Rollout", "argoproj.io", "web", workloadRef=reference), [deployment])) == expected


def test_an_alb_ingress_gets_its_action_annotation():
    canary = {"stableService": "s", "canaryService": "c", "trafficRouting": {"alb": {"ingress": "web"}}}
    (write,) = writes(rollout(canary=canary), [thing("Ingress", "networking.k8s.io", "web")])
    assert write.path == ("metadata", "annotations", "alb.ingress.kubernetes.io/actions.s")


def gateway(*rules: Any, steps: Any = (), kind: str = "HTTPRoute", **config: Any) -> list[tuple[str, Any]]:
    plugin = {"argoproj-labs/gatewayAPI": config}
    routing = {"plugins": plugin, "managedRoutes": [{"name": "testers"}]}
    canary = {"stableService": "s", "canaryService": "c", "trafficRouting": routing, "steps": list(steps)}
    route = thing(kind, "gateway.networking.k8s.io", "web", rules=list(rules))
    return [(write.how, write.path) for write in writes(rollout(canary=canary), [route])]


BOTH = {"backendRefs": [{"name": "s", "weight": 1}, {"name": "c"}]}
STABLE, CANARY = {"backendRefs": [{"name": "s"}]}, {"backendRefs": [{"name": "c"}]}
HEADER_STEP = {"setHeaderRoute": {"name": "testers", "match": [{"headerName": "x"}]}}


def test_gateway_api_weights_are_set_in_every_rule_that_holds_one_of_the_services():
    assert gateway(STABLE, BOTH, httpRoute="web") == [
        ("add", ("spec", "rules", 0, "backendRefs", 0, "weight")),
        ("set", ("spec", "rules", 1, "backendRefs", 0, "weight")),
        ("add", ("spec", "rules", 1, "backendRefs", 1, "weight")),
    ]


def test_the_gateway_plugin_passes_over_http_rules_to_the_canary_alone():
    assert [path[2] for _, path in gateway(CANARY, BOTH, httpRoute="web")] == [1, 1]
    assert [path[2] for _, path in gateway(CANARY, BOTH, kind="TCPRoute", tcpRoute="web")] == [0, 1, 1]


def test_the_gateway_plugin_writes_nothing_where_it_lacks_a_backend():
    assert gateway(STABLE, httpRoute="web") == []
    assert gateway(STABLE, CANARY, httpRoute="web") == []


def test_header_steps_append_a_rule_for_each_that_holds_both_services():
    added = [path for how, path in gateway(BOTH, STABLE, BOTH, steps=[HEADER_STEP], httpRoute="web") if how == "insert"]
    assert added == [("spec", "rules", 3), ("spec", "rules", 4)]
    listed = gateway(BOTH, steps=[HEADER_STEP], httpRoutes=[{"name": "web"}])
    assert [how for how, _ in listed] == ["set", "add"]


@pytest.mark.parametrize(
    ("routing", "other", "path"),
    [
        (
            {"traefik": {"weightedTraefikServiceName": "web"}},
            thing("TraefikService", "traefik.io", "web", weighted={"services": [{"name": "s", "weight": 1}]}),
            ("spec", "weighted", "services", 0, "weight"),
        ),
        (
            {"apisix": {"route": {"name": "web", "rules": ["r"]}}},
            thing(
                "ApisixRoute",
                "apisix.apache.org",
                "web",
                http=[{"name": "r", "backends": [{"serviceName": "c", "weight": 1}]}],
            ),
            ("spec", "http", 0, "backends", 0, "weight"),
        ),
    ],
)
def test_weights_of_other_routers_are_set(routing: dict[str, Any], other: dict[str, Any], path: tuple[Any, ...]):
    canary = {"stableService": "s", "canaryService": "c", "trafficRouting": routing}
    assert [write.path for write in writes(rollout(canary=canary), [other])] == [path]


ISTIO = Target("networking.istio.io", "VirtualService", "", "web")
RULE = Target("networking.istio.io", "DestinationRule", "", "web")
SERVICE = Target("", "Service", "", "web")
ROLLOUT = Target("argoproj.io", "Rollout", "", "web")
WEIGHT = Write(ISTIO, ("spec", "http", 0, "route", 0, "weight"), "set", "weights-reset")
OMITTED = Write(ISTIO, ("spec", "http", 0, "route", 0, "weight"), "add", "weights-reset")
HEADER = Write(ISTIO, ("spec", "http", 0), "insert", "managed-route-lost")
SUBSET = Write(RULE, ("spec", "subsets", 0, "labels", HASH_LABEL), "add", "subset-selects-all-pods")
EXTRA = Write(RULE, ("spec", "subsets", 2), "remove", "subset-removed-again")
MANAGED = Write(RULE, ("metadata", "annotations", "x"), "add", "harmless", atomic=False)
SELECTOR = Write(SERVICE, ("spec", "selector", HASH_LABEL), "add", "promotion-unapproved")
REPLICAS = Write(ROLLOUT, ("spec", "replicas"), "set", "replicas-reset", atomic=False)


@pytest.mark.parametrize(
    ("write", "three_way", "others"),
    [
        (WEIGHT, True, True),
        (OMITTED, False, True),
        (HEADER, True, True),
        (SUBSET, False, True),
        (EXTRA, True, True),
        (MANAGED, False, False),
        (SELECTOR, False, True),
        (REPLICAS, True, True),
    ],
)
def test_what_must_be_ignored_depends_on_the_diff_strategy(write: Write, three_way: bool, others: bool):
    assert needs_ignore(write, "three-way") is three_way
    assert needs_ignore(write, "structured-merge") is others
    assert needs_ignore(write, "server-side") is others


@pytest.mark.parametrize(
    ("write", "client", "server"),
    [
        (WEIGHT, True, True),
        (OMITTED, True, True),
        (HEADER, True, True),
        (SUBSET, True, True),
        (MANAGED, False, False),
        (SELECTOR, False, True),
        (REPLICAS, True, True),
    ],
)
def test_a_plain_sync_resets_whole_lists_and_what_server_side_apply_owns(write: Write, client: bool, server: bool):
    assert reset_on_sync(write, "three-way") is client
    assert reset_on_sync(write, "structured-merge", apply="server") is server
    assert reset_on_sync(write, "three-way", apply="replace")


def test_a_rule_alone_does_not_keep_a_sync_from_resetting():
    assert reset_on_sync(WEIGHT, "three-way", ignored=True)


def test_applying_only_what_is_out_of_sync_leaves_ignored_fields_alone():
    assert not reset_on_sync(WEIGHT, "three-way", ignored=True, out_of_sync_only=True)
    assert reset_on_sync(WEIGHT, "three-way", ignored=False, out_of_sync_only=True)
    assert not reset_on_sync(SUBSET, "three-way", out_of_sync_only=True)


@pytest.mark.parametrize("write", [WEIGHT, REPLICAS, SELECTOR])
def test_respecting_the_rules_keeps_the_live_value(write: Write):
    assert not reset_on_sync(write, "structured-merge", apply="server", ignored=True, respect_ignore=True)


@pytest.mark.parametrize("write", [SUBSET, HEADER])
def test_from_argo_cd_3_6_a_list_that_only_the_live_object_changes_comes_from_git(write: Write):
    options: dict[str, Any] = {"ignored": True, "respect_ignore": True}
    assert not reset_on_sync(write, "three-way", **options, argocd=Version(3, 4))
    assert reset_on_sync(write, "three-way", **options, argocd=Version(3, 5))


def test_a_rule_that_takes_the_labels_of_gits_subsets_too_keeps_the_hash():
    assert not reset_on_sync(
        SUBSET, "three-way", ignored=True, respect_ignore=True, changes_git_copy=True, argocd=Version(3, 5)
    )


KEYS = [
    "kind", "apiVersion", "metadata", "name", "namespace", "spec", "strategy", "canary", "blueGreen", "http", "route",
    "trafficRouting", "istio", "virtualService", "destinationRule", "alb", "plugins", "stableService", "subsets",
]  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["web", "VirtualService", "Service", "a.b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(TREES, st.lists(TREES, max_size=3))
def test_any_rollout_and_any_objects_give_an_answer(one: Any, others: list[Any]):
    for write in writes(one, [*others, VS]):
        assert write.path


@given(st.dictionaries(st.sampled_from(KEYS), TREES), TREES)
def test_any_traffic_routing_gives_an_answer(routing: dict[str, Any], other: Any):
    canary = {"stableService": "web", "canaryService": "web", "trafficRouting": routing}
    everything = writes(rollout(canary=canary), [other, VS])
    with_inserted(other, everything, ISTIO)
