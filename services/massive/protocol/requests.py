"""What a client sends to the provider."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

import msgspec
from msgspec import Struct

Action = Literal["auth", "subscribe", "unsubscribe"]

CHANNELS_PER_REQUEST = 1_000
"""Some 25 kB, far below the megabyte that the provider takes."""


class Request(Struct, frozen=True):
    """One request: `params` is the key, or channels with commas between them."""

    action: Action
    params: str


def authenticate(key: str) -> str:
    """The request that opens the feed."""
    return _encode("auth", key)


def subscribe(channels: Iterable[str]) -> Iterator[str]:
    """The requests that ask for these channels, such as `T.AAPL` or `AM.*`; none when there are no channels."""
    return _in_parts("subscribe", channels)


def unsubscribe(channels: Iterable[str]) -> Iterator[str]:
    """The requests that give these channels back; none when there are no channels."""
    return _in_parts("unsubscribe", channels)


def _in_parts(action: Action, channels: Iterable[str]) -> Iterator[str]:
    remaining = iter(sorted(channels))
    while part := ",".join(islice(remaining, CHANNELS_PER_REQUEST)):
        yield _encode(action, part)


def _encode(action: Action, params: str) -> str:
    return msgspec.json.encode(Request(action, params)).decode()
