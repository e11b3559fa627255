"""From the crash of a child to the first line of its next incarnation.

Ours has all rules on: generation, restart table, window, counters. It is measured against the event loops alone, against
peers and against Erlang. Only those whose supervisor starts a fresh task or process for each incarnation do the same work.
"""

from collections.abc import Iterable

from benchmarks.rig.catalog import (
    ACKNOWLEDGED_STARTS,
    BARE_TASKS,
    BEAM,
    ERLANG,
    FLOORS,
    FRESH,
    LOGGING,
    OTHERS,
    OURS,
    SLOW,
    TASK_GROUPS,
    UNSUPERVISED,
)
from benchmarks.rig.latency import Latency, latencies, latencies_of, row
from benchmarks.rig.rows import Row
from benchmarks.rig.system import System

SHAPES = (FLOORS, TASK_GROUPS, BARE_TASKS, ACKNOWLEDGED_STARTS)
"""Floors by the shape of a restart, each by event loop."""

IDLE = 0.002
"""Seconds that each incarnation waits before it crashes, so that the event loop has been asleep."""

OVER_FLOOR = 1.2
"""Limit of our median over the floor of the same shape."""

OVER_GROUP = 0.5
"""Over that of anyio's task group."""

OVER_ERLANG = 2.5
"""Over that of Erlang with its log off; with both logs on we have to be ahead."""

OVER_SILENT = 2
"""With our log on, over the same with it off."""

SPREAD = 3
"""Of our p99 over our median."""

Taken = dict[str, Latency]


def measure(*, quick: bool) -> list[Row]:
    rows = _at_once(quick=quick) + _after_idling(quick=quick) + _with_log(quick=quick)
    return rows if quick else rows + _slow()


def _at_once(*, quick: bool) -> list[Row]:
    """Each incarnation crashes after one turn of the event loop."""
    systems = [*OURS.values(), *(floor for shape in SHAPES for floor in shape.values())]
    if quick:
        taken = latencies(systems, 2, "--restarts", 500)
        return _against_floors(taken)
    taken = latencies([*systems, *FRESH, *UNSUPERVISED, *OTHERS, *BEAM], 5)
    return [*_against_floors(taken), *_peers(taken), *_against_erlang(taken)]


def _against_floors(taken: Taken) -> list[Row]:
    section = "ours and the event loops alone"
    rows = [row(floor.name, taken[floor.name], section=section) for shape in SHAPES for floor in shape.values()]
    for backend, system in OURS.items():
        ours, floor, group = (taken[s.name] for s in (system, FLOORS[backend], TASK_GROUPS[backend]))
        rows += [
            row(system.name, ours, floor=floor, limit=OVER_FLOOR, section=section),
            row(system.name, ours, floor=group, limit=OVER_GROUP, section=section),
            _spread(ours, section),
        ]
    return rows


def _spread(ours: Latency, section: str) -> Row:
    return Row(
        what=f"{ours.system.name}: p99",
        figure=ours.p99,
        unit="µs",
        ratio=ours.p99 / ours.median,
        to="its median",
        limit=SPREAD,
        section=section,
        system=ours.system.name,
        kind=ours.system.kind,
    )


def _peers(taken: Taken) -> list[Row]:
    return [
        *_compared(FRESH, taken, "peers whose supervisors start a fresh task, as ours do"),
        *_compared(UNSUPERVISED, taken, "fresh tasks by hand, without supervision: less is done"),
        *_compared(OTHERS, taken, "peers that keep the task, or have none: less is done"),
    ]


def _compared(systems: Iterable[System], taken: Taken, section: str) -> list[Row]:
    """Those that are here, the fastest first, over ours on the same event loop."""
    here = sorted((taken[s.name] for s in systems if s.name in taken), key=lambda latency: latency.median)
    ours = {backend: taken[system.name] for backend, system in OURS.items() if system.name in taken}
    return [row(one.system.name, one, floor=ours[one.system.backend], section=section) for one in here]


def _against_erlang(taken: Taken) -> list[Row]:
    section = "Erlang and Elixir"
    beam = [taken[system.name] for system in BEAM if system.name in taken]
    rows = [row(one.system.name, one, section=section) for one in beam]
    if ERLANG.name in taken:
        ours, erlang = taken[OURS["asyncio"].name], taken[ERLANG.name]
        rows.append(row(ours.system.name, ours, floor=erlang, limit=OVER_ERLANG, section=section))
    return rows


def _after_idling(*, quick: bool) -> list[Row]:
    section = f"after {IDLE * 1000:g} ms of idling"
    backends = ("asyncio",) if quick else tuple(OURS)
    systems = [*(OURS[b] for b in backends), *(FLOORS[b] for b in backends), *(() if quick else FRESH)]
    options = ("--idle", IDLE, "--warm-up", 50, "--restarts", 100 if quick else 500)
    taken = latencies(systems, 1 if quick else 3, *options)
    rows = [row(FLOORS[b].name, taken[FLOORS[b].name], section=section) for b in backends]
    for backend in backends:
        ours, floor = taken[OURS[backend].name], taken[FLOORS[backend].name]
        rows.append(row(ours.system.name, ours, floor=floor, section=section))
    return rows if quick else rows + _compared(FRESH, taken, section)


def _with_log(*, quick: bool) -> list[Row]:
    """Ours with its log alone, and with all that `otp.run` has by default; the others as they come."""
    section = "with the library's own log"
    ours = [OURS["asyncio"]] if quick else list(OURS.values())
    off = ("--restarts", 500 if quick else 1_000)
    on, whole = (*off, "--log", "default"), (*off, "--log", "all")
    runs = {_silent(system): (system, off) for system in ours}
    runs |= {_whole(system): (system, whole) for system in ours}
    runs |= {system.name: (system, on) for system in (*ours, *(() if quick else LOGGING))}
    taken = latencies_of(runs, 2 if quick else 3)
    rows = []
    for system in ours:
        of = {"floor": taken[_silent(system)], "to": "log off", "section": section}
        rows.append(row(system.name, taken[system.name], limit=OVER_SILENT, **of))
        rows.append(row(_whole(system), taken[_whole(system)], **of))
    asyncio = OURS["asyncio"].name
    rows += [
        row(asyncio, taken[asyncio], floor=taken[system.name], limit=1, section=section)
        for system in BEAM
        if system.name in taken
    ]
    return rows if quick else rows + _compared(LOGGING, taken, section)


def _silent(system: System) -> str:
    return f"{system.name}, log off"


def _whole(system: System) -> str:
    """With history, incidents, the control socket and the watch over the event loop beside the log."""
    return f"{system.name}, with all that otp.run has"


def _slow() -> list[Row]:
    section = "slow by choice"
    taken = latencies(SLOW, 1, "--restarts", 4, "--warm-up", 0)
    return [row(one.system.name, one, section=section) for one in taken.values()]
