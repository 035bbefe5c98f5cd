"""What queries measure and how many series they return, as far as their own text says so."""

from __future__ import annotations

import pytest

from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.series import several_series
from rolloutlint.lang.promql.units import unit_of

QUANTILE = "histogram_quantile(0.9, sum by (le) (rate({}_bucket[5m])))"

UNITS = [
    (QUANTILE.format("http_request_duration_seconds"), "seconds"),
    (QUANTILE.format("istio_request_duration_milliseconds"), "milliseconds"),
    (QUANTILE.format("response_latency_ms"), "milliseconds"),
    (QUANTILE.format("http_request_duration_seconds") + " * 1000", "milliseconds"),
    ("1000 * " + QUANTILE.format("http_request_duration_seconds"), "milliseconds"),
    (QUANTILE.format("response_latency_ms") + " / 1000", "seconds"),
    (QUANTILE.format("http_request_duration_seconds") + " >= 0 or vector(0)", "seconds"),
    ("max(" + QUANTILE.format("grpc_server_handling_seconds") + ")", "seconds"),
    ("sum(rate(http_request_seconds_sum[5m])) / sum(rate(http_request_seconds_count[5m]))", "seconds"),
    ("clamp_max(" + QUANTILE.format("http_request_duration_seconds") + ", 10)", "seconds"),
    (QUANTILE.format("http_request_duration_seconds") + " * 60", None),
    (QUANTILE.format("http_request_duration_seconds") + " > bool 1", None),
    ("1000 * (1000 * " + QUANTILE.format("http_request_duration_seconds") + ")", None),
    (QUANTILE.format("response_latency_ms") + " * 1000", None),
    (QUANTILE.format("backup_duration_seconds"), None),
    (QUANTILE.format("http_request_size_bytes"), None),
    ("sum(rate(http_request_seconds_sum[5m]))", None),
    ("max(process_uptime_seconds)", None),
    ("histogram_quantile(0.9, {{args.buckets}})", None),
]


@pytest.mark.parametrize("query, unit", UNITS)
def test_the_unit_of_a_latency_is_read_from_the_names_of_its_metrics(query: str, unit: str | None) -> None:
    found = unit_of(parse(query))
    assert (found.name if found is not None else None) == unit


@pytest.mark.parametrize(
    "query, labels",
    [
        ("sum by (pod) (a)", ("pod",)),
        ("sum by (pod, code) (a)", ("code", "pod")),
        ('sum by (pod, code) (a{code="200"})', ("pod",)),
        ("sum by (pod) (a) / on (pod) sum by (pod) (b)", ("pod",)),
        ("rate(a_total[5m])", ()),
        ("a", ()),
        ("topk(3, a)", ()),
    ],
)
def test_several_series_have_a_reason(query: str, labels: tuple[str, ...]) -> None:
    node = parse(query)
    several = several_series(node, interpret(node))
    assert several is not None
    assert several.labels == labels


@pytest.mark.parametrize(
    "query",
    [
        *("sum(a)", "topk(1, a)", "vector(1)", "absent(a)", "scalar(a)", "a[5m]"),
        *('sum by (job) (a{job="x"})', 'a{pod="x"}', "job:a:rate5m", "{{args.q}}"),
        *("sum without (pod) (a)", "histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))", '{job="x"}'),
    ],
)
def test_one_series_or_nobody_knows(query: str) -> None:
    node = parse(query)
    assert several_series(node, interpret(node)) is None
