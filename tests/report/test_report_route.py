"""`route` as text, JSON and pictures: the golden forms, the schema, and names that mean harm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rolloutlint.report.route import FORMATS, SUFFIXES
from rolloutlint.resources import data_dir
from rolloutlint.routes import Answer
from tests.routing import ask
from tests.test_routes import SERVICES, SUBSETS, WHOLE, to, virtual_service

with open(f"{data_dir('schemas')}/rolloutlint/route-v1.json", encoding="utf-8") as handle:
    SCHEMA = json.load(handle)

INPUT = Path(__file__).parents[2] / "fixtures" / "workspaces" / "three-strategies" / "input"
SHOP = {path.name: path.read_text(encoding="utf-8") for path in sorted(INPUT.iterdir())}
HOSTILE = 'a\x1b[31m\u202e"]; <script>&::error::%0a'

QUESTIONS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "written": (SHOP, "checkout", {}),
    "step": (SHOP, "checkout", {"step": 3}),
    "pods": (SHOP, "search", {"step": 1}),
    "header": (WHOLE, "web", {"step": 3, "headers": {"x-beta": "yes"}, "path": "/cart?full=1"}),
    "experiment": (WHOLE, "web", {"step": 4}),
    "gateway": (SUBSETS, "api.example.com", {"step": 1, "door": "gateway"}),
    "redirect": (WHOLE, "web", {"path": "/old"}),
    "missing": (SERVICES + virtual_service(http=to("wep")), "web", {}),
    "unknown": (SERVICES + virtual_service("a", http=to("web")) + virtual_service("b", http=to("far.x")), "web", {}),
    "environments": ({"dev/m.yaml": WHOLE, "prod/m.yaml": WHOLE.replace("setWeight: 5\n", "setWeight: 8\n")}, "web",
                     {"step": 1}),
    "hostile": (SERVICES + virtual_service(http=[{"name": HOSTILE, "match": [{"uri": {"prefix": HOSTILE}}],
                                                  "route": to("web")[0]["route"]}, *to(HOSTILE)]), "web", {}),
}  # fmt: skip


def answered(name: str) -> Sequence[Answer]:
    files, host, question = QUESTIONS[name]
    return ask(files, host, **question)


@pytest.mark.parametrize("name", ["written", "step", "pods"])
def test_the_shop_as_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"route.{name}.txt", FORMATS["text"](answered(name)))


@pytest.mark.parametrize("form", ["json", "mermaid", "dot"])
def test_a_step_in_each_format(form: str, golden: Callable[[str, str], None]) -> None:
    golden(f"route.{form}", FORMATS[form](answered("step")))


@pytest.mark.parametrize("name", ["header", "experiment", "gateway", "missing", "unknown", "environments"])
def test_answers_of_many_kinds_as_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"route.{name}.txt", FORMATS["text"](answered(name)))


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_ends_in_one_newline_and_is_always_the_same(form: str, name: str) -> None:
    shown = FORMATS[form](answered(name))
    assert re.search(r"\S\n\Z", shown)
    assert shown == FORMATS[form](answered(name))


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_line_is_wider_than_a_hundred_columns_but_for_what_cannot_be_cut(name: str) -> None:
    wide = [line for line in FORMATS["text"](answered(name)).splitlines() if len(line) > 100]
    assert wide == []


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_no_format_lets_a_name_do_anything(form: str) -> None:
    shown = FORMATS[form](answered("hostile"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<script" not in shown or form in ("text", "json", "dot")
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())


# ---- JSON ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_json_is_as_published(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(FORMATS["json"](answered(name))))


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = json.loads(FORMATS["json"](answered("step")))
    document["answers"][0]["destinations"][0]["colour"] = "red"
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def test_the_schema_is_closed_everywhere() -> None:
    def objects(value: object) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [found for each in value for found in objects(each)]
        if not isinstance(value, dict):
            return []
        own = [value] if value.get("type") == "object" else []
        return [*own, *(found for each in value.values() for found in objects(each))]

    assert objects(SCHEMA)
    for found in objects(SCHEMA):
        assert "additionalProperties" in found
        if "properties" in found:
            assert found["additionalProperties"] is False
            assert sorted(found["required"]) == sorted(found["properties"])


# ---- pictures ------------------------------------------------------------------------------------------------


def test_the_picture_leads_from_the_request_to_both_versions() -> None:
    drawn = FORMATS["mermaid"](answered("step"))
    edges = re.findall(r'(n\d+) -->\|"[^"]*"\| (n\d+)', drawn)
    reached, todo = set(), ["n1"]
    while todo:
        here = todo.pop()
        reached.add(here)
        todo += [target for source, target in edges if source == here]
    for version in ("stable", "canary"):
        (node,) = re.findall(rf'(n\d+)\["Rollout pods<br/>checkout \({version}\)', drawn)
        assert node in reached


def test_what_is_missing_is_drawn_as_missing() -> None:
    assert ":::missing" in FORMATS["mermaid"](answered("missing"))


def test_each_suffix_names_a_format() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS) - {"text"}
