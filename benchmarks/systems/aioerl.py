"""aioerl: processes with one link each; it restarts nothing, the process that is linked does."""

import asyncio

import aioerl

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.restarts import Restarts


def restart(run: Restarts) -> None:
    async def crash() -> None:
        run.enter()
        await asyncio.sleep(run.idle)
        run.crashing()
        raise ValueError

    async def supervise() -> None:
        for _ in range(run.siblings):
            await aioerl.spawn(asyncio.Event().wait())
        while True:
            await aioerl.spawn(crash())
            while not (await aioerl.receive()).is_err:
                pass

    async def main() -> None:
        await aioerl.spawn(supervise())
        await asyncio.Event().wait()

    asyncio.run(main())


def scale(run: Children) -> None:
    async def main() -> None:
        run.declare()
        run.begin()
        processes, tasks = [], []  # it holds its own tasks by weak references only
        for _ in range(run.count):
            process = await aioerl.spawn(run.idle())
            processes.append(process)
            tasks.append(process.task)
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        for process in processes:
            process.kill()
        await asyncio.gather(*tasks, return_exceptions=True)
        run.over()

    asyncio.run(main())
