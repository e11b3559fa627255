"""aiotools: a group whose tasks do not end each other; it restarts nothing, a done callback does."""

import asyncio

import aiotools

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    async def crash() -> None:
        run.enter()
        await asyncio.sleep(run.idle)
        run.crashing()
        raise ValueError

    async def main() -> None:
        async with aiotools.Supervisor() as supervisor:
            for _ in range(run.siblings):
                supervisor.create_task(asyncio.Event().wait())
            await asyncio.sleep(0)

            def start(_: object = None) -> None:
                supervisor.create_task(crash()).add_done_callback(start)

            start()
            await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    async def main() -> None:
        run.declare()
        run.begin()
        async with aiotools.Supervisor() as supervisor:
            for _ in range(run.count):
                supervisor.create_task(run.idle())
            while run.running < run.count:
                await asyncio.sleep(0)
            run.up()
            supervisor.abort()
        run.over()

    asyncio.run(main())
