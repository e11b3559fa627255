"""redis_consumer: turns the entries of the stream into last prices and minute bars on market-redis, each exactly once.

It reads as a consumer of a group, under a name that all its incarnations share: what one was given and did not settle
is given to the next. The changes of a batch and its acknowledgement are one step in Redis.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from anyio.abc import TaskStatus
from redis.exceptions import ResponseError

from services.massive.config import Massive
from services.massive.pipeline import Pipeline
from services.massive.prices import PriceFold
from services.massive.protocol import BadFrame, decode_events
from services.shared import redis_clients
from services.shared.redis_clients import Client

__all__ = ("run",)

CONSUMER: Final = "redis_consumer"

BATCH: Final = 100
"""Entries that are settled together at most."""

BLOCK: Final = 2_000
"""Milliseconds that one read waits for new entries."""

CLAIM_AFTER: Final = 60_000
"""Milliseconds after which an entry in the hands of a consumer of another name counts as left behind."""

_SCRIPT: Final = Path(__file__).with_suffix(".lua").read_text()

Entry = tuple[bytes, dict[bytes, bytes]]


async def run(
    config: Massive, pipeline: Pipeline, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Consume until stopped; ready once the group is there.

    Args:
        config: the service.
        pipeline: told of entries that cannot be read, and of those that the stream's limit cut off.
        client: of market-redis, without a limit on the time of a read; None: one of its own.
        task_status: told when the group is there.

    Raises:
        redis.exceptions.RedisError: the entries in hand are read again by the next incarnation.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.blocking, config.buses.market) as redis:
        await redis_clients.until_it_answers(redis)
        consumer = _Consumer(config, pipeline, redis)
        await consumer.join()
        task_status.started()
        await consumer.settle_own()
        while True:
            await consumer.settle_new()


class _Consumer:
    """One incarnation's reads and settlements."""

    def __init__(self, config: Massive, pipeline: Pipeline, redis: Client) -> None:
        self._stream = config.keys.stream
        self._group = config.keys.group
        self._keys = config.keys
        self._bar_ttl = config.bar_ttl
        self._pipeline = pipeline
        self._redis = redis
        self._apply = redis.register_script(_SCRIPT)

    async def join(self) -> None:
        """Make the group if it is missing, to read from the stream's beginning."""
        try:
            await self._redis.execute_command("XGROUP", "CREATE", self._stream, self._group, "0", "MKSTREAM")
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def settle_own(self) -> None:
        """Settle what former incarnations were given."""
        while entries := _entries(await self._redis.execute_command(*self._read("0"))):
            await self._settle(entries)

    async def settle_new(self) -> None:
        """Settle what is there, or wait for what comes, two seconds at most; and take over what was left behind.

        1. A read is on its way when its incarnation is cancelled. 2. The next one settles its own entries. 3. Redis
        answers the old read, to nobody. So entries that are pending while we hold none are looked at again.
        """
        entries, pending = await self._read_new()
        if entries:
            await self._settle(entries)
        if pending:
            await self._claim()
            await self.settle_own()
        if not entries:
            waiting = self._read(">", "BLOCK", BLOCK)
            await self._settle(_entries(await self._redis.execute_command(*waiting)))

    async def _read_new(self) -> tuple[Sequence[Entry], int]:
        # The group's count of entries goes on over those that the stream's limit cut off before we had them.
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("XINFO", "GROUPS", self._stream)
        at_once.execute_command(*self._read(">"))
        at_once.execute_command("XINFO", "GROUPS", self._stream)
        before, reply, after = await at_once.execute()
        entries = _entries(reply)
        was, now = self._ours(before), self._ours(after)
        if was[b"entries-read"] is not None and now[b"entries-read"] is not None:
            self._pipeline.counts.lost += max(0, now[b"entries-read"] - was[b"entries-read"] - len(entries))
        return entries, was[b"pending"]

    async def _claim(self) -> None:
        claim = ("XAUTOCLAIM", self._stream, self._group, CONSUMER, CLAIM_AFTER, "0-0", "COUNT", BATCH)
        _, _, trimmed = await self._redis.execute_command(*claim)
        self._pipeline.counts.lost += len(trimmed)

    async def _settle(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        fold = PriceFold(self._keys)
        refused: list[tuple[str, bytes]] = []
        for _, fields in entries:
            if fields:
                refused += _fold(fold, fields)
        batch = {"ids": [id.decode() for id, _ in entries], "changes": fold.changes()}
        arguments = (self._group, CONSUMER, self._bar_ttl, msgspec.json.encode(batch))
        if await self._apply(keys=[self._stream], args=arguments):
            self._count(entries, refused)

    def _count(self, entries: Sequence[Entry], refused: Sequence[tuple[str, bytes]]) -> None:
        trimmed = sum(not fields for _, fields in entries)
        self._pipeline.counts.lost += trimmed
        self._pipeline.counts.consumed += len(entries) - trimmed - len(refused)
        for reason, payload in refused:
            self._pipeline.reject(reason, payload)

    def _read(self, start: str, *options: str | int) -> Sequence[str | int]:
        who = ("XREADGROUP", "GROUP", self._group, CONSUMER)
        return (*who, "COUNT", BATCH, *options, "STREAMS", self._stream, start)

    def _ours(self, groups: Sequence[dict[bytes, Any]]) -> dict[bytes, Any]:
        name = self._group.encode()
        return next(group for group in groups if group[b"name"] == name)


def _fold(fold: PriceFold, fields: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
    payload = fields.get(b"payload")
    if payload is None:
        return [("an entry without payload", b" ".join(fields))]
    try:
        fold.add(decode_events(payload).events)
    except BadFrame as error:
        return [(str(error), payload)]
    return []


def _entries(reply: Any) -> Sequence[Entry]:
    """Take the entries of our one stream out of a reply; no reply at all means that none came in time."""
    return reply[0][1] if reply else ()
