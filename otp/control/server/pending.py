"""Pending requests, and cached answers that make actions idempotent; in the server's loop.

A question is answered also after its client has left: what an operator wanted is done, though the terminal is gone.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2s

import msgspec
from msgspec.structs import replace

from otp.control.bridge import Bridge, Question
from otp.control.wire.commands import Acting, Command, GetHealth, GetSnapshot, Watch
from otp.control.wire.health import health_of, not_turning
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import Answer, Failed, Request
from otp.control.wire.rows import Blocked, Snapshot

REMEMBERED = 4_096
"""Acting requests whose answers are kept, for requests that come again."""

MOST_AT_ONCE = 256
"""Questions that may wait for the tree's loop."""

LOOK_AT_THE_LOOP = 0.25
"""Seconds between two looks whether the tree's loop is blocked, while a request waits for it."""

Waiting = asyncio.Future[Answer | Failed]
"""An answer that is still to come; it must not be cancelled."""


class Pending:
    """The requests that wait for the tree's loop.

    Args:
        app: the id of the root.
        bridge: carries questions to the tree's loop.
        now: the time, in seconds; it only ever grows.

    Attributes:
        latest: the newest picture of the tree; None before the first.
    """

    def __init__(self, app: str, bridge: Bridge, *, now: Callable[[], float] = time.monotonic) -> None:
        self.latest: Snapshot | None = None
        self._latest_at = 0.0
        self._app = app
        self._bridge = bridge
        self._now = now
        self._open: dict[Question, Waiting] = {}
        self._acted: OrderedDict[tuple[int, str], tuple[bytes, Waiting]] = OrderedDict()

    async def answer(self, peer: Peer, request: Request) -> Answer | Failed:
        """The answer to a request; an action is done once, however often its request comes."""
        if not acts(request.command):
            return await self.patient(self.put(peer, request), request)
        key, digest = (peer.uid, request.id), _digest(request.command)
        if key not in self._acted:
            if self._is_full:
                return self._too_many(request)
            self._acted[key] = digest, self.put(peer, request)
            self._forget_some()
        first, waiting = self._acted[key]
        if first != digest:
            message = "this id was used for another command; make a new one for each"
            return Failed(id=request.id, kind="conflict", message=message)
        return await self.patient(waiting, request)

    def put(self, peer: Peer, request: Request) -> Waiting:
        """Ask, and do not wait."""
        waiting: Waiting = asyncio.get_running_loop().create_future()
        if self._is_full:
            waiting.set_result(self._too_many(request))
            return waiting
        question = Question(request.id, peer, request.command)
        self._open[question] = waiting
        try:
            self._bridge.ask(question)
        except RuntimeError:
            self.give(question, self._gone())
        return waiting

    async def patient(self, waiting: Waiting, request: Request) -> Answer | Failed:
        """The answer; while the tree's loop does not turn, what is known without it."""
        while True:
            done, _ = await asyncio.wait((waiting,), timeout=LOOK_AT_THE_LOOP)
            if done:
                return waiting.result()
            if (blocked := self._bridge.blocked()) is not None:
                return self._without_the_loop(request, blocked)

    def give(self, question: Question, answer: Answer | Failed) -> None:
        """Complete a request."""
        if isinstance(answer, Snapshot):
            self.keep(answer)
        waiting = self._open.pop(question, None)
        if waiting is not None:  # else it has been told already that the tree has ended
            waiting.set_result(answer)

    def keep(self, picture: Snapshot) -> None:
        """Keep a picture of the tree as the newest one."""
        self.latest, self._latest_at = picture, self._now()

    def end(self) -> None:
        """Complete all requests: there will be no more answers."""
        for question in tuple(self._open):
            self.give(question, self._gone())

    @property
    def _is_full(self) -> bool:
        return len(self._open) >= MOST_AT_ONCE

    def _gone(self) -> Failed:
        return Failed(id="", kind="gone", message=f"{self._app} has ended")

    def _too_many(self, request: Request) -> Failed:
        message = f"{MOST_AT_ONCE} questions wait for the tree already; wait until some of them are answered"
        return Failed(id=request.id, kind="refused", message=message)

    def _forget_some(self) -> None:
        while len(self._acted) > REMEMBERED:
            done = next((key for key, (_, waiting) in self._acted.items() if waiting.done()), None)
            if done is None:
                return
            del self._acted[done]

    def _without_the_loop(self, request: Request, blocked: Blocked) -> Answer | Failed:
        latest = self.latest
        if latest is not None and isinstance(request.command, GetSnapshot | GetHealth | Watch):
            stale = replace(latest, blocked=blocked, stale_s=max(blocked.seconds, self._now() - self._latest_at))
            return health_of(stale) if isinstance(request.command, GetHealth) else stale
        then = "; it is done as soon as the loop turns again" if acts(request.command) else ""
        return Failed(id=request.id, kind="blocked", message=not_turning(blocked) + then)


def acts(command: Command) -> bool:
    """Whether a command changes something; a dry run only looks."""
    return isinstance(command, Acting) and not getattr(command, "dry_run", False)


def _digest(command: Command) -> bytes:
    return blake2s(msgspec.msgpack.encode(command), digest_size=16).digest()
