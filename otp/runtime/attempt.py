"""The guard around a call into foreign code that is awaited: a probe, a sink, what runs beside the tree.

What is ours and what is not: a cancellation ends our own task when a scope around it was cancelled, and only then. One
that comes for another reason (the probe has awaited a task that somebody else cancelled) is a failure as any other.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from types import MethodType
from typing import Any, TypeVar, TypeVarTuple

import anyio

from otp import foreign
from otp.causes import tame
from otp.foreign import CallFailed, Role, name_of, refuse_awaitable

__all__ = ("attempt", "is_ours")

A_MOMENT = 0.5
"""Seconds that a call has to end when its time is over."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def attempt(
    role: Role,
    name: str,
    function: Callable[[*Ts], Awaitable[T]],
    /,
    *args: *Ts,
    within: float = math.inf,
) -> T | CallFailed:
    """What `await function(*args)` gives, or how it failed. It raises nothing but the cancellation that was asked for.

    On asyncio, code that swallows the cancellation with which its time ends is left to itself, and is not called again
    until it has ended. On trio no task can be left: there it is waited for.

    Args:
        role: what it is called for.
        name: who it is; empty: the function's own name.
        function: an async function, or one that returns an awaitable.
        args: its arguments.
        within: seconds; after that it has failed with `TimeoutError`.
    """
    name = name or name_of(function)
    try:
        if within == math.inf or not _is_asyncio():
            with anyio.move_on_after(within):
                return await _called(role, name, function, *args)
        elif any(_is_same(function, left) for left in _LEFT.values()):
            return CallFailed(role, name, TimeoutError("it has not ended since its time was over the last time"))
        else:
            task = asyncio.ensure_future(_called(role, name, function, *args))
            try:
                done, _ = await asyncio.wait((task,), timeout=within)
            finally:
                await _leave(task, function)
            if done:
                return task.result()
    except BaseException as error:
        if is_ours(error):
            raise
        return CallFailed(role, name, tame(error))
    return CallFailed(role, name, TimeoutError(f"it did not answer within {within:g} s"))


async def _called(role: Role, name: str, function: Callable[[*Ts], Awaitable[T]], /, *args: *Ts) -> T | CallFailed:
    try:
        value = await _awaitable(function(*args))
        if value is not None:
            refuse_awaitable(role, value)
    except BaseException as error:  # noqa: BLE001 # whatever foreign code raises, it is the answer
        if is_ours(error):
            raise tame(error)  # noqa: B904 # mostly itself; scopes walk it, so it has to have an end
        return CallFailed(role, name, tame(error))
    return value


_LEFT: "dict[asyncio.Future[Any], object]" = {}
"""Calls that were told to end and have not, and what they are calls of."""


async def _leave(task: "asyncio.Future[Any]", function: object) -> None:
    """Cancel a call that is not over, once, and give it a moment to end; after that it is waited for no more."""
    if task.done():
        return
    task.cancel()
    _LEFT[task] = function
    task.add_done_callback(_ended)
    with anyio.CancelScope(shield=True):
        await asyncio.wait((task,), timeout=A_MOMENT)


def _ended(task: "asyncio.Future[Any]") -> None:
    _LEFT.pop(task, None)
    if not task.cancelled():
        task.exception()  # looked at: what it raises now is nobody's


def _is_same(one: object, other: object) -> bool:
    """A bound method is a new object each time; no foreign `==` is asked."""
    if type(one) is MethodType and type(other) is MethodType:
        return one.__self__ is other.__self__ and one.__func__ is other.__func__
    return one is other


def _is_asyncio() -> bool:
    return anyio.get_cancelled_exc_class() is asyncio.CancelledError


foreign.guards.add(_called.__code__)


def is_ours(error: BaseException) -> bool:
    """Whether this is the cancellation of the running task that one of the scopes around it has asked for."""
    return issubclass(type(error), anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf


def _awaitable(value: Awaitable[T]) -> Awaitable[T]:
    """Not every function gives one, whatever it promises."""
    kind: type = type(value)
    if not hasattr(kind, "__await__"):
        raise TypeError(f"expected an awaitable, got a {kind.__name__}; write an async function")
    return value
