"""The provider: its connections, its market, and its faults on command."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import anyio
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import Close
from websockets.http11 import Request, Response

from services.massive.provider.config import TOPICS, ProviderConfig
from services.massive.provider.pace import Pace
from services.massive.provider.session import CLOSE_WITHIN, Sent, Session
from services.massive.provider.tape import Channel, Tape

TICK = 0.01
"""Seconds between two looks at what is due, at the least."""

DOZE = 0.1
"""Seconds between two looks, at the most: a change of the rate is noticed by then."""

POLICY_VIOLATION = 1008


class Provider:
    """The vendor's server, made by `open_provider`.

    A fault strikes the connections that are open; `refuse_keys`, `turn_away` and `trickle` last until `heal`.

    Attributes:
        url: its address without the market, as `Feed.url` wants it; empty until it listens.
    """

    def __init__(self, config: ProviderConfig) -> None:
        self.url = ""
        self._config = config
        self._tape = Tape(config)
        self._ticks = Pace(config.rate, time.monotonic())
        self._bars = Pace(config.bar_rate, time.monotonic())
        self._all: list[Session] = []
        self._open: dict[Session, None] = {}  # in the order in which they came
        self._closing: set[asyncio.Task[None]] = set()
        self._accepts_keys = True
        self._turning_away: tuple[int, str] | None = None
        self._reachable = True

    @property
    def sent(self) -> Sequence[Sent]:
        """What was sent over each connection so far, the oldest connection first."""
        return [session.sent() for session in self._all]

    @property
    def connections(self) -> int:
        """How many connections are open, silent ones too."""
        return len(self._open)

    async def close_all(self, code: int, reason: str = "") -> None:
        """Close every connection politely: 1012 service restart, 1013 try again later, 1001 going away.

        Raises:
            ProtocolError: no such code may be sent.
        """
        Close(code, reason).check()
        await asyncio.gather(*(session.close(code, reason) for session in self._open))

    async def evict_all(self) -> None:
        """Say `max_connections` to everyone and close with 1008, as if the key were in use elsewhere."""
        for session in tuple(self._open):
            self._evict(session)
        await asyncio.gather(*self._closing)

    async def cut_off_all(self) -> None:
        """Say `slow_consumer` to everyone and close with 1008."""
        for session in tuple(self._open):
            self._cut_off(session)
        await asyncio.gather(*self._closing)

    def drop_all(self) -> None:
        """Break every connection without a close frame."""
        for session in self._open:
            session.drop()

    def go_silent(self) -> None:
        """Leave the connections half-open: no frame is sent, no ping answered, no close noticed."""
        for session in self._open:
            session.fall_silent()

    def send_raw(self, payload: bytes) -> None:
        """Send everyone this text frame, whatever it is."""
        for session in self._open:
            session.send(payload)

    def send_malformed(self) -> None:
        """Send everyone a frame that was cut off in the middle."""
        self.send_raw(b'[{"ev":"Q","sym":"AAPL","bx":4,"bp":11')

    def send_oversize(self, size: int) -> None:
        """Send everyone a frame of so many bytes: valid JSON, an array of nothing."""
        self.send_raw(b"[" + b" " * (size - 2) + b"]")

    def trickle(self, rate: float) -> None:
        """Let the market slow down to so many trades and quotes per second."""
        self._ticks.change(rate, time.monotonic())

    def refuse_keys(self) -> None:
        """Accept no key any more."""
        self._accepts_keys = False

    def turn_away(self, code: int, reason: str = "") -> None:
        """Close each new connection at once, as a server that restarts does for a while.

        Raises:
            ProtocolError: no such code may be sent.
        """
        Close(code, reason).check()
        self._turning_away = (code, reason)

    def refuse_connections(self) -> None:
        """Answer each new handshake with 503, as a load balancer does that has nobody behind it."""
        self._reachable = False

    def heal(self) -> None:
        """End all faults: connections and keys are accepted, the rate is the configured one, the silent speak again."""
        self._reachable = True
        self._accepts_keys = True
        self._turning_away = None
        self._ticks.change(self._config.rate, time.monotonic())
        for session in self._open:
            if session.silent:
                session.speak_again()

    def answer(self, link: ServerConnection, request: Request) -> Response | None:
        """Answer a handshake; None: go on with it."""
        if not self._reachable:
            return link.respond(HTTPStatus.SERVICE_UNAVAILABLE, "nobody is here\n")
        return _refuse_path(link, request)

    async def serve(self, link: ServerConnection) -> None:
        """Handle one connection to its end."""
        assert link.request is not None, "the handshake is over"
        session = Session(len(self._all) + 1, link.request.path.strip("/"), link, self._config, self._tape)
        self._all.append(session)
        self._open[session] = None
        try:
            if self._turning_away is not None:
                await session.close(*self._turning_away)
            else:
                await session.serve(self._admit, self._subscribed)
        finally:
            del self._open[session]

    async def run_market(self) -> None:
        """Let the market go on for ever, at its rate, and send everyone what they hold."""
        while True:
            now = time.monotonic()
            heard = frozenset[Channel]().union(*(session.held for session in self._open))
            made = self._tape.advance(self._ticks.take(now), self._bars.take(now), heard)
            if made:
                for session in tuple(self._open):
                    session.deliver(made)
                    if session.overdue:
                        self._cut_off(session)
            due = min(self._ticks.next_at(), self._bars.next_at()) - time.monotonic()
            await anyio.sleep(min(max(due, TICK), DOZE))

    async def end(self) -> None:
        """Say goodbye with 1001 to those who listen, and drop the others."""
        for session in self._open:
            if session.silent:
                session.drop()
        await self.close_all(1001, "going away")
        await asyncio.gather(*self._closing)

    def _admit(self, session: Session, key: str) -> None:
        if not self._accepts_keys or key not in self._config.keys:
            session.say("auth_failed", "authentication failed")
            session.drop_after_sending()
            return
        rivals = [other for other in self._open if other.key == key and other.market == session.market]
        session.key = key
        session.say("auth_success", "authenticated")
        excess = len(rivals) + 1 - self._config.connections_per_key
        if excess > 0 and self._config.excess == "refuse":
            session.unwanted = True
        elif excess > 0:
            for older in rivals[:excess]:
                self._evict(older)

    def _subscribed(self, session: Session) -> None:
        if session.unwanted:
            self._evict(session)

    def _evict(self, session: Session) -> None:
        message = "Maximum number of websocket connections exceeded. You have reached the limit of your account."
        self._expel(session, "max_connections", message)

    def _cut_off(self, session: Session) -> None:
        self._expel(session, "slow_consumer", "You are not reading fast enough.")

    def _expel(self, session: Session, status: str, message: str) -> None:
        session.key = ""
        session.held = set()
        session.say(status, message)
        self._begin(session.close(POLICY_VIOLATION, status))

    def _begin(self, closing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _refuse_path(link: ServerConnection, request: Request) -> Response | None:
    if request.path.strip("/") in TOPICS:
        return None
    known = ", ".join(f"/{market}" for market in TOPICS)
    return link.respond(HTTPStatus.NOT_FOUND, f"no market at {request.path}; there are {known}\n")


@asynccontextmanager
async def open_provider(config: ProviderConfig | None = None) -> AsyncGenerator[Provider]:
    """Run a provider while the block runs; at the end everyone is sent away with 1001.

    Raises:
        OSError: the port is taken.
    """
    config = config or ProviderConfig()
    provider = Provider(config)
    server = await serve(
        provider.serve,
        config.host,
        config.port,
        process_request=provider.answer,
        compression=None,
        ping_interval=None,
        close_timeout=CLOSE_WITHIN,
        max_size=1_000_000,
    )
    provider.url = _url(server)
    market = asyncio.get_running_loop().create_task(provider.run_market(), name="the provider's market")
    try:
        yield provider
    finally:
        with anyio.CancelScope(shield=True):
            await _end(provider, server, market)


async def _end(provider: Provider, server: Server, market: "asyncio.Task[None]") -> None:
    market.cancel()
    await provider.end()
    server.close()
    await server.wait_closed()
    await asyncio.wait([market])
    if not market.cancelled():
        market.result()  # it ends by itself only with an error


def _url(server: Server) -> str:
    host, port = next(iter(server.sockets)).getsockname()[:2]
    return f"ws://{host}:{port}"
