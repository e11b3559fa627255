"""A group that is restarted together: from the crash of its first child to the first line of the last one's next life.

The floor has the same order without supervision: the others are cancelled and awaited one by one, the last one first,
and all of them are started again.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from benchmarks.rig.catalog import ERLANG_PROC_LIB, OURS
from benchmarks.rig.latency import Latency, latencies, row
from benchmarks.rig.rows import Row, in_groups
from benchmarks.rig.system import Kind, System

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
    systems = [*(system for b in backends for system in (FLOORS[b], OURS[b])), ERLANG_PROC_LIB]
    return [row for group in (QUICK if quick else FULL) for row in _rows(systems, group, 2 if quick else 5)]


def taken_of(systems: Sequence[System], group: Group, rounds: int) -> dict[str, Latency]:
    """By the name of the system, what the whole group takes."""
    options = ("--strategy", group.strategy, "--children", group.children, "--restarts", group.restarts, "--warm-up", 5)
    return latencies(systems, rounds, *options, measure="groups")


def _rows(systems: Sequence[System], group: Group, rounds: int) -> Iterator[Row]:
    taken = taken_of(systems, group, rounds)
    for name, latency in taken.items():
        floor = taken.get(FLOORS[latency.system.backend].name)
        below = None if floor is latency else floor
        yield row(f"{name}: all of them", latency, floor=below, section=group.section)
        each = latency.median / group.children
        of = {"system": name, "kind": latency.system.kind, "section": group.section}
        yield Row(what=f"{name}: per child", figure=each, unit="µs", **of)
