"""What the verdicts of a metric have in common, as the rules about worlds and the search for repairs ask it.

The worlds and their verdicts are those of `controllers.measurement`. Whether a failure without data is an accident or a
decision is read from the conditions: argo-rollouts `utils/evaluate/evaluate.go` gives no data no meaning of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from rolloutlint.controllers.measurement import Judgement, Part, Phases, Verdict, WorldKey, remembered
from rolloutlint.lang.expr import Call, Node, Phase, author_decided_empty, nan_checks, walk
from rolloutlint.lang.promql.outcomes import outcomes
from rolloutlint.lang.promql.tree import Selector, selectors

HEALTHY: Final[tuple[WorldKey, ...]] = ("healthy-no-failures", "healthy")
FAILING: Final[tuple[WorldKey, ...]] = ("failing-no-successes", "failing")
NO_SERIES: Final[tuple[WorldKey, ...]] = ("absent", "started")
NO_DATA: Final[tuple[WorldKey, ...]] = (*NO_SERIES, "idle")

WANTED: Final[Mapping[str, Phases]] = {
    "fail": frozenset(("Failed", "Error")),
    "pause": frozenset(("Inconclusive",)),
    "pass": frozenset(("Successful",)),
}
"""Setting `no-data` -> the phases that it asks for."""

_ANSWERS_EMPTY: Final = frozenset(
    ("first", "last", "get", "any", "all", "none", "one", "count", "filter", "find", "default")
)
"""Functions that have an answer of their own for an empty result: who calls them has thought of it."""

_FAILURES: Final = re.compile(
    r"(?:^|_)(?:errors?|fail(?:ed|ures?)?|exceptions?|panics?|restarts?|timeouts?)(?:_|$)"
).search
"""Names of metrics that count what goes wrong."""


@remembered
def certainly(judgement: Judgement, worlds: Sequence[WorldKey], *phases: Phase) -> tuple[Verdict, ...]:
    """The verdicts of those of `worlds` in which nothing but `phases` is possible, in that order."""
    verdicts = (judgement.verdict(world) for world in worlds)
    return tuple(v for v in verdicts if v is not None and v.certainly(*phases))


@remembered
def can_pass(judgement: Judgement) -> bool:
    """Whether some answer with traffic is, or may be, a success. If none is, the condition itself is at fault."""
    normal = judgement.verdict("normal")
    return normal is None or not normal.phases.isdisjoint(("Successful", None))


@remembered
def always_passes(judgement: Judgement) -> bool:
    """Whether every answer with traffic is a success: then too the condition itself is at fault."""
    normal = judgement.verdict("normal")
    return normal is not None and normal.certainly("Successful")


@remembered
def is_inverted(judgement: Judgement) -> bool:
    """Whether the numbers of a broken version pass and those of a healthy one fail: the wrong way round."""
    return _numbers(judgement, HEALTHY) == {"Failed"} and _numbers(judgement, FAILING) == {"Successful"}


def _numbers(judgement: Judgement, worlds: Sequence[WorldKey]) -> Phases:
    parts = (v.part("value") for world in worlds if (v := judgement.verdict(world)) is not None)
    return frozenset().union(*(part.phases for part in parts if part is not None))


def by_accident(judgement: Judgement, part: Part) -> bool:
    """Whether a failure or error without data is one that nobody decided.

    An error is none of anybody's decisions. A failure is one where a condition asks for the case it is about; a number
    that fails comes from a fallback in the query and is one too.
    """
    if part.kind in ("empty", "nil") and "Error" in part.phases:
        return True
    if part.kind not in ("empty", "NaN"):
        return False
    asked = _asks_for_nan if part.kind == "NaN" else _asks_for_empty
    values = judgement.provider == "cloudWatch"
    return not any(asked(condition.node, values) for condition in judgement.conditions if condition.node is not None)


@lru_cache(maxsize=1024)
def _asks_for_nan(node: Node, values: bool) -> bool:
    return bool(nan_checks(node))


@lru_cache(maxsize=1024)
def _asks_for_empty(node: Node, values: bool) -> bool:
    """Whether a condition asks if there is data: for `values` (CloudWatch) that is the length of a part of `result`."""
    calls = {one.name for one in walk(node) if isinstance(one, Call)}
    return not calls.isdisjoint(_ANSWERS_EMPTY) or (values and "len" in calls) or author_decided_empty(node)


def deviates(verdict: Verdict, no_data: str) -> bool:
    """Whether nothing that is possible is what a setting `no-data` asks for. What the provider itself makes an error is
    no choice of the metric."""
    phases = verdict.phases
    wanted = WANTED.get(no_data, phases)
    return bool(phases) and None not in phases and phases.isdisjoint(wanted) and verdict.part("fault") is None


@remembered
def counts_only_failures(judgement: Judgement, *, by_name: bool = False) -> bool:
    """Whether a query selects nothing but failures, so that a healthy version looks to it like no version at all.

    What is a failure is read from the matchers; with `by_name` also from the names of metrics (`..._errors_total`).
    """
    query = judgement.query
    found = selectors(query.node) if query is not None and query.node is not None else ()
    known = outcomes(found) or {}

    def fails(selector: Selector) -> bool:
        outcome = known.get(id(selector))
        if outcome is not None:
            return outcome.failures and not outcome.successes
        return by_name and selector.name is not None and _FAILURES(selector.name) is not None

    return bool(found) and all(fails(selector) for selector in found)
