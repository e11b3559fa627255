"""Which events tell of a failure, and each failure once: what one failure sets off is told by several events."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from otp.events import (
    Cause,
    ChildDelayed,
    ChildExited,
    ChildFailed,
    ChildHeld,
    ChildPaused,
    ChildRefused,
    ChildRestarting,
    ChildStartFailed,
    Event,
    FatalFailure,
    IntensityReached,
)
from otp.exits import Crash, Crashed, Exit, Refused
from otp.text.frames import own_frames, short_place

__all__ = ("Failure", "Failures", "Outcome", "cause_of")


class Outcome(StrEnum):
    """What followed a failure, mildest first."""

    RESTARTED = "restarted"
    """It was started again at once."""

    DELAYED = "delayed"
    """It waits for its restart."""

    HELD = "held"
    """It waits for something that it needs."""

    PAUSED = "paused"
    """It ended under maintenance, and waits for the end of that."""

    NOT_STARTED = "not_started"
    """It did not come up. What follows is told by the next event, if anything does."""

    LEFT = "left"
    """It is not restarted for that: it is temporary."""

    FAILED = "failed"
    """It is parked until somebody restarts it."""

    REFUSED = "refused"
    """It does not stop and still runs."""

    GAVE_UP = "gave_up"
    """Its supervisor gave up over it."""

    FATAL = "fatal"
    """The whole tree ends over it."""

    @property
    def rank(self) -> int:
        """How grave, from 0."""
        return list(Outcome).index(self)


class Failure(Struct, frozen=True, kw_only=True):
    """One failure of one child.

    Attributes:
        path: the child.
        at: when it is told, in seconds of the tree's clock.
        exit: how the child ended.
        outcome: what followed.
        verdict: what it was, by a policy; empty without one.
        again: the same failure has been told before, by `ChildStartFailed`; now there is a decision about it.
        streak: failures in a row, this one included; None: its event does not say.
    """

    path: str
    at: float
    exit: Exit
    outcome: Outcome
    verdict: str = ""
    again: bool = False
    streak: int | None = None

    @property
    def crash(self) -> Crash | None:
        """What was raised, if the child raised."""
        return self.exit.crash if isinstance(self.exit, Crashed) else None

    @property
    def is_echo(self) -> bool:
        """Whether a supervisor failed only because one of its children did, which has been told of that child."""
        if isinstance(self.exit, Refused):
            return self.exit.paths != (self.path,)
        crash = self.crash
        if crash is None or not crash.type.startswith("otp.errors."):
            return False
        below = f"{self.path}/"
        return crash.message.startswith((below, f"{self.path} gave up: ", f"refused to stop: {below}"))


_REMEMBERED = 1_000
"""Failed starts that are remembered; a decision follows at once, or never."""


class Failures:
    """Finds the failures among the events of one tree."""

    def __init__(self) -> None:
        self._undecided: dict[str, None] = {}

    def find(self, event: Event) -> Failure | None:
        """The failure that `event` tells of, if it does."""
        failure = _failure(event)
        if failure is None:
            self._undecided.pop(event.path, None)
            return None
        again = failure.path in self._undecided
        self._undecided.pop(failure.path, None)
        if failure.outcome is Outcome.NOT_STARTED:
            self._remember(failure.path)
            return failure
        return replace(failure, again=again)

    def _remember(self, path: str) -> None:
        self._undecided[path] = None
        if len(self._undecided) > _REMEMBERED:
            del self._undecided[next(iter(self._undecided))]


def _failure(event: Event) -> Failure | None:  # noqa: C901, PLR0911 # one arm an event
    match event:
        case ChildRestarting(cause=Cause.CRASH, exit=exit, verdict=verdict) if exit is not None:
            return _of(event, exit, Outcome.RESTARTED, verdict)
        case ChildDelayed(exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.DELAYED, verdict)
        case ChildHeld(exit=exit):
            return _of(event, exit, Outcome.HELD, "dependency_down")
        case ChildPaused(exit=exit) if exit is not None:
            return _of(event, exit, Outcome.PAUSED, "maintenance")
        case ChildStartFailed(exit=exit):
            return _of(event, exit, Outcome.NOT_STARTED)
        case ChildExited(exit=exit, asked=False) if exit.abnormal:
            return _of(event, exit, Outcome.LEFT)
        case ChildFailed(exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.FAILED, verdict)
        case ChildRefused(path=path):
            return _of(event, Refused((path,)), Outcome.REFUSED)
        case IntensityReached(offender=offender, exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.GAVE_UP, verdict, offender)
        case FatalFailure(offender=offender, exit=exit, verdict=verdict):
            return _of(event, exit, Outcome.FATAL, verdict, offender)
        case _:
            return None


def _of(event: Event, exit: Exit, outcome: Outcome, verdict: str = "", path: str = "") -> Failure:
    return Failure(
        path=path or event.path,
        at=event.at,
        exit=exit,
        outcome=outcome,
        verdict=verdict,
        streak=getattr(event, "streak", None),
    )


def cause_of(exit: Exit) -> tuple[str, tuple[str, ...]]:
    """The kind of a failure for comparing: its type, and its own frames as `file function`, without line numbers.

    An edit elsewhere in a file, a deeper recursion or the order of the leaves of an exception group changes nothing.
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
