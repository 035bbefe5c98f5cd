"""GitLab Code Quality: a JSON array of issues, told apart by fingerprint across commits.

The format has no place for a summary: only inputs that were lost appear besides the findings, as blockers.
"""

from __future__ import annotations

import hashlib
from typing import Any

from rolloutlint.finding import Severity
from rolloutlint.report import Options
from rolloutlint.report.places import Texts, pinned_file, relative_path
from rolloutlint.report.summary import lost_sentences
from rolloutlint.report.visible import json_text, visible
from rolloutlint.result import Report

_SEVERITIES: dict[Severity, str] = {"error": "critical", "warning": "major", "note": "info"}


class _Fingerprints:
    """GitLab drops issues whose fingerprint it has seen, so a repeated one is salted with its number."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def unique(self, fingerprint: str) -> str:
        salted, number = fingerprint, 1
        while salted in self._seen:
            number += 1
            salted = hashlib.sha256(f"{fingerprint}:{number}".encode()).hexdigest()
        self._seen.add(salted)
        return salted


def _issue(text: str, check: str, fingerprint: str, severity: str, path: str, begin: int, end: int) -> dict[str, Any]:
    return {
        "type": "issue",
        "description": text,
        "check_name": check,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": begin, "end": end}},
    }


def render(report: Report, options: Options) -> str:
    """The active findings as issues, one a line."""
    texts, fingerprints = Texts(report.sources), _Fingerprints()
    issues: list[dict[str, Any]] = []
    for f in report.active:
        told = f.finding
        sentences = [f"{told.message.rstrip('.')}.", told.consequence, told.remedy]
        span = texts.tight(f.file, f.span)
        issues.append(
            _issue(
                visible(" ".join(s for s in sentences if s)),
                f"{told.rule} {f.name}",
                fingerprints.unique(f.fingerprint),
                _SEVERITIES[f.severity],
                relative_path(pinned_file(f, report, options), options),
                span.line,
                span.end_line,
            )
        )
    lost = [i for i in report.incomplete if i.lost]
    for incomplete, sentence in zip(lost, lost_sentences(report.incomplete), strict=True):
        identity = hashlib.sha256(f"lost:{incomplete.reason}:{incomplete.source}".encode("utf-8", "replace"))
        path = relative_path(incomplete.source, options)
        fingerprint = fingerprints.unique(identity.hexdigest())
        issues.append(_issue(visible(sentence), "incomplete", fingerprint, "blocker", path, 1, 1))
    return "[" + ",\n".join(json_text(issue) for issue in issues) + "]\n"
