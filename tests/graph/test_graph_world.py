"""Resolved, missing or unknown: the world claims that something is missing only where it cannot be elsewhere."""

from __future__ import annotations

import sys

import pytest

from rolloutlint.graph import Layout
from tests.graph.worlds import Built, answer, application, header, only, rollout, service, world

OTHER = service("other")


# ---- resolved ------------------------------------------------------------------------------------------------


def test_a_name_in_the_same_file_is_resolved():
    made = world({"a.yaml": rollout() + service()})
    reference = answer(made)
    assert reference.state == "resolved"
    assert reference.target == only(made, "Service")


def test_a_name_in_another_file_of_the_same_directory_is_resolved():
    assert answer(world({"a/r.yaml": rollout(), "a/s.yaml": service()})).state == "resolved"


def test_an_object_of_the_same_name_and_another_kind_is_not_meant():
    made = world({"a.yaml": rollout() + header("Service", "web", group="serving.knative.dev/v1")})
    assert answer(made).state == "unknown"


def test_a_stated_namespace_must_be_the_same():
    assert answer(world({"a.yaml": rollout(namespace="a") + service(namespace="a")})).state == "resolved"
    assert answer(world({"a.yaml": rollout(namespace="a") + service(namespace="b")})).state == "unknown"


def test_a_namespace_on_one_side_only_may_be_the_same():
    for text in (rollout(namespace="a") + service(), rollout() + service(namespace="a")):
        reference = answer(world({"a.yaml": text}))
        assert reference.state == "unknown"
        assert "may be it" in reference.reason


def test_a_virtual_service_in_a_named_namespace_is_looked_for_there():
    istio = "{trafficRouting: {istio: {virtualService: {name: vs.mesh}}}}"
    text = header("Rollout", "web", "shop") + f"spec: {{strategy: {{canary: {istio}}}}}\n"
    there = header("VirtualService", "vs", "mesh", "networking.istio.io/v1")
    elsewhere = header("VirtualService", "vs", "shop", "networking.istio.io/v1")
    assert answer(world({"a.yaml": text + there + elsewhere}), "virtualService").target is not None
    assert answer(world({"a.yaml": text + elsewhere}), "virtualService").state == "unknown"


def test_cluster_scoped_kinds_have_no_namespace():
    steps = "steps: [{analysis: {templates: [{templateName: t, clusterScope: true}]}}]"
    text = header("Rollout", "web", "shop") + f"spec: {{strategy: {{canary: {{{steps}}}}}}}\n"
    assert answer(world({"a.yaml": text + header("ClusterAnalysisTemplate", "t", "left-over")}), "step").target
    other = header("ClusterAnalysisTemplate", "u")
    assert answer(world({"a.yaml": text + other}), "step").missing
    assert answer(world({"a.yaml": text}), "step").state == "unknown"


# ---- missing -------------------------------------------------------------------------------------------------


def test_another_object_of_the_kind_in_the_namespace_closes_the_world():
    assert answer(world({"a.yaml": rollout() + OTHER})).missing
    assert answer(world({"a.yaml": rollout(namespace="a") + service("other", "a")})).missing


def test_another_object_of_the_kind_in_another_namespace_closes_nothing():
    assert answer(world({"a.yaml": rollout(namespace="a") + service("other", "b")})).state == "unknown"
    assert answer(world({"a.yaml": rollout(namespace="a") + OTHER})).state == "unknown"


def test_another_object_of_the_kind_in_another_scope_closes_nothing():
    assert answer(world({"a/r.yaml": rollout(), "b/s.yaml": OTHER})).state == "unknown"


def test_nothing_of_the_kind_leaves_the_answer_open():
    reference = answer(world({"a.yaml": rollout()}))
    assert reference.state == "unknown"
    assert reference.reason == "no Service of this namespace is among the inputs"


def test_closed_makes_every_absence_certain():
    assert answer(world({"a.yaml": rollout()}, closed=True)).missing


def test_closed_does_not_overrule_an_object_that_may_be_meant():
    assert answer(world({"a.yaml": rollout(namespace="a") + service()}, closed=True)).state == "unknown"


def test_a_whole_application_closes_its_namespace():
    made = world({"apps.yaml": application("web"), "web/r.yaml": rollout()})
    assert answer(made).missing
    assert made.whole(only(made, "Application"))


def test_an_application_closes_no_other_namespace():
    assert answer(world({"apps.yaml": application("web"), "web/r.yaml": rollout(namespace="else")})).state == "unknown"


def test_an_application_without_a_namespace_closes_none():
    made = world({"apps.yaml": application("web", namespace=""), "web/r.yaml": rollout(namespace="shop")})
    assert answer(made).state == "unknown"


def test_a_second_application_that_is_not_whole_opens_the_namespace_again():
    files = {
        "apps.yaml": application("web") + application("elsewhere", name="more"),
        "web/r.yaml": rollout(),
    }
    assert answer(world(files)).state == "unknown"


# ---- unknown -------------------------------------------------------------------------------------------------


def test_a_name_that_is_filled_in_later_is_unknown():
    for name in ("web-{{ .Release.Name }}", "${NAME}", "$(NAME)"):
        reference = answer(world({"a.yaml": rollout(name) + OTHER}))
        assert (reference.state, reference.reason) == ("unknown", "the name is filled in later")


def test_an_unread_file_beside_opens_the_scope():
    files = {"a/r.yaml": rollout(), "a/s.yaml": OTHER}
    layout = Layout(roots=dict.fromkeys(files, "."), unread=frozenset({"a/broken.yaml"}))
    assert answer(world(files)).missing
    assert answer(world(files, layout)).state == "unknown"


def test_an_unread_file_in_another_directory_opens_nothing_here():
    files = {"a/r.yaml": rollout(), "a/s.yaml": OTHER, "b/x.yaml": service("x")}
    layout = Layout(roots=dict.fromkeys(files, "."), unread=frozenset({"b/broken.yaml"}))
    assert answer(world(files, layout)).missing


def test_an_unread_file_at_the_root_opens_everything():
    files = {"a/r.yaml": rollout(), "a/s.yaml": OTHER}
    layout = Layout(roots=dict.fromkeys(files, "."), unread=frozenset({"broken.yaml"}))
    assert answer(world(files, layout)).state == "unknown"


@pytest.mark.parametrize("chart, state", [("a/chart", "unknown"), ("a", "unknown"), ("b", "missing")])
def test_a_chart_opens_the_scope_it_may_render_into(chart: str, state: str) -> None:
    files = {"a/r.yaml": rollout(), "a/s.yaml": OTHER, "b/x.yaml": service("x")}
    layout = Layout(roots=dict.fromkeys(files, "."), charts=frozenset({chart}))
    assert answer(world(files, layout)).state == state


def test_an_unread_file_makes_a_delivery_less_than_whole():
    files = {"apps.yaml": application("web"), "web/r.yaml": rollout()}
    layout = Layout(roots=dict.fromkeys(files, "."), unread=frozenset({"web/t.yaml"}))
    made = world(files, layout)
    assert answer(made).state == "unknown"
    assert not made.whole(only(made, "Application"))


def test_a_name_prefix_makes_names_unknown():
    files = {"base/r.yaml": rollout(), "base/s.yaml": service()}
    overlays = {file: (Built("prod", renames=True),) for file in files}
    assert answer(world(files, Layout(overlays=overlays))).reason == "kustomize changes names here"


def test_a_namespace_transformer_moves_both_sides():
    files = {"base/r.yaml": rollout(namespace="a"), "base/s.yaml": service(namespace="b")}
    overlays = {file: (Built("prod", namespace="shop"),) for file in files}
    made = world(files, Layout(overlays=overlays))
    assert answer(made).state == "resolved"
    assert made.namespace(only(made, "Service")) == "shop"


def test_overlays_that_disagree_make_the_namespace_unknown():
    files = {"base/r.yaml": rollout() + OTHER}
    overlays = {"base/r.yaml": (Built("dev", namespace="dev"), Built("prod", namespace="prod"))}
    made = world(files, Layout(overlays=overlays))
    assert made.namespace(only(made, "Rollout")) is None
    assert answer(made).reason == "the namespace differs by overlay"


def test_where_overlays_disagree_a_namesake_may_be_meant():
    overlays = {"base/r.yaml": (Built("dev", namespace="dev"), Built("prod", namespace="prod"))}
    made = world({"base/r.yaml": rollout() + service()}, Layout(overlays=overlays))
    assert "may be it" in answer(made).reason


def test_the_destination_fills_in_a_namespace_that_is_not_stated():
    files = {"apps.yaml": application("web"), "web/r.yaml": rollout(), "web/s.yaml": service(namespace="shop")}
    made = world(files)
    assert answer(made).state == "resolved"
    assert made.namespace(only(made, "Rollout")) == "shop"


def test_a_namespace_in_the_file_wins_over_the_destination():
    files = {"apps.yaml": application("web"), "web/r.yaml": rollout(namespace="own"), "web/s.yaml": service()}
    made = world(files)
    assert made.namespace(only(made, "Rollout")) == "own"
    assert answer(made).state == "unknown"


def test_two_destinations_for_one_file_make_the_namespace_unknown():
    apps = application("web", "one") + application("web", "two", name="other")
    made = world({"apps.yaml": apps, "web/r.yaml": rollout()})
    assert made.namespace(only(made, "Rollout")) is None


def test_a_remote_resource_of_the_kustomization_opens_it():
    files = {"base/r.yaml": rollout() + OTHER}
    overlays = {"base/r.yaml": (Built("prod"),)}
    assert answer(world(files, Layout(overlays=overlays))).missing
    layout = Layout(overlays=overlays, open_roots=frozenset({"prod"}))
    assert answer(world(files, layout)).state == "unknown"


def test_a_file_applied_by_hand_may_reach_the_cluster_of_an_application():
    files = {"apps.yaml": application("web"), "web/r.yaml": rollout(), "hand/s.yaml": service(namespace="shop")}
    assert answer(world(files)).state == "unknown"


# ---- the nearest ---------------------------------------------------------------------------------------------


def test_of_several_namesakes_the_one_in_the_same_file_is_meant():
    made = world({"a.yaml": rollout() + service(), "b.yaml": service()})
    target = answer(made).target
    assert target is not None
    assert target.document.source == "a.yaml"


def test_of_several_namesakes_those_in_the_same_directory_are_meant():
    apps = application("web", extra=", directory: {recurse: true}")
    files = {"apps.yaml": apps, "web/r.yaml": rollout(), "web/s.yaml": service(), "web/x/s.yaml": service()}
    target = answer(world(files)).target
    assert target is not None
    assert target.document.source == "web/s.yaml"


def test_several_equally_near_namesakes_are_no_certain_target():
    reference = answer(world({"r.yaml": rollout(), "a.yaml": service(), "b.yaml": service()}))
    assert (reference.state, len(reference.targets), reference.target) == ("resolved", 2, None)


# ---- the other way round, and beyond references --------------------------------------------------------------


def test_an_object_knows_who_names_it():
    made = world({"a.yaml": rollout() + service() + rollout(name="second") + rollout("x", name="third")})
    users = made.referrers(only(made, "Service"))
    assert [r.origin.id.name for r in users] == ["web", "second"]
    assert made.referrers(only(made, "Service"), "stableService") == ()


def test_who_names_it_uncertainly_is_not_told():
    made = world({"a.yaml": rollout(namespace="a") + service()})
    assert made.referrers(only(made, "Service")) == ()


def test_unknown_references_are_counted():
    made = world({"a.yaml": rollout() + service() + rollout("x", name="b") + rollout("${X}", name="c")})
    assert made.unknown_references == 1


def test_a_scaler_is_found_by_what_it_scales():
    target = "spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web}}\n"
    hpa = header("HorizontalPodAutoscaler", "web", group="autoscaling/v2") + target
    other = header("HorizontalPodAutoscaler", "x", "else", group="autoscaling/v2") + target
    keda = header("ScaledObject", "k", group="keda.sh/v1alpha1") + "spec: {scaleTargetRef: {name: web}}\n"
    made = world({"a/r.yaml": rollout(namespace="shop") + hpa + other + keda, "b/h.yaml": hpa})
    assert [s.document.source for s in made.autoscalers(only(made, "Rollout"))] == ["a/r.yaml"]


def test_what_a_patch_touches_is_patched():
    overlays = {"r.yaml": (Built("prod", patched=(("spec", "replicas"),)),)}
    made = world({"r.yaml": rollout()}, Layout(overlays=overlays))
    assert made.patched(only(made, "Rollout"), ("spec", "replicas"))
    assert not made.patched(only(made, "Rollout"), ("spec", "strategy"))


def test_a_view_is_kept_while_it_is_used():
    made = world({"r.yaml": rollout()})
    assert made.view(only(made, "Rollout")) is made.view(only(made, "Rollout"))


def test_views_come_and_go_beyond_the_limit():
    made = world({"r.yaml": "".join(service(f"s{i}") for i in range(1500))})
    first = made.view(made.resources[0])
    for resource in made.resources:
        assert made.view(resource).name == resource.id.name
    assert made.view(made.resources[0]) is not first


def test_the_network_has_every_object_and_link():
    made = world({"apps.yaml": application("web"), "web/r.yaml": rollout() + service()})
    edges = {(a.kind, b.kind, data["role"]) for a, b, data in made.network().edges(data=True)}
    assert edges == {
        ("Rollout", "Service", "canaryService"),
        ("Application", "Rollout", "syncs"),
        ("Application", "Service", "syncs"),
    }


def test_networkx_is_imported_for_the_network_only():
    import subprocess

    code = (
        "import sys; from tests.graph.worlds import *; made = world({'a.yaml': rollout() + service()});"
        "made.unknown_references; assert 'networkx' not in sys.modules; made.network();"
        "assert 'networkx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- large ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("namespaces, directories", [(True, False), (False, True), (False, False)])
def test_thousands_of_objects_of_one_name_are_not_compared_pairwise(namespaces: bool, directories: bool) -> None:
    count = 5000 if namespaces or directories else 2500
    half = count // 2
    files = {}
    for i in range(half):
        namespace = f"ns{i}" if namespaces else ""
        name = "web" if namespaces or directories else f"web{i}"
        place = f"apps/{i}/all.yaml" if directories else f"apps/{i}.yaml"
        files[place] = rollout(name, namespace, name) + service(name, namespace)
    made = world(files)
    calls = 0

    def count_calls(frame: object, event: str, _: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count_calls)
    try:
        assert made.unknown_references == 0
        for resource in made.resources:
            made.referrers(resource)
    finally:
        sys.setprofile(None)
    assert calls < 150 * count
