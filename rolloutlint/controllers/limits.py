"""Which ends the limits of a metric allow, whatever is measured.

Closed forms of `assessMetricStatus` and `assessMetricFailureInconclusiveOrError` (argo-rollouts
`analysis/analysis.go`), which the tests hold against the counters themselves. They speak of metrics that
`validate_metrics` accepts. `None` is unknown: a number is filled in later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutlint.controllers.metrics import effective_count, limits_of, providers_of
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.settings import Targets, Version

if TYPE_CHECKING:
    from rolloutlint.lang.expr import Phase

ERROR_RETRY = 10
"""Seconds between an Error and the next try (`analysis/analysis.go` DefaultErrorRetryInterval)."""

JUDGING_PROVIDERS = frozenset(("job", "kayenta", "plugin"))
"""They decide a measurement themselves; conditions are not evaluated (`metricproviders/`)."""

_INCONCLUSIVE_JOBS_SINCE = Version(1, 10)

_COMPARISON = re.compile(r"\s*([\w.\[\]]+)\s*(==|!=|<=|>=|<|>)\s*('[^']*'|\"[^\"]*\"|[-+\w.]+)\s*\Z")
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_HOLE = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|\$\(.*?\)", re.DOTALL)


class Bounds(NamedTuple):
    """How many outcomes of each kind a metric takes; all known."""

    measurements: float
    """How many measurements complete it: `math.inf` where it never completes; negative counts as written."""
    failure: int
    """-1: failures do not end it (since 1.8)."""
    success: int
    """0: successes in a row do not end it."""
    inconclusive: int
    error: int

    @property
    def finite(self) -> bool:
        """True where some number of measurements completes the metric."""
        return 0 < self.measurements < math.inf

    @property
    def never_failed(self) -> bool:
        """True where no sequence of outcomes ends in Failed."""
        return self.finite and self.failure >= self.measurements

    def successful_without_success(self, inconclusive: bool) -> bool:
        """True where a metric without one successful measurement can end Successful.

        `inconclusive` says whether its measurements can be Inconclusive.
        """
        unjudged = self.inconclusive if inconclusive else 0
        return self.finite and self.success == 0 and self.failure + unjudged >= self.measurements

    @property
    def one_success_is_enough(self) -> bool:
        """True where a metric with one success and otherwise failures is Successful, and with failures alone is not."""
        return self.finite and self.success == 0 and self.measurements > 1 and self.failure == self.measurements - 1

    @property
    def never_successful(self) -> bool:
        """True where no sequence of outcomes ends in Successful."""
        return self.finite and self.success > self.measurements

    @property
    def may_run_out(self) -> bool:
        """True where successes and tolerated failures alone can use up the count before enough successes in a row."""
        return (
            self.finite
            and 0 < self.success <= self.measurements
            and self.failure >= 0
            and self.measurements < self.success * (self.failure + 1)
        )

    def endings(self, outcomes: str) -> frozenset[Phase]:
        """Every phase in which the metric can end of its own accord, if `outcomes` are all its measurements can be.

        `outcomes` are letters of `SFIE` (Successful, Failed, Inconclusive, Error). `"Successful" in endings("FI")` is
        promotion without one success. Termination, which makes what is still Running Successful, is left aside.
        """
        if self.measurements < 0:
            return frozenset(map(self._end_after_one, outcomes))
        found: set[Phase] = set()
        if "F" in outcomes and 0 <= self.failure < self.measurements:
            found.add("Failed")
        if "I" in outcomes and self.inconclusive < self.measurements:
            found.add("Inconclusive")
        if "E" in outcomes:
            found.add("Error")
        if self.success > 0:
            if "S" in outcomes and self.success <= self.measurements:
                found.add("Successful")
            if self._runs_out(outcomes):
                found.add(self._incomplete)
        elif self.measurements < math.inf and ("S" in outcomes or self._tolerated(outcomes) >= self.measurements):
            found.add("Successful")
        return frozenset(found)

    @property
    def _incomplete(self) -> Phase:
        """The end of a metric whose count is reached without enough successes in a row."""
        return "Inconclusive" if self.failure >= 0 else "Failed"

    def _tolerated(self, outcomes: str) -> float:
        """How many failed and inconclusive measurements do not end the metric."""
        failures: float = 0
        if "F" in outcomes:
            failures = self.failure if self.failure >= 0 else math.inf
        return failures + (self.inconclusive if "I" in outcomes else 0)

    def _runs_out(self, outcomes: str) -> bool:
        """Whether the count can be reached without enough successes in a row.

        Whatever is tolerated breaks a row of successes; an Error does so, too, and uses up no count.
        """
        if math.isinf(self.measurements):
            return False
        row = self.success - 1 if "S" in outcomes else 0
        if row and "E" in outcomes and self.error > 0:
            return True
        return self._tolerated(outcomes) * (row + 1) + row >= self.measurements

    def _end_after_one(self, outcome: str) -> Phase:
        """The end of a metric with a negative count, which one measurement completes, even an Error."""
        if outcome == "E" and self.error < 1:
            return "Error"
        if outcome == "I" and self.inconclusive < 1:
            return "Inconclusive"
        if outcome == "F" and self.failure == 0:
            return "Failed"
        if self.success == 0 or (outcome == "S" and self.success == 1):
            return "Successful"
        return self._incomplete


def bounds_of(metric: Mapping[str, Any], targets: Targets) -> Bounds | None:
    """The limits of a metric as the targeted release reads them; `None` unless all are known."""
    measurements = effective_count(metric)
    _, failure, success, inconclusive, error = limits_of(metric, targets)
    if measurements is None or failure is None or success is None or inconclusive is None or error is None:
        return None
    return Bounds(measurements, failure, success, inconclusive, error)


def can_be_inconclusive(metric: Mapping[str, Any], targets: Targets) -> bool | None:
    """Whether a measurement of a metric can be Inconclusive; `None` where that is not known.

    It can where both conditions are set and a value can satisfy neither (`utils/evaluate/evaluate.go`), where the
    marginal score of kayenta is below the passing one, and, since 1.10, where a job cannot pull its image.
    """
    found = providers_of(metric, targets)
    if found is None or len(found) != 1:
        return None
    provider = metric["provider"]
    if provider.get("plugin") is not None:
        return None
    if found[0] == "job":
        return targets.rollouts >= _INCONCLUSIVE_JOBS_SINCE
    if found[0] == "kayenta":
        return _has_margin(provider["kayenta"])
    return _has_gap(metric, found[0])


def _has_margin(kayenta: object) -> bool | None:
    threshold = kayenta.get("threshold") if isinstance(kayenta, dict) else None
    if not isinstance(threshold, dict):
        return None
    marginal, passing = threshold.get("marginal"), threshold.get("pass")
    if not isinstance(marginal, int) or not isinstance(passing, int):
        return None
    return marginal < passing


def _has_gap(metric: Mapping[str, Any], provider: str) -> bool | None:
    success, failure = metric.get("successCondition"), metric.get("failureCondition")
    if success in (None, "") or failure in (None, ""):
        return False
    if not isinstance(success, str) or not isinstance(failure, str):
        return None
    if any(filled_later(c) and not _HOLE.sub("", c).strip() for c in (success, failure)):
        return None  # all of it is filled in later, perhaps with nothing
    if _excludes(success, failure):
        return None if provider == "prometheus" else False
    return True


def _excludes(success: str, failure: str) -> bool:
    """True where the conditions are one comparison and its opposite, which leave at most NaN between them."""
    one, other = _COMPARISON.match(success), _COMPARISON.match(failure)
    if one and other:
        return (one[1], _OPPOSITE[one[2]], one[3]) == other.groups()
    return failure.strip() in (f"!({success.strip()})", f"not ({success.strip()})")
