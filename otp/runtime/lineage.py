"""The running task and those above it, read from another thread, since a blocked loop cannot report them itself.

The loop is not stopped: if it turns meanwhile, the answer may mix two moments, or a `RuntimeError` is raised.
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import trio


def asyncio_lineage(loop: asyncio.AbstractEventLoop) -> Iterator[object]:
    """The coroutine of the task that runs, then those of the tasks whose task groups it belongs to.

    Task groups of anyio and of asyncio know their parents; a bare `asyncio.create_task` has none.
    """
    task = asyncio.current_task(loop)
    known = {id(one): one for one in asyncio.all_tasks(loop)}
    while task is not None:
        yield task.get_coro()
        task = known.get(_parent(task))


def _parent(task: asyncio.Task[Any]) -> int:
    """The identity of the task that has opened the task group of this one; 0 if unknown."""
    from otp.runtime.one_cancellation import opener_of  # noqa: PLC0415 # only where asyncio runs

    by_anyio = opener_of(task)
    if by_anyio is not None:
        return by_anyio
    callbacks: Any = getattr(task, "_callbacks", None) or ()
    groups = (getattr(callback, "__self__", None) for callback, _ in callbacks)
    return next(
        (id(getattr(group, "_parent_task", None)) for group in groups if isinstance(group, asyncio.TaskGroup)), 0
    )


def trio_lineage(nursery: "trio.Nursery") -> Iterator[object]:
    """The coroutine of the task that runs, if it is below this nursery, then those of the tasks above it."""
    task = next(filter(_runs, _tasks(nursery)), None)
    while task is not None:
        yield task.coro
        above = task.parent_nursery
        task = above.parent_task if above is not None and above is not nursery else None


def _tasks(nursery: "trio.Nursery") -> "Iterator[trio.lowlevel.Task]":
    for task in nursery.child_tasks:
        yield task
        for below in task.child_nurseries:
            yield from _tasks(below)


def _runs(task: "trio.lowlevel.Task") -> bool:
    return getattr(task.coro, "cr_running", False)
