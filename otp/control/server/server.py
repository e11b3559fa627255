"""The server of the control sockets: a thread with an event loop of its own.

So a question reaches the tree's loop as one callback and leaves it as one; all reading, checking, waiting and writing is
done here, whatever runs the tree (asyncio, uvloop, trio). And while the tree's loop does not turn, this one can still
say so.

What a client can cost is bounded: so many connections, of which the longest idle one gives way to a new one; one request
of each at a time, of so many bytes, which has to come within so many seconds; so many deltas that wait for it.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from functools import partial
from socket import socket
from typing import Any, Literal

from msgspec.structs import replace

from otp.control.bridge import Bridge, Question
from otp.control.server.accepting import accept_for_ever
from otp.control.server.connection import Connection, Gone
from otp.control.server.pending import Pending, acts
from otp.control.server.watcher import MAX_WATCHERS, Watcher, Watchers
from otp.control.wire.commands import Watch
from otp.control.wire.peer import Peer, peer_of
from otp.control.wire.protocol import PROTOCOL, Answer, Failed, Failure, Greeting, ProtocolError, Reply, Request, encode
from otp.control.wire.rows import Blocked, Delta, Snapshot
from otp.control.wire.sockets import Claim
from otp.observe.logger import logger

MAX_CONNECTIONS = 64
"""Connections at a time."""

LAST_WORDS = 0.5
"""Seconds at the end in which clients may take what has been sent to them."""

Role = Literal["operate", "read"]


class Server:
    """Serves the sockets of one process.

    Args:
        claim: the right to them.
        greeting: the first message to each client; the role is filled in.
        bridge: to the tree's loop. This is its end in the thread.
    """

    def __init__(self, claim: Claim, greeting: Greeting, bridge: Bridge) -> None:
        self._claim = claim
        self._greeting = greeting
        self._bridge = bridge
        self._pending = Pending(greeting.app, bridge)
        self._connections: OrderedDict[Connection, None] = OrderedDict()
        self._watchers = Watchers()
        self._accepting: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._serving = threading.Event()

    # ------------------------------------------------------------------------------------------------ in the tree's loop

    def start(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the sockets cannot be had.
            RuntimeError: the thread cannot.
        """
        with ExitStack() as undone:
            self._loop = asyncio.SelectorEventLoop()
            undone.callback(self._loop.close)
            self._listeners = self._claim.listen()
            for listener in self._listeners:
                undone.callback(listener.close)
            self._thread = threading.Thread(target=self._run, name="otp-control", daemon=True)
            self._thread.start()
            undone.pop_all()
        self._serving.wait()

    def stop(self) -> None:
        """End all connections, once they have been sent their last words, and remove the sockets."""
        self.soon(self._ended.set)
        self._thread.join()
        self._claim.release()

    def soon(self, callback: Callable[..., object], *args: object) -> None:
        """Have `callback` called in the loop of the server; from any thread."""
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(callback, *args)

    # ------------------------------------------------------------------------------------------------ over the bridge

    def answer(self, question: Question, answer: Answer | Failed) -> None:
        """Complete the request that the question came from."""
        self._pending.give(question, answer)

    def publish(self, delta: Delta) -> None:
        """Send what has changed to the clients that watch."""
        self._watchers.publish(delta)

    def keep(self, picture: Snapshot) -> None:
        """Keep a picture of the tree, for as long as its loop cannot be asked."""
        self._pending.keep(picture)

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Send what keeps the tree's loop to the clients that watch."""
        self._watchers.tell_blocked(blocked, self._pending.latest)

    # ------------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        operate, read = self._listeners
        self._accepting = [self._accept(operate, "operate"), self._accept(read, "read")]
        self._serving.set()
        await self._ended.wait()
        await self._part()
        for listener in self._listeners:
            listener.close()

    async def _part(self) -> None:
        """Accept no more clients, send the last words to those that are here, and end all."""
        for accepting in self._accepting:
            accepting.cancel()
        self._pending.end()
        self._watchers.finish()
        for connection in self._connections:
            if connection.is_idle:
                connection.close()
        await asyncio.wait(self._tasks, timeout=LAST_WORDS)
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    def _begin(self, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _accept(self, listener: socket, role: Role) -> asyncio.Task[None]:
        return self._begin(accept_for_ever(listener, lambda accepted: self._begin(self._serve(accepted, role))))

    # ------------------------------------------------------------------------------------------------ one client

    async def _serve(self, accepted: socket, role: Role) -> None:
        try:
            connection = await Connection.open(accepted)
        except Gone:
            return
        try:
            await self._talk(connection, peer_of(accepted), role)
        except ProtocolError as wrong:
            with suppress(Gone):
                await connection.send(_failed("", "protocol", str(wrong)))
        except Gone:
            pass
        except Exception as bug:  # noqa: BLE001 # of one connection; the others go on
            logger.error("control: a connection failed: {!r}", bug)
        finally:
            self._connections.pop(connection, None)
            connection.close()

    async def _talk(self, connection: Connection, peer: Peer, role: Role) -> None:
        if refusal := self._refusal(peer):
            await connection.send(_failed("", "refused", refusal))
            return
        self._connections[connection] = None
        await connection.send(encode(replace(self._greeting, protocol=PROTOCOL, role=role)))
        while not self._ended.is_set():
            await self._take(connection, peer, role, await connection.receive())

    def _refusal(self, peer: Peer) -> str:
        if not peer.is_trusted:
            return f"this process is not yours, {peer}: only its own user and root may speak to it"
        if len(self._connections) < MAX_CONNECTIONS:
            return ""
        now = self._loop.time()
        idle = next((one for one in self._connections if one.is_idle), None)
        least = idle or next((one for one in self._connections if one.is_stuck(now)), None)
        if least is None:
            return f"{MAX_CONNECTIONS} clients are connected and busy; end one of them, or try again"
        del self._connections[least]
        least.close()
        return ""

    async def _take(self, connection: Connection, peer: Peer, role: Role, request: Request) -> None:
        if connection in self._connections:  # it has not just given way
            self._connections.move_to_end(connection)
        with connection.busy():
            if role == "read" and acts(request.command):
                refused = "this socket is for looking only; act on the one without .ro in its name"
                await connection.send(_failed(request.id, "refused", refused))
            elif isinstance(request.command, Watch):
                await self._watch(connection, peer, request)
            else:
                answer = await self._pending.answer(peer, request)
                said = replace(answer, id=request.id) if isinstance(answer, Failed) else Reply(request.id, answer)
                await connection.send(encode(said))

    async def _watch(self, connection: Connection, peer: Peer, request: Request) -> None:
        if len(self._watchers) >= MAX_WATCHERS:
            await connection.send(
                _failed(request.id, "refused", f"{MAX_WATCHERS} clients watch already; end one of them")
            )
            return
        pending = self._pending
        watcher = Watcher(
            connection, partial(pending.put, peer, request), lambda waiting: pending.patient(waiting, request)
        )
        self._watchers.add(watcher)
        self._bridge.is_watched = True
        try:
            await watcher.run()
        finally:
            self._watchers.discard(watcher)
            self._bridge.is_watched = bool(self._watchers)


def _failed(id: str, kind: Failure, message: str) -> bytes:
    return encode(Failed(id=id, kind=kind, message=message))
