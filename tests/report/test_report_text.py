"""The text report."""

from __future__ import annotations

import re
from collections.abc import Callable

from samples import aborts, finding, full, incomplete, missing, nasty, report

from rolloutlint.finding import Counts, SettledRelated, Span
from rolloutlint.report import Options, render
from rolloutlint.report.visible import cell_width


def text(*findings: object, **options: object) -> str:
    return render(report(findings), "text", Options(**options))  # type: ignore[arg-type]


def frame(line: str, span: Span, **options: object) -> tuple[str, str]:
    """The source line and its underline, without the gutter."""
    shown = text(finding(span=span, lines={span.line: line}), **options).splitlines()
    at = next(i for i, s in enumerate(shown) if re.match(r" +\d+ \|", s))
    return shown[at].split("| ", 1)[1], shown[at + 1].split("| ", 1)[1]


def test_golden_finding_with_related_places_and_fix(golden: Callable[[str, str], None]) -> None:
    golden("finding.txt", text(aborts()))


def test_golden_finding_with_a_trail(golden: Callable[[str, str], None]) -> None:
    golden("trail.txt", text(missing()))


def test_golden_whole_report(golden: Callable[[str, str], None]) -> None:
    golden("full.txt", render(full(), "text"))


def test_golden_verbose_report_with_suppressed(golden: Callable[[str, str], None]) -> None:
    golden("verbose.txt", render(full(), "text", Options(verbose=True, show_suppressed=True)))


def test_golden_hostile_names(golden: Callable[[str, str], None]) -> None:
    golden("nasty.txt", render(nasty(), "text", Options(verbose=True)))


def test_golden_clean_report(golden: Callable[[str, str], None]) -> None:
    golden("clean.txt", render(report(incomplete=(incomplete(),)), "text"))


def test_colour_only_adds() -> None:
    coloured = render(full(), "text", Options(color=True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == render(full(), "text")


def test_many_findings_of_a_rule_collapse_after_three() -> None:
    shown = text(*(finding(number=n, span=Span(n, 1, n, 2)) for n in range(1, 11)))
    assert shown.count("RL201 error") == 3
    assert "7 more RL201 findings (canary-service-missing): run with -v or --no-collapse" in shown
    assert "10 errors" in shown


def test_four_findings_of_a_rule_do_not_collapse() -> None:
    assert text(*(finding(number=n) for n in range(4))).count("RL201 error") == 4


def test_no_collapse_shows_all() -> None:
    assert text(*(finding(number=n) for n in range(10)), collapse=False).count("RL201 error") == 10


def test_carets_stand_under_wide_characters() -> None:
    source, carets = frame("name: 名前 # x", Span(3, 7, 3, 9))
    assert source == "name: 名前 # x"
    assert carets == " " * 6 + "^" * 4


def test_carets_stand_after_a_tab_shown_as_spaces() -> None:
    assert frame("a\tb: c", Span(3, 3, 3, 4)) == ("a    b: c", "     ^")


def test_carets_cover_what_an_escape_sequence_is_shown_as() -> None:
    assert frame("x: \x1b[31m!", Span(3, 4, 3, 5)) == ("x: \\x1b[31m!", "   ^^^^")


def test_combining_marks_take_no_cell() -> None:
    assert frame("e\u0301: x", Span(3, 5, 3, 6))[1] == "   ^"


def test_a_long_line_is_cut_around_the_place() -> None:
    line = "q: " + "a" * 300 + "HERE" + "b" * 300
    source, carets = frame(line, Span(3, 304, 3, 308), width=80)
    assert len(source) <= 80 - 8
    assert source.startswith("...")
    assert source.endswith("...")
    assert source[carets.index("^") : carets.rindex("^") + 1] == "HERE"


def test_a_long_line_of_wide_characters_is_cut_to_cells() -> None:
    source, carets = frame("前" * 200, Span(3, 100, 3, 102), width=80)
    assert cell_width(source) <= 80 - 8
    assert carets.count("^") == 4


def test_an_empty_span_still_has_a_caret() -> None:
    assert frame("a:", Span(3, 3, 3, 3)) == ("a:", "  ^")


def test_a_span_beyond_the_line_does_no_harm() -> None:
    assert frame("a:", Span(3, 90, 3, 99)) == ("a:", "  ^")


def test_a_span_of_several_lines_says_where_it_ends() -> None:
    assert frame("  a: |", Span(3, 6, 9, 4))[1] == "     ^ (to line 9)"


def test_two_marks_on_one_line_are_both_drawn() -> None:
    both = finding(
        span=Span(3, 1, 3, 2),
        lines={3: "a: b"},
        related=(SettledRelated("apps/cart/rollout.yaml", Span(3, 4, 3, 5), "because of this"),),
        related_lines=({3: "a: b"},),
    )
    assert "    3 | a: b\n      | ^\n      |    - because of this\n" in text(both)


def test_a_related_place_in_the_file_without_its_line_is_listed() -> None:
    elsewhere = finding(related=(SettledRelated("apps/cart/rollout.yaml", Span(70, 4, 70, 5), "first one"),))
    assert re.search(r"see +first one +apps/cart/rollout.yaml:70\n", text(elsewhere))


def test_the_fix_line_names_the_flag_only_where_the_fix_can_be_applied() -> None:
    assert "first.  [--unsafe-fixes]" in text(aborts())
    assert "[--" not in text(aborts(edits=()))


def test_suppressed_findings_are_counted_and_shown_with_their_reason_on_demand() -> None:
    hidden = finding(disposition="suppressed", reason="agreed with SRE")
    assert "RL201" not in text(hidden)
    assert "1 suppressed." in text(hidden)
    assert "because  agreed with SRE" in text(hidden, show_suppressed=True)


def test_long_messages_are_wrapped_to_the_width() -> None:
    shown = text(finding(message="word " * 60, consequence="more " * 60), width=72)
    assert max(map(len, shown.splitlines())) <= 72


def test_many_sources_of_one_reason_are_counted() -> None:
    unseen = tuple(incomplete(f"c/{n}", "templated") for n in range(7))
    shown = render(report(incomplete=unseen), "text", Options(width=0))
    assert "Not looked at: 7 templates (c/0, c/1, c/2, ...)." in shown


def test_verbose_names_each_source_that_was_not_looked_at() -> None:
    unseen = tuple(incomplete(f"c/{n}", "templated", message="has {{ }}") for n in range(7))
    shown = render(report(incomplete=unseen), "text", Options(verbose=True))
    assert "Not looked at: c/6 (template): has {{ }}\n" in shown


def test_unknown_references_are_counted_in_a_clean_run() -> None:
    shown = render(report(counts=Counts(1, 1, 1, unknown_references=3)), "text")
    assert shown == (
        "No findings in 1 resource (1 file).\nNot looked at: nothing. References that cannot be judged: 3.\n"
    )
