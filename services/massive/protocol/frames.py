"""What a frame of the provider holds, at the least cost: names and statuses, no prices."""

import msgspec
from msgspec import Struct

EVENTS = frozenset(
    ("T", "Q", "A", "AM", "LULD", "NOI", "FMV", "LV", "V", "C", "CA", "CAS", "XT", "XQ", "XL2", "XA", "XAS")
)
"""The names of all events of all markets."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON, text that is no UTF-8, brackets nested thousands deep."""


class Status(Struct, frozen=True, gc=False):
    """What the provider says about the connection, beside the events or alone."""

    status: str
    message: str = ""
    ev: str = "status"


class Contents(Struct, frozen=True):
    """What a frame holds.

    Attributes:
        events: how many events, whether anybody knows them or not.
        statuses: the statuses, in order.
        unknown: the `ev` of each event that nobody knows, in order.
    """

    events: int
    statuses: tuple[Status, ...] = ()
    unknown: tuple[str, ...] = ()


class BadFrame(ValueError):
    """A frame that is not in the provider's protocol; the message says what was expected and what came."""


class _Head(Struct, frozen=True, gc=False):
    ev: str
    status: str = ""
    message: str = ""


_heads = msgspec.json.Decoder(list[_Head])


def inspect(payload: bytes) -> Contents:
    """What the frame holds.

    Raises:
        BadFrame: it is not a JSON array of objects that have an `ev`.
    """
    try:
        heads = _heads.decode(payload)
    except UNREADABLE as error:
        raise BadFrame(f"expected a JSON array of objects with `ev`: {error}") from None
    strange = [head for head in heads if head.ev not in EVENTS]
    if not strange:
        return Contents(len(heads))
    statuses = tuple(Status(head.status, head.message) for head in strange if head.ev == "status")
    unknown = tuple(head.ev for head in strange if head.ev != "status")
    return Contents(len(heads) - len(statuses), statuses, unknown)
