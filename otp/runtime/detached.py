"""An awaited call that can be left behind: its task is outside of every task group, and may outlive the caller.

A task group waits for its tasks, so a call that swallows its cancellation holds up everything around it. asyncio's bare
tasks and trio's system tasks are waited for by the event loop's own end alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, Generic, TypeVar

import anyio
from anyio.lowlevel import current_token

A_MOMENT = 0.5
"""Default seconds that a cancelled call has to end."""

T = TypeVar("T")

_LEFT: "set[Detached[Any]]" = set()
"""Calls that were cancelled and have not ended."""


class Detached(Generic[T]):
    """One call that runs in a task of its own.

    Args:
        run: what is called; it raises nothing but its cancellation.
        owner: the object that the call belongs to; it has one call at a time.
        grace: seconds that the call has to end when it is cancelled.

    Attributes:
        owner: as given.
        loop: the event loop in which the call runs; None until it is started.
    """

    def __init__(self, run: Callable[[], Awaitable[T]], owner: object, grace: float = A_MOMENT) -> None:
        self._run = run
        self._grace = grace
        self.owner = owner
        self.loop: object = None
        self._over = anyio.Event()
        self._result: list[T] = []
        self._cancel: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Start the call, in the context of the caller.

        Raises:
            TimeoutError: an earlier call of this owner was cancelled, and has not ended yet.
        """
        self.loop = current_token()
        if any(left.loop == self.loop and left.owner is self.owner for left in tuple(_LEFT)):
            raise TimeoutError("the previous call was cancelled and is still running")
        if _is_asyncio():
            task = asyncio.ensure_future(self._call())
            self._cancel = task.cancel
            task.add_done_callback(self._has_ended)  # also of a task that is cancelled before its first line
        else:
            import trio  # noqa: PLC0415 # only where it runs

            scope = trio.CancelScope()
            self._cancel = scope.cancel

            async def within() -> None:
                with scope:
                    await self._call()
                self._has_ended()

            trio.lowlevel.spawn_system_task(within, context=copy_context())

    async def result(self, within: float) -> T:
        """The result of the call, waited for at most `within` seconds.

        Raises:
            TimeoutError: it is not over; it has been cancelled, and may still run.
        """
        try:
            with anyio.move_on_after(within):
                await self._over.wait()
        finally:
            await self._leave()
        if not self._result:
            raise TimeoutError(f"it did not answer within {within:g} s")
        return self._result[0]

    async def _leave(self) -> None:
        """Cancel the call unless it is over, and wait `grace` seconds for its end."""
        if self._over.is_set():
            return
        _LEFT.add(self)
        self._cancel()
        with anyio.move_on_after(self._grace, shield=True):
            await self._over.wait()
        self._result.clear()  # its time was over

    async def _call(self) -> None:
        self._result.append(await self._run())

    def _has_ended(self, task: "asyncio.Task[None] | None" = None) -> None:
        if task is not None and not task.cancelled():
            task.exception()  # retrieved, so that asyncio logs no complaint
        _LEFT.discard(self)
        self._over.set()


def _is_asyncio() -> bool:
    return anyio.get_cancelled_exc_class() is asyncio.CancelledError
