"""Workers for the tests of the contract: they know nothing of a supervisor."""

import asyncio

import anyio


async def ready(*, task_status):
    task_status.started()
    await anyio.sleep_forever()


async def slow_to_end():
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.2)


async def raises_at_the_end():
    try:
        await anyio.sleep_forever()
    finally:
        raise OSError("still busy")


async def leaves_a_task():
    leaves_a_task.kept = asyncio.get_running_loop().create_task(asyncio.sleep(60), name="forgotten")
    await anyio.sleep_forever()


async def flaps():
    await anyio.sleep(0.02)
    raise OSError("again")


class Shared:
    """Two workers, the first of which ends the second when it starts for the second time."""

    def __init__(self):
        self.starts = 0
        self.end = anyio.Event()

    async def first(self):
        self.starts += 1
        if self.starts > 1:
            self.end.set()
        await anyio.sleep_forever()

    async def second(self):
        await self.end.wait()
        self.end = anyio.Event()
        raise OSError("my sibling is gone")


class OnlyOnce:
    """Something that does not bear a second start."""

    def __init__(self):
        self.started = False

    async def run(self, *, task_status):
        if self.started:
            raise OSError("a second time")
        self.started = True
        task_status.started()
        await anyio.sleep_forever()
