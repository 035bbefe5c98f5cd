"""Shows the effective settings, each with where it comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rolloutlint.settings import Override, Settings, Waiver

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*\Z")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def show(settings: Settings, origins: Mapping[str, str]) -> str:
    """A configuration file that says what `settings` say, with the origin of each value in a comment.

    `origins` maps keys as `merge.origins` gives them; what it lacks is a default. Loading the text gives the
    same settings.
    """
    rows = list(_rows(settings, origins))
    width = min(max((len(text) for text, origin in rows if origin), default=0), 48)
    lines = [f"{text:<{width}}  # {origin}" if origin else text for text, origin in rows]
    return "\n".join(lines) + "\n"


def _rows(settings: Settings, origins: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    def row(key: str, value: Any) -> tuple[str, str]:
        return f"{key}: {_flow(value)}", origins.get(key, "default")

    yield row("profile", settings.profile)
    yield row("select", settings.select)
    yield row("extend-select", settings.extend_select)
    yield row("ignore", settings.ignore)
    yield row("severity", dict(settings.severity))
    yield row("fail-on", settings.fail_on)
    yield row("exit-zero", settings.exit_zero)
    yield row("closed", settings.closed)
    yield "targets:", ""
    for product in settings.targets._fields:
        release = json.dumps(str(getattr(settings.targets, product)))
        yield f"  {product}: {release}", origins.get(f"targets.{product}", "default")
    yield row("no-data", settings.no_data)
    share = settings.max_first_share
    amounts: tuple[tuple[str, float | Fraction | None, str], ...] = (
        ("max-pause", settings.max_pause, "no limit"),
        ("max-first-share", None if share is None else share * 100, "no limit"),
        ("max-exposure", settings.max_exposure, "no limit"),
        ("min-evidence", settings.min_evidence, "no limit"),
        ("max-time-to-detect", settings.max_time_to_detect, "no limit"),
        ("max-duration", settings.max_duration, "no limit"),
        ("scrape-interval", settings.scrape_interval, "unknown"),
    )
    for key, amount, absent in amounts:
        unit = "%" if key == "max-first-share" else ""
        text = f"# {key}: {absent}" if amount is None else f"{key}: {_decimal(amount)}{unit}"
        yield text, origins.get(key, "default")
    yield row("inline-suppressions", settings.inline_suppressions)
    yield "plan:", ""
    for key, events in (("block-on", settings.plan.block_on), ("review-on", settings.plan.review_on)):
        yield f"  {key}: {_flow(events)}", origins.get(f"plan.{key}", "default")
    yield row("exclude", settings.exclude)
    yield from _entries("overrides", map(_override, settings.overrides), origins)
    yield from _entries("waivers", map(_waiver, settings.waivers), origins)


def _entries(key: str, entries: Iterable[Mapping[str, Any]], origins: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    listed = list(entries)
    if not listed:
        yield f"{key}: []", origins.get(key, "default")
        return
    yield f"{key}:", ""
    for index, entry in enumerate(listed):
        origin = origins.get(f"{key}[{index}]", "default")
        for number, (name, value) in enumerate(entry.items()):
            yield f"  {' ' if number else '-'} {name}: {_flow(value)}", "" if number else origin


def _override(override: Override) -> dict[str, Any]:
    shown = {"paths": override.paths, "ignore": override.ignore, "severity": dict(override.severity)}
    return {key: value for key, value in shown.items() if value}


def _waiver(waiver: Waiver) -> dict[str, Any]:
    shown: dict[str, Any] = {"rules": waiver.rules, "reason": waiver.reason}
    shown.update((k, v) for k in ("kind", "namespace", "name") if (v := getattr(waiver, k)) != "*")
    shown.update((k, v) for k in ("path", "expires") if (v := getattr(waiver, k)))
    return shown


def _decimal(amount: float | Fraction) -> str:
    """`amount` in full, without an exponent."""
    return str(amount) if isinstance(amount, int) else f"{Decimal(str(float(amount))):f}".removesuffix(".0")


def _flow(value: Any) -> str:
    """`value` as YAML on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(_flow, value)) + "]"
