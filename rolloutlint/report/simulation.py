"""`rolloutlint simulate` as JSON (`schemas/rolloutlint/simulation-v1.json`) and Markdown, and a list of all formats.

Fractions become decimal numbers only here, six digits behind the point: times in seconds, shares in percent, exposure
in percent-minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from rolloutlint import __version__
from rolloutlint.finding import Place, show_path
from rolloutlint.lang.duration import SECOND
from rolloutlint.report import simulation_words as words
from rolloutlint.report.markdown import escaped
from rolloutlint.simulate.plan import (
    Analysed,
    Experimented,
    Metric,
    Run,
    Share,
    Span,
    Wait,
)
from rolloutlint.simulate.result import Event, Figure, Simulation

VERSION = 1
"""Of the JSON. A field may be added within a version only together with its schema."""

# ---- JSON ----------------------------------------------------------------------------------------------------


def number_json(value: Fraction | int) -> float | int:
    """An integer where it is one, else six digits behind the point."""
    rounded = round(Fraction(value), 6)
    return rounded.numerator if rounded.denominator == 1 else float(rounded)


def seconds_json(nanoseconds: Fraction | int | None) -> float | int | None:
    """Nanoseconds as seconds."""
    return None if nanoseconds is None else number_json(Fraction(nanoseconds) / SECOND)


def share_json(value: Share) -> dict[str, Any]:
    """A share in percent."""
    return {"least": number_json(value.least * 100), "most": number_json(value.most * 100)}


def _span(value: Span) -> dict[str, Any]:
    return _times(Figure(value.least, value.most, value.why))


def _times(value: Figure) -> dict[str, Any]:
    return {
        "least": seconds_json(value.least),
        "most": seconds_json(value.most),
        "reach": seconds_json(value.reach),
        "why": list(value.why),
    }


def _maybe_times(value: Figure | None) -> dict[str, Any] | None:
    return None if value is None else _times(value)


def amount_json(value: Figure | None) -> dict[str, Any] | None:
    """A figure as it is: percent-minutes."""
    if value is None:
        return None
    most, reach = (None if each is None else number_json(each) for each in (value.most, value.reach))
    return {"least": number_json(value.least), "most": most, "reach": reach, "why": list(value.why)}


def _place(value: Place | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"file": value.document.source, "document": value.document.number, "path": show_path(value.path)}


def trace_json(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Events with their times and places."""
    return [
        {"at": seconds_json(e.at), "words": e.words, "stage": e.stage, "place": _place(e.place)} for e in events
    ]  # fmt: skip


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "provider": metric.provider,
        "outcomes": metric.outcomes,
        "template": metric.template._asdict(),
        "place": _place(metric.place),
        "why": list(metric.why),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "role": run.role,
        "label": run.label,
        "place": _place(run.place),
        "fault": run.fault,
        "unknown": list(run.unknown),
        "metrics": [_metric(metric) for metric in run.metrics],
    }


def _runs(wait: Wait) -> list[dict[str, Any]]:
    if isinstance(wait, Analysed):
        return [_run(wait.run)]
    return [_run(run) for run in wait.runs] if isinstance(wait, Experimented) else []


def as_json(simulation: Simulation) -> dict[str, Any]:
    """One rollout as plain data."""
    plan = simulation.plan
    reached = {row.stage: row for row in simulation.rows}
    broken = simulation.broken
    return {
        "rollout": plan.rollout._asdict(),
        "place": _place(plan.place),
        "strategy": plan.strategy,
        "router": plan.router,
        "replicas": {"least": plan.replicas.least, "most": plan.replicas.most, "why": list(plan.replicas.why)},
        "progressDeadline": {"seconds": seconds_json(plan.deadline), "aborts": plan.deadline_aborts},
        "refused": list(plan.refused),
        "notes": list(plan.notes),
        "promotion": _maybe_times(simulation.promotion),
        "evidence": {"successes": simulation.evidence, "why": list(simulation.evidence_why)},
        "people": simulation.people,
        "broken": None
        if broken is None
        else {
            "ending": broken.ending,
            "after": _maybe_times(broken.after),
            "share": share_json(broken.share),
            "exposure": amount_json(broken.exposure),
            "by": broken.by,
            "latest": broken.latest,
            "trace": trace_json(broken.trace),
        },
        "stages": [
            {
                "step": None if stage.step is None else stage.step + 1,
                "label": stage.label,
                "wait": words.wait_kind(stage.wait),
                "share": share_json(stage.share),
                "weight": stage.weight,
                "pods": stage.pods._asdict(),
                "start": _span(reached[number].start) if number in reached else None,
                "end": _span(reached[number].end) if number in reached else None,
                "runs": _runs(stage.wait),
                "place": _place(stage.place),
            }
            for number, stage in enumerate(plan.stages)
        ],
        "background": None
        if plan.background is None
        else {"from": plan.background_from, "leak": plan.leak, "run": _run(plan.background)},
        "bars": [
            {
                "metric": bar.label,
                "run": bar.run,
                "start": seconds_json(bar.start),
                "first": seconds_json(bar.first),
                "end": seconds_json(bar.end),
                "interval": seconds_json(bar.interval),
                "measurements": bar.measurements,
                "endReason": bar.end_reason,
                "dryRun": bar.dry_run,
                "aborts": bar.aborts,
                "place": _place(bar.place),
            }
            for bar in simulation.bars
        ],
        "unguarded": [
            {"start": seconds_json(each.start), "end": seconds_json(each.end), "share": share_json(each.share)}
            for each in simulation.unguarded
        ],
        "endings": [
            {
                "kind": each.kind,
                "phase": each.phase,
                "cause": each.cause,
                "stage": each.stage,
                "share": share_json(each.share),
                "at": _span(each.at),
                "people": each.people,
                "evidence": each.evidence,
                "place": _place(each.place),
                "trace": trace_json(each.trace),
            }
            for each in simulation.endings
        ],
        "gates": [
            {"label": each.label, "evidence": each.evidence, "why": list(each.why), "place": _place(each.place)}
            for each in simulation.gates
        ],
        "detections": [
            {
                "stage": each.stage,
                "share": share_json(each.share),
                "noticed": each.noticed,
                "after": _maybe_times(each.after),
                "exposure": amount_json(each.exposure),
                "by": each.by,
                "latest": each.latest,
            }
            for each in simulation.detections
        ],
        "hangs": [{"words": h.words, "stage": h.stage, "place": _place(h.place)} for h in simulation.hangs],
        "bounds": list(simulation.bounds),
    }


def _json(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    tool = {"name": "rolloutlint", "version": __version__}
    value = {"version": VERSION, "tool": tool, "rollouts": [as_json(each) for each in simulations]}
    return json.dumps(value, indent=2) + "\n"


# ---- Markdown ------------------------------------------------------------------------------------------------


def _markdown(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    head = ["| Rollout | broken version seen by | aborted | exposure | promoted | evidence | needs a person |"]
    head.append("|---|---|---|---|---|---|---|")
    head += [_row(overview(each)) for each in simulations]
    parts = ["\n".join(head) + "\n"] if len(simulations) > 1 else []
    return "\n".join([*parts, *("\n".join(_markdown_of(each)) for each in simulations)])


def overview(simulation: Simulation) -> tuple[str, ...]:
    """Name, share, abort, exposure, promotion, evidence and people of a rollout, in words."""
    lines = {line.key: line.words for line in words.headlines(simulation)}
    return (words.name(simulation.plan), *(lines.get(key, "") for key in _COLUMNS))


_COLUMNS = ("share", "after", "exposure", "promotion", "evidence", "people")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in cells) + " |"


def _stairs(simulation: Simulation) -> Iterator[str]:
    plan = simulation.plan
    yield "| from | to | share | pods | step |"
    yield "|---|---|---|---|---|"
    for row in simulation.rows:
        stage = plan.stages[row.stage]
        pods = words.pods(stage.pods).removesuffix(" pods")
        cells = (words.duration(row.start), words.duration(row.end), words.share(stage.share), pods, words.step(stage))
        yield _row(cells)


def _markdown_of(simulation: Simulation) -> Iterator[str]:
    plan = simulation.plan
    yield f"### Rollout {escaped(words.name(plan))}: {escaped(words.summary(plan))}"
    yield ""
    yield f"**{escaped(words.verdict(simulation))}.**"
    yield ""
    yield "| | |"
    yield "|---|---|"
    for line in words.headlines(simulation):
        why = f" ({escaped('; '.join(line.why))})" if line.why else ""
        yield f"| {escaped(line.label)} | {escaped(line.words)}{why} |"
    yield ""
    if simulation.rows:
        yield f"<details><summary>{len(simulation.rows)} stages</summary>"
        yield ""
        yield from _stairs(simulation)
        yield ""
        yield "</details>"
        yield ""
    yield f"<details><summary>{len(simulation.endings)} ways in which it can end</summary>"
    yield ""
    yield from (f"- {escaped(line)}" for line in words.endings(simulation.endings))
    for title, lines in (
        ("What each gate proves", list(words.gates(simulation.gates))),
        ("Broken from a share on", [words.broken_from(d) for d in simulation.detections]),
        ("Where it can hang", [h.words for h in simulation.hangs]),
        ("What makes figures bounds", list(simulation.bounds)),
        ("Not in the figures", list(plan.notes)),
    ):
        if lines:
            yield ""
            yield f"**{title}**"
            yield ""
            yield from (f"- {escaped(line)}" for line in lines)
    yield ""
    yield "</details>"
    yield ""


def _text(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    from rolloutlint.report.simulation_text import render

    return render(simulations, verbose)


def _svg(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    from rolloutlint.report.simulation_svg import render

    return render(simulations)


def _html(simulations: Sequence[Simulation], verbose: bool = False) -> str:
    from rolloutlint.report.simulation_html import render

    return render(simulations)


FORMATS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"text": _text, "json": _json, "markdown": _markdown, "svg": _svg, "html": _html}
)
"""Format name -> renderer of simulations and whether to be verbose; each answer ends in a newline."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".txt": "text", ".json": "json", ".md": "markdown", ".svg": "svg", ".html": "html", ".htm": "html"}
)
"""Suffix of an output file -> the format it asks for."""
