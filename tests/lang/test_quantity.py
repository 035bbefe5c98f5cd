from __future__ import annotations

from fractions import Fraction

import pytest

from rolloutlint.lang.quantity import parse_quantity


@pytest.mark.parametrize(
    "value, amount",
    [
        ("500m", Fraction(1, 2)),
        ("1.5Gi", Fraction(3 << 29)),
        ("1e3", Fraction(1000)),
        ("1E", Fraction(10**18)),
        (" 1Ki ", Fraction(1024)),
        (2, Fraction(2)),
        (0.1, Fraction(1, 10)),
        (1e-7, Fraction(1, 10**7)),
        ("0.1n", Fraction(1, 10**9)),
        ("-1.", Fraction(-1)),
    ],
)
def test_reads_amounts(value: object, amount: Fraction) -> None:
    assert parse_quantity(value) == amount


@pytest.mark.parametrize(
    "value",
    ["", " ", "invalid", "1GB", "1gi", "1Kii", "1 Gi", "--1", "1.2.3", "1e", "0x10", True, None, [], float("nan")],
)
def test_refuses_what_the_api_server_refuses(value: object) -> None:
    assert parse_quantity(value) is None
