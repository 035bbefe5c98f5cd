"""Which metrics and label values of a query the server has never heard of, and what is nearest to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property

from rolloutlint.backtest.questions import Question
from rolloutlint.backtest.result import Selector
from rolloutlint.backtest.source import Failure, Source
from rolloutlint.lang.names import near
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.promql.tree import Matcher, selectors
from rolloutlint.lang.promql.tree import Selector as Selection
from rolloutlint.lang.regexp import go_regexp

MOST_NEAR = 3


class Known:
    """What a source knows, asked once each. What it could not tell is in `failures`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._values: dict[tuple[str, str], tuple[str, ...] | None] = {}
        self.failures: list[Failure] = []

    @cached_property
    def names(self) -> tuple[str, ...] | None:
        """Every metric name; `None` where the source did not tell."""
        return self._answer(self._source.names())

    @cached_property
    def set_of_names(self) -> frozenset[str]:
        """The same, to ask whether there is one."""
        return frozenset(self.names or ())

    def values(self, label: str, name: str) -> tuple[str, ...] | None:
        """Every value of a label of a metric."""
        key = (label, name)
        if key not in self._values:
            self._values[key] = self._answer(self._source.values(label, name))
        return self._values[key]

    def _answer(self, answer: Sequence[str] | Failure) -> tuple[str, ...] | None:
        if isinstance(answer, Failure):
            self.failures.append(answer)
            return None
        return tuple(answer)


def unknown_selectors(question: Question, known: Known) -> Iterator[Selector]:
    """The metrics and matchers of a query of which no series is known, in the order of the text.

    Those that ask for the new version are left alone unless they are rewritten: it has no series between rollouts.
    """
    if question.node is None or question.scoped:
        return
    for selection in selectors(question.node):
        name = selection.name
        if not name or filled_later(name) or known.names is None:
            continue
        if name not in known.set_of_names:
            yield Selector(question.place, name, nearest(name, known.names), "metric")
            continue
        for matcher in selection.matchers:
            found = _unknown(question, selection, matcher, known)
            if found is not None:
                yield found


def _unknown(question: Question, selection: Selection, matcher: Matcher, known: Known) -> Selector | None:
    label, value = matcher.label, matcher.value
    if label is None or label == "__name__" or matcher.op not in ("=", "=~") or filled_later(value) or not value:
        return None
    pattern = go_regexp(f"^(?:{value})$").matcher if matcher.op == "=~" else None
    if matcher.op == "=~" and (pattern is None or pattern.search("") is not None):
        return None
    values = known.values(label, selection.name or "")
    if values is None or (value in values if pattern is None else any(map(pattern.search, values))):
        return None
    text = f'{label}{matcher.op}"{value}"'
    if not values:
        return Selector(question.place, text, (), "label")
    return Selector(question.place, text, nearest(value, values), "value")


def nearest(word: str, candidates: Sequence[str]) -> tuple[str, ...]:
    """The names that a writer of `word` may have meant, the likeliest first."""
    first = near(word, candidates)
    close = get_close_matches(word, candidates, MOST_NEAR)
    return tuple(dict.fromkeys([*([first] if first else []), *close]))[:MOST_NEAR]
