"""One connection to a client: its requests in, frames out, each within a time."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress

from otp.control.wire.protocol import HEADER, MAX_REQUEST, ProtocolError, Request, decode_request, length_of

WHOLE_WITHIN = 5.0
"""Seconds from the first byte of a request to its last."""

TAKEN_WITHIN = 30.0
"""Seconds in which a client has to take what is sent to it."""

STUCK_AFTER = 1.0
"""Seconds after which a client that takes nothing gives way to others."""

PIECE = 256 * 1024
"""Bytes of a frame that are handed over at a time: more would be copied, once for each client."""


class Gone(Exception):
    """The client has left, or is too slow to be waited for."""


class Connection:
    """Reads requests and writes frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._requests = 0
        self._stuck_since: float | None = None

    @classmethod
    async def open(cls, accepted: socket.socket) -> "Connection":
        """Make a connection of an accepted socket, and own that from now on.

        Raises:
            Gone: the client has left meanwhile.
        """
        try:
            return cls(*await asyncio.open_unix_connection(sock=accepted))
        except BaseException as error:
            accepted.close()
            if isinstance(error, OSError):
                raise Gone from None
            raise

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, or its client has left; what that has asked for goes on."""
        return self._requests == 0 or self._reader.at_eof()

    def is_stuck(self, now: float) -> bool:
        """Whether its client has taken nothing for `STUCK_AFTER`, though there is something; `now` is the loop's time."""
        return self._stuck_since is not None and now - self._stuck_since >= STUCK_AFTER

    @contextmanager
    def busy(self) -> Generator[None]:
        """Count a request that is being worked on, for the block."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def receive(self) -> Request:
        """The next request.

        Raises:
            Gone: the client has left.
            ProtocolError: what comes is no request, or does not come to its end.
        """
        try:
            first = await self._reader.readexactly(1)
            async with asyncio.timeout(WHOLE_WITHIN):
                header = first + await self._reader.readexactly(HEADER - 1)
                body = await self._reader.readexactly(length_of(header, MAX_REQUEST))
        except TimeoutError:
            raise ProtocolError(f"a message has to come to its end within {WHOLE_WITHIN:g} s") from None
        except (asyncio.IncompleteReadError, OSError):
            raise Gone from None
        return decode_request(body)

    async def send(self, frame: bytes) -> None:
        """Write a frame, and wait until the client has taken most of it.

        Raises:
            Gone: the client has left, or does not take it.
        """
        self._stuck_since = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                for start in range(0, len(frame), PIECE):
                    self._writer.write(frame[start : start + PIECE])
                    await self._writer.drain()
        except (TimeoutError, OSError):
            raise Gone from None
        finally:
            self._stuck_since = None

    async def until_gone(self) -> None:
        """Wait until the client leaves, or sends something, which a watching client must not."""
        with suppress(OSError):
            await self._reader.read(1)

    def close(self) -> None:
        """End the connection, without waiting for a client that takes nothing."""
        transport = self._writer.transport
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()
