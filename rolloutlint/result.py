"""The outcome of a run: one immutable object from which every report and the exit code are made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.catalogue import Rule
from rolloutlint.finding import SEVERITIES, Counts, Incomplete, SettledFinding, Severity


class Report(NamedTuple):
    """All findings (active, suppressed and waived) in their final order, and everything not looked at."""

    findings: tuple[SettledFinding, ...]
    incomplete: tuple[Incomplete, ...]
    counts: Counts
    rules: Mapping[str, Rule]
    """The rules that ran, and any other that has a finding, by id."""
    tool_version: str
    fail_on: Severity = "error"
    exit_zero: bool = False
    sources: Mapping[str, str] = MappingProxyType({})
    """Source name -> text, for the sources that have findings (columns in other units, snippets, diffs)."""

    @property
    def active(self) -> tuple[SettledFinding, ...]:
        """The findings that are neither suppressed nor waived."""
        return tuple(f for f in self.findings if f.disposition == "active")

    @property
    def lost(self) -> bool:
        """True where an input was lost or a rule crashed, so that silence proves nothing."""
        return any(i.lost for i in self.incomplete)

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings at or above `fail_on`, 4 lost input or a crash (which beats 1).

        Nothing to lint (3) and usage errors (2) are decided before there is a report.
        """
        if self.lost:
            return 4
        if self.exit_zero:
            return 0
        limit = SEVERITIES.index(self.fail_on)
        return int(any(SEVERITIES.index(f.severity) <= limit for f in self.active))
