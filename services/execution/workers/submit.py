"""submitter: brings orders to the broker that it has not answered yet.

Which these are is a set on intel-redis: an order enters it in the step that makes the order, and leaves it in the step
that writes the answer down. In between, it is submitted as often as it takes: the broker knows it by its id, and
answers what it answered the first time. The stream of orders only wakes this worker.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import TaskStatus

from services.execution.broker.client import BrokerClient, connected
from services.execution.broker.protocol import Submit
from services.execution.config import Execution
from services.shared import redis_clients
from services.shared.redis_clients import Client

BATCH: Final = 50
"""Orders that are looked up together at most."""

BLOCK: Final = 2_000
"""Milliseconds that it waits for new orders."""

HALT_INTERVAL: Final = 0.2
"""Seconds between two looks at a kill switch that is on."""

_ANSWERED: Final = Path(__file__).with_name("answered.lua").read_text()


async def run(config: Execution, producer: Client, blocking: Client, *, task_status: TaskStatus[None]) -> None:
    """Submit until stopped; ready once Redis answers.

    Args:
        config: the service.
        producer: client of intel-redis that does not retry.
        blocking: client of intel-redis for reads that wait.
        task_status: told when it is ready. That does not wait for the broker, which may be a sibling: a tree that waited
            here while it starts could not restart it.

    Raises:
        BrokerError: no answer from the broker; the order is submitted again by the next incarnation.
        redis.exceptions.RedisError: the answer may not be written down; so is the order.
    """
    await redis_clients.until_it_answers(producer)
    task_status.started()
    async with connected(config.broker) as broker:
        submitter = _Submitter(config, producer, blocking, broker)
        while True:
            await submitter.submit_waiting()


class _Submitter:
    """One incarnation's submissions."""

    def __init__(self, config: Execution, producer: Client, blocking: Client, broker: BrokerClient) -> None:
        self._config = config
        self._keys = config.keys
        self._redis = producer
        self._blocking = blocking
        self._broker = broker
        self._answered = producer.register_script(_ANSWERED)

    async def submit_waiting(self) -> None:
        """Submit what waits, the oldest first, or wait for what comes, two seconds at most."""
        newest, halted, ids = await self._look()
        if halted:
            await anyio.sleep(HALT_INTERVAL)
        elif ids:
            for id in ids:
                if not await self._submit(id.decode()):
                    return
        else:
            await self._blocking.execute_command("XREAD", "BLOCK", BLOCK, "STREAMS", self._keys.orders, newest)

    async def _look(self) -> tuple[bytes, bool, Sequence[bytes]]:
        """The last order of the stream as it is now, whether the kill switch is on, and the orders that wait."""
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("XREVRANGE", self._keys.orders, "+", "-", "COUNT", 1)
        at_once.execute_command("EXISTS", self._keys.halted)
        at_once.execute_command("ZRANGE", self._keys.unsent, 0, BATCH - 1)
        newest, halted, ids = await at_once.execute()
        return newest[0][0] if newest else b"0-0", bool(halted), ids

    async def _submit(self, id: str) -> bool:
        """Submit an order and write the answer down; False when the kill switch has stopped it."""
        record = f"{self._keys.order}:{id}"
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("EXISTS", self._keys.halted)
        at_once.execute_command("HMGET", record, "symbol", "side", "quantity")
        halted, order = await at_once.execute()
        if halted:
            return False
        answer = await self._broker.submit(_submission(id, order, self._config.broker.slices))
        await self._answered(
            keys=[record, self._keys.unsent, self._keys.open, f"{self._keys.exposure}:{order[1].decode()}"],
            args=(id, answer.status, answer.reason, answer.broker_id, self._config.record_ttl),
        )
        return True


def _submission(id: str, order: Sequence[Any], slices: int) -> Submit:
    symbol, side, quantity = order
    return Submit(id=id, symbol=symbol.decode(), side=side.decode(), quantity=int(quantity), slices=slices)
