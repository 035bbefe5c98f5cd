"""Where samples come from: a server, a directory of recorded answers, or constructed days in a test.

Sources never raise for what the other side does: what could not be had is a `Failure`, said per question, so that
one bad query loses nothing of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

Series: TypeAlias = tuple[tuple[Mapping[str, str], tuple[tuple[float, float], ...]], ...]
"""What a range query gives: the labels of each series with its (seconds since 1970, value) pairs, by time."""


class Failure(NamedTuple):
    """What was asked for could not be had."""

    message: str
    """`Prometheus answered 422: ...`, without credentials."""
    partial: bool = False
    """True where there was an answer that is said to be incomplete: shares of it would be wrong."""


class Source(Protocol):
    """Answers queries about the past; reads only."""

    @property
    def name(self) -> str:
        """The server without credentials, or the directory."""

    def ranges(self, query: str, start: float, end: float, step: float) -> Series | Failure:
        """The values of a query at `start`, `start + step`, ... up to and including `end` (seconds)."""

    def names(self) -> Sequence[str] | Failure:
        """Every metric name that has samples."""

    def values(self, label: str, selector: str) -> Sequence[str] | Failure:
        """Every value of a label among the series that a selector matches (`""`: all series)."""
