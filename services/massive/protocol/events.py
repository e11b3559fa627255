"""The events with their prices, for whoever reads them: trades, quotes and bars.

A field that a market leaves out (an option's trade has no `tape`, an index has no volume) keeps its default.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct, field

from services.massive.protocol.frames import UNREADABLE, BadFrame


class Trade(Struct, frozen=True, gc=False, kw_only=True, tag_field="ev", tag="T"):
    """A trade of a stock or an option; `sequence` rises per symbol, with gaps."""

    symbol: str = field(name="sym")
    price: float = field(name="p")
    size: float = field(name="s")
    time: int = field(name="t")
    sequence: int = field(name="q", default=0)
    exchange: int = field(name="x", default=0)
    id: str = field(name="i", default="")
    tape: int = field(name="z", default=0)
    conditions: tuple[int, ...] = field(name="c", default=())
    trf: int | None = field(name="trfi", default=None)
    trf_time: int | None = field(name="trft", default=None)
    exact_size: str | None = field(name="ds", default=None)


class Quote(Struct, frozen=True, gc=False, kw_only=True, tag_field="ev", tag="Q"):
    """The best bid and offer of a stock or an option; a side that nobody offers is 0."""

    symbol: str = field(name="sym")
    time: int = field(name="t")
    bid: float = field(name="bp", default=0.0)
    bid_size: float = field(name="bs", default=0.0)
    bid_exchange: int = field(name="bx", default=0)
    ask: float = field(name="ap", default=0.0)
    ask_size: float = field(name="as", default=0.0)
    ask_exchange: int = field(name="ax", default=0)
    sequence: int = field(name="q", default=0)
    condition: int | None = field(name="c", default=None)
    indicators: tuple[int, ...] = field(name="i", default=())
    tape: int = field(name="z", default=0)


class _Bar(Struct, frozen=True, gc=False, kw_only=True):
    open: float = field(name="o")
    high: float = field(name="h")
    low: float = field(name="l")
    close: float = field(name="c")
    start: int = field(name="s")
    end: int = field(name="e")
    volume: float = field(name="v", default=0.0)
    vwap: float | None = field(name="vw", default=None)
    average_size: float | None = field(name="z", default=None)


class SecondBar(_Bar, frozen=True, gc=False, kw_only=True, tag_field="ev", tag="A"):
    """One second of a stock, an option or an index."""

    symbol: str = field(name="sym")
    day_volume: float | None = field(name="av", default=None)
    day_open: float | None = field(name="op", default=None)
    day_vwap: float | None = field(name="a", default=None)


class MinuteBar(_Bar, frozen=True, gc=False, kw_only=True, tag_field="ev", tag="AM"):
    """One minute of a stock, an option or an index."""

    symbol: str = field(name="sym")
    day_volume: float | None = field(name="av", default=None)
    day_open: float | None = field(name="op", default=None)
    day_vwap: float | None = field(name="a", default=None)


class PairBar(_Bar, frozen=True, gc=False, kw_only=True, tag_field="ev", tag="CA"):
    """One minute of a currency pair, such as `EUR/USD`."""

    symbol: str = field(name="pair")


Event = Trade | Quote | SecondBar | MinuteBar | PairBar


class Decoded(Struct, frozen=True):
    """The events of a frame that have a type here, in order, and how many others were skipped; statuses are neither."""

    events: Sequence[Event]
    skipped: int = 0


class _Name(Struct, frozen=True, gc=False):
    ev: str


_all = msgspec.json.Decoder(list[Event])
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_one = msgspec.json.Decoder[Event](Event)
_name = msgspec.json.Decoder(_Name)
_TYPED = frozenset(("T", "Q", "A", "AM", "CA"))


def decode_events(payload: bytes) -> Decoded:
    """The events of a frame.

    Raises:
        BadFrame: it is not a JSON array of events, or an event lacks a field or has one of a wrong type.
    """
    try:
        return Decoded(_all.decode(payload))
    except msgspec.ValidationError:
        return _sifted(payload)
    except UNREADABLE as error:
        raise BadFrame(f"expected a JSON array of events: {error}") from None


def _sifted(payload: bytes) -> Decoded:
    # One event that is not ours makes the decoder refuse the whole frame; only such frames are taken apart.
    try:
        parts = [(_name.decode(part).ev, part) for part in _parts.decode(payload)]
        events = [_one.decode(part) for name, part in parts if name in _TYPED]
    except UNREADABLE as error:
        raise BadFrame(f"expected a JSON array of events: {error}") from None
    statuses = sum(name == "status" for name, _ in parts)
    return Decoded(events, len(parts) - len(events) - statuses)
