"""How the screen stands with the process: whether what it shows is true."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from otp.control.protocol import Greeting
from otp.tui.feed import Arrived, Joined, Lost, News, Silent

__all__ = ("Link",)


class Link(Struct, frozen=True, kw_only=True):
    """The connection.

    Attributes:
        state: `live`: what is shown is true; `silent`: the process is there and does not answer; `lost`: it is gone.
        since: when that began, by the monotonic clock; what is shown is that of then.
        why: what is known about it.
        greeting: who it is, or was; None before the first.
    """

    state: Literal["connecting", "live", "silent", "lost"] = "connecting"
    since: float = 0.0
    why: str = ""
    greeting: Greeting | None = None

    def after(self, news: News) -> "Link":
        """The connection after some news."""
        match news:
            case Joined(greeting):
                return replace(self, greeting=greeting)
            case Arrived(_, at):
                return self if self.state == "live" else replace(self, state="live", since=at, why="")
            case Silent(at):
                return (
                    self if self.state == "silent" else replace(self, state="silent", since=at, why="no sign of life")
                )
            case Lost(why, at):
                since = self.since if self.state in ("lost", "silent") else at
                return replace(self, state="lost", since=since, why=why)

    def now(self, clock: float) -> float:
        """The time of what is shown: it stands still while nobody tells what is going on."""
        return clock if self.state in ("live", "connecting") else self.since
