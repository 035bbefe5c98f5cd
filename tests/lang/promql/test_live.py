"""A real Prometheus agrees: on what is PromQL, on its tree, and with everything the interpreter rules out.

The random queries are the first ones of `make fuzz-promql`, which goes on for as long as it is told to; what it has
found before is asked here again.
"""

from __future__ import annotations

import pytest

from tests.live import fuzz
from tests.live.server import SPAN, Server

FOUND = {
    "series that differ in their name alone": "rate({job='web'}[5m])",
    "the same, compared with bool": "{pod='a'} > bool 0",
    "the same on one side of an operator": "http_request_duration_seconds_sum atan2 {job='web'}",
    "one name after another in a subquery": "max_over_time((queue_depth or on(pod) up)[10m:15s])",
    "a subquery without a step in its window": "min_over_time(vector(1)[1m:2m])",
    "the same with the default step": "quantile_over_time(0.5, vector(1)[30s:])",
    "clamp of NaN to reversed bounds": "clamp(vector(NaN), 3, 0.95)",
    "clamp_min of NaN to an infinity": "vector(1) unless Inf != clamp_min(vector(NaN), Inf)",
    "a quotient by a negative zero": "1 / (queue_depth * 0)",
    "a fallback that is a negative zero": "up / (sum(rate(http_requests_total[5m])) or on() vector(-0))",
    "a bucket without the bucket it is a share of": (
        'sum(rate(http_request_duration_seconds_bucket{le="0.5"}[5m]))'
        ' / (sum(rate(http_request_duration_seconds_bucket{le="+Inf"}[5m])) or vector(1))'
    ),
    "a label that has no name": "label_join(up, '-', '', 'job')",
    "the same in count_values": "count_values('-', up)",
    "a multiple over the same multiple": "(100 * queue_depth) / (100 * queue_depth)",
    "an impossible number of elements of nothing": "topk(NaN, vector(1) > 2)",
    "an offset of nothing": "up offset 0s",
}


@pytest.mark.parametrize("query", FOUND.values(), ids=FOUND.keys())
def test_what_prometheus_once_disproved_is_no_longer_said(prometheus: Server, query: str) -> None:
    violation = fuzz.judge(prometheus, fuzz.Case(query, SPAN, True))[1]
    assert violation is None, fuzz.tell(violation)


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_prometheus_disproves_nothing_we_say_of_random_queries(prometheus: Server, seed: str) -> None:
    outcomes, found = fuzz.search(prometheus, seed, count=500, seconds=None, most=1)
    assert not found, fuzz.tell(fuzz.shorten(found[0], lambda case: fuzz.judge(prometheus, case)[1]))
    assert outcomes["accepted"] > 250
    assert outcomes["rejected"] > 50
