"""`explain-metric` as text, JSON, Markdown and HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from rolloutlint.controllers.measurement_runs import Outcome
from rolloutlint.lang.duration import format_duration
from rolloutlint.lang.expr import Phase
from rolloutlint.metric_table import MetricTable, Row
from rolloutlint.report.markdown import escaped
from rolloutlint.report.visible import cell_width, no_command, visible

_HEADINGS = ("world", "query gives", "one measurement", "the run")
_PHASES: Mapping[Phase | None, str] = MappingProxyType(
    {"Successful": "pass", "Failed": "fail", "Inconclusive": "inconclusive", "Error": "error", None: "unknown"}
)


_NO_ROWS = "no condition is evaluated: the provider judges each measurement itself"


def _either(words: Sequence[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _run(found: Outcome) -> str:
    """How the metric ends, in words."""
    if found.kind == "unknown":
        return "unknown"
    if found.kind == "goes-on":
        return "measures on until the rollout ends"
    verb = {"succeeds": "succeeds", "aborts": "aborts the rollout", "pauses": "pauses the rollout"}[found.kind]
    if found.seconds is None:
        return verb
    return f"{verb} after {format_duration(found.seconds)}" if found.seconds else f"{verb} at once"


def _cells(row: Row) -> tuple[str, str, str, str]:
    return (
        row.title,
        row.gives,
        _either([_PHASES[phase] for phase in row.phases]),
        _either([_run(found) for found in row.outcomes]),
    )


def _conditions(table: MetricTable) -> str:
    parts = [f"success: {table.success}" if table.success else "", f"failure: {table.failure}" if table.failure else ""]
    return visible("; ".join(part for part in parts if part) or "no condition")


def _facts(table: MetricTable) -> str:
    return visible(", ".join(f"{field} {value}" for field, value in table.limits) or "one measurement")


def _text(tables: Sequence[MetricTable]) -> str:
    return "\n".join(_text_of(table) for table in tables)


def _text_of(table: MetricTable) -> str:
    lines = [f"{visible(table.name)}   {table.provider}   {visible(str(table.template))}   {visible(table.file)}"]
    lines.append(f"   {_conditions(table)}")
    lines.append(f"   {_facts(table)}")
    lines += [f"   used by {visible(user)}" for user in table.used_by] or ["   used by no Rollout of the inputs"]
    lines += [f"   does not work: {visible(fault)}" for fault in table.faults]
    rows = [_HEADINGS, *(tuple(visible(cell) for cell in _cells(row)) for row in table.rows)]
    widths = [max(cell_width(row[column]) for row in rows) for column in range(4)]
    lines.append("")
    if not table.rows:
        return "\n".join([*map(no_command, lines), f"   {_NO_ROWS}"]) + "\n"
    for row in rows:
        padded = [cell + " " * (width - cell_width(cell)) for cell, width in zip(row, widths, strict=True)]
        lines.append("   ".join(padded).rstrip())
    return "\n".join(map(no_command, lines)) + "\n"


def _json(tables: Sequence[MetricTable]) -> str:
    metrics = [
        {
            "file": table.file,
            "template": table.template._asdict(),
            "name": table.name,
            "provider": table.provider,
            "query": table.query,
            "successCondition": table.success,
            "failureCondition": table.failure,
            "limits": dict(table.limits),
            "used_by": list(table.used_by),
            "faults": list(table.faults),
            "worlds": [
                {
                    "world": row.world,
                    "title": row.title,
                    "gives": row.gives,
                    "because": list(row.because),
                    "phases": [phase or "unknown" for phase in row.phases],
                    "outcomes": [found._asdict() for found in row.outcomes],
                }
                for row in table.rows
            ],
        }
        for table in tables
    ]
    return json.dumps({"version": 1, "metrics": metrics}, indent=2) + "\n"


def _markdown(tables: Sequence[MetricTable]) -> str:
    return "\n".join(_markdown_of(table) for table in tables)


def _markdown_of(table: MetricTable) -> str:
    lines = [f"### {escaped(table.name)} ({escaped(table.provider)}) in {escaped(str(table.template))}", ""]
    lines += [f"{escaped(_conditions(table))}; {escaped(_facts(table))}", ""]
    for fault in table.faults:
        lines += [f"Does not work: {escaped(fault)}", ""]
    if table.rows:
        lines += ["| " + " | ".join(_HEADINGS) + " |", "|---|---|---|---|"]
        lines += ["| " + " | ".join(escaped(cell) for cell in _cells(row)) + " |" for row in table.rows]
    else:
        lines.append(_NO_ROWS.capitalize() + ".")
    lines += ["", "Used by: " + (escaped("; ".join(table.used_by)) or "no Rollout of the inputs"), ""]
    return "\n".join(lines)


_STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
section { margin-top: 2.5rem; }
pre { white-space: pre-wrap; padding: .75rem; border: 1px solid #8886; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
tbody th { font-weight: normal; }
td[title] { text-decoration: underline dotted; cursor: help; }
td.Successful { border-left: 6px solid #0072b2; padding-left: .5rem; }
td.Failed, td.Error { border-left: 6px solid #d55e00; padding-left: .5rem; }
td.Inconclusive { border-left: 6px solid #e69f00; padding-left: .5rem; }
td.unknown { border-left: 6px solid #8888; padding-left: .5rem; }
@media print { body { max-width: none; margin: 0; } nav { display: none; } tr, pre, h2 { break-inside: avoid; } }
"""
"""Blue and vermilion of the Okabe-Ito palette: told apart by colour-blind readers, too, and the words say it again."""


def _html(tables: Sequence[MetricTable]) -> str:
    parts = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">']
    parts += ["<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"]
    parts += ['<meta name="viewport" content="width=device-width, initial-scale=1">']
    parts += ["<title>What the metrics decide</title>", f"<style>\n{_STYLE}</style>", "</head>", "<body>"]
    parts.append("<h1>What the metrics decide</h1>")
    if len(tables) > 1:
        links = [f'<li><a href="#metric-{at}">{_h(table.name)}</a></li>' for at, table in enumerate(tables, 1)]
        parts += ["<nav><ul>", *links, "</ul></nav>"]
    for at, table in enumerate(tables, 1):
        parts += [f'<section id="metric-{at}">', *_section(table), "</section>"]
    return "\n".join([*parts, "</body>", "</html>"]) + "\n"


def _section(table: MetricTable) -> Iterator[str]:
    """One metric as HTML, line by line."""
    yield f"<h2>{_h(table.name)}</h2>"
    yield f"<p>{_h(str(table.template))}, {_h(table.file)}; {_h(table.provider)}; {_h(_facts(table))}</p>"
    if table.query:
        yield f"<pre>{html.escape(chr(10).join(visible(line) for line in table.query.splitlines()))}</pre>"
    yield f"<pre>{_h(_conditions(table))}</pre>"
    for fault in table.faults:
        yield f"<p>Does not work: {_h(fault)}</p>"
    if table.rows:
        yield "<table>"
        yield "<thead><tr>" + "".join(f'<th scope="col">{name}</th>' for name in _HEADINGS) + "</tr></thead>"
        yield "<tbody>"
        for row in table.rows:
            world, gives, one, run = (_h(cell) for cell in _cells(row))
            why = f' title="{_h("because " + "; ".join(row.because))}"' if row.because else ""
            mark = (row.phases[0] if len(row.phases) == 1 else None) or "unknown"
            yield (
                f'<tr><th scope="row">{world}</th><td{why}>{gives}</td><td class="{mark}">{one}</td><td>{run}</td></tr>'
            )
        yield "</tbody>"
        yield "</table>"
    else:
        yield f"<p>{_NO_ROWS.capitalize()}.</p>"
    yield f"<p>Used by: {_h('; '.join(table.used_by)) or 'no Rollout of the inputs'}</p>"


def _h(value: str) -> str:
    return html.escape(visible(value))


FORMATS: Mapping[str, Callable[[Sequence[MetricTable]], str]] = MappingProxyType(
    {"text": _text, "json": _json, "markdown": _markdown, "html": _html}
)
"""Format name -> renderer of tables; each answer ends in a newline."""
