"""The machine-readable report, as published in `schemas/rolloutlint/findings-v1.json`: one finding a line."""

from __future__ import annotations

from typing import Any

from rolloutlint.finding import Incomplete, ResourceId, SettledFinding, SettledRelated, Span
from rolloutlint.report import Options
from rolloutlint.report.places import Texts
from rolloutlint.report.summary import figures
from rolloutlint.report.visible import json_text
from rolloutlint.result import Report

VERSION = 1
"""Of the format. A field may be added within a version only together with its schema."""


def _span(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _resource(resource: ResourceId | None) -> dict[str, str] | None:
    return resource._asdict() if resource else None


def _related(related: SettledRelated) -> dict[str, Any]:
    return {
        "file": related.file,
        **_span(related.span),
        "message": related.message,
        "resource": _resource(related.resource),
    }


def _fix(f: SettledFinding, texts: Texts) -> dict[str, Any] | None:
    edits = texts.edits(f)
    if f.finding.fix is None or not edits:
        return None
    return {
        "title": f.finding.fix.title,
        "safety": f.finding.fix.safety,
        "edits": [{"file": e.file, "start": e.start, "end": e.end, **_span(e.span), "text": e.text} for e in edits],
    }


def finding_object(f: SettledFinding, texts: Texts) -> dict[str, Any]:
    """One finding as the published schema has it."""
    told = f.finding
    return {
        "rule": told.rule,
        "name": f.name,
        "severity": f.severity,
        "message": told.message,
        "consequence": told.consequence,
        "remedy": told.remedy,
        "file": f.file,
        **_span(f.span),
        "resource": _resource(told.resource),
        "path": f.path,
        "related": [_related(r) for r in f.related],
        "trail": [_related(r) for r in f.trail],
        "fingerprint": f.fingerprint,
        "fix": _fix(f, texts),
        "disposition": f.disposition,
        "reason": f.reason,
    }


def _summary(report: Report) -> dict[str, int | None]:
    figure, counts = figures(report), report.counts
    return {
        "errors": figure.severities["error"],
        "warnings": figure.severities["warning"],
        "notes": figure.severities["note"],
        "suppressed": figure.suppressed,
        "waived": figure.waived,
        "fixable": figure.fixable,
        "unsafe_fixable": figure.unsafe_fixable,
        "files": counts.files,
        "documents": counts.documents,
        "resources": counts.resources,
        "affected_resources": figure.affected,
        "unknown_references": counts.unknown_references,
        "changed_resources": counts.changed,
        "left_out": counts.left_out,
        "exit_code": report.exit_code,
    }


def _incomplete(i: Incomplete) -> dict[str, Any]:
    return {"source": i.source, "reason": i.reason, "message": i.message, "lost": i.lost}


def _array(items: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json_text(item) for item in items) + "\n]" if items else "[]"


def render(report: Report, options: Options) -> str:
    """All findings, also suppressed and waived ones, with the summary and everything not looked at."""
    texts = Texts(report.sources)
    tool = {"name": "rolloutlint", "version": report.tool_version}
    return (
        f'{{"version": {VERSION}, "tool": {json_text(tool)}, "findings": '
        f"{_array([finding_object(f, texts) for f in report.findings])},\n"
        f'"summary": {json_text(_summary(report))},\n'
        f'"incomplete": {_array([_incomplete(i) for i in report.incomplete])}}}\n'
    )
