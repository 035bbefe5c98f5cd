"""A plan as JSON: as published, closed, times in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from rolloutlint.report.plan_json import render
from rolloutlint.resources import data_dir
from tests.report.plans import ALL, block, review

with open(f"{data_dir('schemas')}/rolloutlint/plan-v1.json", encoding="utf-8") as handle:
    SCHEMA = json.load(handle)
with open(f"{data_dir('schemas')}/rolloutlint/findings-v1.json", encoding="utf-8") as handle:
    FINDINGS = json.load(handle)


@pytest.mark.parametrize("name", ALL)
def test_the_json_is_as_published(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(render(ALL[name], {})))


def test_the_golden_form(golden: Callable[[str, str], None]) -> None:
    golden("plan-review.json", render(review(), {}))


def test_the_schema_is_closed_and_whole_everywhere() -> None:
    def objects(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for each in value for found in objects(each)]
        if not isinstance(value, dict):
            return []
        own = [value] if value.get("type") == "object" else []
        return [*own, *(found for each in value.values() for found in objects(each))]

    assert len(objects(SCHEMA)) > 15
    for found in objects(SCHEMA):
        assert found["additionalProperties"] is False
        assert sorted(found["required"]) == sorted(found["properties"])


@pytest.mark.parametrize("name", ["finding", "resource", "place", "fix", "edit", "incomplete"])
def test_findings_are_those_of_check(name: str) -> None:
    assert SCHEMA["$defs"][name] == FINDINGS["$defs"][name]


def test_times_are_seconds() -> None:
    stages = json.loads(render(review(), {}))["applications"][0]["stages"]
    assert stages[1]["after"] == 34 * 60
    assert stages[0]["waits"][0]["least"] == 34 * 60


def test_a_rollout_has_its_reasons_and_its_stairs() -> None:
    stage = json.loads(render(review(), {}))["applications"][0]["stages"][0]
    (rollout,) = (task["rollout"] for group in stage["groups"] for task in group if task["rollout"])
    assert rollout["classification"] == "new-revision"
    assert rollout["reasons"][0]["path"] == "spec.template.spec.containers[cart].image"
    assert rollout["stairs"] == ["5 %", "20 %", "50 %", "100 %"]
    assert rollout["simulation"]["timeline"][2] == {
        "start": 600,
        "end": 600,
        "share": {"least": 20, "most": 20},
        "step": 3,
        "label": "setWeight 20",
        "wait": "instant",
    }


def test_a_reason_names_its_finding() -> None:
    document = json.loads(render(block(), {}))
    assert document["reasons"][0]["fingerprint"] == document["findings"]["introduced"][0]["fingerprint"]
    assert document["reasons"][1]["fingerprint"] is None
