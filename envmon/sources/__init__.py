"""Data services and file forms: one file each, with `fetch` and `parse`. To add one, write its file and one line here.

Never here: storing, judging, any clock.
"""

from envmon.sources import archive
from envmon.sources.context import Context, Parsed, Source

SOURCES: dict[str, Source] = {
    "archive": Source(archive.fetch, archive.parse),
}

__all__ = ["SOURCES", "Context", "Parsed", "Source"]
