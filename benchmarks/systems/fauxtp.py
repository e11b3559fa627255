"""fauxtp: actors and supervisors on anyio. Its table of children is a dict that is copied, or rpds-py's map if installed."""

import anyio
from fauxtp.actor.base import Actor
from fauxtp.supervisor import ChildSpec, RestartStrategy, Supervisor

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.loops import run_anyio
from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    class Crashing(Actor):
        async def init(self):
            run.enter()

        async def run(self, state):
            await anyio.sleep(run.idle)
            run.crashing()
            raise ValueError

    class Idle(Actor):
        async def init(self): ...

        async def run(self, state):
            await anyio.sleep_forever()

    async def main() -> None:
        specs = [ChildSpec(actor=Idle, name=f"idle{n}") for n in range(run.siblings)]
        specs.append(ChildSpec(actor=Crashing, name="child"))
        async with anyio.create_task_group() as group:
            await Supervisor.start_link(children=specs, strategy=RestartStrategy.ONE_FOR_ONE, task_group=group)

    run_anyio(main, run.backend)


def scale(run: Children) -> None:
    class Idle(Actor):
        async def init(self):
            run.enter()

        async def run(self, state):
            await anyio.sleep_forever()

    async def main() -> None:
        run.declare()
        specs = [ChildSpec(actor=Idle, name=f"idle{n}") for n in range(run.count)]
        run.begin()
        async with anyio.create_task_group() as group:
            await Supervisor.start_link(children=specs, strategy=RestartStrategy.ONE_FOR_ONE, task_group=group)
            while run.running < run.count:
                await anyio.sleep(0)
            run.up()
            group.cancel_scope.cancel()
        run.over()

    run_anyio(main, run.backend)
