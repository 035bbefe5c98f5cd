"""The Markdown report."""

from __future__ import annotations

import re
from collections.abc import Callable

from samples import NASTY_NAMES, finding, full, nasty, report

from rolloutlint.report import Options, render


def test_golden_whole_report(golden: Callable[[str, str], None]) -> None:
    golden("full.md", render(full(), "markdown"))


def test_golden_clean_report(golden: Callable[[str, str], None]) -> None:
    golden("clean.md", render(report(), "markdown"))


def test_golden_hostile_names(golden: Callable[[str, str], None]) -> None:
    golden("nasty.md", render(nasty(), "markdown"))


def test_every_row_of_the_table_has_five_cells() -> None:
    rows = [line for line in render(nasty(), "markdown").splitlines() if line.startswith("| error")]
    assert len(rows) == len(NASTY_NAMES)
    assert {row.count("|") for row in rows} == {6}


def test_no_html_but_our_own_is_in_the_page() -> None:
    tags = set(re.findall(r"<[^>]*>", render(nasty(), "markdown")))
    assert tags <= {"<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"}


def test_no_link_mention_or_code_span_comes_from_a_name() -> None:
    page = render(nasty(), "markdown")
    assert "](" not in page
    assert "@octocat" not in page
    assert "://" not in page
    assert "`" not in page


def test_names_in_backticks_become_code() -> None:
    assert "Service <code>cart-canary</code> is not defined" in render(report([finding()]), "markdown")


def test_the_page_stays_below_the_size_of_a_job_summary_and_says_what_it_leaves_out() -> None:
    findings = [finding(file=f"apps/{n}.yaml", message="m" * 110, number=n) for n in range(2000)]
    page = render(report(findings), "markdown")
    assert len(page.encode()) < 1024 * 1024
    assert re.search(r"\n\d+ findings are left out here", page)


def test_suppressed_findings_are_shown_on_demand() -> None:
    hidden = report([finding(disposition="suppressed", reason="agreed")])
    assert "agreed" not in render(hidden, "markdown")
    assert "suppressed: agreed" in render(hidden, "markdown", Options(show_suppressed=True))
