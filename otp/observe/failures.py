"""A failure, extracted from the event that tells of it: which child, how it ended, and what followed.

One failure may be told by two events: a start that failed, and the decision about it. `Failure.again` marks the second.
"""

from enum import StrEnum

from msgspec import Struct

from otp import events
from otp.exits import Crash, Crashed, Exit, Refused
from otp.text.frames import own_frames, short_place


class Outcome(StrEnum):
    """What followed a failure, mildest first."""

    RESTARTED = "restarted"
    """The child was started again at once."""

    DELAYED = "delayed"
    """The child waits for its delay."""

    HELD = "held"
    """The child waits for a dependency."""

    PAUSED = "paused"
    """The child ended under maintenance, and waits until that is over."""

    NOT_STARTED = "not_started"
    """The child did not come up. If it is tried again or left down, the next event says so."""

    LEFT = "left"
    """The child is temporary, so it is not restarted."""

    FAILED = "failed"
    """The child is parked until a request restarts it."""

    REFUSED = "refused"
    """The child does not stop, and still runs."""

    GAVE_UP = "gave_up"
    """The child's supervisor gave up over it."""

    FATAL = "fatal"
    """The whole tree ends over the child."""

    @property
    def rank(self) -> int:
        """How grave it is, from 0."""
        return list(Outcome).index(self)


class Failure(Struct, frozen=True, kw_only=True):
    """One failure of one child.

    Attributes:
        path: the child.
        at: when, in seconds of the tree's clock.
        exit: how the child ended.
        outcome: what followed.
        verdict: what the failure was, by a policy; empty without one.
        again: a `ChildStartFailed` has told it, and this is the decision about it.
        streak: failures of the child in a row.
        echo_of: the descendant over whose failure a supervisor failed; empty if the child failed by itself.
        paused: the child is under maintenance.
        healthy_after: seconds up after which the child's streak is over.
    """

    path: str
    at: float
    exit: Exit
    outcome: Outcome
    verdict: str
    again: bool
    streak: int
    echo_of: str
    paused: bool
    healthy_after: float

    @property
    def crash(self) -> Crash | None:
        """What was raised, if the child raised."""
        return self.exit.crash if isinstance(self.exit, Crashed) else None

    @property
    def frame(self) -> str:
        """Where it was raised, see `own_frame`; empty if that is not known."""
        return own_frame(self.crash) if self.crash is not None else ""


def failure(event: events.Event) -> Failure | None:  # noqa: C901, PLR0911 # one arm an event
    """Return the failure that `event` tells of, by that event alone; None if it tells of none."""
    match event:
        case events.ChildRestarting(cause=events.Cause.CRASH, exit=exit, verdict=verdict) if exit is not None:
            return _of(event, exit, Outcome.RESTARTED, verdict)
        case events.ChildDelayed(exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.DELAYED, verdict)
        case events.ChildHeld(exit=exit):
            return _of(event, exit, Outcome.HELD, "dependency_down")
        case events.ChildPaused(exit=exit) if exit is not None:
            return _of(event, exit, Outcome.PAUSED, "maintenance")
        case events.ChildStartFailed(exit=exit):
            return _of(event, exit, Outcome.NOT_STARTED)
        case events.ChildExited(exit=exit, asked=False) if exit.abnormal:
            return _of(event, exit, Outcome.LEFT)
        case events.ChildFailed(exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.FAILED, verdict)
        case events.ChildRefused(path=path):
            return _of(event, Refused((path,)), Outcome.REFUSED)
        case events.IntensityReached(offender=offender, exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.GAVE_UP, verdict, offender)
        case events.FatalFailure(offender=offender, exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.FATAL, verdict, offender)
        case _:
            return None


def _of(event: events.FailureEvent, exit: Exit, outcome: Outcome, verdict: str = "", path: str = "") -> Failure:
    return Failure(
        path=path or event.path,
        at=event.at,
        exit=exit,
        outcome=outcome,
        verdict=verdict,
        again=event.start_failed,
        streak=event.streak,
        echo_of=event.echo_of,
        paused=event.paused,
        healthy_after=event.healthy_after,
    )


def own_frame(crash: Crash) -> str:
    """Return the innermost frame of the program's own code, as `folder/file:line function`; empty if there is none.

    Own is what is neither of the standard library nor installed. Of an exception group the first leaf counts.
    """
    frames = crash.leaves[0].frames if crash.leaves else crash.frames
    place, _, function = (own_frames(frames) or ("",))[-1].rpartition(" ")
    return f"{short_place(place)} {function}" if place else ""


def cause_of(exit: Exit) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a failure, to compare it: its type, and its own frames as `file function`.

    An edit elsewhere in a file, a deeper recursion, or another order of the leaves of an exception group changes nothing.
    """
    crash = exit.crash if isinstance(exit, Crashed) else None
    if crash is None:
        return type(exit).__name__, ()
    if not crash.leaves:
        return crash.type, _steps(crash)
    leaves = sorted({(leaf.type, _steps(leaf)) for leaf in crash.leaves})
    return crash.type, tuple(part for kind, steps in leaves for part in (kind, *steps))


def _steps(crash: Crash) -> tuple[str, ...]:
    steps: list[str] = []
    for frame in own_frames(crash.frames):
        place, _, function = frame.rpartition(" ")
        step = f"{short_place(place.rpartition(':')[0])} {function}"
        if step not in steps:
            steps.append(step)
    return tuple(steps)
