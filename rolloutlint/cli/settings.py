"""From flags to `Settings`: the options that several commands share, and how they meet the configuration file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

import click

from rolloutlint.catalogue import Catalogue
from rolloutlint.config import (
    ConfigFile,
    check_profile,
    check_selectors,
    find_config,
    load_config,
    merge,
    origins,
    parse_count,
    parse_exposure,
    parse_release,
    parse_seconds,
    parse_share,
)
from rolloutlint.errors import UsageError
from rolloutlint.finding import SEVERITIES
from rolloutlint.settings import Settings, Targets

F = TypeVar("F", bound=Callable[..., Any])

_DURATION = "a Go duration such as 1h30m, or seconds"
_AMOUNTS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "max_pause": (parse_seconds, _DURATION),
    "max_first_share": (parse_share, "a percentage from 0 to 100 such as 20%"),
    "max_exposure": (parse_exposure, "a number of percent-minutes above 0 such as 120"),
    "min_evidence": (parse_count, "a whole number of measurements, 0 or more"),
    "max_time_to_detect": (parse_seconds, _DURATION),
    "max_duration": (parse_seconds, _DURATION),
    "scrape_interval": (parse_seconds, _DURATION),
}
"""Flags that are an amount: how they are read, and what to write."""

_OPTIONS = (
    click.option("--config", "config_path", metavar="FILE", help="Use this configuration file."),
    click.option("--no-config", is_flag=True, help="Ignore every configuration file."),
    click.option("--profile", metavar="NAME", help="Rules to start from: recommended (default) or strict."),
    click.option("--select", multiple=True, metavar="RULE", help="Run only these rules (id, name, prefix or ALL)."),
    click.option("--extend-select", multiple=True, metavar="RULE", help="Run these rules too."),
    click.option("--ignore", multiple=True, metavar="RULE", help="Do not run these rules."),
    click.option("--severity", multiple=True, metavar="RULE=LEVEL", help="Change severities: error, warning, note."),
    click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit 1 from this severity on (default: error)."),
    click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings."),
    click.option("--closed", is_flag=True, help="The inputs are everything there is: what they lack is missing."),
    click.option(
        "--target", multiple=True, metavar="PRODUCT=X.Y", help="Product release: rollouts, argocd, istio, prometheus."
    ),
    click.option("--no-data", type=click.Choice(["any", "fail", "pause", "pass"]), help="What absent data means."),
    click.option("--max-pause", metavar="DURATION", help="Longest pause a step may have (Go duration or seconds)."),
    click.option("--max-first-share", metavar="PERCENT", help="Largest share before anything looks at it."),
    click.option("--max-exposure", metavar="NUMBER", help="Largest exposure to a broken version, in percent-minutes."),
    click.option("--min-evidence", metavar="NUMBER", help="Fewest successful measurements before promotion."),
    click.option("--max-time-to-detect", metavar="DURATION", help="Longest time until a broken version is aborted."),
    click.option("--max-duration", metavar="DURATION", help="Longest time that a release may take."),
    click.option(
        "--scrape-interval", metavar="DURATION", help="How often Prometheus scrapes (Go duration or seconds)."
    ),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out files (.gitignore syntax)."),
    click.option("--no-suppressions", is_flag=True, help="Report suppressed findings as if nothing suppressed them."),
)


def settings_options(function: F) -> F:
    """Give a command the options that decide what is reported."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make_settings(catalogue: Catalogue, flags: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    """The settings of a run and the origin of each, from the flags of `settings_options` (which it removes).

    Raises `UsageError` for anything in flags or file that cannot be meant.
    """
    config = _config(flags.pop("config_path"), flags.pop("no_config"), catalogue)
    suppressions = flags.pop("no_suppressions")
    fields: dict[str, Any] = {
        "profile": flags.pop("profile"),
        "select": _selectors(flags.pop("select")),
        "extend_select": _selectors(flags.pop("extend_select")),
        "ignore": _selectors(flags.pop("ignore")),
        "severity": tuple(_severity(s) for s in flags.pop("severity")),
        "fail_on": flags.pop("fail_on"),
        "exit_zero": flags.pop("exit_zero") or None,
        "closed": flags.pop("closed") or None,
        "targets": _targets(flags.pop("target")),
        "no_data": flags.pop("no_data"),
        **{name: _amount(name, flags.pop(name)) for name in _AMOUNTS},
        "exclude": tuple(flags.pop("exclude")),
        "today": date.today().isoformat(),
        "inline_suppressions": False if suppressions else None,
    }
    if fields["profile"]:
        check_profile("--profile", fields["profile"], catalogue)
    for flag in ("select", "extend_select", "ignore"):
        check_selectors("--" + flag.replace("_", "-"), fields[flag], catalogue)
    check_selectors("--severity", [rule for rule, _ in fields["severity"]], catalogue)
    given = {name: value for name, value in fields.items() if value not in (None, (), {})}
    return merge(config, **given), dict(origins(config, **{k: v for k, v in given.items() if k != "today"}))


def _config(path: str | None, none: bool, catalogue: Catalogue) -> ConfigFile | None:
    if none:
        return None
    if path is not None and not os.path.isfile(path):
        raise UsageError(f"--config: {path}: no such file")
    found = path or find_config(os.getcwd())
    return load_config(found, catalogue) if found else None


def _selectors(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(s for value in values for s in value.replace(",", " ").split())


def _severity(text: str) -> tuple[str, str]:
    rule, equals, level = text.partition("=")
    if not equals or level not in SEVERITIES:
        raise UsageError(f"--severity: `{text}`: write RULE=LEVEL, with a level of {', '.join(SEVERITIES)}")
    return rule, level


def _targets(values: tuple[str, ...]) -> dict[str, Any]:
    targets = {}
    for text in values:
        product, _, release = text.partition("=")
        version = parse_release(release)
        if product not in Targets._fields or version is None:
            raise UsageError(f"--target: `{text}`: write PRODUCT=X.Y, e.g. rollouts=1.8, argocd=3.1 or istio=1.27")
        targets[product] = version
    return targets


def _amount(name: str, text: str | None) -> Any:
    if text is None:
        return None
    read, wanted = _AMOUNTS[name]
    amount = read(text)
    if amount is None:
        raise UsageError(f"--{name.replace('_', '-')}: `{text}`: write {wanted}")
    return amount
