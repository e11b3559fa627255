"""A tree that is watched, as the snapshot that it would be by now: one look at it is like the other, watched or asked."""

import time
from collections.abc import Callable

from msgspec.structs import replace

from otp.control.client.mirror import Mirror
from otp.control.wire.rows import Delta, NeedRow, Snapshot

__all__ = ("LiveTree",)

LAG_HOLDS = 60.0
"""Seconds that the lag in a snapshot says something: it is the worst of the minute before."""


class LiveTree:
    """The newest state of a tree.

    Args:
        snapshot: what a watcher is told first.
        clock: monotonic, in seconds.
    """

    def __init__(self, snapshot: Snapshot, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mirror = Mirror()
        self._base = snapshot
        self.apply(snapshot)

    def apply(self, message: Snapshot | Delta) -> None:
        """Take in what the server says; a snapshot begins anew."""
        if isinstance(message, Snapshot):
            self._base = message
        self._mirror.apply(message, self._clock())

    def now(self) -> Snapshot:
        """The whole tree, as old as it is."""
        now, mirror, base = self._clock(), self._mirror, self._base
        root, *children = mirror.rows(now)
        since = mirror.up_s(now) - base.up_s
        return replace(
            base,
            seq=mirror.seq,
            wall=base.wall + since,
            up_s=base.up_s + since,
            state=mirror.state,
            lag_s=base.lag_s if since < LAG_HOLDS else None,
            blocked=mirror.blocked(now),
            root=root,
            children=tuple(children),
            needs=tuple(_later(need, mirror.age(now)) for need in mirror.needs),
            open_incidents=mirror.open_incidents,
            stale_s=base.stale_s if mirror.seq == base.seq else 0.0,
        )


def _later(need: NeedRow, seconds: float) -> NeedRow:
    return need if need.down_s is None else replace(need, down_s=need.down_s + seconds)
