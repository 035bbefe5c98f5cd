"""A plan as a pull-request comment: one that a workflow finds again, that fits, and that no name can break."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from rolloutlint.change.result import Stage
from rolloutlint.report import Options
from rolloutlint.report.plan_markdown import mark, render
from tests.report.plans import (
    ALL,
    CART,
    IMAGE,
    application,
    block,
    fleet,
    large,
    nasty,
    new_revision,
    plan,
    review,
    task,
)

GITHUB = 65_536
"""Characters that GitHub takes in a comment."""


@pytest.mark.parametrize("name", ["review", "block", "quiet", "nasty"])
def test_the_golden_form(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan-{name}.md", render(ALL[name], Options()))


def test_the_first_line_is_a_hidden_mark() -> None:
    assert render(review(), Options()).splitlines()[0] == "<!-- rolloutlint apply-plan -->"


def test_several_plans_of_one_pull_request_have_different_marks() -> None:
    assert render(review(), Options(sarif_category="prod")).startswith("<!-- rolloutlint apply-plan prod -->\n")


def test_no_category_can_end_the_mark() -> None:
    assert mark("--> <b>x") == "<!-- rolloutlint apply-plan -----b-x -->"


def test_three_lines_decide() -> None:
    lines = render(review(), Options()).splitlines()
    assert lines[1] == "### :eyes: rolloutlint apply-plan: REVIEW (new-warnings)"
    assert [bool(line) for line in lines[2:7]] == [False, True, True, True, False]


@pytest.mark.parametrize("name", [*ALL, "large"])
def test_the_page_fits(name: str) -> None:
    assert len(render(ALL[name] if name in ALL else large(), Options())) < GITHUB


def test_what_has_no_room_is_counted() -> None:
    page = render(large(), Options())
    assert re.search(r"\| \d+ more rows: no room here", page)
    assert re.search(r"\n3 more Applications of 4 that change: no room here", page)
    assert re.search(r"\nThe new findings in \d+ more files have no room here", page)


def test_findings_keep_room_beside_a_large_table() -> None:
    assert render(large(), Options()).count("RL201") > 40


def test_every_fold_that_is_opened_is_closed() -> None:
    for made in (*ALL.values(), large()):
        page = render(made, Options())
        assert page.count("<details>") == page.count("</details>")


def test_every_row_has_four_cells() -> None:
    rows = [line for line in render(nasty(), Options()).splitlines() if line.startswith("|")]
    assert len(rows) > 30
    assert {row.count("|") for row in rows} == {5}


def test_no_markup_comes_from_a_name() -> None:
    page = render(nasty(), Options())
    tags = set(re.findall(r"<[^>]*>", page.split("\n", 1)[1]))
    assert tags <= {"<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"}
    for markup in ("](", "@octocat", "@team", "://", "`"):
        assert markup not in page


def test_applications_without_a_change_are_counted() -> None:
    assert "Nothing changes in 40 Applications." in render(fleet(), Options())


def test_a_change_elsewhere_leaves_the_lines_of_an_application_as_they_are() -> None:
    other = application(
        Stage("Sync", 0, ((task("update", CART._replace(name="z"), IMAGE, rollout=new_revision()),),)), name="z"
    )
    block_of = render(review(), Options()).split("<details>")[1].split("</details>")[0]
    assert block_of in render(plan(*review().applications, other), Options())


def test_lost_inputs_are_said_loudly() -> None:
    assert "**Lost: live.yaml (unreadable): ends early.**" in render(block(), Options())
