"""The JSON of Prometheus' HTTP API, read and written: what a server sends, and what a recording keeps.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from rolloutlint.backtest.source import Series

Samples: TypeAlias = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]
"""Sorted labels -> (seconds since 1970, value), by time."""

_ANNOTATION: Final = re.compile("PromQL (warning|info):")
"""Remarks about the query (prometheus `util/annotations`); any other warning is about data that is missing."""


def samples_of(data: object) -> Samples | None:
    """The series in the field `data` of a range query's answer, or `None` where it is no such thing.

    A sample that is a native histogram is 0, which is what Argo Rollouts sees of it (prometheus/common
    `model/value.go`: `Sample.Value` stays unset).
    """
    if not isinstance(data, dict) or data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
        return None
    found: Samples = {}
    try:
        for series in data["result"]:
            labels = tuple(sorted((str(name), str(value)) for name, value in series["metric"].items()))
            samples = [(float(at), float(value)) for at, value in series.get("values", ())]
            if "histograms" in series:
                samples = sorted((*samples, *((float(at), 0.0) for at, _ in series["histograms"])))
            found.setdefault(labels, []).extend(samples)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return found


def added(found: Samples, more: Samples) -> None:
    """Add to some series what comes after them."""
    for labels, samples in more.items():
        found.setdefault(labels, []).extend(samples)


def series_of(found: Samples) -> Series:
    """The series sorted by their labels, as Prometheus does (`model/labels`, `Compare`)."""
    return tuple((dict(labels), tuple(found[labels])) for labels in sorted(found))


def names_of(data: object) -> tuple[str, ...] | None:
    """The values in the field `data` of an answer about labels, or `None` where it is no such thing."""
    if not isinstance(data, list) or not all(isinstance(value, str) for value in data):
        return None
    return tuple(data)


def lacking(answer: Mapping[str, Any]) -> list[str] | None:
    """What an answer says that it lacks; `None` where it is complete.

    Thanos and Prometheus' remote read say it in warnings, VictoriaMetrics with `isPartial` and no reason.
    """
    warnings = answer.get("warnings")
    listed = warnings if isinstance(warnings, list) else ()
    missing = [str(warning) for warning in listed if not _ANNOTATION.match(str(warning))]
    return missing if missing or answer.get("isPartial") is True else None


def written(series: Series) -> dict[str, Any]:
    """The answer that holds these series; reading it gives them again."""
    result = [
        {"metric": dict(labels), "values": [[at, _number(value)] for at, value in samples]}
        for labels, samples in series
    ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def written_names(names: Iterable[str]) -> dict[str, Any]:
    """The answer that holds these values of a label."""
    return {"status": "success", "data": list(names)}


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
