"""`simulate` as text, JSON and Markdown: the golden forms, the schema, bounds as bounds, and names that mean harm."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction

import jsonschema
import pytest

from rolloutlint.lang.duration import SECOND
from rolloutlint.report import simulation_words as words
from rolloutlint.report.simulation import FORMATS, SUFFIXES
from rolloutlint.resources import data_dir
from rolloutlint.simulate.plan import Share, Span
from rolloutlint.simulate.result import Figure
from tests.report.simulations import ALL, MINUTE, canary, hostile, percent, person, refused, thirty, unknown

with open(f"{data_dir('schemas')}/rolloutlint/simulation-v1.json", encoding="utf-8") as handle:
    SCHEMA = json.load(handle)

EVERYTHING = tuple(ALL.values())
SHOWN = (canary(), person(), unknown(), refused())


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_rollouts_in_each_format(form: str, golden: Callable[[str, str], None]) -> None:
    golden(f"simulation.{form}", FORMATS[form](SHOWN))


def test_the_text_tells_more_when_asked(golden: Callable[[str, str], None]) -> None:
    golden("simulation.verbose", FORMATS["text"]([person()], True))


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("name", ALL)
def test_an_answer_ends_in_one_newline_and_is_always_the_same(form: str, name: str) -> None:
    shown = FORMATS[form]([ALL[name]])
    assert re.search(r"\S\n\Z", shown.rstrip(" "))
    assert shown == FORMATS[form]([ALL[name]])


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_no_rollout_at_all_has_a_form_too(form: str) -> None:
    assert FORMATS[form]([]) == FORMATS[form](())


# ---- JSON ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_the_json_is_as_published(name: str) -> None:
    document = json.loads(FORMATS["json"]([ALL[name]]))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = json.loads(FORMATS["json"]([canary()]))
    document["rollouts"][0]["broken"]["colour"] = "red"
    assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))


def test_the_schema_is_closed_everywhere() -> None:
    def objects(value: object) -> list[dict[str, object]]:
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
            assert sorted(found["required"]) == sorted(found["properties"]) or found is SCHEMA  # type: ignore[call-overload, type-var]


def test_times_are_seconds_shares_percent_and_exposure_percent_minutes() -> None:
    rollout = json.loads(FORMATS["json"]([canary()]))["rollouts"][0]
    assert rollout["promotion"] == {
        "least": 2040,
        "most": None,
        "reach": None,
        "why": ["spec.minReadySeconds is not written"],
    }
    assert rollout["broken"]["share"] == {"least": 20, "most": 20}
    assert rollout["broken"]["exposure"] == {"least": 50, "most": 90, "reach": None, "why": []}
    assert rollout["stages"][1]["end"]["least"] == 600


def test_fractions_are_rounded_to_six_digits() -> None:
    stage = json.loads(FORMATS["json"]([thirty()]))["rollouts"][0]["stages"][0]
    assert stage["share"] == {"least": 3.333333, "most": 3.333333}


# ---- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, said",
    [
        (Span(34 * MINUTE, 34 * MINUTE), "34m"),
        (Span(34 * MINUTE, None), "at least 34m"),
        (Span(0, 5 * MINUTE), "up to 5m"),
        (Span(5 * MINUTE, 10 * MINUTE), "5m to 10m"),
        (Span(0, 0), "0s"),
        (Figure(Fraction(SECOND, 2), None), "at least 0.5s"),
    ],
)
def test_a_bound_is_written_as_a_bound(value: Span | Figure, said: str) -> None:
    assert words.duration(value) == said


@pytest.mark.parametrize(
    "value, said", [(None, "not known"), (0, "0 successes"), (1, "1+ success"), (4, "4+ successes")]
)
def test_evidence_is_the_least(value: int | None, said: str) -> None:
    assert words.evidence(value) == said


@pytest.mark.parametrize(
    "value, said",
    [
        (percent(20), "20 %"),
        (percent(20, 25), "20 to 25 %"),
        (Share(Fraction(1, 3), Fraction(1, 3)), "33.33 %"),
        (Share(Fraction(0), Fraction(1, 3)), "0 to 33.33 %"),
    ],
)
def test_a_share_is_in_percent(value: Share, said: str) -> None:
    assert words.share(value) == said


@pytest.mark.parametrize(
    "value, said",
    [(Figure(130, 130), "130 %·min"), (Figure(0, 5), "up to 5 %·min"), (Figure(7, None), "at least 7 %·min")],
)
def test_exposure_is_in_percent_minutes(value: Figure, said: str) -> None:
    assert words.exposure(value) == said


@pytest.mark.parametrize(
    "name, said",
    [
        ("canary", "is seen by up to 20 % of the traffic and is aborted after 10m to 12m by errors-in-logs"),
        ("person", "is seen by up to 20 % of the traffic and is never aborted: it waits for a person"),
        ("instant", "is seen by up to 100 % of the traffic and is never aborted: it is promoted anyway"),
        ("unknown", "is seen by up to 50 % of the traffic and is never aborted, as far as is known: it stays as it is"),
        ("blue-green", "is seen by nobody and is aborted after at least 30s by smoke"),
        ("refused", "The controller refuses it: nothing starts"),
    ],
)
def test_the_verdict_says_what_becomes_of_a_broken_version(name: str, said: str) -> None:
    assert said in words.verdict(ALL[name])


# ---- text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("name", sorted(set(ALL) - {"hostile", "long-names"}))
def test_the_text_fits_a_hundred_columns(name: str, verbose: bool) -> None:
    assert max(map(len, FORMATS["text"]([ALL[name]], verbose).splitlines())) <= 100


@pytest.mark.parametrize("name", sorted(set(ALL) - {"hostile"}))
def test_the_chart_fits_a_hundred_columns_whatever_the_names(name: str) -> None:
    chart = [line for line in FORMATS["text"]([ALL[name]]).splitlines() if re.search(r"[#*=-]{3}", line)]
    assert all(len(line) <= 100 for line in chart)


def test_every_why_is_told_when_asked() -> None:
    shown = re.sub(r"\s+", " ", FORMATS["text"]([unknown()], True))
    for why in ("spec.strategy.canary.steps[1].pause.duration is filled in later", "template `x` is not there"):
        assert f"because {why}" in shown


def test_the_stair_stands_at_its_share_and_the_unguarded_part_is_marked() -> None:
    lines = {line.split("|")[0].strip(): line for line in FORMATS["text"]([canary()]).splitlines() if " |" in line}
    assert re.search(r"\|\*+$", lines["5"])
    assert re.search(r"\| +X#+$", lines["20"])
    assert re.search(r"\| +#+$", lines["100"])


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_no_name_moves_the_cursor_or_commands_the_runner(form: str) -> None:
    shown = FORMATS[form]([hostile()], True)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]|^\s*::|##\[", shown, re.MULTILINE)


def test_markdown_has_no_markup_that_a_name_brought() -> None:
    shown = FORMATS["markdown"]([hostile()])
    assert set(re.findall(r"<(/?\w+)", shown)) == {"details", "/details", "summary", "/summary"}
    assert "](" not in shown
    assert not re.search(r"[`\[]|@team|&lt;", shown)


def test_markdown_compares_several_rollouts_in_one_table() -> None:
    shown = FORMATS["markdown"]([canary(), person()])
    assert shown.startswith("| Rollout | broken version seen by | aborted | exposure | promoted | evidence | needs a")
    assert "| shop/search | up to 20 % | never: it waits for a person | at least 10 %·min |" in shown


def test_suffixes_name_formats_that_exist() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)
