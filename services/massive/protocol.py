"""The provider's wire protocol: what we ask, and what its frames hold.

A frame of the provider is a JSON array of objects, each named by its `ev`; events and statuses may be mixed. Our
requests are single objects. The socket's worker looks at every frame with `inspect`, which decodes nothing but names and
statuses; who needs prices uses `decode_events`. All times on the wire are in milliseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

import msgspec
from msgspec import Struct

__all__ = (
    "EVENTS",
    "BadFrame",
    "Contents",
    "Decoded",
    "Event",
    "MinuteBar",
    "PairBar",
    "Quote",
    "Request",
    "SecondBar",
    "Status",
    "Trade",
    "authenticate",
    "decode_events",
    "inspect",
    "subscribe",
    "unsubscribe",
)

EVENTS = frozenset(
    ("T", "Q", "A", "AM", "LULD", "NOI", "FMV", "LV", "V", "C", "CA", "CAS", "XT", "XQ", "XL2", "XA", "XAS")
)
"""The names of all events of all markets."""

REQUEST_CHANNELS = 1_000
"""Channels per request: some 25 kB, far below the megabyte that the provider takes."""


class Request(Struct, frozen=True):
    """What a client sends."""

    action: Literal["auth", "subscribe", "unsubscribe"]
    params: str


class Status(Struct, frozen=True, gc=False):
    """What the provider says about the connection; `status` is empty for an event."""

    ev: str
    status: str = ""
    message: str = ""


class BadFrame(ValueError):
    """A frame that is not the provider's protocol; the message says what was expected and what came."""


class Contents(Struct, frozen=True):
    """What a frame holds.

    Attributes:
        events: how many events, known or not.
        statuses: the statuses, in order.
        unknown: the `ev` of each event that nobody knows, in order.
    """

    events: int
    statuses: Sequence[Status]
    unknown: Sequence[str]


_requests = msgspec.json.Encoder()
_heads = msgspec.json.Decoder(list[Status])


def authenticate(key: str) -> str:
    """The request that opens the feed."""
    return _request("auth", key)


def subscribe(channels: Iterable[str]) -> Iterator[str]:
    """The requests that ask for these channels, such as `"T.AAPL"` or `"AM.*"`; none for no channels."""
    return _in_parts("subscribe", channels)


def unsubscribe(channels: Iterable[str]) -> Iterator[str]:
    """The requests that give these channels back."""
    return _in_parts("unsubscribe", channels)


def _in_parts(action: Literal["subscribe", "unsubscribe"], channels: Iterable[str]) -> Iterator[str]:
    remaining = iter(sorted(channels))
    while part := ",".join(islice(remaining, REQUEST_CHANNELS)):
        yield _request(action, part)


def _request(action: Literal["auth", "subscribe", "unsubscribe"], params: str) -> str:
    return _requests.encode(Request(action, params)).decode()


def inspect(payload: bytes) -> Contents:
    """What the frame holds, without decoding its prices.

    Raises:
        BadFrame: it is not a JSON array of objects with `ev`.
    """
    try:
        heads = _heads.decode(payload)
    except msgspec.DecodeError as error:
        raise _bad(error) from None
    strange = [head for head in heads if head.ev not in EVENTS]
    if not strange:
        return Contents(len(heads), (), ())
    statuses = [head for head in strange if head.ev == "status"]
    unknown = [head.ev for head in strange if head.ev != "status"]
    return Contents(len(heads) - len(statuses), statuses, unknown)


class Trade(Struct, frozen=True, gc=False, tag_field="ev", tag="T", rename={
    "symbol": "sym", "exchange": "x", "id": "i", "tape": "z", "price": "p", "size": "s", "conditions": "c",
    "time": "t", "sequence": "q", "trf": "trfi", "trf_time": "trft", "shares": "ds",
}):
    """A trade of a stock, or of an option (which has no `id` and no `tape`)."""

    symbol: str
    price: float
    size: float
    time: int
    sequence: int = 0
    exchange: int = 0
    id: str = ""
    tape: int = 0
    conditions: tuple[int, ...] = ()
    trf: int | None = None
    trf_time: int | None = None
    shares: str | None = None


class Quote(Struct, frozen=True, gc=False, tag_field="ev", tag="Q", rename={
    "symbol": "sym", "bid_exchange": "bx", "bid": "bp", "bid_size": "bs", "ask_exchange": "ax", "ask": "ap",
    "ask_size": "as", "condition": "c", "indicators": "i", "time": "t", "sequence": "q", "tape": "z",
}):
    """The best bid and offer of a stock or an option."""

    symbol: str
    time: int
    bid: float = 0.0
    bid_size: float = 0.0
    ask: float = 0.0
    ask_size: float = 0.0
    sequence: int = 0
    bid_exchange: int = 0
    ask_exchange: int = 0
    condition: int | None = None
    indicators: tuple[int, ...] = ()
    tape: int = 0


_BAR_FIELDS = {
    "symbol": "sym", "volume": "v", "day_volume": "av", "day_open": "op", "vwap": "vw", "open": "o", "close": "c",
    "high": "h", "low": "l", "day_vwap": "a", "average_size": "z", "start": "s", "end": "e",
}


class _Bar(Struct, frozen=True, gc=False, tag_field="ev", rename=_BAR_FIELDS):
    symbol: str
    open: float
    high: float
    low: float
    close: float
    start: int
    end: int
    volume: float = 0.0
    vwap: float | None = None
    average_size: float | None = None
    day_volume: float | None = None
    day_open: float | None = None
    day_vwap: float | None = None


class SecondBar(_Bar, frozen=True, gc=False, tag="A"):
    """One second of a stock, an option or an index."""


class MinuteBar(_Bar, frozen=True, gc=False, tag="AM"):
    """One minute of a stock, an option or an index."""


class PairBar(_Bar, frozen=True, gc=False, tag="CA", rename=_BAR_FIELDS | {"symbol": "pair"}):
    """One minute of a currency pair; the fields about the day stay empty."""


Event = Trade | Quote | SecondBar | MinuteBar | PairBar


class _Notice(Status, frozen=True, gc=False, tag_field="ev", tag="status"):
    """A status beside events, skipped by those who read prices."""
