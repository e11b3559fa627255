"""What happens around the children: maintenance, dependencies, the event loop, and functions that the program handed over."""

from otp.events.event import TreeEvent
from otp.exits import Crash

__all__ = (
    "CallbackFailed",
    "DependencyDown",
    "DependencyUp",
    "HookFailed",
    "LoopBlocked",
    "LoopFreed",
    "MaintenanceEnded",
    "MaintenanceStarted",
)


class MaintenanceStarted(TreeEvent, frozen=True, kw_only=True, tag="maintenance.started"):
    """Somebody put the child under maintenance, and all below it."""


class MaintenanceEnded(TreeEvent, frozen=True, kw_only=True, tag="maintenance.ended"):
    """The maintenance of the child is over, and of all below it; those that are down over it are started."""


class DependencyDown(TreeEvent, frozen=True, kw_only=True, tag="dependency.down"):
    """Something that children need does not answer. `path` is the supervisor that declares it.

    Attributes:
        dependency: its name.
        crash: what the probe raised.
    """

    dependency: str
    crash: Crash


class DependencyUp(TreeEvent, frozen=True, kw_only=True, tag="dependency.up"):
    """It answers again.

    Attributes:
        dependency: its name.
        downtime: seconds since it was found down.
    """

    dependency: str
    downtime: float


class LoopBlocked(TreeEvent, frozen=True, kw_only=True, tag="loop.blocked"):
    """One call holds the event loop, so that no other task runs.

    `path` is the child whose code it is; the supervisor, when it is the supervisor's own, or that of a function that it
    was given; the root, if it is not known.

    A thread says so while it lasts: the log at once, the other hooks when the loop turns again. It is repeated for as
    long as it lasts.

    Attributes:
        seconds: how long at least.
        stack: where it is, outermost first, as `file:line function`.
        callback: the function of the program that does not return, as "hook shop.audit"; empty: it is none.
    """

    seconds: float
    stack: tuple[str, ...]
    callback: str = ""


class LoopFreed(TreeEvent, frozen=True, kw_only=True, tag="loop.freed"):
    """The event loop turns again. `path` and `callback` are those of the last `LoopBlocked`.

    Attributes:
        seconds: how long it was blocked.
        callback: the function of the program that had blocked it; empty: it was none.
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
    """A function that the program handed over raised, or returned what it must not. It is told once of each.

    `path` is the child that it was called for, or the supervisor. What it failed to say counts as no: a predicate and an
    attribute do not match, a `progress` has not changed. An event hook has an event of its own, `HookFailed`; what a probe
    raises is told by `DependencyDown`.

    Attributes:
        role: what it is called for: "where=", "attribute", "progress=", "opened=", "beside=", "soon()", "hook".
        name: of the function, behind that of the rule, if it belongs to one.
        crash: what it raised.
    """

    role: str
    name: str
    crash: Crash
