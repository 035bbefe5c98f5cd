"""`rolloutlint backtest` as one page: the worst analysis first, then all of them, each metric with its plot.

The page loads nothing and has no script: exact figures are titles of the plot, and they stand in tables as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from rolloutlint.backtest.result import AnalysisHistory, Backtest, MetricHistory, Starts
from rolloutlint.report import backtest_words as words
from rolloutlint.report.backtest_plot import DEFS, NAMES, NARROW, WIDE, picture, style
from rolloutlint.report.page import FINDING_STYLE, finding, prose
from rolloutlint.report.simulation_html import STYLE, h, table
from rolloutlint.report.summary import lost_sentences, many, not_looked_at

_STYLE = """\
:root { --good: #00694a; --warn: #8a5a00; }
@media screen and (prefers-color-scheme: dark) { :root { --good: #3fc79a; --warn: #e3b341; } }
#answer { border: 0; padding-bottom: 0; }
td .bad { color: var(--bad); }
h3 { display: flex; flex-wrap: wrap; gap: 0 .8rem; align-items: baseline; font-size: 1.05rem; margin-top: 1.6rem; }
h3 .soft { font-weight: 400; font-size: .85rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; color: var(--soft); font-size: .82rem; margin: 0 0 .6rem; }
.legend svg { width: 1.5rem; height: .75rem; vertical-align: -1px; margin-right: .3rem; }
table.facts { width: auto; }
table.facts td, table.facts th { border: 0; padding: .1rem 1.2rem .1rem 0; }
table.facts tbody th { color: var(--soft); font-weight: 400; }
.share { display: block; height: .55rem; min-width: 2px; margin-top: .3rem; background: var(--bar); }
.lost { border-left: 5px solid var(--bad); padding-left: .7rem; }
pre.query { white-space: pre-wrap; }
@media screen and (max-width: 44rem) { table.facts, table.facts tbody, table.facts tr, table.facts td,
  table.facts th { display: block; } table.facts tr { margin-bottom: .3rem; } figure.narrow { max-width: none; } }
@media print { h3 { break-after: avoid; } .legend { break-before: avoid; } }
"""

_PICTURES = 60
"""So many metrics have a plot; each takes up to 100 kB."""


class _Pictures:
    """Hands out the plots of a page until it would become too large."""

    def __init__(self, backtest: Backtest) -> None:
        self._backtest = backtest
        self._left = _PICTURES

    def of(self, metric: MetricHistory) -> Iterator[str]:
        """The plot of a metric for wide windows and paper, and for narrow windows."""
        if not metric.points:
            return
        if not self._left:
            yield '<p class="soft">The page would become too large with this plot: backtest fewer files.</p>'
            return
        self._left -= 1
        for name, width in (("wide", WIDE), ("narrow", NARROW)):
            drawn = picture(metric, self._backtest.start, self._backtest.end, width)
            if drawn:
                yield f'<figure class="{name}">{drawn}</figure>'
        yield _legend(metric)


def _swatch(shape: str) -> str:
    return f'<svg class="plot" viewBox="0 0 24 12" aria-hidden="true">{shape}</svg>'


def _box(names: str) -> str:
    return f'<rect class="{names}" width="24" height="12"/>'


def _legend(metric: MetricHistory) -> str:
    """What there is to see in a plot."""
    there = {point.outcome for point in metric.points}
    parts = []
    if any(point.value is not None for point in metric.points):
        parts.append((_box("band") + '<path class="value" d="M0 6H24"/>', "values, least to most"))
    if metric.thresholds:
        parts.append(('<path class="threshold" d="M0 6H24"/>', "threshold"))
    if any(point.empty for point in metric.points):
        parts.append((_box("holes"), "no data"))
    for outcome, name in NAMES.items():
        if outcome in there:
            shape = _box(name) + (_box("cross") if outcome == "E" else "")
            parts.append((shape, f"measurement {words.OUTCOMES[outcome]}"))
    shown = "".join(f"<span>{_swatch(shape)}{h(text)}</span>" for shape, text in parts)
    return f'<div class="legend">{shown}</div>'


def _figures(analysis: AnalysisHistory, tolerated: Fraction) -> Iterator[str]:
    """The shares that decide."""
    starts = analysis.starts
    if starts is None or not starts.counted:
        return
    yield '<dl class="figures">'
    if analysis.false_aborts is not None:
        bad = ' class="bad"' if words.too_many(analysis.false_aborts, tolerated) else ""
        yield f"<div{bad}><dt>good versions aborted</dt><dd>{h(words.percent(analysis.false_aborts))}</dd></div>"
    for ending, share in starts.endings:
        if share or ending == "Successful":
            yield f"<div><dt>runs that {h(words.ENDINGS[ending])}</dt><dd>{h(words.percent(share))}</dd></div>"
    yield f"<div><dt>starts that were tried</dt><dd>{words.whole(starts.counted)}</dd></div>"
    yield "</dl>"


def _metric(metric: MetricHistory, backtest: Backtest, pictures: _Pictures) -> Iterator[str]:
    soft = ", ".join(part for part in (words.step(metric), words.place(metric.place)) if part)
    yield f'<h3>{h(metric.metric)} <span class="soft">{h(soft)}</span></h3>'
    if metric.lost:
        yield f'<p class="lost"><strong>Lost: {prose(metric.why)}.</strong></p>'
    yield from pictures.of(metric)
    rows = list(words.facts(metric))
    if rows:
        yield '<table class="facts"><tbody>'
        yield from (f'<tr><th scope="row">{h(row.label)}</th><td>{prose(row.words)}</td></tr>' for row in rows)
        yield "</tbody></table>"
    yield from (f"<p>{prose(note)}</p>" for note in metric.notes)
    if metric.limits:
        limit = words.percent(backtest.tolerated)
        yield f"<details open><summary>What would have aborted no more than {h(limit)}</summary>"
        yield from table(
            ("field", "is", "would have to be", "good versions aborted"),
            ((each.field, each.now, each.wanted, words.percent(each.aborts)) for each in metric.limits),
        )
        yield "</details>"
    yield f"<details{' open' * bool(metric.rewritten)}><summary>The query as it was sent</summary>"
    yield f'<pre class="query">{_lines(metric.query)}</pre>'
    if metric.rewritten:
        yield from table(("selector in the manifest", "as sent"), metric.rewritten)
    yield "</details>"


def _lines(text: str) -> str:
    return "\n".join(h(line) for line in text.strip().splitlines())


def _analysis(analysis: AnalysisHistory, backtest: Backtest, pictures: _Pictures) -> Iterator[str]:
    soft = ", ".join(part for part in (words.use(analysis), words.place(analysis.place)) if part)
    yield f'<p class="soft">{h(soft)}</p>'
    yield f'<p class="verdict">{prose(words.verdict(analysis, backtest.tolerated))}.</p>'
    yield from _figures(analysis, backtest.tolerated)
    for metric in analysis.metrics:
        yield from _metric(metric, backtest, pictures)


def _overview(ranked: Sequence[AnalysisHistory], backtest: Backtest) -> Iterator[str]:
    """All analyses in a table, with a bar for the false aborts of each."""
    largest = max((each.false_aborts or Fraction(0) for each in ranked), default=Fraction(0))
    yield '<section id="all"><h2>All analyses, the worst first</h2>'
    yield '<div class="scroll"><table>'
    heads = ("analysis", "good versions aborted", "runs", "used by")
    yield "<thead><tr>" + "".join(f'<th scope="col">{each}</th>' for each in heads) + "</tr></thead><tbody>"
    for number, analysis in enumerate(ranked, 1):
        aborts = analysis.false_aborts
        if aborts is None:
            rate = f"no rate: {prose(words.why_not(analysis))}"
        else:
            part = float(round(aborts / largest * 100, 1)) if largest else 0.0
            bar = f'<span class="share" style="width:{part:g}%"></span>' if aborts else ""
            bad = ' class="bad"' if words.too_many(aborts, backtest.tolerated) else ""
            rate = f"<strong{bad}>{h(words.percent(aborts))}</strong>{bar}"
        yield (
            f'<tr><th scope="row"><a href="#analysis-{number}">{h(words.title(analysis))}</a></th><td>{rate}</td>'
            f"<td>{h(_runs(analysis.starts))}</td><td>{h(words.use(analysis))}</td></tr>"
        )
    yield "</tbody></table></div></section>"


def _runs(starts: Starts | None) -> str:
    return words.endings(starts) if starts is not None and starts.counted else ""


def _unknown(backtest: Backtest) -> Iterator[str]:
    if backtest.unknown:
        yield '<section id="unknown"><h2>What the server does not know</h2>'
        yield from table(
            ("selector", "", "nearest names", "place"),
            (
                (each.text, words.KINDS[each.what], ", ".join(each.near), words.place(each.place))
                for each in backtest.unknown
            ),
        )
        yield "</section>"


def _findings(backtest: Backtest) -> Iterator[str]:
    active = [each for each in backtest.findings if each.disposition == "active"]
    yield '<section id="findings"><h2>Findings</h2>'
    yield f"<p>{h(words.found(backtest))}.</p>"
    for each in active:
        yield from finding(each)
    yield f"<p>Not looked at: {h(not_looked_at(backtest.incomplete))}.</p>"
    yield from (f'<p class="lost"><strong>{h(each)}</strong></p>' for each in lost_sentences(backtest.incomplete))
    yield "</section>"


def render(backtest: Backtest) -> str:
    """The page."""
    ranked = words.ranked(backtest)
    pictures = _Pictures(backtest)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    out = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">']
    out.append(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    out.append('<meta name="viewport" content="width=device-width, initial-scale=1">')
    out.append("<title>What analyses would have done to a good version</title>")
    out += [f"<style>\n{STYLE}{style()}{FINDING_STYLE}{_STYLE}</style>", "</head>", "<body>"]
    out.append(f'<svg class="plot" width="0" height="0" style="position:absolute" aria-hidden="true">{DEFS}</svg>')
    where = f"<strong>{h(backtest.source)}</strong>, {h(words.window(backtest))}"
    out.append(f"<header>What analyses would have done while nothing was rolled out: {where}</header>")
    out.append("<main>")
    out.append(f'<section id="answer"><h1>{h(words.answer(backtest))}</h1>')
    if lost := sum(metric.lost for analysis in ranked for metric in analysis.metrics):
        out.append(f'<p class="lost"><strong>{many(lost, "metric")} could not be asked for.</strong></p>')
    out.append("</section>")
    for number, analysis in enumerate(ranked, 1):
        out.append(f'<section class="analysis" id="analysis-{number}">')
        out.append(f"<h2>{h(words.title(analysis))}</h2>")
        out += list(_analysis(analysis, backtest, pictures))
        out.append("</section>")
        if number == 1 and len(ranked) > 1:
            out += list(_overview(ranked, backtest))
    out += list(_unknown(backtest))
    out += list(_findings(backtest))
    out += ["</main>", f"<footer><p>{_NOTE} rolloutlint {h(backtest.tool_version)}</p></footer>", "</body>", "</html>"]
    return "\n".join(out) + "\n"


_NOTE = (
    "Each run is tried from every start in the window, with the values that Prometheus has for it. No version was "
    "broken, as far as anybody knows: whatever aborts is a false alarm. Nothing was written."
)
