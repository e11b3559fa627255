"""An incident as a value, its changes, its fingerprint and its id."""

import os
from collections.abc import Callable
from hashlib import blake2s
from typing import Literal

from msgspec import Struct

from otp.observe.failures import Outcome


class Moment(Struct, frozen=True):
    """A point in time.

    Attributes:
        at: seconds of the tree's clock, for arithmetic.
        wall: seconds since 1970, to show.
    """

    at: float
    wall: float


class Incident(Struct, frozen=True, kw_only=True):
    """One incident as it is now.

    Attributes:
        id: short, unique, and in the order of opening when sorted.
        path: the child.
        fingerprint: names the kind of the failure: path, type and own frames, without line numbers and messages.
        type: of the exception; without one, how the child ended, as `Normal`.
        message: of the last failure, secrets taken out.
        frame: where the last failure was, the innermost own frame.
        verdict: what the last failure was, by a policy; empty without one.
        worst: the gravest outcome of its failures.
        count: failures so far.
        opened: when the first failure was.
        last: when the last failure was.
        resolved: when the child was healthy again; None while it is open.
        downtime: seconds that the child was down over it, without the current outage.
        down_since: when the current outage began, on the tree's clock; None while there is none.
        injected: all its failures were injected on purpose.
        maintenance: its last failure happened under maintenance, which sends no alert.
        state: open or resolved.
        revision: changes so far, from 1.
    """

    id: str
    path: str
    fingerprint: str
    type: str
    message: str
    frame: str
    verdict: str
    worst: Outcome
    count: int
    opened: Moment
    last: Moment
    resolved: Moment | None = None
    downtime: float = 0.0
    down_since: float | None = None
    injected: bool = False
    maintenance: bool = False
    state: Literal["open", "resolved"] = "open"
    revision: int = 1


class _Change(Struct, frozen=True, tag_field="event"):
    incident: Incident


class IncidentOpened(_Change, frozen=True, tag="incident.opened"):
    """The first failure of its kind."""


class IncidentUpdated(_Change, frozen=True, tag="incident.updated"):
    """Another failure, a graver consequence, or the end of an outage."""


class IncidentResolved(_Change, frozen=True, tag="incident.resolved"):
    """The child is healthy again."""


IncidentChange = IncidentOpened | IncidentUpdated | IncidentResolved
IncidentListener = Callable[[IncidentChange], None]
"""Called with each change. It must not block; a listener that raises is called no more."""


def fingerprint_of(path: str, kind: tuple[str, tuple[str, ...]]) -> str:
    """The fingerprint of a failure of this kind, see `cause_of`, at this path: 12 hexadecimal digits."""
    text = "\n".join((path, kind[0], *kind[1]))
    return blake2s(text.encode(errors="replace"), digest_size=6).hexdigest()


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter looks like a digit, and texts sort as their values do."""


class Ids:
    """Makes ids of twelve characters: milliseconds since 1970, always more than the last time, and three random ones."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, wall: float) -> str:
        """Return the next id. It sorts behind all before it, also when the clock was set back."""
        self._last = max(self._last + 1, int(wall * 1_000))
        chance = int.from_bytes(os.urandom(2)) & 0x7FFF
        value = self._last << 15 | chance
        return "".join(_DIGITS[value >> shift & 31] for shift in range(55, -1, -5))
