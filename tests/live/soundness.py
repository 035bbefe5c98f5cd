"""What `interpret` claims of a query, held against what Prometheus returned for it."""

from __future__ import annotations

import math

from rolloutlint.lang.promql.values import ANY_LABEL, Abstract
from tests.live.server import Result

FAULTS = ("unexpected number of samples", "invalid regular expression")
"""How errors begin of which nothing is said: 2.x gives the first for `(x[5m] @ end())` in parentheses, by mistake, and
where Go's regular expressions are not certain we are silent."""


def violations(claim: Abstract, result: Result, dishonest: bool) -> list[str]:
    """Every claim that the result disproves, in words that start with the name of the claim. The type is not looked at:
    see `Server.evaluate_everywhere`. `dishonest`: a counter of this world is NaN."""
    if result.error:
        return [] if claim.errors or result.error.startswith(FAULTS) else [f"errors: {result.error}"]
    if claim.type == "string":
        return []
    found = []
    count = len(result.samples)
    if count == 0 and not claim.empty:
        found.append("empty: there is no element")
    if count > 0 and claim.always_empty:
        found.append(f"always_empty: there are elements, {count}")
    if count > claim.cardinality and claim.cardinality < 2 and claim.type != "matrix":
        found.append(f"cardinality: at most {claim.cardinality}, and there are {count} elements")
    for labels, value in result.samples:
        if math.isnan(value):
            if not claim.nan:
                found.append("nan: a value is NaN")
        else:
            if math.isinf(value) and not claim.inf:
                found.append(f"inf: a value is {value}")
            # A counter that an exporter sends as NaN is no longer the whole of its parts.
            if dishonest and any(reason.code == "raw-sample" for reason in claim.nan):
                continue
            # Prometheus and we round differently, and cosh(x) of a large x is a large number.
            slack = 1e-9 * max(1.0, abs(value)) if math.isfinite(value) else 0.0
            if not claim.low - slack <= value <= claim.high + slack:
                found.append(f"interval: {value} is not in [{claim.low}, {claim.high}]")
            if value == 0 and claim.nonzero:
                found.append("nonzero: a value is 0")
        if claim.labels is not None and len(labels.keys() - claim.labels - {"__name__"}) > (ANY_LABEL in claim.labels):
            found.append(f"labels: {sorted(labels)} are not among {sorted(claim.labels)}")
    return sorted(set(found))
