"""What all formats of a plan have in common, its words, and the SARIF of its findings."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
from samples import finding, rule

from rolloutlint.change.result import Action, Classification, Fate, FieldChange, Stage, Verdict
from rolloutlint.finding import SettledFinding, SettledRelated, Span
from rolloutlint.report import Options
from rolloutlint.report import plan_words as words
from rolloutlint.report.plan import FORMATS, SUFFIXES, Shown
from tests.report.plans import ALL, CART, JOB, application, block, classified, plan, quiet, review, task
from tests.report.simulations import MINUTE

RULES = {identity: rule(identity) for identity in ("RL201", "RL804", "RL806")}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ALL)
def test_an_answer_ends_in_one_newline_and_is_always_the_same(form: str, name: str) -> None:
    shown = FORMATS[form](Shown(ALL[name], RULES), Options())
    assert re.search(r"\S\n\Z", shown)
    assert shown == FORMATS[form](Shown(ALL[name], RULES), Options())


def test_every_suffix_names_a_format() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)


@pytest.mark.parametrize(
    "table, values",
    [
        (words.CLASSES, Classification),
        (words.SIGNS, Action),
        (words.ACTIONS, Action),
        (words.FATES, Fate),
        (words.VERDICTS, Verdict),
    ],
)
def test_there_are_words_for_everything(table: dict[str, object], values: object) -> None:
    assert set(table) == set(get_args(values))


@pytest.mark.parametrize(
    "change, said",
    [
        (FieldChange("a", "1", "2"), "1 -> 2"),
        (FieldChange("a", None, '"x"'), '+ "x"'),
        (FieldChange("a", "5", None), "- 5"),
        (FieldChange("a", "x" * 99, None), f"- {'x' * 28}...{'x' * 29}"),
    ],
)
def test_a_changed_field_in_words(change: FieldChange, said: str) -> None:
    assert words.field(change) == said


def test_a_long_value_keeps_its_end_where_images_differ() -> None:
    assert words.short("registry.example/a/very/long/path/" * 3 + "cart@sha256:0123").endswith("cart@sha256:0123")


@pytest.mark.parametrize(
    "stage, said",
    [
        (Stage("Sync", 0, ()), "Sync, wave 0"),
        (Stage("PostSync", 0, ()), "PostSync"),
        (Stage("PreSync", -1, ()), "PreSync, wave -1"),
    ],
)
def test_a_wave_is_named_where_it_tells_something(stage: Stage, said: str) -> None:
    assert words.stage(stage) == said


@pytest.mark.parametrize(
    "stage, said",
    [
        (Stage("Sync", 0, ()), "at once"),
        (Stage("Sync", 1, (), (), 34 * MINUTE), "not before 34m"),
        (Stage("Sync", 1, (), (), 0, True), "after a person has acted"),
        (Stage("Sync", 1, (), (), MINUTE, True), "not before 1m, after a person has acted"),
    ],
)
def test_when_a_stage_starts_is_a_bound(stage: Stage, said: str) -> None:
    assert words.starts_at(stage) == said


def test_what_only_the_cluster_can_tell_is_said_as_a_condition() -> None:
    text = FORMATS["text"](Shown(classified("steps-reset", certain=False), RULES), Options())
    assert "STARTS ITS STEPS AGAIN (if the Rollout is at rest)" in text


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_no_revision_starts_where_only_the_replicas_change(form: str) -> None:
    text = FORMATS[form](Shown(classified("scale"), RULES), Options())
    assert "no revision starts" in text
    assert "STARTS" not in text


def test_a_sync_lasts_as_long_as_the_rollout_of_its_last_stage() -> None:
    assert words.lasts(review().applications[0]) == 34 * MINUTE
    assert words.lasts(quiet().applications[0]) == 0


def test_an_application_with_effects_only_is_shown() -> None:
    one = application(Stage("Sync", 0, ((task("unchanged", CART),),)))
    assert not words.changes(one)
    assert words.changes(one._replace(effects=block().applications[0].effects))


def test_the_three_sentences_that_decide() -> None:
    assert words.what(review()) == (
        "Rollout shop/cart starts an update; in all 2 updated, 1 run as a hook, 3 unchanged"
    )
    assert words.how_long(review()) == "Takes 34m at least; nobody has to act"
    assert words.risk(review()).startswith("new-warnings: RL806 is a warning; Rollout shop/cart: A broken version is")
    assert words.what(quiet()) == "Nothing changes in a cluster: 2 unchanged"
    assert words.what(plan()) == "Nothing changes in a cluster"
    assert "a person has to act twice" in words.how_long(block())


def placed(found: SettledFinding) -> dict[str, Any]:
    log = json.loads(FORMATS["sarif"](Shown(plan(introduced=(found,)), RULES), Options(root="/repo", base="/repo")))
    location: dict[str, Any] = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    return {"uri": location["artifactLocation"]["uri"], "line": location["region"]["startLine"]}


def test_what_is_pruned_is_placed_in_sarif_at_what_uses_it() -> None:
    user = SettledRelated("apps/cart.yaml", Span(4, 1, 4, 5), "its stable pods use it", CART)
    gone = finding("RL804", file="git:origin/main:apps/old.yaml", related=(user,))
    assert placed(gone) == {"uri": "apps/cart.yaml", "line": 4}


def test_what_is_pruned_and_used_by_nothing_is_placed_in_the_file_that_was() -> None:
    gone = finding("RL804", file="git:origin/main:apps/old.yaml", span=Span(7, 1, 7, 5))
    assert placed(gone) == {"uri": "apps/old.yaml", "line": 7}


def test_an_object_without_a_name_of_its_own_is_told_from_others() -> None:
    assert words.named(JOB._replace(name="")) == "Job shop/(a name of its own each time)"


def test_sarif_has_what_the_plan_introduces_and_nothing_else() -> None:
    log = json.loads(FORMATS["sarif"](Shown(review(), RULES), Options(root="/repo", base="/repo")))
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "RL806"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "apps/cart.yaml"
