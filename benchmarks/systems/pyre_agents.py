"""pyre-agents: agents under supervisors; the sender of the message makes the new object, in its own task."""

import asyncio

from pydantic import BaseModel
from pyre_agents import Agent, Pyre

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


class State(BaseModel):
    x: int = 0


class Idle(Agent):
    async def init(self, **kwargs):
        return State()


def restart(run: Restarts) -> None:
    class Crashing(Agent):
        async def init(self, **kwargs):
            run.enter()
            return State()

        async def handle_cast(self, state, message, context):
            await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    async def main() -> None:
        tree = await Pyre.start()
        limit = {"max_restarts": UNLIMITED, "within_ms": int(run.window(0.001) * 1000)}
        await tree.create_supervisor(name="root", **limit)
        for n in range(run.siblings):
            await tree.spawn(Idle, name=f"idle{n}", supervisor="root")
        await tree.spawn(Crashing, name="child", supervisor="root", **limit)
        while True:
            await tree.cast("child", "crash", {})
            await asyncio.sleep(0)

    asyncio.run(main())


def scale(run: Children) -> None:
    class Counted(Agent):
        async def init(self, **kwargs):
            run.enter()
            return State()

    async def main() -> None:
        tree = await Pyre.start()
        await tree.create_supervisor(name="root")
        run.declare()
        run.begin()
        for n in range(run.count):
            await tree.spawn(Counted, name=f"idle{n}", supervisor="root")
        run.up()
        await tree.stop_system()
        run.over()

    asyncio.run(main())
