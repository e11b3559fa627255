"""The event log: what happened lately, in order and numbered: the tree's events, and what operators did to it."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import anyio
from msgspec import Struct

from otp.control.wire.rows import EventRow
from otp.events import Event
from otp.observe.incident import IncidentChange, IncidentResolved
from otp.observe.sentences import sentence

KEPT = 5_000
"""Entries that are kept: the newest."""


class Entry(Struct, frozen=True):
    """One event, or what an operator did.

    Attributes:
        seq: its number, from 1.
        wall: when it was, in seconds since 1970.
        what: the event; of what an operator did, its row.
    """

    seq: int
    wall: float
    what: Event | EventRow

    @property
    def path(self) -> str:
        """The child that it is about."""
        return self.what.path

    def row(self) -> EventRow:
        """The entry as a row. Its sentence is made when it is asked for: an event costs the tree only the entry."""
        if isinstance(self.what, EventRow):
            return self.what
        said = sentence(self.what)
        kind = str(type(self.what).__struct_config__.tag)
        return EventRow(seq=self.seq, wall=self.wall, event=kind, path=self.what.path, level=said.level, text=said.text)


class EventLog:
    """An event hook that remembers, in the tree's event loop.

    Args:
        kept: entries that are kept.
        now: the tree's clock.
        wall: the wall clock, in seconds since 1970.

    Attributes:
        seq: number of the newest entry; 0 before the first.
    """

    lasting = True

    def __init__(
        self, *, kept: int = KEPT, now: Callable[[], float] = anyio.current_time, wall: Callable[[], float] = time.time
    ) -> None:
        self.seq = 0
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._now = now
        self._wall = wall
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each new entry."""
        self._listener = listener

    def __call__(self, event: Event) -> None:
        """Remember an event, as of when it was: it may have waited for an event loop that was blocked."""
        self._add(self._wall() - (self._now() - event.at), event)

    def resolved(self, change: IncidentChange) -> None:
        """The listener to incidents: no event tells that one is over."""
        if isinstance(change, IncidentResolved):
            incident = change.incident
            self.note("incident.resolved", incident.path, f"incident {incident.id} is over")

    def note(self, event: str, path: str, text: str, level: str = "INFO") -> None:
        """Remember what is no event of the tree, such as what an operator did."""
        wall = self._wall()
        self._add(wall, EventRow(seq=self.seq + 1, wall=wall, event=event, path=path, level=level, text=text))

    def _add(self, wall: float, what: Event | EventRow) -> None:
        self.seq += 1
        self._entries.append(Entry(self.seq, wall, what))
        self._listener()

    def newest(self) -> Iterator[Entry]:
        """The entries that are kept, newest first."""
        return reversed(self._entries)

    def since(self, seq: int) -> tuple[Entry, ...]:
        """The entries after number `seq`, oldest first, as far as they are kept."""
        missing = min(self.seq - seq, len(self._entries))
        return tuple(islice(reversed(self._entries), missing))[::-1]
