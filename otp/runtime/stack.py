"""Where children are: what each of their tasks awaits. It is looked at from outside; no code of the worker runs."""

import asyncio
import gc
from collections.abc import Iterable, Iterator, Sequence
from contextvars import copy_context
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

import anyio
from msgspec import Struct

from otp.core.paths import join
from otp.runtime.child import TaskChild
from otp.text.redaction import clean, clean_name

if TYPE_CHECKING:
    from otp.runtime.supervisor import RunningSupervisor

__all__ = ("ChildStack", "TaskStack", "await_chain", "chain_of", "stack_of", "stacks_below")

STEPS = 200
"""Steps of a chain that are told, the outermost; tasks may await each other in a circle."""


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
    """Where a worker is, or where all workers below a supervisor are.

    Attributes:
        path: the child.
        chain: what the worker's own task awaits, outermost first, as `function (file:line)`; empty if it is not
            up, or runs at this moment.
        tasks: those below it, each before the ones that it has started. Tasks that were made with asyncio itself do not
            say who has made them, so they are not among them, unless the worker awaits one: then the chain goes on in it.
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


def chain_of(child: TaskChild) -> tuple[str, ...]:
    """What the worker awaits, without the steps that are ours."""
    return await_chain(child.coroutine)[1:]


def stack_of(supervisor: "RunningSupervisor", id: str) -> ChildStack:
    """Where that child of the supervisor is."""
    child = supervisor.live.get(id)
    path = join(supervisor.machine.path, id)
    if child is None:
        return ChildStack(path=path)
    if isinstance(child, TaskChild):
        return ChildStack(path=path, chain=chain_of(child), tasks=tuple(_tasks_below(child)))
    return stacks_below(child)


def stacks_below(supervisor: "RunningSupervisor") -> ChildStack:
    """Where all workers below the supervisor are."""
    machine = supervisor.machine
    return ChildStack(path=machine.path, below=tuple(stack_of(supervisor, id) for id in machine.children))


# ------------------------------------------------------------------------------------------------ one chain

_SUSPENDED: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}
"""Where they stand, and what they await."""

_AROUND_ANOTHER = frozenset(
    ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable", "FutureIter")
)
"""Awaitables of the interpreter that stand for another one, and do not say for which; the collector knows."""


def _frames(awaitable: object) -> Iterator[FrameType]:
    # By the exact type: to ask a foreign awaitable for an attribute could run code of its own.
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
    """What is awaited through a wrapper; None for a plain future, with which a chain ends."""
    for one in referents:
        if type(one) in _SUSPENDED or type(one).__name__ in _AROUND_ANOTHER:
            return one
        if issubclass(type(one), asyncio.Task):
            task: asyncio.Task[Any] = one  # type: ignore[assignment] # told by its type
            return task.get_coro()
    return None


# ------------------------------------------------------------------------------------------------ tasks below


def _tasks_below(child: TaskChild) -> Iterator[TaskStack]:
    tasks = _running_tasks()
    started: dict[int | None, list[anyio.TaskInfo]] = {}
    for task in sorted(tasks, key=lambda task: task.name or ""):  # asyncio knows no order
        started.setdefault(task.parent_id, []).append(task)
    own = next((task.id for task in tasks if task.coro is child.coroutine), None)
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
