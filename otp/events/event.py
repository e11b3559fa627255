"""What all events have in common, and what those about a failure have in common besides."""

from enum import StrEnum

from msgspec import Struct

from otp.policy import HEALTHY_AFTER


class Cause(StrEnum):
    """Why a child is started again; each cause has a counter of its own."""

    CRASH = "crash"
    """It ended by itself, and its restart type asks for a restart."""

    MANUAL = "manual"
    """A request asked for it."""

    COLLATERAL = "collateral"
    """The restart of a sibling takes it along, by the strategy; or that of its supervisor does."""


class TreeEvent(Struct, frozen=True, kw_only=True, tag_field="event"):
    """What happened at one path of a tree.

    Attributes:
        path: the child or supervisor, from the root down.
        at: when, in seconds of the tree's clock, `anyio.current_time()`.
    """

    path: str
    at: float


class FailureEvent(TreeEvent, frozen=True, kw_only=True):
    """A failure of a child, or an end that may be one: what happened, and all that an observer needs to know of the past.

    The child is `path`, or the `offender` of a supervisor's event.

    Attributes:
        streak: failures of the child in a row, this one included if the supervisor has decided about it.
        start_failed: the failure is a start that failed, which `ChildStartFailed` has reported.
        echo_of: the descendant whose failure made a supervisor fail; empty if the child failed by itself.
        paused: the child is under maintenance.
        healthy_after: seconds up after which the child's streak is over, by its policy.
    """

    streak: int = 0
    start_failed: bool = False
    echo_of: str = ""
    paused: bool = False
    healthy_after: float = HEALTHY_AFTER
