"""Clients that watch: a snapshot first, then what changes; a new snapshot for a client that was too slow for that."""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable

from otp.control.server.connection import Connection, Gone
from otp.control.server.pending import Waiting
from otp.control.wire.protocol import Answer, Failed, encode
from otp.control.wire.rows import Blocked, Delta, Snapshot

MAX_WATCHERS = 32
"""Clients that may watch at a time: they are never idle, and connections have to be left for clients that act."""

WAITING = 256
"""Deltas that may wait for a client; one more, and they are dropped for a snapshot."""

WAITING_BYTES = 4 * 1024 * 1024
"""Bytes that the waiting deltas of a client may have together."""

AGAIN = 1.0
"""Seconds before a client that was too slow gets another snapshot: it must not cost the tree one after the other."""

_ALWAYS = sys.maxsize
"""In place of the number of a delta that no snapshot contains."""


class Watcher:
    """Sends to one client.

    A delta may be made while a snapshot is on its way:

    1. The snapshot is asked for.
    2. Something happens, and its delta comes first.
    3. The snapshot comes, which may or may not contain what happened.

    So deltas wait from step 1 on, and those that the snapshot contains, by its number, are left out. A row that comes
    twice is the same row.

    Args:
        connection: to the client.
        ask: asks the tree for a snapshot.
        patient: waits for it; while the tree's loop is blocked, gives the latest picture instead.
    """

    def __init__(
        self,
        connection: Connection,
        ask: Callable[[], Waiting],
        patient: Callable[[Waiting], Awaitable[Answer | Failed]],
    ) -> None:
        self._connection = connection
        self._ask = ask
        self._patient = patient
        self._frames: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._something = asyncio.Event()
        self._lost = False
        self._ending = False

    def put(self, seq: int, frame: bytes) -> None:
        """Take an encoded delta, and the number of its last event; too many are dropped for a snapshot."""
        if len(self._frames) >= WAITING or self._bytes + len(frame) > WAITING_BYTES:
            self._frames.clear()
            self._bytes = 0
            self._lost = True
        if not self._lost:
            self._frames.append((seq, frame))
            self._bytes += len(frame)
        self._something.set()

    def finish(self) -> None:
        """End when all that has been put is sent."""
        self._ending = True
        self._something.set()

    async def run(self) -> None:
        """Send until `finish`.

        Raises:
            Gone: the client has left, takes nothing, or sends something, which a watching client must not.
        """
        sending = asyncio.create_task(self._send())
        leaving = asyncio.create_task(self._connection.until_gone())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                raise Gone
            sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self) -> None:
        while not self._ending:
            self._lost = False
            answer = await self._snapshot()
            await self._connection.send(encode(answer))
            if not isinstance(answer, Snapshot):
                return
            await self._send_deltas(answer.seq)
            if not self._ending:
                await asyncio.sleep(AGAIN)

    async def _snapshot(self) -> Snapshot | Failed:
        """A new snapshot, or why there is none; while the tree's loop is blocked the client gets the latest picture."""
        waiting = self._ask()
        answer = await self._patient(waiting)
        if not waiting.done():
            if isinstance(answer, Snapshot):
                await self._connection.send(encode(answer))
            await asyncio.wait((waiting,))
            answer = waiting.result()
        assert isinstance(answer, Snapshot | Failed), "the answer to Watch is a snapshot"
        return answer

    async def _send_deltas(self, seen: int) -> None:
        """Send deltas until some have been dropped, or the end has come."""
        while not self._lost:
            while self._frames:
                seq, frame = self._frames.popleft()
                self._bytes -= len(frame)
                if seq > seen:
                    await self._connection.send(frame)
            self._something.clear()
            if self._ending:
                return
            if not self._frames and not self._lost:
                await self._something.wait()


class Watchers(set[Watcher]):
    """The clients that watch."""

    _last: Delta | None = None

    def publish(self, delta: Delta) -> None:
        """Send what has changed to all."""
        self._last = delta
        self._put(delta.seq, delta)

    def tell_blocked(self, blocked: Blocked | None, latest: Snapshot | None) -> None:
        """Send to all what keeps the tree's loop, which cannot say it itself; the rest is what was known last.

        Args:
            blocked: what keeps it; None: it turns again.
            latest: the newest picture of the tree.
        """
        known = [one for one in (self._last, latest) if one is not None]
        if not known:
            return
        last = max(known, key=lambda one: one.seq)
        delta = Delta(
            seq=last.seq,
            wall=time.time(),
            state=last.state,
            blocked=blocked,
            root=last.root,
            changed=(),
            removed=(),
            needs=last.needs,
            open_incidents=last.open_incidents,
            events=(),
        )
        self._put(_ALWAYS, delta)

    def finish(self) -> None:
        """End all, when what has been put is sent."""
        for watcher in self:
            watcher.finish()

    def _put(self, seq: int, delta: Delta) -> None:
        frame = encode(delta)
        for watcher in self:
            watcher.put(seq, frame)
