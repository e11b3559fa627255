"""A stream that is read by a group, each entry until it is settled.

All incarnations of a consumer share its name: what one was given and did not settle is given to the next. Settling, its
acknowledgement included, is one step in Redis and the matter of whoever reads.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from services.shared.redis_clients import Client
from services.shared.redis_refusals import WrongAnswer

BLOCK: Final = 2_000
"""Milliseconds that one read waits for new entries."""

CLAIM_AFTER: Final = 60_000
"""Milliseconds after which an entry in the hands of a consumer of another name counts as left behind."""

_KEEP: Final = Path(__file__).with_name("settled.lua").read_text()

Entry = tuple[bytes, dict[bytes, bytes]]
"""Id and fields; an entry that was cut off before it was settled has no fields."""


def settled_key(stream: str, group: str) -> str:
    """The key of the last id that the group has settled; the script that settles writes it in the same step."""
    return f"{group}:settled:{stream}"


def settling(script: Path) -> str:
    """A script, with `keep_settled(key, id)` for it to call in the step in which it acknowledges."""
    return _KEEP + script.read_text()


_JOIN: Final = settling(Path(__file__).with_name("join.lua"))


async def join(redis: Client, stream: str, group: str) -> None:
    """Make the group, and the stream with it, if it is missing: it reads on behind what was settled.

    A group can vanish, with a failover or by somebody's hand, and made again at the beginning it would count twice.
    """
    await redis.register_script(_JOIN)(keys=[stream, settled_key(stream, group)], args=[group])


def group_named(name: str, groups: Sequence[dict[bytes, Any]]) -> dict[bytes, Any] | None:
    """The one of that name among the groups that XINFO GROUPS lists; None if it is not there."""
    return next((group for group in groups if group[b"name"] == name.encode()), None)


class GroupReader:
    """One incarnation's reads.

    Args:
        redis: client of the stream's server, for reads that wait.
        stream: its key.
        group: that has been joined.
        consumer: the name in the group.
        batch: entries that are settled together at most.
        settle: settles entries, and acknowledges them in the same step.
        lose: told how many entries the stream's limit has cut off before they were read.
    """

    def __init__(
        self,
        redis: Client,
        *,
        stream: str,
        group: str,
        consumer: str,
        batch: int,
        settle: Callable[[Sequence[Entry]], Awaitable[None]],
        lose: Callable[[int], None],
    ) -> None:
        self._redis = redis
        self._stream = stream
        self._group = group
        self._consumer = consumer
        self._batch = batch
        self._settle = settle
        self._lose = lose

    async def settle_own(self) -> None:
        """Settle what former incarnations were given."""
        while entries := self._entries(await self._redis.execute_command(*self._read("0"))):
            await self._settle(entries)

    async def settle_new(self) -> None:
        """Settle what is there, or wait for what comes, two seconds at most; and take over what was left behind.

        1. A read is on its way when its incarnation is cancelled. 2. The next one settles its own entries. 3. Redis
        answers the old read, to nobody. So entries that are pending while we hold none are looked at again.
        """
        entries, pending = await self.read_new()
        if entries:
            await self._settle(entries)
        if pending:
            await self._claim()
            await self.settle_own()
        if not entries:
            waiting = self._read(">", "BLOCK", BLOCK)
            if late := self._entries(await self._redis.execute_command(*waiting)):
                await self._settle(late)

    async def read_new(self) -> tuple[Sequence[Entry], int]:
        """What is there, without waiting, and how many entries were pending before."""
        # The group's count of entries goes on over those that the stream's limit cut off before we had them.
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("XINFO", "GROUPS", self._stream)
        at_once.execute_command(*self._read(">"))
        at_once.execute_command("XINFO", "GROUPS", self._stream)
        before, reply, after = await at_once.execute()
        entries = self._entries(reply)
        was, now = group_named(self._group, before), group_named(self._group, after)
        if was is None or now is None:
            raise WrongAnswer(f"a read by the group {self._group!r}, and no such group")
        if was[b"entries-read"] is not None and now[b"entries-read"] is not None:
            self._lose(max(0, now[b"entries-read"] - was[b"entries-read"] - len(entries)))
        return entries, was[b"pending"]

    async def _claim(self) -> None:
        claim = ("XAUTOCLAIM", self._stream, self._group, self._consumer, CLAIM_AFTER, "0-0", "COUNT", self._batch)
        _, _, trimmed = await self._redis.execute_command(*claim)
        self._lose(len(trimmed))

    def _read(self, start: str, *options: str | int) -> Sequence[str | int]:
        who = ("XREADGROUP", "GROUP", self._group, self._consumer)
        return (*who, "COUNT", self._batch, *options, "STREAMS", self._stream, start)

    def _entries(self, reply: Any) -> Sequence[Entry]:
        return entries_of(self._stream, reply)


def entries_of(stream: str, reply: Any) -> Sequence[Entry]:
    """Take the entries of one stream out of a reply; no reply at all means that none came in time.

    Raises:
        WrongAnswer: they are another stream's.
    """
    if not reply:
        return ()
    found: Any = reply[0]
    if found[0] != stream.encode():
        raise WrongAnswer(f"asked for entries of {stream!r}, got those of {found[0]!r}")
    entries: Sequence[Entry] = found[1]
    return entries
