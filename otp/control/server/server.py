"""The socket side of the control plane: a thread with an event loop of its own.

So a question reaches the tree's loop as one callback and leaves it as one; all reading, checking, waiting and writing is
done here, whatever runs the tree (asyncio, uvloop, trio). And when the tree's loop does not turn, somebody is still there
to say so.

What a client can cost is bounded: so many connections, of which the longest idle one gives way to a new one; one request
of each at a time, of so many bytes, which has to come within so many seconds; so many deltas that wait for it.
"""

import asyncio
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

from msgspec.structs import replace

from otp.control.server.connection import Connection, Gone
from otp.control.server.pending import Questions, acts
from otp.control.server.token_bucket import TokenBucket
from otp.control.server.watcher import ALWAYS, Watcher
from otp.control.tree.bridge import Question
from otp.control.wire.peer import Peer, peer_of
from otp.control.wire.protocol import (
    PROTOCOL,
    Answer,
    Failed,
    Greeting,
    ProtocolError,
    Reply,
    Request,
    Watch,
    encode,
)
from otp.control.wire.rows import Blocked, Delta, Snapshot
from otp.control.wire.sockets import Claim, not_for_children
from otp.observe.logger import logger
from otp.runtime.crash import describe

__all__ = ("MAX_CONNECTIONS", "Server")

MAX_CONNECTIONS = 64
"""Connections at a time."""

MAX_WATCHERS = 32
"""Of these, the ones that may watch: they are never idle, and somebody must be able to act."""

LAST_WORDS = 0.5
"""Seconds at the end in which clients may take what has been said to them."""

ACCEPTED_A_SECOND = 200.0
"""Connections that each socket accepts in a second, so that a client which opens them without end takes none of the tree's time."""

ACCEPTED_AT_ONCE = 64
"""Connections that may come at once before that counts; those behind wait in the system's queue."""

AGAIN_ACCEPT = 1.0
"""Seconds after which it is tried again when no connection could be accepted."""

COMPLAINTS_A_SECOND = 1 / 60
"""How often the log says so."""

Role = Literal["operate", "read"]


class Server:
    """Serves the sockets of one process.

    Args:
        claim: the right to them.
        greeting: what every client is told first; the role is filled in.
        ask: takes a question to the tree's loop; a RuntimeError once that has ended.
        watched: told whether somebody watches.
        blocked: what keeps the tree's loop from turning; None: it turns.
    """

    def __init__(
        self,
        claim: Claim,
        greeting: Greeting,
        ask: Callable[[Question], None],
        *,
        watched: Callable[[bool], None],
        blocked: Callable[[], Blocked | None],
    ) -> None:
        self._claim = claim
        self._greeting = greeting
        self._watched = watched
        self._questions = Questions(greeting.app, ask, self._soon, blocked)
        self._connections: OrderedDict[Connection, None] = OrderedDict()
        self._watchers: set[Watcher] = set()
        self._accepting: list[asyncio.Task[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: Delta | None = None
        self._ended = asyncio.Event()
        self._serving = threading.Event()

    # ------------------------------------------------------------------------------------------------ from the tree's thread

    def start(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the sockets cannot be had.
            RuntimeError: the thread cannot.
        """
        self._loop = asyncio.SelectorEventLoop()
        try:
            self._listeners = self._claim.listen()
            self._thread = self._begun()
        except BaseException:
            self._loop.close()
            raise
        self._serving.wait()

    def stop(self) -> None:
        """End all connections, once they have said their last words, and remove the sockets."""
        self._soon(self._ended.set)
        self._thread.join()
        self._claim.release()

    def publish(self, delta: Delta) -> None:
        """Tell all that watch."""
        self._soon(self._spread, delta)

    def keep(self, snapshot: Snapshot) -> None:
        """Remember how the tree looks, for as long as it cannot be asked."""
        self._soon(self._questions.keep, snapshot)

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Tell all that watch what keeps the tree's loop, which cannot tell them itself."""
        self._soon(self._spread_blocked, blocked)

    def _soon(self, callback: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(callback, *args)

    # ------------------------------------------------------------------------------------------------ the thread

    def _begun(self) -> threading.Thread:
        try:
            thread = threading.Thread(target=self._run, name="otp-control", daemon=True)
            thread.start()
        except BaseException:
            for listener in self._listeners:
                listener.close()
            raise
        return thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        operate, read = self._listeners
        self._accepting = [
            self._begin(self._go_on_accepting(operate, "operate")),
            self._begin(self._go_on_accepting(read, "read")),
        ]
        self._serving.set()
        await self._ended.wait()
        await self._part()
        for listener in self._listeners:
            listener.close()

    async def _part(self) -> None:
        """Nobody gets in any more; who is here is told the last, and then all is over."""
        for accepting in self._accepting:
            accepting.cancel()
        self._questions.end()
        for watcher in self._watchers:
            watcher.finish()
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

    async def _go_on_accepting(self, listener: socket.socket, role: Role) -> None:
        while True:
            try:
                await self._accept(listener, role)
            except Exception as bug:  # noqa: BLE001 # nobody could look into this process any more
                logger.error("control: accepting has failed, and is started again: {}", describe(bug))
                await asyncio.sleep(AGAIN_ACCEPT)

    async def _accept(self, listener: socket.socket, role: Role) -> None:
        listener.setblocking(False)  # its only argument
        allowed = TokenBucket(ACCEPTED_A_SECOND, ACCEPTED_AT_ONCE)
        complaints = TokenBucket(COMPLAINTS_A_SECOND)
        while True:
            await asyncio.sleep(allowed.book())
            try:
                accepted, _ = await self._loop.sock_accept(listener)
            except OSError as error:  # out of descriptors: those who are there go on, and some will leave
                if complaints.take():
                    logger.warning("control: cannot accept, and tries on: {}", error.strerror)
                await asyncio.sleep(AGAIN_ACCEPT)
                continue
            not_for_children(accepted)
            self._begin(self._serve(accepted, role))

    async def _serve(self, accepted: socket.socket, role: Role) -> None:
        try:
            connection = await Connection.open(accepted)
        except Gone:
            return
        try:
            await self._talk(connection, peer_of(accepted), role)
        except ProtocolError as wrong:
            with suppress(Gone):
                await connection.send(encode(Failed(id="", kind="protocol", message=str(wrong))))
        except Gone:
            pass
        except Exception as bug:  # noqa: BLE001 # of one connection; the others go on
            logger.error("control: a connection failed: {!r}", bug)
        finally:
            self._connections.pop(connection, None)
            connection.close()

    async def _talk(self, connection: Connection, peer: Peer, role: Role) -> None:
        if refusal := self._refusal(peer):
            await connection.send(encode(Failed(id="", kind="refused", message=refusal)))
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

    # ------------------------------------------------------------------------------------------------ one request

    async def _take(self, connection: Connection, peer: Peer, role: Role, request: Request) -> None:
        if connection in self._connections:  # it has not just given way
            self._connections.move_to_end(connection)
        with connection.busy():
            if role == "read" and acts(request.command):
                refused = "this socket is for looking only; act on the one without .ro in its name"
                await connection.send(encode(Failed(id=request.id, kind="refused", message=refused)))
            elif isinstance(request.command, Watch):
                await self._watch(connection, peer, request)
            else:
                answer = await self._questions.answer(peer, request)
                await connection.send(encode(_said(request.id, answer)))

    # ------------------------------------------------------------------------------------------------ watching

    async def _watch(self, connection: Connection, peer: Peer, request: Request) -> None:
        if len(self._watchers) >= MAX_WATCHERS:
            refused = f"{MAX_WATCHERS} clients watch already; end one of them"
            await connection.send(encode(Failed(id=request.id, kind="refused", message=refused)))
            return
        questions = self._questions
        watcher = Watcher(
            connection, lambda: questions.put(peer, request), lambda waiting: questions.patient(waiting, request)
        )
        self._watchers.add(watcher)
        self._watched(True)  # its only argument
        try:
            await watcher.run()
        finally:
            self._watchers.discard(watcher)
            self._watched(bool(self._watchers))

    def _spread(self, delta: Delta) -> None:
        self._last = delta
        frame = encode(delta)
        for watcher in self._watchers:
            watcher.put(delta.seq, frame)

    def _spread_blocked(self, blocked: Blocked | None) -> None:
        known = [one for one in (self._last, self._questions.latest) if one is not None]
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
        frame = encode(delta)
        for watcher in self._watchers:
            watcher.put(ALWAYS, frame)


def _said(id: str, answer: Answer | Failed) -> Reply | Failed:
    return replace(answer, id=id) if isinstance(answer, Failed) else Reply(id, answer)
