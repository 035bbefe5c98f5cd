"""`rolloutlint check`: lint, report in any number of formats, and fix when asked."""

from __future__ import annotations

import sys
from typing import Any

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.rendering import make_rendering, rendering_options
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import named_output, report_options, write
from rolloutlint.engine import lint_paths
from rolloutlint.report import FORMATS, render
from rolloutlint.result import Report

NOTHING_TO_LINT = 3


@click.command()
@click.argument("paths", nargs=-1)
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"How to report, several times if need be: {', '.join(FORMATS)}. Default: text.",
)
@settings_options
@click.option(
    "--changed-since",
    metavar="REF",
    help="Report only what is about resources that changed since a commit, or about what refers to them.",
)
@click.option("--allow-empty", is_flag=True, help="Exit 0 where there is nothing to lint.")
@click.option("--stdin-filename", default="", metavar="NAME", help="Name of what is read from standard input (-).")
@click.option("--force-exclude", is_flag=True, help="Leave out excluded and ignored files even when they are named.")
@click.option("--no-gitignore", is_flag=True, help="Read files that .gitignore leaves out.")
@click.option("--fix", is_flag=True, help="Apply the safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="Apply unsafe fixes too (implies --fix).")
@click.option("--diff", is_flag=True, help="Show what the fixes would change, and change nothing.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto.")
@click.option("--show-suppressed", is_flag=True, help="Show suppressed and waived findings too.")
@click.option("--show-files", is_flag=True, help="List the files that would be read, and exit.")
@click.option("--sarif-category", default="", metavar="NAME", help="Tells apart several SARIF uploads of one commit.")
@click.option("-j", "--jobs", type=click.IntRange(0), default=0, help="Processes that check. Default: as is worth it.")
@click.option("-v", "--verbose", is_flag=True, help="Show everything: no collapsing, all that was not looked at.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on success.")
@rendering_options
@click.option("--debug", is_flag=True, help="Show tracebacks of internal errors.")
def check(paths: tuple[str, ...], **flags: Any) -> int:
    """Lint PATHS: files, directories, globs, or - for standard input. Default: the current directory."""
    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    outputs = [named_output(text, FORMATS) for text in flags["formats"] or ("text",)]
    discovery = {
        "force_exclude": flags["force_exclude"],
        "use_gitignore": not flags["no_gitignore"],
        "stdin_filename": flags["stdin_filename"],
    }
    if flags["show_files"]:
        return _show_files(paths or (".",), settings.exclude, discovery)
    discovery["render"] = make_rendering(flags)

    def lint(jobs: int = 0) -> Report:
        options = {**discovery, "debug": flags["debug"], "jobs": jobs}
        if flags["changed_since"] is None:
            return lint_paths(paths or (".",), settings, catalogue, **options)
        from rolloutlint.plan.changed import Reading, lint_changed

        return lint_changed(flags["changed_since"], paths or (".",), settings, catalogue, Reading(**options))

    report = lint(flags["jobs"])
    if flags["diff"]:
        return _diff(report, flags["unsafe_fixes"])
    if flags["fix"] or flags["unsafe_fixes"]:
        from rolloutlint.cli.fixing import fix_files

        report = fix_files(report, unsafe=flags["unsafe_fixes"], again=lint)
    empty = report.counts.files == 0 and not report.lost
    if empty:
        click.echo("rolloutlint: nothing to lint: no manifest among the inputs that could be read", err=True)
    _write(report, outputs, flags)
    if empty:
        return 0 if flags["allow_empty"] else NOTHING_TO_LINT
    return report.exit_code


def _write(report: Report, outputs: list[tuple[str, str]], flags: dict[str, Any]) -> None:
    for name, file in outputs:
        text = render(report, name, report_options(flags, to_file=bool(file)))
        if file or not (flags["quiet"] and name == "text" and report.exit_code == 0 and not report.active):
            write(text, file)


def _show_files(paths: tuple[str, ...], exclude: tuple[str, ...], discovery: dict[str, Any]) -> int:
    from rolloutlint.inputs.discover import discover

    found = discover(paths, exclude=exclude, **discovery)
    for candidate in found.candidates:
        click.echo(candidate.name)
    for left in found.incomplete:
        click.echo(f"rolloutlint: left out: {left.source}: {left.message}", err=True)
    return 0


def _diff(report: Report, unsafe: bool) -> int:
    from rolloutlint.cli.fixing import unified_diff

    text = unified_diff(report, unsafe=unsafe)
    sys.stdout.write(text)
    return 4 if report.lost else int(bool(text))
