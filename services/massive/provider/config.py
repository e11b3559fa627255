"""Which market the provider simulates, how fast, and under which rules."""

from typing import Literal

from msgspec import Struct

TOPICS = {
    "stocks": frozenset(("T", "Q", "A", "AM", "LULD", "NOI", "FMV", "LV")),
    "options": frozenset(("T", "Q", "A", "AM", "FMV", "LV")),
    "indices": frozenset(("A", "AM", "V")),
    "forex": frozenset(("C", "CA", "CAS", "FMV", "LV")),
    "crypto": frozenset(("XT", "XQ", "XL2", "XA", "XAS", "FMV", "LV")),
}
"""The topics of each market; to ask for another one is not answered at all."""


def market_of(symbol: str) -> str:
    """The market that a symbol belongs to, by its spelling."""
    match symbol.partition(":"):
        case ("O", ":", _):
            return "options"
        case ("I", ":", _):
            return "indices"
        case ("X", ":", _):
            return "crypto"
        case _:
            return "forex" if "/" in symbol else "stocks"


class ProviderConfig(Struct, frozen=True, kw_only=True):
    """What is simulated.

    Attributes:
        host: the address to listen on.
        port: the port; 0: a free one, see `Provider.url`.
        keys: the keys that are accepted.
        symbols: stocks (`AAPL`) and options (`O:AAPL260116C00250000`) that have trades and quotes.
        rate: trades and quotes per second, over all symbols, four quotes for each trade.
        bar_rate: recorded bars per second, of each recorded symbol: `AM.GOOG` for stocks, `CA.EUR/USD` for forex.
        frame_events: the most events in one frame.
        seed: decides all generated prices and sizes.
        auth_timeout: seconds that a client has to authenticate.
        connections_per_key: how many connections a key may have on one market.
        excess: who loses when there are more: "evict" the older one, "refuse" the newcomer once it has subscribed.
        withheld: topics that the plan does not hold.
        backlog: bytes that may wait for a client before it is cut off as a slow consumer.
    """

    host: str = "127.0.0.1"
    port: int = 0
    keys: tuple[str, ...] = ("demo-key",)
    symbols: tuple[str, ...] = ("AAPL", "AMZN", "GOOG", "MSFT", "NVDA")
    rate: float = 1_000.0
    bar_rate: float = 1.0
    frame_events: int = 50
    seed: int = 1
    auth_timeout: float = 10.0
    connections_per_key: int = 1
    excess: Literal["evict", "refuse"] = "evict"
    withheld: frozenset[str] = frozenset()
    backlog: int = 8_388_608

    def __post_init__(self) -> None:
        for name in ("frame_events", "connections_per_key", "backlog"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)!r}")
        for name in ("rate", "bar_rate"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected events per second, 0 for none, got {getattr(self, name)!r}")
        for symbol in self.symbols:
            if market_of(symbol) not in {"stocks", "options"}:
                raise ValueError(f"symbols: expected stocks (AAPL) or options (O:…), got {symbol!r}")
