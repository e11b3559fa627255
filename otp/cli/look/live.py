"""A tree as it is now, from a snapshot and what changed since.

The seconds in a row are those at the moment of its message, and a child of which nothing is said is not sent again: so
each row is kept with the time when it came, and is made older by that when somebody looks.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from otp.control.rows import Blocked, ChildRow, Delta, Snapshot

__all__ = ("LiveTree", "aged")

LAG_HOLDS = 60.0
"""Seconds that the lag of a snapshot says something: it is the worst of the minute before."""


class _Kept(NamedTuple):
    row: ChildRow
    came: float


class LiveTree:
    """The newest state of a tree."""

    def __init__(self, snapshot: Snapshot, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._base = snapshot
        self._began = self._came = clock()
        self._rows: dict[str, _Kept] = {}
        self._begin(snapshot)

    def apply(self, message: Snapshot | Delta) -> None:
        """Take in what the server says; a snapshot begins anew."""
        if isinstance(message, Snapshot):
            self._begin(message)
            return
        now = self._clock()
        self._came = now
        self._base = replace(
            self._base,
            seq=message.seq,
            wall=message.wall,
            state=message.state,
            blocked=message.blocked,
            root=message.root,
            needs=message.needs,
            open_incidents=message.open_incidents,
            stale_s=0.0,
        )
        gone = frozenset(message.removed)
        if gone:
            self._rows = {path: kept for path, kept in self._rows.items() if gone.isdisjoint(_line_to(path))}
        is_longer = any(row.path not in self._rows for row in message.changed)
        self._rows.update((row.path, _Kept(row, now)) for row in message.changed)
        if is_longer:
            self._rows = {path: self._rows[path] for path in _in_start_order(self._rows, message.root.path)}

    def now(self) -> Snapshot:
        """The whole tree, as old as it is."""
        now, base = self._clock(), self._base
        since, since_begin = now - self._came, now - self._began
        return replace(
            base,
            up_s=base.up_s + since_begin,
            wall=base.wall + since,
            lag_s=base.lag_s if since_begin < LAG_HOLDS else None,
            blocked=_blocked_for(base.blocked, since),
            root=aged(base.root, since),
            children=tuple(aged(kept.row, now - kept.came) for kept in self._rows.values()),
            needs=tuple(replace(need, down_s=_more(need.down_s, since)) for need in base.needs),
        )

    def _begin(self, snapshot: Snapshot) -> None:
        self._base = snapshot
        self._began = self._came = self._clock()
        self._rows = {row.path: _Kept(row, self._began) for row in snapshot.children}


def aged(row: ChildRow, seconds: float) -> ChildRow:
    """The row, `seconds` later, if nothing has happened to the child."""
    return replace(
        row,
        up_s=_more(row.up_s, seconds),
        next_retry_s=_less(row.next_retry_s, seconds),
        down_s=_more(row.down_s, seconds),
        downtime_s=row.downtime_s + (seconds if row.down_s is not None else 0.0),
        paused_s=_less(row.paused_s, seconds),
    )


def _line_to(path: str) -> Iterator[str]:
    """The path, and those above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _in_start_order(paths: Iterable[str], root: str) -> Iterator[str]:
    """Each before its own children; new ones, which come last in `paths`, behind their siblings."""
    below: dict[str, list[str]] = {}
    for path in paths:
        below.setdefault(path.rpartition("/")[0], []).append(path)
    return _walk(below, root)


def _walk(below: Mapping[str, Sequence[str]], above: str) -> Iterator[str]:
    for path in below.get(above, ()):
        yield path
        yield from _walk(below, path)


def _blocked_for(blocked: Blocked | None, more: float) -> Blocked | None:
    return replace(blocked, seconds=blocked.seconds + more) if blocked is not None else None


def _more(seconds: float | None, more: float) -> float | None:
    return None if seconds is None else seconds + more


def _less(seconds: float | None, less: float) -> float | None:
    return None if seconds is None else max(0.0, seconds - less)
