"""A plan as text: the golden forms, what is folded, colour, and names that mean harm."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from rolloutlint.report import Options
from rolloutlint.report.plan_text import render
from tests.report.plans import ALL, block, fleet, nasty, quiet, review, unnamed


@pytest.mark.parametrize("name", ["review", "block", "quiet", "unnamed", "fleet", "empty"])
def test_the_golden_form(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan-{name}.txt", render(ALL[name], Options(width=110)))


def test_the_text_tells_more_when_asked(golden: Callable[[str, str], None]) -> None:
    golden("plan-block.verbose.txt", render(block(), Options(width=110, verbose=True)))


@pytest.mark.parametrize("name", ALL)
def test_the_decision_is_the_last_line(name: str) -> None:
    assert re.match(
        r"Decision: (ALLOW|REVIEW|BLOCK)\b.* Nothing was applied\.$", render(ALL[name], Options()).splitlines()[-1]
    )


@pytest.mark.parametrize("name", ALL)
def test_colour_only_adds(name: str) -> None:
    plain, coloured = (render(ALL[name], Options(color=color)) for color in (False, True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_what_changes_nothing_is_counted_and_listed_on_demand() -> None:
    assert "Service shop/cart-canary" not in render(review(), Options())
    assert "= 3 unchanged" in render(review(), Options())
    assert "= Service shop/cart-canary" in render(review(), Options(verbose=True))


def test_many_fields_of_an_object_are_cut_and_listed_on_demand() -> None:
    assert "and 5 more fields (-v lists them)" in render(block(), Options())
    assert "spec.http[11].timeout" in render(block(), Options(verbose=True))


def test_applications_without_a_change_are_named_in_one_line() -> None:
    text = render(fleet(), Options())
    assert text.count("Application argocd/shop -> ") == 1
    assert "Nothing changes in Application argocd/shop-0, " in text
    assert "and 37 more." in text


def test_fields_that_are_left_alone_are_counted() -> None:
    assert "left alone    1 field" in render(review(), Options())
    assert "The weights are ignored" in render(review(), Options(verbose=True))


def test_without_an_application_it_says_so() -> None:
    assert "Everything as one (no Application among the inputs)" in render(unnamed(), Options())


def test_nothing_in_a_name_moves_the_cursor_or_starts_a_command() -> None:
    text = render(nasty(), Options(verbose=True))
    assert all(line.isprintable() for line in text.splitlines())
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert text.count("\n") == len(text.splitlines())


def test_a_quiet_plan_is_short() -> None:
    assert len(render(quiet(), Options()).splitlines()) < 10
