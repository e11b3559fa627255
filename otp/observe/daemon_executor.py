"""Calls of a blocking function in daemon threads, which the end of the process does not wait for."""

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Generic, TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import EventLoopToken, current_token

from otp.runtime.crash import describe

T = TypeVar("T")
R = TypeVar("R")


class DaemonExecutor(Generic[T, R]):
    """Calls `function` in a daemon thread, one call at a time, however many calls are cancelled.

    A cancelled call goes on in its thread, for a thread cannot be ended. The next call with the same item waits for it and
    gets its outcome, so nothing is done twice; a call with another item waits until the thread is free. anyio's own threads
    do not fit: they are joined at the end of the process, and on asyncio a cancelled call does not count against their limit.

    Args:
        name: of the thread.
        function: takes the item.
    """

    def __init__(self, name: str, function: Callable[[T], R]) -> None:
        self._name = name
        self._function = function
        self._under_way: _Call[T, R] | None = None

    async def __call__(self, item: T) -> R:
        """Call the function in a thread, and return its result.

        Raises:
            Exception: what the function raised; RuntimeError in place of what is no Exception.
        """
        while (call := self._under_way) is not None:
            await call.over.wait()
            if self._under_way is call:
                self._under_way = None
            if call.item is item:
                return call.outcome()
        call = self._under_way = _Call(self._function, item)
        try:
            Thread(target=call.run, name=self._name, daemon=True).start()
        except BaseException:
            self._under_way = None
            raise
        await call.over.wait()
        self._under_way = None
        return call.outcome()


class _Call(Generic[T, R]):
    """One call; `over` is set in the event loop that waits for it."""

    def __init__(self, function: Callable[[T], R], item: T) -> None:
        self.item = item
        self.over = anyio.Event()
        self._function = function
        self._token: EventLoopToken = current_token()
        self._returned: list[R] = []
        self._raised: BaseException | None = None

    def run(self) -> None:
        """Call the function, in its thread."""
        try:
            self._returned.append(self._function(self.item))
        except BaseException as error:  # noqa: BLE001 # the caller waits for the outcome, also of foreign code
            self._raised = error
        with suppress(Exception):  # the event loop has ended meanwhile
            from_thread.run_sync(self.over.set, token=self._token)

    def outcome(self) -> R:
        """Return the result, or raise the exception."""
        if isinstance(self._raised, Exception):
            raise self._raised
        if self._raised is not None:
            raise RuntimeError(str(describe(self._raised))) from self._raised
        return self._returned[0]
