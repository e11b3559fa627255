"""fill_recorder: takes the broker's fills, and puts fills and positions on the bus, each fill exactly once."""

from pathlib import Path
from typing import Final

import msgspec
from anyio.abc import TaskStatus

from services.execution.broker.client import BrokerClient, connected
from services.execution.broker.protocol import Fills
from services.execution.config import Execution
from services.shared import redis_clients
from services.shared.redis_clients import Client

WAIT: Final = 2.0
"""Seconds that the broker is asked to wait for fills when there are none."""

_RECORD: Final = Path(__file__).with_suffix(".lua").read_text()


async def run(config: Execution, producer: Client, *, task_status: TaskStatus[None]) -> None:
    """Record fills until stopped; ready once Redis answers.

    Args:
        config: the service.
        producer: client of intel-redis that does not retry.
        task_status: told when it is ready. That does not wait for the broker, which may be a sibling: a tree that waited
            here while it starts could not restart it.

    Raises:
        BrokerError: no fills from the broker; it is asked for them again by the next incarnation.
        redis.exceptions.RedisError: so it is.
    """
    await redis_clients.until_it_answers(producer)
    task_status.started()
    async with connected(config.broker) as broker:
        recorder = _Recorder(config, producer, broker)
        while True:
            await recorder.record_next()


class _Recorder:
    """One incarnation's records."""

    def __init__(self, config: Execution, producer: Client, broker: BrokerClient) -> None:
        self._config = config
        self._keys = config.keys
        self._redis = producer
        self._broker = broker
        self._record = producer.register_script(_RECORD)

    async def record_next(self) -> None:
        """Record what came after the cursor, or wait for it, two seconds at most."""
        held = await self._redis.execute_command("GET", self._keys.cursor)
        cursor = held.decode() if held else "0-0"
        fills = await self._broker.fills(after=cursor, wait=WAIT)
        if fills.fills:
            await self._write(cursor, fills)

    async def _write(self, cursor: str, fills: Fills) -> None:
        keys, config = self._keys, self._config
        await self._record(
            keys=[keys.fills, keys.positions, keys.open, keys.cursor, keys.rejected],
            args=(
                cursor,
                fills.cursor,
                msgspec.json.encode(fills.fills),
                keys.order,
                keys.exposure,
                config.stream_maxlen,
                config.notes_maxlen,
                config.record_ttl,
            ),
        )
