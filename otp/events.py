"""What happens in a tree: the closed union of lifecycle events.

`path` names the child or supervisor from the root down, `at` is `anyio.current_time()` in seconds, `generation` counts
the incarnations of a child from 1.
"""

from enum import StrEnum

from msgspec import Struct

from otp.exits import Crash, Exit
from otp.policy import HEALTHY_AFTER

__all__ = (
    "CallbackFailed",
    "Cause",
    "ChildDelayed",
    "ChildExited",
    "ChildFailed",
    "ChildForgiven",
    "ChildHeld",
    "ChildHung",
    "ChildIgnored",
    "ChildLate",
    "ChildPaused",
    "ChildRefused",
    "ChildReplaced",
    "ChildRestarting",
    "ChildStartFailed",
    "ChildStarted",
    "DependencyDown",
    "DependencyUp",
    "Event",
    "FailureEvent",
    "FatalFailure",
    "HookFailed",
    "IntensityReached",
    "LoopBlocked",
    "LoopFreed",
    "MaintenanceEnded",
    "MaintenanceStarted",
    "SupervisorExited",
    "SupervisorStarted",
    "SupervisorStopping",
)


class Cause(StrEnum):
    """Why a child is started again; each cause has a counter of its own."""

    CRASH = "crash"
    """It ended by itself and its restart type wants it back."""

    MANUAL = "manual"
    """Somebody asked for it."""

    COLLATERAL = "collateral"
    """A sibling was restarted, and the strategy takes this one along."""


class _Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    path: str
    at: float


class FailureEvent(_Event, frozen=True, kw_only=True):
    """A failure of a child, or an end that may be one.

    Attributes:
        streak: failures of the child in a row, this one included if the supervisor has decided about it.
        start_failed: the failure is a start that failed, of which `ChildStartFailed` has told.
        echo_of: the descendant over whose failure a supervisor fails; empty if the child failed by itself.
        paused: the child is under maintenance.
        healthy_after: seconds up after which the child's streak is over, by its policy.
    """

    streak: int = 0
    start_failed: bool = False
    echo_of: str = ""
    paused: bool = False
    healthy_after: float = HEALTHY_AFTER


class ChildStarted(_Event, frozen=True, kw_only=True, tag="child.started"):
    """The child is up: it said that it is ready or, without `ready=True`, it was scheduled.

    Attributes:
        downtime: seconds since its predecessor ended; None for a first start.
        recovering: it was restarted, or its last start failed; False for a first start by this supervisor.
        with_supervisor: it was up before, and is started again because its supervisor is: a collateral restart.
        streak: failures in a row before this start.
        healthy_after: seconds up after which its streak is over, by its policy.
    """

    generation: int
    downtime: float | None
    recovering: bool = False
    with_supervisor: bool = False
    streak: int = 0
    healthy_after: float = HEALTHY_AFTER


class ChildStartFailed(FailureEvent, frozen=True, kw_only=True, tag="child.start_failed"):
    """The child ended before it was ready. If it is tried again, or left down, another event says so.

    Attributes:
        exit: how it ended.
        with_supervisor: it was to be started again because its supervisor is: a collateral restart.
    """

    generation: int
    exit: Exit
    with_supervisor: bool = False


class ChildIgnored(_Event, frozen=True, kw_only=True, tag="child.ignored"):
    """The child raised `Ignore` before it was ready: its siblings go on without it.

    Attributes:
        with_supervisor: it was to be started again because its supervisor is: a collateral restart.
    """

    generation: int
    with_supervisor: bool = False


class ChildExited(FailureEvent, frozen=True, kw_only=True, tag="child.exited"):
    """The child ended and is not restarted for that; or it had ended, and will not be tried again, by request.

    Attributes:
        exit: how it ended.
        asked: it had been asked to stop.
        brutal: its spec says `brutal_kill`, so that being killed is as it should be (S44).
    """

    generation: int
    exit: Exit
    asked: bool
    brutal: bool = False


class ChildRestarting(FailureEvent, frozen=True, kw_only=True, tag="child.restarting"):
    """The child is started again.

    Attributes:
        generation: that of the incarnation to come.
        cause: crash, manual or collateral.
        exit: how its predecessor ended; None when there was none.
        used: restarts in the supervisor's window, this one included.
        intensity: how many the window allows.
        period: its length in seconds.
        verdict: what the failure was, by its policy; empty without one.
    """

    generation: int
    cause: Cause
    exit: Exit | None
    used: int
    intensity: int
    period: float
    verdict: str = ""


class ChildDelayed(FailureEvent, frozen=True, kw_only=True, tag="child.delayed"):
    """The child failed and is restarted after a delay; `ChildRestarting` follows then.

    Attributes:
        exit: how it ended.
        delay: seconds.
        verdict: what the failure was, by its policy.
        expected: the restart does not use up intensity.
        used: restarts in the supervisor's window.
        intensity: how many the window allows.
        period: its length in seconds.
    """

    exit: Exit
    delay: float
    verdict: str
    expected: bool
    used: int
    intensity: int
    period: float


class ChildHeld(FailureEvent, frozen=True, kw_only=True, tag="child.held"):
    """The child failed while something that it needs is down: it is restarted when that is there again.

    Attributes:
        exit: how it ended.
        needs: what is down.
    """

    exit: Exit
    needs: tuple[str, ...]


class ChildFailed(FailureEvent, frozen=True, kw_only=True, tag="child.failed"):
    """The child is parked: it is not restarted unless somebody asks for it, and its siblings go on.

    Attributes:
        exit: how it ended.
        verdict: what the failure was, by its policy.
    """

    exit: Exit
    verdict: str


class ChildPaused(FailureEvent, frozen=True, kw_only=True, tag="child.paused"):
    """The child ended under maintenance, or waited for its restart when that began: it is started when it is over.

    Attributes:
        exit: how it ended; None: that has been told before.
    """

    exit: Exit | None
    paused: bool = True


class ChildForgiven(_Event, frozen=True, kw_only=True, tag="child.forgiven"):
    """The child's failures in a row are forgotten, by request: its streak is 0."""


class ChildReplaced(_Event, frozen=True, kw_only=True, tag="child.replaced"):
    """The child has another spec, by request. It is started by it next time, and judged by it from now on.

    Attributes:
        healthy_after: seconds up after which its streak is over, by its new policy.
    """

    healthy_after: float


class MaintenanceStarted(_Event, frozen=True, kw_only=True, tag="maintenance.started"):
    """Somebody put the child under maintenance, and all below it."""


class MaintenanceEnded(_Event, frozen=True, kw_only=True, tag="maintenance.ended"):
    """The maintenance of the child is over, and of all below it; those that are down over it are started."""


class DependencyDown(_Event, frozen=True, kw_only=True, tag="dependency.down"):
    """Something that children need does not answer. `path` is the supervisor that declares it.

    Attributes:
        dependency: its name.
        crash: what the probe raised.
    """

    dependency: str
    crash: Crash


class DependencyUp(_Event, frozen=True, kw_only=True, tag="dependency.up"):
    """It answers again.

    Attributes:
        dependency: its name.
        downtime: seconds since it was found down.
    """

    dependency: str
    downtime: float


class ChildHung(_Event, frozen=True, kw_only=True, tag="child.hung"):
    """The child has a watchdog and gives no sign of life: it is stopped. Once it is gone, that is told as its failure.

    Attributes:
        silent: seconds since its last sign of life.
        chain: what it awaits, outermost first, as `function (file:line)`.
        crash: what the `progress` of its watchdog raised, if it did.
    """

    generation: int
    silent: float
    chain: tuple[str, ...] = ()
    crash: Crash | None = None


class ChildLate(_Event, frozen=True, kw_only=True, tag="child.late"):
    """The child was asked to stop and did not end within its `shutdown` time: it is killed now.

    Attributes:
        grace: that time, in seconds.
        chain: what it awaits, outermost first, as `function (file:line)`.
    """

    generation: int
    grace: float
    chain: tuple[str, ...] = ()


class ChildRefused(FailureEvent, frozen=True, kw_only=True, tag="child.refused"):
    """The child did not end within its `shutdown` time and cannot be killed: it still runs.

    Attributes:
        chain: what it awaits, outermost first, as `function (file:line)`.
    """

    generation: int
    chain: tuple[str, ...] = ()


class SupervisorStarted(_Event, frozen=True, kw_only=True, tag="supervisor.started"):
    """All children of the supervisor are up."""


class IntensityReached(FailureEvent, frozen=True, kw_only=True, tag="supervisor.intensity_reached"):
    """One restart too many within the period: the supervisor gives up.

    Attributes:
        offender: the child that failed.
        exit: how it ended.
        intensity: the limit: the supervisor's own, or that of the policy for this class of failure.
        period: of the limit, in seconds.
        verdict: what the failure was, by the policy; empty without one.
    """

    offender: str
    exit: Exit
    intensity: int
    period: float
    verdict: str = ""


class FatalFailure(FailureEvent, frozen=True, kw_only=True, tag="supervisor.fatal"):
    """A failure that its policy calls fatal: nothing is restarted anywhere, the tree stops in order.

    Attributes:
        offender: the child that failed.
        exit: how it ended.
        verdict: what the failure was.
    """

    offender: str
    exit: Exit
    verdict: str


class SupervisorStopping(_Event, frozen=True, kw_only=True, tag="supervisor.stopping"):
    """The supervisor stops its children, last first."""

    exit: Exit


class SupervisorExited(_Event, frozen=True, kw_only=True, tag="supervisor.exited"):
    """The supervisor has ended, and all its children before it."""

    exit: Exit


class LoopBlocked(_Event, frozen=True, kw_only=True, tag="loop.blocked"):
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


class LoopFreed(_Event, frozen=True, kw_only=True, tag="loop.freed"):
    """The event loop turns again. `path` and `callback` are those of the last `LoopBlocked`.

    Attributes:
        seconds: how long it was blocked.
        callback: the function of the program that had blocked it; empty: it was none.
    """

    seconds: float
    callback: str = ""


class HookFailed(_Event, frozen=True, kw_only=True, tag="hook.failed"):
    """An event hook raised and was detached. `path` is the root of the tree.

    Attributes:
        hook: its name.
        crash: what it raised; a `TypeError`, if it returned something to be awaited.
    """

    hook: str
    crash: Crash


class CallbackFailed(_Event, frozen=True, kw_only=True, tag="callback.failed"):
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


Event = (
    ChildStarted
    | ChildStartFailed
    | ChildIgnored
    | ChildExited
    | ChildRestarting
    | ChildDelayed
    | ChildHeld
    | ChildFailed
    | ChildPaused
    | ChildForgiven
    | ChildReplaced
    | ChildHung
    | ChildLate
    | ChildRefused
    | DependencyDown
    | DependencyUp
    | MaintenanceStarted
    | MaintenanceEnded
    | SupervisorStarted
    | IntensityReached
    | FatalFailure
    | SupervisorStopping
    | SupervisorExited
    | LoopBlocked
    | LoopFreed
    | HookFailed
    | CallbackFailed
)
