"""The state gas concentrations are reported in (GB 3095 3.14): 273 K until 31 August 2018, 298.15 K since."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from envmon import periods
from envmon.errors import StandardsError
from envmon.standards.load import Document

STATE = re.compile(r"(\d+(?:\.\d+)?) K, (\d+(?:\.\d+)?) (hPa|kPa)\Z")
PASCALS = {"hPa": 100, "kPa": 1000}


def gas_state(documents: Iterable[Document], day: int) -> tuple[Fraction, Fraction]:
    """(kelvin, pascal) of gases on a day; before the first edition its first state is taken.

    documents : the editions of GB 3095, newest first. Raises StandardsError for a state that cannot be read.
    """
    when = periods.calendar(day)
    for document in documents:
        for row in document.content["reference_state"]:
            if row.get("from", date.min) <= when <= row.get("to", date.max):
                found = STATE.match(row["gases"])
                if found is None:
                    raise StandardsError(f"{document.name}, reference_state: {row['gases']!r} is no state of gases")
                return Fraction(found[1]), Fraction(found[2]) * PASCALS[found[3]]
    raise StandardsError(f"no reference state of gases on {when}")
