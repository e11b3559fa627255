"""runsmith: workers that are state machines and a supervisor that polls; its poll of 0.25 s is cut to 1 ms."""

import asyncio
import os

from loguru import logger

from benchmarks.systems.runs.restarts import UNLIMITED, Restarts

# It reads them when it is imported.
os.environ["RUNSMITH_SUPERVISION_INTERVAL"] = "0.001"
os.environ["RUNSMITH_WORKER_RESTART_QUOTA"] = str(UNLIMITED)
os.environ["RUNSMITH_ACTIVITY_QUEUE_MAXSIZE"] = "0"  # without a bound: 1 000 workers stand in line for it otherwise

from runsmith import AsyncSupervisor, AsyncWorker
from runsmith.decorators import actor


def restart(run: Restarts) -> None:
    if not run.log:
        logger.remove()

    class Crashing(AsyncWorker):
        def __init__(self, name):
            super().__init__(name=name)

        @actor("starting")
        async def boot(self):
            run.enter()
            return self.emit("run")

        @actor("running")
        async def work(self):
            await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    class Idle(AsyncWorker):
        def __init__(self, name):
            super().__init__(name=name)

        @actor("starting")
        async def boot(self):
            return self.emit("run")

        @actor("running")
        async def work(self):
            await asyncio.sleep(1)
            return self.emit("keepalive")

    async def main() -> None:
        supervisor = AsyncSupervisor(name="root")
        supervisor.register_workers(*[Idle(f"idle{n}") for n in range(run.siblings)], Crashing("child"))
        await supervisor.run()

    asyncio.run(main())
