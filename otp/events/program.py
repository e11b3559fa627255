"""What happens around the children: maintenance, dependencies, the event loop, and functions that the program handed over."""

from otp.events.event import TreeEvent
from otp.exits import Crash


class MaintenanceStarted(TreeEvent, frozen=True, kw_only=True, tag="maintenance.started"):
    """A request has put the child at `path` under maintenance, and all below it."""


class MaintenanceEnded(TreeEvent, frozen=True, kw_only=True, tag="maintenance.ended"):
    """The maintenance of the child is over, and of all below it; children that it kept down are started."""


class DependencyDown(TreeEvent, frozen=True, kw_only=True, tag="dependency.down"):
    """A dependency does not answer. `path` is the supervisor that declares it.

    Attributes:
        dependency: its name.
        crash: what the probe raised.
    """

    dependency: str
    crash: Crash


class DependencyUp(TreeEvent, frozen=True, kw_only=True, tag="dependency.up"):
    """A dependency answers again. `path` is the supervisor that declares it.

    Attributes:
        dependency: its name.
        downtime: seconds since it was found down.
    """

    dependency: str
    downtime: float


class LoopBlocked(TreeEvent, frozen=True, kw_only=True, tag="loop.blocked"):
    """One call holds the event loop, so that no other task runs.

    `path` is the child whose code runs; the supervisor, if the code is its own or that of a function that it was given;
    the root, if neither is known.

    The thread of the loop watch emits it: the log gets it at once, the other hooks when the loop turns again. It is
    repeated for as long as the call lasts.

    Attributes:
        seconds: for how long, at least.
        stack: where the call is, outermost first, as `file:line function`.
        callback: the function of the program that does not return, as "hook shop.audit"; empty if it is none.
    """

    seconds: float
    stack: tuple[str, ...]
    callback: str = ""


class LoopFreed(TreeEvent, frozen=True, kw_only=True, tag="loop.freed"):
    """The event loop turns again. `path` and `callback` are those of the last `LoopBlocked`.

    Attributes:
        seconds: how long it was blocked.
        callback: the function of the program that had blocked it; empty if it was none.
    """

    seconds: float
    callback: str = ""


class HookFailed(TreeEvent, frozen=True, kw_only=True, tag="hook.failed"):
    """An event hook raised and was detached. `path` is the root of the tree.

    Attributes:
        hook: its name.
        crash: what it raised; a `TypeError`, if it returned something to be awaited.
    """

    hook: str
    crash: Crash


class CallbackFailed(TreeEvent, frozen=True, kw_only=True, tag="callback.failed"):
    """A function that the program handed over raised, or returned what it must not. Each function is reported once.

    `path` is the child that the function was called for, or the supervisor. Its missing answer counts as no: a predicate
    and an attribute do not match, a `progress` has not changed. An event hook has an event of its own, `HookFailed`; what a
    probe raises is in `DependencyDown`.

    Attributes:
        role: what the function is called for: "where=", "attribute", "progress=", "opened=", "beside=", "soon()", "hook".
        name: of the function; behind the name of its rule, if it belongs to one.
        crash: what it raised.
    """

    role: str
    name: str
    crash: Crash
