"""A crash that exhausts one to five supervisors at once: until the child runs again, below the one that has a budget left.

The supervisors between them have an intensity of 0. Each stops, ends and is reported to the one above it; the one above
them all restarts the topmost, and with it everything below.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from benchmarks import erlang
from benchmarks.catalog import OURS, Kind
from benchmarks.report import Row, median_and_p99
from benchmarks.rounds import take_turns

__all__ = ("measure",)

BACKENDS = ("asyncio", "trio")
LEVELS = range(6)  # 0: the crash is within the budget, a plain restart


def measure(*, quick: bool) -> list[Row]:
    rounds, restarts = (2, 500) if quick else (5, 2_000)
    names = [OURS[backend].name for backend in BACKENDS]
    with erlang.compiled("escalation") as beam:
        commands: dict[str, list[str] | None] = {}
        for level in LEVELS:
            for backend, name in zip(BACKENDS, names, strict=True):
                system = replace(OURS[backend], module="ours.escalating")
                commands[_key(name, level)] = system.command("restart", "--depth", level, "--restarts", restarts)
            if beam is not None:
                commands[_key(erlang.NAME, level)] = beam.command(level, restarts)
        taken = take_turns({name: command for name, command in commands.items() if command is not None}, rounds)
    figures = {
        name: median_and_p99([ns / 1e3 for one in runs for ns in one["ns"]]) for name, runs in taken.items() if runs
    }
    whole = [name for name in (*names, erlang.NAME) if all(_key(name, level) in figures for level in LEVELS)]
    return [row for name in whole for row in _rows(name, [figures[_key(name, level)] for level in LEVELS])]


def _key(name: str, level: int) -> str:
    return f"{name}, {level} levels"


def _rows(name: str, taken: Sequence[tuple[float, float]]) -> Iterator[Row]:
    of = {"system": name, "kind": Kind.PROCESS if name == erlang.NAME else Kind.FRESH, "section": name}
    plain, _ = taken[0]
    for level, (median, p99) in enumerate(taken):
        what = f"{level} level{' gives' if level == 1 else 's give'} up" if level else "a plain restart"
        ratio, to = (median / plain, "a plain restart") if level else (None, "")
        yield Row(what=what, figure=median, unit="µs", p99=p99, ratio=ratio, to=to, **of)
    each = (taken[-1][0] - taken[1][0]) / (len(taken) - 2)
    yield Row(what="one level more", figure=each, unit="µs", **of)
