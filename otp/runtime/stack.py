"""Await chains: what a worker's tasks wait for, read from outside without running the worker's code."""

import asyncio
import gc
from collections.abc import Iterable, Iterator, Sequence
from contextvars import copy_context
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

import anyio
from msgspec import Struct

from otp.text.redaction import clean, clean_name

STEPS = 200
"""Steps of a chain that are kept: the outermost. Tasks may await each other in a circle."""


class TaskStack(Struct, frozen=True, kw_only=True):
    """One of the tasks that a worker has started in task groups.

    Attributes:
        name: of the task.
        depth: 1 for those that the worker's own task has started, 2 for those that they have, …
        chain: what it awaits, outermost first, as `function (file:line)`.
    """

    name: str
    depth: int
    chain: tuple[str, ...]


class ChildStack(Struct, frozen=True, kw_only=True):
    """What a worker awaits, or what all workers below a supervisor await.

    Attributes:
        path: the child.
        chain: what the worker's own task awaits, outermost first, as `function (file:line)`; empty if it is not
            up, or runs at this moment.
        tasks: those below it, each before the ones that it has started. Bare asyncio tasks do not record their creator, so
            they are missing, unless the worker awaits one: then the chain goes on in it.
        below: of a supervisor: its workers and the supervisors below it, in start order.
    """

    path: str
    chain: tuple[str, ...] = ()
    tasks: tuple[TaskStack, ...] = ()
    below: tuple["ChildStack", ...] = ()


def await_chain(awaitable: object) -> tuple[str, ...]:
    """What a coroutine awaits, outermost first, as `function (file:line)`."""
    return tuple(
        clean_name(f"{f.f_code.co_qualname} ({f.f_code.co_filename}:{f.f_lineno})") for f in _frames(awaitable)
    )


# ------------------------------------------------------------------------------------------------ one chain

_SUSPENDED: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}
"""By type: the attributes for the frame, and for what is awaited."""

_AROUND_ANOTHER = frozenset(
    ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable", "FutureIter")
)
"""The interpreter's wrappers around another awaitable, which only the garbage collector reveals."""


def _frames(awaitable: object) -> Iterator[FrameType]:
    # By the exact type: reading an attribute of a foreign awaitable could run code of its own.
    for _ in range(STEPS):
        if type(awaitable) in _SUSPENDED:
            frame, awaited = _SUSPENDED[type(awaitable)]
            if (at := getattr(awaitable, frame)) is not None:
                yield at
            awaitable = getattr(awaitable, awaited)
        elif type(awaitable).__name__ in _AROUND_ANOTHER:
            awaitable = _inside(gc.get_referents(awaitable))
        else:
            return


def _inside(referents: Iterable[object]) -> object:
    """What is awaited through a wrapper; None for a plain future, which ends a chain."""
    for one in referents:
        if type(one) in _SUSPENDED or type(one).__name__ in _AROUND_ANOTHER:
            return one
        if issubclass(type(one), asyncio.Task):
            task: asyncio.Task[Any] = one  # type: ignore[assignment] # told by its type
            return task.get_coro()
    return None


# ------------------------------------------------------------------------------------------------ tasks below


def tasks_below(coroutine: object) -> Iterator[TaskStack]:
    """The tasks started in task groups by the task that runs this coroutine, each before those that it has started."""
    tasks = _running_tasks()
    started: dict[int | None, list[anyio.TaskInfo]] = {}
    for task in sorted(tasks, key=lambda task: task.name or ""):  # asyncio knows no order
        started.setdefault(task.parent_id, []).append(task)
    own = next((task.id for task in tasks if task.coro is coroutine), None)
    return _walk(started, own, 1) if own is not None else iter(())


def _walk(started: dict[int | None, list[anyio.TaskInfo]], parent: int, depth: int) -> Iterator[TaskStack]:
    for task in started.get(parent, ()):
        yield TaskStack(name=clean(task.name or ""), depth=depth, chain=await_chain(task.coro))
        yield from _walk(started, task.id, depth + 1)


def _running_tasks() -> Sequence[anyio.TaskInfo]:
    try:
        return anyio.get_running_tasks()
    except anyio.NoEventLoopError:  # in a callback of asyncio's loop sniffio sees no task, and takes it for no loop
        import sniffio  # noqa: PLC0415 # without it anyio finds the loop

        context = copy_context()
        context.run(sniffio.current_async_library_cvar.set, "asyncio")
        return context.run(anyio.get_running_tasks)
