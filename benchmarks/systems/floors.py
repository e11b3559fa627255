"""What the event loops cost without supervision, by the shape of a restart. `scope` has the shape of ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.systems.runs.children import Children
from benchmarks.systems.runs.loops import run_anyio, run_asyncio
from benchmarks.systems.runs.restarts import Restarts


async def _crash(run: Restarts) -> None:
    run.enter()
    await asyncio.sleep(run.idle)
    run.crashing()
    raise ValueError


async def _idle_tasks(count: int) -> list[asyncio.Task[None]]:
    async def idle() -> None:
        await asyncio.get_running_loop().create_future()

    tasks = [asyncio.create_task(idle()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def restart_task(run: Restarts) -> None:
    """A loop awaits a fresh task."""

    async def main() -> None:
        keep = await _idle_tasks(run.siblings)
        while keep is not None:
            try:
                await asyncio.create_task(_crash(run))
            except ValueError:
                continue

    run_asyncio(main, run.backend)


def restart_scope(run: Restarts) -> None:
    """A fresh task in a cancel scope of its own, started by the dying one."""
    if run.backend == "trio":
        _restart_scope_on_trio(run)
        return
    import anyio  # noqa: PLC0415

    async def main() -> None:
        keep = await _idle_tasks(run.siblings)
        loop = asyncio.get_running_loop()
        live: set[asyncio.Task[None]] = set()

        async def child() -> None:
            with anyio.CancelScope():
                try:
                    await _crash(run)
                except ValueError:
                    pass
            start()

        def start() -> None:
            task = loop.create_task(child())
            live.add(task)
            task.add_done_callback(live.discard)

        start()
        await loop.create_future()
        del keep

    run_asyncio(main, run.backend)


def _restart_scope_on_trio(run: Restarts) -> None:
    import trio  # noqa: PLC0415

    async def supervise(nursery: Any) -> None:
        async def child() -> None:
            with trio.CancelScope():
                try:
                    await _crash_on_trio(run)
                except ValueError:
                    pass
            nursery.start_soon(child)

        nursery.start_soon(child)

    _in_a_nursery(run, supervise)


def restart_nursery(run: Restarts) -> None:
    """trio: `start_soon` from the dying task, without a scope of its own."""

    async def supervise(nursery: Any) -> None:
        async def child() -> None:
            try:
                await _crash_on_trio(run)
            except ValueError:
                pass
            nursery.start_soon(child)

        nursery.start_soon(child)

    _in_a_nursery(run, supervise)


async def _crash_on_trio(run: Restarts) -> None:
    import trio  # noqa: PLC0415

    run.enter()
    await trio.sleep(run.idle)
    run.crashing()
    raise ValueError


def _in_a_nursery(run: Restarts, supervise: Callable[[Any], Awaitable[None]]) -> None:
    import trio  # noqa: PLC0415

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(run.siblings):
                nursery.start_soon(trio.sleep_forever)
            await trio.sleep(0)
            await supervise(nursery)

    trio.run(main)


def restart_group(run: Restarts) -> None:
    """anyio's task group: the dying task calls `start_soon` for the next, which has its own scope."""
    import anyio  # noqa: PLC0415

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(run.siblings):
                group.start_soon(anyio.sleep_forever)

            async def child() -> None:
                with anyio.CancelScope():
                    try:
                        run.enter()
                        await anyio.sleep(run.idle)
                        run.crashing()
                        raise ValueError
                    except ValueError:
                        pass
                group.start_soon(child)

            group.start_soon(child)

    run_anyio(main, run.backend)


def restart_acknowledged(run: Restarts) -> None:
    """anyio's task group, each start acknowledged: `TaskGroup.start`, and a loop that waits for the end."""
    import anyio  # noqa: PLC0415
    import anyio.abc  # noqa: PLC0415

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(run.siblings):
                group.start_soon(anyio.sleep_forever)

            async def child(*, task_status: anyio.abc.TaskStatus[anyio.CancelScope]) -> None:
                try:
                    with anyio.CancelScope() as scope:
                        task_status.started(scope)
                        run.enter()
                        await anyio.sleep(run.idle)
                        run.crashing()
                        raise ValueError
                except ValueError:
                    pass
                finally:
                    ended.set()

            while True:
                ended = anyio.Event()
                await group.start(child)
                await ended.wait()

    run_anyio(main, run.backend)


def scale_task(run: Children) -> None:
    """Bare asyncio tasks."""

    async def idle() -> None:
        run.enter()
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        run.declare()
        run.begin()
        tasks = [asyncio.create_task(idle()) for _ in range(run.count)]
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        run.over()

    run_asyncio(main, run.backend)


def scale_nursery(run: Children) -> None:
    """Bare trio tasks."""
    import trio  # noqa: PLC0415

    async def idle() -> None:
        run.enter()
        await trio.sleep_forever()

    async def main() -> None:
        run.declare()
        run.begin()
        async with trio.open_nursery() as nursery:
            for _ in range(run.count):
                nursery.start_soon(idle)
            while run.running < run.count:
                await trio.sleep(0)
            run.up()
            nursery.cancel_scope.cancel()
        run.over()

    trio.run(main)


def scale_group(run: Children) -> None:
    """anyio's task group, not acknowledged."""
    import anyio  # noqa: PLC0415

    async def idle() -> None:
        run.enter()
        await anyio.sleep_forever()

    async def main() -> None:
        run.declare()
        run.begin()
        async with anyio.create_task_group() as group:
            for _ in range(run.count):
                group.start_soon(idle)
            while run.running < run.count:
                await anyio.sleep(0)
            run.up()
            group.cancel_scope.cancel()
        run.over()

    run_anyio(main, run.backend)


def scale_ordered(run: Children) -> None:
    """Tasks in cancel scopes of their own, which are stopped as ours are: the last one first, each when it is its turn.

    A dying task cancels the scope of the one before it.
    """
    import anyio  # noqa: PLC0415

    scopes: list[anyio.CancelScope] = []

    async def main() -> None:
        over = anyio.Event()

        async def idle() -> None:
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                run.enter()
                await asyncio.get_running_loop().create_future()
            stop_the_last()

        def stop_the_last() -> None:
            if scopes:
                scopes.pop().cancel()
            else:
                over.set()

        run.declare()
        run.begin()
        tasks = [asyncio.create_task(idle()) for _ in range(run.count)]
        while run.running < run.count:
            await asyncio.sleep(0)
        run.up()
        stop_the_last()
        await over.wait()
        run.over()
        del tasks

    run_asyncio(main, run.backend)
