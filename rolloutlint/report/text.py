"""The report for people at a terminal: fact and consequence, the evidence under it, who is hit, what to do."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rolloutlint.finding import ResourceId, SettledFinding, SettledRelated, Severity, Span
from rolloutlint.report import Options
from rolloutlint.report.summary import REASONS, found_sentence, lost_sentences, unseen_sentence
from rolloutlint.report.visible import cell_width, cells, no_command, visible
from rolloutlint.result import Report

_INDENT = "   "
_LABEL = 9
_SHOWN = 3
"""So many findings of one rule are shown when they collapse."""
_COLLAPSE_ABOVE = _SHOWN + 1
"""Collapsing one single finding would take as many lines as it saves."""

BOLD, DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
HUES: Mapping[Severity, str] = {"error": "\x1b[31m", "warning": "\x1b[33m", "note": "\x1b[36m"}


class _Mark(NamedTuple):
    """An underline below one source line."""

    span: Span
    sign: str
    label: str


def wrapped(text: str, options: Options, indent: str, first: str = "") -> list[str]:
    """`text` in lines of the wanted width, the first behind `first`; none begins like a GitHub workflow command."""
    whole = (first or indent) + text
    if not options.width or len(whole) <= options.width:
        return [no_command(whole)]
    lines = textwrap.wrap(
        text,
        max(options.width, 40),
        initial_indent=first or indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [no_command(line) for line in lines]


def aside(left: str, right: str, options: Options) -> str:
    """`left`, and `right` pushed to the right margin as far as it fits."""
    gap = (options.width or 100) - cell_width(left) - cell_width(right)
    return f"{left}{' ' * max(gap, 2)}{right}"


def paint(text: str, style: str, options: Options) -> str:
    """`text` in a style where colour is wanted."""
    return f"{style}{text}{_RESET}" if options.color and style else text


def _window(line: str, span: Span, room: int) -> tuple[str, int, int]:
    """A source line as shown, cut to `room` cells around the span: (text, cells before the span, its cells)."""
    shown = list(cells(line))
    start = min(span.column - 1, len(shown))
    end = len(shown) if span.end_line > span.line else min(max(span.end_column - 1, start), len(shown))
    first, last = 0, len(shown)
    if room and sum(width for _, width in shown) > room:
        inner = max(room - 6, 8)
        first = start
        lead = 0
        while first > 0 and lead + shown[first - 1][1] <= inner // 3:
            first -= 1
            lead += shown[first][1]
        last, used = first, 0
        while last < len(shown) and used + shown[last][1] <= inner:
            used += shown[last][1]
            last += 1
        while first > 0 and used + shown[first - 1][1] <= inner:
            first -= 1
            used += shown[first][1]
    head, tail = "..." if first else "", "..." if last < len(shown) else ""
    text = head + "".join(c for c, _ in shown[first:last]) + tail
    before = len(head) + sum(w for _, w in shown[first:start])
    return text, before, max(sum(w for _, w in shown[start : min(end, last)]), 1)


def _frame(f: SettledFinding, options: Options) -> list[str]:
    """The source lines with numbers; the place itself underlined by `^`, related ones in the file by `-`."""
    lines = dict(f.lines)
    marks = [_Mark(f.span, "^", "")] if f.span.line in lines else []
    for related, own in zip(f.related, f.related_lines, strict=False):
        if _inside(related, f, own):
            lines.update(own)
            marks.append(_Mark(related.span, "-", visible(related.message)))
    if not lines:
        return []
    gutter = max(2, len(str(max(lines))))
    room = max(options.width - len(_INDENT) - gutter - 3, 20) if options.width else 0
    out = [""]
    for number in sorted(lines):
        here = [m for m in marks if m.span.line == number]
        anchor = here[0].span if here else Span(number, 1, number, 1)
        text, _, _ = _window(lines[number], anchor, room)
        out.append(f"{_INDENT}{paint(f'{number:>{gutter}} |', DIM, options)} {text}".rstrip())
        for mark in here:
            same = mark.span == anchor
            text, before, width = _window(lines[number], mark.span, room)
            if not same and room and sum(w for _, w in cells(lines[number])) > room:
                out.append(f"{_INDENT}{'':>{gutter}} | {text}")
            until = f" (to line {mark.span.end_line})" if mark.span.end_line > number + 1 else ""
            under = paint(mark.sign * width, HUES[f.severity] if mark.sign == "^" else DIM, options)
            note = f"{mark.label}{until}".strip()
            side = paint("|", DIM, options)
            out.append(f"{_INDENT}{'':>{gutter}} {side} {' ' * before}{under} {note}".rstrip())
    return out


def _inside(related: SettledRelated, f: SettledFinding, lines: Mapping[int, str]) -> bool:
    return related.file == f.file and related.span.line in lines


def _who(resource: ResourceId | None, message: str) -> str:
    return ": ".join(visible(part) for part in (str(resource) if resource else "", message) if part)


def _pointer(label: str, related: SettledRelated, options: Options) -> str:
    """A line for a place elsewhere: resource first, file second."""
    message = related.message
    if not label:
        label = "see"
        if message.startswith("used by"):
            label, message = "used by", message[len("used by") :].strip(" ,:")
    left = f"{_INDENT}{label:<{_LABEL}}{_who(related.resource, message)}"
    return aside(left, f"{visible(related.file)}:{related.span.line}", options)


def _pointers(f: SettledFinding, options: Options) -> list[str]:
    own = (*f.related_lines, *({} for _ in f.related[len(f.related_lines) :]))
    out = [
        _pointer("", related, options)
        for related, lines in zip(f.related, own, strict=False)
        if not _inside(related, f, lines)
    ]
    for number, step in enumerate(f.trail, 1):
        label = f"{'trail' if number == 1 else '':<6}{number}"
        out.append(_pointer(label, step, options))
    return out


def _finding(f: SettledFinding, options: Options) -> list[str]:
    """The lines of one finding."""
    told = f.finding
    word = f.severity if f.disposition == "active" else f"{f.severity}, {f.disposition}"
    start = f"{told.rule} {word}  {f.name}"
    place = f"{visible(f.file)}:{f.span.line}:{f.span.column}" if f.file else "workspace"
    header = aside(start, place, options)
    hue = BOLD + (HUES[f.severity] if f.disposition == "active" else DIM)
    out = [paint(header[: len(start)], hue, options) + header[len(start) :]]
    out += [paint(line, BOLD, options) for line in wrapped(visible(told.message), options, _INDENT)]
    if told.consequence:
        out += wrapped(visible(told.consequence), options, _INDENT)
    out += _frame(f, options)
    pointers = _pointers(f, options)
    hints: list[str] = []
    if told.remedy:
        flag = ""
        if told.fix is not None and f.edits:
            flag = "  [--fix]" if told.fix.safety == "safe" else "  [--unsafe-fixes]"
        hints += _labelled("fix", visible(told.remedy) + flag, options)
    if f.disposition != "active":
        hints += _labelled("because", visible(f.reason) or "no reason given", options)
    hints.append(f"{_INDENT}{'more':<{_LABEL}}rolloutlint explain {told.rule}")
    return [*out, "", *pointers, *hints, ""]


def _labelled(label: str, text: str, options: Options) -> list[str]:
    return wrapped(text, options, _INDENT + " " * _LABEL, f"{_INDENT}{label:<{_LABEL}}")


def findings_lines(findings: Iterable[SettledFinding], options: Options) -> list[str]:
    """Every finding in the given order, those of a rule with many collapsed behind its third."""
    chosen = [f for f in findings if options.show_suppressed or f.disposition == "active"]
    total = Counter(f.finding.rule for f in chosen)
    seen: Counter[str] = Counter()
    out: list[str] = []
    for f in chosen:
        rule = f.finding.rule
        seen[rule] += 1
        if options.verbose or not options.collapse or total[rule] <= _COLLAPSE_ABOVE or seen[rule] <= _SHOWN:
            out += _finding(f, options)
        elif seen[rule] == _SHOWN + 1:
            rest = total[rule] - _SHOWN
            out += [f"{rest} more {rule} findings ({f.name}): run with -v or --no-collapse", ""]
    return out


def render(report: Report, options: Options) -> str:
    """Findings, then one paragraph that says how much was found and what was not looked at."""
    out = findings_lines(report.findings, options)
    if options.verbose and report.incomplete:
        for i in report.incomplete:
            said = f"Not looked at: {i.source} ({REASONS[i.reason][0]}): {i.message}"
            out += wrapped(visible(said), options, "")
        out.append("")
    hue = BOLD if report.active else ""
    out += [paint(line, hue, options) for line in wrapped(found_sentence(report), options, "")]
    out += wrapped(visible(unseen_sentence(report)), options, "")
    out += [
        paint(line, HUES["error"], options)
        for sentence in lost_sentences(report.incomplete)
        for line in wrapped(visible(sentence), options, "")
    ]
    return "\n".join(out) + "\n"
