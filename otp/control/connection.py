"""One connection of a client, as the server sees it."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

from otp.control.protocol import HEADER, MAX_REQUEST, Request, decode_request, length_of

__all__ = ("Connection", "Gone")

WHOLE_WITHIN = 5.0
"""Seconds from the first byte of a request to its last."""

TAKEN_WITHIN = 30.0
"""Seconds in which a client has to take what is sent to it."""


class Gone(Exception):
    """The client has left, or is too slow to be waited for."""


class Connection:
    """Reads requests and writes frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._requests = 0

    @classmethod
    async def open(cls, accepted: socket.socket) -> "Connection":
        """Around an accepted socket."""
        return cls(*await asyncio.open_unix_connection(sock=accepted))

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request."""
        return self._requests == 0

    @contextmanager
    def busy(self) -> Generator[None]:
        """A request of it is being worked on."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def receive(self) -> Request:
        """The next request.

        Raises:
            Gone: there is none, or it does not come to its end.
            ProtocolError: what comes is none.
        """
        try:
            first = await self._reader.readexactly(1)
            async with asyncio.timeout(WHOLE_WITHIN):
                header = first + await self._reader.readexactly(HEADER - 1)
                body = await self._reader.readexactly(length_of(header, MAX_REQUEST))
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            raise Gone from None
        return decode_request(body)

    async def send(self, frame: bytes) -> None:
        """Write a frame, and wait until the client has taken most of it.

        Raises:
            Gone: it does not.
        """
        try:
            self._writer.write(frame)
            async with asyncio.timeout(TAKEN_WITHIN):
                await self._writer.drain()
        except (TimeoutError, OSError):
            raise Gone from None

    async def until_gone(self) -> None:
        """Wait until the client leaves; what it still says is thrown away."""
        try:
            while await self._reader.read(4_096):
                pass
        except OSError:
            pass

    def close(self) -> None:
        """End it, without waiting for a client that takes nothing."""
        transport = self._writer.transport
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()
