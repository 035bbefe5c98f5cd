"""Reviewdog Diagnostic Format (`reviewdog proto/rdf/reviewdog.proto`): UTF-8 byte columns, exclusive ends.

Only fields of its first release are used: reviewdog refuses a report with a field it does not know.
"""

from __future__ import annotations

from typing import Any

from rolloutlint.finding import SettledFinding, Severity, Span
from rolloutlint.report import Options
from rolloutlint.report.places import Texts, pinned_file, relative_path
from rolloutlint.report.summary import lost_sentences
from rolloutlint.report.visible import json_text, visible
from rolloutlint.result import Report

_SEVERITIES: dict[Severity, str] = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def _range(file: str, span: Span, texts: Texts) -> dict[str, Any]:
    return {
        "start": {"line": span.line, "column": texts.utf8(file, span.line, span.column)},
        "end": {"line": span.end_line, "column": texts.utf8(file, span.end_line, span.end_column)},
    }


def _suggestions(f: SettledFinding, texts: Texts) -> list[dict[str, Any]]:
    """The fix as one replacement: reviewdog offers each suggestion alone, and half a fix may be a new fault.

    A fix that touches another file cannot be said here.
    """
    edits = sorted(texts.edits(f), key=lambda e: (e.start, e.end))
    if not edits or any(e.file != f.file for e in edits):
        return []
    out, at = [edits[0].text], edits[0].end
    for edit in edits[1:]:
        out += [texts.slice(f.file, at, edit.start), edit.text]
        at = edit.end
    first, last = edits[0].span, edits[-1].span
    span = Span(first.line, first.column, last.end_line, last.end_column)
    return [{"range": _range(f.file, span, texts), "text": "".join(out)}]


def _diagnostic(f: SettledFinding, report: Report, options: Options, texts: Texts) -> dict[str, Any]:
    told = f.finding
    lines = [visible(part) for part in (told.message, told.consequence, told.remedy) if part]
    for place in (*f.related, *f.trail):
        who = f"{place.resource}: " if place.resource else ""
        lines.append(visible(f"{place.file}:{place.span.line} {who}{place.message}"))
    diagnostic: dict[str, Any] = {
        "message": "\n".join(lines),
        "location": {
            "path": relative_path(pinned_file(f, report, options), options),
            "range": _range(f.file, texts.tight(f.file, f.span), texts),
        },
        "severity": _SEVERITIES[f.severity],
        "code": {"value": told.rule},
    }
    suggestions = _suggestions(f, texts) if f.finding.fix else []
    if suggestions:
        diagnostic["suggestions"] = suggestions
    return diagnostic


def render(report: Report, options: Options) -> str:
    """One `DiagnosticResult` with the active findings, and an ERROR for each lost input."""
    texts = Texts(report.sources)
    diagnostics = [_diagnostic(f, report, options, texts) for f in report.active]
    lost = [i for i in report.incomplete if i.lost]
    diagnostics += [
        {
            "message": visible(sentence),
            "location": {"path": relative_path(incomplete.source, options)},
            "severity": "ERROR",
            "code": {"value": incomplete.reason},
        }
        for incomplete, sentence in zip(lost, lost_sentences(report.incomplete), strict=True)
    ]
    body = ",\n".join(json_text(d) for d in diagnostics)
    return f'{{"source": {{"name": "rolloutlint"}}, "diagnostics": [{body}]}}\n'
