"""What a plan says, as words: the same in text, Markdown and HTML, with every time as the bound that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.catalogue import Rule
from rolloutlint.change.result import (
    Action,
    ApplicationPlan,
    Classification,
    Effect,
    Fate,
    FieldChange,
    Mode,
    Reason,
    RolloutChange,
    Stage,
    SyncPlan,
    Task,
    Verdict,
    Wait,
)
from rolloutlint.finding import Counts, ResourceId, SettledFinding
from rolloutlint.report import simulation_words
from rolloutlint.report.summary import many
from rolloutlint.result import Report

time = simulation_words.time


class Classed(NamedTuple):
    """What an update does to a Rollout: in a word or two, and what follows from it."""

    title: str
    consequence: str
    starts: bool
    """Whether pods change over, so that there is something to watch."""


CLASSES: Mapping[Classification, Classed] = MappingProxyType(
    {
        "initial": Classed("FIRST DEPLOY", "goes to full scale at once: steps and analyses are skipped", True),
        "new-revision": Classed("STARTS A REVISION", "", True),
        "superseded": Classed("SUPERSEDES THE REVISION UNDER WAY", "starts again at the first step", True),
        "rollback-to-stable": Classed("GOES BACK TO THE STABLE VERSION", "its steps are skipped", True),
        "rollback": Classed("ROLLS BACK TO AN OLDER REVISION", "", True),
        "restart": Classed("restarts its pods", "no revision starts", False),
        "scale": Classed("scales", "no revision starts", False),
        "pause": Classed("changes `spec.paused`", "no revision starts", False),
        "steps-reset": Classed("STARTS ITS STEPS AGAIN", "they changed while a revision is under way", True),
        "steps-only": Classed("no revision starts", "the steps are those of the next one", False),
        "strategy-only": Classed("no revision starts", "the strategy changes", False),
        "none": Classed("no revision starts", "nothing changes that the controller acts on", False),
        "unknown": Classed("not known whether a revision starts", "", False),
    }
)

SIGNS: Mapping[Action, str] = MappingProxyType(
    {"create": "+", "update": "~", "unchanged": "=", "prune": "-", "keep": "=", "hook": "+", "ignore": "x"}
)
ACTIONS: Mapping[Action, tuple[str, str]] = MappingProxyType(
    {
        "create": ("create", "created"),
        "update": ("update", "updated"),
        "prune": ("prune", "pruned"),
        "hook": ("run hook", "run as a hook"),
        "keep": ("keep", "kept"),
        "ignore": ("ignore", "never applied"),
        "unchanged": ("unchanged", "unchanged"),
    }
)
"""An action as a heading and in a count, in the order in which they are counted."""

FATES: Mapping[Fate, str] = MappingProxyType(
    {
        "lost": "lost",
        "frozen": "frozen",
        "reset": "reset",
        "removed-again": "removed again",
        "kept": "left alone",
    }
)
"""Worst first."""

VERDICTS: Mapping[Verdict, str] = MappingProxyType({"allow": "ALLOW", "review": "REVIEW", "block": "BLOCK"})

_NAMED = 3
_VALUE = 60


class Start(NamedTuple):
    """A Rollout whose pods change over."""

    application: ApplicationPlan
    task: Task
    change: RolloutChange


def starting(plan: SyncPlan) -> tuple[Start, ...]:
    """The Rollouts that start something, in the order in which the plan has them."""
    return tuple(
        Start(application, task, task.rollout)
        for application in plan.applications
        for _, task in tasks(application)
        if task.rollout is not None and CLASSES[task.rollout.classification].starts
    )


def tasks(application: ApplicationPlan) -> Iterator[tuple[Stage, Task]]:
    """Every task with its stage, in the order of the sync."""
    return ((stage, task) for stage in application.stages for group in stage.groups for task in group)


def folded(task: Task) -> bool:
    """Whether nothing happens to an object, so that it is only counted."""
    return task.action == "unchanged" and task.rollout is None


def changes(application: ApplicationPlan) -> bool:
    """Whether there is anything to read about an Application."""
    return bool(application.effects or application.notes) or any(not folded(task) for _, task in tasks(application))


def named(value: ResourceId) -> str:
    """`Rollout shop/cart`; `Job shop/(a name of its own each time)` with `generateName`."""
    return str(value if value.name else value._replace(name="(a name of its own each time)"))


def title(application: ApplicationPlan) -> str:
    """`Application argocd/shop -> namespace shop, cluster prod`."""
    named = application.application
    if named is None:
        return "Everything as one (no Application among the inputs)"
    where = ", ".join(
        f"{word} {value}"
        for word, value in (("namespace", application.namespace), ("cluster", application.cluster))
        if value
    )
    return f"{named} -> {where}" if where else str(named)


def short(value: str, room: int = _VALUE) -> str:
    """A value with its middle left out where it is long: images and digests differ at their end."""
    if len(value) <= room:
        return value
    head = (room - 3) // 2
    return f"{value[:head]}...{value[len(value) - (room - 3 - head) :]}"


def field(change: FieldChange, room: int = _VALUE) -> str:
    """`1 -> 2`, `+ "mesh"`, `- 5` (what stood there)."""
    before, after = (None if each is None else short(each, room) for each in (change.before, change.after))
    if before is None:
        return f"+ {after}"
    return f"- {before}" if after is None else f"{before} -> {after}"


def classed(change: RolloutChange, mode: Mode) -> str:
    """`STARTS A REVISION (if the Rollout is at rest)`."""
    return CLASSES[change.classification].title + ("" if change.certain else f" ({_UNLESS[mode]})")


_UNLESS: Mapping[Mode, str] = MappingProxyType(
    {"git": "if the Rollout is at rest", "live": "as far as the inputs tell: its ReplicaSets are not all there"}
)


def consequence(change: RolloutChange) -> str:
    """What follows from the classification, unless the notes of the change say it themselves."""
    said = CLASSES[change.classification].consequence
    return "" if change.notes and CLASSES[change.classification].starts else said


def goes(change: RolloutChange) -> str:
    """`5 % -> 20 % -> 100 %, 34m at least, nobody has to act`; empty where nothing starts, or all at once."""
    kind = CLASSES[change.classification]
    at_once = len(change.stairs) < 2 and not change.least and not change.gates
    if not kind.starts or (at_once and kind.consequence):
        return ""
    parts = [" -> ".join(change.stairs)] * bool(change.stairs)
    if change.least:
        parts.append(f"{time(change.least)} at least")
    elif change.least is None and change.simulation is not None and change.simulation.promotion is None:
        parts.append("never promoted")
    if change.gates:
        parts.append(f"{acts(len(change.gates))}: {', '.join(change.gates)}")
    elif parts:
        parts.append("nobody has to act")
    return ", ".join(parts)


def acts(number: int) -> str:
    """`a person has to act twice`."""
    often = {1: "", 2: " twice"}.get(number, f" {number} times")
    return f"a person has to act{often}"


def broken(change: RolloutChange) -> str:
    """What a broken version does, in a sentence; empty where nothing is known."""
    return "" if change.simulation is None else simulation_words.verdict(change.simulation)


def stage(value: Stage) -> str:
    """`Sync, wave 0`, `PostSync`: a wave is named where waves are usual, or where it is not 0."""
    return f"{value.phase}, wave {value.wave}" if value.wave or value.phase == "Sync" else value.phase


def starts_at(value: Stage) -> str:
    """`at once`, `not before 34m`, `not before 6m, after a person has acted`."""
    parts = [f"not before {time(value.after)}"] * bool(value.after)
    parts += ["after a person has acted"] * value.behind_person
    return ", ".join(parts) or "at once"


def waits(value: Wait) -> str:
    """`Rollout shop/cart until it is promoted, 34m at least`."""
    return f"{named(value.resource)} {value.words}" + ("" if value.least is None else f", {time(value.least)} at least")


def lasts(application: ApplicationPlan) -> int:
    """Nanoseconds until the sync and the Rollouts that it starts are done, at least."""
    ends = [0]
    for each in application.stages:
        ends.append(each.after + max((wait.least or 0 for wait in each.waits), default=0))
        rollouts = (task.rollout for group in each.groups for task in group)
        ends += [each.after + (change.least or 0) for change in rollouts if change is not None]
    return max(ends)


def counted(applications: Sequence[ApplicationPlan]) -> str:
    """`1 created, 2 updated, 3 unchanged`."""
    number = Counter(task.action for application in applications for _, task in tasks(application))
    return ", ".join(f"{number[action]} {word}" for action, (_, word) in ACTIONS.items() if number[action])


def effects(application: ApplicationPlan) -> list[Effect]:
    """The effects, worst first."""
    order = list(FATES)
    return sorted(application.effects, key=lambda effect: order.index(effect.fate))


def effect(value: Effect) -> str:
    """`VirtualService shop/cart, spec.http: the change is not applied`."""
    return f"{', '.join(part for part in (named(value.resource), value.path) if part)}: {value.words}"


def listed(names: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    said = ", ".join(names[:_NAMED])
    return said if len(names) <= _NAMED else f"{said} and {len(names) - _NAMED} more"


def findings(plan: SyncPlan) -> str:
    """`New findings: 1 error, 2 warnings; fixed: 2; unchanged: 5`."""
    number = Counter(found.severity for found in plan.introduced if found.disposition == "active")
    new = ", ".join(many(number[severity], severity) for severity in ("error", "warning", "note") if number[severity])
    return f"New findings: {new or 'none'}; fixed: {len(plan.fixed)}; unchanged: {len(plan.unchanged)}"


def reason(value: Reason) -> str:
    """`new-errors: RL804 is an error`."""
    return f"{value.key}: {value.words}" if value.key else value.words


def decision(plan: SyncPlan) -> str:
    """`REVIEW (new-warnings)`."""
    keys = list(dict.fromkeys(each.key for each in plan.reasons if each.key))
    return f"{VERDICTS[plan.verdict]} ({listed(keys)})" if keys else VERDICTS[plan.verdict]


def what(plan: SyncPlan) -> str:
    """Which Rollouts start and what else changes, in a sentence."""
    many_apps = len(plan.applications) > 1
    where = f" in {sum(map(changes, plan.applications))} of {len(plan.applications)} Applications" if many_apps else ""
    found = starting(plan)
    if not found:
        if plan.changes:
            return f"No Rollout starts an update: {counted(plan.applications)}{where}"
        numbers = counted(plan.applications)
        return "Nothing changes in a cluster" + (f": {numbers}" if numbers else "")
    first = [named(each.task.resource) for each in found if each.change.classification == "initial"]
    again = [named(each.task.resource) for each in found if each.change.classification != "initial"]
    said = [f"{listed(again)} {'starts an update' if len(again) == 1 else 'start updates'}"] * bool(again)
    said += [f"{listed(first)} {'is' if len(first) == 1 else 'are'} deployed for the first time"] * bool(first)
    return f"{'; '.join(said)}; in all {counted(plan.applications)}{where}"


def how_long(plan: SyncPlan) -> str:
    """How long it takes and who has to act, in a sentence."""
    if not any(map(changes, plan.applications)):
        return "There is nothing to wait for"
    longest = max((lasts(each) for each in plan.applications), default=0)
    waiting = [wait for application in plan.applications for each in application.stages for wait in each.waits]
    gates = [f"{gate} of {named(each.task.resource)}" for each in starting(plan) for gate in each.change.gates]
    took = f"Takes {time(longest)} at least" if longest else "How long it takes is not known"
    if not (longest or waiting or gates):
        return "Nothing is waited for"
    people = any(wait.person for wait in waiting)
    if gates:
        return f"{took}; {acts(len(gates))} ({listed(gates)})"
    return f"{took}; {'a person has to act before it goes on' if people else 'nobody has to act'}"


def risk(plan: SyncPlan, *, reasons: bool = True) -> str:
    """What could go wrong, in a sentence: the first reason, what is lost or frozen, what a broken version does."""
    parts = [reason(each) for each in plan.reasons[:1] if reasons]
    parts += [many(len(plan.reasons) - 1, "more reason")] * (reasons and len(plan.reasons) > 1)
    bad = Counter(each.fate for application in plan.applications for each in application.effects)
    parts += [f"{many(bad[fate], 'field')} {word}" for fate, word in FATES.items() if bad[fate] and fate != "kept"]
    worst = max(
        (each for each in starting(plan) if each.change.simulation is not None),
        key=lambda each: _exposure(each.change),
        default=None,
    )
    if worst is not None:
        parts.append(f"{named(worst.task.resource)}: {broken(worst.change)}")
    return "; ".join(parts) or "Nothing is known here that could go wrong" * (not plan.reasons)


def _exposure(change: RolloutChange) -> float:
    simulation = change.simulation
    return -1.0 if simulation is None or simulation.broken is None else float(simulation.broken.exposure.upper)


def as_report(plan: SyncPlan, rules: Mapping[str, Rule], sources: Mapping[str, str]) -> Report:
    """The findings that the plan introduces as a report, for the formats that know findings only.

    What is pruned stands in the previous state only. Who reads the report has the files of the desired one: such a
    finding is placed at what it says of them, or else at the file that was.
    """
    names = {found.finding.rule for found in plan.introduced}
    return Report(
        findings=tuple(_at_hand(found, f"{plan.previous}:") for found in plan.introduced),
        incomplete=plan.incomplete,
        counts=Counts(),
        rules={rule: rules[rule] for rule in sorted(names) if rule in rules},
        tool_version=plan.tool_version,
        sources=sources,
    )


def _at_hand(found: SettledFinding, prefix: str) -> SettledFinding:
    """A finding with places in files that there are; `prefix` is how the names of previous files begin."""
    related = tuple(each._replace(file=each.file.removeprefix(prefix)) for each in found.related)
    if not found.file.startswith(prefix):
        return found._replace(related=related)
    here = next((each for each in found.related if each.file and not each.file.startswith(prefix)), None)
    if here is None:
        return found._replace(file=found.file.removeprefix(prefix), related=related)
    return found._replace(file=here.file, span=here.span, related=related)
