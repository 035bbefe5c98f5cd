"""Manifests come out of tutorials whole, and the alternatives stay apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.seeds.extract import LostIndentationError, extract, workspaces

TUTORIALS = Path(__file__).parents[3] / "shared" / "seeds"

MESH = "AnalysisTemplate AnalysisTemplate Application DestinationRule Rollout Rollout Service Service VirtualService"
FENCED = """\
# A title: with a colon

```yaml
kind: Rollout
apiVersion: argoproj.io/v1alpha1
metadata: {name: a}
spec: {replicas: 2, strategy: {canary: {}}}
```
prose
```bash
apiVersion: not this
```
```yaml
strategy: {blueGreen: {activeService: a}}
```
"""


def tutorial(number: str) -> str:
    found = sorted(TUTORIALS.glob(f"{number}_*.txt"))
    if not found:
        pytest.skip("the tutorials are not part of this repository: ../shared/seeds is absent")
    return found[0].read_text(encoding="utf-8")


def kinds(files: dict[str, str]) -> list[str]:
    return sorted(yaml.safe_load(text)["kind"] for text in files.values())


def test_only_fences_marked_as_yaml_are_taken() -> None:
    assert next(workspaces(extract(FENCED))).keys() == {"rollout-a.yaml"}


def test_a_strategy_alone_makes_a_variant_of_the_rollout_before_it() -> None:
    variant = yaml.safe_load(extract(FENCED)["variant-1/rollout-a.yaml"])
    assert variant["spec"] == {"replicas": 2, "strategy": {"blueGreen": {"activeService": "a"}}}


def test_a_variant_stands_in_place_of_what_it_varies() -> None:
    first, second = workspaces(extract(FENCED))
    assert first.keys() == second.keys()
    assert "blueGreen" in second["rollout-a.yaml"]


def test_a_block_with_something_left_out_is_no_manifest() -> None:
    assert extract("```yaml\napiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  ...\n```\n") == {}


def test_a_plain_block_ends_where_prose_goes_on() -> None:
    text = "Intro\n\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n\nspec: {}\nAnd so on\n# kubectl: no\n"
    assert yaml.safe_load(extract(text)["service-a.yaml"])["spec"] == {}


def test_lost_indentation_is_said_and_not_guessed() -> None:
    with pytest.raises(LostIndentationError):
        extract("apiVersion: v1\nkind: Service\nmetadata:\nname: a\nspec:\nports: []\n")


@pytest.mark.parametrize(
    ("number", "expected", "variants"),
    [
        ("000", MESH, 3),
        ("001", "AnalysisTemplate Application Canary ConfigMap Rollout Rollout", 0),
        ("004", "AnalysisTemplate AnalysisTemplate Rollout Service", 1),
    ],
)
def test_a_tutorial_gives_all_its_manifests(number: str, expected: str, variants: int) -> None:
    files = extract(tutorial(number))
    first, *others = workspaces(files)
    assert kinds(first) == expected.split()
    assert len(others) == variants


def test_the_tutorial_without_indentation_is_refused() -> None:
    with pytest.raises(LostIndentationError):
        extract(tutorial("003"))
