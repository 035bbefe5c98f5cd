"""Lints texts in memory, as the tests of rules and of the engine need it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rolloutlint.catalogue import Catalogue, load_catalogue
from rolloutlint.engine import lint_sources
from rolloutlint.graph import Layout
from rolloutlint.result import Report
from rolloutlint.settings import Settings
from rolloutlint.source import Problem, Source, decode

CATALOGUE: Catalogue = load_catalogue()


def sources(files: Mapping[str, str | bytes]) -> Iterator[Source | Problem]:
    """The files as sources, in the order given."""
    for name, text in files.items():
        yield decode(text if isinstance(text, bytes) else text.encode(), name)


def lint(
    files: Mapping[str, str | bytes] | str, settings: Settings | None = None, layout: Layout | None = None
) -> Report:
    """The report of a run over `files` (name -> text; a lone text is `input.yaml`)."""
    named: Mapping[str, str | bytes] = {"input.yaml": files} if isinstance(files, str) else files

    def fetch(name: str) -> Source | None:
        source = next(sources({name: named[name]}))
        return source if isinstance(source, Source) else None

    def place(_: object) -> Layout:
        return layout or Layout(roots=dict.fromkeys(named, "."))

    return lint_sources(sources(named), place, fetch, settings or Settings(), CATALOGUE, debug=True)


def found(report: Report, rule: str = "") -> list[tuple[str, int, str]]:
    """(rule, line, path) of the active findings, optionally of one rule."""
    return [(f.finding.rule, f.span.line, f.path) for f in report.active if rule in ("", f.finding.rule)]
