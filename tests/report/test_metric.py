"""`explain-metric` in its formats: the golden text, the schema of the JSON, and names that mean harm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from rolloutlint.controllers.measurement_runs import Outcome
from rolloutlint.finding import ResourceId
from rolloutlint.metric_table import MetricTable, Row
from rolloutlint.report.metric import FORMATS
from rolloutlint.resources import data_dir

SCHEMA = json.loads((Path(data_dir("schemas")) / "rolloutlint" / "metrics-v1.json").read_text())

ENDLESS = Outcome("goes-on", None, None)
RATE = MetricTable(
    file="rate.yaml",
    template=ResourceId("argoproj.io", "v1alpha1", "AnalysisTemplate", "shop", "rate"),
    name="success-rate",
    provider="prometheus",
    query='sum(rate(x_total{code!~"5.."}[5m]))\n  / sum(rate(x_total[5m]))',
    success="result[0] >= 0.95",
    failure="",
    limits=(("interval", "1m"), ("count", "5"), ("failureLimit", "1")),
    used_by=("Rollout shop/cart, the analysis in the background",),
    faults=(),
    rows=(
        Row("normal", "some", "0 to below 0.95", (), ("Failed",), (Outcome("aborts", 2, 60.0),)),
        Row("normal", "some", "0.95 to 1", (), ("Successful",), (Outcome("succeeds", 5, 240.0),)),
        Row("absent", "none", "empty", ("no such series exists",), ("Error",), (Outcome("aborts", 5, 40.0),)),
        Row("idle", "idle", "NaN", (), ("Failed", "Successful"), (Outcome("aborts", 2, 60.0), ENDLESS)),
        Row("unreachable", "down", "-", (), (None,), (Outcome("unknown", None, None),)),
        Row("started", "new", "0", (), ("Inconclusive",), (Outcome("pauses", 1, 0.0),)),
        Row("started", "new", "1", (), ("Successful",), (Outcome("succeeds", 5, None),)),
    ),
)  # fmt: skip
JOB = RATE._replace(name="smoke", provider="job", query="", success="", limits=(), used_by=(), rows=())
HOSTILE = "<img src=x onerror=alert(1)>|`x`*_[a](http://b)&lt; @team \x1b[31m\u202e\n::error::gone ##[warning]"
HARMFUL = RATE._replace(
    file=HOSTILE,
    template=RATE.template._replace(name=HOSTILE),
    name=HOSTILE,
    query=f"{HOSTILE}</pre>",
    success=HOSTILE,
    failure=HOSTILE,
    limits=(("count", HOSTILE),),
    used_by=(HOSTILE,),
    faults=(HOSTILE,),
    rows=(RATE.rows[2]._replace(title=HOSTILE, gives=HOSTILE, because=('" onclick="x', HOSTILE)),),
)


@pytest.mark.parametrize("name", ["text", "json", "markdown", "html"])
def test_the_table_in_each_format(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"metric.{name}", FORMATS[name]((RATE, JOB)))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_answer_ends_in_one_newline(name: str) -> None:
    assert re.search(r"\S\n\Z", FORMATS[name]((RATE,)))


@pytest.mark.parametrize("tables", [(RATE, JOB), (HARMFUL,)])
def test_the_json_is_as_published(tables: tuple[MetricTable, ...]) -> None:
    document = json.loads(FORMATS["json"](tables))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert [metric["name"] for metric in document["metrics"]] == [table.name for table in tables]


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_no_name_moves_the_cursor_or_commands_the_runner(name: str) -> None:
    shown = FORMATS[name]((HARMFUL._replace(name="::error::gone"), HARMFUL))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]|^\s*::|##\[", shown, re.MULTILINE)


def test_markdown_has_no_markup_that_a_name_brought() -> None:
    shown = FORMATS["markdown"]((HARMFUL,))
    assert "<" not in shown
    assert "](" not in shown
    assert not re.search(r"[`*\[]|@team|&lt;", shown)
    rows = [line for line in shown.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}


class Tags(HTMLParser):
    """The elements, the attributes and the titles of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.titles: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.titles += [value for name, value in attrs if name == "title"]


def tags(page: str) -> Tags:
    found = Tags()
    found.feed(page)
    return found


def test_the_page_has_no_element_or_attribute_that_a_name_brought() -> None:
    ours, theirs = tags(FORMATS["html"]((RATE,))), tags(FORMATS["html"]((HARMFUL,)))
    assert theirs.elements <= ours.elements | {"p"}
    assert theirs.attributes <= ours.attributes
    assert len(theirs.titles) == 1
    assert str(theirs.titles[0]).startswith('because " onclick="x; <img')


def test_the_page_asks_the_network_for_nothing() -> None:
    found = tags(FORMATS["html"]((RATE, JOB)))
    assert found.elements.isdisjoint({"script", "img", "link", "iframe", "object"})
    assert "src" not in found.attributes
    assert "http" not in FORMATS["html"]((RATE, JOB)).replace("http-equiv", "")


def test_the_page_tells_reasons_in_titles_and_follows_the_system() -> None:
    page = FORMATS["html"]((RATE,))
    assert tags(page).titles == ["because no such series exists"]
    assert "color-scheme: light dark" in page
    assert "@media print" in page
