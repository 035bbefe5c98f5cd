"""SARIF against its schema, and against what GitHub code scanning needs and reads."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from samples import TEMPLATE, aborts, finding, full, incomplete, missing, nasty, report, resource, rule

from rolloutlint.finding import SettledRelated, Span, TextEdit
from rolloutlint.report import Options, render

SCHEMA = Path(__file__).parents[3] / "shared" / "crds" / "sarif-schema-2.1.0.json"
PAGE = """\
---
id: RL201
---
# canary-service-missing

## What it checks
That the Service a Rollout names
is there.

More.

## Bad
```yaml bad
kind: Rollout
```
"""


def run(*findings: Any, options: Options | None = None, **fields: Any) -> Any:
    return json.loads(render(report(findings, **fields), "sarif", options))["runs"][0]


def result(found: Any, options: Options | None = None, **fields: Any) -> Any:
    return run(found, options=options, **fields)["results"][0]


@pytest.mark.skipif(not SCHEMA.exists(), reason="the OASIS schema is not beside the repository")
@pytest.mark.parametrize("sample", [full, nasty, report])
def test_the_log_is_valid_sarif(sample: Any) -> None:
    schema = json.loads(SCHEMA.read_text())
    options = Options(sarif_suppressions=True, root="/repo")
    for chosen in (Options(), options):
        log = json.loads(render(sample(), "sarif", chosen))
        jsonschema.validators.validator_for(schema)(schema).validate(log)


@pytest.mark.parametrize("sample", [full, nasty])
def test_every_result_has_what_github_refuses_an_upload_without(sample: Any) -> None:
    log = json.loads(render(sample(), "sarif"))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    driver = log["runs"][0]["tool"]["driver"]
    for found in log["runs"][0]["results"]:
        assert found["message"]["text"]
        assert found["level"] in ("error", "warning", "note")
        assert driver["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
        place = found["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9/._~!$&'()*+,;=@%-]+", place["artifactLocation"]["uri"])
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
        assert found["partialFingerprints"]["primaryLocationLineHash"]


def test_results_are_present_also_when_empty() -> None:
    assert run()["results"] == []


def test_every_rule_that_ran_is_listed_in_order_with_what_github_shows() -> None:
    rules = run(aborts(), missing())["tool"]["driver"]["rules"]
    assert [r["id"] for r in rules] == ["RL101", "RL201", "RL402"]
    for described in rules:
        assert described["help"]["text"]
        assert described["help"]["markdown"]
        assert described["shortDescription"]["text"]
        assert described["fullDescription"]["text"]
        assert described["defaultConfiguration"]["level"] == "error"
        assert described["properties"]["precision"] == "high"
        assert described["properties"]["problem.severity"] == "error"
        assert len(described["properties"]["tags"]) <= 10


def test_no_rule_claims_to_be_about_security() -> None:
    assert "security-severity" not in render(full(), "sarif")


def test_the_level_is_written_also_where_it_is_sarifs_default() -> None:
    warned = run(finding("RL105", severity="warning"), rules={"RL105": rule("RL105", "warning")})
    assert warned["results"][0]["level"] == "warning"
    assert warned["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == "warning"


def test_the_help_is_the_body_of_the_rules_page(tmp_path: Path) -> None:
    page = tmp_path / "RL201.md"
    page.write_text(PAGE)
    described = run(rules={"RL201": rule("RL201", page=str(page))})["tool"]["driver"]["rules"][0]
    assert described["help"]["markdown"] == PAGE.split("---\n", 2)[2].strip()
    assert "```" not in described["help"]["text"]
    assert "#" not in described["help"]["text"]
    assert "kind: Rollout" in described["help"]["text"]
    assert described["fullDescription"]["text"] == "That the Service a Rollout names is there."


def test_long_descriptions_and_names_are_cut_to_githubs_limits() -> None:
    long = rule("RL201", summary="s" * 3000, name="n" * 300)
    described = run(rules={"RL201": long})["tool"]["driver"]["rules"][0]
    assert len(described["shortDescription"]["text"]) == 1024
    assert len(described["fullDescription"]["text"]) == 1024
    assert len(described["name"]) == 255


def test_the_first_sentence_is_the_fact_and_related_places_are_linked() -> None:
    found = result(aborts())
    text = found["message"]["text"]
    assert text.startswith("Query is empty until a 5xx series exists, and `result[0]` then errors. A healthy")
    assert text.endswith("See [empty when no request has failed yet](0), [Rollout production/api-service](1).")
    assert [r["id"] for r in found["relatedLocations"]] == [0, 1]
    assert found["relatedLocations"][1]["physicalLocation"]["artifactLocation"]["uri"] == "apps/api/rollout.yaml"


def test_a_name_cannot_become_a_link() -> None:
    text = result(finding(message="Service `[click](http://evil.example)` is missing"))["message"]["text"]
    assert "](" not in text


def test_brackets_in_the_text_of_a_link_are_escaped() -> None:
    related = (SettledRelated("a.yaml", Span(1, 1, 1, 2), "see steps[0]"),)
    assert result(finding(related=related))["message"]["text"].endswith(r"See [see steps\[0\]](0).")


def test_at_most_ten_related_places_are_written() -> None:
    related = tuple(SettledRelated("a.yaml", Span(n, 1, n, 2), f"number {n}") for n in range(1, 20))
    assert len(result(finding(related=related))["relatedLocations"]) == 10


def test_the_trail_is_a_code_flow_in_order() -> None:
    steps = result(missing())["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [s["location"]["message"]["text"] for s in steps] == [
        "Rollout shop/cart: names the Service",
        "VirtualService shop/cart: routes to it",
    ]


def test_columns_count_utf16_units_and_the_log_says_so() -> None:
    text = "name: 😀é x\n"
    made = run(finding(file="a.yaml", span=Span(1, 10, 1, 11)), sources={"a.yaml": text})
    region = made["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert made["columnKind"] == "utf16CodeUnits"
    assert (region["startColumn"], region["endColumn"]) == (11, 12)


def test_a_region_ends_on_the_last_line_that_it_covers() -> None:
    text = "q: |\n  sum(x)\nnext: 1\n"
    region = result(finding(file="a.yaml", span=Span(2, 3, 3, 1)), sources={"a.yaml": text})["locations"][0]
    assert region["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 3,
        "endLine": 2,
        "endColumn": 9,
    }


def test_the_fingerprint_stands_under_githubs_key_and_our_own() -> None:
    found = finding()
    assert result(found)["partialFingerprints"] == {
        "primaryLocationLineHash": found.fingerprint,
        "rolloutlint/v1": found.fingerprint,
    }


def test_a_fix_is_a_replacement_with_utf16_columns() -> None:
    text = "# 😀\na: '😀' # b\n"
    edit = TextEdit(TEMPLATE, text.index("b"), text.index("b") + 1, "c")
    fix = result(aborts(edits=(edit,)), sources={TEMPLATE: text})["fixes"][0]
    assert fix["description"]["text"] == "Test the length first"
    assert fix["artifactChanges"][0]["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 11, "endLine": 2, "endColumn": 12},
            "insertedContent": {"text": "c"},
        }
    ]


def test_suppressed_results_carry_suppressions_only_when_asked_for() -> None:
    hidden = finding(disposition="suppressed", reason="agreed")
    waived = finding(disposition="waived", reason="later")
    assert run(hidden, waived)["results"] == []
    shown = run(hidden, waived, options=Options(sarif_suppressions=True))["results"]
    assert [r["suppressions"] for r in shown] == [
        [{"kind": "inSource", "status": "accepted", "justification": "agreed"}],
        [{"kind": "external", "status": "accepted", "justification": "later"}],
    ]


@pytest.mark.parametrize(
    "file, options, expected",
    [
        ("apps/a b#ü.yaml", Options(), "apps/a%20b%23%C3%BC.yaml"),
        ("./apps/x/../a.yaml", Options(), "apps/a.yaml"),
        ("/repo/apps/a.yaml", Options(root="/repo"), "apps/a.yaml"),
        ("a.yaml", Options(root="/repo", base="/repo/apps"), "apps/a.yaml"),
        ("../b.yaml", Options(root="/repo", base="/repo/apps"), "b.yaml"),
        ("/elsewhere/a.yaml", Options(root="/repo"), "file:///elsewhere/a.yaml"),
        ("a:b%.yaml", Options(), "a%3Ab%25.yaml"),
        ("\udc80.yaml", Options(), "%80.yaml"),
    ],
)
def test_uris_are_relative_to_the_root_and_percent_encoded(file: str, options: Options, expected: str) -> None:
    artifact = result(finding(file=file), options)["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"] == expected
    assert ("uriBaseId" in artifact) is not expected.startswith("file:")


def test_the_root_is_an_absolute_uri_that_ends_in_a_slash() -> None:
    made = run(options=Options(root="/my repo"))
    assert made["originalUriBaseIds"] == {"%SRCROOT%": {"uri": "file:///my%20repo/"}}


def test_a_finding_without_a_file_is_pinned_to_the_configuration() -> None:
    whole = finding("RL901", file="", about=None)
    pinned = result(whole, Options(fallback_file="conf/.rolloutlint.yaml"))["locations"][0]["physicalLocation"]
    assert pinned["artifactLocation"]["uri"] == "conf/.rolloutlint.yaml"
    assert pinned["region"]["startLine"] == 1
    assert result(whole, sources={})["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_the_category_is_part_of_the_runs_id() -> None:
    assert run()["automationDetails"]["id"] == "rolloutlint/"
    assert run(options=Options(sarif_category="prod/"))["automationDetails"]["id"] == "rolloutlint/prod/"


def test_what_was_not_looked_at_is_a_notification() -> None:
    made = run(incomplete=(incomplete(), incomplete("a.yaml", "unreadable", message="no access", lost=True)))
    invocation = made["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert [(n["descriptor"]["id"], n["level"]) for n in invocation["toolExecutionNotifications"]] == [
        ("chart", "note"),
        ("unreadable", "error"),
    ]


def test_a_run_that_lost_nothing_succeeded() -> None:
    assert run(incomplete=(incomplete(),))["invocations"][0]["executionSuccessful"] is True


def test_beyond_githubs_limit_the_least_severe_are_left_out_and_it_is_said() -> None:
    notes = [finding("RL105", severity="note", number=n, lines={}) for n in range(25_001)]
    made = run(*notes, finding(about=resource(name="last")))
    assert len(made["results"]) == 25_000
    assert made["results"][-1]["ruleId"] == "RL201"
    texts = [n["message"]["text"] for n in made["invocations"][0]["toolExecutionNotifications"]]
    assert texts[0].startswith("2 of 25002 results are left out")
    assert texts[1].startswith("GitHub shows the 5000 most severe of these 25000")


def test_the_log_is_compact() -> None:
    assert render(full(), "sarif").count("\n") == 1
