"""One child that crashes among few and among very many idle ones."""

from collections.abc import Iterable, Sequence

from benchmarks.rig.catalog import AMONG_MANY, BEAM, ERLANG, OURS
from benchmarks.rig.latency import Latency, latencies_of, row
from benchmarks.rig.rows import Row, in_groups
from benchmarks.rig.system import System

SIZES = (10, 1_000, 100_000)
GROWTH = 1.2
"""Limit of ours among the most, over ours among the fewest."""

Taken = dict[str, Latency]


def measure(*, quick: bool) -> list[Row]:
    if quick:
        sizes = (10, 10_000)
        return _rows([OURS["asyncio"]], sizes, _among([OURS["asyncio"]], sizes, rounds=2), "ours", GROWTH)
    ours = list(OURS.values())
    taken = _among([*ours, *BEAM], SIZES, rounds=3)
    return [
        *_rows(ours, SIZES, taken, "ours", GROWTH),
        *_rows(BEAM, SIZES, taken, "Erlang and Elixir"),
        *_against_erlang(taken),
        *_rows(AMONG_MANY, SIZES, _among(AMONG_MANY, SIZES, rounds=1), "peers of all kinds"),
    ]


def _among(systems: Iterable[System], sizes: Sequence[int], rounds: int) -> Taken:
    options = ("--restarts", 300, "--warm-up", 100, "--siblings")
    return latencies_of({_among_so_many(s, n): (s, (*options, n)) for n in sizes for s in systems}, rounds)


def _among_so_many(system: System, siblings: int) -> str:
    return f"{system.name}, among {in_groups(siblings)}"


def _rows(
    systems: Iterable[System], sizes: Sequence[int], taken: Taken, section: str, limit: float | None = None
) -> list[Row]:
    """Of each system what it takes among so many, the more over the fewest."""
    rows = []
    for system in systems:
        few, *more = (taken.get(_among_so_many(system, n)) for n in sizes)
        if few is None:
            continue
        rows.append(row(_among_so_many(system, sizes[0]), few, section=section))
        for n, latency in zip(sizes[1:], more, strict=True):
            if latency is not None:
                most = limit if n == sizes[-1] else None
                to = f"among {sizes[0]}"
                rows.append(row(_among_so_many(system, n), latency, floor=few, to=to, limit=most, section=section))
    return rows


def _against_erlang(taken: Taken) -> list[Row]:
    name, erlang = (_among_so_many(system, SIZES[-1]) for system in (OURS["asyncio"], ERLANG))
    if erlang not in taken:
        return []
    return [row(name, taken[name], floor=taken[erlang], limit=1, section="Erlang and Elixir")]
