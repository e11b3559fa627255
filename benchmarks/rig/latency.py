"""The latencies of some systems, taken in turns, and their rows: what all benchmarks of restarts share."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from benchmarks.rig.rounds import take_turns
from benchmarks.rig.rows import Row, median_and_p99
from benchmarks.rig.system import System

Run = tuple[System, Sequence[object]]
"""A system, and its options on the command line of `benchmarks.systems`."""


class Latency(Struct, frozen=True):
    """From a crash to the next incarnation's first line, in µs, over all restarts of all rounds."""

    system: System
    median: float
    p99: float


def latencies(systems: Iterable[System], rounds: int, *options: object, measure: str = "restart") -> dict[str, Latency]:
    """Of those systems that are here, by name; the options are the same for all."""
    return latencies_of({system.name: (system, options) for system in systems}, rounds, measure=measure)


def latencies_of(runs: Mapping[str, Run], rounds: int, *, measure: str = "restart") -> dict[str, Latency]:
    """Return the runs with options of their own whose system is installed, by name."""
    taken = take_turns({name: system.command(measure, *options) for name, (system, options) in runs.items()}, rounds)
    return {
        name: Latency(runs[name][0], *median_and_p99([ns / 1e3 for one in outcomes for ns in one["ns"]]))
        for name, outcomes in taken.items()
        if outcomes
    }


def row(
    what: str,
    taken: Latency,
    *,
    floor: Latency | None = None,
    to: str = "",
    limit: float | None = None,
    section: str = "",
) -> Row:
    """One line of a table; with a floor, as a ratio to it."""
    return Row(
        what=what,
        figure=taken.median,
        unit="µs",
        p99=taken.p99,
        ratio=None if floor is None else taken.median / floor.median,
        to=to or (floor.system.name if floor else ""),
        limit=limit,
        section=section,
        system=taken.system.name,
        kind=taken.system.kind,
    )
