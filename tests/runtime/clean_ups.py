"""Workers of the usual shapes, each written as the documentation of its event loop would write it.

Each takes a list, waits until it is stopped, and appends "clean" as the last act of a clean-up that awaits.
"""

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import anyio

ON_ASYNCIO = []
ON_TRIO = []


def asyncio_shape(shape):
    ON_ASYNCIO.append(shape)
    return shape


def trio_shape(shape):
    ON_TRIO.append(shape)
    return shape


async def flush(done, what="clean"):
    for _ in range(3):
        await anyio.sleep(0.01)
    done.append(what)


@asyncio_shape
async def in_finally(done):
    try:
        await asyncio.Event().wait()
    finally:
        await flush(done)


@asyncio_shape
async def in_except(done):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await flush(done)
        raise


@asyncio_shape
async def in_except_and_returns(done):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await flush(done)


@asyncio_shape
async def in_aexit(done):
    class Session:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            await flush(done)

    async with Session():
        await asyncio.Event().wait()


@asyncio_shape
async def in_a_stack_of_callbacks(done):
    async with AsyncExitStack() as stack:
        stack.push_async_callback(flush, done)
        stack.push_async_callback(flush, done, "inner")
        await asyncio.Event().wait()


@asyncio_shape
async def in_an_async_generator(done):
    async def ticks():
        try:
            while True:
                yield 1
                await asyncio.sleep(3600)
        finally:
            await flush(done)

    async with aclosing(ticks()) as stream:
        async for _ in stream:
            pass


@asyncio_shape
async def in_an_asynccontextmanager(done):
    @asynccontextmanager
    async def session():
        try:
            yield
        finally:
            await flush(done)

    async with session():
        await asyncio.Event().wait()


@asyncio_shape
async def in_a_task_group_of_asyncio(done):
    async def member():
        try:
            await asyncio.Event().wait()
        finally:
            await flush(done, "member")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(member())
            group.create_task(member())
    finally:
        assert done == ["member", "member"]
        await flush(done)


@asyncio_shape
async def in_a_timeout_of_asyncio(done):
    try:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()
    finally:
        async with asyncio.timeout(3600):
            await flush(done)


@asyncio_shape
async def with_a_timeout_of_asyncio_that_expires_in_the_clean_up(done):
    try:
        await asyncio.Event().wait()
    finally:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            await flush(done)


@asyncio_shape
async def with_a_timeout_of_anyio_that_expires_in_the_clean_up(done):
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.move_on_after(0.01):
            await anyio.sleep_forever()
        await flush(done)


@asyncio_shape
async def in_the_body_of_a_task_group_of_anyio(done):
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever)
        try:
            await anyio.sleep_forever()
        finally:
            await flush(done)


@asyncio_shape
async def with_a_task_group_of_anyio_in_the_clean_up(done):
    try:
        await anyio.sleep_forever()
    finally:
        async with anyio.create_task_group() as group:
            group.start_soon(flush, done, "member")
            group.start_soon(flush, done, "member")
        await flush(done)


@asyncio_shape
async def in_a_shield_of_asyncio(done):
    commit = asyncio.ensure_future(flush(done, "commit"))
    try:
        await asyncio.shield(commit)
        await asyncio.Event().wait()
    finally:
        await commit
        await flush(done)


@asyncio_shape
async def an_orchestrator_that_cancels_and_gathers_its_workers(done):
    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            await flush(done, "worker")

    tasks = [asyncio.create_task(work()) for _ in range(10)]
    try:
        await asyncio.Event().wait()  # gather() would cancel its tasks itself, and the lines below once more
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert done == ["worker"] * 10
        await flush(done)


@asyncio_shape
async def a_queue_that_is_drained(done):
    queue = asyncio.Queue()
    for number in range(3):
        queue.put_nowait(number)

    async def consume():
        while True:
            await queue.get()
            await asyncio.sleep(0.01)
            queue.task_done()

    consumer = asyncio.create_task(consume())
    try:
        await asyncio.Event().wait()
    finally:
        await queue.join()
        consumer.cancel()
        await asyncio.gather(consumer, return_exceptions=True)
        await flush(done)


@trio_shape
@asyncio_shape
async def shielded_in_finally(done):
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await flush(done)


@trio_shape
@asyncio_shape
async def in_a_shielded_commit(done):
    while True:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.01)
            del done[:]
            await flush(done)
        await anyio.sleep(0)


@trio_shape
@asyncio_shape
async def shielded_and_bounded_in_a_task_of_a_group_of_anyio(done):
    async def member():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.move_on_after(5, shield=True):
                await flush(done)

    async with anyio.create_task_group() as group:
        group.start_soon(member)
