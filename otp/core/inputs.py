"""The inputs of a supervisor's machine: what has happened, and what is requested."""

from enum import StrEnum

from msgspec import Struct

from otp.errors import Hung
from otp.exits import Crash, Exit
from otp.spec import AnySpec


class Begin(Struct, frozen=True):
    """Start the children.

    Attributes:
        patient: whether this is the first start of the tree, which waits for children that are held or delayed. A
            supervisor that is restarted does not wait for them, so that it does not keep its siblings down.
    """

    patient: bool = True


class Started(Struct, frozen=True):
    """A child that is declared `ready` has called `started(value)`."""

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
    """A child has given no sign of life within the time of its watchdog.

    Attributes:
        error: for how long it was silent, and where it hangs.
        crash: what the `progress` of its watchdog raised, if it did.
    """

    child: str
    generation: int
    error: Hung
    crash: Crash | None = None


class TimerKind(StrEnum):
    """Which time limit a timer stands for."""

    START = "start"
    """To become ready: `start_timeout`."""

    SHUTDOWN = "shutdown"
    """To end after a stop: `shutdown`."""

    KILL = "kill"
    """To end after a kill."""

    RETRY = "retry"
    """The delay before a restart."""


class Timer(Struct, frozen=True):
    """The name of a timer; without effect once its child has a newer generation."""

    child: str
    generation: int
    kind: TimerKind


class TimerFired(Struct, frozen=True):
    """A timer has fired."""

    timer: Timer


class TryAgain(Struct, frozen=True):
    """Try a failed restart again (S35). The machine asks for this input with the effect `Retry`.

    As in OTP it has no generation: it is a try for whatever restart the child waits for by then (S37).
    """

    child: str
    exit: Exit


class Checked(Struct, frozen=True):
    """Result of probing a held child's dependencies: `down` names those that are down.

    If there are any, `RestartDue` follows when none of the child's dependencies is down any more.
    """

    child: str
    generation: int
    down: tuple[str, ...]


class RestartDue(Struct, frozen=True):
    """The delay of a restart is over, or the dependencies of a held child are back."""

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
    """Stop a child and start it when it has ended, with the siblings that the strategy takes along."""

    child: str
    token: object


class Pause(Struct, frozen=True):
    """Begin the maintenance of a child; an empty id: of all children, and of those that are added from now on."""

    child: str
    token: object


class Resume(Struct, frozen=True):
    """End the maintenance of a child, and start it if that kept it down; an empty id: of all children."""

    child: str
    token: object


class Reset(Struct, frozen=True):
    """Clear the streak and the budgets of a child; an empty id: of all children, and the supervisor's window too."""

    child: str
    token: object


class Replace(Struct, frozen=True):
    """Give a child another spec, of the same id and kind, for its next start."""

    child: str
    spec: AnySpec
    token: object


class Stop(Struct, frozen=True):
    """Stop all children, last first, and end with `exit`; `brutal`: kill all of them at once."""

    exit: Exit
    brutal: bool = False


Maintenance = Pause | Resume | Reset
AboutChild = TerminateChild | RestartChild | DeleteChild | RestartNow | Replace | Maintenance
"""A request about a child that is there already, by its id."""

Request = StartChild | AboutChild
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
