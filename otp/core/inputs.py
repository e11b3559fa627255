"""What a supervisor's machine is told."""

from enum import StrEnum

from msgspec import Struct

from otp.errors import Hung
from otp.exits import Crash, Exit
from otp.spec import AnySpec

__all__ = (
    "Begin",
    "Checked",
    "DeleteChild",
    "Exited",
    "Ignored",
    "Input",
    "Maintenance",
    "Pause",
    "Replace",
    "Request",
    "Reset",
    "RestartChild",
    "RestartDue",
    "RestartNow",
    "Resume",
    "Silent",
    "StartChild",
    "StartFailed",
    "Started",
    "Stop",
    "TerminateChild",
    "Timer",
    "TimerFired",
    "TimerKind",
    "TryAgain",
)


class Begin(Struct, frozen=True):
    """Start the children.

    Attributes:
        patient: this is the first start of the tree, which waits for children that wait for their next try. A
            supervisor that is restarted is up without them: it must not keep its siblings down.
    """

    patient: bool = True


class Started(Struct, frozen=True):
    """A child that is declared `ready` says that it is up."""

    child: str
    generation: int
    value: object


class StartFailed(Struct, frozen=True):
    """A child ended before it was ready."""

    child: str
    generation: int
    exit: Exit


class Ignored(Struct, frozen=True):
    """A child raised `Ignore` before it was ready."""

    child: str
    generation: int


class Exited(Struct, frozen=True):
    """A child that was up has ended."""

    child: str
    generation: int
    exit: Exit


class Silent(Struct, frozen=True):
    """A child with a watchdog has given no sign of life within its time.

    Attributes:
        error: what has become of it, and where it hangs.
        crash: what the `progress` of its watchdog raised, if it did.
    """

    child: str
    generation: int
    error: Hung
    crash: Crash | None = None


class TimerKind(StrEnum):
    """What a timer waits for."""

    START = "start"
    """A start to be ready: `start_timeout`."""

    SHUTDOWN = "shutdown"
    """A stopped child to be gone: `shutdown`."""

    KILL = "kill"
    """A killed child to be gone."""

    RETRY = "retry"
    """The delay before a restart to be over."""


class Timer(Struct, frozen=True):
    """The name of a timer. Once its child has a newer generation it means nothing any more."""

    child: str
    generation: int
    kind: TimerKind


class TimerFired(Struct, frozen=True):
    """The time of a timer has come."""

    timer: Timer


class TryAgain(Struct, frozen=True):
    """A restart failed a moment ago: try once more (S35). The machine asks for it with the effect `Retry`.

    As in OTP it has no generation: whatever the child waits for its next try for, this is one (S37).
    """

    child: str
    exit: Exit


class Checked(Struct, frozen=True):
    """What a held child needs was asked whether it is there; `down` names what is not.

    If something is down, `RestartDue` follows when all of it is there again.
    """

    child: str
    generation: int
    down: tuple[str, ...]


class RestartDue(Struct, frozen=True):
    """The delay of a restart is over, or what the child was held for is there again."""

    child: str
    generation: int


class StartChild(Struct, frozen=True):
    """Add a child and start it (S49)."""

    spec: AnySpec
    token: object


class TerminateChild(Struct, frozen=True):
    """Stop a child and keep its spec (S50)."""

    child: str
    token: object


class RestartChild(Struct, frozen=True):
    """Start a child that is down (S51)."""

    child: str
    token: object


class DeleteChild(Struct, frozen=True):
    """Forget a child that is down (S52)."""

    child: str
    token: object


class RestartNow(Struct, frozen=True):
    """Stop a child, wait until it is gone, start it fresh, with those that the strategy takes along."""

    child: str
    token: object


class Pause(Struct, frozen=True):
    """Put a child under maintenance; an empty id: all of them, and those that are added from now on."""

    child: str
    token: object


class Resume(Struct, frozen=True):
    """End the maintenance of a child, and start it if it is down over that; an empty id: of all of them."""

    child: str
    token: object


class Reset(Struct, frozen=True):
    """Forgive a child its failures; an empty id: all of them, and forget the restarts in the supervisor's window."""

    child: str
    token: object


class Replace(Struct, frozen=True):
    """Give a child another spec, of the same id and kind, for its next start."""

    child: str
    spec: AnySpec
    token: object


class Stop(Struct, frozen=True):
    """Stop all children, last first, and end with `exit`; `brutal`: all at once and without grace."""

    exit: Exit
    brutal: bool = False


Maintenance = Pause | Resume | Reset
Request = StartChild | TerminateChild | RestartChild | DeleteChild | RestartNow | Replace | Maintenance
Input = (
    Begin
    | Started
    | StartFailed
    | Ignored
    | Exited
    | Silent
    | TimerFired
    | TryAgain
    | Checked
    | RestartDue
    | Stop
    | Request
)
