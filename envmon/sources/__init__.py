"""Data services and file forms: one file each, with `fetch` and `parse`. To add one, write its file and one line here.

Never here: storing, judging, any clock.
"""

from envmon.model import Medium
from envmon.periods import DAY
from envmon.sources import (
    archive,
    cnemc_air,
    cnemc_water,
    hj212,
    intake,
    lab,
    openaq,
    reviewed,
    sensorthings,
    table,
    table_form,
    waqi,
)
from envmon.sources.context import Context, Parsed, Place, Problem, Source
from envmon.sources.files import read_file

AIR = (Medium.AIR,)
SOURCES: dict[str, Source] = {
    "archive": Source(archive.fetch, archive.parse, archive.problems, reach=3660 * DAY, media=AIR),
    "cnemc_air": Source(
        cnemc_air.fetch,
        cnemc_air.parse,
        cnemc_air.problems,
        places=cnemc_air.stations,
        survey=cnemc_air.survey,
        reach=DAY,  # of hours
        media=AIR,
    ),
    "cnemc_water": Source(
        cnemc_water.fetch,
        cnemc_water.parse,
        places=cnemc_water.places,
        reach=240,  # the latest only
        media=(Medium.WATER,),
    ),
    "hj212": Source(hj212.fetch, hj212.parse),
    "intake": Source(intake.fetch, intake.parse),
    "lab": Source(lab.fetch, lab.parse),
    "openaq": Source(openaq.fetch, openaq.parse, openaq.problems, reach=openaq.KEPT, media=AIR),
    "reviewed": Source(reviewed.fetch, reviewed.parse),
    "sensorthings": Source(
        sensorthings.fetch, sensorthings.parse, sensorthings.problems, reach=sensorthings.KEPT, media=AIR
    ),
    "table": Source(table.fetch, table.parse, table_form.problems, reach=table.reach, media=table.media),
    "waqi": Source(waqi.fetch, waqi.parse, waqi.problems, media=()),
}

__all__ = ["SOURCES", "Context", "Parsed", "Place", "Problem", "Source", "read_file"]
