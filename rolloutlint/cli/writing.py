"""What commands have in common: how they write, where their text goes, and what they say of inputs that were lost."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from rolloutlint.errors import UsageError
from rolloutlint.finding import Incomplete
from rolloutlint.report import Options

C = TypeVar("C", bound=Callable[..., Any])

LOST = 4
"""Exit code where an input that was asked for is lost."""


def output_options(forms: Sequence[str], default: str) -> Callable[[C], C]:
    """The options `--format` and `--output` of a command that writes one text."""

    def decorate(command: C) -> C:
        command = click.option("-o", "--output", default="", metavar="FILE", help="Write to FILE.")(command)
        return click.option(
            "-f",
            "--format",
            "form",
            type=click.Choice(tuple(forms)),
            help=f"Default: what the suffix of the output file says, or {default}.",
        )(command)

    return decorate


def form_of(form: str | None, output: str, suffixes: Mapping[str, str], default: str) -> str:
    """The format to write: as asked for, else as the suffix of the output file says."""
    return form or suffixes.get(os.path.splitext(output)[1].lower(), default)


def named_output(text: str, formats: Iterable[str]) -> tuple[str, str]:
    """Format and file of `FORMAT[=FILE]`. Raises `UsageError` for a format that does not exist."""
    name, _, file = text.partition("=")
    if name not in formats:
        raise UsageError(f"--format: unknown format `{name}`: choose from {', '.join(formats)}")
    return name, file


def named_outputs(
    texts: Sequence[str], output: str, formats: Sequence[str], suffixes: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Format and file of each `FORMAT[=FILE]`; `output` is the file of the one that names none.

    Without any: the format that the suffix of `output` says, or text. Raises `UsageError` where a format does not
    exist, or where `output` is not the file of exactly one.
    """
    if not texts:
        return [(form_of(None, output, suffixes, "text"), output)]
    outputs = [named_output(text, formats) for text in texts]
    if output:
        open_ones = [name for name, file in outputs if not file]
        if len(open_ones) != 1:
            raise UsageError(f"--output: {len(open_ones)} of the formats would go to {output}: write -f FORMAT=FILE")
        outputs = [(name, file or output) for name, file in outputs]
    return outputs


def report_options(flags: Mapping[str, Any], *, to_file: bool) -> Options:
    """How to show findings: from `--color`, `--verbose`, `--show-suppressed`, `--sarif-category` and the terminal."""
    wanted = flags["color"]
    terminal = sys.stdout.isatty() and not to_file
    forced = os.environ.get("FORCE_COLOR", "") not in ("", "0") and not to_file
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    cwd = os.getcwd()
    return Options(
        color=wanted == "always" or (wanted == "auto" and not plain and (terminal or forced)),
        width=shutil.get_terminal_size((120, 24)).columns if terminal else 120,
        show_suppressed=flags.get("show_suppressed", False),
        verbose=flags["verbose"],
        collapse=not flags["verbose"],
        sarif_category=flags["sarif_category"],
        root=_checkout(cwd),
        base=cwd,
    )


def _checkout(directory: str) -> str:
    """The root of the git checkout that holds `directory`, or `directory` itself: SARIF URIs start there."""
    here = directory
    while not os.path.lexists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return directory
        here = parent
    return here


def write(text: str, output: str) -> None:
    """Write a text to a file, or to standard output where none is named. Raises `UsageError` where it cannot."""
    if not output:
        sys.stdout.write(text)
        return
    try:
        with open(output, "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from None


def say_lost(incomplete: Iterable[Incomplete]) -> bool:
    """Name on standard error what was asked for and is lost; whether there is any."""
    lost = sorted({(left.source, left.message) for left in incomplete if left.lost})
    for source, message in lost:
        click.echo(f"rolloutlint: {source}: {message}", err=True)
    return bool(lost)
