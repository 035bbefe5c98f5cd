"""Puts settings together: defaults, then the configuration file, then flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.config.load import ConfigFile
from rolloutlint.settings import Settings

_ADDED = ("ignore", "extend_select", "severity", "exclude")
"""Flags that add to what the file says; the others replace it."""


def merge(config: ConfigFile | None = None, **flags: Any) -> Settings:
    """The settings of a run. `flags` are fields of `Settings`; those that are `None` or empty were not given.

    `ignore`, `extend_select`, `severity` and `exclude` add to the file's; `select` replaces the file's `select`
    and `extend-select`; `targets` (product -> `Version`) replaces product by product. Where a flag and the file
    name the very same selector, the flag wins: `--select RL405` runs a rule that the file ignores.
    Raises `TypeError` for a flag that is no field.
    """
    values: dict[str, Any] = dict(config.values) if config else {}
    given = {name: value for name, value in flags.items() if value not in (None, (), [])}
    targets = {**values.pop("targets", {}), **given.pop("targets", {})}
    if "select" in given:
        values.pop("extend_select", None)
    wanted = {*given.get("select", ()), *given.get("extend_select", ())}
    unwanted = frozenset(given.get("ignore", ()))
    for key, dropped in (("ignore", wanted), ("select", unwanted), ("extend_select", unwanted)):
        if key in values and dropped:
            values[key] = tuple(s for s in values[key] if s not in dropped)
    for name, value in given.items():
        values[name] = (*values.get(name, ()), *value) if name in _ADDED else value
    settings = Settings(**values, config_file=config.path if config else "")
    return settings._replace(targets=settings.targets._replace(**targets)) if targets else settings


def origins(config: ConfigFile | None = None, **flags: Any) -> Mapping[str, str]:
    """Where each setting that is not a default comes from: key as in a file -> `file:line` or `--flag`.

    Takes what `merge` takes. A setting to which both added has both, joined by ` and `.
    """
    found = dict(config.origins) if config else {}
    if flags.get("select"):
        found.pop("extend-select", None)
    for name, value in flags.items():
        if value in (None, (), []):
            continue
        key = name.replace("_", "-")
        if name == "targets":
            found.update((f"targets.{product}", "--target") for product in value)
        elif name in _ADDED and key in found:
            found[key] = f"{found[key]} and --{key}"
        else:
            found[key] = f"--{key}"
    return found
