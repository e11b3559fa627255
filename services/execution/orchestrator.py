"""The orchestrator: posts the limits that hold, and watches for orders that are stuck.

An operator's limits are a hash on intel-redis, so nothing is lost when the orchestrator restarts. While Redis is away,
or what it holds makes no sense, the limits stay as they are.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
import msgspec
from anyio.abc import TaskStatus
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoReply

from services.execution.board import Board
from services.execution.config import Execution, Limits
from services.shared.logutil import LogUtil
from services.shared.redis_clients import Client, until_it_answers

WATCH_INTERVAL: Final = 1.0
"""Seconds between two looks at the limits and at the orders."""

NAMED: Final = 5
"""Stuck orders that one line names."""


async def run(
    config: Execution, board: Board, redis: Client, logger: LogUtil, *, task_status: TaskStatus[Limits]
) -> None:
    """Post limits, say which, and go on posting and watching until stopped.

    Args:
        config: the service.
        board: where the limits are posted.
        redis: client of intel-redis, shared by all incarnations.
        logger: told of limits that make no sense, and of stuck orders, once each.
        task_status: ready once the first limits are posted.
    """
    poster = _Poster(config, board, redis, logger)
    watch = _Watch(config, redis, logger)
    await until_it_answers(redis)
    task_status.started(await poster.post())
    while True:
        try:
            await watch.look()
            await anyio.sleep(WATCH_INTERVAL)
            await poster.post()
        except (NotConnected, NoReply):  # the workers say so
            await anyio.sleep(WATCH_INTERVAL)


class _Poster:
    """Puts the operator's limits over the configured ones."""

    def __init__(self, config: Execution, board: Board, redis: Client, logger: LogUtil) -> None:
        self._config = config
        self._board = board
        self._redis = redis
        self._logger = logger
        self._holding = config.limits
        self._refused = ""

    async def post(self) -> Limits:
        """Read the operator's limits, post what holds, and return it."""
        found: Mapping[bytes, bytes] = await self._redis.execute_command("HGETALL", self._config.keys.limits)
        try:
            self._holding = _merged(self._config.limits, found)
        except (msgspec.ValidationError, UnicodeDecodeError) as error:
            self._complain(str(error))
        else:
            self._refused = ""
        self._board.post(self._holding)
        return self._holding

    def _complain(self, why: str) -> None:
        if why != self._refused:
            self._logger.warning("%s makes no sense, the limits stay as they are: %s", self._config.keys.limits, why)
        self._refused = why


def _merged(configured: Limits, found: Mapping[bytes, bytes]) -> Limits:
    texts = {name.decode(): value.decode() for name, value in found.items()}
    return msgspec.convert({**msgspec.to_builtins(configured), **texts}, Limits, strict=False)


class _Watch:
    """Says once of each order that it is stuck, and once when none is any more.

    Which were reported is a set on intel-redis: another incarnation does not say it again.
    """

    def __init__(self, config: Execution, redis: Client, logger: LogUtil) -> None:
        self._keys = config.keys
        self._after = config.stuck_after
        self._redis = redis
        self._logger = logger

    async def look(self) -> None:
        """Compare the open orders with those that were reported."""
        limit = time.time() - self._after
        at_once = self._redis.pipeline(transaction=True)
        at_once.execute_command("ZRANGEBYSCORE", self._keys.open, "-inf", limit)
        at_once.execute_command("SMEMBERS", self._keys.stuck)
        stuck, reported = await at_once.execute()
        if new := [id for id in stuck if id not in reported]:
            self._logger.warning("%s", await self._report(new))
            await self._redis.execute_command("SADD", self._keys.stuck, *new)
        if done := set(reported) - set(stuck):
            await self._redis.execute_command("SREM", self._keys.stuck, *done)
            if not stuck:
                self._logger.ok("no order is stuck any more")

    async def _report(self, stuck: Sequence[bytes]) -> str:
        together = self._redis.pipeline(transaction=False)
        for id in stuck[:NAMED]:
            together.execute_command("HMGET", f"{self._keys.order}:{id.decode()}", "state", "symbol")
        named = [
            f"{id.decode()} ({_text(symbol)}, {_text(state)})"
            for id, (state, symbol) in zip(stuck, await together.execute(), strict=False)
        ]
        more = f" and {len(stuck) - NAMED} more" if len(stuck) > NAMED else ""
        return f"not done after {self._after:g} s: {len(stuck)} orders, {', '.join(named)}{more}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else "unknown"
