"""The decision about a signal, as far as the signal and the sentiment go: no I/O, no clock.

What depends on the orders before it (the limits of positions and of orders per minute, the kill switch, whether the
signal is known) is decided in the step that writes the order down, `workers/decide.lua`.
"""

import math
import uuid
from typing import Final, Literal

from msgspec import Struct

from services.execution.config import Limits
from services.execution.signals import Sentiment, Signal

Side = Literal["buy", "sell"]

_ORDERS: Final = uuid.UUID("b6f0a3d2-51f5-4c2f-9a53-0d2a2d1d8f11")


class Proposal(Struct, frozen=True, kw_only=True):
    """An order as it would be if nothing else limited it."""

    id: str
    signal: str
    symbol: str
    side: Side
    quantity: int
    price: float
    score: float


class Declined(Struct, frozen=True):
    """No order, and why."""

    reason: str


def order_id(signal_id: str) -> str:
    """The id of the one order that a signal can lead to; the broker knows the order by it too."""
    return str(uuid.uuid5(_ORDERS, signal_id))


def decide(signal: Signal, sentiment: Sentiment | None, limits: Limits, now: float) -> Proposal | Declined:
    """Decide about a signal.

    Args:
        signal: asks for an order.
        sentiment: of its symbol, if there is any; ignored when it is older than the limits say.
        limits: that hold now.
        now: seconds since 1970.
    """
    if limits.signal_age is not None and now - signal.at > limits.signal_age:
        return Declined("signal_age")
    if signal.score < limits.minimum_score:
        return Declined("minimum_score")
    side: Side = "buy" if signal.direction == "up" else "sell"
    agreement = _agreement(side, sentiment, limits, now)
    if agreement <= -limits.sentiment_veto:
        return Declined("sentiment_veto")
    quantity = _quantity(signal.score * (1 + agreement), limits)
    if quantity < 1:
        return Declined("quantity_below_one")
    return Proposal(
        id=order_id(signal.id),
        signal=signal.id,
        symbol=signal.symbol,
        side=side,
        quantity=quantity,
        price=signal.price,
        score=signal.score,
    )


def _agreement(side: Side, sentiment: Sentiment | None, limits: Limits, now: float) -> float:
    """How far sentiment speaks for that side: from -1, all against, to 1; 0 if it says nothing."""
    if sentiment is None or now - sentiment.at > limits.sentiment_age:
        return 0.0
    return sentiment.score if side == "buy" else -sentiment.score


def _quantity(strength: float, limits: Limits) -> int:
    return math.floor(min(strength * limits.quantity_per_score, limits.max_quantity))
