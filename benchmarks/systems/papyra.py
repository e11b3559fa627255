"""papyra: actors with a supervision policy each, on anyio."""

import anyio
from papyra import Actor, ActorSystem, Strategy, SupervisionPolicy

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.loops import run_anyio
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


def restart(run: Restarts) -> None:
    class Crashing(Actor):
        async def on_start(self):
            run.enter()
            await self.context.self_ref.tell("crash")

        async def receive(self, message):
            await anyio.sleep(run.idle)
            run.crashing()
            raise ValueError

    class Idle(Actor):
        async def receive(self, message): ...

    async def main() -> None:
        actors = ActorSystem()
        await actors.start()
        for _ in range(run.siblings):
            actors.spawn(Idle)
        window = run.window(0.0001)
        policy = SupervisionPolicy(strategy=Strategy.RESTART, max_restarts=UNLIMITED, within_seconds=window)
        actors.spawn(Crashing, policy=policy)
        await anyio.sleep_forever()

    run_anyio(main, run.backend)


def scale(run: Children) -> None:
    class Idle(Actor):
        async def on_start(self):
            run.enter()

        async def receive(self, message): ...

    async def main() -> None:
        actors = ActorSystem()
        await actors.start()
        policy = SupervisionPolicy(strategy=Strategy.RESTART)
        run.declare()
        run.begin()
        for _ in range(run.count):
            actors.spawn(Idle, policy=policy)
        while run.running < run.count:
            await anyio.sleep(0)
        run.up()
        await actors.aclose()
        run.over()

    run_anyio(main, run.backend)
