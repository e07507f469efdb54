"""Data services and file forms: one file each, with `fetch` and `parse`. To add one, write its file and one line here.

Never here: storing, judging, any clock.
"""

from envmon.sources import archive, cnemc_air, cnemc_water, intake, lab, reviewed
from envmon.sources.context import Context, Parsed, Source
from envmon.sources.files import read_file

SOURCES: dict[str, Source] = {
    "archive": Source(archive.fetch, archive.parse),
    "cnemc_air": Source(cnemc_air.fetch, cnemc_air.parse),
    "cnemc_water": Source(cnemc_water.fetch, cnemc_water.parse),
    "intake": Source(intake.fetch, intake.parse),
    "lab": Source(lab.fetch, lab.parse),
    "reviewed": Source(reviewed.fetch, reviewed.parse),
}

__all__ = ["SOURCES", "Context", "Parsed", "Source", "read_file"]
