"""What execution reads: signals and sentiment."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1)]


class BadSignal(ValueError):
    """An entry that is no signal."""


class Signal(Struct, frozen=True, kw_only=True):
    """Something noticeable about a symbol.

    Attributes:
        id: the same however often it is sent.
        direction: where it points, and so which side an order takes.
        score: how strong it is.
        price: of the symbol then.
        at: seconds since 1970.
    """

    id: Name
    symbol: Name
    kind: Literal["price", "volume"]
    direction: Literal["up", "down"]
    score: float
    price: float
    at: float


class Sentiment(Struct, frozen=True):
    """What is said about a symbol: a score from -1 to 1, and since when, in seconds since 1970."""

    score: float
    at: float


def read_signal(payload: bytes | None) -> Signal:
    """Read the field `signal` of an entry.

    Raises:
        BadSignal: it is missing, or no signal.
    """
    if payload is None:
        raise BadSignal("an entry without the field signal")
    try:
        return msgspec.json.decode(payload, type=Signal)
    except msgspec.DecodeError as error:
        raise BadSignal(str(error)) from None


def read_sentiment(values: Sequence[bytes | None]) -> Sentiment | None:
    """Read score and time out of a hash; None if there is none, or none that makes sense."""
    try:
        score, at = (float(value) for value in values if value is not None)
    except ValueError:
        return None
    return Sentiment(max(-1.0, min(1.0, score)), at) if math.isfinite(score) and math.isfinite(at) else None
