"""What happens on the simulated market: every event of every channel, numbered from 1 without a gap.

The tape runs whether or not anybody listens, as a market does: a client that comes back finds its channels further on,
and the numbers tell how much it missed. In trades and quotes the number is the field `q`. A bar has no such field;
bar n is that of the n-th minute since the tape began.
"""

import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, chain, cycle, islice

from services.massive.provider.config import ProviderConfig, market_of
from services.massive.provider.recording import Bar, recorded

WALK = 64
"""Prices of a symbol before they come round again."""

QUOTES_PER_TRADE = 4

MINUTE = 60_000


class Channel(ABC):
    """One topic of one symbol, such as `Q.AAPL`.

    Its events are templates, encoded once, with a few numbers left to fill in: at 50,000 events a second there is no
    time for more.

    Attributes:
        number: how many events have happened here, and so the number of the last one.
    """

    def __init__(self, topic: str, symbol: str, templates: Sequence[bytes]) -> None:
        self.topic = topic
        self.name = f"{topic}.{symbol}"
        self.market = market_of(symbol)
        self.number = 0
        self._templates = templates

    def skip(self, count: int) -> None:
        """Let events happen that nobody hears."""
        self.number += count

    def make(self, count: int, now: int) -> list[bytes]:
        """Let events happen and encode them; `now` in milliseconds."""
        first = self.number + 1
        self.number += count
        templates, size = self._templates, len(self._templates)
        return [templates[n % size] % self._stamp(n, now) for n in range(first, first + count)]

    @abstractmethod
    def _stamp(self, number: int, now: int) -> tuple[int, ...]: ...


class _Quotes(Channel):
    def _stamp(self, number: int, now: int) -> tuple[int, ...]:
        return now, number


class _Trades(Channel):
    def _stamp(self, number: int, now: int) -> tuple[int, ...]:
        return now, number, number


class _OptionTrades(_Quotes): ...


class _Bars(Channel):
    def __init__(self, topic: str, symbol: str, templates: Sequence[bytes]) -> None:
        super().__init__(topic, symbol, templates)
        self._began = time.time_ns() // 1_000_000 // MINUTE * MINUTE

    def _stamp(self, number: int, now: int) -> tuple[int, ...]:
        del now
        start = self._began + number * MINUTE
        return start, start + MINUTE


Made = Sequence[tuple[Channel, Sequence[bytes]]]
"""What has just happened, by channel."""


class Tape:
    """All channels of all markets."""

    def __init__(self, config: ProviderConfig) -> None:
        ticks = [_ticks(symbol, config.seed) for symbol in config.symbols]
        self._bars = _bars(recorded())
        self._channels = (*chain.from_iterable(ticks), *self._bars)
        # Quotes and trades take turns, symbol by symbol.
        turns = [(quotes,) * QUOTES_PER_TRADE + (trades,) for quotes, trades in ticks]
        self._turns: Iterator[Channel] = cycle(chain.from_iterable(zip(*turns, strict=True)))

    def find(self, market: str, names: Collection[str]) -> set[Channel]:
        """The channels of a market behind these names, where `T.*` stands for all of a topic."""
        mine = (channel for channel in self._channels if channel.market == market)
        return {channel for channel in mine if channel.name in names or f"{channel.topic}.*" in names}

    def advance(self, ticks: int, bars: int, heard: Collection[Channel]) -> Made:
        """Let so many quotes and trades happen in all, and so many bars of each recorded symbol.

        Only what is heard is encoded.
        """
        now = time.time_ns() // 1_000_000
        due = Counter(islice(self._turns, ticks))
        if bars:
            due.update(dict.fromkeys(self._bars, bars))
        made: list[tuple[Channel, Sequence[bytes]]] = []
        for channel, count in due.items():
            if channel in heard:
                made.append((channel, channel.make(count, now)))
            else:
                channel.skip(count)
        return made


def _ticks(symbol: str, seed: int) -> tuple[Channel, Channel]:
    dice = random.Random(f"{seed} {symbol}")  # noqa: S311 - prices, not secrets: the same ones for the same seed
    prices = _closed_walk(dice, start=dice.uniform(20.0, 500.0))
    quotes = [_quote(symbol, price, dice) for price in prices]
    trades = [_trade(symbol, price, dice) for price in prices[::QUOTES_PER_TRADE]]
    kind = _Trades if market_of(symbol) == "stocks" else _OptionTrades
    return _Quotes("Q", symbol, quotes), kind("T", symbol, trades)


def _closed_walk(dice: random.Random, start: float) -> list[float]:
    """A random walk that ends where it began, so that going round leaves no jump."""
    moves = [dice.gauss(0.0, 0.0003) for _ in range(WALK)]
    drift = sum(moves) / WALK
    return [start * (1.0 + away) for away in accumulate(move - drift for move in moves)]


def _quote(symbol: str, price: float, dice: random.Random) -> bytes:
    bid_size, ask_size = dice.randint(1, 9) * 100, dice.randint(1, 9) * 100
    return (
        f'{{"ev":"Q","sym":"{symbol}","bx":4,"bp":{price - 0.01:.2f},"bs":{bid_size},"ax":7,"ap":{price + 0.01:.2f},'
        f'"as":{ask_size},"c":0,"i":[604],"t":%d,"q":%d,"z":3}}'
    ).encode()


def _trade(symbol: str, price: float, dice: random.Random) -> bytes:
    known = f'{{"ev":"T","sym":"{symbol}","x":4,"p":{price:.2f},"s":{dice.randint(1, 900)},"c":[12],"t":%d,"q":%d'
    return (known + (',"i":"%d","z":3}' if market_of(symbol) == "stocks" else "}")).encode()


def _bars(recording: Mapping[str, Sequence[Bar]]) -> tuple[Channel, ...]:
    stocks = [_Bars("AM", symbol, _stock_bars(symbol, bars)) for symbol, bars in recording.items() if "/" not in symbol]
    pairs = [_Bars("CA", symbol, _pair_bars(symbol, bars)) for symbol, bars in recording.items() if "/" in symbol]
    return (*stocks, *pairs)


def _stock_bars(symbol: str, bars: Sequence[Bar]) -> list[bytes]:
    volumes = accumulate(int(bar.volume) for bar in bars)
    return [
        f'{{"ev":"AM","sym":"{symbol}","v":{bar.volume},"av":{volume},"op":{bars[0].open},"o":{bar.open},'
        f'"h":{bar.high},"l":{bar.low},"c":{bar.close},"s":%d,"e":%d}}'.encode()
        for bar, volume in zip(bars, volumes, strict=True)
    ]


def _pair_bars(pair: str, bars: Sequence[Bar]) -> list[bytes]:
    return [
        f'{{"ev":"CA","pair":"{pair}","v":{bar.volume},"o":{bar.open},"h":{bar.high},"l":{bar.low},"c":{bar.close},'
        f'"s":%d,"e":%d}}'.encode()
        for bar in bars
    ]
