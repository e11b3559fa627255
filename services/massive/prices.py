"""What a batch of events changes on the bus: the last values of each symbol, and its minute bars.

A batch is folded here first, so that thousands of events become a few changes, each of which Redis applies only if it
is newer than what is there. Events may come in any order; `time` (milliseconds) and then `sequence` order them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from services.massive.config import Keys
from services.massive.protocol import Event, MinuteBar, PairBar, Quote, SecondBar, Trade

Row = tuple[str, ...]


class Changes(Struct, frozen=True):
    """The changes as rows of text, each beginning with its key, in the order in which `consume.lua` reads them.

    Attributes:
        prices: key, price, time, sequence.
        quotes: key, bid, ask, time, sequence.
        bars: key; open, its time and sequence; high; low; close, its time and sequence; volume; number of trades.
        provider_bars: key, then names and values.
    """

    prices: tuple[Row, ...]
    quotes: tuple[Row, ...]
    bars: tuple[Row, ...]
    provider_bars: tuple[Row, ...]


class _Price(NamedTuple):
    """A price at its place in time; places compare before prices."""

    time: int
    sequence: int
    price: float

    def row(self) -> Row:
        return (repr(self.price), str(self.time), str(self.sequence))


class _Bar:
    """The trades of one symbol in one minute."""

    __slots__ = ("first", "high", "last", "low", "trades", "volume")

    def __init__(self, price: _Price) -> None:
        self.first = self.last = price
        self.high = self.low = price.price
        self.volume = 0.0
        self.trades = 0

    def add(self, price: _Price, size: float) -> None:
        self.first = min(self.first, price)
        self.last = max(self.last, price)
        self.high = max(self.high, price.price)
        self.low = min(self.low, price.price)
        self.volume += size
        self.trades += 1

    def row(self) -> Row:
        extremes = (repr(self.high), repr(self.low))
        return (*self.first.row(), *extremes, *self.last.row(), repr(self.volume), str(self.trades))


class PriceFold:
    """Takes events, gives the changes that they amount to."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._prices: dict[str, _Price] = {}
        self._quotes: dict[str, Quote] = {}
        self._bars: dict[tuple[str, int], _Bar] = {}
        self._provider_bars: dict[str, Row] = {}

    def add(self, events: Iterable[Event]) -> None:
        """Take events, in the order in which they came."""
        for event in events:
            match event:
                case Trade():
                    self._trade(event)
                case Quote():
                    self._quote(event)
                case PairBar():
                    self._price(event.symbol, _Price(event.end, 0, event.close))
                    self._provider_bar("CA", event)
                case MinuteBar():
                    self._provider_bar("AM", event)
                case SecondBar():
                    self._provider_bar("A", event)

    def changes(self) -> Changes:
        """The sum of what was added."""
        spot = self._keys.spot
        quotes = (
            (f"{spot}:{quote.symbol}", repr(quote.bid), repr(quote.ask), str(quote.time), str(quote.sequence))
            for quote in self._quotes.values()
        )
        return Changes(
            prices=tuple((f"{spot}:{symbol}", *price.row()) for symbol, price in self._prices.items()),
            quotes=tuple(quotes),
            bars=tuple((self._bar_key(symbol, minute), *bar.row()) for (symbol, minute), bar in self._bars.items()),
            provider_bars=tuple((key, *row) for key, row in self._provider_bars.items()),
        )

    def _trade(self, trade: Trade) -> None:
        price = _Price(trade.time, trade.sequence, trade.price)
        self._price(trade.symbol, price)
        place = (trade.symbol, trade.time // 60_000 * 60)
        bar = self._bars.get(place)
        if bar is None:
            bar = self._bars[place] = _Bar(price)
        bar.add(price, trade.size)

    def _price(self, symbol: str, price: _Price) -> None:
        known = self._prices.get(symbol)
        if known is None or price >= known:
            self._prices[symbol] = price

    def _quote(self, quote: Quote) -> None:
        known = self._quotes.get(quote.symbol)
        if known is None or (quote.time, quote.sequence) >= (known.time, known.sequence):
            self._quotes[quote.symbol] = quote

    def _provider_bar(self, kind: str, bar: MinuteBar | SecondBar | PairBar) -> None:
        numbers = {"o": bar.open, "h": bar.high, "l": bar.low, "c": bar.close, "v": bar.volume}
        times = {"s": bar.start, "e": bar.end}
        row = tuple(text for name, value in {**numbers, **times}.items() for text in (name, repr(value)))
        self._provider_bars[f"{self._bar_key(bar.symbol, bar.start // 1_000)}:{kind}"] = row

    def _bar_key(self, symbol: str, start: int) -> str:
        return f"{self._keys.bars}:{symbol}:{start}"
