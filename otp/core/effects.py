"""The effects of a supervisor's machine: what it wants done. None blocks; results come back as inputs."""

from msgspec import Struct

from otp.core.inputs import Timer, TryAgain
from otp.events import Event
from otp.exits import Exit
from otp.foreign import guard
from otp.spec import AnySpec


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
    """Kill the child."""

    child: str
    generation: int


class SetTimer(Struct, frozen=True):
    """Give the machine `TimerFired(timer)` at this time, in seconds of the clock of `handle`."""

    timer: Timer
    at: float


class CancelTimer(Struct, frozen=True):
    """Disarm the timer."""

    timer: Timer


class Emit(Struct, frozen=True):
    """Tell the hooks of the tree."""

    event: Event


class EmitWithChain(Emit, frozen=True):
    """Tell the hooks that a child does not end, with the chain of frames in which it waits at this moment."""


class CallFailed(Struct, frozen=True):
    """Report, once, that a call into foreign code failed while this child's failure was judged.

    Attributes:
        path: of the child.
        failure: what failed, and how.
    """

    path: str
    failure: guard.CallFailed


class Reply(Struct, frozen=True):
    """Complete a request: with None, with the value of a child, or with an `OTPError` to raise in the caller.

    Attributes:
        token: of the request.
        result: the answer.
        is_value: whether a child gave it to `started()`; then it is returned, even if it is an exception.
    """

    token: object
    result: object
    is_value: bool = False


class Retry(Struct, frozen=True):
    """Give the machine `TryAgain`, after the inputs that wait already (S35)."""

    note: TryAgain


class Check(Struct, frozen=True):
    """Probe the dependencies of the child, and give the machine `Checked`."""

    child: str
    generation: int
    needs: tuple[str, ...]


class Ready(Struct, frozen=True):
    """All children are up: the supervisor has started."""


class Done(Struct, frozen=True):
    """The supervisor has ended; of its children only refused ones still run."""

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
