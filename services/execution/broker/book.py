"""The paper broker's books, on intel-redis: orders by their customers' ids, and fills. Each change is one step.

Nothing of it is in the broker's memory, so a broker that was killed goes on where it stopped.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from services.execution.broker.protocol import Answer, Fill, Fills, Submit
from services.execution.config import BrokerKeys
from services.shared import redis_clients
from services.shared.bus_probe import takes_writes
from services.shared.identity import Buses
from services.shared.redis_clients import Client

BATCH: Final = 200
"""Fills that are told together at most."""

LONGEST_WAIT: Final = 5.0
"""Seconds that a customer is made to wait for fills; then the answer says that there are none."""

PROBE: Final = "broker:probe"
"""The key under which writing is tried."""

_SUBMIT: Final = Path(__file__).with_name("submit.lua").read_text()
_FILL: Final = Path(__file__).with_name("fill.lua").read_text()


class BrokerClients(NamedTuple):
    """The broker's Redis clients. Making them connects to nothing yet.

    Attributes:
        books: of intel-redis; it may retry, as each change knows whether it was done before.
        news: of intel-redis, for reads that wait.
        market: of market-redis.
    """

    books: Client
    news: Client
    market: Client

    @classmethod
    def make(cls, buses: Buses) -> Self:
        """Make them for these buses."""
        intel, market = buses.intel, buses.market
        return cls(redis_clients.control(intel), redis_clients.blocking(intel), redis_clients.control(market))

    async def aclose(self) -> None:
        """Close them."""
        for client in self:
            async with redis_clients.opened(client):
                pass


class OpenOrder(NamedTuple):
    """An order that is not filled: its id, its symbol, and how many of its slices are done."""

    id: str
    symbol: str
    sliced: int


class Book:
    """Reads and writes the books."""

    def __init__(self, keys: BrokerKeys, clients: BrokerClients) -> None:
        self._keys = keys
        self._redis = clients.books
        self._news = clients.news
        self._submit = clients.books.register_script(_SUBMIT)
        self._fill = clients.books.register_script(_FILL)

    async def submit(self, order: Submit, *, refuse: str = "") -> Answer | None:
        """Take an order; with a reason to refuse it, write that down. None if the id belongs to another order."""
        status = "refused" if refuse else "accepted"
        found = await self._submit(
            keys=[self._key(order.id), self._keys.open, self._keys.ids],
            args=(order.id, order.symbol, order.side, order.quantity, order.slices, status, refuse),
        )
        if not found:
            return None
        broker_id, status, reason = (value.decode() for value in found)
        return Answer(
            id=order.id,
            broker_id=broker_id,
            status="accepted" if status == "accepted" else "refused",
            reason=reason,
        )

    async def open_orders(self) -> Sequence[OpenOrder]:
        """All orders that are not filled, in the order in which they came."""
        ids = [id.decode() for id in await self._redis.execute_command("ZRANGE", self._keys.open, 0, -1)]
        if not ids:
            return ()
        together = self._redis.pipeline(transaction=False)
        for id in ids:
            together.execute_command("HMGET", self._key(id), "symbol", "sliced")
        held = await together.execute()
        return [OpenOrder(id, symbol.decode(), int(sliced)) for id, (symbol, sliced) in zip(ids, held, strict=True)]

    async def fill_next(self, order: OpenOrder, price: float) -> bool:
        """Fill the next slice of an order; False if somebody else did."""
        keys = [self._key(order.id), self._keys.open, self._keys.fills]
        return bool(await self._fill(keys=keys, args=(order.id, order.sliced, price)))

    async def fills_after(self, cursor: str, wait: float) -> Fills:
        """Fills behind a cursor; waits up to `wait` seconds if there are none, `LONGEST_WAIT` at most."""
        blocking = ("BLOCK", max(1, round(1_000 * min(wait, LONGEST_WAIT)))) if wait else ()
        words = ("XREAD", "COUNT", BATCH, *blocking, "STREAMS", self._keys.fills, cursor)
        reply = await self._news.execute_command(*words)
        entries = reply[0][1] if reply else ()
        fills = tuple(msgspec.json.decode(fields[b"fill"], type=Fill) for _, fields in entries)
        return Fills(fills=fills, cursor=entries[-1][0].decode() if entries else cursor)

    async def ping(self) -> None:
        """Raise if the books take no writes."""
        await takes_writes(self._redis, PROBE)

    def _key(self, id: str) -> str:
        return f"{self._keys.order}:{id}"
