"""Which metrics a `metricName` of `dryRun` or `measurementRetention` selects.

Mirrors `GetDryRunMetrics` and `GetMeasurementRetentionMetrics` (argo-rollouts `utils/analysis/helpers.go`): Go's
`regexp.MatchString` over each metric's name, unanchored, its error ignored.
"""

from __future__ import annotations

from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.regexp import go_regexp

EVERYTHING = ("", ".*")
"""Patterns that match whatever a name will be."""

_LONGEST_NAME = 253


def selects(rule: object, name: object) -> bool | None:
    """Whether a rule selects the metric of a name; `None` where that is not known."""
    if not isinstance(rule, str) or filled_later(rule):
        return None
    if rule in EVERYTHING:
        return True
    read = go_regexp(rule)
    if read.error:
        return False
    if read.matcher is None or not isinstance(name, str) or filled_later(name) or len(name) > _LONGEST_NAME:
        return None
    return read.matcher.search(name) is not None
