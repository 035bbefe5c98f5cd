"""What the AnalysisRun controller refuses in `spec.metrics`, before the first measurement.

Mirrors `ValidateMetrics` (argo-rollouts `utils/analysis/factory.go`) and `EffectiveCount`
(`pkg/apis/rollouts/v1alpha1/analysis_types.go`). It runs when the AnalysisRun starts, so a fault aborts the
rollout with the canary already up. Values that still hold a placeholder (`{{ }}`, `${ }`) are unknown: nothing
is claimed of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang.duration import duration_error
from rolloutlint.lang.intstr import int_value
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.settings import Targets, Version

MetricCode = Literal[
    "no-metrics",
    "duplicate-name",
    "negative-success-limit",
    "negative-failure-limit",
    "both-limits-disabled",
    "negative-inconclusive-limit",
    "negative-error-limit",
    "count-below-limits",
    "count-below-failure-limit",
    "count-below-success-limit",
    "count-below-inconclusive-limit",
    "interval-missing",
    "interval-invalid",
    "initial-delay-invalid",
    "no-provider",
    "several-providers",
]

PROVIDERS: Mapping[str, Version] = {
    "prometheus": Version(0, 0),
    "kayenta": Version(0, 0),
    "web": Version(0, 0),
    "datadog": Version(0, 0),
    "wavefront": Version(0, 0),
    "newRelic": Version(0, 0),
    "job": Version(0, 0),
    "cloudWatch": Version(0, 0),
    "graphite": Version(0, 0),
    "influxdb": Version(1, 3),
    "skywalking": Version(1, 5),
    "plugin": Version(1, 5),
}
"""Keys of `provider` and the release that introduced each; before it, the API server drops the key."""

SUCCESS_LIMIT_SINCE = Version(1, 8)
"""The release that brought `consecutiveSuccessLimit` and `failureLimit: -1`."""


class MetricProblem:
    """One reason to refuse a metric. Upstream reports only the first of each run; here all are listed."""

    __slots__ = ("code", "index", "message", "path", "values")

    def __init__(self, index: int, code: MetricCode, path: Path, message: str, values: Mapping[str, int | str]) -> None:
        self.index = index
        """Which metric, from 0; -1 where it is about the list itself."""
        self.code = code
        self.path = path
        """Below the metric: the field at fault, `()` for the metric itself."""
        self.message = message
        """The controller's words, e.g. `metrics[0]: interval must be specified when count > 1`."""
        self.values = values
        """The numbers and texts the message speaks of, by field name."""


DEFAULT_ERROR_LIMIT = 4
"""`consecutiveErrorLimit` where it is absent (`utils/defaults/defaults.go` DefaultConsecutiveErrorLimit)."""


class Limits(NamedTuple):
    """The integers of one metric, `None` where unknown; an absent field has its default."""

    measurements: int | None
    """`count` as written; `effective_count` tells what it means."""
    failure: int | None
    success: int | None
    """0, which is off, before 1.8: the API server drops the field there."""
    inconclusive: int | None
    error: int | None


def _integer(metric: Mapping[str, Any], field: str) -> int | None:
    """`IntValue()` of a field: 0 where absent, `None` where it holds a placeholder or no IntOrString."""
    value = metric.get(field)
    if value is None:
        return 0
    return None if filled_later(value) else int_value(value)


def _text(metric: Mapping[str, Any], field: str) -> str | None:
    """A string field: `""` where absent, `None` where it holds a placeholder or is no string."""
    value = metric.get(field)
    if value is None:
        return ""
    return value if isinstance(value, str) and not filled_later(value) else None


def effective_count(metric: object) -> float | None:
    """How many measurements complete a metric (`EffectiveCount`): an integer, or `math.inf` where it never
    completes.

    Without a count (or with 0, which every unreadable string is) it is 1, or without end where there is an
    interval. Negative counts come back as they are. `None` where the values are unknown.
    """
    if not isinstance(metric, dict):
        return None
    count = _integer(metric, "count")
    if count != 0:
        return count
    interval = _text(metric, "interval")
    if interval is None:
        return None
    return math.inf if interval else 1


def limits_of(metric: Mapping[str, Any], targets: Targets) -> Limits:
    """The count and the limits of a metric as the targeted release reads them."""
    return Limits(
        measurements=_integer(metric, "count"),
        failure=_integer(metric, "failureLimit"),
        success=_integer(metric, "consecutiveSuccessLimit") if targets.rollouts >= SUCCESS_LIMIT_SINCE else 0,
        inconclusive=_integer(metric, "inconclusiveLimit"),
        error=DEFAULT_ERROR_LIMIT
        if metric.get("consecutiveErrorLimit") is None
        else _integer(metric, "consecutiveErrorLimit"),
    )


def providers_of(metric: object, targets: Targets) -> tuple[str, ...] | None:
    """The providers a metric names, each plugin by its own name; `None` where `provider` is not a map.

    A key without a value (`prometheus:`) names none. Keys newer than the target version are not seen.
    """
    provider = metric.get("provider") if isinstance(metric, dict) else None
    if not isinstance(provider, dict):
        return None
    found: list[str] = []
    for key, since in PROVIDERS.items():
        value = provider.get(key)
        if value is None or since > targets.rollouts:
            continue
        if key == "plugin":
            if not isinstance(value, dict):
                return None
            found.extend(str(name) for name in value)
        else:
            found.append(key)
    return tuple(found)


def validate_metrics(metrics: object, targets: Targets) -> tuple[MetricProblem, ...]:
    """Every reason for which the controller refuses `spec.metrics`, by metric and in upstream's order.

    `()` where all is well or the value is no list of metrics (which the schema reports).
    """
    if metrics is None or metrics == []:
        return (MetricProblem(-1, "no-metrics", (), "no metrics specified", {}),)
    if not isinstance(metrics, list):
        return ()
    problems: list[MetricProblem] = []
    names: set[str] = set()
    for index, metric in enumerate(metrics):
        if not isinstance(metric, dict):
            continue
        name = _text(metric, "name")
        if name:
            if name in names:
                message = f"metrics[{index}]: duplicate name '{name}'"
                problems.append(MetricProblem(index, "duplicate-name", ("name",), message, {"name": name}))
            names.add(name)
        for code, path, message, values in _metric(metric, targets):
            problems.append(MetricProblem(index, code, path, f"metrics[{index}]: {message}", values))
    return tuple(problems)


_Fault = tuple[MetricCode, Path, str, dict[str, "int | str"]]


def _metric(metric: Mapping[str, Any], targets: Targets) -> Iterator[_Fault]:
    """The faults of one metric: (code, path, upstream's message, values)."""
    modern = targets.rollouts >= SUCCESS_LIMIT_SINCE
    limits = limits_of(metric, targets)
    if modern:
        yield from _signs(limits)
        yield from _counts(limits)
        yield from _times(metric, limits)
    else:
        yield from _old_counts(limits)
        yield from _times(metric, limits)
        yield from _old_signs(limits)
    yield from _providers(metric, targets)


def _signs(limits: Limits) -> Iterator[_Fault]:
    success, failure = limits.success, limits.failure
    if success is not None and success < 0:
        message = "consecutiveSuccessLimit must be >= 0"
        values: dict[str, int | str] = {"consecutiveSuccessLimit": success}
        yield "negative-success-limit", ("consecutiveSuccessLimit",), message, values
    if failure is not None and failure < -1:
        message = "failureLimit must be >= 0, or -1 to be disabled"
        yield "negative-failure-limit", ("failureLimit",), message, {"failureLimit": failure}
    if success == 0 and failure == -1:
        message = "failureLimit and consecutiveSuccessLimit cannot both be disabled"
        yield "both-limits-disabled", ("failureLimit",), message, {"failureLimit": -1}
    yield from _common_signs(limits)


def _old_signs(limits: Limits) -> Iterator[_Fault]:
    """Before 1.8 a failure limit could not be disabled."""
    if limits.failure is not None and limits.failure < 0:
        values: dict[str, int | str] = {"failureLimit": limits.failure}
        yield "negative-failure-limit", ("failureLimit",), "failureLimit must be >= 0", values
    yield from _common_signs(limits)


def _common_signs(limits: Limits) -> Iterator[_Fault]:
    inconclusive, error = limits.inconclusive, limits.error
    if inconclusive is not None and inconclusive < 0:
        message = "inconclusiveLimit must be >= 0"
        values: dict[str, int | str] = {"inconclusiveLimit": inconclusive}
        yield "negative-inconclusive-limit", ("inconclusiveLimit",), message, values
    if error is not None and error < 0:
        message = "consecutiveErrorLimit must be >= 0"
        yield "negative-error-limit", ("consecutiveErrorLimit",), message, {"consecutiveErrorLimit": error}


def _counts(limits: Limits) -> Iterator[_Fault]:
    count, failure, success = limits.measurements, limits.failure, limits.success
    if count is None or count <= 0:
        return
    if failure is not None and success is not None and success >= 0:
        values: dict[str, int | str] = {
            "count": count,
            "failureLimit": failure,
            "consecutiveSuccessLimit": success,
        }
        if failure >= 0 and count < failure + success:
            message = (
                f"count ({count}) must be >= failureLimit + consecutiveSuccessLimit"
                f" ({failure} + {success}) if both >= 0"
            )
            yield "count-below-limits", ("count",), message, values
        elif failure < 0 and count < success:
            yield "count-below-success-limit", ("count",), "count must be >= consecutiveSuccessLimit", values
    yield from _inconclusive_count(count, limits.inconclusive)


def _old_counts(limits: Limits) -> Iterator[_Fault]:
    """Before 1.8 there was no success limit to add."""
    count, failure = limits.measurements, limits.failure
    if count is None or count <= 0:
        return
    if failure is not None and count < failure:
        values: dict[str, int | str] = {"count": count, "failureLimit": failure}
        yield "count-below-failure-limit", ("count",), "count must be >= failureLimit", values
    yield from _inconclusive_count(count, limits.inconclusive)


def _inconclusive_count(count: int, inconclusive: int | None) -> Iterator[_Fault]:
    if inconclusive is not None and count < inconclusive:
        values: dict[str, int | str] = {"count": count, "inconclusiveLimit": inconclusive}
        yield "count-below-inconclusive-limit", ("count",), "count must be >= inconclusiveLimit", values


def _times(metric: Mapping[str, Any], limits: Limits) -> Iterator[_Fault]:
    interval, delay = _text(metric, "interval"), _text(metric, "initialDelay")
    if limits.measurements is not None and limits.measurements > 1 and interval == "":
        message = "interval must be specified when count > 1"
        yield "interval-missing", (), message, {"count": limits.measurements}
    if interval and (error := duration_error(interval)):
        yield "interval-invalid", ("interval",), f"invalid interval string: {error}", {"interval": interval}
    if delay and (error := duration_error(delay)):
        message = f"invalid startDelay string: {error}"
        yield "initial-delay-invalid", ("initialDelay",), message, {"initialDelay": delay}


def _providers(metric: Mapping[str, Any], targets: Targets) -> Iterator[_Fault]:
    found = providers_of(metric, targets)
    if metric.get("provider") is None:
        found = ()
    if found is None:
        return
    if not found:
        yield "no-provider", ("provider",), "no provider specified", {}
    elif len(found) > 1:
        values: dict[str, int | str] = {"providers": ", ".join(found)}
        yield "several-providers", ("provider",), "multiple providers specified", values
