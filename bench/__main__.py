"""Every bench in turn; exit code 1 when one misses a goal."""

from __future__ import annotations

from bench import air, ingest, start

BENCHES = {"air": air.main, "ingest": ingest.main, "start": start.main}
"""Name -> function of the arguments; a new bench is one line here."""


def main() -> int:
    results = [run([]) for run in BENCHES.values()]
    return max(results)


if __name__ == "__main__":
    raise SystemExit(main())
