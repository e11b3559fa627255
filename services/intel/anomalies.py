"""Anomalies: samples of trades that lie far outside of what their symbol did before.

The trades of a symbol are summed up in samples of some seconds, by the time of the trade. A sample is over when a trade
of a later one comes. Then two things are measured, as logarithms, so that both are relative:

price     the change from the last sample's closing price to this one's. Where samples without trades lie between the
          two, by the square root of how many it took, as prices wander: the first trade of the morning is no anomaly.
volume    the volume of the sample.

The result depends on the trades and their order alone: neither on the clock, nor on where the reading was interrupted.
"""

from collections.abc import Iterator
from math import isfinite, log, log1p, sqrt
from typing import Literal

from msgspec import Struct, field

from services.intel.baseline import Baseline
from services.intel.config import Thresholds
from services.massive.protocol import Trade

Kind = Literal["price", "volume"]


class Signal(Struct, frozen=True, kw_only=True):
    """What `intel:signals` says of an anomaly.

    Attributes:
        id: the same for the same anomaly.
        symbol: of what.
        kind: what was out of the ordinary.
        direction: which way.
        score: how many deviations from the mean, without sign.
        price: the last one of the sample.
        at: seconds since 1970 of the sample's last trade.
    """

    id: str
    symbol: str
    kind: Kind
    direction: Literal["up", "down"]
    score: float
    price: float
    at: float


class Measure(Struct, array_like=True):
    """One thing that is measured: its baseline, and when it last gave a signal (milliseconds)."""

    baseline: Baseline = field(default_factory=Baseline)
    signalled: int | None = None


class SymbolState(Struct, array_like=True):
    """All that is remembered of a symbol; times are milliseconds.

    Attributes:
        length: of a sample; a state with another length is of no use.
        start: of the sample that is open.
        last: time and sequence of its last trade.
        price: of that trade.
        size: the volume of the sample.
        closed: start of the sample before, None if there was none.
        close: its last price.
        prices: measured changes.
        volumes: measured volumes.
    """

    length: int
    start: int
    last: tuple[int, int]
    price: float
    size: float
    closed: int | None = None
    close: float = 0.0
    prices: Measure = field(default_factory=Measure)
    volumes: Measure = field(default_factory=Measure)


class Detector:
    """Takes trades, keeps the states, gives signals."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._length = round(thresholds.sample * 1_000)
        self._cool_down = thresholds.cool_down * 1_000
        self.states: dict[str, SymbolState] = {}
        self.late = 0

    def begin_with(self, symbol: str, state: SymbolState | None) -> None:
        """Go on from a state that was kept, if it fits."""
        if state is not None and state.length == self._length:
            self.states[symbol] = state

    def take(self, trade: Trade) -> Iterator[Signal]:
        """Take a trade; gives what the sample amounts to that is over with it."""
        if not (trade.price > 0 and isfinite(trade.price) and trade.size >= 0 and isfinite(trade.size)):
            return
        state = self.states.get(trade.symbol)
        start = trade.time - trade.time % self._length
        if state is None:
            state = self.states[trade.symbol] = SymbolState(self._length, start, (0, 0), 0.0, 0.0)
        elif start < state.start:
            self.late += 1
            return
        elif start > state.start:
            yield from self._close(trade.symbol, state)
            state.closed, state.close = state.start, state.price
            state.start, state.size, state.last = start, 0.0, (0, 0)
        state.size += trade.size
        if (trade.time, trade.sequence) >= state.last:
            state.last, state.price = (trade.time, trade.sequence), trade.price

    def _close(self, symbol: str, state: SymbolState) -> Iterator[Signal]:
        limits, at = self._thresholds, state.last[0]
        if state.closed is not None:
            steps = (state.start - state.closed) // self._length
            change = log(state.price / state.close) / sqrt(steps)
            if score := self._measure(state.prices, change, limits.least_price, at):
                yield _signal(symbol, state, "price", score)
        if score := self._measure(state.volumes, log1p(state.size), limits.least_volume, at):
            yield _signal(symbol, state, "volume", score)

    def _measure(self, measure: Measure, value: float, least: float, at: int) -> float | None:
        """Take a value in; gives its score if that is worth a signal."""
        baseline, limit = measure.baseline, self._thresholds.score
        score = baseline.score(value, least)
        stands_out = baseline.samples >= self._thresholds.minimum and abs(score) > limit
        if stands_out:
            # It is taken in up to the limit only: else the next one like it would not stand out any more.
            value -= (abs(score) - limit) * max(sqrt(baseline.variance), least) * (1 if score > 0 else -1)
        baseline.learn(value, self._thresholds.memory)
        if not stands_out or not self._may_signal(measure, at):
            return None
        measure.signalled = at
        return score

    def _may_signal(self, measure: Measure, at: int) -> bool:
        return measure.signalled is None or at - measure.signalled >= self._cool_down


def _signal(symbol: str, state: SymbolState, kind: Kind, score: float) -> Signal:
    return Signal(
        id=f"{symbol}:{kind}:{state.start}",
        symbol=symbol,
        kind=kind,
        direction="up" if score > 0 else "down",
        score=abs(score),
        price=state.price,
        at=state.last[0] / 1_000,
    )
