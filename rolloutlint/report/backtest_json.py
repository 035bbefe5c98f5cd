"""`rolloutlint backtest` as JSON, as published in `schemas/rolloutlint/backtest-v1.json`.

Times are seconds since 1970, as Prometheus counts them; durations seconds; shares percent, with the starts behind them
as whole numbers. A value that JSON has no number for is `NaN`, `+Inf` or `-Inf` as a string.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rolloutlint.backtest.result import AnalysisHistory, Backtest, MetricHistory, Selector, Starts, Traffic
from rolloutlint.finding import Place, show_path
from rolloutlint.report import backtest_words as words
from rolloutlint.report.json import finding_object
from rolloutlint.report.places import Texts
from rolloutlint.report.simulation import number_json, seconds_json

VERSION = 1
"""Of the format. A field may be added within a version only together with its schema."""

_STRETCHES = 1_000
"""So many stretches of measurements that do not pass are listed for a metric."""


def _number(value: float) -> float | str:
    """A value of a query."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return value


def _percent(share: Fraction) -> float | int:
    return number_json(share * 100)


def _maybe_percent(share: Fraction | None) -> float | int | None:
    return None if share is None else _percent(share)


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.document.source, "document": place.document.number, "path": show_path(place.path)}


def _starts(starts: Starts | None) -> dict[str, Any] | None:
    """Shares of starts, and how many starts they are."""
    if starts is None:
        return None
    return {
        "counted": starts.counted,
        "endings": [
            {"ending": ending, "starts": int(share * starts.counted), "percent": _percent(share)}
            for ending, share in starts.endings
        ],
    }


def _traffic(traffic: Traffic | None) -> dict[str, Any] | None:
    if traffic is None:
        return None
    return {
        "query": traffic.query,
        "degradation": _percent(traffic.degradation),
        "weight": traffic.weight,
        "needed": traffic.needed,
        "short": _percent(traffic.short),
    }


def _metric(metric: MetricHistory) -> dict[str, Any]:
    counts = Counter(point.outcome for point in metric.points)
    bad = words.bad_stretches(metric.points)
    return {
        "metric": metric.metric,
        "place": _place(metric.place),
        "query": metric.query,
        "written": metric.written,
        "rewritten": [{"written": written, "sent": sent} for written, sent in metric.rewritten],
        "step": seconds_json(metric.step),
        "lost": metric.lost,
        "why": metric.why,
        "starts": _starts(metric.starts),
        "false_aborts": _maybe_percent(metric.false_aborts),
        "unseen": _percent(metric.unseen),
        "measurements": {
            "successful": counts["S"],
            "failed": counts["F"],
            "error": counts["E"],
            "inconclusive": counts["I"],
            "no_data": sum(point.empty for point in metric.points),
            "nan": sum(point.nan for point in metric.points),
        },
        "not_passing": {
            "stretches": len(bad),
            "first": [
                {"start": each.start, "end": each.end, "outcome": each.outcome, "measurements": each.measurements}
                for each in bad[:_STRETCHES]
            ],
        },
        "no_data": _percent(metric.no_data),
        "nan": _percent(metric.not_a_number),
        "gaps": [gap._asdict() for gap in metric.gaps],
        "quantiles": [{"percent": _percent(share), "value": _number(value)} for share, value in metric.quantiles],
        "thresholds": [_number(each) for each in metric.thresholds],
        "distances": [
            {
                "threshold": _number(each.threshold),
                "below": _percent(each.below),
                "above": _percent(each.above),
                "nearest": [{"percent": _percent(share), "within": _number(value)} for share, value in each.nearest],
            }
            for each in words.distances(metric)
        ],
        "limits": [
            {"field": each.field, "now": each.now, "wanted": each.wanted, "false_aborts": _percent(each.aborts)}
            for each in metric.limits
        ],
        "traffic": _traffic(metric.traffic),
        "notes": list(metric.notes),
    }


def _analysis(analysis: AnalysisHistory) -> dict[str, Any]:
    return {
        "template": analysis.template._asdict(),
        "place": _place(analysis.place),
        "user": None if analysis.user is None else analysis.user._asdict(),
        "called": analysis.called,
        "starts": _starts(analysis.starts),
        "false_aborts": _maybe_percent(analysis.false_aborts),
        "metrics": [_metric(metric) for metric in analysis.metrics],
    }


def _selector(selector: Selector) -> dict[str, Any]:
    return {
        "what": selector.what,
        "text": selector.text,
        "near": list(selector.near),
        "place": _place(selector.place),
    }


def as_json(backtest: Backtest, sources: Mapping[str, str]) -> dict[str, Any]:
    """The backtest as plain data, analyses in the given order; `sources` are the texts that fixes are placed in."""
    texts = Texts(sources)
    return {
        "version": VERSION,
        "tool": {"name": "rolloutlint", "version": backtest.tool_version},
        "source": backtest.source,
        "start": backtest.start,
        "end": backtest.end,
        "tolerated": _percent(backtest.tolerated),
        "lost": backtest.lost,
        "analyses": [_analysis(analysis) for analysis in backtest.analyses],
        "unknown": [_selector(selector) for selector in backtest.unknown],
        "findings": [finding_object(found, texts) for found in backtest.findings],
        "incomplete": [left._asdict() for left in backtest.incomplete],
    }


def render(backtest: Backtest, sources: Mapping[str, str]) -> str:
    """The backtest as one JSON document."""
    return json.dumps(as_json(backtest, sources), indent=2, allow_nan=False) + "\n"
