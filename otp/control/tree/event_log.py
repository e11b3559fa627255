"""What happened lately, in order and numbered: the events of the tree, and what operators did to it."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import anyio
from msgspec import Struct

from otp.control.wire.rows import EventRow
from otp.events import Event
from otp.observe.sentences import sentence

__all__ = ("Entry", "Timeline")

KEPT = 5_000
"""Entries that are kept: the newest."""


class Entry(Struct, frozen=True):
    """One event, or what an operator did, as the row that it is shown as."""

    seq: int
    wall: float
    what: Event | EventRow

    @property
    def path(self) -> str:
        """Whom it is about."""
        return self.what.path

    def row(self) -> EventRow:
        """The same to look at. Made only when somebody looks: an event costs the tree no more than this entry."""
        if isinstance(self.what, EventRow):
            return self.what
        said = sentence(self.what)
        kind = str(type(self.what).__struct_config__.tag)
        return EventRow(seq=self.seq, wall=self.wall, event=kind, path=self.what.path, level=said.level, text=said.text)


class Timeline:
    """An event hook that remembers. It lives in the tree's event loop.

    Args:
        kept: entries that are kept.
        now: the tree's clock.
        wall: the wall clock, in seconds since 1970.

    Attributes:
        seq: number of the newest entry; 0 before the first.
    """

    def __init__(
        self,
        *,
        kept: int = KEPT,
        now: Callable[[], float] = anyio.current_time,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.seq = 0
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._now = now
        self._wall = wall

    def __call__(self, event: Event) -> None:
        """Remember the event, as of when it was: it may have waited for an event loop that was blocked."""
        self.seq += 1
        wall = self._wall() - (self._now() - event.at)
        self._entries.append(Entry(self.seq, wall, event))

    def note(self, event: str, path: str, text: str, level: str = "INFO") -> None:
        """Remember what somebody did."""
        self.seq += 1
        wall = self._wall()
        row = EventRow(seq=self.seq, wall=wall, event=event, path=path, level=level, text=text)
        self._entries.append(Entry(self.seq, wall, row))

    def newest(self) -> Iterator[Entry]:
        """All that are kept, newest first."""
        return reversed(self._entries)

    def since(self, seq: int) -> tuple[Entry, ...]:
        """Those behind the one with this number, oldest first, as far as they are kept."""
        missing = min(self.seq - seq, len(self._entries))
        return tuple(islice(reversed(self._entries), missing))[::-1]
