"""GitHub commands, GitLab Code Quality, JUnit, reviewdog."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

from samples import TEMPLATE, aborts, finding, full, nasty, report

from rolloutlint.finding import Span, TextEdit
from rolloutlint.report import Options, render


def github(*findings: Any, **fields: Any) -> list[str]:
    return render(report(findings, **fields), "github").splitlines()


def test_a_finding_becomes_an_annotation_with_its_place() -> None:
    assert github(finding())[0] == (
        "::error file=apps/cart/rollout.yaml,line=12,endLine=12,col=22,endColumn=33,"
        "title=RL201 canary-service-missing::Service `cart-canary` is not defined"
        "%0AThe rollout stops with `InvalidSpec`.%0ADefine the Service or name one that exists."
    )


def test_columns_are_left_out_where_the_place_spans_lines() -> None:
    assert github(finding(span=Span(2, 3, 4, 5)))[0].startswith(
        "::error file=apps/cart/rollout.yaml,line=2,endLine=4,title="
    )


def test_percent_colon_and_comma_are_escaped_where_they_have_a_meaning() -> None:
    line = github(finding(file="a,b:c%.yaml", message="100%, a:b"))[0]
    assert "file=a%2Cb%3Ac%25.yaml," in line
    assert "::100%25, a:b%0A" in line


def test_no_name_can_start_a_second_command() -> None:
    for line in render(nasty(), "github").splitlines():
        assert re.match(r"::(error|notice) ([a-zA-Z]+=[^,:]*,)*[a-zA-Z]+=[^,:]*::", line)


def test_the_most_severe_stand_first_and_notes_behind_the_summary() -> None:
    lines = github(finding(severity="note"), finding(severity="warning"), finding())
    assert [line.split()[0] for line in lines] == ["::error", "::warning", "::notice", "::notice"]
    assert "1 error, 1 warning, 1 note" in lines[2]


def test_the_notice_says_how_many_annotations_github_does_not_show() -> None:
    lines = github(*(finding(number=n) for n in range(17)), *(finding(severity="note") for _ in range(12)))
    notice = next(line for line in lines if line.startswith("::notice title=rolloutlint::"))
    assert "7 errors, 3 notes more than GitHub shows" in notice


def test_nothing_is_said_about_the_limit_below_it() -> None:
    assert "more than GitHub shows" not in "\n".join(github(*(finding(number=n) for n in range(10))))


def test_gitlab_issue_has_the_required_fields() -> None:
    found = finding(span=Span(12, 22, 13, 3))
    assert json.loads(render(report([found]), "gitlab")) == [
        {
            "type": "issue",
            "description": "Service `cart-canary` is not defined. The rollout stops with `InvalidSpec`. "
            "Define the Service or name one that exists.",
            "check_name": "RL201 canary-service-missing",
            "fingerprint": found.fingerprint,
            "severity": "critical",
            "location": {"path": "apps/cart/rollout.yaml", "lines": {"begin": 12, "end": 13}},
        }
    ]


def test_gitlab_severities_are_of_gitlabs_scale() -> None:
    issues = json.loads(render(full(), "gitlab"))
    assert {i["severity"] for i in issues} == {"critical", "major", "info", "blocker"}


def test_gitlab_fingerprints_are_unique_and_the_first_keeps_its_own() -> None:
    twice = [finding(fingerprint="same"), finding(fingerprint="same"), finding(fingerprint="same")]
    prints = [i["fingerprint"] for i in json.loads(render(report(twice), "gitlab"))]
    assert prints[0] == "same"
    assert len(set(prints)) == 3


def junit(*findings: Any, **fields: Any) -> ET.Element:
    return ET.fromstring(render(report(findings, **fields), "junit"))


def test_junit_has_a_suite_per_file_and_a_case_per_finding() -> None:
    root = junit(finding(), finding(file="b.yaml"), finding(number=1))
    assert [(s.get("name"), s.get("tests")) for s in root] == [
        ("apps/cart/rollout.yaml", "2"),
        ("b.yaml", "1"),
        ("rolloutlint", "1"),
    ]
    assert (root.get("tests"), root.get("failures")) == ("4", "3")


def test_junit_fails_only_from_the_severity_that_fails_the_run() -> None:
    mild = junit(finding(severity="warning"))
    assert mild.find(".//failure") is None
    assert "is not defined" in "".join(mild.itertext())
    strict = junit(finding(severity="warning"), fail_on="warning").find(".//failure")
    assert strict is not None
    assert strict.get("type") == "warning"


def test_junit_skips_what_is_suppressed_and_what_was_not_looked_at() -> None:
    root = ET.fromstring(render(full(), "junit"))
    reasons = [s.get("message") for s in root.iter("skipped")]
    assert "suppressed: agreed with SRE" in reasons
    assert "helm chart: helm is not installed" in reasons
    lost = root.find(".//error")
    assert lost is not None
    assert lost.get("type") == "too-large"


def test_junit_is_xml_for_every_name() -> None:
    assert ET.fromstring(render(nasty(), "junit").encode()).get("failures")


def rdjson(*findings: Any, **fields: Any) -> Any:
    return json.loads(render(report(findings, **fields), "rdjson"))["diagnostics"]


def test_rdjson_columns_count_utf8_bytes() -> None:
    text = "a𐐀b\n"
    found = rdjson(finding(file="a.yaml", span=Span(1, 3, 1, 4)), sources={"a.yaml": text})[0]
    assert found["location"]["range"] == {"start": {"line": 1, "column": 6}, "end": {"line": 1, "column": 7}}


def test_rdjson_suggests_the_edits_of_a_fix_as_one_replacement() -> None:
    text = "a: 1\nb: 2\nc: 3\n"
    edits = (TextEdit(TEMPLATE, 13, 14, "9"), TextEdit(TEMPLATE, 3, 4, "7"))
    suggestion = rdjson(aborts(edits=edits), sources={TEMPLATE: text})[0]["suggestions"]
    assert suggestion == [
        {
            "range": {"start": {"line": 1, "column": 4}, "end": {"line": 3, "column": 5}},
            "text": "7\nb: 2\nc: 9",
        }
    ]


def test_rdjson_suggests_nothing_that_would_be_half_a_fix() -> None:
    edits = (TextEdit(TEMPLATE, 3, 4, "7"), TextEdit("other.yaml", 0, 1, "x"))
    found = rdjson(aborts(edits=edits), sources={TEMPLATE: "a: 1\n", "other.yaml": "y"})[0]
    assert "suggestions" not in found


def test_paths_are_relative_to_the_root_in_every_format_for_a_ci_server() -> None:
    options = Options(root="/repo", base="/repo/apps")
    for name in ("github", "gitlab", "rdjson", "junit"):
        text = render(report([finding(file="a.yaml")]), name, options)
        assert "apps/a.yaml" in text
