"""`rolloutlint backtest` for a terminal: the worst analysis first, its metrics below it, the answer in the last line.

Colour only adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rolloutlint.backtest.result import AnalysisHistory, Backtest, MetricHistory
from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.report import Options
from rolloutlint.report import backtest_words as words
from rolloutlint.report.summary import REASONS, lost_sentences, not_looked_at
from rolloutlint.report.text import BOLD, DIM, HUES, aside, findings_lines, paint, wrapped
from rolloutlint.report.visible import cell_width, no_command, visible

_INDENT = "     "
_LABEL = 11
_RIBBON = 72
_LETTERS: Mapping[Outcome, tuple[str, str]] = {"F": ("F", "f"), "E": ("E", "e"), "I": ("I", "i")}
"""Outcome -> how the ribbon shows it where half of the measurements or more have it, and where fewer."""
_GREEN = "\x1b[32m"

_KEY = ". passes, f some fail, F half or more, e and E errors, i and I inconclusive"


def _ribbon(metric: MetricHistory, backtest: Backtest) -> str:
    """What measurements gave along the window: one letter for each part, the most frequent of what does not pass."""
    shown = []
    for part in words.bins(metric.points, backtest.start, backtest.end, _RIBBON):
        bad = [outcome for outcome in _LETTERS if part.counts.get(outcome)]
        if not part.points:
            shown.append(" ")
        elif not bad:
            shown.append(".")
        else:
            worst = max(bad, key=lambda outcome: part.counts[outcome])
            many, few = _LETTERS[worst]
            shown.append(many if 2 * sum(part.counts[outcome] for outcome in bad) >= part.points else few)
    return "".join(shown)


def _labelled(label: str, text: str, options: Options) -> list[str]:
    """`text` behind a label, wrapped below itself; a number stays on one line with its percent sign."""
    kept = visible(text).replace(" %", "\u00a0%")
    lines = wrapped(kept, options, _INDENT + " " * _LABEL, f"{_INDENT}{label:<{_LABEL}}")
    return [line.replace("\u00a0", " ") for line in lines]


def _metric(metric: MetricHistory, backtest: Backtest, options: Options) -> Iterator[str]:
    left = "  ".join(part for part in (f"   {visible(metric.metric)}", words.step(metric)) if part)
    line = aside(left, visible(words.place(metric.place)), options)
    yield no_command(paint(left, BOLD, options) + line[len(left) :])
    if metric.lost:
        for each in _labelled("lost", metric.why, options):
            yield paint(each, HUES["error"], options)
    for number, row in enumerate(words.facts(metric)):
        if not (metric.lost and row.label == "no rate"):
            yield from _labelled(row.label, row.words, options)
        if not number and metric.points and (not options.width or options.width >= _RIBBON + 20):
            yield f"{_INDENT}{'over time':<{_LABEL}}|{_ribbon(metric, backtest)}|"
    for limit in metric.limits:
        said = f"{limit.field} {limit.now} -> {limit.wanted}: {words.percent(limit.aborts)} aborted"
        yield from _labelled("enough", said, options)
    for written, sent in metric.rewritten:
        yield from _labelled("as stable", f"{written} -> {sent}", options)
    for note in metric.notes:
        yield from _labelled("note", note, options)
    if options.verbose:
        yield from _labelled("query", " ".join(metric.query.split()), options)
        for bad in words.bad_stretches(metric.points)[:_STRETCHES]:
            said = f"{words.OUTCOMES[bad.outcome]}, {words.times(bad.measurements)}"
            yield from _labelled("", f"{words.span(bad.start, bad.end)}  {said}", options)
    yield ""


_STRETCHES = 100
"""So many stretches that do not pass are listed."""


def _analysis(analysis: AnalysisHistory, backtest: Backtest, options: Options) -> Iterator[str]:
    left = visible(words.title(analysis))
    right = visible(words.use(analysis))
    line = f"{left}   {right}".rstrip()
    if options.width and cell_width(line) > options.width:
        yield no_command(paint(left, BOLD, options))
        yield no_command(f"   {right}")
    else:
        yield no_command(paint(left, BOLD, options) + line[len(left) :])
    bad = words.too_many(analysis.false_aborts, backtest.tolerated)
    hue = HUES["warning"] if bad else ""
    said = f"{words.verdict(analysis, backtest.tolerated)}."
    yield from (paint(each, hue, options) for each in wrapped(visible(said), options, "   "))
    if analysis.starts is not None and analysis.starts.counted and len(analysis.metrics) > 1:
        yield from wrapped(f"Of its runs {words.endings(analysis.starts)}.", options, "   ")
    yield ""
    for metric in analysis.metrics:
        yield from _metric(metric, backtest, options)


def _unknown(backtest: Backtest, options: Options) -> Iterator[str]:
    if not backtest.unknown:
        return
    yield paint("What the server does not know", BOLD, options)
    for each in backtest.unknown:
        left = f"   {visible(each.text)}   {visible(words.selector(each))}"
        yield no_command(aside(left, visible(words.place(each.place)), options))
    yield ""


def render(backtest: Backtest, options: Options) -> str:
    """The backtest; the answer stands in its last line."""
    out = wrapped(visible(f"Backtest on {backtest.source} over {words.window(backtest)}"), options, "")
    out.append("")
    ranked = words.ranked(backtest)
    for analysis in ranked:
        out += list(_analysis(analysis, backtest, options))
    out += list(_unknown(backtest, options))
    out += findings_lines(backtest.findings, options)
    if any(metric.points for analysis in ranked for metric in analysis.metrics):
        out += [paint(line, DIM, options) for line in wrapped(f"Over time: {_KEY}.", options, "")]
    if options.verbose:
        for left in backtest.incomplete:
            said = f"Not looked at: {left.source} ({REASONS[left.reason][0]}): {left.message}"
            out += wrapped(visible(said), options, "")
    unseen = f"{words.found(backtest)}. Not looked at: {not_looked_at(backtest.incomplete)}."
    out += wrapped(visible(unseen), options, "")
    for sentence in lost_sentences(backtest.incomplete):
        out += [paint(line, HUES["error"], options) for line in wrapped(visible(sentence), options, "")]
    bad = any(words.too_many(each.false_aborts, backtest.tolerated) for each in ranked)
    hue = BOLD + (HUES["warning"] if bad else "")
    out += [paint(line, hue, options) for line in wrapped(f"{words.answer(backtest)}.", options, "")]
    return "\n".join(out) + "\n"
