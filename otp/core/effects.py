"""What a supervisor's machine wants done. No effect blocks: an end or a readiness comes back as an input."""

from msgspec import Struct

from otp.core.inputs import Timer, TryAgain
from otp.events import Event
from otp.exits import Exit
from otp.foreign import guard
from otp.spec import AnySpec

__all__ = (
    "CallFailed",
    "CancelTimer",
    "Check",
    "Done",
    "Effect",
    "Emit",
    "EmitWithChain",
    "Kill",
    "Ready",
    "Reply",
    "Retry",
    "SetTimer",
    "Start",
    "Stop",
)


class Start(Struct, frozen=True):
    """Start this incarnation of the child."""

    child: str
    generation: int
    spec: AnySpec


class Stop(Struct, frozen=True):
    """Ask the child to end."""

    child: str
    generation: int


class Kill(Struct, frozen=True):
    """End the child without grace."""

    child: str
    generation: int


class SetTimer(Struct, frozen=True):
    """Say `TimerFired(timer)` at this time."""

    timer: Timer
    at: float


class CancelTimer(Struct, frozen=True):
    """The timer is not needed any more."""

    timer: Timer


class Emit(Struct, frozen=True):
    """Tell whoever listens."""

    event: Event


class EmitWithChain(Emit, frozen=True):
    """The same, of a child that does not end: with what it awaits at this moment."""


class CallFailed(Struct, frozen=True):
    """Report, once, that a call into foreign code failed while this child's failure was judged.

    Attributes:
        path: of the child.
        failure: what failed, and how.
    """

    path: str
    failure: guard.CallFailed


class Reply(Struct, frozen=True):
    """Answer a request: with None, with a child's value, or with an error of ours to be raised.

    Attributes:
        token: of the request.
        result: the answer.
        is_value: a child gave it to `started()`; whatever it is, it is no error.
    """

    token: object
    result: object
    is_value: bool = False


class Retry(Struct, frozen=True):
    """Say `TryAgain`, after all that waits to be said already (S35)."""

    note: TryAgain


class Check(Struct, frozen=True):
    """Find out whether what the child needs is there, and say `Checked`."""

    child: str
    generation: int
    needs: tuple[str, ...]


class Ready(Struct, frozen=True):
    """All children are up: the supervisor has started."""


class Done(Struct, frozen=True):
    """The supervisor has ended; no incarnation of its children exists, but those that refused."""

    exit: Exit


Effect = (
    Start
    | Stop
    | Kill
    | SetTimer
    | CancelTimer
    | Emit
    | EmitWithChain
    | CallFailed
    | Reply
    | Retry
    | Check
    | Ready
    | Done
)
