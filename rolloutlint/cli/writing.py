"""What commands that draw have in common: where their text goes, and what they say of inputs that were lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from rolloutlint.errors import UsageError
from rolloutlint.finding import Incomplete

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
