"""Redis clients by role: who may retry, who may wait, and for how long.

redis-py's own defaults differ between its constructors (`from_url` never retries, `Redis()` retries ten times), and a
retried XADD adds its entry twice. So every client is made here, with its retries written down.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import chain, repeat
from typing import Any, Final, Protocol, cast

import anyio
import redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoReply
from redis.retry import Retry as ThreadRetry

from services.shared.redis_address import normalised
from services.shared.redis_client import RedisClient, RenewablePool
from services.shared.redis_refusals import AccessRefused, WrongAnswer

HEALTH_CHECK: Final = 10
"""Seconds of idleness after which a client that never retries tries its connection with PING before using it."""

CLOSING: Final = 1.0
"""Seconds that closing a client may take."""

PATIENCE: Final = 2.5
"""Seconds that a worker waits at its start for a server. Then it fails, which is logged and held."""

LONGEST_READ: Final = 10.0
"""Seconds for an answer to a read that waits for data: no such read waits longer than two, so half an answer came."""

_PAUSES: Final = (0.05, 0.1, 0.2, 0.4)

Word = str | bytes | int | float


class Pipeline(Protocol):
    """Commands that go out together."""

    def execute_command(self, *words: Word) -> object:
        """Put a command into the pipeline."""
        ...

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return their replies, errors among them when they are not to be raised."""
        ...


class PubSub(Protocol):
    """One subscribed connection."""

    async def subscribe(self, *channels: str) -> None:
        """Ask for channels; the confirmation comes as a message of the type `subscribe`."""
        ...

    def listen(self) -> AsyncIterator[dict[str, Any]]:
        """Iterate over messages and confirmations."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class Client(Protocol):
    """The part of `redis.asyncio.Redis` that services use, with types; replies are bytes."""

    async def execute_command(self, *words: Word) -> Any:
        """Send one command and return its reply."""
        ...

    def pipeline(self, transaction: bool = True) -> Pipeline:
        """Begin commands that go out together, as one MULTI if it is a transaction."""
        ...

    def pubsub(self) -> PubSub:
        """Prepare a connection for subscriptions."""
        ...

    def register_script(self, script: str) -> Callable[..., Awaitable[Any]]:
        """Make a Lua script callable with `keys` and `args`."""
        ...

    def renew(self) -> None:
        """Use no connection of before again; those in use are left when they are done."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class ThreadPipeline(Protocol):
    """Commands of a thread that go out together."""

    def execute_command(self, *words: Word) -> object:
        """Put a command into the pipeline."""
        ...

    def execute(self) -> list[Any]:
        """Send the commands and return their replies."""
        ...


class ThreadClient(Protocol):
    """The part of the synchronous `redis.Redis` that the heartbeat uses."""

    def pipeline(self, transaction: bool = True) -> ThreadPipeline:
        """Begin commands that go out together."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


def control(url: str) -> Client:
    """Make a client for single questions whose repetition does no harm: it retries three times within a second."""
    # A retry finds out about a dead connection. The health check would multiply the retries: against a server that
    # takes a connection and closes it, redis-py 8.1 then makes 16 attempts on TCP and goes on forever on Unix sockets.
    return _client(url, Retry(ExponentialBackoff(cap=0.5, base=0.05), 3), timeout=2.0, health_check=0)


def blocking(url: str) -> Client:
    """Make a client for reads that wait for data, seconds at most: `LONGEST_READ` for each, no retry."""
    return _client(url, Retry(NoBackoff(), 0), timeout=LONGEST_READ, health_check=HEALTH_CHECK)


def producer(url: str) -> Client:
    """Make a client for writes: no retry, since only the writer knows whether a second try would double them."""
    return _client(url, Retry(NoBackoff(), 0), timeout=5.0, health_check=HEALTH_CHECK)


def heartbeat(url: str, timeout: float) -> ThreadClient:
    """Make the synchronous client of the heartbeat thread: one fast retry, `timeout` seconds for each step."""
    connect: Any = redis.Redis  # the signatures of redis-py are partly unknown to type checkers
    made = connect.from_url(
        normalised(url),
        retry=ThreadRetry(NoBackoff(), 1),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        health_check_interval=0,
    )
    return cast("ThreadClient", made)


@asynccontextmanager
async def opened(client: Client | PubSub) -> AsyncGenerator[None]:
    """Close the client at the end, in a second at most, also when the end is a cancellation."""
    try:
        yield
    finally:
        with anyio.move_on_after(CLOSING, shield=True):
            await client.aclose()


@asynccontextmanager
async def lent_or_opened(lent: Client | None, make: Callable[[str], Client], url: str) -> AsyncGenerator[Client]:
    """Use a client that is lent, and leave it open; without one, make one for the block."""
    if lent is not None:
        yield lent
        return
    client = make(url)
    async with opened(client):
        yield client


async def until_it_answers(client: Client) -> None:
    """Wait, with growing pauses, until the server answers what it was asked, for `PATIENCE` seconds at most.

    It begins on a new connection: an incarnation that failed may have left one whose answers are out of step.

    Raises:
        NoReply: it did not answer in time.
        NotConnected: there is no connection to be had, or the server says that it cannot do anything now.
        AccessRefused: the server answers, but not to us.
    """
    client.renew()
    last: Exception = NoReply("no answer")
    with anyio.move_on_after(PATIENCE):
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            try:
                await _echo(client)
            except AccessRefused:
                raise
            except (NotConnected, NoReply, OSError) as error:
                last = error
            else:
                return
            await anyio.sleep(pause)
    raise last


async def _echo(client: Client) -> None:
    asked = secrets.token_hex(8)
    answer = await client.execute_command("ECHO", asked)
    if answer != asked.encode():
        client.renew()
        raise WrongAnswer(f"asked to repeat a word, the server answered with another: {str(answer)[:40]!r}")


def _client(url: str, retry: Retry, *, timeout: float, health_check: int) -> Client:
    kind: Any = RenewablePool  # the signatures of redis-py are partly unknown to type checkers
    pool = kind.from_url(
        normalised(url),
        retry=retry,
        socket_timeout=timeout,
        socket_connect_timeout=5.0,
        health_check_interval=health_check,
    )
    return RedisClient(pool)
