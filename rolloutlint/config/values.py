"""The values that configuration and flags spell as text: releases, durations, dates, rule selectors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from rolloutlint.catalogue import Catalogue
from rolloutlint.settings import Version

_RELEASE = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.\d+)?\Z", re.ASCII)
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+\Z", re.ASCII)
_TERM = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?\Z", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)\Z", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_release(text: str) -> Version | None:
    """`"1.9"` (also `v1.9`, `1.9.2`) as a `Version`, or `None`."""
    match = _RELEASE.match(text)
    return Version(int(match[1]), int(match[2])) if match else None


def parse_seconds(text: str) -> float | None:
    """A Go duration (`1h30m`) or a plain number of seconds, in seconds, or `None`. Negative ones are `None`."""
    if _DURATION.match(text):
        return sum(float(amount) * _SECONDS[unit] for amount, unit in _TERM.findall(text))
    if re.match(r"\d+(?:\.\d*)?\Z", text, re.ASCII):
        return float(text)
    return None


def parse_share(text: str) -> Fraction | None:
    """A percentage from 0 to 100 (`20%`, `12.5`) as a share of 1, or `None`."""
    percent = _number(text.removesuffix("%").rstrip(" "))
    return percent / 100 if percent is not None and percent <= 100 else None


def parse_exposure(text: str) -> Fraction | None:
    """A number of percent-minutes above 0 (`120`, `7.5`), or `None`."""
    return _number(text) or None


def parse_count(text: str) -> int | None:
    """A whole number of measurements (`0`, `12`), or `None`."""
    return int(text) if re.match(r"\d{1,9}\Z", text, re.ASCII) else None


def _number(text: str) -> Fraction | None:
    """A decimal number that is not negative, exactly."""
    return Fraction(text) if _NUMBER.match(text) else None


def is_date(text: str) -> bool:
    """Whether `text` is a day of the calendar written `YYYY-MM-DD`."""
    match = _DATE.match(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return year > 0 and (leap or (month, day) != (2, 29))


def suggest(selector: str, catalogue: Catalogue) -> str:
    """The rule id, name or prefix that `selector` was probably meant to be, or `""`.

    A family written `RL4xx` or `RL4*` is the prefix `RL4`; an id in lower case is that id; else the nearest one.
    """
    upper = selector.upper()
    family = re.match(r"RL\d{0,2}(?=[X*]+\Z)", upper)
    if family and catalogue.match(family[0]):
        return family[0]
    if catalogue.match(upper):
        return upper
    kebab = selector.lower().replace("_", "-")
    if catalogue.match(kebab):
        return kebab
    return nearest(upper, catalogue.rules) if upper.startswith("RL") else nearest(kebab, _names(catalogue))


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of `known` that `word` most resembles, or `""` where none does."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), 1, 0.7)), "")


def _names(catalogue: Catalogue) -> list[str]:
    return [rule.name for rule in catalogue.rules.values()]
