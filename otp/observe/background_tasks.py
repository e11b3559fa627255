"""Tasks beside a block of code, for as long as it runs."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskStatus

from otp.observe.lasting import lasting

__all__ = ("beside",)


@asynccontextmanager
async def beside(
    *tasks: Callable[..., Coroutine[Any, Any, Any]], name: str, ending: Callable[[], Awaitable[None]] | None = None
) -> AsyncGenerator[None]:
    """Start `tasks`, each of which says when it is ready, and cancel them after the block.

    What the block raises goes on as it is, not wrapped into a group: whoever opened a tree in it wants to catch that. A
    task that ends before the block is said and started again (`lasting`), whatever has ended it: it takes nobody along.

    Args:
        tasks: take `task_status`.
        name: what they are, for the log.
        ending: awaited after the block and before the tasks are cancelled, whatever ended the block.
    """
    raised: BaseException | None = None
    interrupts: list[BaseException] = []
    async with anyio.create_task_group() as group:
        for task in tasks:
            await group.start(_lasting, name, task, interrupts, group.cancel_scope)
        try:
            yield
        except BaseException as error:  # noqa: BLE001 # raised again below
            raised = error
        if ending is not None:
            with anyio.CancelScope(shield=True):
                await ending()
        group.cancel_scope.cancel()
    if interrupts:
        raise interrupts[0]
    if raised is not None:
        try:
            raise raised
        finally:
            del raised


async def _lasting(
    name: str,
    task: Callable[..., Coroutine[Any, Any, Any]],
    interrupts: list[BaseException],
    block: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    """Ctrl-C and `SystemExit` end the block, and go on from there: out of a task they would end asyncio's loop at once."""
    try:
        await lasting(name, partial(task, task_status=_Once(task_status)))
    except (KeyboardInterrupt, SystemExit) as interrupt:
        interrupts.append(interrupt)
        block.cancel()


class _Once:
    """Ready is said once, however often the task is started."""

    def __init__(self, status: TaskStatus[None]) -> None:
        self._status: TaskStatus[None] | None = status

    def started(self, value: None = None) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.started(value)
