"""What a Rollout's controller leaves in Istio's objects at each step, against argo-rollouts' own rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.istio_writes import (
    CANARY_HASH,
    REST,
    STABLE_HASH,
    Origin,
    Phase,
    destination_rule_written,
    service_written,
    virtual_service_written,
)

HEADER = {"name": "beta", "match": [{"headerName": "x-beta", "headerValue": {"exact": "yes"}}]}
MIRROR = {"name": "shadow", "percentage": 30, "match": [{"method": {"exact": "GET"}, "path": {"prefix": "/api"}}]}


def canary(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    routing = {"istio": {"virtualService": {"name": "web"}}, "managedRoutes": [{"name": "shadow"}, {"name": "beta"}]}
    return {"canaryService": "new", "stableService": "old", "trafficRouting": routing, "steps": list(steps), **more}


def to(host: str, weight: int | None = None, **more: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"destination": {"host": host, **more}}
    return entry if weight is None else {**entry, "weight": weight}


def service(*http: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "VirtualService", "spec": {"hosts": ["web"], "http": list(http), **more}}


PLAIN = service({"name": "main", "route": [to("old", 100), to("new", 0)]})


def told(value: Any) -> list[str]:
    """Each http route as `name host=weight ...`."""
    return [
        " ".join([r.get("name", "-"), *(f"{d['destination']['host']}={d.get('weight')}" for d in r.get("route", []))])
        for r in value["spec"]["http"]
    ]


def after(value: Any, spec: Any, *phases: Phase, **reference: Any) -> list[str]:
    written = virtual_service_written(value, {"name": "web", **reference}, spec, phases)
    assert written is not None
    return told(written.value)


def test_between_updates_stable_has_everything() -> None:
    drifted = service({"route": [to("old", 60), to("new", 40)]})
    assert after(drifted, canary()) == ["- old=100 new=0"]


def test_a_step_gives_the_canary_its_weight_and_stable_the_rest() -> None:
    assert after(PLAIN, canary({"setWeight": 5}), Phase(0, 5, True)) == ["main old=95 new=5"]


def test_only_the_first_label_of_a_host_counts() -> None:
    far = service({"route": [to("old.other.svc.cluster.local", 1), to("new.x", 1)]})
    assert after(far, canary({}), Phase(0, 5, True)) == ["- old.other.svc.cluster.local=95 new.x=5"]


def test_a_third_destination_with_a_weight_is_deleted_and_one_without_stays() -> None:
    crowded = service({"route": [to("else", 5), to("old", 90), to("new", 5), to("idle", 0), to("bare")]})
    assert after(crowded, canary({}), Phase(0, 5, True)) == ["- old=95 new=5 idle=0 bare=None"]


def test_what_moves_up_still_knows_where_it_stood() -> None:
    crowded = service({"route": [to("else", 5), to("old", 90), to("new", 5)]})
    written = virtual_service_written(crowded, {}, canary({}), (Phase(0, 5, True),))
    assert written is not None
    moved = written.origin(("spec", "http", 0, "route", 0, "destination", "host"))
    assert moved == Origin("object", ("spec", "http", 0, "route", 1, "destination", "host"))


def test_additional_subsets_keep_their_weight_and_stable_pays_for_it() -> None:
    rule = {"name": "r", "canarySubsetName": "c", "stableSubsetName": "s", "additionalSubsetNames": ["a"]}
    routing = {"istio": {"virtualService": {"name": "web"}, "destinationRule": rule}}
    split = service({"route": [to("web", 70, subset="s"), to("web", 20, subset="a"), to("web", 10, subset="c")]})
    written = virtual_service_written(split, {}, {"trafficRouting": routing}, (Phase(0, 30, True),))
    assert written is not None
    assert [entry["weight"] for entry in written.value["spec"]["http"][0]["route"]] == [50, 20, 30]


def test_a_header_route_stands_before_all_others_and_knows_its_step() -> None:
    spec = canary({"setWeight": 5}, {"setHeaderRoute": HEADER})
    phases = (Phase(0, 5, True), Phase(1, 5, True))
    assert after(PLAIN, spec, *phases) == ["beta new=100", "main old=95 new=5"]
    written = virtual_service_written(PLAIN, {}, spec, phases)
    assert written is not None
    assert written.value["spec"]["http"][0]["match"] == [{"headers": {"x-beta": {"exact": "yes"}}}]
    step = ("spec", "strategy", "canary", "steps", 1, "setHeaderRoute")
    assert written.origin(("spec", "http", 0, "match", 0)) == Origin("rollout", (*step, "match", 0))
    assert written.origin(("spec", "http", 1, "route", 0)) == Origin("object", ("spec", "http", 0, "route", 0))


def test_managed_routes_stand_in_the_order_of_the_list() -> None:
    spec = canary({"setHeaderRoute": HEADER}, {"setMirrorRoute": MIRROR})
    phases = (Phase(0, 20, True), Phase(1, 20, True))
    assert after(PLAIN, spec, *phases, routes=["main"]) == [
        "shadow old=80 new=20",
        "beta new=100",
        "main old=80 new=20",
    ]


def test_a_mirror_route_copies_to_the_canary_and_is_weighed_like_the_main_one() -> None:
    spec = canary({"setMirrorRoute": MIRROR}, {"setWeight": 50})
    written = virtual_service_written(PLAIN, {"routes": ["main"]}, spec, (Phase(0, 20, True), Phase(1, 50, True)))
    assert written is not None
    assert told(written.value) == ["shadow old=50 new=50", "main old=50 new=50"]
    made = written.value["spec"]["http"][0]
    assert (made["mirror"], made["mirrorPercentage"]) == ({"host": "new"}, {"value": 30})
    assert made["match"] == [{"method": {"exact": "GET"}, "uri": {"prefix": "/api"}}]


def test_without_a_list_of_routes_a_mirror_route_freezes_the_main_one() -> None:
    unnamed = service({"route": [to("old", 100), to("new", 0)]})
    spec = canary({"setMirrorRoute": MIRROR}, {"setWeight": 50})
    assert after(unnamed, spec, Phase(0, 0, True), Phase(1, 50, True)) == ["shadow old=50 new=50", "- old=100 new=0"]


def test_without_a_list_of_routes_a_header_route_freezes_a_named_main_one() -> None:
    spec = canary({"setHeaderRoute": HEADER}, {"setWeight": 50})
    assert after(PLAIN, spec, Phase(0, 0, True), Phase(1, 50, True)) == ["beta new=100", "main old=100 new=0"]


@pytest.mark.parametrize(
    "setter, setting", [("setHeaderRoute", {"name": "beta"}), ("setMirrorRoute", {"name": "beta"})]
)
def test_a_step_without_matches_takes_the_route_out_again(setter: str, setting: dict[str, Any]) -> None:
    spec = canary({"setHeaderRoute": HEADER}, {setter: setting})
    assert after(PLAIN, spec, Phase(0, 5, True), Phase(1, 5, True), routes=["main"]) == ["main old=95 new=5"]


def test_no_managed_route_is_kept_while_the_canary_has_no_pods() -> None:
    spec = canary({"setHeaderRoute": HEADER}, {"setWeight": 5})
    assert after(PLAIN, spec, Phase(0, 0, False), Phase(1, 5, True)) == ["main old=95 new=5"]


def test_a_route_of_git_with_a_managed_name_is_deleted_between_updates() -> None:
    named = service(
        {"name": "beta", "route": [to("else", 100)]}, {"name": "main", "route": [to("old", 1), to("new", 1)]}
    )
    assert after(named, canary(), routes=["main"]) == ["main old=100 new=0"]


def test_the_header_route_goes_to_the_port_of_the_main_one_and_to_the_canary_subset() -> None:
    rule = {"name": "r", "canarySubsetName": "c", "stableSubsetName": "s"}
    routing = {"istio": {"destinationRule": rule}, "managedRoutes": [{"name": "beta"}]}
    port = {"number": 8080}
    split = service({"name": "m", "route": [to("web", 100, subset="s", port=port), to("web", 0, subset="c")]})
    spec = {"trafficRouting": routing, "steps": [{"setHeaderRoute": HEADER}]}
    written = virtual_service_written(split, {"routes": ["m"]}, spec, (Phase(0, 0, True),), "web.shop")
    assert written is not None
    (entry,) = written.value["spec"]["http"][0]["route"]
    assert entry["destination"] == {"host": "web.shop", "port": port, "subset": "c"}


def test_a_running_experiment_takes_its_weight_from_stable() -> None:
    spec = canary({"experiment": {"templates": [{"name": "base", "weight": 10}, {"name": "free"}]}}, {"setWeight": 5})
    assert after(PLAIN, spec, Phase(0, 5, True)) == ["main old=85 new=5 base=10"]
    assert after(PLAIN, spec, Phase(0, 5, True), Phase(1, 5, True)) == ["main old=95 new=5"]


def test_every_section_is_weighed() -> None:
    raw = {"route": [to("old", 1), to("new", 1)]}
    written = virtual_service_written(service(raw, tcp=[raw]), {}, canary({}), (Phase(0, 5, True),))
    assert written is not None
    assert [entry["weight"] for entry in written.value["spec"]["tcp"][0]["route"]] == [95, 5]


@pytest.mark.parametrize(
    "reference, spec",
    [
        ({"routes": ["absent"]}, canary()),
        ({"routes": "main"}, canary()),
        ({}, {"canaryService": "new"}),
        (None, canary()),
    ],
)
def test_nothing_is_written_where_the_controller_refuses(reference: Any, spec: Any) -> None:
    assert virtual_service_written(PLAIN, reference, spec, (REST,)) is None


def test_the_value_that_was_given_is_not_changed() -> None:
    before = repr(PLAIN)
    after(PLAIN, canary({"setHeaderRoute": HEADER}), Phase(0, 5, True))
    assert repr(PLAIN) == before


def test_subsets_get_their_hashes_and_others_are_dropped() -> None:
    rule = {"name": "r", "canarySubsetName": "c", "stableSubsetName": "s"}
    spec = {"trafficRouting": {"istio": {"destinationRule": rule}}}
    subsets = [{"name": "v1"}, {"name": "c", "labels": {"app": "web"}}, {"name": "s"}]
    written = destination_rule_written({"spec": {"host": "web", "subsets": subsets}}, spec, CANARY_HASH, STABLE_HASH)
    assert written is not None
    assert written.value["spec"]["subsets"] == [
        {"name": "c", "labels": {"app": "web", "rollouts-pod-template-hash": CANARY_HASH}},
        {"name": "s", "labels": {"rollouts-pod-template-hash": STABLE_HASH}},
    ]
    assert written.origin(("spec", "subsets", 0)) == Origin("object", ("spec", "subsets", 1))


def test_a_rule_is_left_alone_where_the_split_is_by_host() -> None:
    assert destination_rule_written({"spec": {"subsets": []}}, canary(), CANARY_HASH, STABLE_HASH) is None


def test_a_selector_gets_the_hash() -> None:
    written = service_written({"spec": {"selector": {"app": "web"}}}, CANARY_HASH)
    assert written.value["spec"]["selector"] == {"app": "web", "rollouts-pod-template-hash": CANARY_HASH}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["", "old", "new", "main", "c", "s"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "route", "destination", "host", "weight", "match", "http", "tcp", "subset", "setWeight"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JUNK, JUNK, st.lists(JUNK, max_size=3), st.lists(st.booleans(), max_size=3))
def test_nothing_raises(spec: Any, reference: Any, steps: list[Any], pods: list[bool]) -> None:
    phases = [Phase(index, 10 * index, kept) for index, kept in enumerate(pods)]
    whole = canary(*steps)
    virtual_service_written({"spec": spec}, reference, whole, phases)
    destination_rule_written({"spec": spec}, whole, CANARY_HASH, STABLE_HASH)
    service_written({"spec": spec}, STABLE_HASH)
