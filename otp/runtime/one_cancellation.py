"""How a worker is asked to stop on asyncio: one cancellation, and from then on its clean-up runs undisturbed (S43).

Everything that this package knows of the inside of anyio's asyncio backend stands in this file; a test of each name
fails when anyio changes it. Loaded only where asyncio runs.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from anyio._backends._asyncio import (
    CancelScope,
    TaskState,
    _task_states,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType] # see above
)

__all__ = ("OneCancellation", "opener_of")

_STOP = "asked to stop"

_states = cast("Mapping[asyncio.Task[Any], TaskState]", _task_states)


class OneCancellation(CancelScope):
    """A cancel scope that can also be stopped: its task is cancelled once, as `asyncio.Task.cancel` does it.

    `cancel()` is anyio's own: it cancels whatever the task awaits next, again and again; a kill.

    Why not `task.cancel()` alone: inside an anyio shield the cancellation has to wait until that is left.

    Why the scope does not count as cancelled once the cancellation is delivered: a clean-up may use cancel scopes, and
    a time-out inside a cancelled scope is not caught by its own `with`.
    """

    __slots__ = ()

    def stop(self) -> None:
        """Cancel the task once, as soon as it waits for something outside of any shield."""
        if not self._cancel_called and self._cancel_reason is not _STOP:
            self._cancel_reason = _STOP
            if self._host_task is None:  # pyright: ignore[reportUnknownMemberType] # anyio's tasks have no type argument
                self._cancel_called = True  # not entered yet: its task is told when it is
            else:
                self._deliver_cancellation(self)

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the task again and again, also one that was asked to stop."""
        if self._cancel_reason is _STOP:
            self._cancel_called = False
            if self._cancel_handle is not None:
                self._cancel_handle.cancel()
        super().cancel(reason)

    def _deliver_cancellation(self, origin: CancelScope) -> bool:
        """What anyio calls to cancel, and once more when a shield inside is left.

        A race, and why the scope counts as cancelled only while a shield holds the stop off:

        1. A time-out inside the worker expires and cancels what the task awaits.
        2. In the same turn of the loop the worker is asked to stop; its task is about to run, so that has to wait.
        3. The time-out's scope is left. If this scope counted as cancelled it would let its cancellation through, and
           the worker would clean up, as if that were the stop.
        4. The stop is delivered, into the middle of the clean-up.
        """
        if self._cancel_reason is not _STOP or origin is not self:
            return super()._deliver_cancellation(origin)
        task: Any = self._host_task  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        self._cancel_handle = None
        self._cancel_called = task is not None and self._is_shielded(task)
        if task is None or self._cancel_called or task.done():  # None: it is over by now
            return False
        waiter: Any = getattr(task, "_fut_waiter", None)  # as anyio itself looks
        result_is_there = asyncio.isfuture(waiter) and waiter.done()
        if task is asyncio.current_task() or result_is_there:
            loop = asyncio.get_running_loop()
            self._cancel_handle = loop.call_soon(self._deliver_cancellation, self)
        else:
            task.cancel()
        return False

    def _is_shielded(self, task: "asyncio.Task[Any]") -> bool:
        state = _states.get(task)
        scope: CancelScope | None = state.cancel_scope if state is not None else None
        while scope is not None and scope is not self:
            if scope._shield:  # noqa: SLF001 # of its own kind
                return True
            scope = scope._parent_scope  # noqa: SLF001
        return False


def opener_of(task: "asyncio.Task[Any]") -> int | None:
    """The identity of the task that has opened the anyio task group of this one; None: it is in none."""
    state = _states.get(task)
    return state.parent_id if state is not None else None
