"""A year of one city of five stations, in process: ours beside good pandas and DuckDB.

Run: python -m bench 8
"""

from __future__ import annotations

from bench import air, generate
from bench.goals import Goal, in_turn, load, tell

ROUNDS = 9
STATIONS = 5


def run() -> list[Goal]:
    """Goal 8."""
    hours = generate.national_year(STATIONS)
    regime = air.regimes()[-1]
    print(f"city: {STATIONS} stations x {hours.shape[1]} h x 6 = {hours.size} values; {regime.index.id}; {load()}")
    jobs = air.contestants(hours, regime)
    seconds, answers = in_turn(jobs, ROUNDS, air.SHORT)
    tell(seconds)
    exact = air.air_reference_of(hours, regime)
    for name in (one for one in air.PEERS if one in answers):
        print(f"  {name}: {air.differing(answers[name], *exact)} differ from the exact reference")
    return [
        air.against(seconds, "8", "pandas", "city year: good pandas / ours", 4),
        air.against(seconds, "8", "duckdb", "city year: DuckDB / ours", 12),
    ]
