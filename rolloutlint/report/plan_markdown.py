"""`rolloutlint apply-plan` as a pull-request comment: what decides in three lines, then a folded table, then findings.

The first line is a mark that Markdown hides: by it a workflow finds its own comment and updates it. GitHub refuses
bodies above 65,536 characters; what has no room is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rolloutlint.change.result import ApplicationPlan, FieldChange, Mode, SyncPlan, Task
from rolloutlint.finding import SettledFinding
from rolloutlint.report import Options
from rolloutlint.report import plan_words as words
from rolloutlint.report.markdown import by_file, code, escaped, folded, prose
from rolloutlint.report.summary import lost_sentences, many, not_looked_at

MAX_CHARACTERS = 65_000
"""A little less than GitHub takes, for what a workflow may add."""

_FIELDS = 4
_REASONS = 10
_SENTENCE = 400
"""Characters of one sentence at most: names have up to 253."""
_ICONS = {"allow": "white_check_mark", "review": "eyes", "block": "no_entry"}


def mark(category: str) -> str:
    """The hidden first line; `category` tells apart several plans of one pull request."""
    named = re.sub(r"[^\w.-]", "-", category, flags=re.ASCII)
    return f"<!-- rolloutlint apply-plan{f' {named}' if named else ''} -->"


def _change(change: FieldChange) -> str:
    return f"{code(change.path)} {code(words.field(change))}"


def _changes(task: Task, mode: Mode) -> Iterator[str]:
    """What an object's row says of its fields and of its rollout."""
    rollout = task.rollout
    shown: Sequence[FieldChange] = task.changes
    if rollout is not None:
        yield f"**{prose(words.classed(rollout, mode))}**"
        consequence = words.consequence(rollout)
        yield from (prose(text) for text in (consequence, words.goes(rollout)) if text)
        shown = [*rollout.reasons, *(each for each in task.changes if each not in rollout.reasons)]
    yield from (_change(change) for change in shown[:_FIELDS])
    if len(shown) > _FIELDS:
        yield f"{many(len(shown) - _FIELDS, 'more field')}"
    yield from (prose(note) for note in (*(rollout.notes if rollout else ()), *task.notes))


def _row(number: int, task: Task, mode: Mode) -> str:
    said = "<br>".join(_changes(task, mode))
    return f"| {number} | {words.ACTIONS[task.action][0]} | {code(words.named(task.resource))} | {said} |"


def _table(application: ApplicationPlan, mode: Mode) -> Iterator[str]:
    """Stages as rows of their own, with when they start; what changes nothing is counted."""
    yield "| | | object | |"
    yield "|---|---|---|---|"
    for number, stage in enumerate(application.stages, 1):
        shown = [task for group in stage.groups for task in group if not words.folded(task)]
        if not shown and not stage.waits:
            continue
        yield f"| **{number}** | **{words.stage(stage)}** | {words.starts_at(stage)} | |"
        yield from (_row(number, task, mode) for task in shown)
        unchanged = sum(map(len, stage.groups)) - len(shown)
        if unchanged:
            yield f"| {number} | unchanged | {many(unchanged, 'object')} | |"
        for wait in stage.waits:
            yield f"| {number} | wait | {code(words.named(wait.resource))} | {prose(_wait(wait.words, wait.least))} |"


def _wait(said: str, least: int | None) -> str:
    return said if least is None else f"{said}, {words.time(least)} at least"


class _Block(NamedTuple):
    """Lines that are shown together; where room is short, `rows` are cut and `left` says how many are missing."""

    head: Sequence[str]
    rows: Sequence[str]
    foot: Sequence[str]
    left: Callable[[int], str]


def _application(application: ApplicationPlan, mode: Mode) -> _Block:
    """One Application: a folded table, and what becomes of fields below it."""
    policy = f" ({', '.join(application.policy)})" if application.policy else ""
    title = f"{code(words.title(application))}{escaped(policy)}"
    head = [f"<details><summary>{title}: {words.counted([application])}</summary>", ""]
    for label, said in (("Starts by itself", application.starts), ("Does not start by itself", application.obstacles)):
        if said:
            head += [f"{label}: {'; '.join(map(prose, said))}.", ""]
    foot = [""]
    for effect in words.effects(application):
        if effect.fate != "kept":
            who = f"{code(words.named(effect.resource))} {code(effect.path)}".rstrip()
            foot.append(f"- **{words.FATES[effect.fate]}** {who}: {prose(effect.words)}")
    foot += [f"- {prose(note)}" for note in application.notes]
    foot += ["", "</details>", ""] if len(foot) > 1 else ["</details>", ""]
    heading, *rows = list(_table(application, mode)) or [""]
    if rows:
        head += [heading, rows.pop(0)]
    return _Block(head, rows, foot, lambda left: f"| | | {many(left, 'more row')}: no room here, see the log | |")


def _file(file: str, findings: list[SettledFinding]) -> _Block:
    """The findings of a file."""
    head, blank, *rows, before, end = folded(file, findings)
    return _Block([head, blank], rows, [before, end, ""], lambda left: f"- {many(left, 'more line')}: see the log")


def _reasons(plan: SyncPlan) -> Iterator[str]:
    """The reasons behind the first, which stands in the third line."""
    more = plan.reasons[1:]
    for each in more[:_REASONS]:
        yield f"- {words.VERDICTS[each.verdict].lower()}: {prose(words.short(words.reason(each), _SENTENCE))}"
    if len(more) > _REASONS:
        yield f"- {many(len(more) - _REASONS, 'more reason')}"


def _head(plan: SyncPlan, options: Options) -> Iterator[str]:
    """The mark, and the three lines that decide."""
    yield mark(options.sarif_category)
    yield f"### :{_ICONS[plan.verdict]}: rolloutlint apply-plan: {escaped(words.decision(plan))}"
    yield ""
    what, how_long, risk = (
        prose(words.short(said, 3 * _SENTENCE)) for said in (words.what(plan), words.how_long(plan), words.risk(plan))
    )
    yield from (f"**{what}.**  ", f"{how_long}.  ", f"{risk}.")
    yield ""
    yield from _reasons(plan)
    if len(plan.reasons) > 1:
        yield ""
    lost = lost_sentences(plan.incomplete)
    yield from (f"**{escaped(words.short(sentence, _SENTENCE))}**  " for sentence in lost[:_REASONS])
    if lost:
        more = len(lost) - _REASONS
        yield f"**{many(more, 'more input')} lost**" if more > 0 else ""
        yield from [""] * (more > 0)


def _foot(plan: SyncPlan) -> Iterator[str]:
    unseen = words.short(not_looked_at(plan.incomplete), 3 * _SENTENCE)
    yield f"{escaped(words.findings(plan))}. Not looked at: {escaped(unseen)}.  "
    yield f"From {code(plan.previous)} to {code(plan.desired)}. Nothing was applied."


class _Page:
    """A page of so many characters."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.lines: list[str] = []

    def take(self, block: Sequence[str]) -> bool:
        """Whether there is room for `block`; then it is on the page."""
        size = _size(block)
        if size > self.room:
            return False
        self.room -= size
        self.lines += block
        return True

    def take_each(self, blocks: Sequence[_Block], keep: int, left: Callable[[int], str]) -> None:
        """The blocks up to the first without room, of which as much as fits; `keep` characters stay free."""
        room = self.room
        self.room = room - keep
        for number, block in enumerate(blocks):
            if self.take([*block.head, *block.rows, *block.foot]):
                continue
            fits = self._fitting(block)
            if fits:
                self.take([*block.head, *block.rows[:fits], block.left(len(block.rows) - fits), *block.foot])
            missing = len(blocks) - number - bool(fits)
            if missing:
                self.lines += [left(missing), ""]
            break
        self.room += keep

    def _fitting(self, block: _Block) -> int:
        """How many rows of a block that is too large have room."""
        free = self.room - _RESERVED - _size(block.head) - _size(block.foot)
        fits = 0
        for row in block.rows:
            free -= len(row) + 1
            if free < 0:
                break
            fits += 1
        return fits


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


_RESERVED = 200
"""Room for a sentence about what is left out."""
_FOR_FINDINGS = 20_000
"""So much is kept for findings, where there are as many."""


def render(plan: SyncPlan, options: Options) -> str:
    """The comment. It stays the same where the plan does, so that a new push changes only what changed."""
    foot = list(_foot(plan))
    page = _Page(MAX_CHARACTERS - _size(foot) - 3 * _RESERVED)
    page.take(list(_head(plan, options)))
    active = [found for found in plan.introduced if found.disposition == "active"]
    files = [_file(file, found) for file, found in by_file(active).items()]
    wanted = sum(_size([*block.head, *block.rows, *block.foot]) for block in files)
    shown = [each for each in plan.applications if words.changes(each)]
    page.take_each(
        [_application(each, plan.mode) for each in shown],
        min(wanted, _FOR_FINDINGS),
        lambda left: f"{many(left, 'more Application')} of {len(shown)} that change: no room here, see the log.",
    )
    if len(shown) < len(plan.applications):
        page.take([f"Nothing changes in {many(len(plan.applications) - len(shown), 'Application')}.", ""])
    page.take_each(
        files, 0, lambda left: f"The new findings in {many(left, 'more file')} have no room here: see the log."
    )
    return "\n".join([*page.lines, *foot]) + "\n"
