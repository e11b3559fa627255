"""Why a client gets no answer, or the answer no."""

from otp.control.wire.protocol import Failure
from otp.errors import ControlError


class Unreachable(ControlError):
    """No process answers: there is none, it has ended meanwhile, or it may not be spoken to."""


class CommandFailed(ControlError):
    """The server's answer is no.

    Attributes:
        kind: why, see `Failure`.
    """

    def __init__(self, kind: Failure, message: str) -> None:
        super().__init__(message)
        self.kind: Failure = kind
