"""`rolloutlint apply-plan` for a terminal: what a sync changes, in its order, and what becomes of it.

What changes nothing is counted and not listed. Colour only adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rolloutlint.change.result import (
    Action,
    ApplicationPlan,
    Effect,
    FieldChange,
    Mode,
    RolloutChange,
    Stage,
    SyncPlan,
    Task,
)
from rolloutlint.finding import SEVERITIES
from rolloutlint.report import Options
from rolloutlint.report import plan_words as words
from rolloutlint.report.summary import REASONS, lost_sentences, many, not_looked_at
from rolloutlint.report.text import BOLD, DIM, HUES, aside, findings_lines, paint, wrapped
from rolloutlint.report.visible import cell_width, no_command, visible

_TASK = "     "
_DETAIL = "       "
_LABEL = 9
_FIELDS = 8
"""So many changed fields of one object are shown."""

_GREEN = "\x1b[32m"
_SIGNS: Mapping[Action, str] = {"create": _GREEN, "hook": _GREEN, "update": HUES["warning"], "prune": HUES["error"]}
_VERDICTS = {"allow": _GREEN, "review": HUES["warning"], "block": HUES["error"]}


def _labelled(label: str, text: str, options: Options) -> list[str]:
    """`text` behind a label, wrapped below itself; a number stays on one line with its percent sign."""
    kept = visible(text).replace(" %", "\u00a0%").replace("-> ", "->\u00a0")
    lines = wrapped(kept, options, _DETAIL + " " * _LABEL, f"{_DETAIL}{label:<{_LABEL}}")
    return [line.replace("\u00a0", " ") for line in lines]


def _fields(changes: Sequence[FieldChange], label: str | None, options: Options) -> Iterator[str]:
    """Changed fields: path and what it was and is, on one line where that fits; behind a label, or without one."""
    shown = changes if options.verbose else changes[:_FIELDS]
    room = 400 if options.verbose else 60
    indent = _DETAIL + " " * _LABEL * (label is not None)
    pairs = [(visible(change.path), visible(words.field(change, room))) for change in shown]
    width = min(max((len(path) for path, _ in pairs), default=0), 60)
    for number, (path, said) in enumerate(pairs):
        head = f"{_DETAIL}{label:<{_LABEL}}" if label is not None and not number else indent
        line = f"{head}{path:<{width}}  {said}"
        if options.width and cell_width(line) > options.width:
            yield f"{head}{path}"
            yield f"{indent}  {said}"
        else:
            yield line
    if len(shown) < len(changes):
        yield f"{indent}and {many(len(changes) - len(shown), 'more field')} (-v lists them)"


def _rollout(task: Task, change: RolloutChange, options: Options) -> Iterator[str]:
    """What an update makes of a Rollout: why, how it goes, who has to act, what if it is broken."""
    if change.reasons:
        yield from _fields(change.reasons, "because", options)
    others = [each for each in task.changes if each not in change.reasons]
    yield from _fields(others, "also" if change.reasons else "", options)
    consequence = words.consequence(change)
    for label, text in (("so", consequence), ("goes", words.goes(change)), ("if bad", _bad(change))):
        if text:
            yield from _labelled(label, text, options)
    for note in change.notes:
        yield from _labelled("note", note, options)


def _bad(change: RolloutChange) -> str:
    starts = words.CLASSES[change.classification].starts
    return (
        words.broken(change) if starts and change.classification in ("new-revision", "superseded", "rollback") else ""
    )


def _task(task: Task, mode: Mode, options: Options) -> Iterator[str]:
    """One object with what happens to it."""
    sign = paint(words.SIGNS[task.action], _SIGNS.get(task.action, DIM), options)
    line = f"{_TASK}{sign} {visible(words.named(task.resource))}"
    if task.rollout is not None:
        said = words.classed(task.rollout, mode)
        line += f"   {paint(said, BOLD, options) if words.CLASSES[task.rollout.classification].starts else said}"
    elif task.action in ("hook", "keep", "ignore", "prune"):
        line += f"   {words.ACTIONS[task.action][1] if task.action != 'hook' else 'hook'}"
    yield line
    if task.rollout is not None:
        yield from _rollout(task, task.rollout, options)
    else:
        yield from _fields(task.changes, None, options)
    for note in task.notes:
        yield from _labelled("note", note, options)
    if options.verbose and task.place is not None:
        yield f"{_DETAIL}{'in':<{_LABEL}}{visible(task.place.document.source)}"


def _stage(number: int, stage: Stage, mode: Mode, options: Options) -> Iterator[str]:
    left = f"{number:>3}  {words.stage(stage)}"
    line = aside(left, words.starts_at(stage), options)
    yield paint(left, BOLD, options) + line[len(left) :]
    unchanged = 0
    for group in stage.groups:
        for task in group:
            if words.folded(task) and not options.verbose:
                unchanged += 1
            else:
                yield from _task(task, mode, options)
    if unchanged:
        yield paint(f"{_TASK}= {unchanged} unchanged", DIM, options)
    for wait in stage.waits:
        said = f"waits for {words.waits(wait)}"
        yield from wrapped(visible(said), options, f"{_TASK}  ", f"{_TASK}> ")


def _seen(stage: Stage, options: Options) -> bool:
    """Whether there is anything to read about a stage."""
    return bool(options.verbose or stage.waits) or any(not words.folded(t) for group in stage.groups for t in group)


def _effects(effects: Sequence[Effect], options: Options) -> Iterator[str]:
    """What becomes of fields that a controller writes: those that are left alone are only counted."""
    kept = 0
    for effect in effects:
        if effect.fate == "kept" and not options.verbose:
            kept += 1
            continue
        word = words.FATES[effect.fate]
        hue = "" if effect.fate == "kept" else HUES["warning"]
        head = f"  {'=' if effect.fate == 'kept' else '!'} {word}"
        lines = wrapped(visible(words.effect(effect)), options, " " * 18, f"{head:<18}")
        yield paint(lines[0][: len(head)], hue, options) + lines[0][len(head) :]
        yield from lines[1:]
    if kept:
        yield f"  = left alone    {many(kept, 'field')} that a controller writes (-v lists them)"


def _application(plan: ApplicationPlan, mode: Mode, options: Options) -> Iterator[str]:
    left = visible(words.title(plan))
    line = aside(left, visible(", ".join(plan.policy)), options)
    yield no_command((paint(left, BOLD, options) + line[len(left) :]).rstrip())
    for label, lines in (("starts by itself", plan.starts), ("does not start by itself", plan.obstacles)):
        if lines:
            yield from wrapped(visible(f"{label}: {'; '.join(lines)}"), options, "     ", "   ")
    yield ""
    seen = [(number, stage) for number, stage in enumerate(plan.stages, 1) if _seen(stage, options)]
    for number, stage in seen:
        yield from _stage(number, stage, mode, options)
    left_out = sum(len(group) for stage in plan.stages if not _seen(stage, options) for group in stage.groups)
    if left_out:
        yield paint(f"     = {left_out} unchanged in other stages", DIM, options)
    if plan.effects:
        yield ""
        yield from _effects(words.effects(plan), options)
    for note in plan.notes:
        yield from wrapped(visible(note), options, "         ", "   note: ")
    yield ""


def _quiet(plans: Sequence[ApplicationPlan], shown: bool, options: Options) -> Iterator[str]:
    """The Applications of which nothing changes, in one line; nothing where the plan says so of all."""
    if plans and shown:
        names = words.listed([str(each.application) if each.application else "everything" for each in plans])
        said = f"Nothing changes in {names}."
        yield from wrapped(visible(said), options, "  ")
        yield ""


def render(plan: SyncPlan, options: Options) -> str:
    """The plan; the decision stands in its last line."""
    out = []
    out += wrapped(visible(f"From {plan.previous} to {plan.desired} ({_MODES[plan.mode]})"), options, "")
    out.append("")
    quiet = []
    for application in plan.applications:
        if options.verbose or words.changes(application):
            out += list(_application(application, plan.mode, options))
        else:
            quiet.append(application)
    out += list(_quiet(quiet, len(quiet) < len(plan.applications), options))
    out += findings_lines(sorted(plan.introduced, key=lambda found: SEVERITIES.index(found.severity)), options)
    if options.verbose:
        for left in plan.incomplete:
            said = f"Not looked at: {left.source} ({REASONS[left.reason][0]}): {left.message}"
            out += wrapped(visible(said), options, "")
    out += wrapped(visible(f"{words.findings(plan)}. Not looked at: {not_looked_at(plan.incomplete)}."), options, "")
    for sentence in lost_sentences(plan.incomplete):
        out += [paint(line, HUES["error"], options) for line in wrapped(visible(sentence), options, "")]
    for sentence in (words.what(plan), words.how_long(plan)):
        out += wrapped(visible(f"{sentence}."), options, "")
    for reason in plan.reasons:
        out += wrapped(
            visible(f"{words.VERDICTS[reason.verdict].lower()}: {words.reason(reason)}"), options, "    ", "  "
        )
    out.append(paint(f"Decision: {visible(words.decision(plan))}.", BOLD + _VERDICTS[plan.verdict], options) + _NOTHING)
    return "\n".join(out) + "\n"


_MODES = {"git": "manifests on both sides: true of a cluster at rest", "live": "objects of a cluster, and manifests"}
_NOTHING = " Nothing was applied."
