"""Constructed days: a source of samples whose every value is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from rolloutlint.backtest.make import Options
from rolloutlint.backtest.result import Backtest
from rolloutlint.backtest.source import Failure, Series
from rolloutlint.lang.duration import SECOND, parse_duration

START = 1_700_000_000
"""When every constructed day begins, in seconds since 1970."""


def values_of(text: str) -> list[float | None]:
    """`0.99x3 _x2 NaN` -> 0.99 three times, nothing twice, and NaN."""
    found: list[float | None] = []
    for token in text.split():
        value, _, times = token.partition("x")
        found += [None if value == "_" else float(value)] * int(times or 1)
    return found


class Days:
    """Answers every query with the first of `values` whose key, a pattern, is in it; a lone text is for all queries.

    The values are `step` seconds apart, and each stays until the next. Several series are separated by `;`.
    """

    def __init__(
        self,
        values: str | Mapping[str, str | Failure],
        step: int = 60,
        names: Sequence[str] | Failure = (),
        labels: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.values_by_query = {"": values} if isinstance(values, str) else values
        self.step = step
        self.known = names
        self.labels = labels or {}
        self.asked: list[tuple[str, float, float, float]] = []

    name = "constructed"

    @property
    def size(self) -> int:
        """How many steps the longest of the series has."""
        texts = [text for text in self.values_by_query.values() if isinstance(text, str)]
        return max(len(values_of(series)) for text in texts for series in text.split(";"))

    @property
    def window(self) -> int:
        """Nanoseconds from the first value to the last."""
        return (self.size - 1) * self.step * SECOND

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        self.asked.append((query, start, end, step))
        found = next((text for key, text in self.values_by_query.items() if re.search(key, query)), "")
        if isinstance(found, Failure):
            return found
        lines = [values_of(text) for text in found.split(";")]
        times = [start + k * step for k in range(round((end - start) / step) + 1)]
        series = []
        for number, line in enumerate(lines):
            samples = []
            for at in times:
                index = int((at - START) // self.step)
                value = line[index] if 0 <= index < len(line) else None
                if value is not None:
                    samples.append((at, value))
            if samples:
                series.append(({"series": str(number)}, tuple(samples)))
        return tuple(series)

    def names(self) -> Sequence[str] | Failure:
        names = re.findall(r"\w+_(?:total|ratio|bucket|count|sum)\b", " ".join(query for query, *_ in self.asked))
        return self.known or sorted(set(names))

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        return self.labels.get(label, ())


def options_of(days: Days, **changes: Any) -> Options:
    """The window that the values fill."""
    return Options(START + days.window / SECOND, days.window, **changes)


def replay(files: Mapping[str, str | bytes] | str, days: Days, settings: Any = None, **changes: Any) -> Backtest:
    """The backtest of manifests in memory."""
    from rolloutlint.backtest.make import backtest
    from tests.plan.planning import opened

    return backtest(opened(files, settings), days, options_of(days, **changes))


def replay_samples(files: Mapping[str, str | bytes], samples: Mapping[str, Any], settings: Any) -> Backtest:
    """The backtest of an example of a rule page with its samples: `step`, `values`, `names`, `labels`, and the options
    that matter there (`degradation`)."""
    step = parse_duration(samples["step"])
    assert step is not None
    days = Days(samples["values"], step // SECOND, samples.get("names", ()), samples.get("labels"))
    part = samples.get("degradation")
    return replay(files, days, settings, degradation=None if part is None else Fraction(part))
