"""What holds for every format."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from samples import NASTY_NAMES, aborts, finding, full, nasty, report

from rolloutlint.errors import UsageError
from rolloutlint.report import FORMATS, Options, render

ALL = Options(verbose=True)


def _messages(values: list[str]) -> str:
    return "\n".join(values)


READERS: dict[str, Callable[[str], str]] = {
    "json": lambda s: _messages([f"{f['rule']} {f['message']}" for f in json.loads(s)["findings"]]),
    "sarif": lambda s: _messages(
        [f"{r['ruleId']} {r['message']['text']}" for r in json.loads(s)["runs"][0]["results"]]
    ),
    "gitlab": lambda s: _messages([f"{i['check_name']} {i['description']}" for i in json.loads(s)]),
    "rdjson": lambda s: _messages([f"{d['code']['value']} {d['message']}" for d in json.loads(s)["diagnostics"]]),
    "junit": lambda s: _messages(
        [f"{c.get('name')} {''.join(c.itertext())}" for c in ET.fromstring(s).iter("testcase")]
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_active_finding_appears_in_every_format(name: str) -> None:
    findings = [
        finding(f"RL1{n:02}", message=f"Fact number {n} holds", number=n, severity=severity)
        for n, severity in enumerate(("error", "warning", "note") * 20)
    ]
    shown = READERS.get(name, str)(render(report(findings), name, ALL))
    for f in findings:
        assert f.finding.message in shown
        assert f.finding.rule in shown


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("json", "junit")])
def test_what_is_suppressed_or_waived_stays_out_unless_asked_for(name: str) -> None:
    hidden = finding("RL108", message="Hidden fact", disposition="suppressed", reason="agreed")
    waived = finding("RL109", message="Waived fact", disposition="waived", reason="agreed")
    text = render(report([hidden, waived]), name)
    assert "Hidden fact" not in text
    assert "Waived fact" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_lost_input_is_in_every_format(name: str) -> None:
    assert "apps/huge.yaml" in render(full(), name)


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in ("gitlab", "rdjson")])
def test_what_was_not_looked_at_is_in_every_format_that_has_a_place_for_it(name: str) -> None:
    assert "charts/web" in render(full(), name)


@pytest.mark.parametrize("name", FORMATS)
def test_no_character_of_a_name_reaches_the_output_that_could_drive_a_terminal(name: str) -> None:
    text = render(nasty(), name, Options(verbose=True, show_suppressed=True, sarif_suppressions=True))
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", FORMATS)
def test_no_line_holds_a_workflow_command_but_those_of_the_github_format(name: str) -> None:
    for width in (0, 60, 100):
        text = render(nasty(), name, Options(verbose=True, width=width))
        assert "##[" not in text
        commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
        assert len(commands) == (len(NASTY_NAMES) + 1 if name == "github" else 0)


@pytest.mark.parametrize("name", FORMATS)
def test_output_can_be_encoded_as_utf8_and_ends_in_one_newline(name: str) -> None:
    text = render(nasty(), name, ALL)
    assert text.encode("utf-8").endswith(b"\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_without_findings_is_still_a_whole_document(name: str) -> None:
    text = render(report(), name)
    assert READERS.get(name, str)(text) or name in ("json", "sarif", "gitlab", "rdjson")
    if name in ("text", "markdown", "github", "junit"):
        assert "No findings in 12 resources (9 files)." in text
        assert "Not looked at: nothing. References that cannot be judged: none." in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_finding_without_a_file_is_shown_and_does_no_harm(name: str) -> None:
    whole = finding("RL901", file="", about=None, message="No Rollout here")
    assert "No Rollout here" in render(report([whole], sources={}), name)


@pytest.mark.parametrize("name", FORMATS)
def test_rendering_twice_gives_the_same_bytes(name: str) -> None:
    assert render(full(), name) == render(full(), name)


def test_an_unknown_format_is_a_usage_error_that_names_the_formats() -> None:
    with pytest.raises(UsageError, match="unknown format `yaml`: choose from text, json, sarif"):
        render(report(), "yaml")


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "sarif"])
def test_only_sarif_imports_sarif_om(name: str) -> None:
    code = (
        "import sys; from rolloutlint.report import render; from rolloutlint.result import Report;"
        "from rolloutlint.finding import Counts;"
        f"render(Report((), (), Counts(), {{}}, '0'), {name!r}); print('sarif_om' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_importing_the_reports_imports_no_renderer() -> None:
    code = "import sys, rolloutlint.report; print([m for m in sys.modules if m.startswith('rolloutlint.report.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_fix_whose_text_is_not_known_is_left_out_as_a_whole() -> None:
    lost = report([aborts()], sources={})
    assert json.loads(render(lost, "json"))["findings"][0]["fix"] is None
    assert "fixes" not in json.loads(render(lost, "sarif"))["runs"][0]["results"][0]
    assert "suggestions" not in json.loads(render(lost, "rdjson"))["diagnostics"][0]


def test_every_reason_for_not_looking_has_words() -> None:
    from typing import get_args, get_type_hints

    from rolloutlint.finding import Incomplete
    from rolloutlint.report.summary import REASONS

    assert set(REASONS) == set(get_args(get_type_hints(Incomplete)["reason"]))


def test_text_of_the_summary_is_the_same_in_text_and_github() -> None:
    first = re.search(r"2 errors, .*?\.", render(full(), "text", Options(width=0)))
    assert first
    assert first[0] in render(full(), "github")
