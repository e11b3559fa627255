"""Ratios to the floors that are taken within seconds: what `benchmarks.report.guard` compares, and not for quoting."""

from benchmarks.measures import groups as together
from benchmarks.measures import scale
from benchmarks.rig.catalog import BARE_TASKS, FLOORS, OURS
from benchmarks.rig.latency import latencies, latencies_of

Ratios = dict[str, float]


def restarts() -> Ratios:
    """From a crash to the next incarnation, by event loop."""
    taken = latencies([*OURS.values(), *FLOORS.values()], 5, "--restarts", 1_000)
    return {f"restart, {b}": taken[OURS[b].name].median / taken[FLOORS[b].name].median for b in OURS}


def siblings() -> Ratios:
    """A restart among 10 000 idle siblings, × among 10."""
    runs = {str(count): (OURS["asyncio"], ("--restarts", 1_000, "--siblings", count)) for count in (10, 10_000)}
    taken = latencies_of(runs, 3)
    return {"restart among 10 000 siblings": taken["10000"].median / taken["10"].median}


def children() -> Ratios:
    """Starting, stopping and keeping 10 000."""
    ours, floor = OURS["asyncio"], BARE_TASKS["asyncio"]
    taken = scale.figures([ours, floor], scale.Size(10_000, 1, 5))
    names = {"start_us": "start of 10 000", "stop_us": "stop of 10 000", "kb": "memory of 10 000"}
    return {name: taken[ours.name][key] / taken[floor.name][key] for key, name in names.items()}


def groups() -> Ratios:
    """Restarting 1 000 together."""
    ours, floor = OURS["asyncio"], together.FLOORS["asyncio"]
    taken = together.taken_of([ours, floor], together.Group("one_for_all", 1_000, 8), 3)
    return {"one_for_all over 1 000": taken[ours.name].median / taken[floor.name].median}
