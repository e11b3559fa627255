"""The guard around foreign code that is awaited: a probe, a sink, a function beside the tree.

A cancellation is ours if a scope around the running task was cancelled, and only then does it end that task. Any other (a
probe awaits a task that a library has cancelled) is a failure like any exception.
"""

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import anyio

from otp.foreign import guard
from otp.foreign.causes import tame
from otp.foreign.guard import CallFailed, Role, name_of, refuse_awaitable
from otp.runtime.detached import A_MOMENT, Detached

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
    """Await `function(*args)`; returns its result, or how it failed. Raises only a cancellation that is ours.

    With an owner, the call runs in a task of its own, which is cancelled when its time is over or the caller is cancelled.
    If it swallows that, it is left behind, and its owner makes no further call until it has ended.

    Args:
        role: what it is called for.
        name: the name to report; empty: the function's own.
        function: an async function, or one that returns an awaitable.
        args: its arguments.
        within: seconds until the call has failed with `TimeoutError`.
        owner: the object that makes such calls, one at a time; None: the call runs in the caller's task.
        grace: seconds that a cancelled call has to end.
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
    """Whether this is a cancellation of the running task by one of the scopes around it."""
    return issubclass(type(error), anyio.get_cancelled_exc_class()) and anyio.current_effective_deadline() == -math.inf


def _awaitable(value: Awaitable[T]) -> Awaitable[T]:
    """The value itself; TypeError if it cannot be awaited, whatever the function's annotation says."""
    kind: type = type(value)
    if not hasattr(kind, "__await__"):
        raise TypeError(f"expected an awaitable, got a {kind.__name__}; write an async function")
    return value
