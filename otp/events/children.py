"""What happens to one child: its starts, its ends, and what its supervisor decided about them."""

from otp.events.event import Cause, FailureEvent, TreeEvent
from otp.exits import Crash, Exit
from otp.policy import HEALTHY_AFTER

__all__ = (
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
)


class ChildStarted(TreeEvent, frozen=True, kw_only=True, tag="child.started"):
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


class ChildIgnored(TreeEvent, frozen=True, kw_only=True, tag="child.ignored"):
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


class ChildForgiven(TreeEvent, frozen=True, kw_only=True, tag="child.forgiven"):
    """The child's failures in a row are forgotten, by request: its streak is 0."""


class ChildReplaced(TreeEvent, frozen=True, kw_only=True, tag="child.replaced"):
    """The child has another spec, by request. It is started by it next time, and judged by it from now on.

    Attributes:
        healthy_after: seconds up after which its streak is over, by its new policy.
    """

    healthy_after: float


class ChildHung(TreeEvent, frozen=True, kw_only=True, tag="child.hung"):
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


class ChildLate(TreeEvent, frozen=True, kw_only=True, tag="child.late"):
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
