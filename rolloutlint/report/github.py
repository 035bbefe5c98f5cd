"""GitHub Actions workflow commands, which become annotations on the lines of a pull request.

Escaping as in `actions/toolkit packages/core/src/command.ts`: a name can neither end a command nor start one.
"""

from __future__ import annotations

from rolloutlint.finding import SettledFinding, Severity
from rolloutlint.report import Options
from rolloutlint.report.places import Texts, pinned_file, relative_path
from rolloutlint.report.summary import figures, found_sentence, lost_sentences, many, unseen_sentence
from rolloutlint.report.visible import visible
from rolloutlint.result import Report

SHOWN = 10
"""GitHub shows so many annotations of each level per step."""

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _command(f: SettledFinding, report: Report, options: Options, texts: Texts) -> str:
    told = f.finding
    path = visible(relative_path(pinned_file(f, report, options), options))
    span = texts.tight(f.file, f.span)
    where = {"file": path, "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:  # GitHub takes columns only within one line
        where |= {"col": span.column, "endColumn": span.end_column}
    where["title"] = f"{told.rule} {f.name}"
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
    lines = [visible(part) for part in (told.message, told.consequence, told.remedy) if part]
    return f"::{_COMMANDS[f.severity]} {properties}::{_data(chr(10).join(lines))}"


def render(report: Report, options: Options) -> str:
    """One command per active finding, most severe first, and a notice with the summary.

    The notice stands before the findings of level `note`, for it would not be shown as the eleventh notice.
    """
    texts = Texts(report.sources)
    by_severity: dict[Severity, list[str]] = {severity: [] for severity in _COMMANDS}
    for f in report.active:
        by_severity[f.severity].append(_command(f, report, options, texts))
    summary = [found_sentence(report), unseen_sentence(report)]
    hidden = [
        many(number - shown, severity)
        for severity, number in figures(report).severities.items()
        if number > (shown := SHOWN - (severity == "note"))
    ]
    if hidden:
        summary.append(f"{', '.join(hidden)} more than GitHub shows as annotations: see the log of this step.")
    lost = [f"::error title=rolloutlint::{_data(visible(s))}" for s in lost_sentences(report.incomplete)]
    notice = f"::notice title=rolloutlint::{_data(chr(10).join(visible(s) for s in summary))}"
    lines = [*lost, *by_severity["error"], *by_severity["warning"], notice, *by_severity["note"]]
    return "\n".join(lines) + "\n"
