"""What real servers returned: 9,028 evaluations of 574 queries on Prometheus 2.42.0 and on the engine of 3.14.0.

`tests/data/promql/truth.jsonl.gz` has a line for each query with its result in each world: what 2.42 said and, where
3.14 said something else, that too. A result is its type and, for each series, the names of its labels and its values;
an error is the stage that raised it. `tests/live/worlds.py` has the series of the worlds.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from rolloutlint.lang.promql.values import ANY_LABEL, Abstract

DATA = Path(__file__).parent / "data" / "promql" / "truth.jsonl.gz"


SLACK = 1e-9
"""Rounding errors of Prometheus' sums."""


class Observation(NamedTuple):
    """What one release returned for one query in one world."""

    family: str
    shape: str
    query: str
    is_range: bool
    world: str
    release: Literal[2, 3]
    kind: str
    """The type of the result, or `error`."""
    error: str
    """`parse`, `type` or `execution`; empty for results."""
    elements: tuple[tuple[frozenset[str], tuple[float, ...]], ...]
    """The labels (without the metric's name) and the values of each series."""


@lru_cache(maxsize=1)
def observations() -> tuple[Observation, ...]:
    """All of them, for both releases."""
    found: list[Observation] = []
    for line in gzip.decompress(DATA.read_bytes()).splitlines():
        row = json.loads(line)
        for world, results in row["worlds"].items():
            releases: tuple[Literal[2, 3], ...] = (2, 3)
            for release in releases:
                kind, content = results[min(release - 2, len(results) - 1)]
                elements = () if kind == "error" else content
                found.append(
                    Observation(
                        row["family"],
                        row["shape"],
                        row["query"],
                        row["range"],
                        world,
                        release,
                        kind,
                        content if kind == "error" else "",
                        tuple((frozenset(labels), tuple(map(_value, values))) for labels, values in elements)
                        if kind != "string"
                        else (),
                    )
                )
    return tuple(found)


def _value(text: str) -> float:
    return float(text.replace("Inf", "inf"))


def violations(value: Abstract, seen: Observation) -> Iterator[str]:
    """What was observed although `value` rules it out."""
    if seen.kind == "error":
        if seen.error == "execution" and not value.errors:
            yield "error"
        return
    if not seen.is_range and seen.kind != value.type:
        yield f"type {seen.kind}, not {value.type}"
    if value.type == "string":
        return
    count = len(seen.elements)
    if not count and not value.empty:
        yield "empty"
    if count and value.always_empty:
        yield "not empty"
    if count > value.cardinality and value.cardinality < 2:
        yield f"{count} elements"
    for labels, numbers in seen.elements:
        if value.labels is not None and ANY_LABEL not in value.labels and not labels <= value.labels:
            yield f"labels {sorted(labels - value.labels)}"
        for number in numbers:
            yield from _number(value, number)


def _number(value: Abstract, number: float) -> Iterator[str]:
    if math.isnan(number):
        if not value.nan:
            yield "NaN"
        return
    if math.isinf(number) and not value.inf:
        yield "infinite"
    if not value.low - SLACK <= number <= value.high + SLACK:
        yield f"{number} outside [{value.low}, {value.high}]"
    if number == 0 and value.nonzero:
        yield "0"
