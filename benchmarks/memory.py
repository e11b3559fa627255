"""What a supervised idle child keeps in memory, over its bare coroutine in a task. Each in a process of its own."""

import asyncio
import os
import subprocess
import sys

import anyio

from benchmarks.report import Row
from otp import open_supervisor, supervisor, worker

CHILDREN = 20_000


def resident_kb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


async def idle() -> None:
    await asyncio.get_running_loop().create_future()


async def tasks() -> float:
    before = resident_kb()
    keep = [asyncio.create_task(idle()) for _ in range(CHILDREN)]
    await asyncio.sleep(0.1)
    used = resident_kb() - before
    for task in keep:
        task.cancel()
    return used


async def supervised() -> float:
    before = resident_kb()
    spec = supervisor("root", children=[worker(f"idle{n}", idle) for n in range(CHILDREN)])
    async with open_supervisor(spec):
        await asyncio.sleep(0.1)
        return resident_kb() - before


def measure(*, quick: bool) -> list[Row]:
    rounds = 1 if quick else 3
    bare, ours = (min(_in_a_process(name) for _ in range(rounds)) for name in ("tasks", "supervised"))
    return [
        Row(what="idle task", figure=bare, unit="KB"),
        Row(what="supervised idle child", figure=ours, unit="KB"),
        Row(what="supervision of one child, its spec included", figure=ours - bare, unit="KB", limit=3.0),
    ]


def _in_a_process(name: str) -> float:
    done = subprocess.run([sys.executable, "-m", "benchmarks.memory", name], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    print(anyio.run(globals()[sys.argv[1]]) / CHILDREN)
