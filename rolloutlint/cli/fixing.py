"""`--fix` and `--diff`: the edits of findings, written to files or shown."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable

import click

from rolloutlint.fix import apply_edits, chosen_edits, still_readable
from rolloutlint.result import Report

ROUNDS = 10
"""Fixes may make room for others (two edits of one line); after this many rounds the rest is left."""


def unified_diff(report: Report, *, unsafe: bool) -> str:
    """What `--fix` would change, as a unified diff of all files."""
    out: list[str] = []
    for file, edits in chosen_edits(report.active, unsafe=unsafe).items():
        before = report.sources.get(file)
        if before is None:
            continue
        after = apply_edits(before, edits)
        out.extend(
            line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(
                before.splitlines(keepends=True),
                after.splitlines(keepends=True),
                f"a/{file.lstrip('/')}",
                f"b/{file.lstrip('/')}",
            )
        )
    return "".join(out)


def fix_files(report: Report, *, unsafe: bool, again: Callable[[], Report]) -> Report:
    """Write the fixes of `report` to the files and lint again, until nothing more can be fixed."""
    fixed = 0
    for _ in range(ROUNDS):
        chosen = chosen_edits(report.active, unsafe=unsafe)
        changed = 0
        for file, edits in chosen.items():
            before = report.sources.get(file)
            if before is None or not os.path.isfile(file):
                continue
            after = apply_edits(before, edits)
            if not still_readable(before, after):
                click.echo(f"rolloutlint: {file}: not fixed: the fixes do not go together", err=True)
                continue
            if after != before and _write(file, before, after):
                changed += 1
                fixed += len({(e.start, e.end) for e in edits})
        if not changed:
            break
        report = again()
    if fixed:
        click.echo(f"rolloutlint: applied {fixed} edit{'s' if fixed != 1 else ''}", err=True)
    return report


def _write(file: str, before: str, after: str) -> bool:
    """Replace the file in one step, keeping its encoding mark and mode; `False` if it changed meanwhile."""
    with open(file, "rb") as handle:
        raw = handle.read()
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    if raw[len(mark) :] != before.encode("utf-8"):
        click.echo(f"rolloutlint: {file}: not fixed: it changed meanwhile or is not UTF-8", err=True)
        return False
    directory = os.path.dirname(os.path.realpath(file))
    handle_number, temporary = tempfile.mkstemp(dir=directory, prefix=".rolloutlint-")
    with os.fdopen(handle_number, "wb") as handle:
        handle.write(mark + after.encode("utf-8"))
    os.chmod(temporary, os.stat(file).st_mode & 0o7777)
    os.replace(temporary, os.path.realpath(file))
    return True
