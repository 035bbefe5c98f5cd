"""A plan as a page: whole in one file, readable without a script, and no name in it is markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from rolloutlint.report.plan_html import render
from tests.report.plans import ALL, block, large, nasty, review

VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Every start tag with its attributes, and whether tags are nested as they should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ALL)
def test_every_tag_is_closed_in_its_turn(name: str) -> None:
    assert Tags(render(ALL[name])).open == []


@pytest.mark.parametrize("name", ALL)
def test_the_page_loads_nothing_and_runs_nothing(name: str) -> None:
    seen = Tags(render(ALL[name])).seen
    assert {tag for tag, _ in seen}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    for _, attributes in seen:
        assert {"src", "onerror", "onclick", "onload"}.isdisjoint(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in render(ALL[name])


def test_no_name_is_markup() -> None:
    page = render(nasty())
    assert "<img" not in page
    assert "\x1b" not in page


def test_each_rollout_that_starts_has_its_staircase() -> None:
    page = render(review())
    assert '<a href="#rollout-1">' in page
    assert page.split('id="rollout-1"')[1].count("<svg") == 2  # one for wide windows and one for narrow ones


def test_every_link_leads_somewhere() -> None:
    page = render(large())
    targets = set(re.findall(r' id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= targets


def test_a_page_of_very_many_rollouts_says_what_it_leaves_out() -> None:
    assert re.search(r"\d+ more Rollouts would make the page too large", render(large()))


def test_the_decision_comes_first() -> None:
    body = render(block()).split("<main>")[1]
    assert body.index("BLOCK") < body.index("Application argocd/shop")
