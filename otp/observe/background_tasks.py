"""Tasks beside a block of code, for as long as it runs."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskStatus

from otp.foreign.guard import interrupt_in
from otp.observe.logger import logger
from otp.runtime.attempt import is_ours
from otp.runtime.crash import describe

__all__ = ("AGAIN", "background_tasks", "keep_running")

AGAIN = 1.0
"""Seconds until a service that has ended is started again: what fails at once is no hot loop."""


@asynccontextmanager
async def background_tasks(
    *tasks: Callable[..., Coroutine[Any, Any, Any]], name: str, ending: Callable[[], Awaitable[None]] | None = None
) -> AsyncGenerator[None]:
    """Start `tasks`, each of which says when it is ready, and cancel them after the block.

    What the block raises goes on as it is, not wrapped into a group: whoever opened a tree in it wants to catch that. A
    task that ends before the block is said and started again (`keep_running`), whatever has ended it: it takes nobody along.

    Args:
        tasks: take `task_status`.
        name: what they are, for the log.
        ending: awaited after the block and before the tasks are cancelled, whatever ended the block.
    """
    raised: BaseException | None = None
    interrupts: list[BaseException] = []
    async with anyio.create_task_group() as group:
        for task in tasks:
            await group.start(_keep_running, name, task, interrupts, group.cancel_scope)
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


async def _keep_running(
    name: str,
    task: Callable[..., Coroutine[Any, Any, Any]],
    interrupts: list[BaseException],
    block: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    """Ctrl-C and `SystemExit` end the block, and go on from there: out of a task they would end asyncio's loop at once."""
    try:
        await keep_running(name, partial(task, task_status=_Once(task_status)))
    except (KeyboardInterrupt, SystemExit) as interrupt:
        interrupts.append(interrupt)
        block.cancel()


async def keep_running(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run a service until it is cancelled by us; however else it ends, it ends alone and is started again.

    Returning is an end too: so ends a task group of which a foreign library has cancelled a task. The end is said once,
    and again only when the service ends in another way. Ctrl-C and `SystemExit` in it go on upwards.

    Args:
        name: of the service, for the log.
        run: the service.
    """
    told = ""
    while True:
        try:
            await run()
            said = "it came to an end"
        except BaseException as error:
            if is_ours(error):
                raise
            if (interrupt := interrupt_in(error)) is not None:
                raise interrupt from None
            said = str(describe(error))
        if said != told:
            told = said
            logger.error("{} has failed, and is started again: {}", name, said)
        await anyio.sleep(AGAIN)


class _Once:
    """Ready is said once, however often the task is started."""

    def __init__(self, status: TaskStatus[None]) -> None:
        self._status: TaskStatus[None] | None = status

    def started(self, value: None = None) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.started(value)
