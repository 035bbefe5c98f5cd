"""`rolloutlint simulate` as one page: the worst rollout first, then all of them, each with staircase and figures.

The page loads nothing and works without its script, which only shows exact values where the pointer is; a browser
without it shows them as titles, and they all stand in tables as well.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from rolloutlint import __version__
from rolloutlint.report import simulation_words as words
from rolloutlint.report.simulation import overview
from rolloutlint.report.simulation_layout import NARROW, WIDE, layout
from rolloutlint.report.simulation_svg import DEFS, picture, style
from rolloutlint.report.visible import visible
from rolloutlint.simulate.result import Event, Simulation

STYLE = """\
:root {
  color-scheme: light dark; --ink: #1f2328; --soft: #57606a; --line: #d8dee4; --paper: #ffffff; --card: #f6f8fa;
  --link: #0550ae; --bad: #b34700; --bar: #d55e00; --mark: #0072b2;
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif;
}
main, header, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 1.1rem; color: var(--soft); font-size: .85rem; }
header strong { color: var(--ink); }
footer { color: var(--soft); font-size: .85rem; padding-bottom: 2rem; }
section { padding: 1.2rem 0 1.6rem; border-bottom: 1px solid var(--line); }
h1 { margin: .2rem 0 .5rem; font-size: 1.75rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { margin: 0 0 .1rem; font-size: 1.25rem; }
h3 { margin: 1.2rem 0 .3rem; font-size: .95rem; }
a { color: var(--link); }
p { margin: .2rem 0 .8rem; }
.soft { color: var(--soft); }
.verdict { font-size: 1.05rem; margin-bottom: .6rem; }
dl.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: .8rem 0; }
dl.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .5rem .8rem; }
dl.figures div.bad { border-left: 5px solid var(--bar); }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-weight: 600; font-size: 1.02rem; line-height: 1.3; }
dd[title] { text-decoration: underline dotted; text-underline-offset: 3px; cursor: help; }
figure { margin: .4rem 0; }
figure svg { display: block; width: 100%; height: auto; }
figure.narrow { display: none; }
.hot { cursor: default; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
table { overflow-wrap: break-word; }
tbody th { color: var(--ink); min-width: 7rem; overflow-wrap: anywhere; }
td.figure { white-space: nowrap; }
.scroll { overflow-x: auto; }
.exposure { display: block; height: .55rem; min-width: 2px; margin-top: .3rem; background: var(--bar); }
.exposure.open { background: repeating-linear-gradient(45deg, var(--bar) 0 4px, transparent 4px 7px); }
details { margin: .6rem 0; }
summary { cursor: pointer; font-weight: 600; font-size: .95rem; padding: .2rem 0; }
ul, ol { margin: .3rem 0 .6rem; padding-left: 1.3rem; }
ol.trace { list-style: none; padding-left: .2rem; font-size: .88rem; }
ol.trace span { display: inline-block; min-width: 4.2rem; color: var(--soft); }
#tip {
  position: fixed; z-index: 9; max-width: 22rem; padding: .45rem .7rem; border-radius: 6px; pointer-events: none;
  background: #1f2328; color: #f6f8fa; font-size: .82rem; line-height: 1.4; box-shadow: 0 3px 12px #0005;
}
#tip div:first-child { font-weight: 600; }
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ink: #e6edf3; --soft: #9da7b1; --line: #30363d; --paper: #0d1117; --card: #161b22; --link: #79c0ff;
    --bad: #ff9d5c; --bar: #f0803c; --mark: #56b4e9;
  }
  #tip { background: #e6edf3; color: #0d1117; }
}
@media screen and (max-width: 44rem) {
  main, header, footer { padding: 0 .9rem; }
  header { padding-top: .8rem; }
  h1 { font-size: 1.35rem; }
  dl.figures { grid-template-columns: 1fr 1fr; }
  figure.wide { display: none; }
  figure.narrow { display: block; max-width: 34rem; margin: .4rem auto; }
}
@page { size: A4; margin: 14mm 13mm; }
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding: 0; }
  section.rollout { break-before: page; border: 0; }
  dl.figures { grid-template-columns: repeat(3, 1fr); }
  table, ol.trace { font-size: 8.5pt; }
  figure, tr, li, dl { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
  #tip { display: none; }
}
"""

_SCRIPT = """\
(function () {
  var tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.appendChild(tip);
  function place(event) {
    var x = event.clientX + 14, y = event.clientY + 16;
    tip.style.left = Math.max(4, Math.min(x, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = (y + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : y) + "px";
  }
  document.querySelectorAll(".hot").forEach(function (part) {
    var title = part.querySelector("title");
    if (!title) return;
    var lines = title.textContent.split("\\n");
    title.remove();
    part.addEventListener("pointerenter", function (event) {
      tip.replaceChildren.apply(tip, lines.map(function (line) {
        var row = document.createElement("div");
        row.textContent = line;
        return row;
      }));
      tip.hidden = false;
      place(event);
    });
    part.addEventListener("pointermove", place);
    part.addEventListener("pointerleave", function () { tip.hidden = true; });
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (each) { each.open = true; });
  });
})();
"""
"""The page's policy names this text by its hash, so that nothing else can run."""


def h(text: str) -> str:
    """`text` as content; a number stays on one line with its percent sign."""
    return html.escape(visible(text)).replace(" %", "\u00a0%")


def figures(simulation: Simulation) -> Iterator[str]:
    """The figures that decide; a title tells why one is a bound."""
    yield '<dl class="figures">'
    for line in words.headlines(simulation):
        bad = ' class="bad"' if line.key == "exposure" else ""
        why = f' title="{h("because " + "; ".join(line.why))}"' if line.why else ""
        yield f"<div{bad}><dt>{h(line.label)}</dt><dd{why}>{h(line.words)}</dd></div>"
    yield "</dl>"


def pictures(simulation: Simulation) -> Iterator[str]:
    """The staircase for wide windows and paper, and for narrow windows."""
    for name, width in (("wide", WIDE), ("narrow", NARROW)):
        yield f'<figure class="{name}">'
        yield picture(layout(simulation, width, heading=False))
        yield "</figure>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of texts; the first column of it names the row."""
    yield '<div class="scroll"><table>'
    yield "<thead><tr>" + "".join(f'<th scope="col">{h(each)}</th>' for each in headings) + "</tr></thead>"
    yield "<tbody>"
    for first, *rest in rows:
        yield f'<tr><th scope="row">{h(first)}</th>' + "".join(f"<td>{h(each)}</td>" for each in rest) + "</tr>"
    yield "</tbody>"
    yield "</table></div>"


def _overview(simulations: Sequence[Simulation]) -> Iterator[str]:
    """All rollouts in a table, with a bar for the exposure of each."""
    largest = max((_most(each)[0] for each in simulations), default=Fraction(0))
    yield "<h2>All rollouts, by what a broken version costs</h2>"
    yield '<div class="scroll"><table>'
    heads = ("rollout", "exposure", "seen by", "aborted", "promoted", "evidence", "needs a person")
    yield "<thead><tr>" + "".join(f'<th scope="col">{each}</th>' for each in heads) + "</tr></thead>"
    yield "<tbody>"
    for number, simulation in enumerate(simulations, 1):
        name, share, aborted, exposure, promoted, evidence, people = overview(simulation)
        most, is_open = _most(simulation)
        part = float(round(most / largest * 100, 1)) if largest else 0
        bar = f'<span class="exposure{" open" * is_open}" style="width:{part:g}%"></span>' if most or is_open else ""
        cells = "".join(f"<td>{h(each)}</td>" for each in (share, aborted, promoted, evidence, people))
        yield (
            f'<tr><th scope="row"><a href="#rollout-{number}">{h(name)}</a></th>'
            f'<td class="figure">{h(exposure)}{bar}</td>{cells}</tr>'
        )
    yield "</tbody>"
    yield "</table></div>"


def _most(simulation: Simulation) -> tuple[Fraction, bool]:
    """The exposure to draw, and whether it is open upwards."""
    if simulation.broken is None:
        return Fraction(0), False
    exposure = simulation.broken.exposure
    return Fraction(exposure.upper), exposure.most is None


def _rollout(simulation: Simulation, *, pictured: bool) -> Iterator[str]:
    """One rollout: verdict, figures and picture (unless they stand above already), and everything in tables."""
    plan = simulation.plan
    yield f"<h2>{h(words.name(plan))}</h2>"
    yield f'<p class="soft">{h(words.summary(plan))}; {h(plan.place.document.source)}</p>'
    if pictured:
        yield f'<p class="verdict">{h(words.verdict(simulation))}.</p>'
        yield from figures(simulation)
        yield from pictures(simulation)
    yield "<details open><summary>How it can end</summary>"
    yield "<ul>"
    yield from (f"<li>{h(line)}</li>" for line in words.endings(simulation.endings))
    yield "</ul></details>"
    if simulation.detections:
        yield "<details open><summary>A version that breaks from a share on</summary>"
        yield from table(
            ("share", "aborted", "exposure from then on"),
            (
                (words.share(d.share), words.detection(d), "" if d.exposure is None else words.exposure(d.exposure))
                for d in simulation.detections
            ),
        )
        yield "</details>"
    if simulation.rows:
        yield "<details><summary>Every stage in figures</summary>"
        yield from table(("stage", "from", "to", "share", "pods"), _stages(simulation))
        yield "</details>"
    if simulation.bars or simulation.unguarded:
        yield "<details><summary>What measures it, and when nothing does</summary>"
        yield from table(("metric", "of", "from", "to", "measures", "guards"), _bars(simulation))
        yield "</details>"
    if simulation.broken is not None and simulation.broken.trace:
        yield "<details><summary>A broken version, step by step</summary>"
        yield from _trace(simulation.broken.trace)
        yield "</details>"
    for title, lines in (
        ("What each gate proves at least", list(words.gates(simulation.gates))),
        ("Where it can hang", [hang.words for hang in simulation.hangs]),
        ("Why figures are bounds", list(simulation.bounds)),
        ("Not in the figures", list(plan.notes)),
    ):
        if lines:
            yield f"<details open><summary>{title}</summary><ul>"
            yield from (f"<li>{h(line)}</li>" for line in lines)
            yield "</ul></details>"


def _stages(simulation: Simulation) -> Iterator[Sequence[str]]:
    for row in simulation.rows:
        stage = simulation.plan.stages[row.stage]
        start, end = words.duration(row.start), words.duration(row.end)
        yield words.step(stage), start, end, words.share(stage.share), words.pods(stage.pods)


def _bars(simulation: Simulation) -> Iterator[Sequence[str]]:
    for bar in simulation.bars:
        start, end = words.time(bar.start), words.time(bar.end)
        yield bar.label, bar.run, start, end, words.bar_words(bar), words.guards(bar)
    for each in simulation.unguarded:
        start, end = words.time(each.start), words.time(each.end)
        yield "unguarded", "", start, end, "", f"nothing at {words.share(each.share)}"


def _trace(events: Sequence[Event]) -> Iterator[str]:
    yield '<ol class="trace">'
    yield from (f"<li><span>{h(words.time(each.at))}</span> {h(each.words)}</li>" for each in events)
    yield "</ol>"


def render(simulations: Sequence[Simulation]) -> str:
    """The page. The first simulation is taken for the worst."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    out = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">']
    out.append(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    out.append('<meta name="viewport" content="width=device-width, initial-scale=1">')
    out.append("<title>What a broken version would do</title>")
    out += [f"<style>\n{STYLE}{style()}</style>", "</head>", "<body>"]
    out.append(f'<svg width="0" height="0" style="position:absolute" aria-hidden="true">{DEFS}</svg>')
    out += list(_top(simulations))
    for number, simulation in enumerate(simulations, 1):
        out.append(f'<section class="rollout" id="rollout-{number}">')
        out += list(_rollout(simulation, pictured=number > 1))
        out.append("</section>")
    out.append("</main>")
    out.append(f"<footer><p>{_NOTE} rolloutlint {h(__version__)}</p></footer>")
    out += [f"<script>{_SCRIPT}</script>", "</body>", "</html>"]
    return "\n".join(out) + "\n"


_NOTE = (
    "Times leave out what no manifest says: scheduling, image pulls, readiness and how long queries take. A broken "
    "version is one that fails every measurement; its exposure is its share of the traffic added up over time."
)


def _top(simulations: Sequence[Simulation]) -> Iterator[str]:
    """The first screen: the answer for the worst rollout, then the list of all."""
    number = len(simulations)
    count = "no Rollout" if not number else "1 Rollout" if number == 1 else f"{number} Rollouts, the worst first"
    yield f"<header>What a broken version would do: <strong>{count}</strong></header>"
    yield "<main>"
    if not simulations:
        yield "<section><h1>No Rollout to show</h1></section>"
        return
    worst = simulations[0]
    yield '<section id="worst">'
    yield f"<h1>{h(words.name(worst.plan))}</h1>"
    yield f'<p class="verdict">{h(words.verdict(worst))}.</p>'
    yield from figures(worst)
    yield from pictures(worst)
    yield "</section>"
    if number > 1:
        yield '<section id="all">'
        yield from _overview(simulations)
        yield "</section>"
