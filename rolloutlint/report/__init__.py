"""Reports: one renderer per format, each a pure function of the same `Report`.

A renderer module is imported only when its format is asked for (sarif-om alone costs 50 ms). Writing to a file
or a terminal is left to the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, cast

from rolloutlint.errors import UsageError
from rolloutlint.result import Report


class Options(NamedTuple):
    """How to show a report. None of it changes what was found."""

    color: bool = False
    """Colour in `text`. Whether NO_COLOR or a pipe forbids it is for the caller to know."""
    width: int = 100
    """Terminal cells per line in `text`; 0 sets no limit."""
    show_suppressed: bool = False
    """Show suppressed and waived findings in `text` and `markdown` too, with their reasons."""
    verbose: bool = False
    """Name everything that was not looked at, with its message, and collapse no findings."""
    collapse: bool = True
    """In `text`, show at most three findings of one rule when there are many."""
    sarif_category: str = ""
    """Tells apart several uploads of one commit: `prod` makes the run's id `rolloutlint/prod/`."""
    sarif_suppressions: bool = False
    """Put suppressed and waived results into SARIF with `suppressions`; GitHub would open them as alerts."""
    root: str = ""
    """Absolute path of the repository root: URIs are relative to it."""
    base: str = ""
    """Absolute path of the directory that relative file names start from; empty means `root`."""
    fallback_file: str = ""
    """Where a finding without a file is pinned (the configuration file, or the first input)."""


Renderer: TypeAlias = Callable[[Report, Options], str]


def _lazily(module: str) -> Renderer:
    def renderer(report: Report, options: Options) -> str:
        return cast("Renderer", import_module(f"rolloutlint.report.{module}").render)(report, options)

    return renderer


FORMATS: Mapping[str, Renderer] = MappingProxyType(
    {name: _lazily(name) for name in ("text", "json", "sarif", "github", "gitlab", "junit", "rdjson", "markdown")}
)
"""Format name -> renderer, in the order in which help lists them."""


def render(report: Report, format: str, options: Options | None = None) -> str:  # noqa: A002
    """`report` in `format`, ending in a newline. Raises `UsageError` for a format that does not exist."""
    renderer = FORMATS.get(format)
    if renderer is None:
        raise UsageError(f"unknown format `{format}`: choose from {', '.join(FORMATS)}")
    return renderer(report, options or Options())
