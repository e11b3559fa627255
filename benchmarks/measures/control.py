"""The control socket of a running process: how long a command takes, and what many clients cost the tree.

    restart         from the client's connect to its answer, one command per connection
    many clients    20 of them, in processes of their own, with 1 000 commands all together, against a tree one of whose
                    workers crashes all the time; A without them, B with them, A B A B …

The commands are looks of all kinds and restarts. Every fifth restart is sent twice under one id, on two connections, and
all must be answered, and each be done once.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
from loguru import logger
from msgspec import Struct

from benchmarks.rig.checkout import ROOT
from benchmarks.rig.rows import Row, median_and_p99
from otp import Strategy, Supervisor, supervisor, worker
from otp.control.open import open_control
from otp.observe.observation import open_observation
from otp.runtime.open import open_tree
from otp.spec import SupervisorSpec

CLIENTS = 20
COMMANDS = 1_000
PAUSE = 0.002  # seconds between two lives of the worker that crashes; uvloop makes nothing of less than a millisecond
SETTLE = 0.5  # seconds before anything is measured
MANY = 1_000  # restarts, more than there are in the period
SHORT = 0.01  # seconds: the period, so that the window holds few restarts


BACKENDS: dict[str, dict[str, Any]] = {
    "asyncio": {"backend": "asyncio"},
    "uvloop": {"backend": "asyncio", "backend_options": {"use_uvloop": True}},
    "trio": {"backend": "trio"},
}


class Crasher:
    """Crashes all the time, and notes when it was back, and how many microseconds that took."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, float]] = []
        self._crashed_at = 0

    async def run(self) -> None:
        if self._crashed_at:
            now = time.perf_counter_ns()
            self.samples.append((now, (now - self._crashed_at) / 1e3))
        await anyio.sleep(PAUSE)
        self._crashed_at = time.perf_counter_ns()
        raise ValueError


async def idle() -> None:
    await anyio.sleep_forever()


def tree(crasher: Crasher) -> SupervisorSpec:
    """The shape of the demo: fifteen children on two levels, and one more that crashes."""
    workers = supervisor("workers", children=[worker(f"w{n}", idle) for n in range(10)])
    below = supervisor("feeds", strategy=Strategy.REST_FOR_ONE, children=[worker(f"f{n}", idle) for n in range(3)])
    crashing = worker("crashing", crasher.run)
    return supervisor("bench", intensity=MANY, period=SHORT, children=[workers, below, crashing])


@asynccontextmanager
async def served(crasher: Crasher) -> AsyncGenerator[tuple[Supervisor, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "otp"
        async with (
            open_observation("bench") as seen,
            open_control("bench", seen, place=place) as control,
            open_tree(tree(crasher), seen.hooks) as running,
        ):
            handle = Supervisor(running)
            control.serve(handle)
            running.root.begin()
            await running.settled.wait()
            assert control.socket is not None
            yield handle, control.socket


@asynccontextmanager
async def clients(socket: Path, *arguments: object) -> AsyncGenerator[anyio.abc.Process]:
    """Clients in a process of their own; it is left once they have ended."""
    command = [sys.executable, "-m", "benchmarks.rig.control_clients", str(socket), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    async with await anyio.open_process(command, stderr=None, env=environment) as process:
        yield process


async def said(process: anyio.abc.Process) -> str:
    assert process.stdout is not None
    return b"".join([piece async for piece in process.stdout]).decode()


async def restarts(times: int) -> list[float]:
    """Milliseconds of single restarts over the socket."""
    async with served(Crasher()) as (_, socket), clients(socket, "restarts", times) as process:
        return [float(line) for line in (await said(process)).split()]


class Storm(Struct, frozen=True):
    """What came of the clients: samples of the crashing worker meanwhile, and the books."""

    samples: list[float]
    took: list[float]
    seconds: float
    failed: list[str]
    distinct: int
    done: int


async def calm(seconds: float) -> list[float]:
    """The samples of the crashing worker without clients."""
    crasher = Crasher()
    async with served(crasher):
        await anyio.sleep(SETTLE + seconds)
    first = crasher.samples[0][0] + SETTLE * 1e9
    return [sample for at, sample in crasher.samples if at >= first]


async def storm() -> Storm:
    crasher = Crasher()
    async with served(crasher) as (handle, socket), clients(socket, "many", CLIENTS, COMMANDS) as process:
        await anyio.sleep(SETTLE)
        assert process.stdin is not None
        await process.stdin.send(b"go\n")
        figures = json.loads(await said(process))
        done = sum(child.manual for child in handle.walk())
    begun, ended = figures["begun"], figures["ended"]
    return Storm(
        samples=[sample for at, sample in crasher.samples if begun <= at <= ended],
        took=figures["took"],
        seconds=(ended - begun) / 1e9,
        failed=figures["failed"],
        distinct=figures["distinct"],
        done=done,
    )


def measure(*, quick: bool) -> list[Row]:
    logger.remove()  # the audit of 1 000 commands is not what is looked at
    rows = []
    for name, backend in BACKENDS.items():
        median, p99 = median_and_p99(anyio.run(restarts, 100 if quick else 1_000, **backend)[10:])
        rows.append(Row(what=f"{name}: restart over the socket", figure=median, unit="ms", p99=p99, limit=100))
        rows += many_clients(name, backend, 2 if quick else 6)
    return rows


def many_clients(name: str, backend: dict[str, Any], rounds: int) -> list[Row]:
    alone: list[float] = []
    storms: list[Storm] = []
    for _ in range(rounds):
        alone += anyio.run(calm, 1.0, **backend)
        storms.append(anyio.run(storm, **backend))
    median, p99 = median_and_p99(alone)
    with_median, with_p99 = median_and_p99([sample for one in storms for sample in one.samples])
    took, took_p99 = median_and_p99([ms for one in storms for ms in one.took])
    unanswered = sum(COMMANDS - len(one.took) for one in storms)
    wrong = sum(len(one.failed) + abs(one.done - one.distinct) for one in storms)
    crashes = sum(len(one.samples) for one in storms) / sum(one.seconds for one in storms)
    per_second = sum(len(one.took) for one in storms) / sum(one.seconds for one in storms)
    clients = f"{CLIENTS} clients"
    return [
        Row(what=f"{name}: crash to next life, no client", figure=median, unit="µs", p99=p99),
        Row(
            what=f"{name}: the same, {clients}",
            figure=with_median,
            unit="µs",
            p99=with_p99,
            ratio=with_median / median,
            to="without clients (median)",
            limit=1.2,
        ),
        Row(what=f"{name}: its p99", figure=with_p99, unit="µs", ratio=with_p99 / p99, to="without clients (p99)"),
        Row(what=f"{name}: a command of {clients}", figure=took, unit="ms", p99=took_p99),
        Row(what=f"{name}: commands", figure=per_second, unit="1/s"),
        Row(what=f"{name}: crashes meanwhile", figure=crashes, unit="1/s"),
        Row(what=f"{name}: not answered", figure=unanswered, unit="", limit=0),
        Row(what=f"{name}: failed, or not done exactly once", figure=wrong, unit="", limit=0),
    ]
