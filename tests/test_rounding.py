"""Rounding by GB/T 8170-2008: the standard's own examples, and exact rational arithmetic as the judge."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envmon import rounding

NUMBERS = st.integers(-(10**9), 10**9)


# GB/T 8170-2008 3.2: rounding to one decimal or to whole numbers (进舍规则).
@pytest.mark.parametrize(
    ("text", "decimals", "rounded"),
    [
        ("12.1498", 0, "12"),
        ("12.1498", 1, "12.1"),
        ("1.050", 1, "1.0"),
        ("0.35", 1, "0.4"),
        ("10.5002", 0, "11"),
        ("15.4546", 0, "15"),
        ("-13.5", 0, "-14"),
        ("2.5", 0, "2"),
        ("3.5", 0, "4"),
        ("0.25", 1, "0.2"),
        ("2.05", 1, "2.0"),
        ("2.15", 1, "2.2"),
    ],
)
def test_printed_examples(text: str, decimals: int, rounded: str) -> None:
    assert rounding.printed(rounding.scaled(text, decimals), decimals) == rounded


def test_once_and_not_step_by_step() -> None:
    """3.3: 15.4546 to a whole number is 15, not 16 by way of 15.455, 15.46, 15.5."""
    assert rounding.scaled("15.4546", 0) == 15
    assert rounding.half_even(154546, 10**4) == 15


@given(NUMBERS, st.integers(1, 10**6))
def test_half_even_is_what_exact_fractions_say(numerator: int, denominator: int) -> None:
    exact = round(Fraction(numerator, denominator))  # Python rounds a Fraction half to even
    assert rounding.half_even(numerator, denominator) == exact
    assert rounding.half_even(-numerator, -denominator) == exact


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.integers(1, 10**4))
def test_arrays_follow_the_same_rule(numerators: list[int], denominator: int) -> None:
    found = rounding.half_even_array(np.array(numerators), denominator)
    assert found.tolist() == [rounding.half_even(n, denominator) for n in numerators]


@given(st.decimals(-(10**6), 10**6, places=6), st.integers(0, 6))
def test_scaled_reads_any_plain_decimal_exactly(value: object, decimals: int) -> None:
    assert rounding.scaled(f"{value:f}", decimals) == round(Fraction(str(value)) * 10**decimals)


@pytest.mark.parametrize(
    "text", ["", "-", ".", "nan", "inf", "1,5", "1 2", "0x10", "１２", "--1", "1e", "1e9999", "NA", "1.2.3"]
)
def test_scaled_refuses_what_is_not_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        rounding.scaled(text, 1)


def test_a_value_that_a_float_gets_wrong() -> None:
    """CO 1.25 mg/m³ lies on a tie in decimal digits; as a binary mean of 24 floats it does not."""
    assert rounding.half_even(125 * 24, 24 * 10) == 12
    assert rounding.percent_tenths(1, 8) == 125


@given(st.integers(0, 10**5), st.integers(1, 10**5))
def test_percent_is_the_exact_share_rounded_once(numerator: int, denominator: int) -> None:
    assert rounding.percent_tenths(numerator, denominator) == round(Fraction(numerator, denominator) * 1000)


def test_printed_and_scaled_undo_each_other() -> None:
    for value in (-1005, -1, 0, 1, 9, 10, 99, 12345):
        for decimals in (0, 1, 3):
            assert rounding.scaled(rounding.printed(value, decimals), decimals) == value
