"""Very many restarts inside one window: what a supervisor remembers of them must not slow it down."""

from benchmarks.rig.catalog import BEAM, FLOORS, OURS, WITH_WINDOW
from benchmarks.rig.latency import latencies_of, row
from benchmarks.rig.rows import Row

RESTARTS = 20_000
WINDOW = 3_600
"""Seconds: no restart is forgotten."""


def measure(*, quick: bool) -> list[Row]:
    count = ("--restarts", 5_000 if quick else RESTARTS)
    storm = (*count, "--period", WINDOW)
    ours = [OURS["asyncio"]] if quick else list(OURS.values())
    others = [FLOORS["asyncio"]] if quick else [FLOORS["asyncio"], *WITH_WINDOW, *BEAM]
    runs = {f"{system.name}, short windows": (system, count) for system in ours}
    runs |= {system.name: (system, storm) for system in (*ours, *others)}
    taken = latencies_of(runs, 2 if quick else 3)
    rows = []
    for system in ours:
        calm = taken[f"{system.name}, short windows"]
        rows.append(row(system.name, taken[system.name], floor=calm, to="short windows", section="ours"))
    fastest = taken[OURS["asyncio"].name]
    rows += [
        row(fastest.system.name, fastest, floor=taken[system.name], limit=1, section="ours and Erlang")
        for system in BEAM
        if system.name in taken
    ]
    here = [taken[system.name] for system in others if system.name in taken]
    return rows + [row(one.system.name, one, section="others in the same storm") for one in here]
