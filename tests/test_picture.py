"""What `rolloutlint graph` shows of a world: nodes, edges, clusters, and the neighbourhood of one Rollout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rolloutlint.engine import open_paths
from rolloutlint.errors import UsageError
from rolloutlint.picture import Edge, Node, Picture, picture
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE

Draw = Callable[..., Picture]


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    monkeypatch.chdir(tmp_path)

    def drawn(
        files: Mapping[str, str], rollout: str = "", *, closed: bool = False, order: tuple[str, ...] = ()
    ) -> Picture:
        for name, text in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")
        run = open_paths(order or (".",), Settings(closed=closed), CATALOGUE)
        return picture(run.world, run.report(), rollout)

    return drawn


def rollout(name: str, namespace: str = "shop", canary: str = "{}") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{strategy: {{canary: {canary}}}}}\n---\n"
    )


def plain(kind: str, name: str, namespace: str = "shop", version: str = "v1", spec: str = "{}") -> str:
    return (
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n---\n"
    )


def application(name: str, path: str, namespace: str = "shop") -> str:
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\n"
        f"spec: {{source: {{repoURL: https://git.example/x, path: {path}}}, "
        f"destination: {{server: https://k, namespace: {namespace}}}}}\n---\n"
    )


def node(drawn: Picture, kind: str, name: str) -> Node:
    (found,) = (n for n in drawn.nodes if (n.resource.kind, n.resource.name) == (kind, name))
    return found


def ends(drawn: Picture) -> set[tuple[str, str, str]]:
    names = {n.id: f"{n.resource.kind} {n.resource.name}" for n in drawn.nodes}
    return {(names[e.source], e.label, names[e.target]) for e in drawn.edges}


def only_edge(drawn: Picture) -> Edge:
    (edge,) = drawn.edges
    return edge


def test_a_name_leads_to_the_object_it_means(draw: Draw) -> None:
    drawn = draw({"a.yaml": rollout("cart", canary="{canaryService: next}") + plain("Service", "next")})
    assert ends(drawn) == {("Rollout cart", "canaryService", "Service next")}
    assert only_edge(drawn).state == "resolved"


def test_a_missing_object_is_a_node_without_a_file(draw: Draw) -> None:
    drawn = draw({"a.yaml": rollout("cart", canary="{canaryService: next}")}, closed=True)
    missing = node(drawn, "Service", "next")
    assert (missing.state, missing.file, missing.namespace) == ("missing", "", "shop")
    assert missing.note == "does not exist in namespace shop"
    assert only_edge(drawn).state == "missing"


def test_what_the_inputs_cannot_tell_is_a_node_that_says_why(draw: Draw) -> None:
    drawn = draw({"a.yaml": rollout("cart", canary="{canaryService: next}")})
    unknown = node(drawn, "Service", "next")
    assert unknown.state == "unknown"
    assert "no Service of namespace shop is among the inputs" in unknown.note


def test_an_object_that_may_be_meant_is_led_to_and_not_doubled(draw: Draw) -> None:
    kustomization = "kind: Kustomization\nnamePrefix: x-\nresources: [a.yaml]\n"
    drawn = draw(
        {
            "a.yaml": rollout("cart", canary="{canaryService: next}") + plain("Service", "next"),
            "kustomization.yaml": kustomization,
        }
    )
    assert only_edge(drawn).state == "unknown"
    assert [n.state for n in drawn.nodes] == ["present", "present"]


def test_one_line_for_all_places_that_name_the_same(draw: Draw) -> None:
    step = "{analysis: {templates: [{templateName: ok}]}}"
    canary = f"{{analysis: {{templates: [{{templateName: ok}}]}}, steps: [{step}, {{setWeight: 1}}, {step}]}}"
    drawn = draw({"a.yaml": rollout("cart", canary=canary)})
    assert only_edge(drawn).label == "background, steps 1, 3"
    assert len(only_edge(drawn).uses) == 3


def test_two_that_name_the_same_missing_object_share_its_node(draw: Draw) -> None:
    drawn = draw({"a.yaml": "".join(rollout(n, canary="{canaryService: next}") for n in "ab")}, closed=True)
    assert len({e.target for e in drawn.edges}) == 1


def test_routing_rules_lead_to_the_services_of_their_hosts(draw: Draw) -> None:
    istio = "networking.istio.io/v1"
    drawn = draw(
        {
            "a.yaml": plain("Service", "cart")
            + plain("VirtualService", "vs", version=istio, spec="{http: [{route: [{destination: {host: cart}}]}]}")
            + plain("DestinationRule", "dr", version=istio, spec="{host: cart.shop.svc.cluster.local}")
        }
    )
    assert ends(drawn) == {
        ("VirtualService vs", "destination", "Service cart"),
        ("DestinationRule dr", "host", "Service cart"),
    }


def test_a_host_that_is_no_service_of_the_inputs_is_not_called_missing(draw: Draw) -> None:
    spec = "{http: [{route: [{destination: {host: example.com}}, {destination: {host: gone}}]}]}"
    virtual_service = plain("VirtualService", "vs", version="networking.istio.io/v1", spec=spec)
    drawn = draw({"a.yaml": plain("Service", "cart") + virtual_service}, closed=True)
    assert drawn.edges == ()


def test_an_object_without_links_and_findings_is_only_counted(draw: Draw) -> None:
    drawn = draw({"a.yaml": plain("ConfigMap", "a") + plain("ConfigMap", "b") + plain("Secret", "c")})
    assert drawn.nodes == ()
    assert drawn.others == (("ConfigMap", 2), ("Secret", 1))


def test_findings_are_counted_at_their_object(draw: Draw) -> None:
    drawn = draw({"a.yaml": rollout("cart", canary="{steps: [{pause: {}}, {pause: {duration: 1d}}]}")})
    found = node(drawn, "Rollout", "cart")
    assert found.findings.worst == "error"
    assert dict(found.rules)["RL101"] == dict(found.rules)["RL102"] == 1
    assert sum(found.findings) == sum(number for _, number in found.rules)


def test_a_finding_about_no_object_is_counted_apart(draw: Draw) -> None:
    drawn = draw({"a.yaml": plain("Service", "a"), "b.yaml": "kind: Rollout\napiVersion: [\n"})
    assert sum(drawn.loose) == 1
    assert drawn.nodes == ()


def test_what_an_application_delivers_is_one_cluster_with_it(draw: Draw) -> None:
    files = {"argocd/cart.yaml": application("cart", "apps/cart"), "apps/cart/a.yaml": rollout("cart")}
    drawn = draw({**files, "apps/web/a.yaml": rollout("web", "web")})
    app, cart = node(drawn, "Application", "cart"), node(drawn, "Rollout", "cart")
    assert app.cluster == cart.cluster != node(drawn, "Rollout", "web").cluster
    assert cart.synced_by == (app.id,)
    assert [(c.kind, c.title, c.namespace) for c in drawn.clusters] == [
        ("application", "Application argocd/cart", "shop"),
        ("environment", "apps", "web"),
    ]


def test_an_application_leads_to_its_rollouts_and_to_what_these_do_not_lead_to(draw: Draw) -> None:
    canary = "{canaryService: next, stableService: old}"
    delivered = rollout("cart", canary=canary) + plain("Service", "next") + plain("Service", "old")
    scaler = plain(
        "HorizontalPodAutoscaler",
        "cart",
        version="autoscaling/v2",
        spec="{scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart}}",
    )
    drawn = draw({"argocd/cart.yaml": application("cart", "apps/cart"), "apps/cart/a.yaml": delivered + scaler})
    synced = {target for _, label, target in ends(drawn) if label == "syncs"}
    assert synced == {"Rollout cart", "HorizontalPodAutoscaler cart"}


def test_an_application_of_applications_leads_to_them(draw: Draw) -> None:
    drawn = draw(
        {
            "argocd/root.yaml": application("root", "children", "argocd"),
            "children/cart.yaml": application("cart", "apps/cart"),
            "apps/cart/a.yaml": rollout("cart"),
        }
    )
    assert ("Application root", "syncs", "Application cart") in ends(drawn)
    assert node(drawn, "Application", "root").cluster != node(drawn, "Application", "cart").cluster


def test_what_several_clusters_name_and_nobody_has_stands_apart(draw: Draw) -> None:
    canary = "{analysis: {templates: [{templateName: ok, clusterScope: true}]}}"
    drawn = draw({"a.yaml": rollout("a", "one", canary) + rollout("b", "two", canary)})
    absent = node(drawn, "ClusterAnalysisTemplate", "ok")
    (cluster,) = (c for c in drawn.clusters if c.id == absent.cluster)
    assert cluster.kind == "absent"


def test_what_has_no_namespace_stands_with_the_only_ones_that_name_it(draw: Draw) -> None:
    canary = "{analysis: {templates: [{templateName: ok, clusterScope: true}]}}"
    template = plain("ClusterAnalysisTemplate", "ok", "", "argoproj.io/v1alpha1")
    drawn = draw({"a.yaml": rollout("a", "one", canary) + template})
    assert len(drawn.clusters) == 1


# ---- one Rollout ---------------------------------------------------------------------------------------------

SHOP = {
    "argocd/apps.yaml": application("cart", "apps/cart") + application("web", "apps/web"),
    "apps/cart/a.yaml": rollout("cart", canary="{canaryService: next, analysis: {templates: [{templateName: ok}]}}")
    + plain("Service", "next")
    + plain(
        "VirtualService",
        "vs",
        version="networking.istio.io/v1",
        spec="{http: [{route: [{destination: {host: next}}]}]}",
    )
    + plain("AnalysisTemplate", "ok", version="argoproj.io/v1alpha1", spec="{templates: [{templateName: deep}]}")
    + plain("AnalysisTemplate", "deep", version="argoproj.io/v1alpha1")
    + plain("AnalysisTemplate", "lonely", version="argoproj.io/v1alpha1"),
    "apps/web/a.yaml": rollout("web", canary="{analysis: {templates: [{templateName: ok}]}}"),
}


def test_the_neighbourhood_is_what_it_names_what_names_that_and_who_delivers_it(draw: Draw) -> None:
    drawn = draw(SHOP, "shop/cart")
    assert {f"{n.resource.kind} {n.resource.name}" for n in drawn.nodes} == {
        "Application cart",
        "Rollout cart",
        "Service next",
        "VirtualService vs",
        "AnalysisTemplate ok",
        "AnalysisTemplate deep",
    }
    assert drawn.focus == (node(drawn, "Rollout", "cart").id,)
    assert [c.title for c in drawn.clusters] == ["Rollout shop/cart"]


def test_the_name_alone_is_enough(draw: Draw) -> None:
    assert draw(SHOP, "cart") == draw(SHOP, "shop/cart")


@pytest.mark.parametrize(
    "asked, answer",
    [
        ("shop/crat", "did you mean `shop/cart`?"),
        ("prod/cart", "did you mean `shop/cart`?"),
        ("wbe", "did you mean `web`?"),
        ("nothing-like-it", "there is `shop/cart`, `shop/web`"),
    ],
)
def test_an_unknown_rollout_is_a_usage_error_that_says_what_was_meant(draw: Draw, asked: str, answer: str) -> None:
    with pytest.raises(UsageError, match="no Rollout `" + asked) as error:
        draw(SHOP, asked)
    assert str(error.value).endswith(answer)


def test_without_rollouts_the_error_says_so(draw: Draw) -> None:
    with pytest.raises(UsageError, match="there is none among the inputs"):
        draw({"a.yaml": plain("Service", "a")}, "shop/cart")


def test_a_rollout_is_found_by_the_namespace_of_its_overlay(draw: Draw) -> None:
    overlay = "kind: Kustomization\nnamespace: {}\nresources: [../base]\n"
    drawn = draw(
        {
            "base/kustomization.yaml": "kind: Kustomization\nresources: [a.yaml]\n",
            "base/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: cart}\n",
            "dev/kustomization.yaml": overlay.format("dev"),
            "prod/kustomization.yaml": overlay.format("prod"),
        },
        "prod/cart",
    )
    assert drawn.nodes[0].namespace is None


# ---- every input ---------------------------------------------------------------------------------------------


def test_the_order_of_the_inputs_changes_nothing(draw: Draw) -> None:
    paths = ("apps/cart", "apps/web", "argocd")
    assert draw(SHOP, order=paths) == draw(SHOP, order=paths[::-1])


def test_objects_that_are_nonsense_are_drawn_or_counted_and_never_fail(draw: Draw) -> None:
    text = "".join(
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n---\n"
        for version, kind in (
            ("argoproj.io/v1alpha1", "Rollout"),
            ("argoproj.io/v1alpha1", "Application"),
            ("networking.istio.io/v1", "VirtualService"),
            ("networking.k8s.io/v1", "Ingress"),
        )
        for metadata in ("null", "[]", "{name: 3}", "{name: ''}")
        for spec in ("null", "7", "[x]", "{host: [], http: {}, rules: 1, strategy: [], source: 4}")
    )
    drawn = draw({"a.yaml": text})
    assert len(drawn.nodes) + sum(count for _, count in drawn.others) == 64
