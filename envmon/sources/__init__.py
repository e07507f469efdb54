"""Data services and file forms: one file each, with `fetch` and `parse`. To add one, write its file and one line here.

Never here: storing, judging, any clock.
"""

from envmon.model import Medium
from envmon.periods import DAY
from envmon.sources import archive, cnemc_air, cnemc_water, lab
from envmon.sources.context import Context, Parsed, Source
from envmon.sources.files import read_file

SOURCES: dict[str, Source] = {
    "archive": Source(archive.fetch, archive.parse, reach=3660 * DAY, media=(Medium.AIR,)),
    "cnemc_air": Source(cnemc_air.fetch, cnemc_air.parse, reach=DAY, media=(Medium.AIR,)),  # of hours
    "cnemc_water": Source(cnemc_water.fetch, cnemc_water.parse, reach=240, media=(Medium.WATER,)),  # the latest only
    "lab": Source(lab.fetch, lab.parse),
}

__all__ = ["SOURCES", "Context", "Parsed", "Source", "read_file"]
