"""How a client stands with the process that it watches: whether its copy of the tree is true."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from otp.control.wire.protocol import Greeting
from otp.control.wire.rows import Delta, Snapshot


class Joined(Struct, frozen=True):
    """A connection has been made."""

    greeting: Greeting


class Arrived(Struct, frozen=True):
    """A message has come, at a time of the monotonic clock."""

    message: Snapshot | Delta
    at: float


class Lost(Struct, frozen=True):
    """The connection has been lost, or could not be made: why, and when the process was last heard."""

    why: str
    at: float


News = Joined | Arrived | Lost


class Link(Struct, frozen=True, kw_only=True):
    """The state of the connection.

    Attributes:
        state: `live`: the copy is true; `lost`: the process is gone, or gives no sign of life.
        since: when it was lost, by the monotonic clock; the copy is that of then.
        why: the reason.
        greeting: of the process, or of the last one; None before the first.
    """

    state: Literal["connecting", "live", "lost"] = "connecting"
    since: float = 0.0
    why: str = ""
    greeting: Greeting | None = None

    def after(self, news: News) -> "Link":
        """The state after some news."""
        match news:
            case Joined(greeting):
                return replace(self, greeting=greeting)
            case Arrived():
                return replace(self, state="live", why="")
            case Lost(why, at):
                return replace(self, state="lost", since=self.since if self.state == "lost" else at, why=why)

    def now(self, clock: float) -> float:
        """The time of the copy: it stands still while the connection is lost."""
        return self.since if self.state == "lost" else clock
