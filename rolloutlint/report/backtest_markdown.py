"""`rolloutlint backtest` as Markdown: the answer, a table of the analyses, then what is known of each metric, folded.

GitHub refuses comments above 65,536 characters; what has no room is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rolloutlint.backtest.result import AnalysisHistory, Backtest, MetricHistory
from rolloutlint.report import backtest_words as words
from rolloutlint.report.markdown import by_file, code, escaped, folded, prose
from rolloutlint.report.summary import lost_sentences, many, not_looked_at

MAX_CHARACTERS = 65_000
"""A little less than GitHub takes, for what a workflow may add."""
_RESERVED = 1_000
_ROWS = 100
"""Analyses in the table, and selectors in theirs."""
_SENTENCE = 600


def _short(text: str) -> str:
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE - 3]}..."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _overview(ranked: Sequence[AnalysisHistory], backtest: Backtest) -> Iterator[str]:
    yield _row(("analysis", "good versions aborted", "runs", "used by"))
    yield "|---|---|---|---|"
    for analysis in ranked[:_ROWS]:
        if analysis.false_aborts is None:
            rate = f"no rate: {prose(_short(words.why_not(analysis)))}"
        else:
            rate = escaped(words.percent(analysis.false_aborts))
            rate = f"**{rate}**" if words.too_many(analysis.false_aborts, backtest.tolerated) else rate
        starts = analysis.starts
        runs = words.endings(starts) if starts is not None and starts.counted else ""
        yield _row((code(words.title(analysis)), rate, escaped(runs), escaped(words.use(analysis))))
    if len(ranked) > _ROWS:
        yield _row((f"{len(ranked) - _ROWS} more", "", "", ""))


def _metric(metric: MetricHistory) -> Iterator[str]:
    step = words.step(metric)
    yield f"**{code(metric.metric)}**{f' {escaped(step)}' if step else ''} ({code(words.place(metric.place))})"
    yield ""
    if metric.lost:
        yield f"- **Lost: {prose(_short(metric.why))}**"
    for row in words.facts(metric):
        if not (metric.lost and row.label == "no rate"):
            yield f"- {row.label}: {prose(_short(row.words))}"
    for limit in metric.limits:
        change = f"{code(limit.field)} {code(limit.now)} to {code(limit.wanted)}"
        yield f"- would be enough: {change} ({escaped(words.percent(limit.aborts))} aborted)"
    yield from (f"- as stable: {code(written)} to {code(sent)}" for written, sent in metric.rewritten)
    yield from (f"- {prose(_short(note))}" for note in metric.notes)
    yield ""


def _analysis(analysis: AnalysisHistory, backtest: Backtest) -> list[str]:
    head = f"{code(words.title(analysis))}: {prose(_short(words.verdict(analysis, backtest.tolerated)))}"
    out = [f"<details><summary>{head}</summary>", ""]
    for metric in analysis.metrics:
        out += list(_metric(metric))
    return [*out, "</details>", ""]


def _unknown(backtest: Backtest) -> list[str]:
    if not backtest.unknown:
        return []
    head = f"<details><summary>{many(len(backtest.unknown), 'selector')} that the server does not know</summary>"
    rows = [
        _row(
            (
                code(each.text),
                words.KINDS[each.what],
                ", ".join(map(code, each.near)),
                code(words.place(each.place)),
            )
        )
        for each in backtest.unknown[:_ROWS]
    ]
    if len(backtest.unknown) > _ROWS:
        rows.append(_row((f"{len(backtest.unknown) - _ROWS} more", "", "", "")))
    return [
        head,
        "",
        _row(("selector", "", "nearest names", "place")),
        "|---|---|---|---|",
        *rows,
        "",
        "</details>",
        "",
    ]


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def render(backtest: Backtest) -> str:
    """The page, below the size that GitHub accepts."""
    ranked = words.ranked(backtest)
    out = [f"### rolloutlint backtest: {escaped(words.answer(backtest))}", ""]
    out += [f"On {code(_short(backtest.source))} over {escaped(words.window(backtest))}.", ""]
    out += [f"**{escaped(_short(sentence))}**  " for sentence in lost_sentences(backtest.incomplete)[:_ROWS]]
    out += [""] * any(each.lost for each in backtest.incomplete)
    unseen = _short(not_looked_at(backtest.incomplete))
    foot = [f"{words.found(backtest)}. Not looked at: {escaped(unseen)}. Nothing was written."]
    active = [found for found in backtest.findings if found.disposition == "active"]
    blocks = [[*_overview(ranked, backtest), ""]] * bool(ranked)
    blocks += [[*folded(file, found), ""] for file, found in by_file(active).items()]
    blocks += [_unknown(backtest), *(_analysis(analysis, backtest) for analysis in ranked)]
    room = MAX_CHARACTERS - _RESERVED - _size(foot) - _size(out)
    left = 0
    for block in blocks:
        if _size(block) > room:
            left += 1
        else:
            room -= _size(block)
            out += block
    if left:
        out += [f"{many(left, 'more part')}: no room here, see the log.", ""]
    return "\n".join([*out, *foot]) + "\n"
