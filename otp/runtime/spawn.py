"""The seam to the event loop: tasks, cancel scopes and the clock, natively on asyncio (with or without uvloop) and trio.

Measured against anyio's task group, a native task in a cancel scope takes little more than half of the time from a crash
to the next incarnation's first line on all event loops; `python -m benchmarks restart` repeats that.

Tasks are not started eagerly, which Python can since 3.12 and which saves another third: the first line of an incarnation
would run before what its predecessor has left to the event loop, the closing of its sockets for one.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from otp.runtime.beat import PULSE, Pulse
from otp.runtime.lineage import asyncio_lineage, trio_lineage

if TYPE_CHECKING:
    import trio

Work = Coroutine[Any, Any, None]
"""What a task runs."""

Over = Callable[[object], None]
"""Called with a task after its end."""


class Scope(Protocol):
    """The part of a cancel scope that a child uses; anyio's and trio's both have it."""

    def cancel(self) -> None:
        """Cancel what runs inside."""

    def __enter__(self) -> object: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> bool | None: ...


class Spawner(Protocol):
    """Starts tasks in the context of the supervisor, not in that of the caller.

    Attributes:
        now: the time of the event loop, in seconds.
        new_scope: makes a cancel scope.
        stop: asks the task in such a scope to end: on asyncio it is cancelled once and cleans up undisturbed; on trio its
            scope is cancelled, and the worker has to shield a clean-up that awaits.
        soon: schedules a callback in the event loop, from any thread; RuntimeError once the loop is closed.
    """

    now: Callable[[], float]
    new_scope: Callable[[], Scope]
    stop: Callable[[Any], None]
    soon: Callable[[Callable[[], object]], object]

    def spawn(self, coroutine: Work, name: str, over: Over, pulse: Pulse | None = None, /) -> object:
        """Start a task and return it, to be held on to.

        Args:
            coroutine: what is to run.
            name: of the task.
            over: called after its end on asyncio, where a task can be cancelled before its first line.
            pulse: receives `beat()` of this task and of all that it starts.
        """
        ...

    def begun(self, task: object, over: Over, /) -> None:
        """The task has begun, so it will report its end itself: do not call `over`."""
        ...

    def lineage(self) -> Iterator[object]:
        """The coroutine of the running task, then those above it; called in another thread."""
        ...


class _AsyncioSpawner:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = _fresh_context()
        self.now: Callable[[], float] = self._loop.time
        from otp.runtime.one_cancellation import OneCancellation  # noqa: PLC0415 # only where asyncio runs

        self.new_scope: Callable[[], Scope] = OneCancellation
        self.stop: Callable[[Any], None] = OneCancellation.stop
        self.soon: Callable[[Callable[[], object]], object] = self._loop.call_soon_threadsafe

    def spawn(self, coroutine: Work, name: str, over: Over, pulse: Pulse | None = None, /) -> object:
        context = self._context.copy()
        if pulse is not None:
            context.run(PULSE.set, pulse)
        task = self._loop.create_task(coroutine, name=name, context=context)
        task.add_done_callback(over, context=self._context)
        return task

    def begun(self, task: Any, over: Over, /) -> None:
        task.remove_done_callback(over)

    def lineage(self) -> Iterator[object]:
        return asyncio_lineage(self._loop)


class _TrioSpawner:
    def __init__(self, nursery: "trio.Nursery") -> None:
        import trio  # noqa: PLC0415 # only where it runs

        self._nursery = nursery
        self._start_soon: Callable[..., None] = nursery.start_soon
        self._context = _fresh_context()
        self.now: Callable[[], float] = trio.lowlevel.current_clock().current_time  # which a thread may ask too
        self.new_scope: Callable[[], Scope] = trio.CancelScope
        self.stop: Callable[[Any], None] = trio.CancelScope.cancel
        self.soon: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon

    def spawn(self, coroutine: Work, name: str, _over: Over, pulse: Pulse | None = None, /) -> object:
        # A nursery copies the context that it is called in.
        context = self._context
        if pulse is not None:
            context = context.copy()
            context.run(PULSE.set, pulse)
        context.run(self._start_soon, _as_it_is, coroutine, name=name)
        return None

    def begun(self, task: object, over: Over, /) -> None:
        pass

    def lineage(self) -> Iterator[object]:
        return trio_lineage(self._nursery)


def _as_it_is(coroutine: Work) -> Work:
    """The function that a nursery wants in place of a coroutine."""
    return coroutine


def _fresh_context() -> Context:
    """A copy of the supervisor's context. For a tree inside a worker: its children do not beat for that worker."""
    context = copy_context()
    context.run(PULSE.set, None)
    return context


@asynccontextmanager
async def open_spawner() -> AsyncGenerator[Spawner]:
    """A spawner for the event loop that runs; leaving it on trio waits for its tasks."""
    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        yield _AsyncioSpawner()
        return
    import trio  # noqa: PLC0415 # only where it runs

    async with trio.open_nursery() as nursery:
        yield _TrioSpawner(nursery)
