"""A client's copy of a running tree, which follows the original: the last snapshot, and all that changed since.

It has no clock: its reader says what time it is. So a countdown goes on between two messages, and stands still for a
reader that has lost the process (see `Link.now`).
"""

from collections import deque
from collections.abc import Iterator

from msgspec.structs import replace

from otp.control.client.link import Arrived, Link, News
from otp.control.wire.rows import Blocked, ChildRow, Delta, EventRow, NeedRow, Snapshot
from otp.core.paths import parent_of

KEPT_EVENTS = 1000
"""Events that are remembered: the last ones."""

LAG_HOLDS = 60.0
"""Seconds for which the lag in a snapshot is true: it is the worst of the minute before."""


class Mirror:
    """The copy: what the messages of `Client.watch`, or the news of a `Feed`, come to.

    Attributes:
        link: how the client stands with the process, as far as a feed has told.
        snapshot: the last whole picture, for what does not change in between; None before the first.
        root: the root supervisor's path.
        events: the last ones, oldest first.
        seq: number of the last event in the copy.
        state: of the tree; empty before the first message.
        needs: what children need and has been down, as the last message said.
        open_incidents: how many incidents are open.
    """

    def __init__(self) -> None:
        self.link = Link()
        self.snapshot: Snapshot | None = None
        self.root = ""
        self.events: deque[EventRow] = deque(maxlen=KEPT_EVENTS)
        self.seq = 0
        self.state = ""
        self.needs: tuple[NeedRow, ...] = ()
        self.open_incidents = 0
        self._last_at = 0.0
        self._up_at = 0.0
        self._blocked: Blocked | None = None
        self._blocked_at = 0.0
        self._rows: dict[str, tuple[ChildRow, float]] = {}
        self._below: dict[str, dict[str, None]] = {}
        self._order: tuple[str, ...] | None = ()

    def take(self, news: News) -> frozenset[str]:
        """Take over some news of a feed; returns what `apply` does."""
        self.link = self.link.after(news)
        return self.apply(news.message, news.at) if isinstance(news, Arrived) else frozenset()

    def apply(self, message: Snapshot | Delta, at: float) -> frozenset[str]:
        """Take over a message.

        Args:
            message: as it came.
            at: when, in seconds of the reader's clock.

        Returns:
            The paths that are new, different or gone; after a snapshot all. None for a delta before the first snapshot;
            for one that the snapshot contains already, which may have been asked for on another connection; and for one
            that only says what keeps the event loop, and otherwise repeats what was known before.
        """
        if isinstance(message, Snapshot):
            return self._replace(message, at)
        if self.snapshot is None:
            return frozenset()
        self._remember(message.events)
        self._blocked, self._blocked_at = message.blocked, at
        if message.seq < self.snapshot.seq or not _says_more(message):
            return frozenset()
        self._note(message, at)
        gone = [path for above in message.removed for path in list(self._family(above)) if path in self._rows]
        for path in gone:
            self._remove(path)
        for row in (message.root, *message.changed):
            self._put(row, at)
        return frozenset(gone).union(row.path for row in message.changed)

    # ------------------------------------------------------------------------------------------------ the whole

    @property
    def up(self) -> int:
        """Children that are up, or down as they are meant to be; the root is none."""
        return sum(row.ready for path, (row, _) in self._rows.items() if path != self.root)

    @property
    def total(self) -> int:
        """All children."""
        return max(0, len(self._rows) - 1)

    def up_s(self, now: float) -> float:
        """Seconds since the process began to serve."""
        return self.snapshot.up_s + max(0.0, now - self._up_at) if self.snapshot else 0.0

    def age(self, now: float) -> float:
        """Seconds since the last message."""
        return max(0.0, now - self._last_at) if self.snapshot else 0.0

    def blocked(self, now: float) -> Blocked | None:
        """What keeps the event loop, and for how long by now; None: it turns."""
        found = self._blocked
        return replace(found, seconds=found.seconds + max(0.0, now - self._blocked_at)) if found else None

    # ------------------------------------------------------------------------------------------------ children

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths in tree order: the root, and each child before its own children, in start order."""
        if self._order is None:
            self._order = tuple(self._family(self.root)) if self.root in self._rows else ()
        return self._order

    def __contains__(self, path: object) -> bool:
        return path in self._rows

    def row(self, path: str, now: float) -> ChildRow:
        """The child at `path`, or the root, as it is by now.

        Raises:
            KeyError: there is none.
        """
        row, at = self._rows[path]
        return _later(row, max(0.0, now - at))

    def rows(self, now: float) -> list[ChildRow]:
        """All of them, in tree order."""
        return [self.row(path, now) for path in self.paths]

    def snapshot_at(self, now: float) -> Snapshot:
        """The whole tree as a snapshot, as it is by now: shown like one that has been asked for.

        Raises:
            AssertionError: no snapshot has come yet.
        """
        base = self.snapshot
        assert base is not None
        root, *children = self.rows(now)
        since, age = self.up_s(now) - base.up_s, self.age(now)
        return replace(
            base,
            seq=self.seq,
            wall=base.wall + since,
            up_s=base.up_s + since,
            state=self.state,
            lag_s=base.lag_s if since < LAG_HOLDS else None,
            blocked=self.blocked(now),
            root=root,
            children=tuple(children),
            needs=tuple(one if one.down_s is None else replace(one, down_s=one.down_s + age) for one in self.needs),
            open_incidents=self.open_incidents,
            stale_s=base.stale_s if self.seq == base.seq else 0.0,
        )

    # ------------------------------------------------------------------------------------------------

    def _replace(self, new: Snapshot, at: float) -> frozenset[str]:
        before = frozenset(self._rows)
        if self.snapshot and (self.snapshot.pid, self.snapshot.app) != (new.pid, new.app):
            self.events.clear()
        self.snapshot = new
        self._note(new, at)
        self._up_at = self._blocked_at = at
        self._blocked = new.blocked
        self.root = new.root.path
        self._rows, self._below, self._order = {}, {}, None
        for row in (new.root, *new.children):
            self._put(row, at - new.stale_s)
        return before.union(self._rows)

    def _note(self, message: Snapshot | Delta, at: float) -> None:
        self.seq, self.state, self._last_at = message.seq, message.state, at
        self.needs, self.open_incidents = message.needs, message.open_incidents

    def _remember(self, events: tuple[EventRow, ...]) -> None:
        newest = self.events[-1].seq if self.events else 0
        self.events.extend(event for event in events if event.seq > newest)

    def _put(self, row: ChildRow, at: float) -> None:
        if row.path not in self._rows:
            self._order = None
            if row.path != self.root:
                self._below.setdefault(parent_of(row.path), {})[row.path] = None
        self._rows[row.path] = row, at

    def _remove(self, path: str) -> None:
        self._order = None
        self._rows.pop(path, None)
        self._below.pop(path, None)
        self._below.get(parent_of(path), {}).pop(path, None)

    def _family(self, path: str) -> Iterator[str]:
        """All at and below `path`, each before its own children; without recursion, for a tree may be deep."""
        left = [path]
        while left:
            path = left.pop()
            yield path
            left.extend(reversed(self._below.get(path, {})))


def _says_more(delta: Delta) -> bool:
    """Whether a delta says more than what keeps the event loop."""
    return bool(delta.events or delta.changed or delta.removed)


def _later(row: ChildRow, seconds: float) -> ChildRow:
    """The row after some time in which nothing happened to it."""
    if not seconds:
        return row
    return replace(
        row,
        up_s=None if row.up_s is None else row.up_s + seconds,
        next_retry_s=None if row.next_retry_s is None else max(0.0, row.next_retry_s - seconds),
        down_s=None if row.down_s is None else row.down_s + seconds,
        downtime_s=row.downtime_s + (0.0 if row.down_s is None else seconds),
        paused_s=None if row.paused_s is None else max(0.0, row.paused_s - seconds),
    )
