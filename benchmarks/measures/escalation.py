"""A crash that exhausts one to five supervisors at once: until the child runs again, below the one that has a budget left.

The supervisors between them have an intensity of 0. Each stops, ends and is reported to the one above it; the one above
them all restarts the topmost, and with it everything below.
"""

from collections.abc import Iterator, Sequence

from benchmarks.rig.catalog import ERLANG_PROC_LIB, OURS
from benchmarks.rig.latency import Latency, latencies_of, row
from benchmarks.rig.rows import Row
from benchmarks.rig.system import System

SYSTEMS = (OURS["asyncio"], OURS["trio"], ERLANG_PROC_LIB)
LEVELS = range(6)  # 0: the crash is within the budget, a plain restart


def measure(*, quick: bool) -> list[Row]:
    rounds, restarts = (2, 500) if quick else (5, 2_000)
    runs = {_key(one, n): (one, ("--depth", n, "--restarts", restarts)) for n in LEVELS for one in SYSTEMS}
    taken = latencies_of(runs, rounds, measure="escalation")
    here = [one for one in SYSTEMS if all(_key(one, level) in taken for level in LEVELS)]
    return [row for one in here for row in _rows(one, [taken[_key(one, level)] for level in LEVELS])]


def _key(system: System, level: int) -> str:
    return f"{system.name}, {level} levels"


def _rows(system: System, taken: Sequence[Latency]) -> Iterator[Row]:
    plain, *deeper = taken
    yield row("a plain restart", plain, section=system.name)
    for level, latency in enumerate(deeper, 1):
        what = f"{level} level{' gives' if level == 1 else 's give'} up"
        yield row(what, latency, floor=plain, to="a plain restart", section=system.name)
    each = (deeper[-1].median - deeper[0].median) / (len(deeper) - 1)
    of = {"system": system.name, "kind": system.kind, "section": system.name}
    yield Row(what="one level more", figure=each, unit="µs", **of)
