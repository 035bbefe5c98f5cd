"""`rolloutlint config show`: the settings that apply, and where each comes from."""

from __future__ import annotations

import sys
from typing import Any

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.config import decisions
from rolloutlint.config import show as show_settings
from rolloutlint.errors import UsageError


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@settings_options
@click.option("--rule", default="", help="Tell why this rule is on or off.")
@click.option("--file", "file", default="", metavar="FILE", help="With --rule: in this file.")
def show(rule: str, file: str, **flags: Any) -> int:
    """Print the effective settings as a configuration file, with the origin of each value."""
    catalogue = load_catalogue()
    settings, origins = make_settings(catalogue, flags)
    if not rule:
        sys.stdout.write(show_settings(settings, origins))
        return 0
    found = catalogue.match(rule)
    if len(found) != 1:
        raise UsageError(f"--rule: no rule `{rule}`: see `rolloutlint rules`")
    for decision in decisions(settings, catalogue, found[0], file):
        state = f"on, {decision.severity}" if decision.runs else "off"
        click.echo(f"{decision.setting:<14} {decision.says:<24} {state}")
    return 0
