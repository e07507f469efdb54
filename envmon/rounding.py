"""Exact whole-number rounding as GB/T 8170-2008 asks: once, half to even, on decimal digits.

A quantity is a whole number of its smallest step (CO 1.4 mg/m³ at one decimal is 14). Nothing here touches float.
Never here: limits, units, or which edition rounds how; those are data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from envmon.model import IntArray

NUMBER = r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?\Z"


def half_even(numerator: int, denominator: int) -> int:
    """Nearest whole number to numerator / denominator; a tie goes to the even one (GB/T 8170-2008 3.2).

    >>> half_even(25, 10), half_even(35, 10), half_even(-25, 10), half_even(26, 10)
    (2, 4, -2, 3)
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def rounded(exact: Fraction, decimals: int) -> int:
    """A fraction in whole steps of 10^-decimals, half to even.

    >>> from fractions import Fraction
    >>> rounded(Fraction(245, 10), 0), rounded(Fraction(2, 3), 2)
    (24, 67)
    """
    return half_even(exact.numerator * 10**decimals, exact.denominator)


def half_even_array(numerator: IntArray, denominator: IntArray | int) -> IntArray:
    """`half_even` over arrays of whole numbers; denominators must be positive. Same shape and type as numerator.

    >>> import numpy as np
    >>> half_even_array(np.array([25, 35, 26]), 10).tolist()
    [2, 4, 3]
    """
    quotient = numerator // denominator
    rest = numerator - quotient * denominator  # one division, not three: this is a hot loop
    rounded: IntArray = quotient + (2 * rest + (quotient & 1) > denominator)  # an odd quotient turns a tie upwards
    return rounded


def rescale(value: int, decimals: int, wanted: int) -> int:
    """The value given in steps of 10^-decimals, in steps of 10^-wanted, rounded half to even if digits go.

    >>> rescale(1250, 3, 1), rescale(1350, 3, 1), rescale(12, 1, 3)
    (12, 14, 1200)
    """
    if wanted >= decimals:
        return int(value * 10 ** (wanted - decimals))
    return half_even(value, 10 ** (decimals - wanted))


def scaled(text: str, decimals: int) -> int:
    """A printed decimal number in whole steps of 10^-decimals; digits beyond that round half to even.

    Raises ValueError for anything that is not a plain finite decimal number.

    >>> scaled("0.98", 3), scaled("12", 1), scaled("2.85e-6", 7), scaled("-.5", 1)
    (980, 120, 28, -5)
    """
    match = re.match(NUMBER, text, re.ASCII)  # compiled at the first call, so that `status` need not wait
    if not match or not (match[2] or match[3]):
        raise ValueError(f"not a number: {text!r}")
    sign, whole, fraction, exponent = match[1], match[2] or "", match[3] or "", int(match[4] or 0)
    value = int(whole + fraction or "0")
    value = rescale(value, len(fraction) - exponent, decimals)
    return -value if sign == "-" else value


def printed(value: int, decimals: int) -> str:
    """A whole number of steps as people write it.

    >>> printed(14, 1), printed(-5, 1), printed(7, 0), printed(835, 1)
    ('1.4', '-0.5', '7', '83.5')
    """
    if decimals <= 0:
        return str(value * 10**-decimals)
    sign, digits = ("-" if value < 0 else ""), str(abs(value)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def plain(value: int, decimals: int) -> str:
    """A whole number of steps without zeros at its end.

    >>> plain(150, 2), plain(40, 1), plain(40, 0)
    ('1.5', '4', '40')
    """
    text = printed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(tenths: int | None) -> str:
    """A share in tenths of a percent as printed; a dash where nothing was counted.

    >>> percent(667), percent(None)
    ('66.7%', '–')
    """
    return "–" if tenths is None else f"{printed(tenths, 1)}%"


def percent_tenths(numerator: int, denominator: int) -> int | None:
    """A share in tenths of a percent, rounded half to even; None when nothing was counted.

    >>> percent_tenths(83, 100), percent_tenths(2, 3), percent_tenths(0, 0)
    (830, 667, None)
    """
    return half_even(1000 * numerator, denominator) if denominator else None
