"""Starting, keeping and stopping many idle children."""

import argparse
import asyncio
import gc
import json
import os
import time


class Children:
    """One run: `declare()`, `begin()`, start them all, each says `enter()`, `up()`, stop them all, `over()`.

    Attributes:
        backend: asyncio, uvloop or trio.
        count: how many.
        depth: levels of supervisors above them.
        running: how many have run their first line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.backend: str = options.backend
        self.count: int = options.children
        self.depth: int = options.depth
        self.running = 0
        self._began = self._stopping = 0
        self._before = self._used = self._started = 0.0

    def enter(self) -> None:
        """The first line of a child."""
        self.running += 1

    async def idle(self) -> None:
        """A child on asyncio: its first line, and nothing after it."""
        self.enter()
        await asyncio.get_running_loop().create_future()

    def declare(self) -> None:
        """Just before anything is made; memory counts from here on."""
        gc.collect()
        self._before = resident_kb()

    def begin(self) -> None:
        """Just before the first is started."""
        self._began = time.perf_counter_ns()

    def up(self) -> None:
        """All of them run; the next step is to stop them."""
        self._started = (time.perf_counter_ns() - self._began) / 1e3
        if self.running < self.count:
            raise RuntimeError(f"only {self.running} of {self.count} children have run their first line")
        gc.collect()
        self._used = resident_kb() - self._before
        self._stopping = time.perf_counter_ns()

    def over(self) -> None:
        """All of them have ended: print the figures, and leave."""
        stopped = (time.perf_counter_ns() - self._stopping) / 1e3
        figures = {"start_us": self._started, "stop_us": stopped, "kb": self._used}
        print(json.dumps({name: figure / self.count for name, figure in figures.items()}), flush=True)
        os._exit(0)


def resident_kb() -> float:
    """What this process has in memory (Linux)."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024
