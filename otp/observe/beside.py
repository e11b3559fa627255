"""Tasks beside a block of code, for as long as it runs."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio

__all__ = ("beside",)


@asynccontextmanager
async def beside(
    *tasks: Callable[..., Coroutine[Any, Any, Any]], ending: Callable[[], Awaitable[None]] | None = None
) -> AsyncGenerator[None]:
    """Start `tasks`, each of which says when it is ready, and cancel them after the block.

    What the block raises goes on as it is, not wrapped into a group: whoever opened a tree in it wants to catch that.

    Args:
        tasks: take `task_status`.
        ending: awaited after the block and before the tasks are cancelled, whatever ended the block.
    """
    raised: BaseException | None = None
    async with anyio.create_task_group() as group:
        for task in tasks:
            await group.start(task)
        try:
            yield
        except BaseException as error:  # noqa: BLE001 # raised again below
            raised = error
        if ending is not None:
            with anyio.CancelScope(shield=True):
                await ending()
        group.cancel_scope.cancel()
    if raised is not None:
        try:
            raise raised
        finally:
            del raised
