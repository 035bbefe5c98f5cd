"""`rolloutlint backtest`: a list of all formats, each imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.backtest.result import Backtest
from rolloutlint.catalogue import Rule
from rolloutlint.finding import Counts
from rolloutlint.report import Options
from rolloutlint.result import Report


class Shown(NamedTuple):
    """A backtest with what its formats need besides."""

    backtest: Backtest
    rules: Mapping[str, Rule] = MappingProxyType({})
    """The rules that findings name, by id; more are no harm."""
    sources: Mapping[str, str] = MappingProxyType({})
    """Source name -> text, as far as it is known: columns in other units need it."""


def _text(shown: Shown, options: Options) -> str:
    from rolloutlint.report.backtest_text import render

    return render(shown.backtest, options)


def _json(shown: Shown, options: Options) -> str:
    from rolloutlint.report.backtest_json import render

    return render(shown.backtest, shown.sources)


def _markdown(shown: Shown, options: Options) -> str:
    from rolloutlint.report.backtest_markdown import render

    return render(shown.backtest)


def _html(shown: Shown, options: Options) -> str:
    from rolloutlint.report.backtest_html import render

    return render(shown.backtest)


def _sarif(shown: Shown, options: Options) -> str:
    from rolloutlint.report.sarif import render

    found = shown.backtest
    names = {each.finding.rule for each in found.findings}
    rules = {name: shown.rules[name] for name in sorted(names) if name in shown.rules}
    report = Report(found.findings, found.incomplete, Counts(), rules, found.tool_version, sources=shown.sources)
    return render(report, options)


FORMATS: Mapping[str, Callable[[Shown, Options], str]] = MappingProxyType(
    {"text": _text, "json": _json, "markdown": _markdown, "html": _html, "sarif": _sarif}
)
"""Format name -> renderer, in the order in which help lists them; each answer ends in a newline."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".txt": "text", ".json": "json", ".md": "markdown", ".html": "html", ".htm": "html", ".sarif": "sarif"}
)
"""Suffix of an output file -> the format it asks for."""
