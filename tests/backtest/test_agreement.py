"""What is said of a metric without data and what its past says of it never contradict each other."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rolloutlint.backtest.result import MetricHistory, Point
from rolloutlint.controllers.analysis_run import Outcome
from rolloutlint.controllers.measurement import Judgement, Part, measure
from rolloutlint.controllers.measurement_runs import outcome
from rolloutlint.lang.expr import Phase
from rolloutlint.settings import Targets
from tests.backtest.samples import Days, replay

QUERIES = (
    'sum(rate(http_requests_total{code!~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    '(sum(rate(http_requests_total{code=~"5.."}[5m])) or vector(0)) / (sum(rate(http_requests_total[5m])) > 0)',
    '100 * sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "scalar(max(worker_busy_ratio))",
    "max(worker_busy_ratio) or vector(0)",
    "clamp_max(max(worker_busy_ratio), 1)",
    "sum(increase(http_requests_total[5m]))",
)
CONDITIONS = (
    ("result[0] >= 0.95", ""),
    ("result[0] < 0.05", ""),
    ("", "result[0] > 0.05"),
    ("len(result) > 0 && result[0] >= 0.95", ""),
    ("len(result) == 0 || result[0] >= 0.95", ""),
    ("len(result) > 0 && result[0] >= 0.95", "len(result) == 0 || result[0] < 0.9"),
    ("result[0] >= 0.95", "result[0] < 0.9"),
    ("all(result, # >= 0.95)", ""),
    ("!isNaN(result[0]) && result[0] >= 0.95", ""),
    ("isNaN(result[0]) || result[0] >= 0.95", ""),
    ("default(result, 0) < 0.05", ""),
    ("result >= 0.95", ""),
    ("", "any(result, isNaN(#))"),
    ("result", ""),
)
PHASES: dict[Outcome, Phase] = {"S": "Successful", "F": "Failed", "I": "Inconclusive", "E": "Error"}

TEMPLATES = st.tuples(st.sampled_from(QUERIES), st.sampled_from(CONDITIONS))
NUMBERS = st.sampled_from([0.0, 0.04, 0.05, 0.06, 0.9, 0.93, 0.95, 1.0, 5.0, 95.0]) | st.floats(0, 100)


def manifest(query: str, conditions: tuple[str, str], limits: str = "count: 3, interval: 1m") -> str:
    fields = [
        f"{field}: {text!r}"
        for field, text in zip(("successCondition", "failureCondition"), conditions, strict=True)
        if text
    ]
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: cart}\nspec:\n  metrics:\n"
        f"  - {{name: m, {limits}, {', '.join(fields)}, provider: {{prometheus: {{address: 'http://p:9090', "
        f"query: '{query}'}}}}}}\n"
    )


def judgement(query: str, conditions: tuple[str, str]) -> Judgement:
    metric = {
        "name": "m",
        "successCondition": conditions[0],
        "failureCondition": conditions[1],
        "provider": {"prometheus": {"address": "http://p:9090", "query": query}},
    }
    found = measure(metric, {}, Targets())
    assert found is not None
    return found.judgement


def history(
    query: str, conditions: tuple[str, str], values: str, limits: str = "count: 3, interval: 1m"
) -> MetricHistory:
    days = Days(values, names=["http_requests_total", "worker_busy_ratio", "http_request_duration_seconds_bucket"])
    ((one,),) = [analysis.metrics for analysis in replay(manifest(query, conditions, limits), days).analyses]
    return one


def parts_of(found: Judgement, point: Point) -> list[Part]:
    """What is said, in any world, of answers of the kind that a point has."""
    parts = [part for verdict in found.verdicts if verdict.world != "unreachable" for part in verdict.parts]
    if point.empty:
        return [part for part in parts if part.kind == "empty"]
    if point.nan:
        return [part for part in parts if part.kind == "NaN"]
    assert point.value is not None
    return [part for part in parts if part.kind == "value" and part.bounds[0] <= point.value <= part.bounds[1]]


@settings(max_examples=400, deadline=None)
@given(template=TEMPLATES, value=NUMBERS | st.sampled_from([math.nan, None]))
def test_no_point_has_an_outcome_that_is_said_to_be_impossible(
    template: tuple[str, tuple[str, str]], value: float | None
) -> None:
    query, conditions = template
    found = history(query, conditions, f"{'_' if value is None else repr(value)}x10")
    said = judgement(query, conditions)
    assume(found.points)
    point = found.points[0]
    parts = parts_of(said, point)
    assume(parts)  # the query cannot give such an answer in the first place
    allowed = frozenset().union(*(part.phases for part in parts))
    assert None in allowed or PHASES[point.outcome] in allowed


@settings(max_examples=200, deadline=None)
@given(template=TEMPLATES)
def test_a_world_without_series_and_a_day_without_series_agree(template: tuple[str, tuple[str, str]]) -> None:
    query, conditions = template
    said = judgement(query, conditions).verdict("absent")
    found = history(query, conditions, "_x10")
    assume(said is not None and said.part("empty") is not None and len(said.parts) == 1 and found.points)
    assert said is not None
    assert {PHASES[point.outcome] for point in found.points} == said.phases


ENDS = {"succeeds": {"Successful"}, "aborts": {"Failed", "Error"}, "pauses": {"Inconclusive"}, "goes-on": {"Running"}}

LIMITS = (
    "count: 3, interval: 1m",
    "count: 3, interval: 1m, failureLimit: 3",
    "count: 5, interval: 1m, failureLimit: 2, consecutiveErrorLimit: 1",
    "count: 5, interval: 1m, consecutiveSuccessLimit: 2",
    "count: 4, interval: 1m, inconclusiveLimit: 4",
    "interval: 1m, failureLimit: 2",
    "interval: 1m, consecutiveSuccessLimit: 3, failureLimit: -1",
    "count: 1",
)


@pytest.mark.parametrize(("limits", "conditions"), list(itertools.product(LIMITS, CONDITIONS[:9])))
@pytest.mark.parametrize("values", ["1.0", "0.92", "0.5", "_", "NaN"])
def test_a_day_that_never_changes_ends_every_run_as_that_world_does(
    values: str, limits: str, conditions: tuple[str, str]
) -> None:
    found = history("max(worker_busy_ratio)", conditions, f"{values}x240", limits)
    (only,) = {point.outcome for point in found.points}
    fields = dict(field.split(": ") for field in limits.split(", "))
    metric = {name: value if name == "interval" else int(value) for name, value in fields.items()}
    kind = outcome(PHASES[only], metric, Targets()).kind
    assert found.starts is not None
    # Retries after the last possible measurement may leave the window.
    ends = {ending for ending, share in found.starts.endings if share} - ({"Running"} if only == "E" else set())
    assert ends <= ENDS[kind]
