"""Every function of `lang` that mirrors Go agrees with rows that the real libraries computed.

`tests/data/lang_vectors.jsonl` was made with Go 1.26, apimachinery v0.34.1 and fasttemplate v1.2.2.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.lang.duration import parse_duration
from rolloutlint.lang.intstr import atoi, int_value, scaled_value
from rolloutlint.lang.names import (
    is_dns1035_label,
    is_dns1123_label,
    is_dns1123_subdomain,
    is_label_value,
    is_port_name,
    is_qualified_name,
)
from rolloutlint.lang.placeholder import placeholders, unterminated
from rolloutlint.lang.quantity import parse_quantity
from rolloutlint.lang.selector import matches_selector

Row = dict[str, Any]

_FILE = Path(__file__).parent.parent / "data" / "lang_vectors.jsonl"
_ROWS: dict[str, list[Row]] = {}
for _line in _FILE.read_text(encoding="utf-8").splitlines():
    _row = json.loads(_line)
    _ROWS.setdefault(_row["function"], []).append(_row)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _tags(text: str) -> list[str] | None:
    if unterminated(text) is not None:
        return None
    return [text[p.start + 2 : p.end - 2] for p in placeholders(text)]


_OURS: dict[str, Callable[[Row], Any]] = {
    "atoi": lambda r: _text(atoi(r["value"])),
    "dns1035": lambda r: is_dns1035_label(r["value"]),
    "duration": lambda r: _text(parse_duration(r["value"])),
    "intvalue": lambda r: _text(int_value(r["value"])),
    "label": lambda r: is_dns1123_label(r["value"]),
    "labelvalue": lambda r: is_label_value(r["value"]),
    "port": lambda r: is_port_name(r["value"]),
    "qualified": lambda r: is_qualified_name(r["value"]),
    "quantity": lambda r: parse_quantity(r["value"]),
    "scaled": lambda r: _text(scaled_value(r["value"], r["total"], r["round_up"])),
    "selector": lambda r: matches_selector(r["selector"], r["labels"]),
    "subdomain": lambda r: is_dns1123_subdomain(r["value"]),
    "template": lambda r: _tags(r["value"]),
}


def _wanted(row: Row) -> Any:
    want = row["want"]
    return Fraction(want) if row["function"] == "quantity" and want is not None else want


@pytest.mark.parametrize("function", sorted(_OURS))
def test_agrees_with_go_on_every_row(function: str) -> None:
    wrong = [(row, ours) for row in _ROWS[function] if (ours := _OURS[function](row)) != _wanted(row)]
    assert wrong == []


def test_every_vector_is_used() -> None:
    assert set(_ROWS) == set(_OURS)
    assert sum(map(len, _ROWS.values())) > 600
