"""How the screen stands with the process: whether what it shows is true."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from otp.control.client.feed import Arrived, Joined, Lost, News
from otp.control.wire.protocol import Greeting

__all__ = ("Link",)


class Link(Struct, frozen=True, kw_only=True):
    """The connection.

    Attributes:
        state: `live`: what is shown is true; `lost`: the process is gone, or gives no sign of life.
        since: when it was lost, by the monotonic clock; what is shown is that of then.
        why: what is known about that.
        greeting: who it is, or was; None before the first.
    """

    state: Literal["connecting", "live", "lost"] = "connecting"
    since: float = 0.0
    why: str = ""
    greeting: Greeting | None = None

    def after(self, news: News) -> "Link":
        """The connection after some news."""
        match news:
            case Joined(greeting):
                return replace(self, greeting=greeting)
            case Arrived():
                return replace(self, state="live", why="")
            case Lost(why, at):
                return replace(self, state="lost", since=self.since if self.state == "lost" else at, why=why)

    def now(self, clock: float) -> float:
        """The time of what is shown: it stands still while nobody tells what is going on."""
        return self.since if self.state == "lost" else clock
