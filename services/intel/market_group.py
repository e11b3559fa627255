"""Massive's stream, read as a consumer of the group `intel`: every entry, in the order of the stream, until it is settled."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError

from services.intel.config import Keys
from services.intel.pipeline import Counts
from services.shared.consumer_group import entries_of, group_named
from services.shared.redis_clients import Client
from services.shared.redis_refusals import WrongAnswer

CONSUMER: Final = "signals"
"""All incarnations share the name: what one was given and did not settle is given to the next."""

BATCH: Final = 100
"""Entries that are settled together at most, or twice as many when some were given to a former incarnation."""

BLOCK: Final = 2_000
"""Milliseconds that one wait for new entries lasts."""

Entry = tuple[str, dict[bytes, bytes]]
"""Id and fields; an entry that was cut off before it was settled has no fields."""


class Joined(NamedTuple):
    """The group as it is found.

    Attributes:
        is_new: it was not there before.
        top: the last id of the stream.
        given: the last id that the group was given.
    """

    is_new: bool
    top: str
    given: str


class MarketGroup:
    """The reading side.

    Args:
        redis: client of market-redis, for reads that wait.
        keys: the names of stream and group.
        counts: told of entries that were cut off before they were read.
    """

    def __init__(self, redis: Client, keys: Keys, counts: Counts) -> None:
        self._redis = redis
        self._stream = keys.stream
        self._group = keys.group
        self._counts = counts

    async def join(self) -> Joined:
        """Make the group if it is missing, to read from the stream's beginning."""
        is_new = await self._create()
        together = self._redis.pipeline(transaction=True)
        together.execute_command("XINFO", "STREAM", self._stream)
        together.execute_command("XINFO", "GROUPS", self._stream)
        stream, groups = await together.execute()
        top, given = stream[b"last-generated-id"], self._ours(groups)[b"last-delivered-id"]
        return Joined(is_new=is_new, top=bytes(top).decode(), given=bytes(given).decode())

    async def between(self, position: str, given: str) -> Sequence[Entry]:
        """The first entries behind a position and up to another, whether they are acknowledged or not."""
        wanted = ("XRANGE", self._stream, f"({position}", given, "COUNT", BATCH)
        return _decoded(await self._redis.execute_command(*wanted))

    async def next_entries(self) -> Sequence[Entry]:
        """The oldest entries that are not settled; waits for some, two seconds at most, and gives none if none come."""
        entries, top = await self._read()
        if not entries:
            # It waits without taking: entries that a blocked XREADGROUP gives to a connection that has just died would
            # be found out of order later.
            await self._redis.execute_command("XREAD", "COUNT", 1, "BLOCK", BLOCK, "STREAMS", self._stream, top)
            entries, _ = await self._read()
        return entries

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Let the group forget entries that are settled."""
        await self._redis.execute_command("XACK", self._stream, self._group, *(id for id, _ in entries))

    async def _create(self) -> bool:
        try:
            await self._redis.execute_command("XGROUP", "CREATE", self._stream, self._group, "0", "MKSTREAM")
        except ResponseError as error:
            if "BUSYGROUP" in str(error):
                return False
            raise
        return True

    async def _read(self) -> tuple[Sequence[Entry], str]:
        # What is pending is older than what is new, and both are read in one step: nothing comes in between. Where more
        # is pending than one read gives, the new entries join it and wait for their turn.
        together = self._redis.pipeline(transaction=True)
        together.execute_command("XINFO", "GROUPS", self._stream)
        together.execute_command(*self._take("0"))
        together.execute_command(*self._take(">"))
        together.execute_command("XINFO", "GROUPS", self._stream)
        before, pending, new, after = await together.execute()
        held, added = (_decoded(entries_of(self._stream, reply)) for reply in (pending, new))
        group = self._ours(after)
        self._count_lost(self._ours(before), group, len(added))
        entries = held if len(held) >= BATCH else (*held, *added)
        return entries, bytes(group[b"last-delivered-id"]).decode()

    def _count_lost(self, before: dict[bytes, Any], after: dict[bytes, Any], added: int) -> None:
        # The group's count of entries goes on over those that the stream's limit cut off before we had them.
        was, now = before[b"entries-read"], after[b"entries-read"]
        if was is not None and now is not None:
            self._counts.lost += max(0, now - was - added)

    def _take(self, start: str) -> Sequence[str | int]:
        who = ("XREADGROUP", "GROUP", self._group, CONSUMER)
        return (*who, "COUNT", BATCH, "STREAMS", self._stream, start)

    def _ours(self, groups: Sequence[dict[bytes, Any]]) -> dict[bytes, Any]:
        if (group := group_named(self._group, groups)) is None:
            raise WrongAnswer(f"a read by the group {self._group!r}, and no such group")
        return group


def ordinal(id: str) -> tuple[int, int]:
    """The place of an entry in its stream."""
    stamp, _, sequence = id.partition("-")
    return int(stamp), int(sequence)


def _decoded(entries: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> Sequence[Entry]:
    return [(id.decode(), fields or {}) for id, fields in entries]
