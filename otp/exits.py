"""Why a child ended: OTP's exit reasons as a closed union.

NORMAL reasons are `Normal` and `Shutdown`; the others are ABNORMAL (S16).
"""

from typing import ClassVar

from msgspec import Struct

from otp.text.quoting import text_of, type_name

__all__ = ("Crash", "Crashed", "Exit", "Killed", "Normal", "Refused", "Shutdown")


class Crash(Struct, frozen=True):
    """What an exception was, as text: no exception, no traceback, no local values.

    Attributes:
        type: name of the exception's type, with its module unless that is `builtins`.
        message: `str()` of the exception on one line, at most 2 KiB.
        frames: where it was raised, outermost first, as `file:line function`.
        leaves: the exceptions of an exception group, flattened; the first eight of them.
        more: how many more there were.
    """

    type: str
    message: str
    frames: tuple[str, ...] = ()
    leaves: tuple["Crash", ...] = ()
    more: int = 0

    def __str__(self) -> str:
        if self.leaves:
            return "; ".join(map(str, self.leaves)) + (f"; and {self.more} more" if self.more else "")
        name = self.type.rpartition(".")[2]
        return f"{name}: {self.message}" if self.message else name


class Normal(Struct, frozen=True, tag="normal"):
    """The child returned."""

    abnormal: ClassVar[bool] = False

    def __str__(self) -> str:
        return "returned"


class Shutdown(Struct, frozen=True, tag="shutdown"):
    """The child was asked to stop and did, or ended itself with `ExitShutdown`."""

    abnormal: ClassVar[bool] = False
    detail: str = ""

    def __str__(self) -> str:
        return f"shutdown ({self.detail})" if self.detail else "shutdown"


class Killed(Struct, frozen=True, tag="killed"):
    """The child was ended without grace: `brutal_kill`, or its `shutdown` time was over."""

    abnormal: ClassVar[bool] = True

    def __str__(self) -> str:
        return "killed"


class Crashed(Struct, frozen=True, tag="crashed"):
    """The child raised, or was cancelled by somebody else.

    Attributes:
        error: the exception itself, while the supervisor decides. An event that reaches a hook holds None.
        crash: what it was, as text. Filled in by the reporter, before any hook sees it.
    """

    abnormal: ClassVar[bool] = True
    error: BaseException | None
    crash: Crash | None = None

    def __str__(self) -> str:
        if self.crash is not None:
            return str(self.crash)
        name, text = type_name(type(self.error)).rpartition(".")[2], text_of(self.error)
        return f"{name}: {text}" if text else name


class Refused(Struct, frozen=True, tag="refused"):
    """The children named did not end when they were stopped, and still run."""

    abnormal: ClassVar[bool] = True
    paths: tuple[str, ...]

    def __str__(self) -> str:
        return f"refused to stop: {', '.join(self.paths)}"


Exit = Normal | Shutdown | Killed | Crashed | Refused
