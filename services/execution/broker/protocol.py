"""What the paper broker and its customers say to each other: JSON, one message per line, each request answered in turn."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

LONGEST: Final = 1_048_576
"""Bytes of the longest line."""

Name = Annotated[str, Meta(min_length=1)]
Side = Literal["buy", "sell"]

Fault = Literal["drop_before", "drop_after", "late", "refuse"]
"""How a submission may be answered on command: the connection is dropped before or after the broker has acted, the
answer comes late, or the order is refused."""


class Submit(Struct, frozen=True, kw_only=True, tag="submit"):
    """An order at the market price. The same id again gets the answer that it got the first time.

    Attributes:
        id: the customer's own, and how the order is known from then on.
        slices: fills that it shall be divided into.
    """

    id: Name
    symbol: Name
    side: Side
    quantity: Annotated[int, Meta(ge=1)]
    slices: Annotated[int, Meta(ge=1)] = 1


class FillsAfter(Struct, frozen=True, kw_only=True, tag="fills_after"):
    """Asks for fills behind a cursor; when there are none, the answer waits for them, `wait` seconds at most."""

    cursor: Annotated[str, Meta(pattern=r"^\d{1,19}-\d{1,19}$")] = "0-0"
    wait: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Ping(Struct, frozen=True, tag="ping"):
    """Asks whether the broker is there, and its books with it."""


class Misbehave(Struct, frozen=True, kw_only=True, tag="misbehave"):
    """Tells the broker how to answer the next submissions; refused unless it was started for that.

    Attributes:
        faults: one for each submission to come, behind those that are left.
        seconds: how late a late answer is.
    """

    faults: tuple[Fault, ...]
    seconds: Annotated[float, Meta(ge=0)] = 1.0


Request = Submit | FillsAfter | Ping | Misbehave


class Answer(Struct, frozen=True, kw_only=True, tag="answer"):
    """What has become of a submission."""

    id: str
    broker_id: str
    status: Literal["accepted", "refused"]
    reason: str = ""


class Fill(Struct, frozen=True, kw_only=True):
    """A part of an order, done: `at` in seconds since 1970. The id is the same however often the fill is told."""

    id: str
    order: str
    symbol: str
    side: Side
    quantity: int
    price: float
    at: float


class Fills(Struct, frozen=True, kw_only=True, tag="fills"):
    """Fills in their order, and the cursor behind them."""

    fills: tuple[Fill, ...]
    cursor: str


class Pong(Struct, frozen=True, tag="pong"):
    """The broker is there."""


class Problem(Struct, frozen=True, tag="problem"):
    """The request cannot be answered, and never could."""

    message: str


Reply = Answer | Fills | Pong | Problem

_requests: Final[msgspec.json.Decoder[Request]] = msgspec.json.Decoder(Request)
_replies: Final[msgspec.json.Decoder[Reply]] = msgspec.json.Decoder(Reply)


def encode(message: Request | Reply) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a request.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _requests.decode(line)


def decode_reply(line: bytes) -> Reply:
    """Read a reply.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _replies.decode(line)
