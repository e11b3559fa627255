"""The provider's wire protocol: what we ask (`requests`), what its frames hold (`frames`, `events`).

A frame of the provider is a JSON array of objects, each named by its `ev`; events and statuses may be mixed. Our
requests are single objects. The socket's worker looks at every frame with `inspect`, which decodes names and statuses
only; whoever needs prices uses `decode_events`. All times on the wire are in milliseconds.
"""

from services.massive.protocol.events import (
    Decoded,
    Event,
    MinuteBar,
    PairBar,
    Quote,
    SecondBar,
    Trade,
    decode_events,
)
from services.massive.protocol.frames import EVENTS, BadFrame, Contents, Status, inspect
from services.massive.protocol.requests import Request, authenticate, subscribe, unsubscribe

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
