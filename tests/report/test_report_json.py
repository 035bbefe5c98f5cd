"""The JSON report and its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from samples import TEMPLATE, TEXT, aborts, finding, full, nasty, report

from rolloutlint.finding import Incomplete, TextEdit
from rolloutlint.report import render
from rolloutlint.resources import data_dir

SCHEMA = json.loads((Path(data_dir("schemas")) / "rolloutlint" / "findings-v1.json").read_text())


def parsed(*findings: Any) -> Any:
    return json.loads(render(report(findings), "json"))


def objects(schema: Any) -> list[Any]:
    found = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
    children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return [*found, *(o for child in children for o in objects(child))]


@pytest.mark.parametrize("sample", [full, nasty, report])
def test_reports_are_valid_against_the_published_schema(sample: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(render(sample(), "json")), SCHEMA)


def test_the_schema_is_closed_and_every_field_is_required() -> None:
    for schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False
        assert sorted(schema["required"]) == sorted(schema["properties"])


def test_the_schema_knows_every_reason_for_not_looking() -> None:
    reasons = SCHEMA["$defs"]["incomplete"]["properties"]["reason"]["enum"]
    assert set(reasons) == set(get_args(get_type_hints(Incomplete)["reason"]))


def test_a_finding_has_the_fields_of_the_contract() -> None:
    found = parsed(aborts())["findings"][0]
    assert (found["rule"], found["name"], found["severity"]) == ("RL402", "empty-result-aborts", "error")
    assert (found["line"], found["column"], found["end_line"], found["end_column"]) == (8, 23, 8, 32)
    assert found["path"] == "spec.metrics[0].successCondition"
    assert found["resource"] == {
        "group": "argoproj.io",
        "version": "v1alpha1",
        "kind": "AnalysisTemplate",
        "namespace": "production",
        "name": "success-rate",
    }
    assert found["related"][1]["resource"]["name"] == "api-service"
    assert found["disposition"] == "active"


def test_edits_applied_by_offset_give_the_fixed_text() -> None:
    fix = parsed(aborts())["findings"][0]["fix"]
    edit = fix["edits"][0]
    assert fix["safety"] == "unsafe"
    assert (edit["line"], edit["column"], edit["end_line"], edit["end_column"]) == (8, 23, 8, 23)
    fixed = TEXT[: edit["start"]] + edit["text"] + TEXT[edit["end"] :]
    assert "successCondition: len(result) > 0 && result[0] <= 0.05" in fixed


def test_an_edit_after_crlf_lines_has_the_right_line() -> None:
    text = "a: 1\r\nb: 2\r\nc: 3\n"
    edited = aborts(edits=(TextEdit(TEMPLATE, text.index("2"), text.index("2") + 1, "x"),))
    edit = json.loads(render(report([edited], sources={TEMPLATE: text}), "json"))["findings"][0]["fix"]["edits"][0]
    assert (edit["line"], edit["column"], edit["end_line"], edit["end_column"]) == (2, 4, 2, 5)


def test_suppressed_findings_are_included_with_their_reason() -> None:
    found = parsed(finding(disposition="waived", reason="until May"))["findings"][0]
    assert (found["disposition"], found["reason"]) == ("waived", "until May")


def test_the_summary_counts_active_findings_by_severity() -> None:
    summary = json.loads(render(full(), "json"))["summary"]
    assert summary == {
        "errors": 2,
        "warnings": 8,
        "notes": 1,
        "suppressed": 1,
        "waived": 1,
        "fixable": 0,
        "unsafe_fixable": 1,
        "files": 9,
        "documents": 14,
        "resources": 12,
        "affected_resources": 10,
        "unknown_references": 4,
        "changed_resources": None,
        "left_out": 0,
        "exit_code": 4,
    }


def test_findings_stand_one_a_line() -> None:
    lines = render(report([finding(), finding(number=1)]), "json").splitlines()
    assert [json.loads(line.rstrip(","))["rule"] for line in lines[1:3]] == ["RL201", "RL201"]


def test_names_come_back_from_json_as_they_were() -> None:
    name = "x\n::error \x1b[31m ‮ ##[x] 名前 \U000e0041"
    assert parsed(finding(message=name))["findings"][0]["message"] == name
