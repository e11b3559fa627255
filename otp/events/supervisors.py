"""What happens to a supervisor: its start, its end, and why it gave up."""

from otp.events.event import FailureEvent, TreeEvent
from otp.exits import Exit


class SupervisorStarted(TreeEvent, frozen=True, kw_only=True, tag="supervisor.started"):
    """All children of the supervisor are up."""


class IntensityReached(FailureEvent, frozen=True, kw_only=True, tag="supervisor.intensity_reached"):
    """One restart too many within the period: the supervisor gives up.

    Attributes:
        offender: the child that failed.
        exit: how it ended.
        intensity: the limit, which is the supervisor's own or the policy's for this class of failure.
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


class SupervisorStopping(TreeEvent, frozen=True, kw_only=True, tag="supervisor.stopping"):
    """The supervisor stops its children, last first."""

    exit: Exit


class SupervisorExited(TreeEvent, frozen=True, kw_only=True, tag="supervisor.exited"):
    """The supervisor has ended, and all its children before it."""

    exit: Exit
