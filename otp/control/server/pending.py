"""What clients have asked and the tree's loop has not answered yet; and the answers of acting commands, for who asks again.

It lives in the loop of the socket side. A question that nobody waits for any more is answered all the same: what an
operator wanted is done, also when the operator's terminal is gone.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2s

import msgspec
from msgspec.structs import replace

from otp.control.tree.bridge import Question
from otp.control.wire.health import blocked_text, health_of
from otp.control.wire.peer import Peer
from otp.control.wire.protocol import ACTING, Answer, Command, Failed, GetHealth, GetSnapshot, Request, Watch
from otp.control.wire.rows import Blocked, Snapshot

__all__ = ("Questions", "Waiting", "acts")

REMEMBERED = 4_096
"""Acting requests whose answers are kept, for those that come again."""

MOST_AT_ONCE = 256
"""Questions that may wait for the tree's loop."""

LOOK_AT_THE_LOOP = 0.25
"""Seconds between two looks whether the tree's loop is blocked, while somebody waits for it."""

Waiting = asyncio.Future[Answer | Failed]
"""An answer that is still to come; nobody may cancel it."""


class Questions:
    """Asks the tree's loop.

    Args:
        app: the id of the root.
        ask: takes a question to the tree's loop; a RuntimeError once that has ended.
        soon: has something called in this loop, from any thread.
        blocked: what keeps the tree's loop from turning; None: it turns.
        now: the time, in seconds; it only ever grows.

    Attributes:
        latest: the newest snapshot that there was.
    """

    def __init__(
        self,
        app: str,
        ask: Callable[[Question], None],
        soon: Callable[..., None],
        blocked: Callable[[], Blocked | None],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.latest: Snapshot | None = None
        self._latest_at = 0.0
        self._app = app
        self._ask = ask
        self._soon = soon
        self._blocked = blocked
        self._now = now
        self._open: set[Waiting] = set()
        self._acted: OrderedDict[tuple[int, str], tuple[bytes, Waiting]] = OrderedDict()

    async def answer(self, peer: Peer, request: Request) -> Answer | Failed:
        """The answer to a request; an acting one is done once, however often it comes."""
        if not acts(request.command):
            return await self.patient(self.put(peer, request), request)
        key, digest = (peer.uid, request.id), _digest(request.command)
        if key not in self._acted:
            if len(self._open) >= MOST_AT_ONCE:
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
        if len(self._open) >= MOST_AT_ONCE:
            waiting.set_result(self._too_many(request))
            return waiting
        question = Question(request.id, peer, request.command, lambda answer: self._soon(self._give, waiting, answer))
        self._open.add(waiting)
        try:
            self._ask(question)
        except RuntimeError:
            self._give(waiting, self._gone())
        return waiting

    async def patient(self, waiting: Waiting, request: Request) -> Answer | Failed:
        """The answer; if the tree's loop does not turn, what is known without it."""
        while True:
            done, _ = await asyncio.wait((waiting,), timeout=LOOK_AT_THE_LOOP)
            if done:
                return waiting.result()
            if (blocked := self._blocked()) is not None:
                return self._without_the_loop(request, blocked)

    def keep(self, snapshot: Snapshot) -> None:
        """The tree looks like this now."""
        self.latest, self._latest_at = snapshot, self._now()

    def end(self) -> None:
        """There will be no more answers."""
        for waiting in tuple(self._open):
            self._give(waiting, self._gone())

    def _give(self, waiting: Waiting, answer: Answer | Failed) -> None:
        self._open.discard(waiting)
        if isinstance(answer, Snapshot):
            self.keep(answer)
        if not waiting.done():
            waiting.set_result(answer)

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
        return Failed(id=request.id, kind="blocked", message=blocked_text(blocked) + then)


def acts(command: Command) -> bool:
    """Whether it changes something: a dry run only looks."""
    return isinstance(command, ACTING) and not getattr(command, "dry_run", False)


def _digest(command: Command) -> bytes:
    return blake2s(msgspec.msgpack.encode(command), digest_size=16).digest()
