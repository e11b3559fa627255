"""What restarting a group costs without supervision: the others are stopped one by one, the last one first."""

import asyncio

from benchmarks.systems.runs.groups import Groups
from benchmarks.systems.runs.loops import run_asyncio


def groups_task(run: Groups) -> None:
    """Bare asyncio tasks: the others are cancelled and awaited one by one, in reverse order, and all started again."""

    async def first() -> None:
        run.enter()
        await asyncio.sleep(0)
        if not run.complete:
            complete = asyncio.Event()
            run.call = complete.set
            await complete.wait()
        run.crashing()
        raise ValueError

    async def other() -> None:
        run.enter()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        while True:
            tasks = [asyncio.create_task(first()), *(asyncio.create_task(other()) for _ in range(1, run.count))]
            try:
                await tasks[0]
            except ValueError:
                pass
            for task in reversed(tasks[1:]):
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    pass

    run_asyncio(main, run.backend)


def groups_nursery(run: Groups) -> None:
    """Tasks of a trio nursery, each in a cancel scope of its own, stopped one by one in reverse order, and all started again."""
    import trio  # noqa: PLC0415

    async def first(ended: trio.Event) -> None:
        run.enter()
        await trio.lowlevel.checkpoint()
        if not run.complete:
            complete = trio.Event()
            run.call = complete.set
            await complete.wait()
        try:
            run.crashing()
            raise ValueError
        except ValueError:
            pass
        ended.set()

    async def other(scope: trio.CancelScope, ended: trio.Event) -> None:
        with scope:
            run.enter()
            await trio.sleep_forever()
        ended.set()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            while True:
                crashed = trio.Event()
                nursery.start_soon(first, crashed)
                others = [(trio.CancelScope(), trio.Event()) for _ in range(1, run.count)]
                for one in others:
                    nursery.start_soon(other, *one)
                await crashed.wait()
                for scope, ended in reversed(others):
                    scope.cancel()
                    await ended.wait()

    trio.run(main)
