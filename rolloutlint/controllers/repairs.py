"""How a metric is mended: the smallest change of its query and conditions that removes a fault, and what that changes.

Nothing is believed of a change: the changed texts are judged again (`controllers.measurement`), and it is offered only
if the fault is gone, no other one has come, and a version that is fine or broken fares as before. It fails closed
unless the setting `no-data` says otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.controllers.measurement import WITHOUT_TRAFFIC, Condition, Judgement, Query, Question, Verdict, judge
from rolloutlint.controllers.verdicts import (
    FAILING,
    HEALTHY,
    NO_DATA,
    NO_SERIES,
    always_passes,
    by_accident,
    can_pass,
    certainly,
    counts_only_failures,
    deviates,
)
from rolloutlint.finding import Safety
from rolloutlint.lang.expr import constants, late_guards
from rolloutlint.lang.expr.guards import (
    Case,
    asks_for_nil,
    decide_cases,
    default_results,
    index_results,
    unindex_results,
)
from rolloutlint.lang.promql.guards import (
    aggregate_by_le,
    cut_fallback,
    fall_back,
    fallbacks,
    guard_denominators,
    guard_histograms,
    guard_numerators,
    unclamp,
    unwrap_scalars,
)
from rolloutlint.lang.rewrite import Change, merged, rewritten
from rolloutlint.lang.template import Expanded
from rolloutlint.settings import NoData

Field: TypeAlias = Literal["query", "successCondition", "failureCondition"]
FIELDS: tuple[Field, ...] = ("query", "successCondition", "failureCondition")
Judge: TypeAlias = Callable[[str, str, str], Judgement]
"""Judges a query, a success and a failure condition ("" where there is none) as those of the same metric."""

_COMMENT = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|#[^\n]*""")
"""A string (kept) or a comment of PromQL."""
_MOST_STEPS = 4
_MOST_TRIALS = 200
_WORTH_SAFETY = 1.5
"""How much more a safe repair may change than an unsafe one."""
_NEVER_SAFE = frozenset(("RL403", "RL404", "RL421", "RL423"))
"""Rules whose repair lets something pass that did not pass before, or changes what the query returns."""
_LONGEST_SHOWN = 100


class Repair(NamedTuple):
    """Changes that remove a fault. Their offsets are characters of the filled-in texts."""

    query: tuple[Change, ...]
    conditions: Mapping[str, tuple[Change, ...]]
    """`successCondition`, `failureCondition` -> its changes, where it has some."""
    safety: Safety
    """`safe`: with traffic nothing changes, and no world passes that did not pass before (or that `no-data` lets)."""
    shown: str
    """The changed text, on one short line."""

    @property
    def changes(self) -> Mapping[str, tuple[Change, ...]]:
        """Field -> its changes, where it has some."""
        return {**({"query": self.query} if self.query else {}), **self.conditions}


def repair(
    judgement: Judgement,
    again: Judge,
    *,
    want: str,
    no_data: NoData,
    cured: Callable[[Judgement], bool] | None = None,
) -> Repair | None:
    """The smallest change after which `judgement` no longer has the fault of the rule `want`; `None` if none is known.

    `again` judges changed texts; `cured` says whether the fault is gone, for rules that are not in `FAULTS`.
    """
    before = _occurrences(judgement, no_data)
    texts = _texts(judgement)
    best: Repair | None = None
    limit = math.inf
    for trial, (cost, plan) in enumerate(_plans(_steps(judgement, no_data), want)):
        if cost > limit or trial == _MOST_TRIALS:
            break
        changes = _changes(judgement, plan, no_data)
        if not changes:
            continue
        after = again(*(rewritten(texts[field], changes.get(field, ())) for field in FIELDS))
        left = _occurrences(after, no_data)
        if any(rule == want for rule, _ in left) or not left <= before or not (cured is None or cured(after)):
            continue
        if want == "RL404" and not all(_may_pass(after, where) for rule, where in before if rule == want):
            continue
        if no_data != "pass" and any(step.name.endswith("numerators") for step in plan):
            idle = certainly(after, ("idle",), "Successful")
            if any(want == "RL404" or verdict.part("NaN") for verdict in idle):
                continue  # what was an error without failures and traffic would pass
        safety = _safety(judgement, after, no_data)
        if safety is None:
            continue
        if any(step.distorts for step in plan):
            safety = "unsafe"
        conditions = {field: found for field, found in changes.items() if field != "query"}
        found = Repair(changes.get("query", ()), conditions, safety, _shown(texts, changes))
        if safety == "safe" or want in _NEVER_SAFE:
            return found
        if best is None:
            best, limit = found, cost + _WORTH_SAFETY
    return best


@lru_cache(maxsize=4096)
def repair_of(question: Question, *, want: str, no_data: NoData) -> Repair | None:
    """As `repair`, for what `judge` was asked; equal texts are mended once."""

    def again(query: str, success: str, failure: str) -> Judgement:
        return judge(*question._replace(query=query, success=success, failure=failure))

    return repair(judge(*question), again, want=want, no_data=no_data)


def pieces(made: Repair, texts: Mapping[str, Expanded]) -> Mapping[str, tuple[tuple[tuple[int, int], str], ...]] | None:
    """Field -> pieces of the value as written and what replaces each; `None` where a change would fall into what was
    filled in for a placeholder. `texts` are those of the `Measurement`.
    """
    found: dict[str, tuple[tuple[tuple[int, int], str], ...]] = {}
    for field, changes in made.changes.items():
        text = texts[field]
        places = []
        for change in changes:
            if any(s.is_hole and s.start < change.end and change.start < s.end for s in text.segments):
                return None
            if change.start < change.end:
                place = text.origin(change.start, change.end)
            else:
                place = _insertion_point(text, change.start)
            places.append((place, change.text))
        found[field] = tuple(places)
    return found


def _insertion_point(text: Expanded, at: int) -> tuple[int, int]:
    """Where in the source an insertion at `at` goes: at the edge of a placeholder, never into one."""
    for segment in text.segments:
        if segment.start == at:
            return segment.source_start, segment.source_start
        if segment.end == at:
            return segment.source_end, segment.source_end
    return text.origin(at, at)


# ---- faults --------------------------------------------------------------------------------------------------


def faults(judgement: Judgement, no_data: NoData) -> frozenset[str]:
    """The rules of `FAULTS` that have something to say about a judgement."""
    return frozenset(rule for rule, _ in _occurrences(judgement, no_data))


def _occurrences(judgement: Judgement, no_data: NoData) -> frozenset[tuple[str, str]]:
    """Each fault with the world in which it shows ("" where it is none of a world).

    A fault that explains others stands alone, as in the findings.
    """
    for alone in ("RL403", "RL421"):
        if FAULTS[alone](judgement, no_data):
            return frozenset(((alone, ""),))
    return frozenset((rule, where) for rule, find in FAULTS.items() for where in find(judgement, no_data))


def _may_pass(judgement: Judgement, world: str) -> bool:
    return any(v.world == world and "Successful" in v.phases for v in judgement.verdicts)


def _worlds(verdicts: Iterable[Verdict]) -> list[str]:
    return [verdict.world for verdict in verdicts]


def _never_evaluated(judgement: Judgement, no_data: NoData) -> list[str]:
    normal = judgement.verdict("normal")
    number = normal.part("value") if normal is not None else None
    fails = number is not None and number.phases == {"Error"}
    return [""] * (fails or any(condition.fault or condition.syntax for condition in judgement.conditions))


def _healthy_aborted(judgement: Judgement, no_data: NoData) -> list[str]:
    wrong = certainly(judgement, HEALTHY, "Failed", "Error")
    return _worlds(wrong) if can_pass(judgement) else []


def _empty_passes(judgement: Judgement, no_data: NoData) -> list[str]:
    if no_data != "any" or counts_only_failures(judgement, by_name=True):
        return []
    return _worlds(certainly(judgement, NO_SERIES, "Successful"))


def _nan_passes(judgement: Judgement, no_data: NoData) -> list[str]:
    passing = certainly(judgement, ("idle",), "Successful")
    return _worlds(v for v in passing if v.part("NaN") is not None) if no_data == "any" else []


def _failing_passes(judgement: Judgement, no_data: NoData) -> list[str]:
    passing, fine = (certainly(judgement, worlds, "Successful") for worlds in (FAILING, HEALTHY))
    return _worlds(passing) if fine and not always_passes(judgement) else []


def _aborted_by_accident(judgement: Judgement, no_data: NoData) -> list[str]:
    if no_data != "any" or not can_pass(judgement) or counts_only_failures(judgement):
        return []
    verdicts = certainly(judgement, NO_DATA, "Failed", "Error")
    return _worlds(v for v in verdicts if any(by_accident(judgement, part) for part in v.parts))


def _asks_too_late(judgement: Judgement, no_data: NoData) -> list[str]:
    return [""] * any(late_guards(c.node) for c in judgement.conditions if c.node is not None)


def _asks_in_vain(judgement: Judgement, no_data: NoData) -> list[str]:
    """A Prometheus result is never nil."""
    nodes = [c.node for c in judgement.conditions if c.node is not None]
    return [""] * (judgement.provider == "prometheus" and any(map(asks_for_nil, nodes)))


def _always_empty(judgement: Judgement, no_data: NoData) -> list[str]:
    query = judgement.query
    return [""] * (query is not None and query.value is not None and query.value.always_empty)


def _clamped(judgement: Judgement, no_data: NoData) -> list[str]:
    query = judgement.query
    return [""] * (query is not None and query.node is not None and bool(unclamp(query.node, query.text)))


def _against_policy(judgement: Judgement, no_data: NoData) -> list[str]:
    if no_data == "any" or counts_only_failures(judgement, by_name=True):
        return []
    verdicts = (judgement.verdict(world) for world in NO_DATA)
    return _worlds(v for v in verdicts if v is not None and deviates(v, no_data))


FAULTS: Mapping[str, Callable[[Judgement, NoData], list[str]]] = {
    "RL403": _never_evaluated,
    "RL404": _healthy_aborted,
    "RL405": _empty_passes,
    "RL406": _nan_passes,
    "RL407": _failing_passes,
    "RL408": _aborted_by_accident,
    "RL409": _asks_in_vain,
    "RL410": _asks_too_late,
    "RL421": _always_empty,
    "RL423": _clamped,
    "RL430": _against_policy,
}
"""Rule -> the worlds in which a judgement has its fault under the setting `no-data`; `[""]` where it has it in all."""


# ---- proof ---------------------------------------------------------------------------------------------------


def _safety(before: Judgement, after: Judgement, no_data: NoData) -> Safety | None:
    """How much a change changes; `None` where it must not be made."""
    works = not _never_evaluated(before, no_data) and not _always_empty(before, no_data)
    safety: Safety = "safe"
    for verdict in after.verdicts:
        world = verdict.world
        old = before.verdict(world)
        was, now = (old.phases if old is not None else frozenset()), verdict.phases
        if None in now and None not in was:
            return None
        if world == "normal" and now != was:
            if works and not (now <= was and was - now <= {"Error"}):
                return None
            safety = "unsafe"
        if world in HEALTHY and was == {"Successful"} and now != was:
            return None
        if "Successful" in now and "Successful" not in was:
            if world in FAILING and (works or now == {"Successful"}):
                return None
            if world in WITHOUT_TRAFFIC and no_data == "pass":
                continue
            if world in WITHOUT_TRAFFIC and not counts_only_failures(after):
                return None
            safety = "unsafe"
    return safety


# ---- plans ---------------------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """One change that may help."""

    name: str
    cost: float
    query: tuple[Change, ...] = ()
    cases: tuple[Case, ...] = ()
    """Cases about which the conditions get a guard."""
    conditions: tuple[tuple[str, tuple[Change, ...]], ...] = ()
    element: str = ""
    """How the conditions call the measured number after it."""
    reorders: bool = False
    """The guards come to stand in front."""
    forgets_nil: bool = False
    distorts: bool = False
    """The query returns another number, also with traffic."""


def _steps(judgement: Judgement, no_data: NoData) -> Iterator[_Step]:
    if judgement.query is not None and judgement.query.node is not None:
        yield from (step for step in _query_steps(judgement, judgement.query) if step.query)
    nodes = [c for c in judgement.conditions if c.node is not None]
    if not nodes or len(nodes) < len(judgement.conditions):
        return
    if judgement.provider == "prometheus" or judgement.shape == "float[]":
        yield _Step("empty", 1, cases=("empty",))
        yield _Step("NaN", 1.2, cases=("NaN",))
        yield _Step("order", 0.9, reorders=True)
        yield _Step("nil", 1, forgets_nil=True)
        yield from _edits("index", 1, nodes, index_results, "result[0]")
        yield from _edits("index", 1, nodes, unindex_results, "result")
    else:
        yield _Step("nil", 1, cases=("nil",))
        for value in _bad_values(nodes):
            yield from _edits("default", 0.9, nodes, lambda node, value=value: default_results(node, value))


def _query_steps(judgement: Judgement, query: Query) -> Iterator[_Step]:
    node, text = query.node, query.text
    if node is None:
        return
    narrow, every = guard_numerators(node), guard_numerators(node, all_of_them=True)
    yield _Step("numerators", 1, narrow)
    if every != narrow:
        yield _Step("all numerators", 1.4, every)
    low = unclamp(node, text)
    yield _Step("clamps", 1, low, distorts=True)
    yield _Step("denominators", 1, guard_denominators(node, text), distorts=bool(low))
    yield _Step("histograms", 1, guard_histograms(node))
    yield _Step("le", 1, aggregate_by_le(node, text))
    yield _Step("scalars", 1.3, unwrap_scalars(node))
    if counts_only_failures(judgement):
        yield _Step("fallback", 1, fall_back(node, "0"))
    for fallback, number in fallbacks(node):
        yield _Step("fallback", 1, cut_fallback(fallback, text))
        for value in ("0", "1"):
            if number.value != float(value):
                yield _Step("fallback", 2.5, (Change(*number.span, value),))


def _edits(
    name: str,
    cost: float,
    conditions: Sequence[Condition],
    edit: Callable[..., tuple[Change, ...]],
    element: str = "",
) -> Iterator[_Step]:
    found = tuple((c.field, changes) for c in conditions if c.node is not None and (changes := edit(c.node)))
    if found:
        yield _Step(name, cost, conditions=found, element=element)


def _bad_values(conditions: Sequence[Condition]) -> list[str]:
    """Numbers that may fail a condition, simple ones first."""
    limits = [limit.value for c in conditions if c.node is not None for limit in constants(c.node)]
    return list(dict.fromkeys(f"{value:g}" for value in (0, 1, 100, *(2 * abs(limit) for limit in limits))))


_NEEDED: Mapping[str, frozenset[str]] = {
    "RL403": frozenset(("index", "scalars")),
    "RL409": frozenset(("nil", "index")),
    "RL410": frozenset(("order", "empty")),
    "RL421": frozenset(("le",)),
    "RL404": frozenset(("numerators", "all numerators", "fallback")),
    "RL423": frozenset(("clamps", "denominators")),
}
"""Rule -> steps without which nothing helps against its fault."""


def _plans(steps: Iterable[_Step], want: str) -> list[tuple[float, tuple[_Step, ...]]]:
    """Sets of steps with their cost, the cheapest first."""
    every, needed = tuple(steps), _NEEDED.get(want)
    plans = [
        (sum(step.cost for step in plan), plan)
        for size in range(1, _MOST_STEPS + 1)
        for plan in combinations(every, size)
        if needed is None or any(step.name in needed for step in plan)
    ]
    return sorted(plans, key=lambda plan: plan[0])


def _changes(judgement: Judgement, plan: Sequence[_Step], no_data: NoData) -> dict[str, tuple[Change, ...]] | None:
    """Field -> its changes; `None` where the steps do not go together."""
    found: dict[str, tuple[Change, ...]] = {}
    query = merged(change for step in plan for change in step.query)
    if query is None:
        return None
    if query:
        found["query"] = query
    cases: dict[Case, bool | None] = {}
    for step in plan:
        cases |= dict.fromkeys(step.cases, True)
    both = len(judgement.conditions) > 1
    for condition in judgement.conditions:
        edits = [c for step in plan for field, made in step.conditions if field == condition.field for c in made]
        if condition.node is not None and (cases or any(step.reorders or step.forgets_nil for step in plan)):
            truth = _truth(condition.field, both, no_data)
            wanted: dict[Case, bool | None] = dict.fromkeys(cases, truth)
            if any(step.forgets_nil for step in plan):
                wanted["nil"] = None
            element = next((step.element for step in plan if step.element), "")
            guards = decide_cases(condition.node, condition.text, wanted, element)
            if guards is None:
                return None
            edits += guards
        changes = merged(edits)
        if changes is None:
            return None
        if changes:
            found[condition.field] = changes
    return found


def _truth(field: str, both: bool, no_data: NoData) -> bool:
    """What a condition has to be where there is no data.

    With both conditions a measurement that neither holds for is Inconclusive, which stops a rollout for a person.
    """
    if field == "successCondition":
        return no_data == "pass"
    return no_data == "fail" or (no_data == "any" and not both)


# ---- words ---------------------------------------------------------------------------------------------------


def _texts(judgement: Judgement) -> dict[str, str]:
    texts: dict[str, str] = dict.fromkeys(FIELDS, "")
    if judgement.query is not None:
        texts["query"] = judgement.query.text
    return {**texts, **{condition.field: condition.text for condition in judgement.conditions}}


def _shown(texts: Mapping[str, str], changes: Mapping[str, tuple[Change, ...]]) -> str:
    """The first changed text, on one line, without its comments and cut to what changes."""
    field, made = next(iter(changes.items()))
    line = _on_one_line(rewritten(texts[field], made), field)
    if len(line) <= _LONGEST_SHOWN:
        return line
    start = max(0, len(_on_one_line(texts[field][: made[0].start], field)) - _LONGEST_SHOWN // 4)
    end = min(len(line), start + _LONGEST_SHOWN)
    start = max(0, end - _LONGEST_SHOWN)
    return f"{'...' if start else ''}{line[start:end].strip()}{'...' if end < len(line) else ''}"


def _on_one_line(text: str, field: str) -> str:
    if field == "query":
        text = _COMMENT.sub(lambda found: found[1] or "", text)
    return " ".join(text.split())
