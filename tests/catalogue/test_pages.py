"""Every rule page is true: its bad examples give exactly the marked findings, its good ones none, its fix works."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping

import pytest
from jsonschema import Draft202012Validator
from yaml import safe_load

from rolloutlint.backtest.findings import CHECKS
from rolloutlint.catalogue import page_body
from rolloutlint.checks import all_checks
from rolloutlint.config import load_config, merge
from rolloutlint.fix import apply_edits
from rolloutlint.resources import data_dir
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from rolloutlint.source import GO_YAML_V2, NotPlainError
from rolloutlint.source.documents import DEFAULT
from tests.backtest.samples import replay_samples
from tests.catalogue.pages import Example, examples
from tests.harness import CATALOGUE, found, lint
from tests.plan.planning import plan_and_report

HEADINGS = ["What it checks", "Why", "Bad", "Good", "How to fix", "When to ignore", "References"]
RULES = list(CATALOGUE.rules.values())
EXAMPLES = [e for rule in RULES for e in examples(rule)]
BAD = [e for e in EXAMPLES if e.kind == "bad"]
GOOD = [e for e in EXAMPLES if e.kind == "good"]
FIXABLE = [e for e in BAD if e.rule.fix != "none" and "unfixable" not in e.words]


def settings_of(example: Example, **flags: object) -> Settings:
    with tempfile.TemporaryDirectory() as directory:
        config = None
        if example.config:
            path = os.path.join(directory, ".rolloutlint.yaml")
            with open(path, "w", encoding="utf-8") as handle:
                handle.write(example.config)
            config = load_config(path, CATALOGUE)._replace(path=".rolloutlint.yaml")
        return merge(config, closed="closed" in example.words or None, today="2026-11-21", **flags)


def alone(example: Example) -> Settings:
    """The settings under which only the page's own rule runs; rules about findings need the others."""
    return settings_of(example, **({} if "settled" in example.rule.applies_to else {"select": (example.rule.id,)}))


def looked_at(example: Example, texts: Mapping[str, str | bytes], settings: Settings) -> Report:
    """The report of a run over `texts`, of a plan from the state before, or of a backtest with the samples."""
    if example.samples:
        report, past = lint(texts, settings), replay_samples(texts, safe_load(example.samples), settings)
        return report._replace(findings=report.findings + past.findings, incomplete=past.incomplete)
    if example.before is None:
        return lint(texts, settings)
    return plan_and_report(example.before, texts, settings, "live" if example.live else "git")[1]


def own(example: Example, texts: Mapping[str, str | bytes]) -> list[tuple[str, int, str]]:
    report = looked_at(example, texts, alone(example))
    return [(f.file, f.span.line, f.path) for f in report.active if f.finding.rule == example.rule.id]


@pytest.mark.parametrize("example", BAD, ids=str)
def test_bad_example_gives_exactly_the_marked_findings(example: Example) -> None:
    findings = own(example, example.files)
    by_line = [(file, line) for file, line, _ in findings]
    by_path = [(file, path) for file, _, path in findings]
    for place in example.expected:
        assert place in by_line or place in by_path, f"nothing at {place}; found {findings}"
    assert len(findings) == len(example.expected), findings


@pytest.mark.parametrize("example", GOOD, ids=str)
def test_good_example_is_clean_in_the_profile_of_its_rule(example: Example) -> None:
    profile = example.rule.profiles[0] if example.rule.profiles else "strict"
    settings = settings_of(example, profile=profile, extend_select=(example.rule.id,))
    report = looked_at(example, dict(example.files), settings)
    assert found(report) == []
    assert not report.lost


@pytest.mark.parametrize("example", FIXABLE, ids=str)
def test_fix_turns_the_bad_example_into_a_good_one(example: Example) -> None:
    texts = dict(example.files)
    report = lint(texts, alone(example))
    fixes = [f for f in report.active if f.finding.rule == example.rule.id]
    assert all(f.finding.fix and f.finding.fix.safety == example.rule.fix for f in fixes)
    for name in texts:
        texts[name] = apply_edits(texts[name], [e for f in fixes for e in f.edits if e.source == name])
    assert own(example, texts) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_page_has_its_headings_in_order(rule) -> None:
    assert re.findall(r"^## (.+)$", page_body(rule), re.MULTILINE) == HEADINGS
    assert page_body(rule).startswith(f"# {rule.name}\n")


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_page_shows_bad_and_good(rule) -> None:
    kinds = {e.kind for e in EXAMPLES if e.rule.id == rule.id}
    assert kinds >= {"bad", "good"} or rule.id == "RL099"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_front_matter_keeps_its_schema(rule) -> None:
    with open(os.path.join(data_dir("schemas"), "rolloutlint", "rule-v1.json"), encoding="utf-8") as handle:
        schema = json.load(handle)
    with open(rule.page, encoding="utf-8") as handle:
        front = safe_load(handle.read().split("\n---\n")[0][4:])
    assert [e.message for e in Draft202012Validator(schema).iter_errors(front)] == []
    assert os.path.basename(rule.page) == f"{rule.id}-{rule.name}.md"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_messages_say_fact_consequence_and_remedy(rule) -> None:
    for message in rule.messages.values():
        assert len(re.sub(r"\{\w+\}", "", message.message)) < 120
        assert not message.message.endswith(".")
        assert "should" not in message.message
        assert message.consequence.endswith(".")
        assert message.remedy.endswith(".")


def test_every_page_has_a_check_and_every_check_a_page() -> None:
    checked = set(all_checks()) | set(CHECKS)
    paged = {r.id for r in RULES if "settled" not in r.applies_to and r.id != "RL099"}
    assert checked == paged


def test_ids_and_names_are_unique_and_never_reused() -> None:
    with open(os.path.join(os.path.dirname(__file__), "ids.txt"), encoding="utf-8") as handle:
        ever = dict(line.split() for line in handle if line.strip())
    assert {r.id: r.name for r in RULES} == {i: n for i, n in ever.items() if i in CATALOGUE.rules}
    assert set(CATALOGUE.rules) <= set(ever)
    assert len(set(ever.values())) == len(ever)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_our_reader_gives_the_front_matter_that_pyyaml_gives(rule) -> None:
    with open(rule.page, encoding="utf-8") as page:
        front = safe_load(page.read().split("\n---\n")[0])
    for key in ("id", "name", "summary", "severity", "precision", "stability", "since", "fix"):
        assert getattr(rule, key) == front[key]
    for key in ("applies-to", "needs", "profiles", "mirrors"):
        assert list(getattr(rule, key.replace("-", "_"))) == front.get(key, [])
    assert rule.targets == front.get("targets", {})
    texts = {"": front, **{name: {**front, **variant} for name, variant in front.get("variants", {}).items()}}
    assert {n: m._asdict() for n, m in rule.messages.items()} == {
        n: {key: text[key] for key in ("message", "consequence", "remedy")} for n, text in texts.items()
    }


def test_no_page_needs_pyyaml_at_the_start_of_a_run() -> None:
    slow = []
    for rule in RULES:
        with open(rule.page, encoding="utf-8") as page:
            front = page.read().split("\n---\n")[0].removeprefix("---\n")
        try:
            DEFAULT(front, GO_YAML_V2)
        except NotPlainError:
            slow.append(rule.id)
    assert slow == []
