"""What happens to one child: its starts, its ends, and what its supervisor decided about them."""

from otp.events.event import Cause, FailureEvent, TreeEvent
from otp.exits import Crash, Exit
from otp.policy import HEALTHY_AFTER


class ChildStarted(TreeEvent, frozen=True, kw_only=True, tag="child.started"):
    """The child is up: it said that it is ready or, without `ready=True`, it was scheduled.

    Attributes:
        downtime: seconds since its predecessor ended; None for a first start.
        recovering: it was restarted, or its last start failed; False for a first start by this supervisor.
        with_supervisor: it was up before, and is restarted along with its supervisor: a collateral restart.
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
    """The child ended and will not be restarted, or a request cancelled the restart that it waited for.

    Attributes:
        exit: how it ended.
        asked: its supervisor had asked it to stop.
        brutal: its spec says `brutal_kill`, so a kill is its ordinary end (S44).
    """

    generation: int
    exit: Exit
    asked: bool
    brutal: bool = False


class ChildRestarting(FailureEvent, frozen=True, kw_only=True, tag="child.restarting"):
    """The child is started again.

    Attributes:
        generation: of the incarnation to come.
        cause: crash, manual or collateral.
        exit: how its predecessor ended; None: another event has reported it, or the child was stopped for the restart.
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
    """The child failed and waits for its delay; then `ChildRestarting` follows.

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
    """The child failed while a dependency is down, and is restarted when all that it needs answers again.

    Attributes:
        exit: how it ended.
        needs: the names of the dependencies that are down.
    """

    exit: Exit
    needs: tuple[str, ...]


class ChildFailed(FailureEvent, frozen=True, kw_only=True, tag="child.failed"):
    """The child is parked: it stays down until a request restarts it, and its siblings go on.

    Attributes:
        exit: how it ended.
        verdict: what the failure was, by its policy.
    """

    exit: Exit
    verdict: str


class ChildPaused(FailureEvent, frozen=True, kw_only=True, tag="child.paused"):
    """The child is down under maintenance, and is started when that is over.

    Attributes:
        exit: how it ended; None: it waited for a restart when maintenance began; its failure has been reported.
    """

    exit: Exit | None
    paused: bool = True


class ChildForgiven(TreeEvent, frozen=True, kw_only=True, tag="child.forgiven"):
    """The child's failures in a row are forgotten, by request: its streak is 0."""


class ChildReplaced(TreeEvent, frozen=True, kw_only=True, tag="child.replaced"):
    """The child has another spec, by request. The spec applies to its next start, and at once to its failures.

    Attributes:
        healthy_after: seconds up after which its streak is over, by its new policy.
    """

    healthy_after: float


class ChildHung(TreeEvent, frozen=True, kw_only=True, tag="child.hung"):
    """The child's watchdog has seen no sign of life, and stops it. Once it is gone, its failure is another event.

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
    """The child was asked to stop and did not end within its `shutdown` time: it is killed.

    Attributes:
        grace: its `shutdown` time, in seconds.
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
