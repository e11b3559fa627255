"""Where the paper broker takes its prices from."""

from collections.abc import Mapping
from typing import Protocol

from services.execution.config import Broker
from services.shared.redis_clients import Client


class Prices(Protocol):
    """A source of prices."""

    async def price(self, symbol: str) -> float | None:
        """The price of a symbol now; None: it has none."""
        ...


class FixedPrices:
    """Prices that stay as they are."""

    def __init__(self, prices: Mapping[str, float]) -> None:
        self._prices = prices

    async def price(self, symbol: str) -> float | None:
        """The price that was set for the symbol."""
        return self._prices.get(symbol)


class SpotPrices:
    """The last prices on market-redis, as massive keeps them."""

    def __init__(self, redis: Client, spot: str) -> None:
        self._redis = redis
        self._spot = spot

    async def price(self, symbol: str) -> float | None:
        """The last price of the symbol."""
        found = await self._redis.execute_command("HGET", f"{self._spot}:{symbol}", "price")
        return None if found is None else float(found)


def prices_of(config: Broker, market: Client) -> Prices:
    """The source that the configuration asks for."""
    return SpotPrices(market, config.keys.spot) if config.prices is None else FixedPrices(config.prices)
