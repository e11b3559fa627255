"""tapio-py: behaviours with a supervision strategy around each, on asyncio."""

import asyncio
from datetime import timedelta

from tapio import ActorSystem, Behaviors, Message, SupervisorStrategy

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import UNLIMITED, Restarts


class Crash(Message): ...


async def ignore(context, message):
    return Behaviors.same()


def restart(run: Restarts) -> None:
    async def crash(context, message):
        await asyncio.sleep(run.idle)
        run.crashing()
        raise ValueError

    def start(context):
        run.enter()
        context.self_ref.tell(Crash())
        return Behaviors.receive(crash, msg_type=Crash)

    def start_idle(context):
        return Behaviors.receive(ignore, msg_type=Crash)

    async def main() -> None:
        strategy = SupervisorStrategy.restart()
        if run.period is not None:
            window = timedelta(seconds=run.period)
            strategy = SupervisorStrategy.restart(max_restarts=UNLIMITED, window=window)
        async with ActorSystem("bench") as actors:
            for n in range(run.siblings):
                actors.spawn(Behaviors.setup(start_idle), name=f"idle{n}")
            actors.spawn(Behaviors.supervise(Behaviors.setup(start)).on_failure(strategy), name="child")
            await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    def start(context):
        run.enter()
        return Behaviors.receive(ignore, msg_type=Crash)

    async def main() -> None:
        actors = ActorSystem("bench")
        await actors.__aenter__()
        run.declare()
        run.begin()
        for n in range(run.count):
            supervised = Behaviors.supervise(Behaviors.setup(start)).on_failure(SupervisorStrategy.restart())
            actors.spawn(supervised, name=f"idle{n}")
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        await actors.terminate()
        run.over()

    asyncio.run(main())
