"""`rolloutlint graph`: the objects, what they name, and what the findings say of them, as a picture."""

from __future__ import annotations

from typing import Any

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.check import NOTHING_TO_LINT
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import LOST, form_of, output_options, say_lost, write

FORMS = ("mermaid", "dot", "json", "svg")


@click.command()
@click.argument("paths", nargs=-1)
@click.option("--rollout", default="", metavar="NS/NAME", help="Show one Rollout and what it is linked with.")
@output_options(FORMS, "mermaid")
@settings_options
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is nothing to draw.")
def graph(paths: tuple[str, ...], rollout: str, form: str | None, output: str, **flags: Any) -> int:
    """Draw the objects in PATHS: what they name, what is missing or unknown, and where findings are.

    PATHS as in `check`. Findings change the colours and not the exit code.
    """
    from rolloutlint.engine import open_paths
    from rolloutlint.picture import picture
    from rolloutlint.report.graph import FORMATS, SUFFIXES

    allow_empty = flags.pop("allow_empty")
    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    run = open_paths(paths or (".",), settings, catalogue)
    report = run.report()
    empty = report.counts.files == 0 and not report.lost
    drawn = picture(run.world, report, "" if empty else rollout)
    text = FORMATS[form_of(form, output, SUFFIXES, "mermaid")](drawn)
    say_lost(report.incomplete)
    if empty:
        click.echo("rolloutlint: nothing to draw: no manifest among the inputs that could be read", err=True)
    write(text, output)
    if empty:
        return 0 if allow_empty else NOTHING_TO_LINT
    return LOST if report.lost else 0
