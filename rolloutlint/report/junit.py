"""JUnit XML: a suite per file, a case per finding, so that any CI server can list them.

Findings at or above `--fail-on` fail; milder ones pass and carry their text; what is suppressed or was not
looked at is skipped. A run without findings has one passing case, because some servers refuse an empty report.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from rolloutlint.finding import SEVERITIES, Incomplete, SettledFinding
from rolloutlint.report import Options
from rolloutlint.report.places import pinned_file, relative_path
from rolloutlint.report.summary import REASONS, found_sentence, unseen_sentence
from rolloutlint.report.visible import no_command, visible
from rolloutlint.result import Report


def _text(f: SettledFinding) -> str:
    told = f.finding
    place = f"{f.file}:{f.span.line}:{f.span.column}" if f.file else "workspace"
    parts = [f"{place}: {f.severity} {told.rule}", told.message, told.consequence, told.remedy]
    parts += [f"{r.file}:{r.span.line}: {r.message}" for r in (*f.related, *f.trail)]
    return "\n".join(no_command(visible(part)) for part in parts if part)


def _case(suite: ET.Element, path: str, f: SettledFinding, fails: bool) -> None:
    told = f.finding
    where = f.path or f"line {f.span.line}"
    name = visible(f"{told.rule} {f.name}: {told.resource or path} {where}")
    attributes = {"classname": path, "name": name, "file": path, "line": str(f.span.line), "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    if f.disposition != "active":
        ET.SubElement(case, "skipped", {"message": visible(f"{f.disposition}: {f.reason or 'no reason given'}")})
    elif fails:
        failure = ET.SubElement(case, "failure", {"type": f.severity, "message": visible(told.message)})
        failure.text = _text(f)
    else:
        ET.SubElement(case, "system-out").text = _text(f)


def _unseen(suite: ET.Element, incomplete: Incomplete) -> None:
    attributes = {"classname": "not looked at", "name": visible(incomplete.source), "time": "0"}
    case = ET.SubElement(suite, "testcase", attributes)
    message = visible(f"{REASONS[incomplete.reason][0]}: {incomplete.message}")
    if incomplete.lost:
        ET.SubElement(case, "error", {"type": incomplete.reason, "message": message})
    else:
        ET.SubElement(case, "skipped", {"message": message})


def _tally(suite: ET.Element) -> Mapping[str, int]:
    counted = {"tests": "testcase", "failures": "*/failure", "errors": "*/error", "skipped": "*/skipped"}
    return {key: len(suite.findall(query)) for key, query in counted.items()}


def render(report: Report, options: Options) -> str:
    """All findings and everything not looked at as one XML document."""
    limit = SEVERITIES.index(report.fail_on)
    root = ET.Element("testsuites", {"name": "rolloutlint"})
    suites: dict[str, ET.Element] = {}
    for f in report.findings:
        path = visible(relative_path(pinned_file(f, report, options), options))
        suite = suites.get(path)
        if suite is None:
            suite = suites[path] = ET.SubElement(root, "testsuite", {"name": path})
        _case(suite, path, f, SEVERITIES.index(f.severity) <= limit)
    run = ET.SubElement(root, "testsuite", {"name": "rolloutlint"})
    for incomplete in report.incomplete:
        _unseen(run, incomplete)
    summary = ET.SubElement(run, "testcase", {"classname": "rolloutlint", "name": "summary", "time": "0"})
    said = f"{found_sentence(report)}\n{visible(unseen_sentence(report))}"
    ET.SubElement(summary, "system-out").text = said
    totals: dict[str, int] = {}
    for suite in root:
        for key, number in _tally(suite).items():
            suite.set(key, str(number))
            totals[key] = totals.get(key, 0) + number
    for key, number in totals.items():
        root.set(key, str(number))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
