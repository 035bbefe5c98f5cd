from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rolloutlint.catalogue import load_catalogue
from rolloutlint.resources import data_dir

SCHEMA = json.loads(Path(data_dir("schemas"), "rolloutlint", "rule-v1.json").read_text())
PAGES = sorted(Path(data_dir("rules")).glob("*/RL*.md"))


def front_matter(page: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(page.read_text().split("\n---\n")[0].removeprefix("---\n"))
    return loaded


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_front_matter_of_every_page_is_what_the_schema_says(page: Path) -> None:
    front = front_matter(page)
    assert [f"{e.json_path}: {e.message}" for e in Draft202012Validator(SCHEMA).iter_errors(front)] == []
    assert page.stem == f"{front['id']}-{front['name']}"
    assert set(front["profiles"]) <= set(load_catalogue().profiles)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "RL1"),
        ("name", "Pause"),
        ("severity", "fatal"),
        ("applies-to", []),
        ("applies-to", ["Rollout"]),
        ("targets", {"rollouts": "new"}),
        ("message", "It ends with a full stop."),
        ("message", "It has\ntwo lines"),
        ("variants", {"other": {"text": "x"}}),
        ("owner", "me"),
    ],
)
def test_the_schema_refuses_other_front_matter(key: str, value: object) -> None:
    front = copy.deepcopy(front_matter(next(p for p in PAGES if p.stem.startswith("RL901"))))
    assert Draft202012Validator(SCHEMA).is_valid(front)
    assert not Draft202012Validator(SCHEMA).is_valid({**front, key: value})
