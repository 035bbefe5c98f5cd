"""Metrics as people write them, no two with the same texts, and how fast they are read and judged."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Texts(NamedTuple):
    """The texts of one Prometheus metric; `failure` is empty where there is no such condition."""

    query: str
    success: str
    failure: str


def typical(count: int, start: int = 0) -> list[Texts]:
    """So many metrics, numbered from `start`: ratios with and without guards, quantiles, counts and means."""
    return [_texts(number) for number in range(start, start + count)]


def _texts(number: int) -> Texts:
    labels = f'namespace="shop",service="service-{number}"'
    good = f'sum(rate(http_requests_total{{{labels},code!~"5.."}}[5m]))'
    bad = f'sum(rate(http_requests_total{{{labels},code=~"5.."}}[5m]))'
    every = f"sum(rate(http_requests_total{{{labels}}}[5m]))"
    time_sum = f"sum(rate(http_request_duration_seconds_sum{{{labels}}}[5m]))"
    time_count = f"sum(rate(http_request_duration_seconds_count{{{labels}}}[5m]))"
    buckets = f"rate(http_request_duration_seconds_bucket{{{labels}}}[5m])"
    by_pod = every.replace("sum(", "sum by (pod) ("), bad.replace("sum(", "sum by (pod) (")
    some = f"0.05{number:06d}"
    most = f"0.95{number:06d}"
    forms = (
        Texts(f"{bad} / {every}", f"result[0] <= {some}", ""),
        Texts(f"{good} / {every}", f"result[0] >= {most}", ""),
        Texts(f"({bad} or vector(0)) / ({every} > 0) or vector(0)", f"result[0] <= {some}", f"result[0] > 2{some}"),
        Texts(f"histogram_quantile(0.95, sum by (le) ({buckets}))", f"result[0] <= {some}", ""),
        Texts(bad, f"len(result) == 0 || result[0] < 1{some}", ""),
        Texts(f"{time_sum} / {time_count}", f"result[0] < {some}", f"result[0] >= 1{some}"),
        Texts(f"{by_pod[1]} / {by_pod[0]}", f"all(result, # < {some})", ""),
        Texts(f"1 - {bad} / {every}", f"len(result) > 0 && !isNaN(result[0]) && result[0] >= {most}", ""),
    )
    return forms[number % len(forms)]


def per_second(work: Callable[[Texts], object], metrics: Sequence[Sequence[Texts]]) -> float:
    """How many metrics a second of processor time is enough for: the best of the rounds, each with its own metrics.

    Cyclic garbage is not collected meanwhile, as in the linter itself.
    """
    best = 0.0
    for some in metrics:
        gc.collect()
        gc.disable()
        start = time.process_time()
        for texts in some:
            work(texts)
        best = max(best, len(some) / (time.process_time() - start))
        gc.enable()
    return best


def speeds(count: int, rounds: int) -> tuple[float, float]:
    """Metrics a second on one core, nothing remembered: parsed and interpreted; judged in every world."""
    from rolloutlint.controllers.measurement import judge
    from rolloutlint.lang import expr
    from rolloutlint.lang.promql.interpret import interpret
    from rolloutlint.lang.promql.parser import parse

    fresh = [typical(count, count * at) for at in range(2 * rounds)]
    return (
        per_second(lambda m: interpret(parse(m.query)), fresh[:rounds]),
        per_second(lambda m: judge("prometheus", m.query, m.success, m.failure, expr.NEWEST, 3), fresh[rounds:]),
    )
