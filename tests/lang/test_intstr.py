from __future__ import annotations

import pytest

from rolloutlint.lang.intstr import atoi, int_value, scaled_value


@pytest.mark.parametrize("text", ["abc", "10%", "5.0", "5 ", "", "1_000", "0x10"])
def test_a_string_that_is_no_integer_counts_as_zero(text: str) -> None:
    assert int_value(text) == 0
    assert atoi(text) is None


@pytest.mark.parametrize("value", [True, 1.5, None, [], {}, 1 << 31, float("nan"), float("inf")])
def test_what_the_api_refuses_has_no_value(value: object) -> None:
    assert int_value(value) is None
    assert scaled_value(value, 10, True) is None


def test_an_integral_float_is_an_integer() -> None:
    assert int_value(5.0) == 5


def test_a_string_beyond_64_bits_saturates() -> None:
    assert int_value("9" * 5000) == (1 << 63) - 1


@pytest.mark.parametrize("value", ["25", "25%"])
def test_a_string_is_a_percentage_with_or_without_the_sign(value: str) -> None:
    assert (scaled_value(value, 10, True), scaled_value(value, 10, False)) == (3, 2)


def test_a_fractional_percentage_fails() -> None:
    assert scaled_value("12.5%", 10, True) is None
