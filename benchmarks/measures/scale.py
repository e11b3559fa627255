"""Starting, keeping and stopping 10 000 and 100 000 idle children, flat and in a nest of three levels.

The floor of each event loop starts as many bare tasks, and cancels them all at once. Ours starts one after the other,
and stops them in reverse order, each once the one after it has ended; `scopes stopped one by one` do that without
supervision. A figure is that of the least disturbed round: there are few of them, each of one long step.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from benchmarks.rig.catalog import BARE_TASKS, ORDERED_STOPS, OURS, SCALED, TASK_GROUPS
from benchmarks.rig.rounds import take_turns
from benchmarks.rig.rows import Row, in_groups
from benchmarks.rig.system import System

LIMITS = {"start": 4.14, "stop": 2.96}  # 12 µs where the floor takes 2.9, 8 µs where it takes 2.7
KEPT = 3.0  # KB of a child that idles, its task included


class Size(Struct, frozen=True):
    """So many children below so many levels of supervisors, in so many rounds."""

    children: int
    depth: int
    rounds: int

    @property
    def section(self) -> str:
        shape = "flat" if self.depth == 1 else f"{self.depth} levels"
        return f"{in_groups(self.children)} children, {shape}"


FULL = (Size(10_000, 1, 5), Size(10_000, 3, 5), Size(100_000, 1, 2), Size(100_000, 3, 2))
QUICK = (Size(10_000, 1, 2), Size(10_000, 3, 2))


def measure(*, quick: bool) -> list[Row]:
    backends = ("asyncio",) if quick else tuple(OURS)
    others = (ORDERED_STOPS["asyncio"],) if quick else (*ORDERED_STOPS.values(), *TASK_GROUPS.values(), *SCALED)
    return [row for size in (QUICK if quick else FULL) for row in _rows(size, backends, others)]


def figures(systems: Sequence[System], size: Size) -> dict[str, dict[str, float]]:
    """By the name of the system: µs to `start` and to `stop` a child, and the `kb` that it keeps."""
    options = ("--children", size.children, "--depth", size.depth)
    commands = {system.name: system.command("scale", *options) for system in systems}
    taken = take_turns(commands, size.rounds)
    return {name: {key: min(one[key] for one in runs) for key in runs[0]} for name, runs in taken.items() if runs}


def _rows(size: Size, backends: Sequence[str], others: Sequence[System]) -> Iterator[Row]:
    flat = size.depth == 1
    systems = [system for backend in backends for system in (BARE_TASKS[backend], OURS[backend])]
    systems += others if flat else ()
    taken = figures(systems, size)
    for system in systems:
        if system.name in taken:
            yield from _rows_of(system, taken, size)


def _rows_of(system: System, taken: Mapping[str, Mapping[str, float]], size: Size) -> Iterator[Row]:
    floor = BARE_TASKS[system.backend]
    below = taken.get(floor.name) if system != floor else None
    ours = system == OURS["asyncio"]
    limits = LIMITS if ours and (size.children, size.depth) == (10_000, 1) else {}
    of = {"system": system.name, "kind": system.kind, "section": size.section}
    for step in ("start", "stop"):
        figure = taken[system.name][f"{step}_us"]
        yield Row(
            what=f"{system.name}: {step}",
            figure=figure,
            unit="µs",
            ratio=figure / below[f"{step}_us"] if below else None,
            to=floor.name if below else "",
            limit=limits.get(step) if below else None,
            **of,
        )
    ordered = ORDERED_STOPS[system.backend].name if system in OURS.values() and system.backend in ORDERED_STOPS else ""
    if ordered in taken:
        stop, same_order = taken[system.name]["stop_us"], taken[ordered]["stop_us"]
        what = f"{system.name}: stop, beside the same order"
        yield Row(what=what, figure=stop, unit="µs", ratio=stop / same_order, to=ordered, **of)
    kept = taken[system.name]["kb"]
    yield Row(what=f"{system.name}: memory", figure=kept, unit="KB", limit=KEPT if ours else None, **of)
