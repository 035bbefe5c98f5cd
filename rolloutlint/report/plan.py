"""`rolloutlint apply-plan`: a list of all formats, each imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.catalogue import Rule
from rolloutlint.change.result import SyncPlan
from rolloutlint.report import Options


class Shown(NamedTuple):
    """A plan with what its formats need besides."""

    plan: SyncPlan
    rules: Mapping[str, Rule]
    """The rules that findings name, by id; more are no harm."""
    sources: Mapping[str, str] = MappingProxyType({})
    """Source name -> text, as far as it is known: columns in other units and fixes need it."""


def _text(shown: Shown, options: Options) -> str:
    from rolloutlint.report.plan_text import render

    return render(shown.plan, options)


def _json(shown: Shown, options: Options) -> str:
    from rolloutlint.report.plan_json import render

    return render(shown.plan, shown.sources)


def _markdown(shown: Shown, options: Options) -> str:
    from rolloutlint.report.plan_markdown import render

    return render(shown.plan, options)


def _html(shown: Shown, options: Options) -> str:
    from rolloutlint.report.plan_html import render

    return render(shown.plan)


def _sarif(shown: Shown, options: Options) -> str:
    from rolloutlint.report.plan_words import as_report
    from rolloutlint.report.sarif import render

    return render(as_report(shown.plan, shown.rules, shown.sources), options)


FORMATS: Mapping[str, Callable[[Shown, Options], str]] = MappingProxyType(
    {"text": _text, "json": _json, "markdown": _markdown, "html": _html, "sarif": _sarif}
)
"""Format name -> renderer, in the order in which help lists them; each answer ends in a newline."""

SUFFIXES: Mapping[str, str] = MappingProxyType(
    {".txt": "text", ".json": "json", ".md": "markdown", ".html": "html", ".htm": "html", ".sarif": "sarif"}
)
"""Suffix of an output file -> the format it asks for."""
