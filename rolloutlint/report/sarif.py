"""SARIF 2.1.0, written for GitHub code scanning and still whole for every other reader.

sarif_om's classes model the run (tens of objects). The results, which may be thousands, are plain dicts, each
turned into text at once: memory holds one of them, and the garbage collector has nothing to walk.
GitHub's limits and what it reads: "SARIF support for code scanning" in the GitHub documentation. sarif_om
validates nothing and misnames `Suppression.status`, so suppressions are written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attr
import sarif_om

from rolloutlint.catalogue import Rule, page_body
from rolloutlint.finding import SEVERITIES, SettledFinding, SettledRelated, Severity, Span
from rolloutlint.report import Options
from rolloutlint.report.places import Texts, pinned_file, relative_path, uri
from rolloutlint.report.summary import REASONS
from rolloutlint.report.visible import json_text, visible
from rolloutlint.result import Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"

MAX_RESULTS = 25_000
SHOWN_RESULTS = 5_000
MAX_RELATED = 10
MAX_FLOW_LOCATIONS = 1_000
MAX_NAME = 255
MAX_DESCRIPTION = 1_024
MAX_MESSAGE = 4_000
"""GitHub states no limit for messages; a name as long as this says nothing to anybody."""

_FACTORY: Any = attr.Factory
_PROBLEM_SEVERITY: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "recommendation"}


def to_plain(value: Any) -> Any:
    """A sarif_om object as plain data in one pass: defaults are left out, but never a `level`.

    jschema_to_python, the usual partner, takes a millisecond per result and drops `level: warning`.
    """
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    plain: dict[str, Any] = {}
    for field in attr.fields(type(value)):
        item = getattr(value, field.name)
        prop = field.metadata["schema_property_name"]
        default = field.default.factory() if isinstance(field.default, _FACTORY) else field.default
        if item is not None and (item != default or prop == "level"):
            plain[prop] = to_plain(item)
    return plain


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def _section(body: str, heading: str) -> str:
    """The first paragraph below a heading of a rule page, on one line."""
    match = re.search(rf"^#+ {re.escape(heading)}\s*\n+(.+?)(?:\n\s*\n|\Z)", body, re.MULTILINE | re.DOTALL)
    return " ".join(match[1].split()) if match else ""


def _plain_help(body: str) -> str:
    """The page without the marks that only a Markdown reader removes: headings, fences, backticks."""
    without_fences = re.sub(r"^```.*\n?", "", body, flags=re.MULTILINE)
    return re.sub(r"^#+ ", "", without_fences, flags=re.MULTILINE).replace("`", "").strip()


def _body(rule: Rule) -> str:
    """The page's Markdown, or the summary where there is no page (rules of a policy pack)."""
    try:
        return page_body(rule).strip()
    except (OSError, ValueError):
        return rule.summary


def _descriptor(rule: Rule) -> sarif_om.ReportingDescriptor:
    body = _body(rule)
    return sarif_om.ReportingDescriptor(
        id=rule.id,
        name=_cut(rule.name, MAX_NAME),
        short_description=sarif_om.MultiformatMessageString(text=_cut(rule.summary, MAX_DESCRIPTION)),
        full_description=sarif_om.MultiformatMessageString(
            text=_cut(_section(body, "What it checks") or rule.summary, MAX_DESCRIPTION)
        ),
        help=sarif_om.MultiformatMessageString(text=_plain_help(body), markdown=body),
        default_configuration=sarif_om.ReportingConfiguration(level=rule.severity),
        properties={
            "tags": ["argo-rollouts", "kubernetes", *rule.profiles][:10],
            "precision": rule.precision,
            "problem.severity": _PROBLEM_SEVERITY[rule.severity],
        },
    )


def _unlinked(text: str) -> str:
    """Text that holds no SARIF link, whatever the names in it are."""
    return visible(text).replace("](", "] (")


def _link_text(text: str) -> str:
    """Text for inside the brackets of a link (SARIF 2.1.0, 3.11.6: backslash and brackets are escaped)."""
    return visible(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


class _Results:
    """Makes results; keeps what they share: texts, URIs, the index of each rule."""

    def __init__(self, report: Report, options: Options, rules: Iterable[str]) -> None:
        self._report = report
        self._options = options
        self._texts = Texts(report.sources)
        self._index = {rule: index for index, rule in enumerate(rules)}
        self._artifacts: dict[str, dict[str, Any]] = {}

    def _artifact(self, file: str) -> dict[str, Any]:
        artifact = self._artifacts.get(file)
        if artifact is None:
            reference = uri(relative_path(file, self._options))
            artifact = {"uri": reference}
            if not reference.startswith("file:"):
                artifact["uriBaseId"] = _ROOT
            self._artifacts[file] = artifact
        return artifact

    def _region(self, file: str, span: Span) -> dict[str, int]:
        texts = self._texts
        line, column, end_line, end_column = span
        return {
            "startLine": line,
            "startColumn": texts.utf16(file, line, column),
            "endLine": end_line,
            "endColumn": texts.utf16(file, end_line, end_column),
        }

    def _physical(self, file: str, span: Span) -> dict[str, Any]:
        return {"artifactLocation": self._artifact(file), "region": self._region(file, self._texts.tight(file, span))}

    def _place(self, place: SettledRelated, home: str) -> dict[str, Any]:
        who = f"{place.resource}: " if place.resource else ""
        return {
            "physicalLocation": self._physical(place.file or home, place.span),
            "message": {"text": _unlinked(_cut(f"{who}{place.message}", MAX_DESCRIPTION)) or "see here"},
        }

    def _message(self, f: SettledFinding) -> str:
        told = f.finding
        sentences = [f"{_unlinked(told.message).rstrip('.')}.", _unlinked(told.consequence), _unlinked(told.remedy)]
        text = _cut(" ".join(s for s in sentences if s), MAX_MESSAGE)
        links = ", ".join(
            f"[{_link_text(_cut(str(r.resource or r.message or r.file), 100))}]({number})"
            for number, r in enumerate(f.related[:MAX_RELATED])
        )
        return f"{text} See {links}." if links else text

    def _fix(self, f: SettledFinding) -> dict[str, Any] | None:
        edits = self._texts.edits(f)
        if f.finding.fix is None or not edits:
            return None
        changes: dict[str, list[dict[str, Any]]] = {}
        for edit in edits:
            changes.setdefault(edit.file, []).append(
                {
                    "deletedRegion": self._region(edit.file, edit.span),
                    "insertedContent": {"text": edit.text},
                }
            )
        return {
            "description": {"text": _unlinked(f.finding.fix.title)},
            "artifactChanges": [
                {"artifactLocation": self._artifact(file), "replacements": replacements}
                for file, replacements in changes.items()
            ],
        }

    def result(self, f: SettledFinding) -> dict[str, Any]:
        """One result, with everything GitHub reads and what editors use besides."""
        told, file = f.finding, pinned_file(f, self._report, self._options)
        span = f.span if f.file else Span(1, 1, 1, 1)
        location: dict[str, Any] = {"physicalLocation": self._physical(file, span)}
        if told.resource:
            name = visible(f"{told.resource} {f.path}".rstrip())
            location["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "resource"}]
        result: dict[str, Any] = {
            "ruleId": told.rule,
            "ruleIndex": self._index[told.rule],
            "level": f.severity,
            "message": {"text": self._message(f)},
            "locations": [location],
            "partialFingerprints": {
                "primaryLocationLineHash": f.fingerprint,
                "rolloutlint/v1": f.fingerprint,
            },
        }
        if f.related:
            result["relatedLocations"] = [
                {"id": number, **self._place(related, file)} for number, related in enumerate(f.related[:MAX_RELATED])
            ]
        if f.trail:
            steps = [{"location": self._place(s, file), "importance": "essential"} for s in f.trail]
            result["codeFlows"] = [{"threadFlows": [{"locations": steps[:MAX_FLOW_LOCATIONS]}]}]
        fix = self._fix(f) if f.edits else None
        if fix:
            result["fixes"] = [fix]
        if f.disposition != "active":
            kind = "inSource" if f.disposition == "suppressed" else "external"
            result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": visible(f.reason)}]
        return result


def _chosen(report: Report, options: Options) -> tuple[tuple[SettledFinding, ...], int]:
    """The findings to write, in their order, and how many more there are than GitHub accepts."""
    wanted = report.findings if options.sarif_suppressions else report.active
    excess = len(wanted) - MAX_RESULTS
    if excess <= 0:
        return wanted, 0
    ranked = sorted(range(len(wanted)), key=lambda i: SEVERITIES.index(wanted[i].severity))
    return tuple(wanted[i] for i in sorted(ranked[:MAX_RESULTS])), excess


def _notifications(report: Report, written: int, excess: int) -> list[sarif_om.Notification]:
    out: list[sarif_om.Notification] = []
    if excess:
        text = f"{excess} of {written + excess} results are left out, the least severe: GitHub takes {MAX_RESULTS}"
        out.append(_notification("results-left-out", text, "warning"))
    if written > SHOWN_RESULTS:
        text = f"GitHub shows the {SHOWN_RESULTS} most severe of these {written} results"
        out.append(_notification("results-not-shown", text, "note"))
    for i in report.incomplete:
        text = f"{i.source}: {REASONS[i.reason][0]}, not looked at. {i.message}"
        out.append(_notification(i.reason, _unlinked(text), "error" if i.lost else "note"))
    unknown = report.counts.unknown_references
    if unknown:
        text = f"References that cannot be judged: {unknown}"
        out.append(_notification("unknown-references", text, "note"))
    return out


def _notification(identity: str, text: str, level: Severity) -> sarif_om.Notification:
    return sarif_om.Notification(
        message=sarif_om.Message(text=_cut(text, MAX_MESSAGE)),
        level=level,
        descriptor=sarif_om.ReportingDescriptorReference(id=identity),
    )


def _root(options: Options) -> sarif_om.ArtifactLocation:
    if options.root:
        slashed = relative_path(options.root, Options())
        return sarif_om.ArtifactLocation(uri=uri(slashed).rstrip("/") + "/")
    return sarif_om.ArtifactLocation(description=sarif_om.Message(text="The root of the repository"))


def render(report: Report, options: Options) -> str:
    """One SARIF log with one run, on one line."""
    rules = sorted(report.rules)
    findings, excess = _chosen(report, options)
    results = _Results(report, options, rules)
    category = options.sarif_category.strip("/")
    run = sarif_om.Run(
        tool=sarif_om.Tool(
            driver=sarif_om.ToolComponent(
                name="rolloutlint",
                semantic_version=report.tool_version,
                version=report.tool_version,
                rules=[_descriptor(report.rules[rule]) for rule in rules],
            )
        ),
        automation_details=sarif_om.RunAutomationDetails(id=f"rolloutlint/{category}/" if category else "rolloutlint/"),
        column_kind="utf16CodeUnits",
        original_uri_base_ids={_ROOT: _root(options)},
        invocations=[
            sarif_om.Invocation(
                execution_successful=not report.lost,
                exit_code=report.exit_code,
                tool_execution_notifications=_notifications(report, len(findings), excess),
            )
        ],
    )
    envelope = json_text(to_plain(run), compact=True)
    written = ",".join(json_text(results.result(f), compact=True) for f in findings)
    log = json_text({"$schema": _SCHEMA, "version": "2.1.0"}, compact=True)
    return f'{log[:-1]},"runs":[{envelope[:-1]},"results":[{written}]}}]}}\n'
