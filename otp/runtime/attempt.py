"""The guard around a call into foreign code that is awaited: a probe, a sink, what runs beside the tree.

What is ours and what is not: a cancellation ends our own task when a scope around it was cancelled, and only then. One
that comes for another reason (the probe has awaited a task that somebody else cancelled) is a failure as any other.
"""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import anyio

from otp.foreign import guard
from otp.foreign.causes import tame
from otp.foreign.guard import CallFailed, Role, name_of, refuse_awaitable
from otp.runtime.detached import A_MOMENT, Detached

__all__ = ("attempt", "is_ours")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def attempt(
    role: Role,
    name: str,
    function: Callable[[*Ts], Awaitable[T]],
    /,
    *args: *Ts,
    within: float = math.inf,
    owner: object = None,
    grace: float = A_MOMENT,
) -> T | CallFailed:
    """What `await function(*args)` gives, or how it failed. It raises nothing but the cancellation that was asked for.

    With an owner the call runs in a task of its own, and is told to end when its time is over or the caller is cancelled.
    Foreign code that swallows that is left to itself, and its owner makes no second call until it has ended.

    Args:
        role: what it is called for.
        name: who it is; empty: the function's own name.
        function: an async function, or one that returns an awaitable.
        args: its arguments.
        within: seconds; after that it has failed with `TimeoutError`.
        owner: the object that makes such calls one at a time; None: the call runs in the task of the caller.
        grace: seconds that the call has to end when it is told to.
    """
    name = name or name_of(function)
    try:
        if owner is None:
            return await _called(role, name, function, *args)
        call = Detached[T | CallFailed](lambda: _called(role, name, function, *args), owner, grace)
        call.start()
        return await call.result(within)
    except BaseException as error:
        if is_ours(error):
            raise
        return CallFailed(role, name, tame(error))


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


guard.guards.add(_called.__code__)


def is_ours(error: BaseException) -> bool:
    """Whether this is the cancellation of the running task that one of the scopes around it has asked for."""
    return issubclass(type(error), anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf


def _awaitable(value: Awaitable[T]) -> Awaitable[T]:
    """Not every function gives one, whatever it promises."""
    kind: type = type(value)
    if not hasattr(kind, "__await__"):
        raise TypeError(f"expected an awaitable, got a {kind.__name__}; write an async function")
    return value
