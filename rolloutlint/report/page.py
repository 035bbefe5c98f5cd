"""What pages say of findings: prose with code in it, and a finding with its lines."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.finding import SettledFinding
from rolloutlint.report.simulation_html import h

FINDING_STYLE = """\
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { font: .82rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .7rem; margin: .3rem 0;
  overflow-x: auto; }
.finding { border-left: 5px solid var(--line); padding-left: .8rem; margin: .8rem 0; }
.finding.error { border-left-color: var(--bad); }
.finding.warning { border-left-color: var(--warn); }
@media print { .finding { break-inside: avoid; } pre { white-space: pre-wrap; } }
"""
"""Needs the colours of `simulation_html.STYLE` and `--warn`."""


def prose(text: str) -> str:
    """A message, with the names that stand in backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return h(text)
    return "".join(f"<code>{h(piece)}</code>" if number % 2 else h(piece) for number, piece in enumerate(pieces))


def finding(found: SettledFinding) -> Iterator[str]:
    """A finding: what it says, where, the lines there, and what to do."""
    told = found.finding
    place = f"{found.file}:{found.span.line}" if found.file else "workspace"
    yield f'<div class="finding {found.severity}">'
    yield f"<div><strong>{h(told.rule)} {h(found.name)}</strong> ({found.severity}) <code>{h(place)}</code></div>"
    yield from (f"<div>{prose(text)}</div>" for text in (told.message, told.consequence) if text)
    if found.lines:
        lines = "\n".join(f"{number:>4}  {h(line)}" for number, line in sorted(found.lines.items()))
        yield f"<pre>{lines}</pre>"
    if told.remedy:
        yield f"<div><strong>Fix:</strong> {prose(told.remedy)}</div>"
    yield "</div>"
