"""The probe of a Redis that workers need: whether it does for us what they need, and answers what it was asked."""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

from redis.exceptions import RedisError

from services.shared.logutil import Log
from services.shared.redis_clients import Client
from services.shared.redis_refusals import AccessRefused, WrongAnswer

SAY_EVERY = 30.0
"""Seconds between two lines about a server that stays away."""

_WRITE: Final = "redis.call('SET', KEYS[1], ARGV[1], 'PX', 1000) redis.call('DEL', KEYS[1]) return ARGV[1]"
_READ: Final = "redis.call('EXISTS', KEYS[1]) return ARGV[1]"

_OVER_AFTER: Final = 10.0
"""Seconds without a probe after which an outage counts as over: while it lasts, one follows the other."""


async def takes_writes(client: Client, key: str) -> None:
    """Raise if the server does not take a write, which leaves nothing behind, or does not answer what it is asked.

    A server that refuses us is there: what to do about that is not a question of waiting.

    Args:
        client: of the server.
        key: is ours.
    """
    await _ask(client, "EVAL", _WRITE, key)


async def _ask(client: Client, command: str, script: str, key: str) -> None:
    asked = secrets.token_hex(8)
    try:
        answer = await client.execute_command(command, script, 1, key, asked)
    except AccessRefused:
        return
    if answer != asked.encode():
        client.renew()
        raise WrongAnswer(f"asked for one answer, the server gave another: {str(answer)[:40]!r}")


class BusProbe:
    """Asks one server, and says again and again that it is away while it is.

    Args:
        name: of the bus.
        client: of its server.
        service: which asks; its key is `<service>:probe`.
        logger: of the service.
    """

    def __init__(self, name: str, client: Client, service: str, logger: Log) -> None:
        self._name = name
        self._client = client
        self._key = f"{service}:probe"
        self._logger = logger
        self._since = self._said = 0.0
        self._last_failure = float("-inf")

    async def writes(self) -> None:
        """Raise if the server takes no writes from us."""
        await self._told(lambda: takes_writes(self._client, self._key))

    async def reads(self) -> None:
        """Raise if the server lets us read nothing: for those who do not write there."""
        await self._told(lambda: _ask(self._client, "EVAL_RO", _READ, self._key))

    async def _told(self, ask: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        try:
            await ask()
        except BaseException as error:  # also a cancellation: it has taken too long
            self._note_failure(began, error)
            raise
        self._last_failure = float("-inf")

    def _note_failure(self, now: float, error: BaseException) -> None:
        if now - self._last_failure > _OVER_AFTER:
            self._since = self._said = now
        self._last_failure = now
        if now - self._said >= SAY_EVERY:
            self._said = now
            told = str(error) if isinstance(error, RedisError) else "no answer"
            self._logger.warning("%s is away for %d s now: %s", self._name, round(now - self._since), told)
