"""A client that watches: a snapshot first, then what changes; a new snapshot if it was too slow for that."""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable

from otp.control.server.connection import Connection, Gone
from otp.control.server.pending import Waiting
from otp.control.wire.protocol import Answer, Failed, encode
from otp.control.wire.rows import Snapshot

__all__ = ("ALWAYS", "WAITING", "Watcher")

WAITING = 256
"""Deltas that may wait for a client; one more, and they are dropped for a snapshot."""

WAITING_BYTES = 4 * 1024 * 1024
"""Bytes that they may have together."""

AGAIN = 1.0
"""Seconds before a client that was too slow gets another snapshot: it must not cost the tree one after the other."""

ALWAYS = sys.maxsize
"""In the place of a delta's number: no snapshot contains it."""


class Watcher:
    """Sends to one client.

    A delta may be made while a snapshot is on its way: 1. the snapshot is asked for; 2. something happens, and its delta
    comes first; 3. the snapshot comes, which may or may not contain that. So deltas wait from the moment of the question
    on, and those that the snapshot contains by its number are left out. A row that comes twice is the same row.

    Args:
        connection: to the client.
        ask: for a snapshot.
        patient: waits for it; if the tree's loop is blocked, for the last one that is known.
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
        """A delta, encoded, and the number of its last event."""
        if len(self._frames) >= WAITING or self._bytes + len(frame) > WAITING_BYTES:
            self._frames.clear()
            self._bytes = 0
            self._lost = True
        if not self._lost:
            self._frames.append((seq, frame))
            self._bytes += len(frame)
        self._something.set()

    def finish(self) -> None:
        """There will be nothing more: end when all of it has been sent."""
        self._ending = True
        self._something.set()

    async def run(self) -> None:
        """Send until there is nothing more to send.

        Raises:
            Gone: the client has left, takes nothing, or says something where nothing is to be said.
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
        """A new one, or why there is none; while the tree's loop is blocked the client gets the last one meanwhile."""
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
        """Until some have been lost, or there will be no more."""
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
