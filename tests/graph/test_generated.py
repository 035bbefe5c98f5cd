"""Applications that ApplicationSets generate, in the world and in reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutlint.engine import open_paths, open_sources
from rolloutlint.graph import Layout
from rolloutlint.inputs.checkout import Checkout
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE, lint, sources
from tests.renderers import absent, programs

ROOT = Path(__file__).parents[2]

LIST = [{"list": {"elements": [{"cluster": "eu"}, {"cluster": "us"}]}}]
CART = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart}
spec:
  selector: {matchLabels: {app: cart}}
  strategy:
    canary:
      canaryService: cart-canary
      stableService: cart
      trafficRouting: {istio: {virtualService: {name: cart}}}
      steps: [{setWeight: 20}, {pause: {duration: 5m}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec:
  hosts: [cart.example]
  http:
  - route:
    - {destination: {host: cart}, weight: 100}
    - {destination: {host: cart-canary}, weight: 0}
"""


def application_set(generators: Any = LIST, path: str = "apps/cart", **more: Any) -> str:
    template = {
        "metadata": {"name": "cart-{{cluster}}"},
        "spec": {
            "project": "shop",
            "source": {"repoURL": "https://git.example/deploy.git", "path": path},
            "destination": {"name": "{{cluster}}", "namespace": "shop"},
        },
    }
    value = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "cart", "namespace": "argocd"},
        "spec": {"generators": generators, "template": template, **more},
    }
    return yaml.safe_dump(value, sort_keys=False)


def world(files: dict[str, str]) -> Any:
    layout = Layout(roots=dict.fromkeys(files, "."))
    return open_sources(
        sources(files),
        lambda _: layout,
        lambda name: next(iter(sources({name: files[name]}))),  # type: ignore[arg-type, return-value]
        Settings(),
        CATALOGUE,
    ).world


def test_generated_applications_deliver_files_like_written_ones():
    made = world({"argocd/cart.yaml": application_set(), "apps/cart/rollout.yaml": CART})
    (rollout,) = made.of_kind("argoproj.io", "Rollout")
    assert made.namespace(rollout) == "shop"
    assert made.scopes(rollout) == {"cluster:name:eu", "cluster:name:us"}
    assert [a.name for a in made.applications(rollout)] == ["cart-eu", "cart-us"]


def test_generated_applications_are_known_by_their_set():
    made = world({"argocd/cart.yaml": application_set()})
    (the_set,) = made.of_kind("argoproj.io", "ApplicationSet")
    assert [r.id.name for r in made.generated(the_set)] == ["cart-eu", "cart-us"]
    assert made.expansion(the_set).complete


def test_an_application_that_delivers_a_set_does_not_deliver_what_is_generated():
    root = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: root, namespace: argocd}
spec:
  project: shop
  source: {repoURL: https://git.example/deploy.git, path: argocd}
  destination: {name: main, namespace: argocd}
"""
    made = world({"root.yaml": root, "argocd/cart.yaml": application_set()})
    (first, *_) = made.of_kind("argoproj.io", "Application")[-1:]
    assert [r.id.kind for r in made.delivered(first)] == ["ApplicationSet"]


def test_the_graph_leads_from_a_set_to_what_it_generates():
    network = world({"argocd/cart.yaml": application_set()}).network()
    assert sorted(one.name for _, one, role in network.edges(data="role") if role == "generates") == [
        "cart-eu",
        "cart-us",
    ]


def test_a_set_that_something_may_still_change_is_not_expanded():
    helm = application_set(LIST, path="{{ .Values.path }}")
    made = world({"argocd/cart.yaml": helm})
    (the_set,) = made.of_kind("argoproj.io", "ApplicationSet")
    assert made.expansion(the_set) is None
    assert not made.generated(the_set)


def test_one_finding_for_all_applications_of_a_template_and_it_points_there():
    files = {"argocd/cart.yaml": application_set(), "apps/cart/rollout.yaml": CART}
    report = lint(files, Settings(select=("RL608",)), Layout(roots=dict.fromkeys(files, ".")))
    (finding,) = report.active
    assert finding.file == "argocd/cart.yaml"
    assert finding.path == "spec.template.spec"
    assert finding.edits
    assert str(finding.finding.resource) == "ApplicationSet argocd/cart"


def test_an_annotation_of_the_set_suppresses_what_is_found_in_its_applications():
    value = yaml.safe_load(application_set())
    value["metadata"]["annotations"] = {"rolloutlint.dev/ignore": "RL608 -- watched by hand"}
    files = {"argocd/cart.yaml": yaml.safe_dump(value), "apps/cart/rollout.yaml": CART}
    report = lint(files, Settings(select=("RL608",)), Layout(roots=dict.fromkeys(files, ".")))
    assert [f.disposition for f in report.findings] == ["suppressed"]


def test_the_order_of_elements_changes_no_fingerprint():
    prints = []
    for generators in (LIST, [{"list": {"elements": LIST[0]["list"]["elements"][::-1]}}]):
        files = {"argocd/cart.yaml": application_set(generators), "apps/cart/rollout.yaml": CART}
        report = lint(files, Settings(select=("RL608",)), Layout(roots=dict.fromkeys(files, ".")))
        prints.append([f.fingerprint for f in report.active])
    assert prints[0] == prints[1]


def test_there_is_no_fix_where_the_template_does_not_say_everything():
    files = {"argocd/cart.yaml": application_set(templatePatch="spec: {}"), "apps/cart/rollout.yaml": CART}
    report = lint(files, Settings(select=("RL608",)), Layout(roots=dict.fromkeys(files, ".")))
    (finding,) = report.active
    assert not finding.edits


def test_generated_applications_are_not_counted_among_the_objects_read():
    assert lint(application_set()).counts.resources == 1


def test_a_file_with_several_sets_keeps_them_apart():
    other = application_set().replace("cart", "web")
    report = lint(
        {"a.yaml": application_set() + "---\n" + other, "apps/cart/x.yaml": CART}, Settings(select=("RL608",))
    )
    assert not report.lost


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    texts = {
        "apps/web/rollout.yaml": CART,
        "apps/notes/readme.md": "no manifest",
        "apps/old/rollout.yaml": CART,
        "clusters/eu/config.json": '{"cluster": "eu", "app": "web"}',
        ".gitignore": "apps/old\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_directories_of_the_checkout_are_all_that_git_holds(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    generator = {"git": {"repoURL": "https://git.example/deploy.git", "directories": [{"path": "apps/*"}]}}
    written = application_set([generator], path="{{path}}").replace("{{cluster}}", "{{path.basename}}")
    (checkout / "argocd.yaml").write_text(written, encoding="utf-8")
    monkeypatch.chdir(checkout)
    made = open_paths((".",), Settings(), CATALOGUE).world
    (the_set,) = made.of_kind("argoproj.io", "ApplicationSet")
    assert [r.id.name for r in made.generated(the_set)] == ["cart-notes", "cart-web"]


def test_files_of_the_checkout_give_their_content(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    generator = {"git": {"repoURL": "https://git.example/deploy.git", "files": [{"path": "clusters/*/config.json"}]}}
    (checkout / "argocd.yaml").write_text(application_set([generator], path="apps/{{app}}"), encoding="utf-8")
    monkeypatch.chdir(checkout)
    made = open_paths(("argocd.yaml", "apps"), Settings(), CATALOGUE).world
    (rollout,) = made.of_kind("argoproj.io", "Rollout")
    assert [a.name for a in made.applications(rollout)] == ["cart-eu"]


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
    "chart/values.yaml": "weight: 10\n",
    "chart/templates/rollout.yaml": CART.replace(
        "{setWeight: 20},", "{setWeight: {{ .Values.weight }} }, {pause: {duration: 5m}}, {setWeight: 30},"
    ),
}


def checked(root: Path, files: dict[str, str]) -> dict[str, Any]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / ".git").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "rolloutlint", "check", ".", "--no-config", "--no-cache", "-f", "json"]
    kept = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **programs()}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, env=kept, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


needs_helm = pytest.mark.skipif(bool(absent("helm")), reason=absent("helm"))


@needs_helm
def test_each_generated_application_is_rendered_with_its_own_parameters(tmp_path: Path):
    weighted = [{"list": {"elements": [{"cluster": "eu", "weight": "50"}, {"cluster": "us", "weight": "5"}]}}]
    value = yaml.safe_load(application_set(weighted, path="chart"))
    parameters = {"parameters": [{"name": "weight", "value": "{{weight}}"}]}
    value["spec"]["template"]["spec"]["source"]["helm"] = parameters
    report = checked(tmp_path, {**CHART, "argocd/cart.yaml": yaml.safe_dump(value)})
    found = [f for f in report["findings"] if f["rule"] == "RL106"]
    assert [(f["file"], "50" in f["message"]) for f in found] == [("chart/templates/rollout.yaml", True)]


@needs_helm
def test_a_set_that_comes_out_of_a_chart_is_expanded_too(tmp_path: Path):
    chart = {name.replace("chart/", "sets/"): text for name, text in CHART.items() if "templates" not in name}
    value = yaml.safe_load(application_set())
    value["spec"]["template"]["metadata"]["name"] = "cart"
    root = yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "root", "namespace": "argocd"},
            "spec": {
                "project": "shop",
                "source": {"repoURL": "https://git.example/deploy.git", "path": "sets"},
                "destination": {"name": "main", "namespace": "argocd"},
            },
        }
    )
    escaped = yaml.safe_dump(value).replace("{{cluster}}", '{{ "{{cluster}}" }}')
    files = {**chart, "sets/templates/cart.yaml": escaped, "root.yaml": root, "apps/cart/x.yaml": CART}
    report = checked(tmp_path, files)
    assert [f["file"] for f in report["findings"] if f["rule"] == "RL639"] == ["sets/templates/cart.yaml"]


def test_a_checkout_lists_what_git_would_not_ignore(checkout: Path):
    assert Checkout(str(checkout)).files() == [
        ".gitignore",
        "apps/notes/readme.md",
        "apps/web/rollout.yaml",
        "clusters/eu/config.json",
    ]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://git.example/org/deploy.git", True),
        ("git@git.example:org/Deploy", True),
        ("https://git.example/x", False),
    ],
)
def test_a_checkout_knows_its_repository_by_the_last_part_of_the_url(url: str, named: bool):
    assert Checkout("/nowhere", "deploy").is_named(url) is named


def test_a_file_that_is_no_text_or_not_there_has_none(tmp_path: Path):
    (tmp_path / "x").write_bytes(b"\xff\xfe\xfd")
    assert (Checkout(str(tmp_path)).text("x"), Checkout(str(tmp_path)).text("y")) == (None, None)
