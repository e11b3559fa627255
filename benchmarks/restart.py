"""From the crash of a child to the first line of its next incarnation.

Floors have the same shape without supervision: the dying task starts a fresh one in its own cancel scope. Ours does
that with all rules on: generation, restart table, window, counters, events. Systems alternate round by round.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import trio

from benchmarks.report import Row, median_and_p99
from otp import open_supervisor, supervisor, worker

UNLIMITED = 10**9
SHORT = 0.001  # seconds: the period, so that the window holds few restarts

BACKENDS: dict[str, dict[str, Any]] = {
    "asyncio": {"backend": "asyncio"},
    "uvloop": {"backend": "asyncio", "backend_options": {"use_uvloop": True}},
    "trio": {"backend": "trio"},
}
LIMITS = {"asyncio": 1.35, "uvloop": None, "trio": 1.35}


class Recorder:
    """Crashes so many times, and notes how long each took to come back."""

    def __init__(self, restarts: int) -> None:
        self.samples: list[float] = []
        self.over = anyio.Event()
        self._restarts = restarts
        self._crashed_at = 0

    async def crash(self) -> None:
        if self._crashed_at:
            self.samples.append((time.perf_counter_ns() - self._crashed_at) / 1e3)
        await anyio.lowlevel.checkpoint()
        if len(self.samples) >= self._restarts:
            self.over.set()
            await anyio.sleep_forever()
        self._crashed_at = time.perf_counter_ns()
        raise ValueError


async def ours(restarts: int, siblings: int = 0) -> list[float]:
    recorder = Recorder(restarts)
    children = [worker("child", recorder.crash), *(worker(f"idle{n}", anyio.sleep_forever) for n in range(siblings))]
    async with open_supervisor(supervisor("root", intensity=UNLIMITED, period=SHORT, children=children)):
        await recorder.over.wait()
    return recorder.samples


async def asyncio_floor(restarts: int) -> list[float]:
    """A bare `create_task` with a CancelScope."""
    recorder = Recorder(restarts)
    loop = asyncio.get_running_loop()
    live: set[asyncio.Task[None]] = set()

    async def child() -> None:
        with anyio.CancelScope():
            try:
                await recorder.crash()
            except ValueError:
                pass
        start()

    def start() -> None:
        task = loop.create_task(child())
        live.add(task)
        task.add_done_callback(live.discard)

    start()
    await recorder.over.wait()
    for task in live:
        task.cancel()
    return recorder.samples


async def trio_floor(restarts: int, *, scope: bool) -> list[float]:
    """A nursery's `start_soon` from the dying task, with or without a cancel scope of its own."""
    recorder = Recorder(restarts)

    async def crash() -> None:
        try:
            await recorder.crash()
        except ValueError:
            pass

    async with trio.open_nursery() as nursery:

        async def child() -> None:
            if scope:
                with trio.CancelScope():
                    await crash()
            else:
                await crash()
            nursery.start_soon(child)

        nursery.start_soon(child)
        await recorder.over.wait()
        nursery.cancel_scope.cancel()
    return recorder.samples


Run = Callable[[], Awaitable[list[float]]]


def interleaved(systems: dict[str, Run], rounds: int, **backend: Any) -> dict[str, list[float]]:
    """All samples of each system; the systems take turns, in changing order."""
    samples: dict[str, list[float]] = {name: [] for name in systems}
    for turn in range(rounds):
        names = list(systems) if turn % 2 else list(reversed(systems))
        for name in names:
            samples[name] += anyio.run(systems[name], **backend)[100:]  # the first ones warm up
    return samples


def measure(*, quick: bool) -> list[Row]:
    rounds, restarts = (3, 1_000) if quick else (9, 4_000)
    rows: list[Row] = []
    for name, backend in BACKENDS.items():
        systems: dict[str, Run] = {"ours": partial(ours, restarts)}
        if name == "trio":
            systems["start_soon with a CancelScope"] = partial(trio_floor, restarts, scope=True)
            systems["bare start_soon"] = partial(trio_floor, restarts, scope=False)
        else:
            systems["create_task with a CancelScope"] = partial(asyncio_floor, restarts)
        figures = {system: median_and_p99(taken) for system, taken in interleaved(systems, rounds, **backend).items()}
        rows += _rows(name, figures)
    return rows + siblings(quick=quick)


def _rows(name: str, figures: dict[str, tuple[float, float]]) -> list[Row]:
    median, p99 = figures.pop("ours")
    rows = [Row(what=f"{name}: {floor}", figure=m, unit="µs", p99=p) for floor, (m, p) in figures.items()]
    for number, (floor, (floor_median, _)) in enumerate(figures.items()):
        limit = LIMITS[name] if number == 0 else None
        rows.append(
            Row(
                what=f"{name}: restart",
                figure=median,
                unit="µs",
                p99=p99,
                ratio=median / floor_median,
                to=floor,
                limit=limit,
            )
        )
    return rows


def siblings(*, quick: bool) -> list[Row]:
    """One crashing child among few and among very many idle ones."""
    rounds = 1 if quick else 3
    few, many = 10, 10_000 if quick else 100_000
    systems: dict[str, Run] = {"few": partial(ours, 2_000, few), "many": partial(ours, 2_000, many)}
    taken = interleaved(systems, rounds, backend="asyncio")
    (few_median, few_p99), (many_median, many_p99) = median_and_p99(taken["few"]), median_and_p99(taken["many"])
    return [
        Row(what=f"asyncio: restart among {few} siblings", figure=few_median, unit="µs", p99=few_p99),
        Row(
            what=f"asyncio: restart among {many} siblings",
            figure=many_median,
            unit="µs",
            p99=many_p99,
            ratio=many_median / few_median,
            to=f"among {few}",
            limit=1.3,
        ),
    ]
