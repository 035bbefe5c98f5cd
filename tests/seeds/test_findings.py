"""What is wrong with the manifests that people learn from is found: in our fixtures and in the tutorials themselves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from rolloutlint.engine import lint_paths
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE
from tests.seeds.extract import extract, workspaces

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "fixtures" / "seeds"
TUTORIALS = ROOT.parent / "shared" / "seeds"

COMPARED = ("RL003", "RL005", "RL107", "RL201", "RL204", "RL205", "RL301", "RL404", "RL408", "RL601", "RL602", "RL608")
"""The rules whose findings must be the same in a fixture and in the tutorial that it follows; none may differ."""

STEP = """\
      - analysis:
          templates: [{templateName: success-rate}]
          args: [{name: service-name, value: gallery}]
"""


def lint(folder: Path) -> Report:
    return lint_paths([str(folder)], Settings(), CATALOGUE)


def places(folder: Path, rule: str) -> list[tuple[str, str]]:
    """(file below `folder`, path) of the findings of one rule."""
    found = [f for f in lint(folder).active if f.finding.rule == rule]
    return [(Path(f.file).resolve().relative_to(folder.resolve()).as_posix(), f.path) for f in found]


def messages(folder: Path, rule: str) -> list[str]:
    return [f.finding.message for f in lint(folder).active if f.finding.rule == rule]


def edited(tmp_path: Path, seed: str, file: str, old: str, new: str) -> Path:
    """A copy of a seed in which one piece of text of one file is another."""
    folder = tmp_path / seed
    shutil.copytree(SEEDS / seed, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder


def test_istio_routing_without_services_is_refused() -> None:
    assert places(SEEDS / "000", "RL107") == [
        ("apps/storefront/rollout-istio.yaml", "spec.strategy.canary.trafficRouting.istio")
    ]


def test_a_rollout_that_is_refused_does_not_fight_with_self_heal(tmp_path: Path) -> None:
    # The Application heals itself and ignores nothing, but with InvalidSpec the controller reconciles nothing: it never
    # writes a weight into the VirtualService, so silence is right. Once the Rollout is mended the fight is real.
    assert places(SEEDS / "000", "RL601") == places(SEEDS / "000", "RL608") == []
    rule = "{name: storefront-mesh-subsets, canarySubsetName: canary, stableSubsetName: stable}"
    mended = edited(
        tmp_path,
        "000",
        "apps/storefront/rollout-istio.yaml",
        "          virtualService:\n",
        f"          destinationRule: {rule}\n          virtualService:\n",
    )
    assert places(mended, "RL107") == []
    assert places(mended, "RL601") == [("argocd/application.yaml", "spec.syncPolicy.automated.selfHeal")]


def test_a_field_of_blue_green_under_canary_is_dropped() -> None:
    assert places(SEEDS / "001", "RL003") == [("ledger/rollout.yaml", "spec.strategy.canary.autoPromotionEnabled")]


def test_a_metric_named_in_place_of_its_template_is_recognised() -> None:
    (message,) = messages(SEEDS / "001", "RL204")
    assert message.endswith("`latency-p99` is a metric of AnalysisTemplate `success-rate`")


def test_an_image_that_never_arrives_is_found() -> None:
    (finding,) = (f for f in lint(SEEDS / "001").active if f.finding.rule == "RL602")
    assert finding.path.startswith("spec.ignoreDifferences[0].jsonPointers[")
    assert "no image, env, resources or probe from Git is ever deployed" in finding.finding.consequence


def test_an_argument_that_only_the_first_step_passes_is_missed_in_the_second() -> None:
    assert messages(SEEDS / "003", "RL301") == [
        "The analysis of step 5 gives no value to argument `service-name` of `basket-error-rate`"
    ]


def test_with_the_templates_in_their_namespace_all_open_arguments_are_found(tmp_path: Path) -> None:
    # As written, the templates have no namespace and two of the Rollouts have one: whether they meet is unknown.
    text = (SEEDS / "003" / "analysis.yaml").read_text()
    (tmp_path / "analysis.yaml").write_text(text.replace("metadata:\n", "metadata:\n  namespace: market\n"))
    for name in ("rollout.yaml", "rollout-blue-green.yaml"):
        shutil.copy(SEEDS / "003" / name, tmp_path)
    found = {tuple(re.findall(r"argument `(.+?)` of `(.+?)`", m)[0]) for m in messages(tmp_path, "RL301")}
    assert found >= {
        ("service-name", "basket-error-rate"),
        ("service", "settlement-success-rate"),
        ("canary-version", "settlement-success-rate"),
    }


def test_a_background_metric_without_a_count_is_right(tmp_path: Path) -> None:
    assert places(SEEDS / "004", "RL303") == []
    in_a_step = edited(tmp_path, "004", "rollout.yaml", "      steps:\n", f"      steps:\n{STEP}")
    assert [file for file, _ in places(in_a_step, "RL303")] == ["analysis.yaml"]


NO_DATA = [
    ("000", "RL408", 3),  # a ratio, the same with `or vector(1)`, which does nothing about NaN, and nil from Datadog
    ("000", "RL405", 1),
    ("000", "RL407", 1),
    ("000", "RL426", 1),  # that `or vector(1)` itself
    ("001", "RL408", 2),
    ("003", "RL404", 2),
    ("003", "RL408", 4),
    ("003", "RL411", 1),
    ("004", "RL408", 2),
]


@pytest.mark.parametrize("seed, rule, count", NO_DATA)
def test_metrics_that_nobody_tried_without_data_are_found(seed: str, rule: str, count: int) -> None:
    assert len(places(SEEDS / seed, rule)) == count


def test_the_advice_for_a_service_without_requests_promotes_a_version_that_serves_none() -> None:
    assert messages(SEEDS / "000", "RL407") == [
        "`request-success` passes if no request ever succeeded: its query then gives 1"
    ]
    (nan,) = (m for m in messages(SEEDS / "000", "RL408") if "NaN" in m and "ready for neither" not in m)
    assert nan.startswith("`request-success` is NaN while no request arrives")


def test_a_condition_inside_the_provider_decides_nothing() -> None:
    (message,) = messages(SEEDS / "003", "RL411")
    assert message.startswith(
        "Metric `order-quality` has no condition: its `successCondition` stands inside `provider.web`"
    )


@pytest.mark.parametrize("seed", ["000", "001", "004"])
def test_a_tutorial_has_the_findings_of_the_fixture_that_follows_it(seed: str, tmp_path: Path) -> None:
    """(rule, kind) of each finding; 003 is not among them, for its manifests have lost their indentation."""
    tutorials = sorted(TUTORIALS.glob(f"{seed}_*.txt"))
    if not tutorials:
        pytest.skip("the tutorials are not part of this repository: ../shared/seeds is absent")
    found: set[tuple[str, str]] = set()
    for number, files in enumerate(workspaces(extract(tutorials[0].read_text(encoding="utf-8")))):
        folder = tmp_path / str(number)
        lay_out(folder, files)
        found |= compared(folder)
    assert found == compared(SEEDS / seed)


def lay_out(folder: Path, files: dict[str, str]) -> None:
    """The manifests of a tutorial as its Application finds them: all others below the path that it syncs."""
    objects = {name: yaml.safe_load(text) for name, text in files.items()}
    source = next((o["spec"]["source"]["path"] for o in objects.values() if o["kind"] == "Application"), ".")
    for name, text in files.items():
        home = folder / ("argocd" if objects[name]["kind"] == "Application" else source)
        home.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")


def compared(folder: Path) -> set[tuple[str, str]]:
    found = ((f.finding.rule, f.finding.resource) for f in lint(folder).active)
    return {(rule, resource.kind) for rule, resource in found if resource is not None and rule in COMPARED}


def test_a_comparison_with_the_stable_version_that_the_query_never_gives_is_an_error_each_time() -> None:
    assert places(SEEDS / "003", "RL403") == [("analysis.yaml", "spec.metrics[0].successCondition")]
    assert messages(SEEDS / "003", "RL403") == [
        "`successCondition` of `success-against-stable` takes element 1 of a result that never has more than one"
    ]


@pytest.mark.parametrize("seed, metrics", [("003", ["p99-latency", "p95-latency"]), ("004", ["p95-latency"])])
def test_a_quantile_of_each_pod_is_judged_by_chance(seed: str, metrics: list[str]) -> None:
    found = messages(SEEDS / seed, "RL419")
    assert [re.findall(r"of `(.+?)` is any of several series", message) for message in found] == [[m] for m in metrics]


def test_the_missing_inconclusive_limit_is_explained_where_it_matters() -> None:
    assert messages(SEEDS / "003", "RL317") == [
        "`error-rate` can be Inconclusive, from 0.01 up to 0.05, and has no `inconclusiveLimit`"
    ]
