"""Services outside supervision (control, history, alerts): they run beside a block, and are started again when they end."""

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

AGAIN = 1.0
"""Seconds until a service that has ended is started again, so that one which fails at once does not spin."""


@asynccontextmanager
async def background_tasks(
    *tasks: Callable[..., Coroutine[Any, Any, Any]], name: str, ending: Callable[[], Awaitable[None]] | None = None
) -> AsyncGenerator[None]:
    """Start `tasks`, wait until each is ready, and cancel them after the block.

    An exception of the block is raised as it is, not wrapped into a group, so that a program which opens a tree in the block
    can catch it. A task that ends before the block is reported and started again (`keep_running`); the block goes on.

    Args:
        tasks: take `task_status`.
        name: what they are, for the log.
        ending: awaited after the block, however it ended, and before the tasks are cancelled.
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
    """Keep Ctrl-C and `SystemExit` for the end of the block: raised in a task, they would end asyncio's loop at once."""
    try:
        await keep_running(name, partial(task, task_status=_Once(task_status)))
    except (KeyboardInterrupt, SystemExit) as interrupt:
        interrupts.append(interrupt)
        block.cancel()


async def keep_running(name: str, run: Callable[[], Awaitable[object]]) -> None:
    """Run a service until this task is cancelled by otp; however else the service ends, start it again.

    To return counts as an end, for so ends a task group in which a foreign library has cancelled a task. The end is logged
    once, and again only if the service ends in another way. Ctrl-C and `SystemExit` are raised.

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
    """A task status that passes on the first `started()`, however often the task is started."""

    def __init__(self, status: TaskStatus[None]) -> None:
        self._status: TaskStatus[None] | None = status

    def started(self, value: None = None) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.started(value)
