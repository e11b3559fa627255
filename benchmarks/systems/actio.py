"""actio: a hook is called on the same object, which goes on with what it had."""

import asyncio

from actio import Actor, ActorSystem

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts


class Idle(Actor):
    async def receive(self, sender, message): ...


def restart(run: Restarts) -> None:
    class Crashing(Actor):
        async def started(self):
            self.tell(self.actor_ref, "crash")

        async def restarted(self, sender, message, error):
            run.enter()
            self.tell(self.actor_ref, "crash")

        async def receive(self, sender, message):
            await asyncio.sleep(run.idle)
            run.crashing()
            raise ValueError

    async def main() -> None:
        system = ActorSystem()
        for _ in range(run.siblings):
            system.create(Idle())
        system.create(Crashing())
        await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    class Counted(Idle):
        async def started(self):
            run.enter()

    async def main() -> None:
        system = ActorSystem()
        run.declare()
        run.begin()
        for _ in range(run.count):
            system.create(Counted())
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        await system.shutdown()
        run.over()

    asyncio.run(main())
