"""mode-streaming: services that a supervisor stops and starts again, on asyncio."""

import asyncio

import mode
from mode.supervisors import OneForOneSupervisor

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts

UNLIMITED = 1e15
PAUSE = 0.003
"""Seconds before each crash among siblings: it does not notice one that comes while it still looks at the others."""


def restart(run: Restarts) -> None:
    pause = run.idle or (PAUSE if run.siblings else 0.0)

    class Crashing(mode.Service):
        @mode.Service.task
        async def work(self):
            run.enter()
            await asyncio.sleep(pause)
            run.crashing()
            raise ValueError

    class Idle(mode.Service):
        async def on_start(self): ...

    async def main() -> None:
        supervisor = OneForOneSupervisor(max_restarts=UNLIMITED, over=UNLIMITED)
        for _ in range(run.siblings):
            supervisor.add(Idle())
        supervisor.add(Crashing())
        await supervisor.start()
        await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    class Idle(mode.Service):
        @mode.Service.task
        async def work(self):
            run.enter()
            await self.wait_until_stopped()

    async def main() -> None:
        run.declare()
        supervisor = OneForOneSupervisor()
        for _ in range(run.count):
            supervisor.add(Idle())
        run.begin()
        await supervisor.start()
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        await supervisor.stop()
        run.over()

    asyncio.run(main())
