"""How a worker is asked to stop on asyncio: one cancellation, and from then on its clean-up runs undisturbed (S43).

All that this package knows of anyio's private asyncio backend is in this file; a test of each name fails if anyio changes
it. Loaded only where asyncio runs.
"""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any, cast

from anyio._backends._asyncio import (
    CancelScope,
    TaskState,
    _task_states,  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType] # see above
)

_STOP = "asked to stop"
_STOP_NOW = "asked to stop, and put off once"

LOOK_AGAIN = 0.01
"""Seconds between two checks of a shield whose end anyio does not announce."""

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
        if not self._cancel_called and self._cancel_reason is None:
            self._cancel_reason = _STOP
            if self._host_task is None:  # pyright: ignore[reportUnknownMemberType] # anyio's tasks have no type argument
                self._cancel_called = True  # not entered yet: its task is told when it is
            else:
                self._deliver_cancellation(self)

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the task again and again, also one that was asked to stop."""
        if self._cancel_reason is _STOP or self._cancel_reason is _STOP_NOW:
            self._cancel_called = False
            if self._cancel_handle is not None:
                self._cancel_handle.cancel()
        super().cancel(reason)
        task: Any = self._host_task  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if task is not None and task is not asyncio.current_task() and not self._is_shielded(task):
            task.cancel()  # anyio's own waits for a moment without a result, which may never come

    def _deliver_cancellation(self, origin: CancelScope) -> bool:
        """What anyio calls to cancel, and once more when a shield inside is left.

        A race, and why the scope counts as cancelled only while a shield holds the stop off:

        1. A time-out inside the worker expires and cancels what the task awaits.
        2. In the same turn of the loop the worker is asked to stop; its task is about to run, so that has to wait.
        3. The time-out's scope is left. If this scope counted as cancelled it would let its cancellation through, and
           the worker would clean up, as if that were the stop.
        4. The stop is delivered, into the middle of the clean-up.

        So a result that is there puts the stop off, but by one turn only: a queue that is filled in every turn would put
        it off for ever, and then it takes the result along, as asyncio's own cancellation does.
        """
        if origin is not self or (self._cancel_reason is not _STOP and self._cancel_reason is not _STOP_NOW):
            return super()._deliver_cancellation(origin)
        task: Any = self._host_task  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        self._cancel_handle = None
        self._cancel_called = False
        if task is None or task.done():  # None: it is over by now
            return False
        if self._is_shielded(task):
            self._wait_for_the_shield(task)
            return False
        waiter: Any = getattr(task, "_fut_waiter", None)  # as anyio itself looks
        inner = _awaited_by_wait_for(task)
        result_is_there = any(asyncio.isfuture(one) and one.done() for one in (waiter, inner))
        soon = asyncio.get_running_loop().call_soon
        if task is asyncio.current_task():
            self._cancel_handle = soon(self._deliver_cancellation, self)
            return False
        if result_is_there and self._cancel_reason is _STOP:
            self._cancel_reason = _STOP_NOW
            self._cancel_handle = soon(self._deliver_cancellation, self)
            return False
        task.cancel()
        if inner is not None:
            self._cancel_handle = soon(self._see_that_it_came, task, inner)
        return False

    def _see_that_it_came(self, task: "asyncio.Task[Any]", inner: "asyncio.Future[Any]") -> None:
        """Cancel once more if Python's own `wait_for` has swallowed the cancellation, as it does until 3.12.

        1. The task waits in `asyncio.wait_for` for something, and is cancelled: it is about to run.
        2. Before it does, what it waits for is done.
        3. `wait_for` wakes, sees the cancellation, and returns the result all the same.
        4. This runs, right behind the task: a result is there, so the cancellation is gone. Had there been none,
           `wait_for` would have cancelled what it waits for.
        """
        self._cancel_handle = None
        if inner.done() and not inner.cancelled() and not task.done():
            task.uncancel()
            self._deliver_cancellation(self)

    def _wait_for_the_shield(self, task: "asyncio.Task[Any]") -> None:
        """Be called again when the shield is left: by anyio, which looks for scopes that count as cancelled.

        If other tasks run in scopes of the worker too, they would see a cancelled scope without a delivered cancellation,
        and spin. Then the shield is looked at every `LOOK_AGAIN` seconds instead.
        """
        self._cancel_called = self._holds_only(task)
        if not self._cancel_called:
            later = asyncio.get_running_loop().call_later
            self._cancel_handle = later(LOOK_AGAIN, self._deliver_cancellation, self)

    def _holds_only(self, task: "asyncio.Task[Any]") -> bool:
        scope: CancelScope = self
        while True:
            others: Any = scope._tasks  # noqa: SLF001 # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if any(other is not task for other in others) or len(scope._child_scopes) > 1:  # noqa: SLF001
                return False
            if not scope._child_scopes:  # noqa: SLF001
                return True
            (scope,) = scope._child_scopes  # noqa: SLF001

    def _is_shielded(self, task: "asyncio.Task[Any]") -> bool:
        state = _states.get(task)
        scope: CancelScope | None = state.cancel_scope if state is not None else None
        while scope is not None and scope is not self:
            if scope._shield:  # noqa: SLF001 # of its own kind
                return True
            scope = scope._parent_scope  # noqa: SLF001
        return False


def _awaited_by_wait_for(task: "asyncio.Task[Any]") -> "asyncio.Future[Any] | None":
    """What the task waits for, if it does so in Python's own `wait_for` and that may swallow a cancellation."""
    inner: asyncio.Future[Any] | None = None
    step: Any = task.get_coro() if sys.version_info < (3, 12) else None
    while (frame := getattr(step, "cr_frame", None)) is not None:
        inner = frame.f_locals.get("fut") if frame.f_code is asyncio.wait_for.__code__ else None
        step = step.cr_await
    return inner


def opener_of(task: "asyncio.Task[Any]") -> int | None:
    """The identity of the task that has opened the anyio task group of this one; None: it is in none."""
    state = _states.get(task)
    return state.parent_id if state is not None else None
