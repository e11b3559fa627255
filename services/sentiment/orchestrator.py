"""The orchestrator: sees to the consumer group, and watches how far the service is behind.

What it has said stands in the tally, so that a restarted orchestrator does not say it again, and says what is over.
"""

import anyio
from anyio.abc import TaskStatus
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as NoReply

from services.sentiment.backlog import articles_waiting
from services.sentiment.config import Sentiment
from services.sentiment.tally import Tally
from services.shared.consumer_group import join
from services.shared.logutil import Log
from services.shared.redis_clients import Client, until_it_answers


async def run(config: Sentiment, tally: Tally, redis: Client, logger: Log, *, task_status: TaskStatus[int]) -> None:
    """Watch until stopped; ready with the number of articles that wait.

    Args:
        config: the service.
        tally: what the worker counts, and what has been said of it.
        redis: client of intel-redis, shared by all incarnations.
        logger: told once when the backlog has grown, once when it is gone, and of articles that are lost.
        task_status: told when the group is there.
    """
    await until_it_answers(redis)
    await join(redis, config.keys.articles, config.keys.group)
    watch = _Watch(config, tally, redis, logger)
    task_status.started(await watch.look())
    while True:
        await anyio.sleep(config.backlog.every)
        await watch.look_if_reachable()


class _Watch:
    """Turns numbers into words, each said once."""

    def __init__(self, config: Sentiment, tally: Tally, redis: Client, logger: Log) -> None:
        self._backlog = config.backlog
        self._keys = config.keys
        self._tally = tally
        self._redis = redis
        self._logger = logger

    async def look(self) -> int:
        """Say what there is to say, and return how many articles wait."""
        waiting = await articles_waiting(self._redis, self._keys, self._backlog.grown)
        self._say_backlog(waiting)
        self._say_lost()
        return waiting

    async def look_if_reachable(self) -> None:
        """The same, but a Redis that is away is no reason to stop: the worker says so."""
        try:
            await self.look()
        except (NotConnected, NoReply):
            return

    def _say_backlog(self, waiting: int) -> None:
        if waiting >= self._backlog.grown and not self._tally.behind:
            self._logger.warning("the backlog has grown: %d articles wait to be scored", waiting)
            self._tally.behind = True
        elif waiting <= self._backlog.gone and self._tally.behind:
            self._logger.ok("the backlog is gone: %d articles wait to be scored", waiting)
            self._tally.behind = False

    def _say_lost(self) -> None:
        lost = self._tally.lost - self._tally.told_lost
        if lost:
            self._logger.warning("%d articles were cut off from the stream before they were scored", lost)
        self._tally.told_lost += lost
