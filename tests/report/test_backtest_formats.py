"""A backtest in every format: whole, true to its figures, and no name in it does harm."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from rolloutlint.backtest.result import Point
from rolloutlint.report import Options
from rolloutlint.report import backtest_words as words
from rolloutlint.report.backtest import FORMATS, SUFFIXES, Shown
from rolloutlint.report.backtest_html import render as page
from rolloutlint.report.backtest_markdown import MAX_CHARACTERS
from rolloutlint.report.backtest_plot import NARROW, WIDE, picture
from rolloutlint.resources import data_dir
from tests.report.backtests import (
    ALL,
    DAY,
    START,
    analysis,
    backtest,
    metric,
    nasty,
    nightly_metric,
    noisy,
    noisy_metric,
    points,
    starts,
    steady,
)
from tests.report.samples import rule
from tests.report.test_plan_html import Tags

with open(f"{data_dir('schemas')}/rolloutlint/backtest-v1.json", encoding="utf-8") as handle:
    SCHEMA = json.load(handle)
with open(f"{data_dir('schemas')}/rolloutlint/findings-v1.json", encoding="utf-8") as handle:
    FINDINGS = json.load(handle)


def shown(name: str) -> Shown:
    return Shown(ALL[name], {"RL470": rule("RL470", "warning")})


def text(name: str, **options: Any) -> str:
    return FORMATS["text"](shown(name), Options(**options))


def as_json(name: str) -> Any:
    return json.loads(FORMATS["json"](shown(name), Options()))


# ---- all formats -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ALL)
def test_every_format_ends_in_a_newline_and_hides_what_does_not_print(name: str, form: str) -> None:
    written = FORMATS[form](shown(name), Options(verbose=True))
    assert written.endswith("\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", written)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_backtest_gives_the_same_bytes(form: str) -> None:
    assert FORMATS[form](shown("noisy"), Options()) == FORMATS[form](Shown(noisy(), shown("noisy").rules), Options())


def test_every_suffix_asks_for_a_format() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)


# ---- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "share, said",
    [
        (Fraction(0), "0 %"),
        (Fraction(1), "100 %"),
        (Fraction(1, 31), "3.23 %"),
        (Fraction(1, 100_000), "below 0.01 %"),
        (Fraction(99_999, 100_000), "over 99.99 %"),
    ],
)
def test_what_is_not_nothing_never_reads_as_nothing(share: Fraction, said: str) -> None:
    assert words.percent(share) == said


def test_a_day_is_named_once_where_both_times_are_of_one() -> None:
    assert words.span(START, START + 3600) == "2026-11-19 14:00 to 15:00"
    assert words.span(START, START + DAY) == "2026-11-19 14:00 to 2026-11-20 14:00"
    assert words.span(START, START) == "2026-11-19 14:00"


def test_measurements_in_a_row_with_one_outcome_are_one_stretch() -> None:
    made = tuple(Point(START + n, 0.0, letter, False, False) for n, letter in enumerate("SFFSEEFS"))  # type: ignore[arg-type]
    assert [tuple(each) for each in words.bad_stretches(made)] == [
        (START + 1, START + 2, "F", 2),
        (START + 4, START + 5, "E", 2),
        (START + 6, START + 6, "F", 1),
    ]


def test_bins_hold_every_measurement_once() -> None:
    made = noisy_metric().points
    for number in (1, 7, 467, 5000):
        found = words.bins(made, START, START + DAY, number)
        assert len(found) == number
        assert sum(each.points for each in found) == len(made)


def test_the_distance_to_a_threshold_counts_both_sides() -> None:
    made = points(60, 0.05, lambda at: {0: 0.0, 60: 1.0, 120: 3.0, 180: 2.0}[at - START], lambda v: True)
    (found,) = words.distances(metric(made, thresholds=(2.0,)))
    assert (found.below, found.above) == (Fraction(1, 2), Fraction(1, 4))
    assert dict(found.nearest)[Fraction(1, 2)] == 1.0


@pytest.mark.parametrize(
    "failed, said",
    [
        (0, "Would have aborted a good version at none of 1,000 starts"),
        (10, "Would have aborted a good version at 1 % of 1,000 starts, no more than the 1 % tolerated"),
        (11, "Would have aborted a good version at 1.1 % of 1,000 starts, more than the 1 % tolerated"),
    ],
)
def test_the_verdict_says_on_which_side_of_the_tolerance_it_is(failed: int, said: str) -> None:
    assert words.verdict(analysis(found=starts(1000, Failed=failed)), Fraction(1, 100)) == said


def test_without_a_rate_the_reason_stands_in_its_place() -> None:
    made = analysis(metric(name="canary-errors", why="no data"))
    assert words.verdict(made, Fraction(1, 100)) == "No rate: canary-errors: no data"


def test_the_worst_comes_first_and_what_has_no_rate_last() -> None:
    names = [each.template.name for each in words.ranked(noisy())]
    assert names == ["success-rate", "steady", "canary", "queue"]


@pytest.mark.parametrize(
    "name, said",
    [
        ("noisy", "1 of 4 analyses would have aborted more than 1 % of good versions; no rate for 2"),
        ("steady", "1 analysis would have aborted no more than 1 % of good versions"),
        ("odd", "No rate for 2 analyses"),
        ("nothing", "There is no analysis with a Prometheus metric"),
    ],
)
def test_the_answer_is_one_sentence(name: str, said: str) -> None:
    assert words.answer(ALL[name]) == said


# ---- text ------------------------------------------------------------------------------------------------------


def test_the_golden_text(golden: Callable[[str, str], None]) -> None:
    golden("backtest-noisy.txt", text("noisy", width=120))


def test_the_answer_is_the_last_line_of_the_text() -> None:
    assert text("noisy", width=120).splitlines()[-1] == f"{words.answer(noisy())}."


def test_the_ribbon_shows_when_data_is_missing() -> None:
    ribbon = next(line for line in text("noisy", width=120).splitlines() if "|" in line and "EEE" in line)
    shown_hours = ribbon.split("|")[1].index("E") / 72 * 24
    assert shown_hours == pytest.approx(11, abs=0.5)  # from 01:00, the window begins at 14:00


def test_colour_only_adds() -> None:
    coloured = text("noisy", width=120, color=True)
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == text("noisy", width=120)


def test_no_line_is_a_command_to_the_runner() -> None:
    assert [line for line in text("nasty", verbose=True).splitlines() if line.lstrip().startswith("::")] == []


def test_verbose_shows_the_query_and_what_did_not_pass() -> None:
    assert "histogram_quantile" not in text("noisy")
    assert "histogram_quantile" in text("noisy", verbose=True)
    assert "2026-11-20 01:00 to 04:29  is an error, 210 times" in text("noisy", verbose=True)


# ---- JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_the_json_is_as_published(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(as_json(name))


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


def test_shares_are_whole_numbers_of_starts() -> None:
    (found,) = [each for each in as_json("noisy")["analyses"] if each["template"]["name"] == "success-rate"]
    endings = {each["ending"]: each["starts"] for each in found["starts"]["endings"]}
    assert endings == {"Successful": 1177, "Failed": 48, "Error": 211, "Inconclusive": 0, "Running": 0}
    assert found["false_aborts"] == pytest.approx(100 * 259 / 1436, abs=1e-6)


def test_what_json_has_no_number_for_is_a_string() -> None:
    values = [each["value"] for each in as_json("odd")["analyses"][0]["metrics"][0]["quantiles"]]
    assert values[0] == "-Inf"
    assert values[-1] == "+Inf"


def test_a_lost_metric_makes_the_whole_lost() -> None:
    assert as_json("noisy")["lost"] is True
    assert as_json("steady")["lost"] is False


# ---- Markdown and SARIF ----------------------------------------------------------------------------------------


def test_the_golden_markdown(golden: Callable[[str, str], None]) -> None:
    golden("backtest-noisy.md", FORMATS["markdown"](shown("noisy"), Options()))


def test_no_name_is_markup_in_markdown() -> None:
    written = FORMATS["markdown"](shown("nasty"), Options())
    assert "<img" not in written
    assert "](http" not in written
    assert "@team" not in written


def test_markdown_of_very_many_analyses_says_what_has_no_room() -> None:
    several = (analysis(noisy_metric(), found=starts(Failed=n)) for n in range(1, 400))
    written = FORMATS["markdown"](Shown(backtest(*several)), Options())
    assert len(written) <= MAX_CHARACTERS
    assert re.search(r"^\d+ more parts: no room here, see the log\.$", written, re.MULTILINE)


def test_findings_are_sarif_results() -> None:
    (run,) = json.loads(FORMATS["sarif"](shown("noisy"), Options()))["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["RL470"]


# ---- page and plots --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_every_tag_is_closed_in_its_turn(name: str) -> None:
    assert Tags(page(ALL[name])).open == []


@pytest.mark.parametrize("name", ALL)
def test_the_page_loads_nothing_and_runs_nothing(name: str) -> None:
    seen = Tags(page(ALL[name])).seen
    assert {tag for tag, _ in seen}.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    for _, attributes in seen:
        assert {"src", "onerror", "onclick", "onload"}.isdisjoint(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "default-src 'none'" in page(ALL[name])


def test_no_name_is_markup_in_the_page() -> None:
    assert "<img" not in page(nasty())


@pytest.mark.parametrize("name", ALL)
def test_every_link_leads_somewhere(name: str) -> None:
    written = page(ALL[name])
    assert set(re.findall(r'href="#([^"]+)"', written)) <= set(re.findall(r' id="([^"]+)"', written))


def test_a_page_of_very_many_metrics_stops_drawing_and_says_so() -> None:
    written = page(backtest(*(analysis(steady().analyses[0].metrics[0]) for _ in range(70))))
    assert written.count("The page would become too large") == 10


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ALL)
def test_plots_are_xml_without_figures_that_are_none(name: str, width: float) -> None:
    made = ALL[name]
    for one in (each for found in made.analyses for each in found.metrics):
        drawn = picture(one, made.start, made.end, width)
        if drawn:
            ElementTree.fromstring(drawn)
            assert not re.search('[ "ML](nan|-?inf)', drawn)


def inside(drawn: str, width: float) -> None:
    for x in re.findall(r'<rect[^>]* x="([^"]+)"[^>]* width="([^"]+)"', drawn):
        assert -0.1 <= float(x[0]) <= float(x[0]) + float(x[1]) <= width + 0.6


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_everything_stands_within_the_plot(width: float) -> None:
    for made in (noisy_metric(), nightly_metric()):
        inside(picture(made, START, START + DAY, width), width)


def test_the_ribbon_has_each_outcome_in_its_place_and_share() -> None:
    made = metric(points(60, 2, lambda at: 0.0 if at < START + 3600 else 1.0, lambda v: v > 0.5))
    drawn = picture(made, START, START + 7200, WIDE)
    (fails,) = re.findall(r'<rect class="fails" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="16"/>', drawn)
    (passes,) = re.findall(r'<rect class="passes" x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="16"/>', drawn)
    assert float(fails[0]) + float(fails[1]) == pytest.approx(float(passes[0]), abs=0.2)
    assert float(fails[1]) == pytest.approx(float(passes[1]), abs=0.2)


def test_one_failure_among_thousands_is_still_seen() -> None:
    made = metric(points(10, 24, lambda at: 0.0 if at == START + 36_000 else 1.0, lambda v: v > 0.5), step=10)
    (height,) = re.findall(r'<rect class="fails" [^>]*height="([\d.]+)"', picture(made, START, START + DAY))
    assert float(height) >= 1.4


def test_without_data_the_plot_is_hatched_where_it_is() -> None:
    drawn = picture(nightly_metric(), START, START + DAY)
    (hole,) = re.findall(r'<rect class="holes" x="([\d.]+)" y="10" width="([\d.]+)"', drawn)
    hours = [(float(hole[0]) - 58) / (WIDE - 66) * 24, float(hole[1]) / (WIDE - 66) * 24]
    assert hours == pytest.approx([11, 3.5], abs=0.1)


def test_a_plot_of_values_far_beyond_the_rest_keeps_the_rest_readable() -> None:
    made = metric(points(60, 24, lambda at: 1e9 if at == START else 1.0, lambda v: True), thresholds=(2.0,))
    drawn = picture(made, START, START + DAY)
    assert "beyond" in drawn
    assert ">1e+09<" not in drawn


def test_exact_figures_stand_where_the_pointer_is() -> None:
    drawn = picture(nightly_metric(), START, START + DAY)
    assert re.search(r"<title>2026-11-20 02:00 to 02:30 UTC\n30 are errors\nno data: 30 of 30</title>", drawn)


def test_nothing_is_drawn_of_a_metric_without_measurements() -> None:
    assert picture(metric(), START, START + DAY) == ""
