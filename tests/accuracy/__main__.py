"""Write docs/accuracy.md, or compare other city files: python -m tests.accuracy [--cities FILE ...]."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.accuracy import air, page


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--cities", nargs="+", type=Path, metavar="FILE", help="compare these city files instead")
    given = parser.parse_args()
    if given.cities:
        found = air.cities(tuple(given.cities))
        print(page.counts(found.index, found.level), page.differences(found.index), sep="\n", end="")
        return
    page.PAGE.write_text(page.page(), "utf-8")
    print(page.PAGE)


if __name__ == "__main__":
    main()
