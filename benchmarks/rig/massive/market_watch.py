"""An observer outside of every service: what arrives on the bus, when, and over which connection of the provider it came.

Each event has a number in its channel, and the provider knows with which number each connection began and ended. So an
entry of the stream can be told to be the first of a new connection, and what lies between two connections was missed.
The provider is asked afterwards, when the time is taken already.
"""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
import msgspec
from msgspec import Struct

from benchmarks.rig.massive.stage import ProviderProcess
from services.massive.protocol import Quote, Trade, decode_events
from services.massive.provider import Sent
from services.shared import redis_clients
from services.shared.redis_clients import Client

LOOK_EVERY = 0.2
"""Seconds between two questions to the provider; most gaps are over before the first."""

GIVE_UP = 60.0
"""Seconds after which the data counts as gone for good."""


class Gap(Struct, frozen=True):
    """What was felt of one failure.

    Attributes:
        ms: from the failure to the first event of a new connection on the bus.
        missed: events that happened on the market while nobody was subscribed.
    """

    ms: float
    missed: int


class MarketWatch:
    """Reads the stream as it grows, and notes when each entry came."""

    def __init__(self, provider: ProviderProcess, redis: Client, stream: str) -> None:
        self._provider = provider
        self._redis = redis
        self._stream = stream
        self._seen: list[tuple[float, bytes]] = []

    async def follow(self) -> None:
        """Note entry after entry, from the first on."""
        last: str | bytes = "0"
        while True:
            words = ("XREAD", "COUNT", 1_000, "BLOCK", 1_000, "STREAMS", self._stream, last)
            reply = await self._redis.execute_command(*words)
            now = time.perf_counter()
            entries = reply[0][1] if reply else ()
            self._seen += ((now, fields[b"payload"]) for _, fields in entries)
            last = entries[-1][0] if entries else last

    async def connections(self) -> list[Sent]:
        """What the provider has sent so far over each connection."""
        return msgspec.json.decode(await self._provider.tell("sent"), type=list[Sent])

    async def until_it_flows(self, known: int) -> None:
        """Wait for the first event of a connection after the first `known` ones."""
        with anyio.fail_after(GIVE_UP):
            while self._first_after(known, await self.connections()) is None:
                await anyio.sleep(LOOK_EVERY)

    async def gap(self, struck: float, known: int) -> Gap:
        """What came of the failure at `struck`, by `time.perf_counter`, when there had been `known` connections."""
        self._seen = [entry for entry in self._seen if entry[0] > struck]
        with anyio.fail_after(GIVE_UP):
            while True:
                await anyio.sleep(LOOK_EVERY)
                connections = await self.connections()
                first = self._first_after(known, connections)
                if first is not None:
                    return Gap(ms=(first - struck) * 1e3, missed=_missed(connections[known - 1 :]))

    def _first_after(self, known: int, connections: Sequence[Sent]) -> float | None:
        """When the first event of a later connection came; None while not every channel has begun to flow again."""
        carried = max((len(one.channels) for one in connections), default=0)
        later = connections[known:]
        if not later or not later[-1].channels or len(later[-1].channels) < carried:
            return None
        firsts = {name: tally.first for one in reversed(later) for name, tally in one.channels.items()}
        return next((at for at, payload in self._seen if _is_of(payload, firsts)), None)


def _is_of(payload: bytes, firsts: Mapping[str, int]) -> bool:
    for event in decode_events(payload).events:
        if isinstance(event, Trade | Quote):
            channel = f"{'T' if isinstance(event, Trade) else 'Q'}.{event.symbol}"
            if channel in firsts and event.sequence >= firsts[channel]:
                return True
    return False


def _missed(connections: Sequence[Sent]) -> int:
    missed = 0
    heard: dict[str, int] = {}
    for connection in connections:
        for channel, tally in connection.channels.items():
            missed += tally.first - heard.get(channel, tally.first - 1) - 1
            heard[channel] = tally.last
    return missed


@asynccontextmanager
async def open_watch(provider: ProviderProcess, market: str, stream: str) -> AsyncGenerator[MarketWatch]:
    """Watch the stream while the block runs; it has to be empty at first."""
    client = redis_clients.blocking(market)
    async with redis_clients.opened(client), anyio.create_task_group() as group:
        watch = MarketWatch(provider, client, stream)
        group.start_soon(watch.follow)
        yield watch
        group.cancel_scope.cancel()
