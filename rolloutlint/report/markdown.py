"""Markdown for a job summary or a pull-request comment: what decides first, then a table, then folded details.

Everything from manifests is written so that neither Markdown nor HTML reads it as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rolloutlint.finding import SEVERITIES, SettledFinding, SettledRelated
from rolloutlint.report import Options
from rolloutlint.report.summary import found_sentence, lost_sentences, unseen_sentence
from rolloutlint.report.visible import visible
from rolloutlint.result import Report

_ROWS = 30
"""Findings in the table; all of them are in the details."""
_MAX_CHARACTERS = 250_000
"""GitHub refuses a job summary above 1 MiB, and a character can take four bytes."""

_MARKUP = re.compile(r"[&<>\\`*_\[\]|~@#$]|(?<=:)/(?=/)|(?<=www)\.")


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def escaped(text: str) -> str:
    """`text` with every character that could be markup or a link as an HTML entity, and no mention in it."""
    return _MARKUP.sub(_entity, visible(text)).replace("&#64;", "&#64;&#8203;")


def code(text: str) -> str:
    """`text` as code. An element and not backticks, for the text may hold those; GitHub sees no mention there."""
    return f"<code>{_MARKUP.sub(_entity, visible(text))}</code>" if text else ""


def prose(text: str) -> str:
    """A message, with the names that stand in backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escaped(text)
    return "".join(code(p) if number % 2 else escaped(p) for number, p in enumerate(pieces))


def _place(f: SettledFinding | SettledRelated) -> str:
    return code(f"{f.file}:{f.span.line}") if f.file else "workspace"


def row(f: SettledFinding) -> str:
    who = code(str(f.finding.resource)) if f.finding.resource else ""
    return f"| {f.severity} | {f.finding.rule} | {prose(f.finding.message)} | {who} | {_place(f)} |"


def _elsewhere(related: SettledRelated) -> str:
    who = f"{code(str(related.resource))} " if related.resource else ""
    return f"{who}{prose(related.message)} ({_place(related)})"


def _details(f: SettledFinding) -> list[str]:
    told = f.finding
    mark = "" if f.disposition == "active" else f", {f.disposition}: {escaped(f.reason) or 'no reason given'}"
    out = [f"- **{told.rule} {escaped(f.name)}** ({f.severity}{mark}) at line {f.span.line}: {prose(told.message)}"]
    out += [f"  <br>{prose(part)}" for part in (told.consequence,) if part]
    if told.remedy:
        flag = ""
        if told.fix is not None and f.edits:
            flag = " (`--fix`)" if told.fix.safety == "safe" else " (`--unsafe-fixes`)"
        out.append(f"  <br>**Fix:** {prose(told.remedy)}{flag}")
    out += [f"  <br>**See** {_elsewhere(r)}" for r in f.related]
    out += [f"  <br>**{number}.** {_elsewhere(step)}" for number, step in enumerate(f.trail, 1)]
    return out


def by_file(findings: Iterable[SettledFinding]) -> dict[str, list[SettledFinding]]:
    files: dict[str, list[SettledFinding]] = {}
    for f in findings:
        files.setdefault(f.file, []).append(f)
    return files


def folded(file: str, findings: list[SettledFinding]) -> list[str]:
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    head = f"<details><summary>{code(file) or 'workspace'}: {count}</summary>"
    return [head, "", *(line for f in findings for line in _details(f)), "", "</details>"]


def render(report: Report, options: Options) -> str:
    """The report as GitHub-flavoured Markdown, below the size that GitHub accepts."""
    worst = min(report.active, key=lambda f: SEVERITIES.index(f.severity), default=None)
    out = ["### rolloutlint", "", f"**{found_sentence(report)}**  "]
    if worst is not None:
        parts = [prose(p) for p in (worst.finding.message, worst.finding.consequence) if p]
        out.append(f"Worst: {worst.finding.rule}, {'. '.join(parts)}  ")
    out += [escaped(unseen_sentence(report)), *(f"<br>**{escaped(s)}**" for s in lost_sentences(report.incomplete)), ""]
    if report.active:
        ranked = sorted(report.active, key=lambda f: SEVERITIES.index(f.severity))
        out += ["| | Rule | What | Resource | Where |", "|---|---|---|---|---|", *map(row, ranked[:_ROWS])]
        if len(ranked) > _ROWS:
            out += ["", f"{len(ranked) - _ROWS} more in the details."]
        out.append("")
    shown = report.findings if options.show_suppressed else report.active
    size, left = sum(map(len, out)), 0
    for file, findings in by_file(shown).items():
        block = folded(file, findings)
        size += sum(len(line) + 1 for line in block)
        if size > _MAX_CHARACTERS:
            left += len(findings)
        else:
            out += block
    if left:
        out += ["", f"{left} findings are left out here, because the page would be too large: see the log."]
    return "\n".join(out).rstrip("\n") + "\n"
