"""A client that watches: a snapshot first, then what changes; a new snapshot if it was too slow for that."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable

from otp.control.connection import Connection
from otp.control.protocol import Answer, Failed, encode
from otp.control.rows import Snapshot

__all__ = ("ALWAYS", "WAITING", "Watcher")

WAITING = 256
"""Deltas that may wait for a client; one more, and they are dropped for a snapshot."""


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
    """

    def __init__(self, connection: Connection, ask: Callable[[], "asyncio.Future[Answer | Failed]"]) -> None:
        self._connection = connection
        self._ask = ask
        self._frames: deque[tuple[int, bytes]] = deque()
        self._something = asyncio.Event()
        self._lost = False

    def put(self, seq: int, frame: bytes) -> None:
        """A delta, encoded, and the number of its last event."""
        if len(self._frames) >= WAITING:
            self._frames.clear()
            self._lost = True
        if not self._lost:
            self._frames.append((seq, frame))
        self._something.set()

    async def run(self) -> None:
        """Send until the client leaves, or the tree has ended.

        Raises:
            Gone: the client has left, or takes nothing.
        """
        sending = asyncio.create_task(self._send())
        leaving = asyncio.create_task(self._connection.until_gone())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            self._lost = False
            answer = await self._ask()
            if not isinstance(answer, Snapshot):
                assert isinstance(answer, Failed), "the answer to Watch is a snapshot"
                await self._connection.send(encode(answer))
                return
            await self._connection.send(encode(answer))
            await self._send_deltas(answer.seq)

    async def _send_deltas(self, seen: int) -> None:
        """Until some have been lost."""
        while not self._lost:
            while self._frames:
                seq, frame = self._frames.popleft()
                if seq > seen:
                    await self._connection.send(frame)
            self._something.clear()
            if not self._frames and not self._lost:
                await self._something.wait()
