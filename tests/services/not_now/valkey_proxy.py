"""A go-between before a Valkey server: what it is told, it hands on; or it answers by itself, rightly or not.

It stands for those states of a server that a single one cannot be brought into, for a name behind which another server
answers after a failover, and for a proxy that is broken.
"""

import asyncio
from contextlib import asynccontextmanager

GREETING = (b"HELLO", b"CLIENT", b"AUTH", b"SELECT")


class GoBetween:
    """Listens at `url`. What it does with a request is `treat`, a coroutine function; None: hand it on.

    Attributes:
        to: path of the socket of the server behind it, for connections from now on.
    """

    def __init__(self, path, to):
        self.path = path
        self.url = f"unix://{path}"
        self.to = to
        self.treat = None
        self.asked = 0
        self._behind = set()

    def say(self, reply):
        """Answer every request with that from now on, but greetings, which a server in trouble answers too."""

        async def said(words, hand_on):
            return await hand_on() if words[0].upper() in GREETING else reply

        self.treat = said

    def be_honest(self):
        self.treat = None

    def hang_up(self):
        """Break the connections to the server."""
        for there in self._behind:
            there.transport.abort()

    async def _serve(self, reader, writer):
        behind = None
        try:
            behind, there = await asyncio.open_unix_connection(self.to)
            self._behind.add(there)
            while words := await _request(reader):
                self.asked += 1
                writer.write(await self._answer(words, behind, there))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()
            if behind is not None:
                self._behind.discard(there)
                there.transport.abort()

    async def _answer(self, words, behind, there):
        async def hand_on():
            there.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
            return await _reply(behind)

        return await (hand_on() if self.treat is None else self.treat(words, hand_on))


async def _request(reader):
    """The words of a request; none when there are no more."""
    line = await reader.readline()
    if not line:
        return []
    return [await _bulk(reader, int((await reader.readline())[1:])) for _ in range(int(line[1:]))]


async def _bulk(reader, length):
    return (await reader.readexactly(length + 2))[:-2]


async def _reply(reader):
    """The bytes of one reply, in RESP3."""
    line = await reader.readline()
    if not line:
        raise OSError("closed by the server")
    kind, rest = line[:1], line[1:-2]
    if kind in b"$=!" and rest != b"-1":
        return line + await reader.readexactly(int(rest) + 2)
    if kind in b"*~>%|" and rest != b"-1":
        parts = int(rest) * (2 if kind in b"%|" else 1)
        return line + b"".join([await _reply(reader) for _ in range(parts)])
    return line


@asynccontextmanager
async def open_go_between(server, path):
    """One before that server, for the block."""
    between = GoBetween(path, server.removeprefix("unix://"))
    open_ones = {}

    async def serve(reader, writer):
        open_ones[asyncio.current_task()] = writer
        try:
            await between._serve(reader, writer)
        finally:
            del open_ones[asyncio.current_task()]

    listening = await asyncio.start_unix_server(serve, path)
    try:
        yield between
    finally:
        listening.close()
        while open_ones:
            for writer in open_ones.values():
                writer.transport.abort()
            between.hang_up()
            await asyncio.sleep(0.01)
