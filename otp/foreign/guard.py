"""The guard around each call into code that is not ours: a hook, a predicate, an attribute that is a property.

    answer = call(Role.WHERE, "closed", rule.where, failure)
    if type(answer) is CallFailed:
        ...                             # the harmless answer, and whoever decides says once what happened

Foreign code may raise anything at all: an `Exception`, asyncio's `CancelledError` (the result of a future that somebody
cancelled), `GeneratorExit`, a `BaseException` of its own, a group of those. None of that means anything to the tree: a
cancellation is what we asked for, never what a type says. What cannot be caught is a call that does not return; then the
guard's own frame stands on the stack of the thread, so that another thread can tell whose call it is (`calling`).

Ctrl-C and `SystemExit` are caught too, and are `CallFailed.interrupt`: the tree stops in order, and they go on upwards.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any, NamedTuple, TypeVar, TypeVarTuple, cast, final

from otp.foreign.causes import leaves, tame
from otp.text.printable import printable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Role(StrEnum):
    """What the foreign code is called for."""

    HOOK = "hook"
    PROBE = "probe"
    WHERE = "where="
    ATTRIBUTE = "attribute"
    PROGRESS = "progress="
    OPENED = "opened="
    BESIDE = "beside="
    TREE = "tree"
    LOG = "log sink"
    LISTENER = "listener"
    SINK = "sink"
    SOON = "soon()"


_AWAITED = frozenset((Role.PROBE, Role.BESIDE, Role.SINK))

_VALUE_IS_UNUSED = frozenset((Role.HOOK, Role.OPENED, Role.LISTENER, Role.SOON))
"""What one of these returns is of no account; a task that it has started, or anyio's handle of one, runs by itself."""

LONGEST_NAME = 120
"""Characters of a name that are kept."""


class NeedsAwait(TypeError):
    """What a function returned has to be awaited, or iterated, before anything of it runs; so nothing has."""


@final
class CallFailed(NamedTuple):
    """A call into foreign code that did not give what was asked for.

    Attributes:
        role: what the code was called for.
        name: of the function, or what else names it.
        error: what it raised, or a `TypeError` about what it returned.
    """

    role: Role
    name: str
    error: BaseException

    @property
    def interrupt(self) -> BaseException | None:
        """The Ctrl-C or the `SystemExit` in it: that one goes on upwards."""
        return interrupt_in(self.error)


def call(role: Role, name: str, function: Callable[[*Ts], T], /, *args: *Ts) -> T | CallFailed:
    """What `function(*args)` returns, or how it failed. It raises nothing.

    Args:
        role: what it is called for.
        name: who it is; empty: the function's own name.
        function: an ordinary function: one that returns something to be awaited has failed.
        args: its arguments.
    """
    try:
        value = function(*args)
        if value is not None:
            refuse_awaitable(role, value)
    except BaseException as error:  # noqa: BLE001 # whatever foreign code raises, it is the answer
        return CallFailed(role, name or name_of(function), tame(error))
    return value


def refuse_awaitable(role: Role, value: object) -> None:
    """Raise `NeedsAwait` for what would have to be awaited, or iterated, before anything of it runs."""
    kind: type = type(value)  # not isinstance: an object may lie about its class, or raise when it is asked
    if kind is CoroutineType or kind is GeneratorType:
        value.close()  # type: ignore[attr-defined] # else Python complains that nobody awaited it
    elif kind is not AsyncGeneratorType and (role in _VALUE_IS_UNUSED or not hasattr(kind, "__await__")):
        return
    if role in _AWAITED:
        raise NeedsAwait(f"expected it to have run, got a {kind.__name__}; await what it returns")
    raise NeedsAwait(
        f"expected a plain function, got one that returns a {kind.__name__}; write def, without await or yield"
    )


# ------------------------------------------------------------------------------------------------ who it is


def name_of(function: object) -> str:
    """A function's name as `module.qualified.name`, whatever kind of callable it is; it raises nothing."""
    try:
        return _name_of(function)
    except BaseException:  # noqa: BLE001 # an object that cannot even be asked for its name
        return "?"


def _name_of(function: Any) -> str:
    while type(function) is partial:
        function = function.func
    named: Any = function if hasattr(function, "__qualname__") else cast("Any", type(function))
    module = getattr(named, "__module__", None)
    name = f"{module}.{named.__qualname__}" if module else f"{named.__qualname__}"
    return printable(name.replace("<locals>.", "")[:LONGEST_NAME])


def calling(frame: FrameType) -> tuple[Role, str] | None:
    """The role and the name of what this frame calls, if it is a guard's; told from whatever thread."""
    if frame.f_code not in guards:
        return None
    known = frame.f_locals
    return known["role"], known["name"] or name_of(known["function"])


guards = {call.__code__}
"""The code of each guard; each has the locals `role`, `name` and `function`."""


# ------------------------------------------------------------------------------------------------ interrupts


def interrupt_in(error: BaseException) -> BaseException | None:
    """The `KeyboardInterrupt` or `SystemExit` that `error` is, or that its group holds; the first one."""
    if issubclass(type(error), Exception):
        return None
    return next((one for one in leaves(error) if issubclass(type(one), KeyboardInterrupt | SystemExit)), None)
