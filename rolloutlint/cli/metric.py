"""`rolloutlint explain-metric`: what one metric decides in every world."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.errors import UsageError

FORMS = ("text", "json", "markdown", "html")


@click.command("explain-metric")
@click.argument("metric", metavar="FILE[:METRIC]")
@click.option("-f", "--format", "form", type=click.Choice(FORMS), default="text", help="Default: text.")
@click.option(
    "--with",
    "context",
    multiple=True,
    metavar="PATH",
    help="Where the Rollouts that use the template are. Default: the directory of FILE.",
)
@settings_options
def explain_metric(metric: str, form: str, context: tuple[str, ...], **flags: Any) -> int:
    """Show what a METRIC of the AnalysisTemplates in FILE decides in each world that a new version can meet."""
    from rolloutlint.engine import open_paths
    from rolloutlint.metric_table import metric_tables
    from rolloutlint.report.metric import FORMATS

    file, name = _split(metric)
    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    around = context or (os.path.dirname(file) or ".",)
    apart = not any(_holds(path, file) for path in around)
    paths = (*around, file) if apart else around
    run = open_paths(paths, settings, catalogue, together=bool(context))
    shown = next((s for s in run.loaded.slices if os.path.abspath(s) == os.path.abspath(file)), None)
    if shown is None:
        why = next(
            (i.message for i in run.incomplete if os.path.abspath(i.source) == os.path.abspath(file)), "left out"
        )
        raise UsageError(f"cannot read {file}: {why}")
    sys.stdout.write(FORMATS[form](metric_tables(run.world, shown, name, settings)))
    return 0


def _holds(path: str, file: str) -> bool:
    """Whether `file` is `path` or lies below it."""
    return os.path.commonpath((os.path.abspath(path), os.path.abspath(file))) == os.path.abspath(path)


def _split(text: str) -> tuple[str, str]:
    """File and metric; both names may hold colons, and the longest name of a file wins."""
    if text.partition(":")[0] == "-":
        raise UsageError("explain-metric reads no standard input: name a file")
    parts = text.split(":")
    for length in range(len(parts), 0, -1):
        file = ":".join(parts[:length])
        if os.path.isdir(file):
            raise UsageError(f"{file} is a directory: name the file with the AnalysisTemplate")
        if os.path.lexists(file):
            return file, ":".join(parts[length:])
    raise UsageError(f"no such file: {parts[0] if len(parts) == 2 else text}")
