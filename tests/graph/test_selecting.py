"""Which Services of the world select pods with given labels."""

from __future__ import annotations

import pytest

from tests.graph.worlds import rollout, world

LABELS = {"app": "web", "tier": "front"}


def selecting(selector: str, file: str = "a/s.yaml", namespace: str = "") -> list[str]:
    where = f", namespace: {namespace}" if namespace else ""
    text = f"---\n{{apiVersion: v1, kind: Service, metadata: {{name: s{where}}}, spec: {{selector: {selector}}}}}\n"
    made = world({"a/r.yaml": rollout(), file: text})
    return [r.id.name for r in made.services_selecting(made.of_kind("argoproj.io", "Rollout")[0], LABELS)]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{app: web}", ["s"]),
        ("{tier: front, app: web}", ["s"]),
        ("{app: web, zone: x}", []),
        ("{app: other}", []),
        ("{}", []),
        ("null", []),
        ("[app]", []),
        ("{app: 5}", []),
        ("{app: web, 1: x}", []),
        ("{app: web, tier: 5}", []),
    ],
)
def test_labels_fulfil_every_pair_of_the_selector(selector: str, expected: list[str]) -> None:
    assert selecting(selector) == expected


def test_services_of_other_places_are_left_out() -> None:
    assert selecting("{app: web}", namespace="elsewhere") == []
