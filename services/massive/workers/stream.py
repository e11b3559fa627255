"""ws_worker: one connection to the provider, from the handshake to its end; its frames go into the queue.

    connect → authenticate → subscribe → started()
        ├── frames come: look inside, put them into the queue       never waits for the bus
        └── wishes change: subscribe and unsubscribe the difference

It makes one connection and never a second: however the connection ends, the worker raises what happened, as one of
`services.massive.errors`. A frame that cannot be used does not end it; it is rejected with its reason.
"""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import TaskStatus
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidStatus, WebSocketException
from websockets.frames import CloseCode

from services.massive import protocol
from services.massive.config import Feed
from services.massive.errors import (
    AuthFailed,
    AuthTimeout,
    ConnectRefused,
    FeedError,
    FeedSilent,
    FrameTooLarge,
    MaxConnections,
    NotEntitled,
    ProviderClosed,
    ProviderTrouble,
    SlowConsumer,
)
from services.massive.pipeline import Pipeline
from services.shared.identity import ConfigError
from services.shared.retry_after import seconds_asked

CLOSE_WITHIN: Final = 1.0
"""Seconds for the closing handshake; then the socket is dropped."""

PING_EVERY = 20.0
"""Seconds between our pings, and seconds for the provider to answer each."""

HARD_LIMIT: Final = 16
"""Times `frame_limit`: a frame that is still larger ends the connection, as reading it would fill the memory."""

FAILURES: Final[Mapping[str, type[AuthTimeout | MaxConnections | SlowConsumer]]] = {
    "auth_timeout": AuthTimeout,
    "max_connections": MaxConnections,
    "slow_consumer": SlowConsumer,
}
"""The statuses after which the connection is of no more use; those about key and plan apart."""

OUTSIDE_THE_PLAN: Final = ("have access", "your plan", "not entitled")
"""What an error says that is about us. Any other may be over after a while."""


async def run(feed: Feed, pipeline: Pipeline, *, task_status: TaskStatus[None]) -> None:
    """Carry the feed into `pipeline.frames`; ready when authenticated, with the first subscriptions sent.

    Cancelled, it closes the connection with 1000 and leaves within `CLOSE_WITHIN` seconds. Until then it takes what
    comes, as it does when it fails.

    Raises:
        FeedError: always, unless it is cancelled: how the connection failed or ended.
    """
    ending: FeedError | None = None
    async with open_stream(feed, pipeline) as stream:
        await stream.authenticate()
        pipeline.counts.connects += 1
        seen = pipeline.wishes.wanted
        await stream.hold(seen)
        task_status.started()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.follow, seen)
            ending = await stream.drain()
            group.cancel_scope.cancel()
    assert ending is not None, "the group is left when the feed has ended"
    raise ending


class Stream:
    """What goes over one connection, in both directions."""

    def __init__(self, link: ClientConnection, feed: Feed, pipeline: Pipeline) -> None:
        self._link = link
        self._feed = feed
        self._pipeline = pipeline
        self._authenticated = False
        self._held: frozenset[str] = frozenset()
        self._farewell = ""
        self._last_frame = anyio.current_time()
        self._silence = anyio.CancelScope()

    async def authenticate(self) -> None:
        """Send the key and wait for `auth_success`; the provider's `connected` need not come first."""
        try:
            with anyio.fail_after(self._feed.auth_timeout):
                await self._send(protocol.authenticate(self._feed.api_key))
                while not self._authenticated:
                    self._take(await self._receive())
        except TimeoutError:
            raise AuthTimeout(f"no answer to the authentication within {self._feed.auth_timeout:g} s") from None

    async def hold(self, wishes: frozenset[str]) -> None:
        """Ask for what is wished for and not held, give back the rest; no wishes: the feed's own list."""
        wanted = wishes or frozenset(self._feed.subscriptions)
        given_back, added = self._held - wanted, wanted - self._held
        self._held = wanted
        self._expect_frame()
        for request in (*protocol.unsubscribe(given_back), *protocol.subscribe(added)):
            await self._send(request)

    async def follow(self, seen: frozenset[str]) -> None:
        """Hold what is wished for, from `seen` on."""
        while True:
            seen = await self._pipeline.wishes.differ_from(seen)
            await self.hold(seen)

    async def drain(self) -> FeedError:
        """Take frame after frame until the connection ends; return how it ended."""
        try:
            with self._silence:
                while True:
                    self._expect_frame()
                    self._take(await self._receive())
        except FeedError as ending:
            return ending
        return FeedSilent(anyio.current_time() - self._last_frame, "the connection counts as dead")

    async def leave(self) -> None:
        """Close the connection, also under cancellation, and take what the provider sends until it sees that.

        Both at once: with a few unread messages the library stops reading the socket, and would not come as far as the
        provider's answer.
        """
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                group.start_soon(hang_up, self._link)
                await self._take_rest()

    async def _take_rest(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                payload = await self._link.recv(decode=False)
                with suppress(FeedError):  # we are leaving anyway
                    self._take(payload)

    def _expect_frame(self) -> None:
        # Who holds nothing expects nothing.
        allowed = self._feed.silence if self._held else None
        self._silence.deadline = math.inf if allowed is None else anyio.current_time() + allowed

    async def _send(self, request: str) -> None:
        # A send can fail before the frames that say why were read (max_connections, then the close): the reader
        # meets them first and the end of the connection after them.
        with suppress(ConnectionClosed):
            await self._link.send(request)

    async def _receive(self) -> bytes:
        try:
            payload = await self._link.recv(decode=False)
        except ConnectionClosed as closed:
            raise self._ending(closed) from closed
        self._last_frame = anyio.current_time()
        return payload

    def _take(self, payload: bytes) -> None:
        if len(payload) > self._feed.frame_limit:
            reason = f"frame of {len(payload)} bytes, over the limit of {self._feed.frame_limit}"
            self._pipeline.reject(reason, payload)
            return
        try:
            contents = protocol.inspect(payload)
        except protocol.BadFrame as bad:
            self._pipeline.reject(str(bad), payload)
            return
        for name in dict.fromkeys(contents.unknown):
            self._pipeline.reject(f"unknown event {name!r}", payload)
        if known := contents.events - len(contents.unknown):
            self._pipeline.frames.put(payload, known)
        for status in contents.statuses:
            self._heed(status, payload)

    def _heed(self, status: protocol.Status, payload: bytes) -> None:
        if failure := FAILURES.get(status.status):
            raise failure(status.message)
        match status.status:
            case "auth_failed":
                raise AuthFailed(status.message, worked=self._pipeline.counts.connects > 0)
            case "error":
                self._heed_error(status.message, payload)
            case "auth_success":
                self._authenticated = True
            case "connected" | "success":
                pass
            case "force_disconnect":
                self._farewell = status.message
            case unknown:
                self._pipeline.reject(f"unknown status {unknown!r}", payload)

    def _heed_error(self, message: str, payload: bytes) -> None:
        said = message.lower()
        if "not authorized" in said:
            # One channel that the plan does not hold is no reason to give up the others.
            self._pipeline.refuse(message, payload)
        elif any(words in said for words in OUTSIDE_THE_PLAN):
            raise NotEntitled(message, worked=self._pipeline.counts.events_in > 0)
        else:
            raise ProviderTrouble(message)

    def _ending(self, closed: ConnectionClosed) -> FeedError:
        """How the connection ended: by the provider, by our own library, or with no word from either."""
        if closed.rcvd is not None and closed.rcvd_then_sent is not False:
            return ProviderClosed(closed.rcvd.code, closed.rcvd.reason or self._farewell)
        match closed.sent:
            case None:
                return ProviderClosed(CloseCode.ABNORMAL_CLOSURE, self._farewell or "connection lost")
            case sent if sent.code == CloseCode.MESSAGE_TOO_BIG:
                return FrameTooLarge(self._feed.frame_limit * HARD_LIMIT)
            case sent if sent.code == CloseCode.INTERNAL_ERROR:
                return self._unanswered_ping()
            case sent:
                return ProviderClosed(CloseCode.ABNORMAL_CLOSURE, f"we gave up with {sent.code} {sent.reason}")

    def _unanswered_ping(self) -> FeedError:
        # Two causes look alike to the library. Frames came while it waited: the answer is behind those that we have
        # not read. No frames either: nobody is there. It waits PING_EVERY for the answer, then CLOSE_WITHIN for a
        # close in which frames are thrown away unseen.
        quiet = anyio.current_time() - self._last_frame
        if quiet < PING_EVERY / 2 + CLOSE_WITHIN:
            return SlowConsumer("no answer to our ping, though frames come")
        return FeedSilent(quiet, "no answer to our ping either")


@asynccontextmanager
async def open_stream(feed: Feed, pipeline: Pipeline) -> AsyncGenerator[Stream]:
    """A connection to the provider, left at the end in every case.

    Raises:
        AuthFailed, ConnectRefused: there is no connection.
    """
    stream = Stream(await connected(feed, worked=pipeline.counts.connects > 0), feed, pipeline)
    try:
        yield stream
    finally:
        await stream.leave()


async def connected(feed: Feed, *, worked: bool) -> ClientConnection:
    """The provider's socket, after the handshake.

    Args:
        feed: says where it is.
        worked: whether the key was accepted before.

    Raises:
        AuthFailed: the handshake is answered with HTTP 401 or 403.
        ConfigError: the environment names a proxy that cannot be one.
        ConnectRefused: there is no connection for another reason.
    """
    url = f"{feed.url.rstrip('/')}/{feed.market}"
    try:
        return await connect(
            url,
            open_timeout=feed.open_timeout,
            close_timeout=CLOSE_WITHIN,
            ping_interval=PING_EVERY,
            ping_timeout=PING_EVERY,
            max_size=feed.frame_limit * HARD_LIMIT,
            # Over the internet bytes are dear, on this host processor time is.
            compression="deflate" if url.startswith("wss:") else None,
            proxy=None if _is_loopback(url) else True,
        )
    except InvalidStatus as answer:
        status = answer.response.status_code
        if status in {401, 403}:
            raise AuthFailed(f"HTTP {status}", worked=worked) from answer
        wait = seconds_asked(answer.response.headers.get("Retry-After"))
        raise ConnectRefused(url, f"HTTP {status}", status=status, retry_after=wait) from answer
    except InvalidProxy as error:
        raise ConfigError(f"the proxy that the environment names for {url}: {error.msg}") from None
    except (OSError, WebSocketException) as error:
        raise ConnectRefused(url, str(error)) from error


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


async def hang_up(link: ClientConnection) -> None:
    """Close with 1000, and drop the socket when the provider does not answer in time.

    Left to itself the library would send 1011 when cancelled, and under a cancelled scope leave socket and ping task
    behind: the next connection with the same key would then fight its own predecessor.
    """
    try:
        with anyio.move_on_after(CLOSE_WITHIN):
            await link.close(CloseCode.NORMAL_CLOSURE)
    finally:
        link.transport.abort()
    await link.wait_closed()
