"""lapinbeam: actors on a node; it waits for 0.1 s at least before each restart, and longer from crash to crash."""

import asyncio
import os

from lapinbeam import Node, Supervisor, actor

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


def restart(run: Restarts) -> None:
    async def main() -> None:
        child_ref = None

        @actor(name="child")
        class Crashing:
            def __init__(self):
                run.enter()
                if child_ref is not None:
                    self.asked = asyncio.create_task(child_ref.send("crash"))

            async def receive(self, message):
                await asyncio.sleep(run.idle)
                run.crashing()
                raise ValueError

        async with _node():
            supervisor = Supervisor(max_restarts=UNLIMITED, restart_window=run.window(0.00001))
            for n in range(run.siblings):

                @actor(name=f"idle{n}")
                class Idle:
                    async def receive(self, message): ...

                supervisor.spawn(Idle)
            child_ref = supervisor.spawn(Crashing)
            await child_ref.send("crash")
            await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    async def main() -> None:
        async with _node():
            run.declare()
            supervisor = Supervisor()
            run.begin()
            for n in range(run.count):

                @actor(name=f"idle{n}")
                class Idle:
                    def __init__(self):
                        run.enter()

                    async def receive(self, message): ...

                supervisor.spawn(Idle)
            while run.running < run.count:
                await asyncio.sleep(0)
            run.up()
            await supervisor.shutdown()
            run.over()

    asyncio.run(main())


def _node() -> Node:
    """A port for each process, as several may run at once."""
    return Node(f"bench@127.0.0.1:{20_000 + os.getpid() % 20_000}")
