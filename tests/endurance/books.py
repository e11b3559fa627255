"""Our own count of frames, orders and fills, against what the buses hold."""

from collections import Counter
from pathlib import Path

import msgspec
from redis.exceptions import RedisError

from services.massive.protocol import Quote, Trade, decode_events
from services.shared import redis_clients

PAGE = 500


class Tape:
    """What is on the bus, read from its beginning on: each trade and quote, and how often."""

    def __init__(self, url, stream="massive:ws:stream"):
        self.on_bus = Counter()
        self._url = url
        self._stream = stream
        self._last = "-"

    async def read_on(self):
        """Read what is new; a server that is away has nothing new."""
        client = redis_clients.control(self._url)
        async with redis_clients.opened(client):
            try:
                while await self._page(client) == PAGE:
                    pass
            except RedisError:
                return

    async def _page(self, client):
        page = await client.execute_command("XRANGE", self._stream, self._last, "+", "COUNT", PAGE)
        for id, fields in page:
            self._last = f"({id.decode()}"
            for event in decode_events(fields[b"payload"]).events:
                if isinstance(event, Trade | Quote):
                    self.on_bus[f"{'T' if isinstance(event, Trade) else 'Q'}.{event.symbol} {event.sequence}"] += 1
        return len(page)


def received(file):
    """What massive's socket handed over to one process."""
    return Counter(Path(file).read_text().splitlines()) if Path(file).exists() else Counter()


class Trading:
    """Signals, orders and fills on intel-redis, when nothing is on its way.

    Attributes:
        wrong: what does not agree, in words.
    """

    def __init__(self, *, signals, orders, fills, told_fills, settled, positions, declined):
        self.signals = len(signals)
        self.orders = len(orders)
        self.fills = len(fills)
        done = Counter(order["signal"] for order in orders) + Counter(declined)
        self.wrong = {
            "signals without an outcome": sum((Counter(signals) - done).values()),
            "signals with two outcomes": sum((done - Counter(set(signals))).values()),
            "orders doubled": len(orders) - len({order["id"] for order in orders}),
            "orders that the broker does not know, or has twice": abs(settled - len(orders)),
            "fills lost": len({fill["id"] for fill in told_fills} - {fill["id"] for fill in fills}),
            "fills doubled": len(fills) - len({fill["id"] for fill in fills}),
            "orders filled with another quantity": _misfilled(orders, fills),
            "positions that are not the sum of their fills": _misplaced(fills, positions),
        }

    @property
    def agrees(self):
        return not any(self.wrong.values())


def _misfilled(orders, fills):
    filled = Counter()
    for fill in fills:
        filled[fill["order"]] += fill["quantity"]
    return sum(filled[order["id"]] != order["quantity"] for order in orders)


def _misplaced(fills, positions):
    summed = Counter()
    for fill in fills:
        summed[fill["symbol"]] += fill["quantity"] * (1 if fill["side"] == "buy" else -1)
    return sum(summed[symbol] != positions.get(symbol, 0) for symbol in summed.keys() | positions.keys())


async def trading(url):
    """Read the books of trading."""
    client = redis_clients.control(url)
    async with redis_clients.opened(client):

        async def entries(stream, field):
            page = await client.execute_command("XRANGE", stream, "-", "+")
            return [msgspec.json.decode(fields[field]) for _, fields in page]

        notes = [
            fields[b"signal"].decode()
            for stream in ("execution:declined", "execution:rejected")
            for _, fields in await client.execute_command("XRANGE", stream, "-", "+")
            if b"signal" in fields
        ]
        held = await client.execute_command("HGETALL", "execution:positions")
        pairs = held.items() if isinstance(held, dict) else zip(held[::2], held[1::2], strict=True)
        return Trading(
            signals=[signal["id"] for signal in await entries("intel:signals", b"signal")],
            orders=await entries("execution:orders", b"order"),
            fills=await entries("execution:fills", b"fill"),
            told_fills=await entries("broker:fills", b"fill"),
            settled=int(await client.execute_command("GET", "broker:ids") or 0),
            positions={symbol.decode(): int(quantity) for symbol, quantity in pairs},
            declined=notes,
        )
