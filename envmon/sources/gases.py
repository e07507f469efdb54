"""Values that name their unit, in steps of a parameter: powers of ten apart, or mixing ratios of gases (ppm, ppb).

A mixing ratio becomes a concentration in the state GB 3095 reports gases in, exactly: c = x · M · p / (R · T), with
x the mole fraction, M the molar mass, p and T the reference state of the day. No factor is rounded on the way; the
result is, once, to a stored step. Never here: deciding that it may be done; the option `ppm` of the source does.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from envmon import rounding, standards
from envmon.model import Parameter
from envmon.sources.cells import LARGEST, MISSING, Unreadable, number, shift_between, snippet
from envmon.sources.context import Context

MOLAR_MASS = {
    "so2": Fraction("64.058"),
    "no2": Fraction("46.005"),
    "nox": Fraction("46.005"),  # counted as NO2
    "co": Fraction("28.010"),
    "o3": Fraction("47.997"),
}
"""g/mol, from the abridged standard atomic weights of IUPAC 2021: C 12.011, N 14.007, O 15.999, S 32.06."""

GAS_CONSTANT = Fraction("8.31446261815324")  # J/(mol K), exact since the SI of 2019
RATIOS = {"ppm": 6, "ppb": 9}
"""Unit -> n of the 10^-n of a mole fraction it stands for."""
DIGITS = 15  # decimals of a printed ratio that are read; an instrument has six


def steps(context: Context, value: Any, unit: Any, parameter: Parameter, day: int) -> int | None:
    """A value of an answer in steps of the parameter; None when it says there is none.

    value : as `strict_json` gives it; unit : as the service names it; day : decides the reference state of gases
    Raises Unreadable for what is no number or too large, for no unit or one that does not fit, and for mixing ratios
    unless the source's option `ppm` is true.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable("refused.cell.number", text=snippet(str(value)))
    if not isinstance(unit, str) or not unit.strip():
        raise Unreadable("refused.no_unit", text=snippet(value))
    if unit.strip().lower() not in RATIOS:
        return number(value, parameter, shift_between(unit, parameter.unit))
    if parameter.id not in MOLAR_MASS:
        raise Unreadable("refused.unit", printed=unit, own=parameter.unit)
    if context.option("ppm") is not True:
        raise Unreadable("refused.ratio", unit=unit, own=parameter.unit)
    return _of_ratio(value.strip(), unit, parameter, day)


def _of_ratio(text: str, unit: str, parameter: Parameter, day: int) -> int | None:
    if text.upper() in MISSING:
        return None
    try:
        ratio = Fraction(rounding.scaled(text, DIGITS), 10 ** (DIGITS + RATIOS[unit.strip().lower()]))
    except ValueError:
        raise Unreadable("refused.cell.number", text=snippet(text)) from None
    kelvin, pascal = standards.gas_state(day)
    grams = ratio * MOLAR_MASS[parameter.id] * pascal / (GAS_CONSTANT * kelvin)  # per m³
    found = rounding.rounded(grams * 10**3, parameter.decimals + shift_between("mg/m3", parameter.unit))
    if abs(found) > LARGEST[parameter.medium]:
        raise Unreadable("refused.cell.large", text=snippet(text))
    return found
