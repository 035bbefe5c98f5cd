"""`rolloutlint apply-plan` as one page: the decision, each sync in its order, and how each Rollout that starts goes.

The page loads nothing and has no script; what is folded opens with a click, and on paper it is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rolloutlint.change.result import ApplicationPlan, FieldChange, Mode, Stage, SyncPlan, Task
from rolloutlint.finding import SEVERITIES
from rolloutlint.report import plan_words as words
from rolloutlint.report import simulation_words
from rolloutlint.report.page import FINDING_STYLE, finding, prose
from rolloutlint.report.simulation_html import STYLE, figures, h, pictures
from rolloutlint.report.simulation_svg import DEFS, style
from rolloutlint.report.summary import lost_sentences, many, not_looked_at

_STYLE = """\
:root { --good: #00694a; --warn: #8a5a00; }
@media screen and (prefers-color-scheme: dark) { :root { --good: #3fc79a; --warn: #e3b341; } }
h1 .word { border: 2px solid currentColor; border-radius: 8px; padding: 0 .45rem; margin-right: .3rem; }
.allow .word { color: var(--good); }
.review .word { color: var(--warn); }
.block .word { color: var(--bad); }
ol.stages { list-style: none; padding: 0; margin: .6rem 0; }
ol.stages > li { border-left: 4px solid var(--line); padding: .1rem 0 .5rem 1rem; margin: 0 0 .5rem; }
ol.stages > li.held { border-left-style: dashed; border-left-color: var(--warn); }
.when { color: var(--soft); font-size: .85rem; font-weight: 400; padding-left: .5rem; }
ul.tasks { list-style: none; padding: 0; margin: .3rem 0; }
ul.tasks > li { padding: .15rem 0 .15rem 1.6rem; position: relative; }
ul.tasks > li > .sign { position: absolute; left: 0; font: 700 1em/1.5 ui-monospace, Menlo, Consolas, monospace; }
.create > .sign, .hook > .sign { color: var(--good); }
.update > .sign { color: var(--warn); }
.prune > .sign, .ignore > .sign { color: var(--bad); }
.said { color: var(--soft); padding-left: .5rem; }
.starts { font-weight: 600; color: var(--ink); padding-left: .5rem; }
table.fields { width: auto; margin: .15rem 0 .3rem; font-size: .86rem; }
table.fields td { border: 0; padding: .1rem 1.2rem .1rem 0; overflow-wrap: anywhere; }
.note { color: var(--soft); font-size: .88rem; margin: .1rem 0; }
.wait { border-left: 3px solid var(--mark); padding-left: .7rem; margin: .3rem 0; font-size: .92rem; }
@media screen and (max-width: 44rem) {
  table.fields, table.fields tbody, table.fields tr, table.fields td { display: block; }
  table.fields td:last-child { padding-left: 1rem; }
}
@media print { section.rollout { break-before: auto; } ol.stages > li { break-inside: avoid; } }
"""


_PICTURES = 100
"""So many Rollouts have a picture; each takes about 25 kB."""


class _Page(NamedTuple):
    """What every part of a page may ask for."""

    mode: Mode
    anchors: Mapping[int, str]
    """Identity of a task -> anchor of its picture."""


def _fields(changes: Sequence[FieldChange]) -> Iterator[str]:
    if changes:
        yield '<table class="fields"><tbody>'
        for change in changes:
            whole = h(words.field(change, 2000))
            yield f"<tr><td><code>{h(change.path)}</code></td><td><code>{whole}</code></td></tr>"
        yield "</tbody></table>"


def _task(task: Task, page: _Page) -> Iterator[str]:
    rollout = task.rollout
    sign = f'<span class="sign">{h(words.SIGNS[task.action])}</span>'
    yield f'<li class="{task.action}">{sign}<code>{h(words.named(task.resource))}</code>'
    if rollout is None:
        yield f'<span class="said">{h(words.ACTIONS[task.action][0])}</span>'
        yield from _fields(task.changes)
    else:
        kind = "starts" if words.CLASSES[rollout.classification].starts else "said"
        yield f'<span class="{kind}">{prose(words.classed(rollout, page.mode))}</span>'
        yield from _fields([*rollout.reasons, *(each for each in task.changes if each not in rollout.reasons)])
        consequence = words.consequence(rollout)
        link = f' <a href="#{page.anchors[id(task)]}">how it goes</a>' if id(task) in page.anchors else ""
        lines = [prose(text) for text in (consequence, words.goes(rollout)) if text]
        yield from (f"<div>{line}{link * (line is lines[-1])}</div>" for line in lines)
        yield from (f'<p class="note">{prose(note)}</p>' for note in rollout.notes)
    yield from (f'<p class="note">{prose(note)}</p>' for note in task.notes)
    yield "</li>"


def _stage(number: int, stage: Stage, page: _Page) -> Iterator[str]:
    held = ' class="held"' if stage.behind_person else ""
    when = f'<span class="when">{h(words.starts_at(stage))}</span>'
    yield f"<li{held}><strong>{number}. {h(words.stage(stage))}</strong>{when}"
    yield '<ul class="tasks">'
    tasks = [task for group in stage.groups for task in group]
    for task in tasks:
        if not words.folded(task):
            yield from _task(task, page)
    yield "</ul>"
    unchanged = [task for task in tasks if words.folded(task)]
    if unchanged:
        yield f"<details><summary>{many(len(unchanged), 'object')} unchanged</summary><ul>"
        for task in unchanged:
            notes = f": {'; '.join(map(prose, task.notes))}" if task.notes else ""
            yield f"<li><code>{h(words.named(task.resource))}</code>{notes}</li>"
        yield "</ul></details>"
    yield from (f'<div class="wait">waits for {prose(words.waits(wait))}</div>' for wait in stage.waits)
    yield "</li>"


def _application(application: ApplicationPlan, page: _Page) -> Iterator[str]:
    yield "<section>"
    yield f"<h2>{h(words.title(application))}</h2>"
    soft = [", ".join(application.policy)] * bool(application.policy)
    soft += [f"starts by itself: {'; '.join(application.starts)}"] * bool(application.starts)
    soft += [f"does not start by itself: {'; '.join(application.obstacles)}"] * bool(application.obstacles)
    yield from (f'<p class="soft">{prose(line)}</p>' for line in soft)
    yield '<ol class="stages">'
    for number, stage in enumerate(application.stages, 1):
        yield from _stage(number, stage, page)
    yield "</ol>"
    if application.effects:
        yield "<h3>What becomes of fields that controllers write</h3><ul>"
        for effect in words.effects(application):
            who = " ".join(f"<code>{h(part)}</code>" for part in (words.named(effect.resource), effect.path) if part)
            yield f"<li><strong>{h(words.FATES[effect.fate])}</strong> {who}: {prose(effect.words)}</li>"
        yield "</ul>"
    yield from (f'<p class="note">{prose(note)}</p>' for note in application.notes)
    yield "</section>"


def _rollout(start: words.Start, page: _Page) -> Iterator[str]:
    """How a Rollout that starts goes: the figures and the staircase of `rolloutlint simulate`."""
    simulation = start.change.simulation
    if simulation is None:
        return
    yield f'<section class="rollout" id="{page.anchors[id(start.task)]}">'
    yield f"<h2>{h(words.named(start.task.resource))}</h2>"
    said = f"{words.classed(start.change, page.mode)}; {simulation_words.summary(simulation.plan)}"
    yield f'<p class="soft">{prose(said)}</p>'
    yield f'<p class="verdict">{h(words.broken(start.change))}.</p>'
    yield from figures(simulation)
    yield from pictures(simulation)
    yield "</section>"


def _findings(plan: SyncPlan) -> Iterator[str]:
    yield "<section><h2>Findings</h2>"
    yield f"<p>{h(words.findings(plan))}.</p>"
    for found in sorted(plan.introduced, key=lambda each: SEVERITIES.index(each.severity)):
        if found.disposition == "active":
            yield from finding(found)
    for title, some in (("Fixed", plan.fixed), ("Unchanged", plan.unchanged)):
        if some:
            yield f"<details><summary>{title}: {len(some)}</summary><ul>"
            for each in some:
                place = f"{each.file}:{each.span.line}" if each.file else "workspace"
                yield f"<li>{h(each.finding.rule)} <code>{h(place)}</code> {prose(each.finding.message)}</li>"
            yield "</ul></details>"
    yield f"<p>Not looked at: {h(not_looked_at(plan.incomplete))}.</p>"
    yield from (f"<p><strong>{h(sentence)}</strong></p>" for sentence in lost_sentences(plan.incomplete))
    yield "</section>"


def _top(plan: SyncPlan) -> Iterator[str]:
    """The first screen: the decision, the three sentences behind it, and every reason."""
    previous, desired = (f"<strong>{h(each)}</strong>" for each in (plan.previous, plan.desired))
    yield f"<header>Plan of a sync from {previous} to {desired}</header>"
    yield "<main>"
    yield f'<section id="decision" class="{plan.verdict}">'
    yield f'<h1><span class="word">{words.VERDICTS[plan.verdict]}</span> {h(_keys(plan))}</h1>'
    yield f'<p class="verdict">{prose(words.what(plan))}.</p>'
    yield f"<p>{prose(words.how_long(plan))}.</p>"
    risk = words.risk(plan, reasons=False)
    if risk:
        yield f"<p>{prose(risk)}.</p>"
    if plan.reasons:
        yield "<ul>"
        for each in plan.reasons:
            yield f"<li><strong>{each.verdict}</strong> {prose(words.reason(each))}</li>"
        yield "</ul>"
    yield "</section>"


def _keys(plan: SyncPlan) -> str:
    return words.listed(list(dict.fromkeys(each.key for each in plan.reasons if each.key)))


def render(plan: SyncPlan) -> str:
    """The page."""
    shown = [start for start in words.starting(plan) if start.change.simulation is not None]
    page = _Page(plan.mode, {id(start.task): f"rollout-{number}" for number, start in enumerate(shown[:_PICTURES], 1)})
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    out = ["<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">']
    out.append(f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    out.append('<meta name="viewport" content="width=device-width, initial-scale=1">')
    out.append(f"<title>{words.VERDICTS[plan.verdict]}: plan of a sync</title>")
    out += [f"<style>\n{STYLE}{style()}{FINDING_STYLE}{_STYLE}</style>", "</head>", "<body>"]
    out.append(f'<svg width="0" height="0" style="position:absolute" aria-hidden="true">{DEFS}</svg>')
    out += list(_top(plan))
    quiet = []
    for application in plan.applications:
        if words.changes(application):
            out += list(_application(application, page))
        else:
            quiet.append(str(application.application or "everything"))
    if quiet:
        out.append(f"<section><p>Nothing changes in {h(words.listed(quiet))}.</p></section>")
    for start in shown[:_PICTURES]:
        out += list(_rollout(start, page))
    if len(shown) > _PICTURES:
        left = many(len(shown) - _PICTURES, "more Rollout")
        out.append(
            f"<section><p>{left} would make the page too large: see <code>rolloutlint simulate</code>.</p></section>"
        )
    out += list(_findings(plan))
    out += ["</main>", f"<footer><p>{_NOTE} rolloutlint {h(plan.tool_version)}</p></footer>", "</body>", "</html>"]
    return "\n".join(out) + "\n"


_NOTE = (
    "Nothing was applied. Times are the least that manifests say: scheduling, image pulls, readiness and how long "
    "queries take are in none of them."
)
