"""The Jobs that the `job` metric provider makes: their names, and when Kubernetes refuses them.

Mirrors argo-rollouts `metricproviders/job/job.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from rolloutlint.controllers.providers import text_state
from rolloutlint.lang.names import is_dns1123_subdomain
from rolloutlint.settings import Version

UNTRUNCATED_JOB_NAME = 24
"""Characters of a metric's name that fit into the name of its Job: 63 without the run's UID, two dots and a digit."""

JOB_NAMES_TRUNCATED_SINCE = Version(1, 9)


def job_name_fault(name: str, version: Version) -> Literal["characters", "too-long", "cut"] | None:
    """Why Kubernetes refuses the Job of a metric with that name; `None` where it takes it, or the name is unknown.

    Mirrors `newJobName` (`metricproviders/job/job.go`): `<uid>.<metric>.<number>`, cut to 63 characters since 1.9;
    before, a longer one is refused because it becomes a label of the pods. Every dot-separated word must be a
    DNS-1123 label.
    """
    if text_state(name) != "literal":
        return None
    if not is_dns1123_subdomain(name):
        return "characters"
    if len(name) <= UNTRUNCATED_JOB_NAME:
        return None
    if version < JOB_NAMES_TRUNCATED_SINCE:
        return "too-long"
    return None if is_dns1123_subdomain(name[:UNTRUNCATED_JOB_NAME]) else "cut"


def jobs_shared(names: Sequence[object]) -> Iterator[tuple[int, int]]:
    """(first, later) positions of metrics whose Jobs get one name (since 1.9): the later one runs no Job of its own.

    The provider takes an existing Job of the same AnalysisRun for its own (`Run`, `metricproviders/job/job.go`).
    """
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if not isinstance(name, str) or text_state(name) != "literal":
            continue
        first = seen.setdefault(name[:UNTRUNCATED_JOB_NAME], index)
        if first != index and names[first] != name:
            yield first, index
