"""A group that is restarted together: from the crash of its first child to the first line of the last one's next life.

The floor has the same order without supervision: the others are cancelled and awaited one by one, the last one first,
and all of them are started again.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from benchmarks import erlang
from benchmarks.catalog import OURS, Kind, System
from benchmarks.report import Row, in_groups, median_and_p99
from benchmarks.rounds import Outcome, take_turns

__all__ = ("FLOORS", "Group", "figures", "measure")

FLOORS = {
    "asyncio": System(name="tasks, asyncio", module="group_floors.task", kind=Kind.FLOOR),
    "uvloop": System(name="tasks, uvloop", module="group_floors.task", kind=Kind.FLOOR, backend="uvloop"),
    "trio": System(name="scopes, trio", module="group_floors.nursery", kind=Kind.FLOOR, backend="trio"),
}


class Group(Struct, frozen=True):
    """So many children under a strategy, restarted so many times in each round."""

    strategy: str
    children: int
    restarts: int

    @property
    def section(self) -> str:
        return f"{self.strategy}, {in_groups(self.children)} children"


FULL = tuple(Group(s, n, times) for s in ("one_for_all", "rest_for_one") for n, times in ((10, 500), (1_000, 30)))
QUICK = tuple(Group(group.strategy, group.children, group.restarts // 5) for group in FULL)


def measure(*, quick: bool) -> list[Row]:
    backends = ("asyncio",) if quick else tuple(OURS)
    systems = [system for backend in backends for system in (FLOORS[backend], OURS[backend])]
    with erlang.compiled("groups") as beam:
        return [row for group in (QUICK if quick else FULL) for row in _rows(systems, group, 2 if quick else 5, beam)]


def figures(
    systems: Sequence[System], group: Group, rounds: int, beam: erlang.Program | None = None
) -> dict[str, tuple[float, float]]:
    """By the name of the system: µs for the whole group, median and 99th percentile.

    Args:
        beam: Erlang's part in it; None: it takes none.
    """
    options = ("--strategy", group.strategy, "--children", group.children, "--restarts", group.restarts, "--warm-up", 5)
    commands = {system.name: system.command("groups", *options) for system in systems}
    if beam is not None:
        commands[erlang.NAME] = beam.command(group.strategy, group.children, group.restarts)
    taken = take_turns({name: command for name, command in commands.items() if command is not None}, rounds)
    return {name: _median_and_p99(outcomes) for name, outcomes in taken.items() if outcomes}


def _median_and_p99(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    return median_and_p99([ns / 1e3 for one in outcomes for ns in one["ns"]])


def _rows(systems: Sequence[System], group: Group, rounds: int, beam: erlang.Program | None) -> Iterator[Row]:
    taken = figures(systems, group, rounds, beam)
    names = {system.name: system for system in systems}
    for name, (median, p99) in taken.items():
        system = names.get(name)
        floor = FLOORS[system.backend if system else "asyncio"].name
        below = taken.get(floor) if name != floor else None
        of = {"system": name, "kind": system.kind if system else Kind.PROCESS, "section": group.section}
        ratio = median / below[0] if below else None
        to = floor if below else ""
        yield Row(what=f"{name}: all of them", figure=median, unit="µs", p99=p99, ratio=ratio, to=to, **of)
        yield Row(what=f"{name}: per child", figure=median / group.children, unit="µs", **of)
