"""The interpreter against what real servers returned: it may never rule out what has happened."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Literal

import pytest

from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.parser import PromQLError, parse
from rolloutlint.lang.promql.values import Abstract, Reasons
from tests.promql_truth import Observation, observations, violations

TRUSTED = frozenset({"raw-sample", "unknown"})
"""Reasons that make no claim about the query itself."""


@cache
def interpreted(query: str, release: Literal[2, 3]) -> Abstract | None:
    try:
        return interpret(parse(query), prometheus=release)
    except PromQLError:
        return None


@pytest.mark.parametrize("release", [2, 3])
def test_nothing_that_prometheus_returned_is_ruled_out(release: Literal[2, 3]) -> None:
    checked, wrong = 0, []
    for seen in observations():
        if seen.release != release:
            continue
        value = interpreted(seen.query, release)
        if value is None:
            assert seen.error == "parse" or seen.release == 3, seen.query
            continue
        checked += 1
        wrong += [(seen.shape, seen.world, what) for what in violations(value, seen)]
    assert checked > 8_900
    assert wrong == []


def test_what_prometheus_refuses_to_parse_is_not_interpreted() -> None:
    refused = {seen.query for seen in observations() if seen.error == "parse" and seen.release == 2}
    assert len(refused) > 10
    assert [query for query in refused if interpreted(query, 2) is not None and interpreted(query, 3) is not None] == []


def claims(why: Reasons) -> bool:
    return any(reason.code not in TRUSTED for reason in why)


@pytest.mark.parametrize("hazard, most", [("empty", 19), ("nan", 10), ("inf", 20), ("many", 29)])
def test_few_hazards_are_claimed_that_no_world_shows(hazard: str, most: int) -> None:
    seen_in: dict[str, list[Observation]] = defaultdict(list)
    for seen in observations():
        if seen.kind not in ("error", "string"):
            seen_in[seen.query].append(seen)
    unseen = []
    for query, found in seen_in.items():
        value = interpreted(query, 3)
        if value is None:
            continue
        numbers = [number for seen in found for _, values in seen.elements for number in values]
        claimed, shown = {
            "empty": (bool(value.empty), any(not seen.elements for seen in found)),
            "nan": (claims(value.nan), any(number != number for number in numbers)),
            "inf": (claims(value.inf), any(abs(number) == float("inf") for number in numbers)),
            "many": (value.cardinality > 1, any(len(seen.elements) > 1 for seen in found)),
        }[hazard]
        if claimed and not shown:
            unseen.append(query)
    assert len(seen_in) > 540
    assert len(unseen) <= most, unseen
