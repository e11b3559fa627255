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

from loguru import logger
from msgspec.structs import replace

from otp.control.connection import Connection, Gone
from otp.control.desk import Question
from otp.control.peer import Peer, peer_of
from otp.control.protocol import (
    ACTING,
    PROTOCOL,
    Answer,
    Failed,
    GetHealth,
    GetSnapshot,
    Greeting,
    ProtocolError,
    Reply,
    Request,
    Watch,
    encode,
)
from otp.control.rows import Blocked, Delta, Snapshot
from otp.control.sockets import Claim
from otp.control.view import health_of
from otp.control.watcher import ALWAYS, Watcher

__all__ = ("MAX_CONNECTIONS", "Server")

MAX_CONNECTIONS = 64
"""Connections at a time."""

REMEMBERED = 4_096
"""Acting requests whose answers are kept, for those that come again."""

LOOK_AT_THE_LOOP = 0.25
"""Seconds between two looks whether the tree's loop is blocked, while somebody waits for it."""

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
        self._ask = ask
        self._watched = watched
        self._blocked = blocked
        self._connections: OrderedDict[Connection, None] = OrderedDict()
        self._watchers: set[Watcher] = set()
        self._acted: OrderedDict[tuple[int, str], tuple[Request, asyncio.Future[Answer | Failed]]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: Snapshot | None = None
        self._last: Delta | None = None
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="otp-control", daemon=True)
        self._serving = threading.Event()

    # ------------------------------------------------------------------------------------------------ from the tree's thread

    def start(self) -> None:
        """Begin to serve."""
        self._listeners = self._claim.listen()
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """End all connections, and remove the sockets."""
        self._soon(self._ended.set)
        self._thread.join()
        self._claim.release()

    def publish(self, delta: Delta) -> None:
        """Tell all that watch."""
        self._soon(self._spread, delta)

    def tell_blocked(self, blocked: Blocked | None) -> None:
        """Tell all that watch what keeps the tree's loop, which cannot tell them itself."""
        self._soon(self._spread_blocked, blocked)

    def answer(self, waiting: "asyncio.Future[Answer | Failed]", answer: Answer | Failed) -> None:
        """Hand an answer over to the one who waits for it."""
        self._soon(_give, waiting, answer)

    def _soon(self, callback: Callable[..., object], *args: object) -> None:
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(callback, *args)

    # ------------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        operate, read = self._listeners
        self._begin(self._accept(operate, "operate"))
        self._begin(self._accept(read, "read"))
        self._serving.set()
        await self._ended.wait()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
        for listener in self._listeners:
            listener.close()

    def _begin(self, run: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket, role: Role) -> None:
        listener.setblocking(False)  # its only argument
        while True:
            try:
                connection, _ = await self._loop.sock_accept(listener)
            except OSError as error:  # out of descriptors: those who are there go on, and some will leave
                logger.warning("control: cannot accept: {}", error.strerror)
                await asyncio.sleep(1.0)
                continue
            self._begin(self._serve(connection, role))

    async def _serve(self, accepted: socket.socket, role: Role) -> None:
        peer = peer_of(accepted)
        connection = await Connection.open(accepted)
        try:
            if refusal := self._refusal(peer):
                await connection.send(encode(Failed(id="", kind="refused", message=refusal)))
                return
            self._connections[connection] = None
            await connection.send(encode(replace(self._greeting, protocol=PROTOCOL, role=role)))
            while True:
                await self._take(connection, peer, role, await connection.receive())
        except ProtocolError as wrong:
            with suppress(Gone):
                await connection.send(encode(Failed(id="", kind="protocol", message=str(wrong))))
        except Gone:
            pass
        finally:
            self._connections.pop(connection, None)
            connection.close()

    def _refusal(self, peer: Peer) -> str:
        if not peer.may_speak:
            return f"this process is not yours, {peer}: only its own user and root may speak to it"
        if len(self._connections) < MAX_CONNECTIONS:
            return ""
        idle = next((one for one in self._connections if one.is_idle), None)
        if idle is None:
            return f"{MAX_CONNECTIONS} clients are connected and busy; end one of them, or try again"
        del self._connections[idle]
        idle.close()
        return ""

    # ------------------------------------------------------------------------------------------------ one request

    async def _take(self, connection: Connection, peer: Peer, role: Role, request: Request) -> None:
        self._connections.move_to_end(connection)
        with connection.busy():
            if isinstance(request.command, ACTING) and role == "read":
                refused = "this socket is for looking only; act on the one without .ro in its name"
                await connection.send(encode(Failed(id=request.id, kind="refused", message=refused)))
            elif isinstance(request.command, Watch):
                await self._watch(connection, peer, request)
            else:
                answer = await self._answer(peer, request)
                if isinstance(answer, Failed):
                    await connection.send(encode(replace(answer, id=request.id)))
                else:
                    await connection.send(encode(Reply(request.id, answer)))

    async def _answer(self, peer: Peer, request: Request) -> Answer | Failed:
        if not isinstance(request.command, ACTING):
            waiting = self._put(peer, request)
            return await self._patient(waiting, request)
        key = peer.uid, request.id
        if key not in self._acted:
            self._acted[key] = request, self._put(peer, request)
            self._forget_some()
        first, waiting = self._acted[key]
        if first.command != request.command:
            message = "this id was used for another command; make a new one for each"
            return Failed(id=request.id, kind="conflict", message=message)
        return await self._patient(waiting, request)

    def _put(self, peer: Peer, request: Request) -> "asyncio.Future[Answer | Failed]":
        waiting: asyncio.Future[Answer | Failed] = self._loop.create_future()
        question = Question(request.id, peer, request.command, lambda answer: self.answer(waiting, answer))
        try:
            self._ask(question)
        except RuntimeError:
            waiting.set_result(Failed(id=request.id, kind="gone", message=f"{self._greeting.app} has ended"))
        return waiting

    def _forget_some(self) -> None:
        while len(self._acted) > REMEMBERED:
            done = next((key for key, (_, waiting) in self._acted.items() if waiting.done()), None)
            if done is None:
                return
            del self._acted[done]

    async def _patient(self, waiting: "asyncio.Future[Answer | Failed]", request: Request) -> Answer | Failed:
        """The answer; if the tree's loop does not turn, what is known without it."""
        while True:
            done, _ = await asyncio.wait((waiting,), timeout=LOOK_AT_THE_LOOP)
            if done:
                answer = waiting.result()
                if isinstance(answer, Snapshot):
                    self._latest = answer
                return answer
            if (blocked := self._blocked()) is not None:
                return self._without_the_loop(request, blocked)

    def _without_the_loop(self, request: Request, blocked: Blocked) -> Answer | Failed:
        latest = self._latest
        if latest is not None and isinstance(request.command, GetSnapshot | GetHealth):
            stale = replace(latest, blocked=blocked, stale_s=blocked.seconds)
            return stale if isinstance(request.command, GetSnapshot) else health_of(stale)
        where = f", at {blocked.stack[-1]}" if blocked.stack else ""
        what = f"the event loop has not turned for {blocked.seconds:.1f} s: {blocked.path} keeps it{where}"
        then = "; it is done as soon as the loop turns again" if isinstance(request.command, ACTING) else ""
        return Failed(id=request.id, kind="blocked", message=what + then)

    # ------------------------------------------------------------------------------------------------ watching

    async def _watch(self, connection: Connection, peer: Peer, request: Request) -> None:
        watcher = Watcher(connection, lambda: self._put(peer, request))
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
        last = self._last or self._latest
        if last is None:
            return
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


def _give(waiting: "asyncio.Future[Answer | Failed]", answer: Answer | Failed) -> None:
    if not waiting.done():
        waiting.set_result(answer)
