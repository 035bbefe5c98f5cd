"""Findings of the previous state are looked for only where they may differ: the answer is the same as without that."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutlint.engine import Changes
from rolloutlint.plan.affected import affected_files
from rolloutlint.plan.findings import compared
from tests.plan.planning import opened

PLANS = Path(__file__).parents[2] / "fixtures" / "plans"
SCENARIOS = sorted(p.name for p in PLANS.iterdir() if (p / "before").is_dir())


def texts(directory: Path) -> dict[str, str]:
    return {
        p.relative_to(directory).as_posix(): p.read_text(encoding="utf-8") for p in sorted(directory.rglob("*.yaml"))
    }


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_findings_are_compared_as_if_all_were_looked_at(scenario: str) -> None:
    before, after = opened(texts(PLANS / scenario / "before")), opened(texts(PLANS / scenario / "after"))
    changes = Changes((), "before:", before.texts)
    affected = affected_files(before, after)
    new = after.report(changes)
    some = compared(before.report(only=affected), new, affected)
    everything = compared(before.report(), new)
    for one, other in zip(some, everything, strict=True):
        assert sorted(f.fingerprint for f in one) == sorted(f.fingerprint for f in other)


SHOP = """
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: cart, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: cart}}}}
  template:
    metadata: {{labels: {{app: cart}}}}
    spec: {{containers: [{{name: cart, image: "cart:{image}"}}]}}
  strategy: {{canary: {{steps: [{{setWeight: 20}}, {{pause: {{}}}}]}}}}
"""


def shops(images: str) -> dict[str, str]:
    return {f"{n}/cart.yaml": SHOP.format(namespace=f"shop-{n}", image=image) for n, image in enumerate(images)}


def test_an_update_affects_its_own_neighbourhood_only() -> None:
    assert affected_files(opened(shops("aaa")), opened(shops("aba"))) == {"1/cart.yaml"}


def test_a_new_object_affects_its_namespace() -> None:
    other = SHOP.format(namespace="shop-2", image="c").replace("name: cart,", "name: other,")
    after = {**shops("aaa"), "2/other.yaml": other}
    assert affected_files(opened(shops("aaa")), opened(after)) == {"2/cart.yaml", "2/other.yaml"}


def test_an_object_that_is_there_twice_now_affects_everything() -> None:
    after = {**shops("aaa"), "copy/cart.yaml": shops("a")["0/cart.yaml"]}
    root = {f"apps/{name}": text for name, text in shops("aaa").items()}
    assert affected_files(opened(root), opened({f"apps/{name}": text for name, text in after.items()})) is None


def test_a_project_affects_everything() -> None:
    project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop, namespace: argocd}\n"
    assert affected_files(opened(shops("aaa")), opened({**shops("aaa"), "project.yaml": project})) is None
