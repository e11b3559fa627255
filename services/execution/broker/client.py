"""The broker's customer: one connection, one request at a time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import msgspec

from services.execution.broker.protocol import (
    LONGEST,
    Answer,
    Fault,
    Fills,
    FillsAfter,
    Misbehave,
    Ping,
    Pong,
    Problem,
    Reply,
    Request,
    Submit,
    decode_reply,
    encode,
)
from services.execution.config import Broker
from services.execution.errors import BrokerConfused, BrokerSilent, BrokerUnavailable

R = TypeVar("R", bound=Reply)


@asynccontextmanager
async def connected(config: Broker) -> AsyncGenerator["BrokerClient"]:
    """A connection for the block.

    Raises:
        BrokerUnavailable: there is none to be had.
    """
    try:
        with anyio.fail_after(config.timeout):
            reader, writer = await asyncio.open_unix_connection(config.socket, limit=LONGEST)
    except OSError as error:  # TimeoutError is one
        raise BrokerUnavailable(config.socket, error) from error
    try:
        yield BrokerClient(config, reader, writer)
    finally:
        writer.transport.abort()


async def answers(config: Broker) -> None:
    """Raise if the broker does not answer: the probe of the broker that workers need."""
    async with connected(config) as broker:
        await broker.ping()


class BrokerClient:
    """Asks the broker. After a failure the connection is of no more use.

    All methods raise `BrokerUnavailable`, `BrokerSilent` or `BrokerConfused`; whether the broker has acted is unknown
    then.
    """

    def __init__(self, config: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._config = config
        self._reader = reader
        self._writer = writer

    async def submit(self, order: Submit) -> Answer:
        """Submit an order, for the first time or again."""
        answer = await self._ask(order, Answer)
        if answer.id != order.id:
            raise BrokerConfused(f"asked about the order {order.id}, the broker answers about {answer.id}")
        return answer

    async def fills(self, *, after: str, wait: float) -> Fills:
        """Fills behind the cursor `after`, which may take `wait` seconds."""
        return await self._ask(FillsAfter(cursor=after, wait=wait), Fills, wait)

    async def ping(self) -> None:
        """Return if the broker and its books are there."""
        await self._ask(Ping(), Pong)

    async def misbehave(self, *faults: Fault, seconds: float = 1.0) -> None:
        """Tell the broker how to answer the next submissions."""
        await self._ask(Misbehave(faults=faults, seconds=seconds), Pong)

    async def _ask(self, request: Request, kind: type[R], patience: float = 0.0) -> R:
        seconds = self._config.timeout + patience
        try:
            with anyio.fail_after(seconds):
                self._writer.write(encode(request))
                await self._writer.drain()
                line = await self._reader.readuntil(b"\n")
        except TimeoutError:
            raise BrokerSilent(seconds) from None
        except asyncio.LimitOverrunError:
            raise BrokerConfused(f"an answer of more than {LONGEST} bytes") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BrokerUnavailable(self._config.socket, "it was closed") from error
        return _read(line, kind)


def _read(line: bytes, kind: type[R]) -> R:
    try:
        reply = decode_reply(line)
    except msgspec.DecodeError as error:
        raise BrokerConfused(f"the broker's answer cannot be read: {error}") from None
    if isinstance(reply, Problem):
        raise BrokerConfused(f"the broker cannot do that: {reply.message}")
    if not isinstance(reply, kind):
        raise BrokerConfused(f"expected {kind.__name__} from the broker, got {type(reply).__name__}")
    return reply
