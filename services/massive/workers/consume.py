"""redis_consumer: turns the entries of the stream into last prices and minute bars on market-redis, each exactly once.

It reads as a consumer of a group, under a name that all its incarnations share: what one was given and did not settle
is given to the next. The changes of a batch, its acknowledgement and the place behind it are one step in Redis.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from anyio.abc import TaskStatus

from services.massive.config import Massive
from services.massive.pipeline import Pipeline
from services.massive.prices import PriceFold
from services.massive.protocol import BadFrame, decode_events
from services.shared import redis_clients
from services.shared.consumer_group import Entry, GroupReader, join, settled_key, settling
from services.shared.redis_clients import Client

CONSUMER: Final = "redis_consumer"

BATCH: Final = 100
"""Entries that are settled together at most."""

_SCRIPT: Final = settling(Path(__file__).with_suffix(".lua"))


async def run(
    config: Massive, pipeline: Pipeline, client: Client | None = None, *, task_status: TaskStatus[None]
) -> None:
    """Consume until stopped; ready once the group is there.

    Args:
        config: the service.
        pipeline: told of each turn, of entries that cannot be read, and of those that the stream's limit cut off.
        client: of market-redis, for reads that wait; None: one of its own.
        task_status: told when the group is there.

    Raises:
        redis.exceptions.RedisError: the entries in hand are read again by the next incarnation.
    """
    async with redis_clients.lent_or_opened(client, redis_clients.blocking, config.buses.market) as redis:
        await redis_clients.until_it_answers(redis)
        await join(redis, config.keys.stream, config.keys.group)
        reader = _Consumer(config, pipeline, redis).reader
        task_status.started()
        await reader.settle_own()
        while True:
            await reader.settle_new()
            pipeline.turns.redis_consumer += 1


class _Consumer:
    """One incarnation's settlements."""

    def __init__(self, config: Massive, pipeline: Pipeline, redis: Client) -> None:
        self._stream = config.keys.stream
        self._group = config.keys.group
        self._keys = config.keys
        self._bar_ttl = config.bar_ttl
        self._pipeline = pipeline
        self._redis = redis
        self._apply = redis.register_script(_SCRIPT)
        self.reader = GroupReader(
            redis,
            stream=self._stream,
            group=self._group,
            consumer=CONSUMER,
            batch=BATCH,
            settle=self._settle,
            lose=self._lose,
        )

    def _lose(self, entries: int) -> None:
        self._pipeline.counts.lost += entries

    async def _settle(self, entries: Sequence[Entry]) -> None:
        fold = PriceFold(self._keys)
        refused: list[tuple[str, bytes]] = []
        for _, fields in entries:
            if fields:
                refused += _fold(fold, fields)
        batch = {"ids": [id.decode() for id, _ in entries], "changes": fold.changes()}
        arguments = (self._group, CONSUMER, self._bar_ttl, msgspec.json.encode(batch))
        if await self._apply(keys=[self._stream, settled_key(self._stream, self._group)], args=arguments):
            self._count(entries, refused)

    def _count(self, entries: Sequence[Entry], refused: Sequence[tuple[str, bytes]]) -> None:
        trimmed = sum(not fields for _, fields in entries)
        self._lose(trimmed)
        self._pipeline.counts.consumed += len(entries) - trimmed - len(refused)
        for reason, payload in refused:
            self._pipeline.reject(reason, payload)


def _fold(fold: PriceFold, fields: dict[bytes, bytes]) -> list[tuple[str, bytes]]:
    payload = fields.get(b"payload")
    if payload is None:
        return [("an entry without payload", b" ".join(fields))]
    try:
        fold.add(decode_events(payload).events)
    except BadFrame as error:
        return [(str(error), payload)]
    return []
