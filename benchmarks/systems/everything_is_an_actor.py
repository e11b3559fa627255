"""everything-is-an-actor: a new instance in the task of the old one, on asyncio."""

import asyncio

from actor_for_agents import Actor, ActorSystem
from actor_for_agents.supervision import OneForOneStrategy

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


def restart(run: Restarts) -> None:
    class Crashing(Actor):
        async def on_started(self):
            run.enter()
            await self.context.self_ref.tell("crash")

        async def on_receive(self, message):
            await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    class Idle(Actor):
        async def on_receive(self, message): ...

    class Parent(Actor):
        def supervisor_strategy(self):
            return OneForOneStrategy(max_restarts=UNLIMITED, within_seconds=run.window(0.001))

        async def on_started(self):
            for n in range(run.siblings):
                await self.context.spawn(Idle, f"idle{n}")
            await self.context.spawn(Crashing, "child")

        async def on_receive(self, message): ...

    async def main() -> None:
        await ActorSystem().spawn(Parent, "parent")
        await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    class Idle(Actor):
        async def on_started(self):
            run.enter()

        async def on_receive(self, message): ...

    async def main() -> None:
        actors = ActorSystem()
        run.declare()
        run.begin()
        for n in range(run.count):
            await actors.spawn(Idle, f"idle{n}")
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        await actors.shutdown()
        run.over()

    asyncio.run(main())
