"""Books: what the provider sent against what is on the bus, event by event."""

from collections import Counter
from typing import Any

import anyio
from msgspec import Struct

from services.massive.config import Keys
from services.massive.protocol import Quote, Trade, decode_events
from services.massive.provider import Provider
from services.shared.redis_clients import Client

PAGE = 500
"""Entries that are read at once."""

PATIENCE = 3.0
"""Seconds after which an event that the provider sent and that is not on the bus counts as lost."""


class Balance(Struct, frozen=True):
    """How the books stand.

    Attributes:
        sent: trades and quotes that the provider sent to a subscriber.
        on_bus: those of them that are on the bus.
        lost: those that are not.
        duplicated: events that are on the bus more than once, counted as often as they are superfluous.
    """

    sent: int
    on_bus: int
    lost: int
    duplicated: int


class Audit:
    """Reads the stream once, from its beginning on; trades and quotes are told apart by channel and number."""

    def __init__(self, provider: Provider, redis: Client, keys: Keys) -> None:
        self._provider = provider
        self._redis = redis
        self._stream = keys.stream
        self._last = "-"
        self._on_bus: dict[str, Counter[int]] = {}

    async def balance(self) -> Balance:
        """Compare with what has been sent until now, and give what is under way the time to arrive."""
        sent = [
            (channel, tally.first, tally.last)
            for connection in self._provider.sent
            for channel, tally in connection.channels.items()
            if channel.startswith(("T.", "Q."))
        ]
        with anyio.move_on_after(PATIENCE):
            while not self._arrived(sent):
                await self._read_on()
                await anyio.sleep(0.02)
        total = sum(last - first + 1 for _, first, last in sent)
        lost = self._missing(sent)
        twice = sum(count - 1 for channel in self._on_bus.values() for count in channel.values())
        return Balance(total, total - lost, lost, twice)

    def _arrived(self, sent: list[tuple[str, int, int]]) -> bool:
        # The last ones come last; only then is it worth while to look at each.
        return all(last in self._on_bus.get(channel, ()) for channel, _, last in sent) and not self._missing(sent)

    def _missing(self, sent: list[tuple[str, int, int]]) -> int:
        return sum(
            number not in self._on_bus.get(channel, ())
            for channel, first, last in sent
            for number in range(first, last + 1)
        )

    async def _read_on(self) -> None:
        while True:
            page: list[Any] = await self._redis.execute_command("XRANGE", self._stream, self._last, "+", "COUNT", PAGE)
            for id, fields in page:
                self._last = f"({id.decode()}"
                self._enter(fields[b"payload"])
            if len(page) < PAGE:
                return

    def _enter(self, payload: bytes) -> None:
        for event in decode_events(payload).events:
            if isinstance(event, Trade | Quote):
                topic = "T" if isinstance(event, Trade) else "Q"
                self._on_bus.setdefault(f"{topic}.{event.symbol}", Counter())[event.sequence] += 1
