"""What the benchmarks of restarts share: the latencies of some systems, taken in turns, and their rows."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from benchmarks.report import Row, median_and_p99
from benchmarks.rounds import take_turns
from benchmarks.system import System

__all__ = ("Latency", "by_name", "latencies", "latencies_of", "row")


class Latency(Struct, frozen=True):
    """From a crash to the next incarnation's first line, in µs, over all restarts of all rounds."""

    system: System
    median: float
    p99: float


def by_name(systems: Iterable[System]) -> dict[str, System]:
    return {system.name: system for system in systems}


def latencies(systems: Mapping[str, System], rounds: int, *options: object) -> dict[str, Latency]:
    """The latencies of those systems that are here; `options` are those of `benchmarks.systems`."""
    return latencies_of({name: (system, options) for name, system in systems.items()}, rounds)


def latencies_of(runs: Mapping[str, tuple[System, Sequence[object]]], rounds: int) -> dict[str, Latency]:
    """The same with options for each."""
    commands = {name: system.command("restart", *options) for name, (system, options) in runs.items()}
    taken = take_turns({name: command for name, command in commands.items() if command is not None}, rounds)
    return {
        name: _latency(runs[name][0], [ns / 1e3 for one in outcomes for ns in one["ns"]])
        for name, outcomes in taken.items()
        if outcomes
    }


def _latency(system: System, samples: list[float]) -> Latency:
    return Latency(system, *median_and_p99(samples))


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
