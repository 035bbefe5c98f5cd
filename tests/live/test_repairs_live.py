"""A real Prometheus evaluates what the repairs make of queries: as before with traffic, and no surprise without."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from rolloutlint.controllers.measurement import Judgement, judge
from rolloutlint.controllers.repairs import faults, repair
from rolloutlint.lang.expr import NEWEST, Phase, decide, program_of
from rolloutlint.lang.rewrite import rewritten
from rolloutlint.settings import NoData
from tests.live.server import Result, Server

ALL = "sum(rate(http_requests_total[5m]))"
ERR = 'sum(rate(http_requests_total{code=~"5.."}[5m]))'
OK = 'sum(rate(http_requests_total{code!~"5.."}[5m]))'
BUCKETS = "rate(http_request_duration_seconds_bucket[5m])"
HQ = f"histogram_quantile(0.95, sum by (le) ({BUCKETS}))"
TIME = "sum(rate(http_request_duration_seconds_sum[5m]))"
COUNT = "sum(rate(http_request_duration_seconds_count[5m]))"

ONLY_FAILURES = [ERR, f"{ERR} or vector(0)"]
FAILURES = [
    f"{ERR} / {ALL}",
    f"{ERR} / {ALL} or vector(0)",
    f"({ERR} or vector(0)) / {ALL}",
    f"({ERR} or vector(0)) / {ALL} or vector(0)",
    f"({ERR} or vector(0)) / ({ALL} or vector(1))",
    f"({ERR} / {ALL}) > 0 or vector(0)",
    f"({ERR} / {ALL}) >= 0 or vector(0)",
    f"({ERR} or vector(0)) / ({ALL} > 0)",
    f"({ERR} or vector(0)) / ({ALL} > 0) or vector(0)",
    f"({ERR} or vector(0)) / ({ALL} > 0) or vector(1)",
    f"({ERR} or vector(0)) / ({ALL} > 0 or vector(1))",
    f"{ERR} / clamp_min({ALL}, 0.001) or vector(0)",
    f"({ERR} or vector(0)) / clamp_min({ALL}, 0.001)",
    f"({ERR} or vector(0)) / clamp_min({ALL} or vector(0), 0.001)",
    f"({ERR} or vector(0)) / clamp_min({ALL}, 1)",
    f"{ERR} / {ALL} or absent(http_requests_total) * 0",
    f"{ERR} / {ALL} > 0.05",
    f"{ERR} / {ALL} > 0.05 or vector(0)",
    f"{ERR} / scalar({ALL})",
    f"scalar({ERR} / {ALL})",
    f"({ALL} - {OK}) / {ALL}",
    f"{ERR} / ({ERR} + {OK})",
    f"clamp_max({ERR} / {ALL}, 1)",
    f"max({ERR} / {ALL}) or on () vector(0)",
    f"{ERR}\n/ # all\n{ALL} # done",
    'sum(increase(http_requests_total{code=~"5.."}[5m])) / sum(increase(http_requests_total[5m]))',
    'sum by (job) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m]))',
    'sum by (pod) (rate(http_requests_total{code=~"5.."}[5m])) / on (pod) sum by (pod) (rate(http_requests_total[5m]))',
    *ONLY_FAILURES,
]
SUCCESSES = [
    f"{OK} / {ALL}",
    f"{OK} / {ALL} or vector(1)",
    f"{OK} / {ALL} or vector(0)",
    f"({OK} / {ALL}) >= 0 or vector(1)",
    f"{OK} / ({ALL} > 0) or vector(1)",
    f"{OK} / {ALL} and {ALL} > 0 or vector(1)",
    f"{OK} / {ALL} unless {ALL} == 0 or vector(1)",
    f"{OK} / clamp_min({ALL}, 1)",
    f"{OK} / clamp_min({ALL}, 1) or vector(1)",
    f"1 - {ERR} / {ALL}",
    f"1 - {ERR} / {ALL} or vector(1)",
    f"1 - ({ERR} or vector(0)) / {ALL}",
    f"1 - ({ERR} or vector(0)) / {ALL} or vector(1)",
    f"1 - (({ERR} or vector(0)) / ({ALL} > 0)) or vector(1)",
    f"1 - ({ERR} / ({ALL} > 0) or vector(0))",
    f"1 - (({ERR} or vector(0)) / ({ALL} > 0)) or vector(0)",
    f"({OK} or vector(0)) / ({ALL} > 0) or vector(1)",
    f"({OK} or vector(1)) / ({ALL} or vector(1))",
    f"1 - {ERR} / clamp_min({ALL}, 1)",
    f"1 - ({ERR} or vector(0)) / clamp_min({ALL}, 1)",
    f"vector(scalar({OK} / {ALL})) >= 0 or vector(1)",
    f"({OK} / {ALL}) * ({ALL} > bool 0)",
    f"scalar({OK} / {ALL})",
    f"({ALL} - {ERR}) / {ALL}",
]
LATENCIES = [
    HQ,
    f"{HQ} or vector(0)",
    f"{HQ} >= 0 or vector(0)",
    f"{HQ} and on () ({COUNT} > 0)",
    f"{HQ} and on () ({COUNT} > 0) or vector(0)",
    f"histogram_quantile(0.95, sum({BUCKETS}))",
    f"max(histogram_quantile(0.95, sum by (pod, le) ({BUCKETS}))) or vector(0)",
    f"avg(histogram_quantile(0.95, sum by (pod, le) ({BUCKETS})))",
    f"{TIME} / {COUNT}",
    f"{TIME} / {COUNT} or vector(0)",
    f"{TIME} / ({COUNT} > 0) or vector(0)",
    f"histogram_quantile(0.95, sum by (pod) ({BUCKETS}))",
]
FAMILIES: dict[str, tuple[Sequence[str], str, str]] = {
    "counter": (FAILURES, "result[0] <= 0.2", "result[0] > 0.2"),
    "counter/": (SUCCESSES, "result[0] >= 0.8", "result[0] < 0.8"),
    "histogram": (LATENCIES, "result[0] <= 0.5", "result[0] > 0.5"),
}
METRICS = [(family, query) for family, (queries, _, _) in FAMILIES.items() for query in queries]

NO_DATA = {"absent", "zero_traffic", "all_zero", "only_success_idle", "single_sample", "lost"}
"""Worlds without traffic."""
FAILING = {"only_errors", "all_failing"}
STRANGE = {
    "nan",
    "no_inf_bucket",
    "only_inf_bucket",
    "not_cumulative",
    "negative_bound",
    "churn",
    "errors_just_appeared",
}
"""Worlds that no exporter should make, or that change while they are measured."""


def conditions_of(success: str, failure: str) -> list[tuple[str, str]]:
    return [
        (success, ""),
        ("", failure),
        (success, failure),
        (f"len(result) == 0 || isNaN(result[0]) || {success}", ""),
        (success.replace("[0]", ""), ""),
    ]


def phase(judgement: Judgement, success: str, failure: str, result: Result) -> Phase | None:
    """What Argo makes of what Prometheus returned; `None` where that depends on the order of elements."""
    numbers = [sample.value for sample in result.samples]
    if len(numbers) > 1:
        return None
    if result.error:
        return "Error"
    scalar = judgement.shape == "float"
    shape = "float" if scalar else "float[]"
    programs = [program_of(text, shape, NEWEST) if text else None for text in (success, failure)]
    return decide(programs[0], programs[1], numbers[0] if scalar else numbers)


def same(one: Result, other: Result) -> bool:
    """Whether two results hold the same numbers."""
    pairs = list(zip(sorted(s.value for s in one.samples), sorted(s.value for s in other.samples), strict=False))
    return len(one.samples) == len(other.samples) and all(
        math.isclose(a, b, rel_tol=1e-9) or (math.isnan(a) and math.isnan(b)) for a, b in pairs
    )


def holds_nan(result: Result) -> bool:
    """What is NaN because one pod of several is idle, a repair may make a number."""
    return any(math.isnan(sample.value) for sample in result.samples)


@pytest.mark.parametrize("no_data", ["any", "pass"])
@pytest.mark.parametrize("family, query", METRICS)
def test_what_is_mended_decides_as_before_and_never_lets_more_through(
    prometheus: Server, family: str, query: str, no_data: NoData
) -> None:
    _, *natural = FAMILIES[family]
    worlds = [name for name in prometheus.worlds if name.startswith(family.rstrip("/") + "/")]
    was = prometheus.evaluate_everywhere(query)
    for success, failure in conditions_of(*natural):

        def again(query: str, success: str, failure: str) -> Judgement:
            return judge("prometheus", query, success, failure, NEWEST, 2 if prometheus.version[0] < 3 else 3)

        before = again(query, success, failure)
        for want in sorted(faults(before, no_data)):
            made = repair(before, again, want=want, no_data=no_data)
            if made is None:
                continue
            fields = ("query", "successCondition", "failureCondition")
            texts = [
                rewritten(text, made.changes.get(field, ()))
                for field, text in zip(fields, (query, success, failure), strict=True)
            ]
            now = prometheus.evaluate_everywhere(texts[0])
            after = again(*texts)
            for name in worlds:
                state = name.partition("/")[2]
                old, new = phase(before, success, failure, was[name]), phase(after, texts[1], texts[2], now[name])
                told = f"{want} {made.safety} in {name}: {texts} was {was[name]} {old}, is {now[name]} {new}"
                if None in (old, new) or state in STRANGE:
                    continue
                if state in NO_DATA:
                    if query in ONLY_FAILURES:  # to which no failure and no data are one
                        continue
                    assert new != "Successful" or old == "Successful" or no_data == "pass", told
                elif state in FAILING:
                    if want not in ("RL403", "RL421"):  # they errored whatever happened
                        assert new != "Successful" or old == "Successful", told
                elif made.safety == "safe" and not holds_nan(was[name]):
                    assert old == new or (old == "Error" and new != "Successful"), told
                    assert same(was[name], now[name]) or not was[name].samples or not now[name].samples, told
